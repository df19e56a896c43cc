//! One run: what it found and did, how long each part took, what guards and people said, and its log.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, Redirect};
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::event::Stream;
use syncline_core::guard::Demand;
use syncline_core::history::{
    Approval, ChangeCount, ChangeFilter, Decision, History, InTheWay, ModelRecord, OutcomeCounts, OutcomeKind,
    PhaseRecord, ReadRecord, Role, Run, RunStatus, StoredChange, StoredLogLine, WaitsFor,
};
use syncline_core::models::ModelMode;
use syncline_core::plan::PlanExcerpt;
use syncline_core::requests::{RequestCounts, SideRequests};
use syncline_render::words;

use super::again::Again;
use super::comments::Comments;
use super::compare::{before, compare_href};
use super::exchange::Exchanged;
use super::form::{Fields, Posted, Pressed, RunNumber, link};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::object::{label, object_href};
use super::outcome::{Badge, RunOutcome};
use super::overview::Link;
use super::returned::Returned;
use super::run_line::{Number, by, kind, sync_href};
use super::show::{Bytes, Count, Icon, Prose, Took, When, clean};
use super::side::side_href;
use super::{PageProblem, glance, logs};
use crate::ApiState;
use crate::auth::Who;
use crate::input::{Body, Nothing, Number as ApiNumber};
use crate::routes::stop;

/// How many changes that came to nothing are shown of each outcome.
const PROBLEMS: u64 = 10;
/// How many records of a model are named that could not be taken over.
const REJECTIONS: usize = 10;
/// How many lines of the log a page has.
const LINES: u64 = 200;

/// A run.
#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    id: i64,
    sync: Link,
    source: Link,
    target: Link,
    badge: Badge,
    status: RunStatus,
    message: Prose,
    notices: Vec<Notice>,
    actions: Actions,
    facts: Vec<Fact>,
    notes: Vec<(String, String)>,
    models: Vec<ModelLine>,
    total: Vec<Number>,
    phases: Vec<PhaseLine>,
    streams: Vec<StreamLine>,
    measured: bool,
    guards: Guards,
    problems: Vec<Problems>,
    rejected: Vec<Rejected>,
    decisions: Vec<DecisionLine>,
    comments: Comments,
    requests: Vec<RequestLine>,
    log: Vec<LogLine>,
    pager: Pager,
    has_plan: bool,
    /// The page that compares it with the run of its sync before it; none when it is the first that is kept.
    compare: Option<String>,
    command: Command,
}

/// Something to be known before all else.
#[derive(Debug)]
pub struct Notice {
    /// How bad it is: `bad`, `warn` or `info`.
    pub class: &'static str,
    pub icon: Icon,
    pub name: String,
    pub text: Prose,
}

/// What a person can do with the run now.
#[derive(Debug, Default)]
struct Actions {
    review: bool,
    cancel: bool,
    pause: bool,
    resume: bool,
    again: Again,
}

/// What is known of a run: a name and a value, perhaps with a link.
#[derive(Debug)]
struct Fact {
    name: String,
    value: String,
    href: Option<String>,
    when: Option<When>,
    is_code: bool,
}

/// A model in a run.
#[derive(Debug)]
struct ModelLine {
    name: String,
    mode: Option<&'static str>,
    href: String,
    numbers: Vec<Number>,
    doubts: Vec<Prose>,
}

/// A phase: when it was, how long, and how much memory it took.
#[derive(Debug)]
struct PhaseLine {
    name: String,
    began: When,
    took: Took,
    /// The beginning and the length of its bar, in thousandths.
    bar: (u64, u64),
    memory_final: Option<Bytes>,
    memory_peak: Option<Bytes>,
    /// The length of the bar of its peak, in thousandths.
    peak: u64,
}

/// A model within a phase: when it was read, or its changes were written.
#[derive(Debug)]
struct StreamLine {
    phase: String,
    model: String,
    began: When,
    took: Took,
    /// The beginning and the length of its bar, on the scale of the phases.
    bar: (u64, u64),
}

