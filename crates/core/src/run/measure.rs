//! What a run adds to the metrics, and the spans that its log lines and traces stand in.
//!
//! A run is measured by following its events and its report: [`RunMeasure::follow`] where it begins, [`RunMeasure::end`] with
//! its report, [`outcomes`] where the outcomes of a batch are kept. Nothing else of the runner counts.
//!
//! Spans say where a line belongs: `run` (fields `run`, `sync`), in it `phase` (`phase`), in that `read` (`side`, `model`) and
//! `batch` (`model`, `action`, `changes`). No value of a record or a setting is in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Span;

use super::RunReport;
use crate::apply::JournalEntry;
use crate::event::{Event, Events, Phase, Side};
use crate::history::{RunId, RunKind, RunStatus};
use crate::metrics::{self, ActiveRun};

/// A run under way, as the metrics see it. One that is dropped without its report counts as active no longer, and no more.
#[must_use = "a run that is not measured to its end is missing from the metrics"]
pub struct RunMeasure {
    sync: String,
    kind: RunKind,
    is_part: bool,
    started: Instant,
    read: Arc<Mutex<Read>>,
    stop: DropGuard,
    following: JoinHandle<()>,
    active: ActiveRun,
}

/// Records that were counted already: events tell running totals.
#[derive(Default)]
struct Read {
    counted: BTreeMap<(Side, &'static str), u64>,
}

/// The span of a run. What is logged inside carries the run's number and its sync, whatever is logged at all.
pub fn run_span(sync: &str, run: RunId) -> Span {
    tracing::error_span!("run", run = run.number(), sync)
}

/// The span of a phase, inside that of its run.
pub fn phase_span(phase: Phase) -> Span {
    tracing::error_span!("phase", phase = phase.as_str())
}

/// Counts what became of changes: once for each batch, where its outcomes are kept. A change whose second pass did not succeed
/// stays counted as what its first pass came to; the history has the final word.
pub fn outcomes(sync: &str, entries: &[JournalEntry]) {
    let mut numbers: BTreeMap<(&str, &'static str, &'static str), u64> = BTreeMap::new();
    for JournalEntry { change, written, .. } in entries {
        *numbers.entry((&change.model, change.action.as_str(), written.outcome.as_str())).or_default() += 1;
    }
    for ((model, action, outcome), number) in numbers {
        metrics::changes(sync, model, action, outcome, number);
    }
}

/// Counts the runs of a sync from zero: Prometheus sees an increase only where it has seen a value before, so that the first failure
/// of a sync that was never mentioned would raise no alert. For every sync of the configuration, when a process starts.
pub fn known(sync: &str) {
    for kind in [RunKind::Adhoc, RunKind::Scheduled, RunKind::Webhook] {
        for status in [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled, RunStatus::AwaitingReview] {
            metrics::runs_known(sync, kind.as_str(), status.as_str());
        }
    }
}

impl RunMeasure {
    /// Measures a run from now on.
    pub fn follow(sync: &str, kind: RunKind, events: &Events) -> Self {
        let (read, stop) = (Arc::<Mutex<Read>>::default(), CancellationToken::new());
        let following = tokio::spawn(count(events.follow(), sync.to_owned(), Arc::clone(&read), stop.clone()));
        Self {
            sync: sync.to_owned(),
            kind,
            is_part: false,
            started: Instant::now(),
            read,
            stop: stop.drop_guard(),
            following,
            active: ActiveRun::begin(),
        }
    }

    /// The run is about a part of its sync: that it succeeds does not mean that the sync does.
    pub fn of_a_part(self) -> Self {
        Self { is_part: true, ..self }
    }

