//! The lines of a recording.
//!
//! A recording is newline-delimited JSON, each line a frame of zstd of its own, so that `zstdcat` shows it and a replay reads any line
//! without those before it. The first line is the [`Header`], the last one the [`End`]; between them is a line for each exchange, and
//! before it, of an answer that is long, lines with its parts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use syncline_core::ErrorKind;
use syncline_core::event::Side;

/// The format that this version writes and reads.
pub(super) const FORMAT: u32 = 1;

/// So much of an answer is on one line at most, in bytes.
pub(super) const PART: usize = 1 << 20;

/// What was recorded, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of Syncline.
    pub version: String,
    /// The sync.
    pub sync: String,
    /// Which of its sides.
    pub side: Side,
    /// The side's connector.
    pub connector: String,
    /// The connector's version.
    pub connector_version: String,
    /// The name of the connection.
    pub connection: String,
    /// Hash of the sync's definition, which decides what is asked.
    pub definition: String,
    /// When the recording began.
    pub at: DateTime<Utc>,
}

/// The first line.
#[derive(Serialize, Deserialize)]
pub(super) struct First {
    pub syncline_recording: u32,
    #[serde(flatten)]
    pub header: Header,
}

/// A part of an answer, before the line of its exchange.
#[derive(Serialize, Deserialize)]
pub(super) struct Part {
    pub part_of: u64,
    #[serde(flatten)]
    pub body: Body,
}

/// One exchange.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    pub exchange: u64,
    pub request: Asked,
    pub attempts: u32,
    pub duration_ms: f64,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What was asked.
#[derive(Serialize, Deserialize)]
pub(super) struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What a replay finds it by.
    pub hash: String,
}

/// What came of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// An answer.
    Response(Answer),
    /// No answer that could be used.
    Failed(Failure),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How many lines before this one hold the beginning of the body.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parts: u64,
    /// The body was not read to its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    #[serde(flatten)]
    pub body: Body,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Failure {
    pub kind: ErrorKind,
    pub message: String,
}

/// A body or a part of one.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Body {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
pub(super) struct Last {
    pub end: End,
}

/// What a recording holds in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub exchanges: u64,
}

/// What tells lines apart, and what an index needs of them. The bodies are passed over.
#[derive(Deserialize)]
pub(super) struct Glance {
    #[serde(default)]
    pub exchange: Option<u64>,
    #[serde(default)]
    pub part_of: Option<u64>,
    #[serde(default)]
    pub request: Option<AskedHash>,
    #[serde(default)]
    pub end: Option<End>,
}

#[derive(Deserialize)]
pub(super) struct AskedHash {
    pub hash: String,
}

impl Body {
    /// Takes bytes, as text where they are.
    pub fn of(bytes: Vec<u8>) -> Self {
        use base64::Engine as _;
        if bytes.is_empty() {
            return Self::default();
        }
        match String::from_utf8(bytes) {
            Ok(text) => Self { body: Some(text), base64: None },
            Err(error) => {
                let text = base64::engine::general_purpose::STANDARD.encode(error.as_bytes());
                Self { body: None, base64: Some(text) }
            }
        }
    }

    /// The bytes again; none when they cannot be read.
    pub fn bytes(self) -> Option<Vec<u8>> {
        use base64::Engine as _;
        match (self.body, self.base64) {
            (Some(text), _) => Some(text.into_bytes()),
            (None, Some(text)) => base64::engine::general_purpose::STANDARD.decode(text).ok(),
            (None, None) => Some(Vec::new()),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
