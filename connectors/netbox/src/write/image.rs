//! What NetBox said of objects before they were deleted, and how it gets it back.
//!
//! A change knows the fields that the models have. People put more on an object: comments, custom fields, a tenant, tags. All of
//! that is read just before the object goes, kept with the change, and sent along when the delete is taken back. References are
//! kept as NetBox's ids, and restored as far as what they lead to still exists, or was restored itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use syncline_core::Result;
use syncline_core::change::Change;
use syncline_http::{Method, Path, is_secret_name};

use super::Writer;
use super::answer::{Object, id_of};
use super::form::Form;
use super::items::Item;
use super::payload::Body;
use crate::client::{ReadClient, RestPage};
use crate::rows::{Id, Ref};
use crate::tables::{self, Column, Table};

/// Fields that NetBox makes itself, by their names.
const MADE: &[&str] = &[
    "id",
    "url",
    "display",
    "display_url",
    "created",
    "last_updated",
    "primary_ip",
    "parent_device",
    "config_context",
    "family",
    "children",
    "assigned_object",
    "scope",
    "mac_address",
    "mac_addresses",
    "nat_outside",
    "cable",
    "cable_end",
    "link_peers",
    "link_peers_type",
    "connected_endpoints",
    "connected_endpoints_type",
    "connected_endpoints_reachable",
    "l2vpn_termination",
    "wireless_link",
    "members",
    "vlan_ids",
    "utilization",
    "tagged_items",
    "wireless_lans",
];
/// What the names of such fields end in.
const MADE_ENDINGS: &[&str] = &["_count", "_depth", "_occupied"];
/// The model whose objects have a primary MAC address.
const INTERFACE: &str = "interface";
/// Their field for it.
const PRIMARY: &str = "primary_mac_address";

/// What was kept of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Image {
    /// Its id.
    id: u64,
    /// Its fields as they are written, references as [`Reference`].
    fields: Map<String, Value>,
    /// The object that it hangs on, if that one calls it its primary one in a field that no model has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    primary_of: Option<u64>,
}

/// An object that another one refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    /// Where NetBox lists it: `tenancy/tenants`.
    list: String,
    /// Its id.
    id: u64,
}

/// What a writer remembers of objects that it deleted, and of objects that it restored.
#[derive(Debug, Default)]
pub(super) struct Images {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Objects that are being deleted.
    kept: HashMap<(&'static str, u64), Value>,
    /// New ids of restored objects.
    restored: HashMap<Reference, u64>,
    /// References to objects that may still be restored.
    waiting: Vec<Waiting>,
}

/// A field that gets its value when another object is restored.
#[derive(Debug)]
struct Waiting {
    table: &'static Table,
    id: u64,
    field: String,
    reference: Reference,
}

impl Images {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an object that is about to go.
    pub fn get(&self, table: &Table, id: Option<u64>) -> Option<Value> {
        self.state().kept.get(&(table.schema.name, id?)).cloned()
    }

    /// What was kept of an object that is gone.
    pub fn take(&self, table: &Table, id: Option<u64>) -> Option<Value> {
        self.state().kept.remove(&(table.schema.name, id?))
    }
}

impl Writer {
    /// Keeps what NetBox says of the objects that are about to be deleted.
    pub(super) async fn keep_images(&self, table: &'static Table, form: &Form, items: &[Item<'_>]) -> Result<()> {
        let open: Vec<_> = {
            let state = self.images.state();
            let open = items.iter().filter(|item| item.done.is_none()).filter_map(|item| item.id);
            // Some were asked for ahead. What moved since is not deleted.
            open.filter(|id| !state.kept.contains_key(&(table.schema.name, *id))).collect()
        };
        if open.is_empty() {
            return Ok(());
        }
        let filters: Vec<_> = open.into_iter().map(|id| vec![("id", id.to_string())]).collect();
        let fixed: &[_] = if table.schema.name == "device" { &[("exclude", "config_context".to_owned())] } else { &[] };
        let objects: Vec<Object> = self.reader.list_by(table, fixed, &filters).await?;
        let primaries = self.primaries(table, &objects).await?;
        let mut state = self.images.state();
        for object in objects {
            let Some(id) = id_of(&object) else { continue };
            let image = Image { id, fields: fields_of(&object, form), primary_of: primaries.get(&id).copied() };
            // Plain data with text keys always serialises.
            let image = serde_json::to_value(image).unwrap_or_default();
            state.kept.insert((table.schema.name, id), image);
        }
        Ok(())
    }

