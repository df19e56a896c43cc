//! Runs as a table for spreadsheets.

use chrono::{DateTime, SecondsFormat, Utc};
use syncline_core::history::{Run, RunOutcome};

use crate::export::csv_row;

/// The names of the columns.
const COLUMNS: [&str; 27] = [
    "run",
    "sync",
    "kind",
    "purpose",
    "dry",
    "status",
    "outcome",
    "source",
    "target",
    "created",
    "started",
    "finished",
    "triggered_by",
    "request_id",
    "reason",
    "source_records",
    "target_records",
    "create",
    "update",
    "absent",
    "equal",
    "applied",
    "skipped",
    "held",
    "failed",
    "stale",
    "error",
];

/// The rows of some runs, with the names of the columns before the first.
pub fn written(runs: &[Run], is_first: bool) -> Vec<u8> {
    let names = is_first.then(|| csv_row(&COLUMNS.map(str::to_owned)));
    let rows = runs.iter().map(|run| csv_row(&row(run)));
    names.into_iter().chain(rows).flatten().collect()
}

fn row(run: &Run) -> [String; 27] {
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let (counts, outcomes) = (&run.counts, &run.counts.outcomes);
    [
        run.id.to_string(),
        run.sync.clone(),
        run.kind.as_str().to_owned(),
        run.purpose.as_str().to_owned(),
        run.dry.to_string(),
        run.status.to_string(),
        RunOutcome::of(run).as_str().to_owned(),
        run.source.connection.clone(),
        run.target.connection.clone(),
        time(Some(run.created)).unwrap_or_default(),
        time(run.started).unwrap_or_default(),
        time(run.finished).unwrap_or_default(),
        run.triggered_by.clone(),
        run.request_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        run.request.clone().unwrap_or_default(),
        counts.source_records.to_string(),
        counts.target_records.to_string(),
        counts.create.to_string(),
        counts.update.to_string(),
        counts.delete.to_string(),
        counts.unchanged.to_string(),
        outcomes.applied.to_string(),
        outcomes.skipped.to_string(),
        outcomes.held.to_string(),
        outcomes.failed.to_string(),
        outcomes.stale.to_string(),
        run.error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
    ]
}
