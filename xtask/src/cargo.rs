//! Programs that cargo builds.

use std::path::PathBuf;

use anyhow::Context;
use xshell::{Shell, cmd};

/// Builds with these arguments, and finds the program of the target of that name in what cargo says.
///
/// With `--workspace` among the arguments the dependencies are those of `cargo test --workspace`, features and all, and
/// nothing is compiled a second time.
pub(crate) fn build(shell: &Shell, target: &str, arguments: &[&str]) -> anyhow::Result<PathBuf> {
    let output = cmd!(shell, "cargo {arguments...} --message-format json-render-diagnostics").read()?;
    let messages = output.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    messages
        .filter(|message| message["target"]["name"] == target)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built no program `{target}`"))
}
