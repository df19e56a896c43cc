//! Recording of exchanges into a folder, redacted, for tests and for support.

use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Map, Value, json};

use crate::{credential::Authorization, redact};

/// Writes every answered request as one JSON file into a folder: method, path, status, headers and bodies, without
/// secrets. Off unless a client is given one, meant for fixtures and support, not for production.
///
/// Files are numbered in the order in which the answers ended. Of long bodies the first 8 MiB are kept. A request
/// without an answer leaves no file.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    next: AtomicU64,
    failed: AtomicBool,
}

/// How much of one body is kept.
const LONGEST_BODY: usize = 8 << 20;

/// One exchange on its way into a file; it is written when this is dropped.
pub(crate) struct Recording {
    pub recorder: Recorder,
    pub authorization: Arc<Authorization>,
    pub method: Method,
    pub path: String,
    pub attempt: u32,
    pub request_headers: HeaderMap,
    pub request_body: Option<bytes::Bytes>,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub duration: Duration,
    body: Vec<u8>,
    cut: bool,
}

impl Recorder {
    /// A recorder into this folder, which is created if need be. Existing files stay.
    pub fn folder(path: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = path.into();
        fs::create_dir_all(&folder)?;
        let next = AtomicU64::new(fs::read_dir(&folder)?.count() as u64 + 1);
        Ok(Self { inner: Arc::new(Inner { folder, next, failed: AtomicBool::new(false) }) })
    }

    fn write(&self, name: &str, exchange: &Value) {
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let path = self.inner.folder.join(format!("{number:05}-{name}.json"));
        let result = fs::write(&path, format!("{exchange:#}\n"));
        if let Err(error) = result
            && !self.inner.failed.swap(true, Ordering::Relaxed)
        {
            // A failed recording must not fail a run, and is not worth more than one line.
            tracing::warn!(path = %path.display(), %error, "cannot record an HTTP exchange");
        }
    }
}

impl Recording {
    #[expect(clippy::too_many_arguments, reason = "every argument is one part of the file, named by its field")]
    pub fn new(
        recorder: Recorder,
        authorization: Arc<Authorization>,
        method: Method,
        path: String,
        attempt: u32,
        (request_headers, request_body): (HeaderMap, Option<bytes::Bytes>),
        (status, headers): (StatusCode, HeaderMap),
        duration: Duration,
    ) -> Self {
        Self {
            recorder,
            authorization,
            method,
            path,
            attempt,
            request_headers,
            request_body,
            status,
            headers,
            duration,
            body: Vec::new(),
            cut: false,
        }
    }

    /// Keeps a part of the answer's body.
    pub fn add(&mut self, chunk: &[u8]) {
        let room = LONGEST_BODY - self.body.len();
        self.cut |= chunk.len() > room;
        self.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }

    fn body(&self, bytes: &[u8]) -> Value {
        if bytes.is_empty() {
            return Value::Null;
        }
        if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
            redact::json(&mut value);
            // Through the text and back: the secret can stand inside any value.
            return serde_json::from_str(&self.authorization.scrub(value.to_string())).unwrap_or(Value::Null);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Value::from(format!("{} bytes that are no text", bytes.len()));
        };
        let lines = text.split_inclusive('\n').map(|line| match serde_json::from_str::<Value>(line) {
            Ok(mut value) => {
                redact::json(&mut value);
                format!("{value}\n")
            }
            Err(_) => line.to_owned(),
        });
        Value::from(self.authorization.scrub(lines.collect()))
    }

    fn headers(&self, headers: &HeaderMap) -> Value {
        let pairs = redact::headers(headers).into_iter();
        Value::Object(
            pairs.map(|(name, value)| (name, Value::from(self.authorization.scrub(value)))).collect::<Map<_, _>>(),
        )
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let path = self.authorization.scrub(self.path.clone());
        let slug: String = path
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .skip_while(|c| *c == '-')
            .take(60)
            .collect();
        let exchange = json!({
            "request": {
                "method": self.method.as_str(),
                "path": path,
                "headers": self.headers(&self.request_headers),
                "body": self.body(self.request_body.as_deref().unwrap_or_default()),
            },
            "response": {
                "status": self.status.as_u16(),
                "headers": self.headers(&self.headers),
                "body": self.body(&self.body),
                "cut": self.cut,
            },
            "attempt": self.attempt,
            "duration_ms": self.duration.as_secs_f64() * 1000.0,
        });
        self.recorder.write(&format!("{}-{}", self.method, slug.trim_end_matches('-')), &exchange);
    }
}
