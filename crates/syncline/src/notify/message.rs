//! What is told.

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_core::Result;
use syncline_core::history::{
    History, Purpose, Run, RunCounts, RunError, RunFilter, RunId, RunOutcome, RunStatus, StatusChange, StatusEvent,
};
use url::Url;

use crate::config::Occasion;

/// What somebody is told of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Names the message: sent twice, it is the same one.
    pub id: u64,
    /// What happened, the most telling first. None in a message that only shows whether messages arrive.
    pub occasions: Vec<Occasion>,
    /// The sync.
    pub sync: Option<String>,
    /// The run.
    pub run: Option<RunId>,
    /// All in one line.
    pub title: String,
    /// What more there is to say, a line each.
    pub lines: Vec<String>,
    /// What the run counted.
    pub counts: Option<RunCounts>,
    /// Why the run did not complete.
    pub error: Option<RunError>,
    /// Where it is shown; none where nobody set `web.url`.
    pub url: Option<Url>,
    /// When it happened.
    pub at: DateTime<Utc>,
}

impl Message {
    /// What is told of a change of how a run stands; none where it is of no interest to anybody, or not true any more. Runs are shown
    /// below `shown`.
    pub async fn of(history: &History, change: &StatusChange, shown: Option<&Url>) -> Result<Option<Self>> {
        let Some(run) = history.run(change.run).await? else { return Ok(None) };
        let occasions = occasions(history, change, &run).await?;
        let Some(first) = occasions.first() else { return Ok(None) };
        let part = if *first == Occasion::Review { "/plan" } else { "" };
        Ok(Some(Self {
            id: change.seq,
            title: title(*first, &run),
            lines: lines(&run),
            occasions,
            url: shown.and_then(|shown| shown.join(&format!("runs/{}{part}", run.id)).ok()),
            sync: Some(run.sync),
            run: Some(run.id),
            counts: Some(run.counts),
            error: run.error,
            at: change.at,
        }))
    }

    /// One that only shows whether messages arrive.
    pub fn trial(channel: &str, shown: Option<&Url>, now: DateTime<Utc>) -> Self {
        Self {
            id: 0,
            occasions: Vec::new(),
            sync: None,
            run: None,
            title: format!("Syncline reaches `{channel}`"),
            lines: vec!["Somebody asked whether messages arrive here. Nothing has happened.".to_owned()],
            counts: None,
            error: None,
            url: shown.cloned(),
            at: now,
        }
    }

    /// All of it, for people.
    pub fn text(&self) -> String {
        let url = self.url.iter().map(ToString::to_string);
        [self.title.clone()].into_iter().chain(self.lines.iter().cloned()).chain(url).collect::<Vec<_>>().join("\n")
    }
}

async fn occasions(history: &History, change: &StatusChange, run: &Run) -> Result<Vec<Occasion>> {
    let is_drift = run.purpose == Purpose::Drift;
    // Whoever asks for a plan looks at it. And what is over meanwhile is told when it is its turn.
    if (run.dry && !is_drift) || change.status.status != run.status {
        return Ok(Vec::new());
    }
    // A change of something else, such as why it is paused, is no news.
    let before = history.status_before(run.id, change.seq).await?;
    let stands = |status: &StatusEvent| (status.status, status.paused.is_some());
    if before.is_some_and(|before| stands(&before) == stands(&change.status)) {
        return Ok(Vec::new());
    }
    let outcome = RunOutcome::of(run);
    Ok(match outcome {
        RunOutcome::Review => vec![Occasion::Review],
        RunOutcome::Failed => vec![Occasion::Failed],
        RunOutcome::Refused => vec![Occasion::Refused],
        RunOutcome::Partial => vec![Occasion::Partial],
        RunOutcome::Cancelled => vec![Occasion::Cancelled],
        RunOutcome::Waiting | RunOutcome::Working => {
            // One that was out of time goes on by itself at the next tick.
            let is_paused = change.status.paused.is_some() && run.paused.is_some() && !run.is_out_of_time();
            if is_paused { vec![Occasion::Paused] } else { Vec::new() }
        }
        RunOutcome::Changed if is_drift => vec![Occasion::Drift],
        RunOutcome::Clean if is_drift => Vec::new(),
        RunOutcome::Changed | RunOutcome::Clean => {
            let own = if outcome == RunOutcome::Changed { Occasion::Changed } else { Occasion::Clean };
            if recovers(history, run).await? { vec![Occasion::Recovered, own] } else { vec![own] }
        }
    })
}

/// Whether the real run before this one failed, was refused, or did not get everything done.
async fn recovers(history: &History, run: &Run) -> Result<bool> {
    let before = RunFilter {
        sync: Some(run.sync.clone()),
        status: vec![RunStatus::Completed, RunStatus::Failed],
        dry: Some(false),
        ..RunFilter::default()
    };
    let before = history.runs(&before, Some(run.id), 1).await?.items.pop();
    let bad = [RunOutcome::Failed, RunOutcome::Refused, RunOutcome::Partial];
    Ok(before.is_some_and(|before| bad.contains(&RunOutcome::of(&before))))
}

fn title(occasion: Occasion, run: &Run) -> String {
    let (id, sync) = (run.id, &run.sync);
    match occasion {
        Occasion::Review => format!("Run {id} of {sync} waits for a person to look at its plan"),
        Occasion::Paused => format!("Run {id} of {sync} is paused"),
        Occasion::Failed => format!("Run {id} of {sync} failed"),
        Occasion::Refused => format!("A guard refused the plan of run {id} of {sync}"),
        Occasion::Partial => format!("Run {id} of {sync} did not get everything done"),
        Occasion::Drift => format!("What {sync} keeps in agreement has drifted (run {id})"),
        Occasion::Recovered => format!("{sync} works again (run {id})"),
        Occasion::Changed => format!("Run {id} of {sync} changed what differed"),
        Occasion::Clean => format!("Run {id} of {sync} found nothing to do"),
        Occasion::Cancelled => format!("Somebody ended run {id} of {sync}"),
    }
}

fn lines(run: &Run) -> Vec<String> {
    let (counts, outcomes) = (&run.counts, &run.counts.outcomes);
    let told = |parts: &[(u64, &str)]| {
        let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        parts.collect::<Vec<_>>().join(", ")
    };
    let found = told(&[(counts.create, "to create"), (counts.update, "to update"), (counts.delete, "absent")]);
    let done = told(&[
        (outcomes.applied, "applied"),
        (outcomes.held, "held"),
        (outcomes.skipped, "skipped"),
        (outcomes.failed, "failed"),
        (outcomes.stale, "stale"),
        (counts.rejected, "not taken over"),
    ]);
    let (source, target) = (&run.source.connection, &run.target.connection);
    let mut lines = vec![format!("From {source} to {target}, {}", run.started_words())];
    lines.extend((!found.is_empty()).then(|| format!("Found: {found}")));
    lines.extend((!done.is_empty()).then(|| format!("Done: {done}")));
    lines.extend(run.paused.as_ref().map(|reason| format!("Paused: {reason}")));
    lines.extend(run.error.as_ref().map(|error| format!("Why: {}", error.message)));
    lines
}
