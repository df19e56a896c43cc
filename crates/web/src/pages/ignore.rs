//! Where a difference is left alone: the form for it, and how it is ended.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use chrono::{DateTime, NaiveDate, Utc};
use syncline_core::Result;
use syncline_core::history::{FindingId, Ignore, Role};
use syncline_model::AnyKey;

use super::PageProblem;
use super::finding::{finding_page, known};
use super::form::{Fields, Posted, Typed as _, link};
use super::frame::{Command, Frame, Section, Visit, html};
use super::object::{label, object_href};
use super::overview::Link;
use super::pick::quoted;
use super::returned::{Returned, Sent, answer};
use super::run_line::sync_href;
use super::show::{Icon, When, clean};
use crate::auth::Who;
use crate::reason::Reason;
use crate::routes::ignores::{self, IgnoreOf, Wish};
use crate::routes::syncs::view;
use crate::{ApiState, Problem, SettingProblem};

/// The form.
#[derive(Template)]
#[template(path = "ignore.html")]
struct IgnorePage {
    frame: Frame,
    sync: Link,
    label: String,
    record: Link,
    model: String,
    key: String,
    field: String,
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
    /// What the form sends besides, to lead back.
    kept: Vec<(&'static str, String)>,
    /// Today, in UTC: no day before it can be meant.
    today: NaiveDate,
    command: Command,
}

/// The fields of the form, and of those on the page of a finding.
const FIELDS: &[&str] = &["back", "from", "finding", "how", "model", "key", "field", "until", "reason"];
/// How something is left alone: until a day, or as long as nobody ends it.
pub const UNTIL: &str = "until";
/// See [`UNTIL`].
pub const KEEP: &str = "keep";

/// Something that is left alone, or was.
#[derive(Debug)]
pub struct Left {
    /// Where it is ended.
    pub end: String,
    /// The sync.
    pub sync: Link,
    /// The model.
    pub model: String,
    /// The record as people read it, and its page.
    pub record: Link,
    /// The field; none for the whole record.
    pub field: Option<String>,
    /// The last day.
    pub until: Option<NaiveDate>,
    /// On whose word.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: When,
    /// Whether it is in force.
    pub in_force: bool,
    /// Who ended it, and when.
    pub ended: Option<(String, When)>,
}

impl Left {
    /// What a page shows of it.
    pub fn of(ignore: &Ignore, now: DateTime<Utc>) -> Self {
        Self {
            end: format!("{}/ignores/{}/end", sync_href(&ignore.sync), ignore.id),
            sync: Link { name: clean(&ignore.sync), href: sync_href(&ignore.sync) },
            model: ignore.model.clone(),
            record: Link { name: clean(&ignore.key.to_string()), href: object_href(&ignore.model, &ignore.key) },
            field: ignore.field.as_deref().map(clean),
            until: ignore.until,
            by: clean(&ignore.by),
            reason: clean(&ignore.reason),
            at: When::new(ignore.at, now),
            in_force: ignore.is_in_force(now),
            ended: ignore.ended.as_ref().map(|ended| (clean(&ended.by), When::new(ended.at, now))),
        }
    }
}

/// Where a record, or a field of it, is left alone; asked for from its own page.
pub fn ignore_href(sync: &str, model: &str, key: &AnyKey, field: Option<&str>) -> String {
    let record = [("model", model), ("key", key.as_str())];
    let rest = field.map(|field| ("field", field)).into_iter().chain([("from", "object")]);
    link(&format!("{}/ignore", sync_href(sync)), record.into_iter().chain(rest))
}

/// Where a run about one record is asked for.
pub fn record_run_href(sync: &str, model: &str, key: &AnyKey) -> String {
    link(&format!("{}/run", sync_href(sync)), [("model", model), ("key", key.as_str())])
}

/// `GET /syncs/{name}/ignore?model=device&key=["atlanta","core-1"]&field=serial`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    html(&form(&state, &visit, &name, &fields, Returned::default()).await?)
}

