#![doc = include_str!("../docs.md")]

mod catalogue;
mod client;
mod describe;
mod dialect;
mod mapping;
mod pickers;
mod read;
mod rpc;
mod session;
mod settings;
mod source;
mod target;
mod templates;
#[cfg(test)]
mod tests;
mod version;
mod write;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use syncline_core::connector::{ConnectContext, ConnectSource, ConnectTarget, Connector};
use syncline_core::describe::{DataMapping, Icon};
use syncline_core::event::Level;
use syncline_core::settings::Problem;
use syncline_core::target::Capabilities;
use syncline_core::{Result, register_connector};

pub use crate::mapping::rules;
pub use crate::settings::{Connection, SourceParameters, TargetParameters, Unlink};
pub use crate::source::ZabbixSource;
pub use crate::target::ZabbixTarget;

use crate::catalogue::Catalogue;
use crate::client::ReadClient;
use crate::mapping::facts::Facts;
use crate::mapping::macros::Checks;
use crate::mapping::managed::Managed;
use crate::templates::Templates;
use syncline_core::expression::Expressions;

/// Zabbix, 6.0 to 7.4.
#[derive(Debug)]
pub struct Zabbix;

impl Connector for Zabbix {
    const ID: &'static str = "zabbix";
    const LABEL: &'static str = "Zabbix";
    const DESCRIPTION: &'static str = "Monitoring: hosts with their interfaces, groups and templates.";
    const ICON: Option<Icon> = Some(Icon::path("M3 13h4l3-8l4 14l3-6h4"));

    type Connection = Connection;

    fn validate(connection: &Connection) -> Vec<Problem> {
        connection.problems()
    }
}

#[async_trait]
impl ConnectSource for Zabbix {
    type Parameters = SourceParameters;
    type Source = ZabbixSource;

    fn validate_source(parameters: &SourceParameters) -> Vec<Problem> {
        parameters.problems()
    }

    fn source_mappings(parameters: &SourceParameters) -> Vec<DataMapping> {
        source::mappings(parameters)
    }

    async fn connect_source(
        connection: Connection,
        parameters: SourceParameters,
        context: ConnectContext,
    ) -> Result<ZabbixSource> {
        let client = connect(&connection, &context).await?;
        Ok(ZabbixSource { client, connection, parameters })
    }
}

#[async_trait]
impl ConnectTarget for Zabbix {
    type Parameters = TargetParameters;
    type Target = ZabbixTarget;

    fn validate_target(parameters: &TargetParameters) -> Vec<Problem> {
        mapping::problems(&parameters.hosts)
    }

    fn target_mappings(parameters: &TargetParameters) -> Vec<DataMapping> {
        describe::mappings(&parameters.hosts)
    }

    fn target_capabilities(connection: &Connection, _: &TargetParameters) -> Capabilities {
        Capabilities {
            batch_size: connection.batch_size as usize,
            // Whoever inserts beside another only waits for it: one batch is written at a time. Another one is read again meanwhile.
            concurrency: 2,
            preconditions: true,
            deletes: true,
            staging: false,
        }
    }

    async fn connect_target(
        connection: Connection,
        parameters: TargetParameters,
        context: ConnectContext,
    ) -> Result<ZabbixTarget> {
        let client = connect(&connection, &context).await?;
        let checks = Checks::keyed(client.session().lasting());
        for rule in &parameters.hosts.macros {
            if let Some(secret) = &rule.secret {
                // A plan that was made before is applied with what it meant then.
                checks.of(&mapping::managed::one_spelling(&rule.r#macro), secret)?;
            }
        }
        let mut managed = Managed::by(&parameters.hosts);
        let inventory = &parameters.hosts.inventory;
        if inventory.mode == Some(rules::InventoryFilledBy::Automatic) && !inventory.fields.is_empty() {
            let filled = filled(&client, &managed).await?;
            managed.inventory.retain(|field| !filled.contains(field.as_str()));
        }
        Ok(ZabbixTarget {
            client: client.into(),
            managed,
            expressions: Expressions::about(Facts::example()),
            checks: Arc::new(checks),
            catalogue: OnceLock::new(),
            present: Mutex::default(),
            left_out: Mutex::default(),
            connection,
            parameters,
        })
    }
}

register_connector!(Zabbix, source, target);

async fn connect(connection: &Connection, context: &ConnectContext) -> Result<ReadClient> {
    let client = ReadClient::connect(connection, context).await?;
    if let Some(warning) = version::KNOWN.warning(client.version()) {
        context.events.message(Level::Warning, warning);
    }
    Ok(client)
}

/// The inventory fields that items of managed templates fill: there, a sync and the items would overwrite each other for ever.
async fn filled(client: &ReadClient, managed: &Managed) -> Result<BTreeSet<&'static str>> {
    let catalogue = Catalogue::read(client).await?;
    let linked = catalogue.templates.iter().filter(|(_, name)| managed.template(name));
    let ids = linked.map(|(id, _)| id.to_owned()).collect();
    let mut templates = Templates::default();
    templates.learn(client, &ids).await?;
    Ok(templates.filled())
}
