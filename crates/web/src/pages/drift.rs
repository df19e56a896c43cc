//! What runs found and somebody should look at: drift, flapping, ambiguous records. Where a drift check is asked for, too.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::change::{Action, Change, FieldChange};
use syncline_core::history::{
    Finding, FindingCount, FindingFilter, FindingId, FindingKind, FindingState, History, Purpose, Role, RunFilter,
    RunId,
};
use syncline_render::words;

use super::PageProblem;
use super::change_row::{Field, Row, SHORT};
use super::facets::{Facet, FacetValue};
use super::finding::finding_href;
use super::form::{Fields, link};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::ignored::{self, ignored_href};
use super::object::label;
use super::overview::Link;
use super::pick::{Select, quoted};
use super::run_line::{Number, Square, sync_href};
use super::show::{Count, Icon, Prose, When, clean};
use crate::ApiState;

/// How many findings a page has.
const PAGE: u64 = 50;

/// The findings.
#[derive(Template)]
#[template(path = "drift.html")]
struct DriftPage {
    frame: Frame,
    syncs: Vec<Looks>,
    facets: Vec<Facet>,
    model: Select,
    /// What the form for the model sends besides.
    kept: Vec<(&'static str, String)>,
    /// The page without filters; none when there are none.
    all: Option<String>,
    found: Vec<Found>,
    /// How much is left alone, and where that is listed.
    left: Count,
    left_href: String,
    /// What is asked for, to come back to.
    listed: Fields,
    pager: Pager,
    command: Command,
}

/// A sync, and what was found of it that nobody has looked at.
#[derive(Debug)]
struct Looks {
    sync: Link,
    numbers: Vec<Number>,
    /// How many findings somebody has looked at, and that still occur.
    known: Number,
    /// The last drift check.
    last: Option<(Square, When)>,
    /// It is configured, so that it can be asked to look now.
    runs: bool,
}

/// A finding.
#[derive(Debug)]
pub struct Found {
    pub id: FindingId,
    pub kind: FindingKind,
    pub icon: Icon,
    pub sync: Link,
    pub model: String,
    pub key: String,
    pub href: String,
    pub what: &'static str,
    pub field: Option<Field>,
    pub detail: Option<Prose>,
    pub since: i64,
    pub first: When,
    pub last_run: i64,
    pub last: When,
    pub runs: Count,
    pub state: FindingState,
    pub resolved: Option<i64>,
    pub known: Option<Known>,
}

/// That somebody looked at a finding.
#[derive(Debug)]
pub struct Known {
    pub by: String,
    pub reason: String,
    pub at: When,
}

/// The counters of a sync.
struct Counted {
    sync: String,
    counts: Vec<FindingCount>,
}

/// The columns of [`Looks::numbers`].
const KINDS: [FindingKind; 3] = [FindingKind::Drift, FindingKind::Flapping, FindingKind::Ambiguous];
const STATES: [FindingState; 3] = [FindingState::Open, FindingState::Acknowledged, FindingState::Resolved];

/// `GET /drift?sync=lab&kind=drift&model=device&state=open,acknowledged&before=42`: the open ones, unless something else is said.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    if fields.text("view") == Some(ignored::VIEW) {
        return ignored::page(&state, &visit, &fields).await;
    }
    let (filter, before) = asked(&fields)?;
    html(&drift_page(&state, &visit, &fields, &filter, before).await?)
}

/// Which findings are asked for, and behind which one the page begins.
fn asked(fields: &Fields) -> Result<(FindingFilter, Option<FindingId>), PageProblem> {
    let states = fields.names("state")?;
    let filter = FindingFilter {
        sync: fields.text("sync").map(str::to_owned),
        kind: fields.named("kind")?,
        state: if states.is_empty() { vec![FindingState::Open] } else { states },
        model: fields.text("model").map(str::to_owned),
        ..FindingFilter::default()
    };
    Ok((filter, fields.parsed("before")?.map(FindingId::new)))
}

/// The page of the findings of a sync of one kind.
pub fn drift_href(sync: &str, kind: FindingKind) -> String {
    link("/drift", [("sync", sync), ("kind", kind.as_str())])
}

