//! What a branch changed, beside what main has now.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::netbox::changes::Action;
use crate::netbox::render::display;
use crate::netbox::schema::{Kind, Type};
use crate::netbox::state::{Object, Store, Value};

/// One object that a branch created, changed or deleted.
pub(super) struct Diff {
    /// The entry of the branch's change log that touched it last.
    pub last_change: u64,
    pub kind: Kind,
    pub object_id: u64,
    pub repr: String,
    pub action: Action,
    /// Its fields when the branch first touched it.
    pub original: Option<Map<String, Json>>,
    /// Its fields in the branch.
    pub modified: Option<Map<String, Json>>,
    /// Its fields in main.
    pub current: Option<Map<String, Json>>,
}

/// Every object that a branch touched, the one that was touched last first.
pub(super) fn of(main: &Store, branch: &Store) -> Vec<Diff> {
    let mut found: BTreeMap<(Kind, u64), Diff> = BTreeMap::new();
    for change in &branch.changes {
        let data =
            |object: &Option<std::sync::Arc<Object>>| object.as_ref().map(|object| data(branch, change.kind, object));
        let diff = found.entry((change.kind, change.object_id)).or_insert_with(|| Diff {
            last_change: 0,
            kind: change.kind,
            object_id: change.object_id,
            repr: String::new(),
            action: change.action,
            original: data(&change.before),
            modified: None,
            current: main.get(change.kind, change.object_id).map(|object| self::data(main, change.kind, object)),
        });
        if diff.action != Action::Create {
            diff.action = change.action;
        }
        diff.repr.clone_from(&change.repr);
        diff.modified = data(&change.after);
        diff.last_change = change.id;
    }
    let mut diffs: Vec<_> = found.into_values().collect();
    diffs.sort_by_key(|diff| std::cmp::Reverse(diff.last_change));
    diffs
}

impl Diff {
    /// The fields that main changed too, as far as merging would overwrite them.
    pub fn conflicts(&self) -> Vec<&'static str> {
        let Some(original) = &self.original else { return Vec::new() };
        let names = self.kind.def().fields.iter().map(|field| field.name).filter(|name| original.contains_key(*name));
        let differs = |side: &Option<Map<String, Json>>, name: &str| {
            side.as_ref().and_then(|side| side.get(name)) != original.get(name)
        };
        match (self.action, &self.modified, &self.current) {
            (Action::Update, Some(modified), Some(current)) => names
                .filter(|name| differs(&self.modified, name) && differs(&self.current, name))
                .filter(|name| modified.get(*name) != current.get(*name))
                .collect(),
            (Action::Update, ..) => names.filter(|name| differs(&self.modified, name)).collect(),
            (Action::Delete, _, Some(_)) => names.filter(|name| differs(&self.current, name)).collect(),
            _ => Vec::new(),
        }
    }

    /// The three sides, with the fields that the branch or main changed.
    pub fn sides(&self) -> [Map<String, Json>; 3] {
        let original = self.original.clone().unwrap_or_default();
        let altered = |name: &str| {
            let differs = |side: &Option<Map<String, Json>>| {
                side.as_ref().is_some_and(|side| side.get(name) != original.get(name))
            };
            differs(&self.modified) || differs(&self.current)
        };
        let side = |fields: &Option<Map<String, Json>>| {
            let fields = fields.iter().flatten().filter(|(name, _)| original.contains_key(*name) && altered(name));
            fields.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        [side(&self.original), side(&self.modified), side(&self.current)]
    }
}

/// An object's fields as the change log keeps them: references as ids, tags by their names.
fn data(store: &Store, kind: Kind, object: &Object) -> Map<String, Json> {
    let fields = kind.def().fields.iter().zip(&object.values);
    let mut data: Map<String, Json> = fields
        .filter(|(field, _)| !matches!(field.ty, Type::Computed(_)))
        .map(|(field, value)| {
            let value = match value {
                Value::Null => Json::Null,
                Value::Bool(on) => Json::from(*on),
                Value::Int(number) => Json::from(*number),
                Value::Decimal(number) => Json::from(*number),
                Value::Text(text) => Json::from(text.clone()),
                Value::Ref(id) => Json::from(*id),
                Value::Refs(ids) if field.name == "tags" => {
                    let mut names: Vec<_> = ids.iter().map(|id| display(store, Kind::Tag, *id)).collect();
                    names.sort();
                    Json::from(names)
                }
                Value::Refs(ids) => Json::from(ids.clone()),
                Value::Json(json) => json.clone(),
            };
            (field.name.to_owned(), value)
        })
        .collect();
    data.insert("custom_fields".to_owned(), Json::from_iter(object.custom.clone()));
    data
}