/// What the guards said of the plan.
#[derive(Debug)]
enum Guards {
    /// There is no plan.
    NoPlan,
    /// There is one that cannot be looked at here.
    Elsewhere,
    /// What objects, each with its name.
    Said(Vec<Objection>),
}

/// What a guard said.
#[derive(Debug)]
pub struct Objection {
    pub class: &'static str,
    pub icon: Icon,
    pub demand: &'static str,
    pub guard: String,
    pub model: String,
    pub reason: Prose,
}

/// Changes that came to nothing in one way: the first of them.
#[derive(Debug)]
struct Problems {
    word: &'static str,
    name: &'static str,
    count: Count,
    href: String,
    changes: Vec<ProblemLine>,
}

#[derive(Debug)]
struct ProblemLine {
    action: &'static str,
    model: String,
    key: String,
    href: String,
    field: Option<String>,
    rule: Option<&'static str>,
    reason: Prose,
}

/// Records of a model that could not be taken over.
#[derive(Debug)]
struct Rejected {
    count: Count,
    what: String,
    lines: Vec<String>,
    more: Count,
}

#[derive(Debug)]
struct DecisionLine {
    icon: Icon,
    word: &'static str,
    by: String,
    reason: String,
    /// How many changes it is about; none for all.
    selected: Option<Count>,
    overrides_guards: bool,
    at: When,
}

/// What was asked of one side.
#[derive(Debug)]
struct RequestLine {
    side: &'static str,
    sent: Count,
    /// How many in a second; none where there were too few to tell.
    rate: Option<String>,
    retries: Count,
    throttled: Count,
    waited: Option<Took>,
}

#[derive(Debug)]
struct LogLine {
    at: When,
    time: String,
    class: &'static str,
    icon: Option<Icon>,
    word: &'static str,
    text: Prose,
    exchange: Option<Exchanged>,
}

/// The columns of [`ModelLine::numbers`], as in `syncline show`.
const COLUMNS: [&str; 10] =
    ["source", "target", "equal", "create", "update", "absent", "applied", "held", "skipped", "failed"];

/// `GET /runs/{id}?log=200`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    RunNumber(id): RunNumber,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let run = super::run(&state, id).await?;
    let after = fields.parsed("log")?;
    html(&run_page(&state, &visit, run, after, Utc::now()).await?)
}

/// `POST /runs/{id}/cancel`, `…/pause`, `…/resume`.
pub async fn cancel(
    State(state): State<ApiState>,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    let _ = stop::cancel(State(state), who, ApiNumber(id), Body(why(&fields)?)).await?;
    Ok(to_run(id.number()))
}

/// See [`cancel`].
pub async fn pause(
    State(state): State<ApiState>,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    let _ = stop::pause(State(state), who, ApiNumber(id), Body(why(&fields)?)).await?;
    Ok(to_run(id.number()))
}

/// See [`cancel`].
pub async fn resume(
    State(state): State<ApiState>,
    RunNumber(id): RunNumber,
    _: Pressed,
) -> Result<Redirect, PageProblem> {
    let _ = stop::resume(State(state), ApiNumber(id), Body(Nothing {})).await?;
    Ok(to_run(id.number()))
}

fn why(fields: &Fields) -> Result<stop::Why, PageProblem> {
    fields.only(&["reason"])?;
    Ok(stop::Why { reason: fields.text("reason").unwrap_or_default().to_owned() })
}

/// Leads a browser that has posted something to the page of a run.
pub fn to_run(id: i64) -> Redirect {
    Redirect::to(&format!("/runs/{id}"))
}

