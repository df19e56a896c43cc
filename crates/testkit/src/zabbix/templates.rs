//! `template.get`, and templates as seeds.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::access::{Access, secret};
use super::dialect::Dialect;
use super::hosts;
use super::link;
use super::macros;
use super::methods::{Ctx, options};
use super::php::{self, Object};
use super::query::{self, Found, Spec, TagFilter, Wanted};
use super::refusal::{NO_PERMISSIONS, Refusal};
use super::state::{Host, Item, ItemKind, Row, State, Tag, Trigger};
use super::{groups, items};

const SPEC: Spec = Spec { id: "templateid", sort: &["hostid", "host", "name"], id_always: true };

/// The tags of all templates of a host, each once.
pub(super) fn inherited_tags(state: &State, host: &Host) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut all: Vec<u64> = host.templates.clone();
    for id in &host.templates {
        all.extend(state.ancestors(*id));
    }
    for tag in all.iter().filter_map(|id| state.templates.get(id)).flat_map(|template| &template.tags) {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    tags
}

/// A template as the API shows it.
fn show(template: &Host, dialect: &Dialect) -> Object {
    hosts::show(template, dialect)
}

pub(super) fn get(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let access = if php::flag(&options, "editable") { Access::Write } else { Access::Read };
    let [ids, groups, parents, of_hosts] =
        ["templateids", "groupids", "parentTemplateids", "hostids"].map(|name| php::id_set(&options, name));
    let of_hosts: Option<BTreeSet<u64>> = of_hosts.map(|ids| {
        ids.iter().filter_map(|id| ctx.state.hosts.get(id)).flat_map(|host| host.templates.iter().copied()).collect()
    });
    let tags = TagFilter::of(&options);
    let visible = ctx.state.templates.values().filter(|template| {
        ctx.user.may(template, access)
            && ids.as_ref().is_none_or(|ids| ids.contains(&template.id))
            && of_hosts.as_ref().is_none_or(|ids| ids.contains(&template.id))
            && groups.as_ref().is_none_or(|groups| !template.groups.is_disjoint(groups))
            && parents.as_ref().is_none_or(|parents| template.templates.iter().any(|id| parents.contains(id)))
            && tags
                .as_ref()
                .is_none_or(|tags| tags.meets(template.tags.iter().map(|tag| (tag.tag.as_str(), tag.value.as_str()))))
    });
    let found: Vec<Found> = visible.map(|template| (template.id, show(template, ctx.dialect))).collect();
    let found = query::narrow(found, &options, &SPEC)?;
    let wanted = |name: &str| Wanted::of(&options, name);
    let split = ctx.dialect.split_groups;
    let group_lists = [
        ("groups", if ctx.dialect.select_groups { wanted("selectGroups") } else { Wanted::Nothing }),
        ("templategroups", if split { wanted("selectTemplateGroups") } else { Wanted::Nothing }),
    ];
    let [parents, tags, macros, hosts_wanted] =
        ["selectParentTemplates", "selectTags", "selectMacros", "selectHosts"].map(wanted);
    let children = wanted("selectTemplates");
    let parts = [
        ("items", ItemKind::Item, wanted("selectItems")),
        ("discoveries", ItemKind::Rule, wanted("selectDiscoveries")),
    ];
    let triggers = wanted("selectTriggers");
    query::answer(found, &options, &SPEC, |id, object| {
        let Some(template) = ctx.state.templates.get(&id) else { return Ok(()) };
        let mut put = |name: &str, wanted: &Wanted, list: Vec<Object>, always: &[&str]| {
            if *wanted != Wanted::Nothing {
                object.insert(name.to_owned(), wanted.list(list, always));
            }
        };
        let old_ids: &[&str] = if ctx.dialect.modern { &[] } else { &["groupid"] };
        for (name, wanted) in &group_lists {
            let known = if split { &ctx.state.template_groups } else { &ctx.state.groups };
            let list = template.groups.iter().filter_map(|id| known.get_key_value(id));
            put(name, wanted, list.map(|(id, group)| group.show(*id, !split, split)).collect(), old_ids);
        }
        let linked = template.templates.iter().filter_map(|id| ctx.state.templates.get(id));
        put("parentTemplates", &parents, linked.map(|other| show(other, ctx.dialect)).collect(), &["templateid"]);
        let below = ctx.state.templates.values().filter(|other| other.templates.contains(&id));
        put("templates", &children, below.map(|other| show(other, ctx.dialect)).collect(), &["templateid"]);
        put("tags", &tags, hosts::show_tags(&template.tags, false), &[]);
        let list = template.macros.iter().map(|known| macros::show(known, ctx.dialect, Some(id))).collect();
        put("macros", &macros, list, &[]);
        let users = ctx.state.hosts.values().filter(|host| host.templates.contains(&id));
        let users = users.filter(|host| ctx.user.may(host, Access::Read));
        put("hosts", &hosts_wanted, users.map(|host| hosts::show(host, ctx.dialect)).collect(), &["hostid"]);
        for (name, kind, wanted) in &parts {
            let of_kind = template.items.iter().filter(|item| item.kind == *kind);
            put(name, wanted, of_kind.map(|item| items::show(item, template, ctx.dialect)).collect(), &[]);
        }
        put("triggers", &triggers, template.triggers.iter().map(items::show_trigger).collect(), &["triggerid"]);
        Ok(())
    })
}

