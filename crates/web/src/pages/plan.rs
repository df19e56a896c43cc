//! The changes of a run: as they are planned, and what came of them. A person decides about a plan here.
//!
//! The changes of a run that has done something, of a dry one and of one that a guard refused are in the history. Those of a plan
//! that waits for a person are in its file alone; of that, the part is read that is shown.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect};
use chrono::{DateTime, Utc};
use syncline_core::change::Action;
use syncline_core::history::{ChangeFilter, OutcomeKind, Role, Run, RunStatus};
use syncline_core::plan::{PartFilter, PlanExcerpt, PlanPart};
use syncline_core::{Error, ErrorKind, Result};
use syncline_render::{Extent, words};

use super::change_row::{Row, SHORT, Says, fold};
use super::comments::Comments;
use super::facets::{Facet, Tallies, Wanted, facets, named_site};
use super::form::{Fields, Posted, RunNumber};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::outcome::Badge;
use super::overview::Link;
use super::run::{Notice, Objection, objections, to_run};
use super::run_line::sync_href;
use super::show::{Count, Icon, Prose, When, clean};
use super::ticks::Ticks;
use super::{PageProblem, glance};
use crate::ApiState;
use crate::auth::Who;
use crate::input::{Body, Number as ApiNumber};
use crate::routes::plan::with_plan;
use crate::routes::review;

/// How many changes a page has.
const PAGE: u64 = 100;
/// How many changes a page looks at to fold those that say the same, and how many lines may come of them.
const FOLDED: u64 = 1000;
const LINES: usize = 100;
/// A plan that another machine made is fetched to be shown if it is no longer than this, in bytes.
const FETCHED: u64 = 32 << 20;

/// The changes of a run.
#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    frame: Frame,
    id: i64,
    sync: Link,
    badge: Badge,
    title: &'static str,
    purpose: Option<Prose>,
    notices: Vec<Notice>,
    said: Vec<Objection>,
    held: Vec<HeldRule>,
    facets: Vec<Facet>,
    /// How many sites are not among the facets; one of them is typed.
    more_sites: Option<Count>,
    /// What stays when one is typed: the other fields of the address.
    kept: Vec<(String, String)>,
    /// The page without filters; none when there are none.
    all: Option<String>,
    folds: bool,
    /// The page with equal changes folded, or unfolded.
    fold_href: String,
    groups: Vec<Group>,
    place: Place,
    total: Count,
    /// Only so much of the plan was looked through: what comes behind may have more.
    cut_short: bool,
    pager: Pager,
    /// Whether it waits for a person.
    waits: bool,
    comments: Comments,
    ticks: Ticks,
    /// What is ticked and has no box here, as the form sends it.
    elsewhere: Vec<String>,
    hidden_ticks: Count,
    /// The page with nothing ticked.
    untick: String,
    /// The page as it is asked for, for a form that leads back to it.
    back: String,
    /// None for those, too, who may not decide.
    review: Option<Review>,
    has_plan: bool,
    command: Command,
}

/// Where the changes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the history.
    History,
    /// In the file of the plan.
    File,
    /// In the file of the plan, which is not on this machine and too large to be fetched for a page.
    Elsewhere,
    /// There are none.
    Nowhere,
}

/// Changes of one model that follow one another.
#[derive(Debug)]
struct Group {
    model: String,
    rows: Vec<Row>,
}

/// A rule that holds changes back, with what can be done.
#[derive(Debug)]
struct HeldRule {
    count: Count,
    rule: String,
    remedy: Prose,
}

/// What a person decides about.
#[derive(Debug)]
struct Review {
    hash: String,
    /// It is merged as a whole: no part of it can be selected.
    whole: bool,
    valid_until: Option<When>,
}

/// What of the changes is shown.
struct Shown {
    rows: Vec<Row>,
    next: Option<u64>,
    cut_short: bool,
}

/// What a browser wants to see.
struct View {
    wanted: Wanted,
    after: Option<u64>,
    folds: bool,
    ticks: Ticks,
}

/// `GET /runs/{id}/plan?model=device&action=update&outcome=failed,stale&rule=quarantine&site=atlanta&field=serial&after=100&fold=on&ticked=0123456789ab,model:device`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    RunNumber(id): RunNumber,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let run = super::run(&state, id).await?;
    let view = View::of(&fields)?;
    html(&plan_page(&state, &visit, &run, &fields, view, Utc::now()).await?)
}

/// The fields of the form about a plan, which approves or rejects it.
const REVIEW: &[&str] = &["plan_hash", "reason", "part", "pick", "back"];