    /// The run ended, waits for a person, or was put back.
    pub async fn end(self, report: &RunReport) {
        let Self { sync, kind, is_part, started, read, stop, following, active } = self;
        drop(stop);
        // A follower that panicked has counted what it has counted; the report below tells the rest.
        let _ = following.await;
        drop(active);
        metrics::run_ended(&sync, kind.as_str(), report.status.as_str(), started.elapsed());
        for phase in &report.phases {
            metrics::phase_ended(&sync, phase.phase.as_str(), Duration::from_millis(phase.duration_ms));
        }
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        for (side, phase, models) in
            [(Side::Source, Phase::LoadSource, &report.source), (Side::Target, Phase::LoadTarget, &report.target)]
        {
            // The report of a run that applies a saved plan repeats what an earlier run has read.
            if report.phases.iter().any(|record| record.phase == phase) {
                for (model, summary) in models {
                    read.reached(&sync, side, model, summary.records);
                }
            }
        }
        if report.status == RunStatus::Completed && !report.dry_run && !is_part {
            metrics::last_success(&sync, SystemTime::now());
        }
    }
}

impl Read {
    /// Counts what is more than was counted.
    fn reached(&mut self, sync: &str, side: Side, model: &'static str, records: u64) {
        let counted = self.counted.entry((side, model)).or_default();
        if records > *counted {
            metrics::records_read(sync, name(side), model, records - *counted);
            *counted = records;
        }
    }

