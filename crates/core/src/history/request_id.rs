//! What whoever asks for a run calls the request.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most letters of an id.
const MOST: usize = 200;

/// What whoever asks for a run calls the request, to find the run again by it: a ticket, a job of a pipeline. It is kept as it was
/// given, and need not be unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(
    extend("minLength" = 1, "maxLength" = MOST),
    extend("pattern" = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"),
)]
pub struct RequestId(Box<str>);

/// A text that is no id of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id of a request has 1 to {MOST} letters on one line, and does not begin or end with a space")]
pub struct NoRequestId;

impl RequestId {
    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = NoRequestId;

    fn from_str(text: &str) -> Result<Self, NoRequestId> {
        let is_good =
            (1..=MOST).contains(&text.chars().count()) && text.trim() == text && !text.chars().any(char::is_control);
        if is_good { Ok(Self(text.into())) } else { Err(NoRequestId) }
    }
}

impl TryFrom<String> for RequestId {
    type Error = NoRequestId;

    fn try_from(text: String) -> Result<Self, NoRequestId> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_short_line() {
        for good in ["CHG0042", "job 17 of büro", "019aa3e2-7c1d-7f00-8000-2c2f0a6f7b11", &"x".repeat(MOST)] {
            let id: RequestId = good.parse().unwrap();
            assert_eq!((id.as_str(), id.to_string().as_str()), (good, good));
        }
        for bad in ["", " CHG0042", "CHG0042\n", "a\u{1b}[31mb", &"x".repeat(MOST + 1)] {
            assert_eq!(bad.parse::<RequestId>(), Err(NoRequestId), "{bad:?}");
        }
        assert_eq!(serde_json::from_str::<RequestId>("\"CHG0042\"").unwrap().as_str(), "CHG0042");
        assert!(serde_json::from_str::<RequestId>("\"\"").is_err());
    }
}
