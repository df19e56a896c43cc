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
use syncline_core::table::{self, each, text};
use syncline_model::{AnyKey, FieldSet, Model as _, models::Interface};
use url::Url;

pub use crate::settings::Connection;

use crate::client::{Client, KNOWN};
use crate::tables::{TABLES, Table, fields, is_listed};
use crate::write::Writer;

/// Nautobot, 2.4 to 3.2.
#[derive(Debug)]
pub struct Nautobot;

/// A Nautobot, on either side of a sync.
pub struct NautobotSide {
    client: Client,
    /// The prefixes that were read, as addresses need one.
    prefixes: Mutex<Prefixes>,
}

/// What stands at sites.
const TAKEN: [&str; 3] = ["content type dcim.device", "content type ipam.prefix", "content type ipam.vlan"];

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
    TABLES.iter().flat_map(|table| table.mappings(fields(table, role, true))).collect()
}

impl NautobotSide {
    async fn connect(connection: Connection, context: ConnectContext) -> Result<Self> {
        Ok(Self { client: Client::connect(connection, &context).await?, prefixes: Mutex::default() })
    }
}

#[async_trait]
impl Side for NautobotSide {
    fn fields(&self, role: Role) -> ModelFields {
        let of = |table: &&Table| (table.schema, fields(table, role, self.client.has_speed));
        let is_any = |(_, fields): &(_, FieldSet)| !fields.is_empty();
        let models = TABLES.iter().map(|table| of(&table)).filter(is_any);
        models.fold(ModelFields::new(), |all, (schema, fields)| all.insert(schema, fields))
    }

    async fn check(&self, role: Role) -> Result<CheckReport> {
        let mut report = CheckReport { system: format!("Nautobot {}", self.client.version), ..CheckReport::default() };
        report.warnings.extend(KNOWN.warning(self.client.version));
        for table in TABLES.iter().filter(|table| is_listed(table) && !fields(table, role, true).is_empty()) {
            let (lists, is_written) = (&self.client.lists, role == Role::Target);
            lists.check(&mut report, table.schema.plural, table.path, is_written).await?;
        }
        self.client.lists.check(&mut report, "namespaces", "ipam/namespaces", false).await?;
        let (kind, parent) = (self.client.location_type().await, self.client.location_parent().await);
        if let (Role::Target, Ok(kind), Ok(parent)) = (role, &kind, &parent) {
            let takes = |model: &&str| each(&kind["content_types"]).any(|of| model.ends_with(&text(&of["model"])));
            let lacks = TAKEN.into_iter().filter(|model| !takes(model));
            let asks = (kind["parent"].is_object() && parent.is_null()).then_some("parent: give `location_parent`");
            let told = lacks.chain(asks).map(|what| format!("the location type of sites lacks its {what}"));
            report.warnings.extend(told);
        }
        report.warnings.extend([kind, parent].into_iter().filter_map(Result::err).map(|error| error.to_string()));
        Ok(report)
    }

    async fn load(&self, _: Role, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let prefixes = read::load(&self.client, request, sink).await?;
        *self.prefixes.lock().unwrap_or_else(PoisonError::into_inner) = prefixes;
        Ok(())
    }

    /// Nautobot takes an address only within a prefix, a speed only of what has a port, and one MAC address for each interface.
    fn desired(&self, mut source: Snapshot, fields: &ModelFields) -> Result<Snapshot> {
        let drop_speed = |record: &mut Object| {
            let kind = record.get("type").and_then(Value::as_str).unwrap_or_default();
            if WITHOUT_SPEED.iter().any(|without| kind.starts_with(without)) {
                record.remove("speed");
            }
            Ok(())
        };
        source.adjust(Interface::SCHEMA, fields.of(Interface::NAME), drop_speed, Vec::new())?;
        source.keep_mac_addresses_of_interfaces(fields)?;
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
            ConfigItem::new("New sites are below", it.location_parent.as_deref().unwrap_or("-")),
            ConfigItem::new("Read", format!("{} pages of {} at once", it.read_connections, it.page_size)),
            ConfigItem::new("Written", format!("{} batches of {} at once", it.write_connections, it.batch_size)),
        ]
    }

    fn link(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Option<ObjectLink> {
        let path = table::of(TABLES, model).ok()?.path;
        let url = format!("{}/{path}/{}/", self.client.connection.url, native?.id);
        Some(ObjectLink { label: key.to_string(), url: Url::parse(&url).ok()? })
    }
}
