//! Rows become records, normalised as the models do it.

use std::collections::BTreeSet;

use syncline_model::models::{
    Cluster, ClusterGroup, ClusterStatus, ClusterType, Device, DeviceRole, DeviceStatus, DeviceType, Interface,
    InterfaceMode, InterfaceType, IpAddress, IpAddressRole, IpAddressStatus, MacAddress, Manufacturer, Platform,
    Prefix, PrefixStatus, Site, SiteStatus, Tag, Tenant, TenantGroup, VirtualChassis, VirtualMachine,
    VirtualMachineStatus, Vlan, VlanStatus, Vrf,
};
use syncline_model::{Json, Key, Model, ParseError, Slug, Text, VlanId};

use super::Reading;
use super::known::{Known, Refusal};
use crate::rows::{
    CatalogueRow, Choice, ClusterRow, DeviceRow, DeviceTypeRow, Generic, Id, InterfaceRow, IpAddressRow, MacAddressRow,
    PrefixRow, Ref, Relation, Row, SiteRow, VirtualChassisRow, VirtualMachineRow, VlanRow, VrfRow,
};

/// A model whose rows become records on their own.
pub(super) trait Readable: Model {
    /// The row.
    type Row: Row;

    /// The record of a row, or why it is none.
    fn record(row: Self::Row, known: &Known, reading: &Reading<'_>) -> Result<Self, Refusal>;
}

/// Rows that are addresses of virtual machines, redundancy groups or devices that no model expresses.
const FOREIGN: &str = "assigned to something that is no interface of a device";
/// Rows outside the sync's scope.
pub(super) const OUT_OF_SCOPE: &str = "outside the scope of the sync";

impl Readable for Tag {
    type Row = CatalogueRow;

    fn record(row: CatalogueRow, _: &Known, _: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self { slug: slug(&row.slug)?, name: name(&row.name)?, color: text(row.color) })
    }
}

impl Readable for Site {
    type Row = SiteRow;

    fn record(row: SiteRow, _: &Known, reading: &Reading<'_>) -> Result<Self, Refusal> {
        if !reading.scope.has_site(&row.slug) {
            return Err(Refusal::Skip(OUT_OF_SCOPE));
        }
        Ok(Self {
            slug: slug(&row.slug)?,
            name: name(&row.name)?,
            status: choice(&row.status, SiteStatus::from_value).unwrap_or(SiteStatus::Active),
            physical_address: text(row.physical_address),
        })
    }
}

/// Models that have a short and a full name, and nothing else.
macro_rules! named {
    ($($model:ty),*) => {$(
        impl Readable for $model {
            type Row = CatalogueRow;

            fn record(row: CatalogueRow, _: &Known, _: &Reading<'_>) -> Result<Self, Refusal> {
                Ok(Self { slug: slug(&row.slug)?, name: name(&row.name)? })
            }
        }
    )*};
}
named!(Manufacturer, TenantGroup, ClusterType, ClusterGroup);

impl Readable for DeviceType {
    type Row = DeviceTypeRow;

    fn record(row: DeviceTypeRow, known: &Known, _: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            manufacturer: known.manufacturers.referred("manufacturer", row.manufacturer)?,
            slug: slug(&row.slug)?,
            model: required("model", &row.model)?,
            part_number: text(row.part_number),
        })
    }
}

impl Readable for DeviceRole {
    type Row = CatalogueRow;

    fn record(row: CatalogueRow, _: &Known, _: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self { slug: slug(&row.slug)?, name: name(&row.name)?, color: text(row.color) })
    }
}

impl Readable for Platform {
    type Row = CatalogueRow;

    fn record(row: CatalogueRow, known: &Known, _: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            slug: slug(&row.slug)?,
            name: name(&row.name)?,
            manufacturer: known.manufacturers.optional("manufacturer", row.manufacturer)?,
        })
    }
}

impl Readable for Vlan {
    type Row = VlanRow;

