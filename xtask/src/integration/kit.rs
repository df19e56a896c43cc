//! The conformance kit of a connector: with a real system, where the environment names one, and with the simulated one.
//!
//! The kit itself takes `CONFORMANCE_NETBOX_URL` and what goes with it; here the same variables begin with `TEST_NETBOX_`, as those
//! of the other suites do.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::{Check, Problem};
use crate::cargo::Selection;
use crate::{cargo, root};

/// A connector, and what has to be known of a real system that it is tried with.
pub(super) struct Kit {
    /// The connector, and the folder of its package in `connectors`.
    pub connector: &'static str,
    /// What the names of its variables begin with: `TEST_NETBOX_`.
    pub prefix: &'static str,
    /// The variables that belong to its URL.
    pub needs: &'static [&'static str],
    /// How one comes by such a system.
    pub remedy: &'static str,
    /// Further tests of the package, with the names under which they take URL and token: they fill the system and empty it again.
    pub writing: Option<Writing>,
}

/// Tests of a connector's own that write to a real system.
pub(super) struct Writing {
    pub url: &'static str,
    pub token: &'static str,
    /// The tests, by the beginning of their names.
    pub filter: &'static str,
}

/// Variables that a system may have beside its URL, for what writes.
const OPTIONAL: [&str; 2] = ["MAY_WRITE", "RESET"];

/// What the kit keeps of a promise.
#[derive(Debug, Deserialize)]
struct Verdict {
    verdict: String,
    why: String,
}

impl Kit {
    pub(super) fn run(&self, shell: &Shell) -> Vec<Check> {
        let check = |what: &str, result| Check { name: format!("{} {what}", self.connector), result };
        let program = match self.program(shell, Selection::Package) {
            Ok(program) => program,
            Err(reason) => return vec![check("conformance", Err(Problem::Failed(reason)))],
        };
        let mut checks = vec![check("real", self.real(shell, &program, from_environment))];
        checks.extend(self.writing.as_ref().map(|writing| check("real, written to", self.written_to(shell, writing))));
        checks.push(check("simulated", self.simulated(shell, &program).map_err(Problem::Failed)));
        checks
    }

    /// The kit with this connector, as a program.
    pub(super) fn program(&self, shell: &Shell, selection: Selection) -> anyhow::Result<PathBuf> {
        cargo::test(shell, &format!("connectors/{}", self.connector), "conformance", selection)
    }