/// `POST /runs/{id}/approve`: the plan, or the part of it that is ticked, or all but that.
pub async fn approve(
    State(state): State<ApiState>,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    fields.only(REVIEW)?;
    let mut consent = review::Consent {
        reason: fields.required("reason")?,
        plan_hash: fields.text("plan_hash").unwrap_or_default().to_owned(),
        only: Vec::new(),
        except: Vec::new(),
    };
    let part = match fields.text("part") {
        None | Some("all") => None,
        Some("only") => Some(&mut consent.only),
        Some("except") => Some(&mut consent.except),
        Some(_) => return Err(PageProblem::value("part", "is one of `all`, `only`, `except`")),
    };
    if let Some(part) = part {
        *part = picked(&fields);
        if part.is_empty() {
            return Err(PageProblem::value("pick", "nothing is ticked: tick what is meant, or approve the whole plan"));
        }
    }
    let _ = review::approve(State(state), who, ApiNumber(id), Body(consent)).await?;
    Ok(to_run(id.number()))
}

/// `POST /runs/{id}/tick`: the same page, with what is ticked in its address, so that the other pages of the plan know it. A script does so
/// by itself.
pub async fn tick(RunNumber(id): RunNumber, Posted(fields): Posted) -> Result<Redirect, PageProblem> {
    fields.only(REVIEW)?;
    let ticks = Ticks::posted(&fields)?;
    let page = fields.query_of("back");
    let ticked = (!ticks.is_empty()).then(|| ticks.text());
    Ok(Redirect::to(&page.with(&format!("/runs/{id}/plan"), "ticked", ticked.as_deref(), &[])))
}

/// `POST /runs/{id}/reject`.
pub async fn reject(
    State(state): State<ApiState>,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    fields.only(REVIEW)?;
    let refusal = review::Refusal {
        reason: fields.required("reason")?,
        plan_hash: fields.text("plan_hash").unwrap_or_default().to_owned(),
    };
    let _ = review::reject(State(state), who, ApiNumber(id), Body(refusal)).await?;
    Ok(to_run(id.number()))
}

/// `GET /runs/{id}/plan.md`: the plan as Markdown, short enough for a comment.
pub async fn markdown(
    State(state): State<ApiState>,
    RunNumber(id): RunNumber,
) -> Result<impl IntoResponse, PageProblem> {
    export(&state, RunNumber(id), "md", "text/markdown; charset=utf-8").await
}

/// `GET /runs/{id}/plan.html`: the plan as a file of its own.
pub async fn document(
    State(state): State<ApiState>,
    RunNumber(id): RunNumber,
) -> Result<impl IntoResponse, PageProblem> {
    export(&state, RunNumber(id), "html", "text/html; charset=utf-8").await
}

/// A plan as a file, of bounded size. It is saved rather than shown: it brings its style along, which no page may.
async fn export(
    state: &ApiState,
    RunNumber(id): RunNumber,
    ending: &'static str,
    kind: &'static str,
) -> Result<impl IntoResponse + use<>, PageProblem> {
    let run = super::run(state, id).await?;
    let name = format!("attachment; filename=\"plan-{}-{id}.{ending}\"", run.sync);
    let written = with_plan(state, run, move |plan| {
        let mut text = Vec::new();
        let written = match ending {
            "md" => syncline_render::markdown(&plan, Extent::Short, &mut text),
            _ => syncline_render::html(&plan, Extent::Short, &mut text),
        };
        written.map_err(|error| Error::new(ErrorKind::Internal, "the plan was not written").caused_by(error))?;
        Ok(text)
    });
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, written.await?))
}

/// What the ticked boxes mean: `model:device`, or `change:` and ids.
fn picked(fields: &Fields) -> Vec<String> {
    let mut picked = Vec::new();
    for value in fields.all("pick") {
        match value.split_once(':') {
            Some(("model", model)) => picked.push(model.to_owned()),
            Some(("change", ids)) => picked.extend(ids.split_whitespace().map(|id| format!("#{id}"))),
            _ => {}
        }
    }
    picked
}

