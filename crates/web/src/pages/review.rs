//! What a person decides about a plan that waits, and what is ticked for that: the form stands on the page of the plan.

use axum::extract::State;
use axum::response::{Redirect, Response};
use syncline_core::history::RunId;

use super::PageProblem;
use super::form::{Fields, Posted, RunNumber};
use super::frame::Visit;
use super::plan::{View, path, plan_page};
use super::returned::{Sent, answer};
use super::run::to_run;
use super::ticks::Ticks;
use crate::ApiState;
use crate::auth::Who;
use crate::input::{Body, Number as ApiNumber};
use crate::routes::review;

/// What the form is called where it comes back.
pub const FORM: &str = "review";
/// The fields of the form. Without a script it has the one for a site that is typed, so that what is ticked goes along to that.
const FIELDS: &[&str] = &["plan_hash", "reason", "part", "pick", "back", "site"];

/// `POST /runs/{id}/approve`: the plan, or the part of it that is ticked, or all but that.
pub async fn approve(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let done = approved(&state, who, id, &fields).await;
    decided(&state, &visit, id, done, fields).await
}

/// `POST /runs/{id}/reject`.
pub async fn reject(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let done = rejected(&state, who, id, &fields).await;
    decided(&state, &visit, id, done, fields).await
}

/// `POST /runs/{id}/tick`: the same page, with what is ticked in its address, so that the other pages of the plan know it; or that of a site
/// that is typed. A script does so by itself.
pub async fn tick(RunNumber(id): RunNumber, Posted(fields): Posted) -> Result<Redirect, PageProblem> {
    fields.only(FIELDS)?;
    let ticks = Ticks::posted(&fields)?;
    let page = ticks.within(&fields.behind());
    let page = match fields.text("site") {
        Some(site) => page.replaced("after", None).replaced("site", Some(site)),
        None => page,
    };
    Ok(Redirect::to(&page.link(&path(id))))
}

async fn approved(state: &ApiState, who: Who, id: RunId, fields: &Fields) -> Result<(), PageProblem> {
    fields.only(FIELDS)?;
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
        *part = picked(fields);
        if part.is_empty() {
            return Err(PageProblem::value("pick", "nothing is ticked: tick what is meant, or approve the whole plan"));
        }
    }
    let _ = review::approve(State(state.clone()), who, ApiNumber(id), Body(consent)).await?;
    Ok(())
}

async fn rejected(state: &ApiState, who: Who, id: RunId, fields: &Fields) -> Result<(), PageProblem> {
    fields.only(FIELDS)?;
    let refusal = review::Refusal {
        reason: fields.required("reason")?,
        plan_hash: fields.text("plan_hash").unwrap_or_default().to_owned(),
    };
    let _ = review::reject(State(state.clone()), who, ApiNumber(id), Body(refusal)).await?;
    Ok(())
}

/// Where a decision leads, or the page that it was made on, with what was typed and ticked.
async fn decided(
    state: &ApiState,
    visit: &Visit,
    id: RunId,
    done: Result<(), PageProblem>,
    fields: Fields,
) -> Result<Response, PageProblem> {
    let done = done.map(|()| to_run(id.number()));
    let (behind, ticks) = (fields.behind(), Ticks::sent(&fields));
    let page = async |returned| {
        let view = View::of(ticks.within(&behind))?;
        plan_page(state, visit, id, view.ticked(ticks).with(returned)).await
    };
    answer(done, Sent { to: FORM.to_owned(), fields, about: "" }, page).await
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
