//! `host.get`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::zabbix::access::Access;
use crate::zabbix::check::known_names;
use crate::zabbix::dialect::Dialect;
use crate::zabbix::methods::{Ctx, options};
use crate::zabbix::php::{self, Object};
use crate::zabbix::query::{self, Found, Spec, TagFilter, Wanted};
use crate::zabbix::refusal::Refusal;
use crate::zabbix::state::{HOST, Host, ItemKind, Tag, show as show_row};
use crate::zabbix::{interfaces, inventory, items, macros, templates};

const SPEC: Spec = Spec { id: "hostid", sort: &["hostid", "host", "name", "status"], id_always: true };

/// A host as the API shows it, without what is related to it. Templates have the same columns.
pub(in crate::zabbix) fn show(host: &Host, dialect: &Dialect) -> Object {
    let mut shown = show_row(&host.row, HOST);
    let gone: &[&str] = match dialect.proxy_objects {
        true => &["proxy_hostid", "lastaccess", "proxy_address", "auto_compress"],
        false => &["proxyid", "proxy_groupid", "monitored_by", "vendor_name", "vendor_version"],
    };
    for name in gone {
        shown.remove(*name);
    }
    if host.is_template {
        shown.insert("status".to_owned(), "3".into());
        shown.insert("templateid".to_owned(), host.id.to_string().into());
        return shown;
    }
    // Keys never come back.
    shown.remove("tls_psk");
    shown.remove("tls_psk_identity");
    shown.insert("hostid".to_owned(), host.id.to_string().into());
    let mode = host.inventory.as_ref().map_or("-1", |inventory| if inventory.automatic { "1" } else { "0" });
    shown.insert("inventory_mode".to_owned(), mode.into());
    if dialect.automatic {
        shown.insert("active_available".to_owned(), "0".into());
    }
    if dialect.proxy_objects {
        shown.insert("assigned_proxyid".to_owned(), "0".into());
    }
    shown
}

/// Tags as the API shows them.
pub(in crate::zabbix) fn show_tags(tags: &[Tag], automatic: bool) -> Vec<Object> {
    let show = |tag: &Tag| {
        let mut shown = Object::from_iter([
            ("tag".to_owned(), Json::from(tag.tag.clone())),
            ("value".to_owned(), Json::from(tag.value.clone())),
        ]);
        if automatic {
            shown.insert("automatic".to_owned(), "0".into());
        }
        shown
    };
    tags.iter().map(show).collect()
}

pub(in crate::zabbix) fn get(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    check_selects(ctx.dialect, &options)?;
    let found: Vec<Found> = candidates(ctx, &options).map(|host| (host.id, searchable(host, ctx.dialect))).collect();
    let mut found = query::narrow(found, &options, &SPEC)?;
    for (_, object) in &mut found {
        object.retain(|name, _| !SEARCHED.contains(&name.as_str()));
    }
    let related = Related::of(ctx, &options);
    query::answer(found, &options, &SPEC, |id, object| {
        if let Some(host) = ctx.state.hosts.get(&id) {
            related.add(ctx, host, object);
        }
        Ok(())
    })
}

/// Properties of interfaces that hosts are found by.
const SEARCHED: [&str; 3] = ["ip", "dns", "port"];

/// A host with what its interfaces have, to search by.
fn searchable(host: &Host, dialect: &Dialect) -> Object {
    let mut shown = show(host, dialect);
    for name in SEARCHED {
        let values = host.interfaces.iter().filter_map(|interface| interface.row.get(name));
        shown.insert(name.to_owned(), values.map(|value| Json::from(value.clone())).collect());
    }
    shown
}

fn check_selects(dialect: &Dialect, options: &Object) -> Result<(), Refusal> {
    let tags: &[&str] = if dialect.automatic { &["tag", "value", "automatic"] } else { &["tag", "value"] };
    let macros = &["hostmacroid", "macro", "value", "type", "description", "automatic"];
    let templates = &["templateid", "host", "name", "description", "uuid", "link_type"];
    if options.get("inheritedTags").is_some_and(|inherited| !inherited.is_boolean()) {
        return Err(Refusal::invalid("/inheritedTags", "a boolean is expected"));
    }
    if !dialect.modern {
        if let Some(Json::Array(names)) = options.get("selectTags") {
            let unknown = names.iter().filter_map(Json::as_str).find(|name| !tags.contains(name));
            if let Some(unknown) = unknown {
                let text = format!("applyQueryOutputOptions: field \"host_tag.{unknown}\" does not exist.");
                return Err(Refusal::application(text));
            }
        }
        return Ok(());
    }
    for (name, known, count) in
        [("selectTags", tags, false), ("selectParentTemplates", templates, true), ("selectMacros", macros, false)]
    {
        if let Some(value) = options.get(name) {
            known_names(value, &format!("/{name}"), known, count)?;
        }
    }
    Ok(())
}

