//! A request that failed for good, folded below the line that tells of it.

use askama::Template;
use askama::filters::HtmlSafe;
use syncline_core::error::Exchange;

use super::show::clean;

/// What was asked, and what was answered.
#[derive(Debug, Template)]
#[template(path = "parts/exchange.html")]
pub struct Exchanged {
    method: String,
    url: String,
    status: Option<u16>,
    attempts: u32,
    /// Line by line.
    body: Vec<String>,
}

impl HtmlSafe for Exchanged {}

impl Exchanged {
    fn is_once(&self) -> bool {
        self.attempts == 1
    }

    /// A request as a page shows it.
    pub fn of(exchange: &Exchange) -> Self {
        Self {
            method: clean(&exchange.method),
            url: clean(&exchange.url),
            status: exchange.status,
            attempts: exchange.attempts,
            body: exchange.body.iter().flat_map(|body| body.lines()).map(clean).collect(),
        }
    }
}
