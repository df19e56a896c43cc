//! A run as a person sees it, from the history: while it is fresh and ever after.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_core::Result;
use syncline_core::error::Exchange;
use syncline_core::event::{Level, Phase};
use syncline_core::history::{
    ChangeCount, ChangeFilter, Comment, History, InTheWay, ModelRecord, OutcomeCounts, OutcomeKind, PhaseRecord,
    Purpose, Run, RunId, RunStatus, RunSummary, StoredChange, StoredLogLine, WaitsFor,
};

use super::number::{bytes, count, duration};
use super::rejected;
use super::table::Columns;
use crate::cli::console::{BAD, DIM, GOOD, NAME, WARN, clean, paint};

/// How many changes that came to nothing are shown of each outcome.
const PROBLEMS: u64 = 20;
/// How many lines of the log are shown.
const LOG_LINES: u64 = 1000;

/// A run with what a person wants to know of it.
#[derive(Debug, Serialize)]
pub struct RunView {
    /// The run itself: status, times, counts, error.
    #[serde(flatten)]
    pub run: Run,
    /// What it came to, in four words.
    pub summary: RunSummary,
    /// How long each phase took.
    pub phases: Vec<PhaseRecord>,
    /// What was read and found, and what became of it, by model.
    pub models: Vec<ModelView>,
    /// Changes that failed, went stale, were skipped or held: the first of each.
    pub problems: Vec<StoredChange>,
    /// What was said about its plan, in order.
    pub comments: Vec<Comment>,
    /// The log.
    pub log: Vec<StoredLogLine>,
    /// What it waits for; null when it waits for nothing.
    pub waits_for: Option<WaitsFor>,
    /// How much of the time from its begin to its end it waited between its phases, in milliseconds: for a person, or its turn.
    pub waited_ms: u64,
}

/// What a run waits for besides a worker, and what to do about it.
pub fn waits_for(run: RunId, waits_for: &WaitsFor) -> Option<String> {
    match waits_for {
        WaitsFor::Worker => None,
        WaitsFor::Person { reason } => Some(format!("{reason}; `syncline resume {run}` lets it go on")),
        WaitsFor::Time { until, reason } => {
            let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            Some(format!("not before {}{why}", until.format("%Y-%m-%d %H:%M:%S UTC")))
        }
        WaitsFor::Run { run: other, why: InTheWay::SameSync } => {
            Some(format!("waits for run {other} of the same sync"))
        }
        WaitsFor::Run { run: other, why: InTheWay::SameTarget } => {
            Some(format!("waits for run {other}, which writes to the same system"))
        }
    }
}

/// The commands that decide about a run that waits for a person.
pub fn decisions(run: &Run) -> String {
    let id = run.id;
    let commands = [
        (format!("syncline approve {id} --reason \"…\""), "a worker applies it; `--here` applies it at once"),
        (format!("syncline approve {id} --reason \"…\" --only MODEL"), "a part of it, or all `--except` a part"),
        (format!("syncline reject {id} --reason \"…\""), "nothing is written"),
    ];
    // What is staged in the target is merged as a whole.
    let commands = commands.iter().enumerate().filter(|(at, _)| *at != 1 || run.staged_as.is_none());
    let commands: Vec<_> = commands.map(|(_, command)| command).collect();
    let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    let mut text = format!("\n{}\n", paint(NAME, &format!("Run {id} waits for a person:")));
    for (command, does) in commands {
        let _ = writeln!(text, "  {command:<width$}  {}", paint(DIM, &format!("# {does}")));
    }
    text
}

/// A model in a run.
#[derive(Debug, Serialize)]
pub struct ModelView {
    /// What was read and found.
    #[serde(flatten)]
    pub record: ModelRecord,
    /// What became of the changes.
    pub outcomes: OutcomeCounts,
}

