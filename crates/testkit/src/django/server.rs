//! What happens to a request before and after the work that it asks for: faults, records, the frame of the answer.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{self, AsHeaderName, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, response};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::faults::{Fate, Fault};
use super::traffic::{RequestRecord, Traffic};
use crate::graphql;
use crate::http::{self, lock};
use crate::watch::Watch;

/// Largest body that is read, in bytes.
pub(crate) const MAX_BODY: usize = 256 << 20;

pub(crate) const JSON: &str = "application/json";
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// A request as it came in.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub method: Method,
    /// Path without the query.
    pub path: String,
    /// Query without its question mark.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body, if it is JSON.
    pub json: Option<Json>,
    /// The query of a GraphQL request.
    pub graphql: Option<String>,
}

impl Incoming {
    /// Takes a request apart; `graphql` is the path of GraphQL.
    pub fn new(parts: Parts, body: Bytes, graphql: &str) -> Self {
        let json: Option<Json> = serde_json::from_slice(&body).ok();
        let asked = json.as_ref().filter(|_| parts.uri.path() == graphql).and_then(|json| json.get("query"));
        Self {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            graphql: asked.and_then(Json::as_str).map(str::to_owned),
            method: parts.method,
            headers: parts.headers,
            body,
            json,
        }
    }

    /// A header, if it is text.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether it only looks.
    pub fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// What the faults do to it. Counts it.
    pub fn meet(&self, faults: &mut [Fault], latency: Option<Duration>) -> Fate {
        let target = if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let texts = [&target, self.graphql.as_ref().unwrap_or(&target)].map(String::as_str);
        Fate::of(faults, latency, self.method.as_str(), &texts)
    }

    /// The body of a write; no body is an empty object. The error is status and sentence of the refusal; `what` says
    /// what is wrong with a body that is no JSON.
    pub fn body(&self, what: impl Fn(&serde_json::Error) -> &'static str) -> Result<Json, (u16, String)> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        let content_type = self.header(header::CONTENT_TYPE).unwrap_or_default();
        if !content_type.starts_with(JSON) {
            return Err((415, format!("Unsupported media type \"{content_type}\" in request.")));
        }
        if let Some(json) = &self.json {
            return Ok(json.clone());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let before = self.body.split(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(|line| line.len() + 1);
            let at = before.sum::<usize>() + column.saturating_sub(1);
            (400, format!("JSON parse error - {}: line {line} column {column} (char {at})", what(&error)))
        })
    }

    /// How it is recorded before it has an answer.
    pub fn record(&self, request_id: String) -> RequestRecord {
        RequestRecord {
            method: self.method.to_string(),
            path: self.path.clone(),
            query: self.query.clone(),
            status: 0,
            objects: match &self.json {
                Some(Json::Array(items)) => items.len(),
                Some(_) => 1,
                None => 0,
            },
            written: 0,
            branch: None,
            request_id,
            graphql: self.graphql.as_deref().map(graphql::top_fields).unwrap_or_default(),
        }
    }
}

/// An answer before the headers that all have.
#[derive(Debug)]
pub(crate) struct Answer {
    pub content_type: &'static str,
    pub status: u16,
    pub body: String,
    /// Headers besides.
    pub headers: Vec<(HeaderName, String)>,
    /// Objects that the request wrote.
    pub written: usize,
}

impl Answer {
    pub fn new(content_type: &'static str, status: u16, body: impl Into<String>) -> Self {
        Self { content_type, status, body: body.into(), headers: Vec::new(), written: 0 }
    }

    pub fn html(status: u16, body: &str) -> Self {
        Self::new(HTML, status, body)
    }

    /// Text that is JSON already.
    pub fn json(status: u16, body: String) -> Self {
        Self::new(JSON, status, body)
    }

    /// A refusal in one sentence.
    pub fn detail(status: u16, text: &str) -> Self {
        Self::json(status, json!({"detail": text}).to_string())
    }

    /// The response that begins with `head`, as the request's fate wants it.
    pub fn respond(self, head: response::Builder, fate: &Fate) -> Response<Body> {
        let mut response = head.status(self.status);
        if self.status != 204 {
            response = response.header(header::CONTENT_TYPE, self.content_type);
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        for seconds in fate.retry_after() {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        http::respond(response, self.body, fate.cut())
    }
}

/// What every request passes, whatever it asks for.
#[derive(Debug, Default)]
pub(crate) struct Front {
    pub traffic: Traffic,
    pub watch: Watch,
    /// Cancelled when the server must go away at once.
    pub server: CancellationToken,
    numbers: AtomicU64,
    /// The last body of each list, for repeated pages.
    pages: Mutex<HashMap<String, String>>,
}

impl Front {
    /// Number of a request, or of something else that is counted along with them.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets a request wait as long as its fate wants. Does not return when that is the end of the server.
    pub async fn hold(&self, fate: &Fate, record: &RequestRecord) {
        for wait in fate.waits() {
            tokio::time::sleep(wait).await;
        }
        if fate.kills() {
            self.traffic.note(record.clone());
            self.server.cancel();
            // The runtime ends under this request.
            std::future::pending::<()>().await;
        }
    }

    /// Records a request with its answer, which is bent first if its fate wants that.
    pub fn close(&self, fate: &Fate, mut record: RequestRecord, mut answer: Answer) -> Answer {
        let is_list = answer.content_type == JSON
            && answer.status == 200
            && (record.method == "GET" || record.path.ends_with("/graphql/"));
        if is_list && fate.keeps_pages {
            let mut pages = lock(&self.pages);
            let key = format!("{}{}", record.path, record.graphql.join(","));
            fate.bend(&mut answer.body, pages.get(&key));
            pages.insert(key, answer.body.clone());
        }
        record.status = answer.status;
        record.written = answer.written;
        self.traffic.note(record);
        answer
    }
}
