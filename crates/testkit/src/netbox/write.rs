//! Saving and deleting objects with everything that hangs on it: protection, cascades, change log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::changes::{Action, Change};
use super::errors::Refusal;
use super::input::{self, Draft};
use super::render::display;
use super::schema::{Kind, OnDelete, Type, UniqueError};
use super::state::{Object, Store, Value, unique_keys};
use super::validate;

/// Who writes, and under which request.
pub(super) struct Author {
    pub request_id: String,
    pub user: String,
}

impl Store {
    /// An empty object with the kind's defaults, not yet in the database.
    pub fn blank(&mut self, kind: Kind) -> Object {
        let now = self.now();
        Object { id: 0, created: now, updated: now, values: input::fresh(kind), custom: BTreeMap::new() }
    }

    /// Writes a new object.
    pub fn create(&mut self, kind: Kind, draft: Draft, author: &Author) -> Result<u64, Refusal> {
        let Draft { mut object, message } = draft;
        validate::settle(self, kind, None, &mut object);
        self.fitting_tags(kind, &object)?;
        object.id = self.next_id(kind);
        self.database_constraints(kind, &object)?;
        object.created = self.now();
        object.updated = self.now();
        let id = object.id;
        let after = self.put(kind, object);
        self.log(kind, id, Action::Create, &message, (None, Some(after.clone())), author);
        self.after_create(kind, &after, author);
        Ok(id)
    }

    /// Writes a changed object. `last_updated` moves even when nothing differs; the change log then stays as it is.
    pub fn change(&mut self, kind: Kind, draft: Draft, author: &Author) -> Result<(), Refusal> {
        let Draft { mut object, message } = draft;
        let Some(before) = self.get(kind, object.id).cloned() else { return Ok(()) };
        validate::settle(self, kind, Some(&before), &mut object);
        self.fitting_tags(kind, &object)?;
        self.database_constraints(kind, &object)?;
        object.updated = self.now();
        let id = object.id;
        let after = self.put(kind, object);
        if after.values != before.values || after.custom != before.custom {
            self.log(kind, id, Action::Update, &message, (Some(before), Some(after)), author);
        }
        Ok(())
    }

    /// Sets one field on behalf of NetBox itself.
    fn adjust(&mut self, kind: Kind, id: u64, field: &str, value: Value, quiet: bool, author: &Author) {
        let (Some(before), Some(at)) = (self.get(kind, id).cloned(), kind.def().position(field)) else { return };
        let mut object = Object::clone(&before);
        object.values[at] = value;
        if !quiet {
            object.updated = self.now();
        }
        let after = self.put(kind, object);
        if !quiet {
            self.log(kind, id, Action::Update, "", (Some(before), Some(after)), author);
        }
    }

    /// What the database refuses although every object was right by itself.
    pub(super) fn database_constraints(&self, kind: Kind, object: &Object) -> Result<(), Refusal> {
        let def = kind.def();
        for (at, key) in unique_keys(kind, object) {
            let unique = &def.unique[at];
            if matches!(unique.error, UniqueError::Index) || self.with_key(kind, at, &key).all(|id| id == object.id) {
                continue;
            }
            let columns: Vec<String> = unique
                .parts
                .iter()
                .map(|part| match object.get(kind, part.field()) {
                    Value::Ref(_) => format!("{}_id", part.field()),
                    _ => part.field().to_owned(),
                })
                .collect();
            let values = key.trim_end_matches('\u{1f}').replace('\u{1f}', ", ");
            let message = format!(
                "duplicate key value violates unique constraint \"{}_{}_{}\"\nDETAIL:  Key ({})=({values}) already exists.",
                def.app,
                def.model,
                unique.constraint,
                columns.join(", ")
            );
            return Err(Refusal::Database { exception: "IntegrityError", message });
        }
        Ok(())
    }

