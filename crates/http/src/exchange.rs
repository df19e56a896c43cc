//! What is kept of a request that failed for good: who was asked for what, and what was answered, without secrets.

use syncline_core::error::{EXCERPT, Exchange};

use crate::{Error, redact};

impl Error {
    /// The request that failed, and the beginning of what was answered; none when nothing was sent.
    pub fn exchange(&self) -> Option<Exchange> {
        let (status, body) = match self {
            Self::Settings { .. } | Self::Request(_) | Self::Condition(_) | Self::Replay(_) => return None,
            Self::Transport(_) => (None, None),
            Self::Status(error) => (Some(error.status), shown(&error.body)),
            Self::Answer(error) => (Some(error.status), None),
        };
        let call = self.call()?;
        Some(Exchange {
            method: call.method.to_string(),
            url: format!("{}{}", call.origin, call.path),
            status: status.map(|status| status.as_u16()),
            attempts: call.attempts,
            body,
        })
    }
}

/// What servers write before JSON so that no page takes it for a script.
const BEFORE_JSON: [&str; 5] = [")]}',", ")]}'", "while(1);", "for(;;);", "{}&&"];

/// The beginning of a body as it can be shown. The credential was taken out where it was read.
///
/// Of JSON the values are redacted that stand under a secret's name. Which those are is not known of what cannot be read to its end, or is
/// something else: of that is shown what comes before the first sign of JSON and the first word that names a secret.
fn shown(body: &[u8]) -> Option<String> {
    // Also what is not seen: a byte order mark, zeros of another encoding, and what parts a name in two.
    let is_shown = |letter: &char| matches!(letter, '\n' | '\t') || !(letter.is_control() || is_unseen(*letter));
    let text: String = String::from_utf8_lossy(body).chars().filter(is_shown).collect();
    let text = text.trim();
    let mut text = match json(body).or_else(|| json(text.as_bytes())) {
        Some(json) => json.chars().filter(is_shown).collect(),
        None => beginning(text),
    };
    if text.len() > EXCERPT {
        text.truncate(text.floor_char_boundary(EXCERPT - '…'.len_utf8()));
        text.push('…');
    }
    (!text.is_empty()).then_some(text)
}

fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A body that is JSON, whatever stands before it, without secrets.
fn json(body: &[u8]) -> Option<String> {
    let parsed = serde_json::from_slice(body).ok().or_else(|| {
        let text = std::str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim_start();
        let rest = BEFORE_JSON.iter().find_map(|before| text.strip_prefix(before)).unwrap_or(text);
        serde_json::from_str(rest).ok()
    });
    let mut value: serde_json::Value = parsed?;
    // A text may be JSON once more, or anything else.
    if let serde_json::Value::String(text) = &value {
        return Some(beginning(text));
    }
    redact::json(&mut value);
    Some(value.to_string())
}

/// What of a text cannot be a secret.
pub(crate) fn beginning(text: &str) -> String {
    let end = json_starts(text).into_iter().chain(secret_starts(text)).min();
    match end {
        None => text.to_owned(),
        Some(end) => {
            let known = text[..end].trim_end();
            if known.is_empty() { String::new() } else { format!("{known} …") }
        }
    }
}

/// Where a text begins to look like JSON: a bracket or a quote at its beginning, a bracket and a quote or another bracket, a name in
/// quotes with a colon behind it.
fn json_starts(text: &str) -> Option<usize> {
    let mut last: Option<(usize, char)> = None;
    for (at, letter) in text.char_indices().filter(|(_, letter)| !letter.is_whitespace()) {
        match (last, letter) {
            (None, '{' | '[' | '"' | '\'') => return Some(at),
            (Some((start, '{' | '[')), '"' | '\'' | '{' | '[') => return Some(start),
            (Some((end, quote @ ('"' | '\''))), ':') => return Some(text[..end].rfind(quote).unwrap_or(end)),
            _ => last = Some((at, letter)),
        }
    }
    None
}

