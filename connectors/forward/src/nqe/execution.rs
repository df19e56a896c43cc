//! Queries that the server computes on its own time (executions, Forward 26.6 and later): submit, wait, read.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use syncline_http::{Retry, Streaming};
use tokio::time::Instant;

use super::Reader;
use super::pages::{self, Page};
use crate::client;
use crate::error::{Error, Problem, QueryError};
use crate::queries::Bound;

/// The first wait between two looks at the status; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Forward asks for no more than one look in five seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long beyond the server's own limit is waited for its verdict.
const GRACE: Duration = Duration::from_mins(1);
/// One that is gone before it was read is computed anew once.
const SUBMISSIONS: u32 = 2;
/// Lines first; older builds answer a document whatever is asked for.
const LINES: &str = "application/x-ndjson, application/jsonl;q=0.9, application/json;q=0.1";

/// A result that is computed and waits to be read.
#[derive(Debug, Clone)]
pub(super) struct Computed {
    key: String,
    /// How many rows it has, if the server says so.
    pub rows: Option<u64>,
}

/// What the server says of an execution.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    execution_key: Option<String>,
    #[serde(rename = "status")]
    stage: String,
    outcome: Option<String>,
    rows_produced: Option<u64>,
    timeout_minutes: Option<u64>,
    error: Option<Value>,
}

impl Computed {
    /// Submits a query and waits until it is computed.
    pub async fn start(reader: &Reader, bound: &Bound) -> Result<Self, Error> {
        let mut submissions = 1;
        loop {
            match Self::submit(reader, bound).await {
                Err(error) if matches!(error.problem(), Problem::NotFound { .. }) && submissions < SUBMISSIONS => {
                    submissions += 1;
                }
                other => return other,
            }
        }
    }

    async fn submit(reader: &Reader, bound: &Bound) -> Result<Self, Error> {
        let key_columns = bound.query.columns().key();
        let sort: Vec<_> = key_columns.iter().map(|column| json!({"columnName": column, "order": "ASC"})).collect();
        let mut body = bound.body();
        body.insert("sortKeys".to_owned(), sort.into());
        let request = reader
            .api
            .post(["networks", &reader.network, "nqe-executions"])
            .query("snapshotId", &reader.snapshot)
            .json(&body)
            .retry(Retry::Idempotent);
        let mut status: Status = client::json(request).await?;
        let Some(key) = status.execution_key.take() else {
            return Err(Problem::Protocol("Forward started the query without telling its key".to_owned()).into());
        };
        let started = Instant::now();
        let mut wait = FIRST_WAIT;
        let mut asked = None;
        while status.stage != "COMPLETED" {
            let limit = status.timeout_minutes.map_or(reader.limits.budget, |minutes| {
                reader.limits.budget.min(Duration::from_secs(minutes.saturating_mul(60)) + GRACE)
            });
            if started.elapsed() > limit {
                return Err(Problem::QueryTimeout(format!("{} minutes", limit.as_secs() / 60)).into());
            }
            // There is nothing to wait on but time: the server sends no event.
            tokio::time::sleep(asked.unwrap_or(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            let request = reader.api.get(["networks", &reader.network, "nqe-executions", &key]);
            let response = request.send().await.map_err(Error::of)?;
            asked = response.header("retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
            status = response.json().map_err(Error::of)?;
        }
        status.settle(key)
    }

    /// Opens the result from a row on. What it is in, lines or a document, is in its content type.
    pub async fn stream(&self, reader: &Reader, offset: u64) -> Result<Streaming, Error> {
        let request = reader.api.get(["networks", &reader.network, "nqe-executions", &self.key, "result"]);
        request.query("offset", offset).accept(LINES).stream().await.map_err(Error::of)
    }

    /// One page of the result.
    pub async fn page(&self, reader: &Reader, offset: u64, limit: u32) -> Result<Page, Error> {
        let request = reader.api.get(["networks", &reader.network, "nqe-executions", &self.key, "result"]);
        let answer = request.query("offset", offset).query("limit", limit).send().await;
        pages::parse(answer.map_err(Error::of)?).await
    }
}

impl Status {
    fn settle(self, key: String) -> Result<Computed, Error> {
        match self.outcome.as_deref() {
            Some("OK") => Ok(Computed { key, rows: self.rows_produced }),
            Some("USER_ERROR") => {
                let error = self.error.map_or_else(|| "Forward does not say why".to_owned(), QueryError::from_value);
                Err(Problem::Query(vec![error]).into())
            }
            Some("TIMED_OUT") => {
                let limit = self.timeout_minutes.map_or("the time that Forward allows".to_owned(), |minutes| {
                    format!("the {minutes} minutes that Forward allows")
                });
                Err(Problem::QueryTimeout(limit).into())
            }
            Some(other) => Err(Problem::QueryFailed(other.to_owned()).into()),
            None => Err(Problem::Protocol("Forward says that the query has ended, but not how".to_owned()).into()),
        }
    }
}
