//! Proxies and proxy groups.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::access::Access;
use super::check::{self, Rule, below, may, must};
use super::hosts;
use super::methods::{Ctx, options};
use super::php::{self, Object, id_list};
use super::query::{self, Found, Spec, Wanted};
use super::refusal::{NO_PERMISSIONS, Refusal};
use super::state::{Column, Row, show as show_row};
use super::users::strict;

/// Proxies up to 6.4: they live in the table of hosts.
const OLD: &[Column] = &[
    ("proxy_hostid", "0"),
    ("host", ""),
    ("status", "5"),
    ("lastaccess", "0"),
    ("ipmi_authtype", "-1"),
    ("ipmi_privilege", "2"),
    ("ipmi_username", ""),
    ("ipmi_password", ""),
    ("maintenanceid", "0"),
    ("maintenance_status", "0"),
    ("maintenance_type", "0"),
    ("maintenance_from", "0"),
    ("name", ""),
    ("flags", "0"),
    ("templateid", "0"),
    ("description", ""),
    ("tls_connect", "1"),
    ("tls_accept", "1"),
    ("tls_issuer", ""),
    ("tls_subject", ""),
    ("proxy_address", ""),
    ("auto_compress", "1"),
    ("discover", "0"),
    ("custom_interfaces", "0"),
    ("uuid", ""),
];
/// What the strict getter of 6.4 knows.
const OLD_STRICT: &[&str] = &[
    "proxyid",
    "host",
    "status",
    "description",
    "lastaccess",
    "tls_connect",
    "tls_accept",
    "tls_issuer",
    "tls_subject",
    "proxy_address",
    "auto_compress",
    "version",
    "compatibility",
];
const NEW: &[Column] = &[
    ("name", ""),
    ("proxy_groupid", "0"),
    ("local_address", ""),
    ("local_port", "10051"),
    ("operating_mode", "0"),
    ("allowed_addresses", ""),
    ("address", "127.0.0.1"),
    ("port", "10051"),
    ("description", ""),
    ("tls_connect", "1"),
    ("tls_accept", "1"),
    ("tls_issuer", ""),
    ("tls_subject", ""),
    ("custom_timeouts", "0"),
    ("timeout_zabbix_agent", ""),
    ("timeout_simple_check", ""),
    ("timeout_snmp_agent", ""),
    ("timeout_external_check", ""),
    ("timeout_db_monitor", ""),
    ("timeout_http_agent", ""),
    ("timeout_ssh_agent", ""),
    ("timeout_telnet_agent", ""),
    ("timeout_script", ""),
    ("timeout_browser", ""),
    ("lastaccess", "0"),
    ("version", "0"),
    ("compatibility", "0"),
    ("state", "0"),
];
const GROUP: &[Column] =
    &[("name", ""), ("failover_delay", "1m"), ("min_online", "1"), ("description", ""), ("state", "0")];

const OPTIONS: &[&str] = &[
    "proxyids",
    "proxy_groupids",
    "filter",
    "search",
    "output",
    "selectAssignedHosts",
    "selectHosts",
    "selectProxyGroup",
    "selectProxies",
    "selectInterface",
    "countOutput",
    "groupCount",
    "preservekeys",
    "sortfield",
    "sortorder",
    "limit",
    "editable",
    "searchByAny",
    "startSearch",
    "excludeSearch",
    "searchWildcardsEnabled",
    "nopermissions",
];

pub(super) fn get(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let table = if ctx.dialect.proxy_objects { NEW } else { OLD };
    if ctx.dialect.proxy_objects {
        let mut names = vec!["proxyid"];
        names.extend(NEW.iter().map(|(name, _)| *name));
        strict(&options, OPTIONS, &names)?;
    } else if ctx.dialect.strict_getters {
        strict(&options, OPTIONS, OLD_STRICT)?;
    }
    let ids = php::id_set(&options, "proxyids");
    let groups = php::id_set(&options, "proxy_groupids");
    let proxies = ctx.state.proxies.iter().filter(|(id, row)| {
        let group = row.get("proxy_groupid").and_then(|id| id.parse().ok()).unwrap_or(0);
        ids.as_ref().is_none_or(|ids| ids.contains(id)) && groups.as_ref().is_none_or(|ids| ids.contains(&group))
    });
    let found: Vec<Found> = proxies.map(|(id, row)| (*id, show(row, table, "proxyid", *id))).collect();
    let sort: &[&str] =
        if ctx.dialect.proxy_objects { &["proxyid", "name", "operating_mode"] } else { &["hostid", "host", "status"] };
    let spec = Spec { id: "proxyid", sort, id_always: !ctx.dialect.strict_getters };
    let found = query::narrow(found, &options, &spec)?;
    let wanted = Wanted::of(&options, "selectHosts");
    let link = if ctx.dialect.proxy_objects { "proxyid" } else { "proxy_hostid" };
    query::answer(found, &options, &spec, |id, object| {
        if wanted != Wanted::Nothing {
            let id = id.to_string();
            let hosts = ctx.state.hosts.values().filter(|host| host.get(link) == id);
            let hosts = hosts.filter(|host| ctx.user.may(host, Access::Read));
            let hosts = hosts.map(|host| hosts::show(host, ctx.dialect)).collect();
            object.insert("hosts".to_owned(), wanted.list(hosts, if ctx.dialect.modern { &[] } else { &["hostid"] }));
        }
        Ok(())
    })
}

