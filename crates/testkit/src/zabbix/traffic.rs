//! What came in: for tests that count requests and writes.

use serde_json::Value as Json;

/// One HTTP request that the server received.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRecord {
    /// `POST`, …
    pub http_method: String,
    /// Status of the answer; 0 when the connection broke before one.
    pub status: u16,
    /// The calls in the body: one, several in a batch, none if it was not understood.
    pub calls: Vec<CallRecord>,
    /// Whether the body was a batch.
    pub batch: bool,
    /// Where the credentials were.
    pub credentials: Credentials,
    /// Size of the answer's body in bytes.
    pub answer_bytes: usize,
}

/// One call of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// As it came, for example `host.get`.
    pub method: String,
    /// Its parameters.
    pub params: Json,
    /// Entries of a list of parameters, 1 for a single object.
    pub objects: usize,
    /// Objects that the call created, changed or deleted.
    pub written: usize,
    /// `data` of the error that it ended with.
    pub error: Option<String>,
}

/// Where credentials were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nowhere.
    None,
    /// In the `Authorization` header.
    Header,
    /// In `auth` of the body.
    Body,
}

impl RequestRecord {
    /// Whether one of its calls asks for a write.
    pub fn is_write(&self) -> bool {
        self.calls.iter().any(CallRecord::is_write)
    }
}

impl CallRecord {
    /// Whether it asks for a write.
    pub fn is_write(&self) -> bool {
        let name = self.method.to_lowercase();
        let verb = name.split('.').nth(1).unwrap_or_default();
        ["create", "update", "delete", "mass", "replace"].iter().any(|write| verb.starts_with(write))
    }
}
