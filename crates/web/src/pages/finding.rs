//! One finding, and what a person decides about it: somebody has looked at it, it is left alone, or it is set right.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, Response};
use chrono::{NaiveDate, Utc};
use syncline_core::event::Side;
use syncline_core::history::{Finding, FindingId, FindingKind, FindingState, Role};

use super::PageProblem;
use super::drift::Found;
use super::form::{Fields, Posted, link};
use super::frame::{Command, Frame, Section, Visit, html};
use super::ignore::{KEEP, UNTIL, record_run_href};
use super::ignored::ignored_href;
use super::open::open_href;
use super::pick::quoted;
use super::returned::{Returned, Sent, answer};
use super::run_line::sync_href;
use super::show::Icon;
use crate::auth::Who;
use crate::input::{Body, FindingNumber};
use crate::routes::findings;
use crate::{ApiState, Problem};

/// A finding.
#[derive(Template)]
#[template(path = "finding.html")]
pub struct FindingPage {
    frame: Frame,
    found: Found,
    /// The list that leads here.
    list: String,
    /// Where what is left alone is listed.
    left_href: String,
    /// What can be decided beside that somebody has looked; none where that is nothing.
    choices: Option<Choices>,
    /// Today, in UTC: the first day until which something can be left alone.
    today: NaiveDate,
    /// What the list is asked for, which the forms lead back to.
    back: String,
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
    command: Command,
}

/// What can be decided about a difference.
#[derive(Debug)]
struct Choices {
    /// Where it is left alone.
    ignore: String,
    /// The record and the field, as forms send them.
    model: String,
    key: String,
    field: Option<String>,
    /// Where the source shows the record.
    source: String,
    /// Where a run makes the target as the source says.
    revert: String,
}

/// What the form is called, where it comes back, that says that somebody has looked.
const ACKNOWLEDGE: &str = "acknowledge";

/// The page of a finding, which leads back to the list of those that are asked for by `fields`.
pub fn finding_href(id: FindingId, fields: &Fields) -> String {
    let back = fields.query();
    link(&format!("/findings/{id}"), (!back.is_empty()).then_some(("back", back.as_str())))
}

/// `GET /findings/{id}?back=sync%3Dlab`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    FindingNumber(id): FindingNumber,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let finding = known(&state, id).await?;
    html(&finding_page(&state, &visit, finding, &fields, Returned::default()).await?)
}

/// `POST /findings/{id}/acknowledge`.
pub async fn acknowledge(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    FindingNumber(id): FindingNumber,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let sent = fields.clone();
    let done = noted(&state, who, id, &fields).await.map(|()| fields.back("/drift"));
    let page = async |returned| finding_page(&state, &visit, known(&state, id).await?, &sent, returned).await;
    answer(done, Sent { to: ACKNOWLEDGE.to_owned(), fields, about: "" }, page).await
}

async fn noted(state: &ApiState, who: Who, id: FindingId, fields: &Fields) -> Result<(), PageProblem> {
    fields.only(&["back", "reason"])?;
    let said = findings::Acknowledgement { reason: fields.required("reason")? };
    let _ = findings::acknowledge(State(state.clone()), who, FindingNumber(id), Body(said)).await?;
    Ok(())
}

/// The finding with a number.
pub async fn known(state: &ApiState, id: FindingId) -> Result<Finding, PageProblem> {
    let found = state.runner.history().finding(id).await?;
    Ok(found.ok_or_else(|| Problem::no_finding(id))?)
}

/// The page of a finding, with what its address or its form says of the list.
pub async fn finding_page(
    state: &ApiState,
    visit: &Visit,
    finding: Finding,
    fields: &Fields,
    returned: Returned,
) -> Result<FindingPage, PageProblem> {
    let now = Utc::now();
    let configured = state.syncs.list().await?.into_iter().any(|sync| sync.name == finding.sync);
    let behind = fields.behind();
    Ok(FindingPage {
        frame: visit.frame(format!("Finding {}", finding.id), Section::Drift),
        list: behind.link("/drift"),
        left_href: ignored_href(Some(&finding.sync)),
        choices: Choices::of(&finding).filter(|_| configured),
        today: now.date_naive(),
        back: behind.query(),
        returned,
        command: Command(format!("syncline findings --sync {}", quoted(&finding.sync))),
        found: Found::of(finding, now),
    })
}

impl FindingPage {
    /// What came back of one of the forms.
    fn sent(&self, form: &str) -> &Returned {
        self.returned.of(form, "")
    }

    /// Whether there is something to decide.
    fn is_open(&self) -> bool {
        self.found.state == FindingState::Open
    }
}

impl Choices {
    /// Nobody can leave alone, or set right, what several records answer to.
    fn of(finding: &Finding) -> Option<Self> {
        let Finding { sync, model, key, field, .. } = finding;
        let is_open = finding.state == FindingState::Open && finding.kind != FindingKind::Ambiguous;
        is_open.then(|| Self {
            ignore: format!("{}/ignores", sync_href(sync)),
            model: model.clone(),
            key: key.as_str().to_owned(),
            field: field.clone(),
            source: open_href(sync, Side::Source, model, key),
            revert: record_run_href(sync, model, key),
        })
    }
}
