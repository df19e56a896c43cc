//! Host groups and template groups.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::access::{Access, secret};
use super::check::{self, Rule, Shape, below, may, must};
use super::methods::{Ctx, options};
use super::php::{self, Object, id_list};
use super::query::{self, Found, Spec, Wanted};
use super::refusal::{NO_PERMISSIONS, Refusal};
use super::state::{Group, Host, State};
use super::users::strict;

const SPEC: Spec = Spec { id: "groupid", sort: &["groupid", "name"], id_always: false };
const OLD_SPEC: Spec = Spec { id_always: true, ..SPEC };
const OPTIONS: &[&str] = &[
    "groupids",
    "hostids",
    "templateids",
    "graphids",
    "triggerids",
    "maintenanceids",
    "with_hosts",
    "with_monitored_hosts",
    "with_hosts_and_templates",
    "with_items",
    "with_triggers",
    "editable",
    "filter",
    "search",
    "output",
    "selectHosts",
    "selectTemplates",
    "selectGroupDiscovery",
    "selectDiscoveryRule",
    "selectHostPrototype",
    "countOutput",
    "preservekeys",
    "sortfield",
    "sortorder",
    "limit",
    "limitSelects",
    "searchByAny",
    "startSearch",
    "excludeSearch",
    "searchWildcardsEnabled",
    "real_hosts",
    "monitored_hosts",
    "nopermissions",
    "with_simple_graph_items",
];

impl Group {
    /// As the API shows it.
    pub fn show(&self, id: u64, old: bool, template: bool) -> Object {
        let mut shown = serde_json::json!({"groupid": id.to_string(), "name": self.name, "uuid": self.uuid});
        if !template {
            shown["flags"] = "0".into();
        }
        if old {
            shown["internal"] = u8::from(self.internal).to_string().into();
        }
        shown.as_object().cloned().unwrap_or_default()
    }
}

pub(super) fn get(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let old = !ctx.dialect.split_groups;
    if ctx.dialect.strict_getters {
        let later: &[&str] = &["real_hosts", "monitored_hosts"];
        let known: Vec<&str> =
            OPTIONS.iter().copied().filter(|name| ctx.dialect.old_parameters || !later.contains(name)).collect();
        strict(&options, &known, &["groupid", "name", "flags", "uuid"])?;
    }
    let hosts = ctx.state.hosts.values();
    let with = |name: &str| php::flag(&options, name);
    let only_with_hosts = with("with_hosts") || with("real_hosts");
    // Before template groups were split off, `with_hosts` did nothing of its own.
    let only_with_hosts = if old { with("real_hosts") } else { only_with_hosts };
    let only_monitored = with("with_monitored_hosts") || with("monitored_hosts");
    let filled: BTreeSet<u64> = hosts
        .clone()
        .filter(|host| !only_monitored || host.get("status") == "0")
        .flat_map(|host| host.groups.iter().copied())
        .collect();
    let ids = php::id_set(&options, "groupids");
    let of_hosts = php::id_set(&options, "hostids").map(|ids| members_groups(ctx.state, &ids));
    let access = if php::flag(&options, "editable") { Access::Write } else { Access::Read };
    let found: Vec<Found> = ctx
        .state
        .groups
        .iter()
        .filter(|(id, _)| {
            ctx.user.may_group(**id, access)
                && ids.as_ref().is_none_or(|ids| ids.contains(id))
                && of_hosts.as_ref().is_none_or(|ids| ids.contains(id))
                && (!(only_with_hosts || only_monitored) || filled.contains(id))
        })
        .map(|(id, group)| (*id, group.show(*id, old, false)))
        .collect();
    let spec = if ctx.dialect.modern { &SPEC } else { &OLD_SPEC };
    let found = query::narrow(found, &options, spec)?;
    let wanted = Wanted::of(&options, "selectHosts");
    query::answer(found, &options, spec, |id, object| {
        if wanted != Wanted::Nothing {
            let members = hosts.clone().filter(|host| host.groups.contains(&id) && ctx.user.may(host, Access::Read));
            let members = members.map(|host| super::hosts::show(host, ctx.dialect)).collect();
            object.insert("hosts".to_owned(), wanted.list(members, &["hostid"]));
        }
        Ok(())
    })
}

fn members_groups(state: &State, hosts: &BTreeSet<u64>) -> BTreeSet<u64> {
    hosts.iter().filter_map(|id| state.thing(*id)).flat_map(|host| host.groups.iter().copied()).collect()
}

