//! What templates bring along, to know before a write what Zabbix would refuse, or what 6.0 would take and make a mess of.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;
use syncline_core::{Error, ErrorKind, Result};

use crate::client::ReadClient;
use crate::mapping::rules::InterfaceKind;
use crate::rpc::Call;

/// What every template brings along, by its id.
#[derive(Debug, Default, Clone)]
pub(crate) struct Templates {
    by_id: BTreeMap<String, Template>,
}

/// What one template brings along.
#[derive(Debug, Default, Clone)]
struct Template {
    /// Keys of items and of discovery rules: each may be on a host once.
    keys: BTreeSet<String>,
    /// Types of interfaces without which it cannot be linked.
    needs: BTreeSet<InterfaceKind>,
    /// The fields of the inventory that its items fill, as numbers of the API, with the item's key.
    fills: BTreeMap<u64, String>,
}

#[derive(Deserialize)]
struct ItemRow {
    hostid: String,
    key_: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    inventory_link: String,
}

/// The fields of an inventory by their numbers in `inventory_link`, from 1.
///
/// Source: <https://www.zabbix.com/documentation/current/en/manual/api/reference/host/object#host-inventory>.
const LINKS: [&str; 70] = [
    "type",
    "type_full",
    "name",
    "alias",
    "os",
    "os_full",
    "os_short",
    "serialno_a",
    "serialno_b",
    "tag",
    "asset_tag",
    "macaddress_a",
    "macaddress_b",
    "hardware",
    "hardware_full",
    "software",
    "software_full",
    "software_app_a",
    "software_app_b",
    "software_app_c",
    "software_app_d",
    "software_app_e",
    "contact",
    "location",
    "location_lat",
    "location_lon",
    "notes",
    "chassis",
    "model",
    "hw_arch",
    "vendor",
    "contract_number",
    "installer_name",
    "deployment_status",
    "url_a",
    "url_b",
    "url_c",
    "host_networks",
    "host_netmask",
    "host_router",
    "oob_ip",
    "oob_netmask",
    "oob_router",
    "date_hw_purchase",
    "date_hw_install",
    "date_hw_expiry",
    "date_hw_decomm",
    "site_address_a",
    "site_address_b",
    "site_address_c",
    "site_city",
    "site_state",
    "site_country",
    "site_zip",
    "site_rack",
    "site_notes",
    "poc_1_name",
    "poc_1_email",
    "poc_1_phone_a",
    "poc_1_phone_b",
    "poc_1_cell",
    "poc_1_screen",
    "poc_1_notes",
    "poc_2_name",
    "poc_2_email",
    "poc_2_phone_a",
    "poc_2_phone_b",
    "poc_2_cell",
    "poc_2_screen",
    "poc_2_notes",
];

/// The interface that an item of a type takes its data from; none where any will do, or none is needed.
fn interface_of(item_type: &str) -> Option<InterfaceKind> {
    match item_type {
        "0" => Some(InterfaceKind::Agent),
        "1" | "4" | "6" | "17" | "20" => Some(InterfaceKind::Snmp),
        "12" => Some(InterfaceKind::Ipmi),
        "16" => Some(InterfaceKind::Jmx),
        _ => None,
    }
}

