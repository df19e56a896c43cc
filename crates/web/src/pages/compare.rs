//! Two runs beside each other: what is known of both, and the records about which they differ.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::change::Action;
use syncline_core::history::{
    ChangeCount, CompareCursor, CompareFilter, Difference, DifferenceCount, DifferenceKind, History, ModelRecord,
    OutcomeCounts, OutcomeKind, PhaseRecord, ReadRecord, Run, RunFilter, RunId, RunStatus, StoredChange, WhichRun,
};
use syncline_render::{Limits, words};

use super::change_row::Row;
use super::compare_reads::reads_href;
use super::facets::{Facet, FacetValue};
use super::form::{Fields, link};
use super::frame::{Frame, Pager, Section, Visit, html};
use super::object::object_href;
use super::outcome::Badge;
use super::overview::Link;
use super::run::objections;
use super::run_line::{Number, by, kind, sync_href};
use super::show::{Count, Icon, Prose, Took, When, clean};
use super::{PageProblem, glance};
use crate::ApiState;

/// Where the page is.
const PATH: &str = "/compare";
/// How many differences a page has.
const PAGE: u64 = 50;
/// How much of a change is shown of it.
const SHORT: Limits = Limits { fields: Some(8), value: Some(120), name: Some(200), reason: Some(300), ..Limits::NONE };

/// Two runs.
#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    frame: Frame,
    /// Both.
    heads: [RunHead; 2],
    swap: String,
    /// What both read, compared.
    reads: String,
    facts: Vec<FactLine>,
    phases: Vec<PhaseLine>,
    models: Vec<ModelLine>,
    notes: Vec<Prose>,
    counted: bool,
    facets: Vec<Facet>,
    /// The page without filters; none when there are none.
    all: Option<String>,
    rows: Vec<DifferenceLine>,
    cut_short: bool,
    pager: Pager,
}

/// A run as the head of a column.
#[derive(Debug)]
struct RunHead {
    id: i64,
    sync: Link,
    badge: Badge,
    began: When,
}

/// Something that is known of both.
#[derive(Debug)]
struct FactLine {
    name: &'static str,
    /// Of both.
    told: [String; 2],
    is_code: bool,
    differs: bool,
}

/// How long a phase took in both, and how much memory.
#[derive(Debug)]
struct PhaseLine {
    name: String,
    /// Of both.
    cells: [PhaseCell; 2],
}

#[derive(Debug, Default)]
struct PhaseCell {
    took: Option<Took>,
    /// The length of its bar, in thousandths of the longest of all.
    bar: u64,
    peak: Option<super::show::Bytes>,
}

/// A model in both.
#[derive(Debug)]
struct ModelLine {
    name: String,
    pairs: Vec<Pair>,
}

/// A number of both.
#[derive(Debug)]
struct Pair {
    a: Number,
    b: Number,
    differs: bool,
}

/// A record about which they differ.
#[derive(Debug)]
struct DifferenceLine {
    kind: DifferenceKind,
    word: &'static str,
    model: String,
    key: String,
    href: String,
    /// The numbers of both runs, with what each did.
    sides: [(i64, Option<Row>); 2],
}

/// The columns of [`ModelLine::pairs`].
const COLUMNS: [&str; 9] = ["source", "target", "equal", "create", "update", "absent", "applied", "held", "failed"];

/// `GET /compare?a=16&b=17&model=device&kind=only_a&after=a-100`. Without `a`, it is the run of the same sync before `b`; `run=16&run=17`
/// are two runs that were ticked in a list.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Response, PageProblem> {
    let history = state.runner.history();
    let ticked: Vec<&str> = fields.all("run").collect();
    if !ticked.is_empty() {
        let mut runs = Vec::new();
        for text in &ticked {
            runs.push(text.parse::<i64>().map_err(|_| PageProblem::no_run(text))?);
        }
        runs.sort_unstable();
        let [a, b] = runs[..] else {
            let message = format!("two runs are compared, and {} are ticked: go back and tick two", runs.len());
            return Err(PageProblem::value("run", message));
        };
        return Ok(Redirect::to(&compare_href(a, b)).into_response());
    }
    let b = super::run(&state, RunId::new(fields.required("b")?)).await?;
    let Some(a) = fields.parsed::<i64>("a")? else {
        let Some(a) = before(history, &b).await? else {
            let message = format!("There is no run of the sync `{}` before run {} to compare it with.", b.sync, b.id);
            return Err(PageProblem::not_found(message));
        };
        return Ok(Redirect::to(&compare_href(a.number(), b.id.number())).into_response());
    };
    let a = super::run(&state, RunId::new(a)).await?;
    let filter =
        CompareFilter { model: fields.text("model").map(str::to_owned), kind: fields.names::<DifferenceKind>("kind")? };
    let after = fields.text("after").map(cursor).transpose()?;
    Ok(html(&compare_page(&state, &visit, &fields, (a, b), filter, after, Utc::now()).await?)?.into_response())
}

