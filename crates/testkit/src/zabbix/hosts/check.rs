//! What is checked of hosts before anything is written.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use crate::zabbix::access::Access;
use crate::zabbix::check::{self, Rule, Shape, below, missing, must};
use crate::zabbix::inventory;
use crate::zabbix::macros;
use crate::zabbix::methods::Ctx;
use crate::zabbix::php::{self, Object};
use crate::zabbix::refusal::{NO_PERMISSIONS, Refusal};
use crate::zabbix::state::Host;

const ID_LIST: [&str; 3] = ["groups", "templates", "templates_clear"];
const GROUPS: Shape =
    Shape { fields: &[must("groupid", Rule::Id)], unique: &["groupid"], not_empty: true, open: false };
const TEMPLATES: Shape =
    Shape { fields: &[must("templateid", Rule::Id)], unique: &["templateid"], not_empty: false, open: false };
const TAGS: Shape = Shape {
    fields: &[must("tag", Rule::Name(255)), check::may("value", Rule::Text(255))],
    unique: &["tag", "value"],
    not_empty: false,
    open: false,
};

/// Properties that 7.0 checks by path, for one host; `known` is the host that changes.
pub(super) fn properties(ctx: &Ctx<'_>, given: &Object, path: &str, known: Option<&Host>) -> Result<(), Refusal> {
    let at = |name: &str| below(path, name);
    if ctx.dialect.modern {
        proxy(given, path, known)?;
        encryption(given, path, known)?;
        match given.get("groups") {
            Some(groups) => check::objects(groups, &at("groups"), &GROUPS).map(|_| ())?,
            None if known.is_none() => return Err(missing(path, "groups")),
            None => {}
        }
        for name in &ID_LIST[1..] {
            if let Some(list) = given.get(*name) {
                check::objects(list, &at(name), &TEMPLATES)?;
            }
        }
    }
    if let Some(tags) = given.get("tags") {
        // 6.0 leaves the place of the host out of the path.
        let path = if ctx.dialect.modern { at("tags") } else { "/tags".to_owned() };
        check::objects(&with_values(tags), &path, &TAGS)?;
    }
    if let Some(list) = given.get("macros") {
        let shape = match (known, ctx.dialect.modern) {
            (None, _) => &macros::CREATE,
            (Some(_), true) => &macros::CHANGE_AUTOMATIC,
            (Some(_), false) => &macros::CHANGE,
        };
        let list = check::objects(list, &at("macros"), shape)?;
        macros::check_vault(&list, &at("macros"))?;
    }
    Ok(())
}

/// Tags without a value have an empty one when they are compared.
fn with_values(tags: &Json) -> Json {
    match tags {
        Json::Array(tags) => tags.iter().map(with_value).collect(),
        other => with_value(other),
    }
}

fn with_value(tag: &Json) -> Json {
    let mut tag = tag.clone();
    if let Some(object) = tag.as_object_mut()
        && object.contains_key("tag")
    {
        object.entry("value").or_insert_with(|| "".into());
    }
    tag
}

fn proxy(given: &Object, path: &str, known: Option<&Host>) -> Result<(), Refusal> {
    if let Some(value) = given.get("monitored_by") {
        one_of(value, &below(path, "monitored_by"), &[0, 1, 2])?;
    }
    let by = monitored_by(given, known);
    for (name, mode) in [("proxyid", "1"), ("proxy_groupid", "2")] {
        let Some(value) = given.get(name) else {
            // A host that changes may keep the one that it has.
            if by == mode && known.is_none() {
                return Err(missing(path, name));
            }
            continue;
        };
        let id = php::id(value).ok_or_else(|| Refusal::invalid(&below(path, name), "a number is expected"))?;
        if by != mode && id != 0 {
            return Err(Refusal::invalid(&below(path, name), "value must be 0"));
        }
    }
    Ok(())
}

fn one_of(value: &Json, path: &str, values: &'static [i64]) -> Result<(), Refusal> {
    let field = [must("x", Rule::OneOf(values))];
    let object = Json::Object(Object::from_iter([("x".to_owned(), value.clone())]));
    check::object(&object, "/", &field, true)
        .map(|_| ())
        .map_err(|refusal| Refusal { data: refusal.data.replace("\"/x\"", &format!("\"{path}\"")), ..refusal })
}

fn monitored_by(given: &Object, known: Option<&Host>) -> String {
    let before = known.map_or("0", |known| known.get("monitored_by"));
    php::get_text(given, "monitored_by").unwrap_or_else(|| before.to_owned())
}

