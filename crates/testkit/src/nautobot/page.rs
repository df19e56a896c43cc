//! Pages of lists.

use serde_json::{Value as Json, json};

use crate::django::page::Window;
use crate::http::query::Query;

/// Most rows of a page.
const MOST: usize = 1000;

/// Which rows are asked for.
pub(super) fn window(query: &Query) -> Window {
    let last = |name: &str| query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    Window::read(last("limit"), last("offset"), MOST)
}

/// The answer with the addresses of the pages around this one.
pub(super) fn answer(window: Window, url: &str, query: &Query, count: usize, rows: Vec<Json>) -> Json {
    let (next, previous) = window.neighbours(url, query, count);
    json!({"count": count, "next": next, "previous": previous, "results": rows})
}
