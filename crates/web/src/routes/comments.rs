//! What people say about plans.

use std::borrow::Cow;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use syncline_core::history::{Comment, CommentText};

use crate::auth::Who;
use crate::input::{Body, Number};
use crate::{ApiState, List, Problem};

/// Something to be said about a plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewComment")]
pub struct NewComment {
    /// What there is to say, in up to 1,000 letters.
    text: Words,
}

#[derive(Debug)]
struct Words(CommentText);

/// `GET /runs/{id}/comments`: `{"items": [{"id", "by", "at", "text"}, …], "next": null}`: all of them, in order.
pub async fn list(State(state): State<ApiState>, Number(id): Number) -> Result<Json<List<Comment>>, Problem> {
    super::run(&state, id).await?;
    Ok(Json(List::whole(state.runner.history().comments(id).await?)))
}

/// `POST /runs/{id}/comments` `{"text"}`: the comment. 409 when the run waits for no decision, or has 100 comments.
pub async fn add(
    State(state): State<ApiState>,
    who: Who,
    Number(id): Number,
    Body(new): Body<NewComment>,
) -> Result<(StatusCode, Json<Comment>), Problem> {
    let comment = state.runner.history().comment(id, &who.name, &new.text.0).await?;
    Ok((StatusCode::CREATED, Json(comment)))
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for Words {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CommentText".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let pattern = r"^[^\x00]*[^\s\x00][^\x00]*$";
        schemars::json_schema!({"type": "string", "maxLength": CommentText::LETTERS, "pattern": pattern})
    }
}
