//! URLs in texts, without what opens a system.

use std::borrow::Cow;

use syncline_http::{REDACTED, is_secret_name};

/// A text whose URLs have lost their users and passwords, and the secrets of their queries.
pub(super) fn without_users(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + "://".len());
        let ends = |letter: char| letter.is_whitespace() || letter.is_control() || "\"'`<>\\".contains(letter);
        let (url, after) = url.split_at(url.find(ends).unwrap_or(url.len()));
        plain.push_str(before);
        let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
        let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        plain.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        plain.push_str(path);
        for (number, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            plain.push(if number == 0 { '?' } else { '&' });
            match pair.split_once('=') {
                Some((name, _)) if is_secret_name(name) => plain.extend([name, "=", REDACTED]),
                _ => plain.push_str(pair),
            }
        }
        rest = after;
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_what_opens_them_wherever_they_stand() {
        for (text, plain) in [
            (r#"{"a": "https://kim:pass@example/x?y"}"#, r#"{"a": "https://example/x?y"}"#),
            ("postgres://kim@db/x", "postgres://db/x"),
            (
                "postgres://db/x?user=kim&password=p&sslmode=on",
                "postgres://db/x?user=kim&password=[redacted]&sslmode=on",
            ),
            ("no `http://a:b@c/` and no https://d:e@f.", "no `http://c/` and no https://f."),
            ("kim: hello, https://x/ and a@b", "kim: hello, https://x/ and a@b"),
        ] {
            assert_eq!(without_users(text), plain);
        }
    }
}
