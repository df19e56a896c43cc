//! What a request is known by in a recording: method, path, query and body, without secrets.
//!
//! What means the same is the same: the order of query parameters, of the fields of an object and of lists of plain values is no part of
//! it, as connectors may make those of sets.

use std::collections::BTreeMap;

use serde_json::Value;
use url::{Url, form_urlencoded};

use super::format::Asked;
use super::redactor::redacted;
use super::secrets::{STANDS, Secrets, scrub, scrub_text};
use crate::redact::{self, REDACTED, is_secret};
use crate::request::Prepared;

/// A request as a recording has it, and whether it held a password.
pub(super) fn asked(request: &Prepared, secrets: &Secrets) -> (Asked, bool) {
    let known = secrets.known();
    let content_type = request.headers.get("content-type").and_then(|value| value.to_str().ok());
    let (body, saw_password) = match &request.body {
        Some(body) => redacted(secrets, content_type, body),
        None => (Vec::new(), false),
    };
    let path = path(&request.url, secrets);
    let hash = hash(request.method.as_str(), &path, &body);
    let headers = redact::headers(&request.headers).into_iter();
    let headers: BTreeMap<_, _> =
        headers.map(|(name, value)| (name, scrub_text(&value, &known).into_owned())).collect();
    let body = (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned());
    (Asked { method: request.method.to_string(), path, headers, body, hash }, saw_password)
}

/// Path and query without secrets.
fn path(url: &Url, secrets: &Secrets) -> String {
    let known = secrets.known();
    let decoded = percent_decoded(url.path());
    let scrubbed = scrub(&decoded, &known);
    // Decoded where something stands for a secret, whoever put it there.
    let stands = scrubbed.contains(STANDS) || scrubbed.contains(REDACTED);
    let mut path = if stands { scrubbed.into_owned() } else { url.path().to_owned() };
    let Some(query) = url.query() else { return path };
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = scrub_text(&value, &known);
        let hides = is_secret(&name) && !secrets.is_open(&value);
        pairs.append_pair(&scrub(&name, &known), if hides { REDACTED } else { &value });
    }
    path.push('?');
    path.push_str(&pairs.finish());
    path
}

fn percent_decoded(path: &str) -> String {
    // A form's `+` is a space; in a path it is itself.
    let form = path.replace('+', "%2B");
    form_urlencoded::parse(form.replace('&', "%26").replace('=', "%3D").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}

fn hash(method: &str, path: &str, body: &[u8]) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for part in [method, path, &pairs.join("&")] {
        hasher.update(part.as_bytes()).update(b"\n");
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            settle(&mut value);
            hasher.update(value.to_string().as_bytes());
        }
        Err(_) => {
            hasher.update(body);
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Puts lists of plain values in order.
fn settle(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(settle),
        Value::Array(items) => {
            if items.iter().any(|item| item.is_object() || item.is_array()) {
                items.iter_mut().for_each(settle);
            } else {
                items.sort_by_cached_key(Value::to_string);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        let one = hash("POST", "/a?x=1&y=2", br#"{"b":["2","1"],"a":1}"#);
        assert_eq!(one, hash("POST", "/a?y=2&x=1", br#"{"a":1,"b":["1","2"]}"#));
        for other in [
            hash("GET", "/a?x=1&y=2", br#"{"b":["2","1"],"a":1}"#),
            hash("POST", "/a?x=1&y=3", br#"{"b":["2","1"],"a":1}"#),
            hash("POST", "/a?x=1&y=2", br#"{"b":["2","3"],"a":1}"#),
            hash("POST", "/a?x=1&y=2", br#"[{"b":["2","1"],"a":1}]"#),
        ] {
            assert_ne!(one, other);
        }
        let calls = |first: u8, second: u8| format!(r#"[{{"id":{first}}},{{"id":{second}}}]"#);
        assert_ne!(hash("POST", "/", calls(1, 2).as_bytes()), hash("POST", "/", calls(2, 1).as_bytes()));
    }

    #[test]
    fn a_path_shows_no_secret() {
        let secret = ("env:A".parse().unwrap(), "hunter/2 x+".into());
        let secrets = Secrets::new([secret], []);
        let stands = crate::stand_in(&"env:A".parse().unwrap());
        let shown = |url: &str| path(&Url::parse(url).unwrap(), &secrets);
        assert_eq!(shown("http://x/a%20b/?q=c%20d"), "/a%20b/?q=c+d");
        assert_eq!(shown("http://x/a/hunter%2F2%20x+/b"), format!("/a/{stands}/b"));
        let form: String = form_urlencoded::byte_serialize(stands.as_bytes()).collect();
        assert_eq!(shown("http://x/?q=hunter/2%20x%2B&token=y"), format!("/?q={form}&token=%5Bredacted%5D"));
    }
}
