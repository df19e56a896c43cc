//! Running queries: one row to look at, or all rows as a stream whose completeness is proven.

mod execution;
mod lines;
mod pages;
mod seen;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use syncline_core::event::{Events, Level};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::Api;
use crate::error::{Error, Problem};
use crate::queries::Bound;
use crate::settings::{Connection, Execution};
use execution::Computed;
use lines::Lines;
use pages::{Page, Pages};

/// Runs queries on one Forward snapshot of one network.
#[derive(Clone)]
pub(crate) struct Reader {
    api: Api,
    network: String,
    snapshot: String,
    limits: Limits,
    /// Queries that may run at the same time.
    slots: Arc<Semaphore>,
    learnt: Arc<Learnt>,
    events: Events,
}

/// How much a query may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    page_size: u32,
    max_rows: u64,
    /// Time that a query may compute.
    budget: Duration,
}

/// What the server turned out to have.
struct Learnt {
    mode: Execution,
    has_executions: AtomicBool,
    has_lines: AtomicBool,
}

/// A row, or what came instead of it.
#[derive(Debug)]
pub(crate) enum Row<T> {
    Good(T),
    /// JSON that is no such row: its text, and the column with what is wrong with it.
    Bad {
        row: String,
        column: String,
        message: String,
    },
}

/// The first row of a query, if it has one, and how many it has, if the server says so.
pub(crate) struct Probe {
    pub first: Option<Map<String, Value>>,
    pub total: Option<u64>,
}

/// The rows of a query as they come. They have ended well only when [`Rows::next`] says that there is no other.
pub(crate) struct Rows {
    source: Source,
    /// How many there will be, if known.
    pub total: Option<u64>,
    _slot: OwnedSemaphorePermit,
}

enum Source {
    Pages(Box<Pages>),
    Lines(Box<Lines>),
}

impl Reader {
    pub fn new(
        api: &Api,
        connection: &Connection,
        has_executions: bool,
        network: &str,
        snapshot: &str,
        events: Events,
    ) -> Self {
        let limits = Limits {
            page_size: connection.page_size,
            max_rows: connection.max_rows,
            budget: Duration::from_secs(connection.query_minutes.saturating_mul(60)),
        };
        let has_executions = match connection.execution {
            Execution::Auto => has_executions,
            Execution::Sync => false,
            Execution::Async => true,
        };
        let learnt = Learnt {
            mode: connection.execution,
            has_executions: AtomicBool::new(has_executions),
            has_lines: AtomicBool::new(true),
        };
        Self {
            api: api.clone(),
            network: network.to_owned(),
            snapshot: snapshot.to_owned(),
            limits,
            slots: Arc::new(Semaphore::new(connection.concurrency)),
            learnt: Arc::new(learnt),
            events,
        }
    }

    /// The same on another Forward snapshot.
    pub fn on(&self, snapshot: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), ..self.clone() }
    }

    /// Runs a query for its first row.
    pub async fn probe(&self, bound: &Bound) -> Result<Probe, Error> {
        let _slot = self.slot().await?;
        let page = pages::compute(self, bound, 0, 1).await?;
        let first = page.items.first().map(|row| {
            serde_json::from_str(row.get())
                .map_err(|_| Problem::Protocol("the rows of the query are no records".to_owned()))
        });
        Ok(Probe { first: first.transpose()?, total: page.total })
    }

    /// Runs a query for all its rows.
    pub async fn rows(&self, bound: &Bound) -> Result<Rows, Error> {
        let slot = self.slot().await?;
        if !self.learnt.has_executions.load(Ordering::Relaxed) {
            return Ok(Rows {
                source: Source::Pages(Box::new(Pages::computed_each(self, bound))),
                total: None,
                _slot: slot,
            });
        }
        let computed = match Computed::start(self, bound).await {
            Err(error)
                if matches!(error.problem(), Problem::NoEndpoint { .. }) && self.learnt.mode == Execution::Auto =>
            {
                if self.learnt.has_executions.swap(false, Ordering::Relaxed) {
                    let text = "this release of Forward has no executions: queries are run page by page";
                    self.events.message(Level::Info, text);
                }
                return Ok(Rows {
                    source: Source::Pages(Box::new(Pages::computed_each(self, bound))),
                    total: None,
                    _slot: slot,
                });
            }
            other => other?,
        };
        if let Some(rows) = computed.rows
            && rows > self.limits.max_rows
        {
            return Err(self.too_many(rows));
        }
        let total = computed.rows;
        let lines =
            if self.learnt.has_lines.load(Ordering::Relaxed) { Lines::open(self, &computed).await? } else { None };
        let source = if let Some(lines) = lines {
            Source::Lines(Box::new(lines))
        } else {
            // The server does not write lines: not for this query, hence not for the others.
            self.learnt.has_lines.store(false, Ordering::Relaxed);
            Source::Pages(Box::new(Pages::of_result(self, computed)))
        };
        Ok(Rows { source, total, _slot: slot })
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, Error> {
        // The semaphore is never closed.
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        slot.map_err(|_| Problem::Protocol("no more queries are run".to_owned()).into())
    }

    fn too_many(&self, rows: u64) -> Error {
        Problem::TooLarge(format!(
            "the query gives {rows} rows or more, and {} are allowed: raise `max_rows` if the network is that large",
            self.limits.max_rows
        ))
        .into()
    }
}

