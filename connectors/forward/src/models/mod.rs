//! From rows to records, one file for each model; and what they share: the run, its catalogues, its devices.

pub(crate) mod catalogues;
pub(crate) mod device;
pub(crate) mod device_type;
pub(crate) mod interface;
pub(crate) mod ip_address;
pub(crate) mod mac_address;
pub(crate) mod platform;
pub(crate) mod prefix;
pub(crate) mod site;
pub(crate) mod tag;
pub(crate) mod virtual_chassis;
pub(crate) mod vlan;
pub(crate) mod vrf;

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use syncline_core::event::Level;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::{ModelSink, SnapshotSink};
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::Model;

use crate::nqe::{Reader, Row, Rows};
use crate::queries::{Bound, Query};
use crate::settings::Parameters;

/// One read of the source.
pub(crate) struct Run<'a> {
    pub reader: &'a Reader,
    pub sink: &'a SnapshotSink,
    pub request: &'a ReadRequest,
    pub parameters: &'a Parameters,
    /// The queries of this read that are ready, or why they are not.
    pub queries: BTreeMap<Query, Result<Ready, String>>,
    /// Why absence proves nothing in the whole read.
    pub doubt: OnceLock<String>,
    /// Whether the scope is finer than the queries can express, so that devices are chosen here.
    pub chooses_devices: bool,
}

/// A query that passed its probe.
pub(crate) struct Ready {
    pub bound: Bound,
    /// How many rows it has, if the server said so.
    pub total: Option<u64>,
}

/// The rows of a query, with failures sorted: those of the run are errors, those of the query end its rows.
pub(crate) struct Stream {
    query: Query,
    rows: Option<Rows>,
    doubt: Option<String>,
}

/// All rows of a small query.
pub(crate) struct Collected<T> {
    pub rows: Vec<T>,
    rejected: Vec<Rejected>,
    /// Why they may not be all.
    pub doubt: Option<String>,
}

/// A row that is none.
pub(crate) struct Rejected {
    row: String,
    column: String,
    message: String,
}

/// Takes note of rows that are none.
pub(crate) trait TakeRejected {
    fn take(&mut self, rejected: Rejected);
}

/// Why a device is not among those that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The sync reads only some devices, and not this one.
    OutOfScope,
    /// It should be there.
    Unknown,
}

impl Run<'_> {
    pub fn wants<M: Model>(&self) -> bool {
        self.request.fields.has(M::NAME)
    }

    pub fn warn(&self, text: impl Into<String>) {
        self.sink.events().message(Level::Warning, text);
    }

    pub fn total(&self, query: Query) -> Option<u64> {
        self.queries.get(&query).and_then(|ready| ready.as_ref().ok()).and_then(|ready| ready.total)
    }

    /// Starts reading the rows of a query.
    pub async fn stream(&self, query: Query) -> Result<Stream> {
        let mut stream = Stream { query, rows: None, doubt: None };
        match self.queries.get(&query) {
            None => stream.doubt = Some(format!("the query `{query}` was not prepared")),
            Some(Err(reason)) => stream.doubt = Some(reason.clone()),
            Some(Ok(ready)) => match self.reader.rows(&ready.bound).await {
                Ok(rows) => stream.rows = Some(rows),
                Err(error) => stream.doubt = Some(reason(error.into(), query)?),
            },
        }
        Ok(stream)
    }

    /// Reads all rows of a small query.
    pub async fn collect<T: DeserializeOwned>(&self, query: Query) -> Result<Collected<T>> {
        let mut stream = self.stream(query).await?;
        let mut rejected = Vec::new();
        let mut rows = Vec::new();
        while let Some(row) = stream.next(&mut rejected).await? {
            rows.push(row);
        }
        Ok(Collected { rows, rejected, doubt: stream.doubt() })
    }

    /// The same if it is wanted at all; else nothing, and no doubt.
    pub async fn collect_if<T: DeserializeOwned>(&self, wanted: bool, query: Query) -> Result<Collected<T>> {
        if wanted {
            return self.collect(query).await;
        }
        Ok(Collected::default())
    }

    /// Ends a model: complete unless there is a doubt.
    pub async fn end<M: Model>(&self, records: ModelSink<M>, doubt: Option<String>) -> Result<()> {
        match doubt.or_else(|| self.doubt.get().cloned()) {
            Some(reason) => records.partial(reason).await,
            None => records.complete().await,
        }
    }
}

impl Stream {
    /// The next row; none at the end, whatever the end is: [`Stream::doubt`] tells.
    pub async fn next<T: DeserializeOwned>(&mut self, rejected: &mut impl TakeRejected) -> Result<Option<T>> {
        while let Some(rows) = &mut self.rows {
            match rows.next::<T>().await {
                Ok(Some(Row::Good(row))) => return Ok(Some(row)),
                Ok(Some(Row::Bad { row, column, message })) => rejected.take(Rejected { row, column, message }),
                Ok(None) => {
                    self.doubt = rows.doubt().map(|doubt| format!("the query `{}`: {doubt}", self.query));
                    self.rows = None;
                }
                Err(error) => {
                    self.rows = None;
                    self.doubt = Some(reason(error.into(), self.query)?);
                }
            }
        }
        Ok(None)
    }

    /// Why the rows may not be all; to be asked at their end.
    pub fn doubt(self) -> Option<String> {
        self.doubt
    }
}

impl<T> Default for Collected<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), rejected: Vec::new(), doubt: None }
    }
}

impl<T> Collected<T> {
    /// Hands the rows that are none to the model that they were meant for.
    pub fn report<M: Model>(&mut self, records: &mut ModelSink<M>) {
        self.rejected.drain(..).for_each(|rejected| records.take(rejected));
    }
}

impl TakeRejected for Vec<Rejected> {
    fn take(&mut self, rejected: Rejected) {
        self.push(rejected);
    }
}

impl<M: Model> TakeRejected for ModelSink<M> {
    fn take(&mut self, Rejected { row, column, message }: Rejected) {
        self.reject(row, column, message);
    }
}

/// The reason for a model to be partial, if the error concerns its query alone; else the error, which ends the run.
fn reason(error: Error, query: Query) -> Result<String> {
    let error = error.with("query", query);
    if ends_the_run(&error) { Err(error) } else { Ok(error.report()) }
}

/// Whether no other query would fare better.
pub(crate) fn ends_the_run(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unreachable
            | ErrorKind::Unauthenticated
            | ErrorKind::RateLimited
            | ErrorKind::Cancelled
            | ErrorKind::Storage
            | ErrorKind::Internal
    )
}

/// Positions by name, for rows that name a device.
pub(crate) type Positions = HashMap<Box<str>, u32>;