    fn record(row: VlanRow, known: &Known, reading: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            site: site(known, reading, "site", row.site)?,
            vid: VlanId::new(row.vid).map_err(|error| parse("vid", &error))?,
            name: name(&row.name)?,
            status: choice(&row.status, VlanStatus::from_value).unwrap_or(VlanStatus::Active),
        })
    }
}

impl Readable for Vrf {
    type Row = VrfRow;

    fn record(row: VrfRow, _: &Known, _: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            name: name(&row.name)?,
            rd: text(row.rd),
            description: text(row.description),
            enforce_unique: row.enforce_unique,
        })
    }
}

impl Readable for Prefix {
    type Row = PrefixRow;

    fn record(row: PrefixRow, known: &Known, reading: &Reading<'_>) -> Result<Self, Refusal> {
        let scope = scope(row.scope.as_ref(), row.scope_type.as_deref(), row.scope_id);
        Ok(Self {
            vrf: known.vrfs.optional("vrf", row.vrf)?,
            prefix: row.prefix.parse().map_err(|error| parse("prefix", &error))?,
            status: choice(&row.status, PrefixStatus::from_value).unwrap_or(PrefixStatus::Active),
            site: site(known, reading, "site", scope)?,
            description: text(row.description),
        })
    }
}

impl Readable for MacAddress {
    type Row = MacAddressRow;

    fn record(row: MacAddressRow, known: &Known, reading: &Reading<'_>) -> Result<Self, Refusal> {
        let relation = Relation::assigned(
            row.assigned_object.as_ref(),
            row.assigned_object_type.as_deref(),
            row.assigned_object_id,
        );
        let interface = match relation {
            Relation::To(id) => Some(known.interface(id).ok_or_else(|| known.refuse_interface(id))?),
            Relation::None if !reading.scope.restricted => None,
            Relation::None => return Err(Refusal::Skip(OUT_OF_SCOPE)),
            // Another record with the same address is no second one: NetBox keeps as many as there are interfaces.
            Relation::Foreign(_) => return Err(Refusal::Skip(FOREIGN)),
        };
        let mac_address = row.mac_address.parse().map_err(|error| parse("mac_address", &error))?;
        Ok(Self { interface, mac_address })
    }
}

impl Readable for Tenant {
    type Row = CatalogueRow;

    fn record(row: CatalogueRow, known: &Known, _: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            slug: slug(&row.slug)?,
            name: name(&row.name)?,
            group: known.tenant_groups.optional("group", row.group)?,
        })
    }
}

impl Readable for Cluster {
    type Row = ClusterRow;

    fn record(row: ClusterRow, known: &Known, reading: &Reading<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            site: site(known, reading, "site", scope(row.scope.as_ref(), row.scope_type.as_deref(), row.scope_id))?,
            group: known.cluster_groups.optional("group", row.group)?,
            name: name(&row.name)?,
            r#type: match row.r#type {
                None if !reading.wants::<Self>("type") => placeholder(),
                reference => known.cluster_types.referred("type", asked(reference))?,
            },
            status: choice(&row.status, ClusterStatus::from_value).unwrap_or(ClusterStatus::Active),
            tenant: known.tenants.optional("tenant", row.tenant)?,
        })
    }
}

/// The virtual chassis of a row without its master, which is a device.
pub(super) fn virtual_chassis(row: &VirtualChassisRow) -> Result<VirtualChassis, Refusal> {
    Ok(VirtualChassis { name: name(&row.name)?, domain: Text::of(row.domain.as_deref()), master: None })
}

