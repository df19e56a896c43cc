//! A run in a line of a table, and as one of a row of small squares.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};
use syncline_core::history::{History, Purpose, Run, RunStatus};

use super::form::{link, segment};
use super::outcome::{Badge, RunOutcome};
use super::show::{Count, Icon, Took, When, clean};

/// A run in a line of a table. Its numbers are those of `syncline history`.
#[derive(Debug, Clone)]
pub struct RunLine {
    /// Its number.
    pub id: i64,
    /// Its sync.
    pub sync: String,
    /// The page of its sync.
    pub sync_href: String,
    /// What came of it.
    pub badge: Badge,
    /// What started it, and what for: `adhoc, undo of 3`.
    pub kind: String,
    /// Who started it; none where nobody but what started it did.
    pub by: Option<String>,
    /// When it began, or was made.
    pub began: When,
    /// How long it took; none while it is not over.
    pub took: Option<Took>,
    /// What it found, and what came of that, each with a link to what is counted.
    pub numbers: Vec<Number>,
}

/// A number with a link to what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/number.html")]
pub struct Number {
    /// How many.
    pub count: Count,
    /// What they are, for those who cannot see the column.
    pub what: &'static str,
    /// A class: `bad` where it should be nothing.
    pub class: &'static str,
    /// Where they are; none where there is no list of them.
    pub href: Option<String>,
}

/// A run as a small square.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/square.html")]
pub struct Square {
    /// Its number.
    pub id: i64,
    /// What came of it.
    pub outcome: RunOutcome,
    /// It wrote nothing, and was not to.
    pub dry: bool,
    /// How high its bar is: that of so many changes, by their magnitude.
    pub height: u64,
    /// All of it in words.
    pub title: String,
}

/// How high the bar of a square can be, in its own units.
const HIGHEST: u64 = 16;

impl HtmlSafe for Number {}
impl HtmlSafe for Square {}

/// The columns of [`RunLine::numbers`].
pub const NUMBERS: [&str; 6] = ["create", "update", "absent", "applied", "held", "failed"];

impl RunLine {
    /// A run that waited so long between its phases, seen from `now`.
    fn of(run: &Run, waited: Duration, now: DateTime<Utc>) -> Self {
        Self {
            id: run.id.number(),
            sync: clean(&run.sync),
            sync_href: sync_href(&run.sync),
            badge: Badge::of(run),
            kind: kind(run),
            by: by(run),
            began: When::new(run.started.unwrap_or(run.created), now),
            took: run.worked(waited).map(Took),
            numbers: numbers(run),
        }
    }
}

impl Number {
    /// A number of changes of a run, filtered by the query.
    pub fn of_changes(run: i64, count: u64, what: &'static str, query: &[(&str, &str)]) -> Self {
        let href = (count > 0).then(|| link(&format!("/runs/{run}/plan"), query.iter().copied()));
        Self { count: Count(count), what, class: "", href }
    }

    /// A number of something that there is no list of.
    pub fn plain(count: u64, what: &'static str) -> Self {
        Self { count: Count(count), what, class: "", href: None }
    }

    /// One that should be nothing.
    pub fn or_bad(self) -> Self {
        let class = if self.count.is_zero() { "" } else { "bad" };
        Self { class, ..self }
    }

    /// One that a person may want to look at.
    pub fn or_warn(self) -> Self {
        let class = if self.count.is_zero() { "" } else { "warn" };
        Self { class, ..self }
    }
}

impl Square {
    /// The square of a run.
    pub fn of(run: &Run, now: DateTime<Utc>) -> Self {
        let badge = Badge::of(run);
        let began = When::new(run.started.unwrap_or(run.created), now);
        let dry = if run.dry { "dry run" } else { "run" };
        let but = if badge.but.is_empty() { String::new() } else { format!(", {}", badge.but) };
        let changes = changes(run);
        let title = format!(
            "{dry} {} of {}: {}{but}, {}; {} ({})",
            run.id,
            clean(&run.sync),
            badge.word(),
            Count(changes).of("change", "changes"),
            began.told(),
            began.full()
        );
        Self { id: run.id.number(), outcome: badge.outcome, dry: run.dry, height: height(changes), title }
    }