/// `POST /syncs/{name}/ignores`: leaves it alone, and leads back to where it was asked for. What is wrong is told at its field, beside what
/// was typed.
pub async fn make(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let finding = fields.parsed::<i64>("finding")?;
    let done = left_alone(&state, &who, &name, &fields).await.map(|made| back(&fields, &made));
    let typed = fields.clone();
    // Without a record there is no form that could come back.
    if key(&typed).is_err() {
        return Ok(done?.into_response());
    }
    let Some(finding) = finding else {
        let page = async |returned| form(&state, &visit, &name, &typed, returned).await;
        return answer(done, Sent { to: String::new(), fields, about: "" }, page).await;
    };
    let to = typed.text("how").unwrap_or_default().to_owned();
    let page = async |returned| {
        let finding = known(&state, FindingId::new(finding)).await?;
        // The path says about which sync somebody may ask; of another one's findings nothing is said.
        if finding.sync != name {
            return Err(Problem::no_finding(finding.id).into());
        }
        finding_page(&state, &visit, finding, &typed, returned).await
    };
    answer(done, Sent { to, fields, about: "" }, page).await
}

async fn left_alone(state: &ApiState, who: &Who, name: &str, fields: &Fields) -> Result<Ignore, PageProblem> {
    fields.only(FIELDS)?;
    let key = key(fields)?;
    let until = match fields.text("until") {
        // Whoever means a day and gives none does not mean for ever.
        None if fields.text("how") == Some(UNTIL) => Err("is empty: a day is expected".to_owned()),
        text => text.map(NaiveDate::read).transpose(),
    };
    let (until, reason) = match (until, Reason::read(fields.text("reason").unwrap_or_default())) {
        (Ok(until), Ok(reason)) => (until, reason),
        (until, reason) => {
            let wrong = |name: &str, problem: Option<String>| {
                Some(SettingProblem { key: name.to_owned(), message: problem?, remedy: None })
            };
            let problems = [wrong("until", until.err()), wrong("reason", reason.err())];
            let detail = "what is to be left alone is not said well";
            return Err(Problem::values(detail, problems.into_iter().flatten().collect()).into());
        }
    };
    let model = fields.text("model").unwrap_or_default().to_owned();
    let wish = Wish { model, key, field: fields.text("field").map(str::to_owned), until, reason };
    Ok(ignores::made(state, who, name.to_owned(), wish).await?)
}

/// `POST /syncs/{name}/ignores/{id}/end`.
pub async fn end(
    State(state): State<ApiState>,
    who: Who,
    IgnoreOf { sync, id }: IgnoreOf,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    fields.only(&["back", "from"])?;
    let ended = ignores::ended(&state, &who, &sync, id).await?;
    Ok(back(&fields, &ended))
}

/// Where a form was: on the page of the object, or on that of the drift.
fn back(fields: &Fields, ignore: &Ignore) -> Redirect {
    if fields.text("from") == Some("object") {
        return Redirect::to(&object_href(&ignore.model, &ignore.key));
    }
    fields.back("/drift")
}

fn key(fields: &Fields) -> Result<AnyKey, PageProblem> {
    AnyKey::parse(fields.text("key").unwrap_or_default())
        .map_err(|_| PageProblem::value("key", "is a JSON array such as `[\"atlanta\"]`"))
}

async fn form(
    state: &ApiState,
    visit: &Visit,
    name: &str,
    fields: &Fields,
    returned: Returned,
) -> Result<IgnorePage, PageProblem> {
    view(state, name).await?;
    let key = &key(fields)?;
    let text = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let (model, field) = (text("model"), text("field"));
    let option = if field.is_empty() { String::new() } else { format!(" --field {}", quoted(&field)) };
    let record = quoted(&format!("{model}:{}", key.as_str()));
    let kept = ["back", "from"].into_iter().filter_map(|name| Some((name, fields.text(name)?.to_owned())));
    Ok(IgnorePage {
        frame: visit.frame("Leave it alone", Section::Drift),
        sync: Link { name: clean(name), href: sync_href(name) },
        label: label(&model),
        record: Link { name: clean(&key.to_string()), href: object_href(&model, key) },
        key: key.as_str().to_owned(),
        returned,
        kept: kept.collect(),
        today: Utc::now().date_naive(),
        command: Command(format!("syncline ignore add {} {record}{option} --reason …", quoted(name))),
        model,
        field,
    })
}
