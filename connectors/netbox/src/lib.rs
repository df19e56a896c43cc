#![doc = include_str!("../docs.md")]

mod absence;
mod branch;
mod check;
mod client;
mod describe;
mod error;
mod read;
mod rows;
mod settings;
mod source;
mod tables;
mod tags;
mod target;
#[cfg(test)]
mod tests;
mod values;
mod version;
mod write;

use async_trait::async_trait;
use syncline_core::connector::{ConnectContext, ConnectSource, ConnectTarget, Connector};
use syncline_core::describe::{DataMapping, Icon};
use syncline_core::event::Level;
use syncline_core::settings::Problem;
use syncline_core::target::Capabilities;
use syncline_core::{Result, register_connector};

pub use crate::settings::{Connection, Review, SourceParameters, TargetParameters};
pub use crate::source::NetBoxSource;
pub use crate::target::NetBoxTarget;

use crate::client::ReadClient;
use crate::read::Role;
use crate::settings::slug_problems;

/// NetBox, 4.2 to 4.6.
#[derive(Debug)]
pub struct NetBox;

impl Connector for NetBox {
    const ID: &'static str = "netbox";
    const LABEL: &'static str = "NetBox";
    const DESCRIPTION: &'static str = "The source of truth for networks: sites, devices, interfaces and addresses.";
    const ICON: Option<Icon> = Some(Icon::path("M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01M12 8h4M12 16h4"));

    type Connection = Connection;

    fn validate(connection: &Connection) -> Vec<Problem> {
        connection.problems()
    }
}

#[async_trait]
impl ConnectSource for NetBox {
    type Parameters = SourceParameters;
    type Source = NetBoxSource;

    fn validate_source(parameters: &SourceParameters) -> Vec<Problem> {
        let mut problems = slug_problems("sites", &parameters.sites);
        problems.extend(slug_problems("tags", &parameters.tags));
        problems
    }

    fn source_mappings(_: &SourceParameters) -> Vec<DataMapping> {
        describe::mappings(Role::Source)
    }

    async fn connect_source(
        connection: Connection,
        parameters: SourceParameters,
        context: ConnectContext,
    ) -> Result<NetBoxSource> {
        let client = connect(&connection, &context).await?;
        Ok(NetBoxSource { client, connection, parameters })
    }
}

#[async_trait]
impl ConnectTarget for NetBox {
    type Parameters = TargetParameters;
    type Target = NetBoxTarget;

    fn validate_target(parameters: &TargetParameters) -> Vec<Problem> {
        parameters.problems()
    }

    fn target_mappings(_: &TargetParameters) -> Vec<DataMapping> {
        describe::mappings(Role::Target)
    }

    fn target_capabilities(connection: &Connection, parameters: &TargetParameters) -> Capabilities {
        Capabilities {
            batch_size: connection.batch_size as usize,
            concurrency: connection.write_connections as usize,
            preconditions: true,
            deletes: true,
            staging: parameters.review == Review::Branch,
        }
    }

    async fn connect_target(
        connection: Connection,
        parameters: TargetParameters,
        context: ConnectContext,
    ) -> Result<NetBoxTarget> {
        let client = connect(&connection, &context).await?;
        Ok(NetBoxTarget { client: client.into(), connection, parameters })
    }
}

register_connector!(NetBox, source, target);

async fn connect(connection: &Connection, context: &ConnectContext) -> Result<ReadClient> {
    let client = ReadClient::connect(connection, context).await?;
    if let Some(warning) = version::KNOWN.warning(client.version()) {
        context.events.message(Level::Warning, warning);
    }
    Ok(client)
}
