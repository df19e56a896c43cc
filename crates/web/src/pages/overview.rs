//! The first page: what there is, how it went, what comes next, and what needs a person.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, TimeDelta, Utc};
use syncline_core::Result;
use syncline_core::change::Action;
use syncline_core::history::{
    FindingKind, FindingState, History, OutcomeKind, Purpose, Role, Run, RunFilter, RunStatus, Ticks, WaitsFor,
};
use syncline_core::quarantine::State as Quarantine;
use syncline_core::run::ConfiguredSync;

use super::PageProblem;
use super::agreement::Agreement;
use super::drift::drift_href;
use super::form::link;
use super::frame::{Command, Frame, Section, Visit, html};
use super::outcome::RunOutcome;
use super::quarantine::quarantine_href;
use super::run_line::{self, NUMBERS, RunLine, Square, sync_href};
use super::show::{Count, Icon, Prose, When, clean};
use super::side::side_href;
use super::system_icon::SystemIcon;
use crate::{ApiState, SyncView};

/// How many runs are a row of squares, and how many are listed.
const RUNS: u64 = 10;
/// How many runs of one kind that need somebody are named.
const NAMED: u64 = 20;
/// So many held deletes are looked at to leave out those that would not be made anyway; of more, all are told.
const LOOKED_AT: u64 = 10_000;

/// The first page.
#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    needs: Vec<Need>,
    sources: Vec<SideLine>,
    targets: Vec<SideLine>,
    syncs: Vec<SyncLine>,
    runs: Vec<RunLine>,
    waiting: Count,
    command: Command,
}

/// Systems by the names of their connection and connector, each with its syncs and their last runs.
type Sides = BTreeMap<(String, String), Vec<OfSync>>;

/// The name of a sync, its last runs, and how many are kept.
type OfSync = (String, Vec<Run>, u64);

/// The lines of syncs and of their sides, and what they come from.
pub struct Syncs {
    pub lines: Vec<SyncLine>,
    sources: Sides,
    targets: Sides,
    all: Vec<Recent>,
}

/// A sync with its latest runs.
struct Recent {
    view: SyncView,
    runs: Vec<Run>,
    /// When a real run of it was last completed.
    completed: Option<DateTime<Utc>>,
}

/// Something that needs a person.
#[derive(Debug)]
pub struct Need {
    /// How bad it is: `bad`, `warn` or `info`.
    class: &'static str,
    icon: Icon,
    /// What it is about.
    name: String,
    href: String,
    /// What it is.
    text: Prose,
}

/// A source or a target, with the runs of all its syncs.
#[derive(Debug)]
struct SideLine {
    name: String,
    href: String,
    connector: String,
    icon: SystemIcon,
    syncs: Vec<Link>,
    squares: Vec<Square>,
    /// How many runs of its syncs are kept.
    total: Count,
}

/// A name that leads somewhere.
#[derive(Debug, Clone)]
pub struct Link {
    pub name: String,
    pub href: String,
}

/// A sync.
#[derive(Debug)]
pub struct SyncLine {
    pub name: String,
    pub href: String,
    /// Where it leads from; none when it cannot be read.
    pub source: Option<Link>,
    pub target: Option<Link>,
    /// Its last runs, newest first.
    pub squares: Vec<Square>,
    /// How many runs of it are kept, and the list of them.
    pub total: Count,
    pub total_href: String,
    /// When it runs, in words.
    pub schedule: String,
    pub paused: bool,
    pub next: Option<When>,
    /// When a real run of it was last completed.
    pub completed: Option<When>,
    /// How far both sides agree.
    pub agreement: Agreement,
    /// It cannot run as it is configured.
    pub broken: bool,
}

/// `GET /`.
pub async fn page(State(state): State<ApiState>, visit: Visit) -> Result<Html<String>, PageProblem> {
    html(&overview(&state, &visit, Utc::now()).await?)
}

async fn overview(state: &ApiState, visit: &Visit, now: DateTime<Utc>) -> Result<OverviewPage> {
    let history = state.runner.history();
    let syncs = syncs(state, now).await?;
    let runs = run_line::lines(history, &history.runs(&RunFilter::default(), None, RUNS).await?.items, now).await?;
    let waiting = history.waiting().await?;
    let mut needs = reviews(history, now).await?;
    for waiting in &waiting {
        if let WaitsFor::Person { reason } = &waiting.waits_for {
            needs.push(Need {
                class: "warn",
                icon: Icon("waiting"),
                name: format!("Run {} of {}", waiting.run.id, clean(&waiting.run.sync)),
                href: format!("/runs/{}", waiting.run.id),
                text: Prose::of(&format!("is paused: {reason}")),
            });
        }
    }
    for sync in &syncs.all {
        needs.extend(needs_of(history, sync, now).await?);
    }
    // The worst first, each in the order of the syncs.
    needs.sort_by_key(|need| ["bad", "warn", "info"].iter().position(|class| *class == need.class));
    let side = |is_source: bool, sides: Sides| -> Vec<SideLine> {
        let line = |((name, connector), syncs): ((String, String), Vec<OfSync>)| {
            let icon =
                SystemIcon::of(state.runner.registry().get(&connector).ok().and_then(|connector| connector.icon));
            side_line(is_source, name, connector, icon, syncs, now)
        };
        sides.into_iter().map(line).collect()
    };
    Ok(OverviewPage {
        frame: visit.frame("Overview", Section::Overview),
        needs,
        sources: side(true, syncs.sources),
        targets: side(false, syncs.targets),
        syncs: syncs.lines,
        runs,
        waiting: Count(waiting.len() as u64),
        command: Command("syncline history".to_owned()),
    })
}