    fn after_create(&mut self, kind: Kind, object: &Arc<Object>, author: &Author) {
        match kind {
            Kind::VirtualChassis => {
                if let Some(master) = object.get(kind, "master").target() {
                    self.adjust(Kind::Device, master, "virtual_chassis", Value::Ref(object.id), false, author);
                    let position =
                        self.get(Kind::Device, master).map(|device| device.get(Kind::Device, "vc_position").clone());
                    if position == Some(Value::Null) {
                        self.adjust(Kind::Device, master, "vc_position", Value::Int(1), false, author);
                    }
                }
            }
            Kind::Interface => {
                if let Some(mac) = object.get(kind, "primary_mac_address").target() {
                    let of = Value::Text(kind.content_type());
                    self.adjust(Kind::MacAddress, mac, "assigned_object_type", of, true, author);
                    self.adjust(Kind::MacAddress, mac, "assigned_object_id", Value::Ref(object.id), false, author);
                }
            }
            _ => {}
        }
    }

    pub(super) fn log(
        &mut self,
        kind: Kind,
        object_id: u64,
        action: Action,
        message: &str,
        (before, after): (Option<Arc<Object>>, Option<Arc<Object>>),
        author: &Author,
    ) {
        let repr = display(self, kind, object_id);
        let change = Change {
            id: self.next_change_id(),
            time: self.now(),
            request_id: author.request_id.clone(),
            user: author.user.clone(),
            action,
            kind,
            object_id,
            repr,
            message: message.to_owned(),
            before,
            after,
        };
        self.changes.push(change);
    }

    /// Deletes an object with all that goes with it.
    pub fn delete(&mut self, kind: Kind, id: u64, message: &str, author: &Author) -> Result<(), Refusal> {
        let doomed = self.doomed(kind, id)?;
        if kind == Kind::VirtualChassis {
            self.no_lag_across(id)?;
            let members: Vec<u64> = self.referring(Kind::Device, "virtual_chassis", kind, id).collect();
            for member in members {
                self.adjust(Kind::Device, member, "vc_priority", Value::Null, true, author);
                self.adjust(Kind::Device, member, "vc_position", Value::Null, false, author);
            }
        }
        let set: BTreeSet<(Kind, u64)> = doomed.iter().copied().collect();
        // The object itself first, then what goes with it: the change log reads from cause to effect.
        for (doomed_kind, doomed_id) in doomed {
            for (other, field, on_delete) in referrers(doomed_kind) {
                let quiet = match on_delete {
                    OnDelete::SetNull => false,
                    OnDelete::SetNullQuietly => true,
                    _ => continue,
                };
                let ids: Vec<u64> = self.referring(other, field, doomed_kind, doomed_id).collect();
                for referrer in ids.into_iter().filter(|id| !set.contains(&(other, *id))) {
                    self.adjust(other, referrer, field, Value::Null, quiet, author);
                }
            }
            self.forget_in_lists(doomed_kind, doomed_id, &set, author);
            let text = if (doomed_kind, doomed_id) == (kind, id) { message } else { "" };
            let before = self.get(doomed_kind, doomed_id).cloned();
            self.log(doomed_kind, doomed_id, Action::Delete, text, (before, None), author);
            self.remove(doomed_kind, doomed_id);
        }
        Ok(())
    }

    /// A chassis stays as long as interfaces of one member are in a LAG of another.
    fn no_lag_across(&self, chassis: u64) -> Result<(), Refusal> {
        const KIND: Kind = Kind::Interface;
        let mut across = Vec::new();
        for member in self.referring(Kind::Device, "virtual_chassis", Kind::VirtualChassis, chassis) {
            for id in self.referring(KIND, "device", Kind::Device, member) {
                let lag = self.get(KIND, id).and_then(|interface| interface.get(KIND, "lag").target());
                let of = lag.and_then(|lag| self.get(KIND, lag)).and_then(|lag| lag.get(KIND, "device").target());
                if of.is_some_and(|of| of != member) {
                    across.push((KIND, id));
                }
            }
        }
        if across.is_empty() { Ok(()) } else { Err(self.protected(&across)) }
    }

