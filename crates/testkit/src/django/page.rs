//! Pages of lists by limit and offset.

use crate::http::query::{Query, link};

/// Rows of a page when the request names no limit.
const USUAL: usize = 50;

/// Which rows of a list a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub offset: usize,
    pub limit: usize,
}

impl Window {
    /// Reads the parameters `limit` and `offset`. A limit above `most` is `most`, without a word, and so is 0.
    pub fn read(limit: Option<&str>, offset: Option<&str>, most: usize) -> Self {
        let limit = match limit.and_then(|text| text.parse::<usize>().ok()) {
            Some(0) => most,
            Some(limit) => limit.min(most),
            None => USUAL.min(most),
        };
        Self { limit, offset: offset.and_then(|text| text.parse().ok()).unwrap_or(0) }
    }

    /// The addresses of the page after this one and of the one before it, in a list of `count` rows.
    pub fn neighbours(self, url: &str, query: &Query, count: usize) -> (Option<String>, Option<String>) {
        let at = |offset: Option<usize>| {
            let number = |number: usize| Some(number.to_string());
            link(url, query, &[("limit", number(self.limit)), ("offset", offset.and_then(number))])
        };
        let end = self.offset + self.limit;
        let next = (end < count).then(|| at(Some(end)));
        let previous = (self.offset > 0).then(|| at(self.offset.checked_sub(self.limit).filter(|offset| *offset > 0)));
        (next, previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::query::parse;

    #[test]
    fn pages() {
        let query = parse("name=a%20b&offset=4&limit=2");
        let page = Window::read(Some("2"), Some("4"), 1000);
        assert_eq!(page, Window { limit: 2, offset: 4 });
        let (next, previous) = page.neighbours("http://x/", &query, 9);
        assert_eq!(next.as_deref(), Some("http://x/?limit=2&name=a+b&offset=6"));
        assert_eq!(previous.as_deref(), Some("http://x/?limit=2&name=a+b&offset=2"));
        let (_, first) = Window { offset: 1, ..page }.neighbours("http://x/", &query, 2);
        assert_eq!(first.as_deref(), Some("http://x/?limit=2&name=a+b"));
        assert_eq!(Window::read(Some("0"), None, 1000).limit, 1000);
        assert_eq!(Window::read(Some("x"), None, 1000).limit, 50);
        assert_eq!(Window::read(None, None, 20).limit, 20);
    }
}