async fn run_page(
    state: &ApiState,
    visit: &Visit,
    run: Run,
    after: Option<u64>,
    now: DateTime<Utc>,
) -> Result<RunPage> {
    let history = state.runner.history();
    let id = run.id;
    let waits_for = match run.status {
        RunStatus::New | RunStatus::Queued => {
            let waiting = history.waiting().await?.into_iter().find(|waiting| waiting.run.id == id);
            waiting.map(|waiting| waiting.waits_for)
        }
        _ => None,
    };
    let phases = history.phases(id).await?;
    let records = history.models(id).await?;
    let counts = history.change_counts(id).await?;
    let log = history.log(id, after, LINES).await?;
    let path = format!("/runs/{id}");
    let next = log.next.map(|next| link(&path, [("log", next.to_string().as_str())]) + "#log");
    let pager = Pager { first: after.map(|_| format!("{path}#log")), next, word: "Later lines" };
    let excerpt = glance(state, &run).await?;
    let (models, total) = model_lines(&run, &records, &counts, excerpt.as_ref());
    let frame = visit.frame(format!("Run {id} of {}", clean(&run.sync)), Section::Runs);
    Ok(RunPage {
        comments: Comments::of(history, &run, &frame, &Fields::EMPTY, &Returned::default(), now).await?,
        requests: request_lines(&run.requests),
        frame,
        id: id.number(),
        sync: Link { name: clean(&run.sync), href: sync_href(&run.sync) },
        source: Link { name: clean(&run.source.connection), href: side_href(true, &run.source.connection) },
        target: Link { name: clean(&run.target.connection), href: side_href(false, &run.target.connection) },
        badge: Badge::of(&run),
        status: run.status,
        message: Prose::of(&run.summary().message),
        notices: notices(&run, waits_for.as_ref(), excerpt.as_ref()),
        actions: Actions::of(&run),
        facts: facts(&run, &phases, now),
        notes: notes(&run),
        models,
        total,
        measured: phases.iter().any(|phase| phase.memory_peak.is_some()),
        streams: stream_lines(&phases, now),
        phases: phase_lines(&phases, now),
        guards: match (&run.plan, &excerpt) {
            (None, _) => Guards::NoPlan,
            (Some(_), None) => Guards::Elsewhere,
            (Some(_), Some(plan)) => Guards::Said(objections(plan)),
        },
        problems: problems(history, &run).await?,
        rejected: records.iter().flat_map(ModelRecord::rejected).map(|rejected| Rejected::of(&rejected)).collect(),
        decisions: history.decisions(id).await?.iter().map(|decision| DecisionLine::of(decision, now)).collect(),
        log: log.items.into_iter().map(|line| LogLine::of(line, now)).collect(),
        pager,
        has_plan: run.plan.is_some(),
        compare: before(history, &run).await?.map(|before| compare_href(before.number(), id.number())),
        command: Command(format!("syncline show {id}")),
    })
}

impl Actions {
    fn of(run: &Run) -> Self {
        let waits = matches!(run.status, RunStatus::New | RunStatus::Queued);
        let is_paused = run.paused.is_some();
        Self {
            review: run.status == RunStatus::AwaitingReview,
            cancel: !run.status.is_final(),
            pause: (waits && !is_paused) || run.status == RunStatus::Syncing,
            resume: waits && (is_paused || run.not_before.is_some()),
            again: Again::of(run),
        }
    }
}

