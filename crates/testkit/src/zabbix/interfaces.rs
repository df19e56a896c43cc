//! Host interfaces: their rules, and `hostinterface.*`.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value as Json;

use super::access::Access;
use super::dialect::Dialect;
use super::methods::{Ctx, options};
use super::php::{self, Object, id_list};
use super::query::{self, Found, Spec, Wanted};
use super::refusal::{NO_PERMISSIONS, Refusal};
use super::state::{Column, Host, Interface, Row, State, set, show as show_row};
use super::{hosts, items};

const FIELDS: &[Column] = &[
    ("main", "0"),
    ("type", "1"),
    ("useip", "1"),
    ("ip", ""),
    ("dns", ""),
    ("port", ""),
    ("available", "0"),
    ("error", ""),
    ("errors_from", "0"),
    ("disable_until", "0"),
];
const SNMP: &str = "2";

/// An interface as the API shows it.
pub(super) fn show(interface: &Interface, host: u64) -> Object {
    let mut shown = show_row(&interface.row, FIELDS);
    shown.insert("interfaceid".to_owned(), interface.id.to_string().into());
    shown.insert("hostid".to_owned(), host.to_string().into());
    let details: Object =
        interface.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    shown.insert("details".to_owned(), php::object_or_list(details));
    shown
}

impl Interface {
    pub fn kind(&self) -> &str {
        self.row.get("type").map_or("", String::as_str)
    }

    pub fn is_main(&self) -> bool {
        self.row.get("main").is_some_and(|main| main == "1")
    }
}

/// `agent`, `SNMP`, … as sentences about interfaces call a type.
fn type_name(kind: &str) -> &'static str {
    match kind {
        "1" => "agent",
        "2" => "SNMP",
        "3" => "IPMI",
        "4" => "JMX",
        _ => "",
    }
}

/// Replaces the interfaces of a host as `host.update` does: those with an id of the host change, those without one are
/// new, all others go. An id that is not the host's is passed over, so its interface goes too.
pub(super) fn replace_all(
    state: &mut State,
    dialect: &Dialect,
    host: &mut Host,
    given: &[Object],
) -> Result<Vec<u64>, Refusal> {
    let mut planned = Vec::new();
    for interface in given {
        let id = interface.contains_key("interfaceid").then(|| php::get_id(interface, "interfaceid"));
        let complete = interface.contains_key("type") && interface.contains_key("main");
        let text = |name: &str| php::get_text(interface, name).unwrap_or_default();
        match id {
            None if !complete => return Err(Refusal::arguments()),
            Some(id) if !complete => {
                // Whoever's interface it is.
                let own = host.interfaces.iter().find(|known| known.id == id);
                let known = own.or_else(|| state.interface(id).map(|(_, known)| known));
                let known = known.ok_or_else(|| Refusal::application(NO_PERMISSIONS))?;
                planned.push((known.kind().to_owned(), known.is_main()));
            }
            _ => planned.push((text("type"), text("main") == "1")),
        }
    }
    check_main(&planned, host.name())?;
    let mut kept = Vec::new();
    for interface in given.iter().filter(|interface| interface.contains_key("interfaceid")) {
        let id = php::get_id(interface, "interfaceid");
        if host.interfaces.iter().any(|known| known.id == id) {
            change(dialect, host, interface)?;
            kept.push(id);
        }
    }
    let old: Vec<u64> = host.interfaces.iter().map(|known| known.id).filter(|id| !kept.contains(id)).collect();
    for interface in given.iter().filter(|interface| !interface.contains_key("interfaceid")) {
        kept.push(add(state, dialect, host, interface)?);
    }
    if !old.is_empty() {
        remove(host, &old)?;
    }
    Ok(kept)
}

/// Adds an interface; which ones are the main ones is checked elsewhere.
pub(super) fn add(state: &mut State, dialect: &Dialect, host: &mut Host, given: &Object) -> Result<u64, Refusal> {
    for name in ["ip", "dns", "useip", "port", "main", "type"] {
        if php::get_text(given, name).is_none() {
            return Err(Refusal::arguments());
        }
    }
    check_names(dialect, given)?;
    let mut row = Row::new();
    fill(&mut row, given);
    check_address(dialect, &row, host.host())?;
    let details = details(dialect, &row, given.get("details"), None)?;
    widths(&mut row)?;
    let id = state.next("interfaces");
    host.interfaces.push(Interface { id, row, details });
    Ok(id)
}