impl Rows {
    /// The next row; none when the last one has come and their number is right.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<Row<T>>, Error> {
        match &mut self.source {
            Source::Pages(pages) => {
                let row = pages.next().await?;
                self.total = pages.total();
                Ok(row.map(|row| Row::read(row.get().as_bytes())))
            }
            Source::Lines(lines) => lines.next().await,
        }
    }

    /// Why the rows may not be all, although nothing went wrong.
    pub fn doubt(&self) -> Option<&'static str> {
        match &self.source {
            Source::Pages(pages) => pages.doubt(),
            Source::Lines(_) => None,
        }
    }
}

impl<T: DeserializeOwned> Row<T> {
    /// Reads a row that is known to be JSON.
    fn read(row: &[u8]) -> Self {
        match serde_json::from_slice(row) {
            Ok(value) => Self::Good(value),
            Err(_) => Self::bad(row),
        }
    }

    /// Looks for the column at fault, which costs too much to be done for every row.
    fn bad(row: &[u8]) -> Self {
        let mut json = serde_json::Deserializer::from_slice(row);
        let (column, message) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Ok(_) => (String::new(), "does not read twice the same".to_owned()),
            Err(error) => (error.path().to_string(), without_place(&error.inner().to_string()).to_owned()),
        };
        let text = String::from_utf8_lossy(row);
        let cut: String = text.chars().take(200).collect();
        Self::Bad { row: cut, column: if column == "." { String::new() } else { column }, message }
    }
}

/// The columns of a first row are those of the contract, and their values of the right types.
pub(crate) fn check_first_row<T: DeserializeOwned>(bound: &Bound, row: &Map<String, Value>) -> Result<(), Error> {
    bound.query.columns().check(bound.query, row)?;
    let text = serde_json::to_vec(row).map_err(|error| Problem::Protocol(error.to_string()))?;
    match Row::<T>::read(&text) {
        Row::Good(_) => Ok(()),
        Row::Bad { column, message, .. } => Err(Problem::Columns(format!(
            "the column `{column}` of the query `{0}` has another type than expected ({message}): change its `select`, or remove `queries.{0}` to use the shipped one",
            bound.query
        ))
        .into()),
    }
}

/// An error of serde without ` at line 1 column 7`, which means nothing for a row.
fn without_place(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |at| &message[..at])
}

fn rows_of(page: Page) -> (std::vec::IntoIter<Box<serde_json::value::RawValue>>, usize) {
    let length = page.items.len();
    (page.items.into_iter(), length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "size")]
        _size: Option<u32>,
    }

    #[test]
    fn the_column_at_fault_is_named() {
        let told = |row: &str| match Row::<Sample>::read(row.as_bytes()) {
            Row::Good(_) => "good".to_owned(),
            Row::Bad { column, message, .. } => format!("{column}: {message}"),
        };
        assert_eq!(told(r#"{"name": "a", "size": null, "more": 1}"#), "good");
        assert_eq!(told(r#"{"name": "a", "size": -1}"#), "size: invalid value: integer `-1`, expected u32");
        assert_eq!(told(r#"{"name": null}"#), "name: invalid type: null, expected a string");
        assert_eq!(told(r#"{"size": 1}"#), ": missing field `name`");
        assert_eq!(told(r"[]"), ": invalid length 0, expected struct Sample with 2 elements");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(row in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Row::<Sample>::read(&row);
        }
    }
}
