//! From changes to the API's objects. Of what is sent as a list, what people put there goes back as it was.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::Change;

use super::image;
use crate::catalogue::Catalogue;
use crate::dialect::{Dialect, Monitoring};
use crate::mapping::host::{ORIGIN_TAG, is_of_origin};
use crate::mapping::interface::Interface;
use crate::mapping::macros::{self, Checks, MacroValue};
use crate::mapping::managed::{Managed, one_spelling};
use crate::mapping::rules::{Encryption, InterfaceKind, Mapping};
use crate::read::host::is_main;
use crate::read::rows::HostRow;
use crate::settings::Unlink;
use crate::templates::Templates;

/// What a change is turned into an object with.
pub(super) struct Payloads<'w> {
    pub dialect: Dialect,
    pub catalogue: &'w Catalogue,
    pub managed: &'w Managed,
    pub mapping: &'w Mapping,
    pub checks: &'w Checks,
    pub unlink: Unlink,
    pub bindings: &'w Bindings,
    /// What the templates bring along that changes of this batch link.
    pub templates: &'w Templates,
}

/// Why a change cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsendable {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong.
    pub reason: String,
}

pub(super) fn unsendable<T>(field: &'static str, reason: impl Into<String>) -> Result<T, Unsendable> {
    Err(Unsendable { field, reason: reason.into() })
}

