//! Zabbix as a data target.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use syncline_core::change::{Change, Refusal};
use syncline_core::connector::ConnectTarget as _;
use syncline_core::describe::{self as described, CheckReport, ConfigItem, ObjectLink};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::permit::WritePermit;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::{Snapshot, SnapshotSink};
use syncline_core::source::Absence;
use syncline_core::target::{Capabilities, DataTarget, TargetWriter};
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::models::{
    Cluster, ClusterGroup, ClusterType, Device, DeviceRole, DeviceType, Host, HostGroup, HostStatus, Maintenance,
    Manufacturer, Platform, Site, Tag, Tenant, TenantGroup, VirtualChassis, VirtualMachine, Vrf,
};
use syncline_model::{AnyKey, Model as _};

use crate::Zabbix;
use crate::catalogue::Catalogue;
use crate::client::{ReadClient, WriteClient};
use crate::describe;
use crate::mapping::Desired;
use crate::mapping::host::HostMaker;
use crate::mapping::macros::Checks;
use crate::mapping::managed::Managed;
use crate::mapping::rules::{Mapping, VirtualChassisAs};
use crate::pickers;
use crate::read::host::Reading;
use crate::read::window::Ownership;
use crate::read::{self, Present};
use crate::settings::{Connection, TargetParameters};
use crate::write::Writer;
use syncline_core::expression::Expressions;

/// The hosts of a Zabbix.
pub struct ZabbixTarget {
    pub(crate) client: Arc<ReadClient>,
    pub(crate) connection: Connection,
    pub(crate) parameters: TargetParameters,
    pub(crate) expressions: Expressions,
    pub(crate) managed: Managed,
    pub(crate) checks: Arc<Checks>,
    /// What hosts refer to, once it was read.
    pub(crate) catalogue: OnceLock<Catalogue>,
    /// The hosts that people keep, as they were read last.
    pub(crate) present: Mutex<Present>,
    /// The hosts that are there and that the rules leave out.
    pub(crate) left_out: Mutex<BTreeSet<AnyKey>>,
}

impl ZabbixTarget {
    pub(crate) async fn catalogue(&self) -> Result<&Catalogue> {
        if let Some(read) = self.catalogue.get() {
            return Ok(read);
        }
        let read = Catalogue::read(&self.client).await?;
        Ok(self.catalogue.get_or_init(|| read))
    }

    async fn read_all(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        sink.note("zabbix version", self.client.version().to_string());
        let reading = Reading {
            dialect: self.client.dialect(),
            catalogue: self.catalogue().await?,
            managed: &self.managed,
            origin: &self.parameters.hosts.origin,
        };
        let page_size = self.connection.page_size as usize;
        let ownership = Ownership { origin: &self.parameters.hosts.origin, ignored: &self.parameters.ignored_tag };
        let present = read::load(&self.client, &reading, &ownership, page_size, request, sink).await?;
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = present;
        Ok(())
    }

    /// The fields of a host that the rules say something of.
    fn fields(&self) -> Vec<&'static str> {
        let rules = &self.parameters.hosts;
        let mut fields = vec!["host", "origin", "name", "status", "groups"];
        let said = [
            ("description", !rules.description.is_empty()),
            ("templates", !rules.templates.is_empty() || !rules.managed_templates.is_empty()),
            ("interfaces", !rules.interfaces.is_empty()),
            ("monitored_by", !rules.monitored_by.is_empty()),
            ("tags", !rules.tags.is_empty()),
            ("macros", !rules.macros.is_empty()),
            ("inventory_mode", rules.inventory.mode.is_some()),
            ("inventory", !rules.inventory.fields.is_empty()),
            ("encryption", !rules.encryption.is_empty()),
        ];
        fields.extend(said.into_iter().filter(|(_, said)| *said).map(|(field, _)| field));
        fields
    }
}

#[async_trait]
impl DataTarget for ZabbixTarget {
    fn holds(&self) -> ModelFields {
        let fields = ModelFields::new().all::<HostGroup>().only::<Host>(&self.fields());
        // Where no rule speaks of windows, the account needs no right to see them.
        if self.parameters.hosts.maintenances.is_empty() { fields } else { fields.all::<Maintenance>() }
    }

    fn capabilities(&self) -> Capabilities {
        Zabbix::target_capabilities(&self.connection, &self.parameters)
    }

    async fn check(&self) -> Result<CheckReport> {
        describe::check(&self.client, Some(&self.parameters)).await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        request.unless_cancelled(Box::pin(self.read_all(request, sink))).await
    }

    fn needs(&self) -> Option<ModelFields> {
        Some(needs(&self.parameters.hosts, &self.expressions))
    }