    /// The interfaces that call one of these MAC addresses their primary one, by its id: NetBox forgets that when the address goes,
    /// which is before the interface does.
    async fn primaries(&self, table: &Table, objects: &[Object]) -> Result<HashMap<u64, u64>> {
        #[derive(Deserialize)]
        struct Holder {
            id: Id,
            #[serde(default)]
            primary_mac_address: Option<Ref>,
        }
        let Some(interfaces) = tables::by_name(INTERFACE).filter(|_| table.schema.name == "mac_address") else {
            return Ok(HashMap::new());
        };
        let on_interface =
            |object: &&Object| object.get("assigned_object_type").and_then(Value::as_str) == Some("dcim.interface");
        let ids: BTreeSet<_> = objects
            .iter()
            .filter(on_interface)
            .filter_map(|object| object.get("assigned_object_id")?.as_u64())
            .collect();
        let filters: Vec<_> = ids.iter().map(|id| vec![("id", id.to_string())]).collect();
        let fixed = [("fields", format!("id,{PRIMARY}"))];
        let holders: Vec<Holder> = self.reader.list_by(interfaces, &fixed, &filters).await?;
        Ok(holders.into_iter().filter_map(|holder| Some((holder.primary_mac_address?.id.0, holder.id.0))).collect())
    }