impl Templates {
    /// Reads what some templates bring along, those that are not known yet, in one request.
    pub async fn learn(&mut self, client: &ReadClient, ids: &BTreeSet<String>) -> Result<()> {
        let ids: BTreeSet<_> = ids.iter().filter(|id| !self.by_id.contains_key(*id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let output = ["hostid", "key_", "type", "inventory_link"];
        let calls = [
            Call::new("item.get", json!({"output": output, "hostids": ids, "templated": true})),
            Call::new("discoveryrule.get", json!({"output": output[..3], "hostids": ids, "templated": true})),
        ];
        let mut learnt: BTreeMap<String, Template> =
            ids.iter().map(|id| ((*id).clone(), Template::default())).collect();
        for (call, answer) in calls.iter().zip(client.batch(&calls).await?) {
            let rows = answer.map_err(|refusal| refusal.error(call.method))?;
            let rows: Vec<ItemRow> = serde_json::from_str(rows.get()).map_err(|error| {
                let message = format!("Zabbix's answer to `{}` cannot be read: {error}", call.method);
                Error::new(ErrorKind::Protocol, message)
            })?;
            for row in rows {
                let template = learnt.entry(row.hostid).or_default();
                template.needs.extend(interface_of(&row.r#type));
                if let Ok(link @ 1..) = row.inventory_link.parse() {
                    template.fills.insert(link, row.key_.clone());
                }
                template.keys.insert(row.key_);
            }
        }
        self.by_id.extend(learnt);
        Ok(())
    }

    /// Why a host with some interfaces cannot have some templates; none when it can. `name` gives a template's name.
    pub fn objection<'n>(
        &self,
        ids: &BTreeSet<String>,
        interfaces: &BTreeSet<InterfaceKind>,
        name: impl Fn(&str) -> &'n str,
    ) -> Option<String> {
        let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
        let mut fields: BTreeMap<u64, (&str, &str)> = BTreeMap::new();
        for id in ids {
            let Some(template) = self.by_id.get(id) else { continue };
            if let Some(kind) = template.needs.iter().find(|kind| !interfaces.contains(kind)) {
                return Some(format!(
                    "the template `{}` needs an interface of the type `{}`, which the host does not have",
                    name(id),
                    kind.as_str()
                ));
            }
            for key in &template.keys {
                if let Some(other) = keys.insert(key, id) {
                    return Some(format!(
                        "the templates `{}` and `{}` both bring the item `{key}`",
                        name(other),
                        name(id)
                    ));
                }
            }
            for (link, key) in &template.fills {
                if let Some((other, other_key)) = fields.insert(*link, (id, key)) {
                    return Some(format!(
                        "`{other_key}` of the template `{}` and `{key}` of `{}` both fill the inventory field `{}`",
                        name(other),
                        name(id),
                        field_of(*link).unwrap_or("?")
                    ));
                }
            }
        }
        None
    }

    /// The inventory fields that items of the templates fill.
    pub fn filled(&self) -> BTreeSet<&'static str> {
        self.by_id.values().flat_map(|template| template.fills.keys()).filter_map(|link| field_of(*link)).collect()
    }
}

/// The inventory field of a number.
fn field_of(link: u64) -> Option<&'static str> {
    LINKS.get(usize::try_from(link).ok()?.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(keys: &[&str], needs: &[InterfaceKind], fills: &[(u64, &str)]) -> Template {
        Template {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            needs: needs.iter().copied().collect(),
            fills: fills.iter().map(|(link, key)| (*link, (*key).to_owned())).collect(),
        }
    }

    #[test]
    fn what_zabbix_would_refuse_is_known_before() {
        let templates = Templates {
            by_id: [
                ("1".to_owned(), template(&["icmpping"], &[], &[])),
                ("2".to_owned(), template(&["icmpping", "a"], &[InterfaceKind::Snmp], &[(5, "a")])),
                ("3".to_owned(), template(&["b"], &[InterfaceKind::Snmp], &[(5, "b")])),
            ]
            .into(),
        };
        let told = |ids: &[&str], kinds: &[InterfaceKind]| {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            let names = |id: &str| {
                if id == "1" {
                    "ICMP Ping"
                } else if id == "2" {
                    "Cisco"
                } else {
                    "Generic"
                }
            };
            templates.objection(&ids, &kinds.iter().copied().collect(), names).unwrap_or_default()
        };
        let snmp = &[InterfaceKind::Snmp][..];
        assert_eq!((told(&["1"], &[]), told(&["1", "3"], snmp)), (String::new(), String::new()));
        let objections = [told(&["2"], &[]), told(&["1", "2"], snmp), told(&["2", "3"], snmp)];
        insta::assert_snapshot!(objections.join("\n"), @r#"
the template `Cisco` needs an interface of the type `snmp`, which the host does not have
the templates `ICMP Ping` and `Cisco` both bring the item `icmpping`
`a` of the template `Cisco` and `b` of `Generic` both fill the inventory field `os`
"#);
        assert_eq!(templates.filled().into_iter().collect::<Vec<_>>(), ["os"]);
        assert!(LINKS.iter().all(|field| crate::mapping::inventory::is_field(field)));
    }
}