    /// Refuses tags that are made for other kinds.
    fn fitting_tags(&self, kind: Kind, object: &Object) -> Result<(), Refusal> {
        let Value::Refs(tags) = object.get(kind, "tags") else { return Ok(()) };
        let wanted = kind.content_type();
        for tag in tags.iter().filter_map(|id| self.get(Kind::Tag, *id)) {
            let Value::Json(Json::Array(types)) = tag.get(Kind::Tag, "object_types") else { continue };
            if !types.is_empty() && !types.iter().any(|name| name.as_str() == Some(&wanted)) {
                let name = tag.text(Kind::Tag, "name");
                let text = format!("Tag {name} cannot be assigned to {} objects.", kind.def().model);
                return Err(Refusal::Detail(400, text));
            }
        }
        Ok(())
    }

    /// Takes a deleted object out of the many-to-many fields that name it.
    fn forget_in_lists(&mut self, kind: Kind, id: u64, doomed: &BTreeSet<(Kind, u64)>, author: &Author) {
        for other in Kind::ALL {
            for field in other.def().fields {
                if !matches!(field.ty, Type::Refs { to } if to == kind) {
                    continue;
                }
                let ids: Vec<u64> = self.referring(other, field.name, kind, id).collect();
                for referrer in ids.into_iter().filter(|id| !doomed.contains(&(other, *id))) {
                    let Some(object) = self.get(other, referrer) else { continue };
                    let Value::Refs(mut rest) = object.get(other, field.name).clone() else { continue };
                    rest.retain(|known| *known != id);
                    // The list is a table of its own, so the object's `last_updated` stays.
                    self.adjust(other, referrer, field.name, Value::Refs(rest), true, author);
                }
            }
        }
    }

    /// Everything that goes when this object goes, or why it cannot go.
    fn doomed(&self, kind: Kind, id: u64) -> Result<Vec<(Kind, u64)>, Refusal> {
        let mut doomed = vec![(kind, id)];
        let mut seen: BTreeSet<(Kind, u64)> = doomed.iter().copied().collect();
        let mut restricted = Vec::new();
        let mut at = 0;
        while at < doomed.len() {
            let (of, target) = doomed[at];
            let mut protected = Vec::new();
            for (other, field, on_delete) in referrers(of) {
                let ids = self.referring(other, field, of, target);
                match on_delete {
                    OnDelete::Protect => protected.extend(ids.map(|id| (other, id))),
                    OnDelete::Restrict => restricted.extend(ids.map(|id| (other, id))),
                    OnDelete::Cascade => doomed.extend(ids.map(|id| (other, id)).filter(|found| seen.insert(*found))),
                    OnDelete::SetNull | OnDelete::SetNullQuietly => {}
                }
            }
            if !protected.is_empty() {
                return Err(self.protected(&protected));
            }
            at += 1;
        }
        restricted.retain(|found| !seen.contains(found));
        if restricted.is_empty() { Ok(doomed) } else { Err(self.protected(&restricted)) }
    }

    fn protected(&self, by: &[(Kind, u64)]) -> Refusal {
        let names: Vec<String> = by.iter().map(|(kind, id)| format!("{} ({id})", display(self, *kind, *id))).collect();
        let text =
            format!("Unable to delete object. {} dependent objects were found: {}", names.len(), names.join(", "));
        Refusal::Protected(text)
    }
}

/// The single references that may point at `kind`.
fn referrers(kind: Kind) -> Vec<(Kind, &'static str, OnDelete)> {
    let mut found = Vec::new();
    for other in Kind::ALL {
        for field in other.def().fields {
            match field.ty {
                Type::Ref { to, on_delete } if to == kind => found.push((other, field.name, on_delete)),
                // Generic relations go with their target.
                Type::ObjectId { .. } => found.push((other, field.name, OnDelete::Cascade)),
                _ => {}
            }
        }
    }
    found
}