    /// Adds to creates that take a delete back what the image has and the change does not say.
    pub(super) async fn add_images(&self, table: &'static Table, items: &mut [Item<'_>]) -> Result<()> {
        let image = |item: &Item<'_>| -> Option<Image> { serde_json::from_value(item.change.image.clone()?).ok() };
        let images: Vec<_> = items.iter().map(|item| image(item).filter(|_| item.done.is_none())).collect();
        let mut wanted = BTreeSet::new();
        for image in images.iter().flatten() {
            image.fields.values().for_each(|value| references(value, &mut wanted));
        }
        wanted.retain(|reference| !self.images.state().restored.contains_key(reference));
        let existing = existing(&self.reader, wanted).await?;
        for (item, image) in items.iter_mut().zip(images) {
            let Some(image) = image else { continue };
            let said: HashSet<String> = item
                .change
                .fields
                .iter()
                .filter_map(|field| table.column(&field.name))
                .flat_map(Column::rest)
                .collect();
            let state = self.images.state();
            let known = |reference: &Reference| {
                let here = existing.contains(reference).then_some(reference.id);
                state.restored.get(reference).copied().or(here)
            };
            for (name, value) in image.fields {
                if said.contains(&name) {
                    continue;
                }
                match written(&value, &known) {
                    Some(value) => drop(item.extra.insert(name, value)),
                    None => {
                        if let Ok(reference) = serde_json::from_value(value) {
                            item.waiting.push((name, reference_parts(reference)));
                        }
                    }
                }
            }
            drop(state);
            whole_pairs(&mut item.extra);
        }
        Ok(())
    }

    /// Takes over an object that an earlier writer of the run restored. Whether its references were mended is not known, so they
    /// wait for that again.
    pub(super) fn recall_image(&self, table: &'static Table, change: &Change, id: u64) {
        let image = change.image.as_ref().and_then(|image| serde_json::from_value::<Image>(image.clone()).ok());
        let Some(image) = image else { return };
        let said: HashSet<String> =
            change.fields.iter().filter_map(|field| table.column(&field.name)).flat_map(Column::rest).collect();
        let mut state = self.images.state();
        state.restored.insert(Reference { list: table.path.join("/"), id: image.id }, id);
        for (field, value) in image.fields.into_iter().filter(|(name, _)| !said.contains(name)) {
            if let Ok(reference) = serde_json::from_value(value) {
                state.waiting.push(Waiting { table, id, field, reference });
            }
        }
        if let Some(holder) = image.primary_of
            && let Some(interfaces) = tables::by_name(INTERFACE)
        {
            let former = Reference { list: interfaces.path.join("/"), id: holder };
            let holder = state.restored.get(&former).copied().unwrap_or(holder);
            let reference = Reference { list: table.path.join("/"), id: image.id };
            state.waiting.push(Waiting { table: interfaces, id: holder, field: PRIMARY.to_owned(), reference });
        }
    }

    /// Takes over the ids of restored objects, and gives others their references to them.
    pub(super) async fn mend_references(&self, table: &'static Table, items: &[Item<'_>]) {
        let due = {
            let mut state = self.images.state();
            for item in items {
                let restored = item.done.as_ref().and_then(|done| done.native.as_ref()?.id.parse::<u64>().ok());
                let Some(id) = restored.filter(|_| item.change.image.is_some()) else { continue };
                if let Some(old) = item.change.image.as_ref().and_then(|image| image.get("id")?.as_u64()) {
                    state.restored.insert(Reference { list: table.path.join("/"), id: old }, id);
                }
                if let Some(holder) = item.change.image.as_ref().and_then(|image| image.get("primary_of")?.as_u64())
                    && let Some(interfaces) = tables::by_name(INTERFACE)
                {
                    let former = Reference { list: interfaces.path.join("/"), id: holder };
                    let holder = state.restored.get(&former).copied().unwrap_or(holder);
                    let old =
                        item.change.image.as_ref().and_then(|image| image.get("id")?.as_u64()).unwrap_or_default();
                    let reference = Reference { list: table.path.join("/"), id: old };
                    state.waiting.push(Waiting { table: interfaces, id: holder, field: PRIMARY.to_owned(), reference });
                }
                for (field, (list, old)) in &item.waiting {
                    let reference = Reference { list: list.clone(), id: *old };
                    state.waiting.push(Waiting { table, id, field: field.clone(), reference });
                }
            }
            let State { restored, waiting, .. } = &mut *state;
            let (due, rest): (Vec<_>, Vec<_>) =
                std::mem::take(waiting).into_iter().partition(|waiting| restored.contains_key(&waiting.reference));
            *waiting = rest;
            let due = due.into_iter().filter_map(|waiting| Some((restored.get(&waiting.reference).copied()?, waiting)));
            due.collect::<Vec<_>>()
        };
        for (to, Waiting { table, id, field, .. }) in due {
            let mut body = Map::new();
            body.insert("id".to_owned(), json!(id));
            body.insert(field.clone(), json!(to));
            if let Some(message) = &self.message {
                body.insert("changelog_message".to_owned(), json!(message));
            }
            // The objects themselves are restored by now; that this one field is not is no reason to call them failed.
            if let Err(refused) = self.send(Method::PATCH, table, &[Value::Object(body)]).await {
                tracing::warn!(model = table.schema.name, id, field, error = %refused.error, "a reference was not restored");
            }
        }
    }
}

fn reference_parts(reference: Reference) -> (String, u64) {
    (reference.list, reference.id)
}

/// The fields of an object that can be written again.
fn fields_of(object: &Object, form: &Form) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in object {
        let is_made = MADE.contains(&name.as_str()) || MADE_ENDINGS.iter().any(|ending| name.ends_with(ending));
        // NetBox's own form knows best, where it was seen.
        if is_made && form.writes(name) != Some(true) || form.writes(name) == Some(false) || is_secret_name(name) {
            continue;
        }
        let kept = match value {
            Value::Object(values) if name == "custom_fields" => {
                let values = values.iter().filter(|(name, value)| !is_secret_name(name) && !value.is_null());
                Value::Object(values.map(|(name, value)| (name.clone(), plain(value))).collect())
            }
            // Whatever it is, it is the user's own.
            value if name == "local_context_data" => value.clone(),
            value => plain(value),
        };
        if !is_empty(&kept) {
            fields.insert(name.clone(), kept);
        }
    }
    // The id of what a pair of type and id leads to, so that it can be looked for.
    for (name, value) in object {
        let id = format!("{name}_id");
        if fields.contains_key(&id) && fields.contains_key(&format!("{name}_type")) {
            match plain(value) {
                reference @ Value::Object(_) => drop(fields.insert(id, reference)),
                _ => drop(fields.remove(&id)),
            }
        }
    }
    fields
}