async fn plan_page(
    state: &ApiState,
    visit: &Visit,
    run: &Run,
    fields: &Fields,
    view: View,
    now: DateTime<Utc>,
) -> Result<PlanPage, PageProblem> {
    let path = format!("/runs/{}/plan", run.id);
    let counts = state.runner.history().change_counts(run.id).await?;
    let excerpt = match glance(state, run).await? {
        None if counts.is_empty() && is_short(state, run).await? => {
            with_plan(state, run.clone(), Ok).await?;
            glance(state, run).await?
        }
        excerpt => excerpt,
    };
    let excerpt = excerpt.map(Arc::new);
    // Nothing came of the changes of a dry run, nor of those of a plan that a guard refused: the plan tells all of them.
    let is_open = counts.iter().all(|count| matches!(count.outcome, OutcomeKind::Planned | OutcomeKind::Held));
    if !is_open && view.wanted.needs_plan() {
        let name = if view.wanted.site.is_some() { "site" } else { "field" };
        let message = "tells apart what is planned; what was done is told apart by model, action, outcome and rule";
        return Err(PageProblem::value(name, message));
    }
    let (place, tallies) = match (&excerpt, &run.plan) {
        _ if !counts.is_empty() && !view.wanted.needs_plan() => (Place::History, Tallies::counted(&counts)),
        (Some(plan), _) if counts.is_empty() => (Place::File, Tallies::planned(plan.summary())),
        (Some(_), _) => (Place::File, Tallies::counted(&counts)),
        (None, Some(_)) => (Place::Elsewhere, Tallies::default()),
        (None, None) => (Place::Nowhere, Tallies::default()),
    };
    let tallies = match &excerpt {
        Some(plan) => tallies.with_plan(plan.summary(), is_open),
        None => tallies,
    };
    let shown = match (place, &excerpt) {
        (Place::History, _) => from_history(state, run, &view).await?,
        (Place::File, Some(plan)) => from_file(plan, &view).await?,
        _ => Shown { rows: Vec::new(), next: None, cut_short: false },
    };
    let waits = run.status == RunStatus::AwaitingReview;
    let title = if run.dry || waits || counts.is_empty() && place == Place::File { "Plan" } else { "Changes" };
    let frame = visit.frame(format!("{title} of run {} of {}", run.id, clean(&run.sync)), Section::Runs);
    let comments = Comments::of(state.runner.history(), run, &frame, now).await?;
    let review = run.plan.as_ref().filter(|_| waits && frame.may(Role::Approver)).map(|plan| Review {
        hash: plan.hash.clone(),
        whole: run.staged_as.is_some(),
        valid_until: excerpt.as_ref().map(|plan| When::new(plan.header().valid_until, now)),
    });
    let picks = review.as_ref().is_some_and(|review| !review.whole);
    let next = shown.next.map(|next| fields.with(&path, "after", Some(&next.to_string()), &[]));
    let first = view.after.map(|_| fields.with(&path, "after", None, &[]));
    let facets = facets(&tallies, &view.wanted, fields, &path, picks);
    let elsewhere = if picks { view.ticks.elsewhere(shown.rows.iter(), &facets) } else { Vec::new() };
    Ok(PlanPage {
        frame,
        id: run.id.number(),
        sync: Link { name: clean(&run.sync), href: sync_href(&run.sync) },
        badge: Badge::of(run),
        title,
        purpose: excerpt.as_ref().and_then(|plan| words::purpose(plan.header())).map(|text| Prose::of(&text)),
        notices: excerpt.as_ref().map(|plan| notices(plan)).unwrap_or_default(),
        said: excerpt.as_ref().map(|plan| objections(plan)).unwrap_or_default(),
        held: excerpt.as_ref().map(|plan| held(plan)).unwrap_or_default(),
        facets,
        ticks: view.ticks.clone(),
        hidden_ticks: Count(elsewhere.len() as u64),
        elsewhere,
        back: fields.query(),
        untick: fields.with(&path, "ticked", None, &[]),
        more_sites: tallies.more_sites(),
        kept: kept(fields),
        all: (view.wanted != Wanted::default()).then(|| unfiltered(fields, &path)),
        folds: view.folds,
        fold_href: fields.with(&path, "fold", (!view.folds).then_some("on"), &["after"]),
        groups: groups(shown.rows),
        place,
        total: Count(tallies.total()),
        cut_short: shown.cut_short,
        pager: Pager { first, next, word: "More changes" },
        waits,
        comments,
        review,
        has_plan: run.plan.is_some(),
        command: Command(format!("syncline show {} --changes", run.id)),
    })
}

/// The page without filters.
fn unfiltered(fields: &Fields, path: &str) -> String {
    fields.with(path, "after", None, &["model", "action", "outcome", "rule", "site", "field", "fold"])
}

