//! Who did what.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, NaiveDate, Utc};
use syncline_core::history::{AuditAction, AuditEntry, AuditFilter, AuditId, How};

use super::PageProblem;
use super::form::Fields;
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::pick::{Select, quoted};
use super::show::{When, clean};
use super::system::{Tab, Tabs};
use crate::ApiState;

/// Where the page is.
const PATH: &str = "/settings/audit";
/// How many rows a page has.
const PAGE: u64 = 100;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    tabs: Tabs,
    who: String,
    object: String,
    since: String,
    action: Select,
    is_filtered: bool,
    entries: Vec<EntryLine>,
    pager: Pager,
    command: Command,
}

#[derive(Debug)]
struct EntryLine {
    at: When,
    who: String,
    how: &'static str,
    action: &'static str,
    object: String,
    detail: String,
    address: String,
    request_id: String,
}

/// `GET /settings/audit?who=kim&action=run.approve,run.reject&object=run+17&since=2026-11-20&before=17`.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    let since: Option<NaiveDate> = fields.parsed("since")?;
    let filter = AuditFilter {
        who: fields.text("who").map(str::to_owned),
        action: fields.names::<AuditAction>("action")?,
        object: fields.text("object").map(str::to_owned),
        since: since.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc()),
    };
    let before: Option<i64> = fields.parsed("before")?;
    let found = state.auth.history().audit_log(&filter, before.map(AuditId::new), PAGE).await?;
    // The number of a row is the one of its answer in the API.
    let next = found.next.and_then(|next| serde_json::to_string(&next).ok());
    let next = next.map(|next| fields.with(PATH, "before", Some(&next), &[]));
    let first = before.map(|_| fields.with(PATH, "before", None, &[]));
    let now = Utc::now();
    let text = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let actions = AuditAction::ALL.map(|action| (action.as_str().to_owned(), action.as_str().replace('.', " ")));
    let frame = visit.frame("Audit log", Section::Settings);
    html(&AuditPage {
        tabs: Tabs::of(&frame, Tab::Audit),
        frame,
        who: text("who"),
        object: text("object"),
        since: text("since"),
        action: Select::new("action", "What", actions, &text("action")),
        is_filtered: filter != AuditFilter::default(),
        entries: found.items.iter().map(|entry| EntryLine::of(entry, now)).collect(),
        pager: Pager { first, next, word: "Older" },
        command: Command(command(&filter)),
    })
}

fn command(filter: &AuditFilter) -> String {
    let who = filter.who.as_ref().map(|who| format!(" --who {}", quoted(who))).unwrap_or_default();
    let actions: Vec<_> = filter.action.iter().map(|action| format!(" --action {action}")).collect();
    let object = filter.object.as_ref().map(|object| format!(" --object {}", quoted(object))).unwrap_or_default();
    format!("syncline audit{who}{}{object}", actions.concat())
}

impl EntryLine {
    fn of(entry: &AuditEntry, now: DateTime<Utc>) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(clean).unwrap_or_default();
        Self {
            at: When::new(entry.at, now),
            who: clean(&entry.who),
            how: match entry.how {
                How::Session => "login",
                How::Token => "token",
                How::Local => "this machine",
                How::Cli => "command",
                How::Webhook => "webhook",
            },
            action: entry.action.as_str(),
            object: text(&entry.object),
            detail: text(&entry.detail),
            address: text(&entry.address),
            request_id: text(&entry.request_id),
        }
    }
}
