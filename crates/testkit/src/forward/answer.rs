//! Answers: JSON, Forward's error bodies, and bodies with rows that stream, break, dawdle or take the server down.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};

use super::Dataset;
use super::faults::{BreakEnd, Faults};
use super::query::QueryError;
use super::server::Shared;
use super::table::{Rows, Table};
use crate::http::Connection;

/// Rows made at a time.
const PIECE: usize = 2_000;

/// An answer other than 2xx.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) reason: Value,
    /// Further members of the body.
    pub(crate) extra: Value,
}

pub(crate) type Answer = Result<Response, Refusal>;

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message: message.into(),
            reason: Value::Null,
            extra: Value::Null,
        }
    }

    /// 400 for a query that does not run.
    pub(crate) fn query(errors: &[QueryError], snapshot: Option<&str>) -> Self {
        let errors: Vec<_> = errors.iter().map(QueryError::to_json).collect();
        let extra = json!({"completionType": "FINISHED", "errors": errors, "snapshotId": snapshot});
        Self { extra, ..Self::new(400, "Error encountered while executing the NQE query") }
    }

    /// 404 for a route that this build does not have.
    pub(crate) fn no_endpoint(method: &str, path: &str) -> Self {
        Self::new(404, format!("No endpoint {method} {path}."))
    }

    /// The body that Forward gives any error.
    pub(crate) fn into_response(self, method: &str, url: &str, mislabelled: bool) -> Response {
        let mut body = json!({"apiUrl": url, "httpMethod": method, "message": self.message, "reason": self.reason});
        if let (Some(body), Value::Object(extra)) = (body.as_object_mut(), self.extra) {
            body.extend(extra);
        }
        let kind = if mislabelled { "text/plain;charset=UTF-8" } else { "application/json" };
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = header::HeaderValue::from_static("Basic realm=\"Forward\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}

/// 200 with a JSON body.
#[expect(clippy::unnecessary_wraps, reason = "routes end with it, and their answers are results")]
pub(crate) fn ok(body: &Value) -> Answer {
    Ok(([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response())
}

/// A range of a result, to be sent in one of the forms below.
pub(crate) struct Page {
    pub(crate) table: Arc<Table>,
    pub(crate) dataset: Dataset,
    pub(crate) snapshot: Value,
    pub(crate) offset: usize,
    /// `usize::MAX` for all that is left.
    pub(crate) limit: usize,
    /// Rows are moved around by that many places.
    pub(crate) rotate: usize,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"snapshotId","items","totalNumItems"}`.
    Document,
    /// One row a line, with the content type.
    Lines(&'static str),
    /// A header and a line for each row.
    Csv,
}

/// Sends rows.
pub(crate) fn rows(shared: &Arc<Shared>, connection: Connection, page: Page, form: Form) -> Response {
    let faults = shared.faults_for(page.dataset);
    let (sender, receiver) = mpsc::channel(4);
    let kind = match form {
        Form::Document => "application/json",
        Form::Lines(kind) => kind,
        Form::Csv => "text/csv;charset=UTF-8",
    };
    let writer = Writer { shared: Arc::clone(shared), connection, page, form, faults, sender, buffer: Vec::new() };
    tokio::spawn(writer.run());
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(receiver.map(|bytes| bytes))).into_response()
}

struct Writer {
    shared: Arc<Shared>,
    connection: Connection,
    page: Page,
    form: Form,
    faults: Faults,
    sender: mpsc::Sender<Result<Bytes, std::io::Error>>,
    buffer: Vec<u8>,
}

/// Nobody wants the rest of the body.
struct Gone;

impl Writer {
    async fn run(mut self) {
        // An error means that the client went away or that the body was meant to break.
        let _ = self.write().await;
    }

    async fn write(&mut self) -> Result<(), Gone> {
        let total = self.page.table.total();
        if self.form == Form::Document {
            self.buffer.extend_from_slice(format!(r#"{{"snapshotId":{},"items":["#, self.page.snapshot).as_bytes());
        }
        if self.form == Form::Csv {
            self.buffer.extend_from_slice(self.page.dataset.columns().join(",").as_bytes());
            self.buffer.push(b'\n');
        }
        let mut sent = 0;
        let (mut next, end) = self.range(total);
        while next < end {
            let upto = end.min(next + PIECE);
            let rows = self.make(next..upto).await;
            next = upto;
            for row in rows.iter() {
                if let Some(cut) = self.faults.break_after.filter(|cut| cut.rows == sent) {
                    return self.break_off(cut.end, row, sent).await;
                }
                self.append(row, sent > 0);
                sent += 1;
                if self.shared.count_row(self.faults.kill_after_rows) {
                    self.buffer.truncate(self.buffer.len().saturating_sub(row.len() / 2));
                    self.flush().await?;
                    self.shared.kill();
                    return Err(Gone);
                }
            }
            self.flush().await?;
            if let Some(pause) = self.faults.slow_body {
                tokio::time::sleep(pause).await;
            }
        }
        if self.form == Form::Document {
            let total = i64::try_from(total).unwrap_or(i64::MAX) + self.faults.total_off_by;
            let end =
                if self.faults.missing_total { "]}".to_owned() } else { format!(r#"],"totalNumItems":{total}}}"#) };
            self.buffer.extend_from_slice(end.as_bytes());
        }
        self.flush().await
    }

    /// The rows to send, page switches considered.
    fn range(&self, total: usize) -> (usize, usize) {
        let offset = if self.faults.repeat_page { 0 } else { self.page.offset };
        let limit = self.page.limit.min(self.faults.short_page.unwrap_or(usize::MAX));
        let end = if self.faults.empty_from.is_some_and(|from| offset >= from) { offset } else { total };
        (offset.min(total), end.min(offset.saturating_add(limit)).min(total))
    }

    async fn make(&self, range: std::ops::Range<usize>) -> Rows {
        let (table, rotate) = (Arc::clone(&self.page.table), self.page.rotate);
        let made = tokio::task::spawn_blocking(move || {
            let mut rows = Rows::default();
            let total = table.total().max(1);
            let start = (range.start + rotate) % total;
            let first = range.len().min(total - start);
            table.read(start..start + first, &mut rows);
            table.read(0..range.len() - first, &mut rows);
            rows
        });
        made.await.unwrap_or_default()
    }

    fn append(&mut self, row: &[u8], separate: bool) {
        let text = self.altered(row);
        let row = text.as_deref().unwrap_or(row);
        match self.form {
            Form::Document => {
                if separate {
                    self.buffer.push(b',');
                }
                self.buffer.extend_from_slice(row);
            }
            Form::Lines(_) => {
                self.buffer.extend_from_slice(row);
                self.buffer.push(b'\n');
            }
            Form::Csv => {
                let line = csv_line(row, self.page.dataset.columns());
                self.buffer.extend_from_slice(line.as_bytes());
            }
        }
    }

    /// The row with a column missing, null or of another type.
    fn altered(&self, row: &[u8]) -> Option<Vec<u8>> {
        let Faults { drop_column, null_column, retype_column, .. } = &self.faults;
        if drop_column.is_none() && null_column.is_none() && retype_column.is_none() {
            return None;
        }
        let mut value: Value = serde_json::from_slice(row).ok()?;
        let fields = value.as_object_mut()?;
        if let Some(column) = drop_column {
            fields.remove(column);
        }
        if let Some(field) = null_column.as_ref().and_then(|column| fields.get_mut(column)) {
            *field = Value::Null;
        }
        if let Some(field) = retype_column.as_ref().and_then(|column| fields.get_mut(column)) {
            *field = json!({"unexpected": field.take()});
        }
        serde_json::to_vec(&value).ok()
    }

    async fn break_off(&mut self, end: BreakEnd, row: &[u8], sent: usize) -> Result<(), Gone> {
        if end != BreakEnd::BetweenRows {
            let half = &row[..row.len() / 2];
            if sent > 0 && self.form == Form::Document {
                self.buffer.push(b',');
            }
            self.buffer.extend_from_slice(half);
        }
        self.flush().await?;
        if end == BreakEnd::Cut {
            let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            self.sender.send(Err(broken)).await.map_err(|_| Gone)?;
            self.connection.reset();
        }
        Err(Gone)
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(piece)).await.map_err(|_| Gone)
    }
}

fn csv_line(row: &[u8], columns: &[&str]) -> String {
    let value: Value = serde_json::from_slice(row).unwrap_or_default();
    let cells = columns.iter().map(|column| match &value[*column] {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => format!("\"{}\"", other.to_string().replace('"', "\"\"")),
    });
    cells.collect::<Vec<_>>().join(",") + "\n"
}
