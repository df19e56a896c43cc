//! What a run leaves in the history.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::Utc;
use serde_json::{Map, Value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{RunOptions, RunReport, SideDefinition, SyncDefinition};
use crate::apply::{Journal, JournalEntry};
use crate::event::{Event, Events, Level};
use crate::history::{
    self, ChangeRecorder, Endpoint, History, LogLine, ModelRecord, NewRun, PlanRef, ReadRecord, RecordedChange, RunId,
    RunResult, RunStatus,
};
use crate::models::ModelMode;
use crate::outcome::Outcome;
use crate::plan::PlanReader;
use crate::{Error, ErrorKind, Result};

/// Writes one run into the history.
pub struct Recorder<'a> {
    history: &'a History,
    run: RunId,
    log: JobLog,
}

impl<'a> Recorder<'a> {
    /// A new run that works from now on. `definition` is what people may see of the sync.
    pub async fn begin(
        history: &'a History,
        sync: &SyncDefinition,
        definition: Value,
        digest: &str,
        options: &RunOptions<'_>,
        events: &Events,
    ) -> Result<Self> {
        history.close_interrupted().await?;
        let definition = history::SyncDefinition { name: sync.name.clone(), hash: digest.to_owned(), definition };
        let new = NewRun {
            sync: history.upsert_sync(&definition).await?,
            kind: options.kind,
            dry: options.dry_run,
            definition_hash: digest.to_owned(),
            source: endpoint(&sync.source),
            target: endpoint(&sync.target),
            triggered_by: std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned()),
            request: None,
        };
        let run = history.begin_run(&new).await?;
        history.set_status(run, RunStatus::Syncing).await?;
        Ok(Self { history, run, log: JobLog::follow(events) })
    }

    /// The run that waits with this plan, or a new one when none does.
    pub async fn resume(
        history: &'a History,
        sync: &SyncDefinition,
        definition: Value,
        digest: &str,
        plan: &PlanReader,
        options: &RunOptions<'_>,
        events: &Events,
    ) -> Result<Self> {
        if let Some(number) = plan.header().run
            && let Some(waiting) = history.run(RunId::new(number)).await?
            && waiting.status == RunStatus::AwaitingReview
            && waiting.plan.as_ref().is_some_and(|saved| saved.hash == plan.hash())
        {
            history.set_status(waiting.id, RunStatus::Syncing).await?;
            return Ok(Self { history, run: waiting.id, log: JobLog::follow(events) });
        }
        let recorder = Self::begin(history, sync, definition, digest, options, events).await?;
        recorder.saved_plan(plan.path(), plan.hash()).await?;
        Ok(recorder)
    }

    /// The run.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Keeps where the plan is.
    pub async fn saved_plan(&self, path: &Path, hash: &str) -> Result<()> {
        let plan = PlanRef { hash: hash.to_owned(), path: path.display().to_string() };
        self.history.set_plan(self.run, &plan).await
    }

    /// Keeps the changes of a plan that is not applied.
    pub async fn planned(&mut self, plan: &PlanReader) -> Result<()> {
        let mut changes = ChangeRecorder::new(self.history.clone(), self.run);
        for change in plan.changes()? {
            let change = change?;
            let held = change.hold.as_ref().map(|hold| Outcome::Held { reason: hold.reason.clone() });
            changes.push(&RecordedChange::now(&change, held.as_ref())).await?;
        }
        changes.flush().await
    }

    /// Where the outcomes of an apply go.
    pub fn journal(&self) -> HistoryJournal {
        HistoryJournal {
            changes: ChangeRecorder::new(self.history.clone(), self.run),
            history: self.history.clone(),
            run: self.run,
        }
    }

    /// Ends the run, or leaves it waiting for a person.
    pub async fn finish(self, report: &RunReport) -> Result<()> {
        for phase in &report.phases {
            self.history.record_phase(self.run, phase).await?;
        }
        for choice in report.models.iter().filter(|choice| choice.mode != ModelMode::Off) {
            let read = |side: &std::collections::BTreeMap<&'static str, super::ReadSummary>| {
                side.get(choice.model).map(|read| ReadRecord { records: read.records, partial: read.doubt.clone() })
            };
            let found = report.summary.models.iter().find(|summary| summary.model == choice.model);
            let record = ModelRecord {
                model: choice.model.to_owned(),
                mode: choice.mode,
                source: read(&report.source),
                target: read(&report.target),
                diff: found.map(|summary| summary.found),
            };
            self.history.record_model(self.run, &record).await?;
        }
        let notes: Map<String, Value> =
            report.notes.iter().map(|(name, note)| (name.clone(), note.clone().into())).collect();
        self.history.set_notes(self.run, &notes).await?;
        let lines = self.log.end(report).await?;
        self.history.append_log(self.run, &lines).await?;
        if report.status == RunStatus::AwaitingReview {
            return self.history.set_status(self.run, RunStatus::AwaitingReview).await;
        }
        let result = report.error.as_ref().map_or_else(RunResult::completed, RunResult::stopped_by);
        self.history.finish_run(self.run, &result).await
    }
}

