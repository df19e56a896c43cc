//! `item.get`, `discoveryrule.get`, `itemprototype.get`, `trigger.get`.

use std::sync::Arc;

use serde_json::Value as Json;

use super::access::Access;
use super::dialect::Dialect;
use super::hosts;
use super::interfaces;
use super::methods::{Ctx, options};
use super::php::{self, Object};
use super::query::{self, Found, Spec, Wanted};
use super::refusal::Refusal;
use super::state::{Column, Host, Item, ItemKind, Row, Trigger, show as show_row};

/// Columns that a template's items may be seeded with, and their defaults.
const FIELDS: &[Column] = &[
    ("key_", ""),
    ("name", ""),
    ("type", "0"),
    ("value_type", "3"),
    ("inventory_link", "0"),
    ("status", "0"),
    ("delay", "1m"),
    ("history", "31d"),
    ("trends", "365d"),
    ("units", ""),
    ("description", ""),
    ("snmp_oid", ""),
    ("params", ""),
    ("trapper_hosts", ""),
    ("logtimefmt", ""),
    ("valuemapid", "0"),
    ("ipmi_sensor", ""),
    ("authtype", "0"),
    ("username", ""),
    ("password", ""),
    ("publickey", ""),
    ("privatekey", ""),
    ("lifetime", "30d"),
    ("jmx_endpoint", ""),
    ("master_itemid", "0"),
    ("timeout", ""),
    ("url", ""),
    ("posts", ""),
    ("status_codes", "200"),
    ("follow_redirects", "1"),
    ("post_type", "0"),
    ("http_proxy", ""),
    ("retrieve_mode", "0"),
    ("request_method", "0"),
    ("output_format", "0"),
    ("ssl_cert_file", ""),
    ("ssl_key_file", ""),
    ("ssl_key_password", ""),
    ("verify_peer", "0"),
    ("verify_host", "0"),
    ("allow_traps", "0"),
    ("uuid", ""),
];

const TRIGGER: &[Column] = &[
    ("description", ""),
    ("expression", ""),
    ("priority", "0"),
    ("url", ""),
    ("status", "0"),
    ("value", "0"),
    ("lastchange", "0"),
    ("comments", ""),
    ("error", ""),
    ("type", "0"),
    ("state", "0"),
    ("flags", "0"),
    ("recovery_mode", "0"),
    ("recovery_expression", ""),
    ("correlation_mode", "0"),
    ("correlation_tag", ""),
    ("manual_close", "0"),
    ("opdata", ""),
    ("event_name", ""),
    ("uuid", ""),
];

/// The columns of an item out of a seed.
pub(super) fn body(given: &Object) -> Row {
    FIELDS.iter().filter_map(|(name, _)| Some((*name, php::get_text(given, name)?))).collect()
}

/// An item as the API shows it.
pub(super) fn show(item: &Item, host: &Host, dialect: &Dialect) -> Object {
    let mut shown = show_row(&item.body, FIELDS);
    let flags = match item.kind {
        ItemKind::Item => "0",
        ItemKind::Rule => "1",
        ItemKind::Prototype => "2",
    };
    let mut put = |name: &str, value: String| drop(shown.insert(name.to_owned(), value.into()));
    put("itemid", item.id.to_string());
    put("hostid", host.id.to_string());
    put("templateid", item.parent.to_string());
    put("interfaceid", item.interface.to_string());
    put("flags", flags.to_owned());
    if item.kind != ItemKind::Prototype {
        put("state", "0".to_owned());
        put("error", String::new());
    }
    if item.kind == ItemKind::Item {
        for name in ["lastclock", "lastns", "lastvalue", "prevvalue"] {
            put(name, "0".to_owned());
        }
        if dialect.modern {
            put("name_resolved", item.get("name").to_owned());
        }
    }
    for name in ["query_fields", "headers", "parameters"] {
        shown.insert(name.to_owned(), Json::Array(Vec::new()));
    }
    shown
}

/// A trigger as the API shows it.
pub(super) fn show_trigger(trigger: &Trigger) -> Object {
    let mut shown = show_row(&trigger.body, TRIGGER);
    shown.insert("triggerid".to_owned(), trigger.id.to_string().into());
    shown.insert("templateid".to_owned(), trigger.parent.to_string().into());
    shown
}

const SPEC: Spec = Spec {
    id: "itemid",
    sort: &["itemid", "name", "key_", "delay", "history", "trends", "type", "status", "discover"],
    id_always: true,
};

pub(super) fn items(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    get(ctx, params, ItemKind::Item)
}

pub(super) fn rules(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    get(ctx, params, ItemKind::Rule)
}

pub(super) fn prototypes(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    get(ctx, params, ItemKind::Prototype)
}

/// Hosts and templates that an option such as `hostids`, `templateids`, `groupids`, `templated` leaves.
fn owners<'a>(ctx: &'a Ctx<'_>, options: &Object) -> Vec<&'a Arc<Host>> {
    let access = if php::flag(options, "editable") { Access::Write } else { Access::Read };
    let [hosts, templates, groups] = ["hostids", "templateids", "groupids"].map(|name| php::id_set(options, name));
    let templated = options.get("templated").filter(|value| !value.is_null()).map(|_| php::flag(options, "templated"));
    let things: Vec<&Arc<Host>> = match &hosts {
        Some(ids) => ids.iter().filter_map(|id| ctx.state.thing(*id)).collect(),
        None => ctx.state.hosts.values().chain(ctx.state.templates.values()).collect(),
    };
    let fits = |host: &&Arc<Host>| {
        ctx.user.may(host, access)
            && templated.is_none_or(|templated| host.is_template == templated)
            && templates.as_ref().is_none_or(|ids| ids.contains(&host.id))
            && groups.as_ref().is_none_or(|groups| !host.groups.is_disjoint(groups))
    };
    things.into_iter().filter(fits).collect()
}

