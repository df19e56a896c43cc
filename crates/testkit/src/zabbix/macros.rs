//! User macros: those of hosts and the global ones.

use serde_json::Value as Json;

use super::access::Access;
use super::check::{self, Field, Rule, Shape, below, canonical_macro, may, missing, must};
use super::dialect::Dialect;
use super::hosts;
use super::methods::{Ctx, options};
use super::php::{self, Object, id_list};
use super::query::{self, Found, Spec, Wanted};
use super::refusal::{NO_PERMISSIONS, Refusal};
use super::state::{Host, Macro, State};

const VALUE: Rule = Rule::Text(2048);
const TYPE: Rule = Rule::OneOf(&[0, 1, 2]);
const DESCRIPTION: Rule = Rule::Text(65_535);

/// Macros of a new host.
pub(super) const CREATE: Shape = Shape {
    fields: &[must("macro", Rule::Macro), may("type", TYPE), must("value", VALUE), may("description", DESCRIPTION)],
    unique: &["macro"],
    not_empty: false,
    open: false,
};
const UPDATE: &[Field] = &[
    may("hostmacroid", Rule::Id),
    may("macro", Rule::Macro),
    may("type", TYPE),
    may("value", VALUE),
    may("description", DESCRIPTION),
];
/// Macros in a change of a host.
pub(super) const CHANGE: Shape = Shape { fields: UPDATE, unique: &["hostmacroid"], not_empty: false, open: false };
/// The same where `automatic` is known.
pub(super) const CHANGE_AUTOMATIC: Shape = Shape {
    fields: &[
        may("hostmacroid", Rule::Id),
        may("macro", Rule::Macro),
        may("type", TYPE),
        may("value", VALUE),
        may("description", DESCRIPTION),
        may("automatic", Rule::OneOf(&[0])),
    ],
    ..CHANGE
};

/// A vault path has a colon between path and key.
pub(super) fn check_vault(given: &[Object], path: &str) -> Result<(), Refusal> {
    for (number, entry) in given.iter().enumerate() {
        let value = php::get_text(entry, "value").unwrap_or_default();
        if php::get_text(entry, "type").as_deref() == Some("2") && entry.contains_key("value") {
            vault_path(&value, &below(path, number + 1))?;
        }
    }
    Ok(())
}

fn vault_path(value: &str, path: &str) -> Result<(), Refusal> {
    let is_path = value.split_once(':').is_some_and(|(path, key)| path.contains('/') && !key.is_empty());
    match is_path {
        true => Ok(()),
        false => Err(Refusal::invalid(&below(path, "value"), &format!("incorrect syntax near \"{value}\""))),
    }
}

fn fresh(state: &mut State, given: &Object) -> Macro {
    let text = |name: &str| php::get_text(given, name).unwrap_or_default();
    Macro {
        id: state.next("macros"),
        name: text("macro"),
        value: text("value"),
        kind: php::get_text(given, "type").unwrap_or_else(|| "0".to_owned()),
        description: text("description"),
    }
}

/// The macros of a new host.
pub(super) fn new_list(state: &mut State, given: &[Object]) -> Vec<Macro> {
    given.iter().map(|entry| fresh(state, entry)).collect()
}

/// Puts what is given over a macro. A secret that becomes text loses its value.
fn overlay(known: &Macro, given: &Object) -> Macro {
    let text = |name: &str, old: &str| php::get_text(given, name).unwrap_or_else(|| old.to_owned());
    let kind = text("type", &known.kind);
    let lost = known.kind == "1" && kind != "1" && !given.contains_key("value");
    Macro {
        id: known.id,
        name: text("macro", &known.name),
        value: if lost { String::new() } else { text("value", &known.value) },
        kind,
        description: text("description", &known.description),
    }
}

