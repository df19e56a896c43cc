//! Zabbix as the side that is read as truth: to fill a new NetBox from the hosts that are monitored.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use async_trait::async_trait;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::{Map, Value, json};
use syncline_core::Result;
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping, ObjectLink};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::DataSource;
use syncline_model::models::{
    Device, DeviceRole, DeviceStatus, DeviceType, Interface, InterfaceType, IpAddress, IpAddressStatus, Manufacturer,
    Platform, Site, SiteStatus, Vrf,
};
use syncline_model::{AnyKey, IpHost, Model as _, Slug, Text};

use crate::catalogue::Catalogue;
use crate::client::ReadClient;
use crate::describe;
use crate::read::rows::HostRow;
use crate::read::{all_ids, rows_with};
use crate::settings::{Connection, SourceParameters};
use syncline_core::expression::{Expressions, Unsaid};

/// The hosts of a Zabbix as devices.
pub struct ZabbixSource {
    pub(crate) client: ReadClient,
    pub(crate) connection: Connection,
    pub(crate) parameters: SourceParameters,
}

/// What the rules can speak of.
#[derive(Default, Serialize)]
pub(crate) struct Facts {
    host: String,
    name: String,
    monitored: bool,
    description: String,
    groups: Vec<String>,
    templates: Vec<String>,
    tags: BTreeMap<String, String>,
    inventory: Map<String, Value>,
    ip: String,
    dns: String,
}

impl Facts {
    /// The facts that there are, as an example in which null is data of any shape: tags have any names.
    pub(crate) fn example() -> Value {
        let mut example = serde_json::to_value(Self::default()).unwrap_or_default();
        for open in ["tags", "inventory"] {
            example[open] = Value::Null;
        }
        example
    }
}

/// What the records of one host are made of.
struct Told {
    name: Text,
    site: Text,
    role: Text,
    manufacturer: Text,
    model: Text,
    platform: Option<Text>,
    serial: Option<Text>,
    is_active: bool,
    addresses: Vec<IpHost>,
}

/// The records that hosts refer to, by slug: each is said once.
#[derive(Default)]
struct Shared {
    sites: BTreeMap<Slug, Text>,
    roles: BTreeMap<Slug, Text>,
    manufacturers: BTreeMap<Slug, Text>,
    types: BTreeMap<(Slug, Slug), Text>,
    platforms: BTreeMap<Slug, Text>,
}

#[async_trait]
impl DataSource for ZabbixSource {
    fn knows(&self) -> ModelFields {
        ModelFields::new()
            .only::<Site>(&["name", "status"])
            .only::<Manufacturer>(&["name"])
            .only::<DeviceType>(&["model"])
            .only::<DeviceRole>(&["name"])
            .only::<Platform>(&["name"])
            .only::<Device>(&["device_type", "role", "platform", "status", "serial"])
            .only::<Interface>(&["type", "enabled"])
            .initial::<Interface>(&["type"])
            // Addresses are known by their VRF: all of these are in the global table.
            .only::<Vrf>(&["name"])
            .only::<IpAddress>(&["address", "status", "interface"])
    }

    async fn check(&self) -> Result<CheckReport> {
        describe::check(&self.client, None).await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        request.unless_cancelled(Box::pin(self.read_all(request, sink))).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        describe::connection(&self.connection)
    }

    async fn lookup_object(&self, model: &str, _: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        Ok(native.filter(|_| model == "device").and_then(|native| describe::link(&self.client, "host", native)))
    }
}

/// What becomes what, by the expressions.
pub(crate) fn mappings(parameters: &SourceParameters) -> Vec<DataMapping> {
    let SourceParameters { name, site, role, manufacturer, device_type, platform, serial, interface, .. } = parameters;
    vec![
        DataMapping::model("device", "host"),
        DataMapping::field("device", "name", name),
        DataMapping::field("device", "site", site),
        DataMapping::field("device", "role", role),
        DataMapping::field("device", "device_type", format!("{manufacturer} {device_type}")),
        DataMapping::field("device", "platform", platform),
        DataMapping::field("device", "serial", serial),
        DataMapping::field("device", "status", "status").with_note("monitored is active, unmonitored offline"),
        DataMapping::model("interface", "interfaces").with_note(format!("one for all addresses: `{interface}`")),
        DataMapping::field("ip_address", "address", "ip").with_note("its mask is not known: all of it"),
    ]
}

