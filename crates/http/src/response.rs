//! Answers: whole, or read while they arrive.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    AnswerError, AnswerProblem, Call, Error, Lines,
    client::Inner,
    recording::{Recording, Replayed},
    redact::sanitize,
};

/// A successful answer with its whole body.
///
/// ```no_run
/// # async fn example(client: syncline_http::Client) -> Result<(), syncline_http::Error> {
/// let answer = client.get("api/status/").send().await?;
/// let version = answer.header("api-version").map(str::to_owned);
/// let status: serde_json::Value = answer.json()?;
/// # Ok(())
/// # }
/// ```
pub struct Response {
    head: Head,
    body: Bytes,
}

/// A successful answer whose body is still on its way.
pub struct Streaming {
    head: Head,
    body: Body,
}

/// What comes before the body, and what errors about it name.
#[derive(Clone)]
pub(crate) struct Head {
    pub client: Arc<Inner>,
    pub call: Call,
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// From sending to the end of the head.
    pub elapsed: Duration,
}

/// A body on its way, with its time limits.
pub(crate) struct Body {
    from: From,
    received: u64,
    recording: Option<Recording>,
}

/// Where a body comes from.
enum From {
    System(reqwest::Response, Timeouts),
    Recording(Replayed),
}

/// The time limits of one attempt.
#[derive(Clone, Copy)]
pub(crate) struct Timeouts {
    /// The longest silence.
    pub read: Duration,
    /// The longest time in all, and when that is over.
    pub total: Option<(Duration, Instant)>,
}

/// Which limit was reached.
pub(crate) enum Elapsed {
    Read(Duration),
    Total(Duration),
}

/// Headers under which systems give the identifier of a request, in order of preference.
const REQUEST_ID_HEADERS: [&str; 4] = ["x-request-id", "x-correlation-id", "request-id", "x-amzn-requestid"];

/// How much of a body an error shows.
const EXCERPT: usize = 120;

impl Response {
    pub(crate) fn new(head: Head, body: Bytes) -> Self {
        Self { head, body }
    }

    /// The status, always a success (2xx).
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// One header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The system's identifier of this request, for its own logs: `X-Request-ID` or its like.
    pub fn request_id(&self) -> Option<&str> {
        self.head.request_id()
    }

    /// How often the request was sent until this answer came.
    pub fn attempts(&self) -> u32 {
        self.head.call.attempts
    }

    /// From sending (the last time) to the start of the answer: what to size batches by.
    pub fn elapsed(&self) -> Duration {
        self.head.elapsed
    }

    /// The body as it came, decompressed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as it came, decompressed.
    pub fn into_bytes(self) -> Bytes {
        self.body
    }

    /// The body as text.
    pub fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(&self.body)
            .map_err(|error| self.head.error_from(AnswerProblem::NotUtf8, Some(Box::new(error))))
    }

    /// The body as JSON. Errors tell HTML, an empty body, a body that stops in the middle and a wrong field apart, and
    /// name the field.
    ///
    /// Large bodies take time to read: use it off the async threads for tens of MiB.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        // The path of a wrong field costs time on every field, so it is only looked for after a failure.
        match serde_json::from_slice(&self.body) {
            Ok(value) => Ok(value),
            Err(_) => self.head.json(&self.body, ""),
        }
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Response({} {}, {} bytes)", self.head.call, self.head.status.as_u16(), self.body.len())
    }
}

impl Streaming {
    pub(crate) fn new(head: Head, body: Body) -> Self {
        Self { head, body }
    }

    /// The status, always a success (2xx).
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// One header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The system's identifier of this request, for its own logs.
    pub fn request_id(&self) -> Option<&str> {
        self.head.request_id()
    }

    /// The body line by line, for newline-delimited JSON. HTML is an error.
    pub fn lines(self) -> Result<Lines, Error> {
        if self.head.content_type().is_some_and(is_html_type) {
            return Err(self.head.error(AnswerProblem::Html { excerpt: "(not read)".to_owned() }));
        }
        Ok(Lines::new(self.head, self.body))
    }

    /// Reads the rest and makes a whole answer of it.
    pub async fn read(mut self) -> Result<Response, Error> {
        let body = self.body.read_all(&self.head).await?;
        Ok(Response::new(self.head, body))
    }
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn request_id(&self) -> Option<&str> {
        REQUEST_ID_HEADERS.iter().find_map(|name| self.header(name))
    }

    pub fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    pub fn error(&self, problem: AnswerProblem) -> Error {
        self.error_from(problem, None)
    }

    fn error_from(&self, problem: AnswerProblem, source: Option<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Answer(Box::new(AnswerError {
            call: self.call.clone(),
            status: self.status,
            request_id: self.request_id().map(|id| sanitize(id, EXCERPT)),
            problem,
            source,
        }))
    }

