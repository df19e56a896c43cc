//! `host.massadd`, `host.massremove`, `host.massupdate`.

use serde_json::Value as Json;

use super::write;
use crate::zabbix::access::Access;
use crate::zabbix::check::{self, Rule, below, canonical_macro, may, must};
use crate::zabbix::groups::{cannot_be_without, ids_of};
use crate::zabbix::methods::Ctx;
use crate::zabbix::php::{self, Object, id_list};
use crate::zabbix::refusal::{NO_PERMISSIONS, Refusal};
use crate::zabbix::state::Host;
use crate::zabbix::{interfaces, link, macros};

/// The hosts of a call, as copies; 6.0 and 7.0 refuse what one may not change in words of their own.
fn hosts(ctx: &Ctx<'_>, ids: &[u64], list: &str, old: &str) -> Result<Vec<Host>, Refusal> {
    let mut hosts = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let host = ctx.state.hosts.get(id).filter(|host| ctx.user.may(host, Access::Write));
        hosts.push(host.map(|host| Host::clone(host)).ok_or_else(|| match ctx.dialect.modern {
            true => Refusal::no_object(&below(&below("/", list), number + 1)),
            false => Refusal::application(old),
        })?);
    }
    Ok(hosts)
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

pub(in crate::zabbix) fn mass_add(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let fields = [
        must("hosts", Rule::Anything),
        may("groups", Rule::Anything),
        may("macros", Rule::Objects(&macros::CREATE)),
        may("templates", Rule::Anything),
        may("interfaces", Rule::Anything),
    ];
    let given = check::object(params, "/", &fields, false)?;
    let ids = ids_of(&given, "hosts", "hostid");
    if ids.is_empty() && ctx.dialect.modern {
        return Err(Refusal::invalid("/hosts", "cannot be empty"));
    }
    let list = hosts(ctx, &ids, "hosts", "You do not have permission to perform this operation.")?;
    let groups = ids_of(&given, "groups", "groupid");
    check_groups(ctx, &groups, "/groups")?;
    let templates = ids_of(&given, "templates", "templateid");
    for (number, id) in templates.iter().enumerate() {
        if ctx.state.templates.get(id).is_none_or(|template| !ctx.user.may(template, Access::Read)) {
            return Err(match ctx.dialect.modern {
                true => Refusal::no_object(&below("/templates", number + 1)),
                false => Refusal::application(NO_PERMISSIONS),
            });
        }
    }
    let objects = |name: &str| -> Vec<Object> {
        let list = given.get(name).map(php::list).unwrap_or_default();
        list.into_iter().filter_map(Json::as_object).cloned().collect()
    };
    for (number, mut host) in list.into_iter().enumerate() {
        host.groups.extend(&groups);
        for given in objects("macros") {
            let name = php::get_text(&given, "macro").unwrap_or_default();
            if host.macros.iter().any(|known| canonical_macro(&known.name) == canonical_macro(&name)) {
                return Err(match ctx.dialect.modern {
                    true => Refusal::invalid(
                        &format!("/{}/macros/{}", number + 1, host.macros.len() + 1),
                        &format!("value (macro)=({name}) already exists"),
                    ),
                    false => macros::taken(&name, &host),
                });
            }
            host.macros.extend(macros::new_list(ctx.state, &[given]));
        }
        for interface in objects("interfaces") {
            interfaces::add(ctx.state, ctx.dialect, &mut host, &interface)?;
            interfaces::check_mains(&host)?;
        }
        if !templates.is_empty() {
            let mut wanted = host.templates.clone();
            wanted.extend(templates.iter().filter(|id| !host.templates.contains(id)));
            link::relink(ctx.state, ctx.dialect, &mut host, Some(&wanted), &[])?;
        }
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"hostids": id_list(ids)}))
}

pub(in crate::zabbix) fn mass_remove(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let fields = [
        must("hostids", Rule::Any),
        may("groupids", Rule::Any),
        may("macros", Rule::Any),
        may("templateids", Rule::Any),
        may("templateids_clear", Rule::Any),
        may("interfaces", Rule::Any),
    ];
    let given = check::object(params, "/", &fields, false)?;
    let list = |name: &str| -> Vec<u64> {
        given.get(name).map(php::list).unwrap_or_default().into_iter().filter_map(php::id).collect()
    };
    let (ids, groups) = (list("hostids"), list("groupids"));
    let (unlinked, cleared) = (list("templateids"), list("templateids_clear"));
    let names: Vec<String> = given
        .get("macros")
        .map(php::list)
        .unwrap_or_default()
        .into_iter()
        .filter_map(php::text)
        .map(|name| canonical_macro(&name))
        .collect();
    if ids.is_empty() && ctx.dialect.modern {
        return Err(Refusal::invalid("/hostids", "cannot be empty"));
    }
    let hosts = hosts(ctx, &ids, "hostids", NO_PERMISSIONS)?;
    check_groups(ctx, &groups, "/groupids")?;
    for mut host in hosts {
        host.groups.retain(|id| !groups.contains(id));
        if host.groups.is_empty() {
            return Err(cannot_be_without(host.host()));
        }
        host.macros.retain(|known| !names.contains(&canonical_macro(&known.name)));
        let gone = |id: &u64| unlinked.contains(id) || cleared.contains(id);
        if host.templates.iter().any(gone) {
            let wanted: Vec<u64> = host.templates.iter().copied().filter(|id| !gone(id)).collect();
            link::relink(ctx.state, ctx.dialect, &mut host, Some(&wanted), &cleared)?;
        }
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"hostids": id_list(ids)}))
}

/// The same change of several hosts, carried out as a change of each.
pub(in crate::zabbix) fn mass_update(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let given = params.as_object().cloned().unwrap_or_default();
    if !given.contains_key("hosts") {
        return Err(match ctx.dialect.modern {
            true => check::missing("/", "hosts"),
            false => Refusal::parameters("Field \"hosts\" is mandatory."),
        });
    }
    let mut change = given.clone();
    change.remove("hosts");
    let each = ids_of(&given, "hosts", "hostid").into_iter().map(|id| {
        let mut change = change.clone();
        change.insert("hostid".to_owned(), id.to_string().into());
        Json::Object(change)
    });
    let each = each.collect();
    write::update(ctx, &each)
}