/// The macros of a host after a change: those named by id stay with what is given, others are made anew.
pub(super) fn replace_list(
    state: &mut State,
    host: &Host,
    given: &[Object],
    path: &str,
) -> Result<Vec<Macro>, Refusal> {
    for (number, entry) in given.iter().enumerate() {
        let id = entry.contains_key("hostmacroid").then(|| php::get_id(entry, "hostmacroid"));
        match id {
            Some(id) if host.macros.iter().all(|known| known.id != id) => {
                return Err(Refusal::application(NO_PERMISSIONS));
            }
            Some(_) => {}
            None => {
                for name in ["macro", "value"] {
                    if !entry.contains_key(name) {
                        return Err(missing(&below(path, number + 1), name));
                    }
                }
            }
        }
    }
    let mut list: Vec<Macro> = Vec::new();
    for (number, entry) in given.iter().enumerate() {
        let known = host.macros.iter().find(|known| known.id == php::get_id(entry, "hostmacroid"));
        let next = match known {
            Some(known) => overlay(known, entry),
            None => fresh(state, entry),
        };
        if list.iter().any(|other| canonical_macro(&other.name) == canonical_macro(&next.name)) {
            let problem = format!("value (macro)=({}) already exists", next.name);
            return Err(Refusal::invalid(&below(path, number + 1), &problem));
        }
        if next.kind == "2" {
            vault_path(&next.value, &below(path, number + 1))?;
        }
        list.push(next);
    }
    Ok(list)
}

/// A macro as the API shows it: a secret without its value.
pub(super) fn show(known: &Macro, dialect: &Dialect, host: Option<u64>) -> Object {
    let mut shown = serde_json::json!({"macro": known.name, "description": known.description, "type": known.kind});
    let id = if host.is_some() { "hostmacroid" } else { "globalmacroid" };
    shown[id] = known.id.to_string().into();
    if let Some(host) = host {
        shown["hostid"] = host.to_string().into();
        if dialect.automatic {
            shown["automatic"] = "0".into();
        }
    }
    if known.kind != "1" {
        shown["value"] = known.value.clone().into();
    }
    shown.as_object().cloned().unwrap_or_default()
}

pub(super) fn get(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let options = options(ctx, params);
    let global = php::flag(&options, "globalmacro");
    let sort = &["macro"];
    if global {
        let spec = Spec { id: "globalmacroid", sort, id_always: true };
        let found = ctx.state.globals.values().map(|known| (known.id, show(known, ctx.dialect, None))).collect();
        let found = query::narrow(found, &options, &spec)?;
        return query::answer(found, &options, &spec, |_, _| Ok(()));
    }
    let spec = Spec { id: "hostmacroid", sort, id_always: true };
    let access = if php::flag(&options, "editable") { Access::Write } else { Access::Read };
    let [ids, hosts, templates, groups] =
        ["hostmacroids", "hostids", "templateids", "groupids"].map(|name| php::id_set(&options, name));
    let all = ctx.state.hosts.values().chain(ctx.state.templates.values());
    let visible = all.clone().filter(|host| {
        ctx.user.may(host, access)
            && hosts.as_ref().is_none_or(|hosts| hosts.contains(&host.id))
            && templates.as_ref().is_none_or(|templates| host.templates.iter().any(|id| templates.contains(id)))
            && groups.as_ref().is_none_or(|groups| !host.groups.is_disjoint(groups))
    });
    let found: Vec<Found> = visible
        .flat_map(|host| host.macros.iter().map(|known| (known.id, show(known, ctx.dialect, Some(host.id)))))
        .filter(|(id, _)| ids.as_ref().is_none_or(|ids| ids.contains(id)))
        .collect();
    let found = query::narrow(found, &options, &spec)?;
    let wanted = Wanted::of(&options, "selectHosts");
    query::answer(found, &options, &spec, |id, object| {
        if wanted != Wanted::Nothing {
            let owner = all.clone().filter(|host| !host.is_template && host.macros.iter().any(|known| known.id == id));
            let owner = owner.map(|host| hosts::show(host, ctx.dialect)).collect();
            object.insert("hosts".to_owned(), wanted.list(owner, &["hostid"]));
        }
        Ok(())
    })
}