/// The visible hosts that the ids and tags of the options leave.
fn candidates<'a>(ctx: &'a Ctx<'_>, options: &Object) -> impl Iterator<Item = &'a Arc<Host>> + use<'a> {
    let access = if php::flag(options, "editable") { Access::Write } else { Access::Read };
    let ids = |name: &str| php::id_set(options, name);
    let (hosts, groups, templates) = (ids("hostids"), ids("groupids"), ids("templateids"));
    let (proxies, proxy_groups, interfaces) = (ids("proxyids"), ids("proxy_groupids"), ids("interfaceids"));
    let (maintenances, of_items) = (ids("maintenanceids"), ids("itemids"));
    let monitored = php::flag(options, "monitored_hosts");
    let with_items = php::flag(options, "with_items");
    let with_triggers = php::flag(options, "with_triggers");
    let tags = TagFilter::of(options);
    let inherited = php::flag(options, "inheritedTags");
    let in_maintenance: Option<BTreeSet<u64>> = maintenances.map(|ids| {
        let found = ids.iter().filter_map(|id| ctx.state.maintenances.get(id));
        found.flat_map(|maintenance| maintenance.hosts.iter().copied()).collect()
    });
    let proxy = if ctx.dialect.proxy_objects { "proxyid" } else { "proxy_hostid" };
    let has = |wanted: &Option<BTreeSet<u64>>, value: &str| {
        wanted.as_ref().is_none_or(|wanted| value.parse().is_ok_and(|id| wanted.contains(&id)))
    };
    ctx.state.hosts.values().filter(move |host| {
        ctx.user.may(host, access)
            && hosts.as_ref().is_none_or(|hosts| hosts.contains(&host.id))
            && groups.as_ref().is_none_or(|groups| !host.groups.is_disjoint(groups))
            && templates.as_ref().is_none_or(|wanted| host.templates.iter().any(|id| wanted.contains(id)))
            && has(&proxies, host.get(proxy))
            && has(&proxy_groups, host.get("proxy_groupid"))
            && interfaces.as_ref().is_none_or(|ids| host.interfaces.iter().any(|known| ids.contains(&known.id)))
            && of_items.as_ref().is_none_or(|ids| host.items.iter().any(|item| ids.contains(&item.id)))
            && in_maintenance.as_ref().is_none_or(|ids| ids.contains(&host.id))
            && (!monitored || host.get("status") == "0")
            && (!with_items || host.items.iter().any(|item| item.kind == ItemKind::Item))
            && (!with_triggers || !host.triggers.is_empty())
            && tags.as_ref().is_none_or(|tags| {
                let more = if inherited { templates::inherited_tags(ctx.state, host) } else { Vec::new() };
                let all = host.tags.iter().chain(&more);
                tags.meets(all.map(|tag| (tag.tag.as_str(), tag.value.as_str())))
            })
    })
}

/// Some lists cannot be counted.
fn listed(wanted: &Wanted) -> Wanted {
    if *wanted == Wanted::Count { Wanted::Nothing } else { wanted.clone() }
}

