//! How far both sides of a sync agree, as its last complete comparison told.

use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::history::{FindingKind, FindingState, History, Purpose, Run, RunFilter, RunOutcome, RunStatus};

use super::drift::drift_href;
use super::show::{Count, When};

/// How many runs are looked at for one that compared everything.
const LOOKED_AT: u64 = 20;

/// How far both sides of a sync agree.
#[derive(Debug, Default)]
pub struct Agreement {
    /// How many records were equal; none when nothing was compared yet.
    pub share: Option<Share>,
    /// The differences that drift checks found and that stand; none when no check was made.
    pub drift: Option<Drift>,
    /// When a run last found nothing to do.
    pub clean: Option<(When, i64)>,
}

/// How many of the compared records were equal when a run was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The run.
    pub run: i64,
    /// Records that were equal, or were made so.
    pub equal: Count,
    /// Records that either side has.
    pub compared: Count,
}

/// The differences that stand.
#[derive(Debug)]
pub struct Drift {
    pub open: Count,
    /// Their list.
    pub href: String,
}

impl Agreement {
    /// That of a sync, of which `recent` are the last runs, newest first.
    pub async fn of(history: &History, sync: &str, recent: &[Run], now: DateTime<Utc>) -> Result<Self> {
        let complete = match recent.iter().find(|run| compared_all(run)) {
            Some(run) => Some(run.clone()),
            None => completed(history, sync, None).await?.into_iter().find(compared_all),
        };
        let is_clean = |run: &Run| compared_all(run) && RunOutcome::of(run) == RunOutcome::Clean;
        let clean = match recent.iter().find(|run| is_clean(run)) {
            Some(run) => Some(run.clone()),
            None => completed(history, sync, Some(RunOutcome::Clean)).await?.into_iter().find(is_clean),
        };
        Ok(Self {
            share: complete.as_ref().and_then(Share::of),
            drift: drift(history, sync, recent).await?,
            clean: clean.map(|run| (When::new(run.finished.unwrap_or(run.created), now), run.id.number())),
        })
    }
}

/// The newest completed runs of a sync, of which that came.
async fn completed(history: &History, sync: &str, outcome: Option<RunOutcome>) -> Result<Vec<Run>> {
    let filter = RunFilter {
        sync: Some(sync.to_owned()),
        status: vec![RunStatus::Completed],
        outcome: outcome.into_iter().collect(),
        ..RunFilter::default()
    };
    Ok(history.runs(&filter, None, LOOKED_AT).await?.items)
}

/// The run is over and compared all that its sync is about.
fn compared_all(run: &Run) -> bool {
    run.status == RunStatus::Completed && run.compared_everything()
}

async fn drift(history: &History, sync: &str, recent: &[Run]) -> Result<Option<Drift>> {
    let counts = history.finding_counts(Some(sync)).await?;
    let found: Vec<_> = counts.iter().filter(|count| count.kind == FindingKind::Drift).collect();
    // Without a check, none is not zero.
    if found.is_empty() && !recent.iter().any(|run| run.purpose == Purpose::Drift) {
        let checks = RunFilter {
            sync: Some(sync.to_owned()),
            status: vec![RunStatus::Completed],
            purpose: Some(Purpose::Drift),
            ..RunFilter::default()
        };
        if history.runs(&checks, None, 1).await?.items.is_empty() {
            return Ok(None);
        }
    }
    let open = found.iter().filter(|count| count.state == FindingState::Open).map(|count| count.count).sum();
    Ok(Some(Drift { open: Count(open), href: drift_href(sync, FindingKind::Drift) }))
}

impl Share {
    fn of(run: &Run) -> Option<Self> {
        let (counts, outcomes) = (&run.counts, &run.counts.outcomes);
        let compared = counts.create + counts.update + counts.delete + counts.unchanged + counts.ambiguous;
        let made_so = if run.dry { 0 } else { outcomes.applied + outcomes.unchanged };
        // A record that is released first is written twice.
        let equal = (counts.unchanged + made_so).min(compared);
        let run = run.id.number();
        (compared > 0).then_some(Self { run, equal: Count(equal), compared: Count(compared) })
    }

    /// In hundredths with a tenth, rounded down: all is said of all alone.
    pub fn percent(&self) -> String {
        let tenths = self.equal.0.saturating_mul(1_000).checked_div(self.compared.0).unwrap_or_default();
        match tenths {
            1_000 => "100 %".to_owned(),
            tenths => format!("{}.{} %", tenths / 10, tenths % 10),
        }
    }

    /// Everything was equal.
    pub fn is_whole(&self) -> bool {
        self.equal == self.compared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_said_of_all_alone() {
        let percent = |equal, compared| Share { run: 1, equal: Count(equal), compared: Count(compared) }.percent();
        assert_eq!(percent(3, 3), "100 %");
        assert_eq!(percent(99_999, 100_000), "99.9 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 3), "0.0 %");
    }
}