/// Changes an interface of the host; properties that are not given stay.
fn change(dialect: &Dialect, host: &mut Host, given: &Object) -> Result<(), Refusal> {
    check_names(dialect, given)?;
    let id = php::get_id(given, "interfaceid");
    let Some(at) = host.interfaces.iter().position(|known| known.id == id) else { return Ok(()) };
    let before = host.interfaces[at].clone();
    let mut row = before.row.clone();
    fill(&mut row, given);
    check_address(dialect, &row, host.host())?;
    if row.get("type") != before.row.get("type") {
        in_use(host, &[id])?;
    }
    let known = Some(&before.details).filter(|details| !details.is_empty());
    let details = details(dialect, &row, given.get("details"), known)?;
    widths(&mut row)?;
    host.interfaces[at] = Interface { id, row, details };
    Ok(())
}

fn check_names(dialect: &Dialect, given: &Object) -> Result<(), Refusal> {
    const KNOWN: [&str; 11] =
        ["hostid", "type", "ip", "dns", "port", "useip", "main", "details", "interface_ref", "items", "interfaceid"];
    match dialect.modern && given.keys().any(|name| !KNOWN.contains(&name.as_str())) {
        true => Err(Refusal::arguments()),
        false => Ok(()),
    }
}

fn fill(row: &mut Row, given: &Object) {
    for (name, _) in &FIELDS[..6] {
        if let Some(value) = php::get_text(given, name) {
            row.insert(name, value);
        }
    }
}

fn widths(row: &mut Row) -> Result<(), Refusal> {
    for (name, width) in [("ip", 64), ("dns", 255), ("port", 64)] {
        let value = row.get(name).cloned().unwrap_or_default();
        set(row, name, value, width)?;
    }
    Ok(())
}

fn check_address(dialect: &Dialect, row: &Row, host: &str) -> Result<(), Refusal> {
    let get = |name: &str| row.get(name).map_or("", String::as_str);
    let (ip, dns, port) = (get("ip"), get("dns"), get("port"));
    if ip.is_empty() && dns.is_empty() {
        return Err(Refusal::parameters("IP and DNS cannot be empty for host interface."));
    }
    if get("useip") == "1" && ip.is_empty() {
        return Err(Refusal::parameters(format!("Interface with DNS \"{dns}\" cannot have empty IP address.")));
    }
    if get("useip") == "0" && dns.is_empty() {
        return Err(Refusal::parameters(format!(
            "Interface with IP \"{ip}\" cannot have empty DNS name while having \"Use DNS\" property on \"{host}\"."
        )));
    }
    if !dns.is_empty() && !is_dns(dialect, dns) {
        return Err(Refusal::parameters(format!("Incorrect interface DNS parameter \"{dns}\" provided.")));
    }
    if !ip.is_empty() && ip.parse::<IpAddr>().is_err() && !is_macro(ip) {
        return Err(Refusal::parameters(format!("Invalid IP address \"{ip}\".")));
    }
    if port.is_empty() {
        return Err(Refusal::parameters("Port cannot be empty for host interface."));
    }
    if port.parse::<u16>().is_err() && !is_macro(port) {
        return Err(Refusal::parameters(format!("Incorrect interface port \"{port}\" provided.")));
    }
    Ok(())
}

/// A user macro, a discovery macro, or one of the built-in ones.
fn is_macro(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && text.len() > 2
}

fn is_dns(dialect: &Dialect, text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let fits = !dialect.modern || text.len() <= 255;
    (plain && fits) || text.contains('{')
}

