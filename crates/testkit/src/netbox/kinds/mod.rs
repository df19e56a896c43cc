//! The tables of all kinds: fields in the order of NetBox 4.6's answers, limits, keys and orders.

mod device;
mod interface;
mod ipam;
mod organisation;
mod virtualization;

use super::schema::OnDelete::Protect;
use super::schema::{
    Computed, Default, Field, Kind, KindDef, Part, Shows, Type, Unique, UniqueError, blank, field, made, reference,
};
use device::{DEVICE, DEVICE_ROLE, DEVICE_TYPE, VIRTUAL_CHASSIS};
use interface::{INTERFACE, MAC_ADDRESS};
use ipam::{IP_ADDRESS, PREFIX, ROLE, VLAN, VLAN_GROUP, VRF};
use organisation::{CUSTOM_FIELD, MANUFACTURER, PLATFORM, REGION, SITE, SITE_GROUP, TAG, TENANT, TENANT_GROUP};
use virtualization::{CLUSTER, CLUSTER_GROUP, CLUSTER_TYPE, VIRTUAL_MACHINE, VM_INTERFACE};

/// The table of one kind.
pub(super) fn def(kind: Kind) -> &'static KindDef {
    match kind {
        Kind::Region => &REGION,
        Kind::SiteGroup => &SITE_GROUP,
        Kind::TenantGroup => &TENANT_GROUP,
        Kind::Tenant => &TENANT,
        Kind::Tag => &TAG,
        Kind::CustomField => &CUSTOM_FIELD,
        Kind::Site => &SITE,
        Kind::Manufacturer => &MANUFACTURER,
        Kind::Platform => &PLATFORM,
        Kind::DeviceType => &DEVICE_TYPE,
        Kind::DeviceRole => &DEVICE_ROLE,
        Kind::Device => &DEVICE,
        Kind::VirtualChassis => &VIRTUAL_CHASSIS,
        Kind::Interface => &INTERFACE,
        Kind::MacAddress => &MAC_ADDRESS,
        Kind::Role => &ROLE,
        Kind::VlanGroup => &VLAN_GROUP,
        Kind::Vlan => &VLAN,
        Kind::Vrf => &VRF,
        Kind::Prefix => &PREFIX,
        Kind::IpAddress => &IP_ADDRESS,
        Kind::ClusterType => &CLUSTER_TYPE,
        Kind::ClusterGroup => &CLUSTER_GROUP,
        Kind::Cluster => &CLUSTER,
        Kind::VirtualMachine => &VIRTUAL_MACHINE,
        Kind::VmInterface => &VM_INTERFACE,
    }
}

const ID: Field = made("id", Computed::Id);
const URL: Field = made("url", Computed::Url);
const DISPLAY_URL: Field = made("display_url", Computed::DisplayUrl);
const DISPLAY: Field = made("display", Computed::Display);
const CREATED: Field = made("created", Computed::Created);
const LAST_UPDATED: Field = made("last_updated", Computed::LastUpdated);
const CUSTOM_FIELDS: Field = made("custom_fields", Computed::CustomFields);
const OWNER: Field = made("owner", Computed::Null);
const DESCRIPTION: Field = blank("description", 200);
const COMMENTS: Field = blank("comments", usize::MAX);
const TAGS: Field = field("tags", Type::Refs { to: Kind::Tag }, Default::Null).showing(Shows::Short);
const SLUG: Field = field("slug", Type::Slug, Default::Text("")).required().indexed();
const TENANT_REF: Field = reference("tenant", Kind::Tenant, Protect);

const fn name(max: usize) -> Field {
    field("name", Type::Text { max, blank: false }, Default::Text("")).required().indexed()
}

const fn zero(name: &'static str) -> Field {
    made(name, Computed::Zero)
}

const fn null(name: &'static str) -> Field {
    made(name, Computed::Null)
}

const NAME_UNIQUE: Unique = Unique {
    parts: &[Part::Value("name")],
    when_null: None,
    error: UniqueError::Field("name"),
    constraint: "name_key",
};
const SLUG_UNIQUE: Unique = Unique {
    parts: &[Part::Value("slug")],
    when_null: None,
    error: UniqueError::Field("slug"),
    constraint: "slug_key",
};

const NAMED: &[&str] = &["id", "url", "display", "name", "slug", "description"];
const SHORT_NAMED: &[&str] = &["id", "url", "display_url", "display", "name"];
const SHORT_SLUGGED: &[&str] = &["id", "url", "display_url", "display", "name", "slug"];
