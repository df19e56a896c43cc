//! A release of Nautobot, in a virtual environment of its own.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

use super::settings;
use crate::python::{Environment, Version};
use crate::root;

/// The one that is taken where nobody asks for another.
const USUAL: &str = "3.2.7";

/// A release that is asked for: `3.2.7`, or `2.4` for the newest that PyPI has of it when it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Release {
    name: String,
    major: u32,
    is_exact: bool,
}

/// An installed release.
#[derive(Debug)]
pub(super) struct Installed {
    environment: Environment,
    /// What is kept of it from run to run.
    pub(super) folder: PathBuf,
    /// Which one it is: `3.2.7`.
    pub(super) version: String,
}

impl FromStr for Release {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        let parts: Result<Vec<u32>, _> = name.split('.').map(str::parse).collect();
        match parts.as_deref() {
            Ok([major, _, rest @ ..]) if rest.len() < 2 => {
                Ok(Self { name: name.to_owned(), major: *major, is_exact: !rest.is_empty() })
            }
            _ => Err(anyhow!(
                "no release of Nautobot is called so: one is `{USUAL}`, and `2.4` is the newest of that line"
            )),
        }
    }
}

impl Default for Release {
    fn default() -> Self {
        Self { name: USUAL.to_owned(), major: 3, is_exact: true }
    }
}

impl Release {
    /// The release below `target/`; installed unless it is there.
    pub(super) fn ensure(&self, shell: &Shell) -> anyhow::Result<Installed> {
        let folder = root().join("target/integration/nautobot").join(&self.name);
        shell.create_dir(&folder)?;
        let environment = Environment::ensure(shell, &folder.join("venv"), &[&self.requirement()], self.pythons())?;
        let python = &environment.python;
        let ask = "from importlib.metadata import version; print(version('nautobot'))";
        let version =
            cmd!(shell, "{python} -c {ask}").quiet().read().context("Nautobot is not where it was installed")?;
        let installed = Installed { environment, folder, version };
        shell.write_file(installed.configuration(), settings::CONFIGURATION)?;
        Ok(installed)
    }

    /// As pip knows it.
    fn requirement(&self) -> String {
        let any = if self.is_exact { "" } else { ".*" };
        format!("nautobot=={}{any}", self.name)
    }

    /// The versions of Python that it works with.
    fn pythons(&self) -> RangeInclusive<Version> {
        if self.major < 3 { (3, 9)..=(3, 12) } else { (3, 10)..=(3, 13) }
    }
}

impl Installed {
    pub(super) fn python(&self) -> PathBuf {
        self.environment.python.clone()
    }

    /// Nautobot's own command.
    pub(super) fn command(&self) -> PathBuf {
        self.environment.python.with_file_name("nautobot-server")
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.file("nautobot_config.py")
    }

    /// A file or folder in the release's own.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_asked_for_by_its_number_or_by_its_line() {
        let requirement = |name: &str| name.parse::<Release>().map(|release| release.requirement()).ok();
        assert_eq!(requirement("3.2.7").as_deref(), Some("nautobot==3.2.7"));
        assert_eq!(requirement("2.4").as_deref(), Some("nautobot==2.4.*"));
        for name in ["", "3", "3.2.7.1", "3.x", "../3.2", "3.2.7 other"] {
            assert_eq!(requirement(name), None, "{name}");
        }
        assert_eq!(USUAL.parse::<Release>().unwrap(), Release::default());
    }

    #[test]
    fn a_release_says_which_python_it_works_with() {
        let works = |name: &str, python: Version| name.parse::<Release>().unwrap().pythons().contains(&python);
        assert!(works("3.2.7", (3, 13)) && !works("3.2.7", (3, 14)));
        assert!(works("2.4", (3, 11)) && !works("2.4", (3, 13)));
    }
}
