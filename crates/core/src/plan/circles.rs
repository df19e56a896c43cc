//! Records that refer to each other and go together: a device and its primary address, a stack and its master.
//!
//! Whichever is deleted first, the other one still refers to it, and a target either refuses that or changes the other one on the
//! way. So the reference is taken away before anything is deleted.

use std::collections::HashSet;

use syncline_model::{AnyKey, FieldKind, ModelSchema};

use crate::bindings::hash;
use crate::change::{Action, Change, FieldChange};

/// The update that takes the second-pass references of a record away that is to be deleted, as far as they lead to others that
/// go too; none when there are none.
///
/// The delete no longer asks for the version that was read, which the update moves: the update asks for it, and when it does not
/// go through, the delete is not tried.
pub fn break_up(schema: &ModelSchema, delete: &mut Change, going: &HashSet<u128>) -> Option<Change> {
    let closes_a_circle = |field: &&FieldChange| {
        let Some(known) = schema.field(&field.name).filter(|known| known.deferred) else { return false };
        let FieldKind::Reference(model) = known.kind else { return false };
        AnyKey::from_value(&field.before).is_some_and(|key| going.contains(&hash(model, key.as_str())))
    };
    let release = delete.fields.iter().filter(closes_a_circle).map(|field| FieldChange {
        deferred: true,
        ..FieldChange::new(&field.name, field.before.clone(), serde_json::Value::Null)
    });
    let fields: Vec<_> = release.collect();
    if fields.is_empty() {
        return None;
    }
    let native = delete.native.clone();
    if let Some(native) = &mut delete.native {
        native.version = None;
    }
    Some(Change::new(&delete.model, delete.key.clone(), Action::Update, native, fields))
}
