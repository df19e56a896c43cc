//! One host, as the rules make it of the facts.

use std::collections::BTreeSet;

use minijinja::Value;
use syncline_model::models::{Host, HostGroup, HostStatus, InventoryMode};
use syncline_model::{Key, Pair, Text};

use super::interface::Interface;
use super::macros::{Checks, MacroValue};
use super::managed::{Managed, one_spelling};
use super::rules::{Encryption, InventoryFilledBy, MaintenanceRule, Mapping};
use super::window::{self, Window, Windows};
use super::{inventory, name};
use crate::dialect::Dialect;
use syncline_core::expression::{Expressions, Unsaid};

/// The tag that says where a host comes from.
pub(crate) const ORIGIN_TAG: &str = "syncline";
/// What the source's id of a host begins with in that tag, after the sync's own origin.
pub(crate) const DEVICE: &str = "device:";
/// What the origin of a virtual machine begins with.
pub(crate) const VIRTUAL_MACHINE: &str = "virtual_machine:";
/// Longest name and value of a tag, in characters.
const TAG: usize = 255;
/// Longest name of a group, in characters.
pub(crate) const GROUP: usize = 255;

/// What makes hosts.
pub(crate) struct HostMaker<'m> {
    /// The rules.
    pub mapping: &'m Mapping,
    /// What compiles them.
    pub expressions: &'m Expressions,
    /// How the API is spoken to.
    pub dialect: Dialect,
    /// What the rules manage.
    pub managed: &'m Managed,
    /// What tells secrets apart without showing them.
    pub checks: &'m Checks,
}

/// Why no host is made of some facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The rule at fault.
    pub rule: String,
    /// What is wrong.
    pub message: String,
}

impl From<Unsaid> for Fault {
    fn from(unsaid: Unsaid) -> Self {
        Self { message: unsaid.to_string(), rule: unsaid.rule }
    }
}

fn fault<T>(rule: &str, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { rule: rule.to_owned(), message: message.into() })
}

