//! The records that changes refer to, and which of them the target has.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syncline_model::{AnyKey, FieldKind, ModelSchema};

use super::Binding;
use crate::bindings::hash;
use crate::change::{Change, FieldChange};
use crate::native::Native;
use crate::snapshot::{Snapshot, SnapshotReader};
use crate::{Error, ErrorKind, Result};

/// Adds the records that a side of a change refers to: those that it needs in the target when it is applied, and those that it
/// needs when it is taken back.
pub fn refer(
    referenced: &mut BTreeMap<&'static str, HashSet<u128>>,
    schema: &ModelSchema,
    change: &Change,
    side: impl Fn(&FieldChange) -> &serde_json::Value,
) {
    let mut refer_to = |model: &'static str, key: &serde_json::Value| {
        if key.is_array() {
            referenced.entry(model).or_default().insert(hash(model, &key.to_string()));
        }
    };
    for field in &change.fields {
        match schema.field(&field.name).map(|field| field.kind) {
            Some(FieldKind::Reference(model)) => refer_to(model, side(field)),
            Some(FieldKind::References(model)) => {
                side(field).as_array().into_iter().flatten().for_each(|key| refer_to(model, key));
            }
            Some(
                FieldKind::Text
                | FieldKind::Integer
                | FieldKind::Boolean
                | FieldKind::Choice(_)
                | FieldKind::Texts
                | FieldKind::Pairs
                | FieldKind::Json,
            )
            | None => {}
        }
    }
}

/// Finds the referenced records that the target has. One pass over each model that is referred to.
pub fn bindings(referenced: &BTreeMap<&'static str, HashSet<u128>>, target: &Snapshot) -> Result<Vec<Binding>> {
    let mut bindings = Vec::new();
    for (model, wanted) in referenced {
        let Some(snapshot) = target.models.get(model) else { continue };
        let mut found: HashMap<u128, usize> = HashMap::new();
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            let key = String::from_utf8_lossy(line.key);
            let hash = hash(model, &key);
            let (true, Some(native)) = (wanted.contains(&hash), line.native) else { continue };
            let native: Native = serde_json::from_slice(native).map_err(|error| {
                Error::new(ErrorKind::Storage, "a snapshot holds a record without a handle").caused_by(error)
            })?;
            *found.entry(hash).or_default() += 1;
            bindings.push(Binding {
                model: (*model).to_owned(),
                key: AnyKey::from_canonical(&key),
                id: native.id.into_string(),
            });
        }
        // Two records answer to one key: which one is meant is not for us to say.
        let ambiguous: BTreeSet<u128> =
            found.into_iter().filter(|(_, count)| *count > 1).map(|(hash, _)| hash).collect();
        if !ambiguous.is_empty() {
            bindings
                .retain(|binding| binding.model != **model || !ambiguous.contains(&hash(model, binding.key.as_str())));
        }
    }
    Ok(bindings)
}
