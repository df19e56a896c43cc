//! Pages of lists, and the queries of URLs.

use serde_json::{Value as Json, json};

/// Most rows of a page, and how many there are where nobody asks.
const MOST: usize = 1000;
const USUAL: usize = 50;

/// Name and value of each parameter.
pub(super) type Query = Vec<(String, String)>;

/// Reads the query of a URL.
pub(super) fn parse_query(text: &str) -> Query {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.extend(['%', hex(other >> 4), hex(other & 15)]),
        }
    }
    out
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// Which rows are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub limit: usize,
    pub offset: usize,
}

impl Page {
    pub fn read(query: &Query) -> Self {
        let number = |name: &str| {
            let value = query.iter().rev().find(|(known, _)| known == name);
            value.and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let limit = match number("limit") {
            None => USUAL,
            Some(0) => MOST,
            Some(limit) => limit.min(MOST),
        };
        Self { limit, offset: number("offset").unwrap_or(0) }
    }

    /// The answer with the addresses of the pages around this one.
    pub fn answer(self, url: &str, query: &Query, count: usize, rows: Vec<Json>) -> Json {
        let next = (self.offset + self.limit < count).then(|| self.url(url, query, Some(self.offset + self.limit)));
        let previous = (self.offset > 0).then(|| {
            let offset = self.offset.checked_sub(self.limit).filter(|offset| *offset > 0);
            self.url(url, query, offset)
        });
        json!({"count": count, "next": next, "previous": previous, "results": rows})
    }

    fn url(self, url: &str, query: &Query, offset: Option<usize>) -> String {
        let mut query: Query =
            query.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "offset")).cloned().collect();
        query.push(("limit".to_owned(), self.limit.to_string()));
        if let Some(offset) = offset {
            query.push(("offset".to_owned(), offset.to_string()));
        }
        query.sort_by(|left, right| left.0.cmp(&right.0));
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        format!("{url}?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let query = parse_query("name=a%20b&offset=4&limit=2");
        let page = Page::read(&query);
        assert_eq!(page, Page { limit: 2, offset: 4 });
        let answer = page.answer("http://x/", &query, 9, Vec::new());
        assert_eq!(answer["next"], "http://x/?limit=2&name=a+b&offset=6");
        assert_eq!(answer["previous"], "http://x/?limit=2&name=a+b&offset=2");
        assert_eq!(Page::read(&parse_query("limit=0")).limit, 1000);
        assert_eq!(Page::read(&parse_query("limit=x")).limit, 50);
    }
}