impl RunView {
    /// Takes a run from the history.
    pub async fn load(history: &History, run: Run) -> Result<Self> {
        let id = run.id;
        let mut problems = Vec::new();
        let waits_for = match run.status {
            RunStatus::New | RunStatus::Queued => {
                let waiting = history.waiting().await?.into_iter().find(|waiting| waiting.run.id == id);
                waiting.map(|waiting| waiting.waits_for)
            }
            _ => None,
        };
        for outcome in [OutcomeKind::Failed, OutcomeKind::Stale, OutcomeKind::Skipped, OutcomeKind::Held] {
            problems.extend(of_outcome(history, id, outcome).await?);
        }
        let phases = history.phases(id).await?;
        Ok(Self {
            waited_ms: u64::try_from(run.waited(&phases).as_millis()).unwrap_or(u64::MAX),
            phases,
            models: models(history.models(id).await?, &history.change_counts(id).await?),
            problems,
            comments: history.comments(id).await?,
            log: history.log(id, None, LOG_LINES).await?.items,
            waits_for,
            summary: run.summary(),
            run,
        })
    }

    /// The run for people. Its log, and what is wrong with its reads, are left out when its reader has just seen them.
    pub fn text(&self, fresh: bool) -> String {
        let mut text = self.headline();
        text += &self.facts();
        text += &self.model_table();
        if !fresh {
            text += &self.doubts();
        }
        text += &self.phase_table();
        text += &self.request_table();
        text += &self.problem_list();
        text += &self.not_taken_over();
        text += &self.comment_list();
        if !fresh {
            text += &self.log_lines();
        }
        text
    }

    fn headline(&self) -> String {
        let run = &self.run;
        let dry = if run.dry && run.purpose != Purpose::Drift { ", a dry run" } else { "" };
        let subject = run.subject.map(|subject| format!(" of run {subject}")).unwrap_or_default();
        let purpose = match run.purpose {
            Purpose::Sync | Purpose::Apply | Purpose::Part => String::new(),
            Purpose::Drift => ", a drift check".to_owned(),
            Purpose::Undo => format!(", an undo{subject}"),
            Purpose::Rerun => format!(", a rerun{subject}"),
        };
        let scope = run.options.scope.as_ref().map(|scope| format!(", only {}", clean(&scope.to_string())));
        let purpose = purpose + &scope.unwrap_or_default();
        let waited = Duration::from_millis(self.waited_ms);
        let took = run.worked(waited).map(|worked| format!(" in {}", duration(worked))).unwrap_or_default();
        let waited = match run.finished {
            Some(_) if !waited.is_zero() => format!(", and waited {}", duration(waited)),
            _ => String::new(),
        };
        let status = status_text(run);
        format!(
            "{} of {}{purpose}{dry}: {status}{took}{waited}\n",
            paint(NAME, &format!("Run {}", run.id)),
            paint(NAME, &clean(&run.sync))
        )
    }

    fn facts(&self) -> String {
        let run = &self.run;
        let mut text = format!("  {} -> {}", clean(&run.source.connection), clean(&run.target.connection));
        let _ = writeln!(text, ", {}, {}", clean(&run.started_words()), time(run.created));
        match (&run.request_id, &run.request) {
            (Some(id), Some(reason)) => {
                let _ = writeln!(text, "  request {}: {}", clean(id.as_str()), clean(reason));
            }
            (Some(id), None) => {
                let _ = writeln!(text, "  request {}", clean(id.as_str()));
            }
            (None, Some(reason)) => {
                let _ = writeln!(text, "  reason: {}", clean(reason));
            }
            (None, None) => {}
        }
        for (name, note) in run.notes.as_object().into_iter().flatten() {
            let note = note.as_str().map_or_else(|| note.to_string(), str::to_owned);
            let _ = writeln!(text, "  {}: {}", clean(name), clean(&note));
        }
        if let Some(trace) = &run.trace_id {
            let _ = writeln!(text, "  trace: {}", clean(trace));
        }
        if let Some(plan) = &run.plan {
            let _ = writeln!(text, "  plan: {}", clean(&plan.path));
        }
        if let Some(why) = self.waits_for.as_ref().and_then(|waits| waits_for(run.id, waits)) {
            let _ = writeln!(text, "  {}", paint(WARN, &clean(&why)));
        }
        if let Some(error) = &run.error {
            let _ = writeln!(text, "  {} {}", paint(BAD, &format!("{}:", clean(&error.kind))), clean(&error.message));
        }
        text
    }