/// A host or template that may be changed, as a copy.
fn writable(ctx: &Ctx<'_>, id: u64) -> Result<Host, Refusal> {
    let host = ctx.state.thing(id).filter(|host| ctx.user.may(host, Access::Write));
    host.map(|host| Host::clone(host)).ok_or_else(|| Refusal::application(NO_PERMISSIONS))
}

pub(super) fn create(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    const SHAPE: Shape = Shape {
        fields: &[
            must("hostid", Rule::Id),
            must("macro", Rule::Macro),
            may("type", TYPE),
            must("value", VALUE),
            may("description", DESCRIPTION),
        ],
        unique: &["hostid", "macro"],
        not_empty: true,
        open: false,
    };
    let given = check::objects(params, "/", &SHAPE)?;
    check_vault(&given, "/")?;
    let mut created = Vec::new();
    for entry in &given {
        let mut host = writable(ctx, php::get_id(entry, "hostid"))?;
        let next = fresh(ctx.state, entry);
        if host.macros.iter().any(|known| canonical_macro(&known.name) == canonical_macro(&next.name)) {
            return Err(taken(&next.name, &host));
        }
        created.push(next.id);
        host.macros.push(next);
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"hostmacroids": id_list(created)}))
}

/// `Macro "…" already exists on "…".`
pub(super) fn taken(name: &str, host: &Host) -> Refusal {
    Refusal::parameters(format!("Macro \"{name}\" already exists on \"{}\".", host.name()))
}

/// The host that has a macro, if it may be changed.
fn owner(ctx: &Ctx<'_>, id: u64) -> Result<Host, Refusal> {
    let mut all = ctx.state.hosts.values().chain(ctx.state.templates.values());
    let owner = all.find(|host| host.macros.iter().any(|known| known.id == id));
    let owner = owner.filter(|host| ctx.user.may(host, Access::Write));
    owner.map(|host| Host::clone(host)).ok_or_else(|| Refusal::application(NO_PERMISSIONS))
}

pub(super) fn update(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    const SHAPE: Shape = Shape {
        fields: &[
            must("hostmacroid", Rule::Id),
            may("macro", Rule::Macro),
            may("type", TYPE),
            may("value", VALUE),
            may("description", DESCRIPTION),
        ],
        unique: &["hostmacroid"],
        not_empty: true,
        open: false,
    };
    let given = check::objects(params, "/", &SHAPE)?;
    check_vault(&given, "/")?;
    let mut changed = Vec::new();
    for entry in &given {
        let id = php::get_id(entry, "hostmacroid");
        let mut host = owner(ctx, id)?;
        let Some(at) = host.macros.iter().position(|known| known.id == id) else { continue };
        let next = overlay(&host.macros[at], entry);
        let same = |other: &Macro| other.id != id && canonical_macro(&other.name) == canonical_macro(&next.name);
        if host.macros.iter().any(same) {
            return Err(taken(&next.name, &host));
        }
        host.macros[at] = next;
        ctx.state.put(host);
        changed.push(id);
    }
    Ok(serde_json::json!({"hostmacroids": id_list(changed)}))
}

pub(super) fn delete(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids = check::ids(params, "/", true)?;
    for id in &ids {
        let mut host = owner(ctx, *id)?;
        host.macros.retain(|known| known.id != *id);
        ctx.state.put(host);
    }
    Ok(serde_json::json!({"hostmacroids": id_list(ids)}))
}

/// Global macros are for super admins to change; everybody reads them.
pub(super) fn add_global(state: &mut State, given: &Json) -> u64 {
    let known = fresh(state, given.as_object().unwrap_or(&Object::new()));
    let id = known.id;
    state.globals.insert(id, known);
    id
}