async fn drift_page(
    state: &ApiState,
    visit: &Visit,
    fields: &Fields,
    filter: &FindingFilter,
    before: Option<FindingId>,
) -> Result<DriftPage, PageProblem> {
    let (history, now) = (state.runner.history(), Utc::now());
    let mut counted = Vec::new();
    let names = history.syncs().await?.into_iter().map(|sync| sync.name);
    // Who asks for one sync is told of no other.
    for sync in names.filter(|name| filter.sync.as_ref().is_none_or(|wanted| wanted == name)) {
        counted.push(Counted { counts: history.finding_counts(Some(&sync)).await?, sync });
    }
    let configured: Vec<_> = state.syncs.list().await?.into_iter().map(|sync| sync.name).collect();
    let mut syncs = Vec::new();
    for counted in &counted {
        let runs = configured.contains(&counted.sync);
        if runs || !counted.counts.is_empty() {
            syncs.push(looks(history, counted, runs, now).await?);
        }
    }
    let left = history.ignore_counts(now).await?;
    let left = left.iter().filter(|(name, _)| filter.sync.as_ref().is_none_or(|wanted| wanted == *name));
    let found = history.findings(filter, before, PAGE).await?;
    let next = found.next.map(|next| fields.with("/drift", "before", Some(&next.to_string()), &[]));
    let first = before.map(|_| fields.with("/drift", "before", None, &[]));
    let models = syncline_model::models::ALL.iter().map(|model| (model.name.to_owned(), words::plural_of(model.name)));
    let kept = ["sync", "kind", "state"].into_iter();
    let kept = kept.map(|name| (name, fields.all(name).collect::<Vec<_>>().join(",")));
    let sync = filter.sync.as_ref().map(|sync| format!(" --sync {}", quoted(sync))).unwrap_or_default();
    let kind = filter.kind.map(|kind| format!(" --kind {}", kind.as_str())).unwrap_or_default();
    let all = if filter.state == [FindingState::Open] { "" } else { " --all" };
    Ok(DriftPage {
        frame: visit.frame("Drift", Section::Drift),
        syncs,
        facets: facets(&counted, filter, fields),
        model: Select::new("model", "Model", models, filter.model.as_deref().unwrap_or_default()),
        kept: kept.filter(|(_, value)| !value.is_empty()).collect(),
        all: ["sync", "kind", "state", "model"].iter().any(|name| fields.is_set(name)).then(|| "/drift".to_owned()),
        found: found.items.into_iter().map(|finding| Found::of(finding, now)).collect(),
        left: Count(left.map(|(_, count)| count).sum()),
        left_href: ignored_href(filter.sync.as_deref()),
        listed: fields.clone(),
        pager: Pager { first, next, word: "Older" },
        command: Command(format!("syncline findings{sync}{kind}{all}")),
    })
}

async fn looks(history: &History, counted: &Counted, runs: bool, now: DateTime<Utc>) -> Result<Looks> {
    let name = &counted.sync;
    let number =
        |what, count, href: String| Number { count: Count(count), what, class: "", href: (count > 0).then_some(href) };
    let numbers = KINDS.into_iter().map(|kind| {
        let open = counted.of(Some(kind), &[FindingState::Open]);
        number(kind.as_str(), open, drift_href(name, kind)).or_warn()
    });
    let known = counted.of(None, &[FindingState::Acknowledged]);
    let known_href = link("/drift", [("sync", name.as_str()), ("state", "acknowledged")]);
    let checks = RunFilter { sync: Some(name.clone()), purpose: Some(Purpose::Drift), ..RunFilter::default() };
    let last = history.runs(&checks, None, 1).await?.items.into_iter().next();
    Ok(Looks {
        sync: Link { name: clean(name), href: sync_href(name) },
        numbers: numbers.collect(),
        known: number("acknowledged", known, known_href),
        last: last.map(|run| (Square::of(&run, now), When::new(run.started.unwrap_or(run.created), now))),
        runs,
    })
}

impl DriftPage {
    /// Where a finding is decided about.
    fn decide(&self, found: &Found) -> String {
        finding_href(found.id, &self.listed)
    }
}

