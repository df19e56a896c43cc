//! How the records of a sync stand, as a person sees it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_core::history::RunId;
use syncline_model::AnyKey;

use super::number::count;
use super::table::Columns;
use crate::cli::console::{DIM, WARN, clean, paint};

/// How many records are shown when not all are.
const SHOWN: usize = 40;

/// How the records of a sync stand.
#[derive(Debug, Serialize)]
pub struct States {
    /// The sync.
    pub sync: String,
    /// The newest drift check that came to its end.
    pub check: Check,
    /// How many records are in which state, by model.
    pub models: Vec<ModelStates>,
    /// The records that are not in sync.
    pub records: Vec<RecordState>,
}

/// A drift check.
#[derive(Debug, Serialize)]
pub struct Check {
    /// Its run.
    pub run: RunId,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// A run that completed after it: what that one wrote, the check does not know.
    pub outdated_by: Option<RunId>,
}

/// How many records of a model are in which state.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModelStates {
    /// The model.
    pub model: String,
    /// Both sides have it, with the same values.
    pub in_sync: u64,
    /// Both sides have it, with other values.
    pub drifted: u64,
    /// The target does not have it.
    pub missing: u64,
    /// The source does not have it; what others made in the target is counted too, and not listed.
    pub only_in_target: u64,
    /// Several records answer to its key.
    pub ambiguous: u64,
    /// Why nobody knows, as a read of the model does not tell everything: nothing is counted then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
}

/// A record that is not in sync.
#[derive(Debug, Serialize)]
pub struct RecordState {
    /// The model.
    pub model: String,
    /// The record.
    pub key: AnyKey,
    /// How it stands.
    pub state: State,
    /// The fields that differ.
    pub fields: Vec<String>,
    /// The check that found it so first.
    pub since_run: RunId,
    /// When it was last checked.
    pub checked: DateTime<Utc>,
    /// Whether somebody has looked at it.
    pub acknowledged: bool,
}

/// How a record stands that is not in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Both sides have it, with other values.
    Drifted,
    /// The target does not have it.
    Missing,
    /// The source does not have it.
    OnlyInTarget,
}

impl State {
    /// The name for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::OnlyInTarget => "only in target",
        }
    }
}

/// The records that are not in sync, how many are in which state, and when that was looked at.
pub fn text(states: &States, full: bool) -> String {
    let mut text = String::new();
    let shown = if full { states.records.len() } else { SHOWN.min(states.records.len()) };
    if shown > 0 {
        let mut columns = Columns::new(&["state", "model", "record", "fields", "since run#", "checked (UTC)"]);
        for record in &states.records[..shown] {
            columns.row(&[
                record.state.words().to_owned(),
                record.model.clone(),
                record.key.to_string(),
                record.fields.join(", "),
                record.since_run.to_string(),
                record.checked.format("%Y-%m-%d %H:%M:%S").to_string(),
            ]);
        }
        text += &columns.text();
        let more = states.records.len() - shown;
        if more > 0 {
            let line = format!("… {} more (--full shows them)", count(more as u64));
            let _ = writeln!(text, "{}", paint(DIM, &line));
        }
        text.push('\n');
    }
    let any_ambiguous = states.models.iter().any(|model| model.ambiguous > 0);
    let mut headings = vec!["model", "in sync#", "drifted#", "missing#", "only in target#"];
    if any_ambiguous {
        headings.push("ambiguous#");
    }
    let mut columns = Columns::new(&headings);
    for model in states.models.iter().filter(|model| model.not_compared.is_none()) {
        let mut cells = vec![model.model.clone()];
        cells.extend([model.in_sync, model.drifted, model.missing, model.only_in_target].map(count));
        if any_ambiguous {
            cells.push(count(model.ambiguous));
        }
        columns.row(&cells);
    }
    if states.models.iter().any(|model| model.not_compared.is_none()) {
        text += &columns.text();
    }
    for model in &states.models {
        if let Some(reason) = &model.not_compared {
            let line = format!("not compared: {}: {reason}", model.model);
            let _ = writeln!(text, "{}", paint(WARN, &clean(&line)));
        }
    }
    let check = &states.check;
    let _ = writeln!(text, "\nchecked {} by run {}", check.at.format("%Y-%m-%d %H:%M:%S UTC"), check.run);
    if let Some(run) = check.outdated_by {
        let line = format!("run {run} completed since; `syncline states {} --refresh` looks again", states.sync);
        let _ = writeln!(text, "{}", paint(WARN, &clean(&line)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_was_not_compared_has_no_counts() {
        let model = |model: &str| ModelStates { model: model.to_owned(), in_sync: 3, ..ModelStates::default() };
        let reason = "the read of the source is not complete: 62 records could not be taken over";
        let host = ModelStates { not_compared: Some(reason.to_owned()), ..model("host") };
        let check = Check { run: RunId::new(9), at: "2026-08-25T10:00:00Z".parse().unwrap(), outdated_by: None };
        let models = vec![model("host_group"), host];
        let mut states = States { sync: "lab".to_owned(), check, models, records: Vec::new() };
        let plain = |states: &States| anstream::adapter::strip_str(&text(states, false)).to_string();
        insta::assert_snapshot!(plain(&states));
        states.models.remove(0);
        insta::assert_snapshot!("nothing_was_compared", plain(&states));
    }
}
