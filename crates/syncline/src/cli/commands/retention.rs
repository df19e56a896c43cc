//! `syncline history size` and `syncline history prune`: what is kept of the past.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;
use syncline_core::history::{HistorySize, RemovedRun, Retention, RunId};

use super::history::open;
use crate::cli::args::{HistoryCommand, Prune};
use crate::cli::console::{DIM, NAME, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::{Opened, Session};
use crate::cli::view::number::{count, megabytes, things};
use crate::cli::view::table::Columns;

/// A smaller table is not shown alone.
const SMALL: u64 = 100_000;
/// So many runs are named; of more the first and the last.
const NAMED: usize = 8;

/// What was removed, or would be, for programs.
#[derive(Debug, Serialize)]
struct Pruned {
    dry_run: bool,
    limits: Retention,
    /// The runs by sync, oldest first.
    runs: BTreeMap<String, Vec<RunId>>,
    /// Files of plans and snapshots; none in a dry run, which does not look at them.
    files: Option<u64>,
    /// Their size.
    bytes: Option<u64>,
}

/// Runs the command.
pub async fn run(session: &Session, command: &HistoryCommand) -> Result<Exit, Failure> {
    match command {
        HistoryCommand::Size => size(session).await,
        HistoryCommand::Prune(options) => prune(session, options).await,
    }
}

/// `syncline history size`: `{"total", "tables": {name: bytes}, "limits": {"runs", "days", "megabytes", "audit_days", "reads"}}`, sizes in bytes.
async fn size(session: &Session) -> Result<Exit, Failure> {
    let limits = session.configuration()?.data.retention;
    let size = open(session).await?.size().await?;
    let view = json!({"total": size.total, "tables": size.tables, "limits": limits});
    session.console.show(&view, |_| size_text(&size, &limits))?;
    Ok(Exit::Done)
}

/// `syncline history prune`: `{"dry_run", "limits", "runs": {sync: [run, …]}, "files", "bytes"}`.
async fn prune(session: &Session, options: &Prune) -> Result<Exit, Failure> {
    let Opened { runner, book } = session.open().await?;
    let configured = &book.configuration().data.retention;
    let limits = Retention {
        runs: options.runs.or(configured.runs),
        days: options.days.or(configured.days),
        megabytes: options.megabytes.or(configured.megabytes),
        audit_days: configured.audit_days,
        reads: configured.reads,
    };
    let runs = by_sync(runner.history().prunable(&limits, &HashSet::new()).await?);
    let mut pruned = Pruned { dry_run: options.dry_run, limits, runs, files: None, bytes: None };
    if !options.dry_run {
        let tidied = runner.tidy(&pruned.limits).await?;
        let removed: HashSet<_> = tidied.runs.into_iter().collect();
        // Somebody else may have come to need one of them meanwhile, or have removed it.
        pruned.runs.values_mut().for_each(|runs| runs.retain(|run| removed.contains(run)));
        pruned.runs.retain(|_, runs| !runs.is_empty());
        (pruned.files, pruned.bytes) = (Some(tidied.files), Some(tidied.bytes));
    }
    session.console.show(&pruned, pruned_text)?;
    Ok(Exit::Done)
}

fn by_sync(removed: Vec<RemovedRun>) -> BTreeMap<String, Vec<RunId>> {
    let mut runs: BTreeMap<String, Vec<RunId>> = BTreeMap::new();
    for RemovedRun { run, sync, .. } in removed {
        runs.entry(sync).or_default().push(run);
    }
    runs
}

fn size_text(size: &HistorySize, limits: &Retention) -> String {
    let (mut large, small): (Vec<_>, Vec<_>) = size.tables.iter().partition(|(_, bytes)| **bytes >= SMALL);
    large.sort_by_key(|(name, bytes)| (std::cmp::Reverse(**bytes), name.as_str()));
    let sum = |tables: &[(&String, &u64)]| tables.iter().map(|(_, bytes)| **bytes).sum::<u64>();
    let free = size.total.saturating_sub(sum(&large) + sum(&small));
    let mut columns = Columns::new(&["table", "size#"]);
    for (name, bytes) in &large {
        columns.row(&[(*name).clone(), megabytes(**bytes)]);
    }
    if !small.is_empty() {
        columns.row(&["the others".to_owned(), megabytes(sum(&small))]);
    }
    if free > 0 {
        columns.row(&["free, or not yet in its place".to_owned(), megabytes(free)]);
    }
    let total = paint(NAME, &megabytes(size.total));
    format!("{}\nThe history takes {total} ({})\n", columns.text(), limits_text(limits))
}

fn limits_text(limits: &Retention) -> String {
    let limits = [
        limits.runs.map(|runs| format!("{} of each sync", things(runs, "run", "runs"))),
        limits.days.map(|days| things(u64::from(days), "day", "days")),
        limits.megabytes.map(|megabytes| format!("{} MB", count(megabytes))),
        limits.audit_days.map(|days| format!("{} of the audit log", things(u64::from(days), "day", "days"))),
        limits.reads.map(|reads| format!("{} of each model beside the last run's", things(reads, "read", "reads"))),
    ];
    let limits: Vec<_> = limits.into_iter().flatten().collect();
    if limits.is_empty() { "no limits".to_owned() } else { format!("limits: {}", limits.join(", ")) }
}

fn pruned_text(pruned: &Pruned) -> String {
    let all: usize = pruned.runs.values().map(Vec::len).sum();
    let mut text = String::new();
    for (sync, runs) in &pruned.runs {
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else { continue };
        let which = if runs.len() > NAMED {
            format!("the oldest {first}, the newest {last}")
        } else {
            runs.iter().map(RunId::to_string).collect::<Vec<_>>().join(", ")
        };
        let _ = writeln!(text, "  {}: {} ({which})", clean(sync), things(runs.len() as u64, "run", "runs"));
    }
    let would = if pruned.dry_run { "would be removed" } else { "removed" };
    let runs = paint(NAME, &things(all as u64, "run", "runs"));
    let files = match (pruned.files, pruned.bytes) {
        (Some(files), Some(bytes)) => format!(", with {} of {}", things(files, "file", "files"), megabytes(bytes)),
        _ => String::new(),
    };
    let _ = writeln!(text, "{runs} {would}{files} ({})", limits_text(&pruned.limits));
    if !pruned.dry_run && all > 0 {
        let room = "the database is as large as before: what comes next uses the room";
        let _ = writeln!(text, "{}", paint(DIM, room));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn sizes_are_told_with_the_limits() {
        let tables = [("run", 120_000), ("change", 12_900_000), ("run_log", 0)];
        let tables = tables.map(|(name, bytes)| (name.to_owned(), bytes)).into();
        let limits = Retention { megabytes: Some(2000), ..Retention::default() };
        insta::assert_snapshot!(plain(&size_text(&HistorySize { total: 14_000_000, tables }, &limits)), @r#"
table                             size
change                         12.9 MB
run                             0.1 MB
the others                      0.0 MB
free, or not yet in its place   1.0 MB

The history takes 14.0 MB (limits: 1,000 runs of each sync, 365 days, 2,000 MB, 1,826 days of the audit log, 3 reads of each model beside the last run's)
"#);
    }

    #[test]
    fn what_is_removed_is_told_by_sync() {
        let removed = [(1, "lab"), (2, "lab"), (5, "lab"), (3, "other")];
        let removed = removed.map(|(run, sync)| RemovedRun { run: RunId::new(run), sync: sync.to_owned(), plan: None });
        let runs = by_sync(removed.to_vec());
        let limits = Retention { runs: None, days: None, megabytes: None, audit_days: None, reads: None };
        let mut pruned = Pruned { dry_run: true, limits, runs, files: None, bytes: None };
        insta::assert_snapshot!(plain(&pruned_text(&pruned)), @r#"
  lab: 3 runs (1, 2, 5)
  other: 1 run (3)
4 runs would be removed (no limits)
"#);
        (pruned.dry_run, pruned.files, pruned.bytes) = (false, Some(3), Some(1_200_000));
        insta::assert_snapshot!(plain(&pruned_text(&pruned)), @r#"
  lab: 3 runs (1, 2, 5)
  other: 1 run (3)
4 runs removed, with 3 files of 1.2 MB (no limits)
the database is as large as before: what comes next uses the room
"#);
        pruned.runs.clear();
        insta::assert_snapshot!(plain(&pruned_text(&pruned)), @"0 runs removed, with 3 files of 1.2 MB (no limits)");
    }
}
