//! The settings of the folder.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Format;

/// Where the files are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The folder; a path that is not absolute begins where the command runs.
    pub folder: PathBuf,
}

/// How files are written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetParameters {
    /// The format of files that are not there yet. Those that are there keep theirs.
    #[schemars(extend("default" = "ndjson"))]
    pub format: Format,
}
