//! The changes of a run: as they are planned, and what came of them. A person decides about a plan here.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use chrono::Utc;
use syncline_core::change::Action;
use syncline_core::history::{OutcomeKind, Role, Run, RunId, RunStatus};
use syncline_core::plan::PlanExcerpt;
use syncline_core::{Error, ErrorKind, Result};
use syncline_render::{Extent, words};

use super::change_row::Row;
use super::comments::Comments;
use super::facets::{Facet, Tallies, Wanted, facets, named_site};
use super::form::{Fields, RunNumber};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::outcome::Badge;
use super::overview::Link;
use super::plan_part::{Part, Shown};
use super::returned::Returned;
use super::run::{Notice, Objection, objections};
use super::run_line::sync_href;
use super::show::{Count, Icon, Prose, When, clean};
use super::ticks::Ticks;
use super::{PageProblem, glance, review};
use crate::ApiState;
use crate::routes::plan::with_plan;

/// What a refusal can be about of the part of a plan that is approved.
const PART: [&str; 4] = ["part", "pick", "only", "except"];
/// A plan that another machine made is fetched to be shown if it is no longer than this, in bytes.
const FETCHED: u64 = 32 << 20;

/// The changes of a run.
#[derive(Template)]
#[template(path = "plan.html")]
pub struct PlanPage {
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
    /// The form of the page that was sent, where that is not to be taken.
    returned: Returned,
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

/// How changes are told apart by site or field of which something has come.
#[derive(Debug, Clone, Copy)]
enum Apart {
    /// By their plan.
    ByPlan,
    /// Not at all: there is no plan at hand.
    Not,
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

/// What a browser wants to see.
pub struct View {
    fields: Fields,
    wanted: Wanted,
    after: Option<u64>,
    folds: bool,
    ticks: Ticks,
    returned: Returned,
}

/// `GET /runs/{id}/plan?model=device&action=update&outcome=failed,stale&rule=quarantine&site=atlanta&field=serial&after=100&fold=on&ticked=0123456789ab,model:device`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    RunNumber(id): RunNumber,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    html(&plan_page(&state, &visit, id, View::of(fields)?).await?)
}

/// Where the changes of a run are shown.
pub fn path(id: RunId) -> String {
    format!("/runs/{id}/plan")
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

/// The changes of a run, as they are asked for.
pub async fn plan_page(state: &ApiState, visit: &Visit, id: RunId, view: View) -> Result<PlanPage, PageProblem> {
    let (run, now) = (&super::run(state, id).await?, Utc::now());
    let View { fields, wanted, after, folds, ticks, returned } = view;
    let path = path(id);
    let counts = state.runner.history().change_counts(run.id).await?;
    let excerpt = match glance(state, run).await? {
        None if (counts.is_empty() || wanted.needs_plan()) && is_short(state, run).await? => {
            with_plan(state, run.clone(), Ok).await?;
            glance(state, run).await?
        }
        excerpt => excerpt,
    };
    let excerpt = excerpt.map(Arc::new);
    // Nothing came of the changes of a dry run, nor of those of a plan that a guard refused: the plan tells all of them.
    let is_open = counts.iter().all(|count| matches!(count.outcome, OutcomeKind::Planned | OutcomeKind::Held));
    // What came of changes is not kept by site and field. A link that was shared while the plan waited leads here all the same.
    let (wanted, apart) = match &excerpt {
        _ if !wanted.needs_plan() => (wanted, None),
        Some(_) if is_open => (wanted, None),
        Some(_) => (wanted, Some(Apart::ByPlan)),
        None if counts.is_empty() => (wanted, None),
        None => (wanted.without_plan(), Some(Apart::Not)),
    };
    let (fields, after) = match apart {
        // A place in a plan is none in the history.
        Some(Apart::Not) => (fields.replaced("site", None).replaced("field", None).replaced("after", None), None),
        _ => (fields, after),
    };
    let (place, tallies) = match (&excerpt, &run.plan) {
        _ if !counts.is_empty() && !wanted.needs_plan() => (Place::History, Tallies::counted(&counts)),
        (Some(plan), _) if counts.is_empty() => (Place::File, Tallies::planned(plan.summary())),
        (Some(_), _) => (Place::File, Tallies::counted(&counts)),
        (None, Some(_)) => (Place::Elsewhere, Tallies::default()),
        (None, None) => (Place::Nowhere, Tallies::default()),
    };
    let tallies = match &excerpt {
        Some(plan) => tallies.with_plan(plan.summary(), is_open),
        None => tallies,
    };
    let part = Part { wanted: &wanted, after, folds };
    let shown = match (place, &excerpt) {
        (Place::History, _) => part.of_history(state, run).await?,
        (Place::File, Some(plan)) => part.of_plan(state, run, plan, is_open).await?,
        _ => Shown::default(),
    };
    let waits = run.status == RunStatus::AwaitingReview;
    let title = if run.dry || waits || counts.is_empty() && place == Place::File { "Plan" } else { "Changes" };
    let frame = visit.frame(format!("{title} of run {} of {}", run.id, clean(&run.sync)), Section::Runs);
    let comments = Comments::of(state.runner.history(), run, &frame, &fields, &returned, now).await?;
    let review = run.plan.as_ref().filter(|_| waits && frame.may(Role::Approver)).map(|plan| Review {
        hash: plan.hash.clone(),
        whole: run.staged_as.is_some(),
        valid_until: excerpt.as_ref().map(|plan| When::new(plan.header().valid_until, now)),
    });
    let picks = review.as_ref().is_some_and(|review| !review.whole);
    let next = shown.next.map(|next| fields.with(&path, "after", Some(&next.to_string()), &[]));
    let first = after.map(|_| fields.with(&path, "after", None, &[]));
    let facets = facets(&tallies, &wanted, &fields, &path, picks);
    let elsewhere = if picks { ticks.elsewhere(shown.rows.iter(), &facets) } else { Vec::new() };
    Ok(PlanPage {
        frame,
        id: run.id.number(),
        sync: Link { name: clean(&run.sync), href: sync_href(&run.sync) },
        badge: Badge::of(run),
        title,
        purpose: excerpt.as_ref().and_then(|plan| words::purpose(plan.header())).map(|text| Prose::of(&text)),
        notices: apart.map(Apart::notice).into_iter().chain(excerpt.iter().flat_map(|plan| notices(plan))).collect(),
        said: excerpt.as_ref().map(|plan| objections(plan)).unwrap_or_default(),
        held: excerpt.as_ref().map(|plan| held(plan)).unwrap_or_default(),
        facets,
        ticks,
        hidden_ticks: Count(elsewhere.len() as u64),
        elsewhere,
        back: fields.query(),
        untick: fields.with(&path, "ticked", None, &[]),
        more_sites: tallies.more_sites(),
        kept: kept(&fields),
        all: (wanted != Wanted::default() || apart.is_some()).then(|| unfiltered(&fields, &path)),
        folds,
        fold_href: fields.with(&path, "fold", (!folds).then_some("on"), &["after"]),
        groups: groups(shown.rows),
        place,
        total: Count(tallies.total()),
        cut_short: shown.cut_short,
        pager: Pager { first, next, word: "More changes" },
        waits,
        comments,
        review,
        returned,
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
    /// What an address asks for.
    pub fn of(fields: Fields) -> Result<Self, PageProblem> {
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
        let (after, folds, ticks) = (fields.parsed("after")?, fields.is_set("fold"), Ticks::carried(&fields)?);
        Ok(Self { fields, wanted, after, folds, ticks, returned: Returned::default() })
    }

    /// The same, with a form that is not to be taken.
    pub fn with(self, returned: Returned) -> Self {
        Self { returned, ..self }
    }

    /// The same, with what is ticked. Of so much that no address carries it, the links of the page know nothing.
    pub fn ticked(self, ticks: Ticks) -> Self {
        Self { ticks, ..self }
    }
}

impl PlanPage {
    /// Whether a part of the plan can be ticked.
    fn picks(&self) -> bool {
        self.review.as_ref().is_some_and(|review| !review.whole)
    }

    /// What came back of the form that decides about the plan.
    fn sent(&self) -> &Returned {
        self.returned.of(review::FORM, "")
    }

    /// The fields of its forms that the page has.
    fn fields(&self) -> Vec<&'static str> {
        let part: &[_] = if self.picks() { &PART } else { &[] };
        let reason = self.review.as_ref().map(|_| "reason");
        part.iter().copied().chain(reason).chain(self.comments.field()).collect()
    }
}

impl Apart {
    fn notice(self) -> Notice {
        let (name, text) = match self {
            Self::ByPlan => (
                "As planned",
                "a run keeps no site and no fields with what it did; these are the changes that the plan has, each with \
                 what came of it",
            ),
            Self::Not => (
                "Not filtered by site and field",
                "only the plan tells changes apart by these, and its file is not at hand; these are the changes of the \
                 run, whatever their site and fields",
            ),
        };
        Notice { class: "info", icon: Icon("info"), name: name.to_owned(), text: Prose::of(text) }
    }
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