impl ZabbixSource {
    async fn read_all(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        sink.note("zabbix version", self.client.version().to_string());
        let catalogue = Catalogue::read(&self.client).await?;
        let expressions = Expressions::about(Facts::example());
        let mut shared = Shared::default();
        let mut devices = sink.open::<Device>()?;
        let mut interfaces = request.fields.has(Interface::NAME).then(|| sink.open::<Interface>()).transpose()?;
        let mut addresses = request.fields.has(IpAddress::NAME).then(|| sink.open::<IpAddress>()).transpose()?;
        let ids = all_ids(&self.client).await?;
        devices.expect(ids.len() as u64);
        for page in ids.chunks(self.connection.page_size.max(1) as usize) {
            for row in rows_with::<HostRow>(&self.client, &self.query(), page.to_vec()).await? {
                let facts = facts(&row, &catalogue);
                let label = format!("host `{}`", row.host);
                let told = match self.told(&expressions, facts, &row) {
                    Ok(Some(told)) => told,
                    Ok(None) => {
                        devices.skip("not selected by `when`");
                        continue;
                    }
                    Err(unsaid) => {
                        devices.reject(label, unsaid.rule.clone(), unsaid.to_string());
                        continue;
                    }
                };
                let device = match shared.device(&told) {
                    Ok(device) => device,
                    Err((field, message)) => {
                        devices.reject(label, field, message);
                        continue;
                    }
                };
                let key = device.key();
                devices.push(&device, Some(&Native::new(&row.hostid))).await?;
                let Some(port) = Text::new(&self.parameters.interface).filter(|_| !told.addresses.is_empty()) else {
                    continue;
                };
                let interface = Interface {
                    device: key,
                    name: port,
                    r#type: InterfaceType::Unknown,
                    enabled: true,
                    mtu: None,
                    speed: None,
                    description: None,
                    lag: None,
                    mode: None,
                    untagged_vlan: None,
                };
                if let Some(interfaces) = &mut interfaces {
                    interfaces.push(&interface, None).await?;
                }
                if let Some(sink) = &mut addresses {
                    for address in told.addresses {
                        let address = IpAddress {
                            vrf: None,
                            address,
                            status: IpAddressStatus::Active,
                            role: None,
                            interface: Some(interface.key()),
                            description: None,
                        };
                        sink.push(&address, None).await?;
                    }
                }
            }
        }
        shared.load(request, sink).await?;
        devices.complete().await?;
        if let Some(interfaces) = interfaces {
            interfaces.complete().await?;
        }
        match addresses {
            Some(addresses) => addresses.complete().await,
            None => Ok(()),
        }
    }

    fn query(&self) -> Value {
        json!({
            "output": ["hostid", "host", "name", "status", "description"],
            "selectInterfaces": ["interfaceid", "type", "main", "useip", "ip", "dns", "port"],
            "selectParentTemplates": ["templateid"],
            "selectTags": ["tag", "value"],
            "selectInventory": "extend",
            (self.client.dialect().host_groups.0): ["groupid"],
        })
    }

    fn told(&self, expressions: &Expressions, facts: Facts, row: &HostRow) -> Result<Option<Told>, Unsaid> {
        let SourceParameters { when, name, site, role, manufacturer, device_type, platform, serial, .. } =
            &self.parameters;
        let is_active = facts.monitored;
        let facts = minijinja::Value::from(Serde(facts));
        if !expressions.holds("when", when, &facts)? {
            return Ok(None);
        }
        let said = |rule: &str, text: &str| Ok::<_, Unsaid>(Text::new(&expressions.say(rule, text, &facts)?));
        let needed = |rule: &str, text: &str| {
            said(rule, text)?.ok_or_else(|| Unsaid {
                rule: rule.to_owned(),
                text: text.to_owned(),
                problem: "it comes out empty".to_owned(),
            })
        };
        Ok(Some(Told {
            name: needed("name", name)?,
            site: needed("site", site)?,
            role: needed("role", role)?,
            manufacturer: needed("manufacturer", manufacturer)?,
            model: needed("device_type", device_type)?,
            platform: said("platform", platform)?,
            serial: said("serial", serial)?,
            is_active,
            addresses: addresses(row),
        }))
    }
}