impl HostMaker<'_> {
    /// The host of some facts; none when the rules want none. Names are given out by the caller.
    pub fn host(&self, facts: &Value, origin: &str) -> Result<Option<Host>, Fault> {
        let Mapping { when, name, visible_name, description, monitored, .. } = self.mapping;
        if !self.holds("when", when, facts)? {
            return Ok(None);
        }
        let host = name::technical(&self.say("name", name, facts)?);
        let Some(host) = Text::new(&host) else {
            return fault("name", "nothing is left of the name that Zabbix takes");
        };
        let visible = name::cut(&self.say("visible_name", visible_name, facts)?, name::LONGEST);
        let is_monitored = self.holds("monitored", monitored, facts)?;
        let groups = self.groups(facts)?;
        if groups.is_empty() {
            return fault("groups", "the rules give it no group, and Zabbix keeps no host without one");
        }
        let (inventory_mode, inventory) = self.inventory(facts)?;
        Ok(Some(Host {
            name: Text::new(&visible).unwrap_or_else(|| host.clone()),
            host,
            origin: Text::new(&origin_of(&self.mapping.origin, origin)),
            status: if is_monitored { HostStatus::Monitored } else { HostStatus::Unmonitored },
            description: Text::new(&self.say("description", description, facts)?),
            groups,
            templates: self.templates(facts)?,
            interfaces: self.interfaces(facts)?,
            monitored_by: self.monitored_by(facts)?,
            tags: self.tags(facts)?,
            macros: self.macros(facts)?,
            inventory_mode,
            inventory,
            encryption: self.encryption(facts)?,
        }))
    }

    fn say(&self, rule: &str, text: &str, facts: &Value) -> Result<String, Fault> {
        Ok(self.expressions.say(rule, text, facts)?)
    }

    fn holds(&self, rule: &str, text: &str, facts: &Value) -> Result<bool, Fault> {
        Ok(self.expressions.holds(rule, text, facts)?)
    }

    fn groups(&self, facts: &Value) -> Result<BTreeSet<Key<HostGroup>>, Fault> {
        let mut groups = BTreeSet::new();
        for (at, rule) in self.mapping.groups.iter().enumerate() {
            if !self.holds(&format!("groups[{at}].when"), &rule.when, facts)? {
                continue;
            }
            let at = format!("groups[{at}].name");
            for name in self.say(&at, &rule.name, facts)?.lines() {
                // A part without a value: the record has no role, say.
                if name.trim().is_empty() || name.split('/').any(|part| part.trim().is_empty()) {
                    continue;
                }
                if name.chars().count() > GROUP {
                    return fault(&at, format!("`{name}` is longer than a group's name may be ({GROUP} characters)"));
                }
                groups.extend(Text::new(name).map(|name| HostGroup::key_of(&name)));
            }
        }
        Ok(groups)
    }

    fn templates(&self, facts: &Value) -> Result<BTreeSet<Text>, Fault> {
        let mut templates = BTreeSet::new();
        for (at, rule) in self.mapping.templates.iter().enumerate() {
            if self.holds(&format!("templates[{at}].when"), &rule.when, facts)? {
                let said = self.say(&format!("templates[{at}].template"), &rule.template, facts)?;
                templates.extend(said.lines().filter_map(Text::new));
            }
        }
        Ok(templates)
    }

    /// The first rule of each type that applies and has an address.
    fn interfaces(&self, facts: &Value) -> Result<BTreeSet<Pair>, Fault> {
        let mut seen = BTreeSet::new();
        let mut interfaces = BTreeSet::new();
        for (at, rule) in self.mapping.interfaces.iter().enumerate() {
            let at = format!("interfaces[{at}]");
            if seen.contains(&rule.r#type) || !self.holds(&format!("{at}.when"), &rule.when, facts)? {
                continue;
            }
            let address = self.say(&format!("{at}.address"), &rule.address, facts)?;
            if address.is_empty() {
                continue;
            }
            let port = self.say(&format!("{at}.port"), &rule.port, facts)?;
            let interface = Interface::said(rule.r#type, &address, &port, rule.snmp.as_ref(), self.dialect);
            let interface = interface.or_else(|message| fault(&at, message))?;
            seen.insert(rule.r#type);
            interfaces.extend(pair(rule.r#type.as_str(), &interface.to_string()));
        }
        Ok(interfaces)
    }

    fn monitored_by(&self, facts: &Value) -> Result<Option<Text>, Fault> {
        for (at, rule) in self.mapping.monitored_by.iter().enumerate() {
            let at = format!("monitored_by[{at}]");
            if !self.holds(&format!("{at}.when"), &rule.when, facts)? {
                continue;
            }
            let proxy = self.say(&format!("{at}.proxy"), &rule.proxy, facts)?;
            let group = self.say(&format!("{at}.proxy_group"), &rule.proxy_group, facts)?;
            let said = match (&*proxy, &*group) {
                ("", "") => "server".to_owned(),
                (proxy, "") => format!("proxy {proxy}"),
                ("", group) => format!("proxy group {group}"),
                _ => return fault(&at, "give a proxy or a proxy group, not both"),
            };
            return Ok(Text::new(&said));
        }
        Ok(None)
    }

    fn tags(&self, facts: &Value) -> Result<BTreeSet<Pair>, Fault> {
        let mut tags = BTreeSet::new();
        for (at, rule) in self.mapping.tags.iter().enumerate() {
            if !self.holds(&format!("tags[{at}].when"), &rule.when, facts)? {
                continue;
            }
            let said = self.say(&format!("tags[{at}].value"), &rule.value, facts)?;
            if said.is_empty() && rule.value.trim().is_empty() {
                tags.extend(pair(&rule.tag, ""));
            }
            let values = said.lines().map(str::trim).filter(|value| !value.is_empty());
            tags.extend(values.filter_map(|value| pair(&rule.tag, &name::cut(value, TAG))));
        }
        Ok(tags)
    }

    fn macros(&self, facts: &Value) -> Result<BTreeSet<Pair>, Fault> {
        let mut seen = BTreeSet::new();
        let mut macros = BTreeSet::new();
        for (at, rule) in self.mapping.macros.iter().enumerate() {
            let name = one_spelling(&rule.r#macro);
            let at = format!("macros[{at}]");
            if seen.contains(&name) || !self.holds(&format!("{at}.when"), &rule.when, facts)? {
                continue;
            }
            let value = if let Some(secret) = &rule.secret {
                match self.checks.of(&name, secret) {
                    Ok(check) => MacroValue::Secret { check: Some(check) },
                    Err(error) => return fault(&format!("{at}.secret"), error.to_string()),
                }
            } else if rule.vault.is_empty() {
                MacroValue::Text(self.say(&format!("{at}.value"), &rule.value, facts)?)
            } else {
                MacroValue::Vault(self.say(&format!("{at}.vault"), &rule.vault, facts)?)
            };
            seen.insert(name.clone());
            macros.extend(pair(&name, &value.to_string()));
        }
        Ok(macros)
    }

    fn inventory(&self, facts: &Value) -> Result<(Option<InventoryMode>, BTreeSet<Pair>), Fault> {
        let rule = &self.mapping.inventory;
        let mut fields = BTreeSet::new();
        // What an item fills is its own.
        for (field, text) in rule.fields.iter().filter(|(field, _)| self.managed.inventory.contains(*field)) {
            let said = self.say(&format!("inventory.fields.{field}"), text, facts)?;
            if !said.is_empty() {
                fields.extend(pair(field, &inventory::fitting(field, &said)));
            }
        }
        let mode = match rule.mode {
            Some(InventoryFilledBy::Disabled) => Some(InventoryMode::Disabled),
            Some(InventoryFilledBy::Manual) => Some(InventoryMode::Manual),
            Some(InventoryFilledBy::Automatic) => Some(InventoryMode::Automatic),
            None => None,
        };
        Ok((mode, fields))
    }

    /// The maintenance windows that a host is in.
    pub fn windows(&self, facts: &Value, host: &Key<Host>, windows: &mut Windows) {
        for (at, rule) in self.mapping.maintenances.iter().enumerate() {
            let at = format!("maintenances[{at}]");
            match self.window_name(&at, rule, facts) {
                Ok(None) => {}
                Ok(Some(name)) => {
                    if let Some(window) = self.window(&at, rule, facts).transpose() {
                        windows.add(name, &at, window, host);
                    }
                }
                Err(fault) => windows.lose(host, fault),
            }
        }
    }

    fn window_name(&self, at: &str, rule: &MaintenanceRule, facts: &Value) -> Result<Option<Text>, Fault> {
        if !self.holds(&format!("{at}.when"), &rule.when, facts)? {
            return Ok(None);
        }
        let at = format!("{at}.name");
        let name = self.say(&at, &rule.name, facts)?;
        if name.chars().count() > window::NAME {
            let most = window::NAME;
            return fault(&at, format!("`{name}` is longer than a window's name may be ({most} characters)"));
        }
        if name.chars().any(char::is_control) {
            return fault(&at, format!("`{}` is no name: it has more than one line", name.escape_debug()));
        }
        Ok(Text::new(&name))
    }

    fn window(&self, at: &str, rule: &MaintenanceRule, facts: &Value) -> Result<Option<Window>, Fault> {
        let since = self.say(&format!("{at}.since"), &rule.since, facts)?;
        let until = self.say(&format!("{at}.until"), &rule.until, facts)?;
        if since.is_empty() || until.is_empty() {
            return Ok(None);
        }
        let description = self.say(&format!("{at}.description"), &rule.description, facts)?;
        let window = Window::new(&since, &until, &description, rule.collect_data);
        window.map(Some).or_else(|message| fault(at, message))
    }

    fn encryption(&self, facts: &Value) -> Result<Option<Text>, Fault> {
        for (at, rule) in self.mapping.encryption.iter().enumerate() {
            if !self.holds(&format!("encryption[{at}].when"), &rule.when, facts)? {
                continue;
            }
            let said = match &rule.with {
                Encryption::None => "none".to_owned(),
                Encryption::Psk { .. } => "psk".to_owned(),
                Encryption::Certificate { issuer, subject } => certificate(issuer, subject),
            };
            return Ok(Text::new(&said));
        }
        Ok(None)
    }
}

/// Encryption by certificate, in words.
pub(crate) fn certificate(issuer: &str, subject: &str) -> String {
    let part = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!(" {name}={value}") };
    format!("certificate{}{}", part("issuer", issuer), part("subject", subject))
}

/// Whether a tag says that a host was made by a sync with this origin.
pub(crate) fn is_of_origin(prefix: &str, tag: &str, value: &str) -> bool {
    let ours = [DEVICE, VIRTUAL_MACHINE].map(|kind| origin_of(prefix, kind));
    tag == ORIGIN_TAG && ours.iter().any(|ours| value.starts_with(ours))
}

/// What the tag of a host says that comes from a record: `nb1:device:42`.
pub(crate) fn origin_of(prefix: &str, origin: &str) -> String {
    if prefix.is_empty() { origin.to_owned() } else { format!("{prefix}:{origin}") }
}

fn pair(name: &str, value: &str) -> Option<Pair> {
    Some(Pair::new(Text::new(name)?, value))
}
