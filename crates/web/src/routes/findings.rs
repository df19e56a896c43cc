//! What runs found and somebody should look at: drift, flapping, ambiguous records.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::history::{Finding, FindingFilter, FindingId, FindingKind, FindingState, RunId};

use crate::auth::Who;
use crate::input::{Body, FindingNumber, Limit, Wanted, names};
use crate::reason::Reason;
use crate::{ApiState, List, Problem};

/// Which findings are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingQuery {
    /// Of this sync.
    sync: Option<String>,
    /// Of this kind.
    kind: Option<FindingKind>,
    /// In one of these states.
    #[serde(default, deserialize_with = "names")]
    state: Vec<FindingState>,
    /// Of this model.
    model: Option<String>,
    /// Those that this run found and the run before had not.
    new_in: Option<i64>,
    /// Those that this run no longer found.
    gone_in: Option<i64>,
    /// `next` of the page before.
    before: Option<i64>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

/// That somebody looked at a finding.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// What there is to say; kept with it.
    pub reason: Reason,
}

/// `GET /findings?sync=lab&kind=drift&state=open,acknowledged&model=device&new_in=17&gone_in=17&before=99&limit=100`: `{"items": [finding, …],
/// "next": 42}`, newest first; `next` is the next page's `before`.
pub async fn list(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<FindingQuery>,
) -> Result<Json<List<Finding, FindingId>>, Problem> {
    let FindingQuery { sync, kind, state: states, model, new_in, gone_in, before, limit } = wanted;
    let (new_in, gone_in) = (new_in.map(RunId::new), gone_in.map(RunId::new));
    let filter = FindingFilter { sync, kind, state: states, model, new_in, gone_in };
    let page = state.runner.history().findings(&filter, before.map(FindingId::new), limit.get()).await?;
    Ok(Json(page.into()))
}

/// `GET /findings/{id}`: the finding.
pub async fn show(State(state): State<ApiState>, FindingNumber(id): FindingNumber) -> Result<Json<Finding>, Problem> {
    let found = state.runner.history().finding(id).await?;
    let missing = || Problem::no_finding(id);
    Ok(Json(found.ok_or_else(missing)?))
}

/// `POST /findings/{id}/acknowledge` `{"reason"}`: the finding, which stays known as long as it occurs. 404 when it does not.
pub async fn acknowledge(
    State(state): State<ApiState>,
    who: Who,
    FindingNumber(id): FindingNumber,
    Body(said): Body<Acknowledgement>,
) -> Result<Json<Finding>, Problem> {
    Ok(Json(state.runner.history().acknowledge(id, &who.name, &said.reason.into_string()).await?))
}
