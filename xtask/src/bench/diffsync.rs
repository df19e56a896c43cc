//! The same estate through diffsync, the Python engine that the field uses: a figure to hold ours against.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use crate::python::Environment;
use crate::root;

/// The version that the figures are for.
const PACKAGE: &str = "diffsync==2.2.3";

/// A list of one parent's children makes its load quadratic: without a limit one row would take hours.
const LIMIT: Duration = Duration::from_mins(10);

/// diffsync, installed.
pub(crate) struct Diffsync(Environment);

/// What one estate cost. CPU-seconds of user and system together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Records read, of the source and of the target.
    pub(crate) read: [u64; 2],
    /// Records found to be created, changed and deleted.
    pub(crate) changes: [u64; 3],
    /// Both loads.
    pub(crate) load_cpu_s: f64,
    /// The comparison.
    pub(crate) diff_cpu_s: f64,
    /// The most memory that was ever resident.
    pub(crate) rss_peak_bytes: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Run {
    /// With figures.
    Measured(Measured),
    /// It was stopped after this many seconds.
    Stopped(u64),
}

impl Diffsync {
    /// Installs diffsync below `target/`.
    pub(crate) fn install(shell: &Shell) -> anyhow::Result<Self> {
        let folder = root().join("target/bench/venv");
        Ok(Self(Environment::ensure(shell, &folder, &[PACKAGE], (3, 10)..)?))
    }

    /// Runs one configuration in a process of its own.
    pub(crate) fn measure(&self, shell: &Shell, shape: &str, records: u64) -> anyhow::Result<Run> {
        let (python, script) = (&self.0.python, root().join("xtask/bench/diffsync_bench.py"));
        let (records, limit) = (records.to_string(), LIMIT.as_secs());
        let seconds = limit.to_string();
        let output =
            cmd!(shell, "timeout {seconds} {python} {script} {shape} {records}").quiet().ignore_status().output()?;
        if output.status.code() == Some(124) {
            return Ok(Run::Stopped(limit));
        }
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(Run::Measured(serde_json::from_slice(&output.stdout)?))
    }
}