/// Where the first word of a text stands that names a secret.
fn secret_starts(text: &str) -> Option<usize> {
    let is_of_word =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '%' | '&' | '#' | '\\');
    let mut words = text.split_inclusive(|letter| !is_of_word(letter)).scan(0, |at, word| {
        let start = *at;
        *at += word.len();
        Some((start, word.trim_end_matches(|letter| !is_of_word(letter))))
    });
    words.find(|(_, word)| redact::names_secret(word)).map(|(start, _)| start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_without_secrets_and_not_whole() {
        assert_eq!(
            shown(br#"{"name":["bad"],"inner":{"token":"abc"}}"#).unwrap(),
            r#"{"inner":{"token":"[redacted]"},"name":["bad"]}"#
        );
        assert_eq!(shown(br#"{"token": "abc", "cut"#), None);
        assert_eq!(shown(b" \r\n"), None);
        assert_eq!(shown("<h1>down\u{0}\u{1b}[31m</h1>\n".as_bytes()).unwrap(), "<h1>down[31m</h1>");
        assert_eq!(shown("gateway time-out".as_bytes()).unwrap(), "gateway time-out");
        let long = shown("ä".repeat(2_000).as_bytes()).unwrap();
        assert!(long.len() <= EXCERPT && long.ends_with("ä…"), "{}", long.len());
    }

    #[test]
    fn what_is_json_behind_something_is_shown_without_secrets() {
        for before in ["\u{feff}", " \n", ")]}'\n", ")]}',\n", "\u{feff})]}'", "while(1);", "for(;;);\n", "{}&& "] {
            let body = format!("{before}{{\"a\":1,\"token\":\"hush\"}}");
            assert_eq!(shown(body.as_bytes()).as_deref(), Some(r#"{"a":1,"token":"[redacted]"}"#), "{before:?}");
        }
    }

    #[test]
    fn what_cannot_be_parsed_is_shown_as_far_as_it_is_safe() {
        for (body, told) in [
            (r#")]}'{"a":1,"token":"hush", cut"#, ")]}' …"),
            (r#"callback({"token":"hush"})"#, "callback( …"),
            (r#"HTTP 500: {"inner":{"to\u006ben":"hush"}} trailing"#, "HTTP 500: …"),
            (r#"one [ {"key":"hush"}"#, "one …"),
            (r#"one "psk": "hush""#, "one …"),
            ("one 'x' : 'hush'", "one …"),
            (r#""{\"token\":\"hush\"}""#, ""),
            ("page=1&api_token=hush", "page= …"),
            ("<p>no</p><input name=\"csrfmiddlewaretoken\" value=\"hush\">", "<p>no</p><input name=\" …"),
            ("<style>p { color: red }</style><p>down</p>", "<style>p { color: red }</style><p>down</p>"),
            ("Set-Cookie: hush", ""),
            ("sent with pass-word=hush, password=hush", "sent with …"),
            ("to\u{200b}ken=hush", ""),
            ("the key is hush", "the …"),
            ("no such user", "no such user"),
        ] {
            assert_eq!(shown(body.as_bytes()).unwrap_or_default(), told, "{body}");
        }
        let wide: Vec<u8> = "{\"token\":\"hush\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(shown(&[&[0xff, 0xfe][..], &wide].concat()).as_deref(), Some("�� …"));
    }

    /// Whatever stands before and behind, and wherever it is cut, no value under a secret's name is shown.
    #[test]
    fn no_cut_shows_a_secret() {
        let json = r#"{"a": [1, {"auth": {"user": "x", "is": "hush"}}]}"#;
        for before in [
            "",
            " ",
            "\"",
            "'",
            "[",
            "{",
            "}",
            ")]}'",
            ":",
            "x",
            "\\",
            "[1,2]",
            "\"a\"",
            "{\"b\":1}",
            "<!-- ",
            "\u{feff}",
        ] {
            for behind in ["", "}", "\"", "'", " -->", ",", "{}"] {
                let body = format!("{before}{json}{behind}");
                for end in (0..=body.len()).filter(|end| body.is_char_boundary(*end)) {
                    let told = shown(&body.as_bytes()[..end]).unwrap_or_default();
                    assert!(!told.contains("hush"), "{} -> {told}", &body[..end]);
                }
            }
        }
    }
}
