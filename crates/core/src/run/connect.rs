//! Opening the sides of a sync, for reading.

use super::SideDefinition;
use crate::connector::ConnectContext;
use crate::describe::SideDescription;
use crate::event::{Events, Side};
use crate::registry::Registry;
use crate::source::DataSource;
use crate::target::DataTarget;
use crate::{Error, ErrorKind, Result};

impl Registry {
    /// What a side is by its settings alone, without asking its system.
    pub fn describe(&self, which: Side, side: &SideDefinition) -> Result<SideDescription> {
        let connector = self.get(&side.connector)?;
        let describe = match which {
            Side::Source => connector.source.as_ref().map(|source| source.describe),
            Side::Target => connector.target.as_ref().map(|target| target.describe),
        };
        let describe = describe.ok_or_else(|| not_a(side, &which.to_string()))?;
        let described = describe(side.connection.clone(), side.parameters.clone());
        described.map_err(|error| error.with("connection", &side.connection_name))
    }

    /// Opens a side as a source.
    pub async fn connect_source(&self, side: &SideDefinition, events: &Events) -> Result<Box<dyn DataSource>> {
        let connector = self.get(&side.connector)?;
        let source = connector.source.as_ref().ok_or_else(|| not_a(side, "source"))?;
        let context = context(events, Side::Source);
        let connection = context.surroundings.settings(connector.connection_schema, side.connection.clone());
        let parameters = context.surroundings.settings(source.parameters_schema, side.parameters.clone());
        let connected = (source.connect)(connection, parameters, context).await;
        connected.map_err(|error| error.with("connection", &side.connection_name))
    }

    /// Opens the reading half of a side as a target.
    pub async fn connect_target(&self, side: &SideDefinition, events: &Events) -> Result<Box<dyn DataTarget>> {
        let connector = self.get(&side.connector)?;
        let target = connector.target.as_ref().ok_or_else(|| not_a(side, "target"))?;
        let context = context(events, Side::Target);
        let connection = context.surroundings.settings(connector.connection_schema, side.connection.clone());
        let parameters = context.surroundings.settings(target.parameters_schema, side.parameters.clone());
        let connected = (target.connect)(connection, parameters, context).await;
        connected.map_err(|error| error.with("connection", &side.connection_name))
    }
}

fn context(events: &Events, side: Side) -> ConnectContext {
    ConnectContext {
        events: events.clone(),
        requests: events.requests(side).clone(),
        surroundings: events.surroundings(side).clone(),
    }
}

fn not_a(side: &SideDefinition, what: &str) -> Error {
    let message =
        format!("the connector `{}` of the connection `{}` cannot be a {what}", side.connector, side.connection_name);
    Error::new(ErrorKind::Settings, message)
}