/// The device of a row without its primary addresses.
pub(super) fn device(row: &DeviceRow, known: &Known, reading: &Reading<'_>) -> Result<Device, Refusal> {
    let Some(name) = Text::of(row.name.as_deref()) else {
        return Err(Refusal::Skip("a device without a name"));
    };
    let in_a_site = !reading.scope.restricted || known.sites.get(row.site.id.0).is_some();
    if !in_a_site || !reading.scope.has_tag(&row.tags) {
        return Err(Refusal::Skip(OUT_OF_SCOPE));
    }
    let tags = row.tags.iter().map(|tag| known.tags.referred("tags", *tag));
    let tags = if reading.wants::<Device>("tags") { tags.collect::<Result<_, _>>()? } else { BTreeSet::new() };
    Ok(Device {
        site: known.sites.referred("site", row.site)?,
        name,
        device_type: match row.device_type {
            None if !reading.wants::<Device>("device_type") => placeholder(),
            reference => known.device_types.referred("device_type", asked(reference))?,
        },
        role: match row.role {
            None if !reading.wants::<Device>("role") => placeholder(),
            reference => known.device_roles.referred("role", asked(reference))?,
        },
        platform: known.platforms.optional("platform", row.platform)?,
        status: choice(&row.status, DeviceStatus::from_value).unwrap_or(DeviceStatus::Active),
        serial: Text::of(row.serial.as_deref()),
        virtual_chassis: known.virtual_chassis.optional("virtual_chassis", row.virtual_chassis)?,
        vc_position: row.vc_position.and_then(|position| position.try_into().ok()),
        primary_ip4: None,
        primary_ip6: None,
        tags,
        tenant: known.tenants.optional("tenant", row.tenant)?,
        cluster: known.clusters.unless_hidden("cluster", row.cluster)?,
        custom_fields: row.custom_fields.clone().and_then(Json::of),
        config_context: row.config_context.clone().and_then(Json::of),
    })
}

/// The interface of a row without its aggregate, which may come later.
pub(super) fn interface(row: &InterfaceRow, known: &Known) -> Result<Interface, Refusal> {
    let Some(device) = known.devices.get(row.device.id.0) else {
        return Err(known.refuse_device(row.device.id.0));
    };
    Ok(Interface {
        device: device.clone(),
        name: name(&row.name)?,
        r#type: choice(&row.r#type, InterfaceType::from_value).unwrap_or(InterfaceType::Unknown),
        enabled: row.enabled,
        mtu: row.mtu.and_then(|mtu| mtu.try_into().ok()),
        speed: row.speed,
        description: Text::of(row.description.as_deref()),
        lag: None,
        mode: choice(&row.mode, InterfaceMode::from_value),
        untagged_vlan: known.vlans.optional("untagged_vlan", row.untagged_vlan)?,
    })
}

/// The address of a row.
pub(super) fn ip_address(row: &IpAddressRow, known: &Known, reading: &Reading<'_>) -> Result<IpAddress, Refusal> {
    let relation =
        Relation::assigned(row.assigned_object.as_ref(), row.assigned_object_type.as_deref(), row.assigned_object_id);
    let interface = match relation {
        Relation::None if !reading.scope.restricted => None,
        Relation::None => return Err(Refusal::Skip(OUT_OF_SCOPE)),
        Relation::To(id) => match known.interface(id) {
            Some(key) => Some(key),
            None if reading.is_target() && known.hidden_interfaces.contains(&id) => None,
            None => return Err(known.refuse_interface(id)),
        },
        // In a target the address is taken: its record keeps it from being created a second time, and the writer leaves the
        // assignment alone. A source that said null here would unassign it elsewhere.
        Relation::Foreign(_) if reading.is_target() => None,
        Relation::Foreign(_) => return Err(Refusal::Skip(FOREIGN)),
    };
    Ok(IpAddress {
        vrf: known.vrfs.optional("vrf", row.vrf)?,
        address: row.address.parse().map_err(|error| parse("address", &error))?,
        status: choice(&row.status, IpAddressStatus::from_value).unwrap_or(IpAddressStatus::Active),
        role: choice(&row.role, IpAddressRole::from_value),
        interface,
        description: Text::of(row.description.as_deref()),
    })
}

/// The key of an address, whatever it is assigned to.
pub(super) fn ip_address_key(row: &IpAddressRow, known: &Known) -> Result<Key<IpAddress>, Refusal> {
    let address = row.address.parse().map_err(|error| parse("address", &error))?;
    Ok(IpAddress::key_of(&known.vrfs.optional("vrf", row.vrf)?, &address))
}