/// Every sync, with its last runs.
pub async fn syncs(state: &ApiState, now: DateTime<Utc>) -> Result<Syncs> {
    let history = state.runner.history();
    let mut all = Syncs { lines: Vec::new(), sources: BTreeMap::new(), targets: BTreeMap::new(), all: Vec::new() };
    let mut configured: BTreeMap<String, Result<ConfiguredSync>> = state.syncs.syncs().await?.into_iter().collect();
    let totals = history.run_counts().await?;
    for view in state.syncs.list().await? {
        let filter = RunFilter { sync: Some(view.name.clone()), ..RunFilter::default() };
        let runs = history.runs(&filter, None, RUNS).await?.items;
        let configured = configured.remove(&view.name).and_then(Result::ok);
        let total = totals.get(&view.name).copied().unwrap_or_default();
        let last = history.last_completed_whole(&view.name).await?.map(|(_, ended)| ended);
        let sides = configured.as_ref().map(|sync| (&sync.definition.source, &sync.definition.target));
        if let Some((source, target)) = sides {
            for (side, lines) in [(source, &mut all.sources), (target, &mut all.targets)] {
                let place = (side.connection_name.clone(), side.connector.clone());
                lines.entry(place).or_default().push((view.name.clone(), runs.clone(), total));
            }
        }
        let side = |is_source: bool, name: &str| Link { name: clean(name), href: side_href(is_source, name) };
        all.lines.push(SyncLine {
            href: sync_href(&view.name),
            source: sides.map(|(source, _)| side(true, &source.connection_name)),
            target: sides.map(|(_, target)| side(false, &target.connection_name)),
            squares: runs.iter().map(|run| Square::of(run, now)).collect(),
            total: Count(total),
            total_href: link("/runs", [("sync", view.name.as_str())]),
            schedule: schedule(&view, configured.as_ref()),
            paused: view.paused,
            next: view.next.map(|at| When::new(at, now)),
            completed: last.map(|at| When::new(at, now)),
            agreement: Agreement::of(history, &view.name, &runs, now).await?,
            broken: view.error.is_some(),
            name: clean(&view.name),
        });
        all.all.push(Recent { view, runs, completed: last });
    }
    Ok(all)
}

/// When a sync runs, in words.
pub fn schedule(view: &SyncView, configured: Option<&ConfiguredSync>) -> String {
    match configured.and_then(|sync| sync.automation.after.as_ref()) {
        Some(after) => format!("after {}", clean(after)),
        None => view.schedule.clone().unwrap_or_default(),
    }
}

fn side_line(
    is_source: bool,
    name: String,
    connector: String,
    icon: SystemIcon,
    syncs: Vec<OfSync>,
    now: DateTime<Utc>,
) -> SideLine {
    let mut runs: Vec<&Run> = syncs.iter().flat_map(|(_, runs, _)| runs).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    let most = usize::try_from(RUNS).unwrap_or(usize::MAX);
    let squares = runs.into_iter().take(most).map(|run| Square::of(run, now)).collect();
    let total = Count(syncs.iter().map(|(.., total)| total).sum());
    let syncs = syncs.iter().map(|(sync, ..)| Link { name: clean(sync), href: sync_href(sync) }).collect();
    SideLine { href: side_href(is_source, &name), name: clean(&name), connector, icon, syncs, squares, total }
}

/// The runs whose plans wait for a person.
async fn reviews(history: &History, now: DateTime<Utc>) -> Result<Vec<Need>> {
    let filter = RunFilter { status: vec![RunStatus::AwaitingReview], ..RunFilter::default() };
    let waiting = history.runs(&filter, None, NAMED).await?;
    let need = |run: Run| {
        let counts = &run.counts;
        Need {
            class: "warn",
            icon: Icon("review"),
            name: format!("Run {} of {}", run.id, clean(&run.sync)),
            href: format!("/runs/{}/plan", run.id),
            text: Prose::of(&format!(
                "waits for a person to look at its plan ({} to create, {} to update, {} absent; made {})",
                Count(counts.create),
                Count(counts.update),
                Count(counts.delete),
                When::new(run.created, now).told()
            )),
        }
    };
    let more = waiting.next.is_some();
    let mut needs: Vec<_> = waiting.items.into_iter().map(need).collect();
    if more {
        needs.push(Need {
            class: "warn",
            icon: Icon("review"),
            name: "More plans".to_owned(),
            href: "/runs?status=awaiting_review".to_owned(),
            text: Prose::of("wait for a person to look at them"),
        });
    }
    Ok(needs)
}

