//! One object through all runs: what was done to it, why, on whose word, and which values it had.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::event::Side;
use syncline_core::history::{Approval, IgnoreFilter, OutcomeKind, Role, Run, RunId, TimelineCursor, TimelineEntry};
use syncline_model::AnyKey;

use super::PageProblem;
use super::change_row::{Field, LONG, Marked, Row};
use super::form::{Fields, segment};
use super::frame::{Frame, Pager, Section, Visit, html};
use super::last_seen::{OfSync, Traces};
use super::open::open_href;
use super::overview::Link;
use super::run_line::{kind, sync_href};
use super::show::{Icon, When, clean};
use crate::ApiState;

/// How many entries a page has.
const PAGE: u64 = 50;

/// An object.
#[derive(Template)]
#[template(path = "object.html")]
struct ObjectPage {
    frame: Frame,
    label: String,
    key: String,
    entries: Vec<Entry>,
    values: Vec<Values>,
    pager: Pager,
    is_first: bool,
    /// What each sync knows of the record; on the first page only.
    known: Vec<OfSync>,
    opens: Vec<Link>,
}

/// What happened to the object in one run.
#[derive(Debug)]
struct Entry {
    run: i64,
    sync: Link,
    /// The system that was written to.
    instance: String,
    dry: bool,
    kind: String,
    by: String,
    /// What the one who asked for the run said.
    request: Option<String>,
    /// Who decided about its plan, and why.
    decided: Option<String>,
    /// What the source was, as the run noted it.
    source: String,
    at: When,
    row: Row,
    native_id: Option<String>,
}

/// The values of one field over time, newest first.
#[derive(Debug)]
struct Values {
    field: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    run: i64,
    at: When,
    value: Option<String>,
    from: Option<String>,
}

/// The page of an object.
pub fn object_href(model: &str, key: &AnyKey) -> String {
    format!("/objects/{}/{}", segment(model), segment(key.as_str()))
}

/// `GET /objects/{model}/{key}?sync=lab&before=17&seq=3`: the sync is one that knows the record, whatever the history has of it; the key is the array that plans and the API have, and may be written with slashes.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path((model, key)): Path<(String, String)>,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let key = AnyKey::parse(&key).map_err(|_| {
        PageProblem::not_found(format!("`{key}` is no key: it is a JSON array such as `[[\"site\"],\"device\"]`."))
    })?;
    let before = match (fields.parsed::<i64>("before")?, fields.parsed::<u64>("seq")?) {
        (Some(run), Some(seq)) => Some(TimelineCursor { run: RunId::new(run), seq }),
        _ => None,
    };
    let sync = fields.text("sync");
    html(&object_page(&state, &visit, &model, &key, sync, before, Utc::now()).await?)
}