/// Whether pre-shared keys and certificates are in use.
pub(super) fn encryption_in_use(given: &Object, known: Option<&Host>) -> (bool, bool) {
    let number = |name: &str| {
        let before = known.map_or("1", |known| known.get(name));
        php::get_text(given, name).unwrap_or_else(|| before.to_owned()).parse::<u8>().unwrap_or(1)
    };
    let both = number("tls_connect") | number("tls_accept");
    (both & 2 != 0, both & 4 != 0)
}

/// Encryption as 7.0 checks it.
fn encryption(given: &Object, path: &str, known: Option<&Host>) -> Result<(), Refusal> {
    let at = |name: &str| below(path, name);
    if let Some(value) = given.get("tls_connect") {
        one_of(value, &at("tls_connect"), &[1, 2, 4])?;
    }
    if let Some(value) = given.get("tls_accept") {
        let number = php::text(value).and_then(|text| text.parse::<i64>().ok());
        match number {
            None => return Err(Refusal::invalid(&at("tls_accept"), "an integer is expected")),
            Some(1..=7) => {}
            Some(_) => return Err(Refusal::invalid(&at("tls_accept"), "value must be one of 1-7")),
        }
    }
    let (psk, certificate) = encryption_in_use(given, known);
    for name in ["tls_psk_identity", "tls_psk"] {
        let before = known.map_or("", |known| known.get(name));
        match given.get(name) {
            Some(value) => {
                check::text(value, &at(name), if name == "tls_psk" { 512 } else { 128 }, psk)?;
                if !psk && !php::is_empty(value) {
                    return Err(Refusal::invalid(&at(name), "value must be empty"));
                }
            }
            None if psk && known.is_none() => return Err(missing(path, name)),
            None if psk && before.is_empty() => return Err(Refusal::invalid(&at(name), "cannot be empty")),
            None => {}
        }
    }
    if let Some(key) = given.get("tls_psk").and_then(Json::as_str).filter(|key| !key.is_empty()) {
        key_problem(key).map_or(Ok(()), |problem| Err(Refusal::invalid(&at("tls_psk"), problem)))?;
    }
    for name in ["tls_issuer", "tls_subject"] {
        if let Some(value) = given.get(name) {
            check::text(value, &at(name), 1024, false)?;
            if !certificate && !php::is_empty(value) {
                return Err(Refusal::invalid(&at(name), "value must be empty"));
            }
        }
    }
    Ok(())
}

fn key_problem(key: &str) -> Option<&'static str> {
    if key.len() < 32 {
        return Some("minimum length is 32 characters");
    }
    let hex = key.len().is_multiple_of(2) && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!hex).then_some("an even number of hexadecimal characters is expected")
}

/// Encryption as 6.0 checks it: with the names of fields, after everything else.
pub(super) fn old_encryption(given: &Object, known: Option<&Host>) -> Result<(), Refusal> {
    let bad =
        |name: &str, problem: &str| Refusal::parameters(format!("Incorrect value for field \"{name}\": {problem}."));
    for (name, values) in [("tls_connect", &[1, 2, 4][..]), ("tls_accept", &[1, 2, 3, 4, 5, 6, 7])] {
        if let Some(value) = php::get_text(given, name)
            && !value.parse().is_ok_and(|number: i64| values.contains(&number))
        {
            return Err(bad(name, &format!("unexpected value \"{value}\"")));
        }
    }
    let (psk, certificate) = encryption_in_use(given, known);
    let touched = given.contains_key("tls_connect") || given.contains_key("tls_accept");
    for name in ["tls_psk_identity", "tls_psk"] {
        // Keys that are not in use go away with the switch.
        let before = if touched && !psk { "" } else { known.map_or("", |known| known.get(name)) };
        let value = php::get_text(given, name).unwrap_or_else(|| before.to_owned());
        if psk && value.is_empty() {
            return Err(bad(name, "cannot be empty"));
        }
        if !psk && !value.is_empty() {
            return Err(bad(name, "should be empty"));
        }
        if psk
            && name == "tls_psk"
            && let Some(problem) = key_problem(&value)
        {
            return Err(bad(name, problem));
        }
    }
    for name in ["tls_issuer", "tls_subject"] {
        if !certificate && php::get_text(given, name).is_some_and(|value| !value.is_empty()) {
            return Err(bad(name, "should be empty"));
        }
    }
    Ok(())
}

