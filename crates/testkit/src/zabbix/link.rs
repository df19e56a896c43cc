//! Linking templates: what they need, where they clash, the items that come and go with them.

use std::collections::HashMap;
use std::sync::Arc;

use super::dialect::Dialect;
use super::inventory;
use super::refusal::Refusal;
use super::state::{Host, Item, ItemKind, State, Trigger};

/// Gives a host or template another set of templates.
///
/// `wanted` are the templates that it is to have, `None` for those that it has; `cleared` are templates to unlink with
/// their items. Items of templates that are only unlinked stay as the host's own.
pub(super) fn relink(
    state: &mut State,
    dialect: &Dialect,
    host: &mut Host,
    wanted: Option<&[u64]>,
    cleared: &[u64],
) -> Result<(), Refusal> {
    let before = host.templates.clone();
    for id in cleared.iter().filter(|id| before.contains(id)) {
        detach(state, host, *id, true);
    }
    let left: Vec<u64> = before.iter().copied().filter(|id| !cleared.contains(id)).collect();
    let after = wanted.map_or_else(|| left.clone(), <[u64]>::to_vec);
    for id in left.iter().filter(|id| !after.contains(id)) {
        detach(state, host, *id, false);
    }
    let new: Vec<u64> = after.iter().copied().filter(|id| !left.contains(id)).collect();
    check_parents(state, dialect, host, &left, &after, &new)?;
    check_triggers(state, dialect, host, &before, &after, &new)?;
    host.templates.clone_from(&after);
    if new.is_empty() {
        return Ok(());
    }
    let new: Vec<Arc<Host>> = new.iter().filter_map(|id| state.templates.get(id).cloned()).collect();
    if dialect.modern {
        check_keys(state, host, &new)?;
    }
    inherit(state, dialect, host, &new)
}

/// Takes what came from a template away, or leaves it as the host's own.
fn detach(state: &State, host: &mut Host, template: u64, clear: bool) {
    let Some(template) = state.templates.get(&template) else { return };
    let of_template = |parent: u64| template.items.iter().any(|item| item.id == parent);
    let trigger_of_template = |parent: u64| template.triggers.iter().any(|trigger| trigger.id == parent);
    if clear {
        host.items.retain(|item| item.parent == 0 || !of_template(item.parent));
        host.triggers.retain(|trigger| trigger.parent == 0 || !trigger_of_template(trigger.parent));
        return;
    }
    for item in host.items.iter_mut().filter(|item| of_template(item.parent)) {
        item.parent = 0;
    }
    for trigger in host.triggers.iter_mut().filter(|trigger| trigger_of_template(trigger.parent)) {
        trigger.parent = 0;
    }
}

/// No template comes twice, not even through others.
fn check_parents(
    state: &State,
    dialect: &Dialect,
    host: &Host,
    left: &[u64],
    after: &[u64],
    new: &[u64],
) -> Result<(), Refusal> {
    let name = |id: u64| state.templates.get(&id).map_or("", |template| template.host()).to_owned();
    let kind = if host.is_template { "template" } else { "host" };
    let old = |text: String| match dialect.modern {
        true => Refusal::parameters(text),
        false => Refusal::parameters(
            "Template cannot be linked to another template more than once even through other templates.",
        ),
    };
    let kept = left.iter().copied().filter(|id| after.contains(id));
    let mut seen: Vec<u64> = kept.clone().flat_map(|id| state.ancestors(id)).collect();
    for id in new {
        if let Some(through) = kept.clone().find(|kept| state.ancestors(*kept).contains(id)) {
            return Err(old(format!(
                "Cannot link template \"{}\" to {kind} \"{}\", because it would be linked twice through template \"{}\".",
                name(*id),
                host.host(),
                name(through)
            )));
        }
        let ancestors = state.ancestors(*id);
        if let Some(parent) = ancestors.iter().find(|parent| after.contains(parent) || seen.contains(parent)) {
            return Err(old(format!(
                "Cannot link template \"{}\" to {kind} \"{}\", because its parent template \"{}\" would be linked twice.",
                name(*id),
                host.host(),
                name(*parent)
            )));
        }
        seen.extend(ancestors);
    }
    Ok(())
}

