//! Decisions about plans.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::history::{Approval, Decision, Run, RunId};
use syncline_core::places::Places;
use syncline_core::plan::{Selection, Selector};
use syncline_core::{Error, ErrorKind};

use super::plan::with_plan;
use crate::auth::Who;
use crate::input::{Body, Number};
use crate::reason::Reason;
use crate::{ApiState, Problem};

/// Consent to a plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanConsent")]
pub struct Consent {
    /// Why; kept in the history.
    pub reason: Reason,
    /// The hash of the plan that was looked at.
    pub plan_hash: String,
    /// Only these changes and what goes along: `device`, `device:["site","name"]`, `#` and the start of a change's id.
    #[serde(default)]
    pub only: Vec<String>,
    /// All but these and what needs them.
    #[serde(default)]
    pub except: Vec<String>,
}

/// Refusal of a plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanRefusal")]
pub struct Refusal {
    /// Why; kept in the history.
    pub reason: Reason,
    /// The hash of the plan that was looked at.
    pub plan_hash: String,
}

/// A plan that was consented to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Approved {
    /// Its run.
    pub run: RunId,
    /// Its hash.
    pub plan: String,
    /// How many of its changes are approved; null for all.
    pub selected: Option<u64>,
}

/// A plan that was refused.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rejected {
    /// Its run.
    pub run: RunId,
    /// Its hash.
    pub plan: String,
}

/// `POST /runs/{id}/approve` `{"reason", "plan_hash", "only": [], "except": []}`: `{"run", "plan", "selected"}`, and a worker applies
/// exactly this plan. 409 when the run waits with another plan, or does not wait.
pub async fn approve(
    State(state): State<ApiState>,
    who: Who,
    Number(id): Number,
    Body(consent): Body<Consent>,
) -> Result<Json<Approved>, Problem> {
    let Consent { reason, plan_hash, only, except } = consent;
    let wanted = match (only.as_slice(), except.as_slice()) {
        ([], []) => None,
        (only, []) => Some(("only", Selection::Only(selectors("only", only)?))),
        ([], except) => Some(("except", Selection::Except(selectors("except", except)?))),
        _ => return Err(Problem::value("except", "goes not with `only`: name what is meant, or what is not")),
    };
    let run = super::run(&state, id).await?;
    // Of another plan nothing is selected: the decision about it is refused.
    let selection = match wanted.filter(|_| run.plan.as_ref().is_some_and(|plan| plan.hash == plan_hash)) {
        Some((key, wanted)) => Some(select(&state, run, key, wanted).await?),
        None => None,
    };
    let selected = selection.as_ref().map(Places::len);
    decide(&state, id, decision(who, plan_hash.clone(), Approval::Approved, reason, selection)).await?;
    Ok(Json(Approved { run: id, plan: plan_hash, selected }))
}

/// `POST /runs/{id}/reject` `{"reason", "plan_hash"}`: `{"run", "plan"}`; the run is cancelled. 409 as for `approve`.
pub async fn reject(
    State(state): State<ApiState>,
    who: Who,
    Number(id): Number,
    Body(refusal): Body<Refusal>,
) -> Result<Json<Rejected>, Problem> {
    let Refusal { reason, plan_hash } = refusal;
    decide(&state, id, decision(who, plan_hash.clone(), Approval::Rejected, reason, None)).await?;
    Ok(Json(Rejected { run: id, plan: plan_hash }))
}

fn selectors(key: &str, texts: &[String]) -> Result<Vec<Selector>, Problem> {
    texts.iter().map(|text| text.parse().map_err(|error: Error| Problem::value(key, error.to_string()))).collect()
}

/// The places of the changes that are meant.
async fn select(state: &ApiState, run: Run, key: &str, wanted: Selection) -> Result<Places, Problem> {
    let selected = with_plan(state, run, move |plan| {
        // That a plan has no such change is a slip of whoever names it; that there is no plan is not.
        Ok(wanted.of(&plan).map_or_else(
            |error| if error.kind() == ErrorKind::NotFound { Ok(Err(error)) } else { Err(error) },
            |places| Ok(Ok(places)),
        ))
    });
    selected.await??.map_err(|error| Problem::value(key, error.to_string()))
}

async fn decide(state: &ApiState, run: RunId, decision: Decision) -> Result<(), Problem> {
    Ok(state.runner.history().decide(run, &decision).await?)
}

fn decision(who: Who, plan_hash: String, verdict: Approval, reason: Reason, selection: Option<Places>) -> Decision {
    let reason = reason.into_string();
    Decision { plan_hash, verdict, by: who.name, reason, selection, overrides_guards: false, at: Utc::now() }
}