/// Groups and their properties as 6.0 checks them.
pub(super) fn old_groups(given: &Object, host: &str) -> Result<(), Refusal> {
    let groups = given.get("groups").map(php::list).unwrap_or_default();
    let is_list = matches!(given.get("groups"), Some(Json::Array(_) | Json::Object(_)));
    if groups.is_empty() || !is_list {
        return Err(crate::zabbix::groups::cannot_be_without(host));
    }
    match groups.iter().any(|group| group.get("groupid").is_none()) {
        true => Err(Refusal::parameters("Incorrect value for field \"groups\": the parameter \"groupid\" is missing.")),
        false => Ok(()),
    }
}

/// Proxies, groups and templates exist and may be used.
pub(super) fn references(ctx: &Ctx<'_>, hosts: &[Object], known: &[Option<Host>]) -> Result<(), Refusal> {
    let each = || hosts.iter().zip(known).enumerate();
    let modern = ctx.dialect.modern;
    if modern {
        for (number, (given, known)) in each() {
            let path = below("/", number + 1);
            let by = monitored_by(given, known.as_ref());
            let missing = |name: &str, has: &dyn Fn(u64) -> bool| {
                let before = known.as_ref().and_then(|known| known.get(name).parse().ok()).unwrap_or(0);
                !has(if given.contains_key(name) { php::get_id(given, name) } else { before })
            };
            if by == "1" && missing("proxyid", &|id| ctx.state.proxies.contains_key(&id)) {
                return Err(Refusal::no_object(&below(&path, "proxyid")));
            }
            if by == "2" && missing("proxy_groupid", &|id| ctx.state.proxy_groups.contains_key(&id)) {
                return Err(Refusal::no_object(&below(&path, "proxy_groupid")));
            }
        }
        keys(ctx, hosts, known)?;
    }
    for (number, (given, _)) in each() {
        for (place, id) in crate::zabbix::groups::ids_of(given, "groups", "groupid").into_iter().enumerate() {
            // A group that the host has does not count if the user may not change its members.
            if !ctx.state.groups.contains_key(&id) || !ctx.user.may_group(id, Access::Write) {
                return Err(no_object(modern, number, "groups", place));
            }
        }
    }
    for (number, (given, known)) in each() {
        for list in ["templates", "templates_clear"] {
            for (place, id) in crate::zabbix::groups::ids_of(given, list, "templateid").into_iter().enumerate() {
                // 6.0 lets a template be cleared that the user does not see.
                let cleared = !modern
                    && list == "templates_clear"
                    && known.as_ref().is_some_and(|known| known.templates.contains(&id));
                let may = ctx.state.templates.get(&id).is_some_and(|template| ctx.user.may(template, Access::Read));
                if !may && !cleared {
                    return Err(no_object(modern, number, list, place));
                }
            }
        }
        if modern {
            templates_in_both(given, number)?;
        }
    }
    Ok(())
}

fn templates_in_both(given: &Object, number: usize) -> Result<(), Refusal> {
    let list = |name: &str| crate::zabbix::groups::ids_of(given, name, "templateid");
    let linked = list("templates");
    for (place, id) in list("templates_clear").into_iter().enumerate() {
        if let Some(other) = linked.iter().position(|linked| *linked == id) {
            let path = format!("/{}/templates_clear/{}/templateid", number + 1, place + 1);
            let other = format!("/{}/templates/{}/templateid", number + 1, other + 1);
            return Err(Refusal::invalid(&path, &format!("cannot be specified the value of parameter \"{other}\"")));
        }
    }
    Ok(())
}

fn no_object(modern: bool, number: usize, list: &str, place: usize) -> Refusal {
    match modern {
        true => Refusal::no_object(&format!("/{}/{list}/{}", number + 1, place + 1)),
        false => Refusal::application(NO_PERMISSIONS),
    }
}