/// The page of two runs.
pub fn compare_href(a: i64, b: i64) -> String {
    format!("{PATH}?a={a}&b={b}")
}

/// The run of the same sync before one.
pub async fn before(history: &History, run: &Run) -> Result<Option<RunId>> {
    let filter = RunFilter { sync: Some(run.sync.clone()), ..RunFilter::default() };
    Ok(history.runs(&filter, Some(run.id), 1).await?.items.first().map(|run| run.id))
}

/// A place as the links of the page have it: `a-100`.
fn cursor(text: &str) -> std::result::Result<CompareCursor, PageProblem> {
    let read = || {
        let (run, seq) = text.split_once('-')?;
        let run = match run {
            "a" => WhichRun::A,
            "b" => WhichRun::B,
            _ => return None,
        };
        Some(CompareCursor { run, seq: seq.parse().ok()? })
    };
    read().ok_or_else(|| PageProblem::no_place("after"))
}

fn told(cursor: CompareCursor) -> String {
    let run = match cursor.run {
        WhichRun::A => "a",
        WhichRun::B => "b",
    };
    format!("{run}-{}", cursor.seq)
}

async fn compare_page(
    state: &ApiState,
    visit: &Visit,
    fields: &Fields,
    (a, b): (Run, Run),
    filter: CompareFilter,
    after: Option<CompareCursor>,
    now: DateTime<Utc>,
) -> Result<ComparePage> {
    let history = state.runner.history();
    let counts = history.difference_counts(a.id, b.id).await?;
    let changes = (history.change_counts(a.id).await?, history.change_counts(b.id).await?);
    let found = history.differences(a.id, b.id, &filter, after, PAGE).await?;
    let records = (history.models(a.id).await?, history.models(b.id).await?);
    let phases = (history.phases(a.id).await?, history.phases(b.id).await?);
    let verdicts = (guards(state, &a).await?, guards(state, &b).await?);
    let next = found.next.map(|next| fields.with(PATH, "after", Some(&told(next)), &[]));
    let first = after.map(|_| fields.with(PATH, "after", None, &[]));
    let (one, other) = (a.id.number(), b.id.number());
    Ok(ComparePage {
        frame: visit.frame(format!("Run {one} and run {other}"), Section::Runs),
        swap: compare_href(other, one),
        reads: reads_href(one, other),
        facts: facts((&a, &b), (&phases.0, &phases.1), verdicts),
        phases: phase_lines(&phases.0, &phases.1),
        models: model_lines((one, &records.0, &changes.0), (other, &records.1, &changes.1)),
        notes: notes(&a, &b),
        counted: counts.is_some(),
        facets: facets((&changes.0, &changes.1), counts.as_deref(), &filter, fields, (one, other)),
        all: (filter != CompareFilter::default()).then(|| compare_href(one, other)),
        rows: found.items.iter().map(|difference| DifferenceLine::of(difference, one, other)).collect(),
        cut_short: found.cut_short,
        pager: Pager { first, next, word: "More differences" },
        heads: [RunHead::of(&a, now), RunHead::of(&b, now)],
    })
}

/// What the guards said of a plan, on one line.
async fn guards(state: &ApiState, run: &Run) -> Result<String> {
    let Some(plan) = glance(state, run).await? else {
        return Ok(if run.plan.is_some() { "not on this machine" } else { "no plan" }.to_owned());
    };
    let said = objections(&plan).into_iter().map(|said| format!("{} {}: {}", said.demand, said.guard, said.model));
    let said: Vec<_> = said.collect();
    Ok(if said.is_empty() { "no objection".to_owned() } else { said.join("; ") })
}