/// What of a sync needs a person.
async fn needs_of(history: &History, sync: &Recent, now: DateTime<Utc>) -> Result<Vec<Need>> {
    let Recent { view, runs, completed } = sync;
    let name = clean(&view.name);
    let mut needs = Vec::new();
    let mut need = |class, icon, href: String, text: String| {
        needs.push(Need { class, icon: Icon(icon), name: name.clone(), href, text: Prose::of(&text) });
    };
    if let Some(error) = &view.error {
        need("bad", "failed", sync_href(&view.name), format!("cannot run: {}", clean(error)));
    }
    // Ten dry runs hide no real one that failed, and a real one hides no drift check.
    let newest = |filter: RunFilter| RunFilter {
        sync: Some(view.name.clone()),
        status: vec![RunStatus::Completed, RunStatus::Failed],
        ..filter
    };
    let real = newest(RunFilter { dry: Some(false), ..RunFilter::default() });
    let drift = newest(RunFilter { purpose: Some(Purpose::Drift), ..RunFilter::default() });
    for (filter, what) in [(real, ""), (drift, "its drift check ")] {
        let Some(run) = history.runs(&filter, None, 1).await?.items.pop() else { continue };
        let why = run.error.as_ref().map(|error| clean(&error.message)).unwrap_or_default();
        let href = format!("/runs/{}", run.id);
        match RunOutcome::of(&run) {
            RunOutcome::Failed => need("bad", "failed", href, format!("{what}failed in run {}: {why}", run.id)),
            RunOutcome::Refused => need("bad", "refused", href, format!("{what}was refused in run {}: {why}", run.id)),
            _ => {}
        }
    }
    if let Some(run) = runs.iter().find(|run| ended_about_everything(run)) {
        let held = held_deletes(history, run).await?;
        if held > 0 {
            let href = link(&format!("/runs/{}/plan", run.id), [("action", "delete"), ("outcome", "held")]);
            need("info", "held", href, format!("holds {} back", Count(held).of("delete", "deletes")));
        }
    }
    let quarantine = history.quarantine_counts(&view.name).await?;
    let due = quarantine.get(&Quarantine::Due).copied().unwrap_or_default();
    if due > 0 {
        let text = format!("has {} whose time in quarantine is over", Count(due).of("absent record", "absent records"));
        need("info", "held", quarantine_href(&view.name, Quarantine::Due), text);
    }
    for count in history.finding_counts(Some(&view.name)).await? {
        let what = match count.kind {
            FindingKind::Flapping => ("flaps", "flap", "record", "records"),
            FindingKind::Ambiguous => ("is ambiguous", "are ambiguous", "record", "records"),
            FindingKind::Drift => ("drifted", "drifted", "record", "records"),
        };
        if count.state == FindingState::Open && count.count > 0 {
            let (does, do_, one, many) = what;
            let verb = if count.count == 1 { does } else { do_ };
            let text = format!("{} {verb}", Count(count.count).of(one, many));
            need("warn", "partial", drift_href(&view.name, count.kind), text);
        }
    }
    if let Some(text) = stale(history, view, *completed, now).await? {
        need("warn", "waiting", sync_href(&view.name), text);
    }
    Ok(needs)
}

/// Why a sync that runs by itself is behind; none when it is not. It is when its last completed run is older than twice the time
/// from one tick to the next.
async fn stale(
    history: &History,
    view: &SyncView,
    completed: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    let Some(stored) = history.sync(&view.name).await?.filter(|stored| !stored.paused) else { return Ok(None) };
    let ticks = history.schedules(stored.id).await?;
    let ticks = ticks.into_iter().find(|(purpose, _)| *purpose == Purpose::Sync).map(|(_, ticks)| ticks);
    let Some(Ticks { made_at, last: Some(last), next: Some(next) }) = ticks else { return Ok(None) };
    let (step, since) = (next - last, completed.unwrap_or(made_at).max(made_at));
    let is_stale = step > TimeDelta::zero() && now - since > step * 2;
    Ok(is_stale.then(|| match completed {
        Some(at) => format!("is behind: its last completed run ended {}", When::new(at, now).told()),
        None => "is behind: no run of it was completed yet".to_owned(),
    }))
}

/// The run came to an end, and its plan was about everything.
fn ended_about_everything(run: &Run) -> bool {
    matches!(run.status, RunStatus::Completed | RunStatus::Failed) && run.compared_everything()
}

/// The deletes that a run holds back: where there are few, without those that would not be made anyway.
async fn held_deletes(history: &History, run: &Run) -> Result<u64> {
    let counts = history.change_counts(run.id).await?;
    let held = counts.iter().filter(|count| count.action == Action::Delete && count.outcome == OutcomeKind::Held);
    let held: u64 = held.map(|count| count.count).sum();
    if held == 0 || held > LOOKED_AT { Ok(held) } else { history.held_deletes(run.id).await }
}