    /// Reads JSON slowly and says precisely what is wrong; `place` stands before the field's path.
    pub fn json<T: DeserializeOwned>(&self, body: &[u8], place: &str) -> Result<T, Error> {
        let excerpt = || self.client.authorization.scrub(sanitize(&String::from_utf8_lossy(start(body)), EXCERPT));
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(self.error(AnswerProblem::Empty));
        }
        if self.content_type().is_some_and(is_html_type) || looks_like_html(body) {
            return Err(self.error(AnswerProblem::Html { excerpt: excerpt() }));
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let result = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| (error.path().to_string(), error.into_inner()))
            .and_then(|value| json.end().map(|()| value).map_err(|error| (".".to_owned(), error)));
        result.map_err(|(path, error)| {
            if error.is_eof() {
                return self.error(AnswerProblem::JsonCut { bytes: body.len() as u64 });
            }
            let content_type = self.content_type().filter(|kind| !kind.contains("json")).map(|kind| sanitize(kind, 60));
            let excerpt = error.is_syntax().then(excerpt);
            let path = match (place, path.as_str()) {
                ("", path) => path.to_owned(),
                (place, ".") => place.to_owned(),
                (place, path) => format!("{place}, {path}"),
            };
            let message = self.client.authorization.scrub(sanitize(&error.to_string(), 300));
            self.error(AnswerProblem::Json { path, message, content_type, excerpt })
        })
    }
}

impl Timeouts {
    /// Waits for the future within both limits.
    pub async fn within<T>(&self, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        let silent = later(Instant::now(), self.read);
        let (until, elapsed) = match self.total {
            Some((total, end)) if end < silent => (end, Elapsed::Total(total)),
            _ => (silent, Elapsed::Read(self.read)),
        };
        tokio::time::timeout_at(until, future).await.map_err(|_| elapsed)
    }
}

/// A point in time that exists: nobody waits longer than a year.
pub(crate) fn later(from: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    from + wait.min(YEAR)
}

impl Body {
    pub fn new(response: reqwest::Response, timeouts: Timeouts) -> Self {
        Self { from: From::System(response, timeouts), received: 0, recording: None }
    }

    /// A body that was recorded.
    pub fn replayed(replayed: Replayed) -> Self {
        Self { from: From::Recording(replayed), received: 0, recording: None }
    }

    /// Records what is read from now on.
    pub fn record(&mut self, recording: Recording) {
        self.recording = Some(recording);
    }

    /// The next part; `None` only at a proper end.
    pub async fn chunk(&mut self, head: &Head) -> Result<Option<Bytes>, Error> {
        let bytes = self.received;
        let chunk = match &mut self.from {
            From::System(response, timeouts) => match timeouts.within(response.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                Ok(Err(error)) => {
                    return Err(head.error_from(AnswerProblem::Cut { bytes }, Some(Box::new(error.without_url()))));
                }
                Err(Elapsed::Read(after)) => return Err(head.error(AnswerProblem::Stalled { bytes, after })),
                Err(Elapsed::Total(after)) => return Err(head.error(AnswerProblem::TooSlow { bytes, after })),
            },
            From::Recording(replayed) => match replayed.chunk().await {
                Ok(None) if replayed.cut => return Err(head.error(AnswerProblem::Cut { bytes })),
                Ok(chunk) => chunk,
                Err(error) => return Err(head.error_from(AnswerProblem::Cut { bytes }, Some(Box::new(error)))),
            },
        };
        match (&chunk, &mut self.recording) {
            (Some(chunk), recording) => {
                self.received += chunk.len() as u64;
                head.client.counters.add_bytes_in(chunk.len());
                if let Some(recording) = recording {
                    recording.add(chunk);
                }
            }
            (None, Some(recording)) => recording.end(),
            (None, None) => {}
        }
        Ok(chunk)
    }

    /// All that is left, within the limit for bodies in memory.
    pub async fn read_all(&mut self, head: &Head) -> Result<Bytes, Error> {
        let limit_mib = head.client.settings.max_body_mib;
        let limit = usize::try_from(limit_mib.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
        let too_large = || head.error(AnswerProblem::TooLarge { limit_mib });
        let announced = match &self.from {
            From::System(response, _) => response.content_length().unwrap_or(0),
            From::Recording(_) => 0,
        };
        if announced > limit as u64 {
            return Err(too_large());
        }
        let Some(first) = self.chunk(head).await? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(too_large());
        }
        let Some(second) = self.chunk(head).await? else { return Ok(first) };
        // What a server announces is only believed up to 1 MiB before it has come.
        let expected = usize::try_from(announced).unwrap_or(0).min(1 << 20);
        let mut whole = BytesMut::with_capacity(expected.max(first.len() + second.len()));
        whole.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if whole.len() + chunk.len() > limit {
                return Err(too_large());
            }
            whole.extend_from_slice(&chunk);
            next = self.chunk(head).await?;
        }
        Ok(whole.freeze())
    }

    /// The start of an error's body, as far as it comes: a body that breaks off is still better than none.
    pub async fn read_some(&mut self, head: &Head, limit: usize) -> Bytes {
        let mut some = BytesMut::new();
        while some.len() < limit
            && let Ok(Some(chunk)) = self.chunk(head).await
        {
            some.extend_from_slice(&chunk[..chunk.len().min(limit - some.len())]);
        }
        some.freeze()
    }
}

fn is_html_type(content_type: &str) -> bool {
    let kind = content_type.trim_start().to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/xhtml")
}

fn looks_like_html(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start(body))
        .trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t'])
        .to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<!--"].iter().any(|tag| text.starts_with(tag))
}

/// Enough of the body for an excerpt.
fn start(body: &[u8]) -> &[u8] {
    &body[..body.len().min(2048)]
}