/// A value in the form in which it is written; of objects, where they are.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(members) => members.iter().map(plain).collect(),
        Value::Object(fields) => {
            if let (Some(id), Some(list)) =
                (fields.get("id").and_then(Value::as_u64), fields.get("url").and_then(Value::as_str).and_then(list_of))
            {
                return json!(Reference { list, id });
            }
            match (fields.get("value"), fields.get("label")) {
                (Some(value), Some(_)) => value.clone(),
                _ => value.clone(),
            }
        }
        value => value.clone(),
    }
}

/// The list in the address of an object: `https://netbox.example/api/tenancy/tenants/5/` is in `tenancy/tenants`.
fn list_of(url: &str) -> Option<String> {
    let (_, path) = url.rsplit_once("/api/")?;
    let (list, _) = path.trim_end_matches('/').rsplit_once('/')?;
    Some(list.to_owned())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(members) => members.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn references(value: &Value, found: &mut BTreeSet<Reference>) {
    match value {
        Value::Array(members) => members.iter().for_each(|member| references(member, found)),
        Value::Object(fields) => match serde_json::from_value(value.clone()) {
            Ok(reference) => drop(found.insert(reference)),
            Err(_) => fields.values().for_each(|value| references(value, found)),
        },
        _ => {}
    }
}

/// A value as it is sent; none when it leads to something that is not there.
fn written(value: &Value, known: &impl Fn(&Reference) -> Option<u64>) -> Option<Value> {
    match value {
        Value::Array(members) => Some(members.iter().filter_map(|member| written(member, known)).collect()),
        Value::Object(fields) => match serde_json::from_value(value.clone()) {
            Ok(reference) => known(&reference).map(Value::from),
            Err(_) => {
                let fields = fields.iter().filter_map(|(name, value)| Some((name.clone(), written(value, known)?)));
                Some(Value::Object(fields.collect()))
            }
        },
        value => Some(value.clone()),
    }
}

/// Leaves out types whose ids are gone.
fn whole_pairs(body: &mut Body) {
    let halves: Vec<_> = body
        .keys()
        .filter(|name| {
            let stem = name.strip_suffix("_type");
            // `device_type` and its like are no halves of a pair.
            stem.is_some_and(|stem| PAIRS.contains(&stem) && !body.contains_key(&format!("{stem}_id")))
        })
        .cloned()
        .collect();
    for half in halves {
        body.remove(&half);
    }
}

/// References to one of several kinds: a type and an id.
const PAIRS: &[&str] = &["assigned_object", "scope"];

/// Those of some objects that NetBox has.
async fn existing(reader: &ReadClient, wanted: BTreeSet<Reference>) -> Result<HashSet<Reference>> {
    #[derive(Deserialize)]
    struct Row {
        id: Id,
    }
    let mut lists: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for Reference { list, id } in wanted {
        lists.entry(list).or_default().push(id);
    }
    let mut found = HashSet::new();
    for (list, ids) in lists {
        for ids in ids.chunks(IDS) {
            let mut query: Vec<_> = ids.iter().map(|id| ("id", id.to_string())).collect();
            query.extend([("fields", "id".to_owned()), ("limit", IDS.to_string())]);
            let path = list.split('/').fold(Path::from(["api"]), Path::segment).slash();
            let page: RestPage<Row> = reader.get(path, &query).await?;
            found.extend(page.results.into_iter().map(|row| Reference { list: list.clone(), id: row.id.0 }));
        }
    }
    Ok(found)
}

/// How many ids one request asks for.
const IDS: usize = 100;
