//! What only the system knows of a record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The handle of a record in its system; it travels beside the compared part and is never compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Native {
    /// The system's own id.
    pub id: Box<str>,
    /// What changes whenever the object does: a time stamp or an entity tag. The precondition of a write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
}

impl Native {
    /// A handle by id.
    pub fn new(id: impl ToString) -> Self {
        Self { id: id.to_string().into(), version: None }
    }

    /// Adds the version.
    pub fn at_version(mut self, version: impl Into<Box<str>>) -> Self {
        self.version = Some(version.into());
        self
    }
}