    fn desired(&self, source: Snapshot, fields: &ModelFields) -> Result<Snapshot> {
        let catalogue = self
            .catalogue
            .get()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "hosts are made before it is known what they refer to"))?;
        let maker = HostMaker {
            mapping: &self.parameters.hosts,
            expressions: &self.expressions,
            dialect: self.client.dialect(),
            checks: &self.checks,
            managed: &self.managed,
        };
        let names = catalogue.template_names();
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = (&names, &catalogue.visible_templates);
        let desired = Desired { maker, taken, present: &present, now: self.client.session().now() };
        let (made, left_out) = desired.of(source, fields)?;
        *self.left_out.lock().unwrap_or_else(PoisonError::into_inner) = left_out;
        Ok(made)
    }

    fn explain_absence(&self, model: &str, keys: &[AnyKey]) -> Vec<Absence> {
        let left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        let explain = |key: &AnyKey| match model == Host::NAME && left_out.contains(key) {
            true => Absence::OutOfScope,
            false => Absence::Gone,
        };
        keys.iter().map(explain).collect()
    }

    fn mark(&self, model: &str) -> Vec<(&'static str, Value)> {
        let Some(graveyard) = self.parameters.hosts.graveyard().filter(|_| model == Host::NAME) else {
            return Vec::new();
        };
        let group = Value::Array(HostGroup::key_of(&graveyard).to_any().parts());
        vec![("status", HostStatus::Unmonitored.as_str().into()), ("groups", Value::Array(vec![group]))]
    }

    async fn refusals(&self, changes: &[&Change]) -> Result<Vec<Option<Refusal>>> {
        match changes.first() {
            Some(first) if first.model == Host::NAME => self.foreseen(changes).await,
            Some(first) if first.model == Maintenance::NAME => self.foreseen_windows(changes).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        // What was read for the plan may be hours old.
        let catalogue = Catalogue::read(&self.client).await?;
        let client = WriteClient::open(&self.client, permit);
        let sizes = (self.connection.batch_size as usize, self.connection.page_size as usize);
        let writer =
            Writer::new(self.client.clone(), client, catalogue, self.parameters.clone(), self.checks.clone(), sizes);
        Ok(Box::new(writer))
    }

    async fn catalogues(&self) -> Result<Vec<described::Catalogue>> {
        pickers::catalogues(&self.client).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        describe::configuration(&self.connection, &self.parameters)
    }

    async fn lookup_object(&self, model: &str, _: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        Ok(native.and_then(|native| describe::link(&self.client, model, native)))
    }
}

/// What the rules speak of, and no more: reading what nobody asks for costs the source.
fn needs(rules: &Mapping, expressions: &Expressions) -> ModelFields {
    let said: BTreeSet<String> = rules.texts().into_iter().flat_map(|text| expressions.speaks_of(text)).collect();
    let says = |names: &[&str]| names.iter().any(|name| said.contains(*name));
    let mut device = vec!["site", "name", "status"];
    let mut needs = ModelFields::new().all::<Site>();
    if says(&["role"]) {
        device.push("role");
        needs = needs.only::<DeviceRole>(&["name"]);
    }
    if says(&["platform"]) {
        device.push("platform");
        needs = needs.only::<Platform>(&["name"]);
    }
    if says(&["device_type", "manufacturer"]) {
        device.push("device_type");
        needs = needs.only::<Manufacturer>(&["name"]).all::<DeviceType>();
    }
    if rules.virtual_chassis == VirtualChassisAs::Host || says(&["virtual_chassis", "vc_position"]) {
        device.extend(["virtual_chassis", "vc_position"]);
        needs = needs.all::<VirtualChassis>();
    }
    // What devices and virtual machines have alike.
    let mut both = Vec::new();
    if says(&["tags"]) {
        both.push("tags");
        needs = needs.only::<Tag>(&["name"]);
    }
    both.extend(["serial", "custom_fields", "config_context"].into_iter().filter(|name| said.contains(*name)));
    if says(&["primary_ip", "primary_ip4", "primary_ip6"]) {
        // An address is known by its VRF and itself, which is all that is wanted of it.
        both.extend(["primary_ip4", "primary_ip6"]);
        needs = needs.only::<Vrf>(&["name"]);
    }
    if says(&["tenant"]) {
        both.push("tenant");
        needs = needs.all::<TenantGroup>().all::<Tenant>();
    }
    if says(&["cluster"]) || rules.virtual_machines {
        // A virtual machine is known by its cluster.
        needs = needs.all::<ClusterType>().all::<ClusterGroup>().only::<Cluster>(&["type", "status"]);
    }
    if says(&["cluster"]) {
        device.push("cluster");
    }
    device.extend(&both);
    if rules.virtual_machines {
        let own = ["role", "platform", "device", "vcpus", "memory", "disk"];
        let mut machine = vec!["status"];
        machine.extend(own.into_iter().filter(|name| said.contains(*name)));
        machine.extend(&both);
        needs = needs.only::<VirtualMachine>(&machine);
    }
    needs.only::<Device>(&device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_asked_for_what_the_rules_speak_of() {
        let needs = |rules: Value| {
            let rules: Mapping = serde_json::from_value(rules).unwrap();
            let needs = needs(&rules, &Expressions::about(crate::mapping::facts::Facts::example()));
            let models: Vec<_> = needs.iter().map(|(schema, _)| schema.name).collect();
            (models, needs.of("device").contains(Device::SCHEMA.position("serial").unwrap()))
        };
        let (models, serial) = needs(serde_json::json!({}));
        assert_eq!((models, serial), (vec!["device", "device_role", "site", "virtual_chassis"], false));
        let (models, serial) = needs(serde_json::json!({
            "virtual_chassis": "members", "groups": [{"name": "All"}], "when": "'snmp' in tags and serial",
        }));
        assert_eq!((models, serial), (vec!["device", "site", "tag"], true));
        let (models, _) = needs(serde_json::json!({
            "virtual_chassis": "members", "virtual_machines": true, "groups": [{"name": "{{ tenant.name }}"}],
            "interfaces": [{"type": "agent"}],
        }));
        assert_eq!(
            models,
            [
                "cluster",
                "cluster_group",
                "cluster_type",
                "device",
                "site",
                "tenant",
                "tenant_group",
                "virtual_machine",
                "vrf"
            ]
        );
    }
}
