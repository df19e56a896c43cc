//! `host.create`, `host.update`, `host.delete`: arrays, all or nothing.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::check::{self, Names};
use crate::zabbix::access::Access;
use crate::zabbix::check::{Rule, Shape, below, ids, must, objects};
use crate::zabbix::groups::ids_of;
use crate::zabbix::methods::Ctx;
use crate::zabbix::php::{self, Object, id_list};
use crate::zabbix::refusal::{NO_PERMISSIONS, Refusal};
use crate::zabbix::state::{Host, Inventory, Row, Tag, set};
use crate::zabbix::{interfaces, inventory, link, macros};

/// Plain properties and the widths of their columns.
const PLAIN: [(&str, usize); 16] = [
    ("host", 128),
    ("name", 128),
    ("status", 11),
    ("description", usize::MAX),
    ("ipmi_authtype", 11),
    ("ipmi_privilege", 11),
    ("ipmi_username", 16),
    ("ipmi_password", 20),
    ("tls_connect", 11),
    ("tls_accept", 11),
    ("tls_issuer", 1024),
    ("tls_subject", 1024),
    ("tls_psk_identity", 128),
    ("tls_psk", 512),
    ("proxy_hostid", 20),
    ("monitored_by", 11),
];

const HOST_IDS: Shape = Shape { fields: &[must("hostid", Rule::Id)], unique: &["hostid"], not_empty: true, open: true };

/// The objects of the parameters; neither version takes none.
fn entries(ctx: &Ctx<'_>, params: &Json) -> Result<Vec<Object>, Refusal> {
    let entries: Vec<Object> =
        php::list(params).into_iter().map(|entry| entry.as_object().cloned().unwrap_or_default()).collect();
    match (entries.is_empty(), ctx.dialect.modern) {
        (false, _) => Ok(entries),
        (true, true) => Err(Refusal::invalid("/", "cannot be empty")),
        (true, false) => Err(Refusal::parameters("Empty input parameter.")),
    }
}

pub(in crate::zabbix) fn create(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut given = entries(ctx, params)?;
    let nobody: Vec<Option<Host>> = given.iter().map(|_| None).collect();
    let modern = ctx.dialect.modern;
    if modern {
        for (number, host) in given.iter().enumerate() {
            check::properties(ctx, host, &below("/", number + 1), None)?;
        }
        check::references(ctx, &given, &nobody)?;
    }
    for (number, host) in given.iter_mut().enumerate() {
        let given = host.get("host").filter(|name| !name.is_null());
        let name = check::technical_name(given.ok_or_else(|| Refusal::parameters("Wrong fields for host \"\"."))?)?;
        let visible = php::get_text(host, "name").filter(|visible| !visible.trim().is_empty());
        host.insert("name".to_owned(), visible.unwrap_or_else(|| name.clone()).into());
        host.insert("host".to_owned(), name.clone().into());
        if !modern {
            check::old_groups(host, &name)?;
            check::properties(ctx, host, &below("/", number + 1), None)?;
        }
    }
    let mut names = Names::default();
    for host in &given {
        names.add(host.get("host").and_then(Json::as_str), None, 0)?;
    }
    for host in &given {
        names.add(None, host.get("name").and_then(Json::as_str), 0)?;
    }
    if !modern {
        old_group_rights(ctx, &given, &nobody)?;
    }
    for host in &given {
        check::plain(host, &php::get_text(host, "host").unwrap_or_default())?;
    }
    names.free(ctx)?;
    if !modern {
        for host in &given {
            check::old_encryption(host, None)?;
        }
    }
    let mut created = Vec::new();
    for host in &given {
        created.push(insert(ctx, host)?);
    }
    Ok(serde_json::json!({"hostids": id_list(created)}))
}

/// 6.0 looks at the rights to groups after the names.
fn old_group_rights(ctx: &Ctx<'_>, given: &[Object], known: &[Option<Host>]) -> Result<(), Refusal> {
    let only_groups: Vec<Object> = given
        .iter()
        .map(|host| host.iter().filter(|(name, _)| *name == "groups").map(|(n, v)| (n.clone(), v.clone())).collect())
        .collect();
    check::references(ctx, &only_groups, known)
}

