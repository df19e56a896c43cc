//! K14: memory does not grow with the number of records.

use std::fs;

use super::{Proof, Shown};
use crate::bench::Bench;
use crate::lab::{BoxError, Lab};

/// How many records are read.
const RECORDS: u64 = 100_000;
/// What a read may take beside what is there before it, in KiB. All records in memory would take a multiple.
const BUDGET: u64 = 96 * 1024;

pub async fn is_bounded(lab: &dyn Lab) -> Shown {
    if !cfg!(target_os = "linux") {
        return Ok(Proof::NotMeant("what a read takes is only known on Linux"));
    }
    let bench = Bench::new(lab).await?;
    if !bench.system.grow(RECORDS).await? {
        return Err("the lab cannot fill the system: `System::grow`, or skip K14 with the reason".into());
    }
    let mut shown = Vec::new();
    for side in bench.sides() {
        // From here on the system tells the highest mark anew: proc(5), `clear_refs`.
        fs::write("/proc/self/clear_refs", "5")?;
        let before = status("VmRSS:")?;
        let (records, rejected) = bench.count(side).await?;
        let grown = status("VmHWM:")?.saturating_sub(before);
        if records < RECORDS {
            let rejected = rejected.map(|one| format!("; not taken over was {one}")).unwrap_or_default();
            return Err(format!("the {side} reads {records} records of {RECORDS}{rejected}").into());
        }
        if grown > BUDGET {
            let (grown, budget) = (grown / 1024, BUDGET / 1024);
            return Err(format!(
                "reading {records} records of the {side} takes {grown} MiB, more than {budget}: records are held back"
            )
            .into());
        }
        shown.push(format!("{records} records of the {side} in {} MiB", grown / 1024));
    }
    Ok(Proof::Shown(shown.join("; ")))
}

/// A figure of this process, in KiB.
fn status(name: &str) -> Result<u64, BoxError> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no `{name}`"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
