//! What is done about a run that would end while nobody knows whether what it sent was written.
//!
//! A record that was created and that nobody knows of is nobody's: it is never deleted, and no undo finds it. So such a run first
//! reads what became of its last batches. When the target cannot be asked, it waits until it can. Only when a person does not want
//! to wait, or when the target is another one by now, does it end in doubt, and then it says so of each change.

use std::collections::HashSet;
use std::time::Duration;

use chrono::Utc;

use super::applying::Applying;
use super::record::{Recorder, endpoint};
use super::work::Work;
use super::{RunReport, Runner};
use crate::apply::{EarlierBatch, Journal, JournalEntry};
use crate::change::Change;
use crate::event::{Events, Level};
use crate::history::{Claim, Run, RunStage, RunStatus, Stop};
use crate::outcome::Outcome;
use crate::stop::StopSignal;
use crate::target::{Pass, Written};
use crate::{Error, ErrorKind, ErrorStatus, Result};

/// How long a run waits before it asks its target for the second time; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// How long it waits at most.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// How many changes are recorded at once.
const PAGE: usize = 1_000;

/// What can be done about what is in doubt, after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// The target is asked what became of it, and then the run ends with its error.
    Ask,
    /// The error may go away.
    Wait,
    /// A person has to do something about the error.
    Person,
}

impl Remedy {
    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Unreachable
            | ErrorKind::RateLimited
            | ErrorKind::Protocol
            | ErrorKind::Remote
            | ErrorKind::InDoubt
            | ErrorKind::Storage
            | ErrorKind::Busy
            // A secret may be on its way; a list may be missing while a system starts.
            | ErrorKind::Settings
            | ErrorKind::NotFound => Self::Wait,
            // Trying again and again can lock an account.
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => Self::Person,
            ErrorKind::Refused
            | ErrorKind::Stale
            | ErrorKind::Unsupported
            | ErrorKind::Guard
            | ErrorKind::Cancelled
            | ErrorKind::LeaseLost
            | ErrorKind::Internal => Self::Ask,
        }
    }
}

/// How long a run waits that waited so often already.
fn wait(waits: u64) -> Duration {
    let doublings = u32::try_from(waits.min(16)).unwrap_or(16);
    FIRST_WAIT.saturating_mul(2_u32.pow(doublings)).min(LONGEST_WAIT)
}

impl Work<'_> {
    /// Looks at how a run is about to end: it must not while something is in doubt that can still be settled.
    pub(super) async fn leave_no_doubt(
        &mut self,
        ended: Result<RunStatus>,
        report: &mut RunReport,
    ) -> Result<RunStatus> {
        let Err(error) = ended else { return ended };
        let is_put_back = self.stop.paused().is_some() || self.stop.handed_over().is_some();
        if error.kind() == ErrorKind::LeaseLost || (error.kind() == ErrorKind::Cancelled && is_put_back) {
            return Err(error);
        }
        let doubt = Doubt { runner: self.runner, run: self.run, recorder: self.recorder, events: self.events };
        let batches = doubt.batches().await?;
        let is_cancelled = self.stop.is_given() && !self.stop.leaves_the_rest();
        if batches.is_empty() {
            let is_passing = error.status() != ErrorStatus::Permanent && Remedy::of(error.kind()) == Remedy::Wait;
            if !is_cancelled && is_passing && self.may_be_merged().await? {
                return Ok(doubt.put_back(&batches, &error, report));
            }
            return Err(error);
        }
        let mut obstacle = None;
        if is_cancelled || Remedy::of(error.kind()) == Remedy::Ask {
            match self.settle(&error, report).await {
                Ok(()) => return Err(error),
                Err(lost) if lost.kind() == ErrorKind::LeaseLost => return Err(lost),
                Err(other) => obstacle = Some(other),
            }
        }
        let ends_in_doubt = match &obstacle {
            Some(obstacle) => is_cancelled || Remedy::of(obstacle.kind()) == Remedy::Ask,
            None => false,
        };
        if !ends_in_doubt {
            return Ok(doubt.put_back(&batches, obstacle.as_ref().unwrap_or(&error), report));
        }
        let obstacle = obstacle.unwrap_or_else(|| self.stop.error());
        doubt.keep(&batches, &obstacle).await?;
        Err(if is_cancelled { self.stop.error() } else { error })
    }

    /// Whether the run staged all of its changes and may have asked for their merge: nobody knows how that ended, and asking again does
    /// no harm.
    async fn may_be_merged(&self) -> Result<bool> {
        let run = self.runner.history.run(self.run.id).await?;
        Ok(run.is_some_and(|run| run.stage == RunStage::Staged && run.staged_as.is_some()))
    }

    /// Asks the target what became of the batches in doubt, and gives every change an outcome that has none.
    async fn settle(&self, error: &Error, report: &mut RunReport) -> Result<()> {
        let plan = self.runner.plan_of(self.run).await?;
        let (then, now) = (&self.run.target, endpoint(&self.sync.target));
        if (&then.connector, &then.instance) != (&now.connector, &now.instance) {
            let message = format!(
                "the run wrote to the {} at `{}`, and the sync `{}` has another target by now",
                then.connector, then.instance, self.sync.name
            );
            return Err(Error::new(ErrorKind::Stale, message));
        }
        let target = self.runner.registry().connect_target(&self.sync.target, self.events).await?;
        let fields = target.holds();
        // What stopped the run does not stop it from looking.
        let stop = StopSignal::new();
        let work = Work {
            runner: self.runner,
            sync: self.sync,
            run: self.run,
            claim: self.claim,
            validity: self.validity,
            events: self.events,
            stop: &stop,
            recorder: self.recorder,
        };
        let ends = Some(error.report());
        Applying { work: &work, plan: &plan, target: target.as_ref(), fields: &fields, ends }.settle(report).await?;
        Ok(())
    }
}

