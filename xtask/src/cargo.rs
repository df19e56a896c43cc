//! Programs that cargo builds.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::root;

/// With which features of their dependencies the tests of a package are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Selection {
    /// With those that the package asks for: the least to compile where nothing is compiled.
    #[default]
    Package,
    /// With those of `cargo test --workspace`: nothing to compile where that has run.
    Workspace,
}

/// Builds with these arguments, and finds the program of the target of that name in what cargo says.
///
/// With `--workspace` and an example among the arguments the dependencies are those of `cargo test --workspace`, features
/// and all, and nothing is compiled a second time.
pub(crate) fn build(shell: &Shell, target: &str, arguments: &[&str]) -> anyhow::Result<PathBuf> {
    program(&messages(shell, arguments)?, target)
}

/// The program of the target of that name, of all that cargo says to have built.
pub(crate) fn program(messages: &[Value], target: &str) -> anyhow::Result<PathBuf> {
    let mut programs = messages.iter().filter(|message| message["target"]["name"] == target).filter_map(executable);
    programs.next().with_context(|| format!("cargo built no program `{target}`"))
}

/// Builds the host as `cargo test --workspace` does.
///
/// It is asked for together with the examples: cargo takes the features that tests need from their dependencies only where tests
/// or examples are built, and would compile everything a second time for the program alone.
pub(crate) fn host(shell: &Shell) -> anyhow::Result<PathBuf> {
    build(shell, "syncline", &["build", "--workspace", "--bin", "syncline", "--examples"])
}

/// Builds the test programs of the package in a folder of the workspace.
pub(crate) fn tests(shell: &Shell, folder: &str, selection: Selection) -> anyhow::Result<Vec<PathBuf>> {
    let programs = tests_among(shell, folder, selection, &[])?;
    anyhow::ensure!(!programs.is_empty(), "cargo built no tests of `{folder}`");
    Ok(programs)
}

/// Builds one test program of the package in a folder of the workspace: that of the target of this name.
pub(crate) fn test(shell: &Shell, folder: &str, target: &str, selection: Selection) -> anyhow::Result<PathBuf> {
    let programs = tests_among(shell, folder, selection, &["--test", target])?;
    programs.into_iter().next().with_context(|| format!("cargo built no test `{target}` of `{folder}`"))
}

fn tests_among(shell: &Shell, folder: &str, selection: Selection, targets: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let manifest = format!("{folder}/Cargo.toml");
    let packages = match selection {
        Selection::Package => vec!["--manifest-path", &manifest],
        Selection::Workspace => vec!["--workspace"],
    };
    let messages = messages(shell, &[&["test", "--no-run"], packages.as_slice(), targets].concat())?;
    Ok(test_programs(&messages, &root().join(manifest)))
}

/// The test programs of the package with this manifest, of all that cargo says to have built.
pub(crate) fn test_programs(messages: &[Value], manifest: &Path) -> Vec<PathBuf> {
    let ours = |message: &&Value| {
        message["profile"]["test"] == true && message["manifest_path"].as_str().map(Path::new) == Some(manifest)
    };
    messages.iter().filter(ours).filter_map(executable).collect()
}

/// What cargo says of what it builds with these arguments.
pub(crate) fn messages(shell: &Shell, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
    let output = cmd!(shell, "cargo {arguments...} --message-format json-render-diagnostics").read()?;
    Ok(output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn executable(message: &Value) -> Option<PathBuf> {
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_test_programs_of_one_package_are_found() {
        let message = |manifest: &str, test: bool, executable: Option<&str>| {
            json!({
                "reason": "compiler-artifact", "manifest_path": manifest, "profile": { "test": test },
                "executable": executable,
            })
        };
        let messages = [
            message("/w/a/Cargo.toml", false, None),
            message("/w/a/Cargo.toml", true, Some("/w/target/debug/deps/a-1")),
            message("/w/a/Cargo.toml", false, Some("/w/target/debug/examples/a")),
            message("/w/b/Cargo.toml", true, Some("/w/target/debug/deps/b-1")),
            json!({ "reason": "build-finished", "success": true }),
        ];
        assert_eq!(test_programs(&messages, Path::new("/w/a/Cargo.toml")), [PathBuf::from("/w/target/debug/deps/a-1")]);
    }
}