fn notices(run: &Run, waits: Option<&WaitsFor>, plan: Option<&PlanExcerpt>) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut notice = |class, icon, name: &str, text: String| {
        notices.push(Notice { class, icon: Icon(icon), name: clean(name), text: Prose::of(&text) });
    };
    if let Some(error) = &run.error {
        let class = if run.status == RunStatus::Cancelled { "info" } else { "bad" };
        notice(class, RunOutcome::of(run).as_str(), &error.kind.replace('_', " "), error.message.clone());
    }
    match waits {
        None => {}
        Some(WaitsFor::Worker) => notice("info", "waiting", "Waits", "for a worker that is free".to_owned()),
        Some(WaitsFor::Person { reason }) => notice("warn", "waiting", "Paused", reason.clone()),
        Some(WaitsFor::Time { until, reason }) => {
            let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            notice("info", "waiting", "Waits", format!("until {}{why}", until.format("%Y-%m-%d %H:%M:%S UTC")));
        }
        Some(WaitsFor::Run { run, why }) => {
            let why = match why {
                InTheWay::SameSync => "of the same sync",
                InTheWay::SameTarget => "which writes to the same system",
            };
            notice("info", "waiting", "Waits", format!("for run {run}, {why}"));
        }
    }
    if let Some(stop) = run.stop.as_ref().filter(|_| !run.status.is_final()) {
        let reason = if stop.reason.is_empty() { String::new() } else { format!(": {}", stop.reason) };
        notice("info", "waiting", "Stops", format!("after the batches under way, as {} asked{reason}", stop.by));
    }
    if let Some(partial) = plan.and_then(|plan| plan.header().partial.as_ref()) {
        notice("bad", "partial", "Partial", partial.clone());
    }
    if let Some(refused) = plan.and_then(|plan| words::refused(plan.summary())) {
        notice("warn", "partial", "Foreseen", refused);
    }
    notices
}

fn facts(run: &Run, phases: &[PhaseRecord], now: DateTime<Utc>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| {
        facts.push(Fact { name: clean(name), value: clean(&value), href: None, when: None, is_code: false });
    };
    let by = by(run).map(|by| format!(", by {by}")).unwrap_or_default();
    fact("Kind", format!("{}{}{by}", kind(run), if run.dry { ", dry" } else { ", real" }));
    if let Some(scope) = &run.options.scope {
        fact("Scope", format!("only {scope}, and what that needs"));
    }
    if let Some(id) = &run.request_id {
        fact("Request", id.to_string());
    }
    if let Some(request) = &run.request {
        fact("Reason", request.clone());
    }
    let waited = run.waited(phases);
    if let Some(worked) = run.worked(waited) {
        let waited = if waited.is_zero() { String::new() } else { format!(", and waited {}", Took(waited)) };
        fact("Time", format!("{}{waited}", Took(worked)));
    }
    let attempts = if run.attempt > 1 { format!(", attempt {}", run.attempt) } else { String::new() };
    if !run.host.is_empty() {
        fact("Machine", format!("{}{attempts}", run.host));
    }
    if let Some(staged) = &run.staged_as {
        fact("Staged as", staged.clone());
    }
    let when = |name: &str, at: DateTime<Utc>| Fact {
        name: name.to_owned(),
        value: String::new(),
        href: None,
        when: Some(When::new(at, now)),
        is_code: false,
    };
    let times = [("Made", Some(run.created)), ("Began", run.started), ("Ended", run.finished)];
    facts.extend(times.into_iter().filter_map(|(name, at)| Some(when(name, at?))));
    if let Some(subject) = run.subject {
        let href = Some(format!("/runs/{subject}"));
        facts.push(Fact {
            name: "About".to_owned(),
            value: format!("run {subject}"),
            href,
            when: None,
            is_code: false,
        });
    }
    let code = |name: &str, value: &str, href| Fact {
        name: name.to_owned(),
        value: clean(value),
        href,
        when: None,
        is_code: true,
    };
    if let Some(plan) = &run.plan {
        facts.push(code("Plan", &plan.hash, Some(format!("/runs/{}/plan", run.id))));
    }
    facts.push(code("Definition", &run.definition_hash, None));
    if let Some(trace) = &run.trace_id {
        facts.push(code("Trace", trace, None));
    }
    facts
}

/// What the connectors noted of the run.
fn notes(run: &Run) -> Vec<(String, String)> {
    let note = |(name, note): (&String, &serde_json::Value)| {
        (clean(name), clean(&note.as_str().map_or_else(|| note.to_string(), str::to_owned)))
    };
    run.notes.as_object().into_iter().flatten().map(note).collect()
}

