#![doc = include_str!("../docs.md")]

mod client;
mod read;
mod settings;
mod tables;
#[cfg(test)]
mod tests;
mod write;

use std::sync::{Mutex, PoisonError};

use syncline_core::prelude::*;
use syncline_core::snapshot::Prefixes;
use syncline_model::{AnyKey, Model as _, models::Interface};
use url::Url;

pub use crate::settings::Connection;

use crate::client::Client;
use crate::tables::{TABLES, Table, by_name};
use crate::write::Writer;

/// Nautobot, 2.2 to 3.2.
#[derive(Debug)]
pub struct Nautobot;

/// A Nautobot, on either side of a sync.
pub struct NautobotSide {
    client: Client,
    /// The prefixes that were read, as addresses need one.
    prefixes: Mutex<Prefixes>,
}

/// The kinds of interfaces that have no speed: the beginnings of their names.
const WITHOUT_SPEED: [&str; 6] = ["virtual", "bridge", "lag", "tunnel", "ieee802.", "other-wireless"];

/// The master of a chassis is protected from being deleted, and from leaving it; the primary address of a device is one of its own, and
/// the device is saved anew when it is deleted.
const RELEASES: &[Release] = &[
    Release { model: "device", field: "primary_ip4", holds: &["interface"], holds_delete: true },
    Release { model: "device", field: "primary_ip6", holds: &["interface"], holds_delete: true },
    Release { model: "virtual_chassis", field: "master", holds: &["virtual_chassis"], holds_delete: true },
];

impl Connector for Nautobot {
    const ID: &'static str = "nautobot";
    const LABEL: &'static str = "Nautobot";
    const DESCRIPTION: &'static str =
        "The source of truth for networks and their automation: locations, devices, addresses.";
    const ICON: Option<Icon> = Some(Icon::path("M12 3v6M12 15v6M3 12h6M15 12h6M9 9h6v6H9z"));

    type Connection = Connection;

    fn validate(connection: &Connection) -> Vec<Problem> {
        connection.problems()
    }
}

#[async_trait]
impl ConnectSource for Nautobot {
    type Parameters = NoSettings;
    type Source = AsSource<NautobotSide>;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        mappings(Role::Source)
    }

    async fn connect_source(connection: Connection, _: NoSettings, context: ConnectContext) -> Result<Self::Source> {
        NautobotSide::connect(connection, context).await.map(AsSource)
    }
}

#[async_trait]
impl ConnectTarget for Nautobot {
    type Parameters = NoSettings;
    type Target = AsTarget<NautobotSide>;

    fn target_mappings(_: &NoSettings) -> Vec<DataMapping> {
        mappings(Role::Target)
    }

    fn target_capabilities(connection: &Connection, _: &NoSettings) -> Capabilities {
        let (batch_size, concurrency) = (connection.batch_size as usize, connection.write_connections as usize);
        Capabilities { batch_size, concurrency, preconditions: true, deletes: true, staging: false }
    }

    async fn connect_target(connection: Connection, _: NoSettings, context: ConnectContext) -> Result<Self::Target> {
        NautobotSide::connect(connection, context).await.map(AsTarget)
    }
}

register_connector!(Nautobot, source, target);

/// What becomes what, for people.
fn mappings(role: Role) -> Vec<DataMapping> {
    let of = |table: &Table| {
        let columns = table.columns_of(table.fields(role, true)).into_iter();
        DataMapping::table(table.schema.name, table.path, columns.map(|column| (column.field, column.native)))
    };
    tables(role).flat_map(of).collect()
}

/// The tables that a side speaks of.
fn tables(role: Role) -> impl Iterator<Item = &'static Table> {
    TABLES.iter().filter(move |table| !table.fields(role, true).is_empty())
}

impl NautobotSide {
    async fn connect(connection: Connection, context: ConnectContext) -> Result<Self> {
        Ok(Self { client: Client::connect(connection, &context).await?, prefixes: Mutex::default() })
    }
}

#[async_trait]
impl Side for NautobotSide {
    fn fields(&self, role: Role) -> ModelFields {
        let fields = |table: &Table| table.fields(role, self.client.has_speed);
        tables(role).fold(ModelFields::new(), |all, table| all.insert(table.schema, fields(table)))
    }

    async fn check(&self, role: Role) -> Result<CheckReport> {
        let mut report = CheckReport { system: format!("Nautobot {}", self.client.version), ..CheckReport::default() };
        for table in tables(role).filter(|table| table.is_listed()) {
            self.client.lists.check(&mut report, table.schema.plural, table.path, table.filter()).await?;
        }
        if role == Role::Target {
            report.warnings.extend(Writer::open(self.client.clone()).await?.lacks());
        }
        Ok(report)
    }

    async fn load(&self, _: Role, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let prefixes = read::load(&self.client, request, sink).await?;
        *self.prefixes.lock().unwrap_or_else(PoisonError::into_inner) = prefixes;
        Ok(())
    }

    /// Nautobot takes an address only within a prefix, and a speed only of what has a port.
    fn desired(&self, mut source: Snapshot, fields: &ModelFields) -> Result<Snapshot> {
        let drop_speed = |record: &mut Object| {
            let kind = record.get("type").and_then(Value::as_str).unwrap_or_default();
            if WITHOUT_SPEED.iter().any(|without| kind.starts_with(without)) {
                record.remove("speed");
            }
        };
        source.adjust(Interface::SCHEMA, fields.of(Interface::NAME), drop_speed, Vec::new())?;
        let prefixes = self.prefixes.lock().unwrap_or_else(PoisonError::into_inner);
        source.add_prefixes_of_addresses(fields, &prefixes)?;
        Ok(source)
    }

    fn capabilities(&self) -> Capabilities {
        Nautobot::target_capabilities(&self.client.connection, &NoSettings {})
    }

    fn releases(&self) -> &'static [Release] {
        RELEASES
    }

    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        Ok(Box::new(Writer::open(self.client.clone().on_condition(permit)).await?))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        let it = &self.client.connection;
        vec![
            ConfigItem::new("Base URL", &it.url),
            ConfigItem::new("Token", &it.token),
            ConfigItem::new("Location type of sites", &it.location_type),
            ConfigItem::new("Read", format!("{} pages of {} at once", it.read_connections, it.page_size)),
            ConfigItem::new("Written", format!("{} batches of {} at once", it.write_connections, it.batch_size)),
        ]
    }

    fn link(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Option<ObjectLink> {
        let path = by_name(model).ok()?.path;
        let url = format!("{}/{path}/{}/", self.client.connection.url, native?.id);
        Some(ObjectLink { label: key.to_string(), url: Url::parse(&url).ok()? })
    }
}