fn insert(ctx: &mut Ctx<'_>, given: &Object) -> Result<u64, Refusal> {
    let mut host = Host { id: ctx.state.next("hosts"), ..Host::default() };
    columns(ctx, &mut host, given)?;
    let id = host.id;
    let groups = ids_of(given, "groups", "groupid");
    if !ctx.dialect.modern && repeats(&groups) {
        let row = |group: &u64| format!("('{}','{id}','{group}')", ctx.state.next("hosts_groups"));
        let rows: Vec<String> = groups.iter().map(row).collect();
        return Err(Refusal::statement(&format!(
            "INSERT INTO hosts_groups (hostgroupid,hostid,groupid) VALUES {}",
            rows.join(",")
        )));
    }
    host.groups = groups.into_iter().collect();
    host.tags = tags(given);
    if let Some(list) = given.get("macros") {
        host.macros = macros::new_list(ctx.state, &objects_of(list));
    }
    if let Some(list) = given.get("interfaces").filter(|list| !list.is_null()) {
        for interface in objects_of(list) {
            interfaces::add(ctx.state, ctx.dialect, &mut host, &interface)?;
        }
        interfaces::check_mains(&host)?;
    }
    templates(ctx, &mut host, given, &[])?;
    let mode = php::get_text(given, "inventory_mode");
    let fields = given.get("inventory").and_then(Json::as_object).filter(|fields| !fields.is_empty());
    if mode.as_deref().is_some_and(|mode| mode != "-1") || fields.is_some() {
        let mut row = Row::new();
        inventory::merge(&mut row, fields.unwrap_or(&Object::new()), ctx.dialect)?;
        host.inventory = Some(Inventory { automatic: mode.as_deref() == Some("1"), row });
    }
    ctx.state.put(host);
    Ok(id)
}

fn objects_of(list: &Json) -> Vec<Object> {
    php::list(list).into_iter().map(|entry| entry.as_object().cloned().unwrap_or_default()).collect()
}

fn repeats(ids: &[u64]) -> bool {
    let mut seen = BTreeSet::new();
    ids.iter().any(|id| !seen.insert(*id))
}

fn tags(given: &Object) -> Vec<Tag> {
    let text = |tag: &Object, name: &str| php::get_text(tag, name).unwrap_or_default();
    let list = given.get("tags").map(objects_of).unwrap_or_default();
    list.iter().map(|tag| Tag { tag: text(tag, "tag"), value: text(tag, "value") }).collect()
}

/// Puts the plain properties into the row of a host.
fn columns(ctx: &Ctx<'_>, host: &mut Host, given: &Object) -> Result<(), Refusal> {
    let known = if host.row.is_empty() { None } else { Some(host.clone()) };
    for (name, width) in PLAIN {
        let foreign = if ctx.dialect.proxy_objects { "proxy_hostid" } else { "monitored_by" };
        if name == foreign {
            continue;
        }
        if let Some(value) = given.get(name) {
            let value = php::text(value).unwrap_or_default();
            let kind = match name {
                "ipmi_authtype" | "ipmi_privilege" => "int",
                "proxy_hostid" => "unsigned int",
                _ => "",
            };
            if !kind.is_empty() && value.parse::<i64>().is_err() {
                return Err(Refusal::database(format!("Incorrect value \"{value}\" for {kind} field \"{name}\".")));
            }
            set(&mut host.row, name, value, width)?;
        }
    }
    if !ctx.dialect.proxy_objects {
        let proxy = php::get_id(given, "proxy_hostid");
        if proxy != 0 && !ctx.state.proxies.contains_key(&proxy) {
            let name = host.host().to_owned();
            return Err(Refusal::statement(&match known {
                None => format!(
                    "INSERT INTO hosts (hostid,host,proxy_hostid,name) VALUES ('{}','{name}','{proxy}','{}')",
                    host.id,
                    host.name()
                ),
                Some(_) => format!("UPDATE hosts SET proxy_hostid='{proxy}' WHERE hostid='{}'", host.id),
            }));
        }
    } else if given.contains_key("monitored_by") || given.contains_key("proxyid") || given.contains_key("proxy_groupid")
    {
        let by = host.get("monitored_by").to_owned();
        for (name, mode) in [("proxyid", "1"), ("proxy_groupid", "2")] {
            if by != mode {
                host.row.insert(name, "0".to_owned());
            } else if let Some(id) = php::get_text(given, name) {
                host.row.insert(name, id);
            }
        }
    }
    // What is not in use is not kept.
    let (psk, certificate) = check::encryption_in_use(given, known.as_ref());
    for (name, used) in
        [("tls_psk_identity", psk), ("tls_psk", psk), ("tls_issuer", certificate), ("tls_subject", certificate)]
    {
        if !used {
            host.row.remove(name);
        }
    }
    Ok(())
}

