//! Virtual environments for the Python programs that checks and benchmarks run.

use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

/// A virtual environment with packages from PyPI.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Its interpreter.
    pub(crate) python: PathBuf,
}

/// The names under which interpreters are looked for, the usual one first.
const NAMES: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/// Major and minor version of Python.
pub(crate) type Version = (u32, u32);

impl Environment {
    /// The environment in `folder`, made anew unless it already holds just these packages.
    ///
    /// The error says what is missing: an interpreter, its `venv` module, or the way to PyPI.
    pub(crate) fn ensure(
        shell: &Shell,
        folder: &Path,
        packages: &[&str],
        versions: impl RangeBounds<Version>,
    ) -> anyhow::Result<Self> {
        let environment = Self { python: folder.join("bin/python") };
        let stamp = folder.join("packages.txt");
        let wanted = packages.join("\n");
        if shell.read_file(&stamp).is_ok_and(|installed| installed == wanted) && environment.works(shell) {
            return Ok(environment);
        }
        let interpreter = interpreter(shell, versions)?;
        shell.remove_path(folder)?;
        cmd!(shell, "{interpreter} -m venv {folder}")
            .quiet()
            .ignore_stdout()
            .run()
            .context("no virtual environment (on Debian: `apt-get install python3-venv`)")?;
        let python = &environment.python;
        // Modules are compiled when they are imported: most of them never are.
        let options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--retries", "3"];
        cmd!(shell, "{python} -m pip install {options...} {packages...}")
            .quiet()
            .run()
            .with_context(|| format!("`pip install {}` failed", packages.join(" ")))?;
        shell.write_file(stamp, wanted)?;
        Ok(environment)
    }

    fn works(&self, shell: &Shell) -> bool {
        let python = &self.python;
        cmd!(shell, "{python} -c pass").quiet().ignore_stderr().run().is_ok()
    }
}

/// The first interpreter of one of these versions.
fn interpreter(shell: &Shell, versions: impl RangeBounds<Version>) -> anyhow::Result<&'static str> {
    let program = "import sys; print(*sys.version_info[:2])";
    let suits = |name: &&str| {
        let said = cmd!(shell, "{name} -c {program}").quiet().ignore_stderr().read();
        said.ok().and_then(|said| version(&said)).is_some_and(|version| versions.contains(&version))
    };
    NAMES
        .into_iter()
        .find(suits)
        .ok_or_else(|| anyhow!("no Python {} (looked for {})", told(&versions), NAMES.join(", ")))
}

/// What an interpreter says of itself: `3 11`.
fn version(said: &str) -> Option<Version> {
    let (major, minor) = said.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The versions for people: `3.10 or newer`, `3.10 to 3.13`.
fn told(versions: &impl RangeBounds<Version>) -> String {
    let bound = |bound: Bound<&Version>| match bound {
        Bound::Included((major, minor)) | Bound::Excluded((major, minor)) => Some(format!("{major}.{minor}")),
        Bound::Unbounded => None,
    };
    match (bound(versions.start_bound()), bound(versions.end_bound())) {
        (Some(oldest), Some(newest)) => format!("{oldest} to {newest}"),
        (Some(oldest), None) => format!("{oldest} or newer"),
        (None, Some(newest)) => format!("{newest} or older"),
        (None, None) => "of any version".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interpreter_says_is_compared_with_what_is_wanted() {
        assert_eq!(version("3 11\n"), Some((3, 11)));
        assert_eq!(version("SyntaxError"), None);
        assert!(((3, 10)..).contains(&(3, 14)));
        assert!(!((3, 10)..=(3, 13)).contains(&(3, 14)));
    }

    #[test]
    fn the_versions_that_are_missing_are_named() {
        assert_eq!(told(&((3, 10)..)), "3.10 or newer");
        assert_eq!(told(&((3, 10)..=(3, 13))), "3.10 to 3.13");
    }
}
