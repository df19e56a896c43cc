//! Virtual environments for the Python programs that checks and benchmarks run.

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
const NAMES: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

impl Environment {
    /// The environment in `folder`, made anew unless it already holds just these packages.
    ///
    /// The error says what is missing: an interpreter, its `venv` module, or the way to PyPI.
    pub(crate) fn ensure(shell: &Shell, folder: &Path, packages: &[&str], oldest: (u32, u32)) -> anyhow::Result<Self> {
        let environment = Self { python: folder.join("bin/python") };
        let stamp = folder.join("packages.txt");
        let wanted = packages.join("\n");
        if shell.read_file(&stamp).is_ok_and(|installed| installed == wanted) && environment.works(shell) {
            return Ok(environment);
        }
        let interpreter = interpreter(shell, oldest)?;
        shell.remove_path(folder)?;
        cmd!(shell, "{interpreter} -m venv {folder}")
            .quiet()
            .ignore_stdout()
            .run()
            .context("no virtual environment (on Debian: `apt-get install python3-venv`)")?;
        let python = &environment.python;
        cmd!(shell, "{python} -m pip install --quiet --disable-pip-version-check --no-input --retries 3 {packages...}")
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

/// The first interpreter that is new enough.
fn interpreter(shell: &Shell, oldest: (u32, u32)) -> anyhow::Result<&'static str> {
    let (major, minor) = oldest;
    let program = format!("import sys; sys.exit(sys.version_info < ({major}, {minor}))");
    NAMES
        .into_iter()
        .find(|name| cmd!(shell, "{name} -c {program}").quiet().ignore_stdout().ignore_stderr().run().is_ok())
        .ok_or_else(|| anyhow!("no Python {major}.{minor} or newer (looked for {})", NAMES.join(", ")))
}