fn show(row: &Row, table: &[Column], id_name: &str, id: u64) -> Object {
    let mut shown = show_row(row, table);
    shown.insert(id_name.to_owned(), id.to_string().into());
    shown
}

pub(super) fn groups(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let mut names = vec!["proxy_groupid"];
    names.extend(GROUP.iter().map(|(name, _)| *name));
    strict(&options, OPTIONS, &names)?;
    let ids = php::id_set(&options, "proxy_groupids");
    let known = ctx.state.proxy_groups.iter().filter(|(id, _)| ids.as_ref().is_none_or(|ids| ids.contains(id)));
    let found = known.map(|(id, row)| (*id, show(row, GROUP, "proxy_groupid", *id))).collect();
    let spec = Spec { id: "proxy_groupid", sort: &["proxy_groupid", "name"], id_always: false };
    let found = query::narrow(found, &options, &spec)?;
    let wanted = Wanted::of(&options, "selectProxies");
    query::answer(found, &options, &spec, |id, object| {
        if wanted != Wanted::Nothing {
            let id = id.to_string();
            let members = ctx.state.proxies.iter().filter(|(_, row)| row.get("proxy_groupid") == Some(&id));
            let members = members.map(|(id, row)| show(row, NEW, "proxyid", *id)).collect();
            object.insert("proxies".to_owned(), wanted.list(members, &[]));
        }
        Ok(())
    })
}

fn known_columns(table: &[Column], given: &Object) -> Row {
    table.iter().filter_map(|(name, _)| Some((*name, php::get_text(given, name)?))).collect()
}

fn taken(rows: &BTreeMap<u64, Row>, column: &str, name: &str) -> bool {
    rows.values().any(|row| row.get(column).is_some_and(|known| known == name))
}

/// Proxies as the API makes them: a name and a mode are required.
pub(super) fn create(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let new = ctx.dialect.proxy_objects;
    let (name_column, mode, table) = if new { ("name", "operating_mode", NEW) } else { ("host", "status", OLD) };
    let mut created = Vec::new();
    for (number, entry) in php::list(params).into_iter().enumerate() {
        let path = below("/", number + 1);
        let modes = if new { Rule::OneOf(&[0, 1]) } else { Rule::OneOf(&[5, 6]) };
        let given = check::object(entry, &path, &[must(name_column, Rule::Name(128)), must(mode, modes)], true)?;
        let name = php::get_text(&given, name_column).unwrap_or_default();
        if taken(&ctx.state.proxies, name_column, &name) {
            return Err(Refusal::parameters(format!("Proxy \"{name}\" already exists.")));
        }
        let group = php::get_id(&given, "proxy_groupid");
        if group != 0 && !ctx.state.proxy_groups.contains_key(&group) {
            return Err(Refusal::no_object(&below(&path, "proxy_groupid")));
        }
        if group != 0 && php::get_text(&given, "local_address").is_none_or(|address| address.is_empty()) {
            return Err(check::missing(&path, "local_address"));
        }
        let id = ctx.state.next(if new { "proxies" } else { "hosts" });
        ctx.state.proxies.insert(id, known_columns(table, &given));
        ctx.state.written += 1;
        created.push(id);
    }
    Ok(serde_json::json!({"proxyids": id_list(created)}))
}

pub(super) fn delete(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids = check::ids(params, "/", true)?;
    let link = if ctx.dialect.proxy_objects { "proxyid" } else { "proxy_hostid" };
    for id in &ids {
        let Some(row) = ctx.state.proxies.get(id) else { return Err(Refusal::application(NO_PERMISSIONS)) };
        let name = row.get("name").or(row.get("host")).cloned().unwrap_or_default();
        let text = id.to_string();
        if let Some(host) = ctx.state.hosts.values().find(|host| host.get(link) == text) {
            let text = format!("Host \"{}\" is monitored by proxy \"{name}\".", host.name());
            return Err(Refusal::parameters(text));
        }
        ctx.state.proxies.remove(id);
        ctx.state.written += 1;
    }
    Ok(serde_json::json!({"proxyids": id_list(ids)}))
}

pub(super) fn create_group(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut created = Vec::new();
    for (number, entry) in php::list(params).into_iter().enumerate() {
        let text = Rule::Text(255);
        let fields = [
            must("name", Rule::Name(255)),
            may("failover_delay", text),
            may("min_online", Rule::Any),
            may("description", text),
        ];
        let given = check::object(entry, &below("/", number + 1), &fields, false)?;
        let name = php::get_text(&given, "name").unwrap_or_default();
        if taken(&ctx.state.proxy_groups, "name", &name) {
            return Err(Refusal::parameters(format!("Proxy group \"{name}\" already exists.")));
        }
        let id = ctx.state.next("proxy_groups");
        ctx.state.proxy_groups.insert(id, known_columns(GROUP, &given));
        ctx.state.written += 1;
        created.push(id);
    }
    Ok(serde_json::json!({"proxy_groupids": id_list(created)}))
}