/// What was read and found of each model, and what became of it; the same over all of them. What a plan holds back that waits for a
/// person is in no history yet: the plan tells it.
fn model_lines(
    run: &Run,
    records: &[ModelRecord],
    counts: &[ChangeCount],
    plan: Option<&PlanExcerpt>,
) -> (Vec<ModelLine>, Vec<Number>) {
    let id = run.id.number();
    let waits = plan.filter(|_| counts.is_empty()).map(|plan| &plan.summary().models);
    let held_in_plan = |model: &str| -> u64 {
        let models = waits.into_iter().flatten().filter(|summary| summary.model == model);
        models.map(syncline_core::plan::ModelSummary::held).sum()
    };
    let line = |record: &ModelRecord| {
        let mut outcomes = OutcomeCounts::default();
        for count in counts.iter().filter(|count| count.model == record.model) {
            outcomes.add(count.outcome, count.count);
        }
        outcomes.held += held_in_plan(&record.model);
        let read = |read: &Option<ReadRecord>, what| Number::plain(read.as_ref().map_or(0, |read| read.records), what);
        let diff = record.diff.unwrap_or_default();
        let model = ("model", record.model.as_str());
        let found = |count, what, action| Number::of_changes(id, count, what, &[model, ("action", action)]);
        let became = |count, what, outcome| Number::of_changes(id, count, what, &[model, ("outcome", outcome)]);
        let sides = [("source", &record.source), ("target", &record.target)];
        let doubts = sides.into_iter().filter_map(|(side, read)| {
            let reason = read.as_ref()?.partial.as_ref()?;
            Some(Prose::of(&format!("the read of the {side} proves no absence: {reason}")))
        });
        ModelLine {
            name: words::plural_of(&record.model),
            mode: match record.mode {
                ModelMode::Sync => None,
                mode => words::mode(mode),
            },
            href: link(&format!("/runs/{id}/plan"), [model]),
            numbers: vec![
                read(&record.source, "read from the source"),
                read(&record.target, "read from the target"),
                Number::plain(diff.unchanged, "equal"),
                found(diff.create, "create", "create"),
                found(diff.update, "update", "update"),
                found(diff.delete, "absent", "delete"),
                became(outcomes.applied + outcomes.unchanged, "applied", "applied,unchanged"),
                became(outcomes.held, "held", "held").or_warn(),
                became(outcomes.skipped, "skipped", "skipped").or_warn(),
                became(outcomes.failed + outcomes.stale, "failed", "failed,stale").or_bad(),
            ],
            doubts: doubts.collect(),
        }
    };
    let (counts, mut outcomes) = (&run.counts, run.counts.outcomes);
    outcomes.held += records.iter().map(|record| held_in_plan(&record.model)).sum::<u64>();
    let found = |count, what, action| Number::of_changes(id, count, what, &[("action", action)]);
    let became = |count, what, outcome| Number::of_changes(id, count, what, &[("outcome", outcome)]);
    let total = vec![
        Number::plain(counts.source_records, "read from the source"),
        Number::plain(counts.target_records, "read from the target"),
        Number::plain(counts.unchanged, "equal"),
        found(counts.create, "create", "create"),
        found(counts.update, "update", "update"),
        found(counts.delete, "absent", "delete"),
        became(outcomes.applied + outcomes.unchanged, "applied", "applied,unchanged"),
        became(outcomes.held, "held", "held").or_warn(),
        became(outcomes.skipped, "skipped", "skipped").or_warn(),
        became(outcomes.failed + outcomes.stale, "failed", "failed,stale").or_bad(),
    ];
    (records.iter().map(line).collect(), total)
}

/// The time of a run that its bars show: from the begin of the first phase to the end of the last.
struct Scale {
    first: DateTime<Utc>,
    millis: u64,
}

impl Scale {
    fn of(phases: &[PhaseRecord]) -> Option<Self> {
        let end = |phase: &PhaseRecord| phase.started + Duration::from_millis(phase.duration_ms);
        let first = phases.iter().map(|phase| phase.started).min()?;
        let millis = phases.iter().map(end).max().map_or(0, |last| millis_between(first, last)).max(1);
        Some(Self { first, millis })
    }