/// Adds a template as an import would. Besides the properties of the API it takes `items`, `discoveryrules` (with their
/// `itemprototypes`) and `triggers` (with `depends_on`, a list of descriptions, or of `{"template", "description"}`).
pub(super) fn seed(ctx: &mut Ctx<'_>, body: &Json) -> Result<u64, Refusal> {
    let given = body.as_object().cloned().unwrap_or_default();
    let text = |name: &str| php::get_text(&given, name);
    let name = text("host").ok_or_else(|| super::check::missing("/1", "host"))?;
    let visible = text("name").unwrap_or_else(|| name.clone());
    let things = || ctx.state.hosts.values().chain(ctx.state.templates.values());
    if things().any(|other| other.host() == name) {
        return Err(Refusal::parameters(format!("Template \"{name}\" already exists.")));
    }
    if things().any(|other| other.name() == visible) {
        return Err(Refusal::parameters(format!("Template with the same visible name \"{visible}\" already exists.")));
    }
    let group_ids = groups::ids_of(&given, "groups", "groupid");
    let known = if ctx.dialect.split_groups { &ctx.state.template_groups } else { &ctx.state.groups };
    if group_ids.is_empty() || group_ids.iter().any(|id| !known.contains_key(id)) {
        return Err(Refusal::application(NO_PERMISSIONS));
    }
    let id = match php::get_id(&given, "templateid") {
        0 => ctx.state.next("hosts"),
        id => id,
    };
    let mut row = Row::from([("host", name.clone()), ("name", visible)]);
    row.insert("uuid", text("uuid").unwrap_or_else(|| secret(id, 32)));
    row.insert("description", text("description").unwrap_or_default());
    let list = |name: &str| -> Vec<Object> {
        given.get(name).map(php::list).unwrap_or_default().into_iter().filter_map(Json::as_object).cloned().collect()
    };
    let mut template = Host { id, row, groups: group_ids.into_iter().collect(), is_template: true, ..Host::default() };
    for tag in list("tags") {
        let part = |name: &str| php::get_text(&tag, name).unwrap_or_default();
        template.tags.push(Tag { tag: part("tag"), value: part("value") });
    }
    template.macros = macros::new_list(ctx.state, &list("macros"));
    let parents = groups::ids_of(&given, "templates", "templateid");
    if parents.iter().any(|id| !ctx.state.templates.contains_key(id)) {
        return Err(Refusal::application(NO_PERMISSIONS));
    }
    link::relink(ctx.state, ctx.dialect, &mut template, Some(&parents), &[])?;
    for item in list("items") {
        add_item(ctx.state, &mut template, &item, ItemKind::Item, 0)?;
    }
    for rule in list("discoveryrules") {
        let id = add_item(ctx.state, &mut template, &rule, ItemKind::Rule, 0)?;
        for prototype in rule.get("itemprototypes").map(php::list).unwrap_or_default() {
            let prototype = prototype.as_object().cloned().unwrap_or_default();
            add_item(ctx.state, &mut template, &prototype, ItemKind::Prototype, id)?;
        }
    }
    for trigger in list("triggers") {
        add_trigger(ctx.state, &mut template, &trigger)?;
    }
    ctx.state.put(template);
    Ok(id)
}

fn add_item(state: &mut State, template: &mut Host, given: &Object, kind: ItemKind, rule: u64) -> Result<u64, Refusal> {
    let key = php::get_text(given, "key_").ok_or_else(|| super::check::missing("/1", "key_"))?;
    if template.items.iter().any(|item| item.key() == key) {
        let name = template.host();
        return Err(Refusal::parameters(format!(
            "An item with key \"{key}\" already exists on the template \"{name}\"."
        )));
    }
    let id = state.next("items");
    let mut body = items::body(given);
    body.entry("name").or_insert_with(|| key.clone());
    template.items.push(Item { id, kind, parent: 0, interface: 0, rule, body: Arc::new(body) });
    Ok(id)
}

fn add_trigger(state: &mut State, template: &mut Host, given: &Object) -> Result<(), Refusal> {
    let text = |name: &str| php::get_text(given, name).unwrap_or_default();
    let mut depends_on = Vec::new();
    for needed in given.get("depends_on").map(php::list).unwrap_or_default() {
        let (owner, description) = match needed {
            Json::Object(object) => {
                (php::get_text(object, "template"), php::get_text(object, "description").unwrap_or_default())
            }
            other => (None, php::text(other).unwrap_or_default()),
        };
        let owner = match &owner {
            None => Some(&*template),
            Some(name) => state.templates.values().find(|other| other.host() == name).map(AsRef::as_ref),
        };
        let named = |trigger: &&Trigger| trigger.body.get("description") == Some(&description);
        let needed = owner.and_then(|owner| owner.triggers.iter().find(named));
        depends_on.push(needed.ok_or_else(|| Refusal::application(NO_PERMISSIONS))?.id);
    }
    let id = state.next("triggers");
    let body = Row::from([
        ("description", text("description")),
        ("expression", text("expression")),
        ("priority", php::get_text(given, "priority").unwrap_or_else(|| "0".to_owned())),
    ]);
    template.triggers.push(Trigger { id, parent: 0, body: Arc::new(body), depends_on });
    Ok(())
}