    fn model_table(&self) -> String {
        if self.models.is_empty() {
            return String::new();
        }
        let headings = [
            "model", "source#", "target#", "equal#", "create#", "update#", "absent#", "applied#", "held#", "skipped#",
            "failed#",
        ];
        let mut columns = Columns::new(&headings);
        for model in &self.models {
            let records = |read: &Option<syncline_core::history::ReadRecord>| {
                read.as_ref().map(|read| read.records).map(count).unwrap_or_default()
            };
            let diff = model.record.diff.unwrap_or_default();
            let outcomes = &model.outcomes;
            columns.row(&[
                model.record.model.clone(),
                records(&model.record.source),
                records(&model.record.target),
                some(diff.unchanged),
                some(diff.create),
                some(diff.update),
                some(diff.delete),
                some(outcomes.applied + outcomes.unchanged),
                some(outcomes.held),
                some(outcomes.skipped),
                some(outcomes.failed + outcomes.stale),
            ]);
        }
        format!("\n{}", columns.text())
    }

    /// What was asked of either side; nothing where nothing was.
    fn request_table(&self) -> String {
        let sides = [("source", self.run.requests.source), ("target", self.run.requests.target)];
        if self.run.requests.is_empty() {
            return String::new();
        }
        let mut columns = Columns::new(&["requests", "sent#", "a second#", "retries#", "429#", "waited#"]);
        for (side, counts) in sides {
            columns.row(&[
                side.to_owned(),
                some(counts.sent),
                counts.per_second().map(|rate| format!("{rate:.1}")).unwrap_or_default(),
                some(counts.retries),
                some(counts.throttled),
                duration(Duration::from_millis(counts.waited_ms)),
            ]);
        }
        format!("\n{}", columns.text())
    }

    /// What people said about the plan.
    fn comment_list(&self) -> String {
        if self.comments.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{}\n", paint(NAME, "Comments"));
        for comment in &self.comments {
            let _ = writeln!(text, "  {} {}", clean(&comment.by), paint(DIM, &time(comment.at)));
            for line in comment.text.lines() {
                let _ = writeln!(text, "    {}", clean(line));
            }
        }
        text
    }

    fn doubts(&self) -> String {
        let mut text = String::new();
        for model in &self.models {
            let sides = [("source", &model.record.source), ("target", &model.record.target)];
            for (side, read) in sides {
                if let Some(reason) = read.as_ref().and_then(|read| read.partial.as_ref()) {
                    let line = format!("{} of the {side} proves no absence: {reason}", model.record.model);
                    let _ = writeln!(text, "{}", paint(WARN, &clean(&line)));
                }
            }
        }
        text
    }

    fn phase_table(&self) -> String {
        if self.phases.is_empty() {
            return String::new();
        }
        let measured = self.phases.iter().any(|phase| phase.memory_peak.is_some());
        let mut text = "\n".to_owned();
        if measured {
            let mut columns = Columns::new(&["phase", "time#", "memory after#", "memory peak#"]);
            for phase in &self.phases {
                let memory = |size: Option<u64>| size.map(bytes).unwrap_or_default();
                let took = duration(Duration::from_millis(phase.duration_ms));
                columns.row(&[phase_name(phase.phase), took, memory(phase.memory_final), memory(phase.memory_peak)]);
            }
            text += &columns.text();
        } else {
            let mut columns = Columns::new(&["phase", "time#"]);
            for phase in &self.phases {
                columns.row(&[phase_name(phase.phase), duration(Duration::from_millis(phase.duration_ms))]);
            }
            text += &columns.text();
        }
        text
    }

    fn problem_list(&self) -> String {
        let counts = &self.run.counts.outcomes;
        let kinds = [
            (OutcomeKind::Failed, counts.failed, "Failed", BAD),
            (OutcomeKind::Stale, counts.stale, "Stale", BAD),
            (OutcomeKind::Skipped, counts.skipped, "Skipped", WARN),
            (OutcomeKind::Held, counts.held, "Held", WARN),
        ];
        let mut text = String::new();
        for (kind, total, title, style) in kinds {
            let shown: Vec<_> = self.problems.iter().filter(|change| change.outcome == kind).collect();
            if shown.is_empty() {
                continue;
            }
            let _ = writeln!(text, "\n{} {}", paint(style, title), count(total));
            for change in &shown {
                text += &problem_line(change);
            }
            let left = total.saturating_sub(shown.len() as u64);
            if left > 0 {
                let line = format!("  … {} more (`syncline show {} --changes` has them all)", count(left), self.run.id);
                let _ = writeln!(text, "{}", paint(DIM, &line));
            }
        }
        text
    }