impl Payloads<'_> {
    /// The object of `host.create`.
    pub fn create(&self, change: &Change) -> Result<Value, Unsendable> {
        let mut object = self.object(change, None)?;
        if let Some(image) = &change.image {
            image::give_back(&mut object, image, self.catalogue, self.dialect.monitoring);
        }
        Ok(object)
    }

    /// The object of `host.update` for a host as it is now.
    pub fn update(&self, change: &Change, now: &HostRow) -> Result<Value, Unsendable> {
        let mut object = self.object(change, Some(now))?;
        object["hostid"] = now.hostid.as_str().into();
        Ok(object)
    }

    fn object(&self, change: &Change, now: Option<&HostRow>) -> Result<Value, Unsendable> {
        let mut object = Map::new();
        let after = |field: &str| change.fields.iter().find(|change| change.name == field).map(|change| &change.after);
        // Whoever says only one of the names overwrites the other.
        if let (Some(_), _) | (_, Some(_)) = (after("host"), after("name")) {
            let said = |field: &str, now: Option<&String>| {
                after(field).and_then(Value::as_str).map(str::to_owned).or_else(|| now.cloned())
            };
            object.insert("host".to_owned(), said("host", now.map(|now| &now.host)).into());
            object.insert("name".to_owned(), said("name", now.map(|now| &now.name)).into());
        }
        if let Some(status) = after("status") {
            object.insert("status".to_owned(), u8::from(status != "monitored").into());
        }
        if let Some(description) = after("description") {
            object.insert("description".to_owned(), description.as_str().unwrap_or_default().into());
        }
        if let Some(groups) = after("groups") {
            object.insert("groups".to_owned(), self.groups(groups, now)?);
        }
        if let Some(templates) = after("templates") {
            self.templates(templates, now, &mut object)?;
        }
        if let Some(interfaces) = after("interfaces") {
            object.insert("interfaces".to_owned(), self.interfaces(interfaces, now));
        }
        if let Some(by) = after("monitored_by").and_then(Value::as_str) {
            self.monitored_by(by, &mut object)?;
        }
        if after("tags").is_some() || after("origin").is_some() {
            object.insert("tags".to_owned(), self.tags(after("tags"), after("origin"), now));
        }
        if let Some(macros) = after("macros") {
            object.insert("macros".to_owned(), self.macros(macros, now)?);
        }
        self.inventory(after("inventory_mode"), after("inventory"), now, &mut object);
        if let Some(way) = after("encryption").and_then(Value::as_str) {
            let name = after("host").and_then(Value::as_str).map(str::to_owned);
            self.encryption(way, &name.or_else(|| now.map(|now| now.host.clone())).unwrap_or_default(), &mut object)?;
        }
        self.ensure_linkable(&object, now)?;
        Ok(Value::Object(object))
    }

    fn groups(&self, wanted: &Value, now: Option<&HostRow>) -> Result<Value, Unsendable> {
        let mut ids: BTreeSet<String> = BTreeSet::new();
        let own = now.and_then(|now| now.groups.as_ref()).into_iter().flatten();
        ids.extend(own.map(|group| group.groupid.clone()).filter(|id| !self.manages_group(id)));
        for key in wanted.as_array().into_iter().flatten() {
            let name = key.get(0).and_then(Value::as_str).unwrap_or_default();
            let made = self.bindings.id("host_group", &key.to_string());
            match made.or_else(|| self.catalogue.groups.id(name).map(str::to_owned)) {
                Some(id) => drop(ids.insert(id)),
                None => return unsendable("groups", missing("host group", name)),
            }
        }
        Ok(ids.into_iter().map(|id| json!({"groupid": id})).collect())
    }

    fn manages_group(&self, id: &str) -> bool {
        self.catalogue.groups.name(id).is_some_and(|name| self.managed.group(name))
    }

    fn templates(
        &self,
        wanted: &Value,
        now: Option<&HostRow>,
        object: &mut Map<String, Value>,
    ) -> Result<(), Unsendable> {
        let mut ids: BTreeSet<String> = BTreeSet::new();
        for name in texts(wanted) {
            match self.catalogue.templates.id(name) {
                Some(id) => drop(ids.insert(id.to_owned())),
                None => return unsendable("templates", missing("template", name)),
            }
        }
        let linked = now.map(|now| now.templates.iter().map(|template| template.templateid.clone()));
        let linked: BTreeSet<String> = linked.into_iter().flatten().collect();
        let manages = |id: &str| self.catalogue.templates.name(id).is_some_and(|name| self.managed.template(name));
        let (managed, own): (BTreeSet<_>, BTreeSet<_>) = linked.into_iter().partition(|id| manages(id));
        let gone: BTreeSet<_> = managed.difference(&ids).cloned().collect();
        ids.extend(own);
        let list = |ids: BTreeSet<String>| -> Value { ids.into_iter().map(|id| json!({"templateid": id})).collect() };
        object.insert("templates".to_owned(), list(ids));
        // What is only unlinked stays with its items for ever, and a later clear finds nothing to clear.
        if self.unlink == Unlink::Clear && !gone.is_empty() {
            object.insert("templates_clear".to_owned(), list(gone));
        }
        Ok(())
    }

    /// Refuses what Zabbix would refuse for the whole array, or, before 7.0, take and make a mess of.
    fn ensure_linkable(&self, object: &Map<String, Value>, now: Option<&HostRow>) -> Result<(), Unsendable> {
        if !object.contains_key("templates") && !object.contains_key("interfaces") {
            return Ok(());
        }
        let ids: BTreeSet<String> = match object.get("templates") {
            Some(list) => ids_of(list, "templateid"),
            None => {
                now.into_iter().flat_map(|now| &now.templates).map(|template| template.templateid.clone()).collect()
            }
        };
        let objects = now.into_iter().flat_map(|now| &now.interfaces);
        let kept = |id: &str| match object.get("interfaces") {
            Some(list) => ids_of(list, "interfaceid").contains(id),
            None => true,
        };
        let mut kinds: BTreeSet<InterfaceKind> = objects
            .filter(|found| found.get("interfaceid").and_then(Value::as_str).is_some_and(kept))
            .filter_map(|found| Interface::read(found, self.dialect).map(|(kind, _)| kind))
            .collect();
        let said = object.get("interfaces").and_then(Value::as_array).into_iter().flatten();
        kinds.extend(said.filter_map(|said| InterfaceKind::of_number(said.get("type")?.as_u64()?)));
        let name = |id: &str| self.catalogue.templates.name(id).unwrap_or("?");
        match self.templates.objection(&ids, &kinds, name) {
            Some(reason) => unsendable("templates", reason + &self.remedy(now)),
            None => Ok(()),
        }
    }

    /// What can be done about a host whose templates do not fit, if some of them are people's as far as the rules tell: a rule that
    /// named them may have been changed.
    fn remedy(&self, now: Option<&HostRow>) -> String {
        let linked = now.into_iter().flat_map(|now| &now.templates);
        let names = linked.filter_map(|template| self.catalogue.templates.name(&template.templateid));
        let theirs: Vec<_> =
            names.filter(|name| !self.managed.template(name)).map(|name| format!("`{name}`")).collect();
        if theirs.is_empty() {
            return String::new();
        }
        format!(
            ". No rule names {}, so it counts as people's: unlink it by hand, or list it in `managed_templates`",
            theirs.join(", ")
        )
    }

    /// The ids of the templates that a change links, as far as they are known.
    pub fn linked(catalogue: &Catalogue, change: &Change) -> BTreeSet<String> {
        let names =
            change.fields.iter().filter(|field| field.name == "templates").flat_map(|field| texts(&field.after));
        names.filter_map(|name| catalogue.templates.id(name).map(str::to_owned)).collect()
    }

    /// The interfaces of the host: those that are managed as they are wanted, by the ids that they have now, and all others by their
    /// ids, which leaves them as they are.
    fn interfaces(&self, wanted: &Value, now: Option<&HostRow>) -> Value {
        let mut wanted: BTreeMap<InterfaceKind, Interface> = pairs(wanted)
            .filter_map(|(name, text)| Some((InterfaceKind::parse(name)?, Interface::parse(text, self.dialect)?)))
            .collect();
        let mut list = Vec::new();
        for object in now.map(|now| &now.interfaces).into_iter().flatten() {
            let id = object.get("interfaceid").and_then(Value::as_str).unwrap_or_default();
            let kind = Interface::read(object, self.dialect).map(|(kind, _)| kind);
            let managed = kind.filter(|kind| is_main(object) && self.managed.interfaces.contains(kind));
            match managed.map(|kind| (kind, wanted.remove(&kind))) {
                Some((kind, Some(interface))) => list.push(interface.object(kind, Some(id))),
                // It goes.
                Some((_, None)) => {}
                None => list.push(json!({"interfaceid": id})),
            }
        }
        list.extend(wanted.into_iter().map(|(kind, interface)| interface.object(kind, None)));
        Value::Array(list)
    }

    fn monitored_by(&self, by: &str, object: &mut Map<String, Value>) -> Result<(), Unsendable> {
        let group = by.strip_prefix("proxy group ");
        let proxy = by.strip_prefix("proxy ").filter(|_| group.is_none());
        let id = match (group, proxy) {
            (Some(name), _) => match self.catalogue.proxy_groups.id(name) {
                Some(id) => id,
                None => return unsendable("monitored_by", missing("proxy group", name)),
            },
            (None, Some(name)) => match self.catalogue.proxies.id(name) {
                Some(id) => id,
                None => return unsendable("monitored_by", missing("proxy", name)),
            },
            (None, None) => "0",
        };
        let mut set = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        match self.dialect.monitoring {
            Monitoring::ProxyHostid if group.is_some() => {
                return unsendable("monitored_by", "this Zabbix has no proxy groups; they came with 7.0");
            }
            Monitoring::ProxyHostid => set("proxy_hostid", id.into()),
            // One id, and the other only by leaving it out: setting who monitors clears what is not meant.
            Monitoring::MonitoredBy => match (group, proxy) {
                (Some(_), _) => {
                    set("monitored_by", 2.into());
                    set("proxy_groupid", id.into());
                }
                (None, Some(_)) => {
                    set("monitored_by", 1.into());
                    set("proxyid", id.into());
                }
                (None, None) => set("monitored_by", 0.into()),
            },
        }
        Ok(())
    }

    fn tags(&self, wanted: Option<&Value>, origin: Option<&Value>, now: Option<&HostRow>) -> Value {
        let mut tags: BTreeSet<(String, String)> = BTreeSet::new();
        for tag in now.map(|now| &now.tags).into_iter().flatten() {
            let managed = self.managed.tags.contains(&tag.tag) && wanted.is_some();
            // The tags of other syncs, which make other things of the host, are theirs.
            let replaced = origin.is_some() && is_of_origin(&self.mapping.origin, &tag.tag, &tag.value);
            if !managed && !replaced {
                tags.insert((tag.tag.clone(), tag.value.clone()));
            }
        }
        let wanted = wanted.map(|wanted| pairs(wanted).map(|(name, value)| (name.to_owned(), value.to_owned())));
        tags.extend(wanted.into_iter().flatten());
        if let Some(origin) = origin.and_then(Value::as_str) {
            tags.insert((ORIGIN_TAG.to_owned(), origin.to_owned()));
        }
        tags.into_iter().map(|(tag, value)| json!({"tag": tag, "value": value})).collect()
    }

    fn macros(&self, wanted: &Value, now: Option<&HostRow>) -> Result<Value, Unsendable> {
        let mut list = Vec::new();
        let mut known = BTreeMap::new();
        for found in now.map(|now| &now.macros).into_iter().flatten() {
            let name = one_spelling(&found.r#macro);
            if self.managed.macros.contains(&name) {
                known.insert(name, found);
            } else {
                // Only its id: Zabbix keeps what it is not told, secrets too.
                list.push(json!({"hostmacroid": found.hostmacroid}));
            }
        }
        for (name, text) in pairs(wanted) {
            let value = MacroValue::parse(text);
            let found = known.remove(name);
            let same = found.is_some_and(|found| {
                MacroValue::read(&found.r#type, found.value.as_deref(), &found.description) == value
            });
            if let Some(found) = found.filter(|_| same) {
                list.push(json!({"hostmacroid": found.hostmacroid}));
                continue;
            }
            let mut object = match value {
                MacroValue::Text(text) => json!({"macro": name, "type": 0, "value": text}),
                MacroValue::Vault(path) => json!({"macro": name, "type": 2, "value": path}),
                MacroValue::Secret { check: Some(check) } => match self.checks.value(name, &check) {
                    Some(secret) => json!({
                        "macro": name, "type": 1, "value": secret.expose_secret(), "description": macros::description(&check),
                    }),
                    // An earlier secret, which nobody can give back. The rest of the host is written, and this is told afterwards.
                    None if found.is_some_and(|found| found.r#type == "1") => {
                        list.extend(found.map(|found| json!({"hostmacroid": found.hostmacroid})));
                        continue;
                    }
                    None => {
                        return unsendable(
                            "macros",
                            format!(
                                "the secret of `{name}` is another one than when the plan was made; make a new plan"
                            ),
                        );
                    }
                },
                MacroValue::Secret { check: None } => {
                    return unsendable(
                        "macros",
                        format!("the secret of `{name}` was somebody else's and cannot be given back"),
                    );
                }
            };
            if let Some(found) = found {
                object["hostmacroid"] = found.hostmacroid.as_str().into();
            }
            list.push(object);
        }
        Ok(Value::Array(list))
    }

    fn inventory(
        &self,
        mode: Option<&Value>,
        wanted: Option<&Value>,
        now: Option<&HostRow>,
        object: &mut Map<String, Value>,
    ) {
        let number = mode.and_then(Value::as_str).map(|mode| match mode {
            "manual" => 0,
            "automatic" => 1,
            _ => -1,
        });
        let disabled = now.is_none_or(|now| now.inventory_mode == "-1" || now.inventory_mode.is_empty());
        let fills = wanted.is_some_and(|wanted| pairs(wanted).next().is_some());
        match number {
            Some(number) => drop(object.insert("inventory_mode".to_owned(), number.into())),
            // A disabled inventory takes no fields.
            None if disabled && fills => drop(object.insert("inventory_mode".to_owned(), 0.into())),
            None => {}
        }
        let is_off = number == Some(-1) || (number.is_none() && disabled && !fills);
        let Some(wanted) = wanted.filter(|_| !is_off) else { return };
        let said: BTreeMap<_, _> = pairs(wanted).collect();
        // Fields that are not sent stay: those that are to be empty are said so.
        let fields = self
            .managed
            .inventory
            .iter()
            .map(|field| (field.clone(), Value::from(said.get(field.as_str()).copied().unwrap_or_default())));
        let fields = fields.filter(|(_, value)| now.is_some() || value != "");
        object.insert("inventory".to_owned(), Value::Object(fields.collect()));
    }

    fn encryption(&self, way: &str, host: &str, object: &mut Map<String, Value>) -> Result<(), Unsendable> {
        let mut set = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        let number = match way.split(' ').next() {
            Some("none") => 1,
            Some("psk") => 2,
            Some("certificate") => 4,
            _ => return unsendable("encryption", format!("`{way}` cannot be given back")),
        };
        set("tls_connect", number.into());
        set("tls_accept", number.into());
        if number == 4 {
            let rule = self.mapping.encryption.iter().find_map(|rule| match &rule.with {
                Encryption::Certificate { issuer, subject }
                    if crate::mapping::host::certificate(issuer, subject) == way =>
                {
                    Some((issuer, subject))
                }
                _ => None,
            });
            let Some((issuer, subject)) = rule else {
                return unsendable("encryption", format!("no rule says `{way}` any more; make a new plan"));
            };
            set("tls_issuer", issuer.as_str().into());
            set("tls_subject", subject.as_str().into());
        }
        if number == 2 {
            let rule = self.mapping.encryption.iter().find_map(|rule| match &rule.with {
                Encryption::Psk { identity, key } => Some((identity, key)),
                _ => None,
            });
            let Some((identity, key)) = rule else {
                return unsendable("encryption", "no rule says `psk` any more; make a new plan");
            };
            let key = key.resolve().or_else(|error| unsendable("encryption", error.to_string()))?;
            set("tls_psk_identity", if identity.is_empty() { host.into() } else { identity.as_str().into() });
            set("tls_psk", key.expose_secret().into());
        }
        Ok(())
    }
}

/// The ids in a list of objects.
fn ids_of(list: &Value, name: &str) -> BTreeSet<String> {
    let ids = list.as_array().into_iter().flatten().filter_map(|object| object.get(name)?.as_str());
    ids.map(str::to_owned).collect()
}

/// What is said of an object that a host refers to and that is not there.
pub(super) fn missing(what: &str, name: &str) -> String {
    format!("the {what} `{name}` is missing in Zabbix, or not visible to this account")
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The names and values of a set of pairs.
fn pairs(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    let pairs = value.as_array().into_iter().flatten();
    pairs.filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)))
}