/// The messages of a run, taken from the stream as they come: a stream forgets its oldest events.
struct JobLog {
    lines: Arc<Mutex<Vec<LogLine>>>,
    stop: DropGuard,
    collecting: tokio::task::JoinHandle<()>,
}

impl JobLog {
    fn follow(events: &Events) -> Self {
        let (lines, stop) = (Arc::<Mutex<Vec<LogLine>>>::default(), CancellationToken::new());
        let collecting = tokio::spawn(collect(events.follow(), Arc::clone(&lines), stop.clone()));
        Self { lines, stop: stop.drop_guard(), collecting }
    }

    /// What was said, with the error that ended the run last.
    async fn end(self, report: &RunReport) -> Result<Vec<LogLine>> {
        drop(self.stop);
        self.collecting
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "the job log was not collected").caused_by(error))?;
        let mut lines = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(error) = &report.error {
            lines.push(LogLine { at: Utc::now(), level: Level::Error, text: error.report() });
        }
        Ok(lines)
    }
}

/// Keeps messages until told to stop, and then those that are still in the stream.
async fn collect(mut events: Receiver<Arc<Event>>, lines: Arc<Mutex<Vec<LogLine>>>, stop: CancellationToken) {
    let keep = |event: &Event| {
        if let Event::Message { level, text } = event {
            let line = LogLine { at: Utc::now(), level: *level, text: text.clone() };
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    };
    loop {
        let received = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            received = events.recv() => received,
        };
        match received {
            Ok(event) => keep(&event),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
    loop {
        match events.try_recv() {
            Ok(event) => keep(&event),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        }
    }
}

fn endpoint(side: &SideDefinition) -> Endpoint {
    Endpoint { connector: side.connector.clone(), connection: side.connection_name.clone(), instance: side.instance() }
}

/// Keeps outcomes in the history.
pub struct HistoryJournal {
    changes: ChangeRecorder,
    history: History,
    run: RunId,
}

impl HistoryJournal {
    /// Waits until everything is kept.
    pub async fn flush(&mut self) -> Result<()> {
        self.changes.flush().await
    }
}

#[async_trait]
impl Journal for HistoryJournal {
    async fn record(&mut self, entries: Vec<JournalEntry>) -> Result<()> {
        for entry in &entries {
            let id = entry.written.native.as_ref().map(|native| &*native.id);
            let recorded = RecordedChange::now(&entry.change, Some(&entry.written.outcome)).with_native_id(id);
            self.changes.push(&recorded).await?;
        }
        // What was not tried can wait: the plan has it all the same.
        let tried =
            |entry: &JournalEntry| !matches!(entry.written.outcome, Outcome::Held { .. } | Outcome::Skipped { .. });
        if entries.iter().any(tried) { self.changes.flush().await } else { Ok(()) }
    }

    async fn amend(&mut self, entry: &JournalEntry, outcome: &Outcome) -> Result<()> {
        self.changes.flush().await?;
        self.history.amend_change(self.run, &entry.change, outcome).await
    }
}