    fn not_taken_over(&self) -> String {
        let text = rejected::text(self.models.iter().flat_map(|model| model.record.rejected()));
        if text.is_empty() { text } else { format!("\n{text}") }
    }

    fn log_lines(&self) -> String {
        if self.log.is_empty() {
            return String::new();
        }
        let mut text = format!("\n{}\n", paint(NAME, "Log"));
        for line in &self.log {
            let at = line.at.format("%H:%M:%S");
            let words = clean(&line.text);
            let words = match line.level {
                Level::Info => words.into_owned(),
                Level::Warning => paint(WARN, &words),
                Level::Error => paint(BAD, &words),
            };
            let _ = writeln!(text, "  {} {words}", paint(DIM, &at.to_string()));
            if let Some(Exchange { method, url, status, attempts, body }) = &line.exchange {
                let answer = status.map_or_else(|| "no answer".to_owned(), |status| format!("answered {status}"));
                let told = format!("{method} {url}: {answer}, attempts {attempts}");
                let _ = writeln!(text, "           {}", paint(DIM, &clean(&told)));
                for line in body.iter().flat_map(|body| body.lines()) {
                    let _ = writeln!(text, "           {}", paint(DIM, &clean(line)));
                }
            }
        }
        text
    }
}

/// The runs as a table. `waited` are the times that some of them waited between their phases.
pub fn run_table(runs: &[Run], waited: &BTreeMap<RunId, Duration>) -> String {
    let any_waited = waited.values().any(|waited| !waited.is_zero());
    let mut headings = vec![
        "run#",
        "sync",
        "kind",
        "status",
        "started (UTC)",
        "time#",
        "create#",
        "update#",
        "absent#",
        "applied#",
        "held#",
        "failed#",
    ];
    if any_waited {
        headings.insert(6, "waited#");
    }
    let mut columns = Columns::new(&headings);
    for run in runs {
        let counts = &run.counts;
        let kind = kind_text(run);
        let waited = waited.get(&run.id).copied().unwrap_or_default();
        let mut cells = vec![
            run.id.to_string(),
            run.sync.clone(),
            kind,
            anstream::adapter::strip_str(&status_text(run)).to_string(),
            run.started.unwrap_or(run.created).format("%Y-%m-%d %H:%M:%S").to_string(),
            run.worked(waited).map(duration).unwrap_or_default(),
            count(counts.create),
            count(counts.update),
            count(counts.delete),
            count(counts.outcomes.applied),
            count(counts.outcomes.held),
            count(counts.outcomes.failed + counts.outcomes.stale),
        ];
        if any_waited {
            let waited = Some(waited).filter(|waited| run.finished.is_some() && !waited.is_zero());
            cells.insert(6, waited.map(duration).unwrap_or_default());
        }
        columns.row(&cells);
    }
    columns.text()
}

/// What started a run, and what for, where that is not a sync: `adhoc, undo of 3`. A drift check is always dry.
fn kind_text(run: &Run) -> String {
    let subject = run.subject.map(|subject| format!(" of {subject}")).unwrap_or_default();
    let purpose = match run.purpose {
        Purpose::Sync => String::new(),
        Purpose::Apply => format!(", apply{subject}"),
        Purpose::Drift => ", drift".to_owned(),
        Purpose::Undo => format!(", undo{subject}"),
        Purpose::Rerun => format!(", rerun{subject}"),
        Purpose::Part => ", part".to_owned(),
    };
    let dry = if run.dry && run.purpose != Purpose::Drift { ", dry" } else { "" };
    format!("{}{purpose}{dry}", run.kind.as_str())
}

/// The first changes with an outcome.
async fn of_outcome(history: &History, run: RunId, outcome: OutcomeKind) -> Result<Vec<StoredChange>> {
    let filter = ChangeFilter { outcome: vec![outcome], ..ChangeFilter::default() };
    Ok(history.changes(run, &filter, None, PROBLEMS).await?.items)
}