    fn event(&mut self, sync: &str, event: &Event) {
        match *event {
            Event::Read { side, model, records, .. } | Event::ReadFinished { side, model, records, .. } => {
                self.reached(sync, side, model, records);
            }
            _ => {}
        }
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Source => "source",
        Side::Target => "target",
    }
}

/// Counts until told to stop, and then what is still in the stream.
async fn count(mut events: Receiver<Arc<Event>>, sync: String, read: Arc<Mutex<Read>>, stop: CancellationToken) {
    let take = |event: &Event| read.lock().unwrap_or_else(PoisonError::into_inner).event(&sync, event);
    loop {
        let received = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            received = events.recv() => received,
        };
        match received {
            Ok(event) => take(&event),
            // Totals are cumulative: the next event of the model makes up for those that were lost.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
    loop {
        match events.try_recv() {
            Ok(event) => take(&event),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde_json::json;
    use syncline_model::AnyKey;

    use super::super::ReadSummary;
    use super::*;
    use crate::change::{Action, Change};
    use crate::history::PhaseRecord;
    use crate::outcome::Outcome;
    use crate::plan::PlanSummary;
    use crate::target::Written;

    fn report(status: RunStatus) -> RunReport {
        RunReport {
            run: RunId::new(1),
            status,
            dry_run: false,
            models: Vec::new(),
            source: BTreeMap::new(),
            desired: BTreeMap::new(),
            target: BTreeMap::new(),
            notes: BTreeMap::new(),
            plan: None,
            plan_hash: None,
            summary: PlanSummary::default(),
            outcomes: BTreeMap::new(),
            drift: None,
            requests: crate::requests::SideRequests::default(),
            phases: Vec::new(),
            error: None,
            paused: None,
            not_before: None,
            waiting: None,
            found: None,
            taken_back_by: None,
        }
    }

    fn phase(phase: Phase) -> PhaseRecord {
        PhaseRecord {
            phase,
            started: Utc::now(),
            duration_ms: 1500,
            memory_final: None,
            memory_peak: None,
            streams: vec![],
        }
    }

    fn summary(records: u64) -> ReadSummary {
        ReadSummary {
            records,
            doubt: None,
            skipped: BTreeMap::new(),
            rejected: 0,
            rejections: Vec::new(),
            duplicates: 0,
            filled: None,
        }
    }

    /// The samples of one metric, in alphabetical order.
    fn lines(rendered: &str, metric: &str) -> Vec<String> {
        let mut lines: Vec<_> = rendered.lines().filter(|line| line.starts_with(metric)).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    #[tokio::test]
    async fn a_run_is_counted_from_its_events_and_its_report() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _installed = ::metrics::set_default_local_recorder(&recorder);

        let events = Events::new();
        let measure = RunMeasure::follow("lab", RunKind::Scheduled, &events);
        assert_eq!(lines(&handle.render(), "syncline_runs_active"), ["syncline_runs_active 1"]);
        let side = Side::Source;
        events.emit(Event::Read { side, model: "site", records: 100, expected: None, began: Utc::now() });
        events.emit(Event::Read { side, model: "site", records: 250, expected: None, began: Utc::now() });
        // Fewer than were read: two had the same key.
        events.emit(Event::ReadFinished { side, model: "site", records: 249, partial: None, began: None });
        let mut report = report(RunStatus::Completed);
        report.phases = vec![phase(Phase::LoadSource)];
        report.source = BTreeMap::from([("site", summary(249)), ("device", summary(7))]);
        // Not read by this run: there is no phase for it.
        report.target = BTreeMap::from([("site", summary(5))]);
        measure.end(&report).await;

        let rendered = handle.render();
        assert_eq!(
            lines(&rendered, "syncline_records_read_total"),
            [
                r#"syncline_records_read_total{sync="lab",side="source",model="device"} 7"#,
                r#"syncline_records_read_total{sync="lab",side="source",model="site"} 250"#,
            ]
        );
        assert_eq!(
            lines(&rendered, "syncline_runs"),
            ["syncline_runs_active 0", r#"syncline_runs_total{sync="lab",kind="scheduled",status="completed"} 1"#,]
        );
        assert_eq!(lines(&rendered, "syncline_last_success_timestamp_seconds").len(), 1);
        let phase = lines(&rendered, "syncline_phase_duration_seconds");
        assert!(
            phase.iter().any(|line| line.contains(r#"phase="load_source""#) && line.ends_with(" 1.5")),
            "{phase:?}"
        );
    }

    #[tokio::test]
    async fn only_a_run_that_wrote_is_a_success() {
        for (status, dry) in
            [(RunStatus::Failed, false), (RunStatus::Completed, true), (RunStatus::AwaitingReview, false)]
        {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            let _installed = ::metrics::set_default_local_recorder(&recorder);
            let mut report = report(status);
            report.dry_run = dry;
            RunMeasure::follow("lab", RunKind::Adhoc, &Events::new()).end(&report).await;
            let rendered = handle.render();
            assert_eq!(lines(&rendered, "syncline_last_success").len(), 0, "{rendered}");
            assert_eq!(lines(&rendered, "syncline_runs_total").len(), 1, "{rendered}");
        }
    }

    #[tokio::test]
    async fn a_run_that_is_given_up_is_not_active_for_ever() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _installed = ::metrics::set_default_local_recorder(&recorder);
        drop(RunMeasure::follow("lab", RunKind::Adhoc, &Events::new()));
        assert_eq!(lines(&handle.render(), "syncline_runs_"), ["syncline_runs_active 0"]);
    }

    #[test]
    fn a_sync_that_never_ran_counts_from_zero() {
        let recorder = PrometheusBuilder::new().build_recorder();
        ::metrics::with_local_recorder(&recorder, || known("lab"));
        let samples = lines(&recorder.handle().render(), "syncline_runs_total");
        let failed = r#"syncline_runs_total{sync="lab",kind="scheduled",status="failed"} 0"#;
        assert!(samples.len() == 12 && samples.iter().any(|sample| sample == failed), "{samples:?}");
    }

    #[test]
    fn outcomes_are_counted_by_model_action_and_outcome() {
        let entry = |action, outcome| {
            let key = AnyKey::from_value(&json!(["a"])).unwrap();
            let change = Change::new("site", key, action, None, vec![]);
            JournalEntry { sequence: 1, change, written: Written::not_written(outcome) }
        };
        let failed = Outcome::Failed { field: None, reason: "no".to_owned() };
        let entries = [
            entry(Action::Create, failed.clone()),
            entry(Action::Create, failed),
            entry(Action::Delete, Outcome::Held { reason: "policy".to_owned() }),
        ];
        let recorder = PrometheusBuilder::new().build_recorder();
        ::metrics::with_local_recorder(&recorder, || outcomes("lab", &entries));
        assert_eq!(
            lines(&recorder.handle().render(), "syncline_changes_total"),
            [
                r#"syncline_changes_total{sync="lab",model="site",action="create",outcome="failed"} 2"#,
                r#"syncline_changes_total{sync="lab",model="site",action="delete",outcome="held"} 1"#,
            ]
        );
    }
}
