//! Why somebody does something.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// Words that say why. They are kept in the history, so there must be some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The words.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Nothing was said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("wants words: they are kept in the history")]
pub struct NoReason;

impl FromStr for Reason {
    type Err = NoReason;

    fn from_str(text: &str) -> Result<Self, NoReason> {
        if text.trim().is_empty() { Err(NoReason) } else { Ok(Self(text.to_owned())) }
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Reason {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": r"\S"})
    }
}