/// SNMP details, cut to what the version has.
fn details(dialect: &Dialect, row: &Row, given: Option<&Json>, known: Option<&Row>) -> Result<Row, Refusal> {
    if row.get("type").map(String::as_str) != Some(SNMP) {
        return Ok(Row::new());
    }
    let empty = Object::new();
    let given = match given {
        Some(Json::Object(details)) => details,
        Some(_) => &empty,
        None if known.is_some() => &empty,
        None => return Err(Refusal::arguments()),
    };
    let get = |name: &str| php::get_text(given, name).or_else(|| known.and_then(|known| known.get(name).cloned()));
    let one_of = |name: &str, values: &[&str]| get(name).is_none_or(|value| values.contains(&value.as_str()));
    let version = get("version").unwrap_or_default();
    let v3 = version == "3";
    let has_repetitions = dialect.max_repetitions && version != "1";
    let repetitions = get("max_repetitions").unwrap_or_else(|| "10".to_owned());
    let right = one_of("version", &["1", "2", "3"])
        && !version.is_empty()
        && (v3 || get("community").is_some_and(|community| !community.is_empty()))
        && (!has_repetitions || repetitions.parse::<i32>().is_ok_and(|number| number > 0));
    if !right {
        return Err(Refusal::arguments());
    }
    if !one_of("bulk", &["0", "1"]) {
        return Err(Refusal::parameters("Incorrect bulk value for interface."));
    }
    let numbers = &["0", "1", "2", "3", "4", "5"];
    if v3
        && !(one_of("securitylevel", &numbers[..3])
            && one_of("authprotocol", numbers)
            && one_of("privprotocol", numbers))
    {
        return Err(Refusal::arguments());
    }
    let mut details = Row::from([("version", version), ("bulk", get("bulk").unwrap_or_else(|| "1".to_owned()))]);
    if has_repetitions {
        details.insert("max_repetitions", repetitions);
    }
    if !v3 {
        set(&mut details, "community", get("community").unwrap_or_default(), 64)?;
        return Ok(details);
    }
    for name in ["securityname", "authpassphrase", "privpassphrase", "contextname"] {
        set(&mut details, name, get(name).unwrap_or_default(), 64)?;
    }
    for name in ["securitylevel", "authprotocol", "privprotocol"] {
        details.insert(name, get(name).unwrap_or_else(|| "0".to_owned()));
    }
    Ok(details)
}

/// Of each type one main interface, given type and main flag of all.
fn check_main(interfaces: &[(String, bool)], host: &str) -> Result<(), Refusal> {
    for (kind, _) in interfaces {
        let main = interfaces.iter().filter(|(other, main)| other == kind && *main).count();
        if main == 0 {
            let name = type_name(kind);
            return Err(Refusal::parameters(format!("No default interface for \"{name}\" type on \"{host}\".")));
        }
        if main > 1 {
            let text = "Host cannot have more than one default interface of the same type.";
            return Err(Refusal::parameters(text));
        }
    }
    Ok(())
}

/// The same for the interfaces that a host has.
pub(super) fn check_mains(host: &Host) -> Result<(), Refusal> {
    let all: Vec<(String, bool)> =
        host.interfaces.iter().map(|interface| (interface.kind().to_owned(), interface.is_main())).collect();
    check_main(&all, host.name())
}

/// Refuses when an item uses one of the interfaces.
fn in_use(host: &Host, ids: &[u64]) -> Result<(), Refusal> {
    match host.items.iter().find(|item| item.interface != 0 && ids.contains(&item.interface)) {
        Some(item) => Err(Refusal::parameters(format!(
            "Interface is linked to item \"{}\" on \"{}\".",
            item.get("name"),
            host.name()
        ))),
        None => Ok(()),
    }
}

fn remove(host: &mut Host, ids: &[u64]) -> Result<(), Refusal> {
    in_use(host, ids)?;
    host.interfaces.retain(|interface| !ids.contains(&interface.id));
    check_mains(host)
}

const SPEC: Spec = Spec { id: "interfaceid", sort: &["interfaceid", "dns", "ip"], id_always: true };

pub(super) fn get(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let access = if php::flag(&options, "editable") { Access::Write } else { Access::Read };
    let ids = php::id_set(&options, "interfaceids");
    let hosts = php::id_set(&options, "hostids");
    let visible = ctx
        .state
        .hosts
        .values()
        .filter(|host| ctx.user.may(host, access) && hosts.as_ref().is_none_or(|hosts| hosts.contains(&host.id)));
    let found: Vec<Found> = visible
        .flat_map(|host| host.interfaces.iter().map(|interface| (interface.id, show(interface, host.id))))
        .filter(|(id, _)| ids.as_ref().is_none_or(|ids| ids.contains(id)))
        .collect();
    let found = query::narrow(found, &options, &SPEC)?;
    let (hosts, items) = (Wanted::of(&options, "selectHosts"), Wanted::of(&options, "selectItems"));
    query::answer(found, &options, &SPEC, |id, object| {
        if hosts == Wanted::Nothing && items == Wanted::Nothing {
            return Ok(());
        }
        let Some((host, _)) = ctx.state.interface(id) else { return Ok(()) };
        if hosts != Wanted::Nothing {
            object.insert("hosts".to_owned(), hosts.list(vec![hosts::show(host, ctx.dialect)], &["hostid"]));
        }
        if items != Wanted::Nothing {
            let used = host.items.iter().filter(|item| item.interface == id);
            let used = used.map(|item| items::show(item, host, ctx.dialect)).collect();
            object.insert("items".to_owned(), items.list(used, &[]));
        }
        Ok(())
    })
}