    /// The beginning and the length of a bar, in thousandths. One too short to be seen is longer than it should be.
    fn bar(&self, started: DateTime<Utc>, duration_ms: u64) -> (u64, u64) {
        let length = (duration_ms * 1000 / self.millis).clamp(4, 1000);
        ((millis_between(self.first, started) * 1000 / self.millis).min(1000 - length), length)
    }
}

fn millis_between(from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
    u64::try_from((to - from).num_milliseconds()).unwrap_or(0)
}

/// The phases on one scale.
fn phase_lines(phases: &[PhaseRecord], now: DateTime<Utc>) -> Vec<PhaseLine> {
    let Some(scale) = Scale::of(phases) else { return Vec::new() };
    let most = phases.iter().filter_map(|phase| phase.memory_peak).max().unwrap_or(0).max(1);
    let line = |phase: &PhaseRecord| PhaseLine {
        name: phase.phase.as_str().replace('_', " "),
        began: When::new(phase.started, now),
        took: Took(Duration::from_millis(phase.duration_ms)),
        bar: scale.bar(phase.started, phase.duration_ms),
        memory_final: phase.memory_final.map(Bytes),
        memory_peak: phase.memory_peak.map(Bytes),
        peak: phase.memory_peak.map_or(0, |peak| (peak.saturating_mul(1000) / most).min(1000)),
    };
    phases.iter().map(line).collect()
}

/// The models within the phases, on the scale of these.
fn stream_lines(phases: &[PhaseRecord], now: DateTime<Utc>) -> Vec<StreamLine> {
    let Some(scale) = Scale::of(phases) else { return Vec::new() };
    let streams = phases.iter().flat_map(|phase| phase.streams.iter().map(move |stream| (phase, stream)));
    let line = |(phase, stream): (&PhaseRecord, &Stream)| {
        let duration_ms = millis_between(stream.started, stream.ended);
        StreamLine {
            phase: phase.phase.as_str().replace('_', " "),
            model: words::plural_of(&stream.model),
            began: When::new(stream.started, now),
            took: Took(Duration::from_millis(duration_ms)),
            bar: scale.bar(stream.started, duration_ms),
        }
    };
    streams.map(line).collect()
}

/// What was asked of each side.
fn request_lines(requests: &SideRequests) -> Vec<RequestLine> {
    let sides = [("source", requests.source), ("target", requests.target)];
    let asked = sides.into_iter().filter(|(_, counts)| counts.sent > 0);
    let line = |(side, counts): (&'static str, RequestCounts)| RequestLine {
        side,
        sent: Count(counts.sent),
        rate: counts.per_second().map(|rate| format!("{rate:.1}")),
        retries: Count(counts.retries),
        throttled: Count(counts.throttled),
        waited: (counts.waited_ms > 0).then(|| Took(Duration::from_millis(counts.waited_ms))),
    };
    asked.map(line).collect()
}

/// What the guards object to.
pub fn objections(plan: &PlanExcerpt) -> Vec<Objection> {
    let verdicts = plan.summary().verdicts.iter();
    let objection = |verdict: &syncline_core::guard::Verdict| Objection {
        class: if verdict.demand == Demand::Refusal { "bad" } else { "warn" },
        icon: Icon(if verdict.demand == Demand::Refusal { "refused" } else { "review" }),
        demand: words::demand(verdict.demand),
        guard: serde_json::to_value(verdict.guard)
            .ok()
            .and_then(|name| Some(name.as_str()?.replace('_', " ")))
            .unwrap_or_default(),
        model: words::plural_of(&verdict.model),
        reason: Prose::of(&verdict.reason),
    };
    verdicts.map(objection).collect()
}

