//! Rows as NetBox answers them. GraphQL and REST spell the same values differently; one type takes both.

use serde::{Deserialize, de};
use serde_json::Value;

pub(crate) use crate::values::{Choice, Decimal, Generic, Id, Ref, Relation};

/// A row of a list.
pub(crate) trait Row: de::DeserializeOwned + Send + 'static {
    /// Its id.
    fn id(&self) -> u64;
    /// When it changed last, as NetBox wrote it.
    fn last_updated(&self) -> Option<&str>;
    /// What people call it.
    fn label(&self) -> String;

    /// Its handle.
    fn native(&self) -> syncline_core::native::Native {
        let native = syncline_core::native::Native::new(self.id());
        match self.last_updated() {
            Some(text) => native.changed_at(text),
            None => native,
        }
    }
}

/// A row of which only id and version are asked.
#[derive(Debug, Deserialize)]
pub(crate) struct BareRow {
    pub id: Id,
    #[serde(default)]
    pub last_updated: Option<Box<str>>,
    #[serde(default)]
    pub tags: Vec<Ref>,
    #[serde(default)]
    pub assigned_object: Option<Generic>,
    #[serde(default)]
    pub assigned_object_type: Option<Box<str>>,
    #[serde(default)]
    pub assigned_object_id: Option<Id>,
    #[serde(default)]
    pub scope: Option<Generic>,
    #[serde(default)]
    pub scope_type: Option<Box<str>>,
    #[serde(default)]
    pub scope_id: Option<Id>,
}

/// A row of what has a short and a full name, and little else: tags, makers, roles, tenants, types and groups.
#[derive(Debug, Deserialize)]
pub(crate) struct CatalogueRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub slug: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub color: Option<String>,
    #[serde(default)]
    pub manufacturer: Option<Ref>,
    #[serde(default)]
    pub group: Option<Ref>,
}

/// A row of `site`.
#[derive(Debug, Deserialize)]
pub(crate) struct SiteRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub slug: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub status: Choice,
    #[serde(default)]
    pub physical_address: Option<String>,
}

/// A row of `device_type`.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceTypeRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub manufacturer: Ref,
    pub slug: String,
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub part_number: Option<String>,
}

/// A row of `vlan`.
#[derive(Debug, Deserialize)]
pub(crate) struct VlanRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub site: Option<Ref>,
    pub vid: u64,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub status: Choice,
}

/// A row of `vrf`.
#[derive(Debug, Deserialize)]
pub(crate) struct VrfRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub name: String,
    #[serde(default)]
    pub rd: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub enforce_unique: bool,
}

/// A row of `prefix`.
#[derive(Debug, Deserialize)]
pub(crate) struct PrefixRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub vrf: Option<Ref>,
    pub prefix: String,
    #[serde(default)]
    pub status: Choice,
    #[serde(default)]
    pub scope: Option<Generic>,
    #[serde(default)]
    pub scope_type: Option<Box<str>>,
    #[serde(default)]
    pub scope_id: Option<Id>,
    #[serde(default)]
    pub description: Option<String>,
}

/// A row of `virtual_chassis`.
#[derive(Debug, Deserialize)]
pub(crate) struct VirtualChassisRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub name: String,
    #[serde(default)]
    pub domain: Option<String>,
    #[serde(default)]
    pub master: Option<Ref>,
}

/// A row of `device`.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub site: Ref,
    pub name: Option<String>,
    #[serde(default)]
    pub device_type: Option<Ref>,
    #[serde(default)]
    pub role: Option<Ref>,
    #[serde(default)]
    pub platform: Option<Ref>,
    #[serde(default)]
    pub status: Choice,
    #[serde(default)]
    pub serial: Option<String>,
    #[serde(default)]
    pub virtual_chassis: Option<Ref>,
    #[serde(default)]
    pub vc_position: Option<u64>,
    #[serde(default)]
    pub primary_ip4: Option<Ref>,
    #[serde(default)]
    pub primary_ip6: Option<Ref>,
    #[serde(default)]
    pub tags: Vec<Ref>,
    #[serde(default)]
    pub tenant: Option<Ref>,
    #[serde(default)]
    pub cluster: Option<Ref>,
    #[serde(default)]
    pub custom_fields: Option<Value>,
    #[serde(default)]
    pub config_context: Option<Value>,
}

/// A row of `cluster`.
#[derive(Debug, Deserialize)]
pub(crate) struct ClusterRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub name: String,
    #[serde(default)]
    pub r#type: Option<Ref>,
    #[serde(default)]
    pub group: Option<Ref>,
    #[serde(default)]
    pub status: Choice,
    #[serde(default)]
    pub tenant: Option<Ref>,
    #[serde(default)]
    pub scope: Option<Generic>,
    #[serde(default)]
    pub scope_type: Option<Box<str>>,
    #[serde(default)]
    pub scope_id: Option<Id>,
}

/// A row of `virtual_machine`.
#[derive(Debug, Deserialize)]
pub(crate) struct VirtualMachineRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub site: Option<Ref>,
    pub cluster: Option<Ref>,
    pub name: String,
    #[serde(default)]
    pub device: Option<Ref>,
    #[serde(default)]
    pub role: Option<Ref>,
    #[serde(default)]
    pub platform: Option<Ref>,
    #[serde(default)]
    pub status: Choice,
    #[serde(default)]
    pub tenant: Option<Ref>,
    #[serde(default)]
    pub serial: Option<String>,
    #[serde(default)]
    pub vcpus: Option<Decimal>,
    #[serde(default)]
    pub memory: Option<u64>,
    #[serde(default)]
    pub disk: Option<u64>,
    #[serde(default)]
    pub primary_ip4: Option<Ref>,
    #[serde(default)]
    pub primary_ip6: Option<Ref>,
    #[serde(default)]
    pub tags: Vec<Ref>,
    #[serde(default)]
    pub custom_fields: Option<Value>,
    #[serde(default)]
    pub config_context: Option<Value>,
}

