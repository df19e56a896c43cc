//! What a run leaves in the history.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::Utc;
use serde_json::{Map, Value};
use syncline_model::AnyKey;

use super::event_log::EventLog;
use super::second_thoughts::SecondThoughts;
use super::{RunReport, SideDefinition, measure};
use crate::apply::{EarlierBatch, EarlierChange, Journal, JournalEntry, images_of};
use crate::change::Change;
use crate::event::Events;
use crate::history::{
    ChangeRecorder, Claim, Endpoint, History, ModelRecord, PlanRef, ReadRecord, RecordedChange, Run, RunResult,
    RunStatus,
};
use crate::models::ModelMode;
use crate::outcome::Outcome;
use crate::plan::PlanReader;
use crate::target::Pass;
use crate::{ErrorKind, Result};

/// How many records are adopted at once.
const ADOPTED: usize = 10_000;
/// How many changes of an earlier attempt are read at once.
const EARLIER: u64 = 10_000;

/// Writes one run into the history.
pub struct Recorder<'a> {
    history: &'a History,
    claim: Claim,
    sync: String,
    log: EventLog,
}

impl<'a> Recorder<'a> {
    /// Records a run that the caller has.
    pub fn of(history: &'a History, claim: Claim, run: &Run, events: &Events) -> Self {
        let log = EventLog::keep(history.clone(), claim, events, run.requests);
        Self { history, claim, sync: run.sync.clone(), log }
    }

    /// Keeps where the plan is.
    pub async fn saved_plan(&self, plan: &PlanReader) -> Result<()> {
        let plan = PlanRef { hash: plan.hash().to_owned(), path: plan.path().display().to_string() };
        self.history.set_plan(self.claim, &plan).await
    }

    /// Keeps the changes of a plan that is not applied.
    pub async fn planned(&self, plan: &PlanReader) -> Result<()> {
        let mut changes = ChangeRecorder::new(self.history.clone(), self.claim);
        for (place, change) in (1..).zip(plan.changes()?) {
            let change = change?;
            let held = change.hold.as_ref().map(|hold| Outcome::Held { reason: hold.reason.clone() });
            changes.push(&RecordedChange::now(&change, held.as_ref()).at_place(place)).await?;
        }
        changes.flush().await
    }

    /// Makes ours what a plan adopts, which is about to be applied. Doing it again changes nothing.
    pub async fn adopt(&self, plan: &PlanReader) -> Result<()> {
        let (mut model, mut records) = (String::new(), Vec::new());
        for adopted in plan.adopted()? {
            let adopted = adopted?;
            if !records.is_empty() && (adopted.model != model || records.len() >= ADOPTED) {
                self.history.adopt(self.claim, &model, &std::mem::take(&mut records)).await?;
            }
            model = adopted.model;
            records.push((adopted.key, adopted.id));
        }
        if records.is_empty() { Ok(()) } else { self.history.adopt(self.claim, &model, &records).await }
    }

    /// Where the outcomes of an apply of a plan go.
    pub async fn journal(&self, plan: &PlanReader) -> Result<HistoryJournal> {
        Ok(HistoryJournal {
            changes: ChangeRecorder::new(self.history.clone(), self.claim),
            history: self.history.clone(),
            claim: self.claim,
            sync: self.sync.clone(),
            second_thoughts: SecondThoughts::about(self.history, plan.header()).await?,
        })
    }

