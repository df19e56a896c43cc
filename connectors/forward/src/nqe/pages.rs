//! Rows page by page. Pages that repeat, end early or contradict their total are errors.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use syncline_http::{Response, Retry};

use super::execution::Computed;
use super::seen::Seen;
use super::{Reader, rows_of};
use crate::error::{Error, Problem};
use crate::queries::Bound;

/// More pages than that are taken for paging that does not end.
const MOST_PAGES: u64 = 5_000;

/// One page of a result.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub items: Vec<Box<RawValue>>,
    #[serde(rename = "totalNumItems")]
    pub total: Option<u64>,
}

/// The rows of a query, page by page.
pub(super) struct Pages {
    reader: Reader,
    from: From,
    page: std::vec::IntoIter<Box<RawValue>>,
    /// Rows that have come; also where the next page begins, because pages may be shorter than asked for.
    received: u64,
    turned: u64,
    total: Option<u64>,
    seen: Seen,
    end: Option<End>,
}

/// What gives the pages.
enum From {
    /// The query, computed again for every page.
    Query(Bound),
    /// The result of an execution.
    Result(Computed),
}

/// How the pages ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With as many rows as the total says.
    Proven,
    /// With a page that was not full, and no total to compare with.
    Assumed,
}

impl Pages {
    /// Computes the query for every page.
    pub fn computed_each(reader: &Reader, bound: &Bound) -> Self {
        Self::new(reader, From::Query(bound.clone()), None)
    }

    /// Reads a result that is computed.
    pub fn of_result(reader: &Reader, computed: Computed) -> Self {
        let total = computed.rows;
        Self::new(reader, From::Result(computed), total)
    }

    fn new(reader: &Reader, from: From, total: Option<u64>) -> Self {
        Self {
            reader: reader.clone(),
            from,
            page: Vec::new().into_iter(),
            received: 0,
            turned: 0,
            total,
            seen: Seen::default(),
            end: None,
        }
    }

    /// How many rows there are in all, if the server said so.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Why the rows may not be all.
    pub fn doubt(&self) -> Option<&'static str> {
        (self.end == Some(End::Assumed))
            .then_some("the answers state no total (`totalNumItems`), so that nothing proves that all rows came")
    }

    /// The next row; none after the last.
    pub async fn next(&mut self) -> Result<Option<Box<RawValue>>, Error> {
        loop {
            if let Some(row) = self.page.next() {
                return Ok(Some(row));
            }
            if self.end.is_some() {
                return Ok(None);
            }
            self.turn().await?;
        }
    }

    async fn turn(&mut self) -> Result<(), Error> {
        let limits = self.reader.limits;
        if self.turned == MOST_PAGES {
            return Err(paging(format!("{MOST_PAGES} pages came and there are still more; raise `page_size`")));
        }
        let page = match &self.from {
            From::Query(bound) => compute(&self.reader, bound, self.received, limits.page_size).await?,
            From::Result(computed) => computed.page(&self.reader, self.received, limits.page_size).await?,
        };
        self.turned += 1;
        self.take_total(page.total)?;
        let full = page.items.len() as u64 >= u64::from(limits.page_size);
        self.check_rows(&page)?;
        let (rows, length) = rows_of(page);
        self.received += length as u64;
        if self.received > limits.max_rows {
            return Err(self.reader.too_many(self.received));
        }
        self.end = match self.total {
            Some(total) if self.received > total => {
                return Err(paging(format!("{} rows came, and the server says that there are {total}", self.received)));
            }
            Some(total) if self.received == total => Some(End::Proven),
            Some(total) if length == 0 => {
                return Err(paging(format!("they ended after {} of {total} rows", self.received)));
            }
            None if !full => Some(End::Assumed),
            _ => None,
        };
        self.page = rows;
        Ok(())
    }

    fn take_total(&mut self, total: Option<u64>) -> Result<(), Error> {
        match (self.total, total) {
            (Some(before), Some(now)) if before != now => {
                Err(paging(format!("the server said that there are {before} rows, and then {now}")))
            }
            (None, Some(total)) if total > self.reader.limits.max_rows => Err(self.reader.too_many(total)),
            (None, Some(total)) => {
                self.total = Some(total);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A row of another page that comes again means that pages overlap, so that others never come.
    fn check_rows(&mut self, page: &Page) -> Result<(), Error> {
        let only_page = self.received == 0 && self.total == Some(page.items.len() as u64);
        if only_page {
            return Ok(());
        }
        let new = page.items.iter().filter(|row| self.seen.is_new(row.get().as_bytes())).count();
        let repeated = page.items.len() - new;
        if repeated == 0 {
            return Ok(());
        }
        Err(paging(format!(
            "{repeated} of the {} rows from row {} on came before; either the paging does not advance, or the query has equal rows (each must be unique by its first columns)",
            page.items.len(),
            self.received
        )))
    }
}

/// Computes a query for one page of its rows.
pub(super) async fn compute(reader: &Reader, bound: &Bound, offset: u64, limit: u32) -> Result<Page, Error> {
    let mut options = json!({"offset": offset, "limit": limit, "itemFormat": "JSON"});
    if limit > 1
        && let Some(column) = bound.query.columns().key().first()
    {
        // This route sorts by one column only.
        options["sortBy"] = json!({"columnName": column, "order": "ASC"});
    }
    let mut body: Map<String, Value> = bound.body();
    body.insert("queryOptions".to_owned(), options);
    let budget = reader.limits.budget;
    let request = reader
        .api
        .post("nqe")
        .query("networkId", &reader.network)
        .query("snapshotId", &reader.snapshot)
        .json(&body)
        .retry(Retry::Idempotent)
        // The budget below ends it first, with words of its own.
        .answer_timeout(budget.saturating_add(Duration::from_mins(1)))
        .send();
    match tokio::time::timeout(budget, request).await {
        Ok(answer) => parse(answer.map_err(Error::of)?).await,
        Err(_) => Err(Problem::QueryTimeout(format!("{} minutes", budget.as_secs() / 60)).into()),
    }
}

/// Reads a page away from the threads that wait for others: it can be hundreds of megabytes.
pub(super) async fn parse(answer: Response) -> Result<Page, Error> {
    let page = tokio::task::spawn_blocking(move || answer.json()).await;
    page.map_err(|error| Error::new(Problem::Protocol(format!("reading a page stopped: {error}"))))?.map_err(Error::of)
}

fn paging(what: String) -> Error {
    Problem::Paging(what).into()
}