/// What stays of an address when another site is typed.
fn kept(fields: &Fields) -> Vec<(String, String)> {
    let kept = fields.pairs().filter(|(name, _)| !["site", "after"].contains(name));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether a plan that is in the history can be fetched while somebody waits for a page.
async fn is_short(state: &ApiState, run: &Run) -> Result<bool> {
    let Some(plan) = &run.plan else { return Ok(false) };
    let stored = state.runner.history().stored_plan(&plan.hash).await?;
    Ok(stored.is_some_and(|stored| stored.bytes <= FETCHED))
}

impl View {
    fn of(fields: &Fields) -> Result<Self, PageProblem> {
        let site = fields.text("site").map(|name| {
            let unknown = || PageProblem::value("site", "is no site: write its name, or its key as the plan has it");
            named_site(name).ok_or_else(unknown)
        });
        let wanted = Wanted {
            model: fields.text("model").map(str::to_owned),
            action: fields.named("action")?,
            outcome: fields.names("outcome")?,
            rule: fields.named("rule")?,
            site: site.transpose()?,
            field: fields.text("field").map(str::to_owned),
        };
        let ticks = Ticks::carried(fields)?;
        Ok(Self { wanted, after: fields.parsed("after")?, folds: fields.is_set("fold"), ticks })
    }

    fn limit(&self) -> u64 {
        if self.folds { FOLDED } else { PAGE }
    }
}

async fn from_history(state: &ApiState, run: &Run, view: &View) -> Result<Shown> {
    let Wanted { model, action, outcome, rule, .. } = view.wanted.clone();
    let filter = ChangeFilter { model, action, outcome, rule };
    let found = state.runner.history().changes(run.id, &filter, view.after, view.limit()).await?;
    let rows: Vec<_> = found.items.iter().map(|change| Row::stored(change, &SHORT)).collect();
    if !view.folds {
        return Ok(Shown { rows, next: found.next, cut_short: false });
    }
    let (rows, taken) = fold(rows, found.items.iter().map(Says::stored), LINES);
    let next = if taken < found.items.len() { Some(found.items[taken - 1].seq) } else { found.next };
    Ok(Shown { rows, next, cut_short: false })
}

async fn from_file(plan: &Arc<PlanExcerpt>, view: &View) -> Result<Shown> {
    let wanted = &view.wanted;
    let has = |kind| wanted.outcome.contains(&kind);
    let held = match (has(OutcomeKind::Planned), has(OutcomeKind::Held)) {
        _ if wanted.outcome.is_empty() => None,
        (true, true) => None,
        (true, false) => Some(false),
        (false, true) => Some(true),
        // Nothing has come of a plan yet.
        (false, false) => return Ok(Shown { rows: Vec::new(), next: None, cut_short: false }),
    };
    let Wanted { model, action, rule, site, field, .. } = wanted.clone();
    let filter = PartFilter { model, action, held, rule, site, field };
    let limit = usize::try_from(view.limit()).unwrap_or(usize::MAX);
    let (plan, after) = (Arc::clone(plan), view.after);
    let looked = tokio::task::spawn_blocking(move || plan.part(&filter, after, limit)).await;
    let looked = looked.map_err(|cause| Error::new(ErrorKind::Internal, "the plan was not read").caused_by(cause))?;
    let PlanPart { changes, next } = looked?;
    let rows: Vec<_> = changes.iter().map(|(_, change)| Row::planned(change, &SHORT)).collect();
    let cut_short = next.is_some() && changes.len() < limit;
    if !view.folds {
        return Ok(Shown { rows, next, cut_short });
    }
    let (rows, taken) = fold(rows, changes.iter().map(|(_, change)| Says::planned(change)), LINES);
    let rest = changes.get(taken).map(|(place, _)| *place);
    Ok(Shown { rows, cut_short: cut_short && rest.is_none(), next: rest.or(next) })
}

fn groups(rows: Vec<Row>) -> Vec<Group> {
    let mut groups: Vec<(String, Group)> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some((model, group)) if *model == row.model => group.rows.push(row),
            _ => groups.push((row.model.clone(), Group { model: words::plural_of(&row.model), rows: vec![row] })),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn notices(plan: &PlanExcerpt) -> Vec<Notice> {
    let (header, summary) = (plan.header(), plan.summary());
    let notice = |class, icon, name: &str, text: &str| Notice {
        class,
        icon: Icon(icon),
        name: name.to_owned(),
        text: Prose::of(text),
    };
    let partial = header.partial.as_ref().map(|why| notice("bad", "partial", "Partial", why));
    let refused = words::refused(summary).map(|text| notice("warn", "partial", "Foreseen", &text));
    let sum = |of: fn(&syncline_core::plan::ModelSummary) -> u64| summary.models.iter().map(of).sum();
    let (create, ambiguous) = (sum(|model| model.create), sum(syncline_render::ambiguous));
    let adoption = words::adoption(summary.to_adopt(), create, ambiguous, header.adopts);
    let adoption = adoption.map(|text| {
        let text = format!("{text}; {}", words::adopting(header.adopts));
        notice("info", "info", "In the target already", &text)
    });
    let rejected = header.rejected().map(|rejected| {
        let name = format!("{} not taken over", Count(rejected.rejected));
        notice("bad", "failed", &name, &words::rejected(&rejected))
    });
    partial.into_iter().chain(rejected).chain(refused).chain(adoption).collect()
}

fn held(plan: &PlanExcerpt) -> Vec<HeldRule> {
    let rules = words::all_held(plan.summary()).into_iter();
    rules.map(|(count, rule, remedy)| HeldRule { count: Count(count), rule, remedy: Prose::of(remedy) }).collect()
}
