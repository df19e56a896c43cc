//! What came in: for tests that count requests and writes.

use std::sync::Mutex;

use crate::http::lock;

/// One request that the server received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query without its question mark.
    pub query: String,
    /// Status of the answer; 0 when the connection broke before one.
    pub status: u16,
    /// Entries of the list in the body, 1 for a single object, 0 without a body.
    pub objects: usize,
    /// Objects that the request created, changed or deleted.
    pub written: usize,
    /// The branch that a header of the request names by its schema id. Only NetBox has branches.
    pub branch: Option<String>,
    /// The id under which the change log has the request.
    pub request_id: String,
    /// The top-level fields of a GraphQL request, for example `interface_list`.
    pub graphql: Vec<String>,
}

impl RequestRecord {
    /// Whether the request asks for a write.
    pub fn is_write(&self) -> bool {
        !self.path.ends_with("/graphql/") && matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
    }
}

/// Every request so far.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<Vec<RequestRecord>>);

impl Traffic {
    pub fn note(&self, record: RequestRecord) {
        lock(&self.0).push(record);
    }

    pub fn all(&self) -> Vec<RequestRecord> {
        lock(&self.0).clone()
    }

    /// Requests with this method whose path contains the text.
    pub fn count(&self, method: &str, path: &str) -> usize {
        lock(&self.0).iter().filter(|request| request.method == method && request.path.contains(path)).count()
    }

    /// Requests that asked for a write.
    pub fn writes(&self) -> usize {
        lock(&self.0).iter().filter(|request| request.is_write()).count()
    }

    /// Objects that requests wrote.
    pub fn written(&self) -> usize {
        lock(&self.0).iter().map(|request| request.written).sum()
    }

    pub fn forget(&self) {
        lock(&self.0).clear();
    }
}