fn models(records: Vec<ModelRecord>, counts: &[ChangeCount]) -> Vec<ModelView> {
    let mut outcomes: BTreeMap<&str, OutcomeCounts> = BTreeMap::new();
    for ChangeCount { model, outcome, count, .. } in counts {
        let counts = outcomes.entry(model).or_default();
        let counter = match outcome {
            OutcomeKind::Planned => &mut counts.planned,
            OutcomeKind::Applied => &mut counts.applied,
            OutcomeKind::Unchanged => &mut counts.unchanged,
            OutcomeKind::Skipped => &mut counts.skipped,
            OutcomeKind::Held => &mut counts.held,
            OutcomeKind::Failed => &mut counts.failed,
            OutcomeKind::Stale => &mut counts.stale,
        };
        *counter += count;
    }
    let view = |record: ModelRecord| ModelView {
        outcomes: outcomes.get(record.model.as_str()).copied().unwrap_or_default(),
        record,
    };
    records.into_iter().map(view).collect()
}

fn problem_line(change: &StoredChange) -> String {
    let reason = change.reason.as_deref().unwrap_or("no reason was given");
    // Most systems name the field themselves.
    let field = change.field.as_ref().filter(|field| !reason.contains(field.as_str()));
    let field = field.map(|field| format!("`{}`: ", clean(field))).unwrap_or_default();
    format!(
        "  {} {} {}  {field}{}\n",
        change.action,
        clean(&change.model),
        paint(NAME, &clean(&change.key.to_string())),
        clean(reason)
    )
}

/// A status with its color. Failed changes, and records that could not be taken over, show in it although the run is completed.
fn status_text(run: &Run) -> String {
    let (failed, rejected) = (run.counts.outcomes.failed, run.counts.rejected);
    let parts = [(failed, "failed"), (rejected, "not taken over")].into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts.map(|(number, what)| format!(", {} {what}", count(number))).collect();
    match run.status {
        RunStatus::Completed if !parts.is_empty() => paint(WARN, &format!("completed{}", parts.concat())),
        RunStatus::Completed => paint(GOOD, "completed"),
        RunStatus::Failed => paint(BAD, "failed"),
        RunStatus::AwaitingReview => paint(WARN, "awaiting review"),
        RunStatus::Cancelled => paint(WARN, "cancelled"),
        other => other.to_string(),
    }
}

/// A time for people: UTC, to the second.
fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn phase_name(phase: Phase) -> String {
    phase.as_str().replace('_', " ")
}