    /// Leaves the run as its report says: over, waiting for a person, or put back.
    pub async fn finish(self, report: &RunReport) -> Result<()> {
        let run = self.claim.run;
        let lost = report.error.as_ref().is_some_and(|error| error.kind() == ErrorKind::LeaseLost);
        if !lost {
            for phase in &report.phases {
                self.history.record_phase(self.claim, phase).await?;
            }
            for record in models(report) {
                self.history.record_model(self.claim, &record).await?;
            }
            let notes: Map<String, Value> =
                report.notes.iter().map(|(name, note)| (name.clone(), note.clone().into())).collect();
            self.history.set_notes(self.claim, &notes).await?;
            if !report.requests.is_empty() {
                self.history.set_requests(self.claim, &report.requests).await?;
            }
        }
        self.log.end(report).await?;
        match report.status {
            _ if lost => Ok(()),
            RunStatus::AwaitingReview => {
                let superseded = self.history.await_review(self.claim).await?;
                for older in superseded {
                    tracing::info!(%run, superseded = %older, "an older plan of the sync waits no more");
                }
                Ok(())
            }
            RunStatus::Queued if report.waiting.is_some() => {
                let (until, why) = (report.not_before.unwrap_or_else(Utc::now), report.waiting.as_deref());
                self.history.put_back_waiting(self.claim, until, why.unwrap_or_default()).await
            }
            RunStatus::Queued => self.history.put_back(self.claim, report.not_before, report.paused.as_deref()).await,
            _ => {
                let result = report.error.as_ref().map_or_else(RunResult::completed, RunResult::stopped_by);
                self.history.finish_run(self.claim, &result).await
            }
        }
    }
}

/// What was read and found, by model.
fn models(report: &RunReport) -> impl Iterator<Item = ModelRecord> + '_ {
    let handled = report.models.iter().filter(|choice| choice.mode != ModelMode::Off);
    handled.map(|choice| {
        let read = |side: &std::collections::BTreeMap<&'static str, super::ReadSummary>| {
            side.get(choice.model).map(|read| ReadRecord {
                records: read.records,
                partial: read.doubt.clone(),
                rejected: read.rejected,
                rejections: read.rejections.clone(),
                filled: read.filled.clone(),
            })
        };
        let found = report.summary.models.iter().find(|summary| summary.model == choice.model);
        ModelRecord {
            model: choice.model.to_owned(),
            mode: choice.mode,
            source: read(&report.source),
            desired: report.desired.get(choice.model).copied(),
            target: read(&report.target),
            diff: found.map(|summary| summary.found),
        }
    })
}

/// One end of a run, for the history.
pub fn endpoint(side: &SideDefinition) -> Endpoint {
    Endpoint { connector: side.connector.clone(), connection: side.connection_name.clone(), instance: side.instance() }
}

/// Keeps batches and outcomes in the history.
pub struct HistoryJournal {
    changes: ChangeRecorder,
    history: History,
    claim: Claim,
    sync: String,
    second_thoughts: SecondThoughts,
}

impl HistoryJournal {
    /// Waits until everything is kept.
    pub async fn flush(&mut self) -> Result<()> {
        self.changes.flush().await
    }
}

#[async_trait]
impl Journal for HistoryJournal {
    async fn earlier_batches(&mut self) -> Result<Vec<EarlierBatch>> {
        self.history.batches(self.claim.run).await
    }

    async fn earlier_changes(&mut self, after: u64) -> Result<Vec<EarlierChange>> {
        self.history.earlier_changes(self.claim.run, after, EARLIER).await
    }

    async fn intend(&mut self, batch: u64, pass: Pass, entries: &[JournalEntry]) -> Result<()> {
        let places = entries.iter().map(|entry| entry.sequence).collect();
        self.history.intend(self.claim, batch, pass, &places, &images_of(entries)).await
    }

    async fn record(&mut self, batch: Option<u64>, entries: Vec<JournalEntry>) -> Result<()> {
        for entry in &entries {
            let id = entry.written.native.as_ref().map(|native| &*native.id);
            let recorded = RecordedChange::now(&entry.change, Some(&entry.written.outcome));
            self.changes
                .push(&recorded.with_native_id(id).at_place(entry.sequence).with_image(entry.written.image.as_ref()))
                .await?;
        }
        measure::outcomes(&self.sync, &entries);
        // What was not tried can wait: the plan has it all the same.
        if batch.is_some() { self.changes.settle(batch).await } else { Ok(()) }
    }

    async fn amend(&mut self, entry: &JournalEntry, outcome: &Outcome) -> Result<()> {
        self.changes.flush().await?;
        self.history.amend_change(self.claim, &entry.change, outcome).await
    }

    async fn settled(&mut self, batch: u64) -> Result<()> {
        self.history.settle_batch(self.claim, batch).await
    }

    async fn objections(&mut self, model: &str, deletes: &[Change]) -> Result<HashMap<AnyKey, String>> {
        self.second_thoughts.objections(model, deletes).await
    }
}