/// The virtual machine of a row without its primary addresses.
pub(super) fn virtual_machine(
    row: &VirtualMachineRow,
    known: &Known,
    reading: &Reading<'_>,
) -> Result<VirtualMachine, Refusal> {
    let in_a_site = !reading.scope.restricted || row.site.is_some_and(|site| known.sites.get(site.id.0).is_some());
    if !in_a_site || !reading.scope.has_tag(&row.tags) {
        return Err(Refusal::Skip(OUT_OF_SCOPE));
    }
    let tags = row.tags.iter().map(|tag| known.tags.referred("tags", *tag));
    let tags = if reading.wants::<VirtualMachine>("tags") { tags.collect::<Result<_, _>>()? } else { BTreeSet::new() };
    Ok(VirtualMachine {
        site: known.sites.optional("site", row.site)?,
        cluster: known.clusters.unless_hidden("cluster", row.cluster)?,
        name: name(&row.name)?,
        device: match row.device {
            Some(Ref { id }) if known.hidden_devices.contains(&id.0) => None,
            device => known.devices.optional("device", device)?,
        },
        role: known.device_roles.optional("role", row.role)?,
        platform: known.platforms.optional("platform", row.platform)?,
        status: choice(&row.status, VirtualMachineStatus::from_value).unwrap_or(VirtualMachineStatus::Active),
        tenant: known.tenants.optional("tenant", row.tenant)?,
        serial: Text::of(row.serial.as_deref()),
        vcpus: row.vcpus.as_ref().and_then(|vcpus| Text::new(&vcpus.0)),
        memory: row.memory,
        disk: row.disk,
        primary_ip4: None,
        primary_ip6: None,
        tags,
        custom_fields: row.custom_fields.clone().and_then(Json::of),
        config_context: row.config_context.clone().and_then(Json::of),
    })
}

/// The site that something belongs to. A region, a location or a group of sites has no field; a writer leaves it alone.
fn scope(scope: Option<&Generic>, kind: Option<&str>, id: Option<Id>) -> Option<Ref> {
    match Relation::scope(scope, kind, id) {
        Relation::To(id) => Some(Ref { id: Id(id) }),
        Relation::Foreign(_) | Relation::None => None,
    }
}

/// A reference that must be there: where NetBox says none, the id of nothing.
fn asked(reference: Option<Ref>) -> Ref {
    reference.unwrap_or(Ref { id: Id(0) })
}

/// The reference to a site, which may lie outside the scope.
fn site(
    known: &Known,
    reading: &Reading<'_>,
    field: &'static str,
    reference: Option<Ref>,
) -> Result<Option<Key<Site>>, Refusal> {
    match reference {
        Some(Ref { id }) if reading.scope.restricted && known.sites.get(id.0).is_none() => {
            Err(Refusal::Skip(OUT_OF_SCOPE))
        }
        reference => known.sites.optional(field, reference),
    }
}

/// A reference in a field that is not compared, hence never written out.
fn placeholder<M: Model>() -> Key<M> {
    Key::from_canonical_bytes(b"[]")
}

fn slug(value: &str) -> Result<Slug, Refusal> {
    value.parse().map_err(|error| parse("slug", &error))
}

fn name(value: &str) -> Result<Text, Refusal> {
    required("name", value)
}

fn required(field: &'static str, value: &str) -> Result<Text, Refusal> {
    value.parse().map_err(|error| parse(field, &error))
}

#[expect(clippy::needless_pass_by_value, reason = "the row is used up")]
fn text(value: Option<String>) -> Option<Text> {
    Text::of(value.as_deref())
}

fn choice<T>(value: &Choice, from: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    value.get().and_then(from)
}

fn parse(field: &'static str, error: &ParseError) -> Refusal {
    Refusal::Reject { field, message: error.to_string() }
}