pub(super) fn template_groups(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    strict(&options, OPTIONS, &["groupid", "name", "uuid"])?;
    let ids = php::id_set(&options, "groupids");
    let of_templates = php::id_set(&options, "templateids").map(|ids| members_groups(ctx.state, &ids));
    let groups = ctx.state.template_groups.iter().filter(|(id, _)| {
        ctx.user.may_template_group(**id, Access::Read)
            && ids.as_ref().is_none_or(|ids| ids.contains(id))
            && of_templates.as_ref().is_none_or(|ids| ids.contains(id))
    });
    let found = groups.map(|(id, group)| (*id, group.show(*id, false, true))).collect();
    let found = query::narrow(found, &options, &SPEC)?;
    query::answer(found, &options, &SPEC, |_, _| Ok(()))
}

/// A name of a group: no slash at an end, none twice.
fn check_name(name: &str, path: &str) -> Result<(), Refusal> {
    match name.starts_with('/') || name.ends_with('/') || name.contains("//") {
        true => Err(Refusal::invalid(&below(path, "name"), "invalid host group name")),
        false => Ok(()),
    }
}

pub(super) fn create(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    const SHAPE: Shape = Shape {
        fields: &[must("name", Rule::Name(255)), may("uuid", Rule::Text(32))],
        unique: &["name"],
        not_empty: true,
        open: false,
    };
    let given = input(params, &SHAPE)?;
    let mut created = Vec::new();
    let taken = |groups: &BTreeMap<u64, Group>, name: &str| groups.values().any(|group| group.name == name);
    for group in &given {
        let name = php::get_text(group, "name").unwrap_or_default();
        if taken(&ctx.state.groups, &name) {
            return Err(Refusal::parameters(format!("Host group \"{name}\" already exists.")));
        }
        created.push(add(ctx.state, &name));
    }
    Ok(serde_json::json!({"groupids": id_list(created)}))
}

fn input(params: &Json, shape: &Shape) -> Result<Vec<Object>, Refusal> {
    let given = check::objects(params, "/", shape)?;
    for (number, group) in given.iter().enumerate() {
        check_name(&php::get_text(group, "name").unwrap_or_default(), &below("/", number + 1))?;
    }
    Ok(given)
}

/// Adds a host group without checks.
pub(super) fn add(state: &mut State, name: &str) -> u64 {
    let id = state.next("groups");
    let group = Group { name: name.to_owned(), uuid: secret(id, 32), internal: false };
    state.groups.insert(id, group);
    state.written += 1;
    id
}

pub(super) fn update(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    const SHAPE: Shape = Shape {
        fields: &[must("groupid", Rule::Id), may("name", Rule::Name(255)), may("uuid", Rule::Text(32))],
        unique: &["groupid"],
        not_empty: true,
        open: false,
    };
    let given = input(params, &SHAPE)?;
    let ids: Vec<u64> = given.iter().map(|group| php::get_id(group, "groupid")).collect();
    writable(ctx, &ids)?;
    for (group, id) in given.iter().zip(&ids) {
        let Some(name) = php::get_text(group, "name") else { continue };
        if ctx.state.groups.iter().any(|(other, group)| group.name == name && other != id) {
            return Err(Refusal::parameters(format!("Host group \"{name}\" already exists.")));
        }
        if let Some(group) = ctx.state.groups.get_mut(id) {
            group.name = name;
            ctx.state.written += 1;
        }
    }
    Ok(serde_json::json!({"groupids": id_list(ids)}))
}

fn writable(ctx: &Ctx<'_>, ids: &[u64]) -> Result<(), Refusal> {
    let may = |id: &u64| ctx.state.groups.contains_key(id) && ctx.user.may_group(*id, Access::Write);
    if ids.iter().all(may) { Ok(()) } else { Err(Refusal::application(NO_PERMISSIONS)) }
}

