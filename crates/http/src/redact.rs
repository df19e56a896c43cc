//! What must not be shown is replaced before it reaches a message, a log or a recording.

use reqwest::header::HeaderMap;
use serde_json::Value;
use url::form_urlencoded;

/// Stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Names that carry secrets when they appear anywhere in the name of a header, parameter or field.
const SECRET_PARTS: [&str; 15] = [
    "authorization",
    // Of SNMP, and of agents with keys.
    "community",
    "psk",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "session",
    "signature",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
];

/// Names that carry secrets only as the whole name.
const SECRET_NAMES: [&str; 7] = ["auth", "jwt", "key", "otp", "pass", "pwd", "sig"];

/// Whether a value under this name is a secret: judged without case, `-` and `_`.
pub fn is_secret(name: &str) -> bool {
    // What ends in `_` is made to be another word: `key_` is what a system calls an item, not what opens it.
    let is_whole = !name.ends_with('_');
    let name: String = name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_PARTS.iter().any(|part| name.contains(part)) || (is_whole && SECRET_NAMES.contains(&name.as_str()))
}

/// Whether a text names a secret: as a whole, or by one of its words (`{$SNMP_COMMUNITY}`).
pub(crate) fn names_secret(text: &str) -> bool {
    is_secret(text) || text.split(|letter: char| !letter.is_alphanumeric()).any(is_secret)
}

/// Headers as pairs, secrets replaced.
///
/// ```
/// use syncline_http::{HeaderMap, redact_headers};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("authorization", "Token abc".parse().unwrap());
/// assert_eq!(redact_headers(&headers), [("authorization".to_owned(), "[redacted]".to_owned())]);
/// ```
pub fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let secret = value.is_sensitive() || is_secret(name.as_str());
            let value =
                if secret { REDACTED.to_owned() } else { String::from_utf8_lossy(value.as_bytes()).into_owned() };
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// A query string (without `?`), secrets replaced and decoded for reading.
///
/// ```
/// assert_eq!(syncline_http::redact_query("name=a%20b&api_token=abc"), "name=a b&api_token=[redacted]");
/// ```
pub fn query(query: &str) -> String {
    let mut text = String::with_capacity(query.len());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&name);
        text.push('=');
        text.push_str(if is_secret(&name) { REDACTED } else { &value });
    }
    sanitize(&text, 300)
}

/// Replaces, anywhere inside a JSON value, what stands under a secret's name.
///
/// ```
/// let mut value = serde_json::json!({"user": "x", "auth": {"password": "y"}, "items": [{"apiKey": "z"}]});
/// syncline_http::redact_json(&mut value);
/// assert_eq!(value, serde_json::json!({"user": "x", "auth": "[redacted]", "items": [{"apiKey": "[redacted]"}]}));
/// ```
pub fn json(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) && !value.is_null() {
                    *value = Value::from(REDACTED);
                } else {
                    json(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json),
        _ => {}
    }
}

/// Text from outside made fit for one line of a message: white space collapsed, control characters dropped, cut at
/// `limit` characters with `…`.
pub(crate) fn sanitize(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = length > 0;
            continue;
        }
        // Also what reorders text on a terminal or in a page.
        if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        {
            continue;
        }
        if length + usize::from(space) >= limit {
            out.push('…');
            break;
        }
        if space {
            out.push(' ');
            length += 1;
            space = false;
        }
        out.push(c);
        length += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name_and_other_names_are_kept() {
        for name in
            ["Authorization", "proxy-authorization", "Set-Cookie", "X-Api-Key", "access_key", "sessionid", "key"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["name", "keys", "monkey", "limit", "networkId", "passive", "author", "mac_address", "key_"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn text_from_outside_stays_on_one_short_line() {
        assert_eq!(sanitize("  a\r\n\t b \u{1b}[31mred\u{202e} ", 100), "a b [31mred");
        assert_eq!(sanitize("abcdef", 3), "abc…");
        assert_eq!(sanitize("abc   ", 3), "abc");
        assert_eq!(sanitize("äöü xyz", 5), "äöü x…");
    }
}
