//! Two runs beside each other.

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::history::{CompareCursor, CompareFilter, Difference, DifferenceCount, DifferenceKind, Run, RunId};

use super::runs::{RunDetail, detail};
use crate::auth::Who;
use crate::cursor::Cursor;
use crate::input::{Limit, Wanted, names};
use crate::list::Part;
use crate::{ApiState, Problem};

/// Which differences are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DifferenceQuery {
    /// Of this model.
    model: Option<String>,
    /// Of one of these kinds.
    #[serde(default, deserialize_with = "names")]
    kind: Vec<DifferenceKind>,
    /// `next` of the page before.
    after: Option<Cursor<CompareCursor>>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

/// Two runs, their differences aside.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// The first run.
    pub a: RunDetail,
    /// The second run.
    pub b: RunDetail,
    /// How many records differ, by model and in what; null where both runs have so many changes that counting takes long.
    pub counts: Option<Vec<DifferenceCount>>,
}

/// `GET /runs/{id}/compare/{other}`: `{"a": run, "b": run, "counts": [{"model", "kind", "count"}, …]}`; a run is what `GET /runs/{id}` answers.
pub async fn show(
    State(state): State<ApiState>,
    who: Who,
    Path(numbers): Path<(String, String)>,
) -> Result<Json<Comparison>, Problem> {
    let (a, b) = both(&state, &who, &numbers).await?;
    let counts = state.runner.history().difference_counts(a.id, b.id).await?;
    Ok(Json(Comparison { a: detail(&state, a).await?, b: detail(&state, b).await?, counts }))
}

/// `GET /runs/{id}/compare/{other}/differences?model=device&kind=only_a,fields&after=…&limit=100`: `{"items": [{"kind", "model", "key", "a": change,
/// "b": change}, …], "next": text, "cut_short": false}`: first in the order of the first run's changes, then what only the second one has.
///
/// `kind` is `only_a`, `only_b`, `fields` (another action or other values), or `outcome` (the same, and something else came of it). What
/// both runs say and did alike is no difference. A plan that waits for a person is in its file alone: its changes are not compared.
pub async fn differences(
    State(state): State<ApiState>,
    who: Who,
    Path(numbers): Path<(String, String)>,
    Wanted(wanted): Wanted<DifferenceQuery>,
) -> Result<Json<Part<Difference, Cursor<CompareCursor>>>, Problem> {
    let (a, b) = both(&state, &who, &numbers).await?;
    let DifferenceQuery { model, kind, after, limit } = wanted;
    let filter = CompareFilter { model, kind };
    let after = after.map(|after| after.0);
    let found = state.runner.history().differences(a.id, b.id, &filter, after, limit.get()).await?;
    Ok(Json(Part { items: found.items, next: found.next.map(Cursor), cut_short: found.cut_short }))
}

/// Both runs. Whoever may see one of them need not be allowed to see the other.
async fn both(state: &ApiState, who: &Who, (a, b): &(String, String)) -> Result<(Run, Run), Problem> {
    let number = |text: &String| text.parse().map(RunId::new).map_err(|_| Problem::no_run(text));
    let (a, b) = (number(a)?, number(b)?);
    let first = super::run(state, a).await?;
    if who.syncs.is_some() {
        let second = state.runner.history().run(b).await?;
        who.ensure_sync(second.as_ref().map(|run| run.sync.as_str()).filter(|sync| who.sees(sync)))?;
    }
    Ok((first, super::run(state, b).await?))
}
