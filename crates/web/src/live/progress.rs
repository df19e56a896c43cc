//! How far a run is, folded from its events.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use syncline_core::event::{Phase, Side, Stream};
use syncline_core::history::{RunEvent, RunId, RunStatus, StatusEvent, StoredEvent};
use syncline_core::requests::SideRequests;
use syncline_render::words;

/// Over how many seconds the rate is taken.
const WINDOW: i64 = 10;

/// How far a run is, as far as its events were told. Adding the events at once or one by one, in whatever parts, comes to the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    seq: u64,
    status: Option<StatusEvent>,
    phases: Vec<PhaseProgress>,
    models: Vec<ModelProgress>,
    requests: Option<SideRequests>,
    /// How much was done when: running totals of the work that is under way.
    samples: VecDeque<(DateTime<Utc>, u64)>,
}

/// How far a run is, at a time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProgressView {
    /// The run.
    pub run: RunId,
    /// The number of the last event that is in here: those to come follow it.
    pub seq: u64,
    /// How it stands: `status`, `stage`, `attempt`, and where there is one `paused`, `waiting`, `not_before`, `stop`, `error`.
    /// Absent of runs that are older than events are.
    #[serde(flatten)]
    pub status: Option<StatusEvent>,
    /// Its phases, in the order in which they began. One that was gone through once more stands there once.
    pub phases: Vec<PhaseProgress>,
    /// Its models, in the order in which they were first spoken of.
    pub models: Vec<ModelProgress>,
    /// How much was asked of both systems so far, by all attempts at the run; null while nothing was, and of runs that are older than
    /// this is.
    pub requests: Option<SideRequests>,
    /// How much is done in a second, over the last ten: records that are read on both sides, or changes that are applied. Null
    /// when neither is under way.
    pub rate: Option<f64>,
    /// When all changes will be applied at this rate; null while nothing is applied.
    pub eta: Option<DateTime<Utc>>,
}

/// A phase of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PhaseProgress {
    /// Which.
    pub name: Phase,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended, or when its runner was found dead; null while it is under way.
    pub ended: Option<DateTime<Utc>>,
    /// Its models, in the order in which they began. Empty also of runs that are older than this is.
    pub streams: Vec<StreamProgress>,
}

/// When a model was read, or its changes were written, within a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StreamProgress {
    /// Which.
    pub model: String,
    /// What its records are called.
    pub label: String,
    /// When its read began, or its first batch was about to be sent.
    pub started: DateTime<Utc>,
    /// When its read ended; null while it is under way. Of changes, when the last of them so far had an outcome: more may come at
    /// the end, as what is deleted goes last.
    pub ended: Option<DateTime<Utc>>,
}

/// A model of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelProgress {
    /// Which.
    pub model: String,
    /// What its records are called.
    pub label: String,
    /// What was read of the source; null while nothing was.
    pub source: Option<ReadProgress>,
    /// What was read of the target.
    pub target: Option<ReadProgress>,
    /// What the comparison found.
    pub compared: Option<ComparedProgress>,
    /// What became of the changes.
    pub applied: Option<AppliedProgress>,
}

/// How far a model is read on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReadProgress {
    /// Records so far.
    pub records: u64,
    /// Records there will be; null when the system does not say so.
    pub expected: Option<u64>,
    /// There are no more.
    pub done: bool,
    /// Why the read is not complete; null when it is.
    pub partial: Option<String>,
}

/// What the comparison found of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComparedProgress {
    /// Only the source has them.
    pub create: u64,
    /// Both have them, with other values.
    pub update: u64,
    /// Only the target has them.
    pub delete: u64,
    /// Both have them alike.
    pub unchanged: u64,
    /// Changes that the plan would apply.
    pub to_apply: u64,
}

/// What became of the changes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AppliedProgress {
    /// Changes that have an outcome.
    pub done: u64,
    /// Changes that there are.
    pub total: u64,
    /// Those of `done` that failed.
    pub failed: u64,
}

