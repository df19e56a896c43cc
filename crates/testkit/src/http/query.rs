//! The queries of URLs.

use std::fmt::Write as _;

/// Name and value of each parameter, in the order of the URL.
pub(crate) type Query = Vec<(String, String)>;

/// Reads the query of a URL.
pub(crate) fn parse(text: &str) -> Query {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(&name.replace('+', " ")), percent_decode(&value.replace('+', " ")))
        })
        .collect()
}

/// The address of another page: the same query in the order of its names, with some of them set or taken away.
pub(crate) fn link(url: &str, query: &Query, set: &[(&str, Option<String>)]) -> String {
    let mut pairs: Query =
        query.iter().filter(|(name, _)| !set.iter().any(|(known, _)| known == name)).cloned().collect();
    pairs.extend(set.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?))));
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    format!("{url}?{}", pairs.join("&"))
}

/// A text with its `%2F` and the like read; a `%` that no two digits follow stays.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let escaped = (bytes[position] == b'%')
            .then(|| text.get(position + 1..position + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escaped.unwrap_or(bytes[position]));
        position += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            other => write!(encoded, "%{other:02X}").expect("a string takes any text"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_agree_with_their_definitions() {
        assert_eq!(percent_decode("X_1%2Frun%"), "X_1/run%");
        assert_eq!(parse("a=1&b=x+y&c"), [("a", "1"), ("b", "x y"), ("c", "")].map(|(k, v)| (k.into(), v.into())));
        let query = parse("name=a%20b&limit=5&start=%C3%BC");
        let set = [("limit", Some("2".to_owned())), ("start", None)];
        assert_eq!(link("http://x/", &query, &set), "http://x/?limit=2&name=a+b");
        assert_eq!(link("http://x/", &query, &[]), "http://x/?limit=5&name=a+b&start=%C3%BC");
    }
}