async fn object_page(
    state: &ApiState,
    visit: &Visit,
    model: &str,
    key: &AnyKey,
    sync: Option<&str>,
    before: Option<TimelineCursor>,
    now: DateTime<Utc>,
) -> Result<ObjectPage> {
    let history = state.runner.history();
    let found = history.timeline(model, key, before, PAGE).await?;
    let mut runs: BTreeMap<RunId, (Run, Option<String>)> = BTreeMap::new();
    for entry in &found.items {
        if !runs.contains_key(&entry.run)
            && let Some(run) = history.run(entry.run).await?
        {
            let decided = history.decisions(entry.run).await?.into_iter().next().map(|decision| {
                let verdict = match decision.verdict {
                    Approval::Approved => "approved",
                    Approval::Rejected => "rejected",
                };
                format!("{verdict} by {}: {}", clean(&decision.by), clean(&decision.reason))
            });
            runs.insert(entry.run, (run, decided));
        }
    }
    let mut known = Vec::new();
    if before.is_none() {
        let configured: Vec<_> = state.syncs.list().await?.into_iter().map(|sync| sync.name).collect();
        let filter =
            IgnoreFilter { sync: None, model: Some(model.to_owned()), key: Some(key.clone()), in_force: Some(now) };
        let traces = Traces {
            model,
            key,
            entries: &found.items,
            runs: &runs,
            findings: &history.drift_of(model, key, PAGE).await?,
            ignores: &history.ignores(&filter, None, PAGE).await?.items,
            // Where there is one sync, it is the one that is meant.
            named: sync.or(match &configured[..] {
                [only] => Some(only),
                _ => None,
            }),
            configured: &configured,
        };
        known = traces.by_sync(now);
    }
    let entries = found.items.iter().map(|entry| {
        let (run, decided) = runs.get(&entry.run).map_or((None, None), |(run, decided)| (Some(run), decided.clone()));
        Entry::of(entry, run, decided, now)
    });
    // Each system once, by the sync that used it last.
    let mut opens: BTreeMap<&str, Link> = BTreeMap::new();
    for (run, _) in runs.values().rev() {
        for (side, at) in [(Side::Source, &run.source), (Side::Target, &run.target)] {
            let opened = || Link { name: clean(&at.connection), href: open_href(&run.sync, side, model, key) };
            opens.entry(&at.connection).or_insert_with(opened);
        }
    }
    let opens = opens.into_values().collect();
    let path = object_href(model, key);
    let next = found.next.map(|next| format!("{path}?before={}&seq={}", next.run, next.seq));
    Ok(ObjectPage {
        frame: visit.frame(clean(&key.to_string()), Section::Runs),
        label: label(model),
        key: clean(&key.to_string()),
        entries: entries.collect(),
        values: values(&found.items, now),
        is_first: before.is_none(),
        known,
        opens,
        pager: Pager { first: before.map(|_| path), next, word: "Earlier" },
    })
}

/// What a model is called.
pub fn label(model: &str) -> String {
    syncline_model::models::by_name(model).map_or_else(|| clean(model), |schema| schema.label.to_owned())
}

impl Entry {
    fn of(entry: &TimelineEntry, run: Option<&Run>, decided: Option<String>, now: DateTime<Utc>) -> Self {
        // Of what the connectors noted, what says which state of the source it was.
        let notes = run.and_then(|run| run.notes.as_object()).into_iter().flatten();
        let tells = |name: &str| [".network", ".snapshot", ".snapshot.created"].iter().any(|end| name.ends_with(end));
        let notes = notes.filter(|(name, _)| tells(name));
        let notes = notes.map(|(name, note)| {
            let note = note.as_str().map_or_else(|| note.to_string(), str::to_owned);
            format!("{} {}", clean(name), clean(&note))
        });
        let source = run.map(|run| clean(&run.source.connection)).into_iter().chain(notes).collect::<Vec<_>>();
        Self {
            run: entry.run.number(),
            sync: Link { name: clean(&entry.sync), href: sync_href(&entry.sync) },
            instance: clean(&entry.instance),
            dry: run.is_some_and(|run| run.dry),
            kind: run.map(kind).unwrap_or_default(),
            by: run.map(|run| clean(&run.triggered_by)).unwrap_or_default(),
            request: run.and_then(|run| run.request.as_deref()).map(clean),
            decided,
            source: source.join(", "),
            at: When::new(entry.change.at, now),
            row: Row::stored(&entry.change, &LONG),
            native_id: entry.change.native_id.as_deref().map(clean),
        }
    }
}

/// The values that were written, field by field.
fn values(entries: &[TimelineEntry], now: DateTime<Utc>) -> Vec<Values> {
    let mut values: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.change.outcome == OutcomeKind::Applied) {
        let text = |marked: &Marked| format!("{}{}{}", marked.head, marked.differs, marked.tail);
        for field in Row::stored(&entry.change, &LONG).fields.into_iter().filter(|field| field.kept.is_none()) {
            let Field { name, before, after, .. } = field;
            values.entry(name).or_default().push(Step {
                run: entry.run.number(),
                at: When::new(entry.change.at, now),
                value: after.as_ref().map(text),
                from: before.as_ref().map(text),
            });
        }
    }
    values.into_iter().map(|(field, steps)| Values { field, steps }).collect()
}