impl Counted {
    fn of(&self, kind: Option<FindingKind>, states: &[FindingState]) -> u64 {
        let is_wanted =
            |count: &&FindingCount| kind.is_none_or(|kind| kind == count.kind) && states.contains(&count.state);
        self.counts.iter().filter(is_wanted).map(|count| count.count).sum()
    }
}

/// The ways to tell findings apart that are counted. Nobody counted them by model.
fn facets(counted: &[Counted], filter: &FindingFilter, fields: &Fields) -> Vec<Facet> {
    let (kind, states) = (filter.kind, filter.state.as_slice());
    let known = filter.model.is_none();
    let href = |name: &str, value: Option<&str>| fields.with("/drift", name, value, &["before"]);
    let value = |label: &str, icon, count: u64, href, chosen| FacetValue {
        label: clean(label),
        icon,
        count: known.then_some(Count(count)),
        href,
        chosen,
        pick: None,
    };
    let of_all = |kind, states: &[_]| counted.iter().map(|counted| counted.of(kind, states)).sum::<u64>();
    let syncs =
        counted.iter().filter(|counted| filter.sync.is_some() || counted.of(None, &STATES) > 0).map(|counted| {
            let chosen = filter.sync.is_some();
            let href = href("sync", (!chosen).then_some(&counted.sync));
            value(&counted.sync, None, counted.of(kind, states), href, chosen)
        });
    let kinds = KINDS.into_iter().filter(|one| kind == Some(*one) || of_all(Some(*one), &STATES) > 0).map(|one| {
        let chosen = kind == Some(one);
        let href = href("kind", (!chosen).then_some(one.as_str()));
        value(one.as_str(), Some(icon(one)), of_all(Some(one), states), href, chosen)
    });
    let states = STATES.into_iter().map(|one| {
        let chosen = states.contains(&one) && states.len() < STATES.len();
        let every = STATES.map(FindingState::as_str).join(",");
        let href = href("state", Some(if chosen { &every } else { one.as_str() }));
        value(one.as_str(), None, of_all(kind, &[one]), href, chosen)
    });
    let facets = [("Sync", syncs.collect()), ("Kind", kinds.collect()), ("State", states.collect())];
    let facets = facets.into_iter().map(|(label, values): (_, Vec<_>)| Facet { label, values });
    facets.filter(|facet| !facet.values.is_empty()).collect()
}

fn icon(kind: FindingKind) -> Icon {
    Icon(match kind {
        FindingKind::Drift => "update",
        FindingKind::Flapping => "changed",
        FindingKind::Ambiguous => "partial",
    })
}

impl Found {
    /// What a page shows of it.
    pub fn of(finding: Finding, now: DateTime<Utc>) -> Self {
        let field = finding.field.as_ref().map(|field| FieldChange::new(field, finding.target, finding.source));
        // Side by side, as an update has them, whatever a run does about it.
        let change = Change::new(&finding.model, finding.key, Action::Update, None, field.into_iter().collect());
        let row = Row::planned(&change, &SHORT);
        let what = match (finding.kind, finding.action) {
            (FindingKind::Ambiguous, _) => "more than one record answers to this key",
            (_, Action::Create) => "is not in the target",
            (_, Action::Delete) => "is not in the source",
            (_, Action::Update) => "differs",
        };
        let known = finding.acknowledged.map(|known| Known {
            by: clean(&known.by),
            reason: clean(&known.reason),
            at: When::new(known.at, now),
        });
        Self {
            id: finding.id,
            kind: finding.kind,
            icon: icon(finding.kind),
            sync: Link { name: clean(&finding.sync), href: sync_href(&finding.sync) },
            model: label(&finding.model),
            key: row.key,
            href: row.href,
            what,
            field: row.fields.into_iter().next(),
            detail: finding.detail.as_deref().map(Prose::of),
            since: finding.since_run.number(),
            first: When::new(finding.first, now),
            last_run: finding.last_run.number(),
            last: When::new(finding.last, now),
            runs: Count(finding.count),
            state: finding.state,
            resolved: finding.resolved_run.map(RunId::number),
            known,
        }
    }
}
