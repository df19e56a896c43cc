//! Pages of lists: by offset and count, or by cursor.

use super::errors::Refusal;
use super::filter::parameter;
use crate::django::page::Window;
use crate::http::query::{Query, link};

/// Which rows a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// First id, when the request pages by cursor.
    pub start: Option<u64>,
    pub window: Window,
}

impl Page {
    /// Reads `start`, `offset` and `limit`; a limit above `max` is `max`, without a word.
    pub fn parse(query: &Query, max: usize) -> Result<Self, Refusal> {
        let window = Window::read(parameter(query, "limit"), parameter(query, "offset"), max);
        let Some(start) = parameter(query, "start") else { return Ok(Self { start: None, window }) };
        let Ok(start) = start.parse() else {
            return Err(invalid("Invalid 'start' parameter: must be a non-negative integer."));
        };
        if parameter(query, "offset").is_some() {
            return Err(invalid("'start' and 'offset' are mutually exclusive."));
        }
        if parameter(query, "ordering").is_some() {
            return Err(invalid("Ordering cannot be specified in conjunction with cursor-based pagination."));
        }
        Ok(Self { start: Some(start), window: Window { offset: 0, ..window } })
    }
}

/// A 400 whose body is a list of one sentence.
fn invalid(text: &str) -> Refusal {
    Refusal::Sentences(vec![text.to_owned()])
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
        let url = format!("{base}{path}");
        if page.start.is_some() {
            let limit = page.window.limit;
            let next = last.filter(|_| rows >= limit).map(|last| {
                let (limit, start) = (limit.to_string(), (last + 1).to_string());
                link(&url, query, &[("limit", Some(limit)), ("start", Some(start)), ("offset", None)])
            });
            return Self { count: None, next, previous: None };
        }
        let (next, previous) = page.window.neighbours(&url, query, count);
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
