//! The connectors of this build, and the sides of syncs.

use axum::Json;
use axum::extract::State;
use futures::future::join;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use syncline_core::connector::ConnectorDescriptor;
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping};
use syncline_core::event::{Events, Side};
use syncline_core::run::{SideDefinition, SyncDefinition};
use syncline_core::target::Capabilities;
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
    /// The name of its icon.
    pub icon: &'static str,
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

/// What was found of the sides of a sync.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// The sync.
    pub sync: String,
    /// Both sides answer.
    pub ok: bool,
    /// The source, and the target.
    pub sides: Vec<CheckedSide>,
}

/// What was found of one side.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckedSide {
    /// Which.
    pub side: Side,
    /// The name of its connection.
    pub connection: String,
    /// Its connector.
    pub connector: String,
    /// What it told; null when it does not pass.
    pub report: Option<CheckReport>,
    /// Why it does not pass.
    pub error: Option<String>,
}

/// What a side of a sync tells about itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DescribedSide {
    /// Which.
    pub side: Side,
    /// The name of its connection.
    pub connection: String,
    /// Its connector.
    pub connector: String,
    /// What the target can do; null for a source, and for what does not answer.
    pub capabilities: Option<Capabilities>,
    /// How it is set, without secrets.
    pub configuration: Vec<ConfigItem>,
    /// What becomes what.
    pub data_mappings: Vec<DataMapping>,
    /// Why it does not tell.
    pub error: Option<String>,
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
    Ok(Json(ConnectorDetail {
        connector: Connector::of(connector),
        connection_schema: (connector.connection_schema)(),
        source_parameters_schema: connector.source.as_ref().map(|side| (side.parameters_schema)()),
        target_parameters_schema: connector.target.as_ref().map(|side| (side.parameters_schema)()),
    }))
}

/// `POST /syncs/{name}/check`: connects to both sides and asks them for their versions, rights and what will not work. 200 also when
/// one does not answer: that is what was asked.
pub async fn check(
    State(state): State<ApiState>,
    Name(name): Name,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Checked>, Problem> {
    view(&state, &name).await?;
    let sync = state.syncs.sync(&name).await?.definition;
    let sides = check_sides(&state, &sync).await;
    Ok(Json(Checked { sync: sync.name, ok: sides.iter().all(|side| side.report.is_some()), sides }))
}

/// Connects to both sides of a sync, be it kept or not, and asks them how they are.
pub(crate) async fn check_sides(state: &ApiState, sync: &SyncDefinition) -> Vec<CheckedSide> {
    let events = Events::new();
    let source = async { state.runner.connect_source(&sync.source, &events).await?.check().await };
    let target = async { state.runner.connect_target(&sync.target, &events).await?.check().await };
    let (source, target) = join(source, target).await;
    let told = |side, definition: &SideDefinition, found: syncline_core::Result<CheckReport>| CheckedSide {
        side,
        connection: definition.connection_name.clone(),
        connector: definition.connector.clone(),
        error: found.as_ref().err().map(Error::report),
        report: found.ok(),
    };
    vec![told(Side::Source, &sync.source, source), told(Side::Target, &sync.target, target)]
}

/// `POST /syncs/{name}/describe`: connects to both sides and asks them what becomes what, how they are set, and what they can do.
/// `{"items": [source, target], "next": null}`.
pub async fn describe(
    State(state): State<ApiState>,
    Name(name): Name,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<List<DescribedSide>>, Problem> {
    view(&state, &name).await?;
    let sync = state.syncs.sync(&name).await?.definition;
    let events = Events::new();
    let (source, target) =
        join(state.runner.connect_source(&sync.source, &events), state.runner.connect_target(&sync.target, &events))
            .await;
    let silent = |side, definition: &SideDefinition, error: Option<String>| DescribedSide {
        side,
        connection: definition.connection_name.clone(),
        connector: definition.connector.clone(),
        capabilities: None,
        configuration: Vec::new(),
        data_mappings: Vec::new(),
        error,
    };
    let source = match source {
        Ok(source) => DescribedSide {
            configuration: source.config_information(),
            data_mappings: source.data_mappings(),
            ..silent(Side::Source, &sync.source, None)
        },
        Err(error) => silent(Side::Source, &sync.source, Some(error.report())),
    };
    let target = match target {
        Ok(target) => DescribedSide {
            capabilities: Some(target.capabilities()),
            configuration: target.config_information(),
            data_mappings: target.data_mappings(),
            ..silent(Side::Target, &sync.target, None)
        },
        Err(error) => silent(Side::Target, &sync.target, Some(error.report())),
    };
    Ok(Json(List::whole(vec![source, target])))
}