pub(super) fn delete(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids = check::ids(params, "/", true)?;
    writable(ctx, &ids)?;
    let gone: BTreeSet<u64> = ids.iter().copied().collect();
    let internal = ids.iter().filter_map(|id| ctx.state.groups.get(id)).find(|group| group.internal);
    if let Some(group) = internal {
        let why = if ctx.dialect.modern { "is group for discovered hosts" } else { "is internal" };
        return Err(Refusal::parameters(format!("Host group \"{}\" {why} and cannot be deleted.", group.name)));
    }
    let in_maintenance = ctx.state.maintenances.values().find(|maintenance| {
        maintenance.hosts.is_empty() && !maintenance.groups.is_empty() && maintenance.groups.is_subset(&gone)
    });
    let without = || {
        let left = |host: &&Arc<Host>| !host.groups.is_empty() && host.groups.is_subset(&gone);
        let things = ctx.state.hosts.values().chain(ctx.state.templates.values().filter(|_| !ctx.dialect.split_groups));
        things.into_iter().find(left).map(|host| host.host().to_owned())
    };
    let maintenance = in_maintenance.map(|maintenance| {
        let group = maintenance.groups.iter().find_map(|id| ctx.state.groups.get(id));
        let group = group.map_or("", |group| &group.name);
        let name = maintenance.row.get("name").map_or("", String::as_str);
        Refusal::parameters(format!(
            "Cannot delete host group \"{group}\" because maintenance \"{name}\" must contain at least one host or host group."
        ))
    });
    let without_group = without().map(|host| cannot_be_without(&host));
    let problem = if ctx.dialect.modern { maintenance.or(without_group) } else { without_group.or(maintenance) };
    if let Some(problem) = problem {
        return Err(problem);
    }
    for id in &gone {
        ctx.state.groups.remove(id);
        ctx.state.written += 1;
    }
    for host in ctx.state.hosts.values_mut().filter(|host| !host.groups.is_disjoint(&gone)) {
        Arc::make_mut(host).groups.retain(|id| !gone.contains(id));
    }
    for maintenance in ctx.state.maintenances.values_mut() {
        maintenance.groups.retain(|id| !gone.contains(id));
    }
    Ok(serde_json::json!({"groupids": id_list(ids)}))
}

/// `Host "…" cannot be without host group.`
pub(super) fn cannot_be_without(host: &str) -> Refusal {
    Refusal::parameters(format!("Host \"{host}\" cannot be without host group."))
}

const GROUP_LIST: Rule =
    Rule::Objects(&Shape { fields: &[must("groupid", Rule::Id)], unique: &["groupid"], not_empty: true, open: true });
const HOST_LIST: Rule =
    Rule::Objects(&Shape { fields: &[must("hostid", Rule::Id)], unique: &["hostid"], not_empty: false, open: true });

/// The ids of a list of objects.
pub(super) fn ids_of(object: &Object, list: &str, name: &str) -> Vec<u64> {
    let entries = object.get(list).map(php::list).unwrap_or_default();
    entries.iter().filter_map(|entry| entry.get(name)).map(|id| php::id(id).unwrap_or(0)).collect()
}

pub(super) fn mass_add(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let fields = [must("groups", GROUP_LIST), may("hosts", HOST_LIST), may("templates", Rule::Anything)];
    let given = check::object(params, "/", &fields, false)?;
    let groups = ids_of(&given, "groups", "groupid");
    check_groups(ctx, &groups, "/groups")?;
    for (number, id) in ids_of(&given, "hosts", "hostid").into_iter().enumerate() {
        let path = below("/hosts", number + 1);
        let mut host = writable_host(ctx, id, &path)?;
        host.groups.extend(&groups);
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"groupids": id_list(groups)}))
}

fn check_groups(ctx: &Ctx<'_>, groups: &[u64], path: &str) -> Result<(), Refusal> {
    for (number, id) in groups.iter().enumerate() {
        if !ctx.state.groups.contains_key(id) || !ctx.user.may_group(*id, Access::Write) {
            return Err(match ctx.dialect.modern {
                true => Refusal::no_object(&below(path, number + 1)),
                false => Refusal::application(NO_PERMISSIONS),
            });
        }
    }
    Ok(())
}

fn writable_host(ctx: &Ctx<'_>, id: u64, path: &str) -> Result<Host, Refusal> {
    let host = ctx.state.hosts.get(&id).filter(|host| ctx.user.may(host, Access::Write));
    host.map(|host| Host::clone(host)).ok_or_else(|| match ctx.dialect.modern {
        true => Refusal::no_object(path),
        false => Refusal::application(NO_PERMISSIONS),
    })
}

pub(super) fn mass_remove(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let fields = [must("groupids", Rule::Ids), may("hostids", Rule::Ids), may("templateids", Rule::Ids)];
    let given = check::object(params, "/", &fields, false)?;
    if !given.contains_key("hostids") && !given.contains_key("templateids") {
        return Err(match ctx.dialect.modern {
            true => check::missing("/", "hostids"),
            false => Refusal::parameters("At least one host or template must be specified."),
        });
    }
    let list = |name: &str| -> Vec<u64> {
        given.get(name).map(php::list).unwrap_or_default().into_iter().filter_map(php::id).collect()
    };
    let groups = list("groupids");
    if !ctx.dialect.modern {
        check_groups(ctx, &groups, "/groupids")?;
    }
    for (number, id) in list("hostids").into_iter().enumerate() {
        let mut host = writable_host(ctx, id, &below("/hostids", number + 1))?;
        host.groups.retain(|group| !groups.contains(group));
        if host.groups.is_empty() {
            return Err(cannot_be_without(host.host()));
        }
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"groupids": id_list(groups)}))
}