    /// The variables of the real system as the kit takes them.
    fn variables(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, Problem> {
        let prefix = self.prefix;
        let named = |name: &str| variable(&format!("{prefix}{name}")).filter(|value| !value.is_empty());
        if named("URL").is_none() {
            let others: Vec<_> = self.needs.iter().map(|name| format!("`{prefix}{name}`")).collect();
            return Err(Problem::Missing(anyhow!(
                "`{prefix}URL` is not set: it says where the system is, and {} how it is reached; it is only read. {}",
                others.join(", "),
                self.remedy
            )));
        }
        let missing: Vec<_> =
            self.needs.iter().filter(|name| named(name).is_none()).map(|name| format!("`{prefix}{name}`")).collect();
        if !missing.is_empty() {
            return Err(Problem::Missing(anyhow!("`{prefix}URL` is set, and {} is not", missing.join(", "))));
        }
        let taken = ["URL"].iter().chain(self.needs).chain(&OPTIONAL);
        Ok(taken.filter_map(|name| Some((format!("{}{name}", self.kit_prefix()), named(name)?))).collect())
    }

    fn kit_prefix(&self) -> String {
        format!("CONFORMANCE_{}_", self.connector.replace('-', "_").to_uppercase())
    }

    /// The kit with the real system that these variables name, under the names that begin with the prefix.
    pub(super) fn real(
        &self,
        shell: &Shell,
        program: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Problem> {
        let variables = self.variables(variable)?;
        self.tried(shell, program, &variables, &format!("{}-real", self.connector)).map_err(Problem::Failed)
    }

    /// The kit with the simulated system.
    pub(super) fn simulated(&self, shell: &Shell, program: &Path) -> anyhow::Result<String> {
        self.tried(shell, program, &[], self.connector)
    }

    /// Runs the kit, and counts what came of its promises.
    fn tried(
        &self,
        shell: &Shell,
        program: &Path,
        variables: &[(String, String)],
        reports: &str,
    ) -> anyhow::Result<String> {
        let folder = root().join("target/integration").join(self.connector);
        shell.remove_path(folder.join(reports))?;
        shell.create_dir(&folder)?;
        let _within = shell.push_dir(root().join("connectors").join(self.connector));
        let command = cmd!(shell, "{program}").env_remove(format!("{}URL", self.kit_prefix()));
        let command = variables.iter().fold(command, |command, (name, value)| command.env(name, value));
        let output = command.env("CONFORMANCE_REPORTS", &folder).quiet().ignore_status().output()?;
        if !output.status.success() {
            return Err(anyhow!("{}\n{}", output.status, String::from_utf8_lossy(&output.stdout).trim()));
        }
        told(&folder.join(reports))
    }

    fn written_to(&self, shell: &Shell, writing: &Writing) -> Result<String, Problem> {
        let prefix = self.prefix;
        let variables = self.variables(from_environment)?;
        let of = |name: &str| {
            let name = format!("{}{name}", self.kit_prefix());
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone())
        };
        let (Some(url), Some(token)) = (of("URL"), of("TOKEN")) else {
            return Err(Problem::Missing(anyhow!("`{prefix}TOKEN` is not set")));
        };
        if of("MAY_WRITE").as_ref() != Some(&url) {
            return Err(Problem::Missing(anyhow!(
                "these tests fill the system and empty it again: for one that nobody misses, `{prefix}MAY_WRITE` says its URL once more"
            )));
        }
        let package = format!("syncline-connector-{}", self.connector);
        let filter = writing.filter;
        let output = cmd!(shell, "cargo test --package {package} --lib -- {filter}")
            .env(writing.url, url)
            .env(writing.token, token)
            .quiet()
            .ignore_status()
            .output()
            .map_err(|error| Problem::Failed(error.into()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        if output.status.success() {
            return Ok(format!("{} tests", super::count_passed(&said)));
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Problem::Failed(anyhow!("{}\n{}\n{}", output.status, said.trim(), errors.trim())))
    }
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What came of the promises of which there are reports: how many are proven, and why each other one is not.
fn told(reports: &Path) -> anyhow::Result<String> {
    let mut proven = 0;
    let mut skipped = Vec::new();
    for number in 1..=15 {
        let file = reports.join(format!("K{number}.json"));
        let text = std::fs::read(&file).with_context(|| format!("the kit left no report `{}`", file.display()))?;
        let Verdict { verdict, why } =
            serde_json::from_slice(&text).with_context(|| format!("`{}`", file.display()))?;
        match verdict.as_str() {
            "proven" => proven += 1,
            "not_meant" => {}
            _ => skipped.push(format!("\n           SKIPPED K{number}: {why}")),
        }
    }
    Ok(format!("{proven} promises kept{}", skipped.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIT: Kit = Kit {
        connector: "acme",
        prefix: "TEST_ACME_",
        needs: &["TOKEN", "NETWORK"],
        remedy: "Ask Acme.",
        writing: None,
    };

    fn variables(set: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        let variable = |name: &str| set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        KIT.variables(variable).map_err(|problem| match problem {
            Problem::Missing(reason) => reason.to_string(),
            Problem::Failed(reason) => panic!("{reason}"),
        })
    }

    #[test]
    fn a_system_that_is_not_named_is_skipped_with_the_way_to_one() {
        let why = variables(&[]).unwrap_err();
        for word in ["`TEST_ACME_URL` is not set", "`TEST_ACME_TOKEN`, `TEST_ACME_NETWORK`", "Ask Acme."] {
            assert!(why.contains(word), "{why}");
        }
        let why = variables(&[("TEST_ACME_URL", "http://a"), ("TEST_ACME_TOKEN", "x")]).unwrap_err();
        assert_eq!(why, "`TEST_ACME_URL` is set, and `TEST_ACME_NETWORK` is not");
    }

    #[test]
    fn the_kit_gets_what_is_named() {
        let set = [
            ("TEST_ACME_URL", "http://a"),
            ("TEST_ACME_TOKEN", "x"),
            ("TEST_ACME_NETWORK", "7"),
            ("TEST_ACME_RESET", ""),
        ];
        let given = variables(&set).unwrap();
        let given: Vec<_> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(given, ["CONFORMANCE_ACME_URL=http://a", "CONFORMANCE_ACME_TOKEN=x", "CONFORMANCE_ACME_NETWORK=7"]);
    }
}