/// A host that may be changed, as a copy.
fn host_of(ctx: &Ctx<'_>, id: u64) -> Result<Host, Refusal> {
    let host = ctx.state.hosts.get(&id).filter(|host| ctx.user.may(host, Access::Write));
    host.map(|host| Host::clone(host)).ok_or_else(|| Refusal::parameters(NO_PERMISSIONS))
}

fn entries(params: &Json) -> Vec<Object> {
    php::list(params).into_iter().map(|entry| entry.as_object().cloned().unwrap_or_default()).collect()
}

pub(super) fn create(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut created = Vec::new();
    for given in entries(params) {
        if !given.contains_key("hostid") {
            return Err(Refusal::arguments());
        }
        let mut host = host_of(ctx, php::get_id(&given, "hostid"))?;
        let id = add(ctx.state, ctx.dialect, &mut host, &given)?;
        check_mains(&host)?;
        created.push(id);
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"interfaceids": id_list(created)}))
}

/// The host that has an interface, if it may be changed.
fn owner(ctx: &Ctx<'_>, id: u64) -> Result<u64, Refusal> {
    let owner =
        ctx.state.interface(id).map(|(host, _)| Arc::clone(host)).filter(|host| ctx.user.may(host, Access::Write));
    owner.map(|host| host.id).ok_or_else(|| Refusal::parameters(NO_PERMISSIONS))
}

pub(super) fn update(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let given = entries(params);
    let mut changed = Vec::new();
    let mut hosts = Vec::new();
    for interface in &given {
        if !interface.contains_key("interfaceid") {
            return Err(Refusal::arguments());
        }
        let id = php::get_id(interface, "interfaceid");
        let owner = owner(ctx, id)?;
        if interface.contains_key("hostid") && php::get_id(interface, "hostid") != owner {
            return Err(Refusal::parameters("Cannot switch host for interface."));
        }
        let mut host = host_of(ctx, owner)?;
        change(ctx.dialect, &mut host, interface)?;
        ctx.state.put(host);
        changed.push(id);
        hosts.push(owner);
    }
    // Both ends of a main flag that moves may be in one call.
    for host in hosts.into_iter().filter_map(|id| ctx.state.hosts.get(&id)) {
        check_mains(host)?;
    }
    Ok(serde_json::json!({"interfaceids": id_list(changed)}))
}

pub(super) fn delete(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids: Vec<u64> = php::list(params).into_iter().map(|id| php::id(id).unwrap_or(0)).collect();
    if ids.is_empty() {
        return Err(Refusal::parameters("Empty input parameter."));
    }
    let mut owners = Vec::new();
    for id in &ids {
        owners.push(owner(ctx, *id)?);
    }
    owners.sort_unstable();
    owners.dedup();
    for owner in owners {
        let mut host = host_of(ctx, owner)?;
        remove(&mut host, &ids)?;
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"interfaceids": id_list(ids)}))
}

pub(super) fn mass_add(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let lists = |name: &str| options.get(name).map(php::list).unwrap_or_default();
    let mut all = Vec::new();
    for interface in lists("interfaces") {
        for host in lists("hosts") {
            let mut interface = interface.as_object().cloned().unwrap_or_default();
            interface.insert("hostid".to_owned(), host.get("hostid").cloned().unwrap_or_default());
            all.push(Json::Object(interface));
        }
    }
    let created = create(ctx, &Json::Array(all))?;
    Ok(serde_json::json!({"interfaceids": created}))
}

pub(super) fn replace(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let Some(given) = options.get("interfaces").filter(|given| !given.is_null()) else {
        return Ok(serde_json::json!({"interfaceids": []}));
    };
    let mut host = host_of(ctx, php::get_id(&options, "hostid"))?;
    let kept = replace_all(ctx.state, ctx.dialect, &mut host, &entries(given))?;
    ctx.state.put(host);
    Ok(serde_json::json!({"interfaceids": id_list(kept)}))
}
