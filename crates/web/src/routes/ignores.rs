//! What people want left alone: differences that no run of a sync is to write.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use chrono::{NaiveDate, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use syncline_core::history::{AuditAction, Ignore, IgnoreFilter, IgnoreId, NewIgnore, NotIgnored};
use syncline_core::plan::Selector;
use syncline_model::AnyKey;

use super::syncs::view;
use crate::auth::Who;
use crate::input::{Body, Limit, Name, Nothing, Wanted};
use crate::reason::Reason;
use crate::{ApiState, List, Problem, ProblemKind};

/// Which ignores are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IgnoreQuery {
    /// Those too that are over.
    #[serde(default)]
    all: bool,
    /// Of this model.
    model: Option<String>,
    /// `next` of the page before.
    before: Option<i64>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

/// What is to be left alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IgnoreWish")]
pub struct Wish {
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// The field; without one, the record as a whole.
    pub field: Option<String>,
    /// The last day, in UTC; without one, until somebody ends it.
    #[serde(default, deserialize_with = "day")]
    pub until: Option<NaiveDate>,
    /// Why; kept with it.
    pub reason: Reason,
}

/// The number of an ignore in the path of its sync.
#[derive(Debug)]
pub struct IgnoreOf {
    /// The sync.
    pub sync: String,
    /// The number.
    pub id: IgnoreId,
}

impl<S: Send + Sync> FromRequestParts<S> for IgnoreOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((sync, id)) =
            path.map_err(|_| Problem::new(ProblemKind::NotFound, "a name in the path is no text"))?;
        let number = id.parse().map_err(|_| {
            let detail =
                format!("nothing is left alone in `{sync}` as `{id}`: `GET syncs/{sync}/ignores` lists what is");
            Problem::new(ProblemKind::NotFound, detail)
        })?;
        Ok(Self { sync, id: IgnoreId::new(number) })
    }
}

/// `GET /syncs/{name}/ignores?all=true&model=device&before=99&limit=100`: `{"items": [ignore, …], "next": 42}`, newest first; those in
/// force, unless all are asked for.
pub async fn list(
    State(state): State<ApiState>,
    Name(name): Name,
    Wanted(wanted): Wanted<IgnoreQuery>,
) -> Result<Json<List<Ignore, IgnoreId>>, Problem> {
    let IgnoreQuery { all, model, before, limit } = wanted;
    view(&state, &name).await?;
    let filter = IgnoreFilter { sync: Some(name), model, in_force: (!all).then(Utc::now), ..IgnoreFilter::default() };
    let page = state.runner.history().ignores(&filter, before.map(IgnoreId::new), limit.get()).await?;
    Ok(Json(page.into()))
}

/// `POST /syncs/{name}/ignores` `{"model", "key", "field", "until", "reason"}`: what is left alone from the next plan on. 422 when it is
/// no record or field of the model, or when its last day is over.
pub async fn make(
    State(state): State<ApiState>,
    who: Who,
    Name(name): Name,
    Body(wish): Body<Wish>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, Json(made(&state, &who, name, wish).await?)))
}

/// `POST /syncs/{name}/ignores/{id}/end`: ends it. 404 when there is none of this number, 409 when it is over already.
pub async fn end(
    State(state): State<ApiState>,
    who: Who,
    IgnoreOf { sync, id }: IgnoreOf,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Ignore>, Problem> {
    Ok(Json(ended(&state, &who, &sync, id).await?))
}

/// Leaves something alone on the word of whoever asks.
pub(crate) async fn made(state: &ApiState, who: &Who, sync: String, wish: Wish) -> Result<Ignore, Problem> {
    view(state, &sync).await?;
    let Wish { model, key, field, until, reason } = wish;
    let wish = NewIgnore { sync, model, key, field, until, by: who.name.clone(), reason: reason.into_string() };
    let made = state.runner.history().ignore(&wish, Utc::now()).await.map_err(refused)?;
    note(state, who, AuditAction::IgnoreMake, &made).await;
    Ok(made)
}

/// Ends it on the word of whoever asks.
pub(crate) async fn ended(state: &ApiState, who: &Who, sync: &str, id: IgnoreId) -> Result<Ignore, Problem> {
    view(state, sync).await?;
    let ended = state.runner.history().end_ignore(sync, id, &who.name, Utc::now()).await?;
    note(state, who, AuditAction::IgnoreEnd, &ended).await;
    Ok(ended)
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let wrong = |text: &str| D::Error::custom(format!("`{text}` is no day: write it as `2026-12-01`"));
    text.map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
}

async fn note(state: &ApiState, who: &Who, action: AuditAction, ignore: &Ignore) {
    let object = Selector::Record(ignore.model.clone(), ignore.key.clone()).to_string();
    let field = ignore.field.as_ref().map(|field| format!(", `{field}`")).unwrap_or_default();
    let detail = format!("{}{field}: {}", ignore.sync, ignore.words());
    state.auth.note(&who.actor(), action, &object, Some(&detail)).await;
}

fn refused(refused: NotIgnored) -> Problem {
    match refused.at() {
        Some(key) => Problem::value(key, refused.to_string()),
        None => syncline_core::Error::from(refused).into(),
    }
}
