//! Records that go by another key than the run knew them by: recognised by another name, or renamed since.

use std::collections::{BTreeMap, HashMap};

use syncline_model::AnyKey;

use super::changes::{Collected, Taken};
use crate::bindings::hash;
use crate::fields::ModelFields;
use crate::native::Native;
use crate::snapshot::{Snapshot, SnapshotReader, rename};
use crate::{Error, ErrorKind, Result};

/// Lets the target's records go by the keys that the run knew them by. They are found by their ids.
pub fn restore(changes: &Collected, target: &mut Snapshot, fields: &ModelFields) -> Result<()> {
    // Hashes of model and id, with the key that the record has now.
    let mut strangers: HashMap<u128, (&'static str, String)> = HashMap::new();
    for (schema, _) in fields.iter() {
        let Some(snapshot) = target.models.get(schema.name) else { continue };
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            let Some(native) = line.native else { continue };
            let native: Native = serde_json::from_slice(native).map_err(unreadable)?;
            let id = hash(schema.name, &native.id);
            let key = String::from_utf8_lossy(line.key);
            if changes.names.get(&id).is_some_and(|known| *known != hash(schema.name, &key)) {
                strangers.insert(id, (schema.name, key.into_owned()));
            }
        }
    }
    if strangers.is_empty() {
        return Ok(());
    }
    let mut renames: BTreeMap<&'static str, Vec<(String, String)>> = BTreeMap::new();
    let mut name = |model: &str, id: &str, key: &AnyKey| {
        if let Some((model, now)) = strangers.remove(&hash(model, id)) {
            renames.entry(model).or_default().push((now, key.as_str().to_owned()));
        }
    };
    for (model, file) in &changes.models {
        let mut reader = SnapshotReader::open_path(file)?;
        while let Some(line) = reader.next_line()? {
            let taken: Taken = serde_json::from_slice(line.record).map_err(unreadable)?;
            if let Some(id) = taken.native_id.filter(|_| taken.action != crate::change::Action::Delete) {
                name(model, &id, &AnyKey::from_canonical(&String::from_utf8_lossy(line.key)));
            }
        }
    }
    if let Some(plan) = &changes.plan {
        for binding in plan.bindings()? {
            let binding = binding?;
            name(&binding.model, &binding.id, &binding.key);
        }
    }
    rename(target, fields, renames, changes.folder.path())
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Storage, "a change that is to be taken back cannot be read").caused_by(error)
}