impl Shared {
    /// The device of a host; what it refers to is noted.
    fn device(&mut self, told: &Told) -> Result<Device, (&'static str, String)> {
        let slug = |field: &'static str, text: &Text| {
            Slug::from_name(text.as_str()).ok_or_else(|| (field, format!("nothing of `{text}` can be a slug")))
        };
        let (site, role, manufacturer) =
            (slug("site", &told.site)?, slug("role", &told.role)?, slug("manufacturer", &told.manufacturer)?);
        let model = slug("device_type", &told.model)?;
        let platform = told.platform.as_ref().map(|text| slug("platform", text)).transpose()?;
        self.sites.entry(site.clone()).or_insert_with(|| told.site.clone());
        self.roles.entry(role.clone()).or_insert_with(|| told.role.clone());
        self.manufacturers.entry(manufacturer.clone()).or_insert_with(|| told.manufacturer.clone());
        self.types.entry((manufacturer.clone(), model.clone())).or_insert_with(|| told.model.clone());
        if let (Some(slug), Some(name)) = (&platform, &told.platform) {
            self.platforms.entry(slug.clone()).or_insert_with(|| name.clone());
        }
        Ok(Device {
            site: Site::key_of(&site),
            name: told.name.clone(),
            device_type: DeviceType::key_of(&Manufacturer::key_of(&manufacturer), &model),
            role: DeviceRole::key_of(&role),
            platform: platform.as_ref().map(Platform::key_of),
            status: if told.is_active { DeviceStatus::Active } else { DeviceStatus::Offline },
            serial: told.serial.clone(),
            virtual_chassis: None,
            vc_position: None,
            primary_ip4: None,
            primary_ip6: None,
            tags: BTreeSet::new(),
            tenant: None,
            cluster: None,
            custom_fields: None,
            config_context: None,
        })
    }

    async fn load(self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let wants = |model| request.fields.has(model);
        if wants(Site::NAME) {
            let mut sites = sink.open::<Site>()?;
            for (slug, name) in self.sites {
                let site = Site { slug, name, status: SiteStatus::Active, physical_address: None };
                sites.push(&site, None).await?;
            }
            sites.complete().await?;
        }
        if wants(DeviceRole::NAME) {
            let mut roles = sink.open::<DeviceRole>()?;
            for (slug, name) in self.roles {
                roles.push(&DeviceRole { slug, name, color: None }, None).await?;
            }
            roles.complete().await?;
        }
        if wants(Manufacturer::NAME) {
            let mut manufacturers = sink.open::<Manufacturer>()?;
            for (slug, name) in self.manufacturers {
                manufacturers.push(&Manufacturer { slug, name }, None).await?;
            }
            manufacturers.complete().await?;
        }
        if wants(DeviceType::NAME) {
            let mut types = sink.open::<DeviceType>()?;
            for ((manufacturer, slug), model) in self.types {
                let manufacturer = Manufacturer::key_of(&manufacturer);
                types.push(&DeviceType { manufacturer, slug, model, part_number: None }, None).await?;
            }
            types.complete().await?;
        }
        if wants(Vrf::NAME) {
            sink.open::<Vrf>()?.complete().await?;
        }
        if wants(Platform::NAME) {
            let mut platforms = sink.open::<Platform>()?;
            for (slug, name) in self.platforms {
                platforms.push(&Platform { slug, name, manufacturer: None }, None).await?;
            }
            platforms.complete().await?;
        }
        Ok(())
    }
}

fn facts(row: &HostRow, catalogue: &Catalogue) -> Facts {
    let groups = row.groups.iter().flatten().filter_map(|group| catalogue.groups.name(&group.groupid));
    let templates = row.templates.iter().filter_map(|template| catalogue.templates.name(&template.templateid));
    let mut tags = BTreeMap::new();
    for tag in &row.tags {
        // The first value of a name that has several.
        tags.entry(tag.tag.clone()).or_insert_with(|| tag.value.clone());
    }
    let main = row.interfaces.iter().find(|object| crate::read::host::is_main(object));
    let of_main = |field: &str| main.and_then(|object| object.get(field)?.as_str()).unwrap_or_default().to_owned();
    Facts {
        host: row.host.clone(),
        name: row.name.clone(),
        monitored: row.status == "0",
        description: row.description.clone(),
        groups: groups.map(str::to_owned).collect(),
        templates: templates.map(str::to_owned).collect(),
        tags,
        inventory: row.inventory.clone(),
        ip: of_main("ip"),
        dns: of_main("dns"),
    }
}

/// The addresses of a host's interfaces, each once. Loopback, macros and what is no address are left out.
fn addresses(row: &HostRow) -> Vec<IpHost> {
    let texts = row.interfaces.iter().filter_map(|object| object.get("ip")?.as_str());
    let addresses: BTreeSet<IpAddr> = texts.filter_map(|text| text.parse().ok()).collect();
    let whole = |address: IpAddr| IpHost::new(address, if address.is_ipv4() { 32 } else { 128 });
    addresses.into_iter().filter(|address| !address.is_loopback()).filter_map(whole).collect()
}