/// Triggers that depend on those of another template need that template too.
fn check_triggers(
    state: &State,
    dialect: &Dialect,
    host: &Host,
    before: &[u64],
    after: &[u64],
    new: &[u64],
) -> Result<(), Refusal> {
    // 6.0 looks at every template that stays linked, later versions at the new ones.
    let looked_at: &[u64] = if dialect.modern || before == after { new } else { after };
    for template in looked_at.iter().filter_map(|id| state.templates.get(id)) {
        for trigger in &template.triggers {
            let needs = trigger.depends_on.iter().filter_map(|id| owner(state, *id));
            let Some(missing) = needs.into_iter().find(|need| *need != template.id && !after.contains(need)) else {
                continue;
            };
            let missing = state.templates.get(&missing).map_or("", |template| template.host());
            let description = trigger.body.get("description").map_or("", String::as_str);
            let kind = if host.is_template { "template" } else { "host" };
            return Err(Refusal::parameters(match dialect.modern {
                true => format!(
                    "Cannot link template \"{}\" without template \"{missing}\" to {kind} \"{}\" due to dependency of trigger \
                     \"{description}\".",
                    template.host(),
                    host.host()
                ),
                false => format!(
                    "Trigger in template \"{}\" has dependency with trigger in template \"{missing}\".",
                    template.host()
                ),
            }));
        }
    }
    Ok(())
}

/// The template that has a trigger.
fn owner(state: &State, trigger: u64) -> Option<u64> {
    let has = |template: &&Arc<Host>| template.triggers.iter().any(|known| known.id == trigger);
    state.templates.values().find(has).map(|template| template.id)
}

/// The template that an item of a host comes from.
fn template_of<'a>(state: &'a State, host: &Host, parent: u64) -> &'a str {
    let templates = host.templates.iter().filter_map(|id| state.templates.get(id));
    let mut with = templates.filter(|template| template.items.iter().any(|item| item.id == parent));
    with.next().map_or("", |template| template.host())
}

fn words(kind: ItemKind) -> (&'static str, &'static str) {
    match kind {
        ItemKind::Item => ("item", "an item"),
        ItemKind::Rule => ("LLD rule", "an LLD rule"),
        ItemKind::Prototype => ("item prototype", "an item prototype"),
    }
}

/// Keys differ on one host.
fn check_keys(state: &State, host: &Host, new: &[Arc<Host>]) -> Result<(), Refusal> {
    let on = if host.is_template { "template" } else { "host" };
    let mut by_id: Vec<&Arc<Host>> = new.iter().collect();
    by_id.sort_by_key(|template| template.id);
    let mut seen: HashMap<&str, &Host> = HashMap::new();
    for template in &by_id {
        let clash = template.items.iter().find(|item| seen.contains_key(item.key()));
        if let Some(item) = clash {
            let other = seen.get(item.key()).map_or("", |other| other.host());
            let plural = words(item.kind).0;
            return Err(Refusal::parameters(format!(
                "Cannot inherit {plural}s with key \"{}\" of both \"{other}\" and \"{}\" templates, because the key must be \
                 unique on {on} \"{}\".",
                item.key(),
                template.host(),
                host.host()
            )));
        }
        seen.extend(template.items.iter().map(|item| (item.key(), template.as_ref())));
    }
    for template in new {
        for item in &template.items {
            let known = host.items.iter().find(|known| known.key() == item.key() && known.parent != 0);
            if let Some(known) = known {
                let (kind, a_kind) = words(item.kind);
                return Err(Refusal::parameters(format!(
                    "Cannot inherit {kind} with key \"{}\" of template \"{}\" to {on} \"{}\", because {a_kind} with the same key \
                     is already inherited from template \"{}\".",
                    item.key(),
                    template.host(),
                    host.host(),
                    template_of(state, host, known.parent)
                )));
            }
        }
    }
    Ok(())
}

/// What an item needs of the interfaces of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// One of this type, with its name in sentences.
    Type(&'static str, &'static str),
    /// One of any type.
    Any,
    /// One of any type if there is one.
    IfAny,
    Nothing,
}

fn need(dialect: &Dialect, item_type: &str) -> Need {
    match item_type {
        "0" => Need::Type("1", "Agent"),
        "20" | "17" | "1" | "4" | "6" => Need::Type("2", "SNMP"),
        "12" => Need::Type("3", "IPMI"),
        "16" => Need::Type("4", "JMX"),
        "3" | "10" | "13" | "14" if !dialect.modern => Need::Any,
        "3" | "10" | "13" | "14" | "19" => Need::IfAny,
        _ => Need::Nothing,
    }
}

/// The interface for an item, or 0; an error when one is needed and missing.
fn interface_for(dialect: &Dialect, host: &Host, template: &Host, item: &Item) -> Result<u64, Refusal> {
    let main = |kind: &str| host.interfaces.iter().find(|known| known.is_main() && known.kind() == kind);
    let any = || ["1", "2", "4", "3"].into_iter().find_map(main);
    let need = if host.is_template { Need::Nothing } else { need(dialect, item.get("type")) };
    let (found, wanted) = match need {
        Need::Nothing => return Ok(0),
        Need::IfAny => return Ok(any().map_or(0, |interface| interface.id)),
        Need::Any => (any(), "Any"),
        Need::Type(kind, name) => (main(kind), name),
    };
    found.map(|interface| interface.id).ok_or_else(|| {
        Refusal::parameters(match dialect.modern {
            true => format!(
                "Cannot inherit item with key \"{}\" of template \"{}\" to host \"{}\", because a host interface of type \
                 \"{wanted}\" is required.",
                item.key(),
                template.host(),
                host.host()
            ),
            false => format!("Cannot find host interface on \"{}\" for item key \"{}\".", host.host(), item.key()),
        })
    })
}

