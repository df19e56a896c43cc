//! Records that the source no longer has: how long they wait, and what people decide about them.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, Response};
use chrono::{DateTime, Utc};
use serde::Serialize as _;
use syncline_core::history::{QuarantineCursor, QuarantineFilter, Quarantined, Role};
use syncline_core::quarantine::{self as absence, Verdict};
use syncline_model::AnyKey;
use syncline_render::words;

use super::PageProblem;
use super::facets::{Facet, FacetValue};
use super::form::{Fields, Posted, link};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::object::{label, object_href};
use super::overview::Link;
use super::pick::{Select, quoted};
use super::returned::{Returned, Sent, answer};
use super::run_line::sync_href;
use super::show::{Count, When, clean};
use crate::ApiState;
use crate::auth::Who;
use crate::cursor::Cursor;
use crate::input::Body;
use crate::routes::quarantine as api;

/// How many records a page has.
const PAGE: u64 = 50;

/// The absent records.
#[derive(Template)]
#[template(path = "quarantine.html")]
struct QuarantinePage {
    frame: Frame,
    facets: Vec<Facet>,
    model: Select,
    /// What the form for the model sends besides.
    kept: Vec<(&'static str, String)>,
    /// The page without filters; none when there are none.
    all: Option<String>,
    records: Vec<Absent>,
    /// What the forms lead back to.
    back: String,
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
    pager: Pager,
    command: Command,
}

/// An absent record.
#[derive(Debug)]
struct Absent {
    sync: Link,
    /// As forms send it.
    sync_name: String,
    /// As forms send it.
    model: String,
    model_label: String,
    /// As forms send it.
    key: String,
    label: String,
    href: String,
    state: absence::State,
    since: When,
    why: &'static str,
    runs: Count,
    needs_runs: Count,
    due: When,
    /// The run that saw it absent last.
    seen_by: i64,
    seen_at: When,
    decided: Option<Decided>,
    /// What a person can decide now.
    verdicts: Vec<(Verdict, &'static str)>,
}

/// What a person decided.
#[derive(Debug)]
struct Decided {
    word: &'static str,
    by: String,
    reason: String,
    at: When,
}

/// How many absent records a sync has in which state.
struct Counted {
    sync: String,
    counts: BTreeMap<absence::State, u64>,
}

/// `GET /quarantine?sync=lab&model=device&state=due&after=…`.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    let (filter, after) = asked(&fields)?;
    html(&quarantine_page(&state, &visit, &fields, &filter, after, Returned::default()).await?)
}

/// Which records are asked for, and behind which one the page begins.
fn asked(fields: &Fields) -> Result<(QuarantineFilter, Option<QuarantineCursor>), PageProblem> {
    let filter = QuarantineFilter {
        sync: fields.text("sync").map(str::to_owned),
        model: fields.text("model").map(str::to_owned),
        state: fields.named("state")?,
    };
    Ok((filter, fields.place::<QuarantineCursor>("after")?))
}

/// `POST /quarantine/decide`.
pub async fn decide(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let behind = fields.behind();
    let done = decided(&state, who.clone(), &fields).await.map(|()| fields.back("/quarantine"));
    let page = async |returned| {
        let (filter, after) = asked(&behind)?;
        who.ensure_sync(filter.sync.as_deref())?;
        quarantine_page(&state, &visit, &behind, &filter, after, returned).await
    };
    answer(done, Sent { to: String::new(), fields, about: "" }, page).await
}

async fn decided(state: &ApiState, who: Who, fields: &Fields) -> Result<(), PageProblem> {
    fields.only(&["back", "sync", "model", "key", "verdict", "reason"])?;
    let given = |name: &str| fields.text(name).ok_or_else(|| PageProblem::value(name, "is missing"));
    let key = AnyKey::parse(given("key")?);
    let wish = api::Wish {
        sync: given("sync")?.to_owned(),
        model: given("model")?.to_owned(),
        key: key.map_err(|_| PageProblem::value("key", "is a JSON array such as `[\"atlanta\"]`"))?,
        verdict: fields.named("verdict")?.ok_or_else(|| PageProblem::value("verdict", "is missing"))?,
        reason: fields.required("reason")?,
    };
    let _ = api::decide(State(state.clone()), who, Body(wish)).await?;
    Ok(())
}

/// The page of the absent records of a sync in a state.
pub fn quarantine_href(sync: &str, state: absence::State) -> String {
    link("/quarantine", [("sync", sync), ("state", state.as_str())])
}

async fn quarantine_page(
    state: &ApiState,
    visit: &Visit,
    fields: &Fields,
    filter: &QuarantineFilter,
    after: Option<QuarantineCursor>,
    returned: Returned,
) -> Result<QuarantinePage, PageProblem> {
    let (history, now) = (state.runner.history(), Utc::now());
    let mut counted = Vec::new();
    let names = history.syncs().await?.into_iter().map(|sync| sync.name);
    // Who asks for one sync is told of no other.
    for sync in names.filter(|name| filter.sync.as_ref().is_none_or(|wanted| wanted == name)) {
        counted.push(Counted { counts: history.quarantine_counts(&sync).await?, sync });
    }
    let is_first = after.is_none();
    let found = history.quarantine(filter, after, PAGE).await?;
    let next = found.next.and_then(|next| place(&Cursor(next)));
    let models = syncline_model::models::ALL.iter().map(|model| (model.name.to_owned(), words::plural_of(model.name)));
    let kept = ["sync", "state"].into_iter().filter_map(|name| Some((name, fields.text(name)?.to_owned())));
    let option = |name: &str| fields.text(name).map(|value| format!(" --{name} {}", quoted(value))).unwrap_or_default();
    Ok(QuarantinePage {
        frame: visit.frame("Quarantine", Section::Quarantine),
        facets: facets(&counted, filter, fields),
        model: Select::new("model", "Model", models, filter.model.as_deref().unwrap_or_default()),
        kept: kept.collect(),
        all: (*filter != QuarantineFilter::default()).then(|| "/quarantine".to_owned()),
        records: found.items.into_iter().map(|record| Absent::of(record, now)).collect(),
        back: fields.query(),
        returned,
        pager: Pager {
            first: (!is_first).then(|| fields.with("/quarantine", "after", None, &[])),
            next: next.map(|next| fields.with("/quarantine", "after", Some(&next), &[])),
            word: "More",
        },
        command: Command(format!("syncline quarantine list{}{}{}", option("sync"), option("model"), option("state"))),
    })
}

/// A place in the list as a link has it.
fn place(cursor: &Cursor<QuarantineCursor>) -> Option<String> {
    cursor.serialize(serde_json::value::Serializer).ok()?.as_str().map(str::to_owned)
}

/// The ways to tell absent records apart that are counted. Nobody counted them by model.
fn facets(counted: &[Counted], filter: &QuarantineFilter, fields: &Fields) -> Vec<Facet> {
    let known = filter.model.is_none();
    let value = |name: &str, one: &str, count: u64, chosen: bool| FacetValue {
        label: clean(one),
        icon: None,
        count: known.then_some(Count(count)),
        href: fields.with("/quarantine", name, (!chosen).then_some(one), &["after"]),
        chosen,
        pick: None,
    };
    let syncs = counted.iter().map(|counted| {
        let of_state = counted.counts.iter().filter(|(one, _)| filter.state.is_none_or(|state| state == **one));
        value("sync", &counted.sync, of_state.map(|(_, count)| count).sum(), filter.sync.is_some())
    });
    let states = absence::State::ALL.into_iter().map(|one| {
        let count = counted.iter().filter_map(|counted| counted.counts.get(&one)).sum();
        value("state", one.as_str(), count, filter.state == Some(one))
    });
    let there = |value: &FacetValue| value.chosen || value.count.is_none_or(|count| !count.is_zero());
    let facets = [
        Facet { label: "Sync", values: syncs.filter(there).collect() },
        Facet { label: "State", values: states.filter(there).collect() },
    ];
    facets.into_iter().filter(|facet| !facet.values.is_empty()).collect()
}

impl QuarantinePage {
    /// What came back of the form of a record.
    fn sent(&self, record: &Absent) -> &Returned {
        let of = [("sync", &record.sync_name), ("model", &record.model), ("key", &record.key)];
        self.returned.when(of.iter().all(|(name, value)| self.returned.has(name, value)))
    }
}

impl Absent {
    fn of(record: Quarantined, now: DateTime<Utc>) -> Self {
        let decided = record.streak.decision.as_ref().map(|decision| Decided {
            word: match decision.verdict {
                Verdict::Keep => "to be kept",
                Verdict::DeleteNow => "to be deleted now",
                Verdict::Restore => "restored: counted from nothing",
            },
            by: clean(&decision.by),
            reason: clean(&decision.reason),
            at: When::new(decision.at, now),
        });
        let all = [(Verdict::Keep, "Keep"), (Verdict::DeleteNow, "Delete now"), (Verdict::Restore, "Restore")];
        let is_open = |verdict: Verdict| match record.state {
            absence::State::Returned => false,
            absence::State::Kept => verdict != Verdict::Keep,
            absence::State::Released => verdict != Verdict::DeleteNow,
            absence::State::Waiting | absence::State::Due => true,
        };
        Self {
            sync: Link { name: clean(&record.sync), href: sync_href(&record.sync) },
            href: object_href(&record.model, &record.key),
            key: record.key.as_str().to_owned(),
            label: clean(&record.key.to_string()),
            state: record.state,
            since: When::new(record.streak.since, now),
            why: record.streak.evidence.words().unwrap_or("why is not known"),
            runs: Count(u64::from(record.streak.runs)),
            needs_runs: Count(record.needs_runs),
            due: When::new(record.due_at, now),
            seen_by: record.seen_by.number(),
            seen_at: When::new(record.seen_at, now),
            decided,
            verdicts: all.into_iter().filter(|(verdict, _)| is_open(*verdict)).collect(),
            sync_name: record.sync,
            model_label: label(&record.model),
            model: record.model,
        }
    }
}
