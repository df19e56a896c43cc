//! What came in: for tests that count requests and writes.

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
    /// The top-level fields of a GraphQL request, for example `interfaces`.
    pub graphql: Vec<String>,
}

impl RequestRecord {
    /// Whether the request asks for a write.
    pub fn is_write(&self) -> bool {
        self.path != "/api/graphql/" && matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
    }
}
