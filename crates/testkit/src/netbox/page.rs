//! Pages of lists: by offset and count, or by cursor.

use super::errors::Refusal;
use super::filter::{Query, parameter};
use super::text::push;

/// Rows of a page when the request names no limit.
const DEFAULT_LIMIT: usize = 50;

/// Which rows a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// First id, when the request pages by cursor.
    pub start: Option<u64>,
    pub offset: usize,
    pub limit: usize,
}

impl Page {
    /// Reads `start`, `offset` and `limit`; a limit above `max` is `max`, without a word.
    pub fn parse(query: &Query, max: usize) -> Result<Self, Refusal> {
        let limit = match parameter(query, "limit").and_then(|text| text.parse::<usize>().ok()) {
            Some(0) => max,
            Some(limit) => limit.min(max),
            None => DEFAULT_LIMIT.min(max),
        };
        let offset = parameter(query, "offset").and_then(|text| text.parse().ok()).unwrap_or(0);
        let Some(start) = parameter(query, "start") else { return Ok(Self { start: None, offset, limit }) };
        let Ok(start) = start.parse() else {
            return Err(invalid("Invalid 'start' parameter: must be a non-negative integer."));
        };
        if parameter(query, "offset").is_some() {
            return Err(invalid("'start' and 'offset' are mutually exclusive."));
        }
        if parameter(query, "ordering").is_some() {
            return Err(invalid("Ordering cannot be specified in conjunction with cursor-based pagination."));
        }
        Ok(Self { start: Some(start), offset: 0, limit })
    }
}

/// A 400 whose body is a list of one sentence.
fn invalid(text: &str) -> Refusal {
    Refusal::Sentences(vec![text.to_owned()])
}

/// The address of another page: the same query in the order of its names, with some of them set or taken away.
pub(super) fn link(base: &str, path: &str, query: &Query, set: &[(&str, Option<String>)]) -> String {
    let mut pairs: Query =
        query.iter().filter(|(name, _)| !set.iter().any(|(known, _)| known == name)).cloned().collect();
    pairs.extend(set.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?))));
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    format!("{base}{path}?{}", pairs.join("&"))
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            other => push(&mut encoded, format_args!("%{other:02X}")),
        }
    }
    encoded
}

/// Reads a query string.
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
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The list of a page as JSON: envelope around rendered rows.
pub(super) struct Envelope {
    pub count: Option<usize>,
    pub next: Option<String>,
    pub previous: Option<String>,
}

impl Envelope {
    /// The links of a page of `rows` rows of which the last has the id `last`.
    pub fn new(
        page: Page,
        (base, path): (&str, &str),
        query: &Query,
        count: usize,
        rows: usize,
        last: Option<u64>,
    ) -> Self {
        let limit = ("limit", Some(page.limit.to_string()));
        if page.start.is_some() {
            let more = last.filter(|_| rows >= page.limit);
            let next = more.map(|last| {
                link(base, path, query, &[limit, ("start", Some((last + 1).to_string())), ("offset", None)])
            });
            return Self { count: None, next, previous: None };
        }
        let end = page.offset + page.limit;
        let next = (end < count).then(|| link(base, path, query, &[limit.clone(), ("offset", Some(end.to_string()))]));
        let previous = (page.offset > 0).then(|| {
            let offset =
                page.offset.checked_sub(page.limit).filter(|offset| *offset > 0).map(|offset| offset.to_string());
            link(base, path, query, &[limit, ("offset", offset)])
        });
        Self { count: Some(count), next, previous }
    }

    /// Writes the envelope around rows that are already JSON.
    pub fn wrap(&self, rows: &str) -> String {
        let url = |url: &Option<String>| url.as_ref().map_or_else(|| "null".to_owned(), |url| format!("\"{url}\""));
        let count = self.count.map_or_else(|| "null".to_owned(), |count| count.to_string());
        format!(
            "{{\"count\":{count},\"next\":{},\"previous\":{},\"results\":[{rows}]}}",
            url(&self.next),
            url(&self.previous)
        )
    }
}