/// Links templates and unlinks others, if the parameters speak of them.
/// `linked` are the templates that the host had at first.
fn templates(ctx: &mut Ctx<'_>, host: &mut Host, given: &Object, linked: &[u64]) -> Result<(), Refusal> {
    let wanted = given.contains_key("templates").then(|| {
        let mut wanted = ids_of(given, "templates", "templateid");
        // Templates that the user does not see stay.
        let hidden = |id: &&u64| {
            ctx.state.templates.get(*id).is_some_and(|template| !ctx.user.may(template, Access::Read))
                && !wanted.contains(*id)
        };
        let mut all: Vec<u64> = host.templates.iter().filter(hidden).copied().collect();
        all.append(&mut wanted);
        all
    });
    let cleared = ids_of(given, "templates_clear", "templateid");
    if wanted.is_none() && cleared.is_empty() {
        return Ok(());
    }
    if !ctx.dialect.modern {
        let ids = wanted.iter().flatten().chain(&cleared);
        for id in ids {
            let may = ctx.state.templates.get(id).is_some_and(|template| ctx.user.may(template, Access::Read));
            if !may && !linked.contains(id) {
                return Err(Refusal::application(NO_PERMISSIONS));
            }
        }
        if let Some(ids) = wanted.as_ref().filter(|ids| repeats(ids)) {
            let row = |id: &u64| format!("('{}','{}','{id}')", ctx.state.next("hosts_templates"), host.id);
            let rows: Vec<String> = ids.iter().map(row).collect();
            return Err(Refusal::statement(&format!(
                "INSERT INTO hosts_templates (hosttemplateid,hostid,templateid) VALUES {}",
                rows.join(",")
            )));
        }
    }
    link::relink(ctx.state, ctx.dialect, host, wanted.as_deref(), &cleared)
}

pub(in crate::zabbix) fn update(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let given = entries(ctx, params)?;
    let modern = ctx.dialect.modern;
    let hostids: Vec<u64> = given.iter().map(|host| php::get_id(host, "hostid")).collect();
    if modern {
        objects(params, "/", &HOST_IDS)?;
    } else if let Some(host) = given.iter().find(|host| !host.contains_key("hostid")) {
        let name = php::get_text(host, "host").unwrap_or_default();
        return Err(Refusal::parameters(format!("Wrong fields for host \"{name}\".")));
    }
    let mut known = Vec::new();
    for id in &hostids {
        let host = ctx.state.hosts.get(id).filter(|host| ctx.user.may(host, Access::Write));
        known.push(host.map(|host| Host::clone(host)));
    }
    if known.iter().any(Option::is_none) {
        return Err(if modern { Refusal::application(NO_PERMISSIONS) } else { Refusal::parameters(NO_PERMISSIONS) });
    }
    for (number, (host, known)) in given.iter().zip(&known).enumerate() {
        let name = known.as_ref().map_or("", |known| known.host());
        discovered(ctx, host, known.as_ref())?;
        if !modern && host.contains_key("groups") {
            check::old_groups(host, name)?;
        }
        check::properties(ctx, host, &below("/", number + 1), known.as_ref())?;
    }
    if modern {
        check::references(ctx, &given, &known)?;
    }
    let mut names = Names::default();
    for (host, known) in given.iter().zip(&known) {
        let before = known.as_ref().map_or("", |known| known.host()).to_owned();
        let technical = php::get_text(host, "host");
        check::plain(host, technical.as_ref().unwrap_or(&before))?;
        if let Some(name) = host.get("host") {
            check::technical_name(name)?;
        }
        let visible = match host.get("name") {
            None => None,
            Some(name) => match php::text(name).filter(|name| !name.trim().is_empty()) {
                Some(name) => Some(name),
                None if technical.is_none() => {
                    return Err(Refusal::parameters("Visible name cannot be empty if host name is missing."));
                }
                None => technical.clone(),
            },
        };
        names.add(technical.as_deref(), visible.as_deref(), php::get_id(host, "hostid"))?;
    }
    names.free(ctx)?;
    if !modern {
        for (host, known) in given.iter().zip(&known) {
            check::old_encryption(host, known.as_ref())?;
        }
        old_group_rights(ctx, &given, &known)?;
    }
    for (number, host) in given.iter().enumerate() {
        change(ctx, host, &below("/", number + 1))?;
    }
    Ok(serde_json::json!({"hostids": id_list(hostids)}))
}

/// Of hosts that discovery made only some properties may change.
fn discovered(ctx: &Ctx<'_>, given: &Object, known: Option<&Host>) -> Result<(), Refusal> {
    const OLD: &[&str] = &["hostid", "status", "inventory", "description"];
    const NEW: &[&str] =
        &["hostid", "status", "description", "tags", "macros", "inventory", "templates", "templates_clear"];
    let Some(known) = known.filter(|known| known.get("flags") == "4") else { return Ok(()) };
    let allowed = if ctx.dialect.modern { NEW } else { OLD };
    match given.keys().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => {
            Err(Refusal::parameters(format!("Cannot update \"{name}\" for a discovered host \"{}\".", known.host())))
        }
        None => Ok(()),
    }
}