fn some(number: u64) -> String {
    if number == 0 { "·".to_owned() } else { count(number) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;
    use syncline_core::change::{Action, HoldRule};
    use syncline_core::diff::DiffCounts;
    use syncline_core::history::{Endpoint, PlanRef, ReadRecord, RunCounts, RunError, RunKind, RunSettings, RunStage};
    use syncline_core::models::ModelMode;
    use syncline_core::requests::{RequestCounts, SideRequests};
    use syncline_core::snapshot::Rejection;
    use syncline_model::AnyKey;

    pub fn at(second: u32) -> DateTime<Utc> {
        format!("2026-08-25T10:00:{second:02}Z").parse().unwrap()
    }

    pub fn run(status: RunStatus) -> Run {
        let end = |connector: &str| Endpoint {
            connector: connector.to_owned(),
            connection: connector.to_owned(),
            instance: format!("https://{connector}.example"),
        };
        let outcomes = OutcomeCounts { applied: 1200, failed: 1, held: 41, skipped: 1, ..OutcomeCounts::default() };
        Run {
            id: RunId::new(17),
            sync: "lab".to_owned(),
            kind: RunKind::Adhoc,
            dry: false,
            status,
            definition_hash: "d".to_owned(),
            plan: Some(PlanRef { hash: "blake3:0".to_owned(), path: "data/plans/lab-17.json".to_owned() }),
            source: end("forward"),
            target: end("netbox"),
            created: at(0),
            started: Some(at(1)),
            finished: Some(at(13)),
            error: None,
            counts: RunCounts { create: 1201, update: 1, delete: 41, outcomes, ..RunCounts::default() },
            notes: json!({"forward.snapshot": "1042"}),
            triggered_by: "me".to_owned(),
            request: Some("after the move".to_owned()),
            request_id: Some("CHG0042".parse().unwrap()),
            host: "here".to_owned(),
            purpose: Purpose::Sync,
            subject: None,
            stage: RunStage::Applying,
            options: RunSettings::default(),
            attempt: 1,
            worker: None,
            lease_until: None,
            not_before: None,
            waiting: None,
            waits: 0,
            requests: SideRequests {
                source: RequestCounts { sent: 120, retries: 2, throttled: 1, waited_ms: 1_500, span_ms: 9_600 },
                ..SideRequests::default()
            },
            trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
            paused: None,
            stop: None,
            tick: None,
            staged_as: None,
        }
    }

    fn problem(outcome: OutcomeKind, action: Action, reason: &str) -> StoredChange {
        StoredChange {
            seq: 1,
            change_id: "c".to_owned(),
            model: "interface".to_owned(),
            key: AnyKey::from_value(&json!([["atlanta-dc1"], "Gi0/1"])).unwrap(),
            action,
            fields: Vec::new(),
            kept: Vec::new(),
            outcome,
            rule: (outcome == OutcomeKind::Held).then_some(HoldRule::Policy),
            field: (outcome == OutcomeKind::Failed).then(|| "mtu".to_owned()),
            reason: Some(reason.to_owned()),
            native_id: None,
            request_id: None,
            at: at(5),
        }
    }

    fn view(status: RunStatus) -> RunView {
        let read = |records, partial: Option<&str>| {
            Some(ReadRecord { records, partial: partial.map(str::to_owned), ..ReadRecord::default() })
        };
        let diff = DiffCounts { create: 1201, update: 1, delete: 41, unchanged: 9000, ..DiffCounts::default() };
        let record = |model: &str, source, diff| ModelRecord {
            model: model.to_owned(),
            mode: ModelMode::Sync,
            source,
            desired: None,
            target: read(9042, None),
            diff,
        };
        let phase = |phase, duration_ms| PhaseRecord {
            phase,
            started: at(1),
            duration_ms,
            memory_final: Some(20_000_000),
            memory_peak: Some(31_000_000),
            streams: Vec::new(),
        };
        let run = run(status);
        RunView {
            summary: run.summary(),
            models: vec![
                ModelView {
                    record: record("interface", read(10_202, None), Some(diff)),
                    outcomes: OutcomeCounts {
                        applied: 1200,
                        failed: 1,
                        held: 41,
                        skipped: 1,
                        ..OutcomeCounts::default()
                    },
                },
                ModelView {
                    record: record("vlan", read(3, Some("the last page is missing")), None),
                    outcomes: OutcomeCounts::default(),
                },
            ],
            phases: vec![phase(Phase::LoadSource, 1_250), phase(Phase::ExecuteSync, 9_900)],
            problems: vec![
                problem(OutcomeKind::Failed, Action::Create, "mtu: 9999999 is too large"),
                problem(OutcomeKind::Skipped, Action::Delete, "a cable refers to it"),
                problem(OutcomeKind::Held, Action::Delete, "the sync's policy holds deletes back"),
            ],
            log: vec![
                StoredLogLine {
                    seq: 1,
                    at: at(2),
                    level: Level::Info,
                    text: "reading snapshot 1042".to_owned(),
                    exchange: None,
                },
                StoredLogLine {
                    seq: 2,
                    at: at(3),
                    level: Level::Warning,
                    text: "bell \u{7}".to_owned(),
                    exchange: Some(Exchange {
                        method: "GET".to_owned(),
                        url: "https://netbox.example/api/dcim/sites/?limit=5".to_owned(),
                        status: Some(503),
                        attempts: 4,
                        body: Some("<h1>down</h1>\n<p>back soon \u{7}</p>".to_owned()),
                    }),
                },
            ],
            comments: vec![Comment {
                id: serde_json::from_value(json!(1)).unwrap(),
                by: "ann".to_owned(),
                at: at(12),
                text: "the site is closed\nsince May".to_owned(),
            }],
            waits_for: None,
            waited_ms: 0,
            run,
        }
    }

    fn plain(view: &RunView) -> String {
        anstream::adapter::strip_str(&view.text(false)).to_string()
    }

    #[test]
    fn a_run_is_told() {
        insta::assert_snapshot!(plain(&view(RunStatus::Completed)));
    }

    #[test]
    fn a_failed_run_is_told_with_its_error() {
        let mut view = view(RunStatus::Failed);
        let message = "cannot reach `netbox.example` (attempts 4): connection refused";
        view.run.error = Some(RunError { kind: "unreachable".to_owned(), message: message.to_owned() });
        (view.models, view.problems, view.log, view.run.plan) = (Vec::new(), Vec::new(), Vec::new(), None);
        insta::assert_snapshot!(plain(&view));
    }

    #[test]
    fn runs_are_listed() {
        let mut dry = run(RunStatus::AwaitingReview);
        (dry.dry, dry.finished, dry.id) = (true, None, RunId::new(16));
        let mut undo = run(RunStatus::Completed);
        (undo.purpose, undo.subject, undo.dry, undo.id) = (Purpose::Undo, Some(RunId::new(15)), true, RunId::new(18));
        let runs = [undo, run(RunStatus::Completed), dry];
        insta::assert_snapshot!(run_table(&runs, &BTreeMap::new()));
        let waited = BTreeMap::from([(RunId::new(17), Duration::from_secs(9))]);
        insta::assert_snapshot!("runs_that_waited", run_table(&runs, &waited));
    }

    /// A host that a rule could not make does not look like success.
    #[test]
    fn records_that_could_not_be_taken_over_are_told_with_the_run() {
        let mut view = view(RunStatus::Completed);
        let rejections = vec![Rejection {
            record: "fra1-acc-05".to_owned(),
            field: "groups[0].name".to_owned(),
            message: "`oops` is not defined".to_owned(),
        }];
        let source = ReadRecord { records: 61, rejected: 1, rejections, ..ReadRecord::default() };
        (view.models[1].record.model, view.models[1].record.source) = ("host".to_owned(), Some(source));
        (view.phases, view.problems, view.log) = (Vec::new(), Vec::new(), Vec::new());
        view.run.counts.rejected = 1;
        insta::assert_snapshot!(plain(&view));
    }

    #[test]
    fn waiting_is_told_apart_from_work() {
        let headline = |waited_ms| {
            let view = RunView { waited_ms, ..view(RunStatus::Completed) };
            plain(&view).lines().next().unwrap().to_owned()
        };
        insta::assert_snapshot!(headline(9_500), @"Run 17 of lab: completed, 1 failed in 2.50 s, and waited 9.50 s");
        insta::assert_snapshot!(headline(0), @"Run 17 of lab: completed, 1 failed in 12.00 s");
    }

    #[test]
    fn what_a_run_is_about_stands_in_its_headline() {
        let headline = |purpose, subject: Option<i64>, dry| {
            let mut view = view(RunStatus::Completed);
            (view.run.purpose, view.run.subject, view.run.dry) = (purpose, subject.map(RunId::new), dry);
            plain(&view).lines().next().unwrap().to_owned()
        };
        let lines = [
            headline(Purpose::Undo, Some(15), true),
            headline(Purpose::Rerun, Some(15), false),
            headline(Purpose::Drift, None, true),
            headline(Purpose::Apply, None, false),
            {
                let mut view = view(RunStatus::Completed);
                view.run.purpose = Purpose::Part;
                view.run.options = serde_json::from_value(json!({"scope": {"sites": ["atlanta-dc1"]}})).unwrap();
                plain(&view).lines().next().unwrap().to_owned()
            },
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
Run 17 of lab, an undo of run 15, a dry run: completed, 1 failed in 12.00 s
Run 17 of lab, a rerun of run 15: completed, 1 failed in 12.00 s
Run 17 of lab, a drift check: completed, 1 failed in 12.00 s
Run 17 of lab: completed, 1 failed in 12.00 s
Run 17 of lab, only what is at atlanta-dc1: completed, 1 failed in 12.00 s
"#);
    }

    /// Scripts rely on these names.
    #[test]
    fn a_run_for_programs() {
        insta::assert_json_snapshot!(view(RunStatus::Completed));
    }
}