/// The first changes of a run that came to nothing.
async fn problems(history: &History, run: &Run) -> Result<Vec<Problems>> {
    let outcomes = &run.counts.outcomes;
    let kinds = [
        (OutcomeKind::Failed, "Failed"),
        (OutcomeKind::Stale, "Stale"),
        (OutcomeKind::Skipped, "Skipped"),
        (OutcomeKind::Held, "Held"),
    ];
    let mut problems = Vec::new();
    for (kind, word) in kinds {
        let count = outcomes.of(kind);
        if count == 0 {
            continue;
        }
        let filter = ChangeFilter { outcome: vec![kind], ..ChangeFilter::default() };
        let changes = history.changes(run.id, &filter, None, PROBLEMS).await?.items;
        problems.push(Problems {
            word,
            name: kind.as_str(),
            count: Count(count),
            href: link(&format!("/runs/{}/plan", run.id), [("outcome", kind.as_str())]),
            changes: changes.into_iter().map(ProblemLine::of).collect(),
        });
    }
    Ok(problems)
}

impl ProblemLine {
    fn of(change: StoredChange) -> Self {
        let reason = change.reason.as_deref().unwrap_or("no reason was given");
        Self {
            action: change.action.as_str(),
            href: object_href(&change.model, &change.key),
            key: clean(&change.key.to_string()),
            field: change.field.as_deref().map(clean),
            rule: change.rule.map(words::hold),
            reason: Prose::of(change.rule.map_or(reason, |rule| words::because(rule, reason))),
            model: label(&change.model),
        }
    }
}

impl Rejected {
    fn of(rejected: &syncline_core::snapshot::Rejected<'_>) -> Self {
        let shown = rejected.rejections.iter().take(REJECTIONS);
        let more = rejected.rejected.saturating_sub(shown.len() as u64);
        Self {
            count: Count(rejected.rejected),
            what: words::rejected(rejected),
            lines: shown.map(|rejection| clean(&rejection.to_string())).collect(),
            more: Count(more),
        }
    }
}

impl DecisionLine {
    fn of(decision: &Decision, now: DateTime<Utc>) -> Self {
        let (icon, word) = match decision.verdict {
            Approval::Approved => ("clean", "approved"),
            Approval::Rejected => ("failed", "rejected"),
        };
        Self {
            icon: Icon(icon),
            word,
            by: clean(&decision.by),
            reason: clean(&decision.reason),
            selected: decision.selection.as_ref().map(|places| Count(places.len())),
            overrides_guards: decision.overrides_guards,
            at: When::new(decision.at, now),
        }
    }
}

impl LogLine {
    fn of(line: StoredLogLine, now: DateTime<Utc>) -> Self {
        let (class, icon, word) = logs::told(line.level);
        Self {
            at: When::new(line.at, now),
            time: line.at.format("%H:%M:%S").to_string(),
            class,
            icon,
            word,
            text: Prose::of(&line.text),
            exchange: line.exchange.as_ref().map(Exchanged::of),
        }
    }
}

#[cfg(test)]
mod tests {
    use syncline_core::event::Phase;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_763_683_200_000 + millis).unwrap()
    }

    #[test]
    fn models_stand_on_the_scale_of_their_phases() {
        let stream = |model: &str, from, to| Stream { model: model.to_owned(), started: at(from), ended: at(to) };
        let phase = |phase, from, duration_ms, streams| PhaseRecord {
            phase,
            started: at(from),
            duration_ms,
            memory_final: None,
            memory_peak: None,
            streams,
        };
        let phases = [
            phase(Phase::LoadSource, 0, 600, vec![stream("site", 100, 101), stream("device", 101, 600)]),
            // Of a run from before streams were kept there is nothing to show.
            phase(Phase::LoadTarget, 0, 1_000, vec![]),
        ];
        let lines = stream_lines(&phases, at(2_000));
        let told = |line: &StreamLine| format!("{} {} {} {:?}", line.phase, line.model, line.took, line.bar);
        insta::assert_snapshot!(lines.iter().map(told).collect::<Vec<_>>().join("\n"), @r"
        load source sites 1 ms (100, 4)
        load source devices 499 ms (101, 499)
        ");
        assert!(stream_lines(&phases[1..], at(2_000)).is_empty());
        assert!(stream_lines(&[], at(2_000)).is_empty());
    }
}
