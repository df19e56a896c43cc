//! One page of a list.

use schemars::JsonSchema;
use serde::Serialize;
use syncline_core::history::Page;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T, C = ()> {
    /// The items.
    pub items: Vec<T>,
    /// What the next page is asked for with; null when this is the last one.
    pub next: Option<C>,
}

/// Some of a list that is looked through while it is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "{T}Part")]
pub struct Part<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// What the next page is asked for with; null when this is the last one.
    pub next: Option<C>,
    /// So much was looked at that the page ended before it was full: there may be nothing in it.
    pub cut_short: bool,
}

impl<T> List<T> {
    /// A list that is short enough to be one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

impl<T, C> From<Page<T, C>> for List<T, C> {
    fn from(page: Page<T, C>) -> Self {
        Self { items: page.items, next: page.next }
    }
}