fn change(ctx: &mut Ctx<'_>, given: &Object, path: &str) -> Result<(), Refusal> {
    let id = php::get_id(given, "hostid");
    let Some(mut host) = ctx.state.hosts.get(&id).map(|host| Host::clone(host)) else { return Ok(()) };
    let mut given = given.clone();
    // The visible name follows the technical one unless it is given too.
    if let Some(name) = given.get("host").cloned()
        && php::get_text(&given, "name").is_none_or(|visible| visible.trim().is_empty())
    {
        given.insert("name".to_owned(), name);
    }
    if let Some(list) = given.get("macros") {
        host.macros = macros::replace_list(ctx.state, &host, &objects_of(list), &below(path, "macros"))?;
    }
    if given.contains_key("tags") {
        host.tags = tags(&given);
    }
    columns(ctx, &mut host, &given)?;
    change_inventory(ctx, &mut host, &given)?;
    if given.contains_key("groups") {
        // Groups that the user may not change the members of stay.
        host.groups.retain(|id| !ctx.user.may_group(*id, Access::Write));
        host.groups.extend(ids_of(&given, "groups", "groupid"));
    }
    let new_interfaces = given.get("interfaces").filter(|list| !list.is_null()).map(objects_of);
    // Interfaces change before templates are linked, and after templates are cleared in 6.0 alone.
    let cleared = ids_of(&given, "templates_clear", "templateid");
    let linked = host.templates.clone();
    if !ctx.dialect.modern && !cleared.is_empty() {
        let left: Vec<u64> = host.templates.iter().copied().filter(|id| !cleared.contains(id)).collect();
        link::relink(ctx.state, ctx.dialect, &mut host, Some(&left), &cleared)?;
    }
    if let Some(list) = new_interfaces {
        interfaces::replace_all(ctx.state, ctx.dialect, &mut host, &list)?;
    }
    templates(ctx, &mut host, &given, &linked)?;
    ctx.state.put(host);
    Ok(())
}

fn change_inventory(ctx: &Ctx<'_>, host: &mut Host, given: &Object) -> Result<(), Refusal> {
    match php::get_text(given, "inventory_mode").as_deref() {
        Some("-1") => host.inventory = None,
        Some(mode) => host.inventory.get_or_insert_with(Inventory::default).automatic = mode == "1",
        None => {}
    }
    let Some(fields) = given.get("inventory").and_then(Json::as_object).filter(|fields| !fields.is_empty()) else {
        return Ok(());
    };
    let mut fields = fields.clone();
    let links = host.items.iter().map(|item| item.get("inventory_link").to_owned()).collect::<BTreeSet<_>>();
    let name = host.host().to_owned();
    let Some(inventory) = &mut host.inventory else {
        return Err(Refusal::parameters(format!("Inventory disabled for host \"{name}\".")));
    };
    if inventory.automatic {
        // What items fill is not for people to change.
        fields.retain(|field, _| !inventory::is_filled(field, &links));
    }
    inventory::merge(&mut inventory.row, &fields, ctx.dialect)
}

pub(in crate::zabbix) fn delete(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids = ids(params, "/", true)?;
    let may = |id: &u64| ctx.state.hosts.get(id).is_some_and(|host| ctx.user.may(host, Access::Write));
    if !ids.iter().all(may) {
        return Err(Refusal::application(NO_PERMISSIONS));
    }
    let gone: BTreeSet<u64> = ids.iter().copied().collect();
    for maintenance in ctx.state.maintenances.values() {
        if maintenance.groups.is_empty() && !maintenance.hosts.is_empty() && maintenance.hosts.is_subset(&gone) {
            let names: Vec<String> = maintenance
                .hosts
                .iter()
                .filter_map(|id| ctx.state.hosts.get(id))
                .map(|host| format!("\"{}\"", host.host()))
                .collect();
            let hosts = if names.len() == 1 { "host" } else { "hosts" };
            let name = maintenance.row.get("name").map_or("", String::as_str);
            return Err(Refusal::parameters(format!(
                "Cannot delete {hosts} {} because maintenance \"{name}\" must contain at least one host or host group.",
                names.join(", ")
            )));
        }
    }
    for id in &gone {
        ctx.state.hosts.remove(id);
        ctx.state.written += 1;
    }
    for maintenance in ctx.state.maintenances.values_mut() {
        maintenance.hosts.retain(|id| !gone.contains(id));
    }
    Ok(serde_json::json!({"hostids": id_list(ids)}))
}