impl Runner {
    /// Ends a run whose sync is not to be had, or lets it wait for its sync when something of it is in doubt.
    pub(super) async fn leave_without_sync(&self, claim: Claim, run: &Run, error: Error) -> Result<RunStatus> {
        let events = Events::new();
        let recorder = Recorder::of(&self.history, claim, run, &events);
        let mut report = RunReport::begun(run);
        let doubt = Doubt { runner: self, run, recorder: &recorder, events: &events };
        let batches = doubt.batches().await?;
        let cancelled = run.stop.as_ref().filter(|request| request.stop == Stop::Cancel);
        match cancelled {
            _ if batches.is_empty() => {
                (report.status, report.error) = (RunStatus::Failed, Some(error));
            }
            Some(request) => {
                doubt.keep(&batches, &error).await?;
                let error = Error::new(ErrorKind::Cancelled, format!("the run was {}", request.words()));
                (report.status, report.error) = (RunStatus::Cancelled, Some(error));
            }
            None => report.status = doubt.put_back(&batches, &error, &mut report),
        }
        recorder.finish(&report).await?;
        Ok(report.status)
    }
}

/// A run that sent something of which nobody knows what became of it.
struct Doubt<'a> {
    runner: &'a Runner,
    run: &'a Run,
    recorder: &'a Recorder<'a>,
    events: &'a Events,
}

impl Doubt<'_> {
    async fn batches(&self) -> Result<Vec<EarlierBatch>> {
        self.runner.history.in_doubt(self.run.id).await
    }

    /// Lets the run wait: until a time, or for a person.
    fn put_back(&self, batches: &[EarlierBatch], obstacle: &Error, report: &mut RunReport) -> RunStatus {
        let changes: u64 = batches.iter().map(|batch| batch.places.iter().count() as u64).sum();
        let what = if batches.is_empty() {
            "the staged changes are still to be merged".to_owned()
        } else if changes == 1 {
            "1 change is in doubt until the target tells of it".to_owned()
        } else {
            format!("{changes} changes are in doubt until the target tells of them")
        };
        let reason = format!("{what}, but: {}", obstacle.report());
        if Remedy::of(obstacle.kind()) == Remedy::Person {
            self.events.message(Level::Error, format!("the run waits for a person: {reason}"));
            report.paused = Some(reason);
        } else {
            let wait = wait(self.run.waits);
            let text = format!("the run goes on in {} s at the earliest: {reason}", wait.as_secs());
            self.events.message(Level::Warning, text);
            report.not_before = Some(Utc::now() + wait);
            report.waiting = Some(reason);
        }
        RunStatus::Queued
    }

    /// Says of every change in doubt that it is, and of all others without an outcome that they were not tried. The batches stay
    /// in the history.
    async fn keep(&self, batches: &[EarlierBatch], obstacle: &Error) -> Result<()> {
        let why = obstacle.report();
        let plan = match self.runner.plan_of(self.run).await {
            Ok(plan) => plan,
            Err(error) => {
                let places: Vec<_> = batches.iter().flat_map(|batch| batch.places.iter()).collect();
                let text = format!(
                    "in doubt are the changes {places:?} of the plan, which cannot be read any more ({}): {why}",
                    error.report()
                );
                self.events.message(Level::Error, text);
                return Ok(());
            }
        };
        let mut journal = self.recorder.journal(&plan).await?;
        let done = outcomes_of(&mut journal).await?;
        let (first, second) = (in_pass(batches, Pass::First), in_pass(batches, Pass::Second));
        let mut entries = Vec::new();
        for (sequence, change) in (1..).zip(plan.changes()?) {
            let change: Change = change?;
            let in_doubt = |what: &str| Outcome::Failed {
                field: None,
                reason: format!("in doubt: {what} was sent, and nobody knows whether it was written: {why}"),
            };
            if done.contains(&sequence) {
                if second.contains(&sequence) {
                    self.tell(&change);
                    let fields: Vec<_> = change.deferred().map(|field| field.name.as_str()).collect();
                    let outcome = in_doubt(&fields.join(", "));
                    journal.amend(&JournalEntry::planned(sequence, change), &outcome).await?;
                }
                continue;
            }
            let outcome = match &change.hold {
                _ if first.contains(&sequence) => {
                    self.tell(&change);
                    in_doubt("it")
                }
                Some(hold) => Outcome::Held { reason: hold.reason.clone() },
                None => Outcome::Skipped { reason: format!("the run ended before it: {why}") },
            };
            entries.push(JournalEntry::planned(sequence, change).with(Written::not_written(outcome)));
            if entries.len() >= PAGE {
                journal.record(None, std::mem::take(&mut entries)).await?;
            }
        }
        journal.record(None, entries).await?;
        journal.flush().await
    }

    fn tell(&self, change: &Change) {
        let text = format!("in doubt: {} {} `{}`", change.action, change.model, change.key);
        self.events.message(Level::Error, text);
    }
}

/// The changes of batches of a pass, by their places in the plan.
fn in_pass(batches: &[EarlierBatch], pass: Pass) -> HashSet<u64> {
    batches.iter().filter(|batch| batch.pass == pass).flat_map(|batch| batch.places.iter()).collect()
}

/// The changes that have an outcome, by their places in the plan.
async fn outcomes_of(journal: &mut dyn Journal) -> Result<HashSet<u64>> {
    let (mut done, mut after) = (HashSet::new(), 0);
    loop {
        let page = journal.earlier_changes(after).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = last.number;
        done.extend(page.iter().map(|change| change.sequence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_growing() {
        let seconds: Vec<_> = (0..10).map(|waits| wait(waits).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(wait(u64::MAX), LONGEST_WAIT);
    }
}