fn facts((a, b): (&Run, &Run), phases: (&[PhaseRecord], &[PhaseRecord]), guards: (String, String)) -> Vec<FactLine> {
    let time = |run: &Run, phases: &[PhaseRecord]| {
        run.worked(run.waited(phases)).map_or_else(|| "not over".to_owned(), |worked| Took(worked).to_string())
    };
    let dry = |run: &Run| format!("{}{}", kind(run), if run.dry { ", dry" } else { ", real" });
    let whose = |run: &Run| by(run).unwrap_or_else(|| "–".to_owned());
    let plan = |run: &Run| short(run.plan.as_ref().map_or("", |plan| &plan.hash));
    let hash = |run: &Run| short(&run.definition_hash);
    let records =
        |run: &Run| format!("{} source, {} target", Count(run.counts.source_records), Count(run.counts.target_records));
    let line =
        |name, a: String, b: String, is_code| FactLine { name, differs: a != b, told: [clean(&a), clean(&b)], is_code };
    vec![
        line("Kind", dry(a), dry(b), false),
        line("By", whose(a), whose(b), false),
        line("Source", a.source.connection.clone(), b.source.connection.clone(), false),
        line("Target", a.target.connection.clone(), b.target.connection.clone(), false),
        line("Time", time(a, phases.0), time(b, phases.1), false),
        line("Snapshots", records(a), records(b), false),
        line("Result", a.summary().message, b.summary().message, false),
        line("Guards", guards.0, guards.1, false),
        line("Definition", hash(a), hash(b), true),
        line("Plan", plan(a), plan(b), true),
    ]
}

/// So much of a hash as people tell it by.
fn short(hash: &str) -> String {
    hash.rsplit(':').next().unwrap_or(hash).chars().take(16).collect()
}

/// What has to be known of the list of differences.
fn notes(a: &Run, b: &Run) -> Vec<Prose> {
    let mut notes = Vec::new();
    for run in [a, b].into_iter().filter(|run| run.status == RunStatus::AwaitingReview) {
        notes.push(Prose::of(&format!(
            "The plan of run {} waits for a person: its changes are in no history yet, and are not among what is compared.",
            run.id
        )));
    }
    for run in [a, b].into_iter().filter(|run| !run.status.is_final() && run.status != RunStatus::AwaitingReview) {
        notes.push(Prose::of(&format!(
            "Run {} is not over: what it has not done yet is not among what is compared.",
            run.id
        )));
    }
    if a.dry != b.dry {
        let (dry, real) = if a.dry { (a.id, b.id) } else { (b.id, a.id) };
        notes.push(Prose::of(&format!(
            "Run {dry} was dry: where run {real} did what run {dry} planned, only the outcome differs."
        )));
    }
    if a.definition_hash != b.definition_hash {
        notes.push(Prose::of("The scope, the mapping or a side of the sync was changed between them."));
    }
    notes
}

fn phase_lines(a: &[PhaseRecord], b: &[PhaseRecord]) -> Vec<PhaseLine> {
    let longest = a.iter().chain(b).map(|phase| phase.duration_ms).max().unwrap_or(0).max(1);
    let mut phases: Vec<_> = a.iter().chain(b).map(|record| record.phase).collect();
    phases.sort_unstable();
    phases.dedup();
    let cell = |records: &[PhaseRecord], phase| {
        let record = records.iter().find(|record| record.phase == phase);
        record.map_or_else(PhaseCell::default, |record| PhaseCell {
            took: Some(Took(Duration::from_millis(record.duration_ms))),
            bar: (record.duration_ms * 1000 / longest).clamp(4, 1000),
            peak: record.memory_peak.map(super::show::Bytes),
        })
    };
    let line = |phase: syncline_core::event::Phase| PhaseLine {
        name: phase.as_str().replace('_', " "),
        cells: [cell(a, phase), cell(b, phase)],
    };
    phases.into_iter().map(line).collect()
}

type OfRun<'a> = (i64, &'a [ModelRecord], &'a [ChangeCount]);

fn model_lines(a: OfRun<'_>, b: OfRun<'_>) -> Vec<ModelLine> {
    let names = [a, b].into_iter().flat_map(|(_, records, counts)| {
        records.iter().map(|record| &record.model).chain(counts.iter().map(|count| &count.model))
    });
    let mut names: Vec<&String> = names.collect();
    names.sort();
    names.dedup();
    let line = |name: &String| {
        let pairs = numbers(a, name).into_iter().zip(numbers(b, name));
        let pair = |(a, b): (Number, Number)| Pair { differs: a.count != b.count, a, b };
        ModelLine { name: words::plural_of(name), pairs: pairs.map(pair).collect() }
    };
    names.into_iter().map(line).collect()
}

/// The numbers of a model in a run.
fn numbers((id, records, counts): OfRun<'_>, model: &str) -> Vec<Number> {
    let record = records.iter().find(|record| record.model == model);
    let mut outcomes = OutcomeCounts::default();
    for count in counts.iter().filter(|count| count.model == model) {
        outcomes.add(count.outcome, count.count);
    }
    let read = |read: Option<&ReadRecord>, what| Number::plain(read.map_or(0, |read| read.records), what);
    let diff = record.and_then(|record| record.diff).unwrap_or_default();
    let of_model = ("model", model);
    let found = |count, what, action| Number::of_changes(id, count, what, &[of_model, ("action", action)]);
    let became = |count, what, outcome| Number::of_changes(id, count, what, &[of_model, ("outcome", outcome)]);
    vec![
        read(record.and_then(|record| record.source.as_ref()), "read from the source"),
        read(record.and_then(|record| record.target.as_ref()), "read from the target"),
        Number::plain(diff.unchanged, "equal"),
        found(diff.create, "create", Action::Create.as_str()),
        found(diff.update, "update", Action::Update.as_str()),
        found(diff.delete, "absent", Action::Delete.as_str()),
        became(outcomes.applied + outcomes.unchanged, "applied", "applied,unchanged"),
        became(outcomes.held, "held", OutcomeKind::Held.as_str()).or_warn(),
        became(outcomes.failed + outcomes.stale, "failed", "failed,stale").or_bad(),
    ]
}

