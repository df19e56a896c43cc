//! From a host of Zabbix to a record: what is managed of it, in the words of the rules.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use syncline_model::models::{Host, HostGroup, HostStatus, InventoryMode};
use syncline_model::{Key, Pair, Text};

use super::rows::HostRow;
use crate::catalogue::Catalogue;
use crate::dialect::{Dialect, Monitoring};
use crate::mapping::host::{certificate, is_of_origin};
use crate::mapping::interface::Interface;
use crate::mapping::macros::MacroValue;
use crate::mapping::managed::{Managed, one_spelling};

/// What a host is read with.
pub(crate) struct Reading<'r> {
    /// How the API is spoken to.
    pub dialect: Dialect,
    /// What hosts refer to.
    pub catalogue: &'r Catalogue,
    /// What of a host is the sync's.
    pub managed: &'r Managed,
    /// What distinguishes the sync's source: the tags of others that say where a host comes from are people's.
    pub origin: &'r str,
}

impl Reading<'_> {
    /// The parameters of `host.get` that read hosts as they are needed, in every version.
    pub fn query(&self) -> Value {
        let mut output = vec![
            "hostid",
            "host",
            "name",
            "status",
            "description",
            "inventory_mode",
            "tls_connect",
            "tls_accept",
            "tls_issuer",
            "tls_subject",
        ];
        match self.dialect.monitoring {
            Monitoring::ProxyHostid => output.push("proxy_hostid"),
            Monitoring::MonitoredBy => output.extend(["monitored_by", "proxyid", "proxy_groupid"]),
        }
        let mut query = json!({
            "output": output,
            "selectInterfaces": ["interfaceid", "type", "main", "useip", "ip", "dns", "port", "details"],
            "selectParentTemplates": ["templateid"],
            "selectTags": ["tag", "value"],
            "selectMacros": ["hostmacroid", "macro", "value", "type", "description"],
            (self.dialect.host_groups.0): ["groupid"],
        });
        if !self.managed.inventory.is_empty() {
            query["selectInventory"] = self.managed.inventory.iter().cloned().collect::<Vec<_>>().into();
        }
        query
    }

    /// The record of a host; what is wrong with it if it cannot be one.
    pub fn record(&self, row: &HostRow) -> Result<Host, (&'static str, String)> {
        let host = Text::new(&row.host).filter(|host| host.as_str() == row.host);
        let host = host.ok_or_else(|| ("host", format!("`{}` is no name that can be told apart", row.host)))?;
        // What is asked for and does not come is not empty: a newer version may have renamed it.
        let groups = row.groups.as_ref().ok_or_else(|| ("groups", "Zabbix does not tell its groups".to_owned()))?;
        Ok(Host {
            name: Text::new(&row.name).unwrap_or_else(|| host.clone()),
            host,
            origin: row
                .tags
                .iter()
                .find(|tag| is_of_origin(self.origin, &tag.tag, &tag.value))
                .and_then(|tag| Text::new(&tag.value)),
            status: if row.status == "0" { HostStatus::Monitored } else { HostStatus::Unmonitored },
            description: Text::new(&row.description),
            groups: groups.iter().filter_map(|group| self.group(&group.groupid)).collect(),
            templates: row.templates.iter().filter_map(|template| self.template(&template.templateid)).collect(),
            interfaces: self.interfaces(row),
            monitored_by: self.monitored_by(row),
            tags: row.tags.iter().filter(|tag| self.managed.tags.contains(&tag.tag)).filter_map(tag_pair).collect(),
            macros: self.macros(row),
            inventory_mode: Some(match &*row.inventory_mode {
                "0" => InventoryMode::Manual,
                "1" => InventoryMode::Automatic,
                _ => InventoryMode::Disabled,
            }),
            inventory: self.inventory(row),
            encryption: Text::new(&encryption(row)),
        })
    }

    fn group(&self, id: &str) -> Option<Key<HostGroup>> {
        let name = self.catalogue.groups.name(id).filter(|name| self.managed.group(name))?;
        Some(HostGroup::key_of(&Text::new(name)?))
    }

    fn template(&self, id: &str) -> Option<Text> {
        Text::new(self.catalogue.templates.name(id).filter(|name| self.managed.template(name))?)
    }

    fn interfaces(&self, row: &HostRow) -> BTreeSet<Pair> {
        let mains = row.interfaces.iter().filter(|object| is_main(object));
        let read = mains.filter_map(|object| Interface::read(object, self.dialect));
        let managed = read.filter(|(kind, _)| self.managed.interfaces.contains(kind));
        managed
            .filter_map(|(kind, interface)| Some(Pair::new(Text::new(kind.as_str())?, &interface.to_string())))
            .collect()
    }

    fn macros(&self, row: &HostRow) -> BTreeSet<Pair> {
        let macros = row.macros.iter().map(|found| (one_spelling(&found.r#macro), found));
        let managed = macros.filter(|(name, _)| self.managed.macros.contains(name));
        managed
            .filter_map(|(name, found)| {
                let value = MacroValue::read(&found.r#type, found.value.as_deref(), &found.description);
                Some(Pair::new(Text::new(&name)?, &value.to_string()))
            })
            .collect()
    }

    fn inventory(&self, row: &HostRow) -> BTreeSet<Pair> {
        let values = row.inventory.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let managed = values.filter(|(name, value)| self.managed.inventory.contains(*name) && !value.is_empty());
        managed.filter_map(|(name, value)| Some(Pair::new(Text::new(name)?, value))).collect()
    }

    fn monitored_by(&self, row: &HostRow) -> Option<Text> {
        let named = |named: &crate::catalogue::Named, id: &str| named.name(id).unwrap_or(id).to_owned();
        let given = |id: &Option<String>| id.clone().filter(|id| id != "0").unwrap_or_default();
        let text = match self.dialect.monitoring {
            Monitoring::ProxyHostid => match given(&row.proxy_hostid) {
                id if id.is_empty() => "server".to_owned(),
                id => format!("proxy {}", named(&self.catalogue.proxies, &id)),
            },
            Monitoring::MonitoredBy => match row.monitored_by.as_deref() {
                Some("1") => format!("proxy {}", named(&self.catalogue.proxies, &given(&row.proxyid))),
                Some("2") => format!("proxy group {}", named(&self.catalogue.proxy_groups, &given(&row.proxy_groupid))),
                Some(_) => "server".to_owned(),
                None => return None,
            },
        };
        Text::new(&text)
    }
}

/// Whether an interface is the main one of its type.
pub(crate) fn is_main(object: &serde_json::Map<String, Value>) -> bool {
    object.get("main").is_some_and(|main| main == "1" || main == 1)
}

fn tag_pair(tag: &super::rows::TagRow) -> Option<Pair> {
    Some(Pair::new(Text::new(&tag.tag)?, &tag.value))
}

/// How the server and the agent authenticate each other, in words. One way for both directions is what rules can say.
fn encryption(row: &HostRow) -> String {
    match (&*row.tls_connect, &*row.tls_accept) {
        ("1" | "", "1" | "") => "none".to_owned(),
        ("2", "2") => "psk".to_owned(),
        ("4", "4") => certificate(&row.tls_issuer, &row.tls_subject),
        (connect, accept) => format!("connect {connect}, accept {accept}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_are_not_told_are_not_no_groups() {
        let managed = Managed::default();
        let catalogue = Catalogue::default();
        let dialect = Dialect::of(syncline_core::version::Version::new(7, 4, 0));
        let reading = Reading { dialect, catalogue: &catalogue, managed: &managed, origin: "" };
        let row: HostRow = serde_json::from_value(json!({"hostid": "1", "host": "sw1", "hostgroupz": []})).unwrap();
        assert_eq!(reading.record(&row).unwrap_err(), ("groups", "Zabbix does not tell its groups".to_owned()));
        let row: HostRow = serde_json::from_value(json!({"hostid": "1", "host": "sw1", "hostgroups": []})).unwrap();
        assert!(reading.record(&row).unwrap().groups.is_empty());
    }
}