fn get(ctx: &mut Ctx<'_>, params: &Json, kind: ItemKind) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let ids = |name: &str| php::id_set(&options, name);
    let (items, interface_ids, rules) = (ids("itemids"), ids("interfaceids"), ids("discoveryids"));
    let inherited = options.get("inherited").filter(|value| !value.is_null()).map(|_| php::flag(&options, "inherited"));
    let monitored = php::flag(&options, "monitored");
    let mut found: Vec<Found> = Vec::new();
    for host in owners(ctx, &options) {
        if monitored && host.get("status") != "0" {
            continue;
        }
        let fits = host.items.iter().filter(|item| {
            item.kind == kind
                && items.as_ref().is_none_or(|ids| ids.contains(&item.id))
                && interface_ids.as_ref().is_none_or(|ids| ids.contains(&item.interface))
                && rules.as_ref().is_none_or(|ids| ids.contains(&item.rule))
                && inherited.is_none_or(|inherited| inherited == (item.parent != 0))
        });
        found.extend(fits.map(|item| (item.id, show(item, host, ctx.dialect))));
    }
    let hosts_of: std::collections::HashMap<u64, u64> =
        found.iter().map(|(id, object)| (*id, php::get_id(object, "hostid"))).collect();
    let found = query::narrow(found, &options, &SPEC)?;
    let wanted_hosts = Wanted::of(&options, "selectHosts");
    let wanted_interfaces = Wanted::of(&options, "selectInterfaces");
    let wanted_rule = Wanted::of(&options, "selectDiscoveryRule");
    query::answer(found, &options, &SPEC, |id, object| {
        let Some(host) = hosts_of.get(&id).and_then(|host| ctx.state.thing(*host)) else { return Ok(()) };
        let Some(item) = host.items.iter().find(|item| item.id == id) else { return Ok(()) };
        if wanted_hosts != Wanted::Nothing {
            let mut shown = hosts::show(host, ctx.dialect);
            shown.insert("hostid".to_owned(), host.id.to_string().into());
            object.insert("hosts".to_owned(), wanted_hosts.list(vec![shown], &["hostid"]));
        }
        if wanted_interfaces != Wanted::Nothing {
            let used = host.interfaces.iter().filter(|interface| interface.id == item.interface);
            let used = used.map(|interface| interfaces::show(interface, host.id)).collect();
            object.insert("interfaces".to_owned(), wanted_interfaces.list(used, &["interfaceid"]));
        }
        if wanted_rule != Wanted::Nothing {
            let rule = host.items.iter().find(|rule| rule.id == item.rule);
            let shown = rule.map(|rule| wanted_rule.pick(show(rule, host, ctx.dialect), &["itemid"]));
            object.insert("discoveryRule".to_owned(), php::object_or_list(shown.unwrap_or_default()));
        }
        Ok(())
    })
}

const TRIGGER_SPEC: Spec = Spec {
    id: "triggerid",
    sort: &["triggerid", "description", "status", "priority", "lastchange", "hostname"],
    id_always: true,
};

pub(super) fn triggers(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let ids = php::id_set(&options, "triggerids");
    let inherited = options.get("inherited").filter(|value| !value.is_null()).map(|_| php::flag(&options, "inherited"));
    let mut found: Vec<Found> = Vec::new();
    let mut hosts_of = std::collections::HashMap::new();
    for host in owners(ctx, &options) {
        let fits = host.triggers.iter().filter(|trigger| {
            ids.as_ref().is_none_or(|ids| ids.contains(&trigger.id))
                && inherited.is_none_or(|inherited| inherited == (trigger.parent != 0))
        });
        for trigger in fits {
            hosts_of.insert(trigger.id, host.id);
            found.push((trigger.id, show_trigger(trigger)));
        }
    }
    let found = query::narrow(found, &options, &TRIGGER_SPEC)?;
    let wanted_hosts = Wanted::of(&options, "selectHosts");
    let wanted_needs = Wanted::of(&options, "selectDependencies");
    let all = || ctx.state.hosts.values().chain(ctx.state.templates.values()).flat_map(|host| &host.triggers);
    let needs: std::collections::HashMap<u64, &Trigger> = match wanted_needs {
        Wanted::Nothing => std::collections::HashMap::new(),
        _ => all().map(|trigger| (trigger.id, trigger)).collect(),
    };
    query::answer(found, &options, &TRIGGER_SPEC, |id, object| {
        let Some(host) = hosts_of.get(&id).and_then(|host| ctx.state.thing(*host)) else { return Ok(()) };
        if wanted_hosts != Wanted::Nothing {
            let mut shown = hosts::show(host, ctx.dialect);
            shown.insert("hostid".to_owned(), host.id.to_string().into());
            object.insert("hosts".to_owned(), wanted_hosts.list(vec![shown], &["hostid"]));
        }
        if wanted_needs != Wanted::Nothing {
            let trigger = host.triggers.iter().find(|trigger| trigger.id == id);
            let list = trigger.map(|trigger| trigger.depends_on.as_slice()).unwrap_or_default();
            let list = list.iter().filter_map(|id| needs.get(id)).map(|trigger| show_trigger(trigger)).collect();
            object.insert("dependencies".to_owned(), wanted_needs.list(list, &["triggerid"]));
        }
        Ok(())
    })
}