fn facets(
    (a, b): (&[ChangeCount], &[ChangeCount]),
    counts: Option<&[DifferenceCount]>,
    filter: &CompareFilter,
    fields: &Fields,
    (one, other): (i64, i64),
) -> Vec<Facet> {
    let count = |kind: Option<DifferenceKind>, model: Option<&str>| {
        let of_these = counts?.iter().filter(|count| {
            kind.map_or_else(|| filter.kind.is_empty() || filter.kind.contains(&count.kind), |kind| kind == count.kind)
                && model.or(filter.model.as_deref()).is_none_or(|model| model == count.model)
        });
        Some(Count(of_these.map(|count| count.count).sum()))
    };
    let value = |name: &str, value: &str, chosen: bool| fields.with(PATH, name, (!chosen).then_some(value), &["after"]);
    let kinds = DifferenceKind::ALL.into_iter().map(|kind| {
        let chosen = filter.kind.contains(&kind);
        FacetValue {
            label: word(kind, one, other),
            icon: Some(icon(kind)),
            count: count(Some(kind), None),
            href: value("kind", kind.as_str(), chosen),
            chosen,
            pick: None,
        }
    });
    let mut names: Vec<&String> = a.iter().chain(b).map(|count| &count.model).collect();
    names.sort();
    names.dedup();
    let models = names.into_iter().map(|model| {
        let chosen = filter.model.as_ref() == Some(model);
        FacetValue {
            label: words::plural_of(model),
            icon: None,
            count: count(None, Some(model)),
            href: value("model", model, chosen),
            chosen,
            pick: None,
        }
    });
    let there = |value: &FacetValue| value.chosen || value.count.is_none_or(|count| !count.is_zero());
    let facets = [
        Facet { label: "Kind", values: kinds.filter(there).collect() },
        Facet { label: "Model", values: models.filter(there).collect() },
    ];
    facets.into_iter().filter(|facet| !facet.values.is_empty()).collect()
}

/// In what runs differ, for people.
fn word(kind: DifferenceKind, a: i64, b: i64) -> String {
    match kind {
        DifferenceKind::OnlyA => format!("only in run {a}"),
        DifferenceKind::OnlyB => format!("only in run {b}"),
        DifferenceKind::Fields => "other values".to_owned(),
        DifferenceKind::Outcome => "another outcome".to_owned(),
    }
}

fn icon(kind: DifferenceKind) -> Icon {
    Icon(match kind {
        DifferenceKind::OnlyA => "delete",
        DifferenceKind::OnlyB => "create",
        DifferenceKind::Fields => "update",
        DifferenceKind::Outcome => "changed",
    })
}

impl RunHead {
    fn of(run: &Run, now: DateTime<Utc>) -> Self {
        Self {
            id: run.id.number(),
            sync: Link { name: clean(&run.sync), href: sync_href(&run.sync) },
            badge: Badge::of(run),
            began: When::new(run.started.unwrap_or(run.created), now),
        }
    }

    /// The changes of the run.
    fn changes(&self) -> String {
        link(&format!("/runs/{}/plan", self.id), [])
    }
}

impl DifferenceLine {
    fn of(difference: &Difference, one: i64, other: i64) -> Self {
        let row = |change: &Option<StoredChange>| change.as_ref().map(|change| Row::stored(change, &SHORT));
        let (a, b) = (row(&difference.a), row(&difference.b));
        Self {
            kind: difference.kind,
            word: match difference.kind {
                DifferenceKind::OnlyA | DifferenceKind::OnlyB => "",
                DifferenceKind::Fields => "other values",
                DifferenceKind::Outcome => "another outcome",
            },
            model: words::plural_of(&difference.model),
            key: a.as_ref().or(b.as_ref()).map(|row| row.key.clone()).unwrap_or_default(),
            href: object_href(&difference.model, &difference.key),
            sides: [(one, a), (other, b)],
        }
    }

    fn icon(&self) -> Icon {
        icon(self.kind)
    }
}
