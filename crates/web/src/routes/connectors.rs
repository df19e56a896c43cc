//! The connectors of this build, and the sides of syncs.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use syncline_core::connector::ConnectorDescriptor;
use syncline_core::describe::Icon;
use syncline_core::run::CheckedSync;
use syncline_core::{Error, ErrorKind};

use super::syncs::view;
use crate::input::{Body, Name, Nothing};
use crate::{ApiState, List, Problem};

/// A system that this build can talk to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Connector {
    /// Its name in configuration and history.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What the system is.
    pub description: &'static str,
    /// Its symbol, as the data of an SVG path in a box of 24 by 24; null where it has none of its own.
    pub icon: Option<Icon>,
    /// The crate that brings it.
    pub package: &'static str,
    /// The version of that crate.
    pub version: &'static str,
    /// It can be a source.
    pub source: bool,
    /// It can be a target.
    pub target: bool,
}

/// A connector with all that can be set.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConnectorDetail {
    /// What it is.
    #[serde(flatten)]
    pub connector: Connector,
    /// The JSON schema of a connection.
    pub connection_schema: Value,
    /// The JSON schema of what a sync asks of it as a source; null when it is none.
    pub source_parameters_schema: Option<Value>,
    /// The JSON schema of what a sync asks of it as a target; null when it is none.
    pub target_parameters_schema: Option<Value>,
}

impl Connector {
    /// What is told of a connector.
    pub fn of(connector: &ConnectorDescriptor) -> Self {
        Self {
            id: connector.id,
            label: connector.label,
            description: connector.description,
            icon: connector.icon,
            package: connector.package,
            version: connector.version,
            source: connector.source.is_some(),
            target: connector.target.is_some(),
        }
    }
}

impl ConnectorDetail {
    /// What is told of a connector, with the schemas of its settings.
    pub fn of(connector: &ConnectorDescriptor) -> Self {
        Self {
            connector: Connector::of(connector),
            connection_schema: (connector.connection_schema)(),
            source_parameters_schema: connector.source.as_ref().map(|side| (side.parameters_schema)()),
            target_parameters_schema: connector.target.as_ref().map(|side| (side.parameters_schema)()),
        }
    }
}

/// `GET /connectors`: `{"items": [connector, …], "next": null}`, by id.
pub async fn list(State(state): State<ApiState>) -> Json<List<Connector>> {
    Json(List::whole(state.runner.registry().iter().map(Connector::of).collect()))
}

/// `GET /connectors/{name}`: the connector with the JSON schemas of its settings.
pub async fn show(State(state): State<ApiState>, Name(id): Name) -> Result<Json<ConnectorDetail>, Problem> {
    let known = || state.runner.registry().iter().map(|connector| format!("`{}`", connector.id)).collect::<Vec<_>>();
    let unknown = || {
        let message = format!("there is no connector `{id}` in this build; there are {}", known().join(", "));
        Error::new(ErrorKind::NotFound, message)
    };
    let connector = state.runner.registry().iter().find(|connector| connector.id == id).ok_or_else(unknown)?;
    Ok(Json(ConnectorDetail::of(connector)))
}

/// `POST /syncs/{name}/check`: connects to both sides, and asks them for their versions, their rights and what will not work, what they
/// can do and what becomes what. 200 also when one does not answer: that is what was asked.
pub async fn check(
    State(state): State<ApiState>,
    Name(name): Name,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<CheckedSync>, Problem> {
    view(&state, &name).await?;
    let sync = state.syncs.sync(&name).await?.definition;
    Ok(Json(CheckedSync::ask(state.runner.registry(), &sync).await))
}