impl Progress {
    /// The number of the last event that is in here; 0 when there is none.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Adds an event. One that is in here already changes nothing.
    pub fn add(&mut self, stored: &StoredEvent) {
        if stored.seq <= self.seq {
            return;
        }
        self.seq = stored.seq;
        let at = stored.at;
        match &stored.event {
            RunEvent::Status(status) => {
                // Nobody works on it: what had begun is not under way.
                if status.status != RunStatus::Syncing {
                    for phase in self.phases.iter_mut().filter(|phase| phase.ended.is_none()) {
                        phase.end(at);
                    }
                }
                self.status = Some(status.clone());
            }
            RunEvent::PhaseStarted { phase } => self.begin(*phase, at),
            RunEvent::PhaseFinished { phase, started, duration_ms, streams, .. } => {
                let duration = TimeDelta::milliseconds(i64::try_from(*duration_ms).unwrap_or(i64::MAX / 1_000));
                let ended = started.checked_add_signed(duration).unwrap_or(at);
                let streams = streams.iter().map(StreamProgress::of).collect();
                let finished = PhaseProgress { name: *phase, started: *started, ended: Some(ended), streams };
                match self.phases.iter_mut().find(|known| known.name == *phase) {
                    Some(known) => *known = finished,
                    None => self.phases.push(finished),
                }
            }
            RunEvent::Read { side, model, records, expected, began } => {
                self.stream(Phase::reading(*side), model, *began, None);
                let read = ReadProgress { records: *records, expected: *expected, done: false, partial: None };
                *self.read(*side, model) = Some(read);
                self.sample(at, Self::records);
            }
            RunEvent::ReadFinished { side, model, records, partial, began } => {
                self.stream(Phase::reading(*side), model, *began, Some(at));
                let read = self.read(*side, model);
                let expected = read.as_ref().and_then(|read| read.expected);
                *read = Some(ReadProgress { records: *records, expected, done: true, partial: partial.clone() });
                self.sample(at, Self::records);
            }
            RunEvent::Compared { model, create, update, delete, unchanged, to_apply } => {
                let (create, update, delete, unchanged, to_apply) = (*create, *update, *delete, *unchanged, *to_apply);
                let compared = ComparedProgress { create, update, delete, unchanged, to_apply };
                self.model(model).compared = Some(compared);
            }
            RunEvent::Applied { model, done, total, failed, began } => {
                self.stream(Phase::ExecuteSync, model, *began, Some(at));
                let applied = AppliedProgress { done: *done, total: *total, failed: *failed };
                self.model(model).applied = Some(applied);
                self.sample(at, Self::changes);
            }
            RunEvent::Requests(requests) => self.requests = Some(*requests),
            RunEvent::Message { .. } => {}
        }
    }

    /// What this comes to at a time.
    pub fn view(self, run: RunId, now: DateTime<Utc>) -> ProgressView {
        let rate = self.rate(now);
        let is_applying = self.is_under_way(Phase::ExecuteSync);
        let left = self.left() as f64;
        let eta = rate.filter(|rate| is_applying && *rate > 0.0).and_then(|rate| {
            // Longer than a year is as good as never.
            let seconds = (left / rate).min(31_536_000.0);
            now.checked_add_signed(TimeDelta::from_std(std::time::Duration::from_secs_f64(seconds)).ok()?)
        });
        let Self { seq, status, phases, models, requests, samples: _ } = self;
        ProgressView { run, seq, status, phases, models, requests, rate, eta }
    }

    fn begin(&mut self, phase: Phase, at: DateTime<Utc>) {
        // What a runner goes through once more is told anew. What was applied stays applied.
        self.phases.retain(|known| known.name != phase);
        self.phases.push(PhaseProgress { name: phase, started: at, ended: None, streams: Vec::new() });
        for model in &mut self.models {
            match phase {
                Phase::LoadSource => model.source = None,
                Phase::LoadTarget => model.target = None,
                Phase::CalculateDiff => model.compared = None,
                Phase::Prepare | Phase::ExecuteSync => {}
            }
        }
        let work = match phase {
            Phase::LoadSource | Phase::LoadTarget => Self::records,
            Phase::ExecuteSync => Self::changes,
            Phase::Prepare | Phase::CalculateDiff => return,
        };
        self.samples.clear();
        self.sample(at, work);
    }