/// A row of `interface`.
#[derive(Debug, Deserialize)]
pub(crate) struct InterfaceRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub device: Ref,
    pub name: String,
    #[serde(default)]
    pub r#type: Choice,
    #[serde(default)]
    pub enabled: bool,
    #[serde(default)]
    pub mtu: Option<u64>,
    #[serde(default)]
    pub speed: Option<u64>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub lag: Option<Ref>,
    #[serde(default)]
    pub mode: Choice,
    #[serde(default)]
    pub untagged_vlan: Option<Ref>,
}

/// A row of `mac_address`.
#[derive(Debug, Deserialize)]
pub(crate) struct MacAddressRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub mac_address: String,
    #[serde(default)]
    pub assigned_object: Option<Generic>,
    #[serde(default)]
    pub assigned_object_type: Option<Box<str>>,
    #[serde(default)]
    pub assigned_object_id: Option<Id>,
}

/// A row of `ip_address`.
#[derive(Debug, Deserialize)]
pub(crate) struct IpAddressRow {
    pub id: Id,
    pub last_updated: Option<Box<str>>,
    pub vrf: Option<Ref>,
    pub address: String,
    #[serde(default)]
    pub status: Choice,
    #[serde(default)]
    pub role: Choice,
    #[serde(default)]
    pub assigned_object: Option<Generic>,
    #[serde(default)]
    pub assigned_object_type: Option<Box<str>>,
    #[serde(default)]
    pub assigned_object_id: Option<Id>,
    #[serde(default)]
    pub description: Option<String>,
}

macro_rules! rows {
    ($($row:ident: $label:expr;)*) => {$(
        impl Row for $row {
            fn id(&self) -> u64 {
                self.id.0
            }

            fn last_updated(&self) -> Option<&str> {
                self.last_updated.as_deref()
            }

            fn label(&self) -> String {
                let label: fn(&$row) -> &str = $label;
                format!("`{}` (id {})", label(self), self.id.0)
            }
        }
    )*};
}
rows! {
    BareRow: |_| "-";
    CatalogueRow: |row| &row.slug;
    SiteRow: |row| &row.slug;
    DeviceTypeRow: |row| &row.slug;
    VlanRow: |row| &row.name;
    VrfRow: |row| &row.name;
    PrefixRow: |row| &row.prefix;
    VirtualChassisRow: |row| &row.name;
    ClusterRow: |row| &row.name;
    VirtualMachineRow: |row| &row.name;
    DeviceRow: |row| row.name.as_deref().unwrap_or("-");
    InterfaceRow: |row| &row.name;
    MacAddressRow: |row| &row.mac_address;
    IpAddressRow: |row| &row.address;
}

impl BareRow {
    /// The interface that it is assigned to.
    pub fn assigned(&self) -> Relation {
        Relation::assigned(self.assigned_object.as_ref(), self.assigned_object_type.as_deref(), self.assigned_object_id)
    }

    /// The site that it belongs to.
    pub fn scope(&self) -> Relation {
        Relation::scope(self.scope.as_ref(), self.scope_type.as_deref(), self.scope_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_row() {
        let graphql = r#"{"id":"3","last_updated":"2026-11-20T11:42:21.685024+00:00","device":{"id":"1"},"name":"Gi1/0/1",
            "type":"1000base-t","enabled":false,"mtu":9000,"lag":{"id":"1"},"mode":"","untagged_vlan":null}"#;
        let rest = r#"{"id":3,"last_updated":"2026-11-20T11:42:21.685024Z","device":{"id":1,"url":"x","name":"sw1"},
            "name":"Gi1/0/1","type":{"value":"1000base-t","label":"1000BASE-T (1GE)"},"enabled":false,"mtu":9000,
            "lag":{"id":1},"mode":null,"untagged_vlan":null,"extra":[1,{}]}"#;
        let [graphql, rest] = [graphql, rest].map(|text| serde_json::from_str::<InterfaceRow>(text).unwrap());
        assert_eq!((graphql.id, graphql.device, graphql.lag), (rest.id, rest.device, rest.lag));
        assert_eq!((graphql.r#type.get(), graphql.mode.get()), (rest.r#type.get(), rest.mode.get()));
        assert_eq!(graphql.mode.get(), None);
        assert_eq!(graphql.native(), rest.native());
    }

    #[test]
    fn a_generic_relation_says_what_kind_it_leads_to() {
        let relation = |text: &str| {
            let row: BareRow = serde_json::from_str(text).unwrap();
            Relation::assigned(
                row.assigned_object.as_ref(),
                row.assigned_object_type.as_deref(),
                row.assigned_object_id,
            )
        };
        assert_eq!(relation(r#"{"id":1}"#), Relation::None);
        assert_eq!(relation(r#"{"id":1,"assigned_object":null}"#), Relation::None);
        assert_eq!(relation(r#"{"id":1,"assigned_object":{"__typename":"InterfaceType","id":"7"}}"#), Relation::To(7));
        assert_eq!(
            relation(r#"{"id":1,"assigned_object":{"__typename":"FHRPGroupType"}}"#),
            Relation::Foreign("FHRPGroup".into())
        );
        assert_eq!(
            relation(
                r#"{"id":1,"assigned_object_type":"dcim.interface","assigned_object_id":7,"assigned_object":{"id":7}}"#
            ),
            Relation::To(7)
        );
        assert_eq!(
            relation(r#"{"id":1,"assigned_object_type":"ipam.fhrpgroup","assigned_object_id":7}"#),
            Relation::Foreign("ipam.fhrpgroup".into())
        );
    }
}
