//! The request behind an error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of an answer is kept, in bytes.
pub const EXCERPT: usize = 2048;

/// A request that failed for good, and what was answered, in a form that can be shown: no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// The address with its query, secrets replaced.
    pub url: String,
    /// The status of the answer; none when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How often the request was sent.
    pub attempts: u32,
    /// The beginning of the answer's body, up to 2 kB, secrets replaced; none when there was none, or nothing that can be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}