    /// Where its bar begins, from above.
    fn top(&self) -> u64 {
        HIGHEST - self.height
    }

    /// The symbol.
    pub fn icon(&self) -> Icon {
        Icon(self.outcome.as_str())
    }
}

/// How many changes a run made or tried; one that wrote nothing, how many it found.
fn changes(run: &Run) -> u64 {
    let (counts, outcomes) = (&run.counts, &run.counts.outcomes);
    let tried = outcomes.applied + outcomes.failed + outcomes.stale;
    if tried == 0 && (run.dry || run.status == RunStatus::AwaitingReview || run.purpose == Purpose::Drift) {
        counts.create + counts.update + counts.delete
    } else {
        tried
    }
}

/// The height of a bar: nothing of nothing, a fifth of one change, and as much again for each ten times as many.
fn height(changes: u64) -> u64 {
    const STEP: u64 = 3;
    let Some(magnitude) = changes.checked_ilog10() else { return 0 };
    // Between two powers of ten, in thirds.
    let within = changes / 10_u64.pow(magnitude);
    let thirds = u64::from(within >= 2) + u64::from(within >= 5);
    (STEP * (u64::from(magnitude) + 1) + thirds).min(HIGHEST)
}

/// Runs in lines, in their order, seen from `now`.
pub async fn lines(history: &History, runs: &[Run], now: DateTime<Utc>) -> syncline_core::Result<Vec<RunLine>> {
    let phases = history.phases_of(runs.iter().map(|run| run.id)).await?;
    let waited = |run: &Run| run.waited(phases.get(&run.id).map(Vec::as_slice).unwrap_or_default());
    Ok(runs.iter().map(|run| RunLine::of(run, waited(run), now)).collect())
}

/// The page of a sync.
pub fn sync_href(name: &str) -> String {
    format!("/syncs/{}", segment(name))
}

/// What started a run, and what for, where that is not a sync of everything: `adhoc, only devices at atlanta-dc1`.
pub fn kind(run: &Run) -> String {
    let subject = run.subject.map(|subject| format!(" of {subject}")).unwrap_or_default();
    let purpose = match run.purpose {
        Purpose::Sync | Purpose::Part => String::new(),
        Purpose::Apply => format!(", apply{subject}"),
        Purpose::Drift => ", drift".to_owned(),
        Purpose::Undo => format!(", undo{subject}"),
        Purpose::Rerun => format!(", rerun{subject}"),
    };
    let scope = run.options.scope.as_ref().map(|scope| format!(", only {}", clean(&scope.to_string())));
    format!("{}{purpose}{}", clean(run.started_as()), scope.unwrap_or_default())
}

/// Who started a run, where what started it does not say it.
pub fn by(run: &Run) -> Option<String> {
    run.started_by().map(|by| clean(&by))
}

fn numbers(run: &Run) -> Vec<Number> {
    let (id, counts, outcomes) = (run.id.number(), &run.counts, &run.counts.outcomes);
    vec![
        Number::of_changes(id, counts.create, "create", &[("action", "create")]),
        Number::of_changes(id, counts.update, "update", &[("action", "update")]),
        Number::of_changes(id, counts.delete, "absent", &[("action", "delete")]),
        Number::of_changes(id, outcomes.applied, "applied", &[("outcome", "applied")]),
        Number::of_changes(id, outcomes.held, "held", &[("outcome", "held")]).or_warn(),
        Number::of_changes(id, outcomes.failed + outcomes.stale, "failed", &[("outcome", "failed,stale")]).or_bad(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_by_magnitudes() {
        let heights = [0, 1, 2, 9, 10, 49, 50, 100, 1_000, 10_000, 100_000, u64::MAX].map(height);
        assert_eq!(heights, [0, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 16]);
    }
}