/// Two items do not fill one field of the inventory.
fn check_inventory(state: &State, dialect: &Dialect, host: &Host, template: &Host, item: &Item) -> Result<(), Refusal> {
    let Some(field) = inventory::title(item.get("inventory_link")) else { return Ok(()) };
    let same = |known: &&Item| known.key() != item.key() && known.get("inventory_link") == item.get("inventory_link");
    let Some(known) = host.items.iter().find(same) else { return Ok(()) };
    if !dialect.modern {
        // Of two new items the older one comes first, else the new one.
        let (first, second) = if known.id == 0 { (known, item) } else { (item, known) };
        return Err(Refusal::parameters(format!(
            "Two items (\"{}\" and \"{}\") cannot populate one host inventory field \"{field}\", this would lead to a conflict.",
            first.get("name"),
            second.get("name")
        )));
    }
    let on = if host.is_template { "template" } else { "host" };
    let (key, other) = (item.key(), known.key());
    let fresh = host.templates.iter().any(|id| {
        state.templates.get(id).is_some_and(|template| template.items.iter().any(|item| item.id == known.parent))
    });
    let text = match fresh && known.id == 0 {
        true => format!(
            "Cannot inherit item with key \"{other}\" of template \"{}\" and item with key \"{key}\" of template \"{}\" to {on} \
             \"{}\", because they would populate the same inventory field \"{field}\".",
            template_of(state, host, known.parent),
            template.host(),
            host.host()
        ),
        false => format!(
            "Cannot inherit item with key \"{key}\" of template \"{}\" to {on} \"{}\", because its inventory field \"{field}\" is \
             already populated by the item with key \"{other}\".",
            template.host(),
            host.host()
        ),
    };
    Err(Refusal::parameters(text))
}

/// Copies the items and triggers of templates to a host. Items of its own with the same key become the template's.
fn inherit(state: &mut State, dialect: &Dialect, host: &mut Host, new: &[Arc<Host>]) -> Result<(), Refusal> {
    // Two new templates may clash in 6.0; what the host had before may not.
    let had: Vec<(String, u64)> = host.items.iter().map(|item| (item.key().to_owned(), item.parent)).collect();
    for template in new {
        for item in &template.items {
            let known = had.iter().find(|(key, _)| key == item.key());
            if known.is_some_and(|(_, parent)| *parent != 0) {
                return Err(Refusal::parameters(format!(
                    "Item \"{}\" already exists on \"{}\", inherited from another template.",
                    item.key(),
                    host.host()
                )));
            }
            check_inventory(state, dialect, host, template, item)?;
            let interface = interface_for(dialect, host, template, item)?;
            let rule = host.items.iter().find(|known| known.parent != 0 && known.parent == item.rule);
            let copy = Item { parent: item.id, interface, rule: rule.map_or(0, |rule| rule.id), ..item.clone() };
            let own = host.items.iter().position(|own| known.is_some() && own.key() == item.key() && own.parent == 0);
            match own {
                Some(at) => host.items[at] = Item { id: host.items[at].id, ..copy },
                // Ids are given out once all is well; until then 0 tells the new ones.
                None if item.kind == ItemKind::Rule => {
                    let id = state.next("items");
                    host.items.push(Item { id, ..copy });
                }
                None => host.items.push(Item { id: 0, ..copy }),
            }
        }
    }
    for item in host.items.iter_mut().filter(|item| item.id == 0) {
        item.id = state.next("items");
    }
    for template in new {
        for trigger in &template.triggers {
            let own =
                |own: &&mut Trigger| own.parent == 0 && own.body.get("description") == trigger.body.get("description");
            if let Some(own) = host.triggers.iter_mut().find(own) {
                own.parent = trigger.id;
                continue;
            }
            let id = state.next("triggers");
            let copy = Trigger { id, parent: trigger.id, depends_on: trigger.depends_on.clone(), ..trigger.clone() };
            host.triggers.push(copy);
        }
    }
    // Dependencies point to the host's own triggers.
    let places: HashMap<u64, u64> = host.triggers.iter().map(|trigger| (trigger.parent, trigger.id)).collect();
    for trigger in &mut host.triggers {
        for id in &mut trigger.depends_on {
            *id = places.get(id).copied().unwrap_or(*id);
        }
    }
    Ok(())
}