/// What the `select…` options ask for.
struct Related {
    interfaces: Wanted,
    /// `selectGroups` and `selectHostGroups`, with the names of what they add.
    groups: Vec<(&'static str, Wanted)>,
    templates: Wanted,
    tags: Wanted,
    inherited_tags: Wanted,
    macros: Wanted,
    inventory: Wanted,
    items: Vec<(&'static str, ItemKind, Wanted)>,
    triggers: Wanted,
    /// Things that this server never has, with what stands for none.
    nothing: Vec<(&'static str, Wanted)>,
    limit: usize,
}

impl Related {
    fn of(ctx: &Ctx<'_>, options: &Object) -> Self {
        let wanted = |name: &str| Wanted::of(options, name);
        let mut groups = Vec::new();
        if ctx.dialect.select_groups {
            groups.push(("groups", wanted("selectGroups")));
        }
        if ctx.dialect.split_groups {
            groups.push(("hostgroups", wanted("selectHostGroups")));
        }
        let limit = options.get("limitSelects").and_then(php::id).filter(|limit| *limit > 0);
        Self {
            interfaces: wanted("selectInterfaces"),
            groups,
            templates: wanted("selectParentTemplates"),
            tags: wanted("selectTags"),
            inherited_tags: wanted("selectInheritedTags"),
            macros: wanted("selectMacros"),
            inventory: if options.get("selectInventory") == Some(&Json::Bool(true)) {
                Wanted::All
            } else {
                wanted("selectInventory")
            },
            items: vec![
                ("items", ItemKind::Item, wanted("selectItems")),
                ("discoveries", ItemKind::Rule, wanted("selectDiscoveries")),
            ],
            triggers: wanted("selectTriggers"),
            nothing: vec![
                ("graphs", wanted("selectGraphs")),
                ("httpTests", wanted("selectHttpTests")),
                ("valuemaps", wanted("selectValueMaps")),
                ("discoveryRule", wanted("selectDiscoveryRule")),
                ("hostDiscovery", wanted("selectHostDiscovery")),
            ],
            limit: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX),
        }
    }

    fn add(&self, ctx: &Ctx<'_>, host: &Host, object: &mut Object) {
        let dialect = ctx.dialect;
        let mut put = |name: &str, wanted: &Wanted, list: &dyn Fn() -> Vec<Object>, always: &[&str]| {
            if *wanted != Wanted::Nothing {
                object.insert(name.to_owned(), wanted.list(list(), always));
            }
        };
        put(
            "interfaces",
            &self.interfaces,
            &|| host.interfaces.iter().map(|interface| interfaces::show(interface, host.id)).collect(),
            &[],
        );
        for (name, wanted) in &self.groups {
            let groups = || {
                let known = host.groups.iter().filter(|id| ctx.user.may_group(**id, Access::Read));
                let known = known.filter_map(|id| ctx.state.groups.get_key_value(id));
                known.map(|(id, group)| group.show(*id, !dialect.split_groups, false)).collect()
            };
            put(name, wanted, &groups, if dialect.modern { &[] } else { &["groupid"] });
        }
        put(
            "parentTemplates",
            &self.templates,
            &|| {
                let visible = host.templates.iter().filter_map(|id| ctx.state.templates.get(id));
                let visible = visible.filter(|template| ctx.user.may(template, Access::Read));
                let show = |template: &Arc<Host>| {
                    let mut shown = show(template, dialect);
                    if dialect.modern {
                        shown.insert("link_type".to_owned(), "0".into());
                    }
                    shown
                };
                visible.map(show).collect()
            },
            if dialect.modern { &[] } else { &["templateid"] },
        );
        put("tags", &listed(&self.tags), &|| show_tags(&host.tags, dialect.automatic), &[]);
        put(
            "inheritedTags",
            &self.inherited_tags,
            &|| show_tags(&templates::inherited_tags(ctx.state, host), false),
            &[],
        );
        put(
            "macros",
            &listed(&self.macros),
            &|| host.macros.iter().map(|known| macros::show(known, dialect, Some(host.id))).collect(),
            &[],
        );
        for (name, kind, wanted) in &self.items {
            let list = || {
                let of_kind = host.items.iter().filter(|item| item.kind == *kind);
                of_kind.take(self.limit_for(wanted)).map(|item| items::show(item, host, dialect)).collect()
            };
            put(name, wanted, &list, &[]);
        }
        put(
            "triggers",
            &self.triggers,
            &|| {
                let limit = self.limit_for(&self.triggers);
                host.triggers.iter().take(limit).map(items::show_trigger).collect()
            },
            &["triggerid"],
        );
        for (name, wanted) in &self.nothing {
            put(name, wanted, &Vec::new, &[]);
        }
        if self.inventory != Wanted::Nothing {
            let shown = host.inventory.as_ref().map(|inventory| inventory::show(&inventory.row)).unwrap_or_default();
            object.insert("inventory".to_owned(), php::object_or_list(self.inventory.pick(shown, &[])));
        }
    }

    fn limit_for(&self, wanted: &Wanted) -> usize {
        if *wanted == Wanted::Count { usize::MAX } else { self.limit }
    }
}