    /// Shows a model at work in a phase. An event that does not tell since when is from before that was told.
    fn stream(&mut self, phase: Phase, model: &str, began: Option<DateTime<Utc>>, ended: Option<DateTime<Utc>>) {
        let open = |known: &&mut PhaseProgress| known.name == phase && known.ended.is_none();
        let (Some(started), Some(phase)) = (began, self.phases.iter_mut().find(open)) else { return };
        match phase.streams.iter_mut().find(|known| known.model == model) {
            Some(known) => known.ended = ended,
            None => {
                let (model, label) = (model.to_owned(), words::plural_of(model));
                phase.streams.push(StreamProgress { model, label, started, ended });
                phase.streams.sort_by(|one, other| (one.started, &one.model).cmp(&(other.started, &other.model)));
            }
        }
    }

    fn model(&mut self, name: &str) -> &mut ModelProgress {
        let place = self.models.iter().position(|known| known.model == name).unwrap_or_else(|| {
            let model = name.to_owned();
            let label = words::plural_of(name);
            self.models.push(ModelProgress { model, label, source: None, target: None, compared: None, applied: None });
            self.models.len() - 1
        });
        &mut self.models[place]
    }

    fn read(&mut self, side: Side, model: &str) -> &mut Option<ReadProgress> {
        let model = self.model(model);
        match side {
            Side::Source => &mut model.source,
            Side::Target => &mut model.target,
        }
    }

    /// Records that were read.
    fn records(&self) -> u64 {
        let reads = self.models.iter().flat_map(|model| [&model.source, &model.target]).flatten();
        reads.map(|read| read.records).sum()
    }

    /// Changes that have an outcome.
    fn changes(&self) -> u64 {
        self.models.iter().filter_map(|model| model.applied).map(|applied| applied.done).sum()
    }

    /// Changes that have none yet.
    fn left(&self) -> u64 {
        let left = self.models.iter().map(|model| match (model.applied, model.compared) {
            (Some(applied), _) => applied.total.saturating_sub(applied.done),
            (None, Some(compared)) => compared.to_apply,
            (None, None) => 0,
        });
        left.sum()
    }

    fn is_under_way(&self, phase: Phase) -> bool {
        self.phases.iter().any(|known| known.name == phase && known.ended.is_none())
    }

    fn sample(&mut self, at: DateTime<Utc>, work: impl Fn(&Self) -> u64) {
        self.samples.push_back((at, work(self)));
        // One from before the window tells where the window began.
        let begin = at - TimeDelta::seconds(WINDOW);
        while self.samples.get(1).is_some_and(|(at, _)| *at <= begin) {
            self.samples.pop_front();
        }
    }

    fn rate(&self, now: DateTime<Utc>) -> Option<f64> {
        let works = [Phase::LoadSource, Phase::LoadTarget, Phase::ExecuteSync];
        if !works.into_iter().any(|phase| self.is_under_way(phase)) {
            return None;
        }
        let begin = now - TimeDelta::seconds(WINDOW);
        let before = self.samples.iter().rev().find(|(at, _)| *at <= begin);
        let (since, done) = before.or(self.samples.front())?;
        let (_, total) = self.samples.back()?;
        // In the first moments there is no rate worth telling.
        let seconds = (now - *since).as_seconds_f64().max(1.0);
        Some(total.saturating_sub(*done) as f64 / seconds)
    }
}

impl PhaseProgress {
    /// Nobody works on it any more.
    fn end(&mut self, at: DateTime<Utc>) {
        self.ended = Some(at);
        for stream in self.streams.iter_mut().filter(|stream| stream.ended.is_none()) {
            stream.ended = Some(at);
        }
    }
}

impl StreamProgress {
    fn of(stream: &Stream) -> Self {
        let Stream { model, started, ended } = stream;
        Self { model: model.clone(), label: words::plural_of(model), started: *started, ended: Some(*ended) }
    }
}

impl<'e> Extend<&'e StoredEvent> for Progress {
    fn extend<I: IntoIterator<Item = &'e StoredEvent>>(&mut self, events: I) {
        for event in events {
            self.add(event);
        }
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