/// One identity has one key, on all hosts.
fn keys(ctx: &Ctx<'_>, hosts: &[Object], known: &[Option<Host>]) -> Result<(), Refusal> {
    let mut keys: HashMap<String, String> = HashMap::new();
    let touched: HashSet<u64> = known.iter().flatten().map(|host| host.id).collect();
    for host in ctx.state.hosts.values().filter(|host| !touched.contains(&host.id)) {
        let identity = host.get("tls_psk_identity");
        if !identity.is_empty() {
            keys.insert(identity.to_owned(), host.get("tls_psk").to_owned());
        }
    }
    for (number, (given, known)) in hosts.iter().zip(known).enumerate() {
        if !encryption_in_use(given, known.as_ref()).0 {
            continue;
        }
        let value = |name: &str| {
            let before = known.as_ref().map_or("", |known| known.get(name));
            php::get_text(given, name).unwrap_or_else(|| before.to_owned())
        };
        let (identity, key) = (value("tls_psk_identity"), value("tls_psk"));
        let other = keys.insert(identity, key.clone());
        if other.is_some_and(|other| other != key) {
            let path = format!("/{}/tls_psk", number + 1);
            let problem = "another tls_psk value is already associated with given tls_psk_identity";
            return Err(Refusal::invalid(&path, problem));
        }
    }
    Ok(())
}

/// The technical name: only some characters, no space at an end.
pub(super) fn technical_name(given: &Json) -> Result<String, Refusal> {
    let name = php::text(given).unwrap_or_default();
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ');
    let is_name = !name.is_empty() && name.chars().all(right) && !name.starts_with(' ') && !name.ends_with(' ');
    match given.is_string() && is_name {
        true => Ok(name),
        false => Err(Refusal::parameters(format!("Incorrect characters used for host name \"{name}\"."))),
    }
}

/// Status, inventory, and that interfaces are a list.
pub(super) fn plain(given: &Object, host: &str) -> Result<(), Refusal> {
    let is_list = |value: &Json| matches!(value, Json::Array(_) | Json::Object(_) | Json::Null);
    if given.get("interfaces").is_some_and(|interfaces| !is_list(interfaces)) {
        return Err(Refusal::arguments());
    }
    if let Some(status) = given.get("status") {
        let right = !status.is_boolean() && matches!(php::text(status).as_deref(), Some("0" | "1"));
        if !right {
            return Err(Refusal::application(format!("Incorrect status for host \"{host}\".")));
        }
    }
    let mode = given.get("inventory_mode").map(|mode| php::text(mode).unwrap_or_default());
    if mode.as_ref().is_some_and(|mode| !["-1", "0", "1"].contains(&mode.as_str())) {
        return Err(Refusal::application(
            "Incorrect value for field \"inventory_mode\": value must be one of -1, 0, 1.",
        ));
    }
    if let Some(inventory) = given.get("inventory").and_then(Json::as_object).filter(|fields| !fields.is_empty()) {
        if mode.as_deref() == Some("-1") {
            return Err(Refusal::parameters("Cannot set inventory fields for disabled inventory."));
        }
        inventory::check_names(inventory)?;
    }
    Ok(())
}

/// The names of an array, each with the host that has it.
#[derive(Default)]
pub(super) struct Names {
    hosts: Vec<(String, u64)>,
    visible: Vec<(String, u64)>,
}

impl Names {
    /// Adds the names of one host, `id` 0 for a new one. Refuses what is in the array already.
    pub fn add(&mut self, host: Option<&str>, visible: Option<&str>, id: u64) -> Result<(), Refusal> {
        for (name, list, word) in [(host, &mut self.hosts, "host"), (visible, &mut self.visible, "visible")] {
            let Some(name) = name else { continue };
            if list.iter().any(|(other, _)| other == name) {
                return Err(Refusal::parameters(format!(
                    "Duplicate host. Host with the same {word} name \"{name}\" already exists in data."
                )));
            }
            list.push((name.to_owned(), id));
        }
        Ok(())
    }

    /// Nobody else has one of the names, whether the user sees them or not.
    pub fn free(&self, ctx: &Ctx<'_>) -> Result<(), Refusal> {
        let index = |list: &[(String, u64)]| list.iter().cloned().collect::<HashMap<String, u64>>();
        let (hosts, visible) = (index(&self.hosts), index(&self.visible));
        for (things, kind) in [(&ctx.state.hosts, "Host"), (&ctx.state.templates, "Template")] {
            for other in things.values() {
                let taken =
                    |names: &HashMap<String, u64>, name: &str| names.get(name).is_some_and(|id| *id != other.id);
                if taken(&hosts, other.host()) {
                    let text = format!("{kind} with the same name \"{}\" already exists.", other.host());
                    return Err(Refusal::parameters(text));
                }
                if taken(&visible, other.name()) {
                    let text = format!("{kind} with the same visible name \"{}\" already exists.", other.name());
                    return Err(Refusal::parameters(text));
                }
            }
        }
        Ok(())
    }
}
