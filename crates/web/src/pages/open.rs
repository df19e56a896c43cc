//! Leads from a record to where its system shows it.

use axum::extract::{Path, State};
use axum::response::Redirect;
use serde::Deserialize;
use syncline_core::event::Side;
use syncline_core::run::LookedUp;
use syncline_model::AnyKey;

use super::PageProblem;
use super::form::{Fields, link};
use super::object::label;
use super::run_line::sync_href;
use crate::routes::objects::native;
use crate::routes::syncs::view;
use crate::{ApiState, Problem, ProblemKind};

/// Which side of which sync.
#[derive(Debug, Deserialize)]
pub struct Place {
    name: String,
    side: Side,
}

/// Where a page leads that shows a record in a system.
pub fn open_href(sync: &str, side: Side, model: &str, key: &AnyKey) -> String {
    link(&format!("{}/open/{side}", sync_href(sync)), [("model", model), ("key", key.as_str())])
}

/// `GET /syncs/{name}/open/{side}?model=device&key=["atlanta","core-1"]`: the system is asked when somebody wants to go there, not
/// whenever a page is shown.
pub async fn open(
    State(state): State<ApiState>,
    Path(Place { name, side }): Path<Place>,
    fields: Fields,
) -> Result<Redirect, PageProblem> {
    let model = fields.text("model").unwrap_or_default();
    let key = AnyKey::parse(fields.text("key").unwrap_or_default())
        .map_err(|_| PageProblem::not_found("This leads to no record: its key is missing or broken."))?;
    view(&state, &name).await?;
    let sync = state.syncs.sync(&name).await?.definition;
    let native = match side {
        Side::Source => None,
        Side::Target => native(state.runner.history(), &sync, model, &key).await?,
    };
    let looked = LookedUp::on(state.runner.registry(), &sync, side, model, &key, native.as_ref()).await;
    match (looked.link, looked.error) {
        (Some(link), _) => Ok(Redirect::to(link.url.as_str())),
        (None, Some(error)) => {
            let message = format!("`{}` was asked where it shows {key}: {error}", looked.connection);
            Err(Problem::new(ProblemKind::Remote, message).into())
        }
        (None, None) => Err(PageProblem::not_found(format!(
            "`{}` has no page for {} {key} that its connector knows.",
            looked.connection,
            label(model)
        ))),
    }
}
