//! The objects, their indexes and the transaction around them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use serde_json::Value as Json;

use super::changes::Change;
use super::ordering;
use super::schema::{Kind, Part, Type, Unique};
use super::text::push;
use crate::transaction::{Database, Step};

/// Content of one field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(f64),
    Text(String),
    Ref(u64),
    Refs(Vec<u64>),
    Json(Json),
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The object referred to, if it is a reference.
    pub fn target(&self) -> Option<u64> {
        match self {
            Self::Ref(id) => Some(*id),
            _ => None,
        }
    }

    /// Null, or the blank text.
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Null) || self.text() == Some("")
    }
}

/// One object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub id: u64,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    /// One entry a field of the kind's table.
    pub values: Vec<Value>,
    /// Custom fields that have a value.
    pub custom: BTreeMap<String, Json>,
}

impl Object {
    /// The value of a field of `kind`; null for a name that the kind does not have.
    pub fn get(&self, kind: Kind, name: &str) -> &Value {
        kind.def().position(name).map_or(&Value::Null, |at| &self.values[at])
    }

    /// The text of a field; blank when it is null.
    pub fn text(&self, kind: Kind, name: &str) -> &str {
        self.get(kind, name).text().unwrap_or_default()
    }
}

/// An object in its place of the order of lists.
#[derive(Clone)]
struct Row {
    object: Arc<Object>,
    order: Arc<[u8]>,
}

/// All objects of one kind.
#[derive(Clone, Default)]
struct Table {
    rows: BTreeMap<u64, Row>,
    order: BTreeMap<Arc<[u8]>, u64>,
    /// Objects by field, kind and id of what they refer to.
    references: HashMap<(usize, Kind, u64), BTreeSet<u64>>,
    /// Objects by field and lower-case text.
    texts: HashMap<(usize, String), BTreeSet<u64>>,
    /// Objects by unique constraint and key.
    unique: HashMap<(usize, String), BTreeSet<u64>>,
    /// Shared with the branches, so that no id is given twice.
    last_id: Arc<AtomicU64>,
}

/// The whole database.
pub(super) struct Store {
    tables: Vec<Table>,
    steps: Vec<Step<Kind, u64, Object>>,
    pub changes: Vec<Change>,
    /// The last change whose conflicts with main are noted; only in a branch.
    pub noted: Option<u64>,
    last_change: Arc<AtomicU64>,
    clock: DateTime<Utc>,
}

impl Store {
    pub fn new() -> Self {
        Self {
            tables: Kind::ALL.iter().map(|_| Table::default()).collect(),
            steps: Vec::new(),
            changes: Vec::new(),
            noted: None,
            last_change: Arc::default(),
            clock: DateTime::UNIX_EPOCH,
        }
    }

    /// A copy with the same objects and a change log of its own. Both draw their ids from the same numbers.
    pub fn branch(&self) -> Self {
        Self {
            tables: self.tables.clone(),
            steps: Vec::new(),
            changes: Vec::new(),
            noted: None,
            last_change: Arc::clone(&self.last_change),
            clock: self.clock,
        }
    }

    /// A time that no earlier call returned; microseconds, as the database keeps them.
    pub fn now(&mut self) -> DateTime<Utc> {
        self.clock = Utc::now().trunc_subsecs(6).max(self.clock + Duration::microseconds(1));
        self.clock
    }

    pub fn next_id(&mut self, kind: Kind) -> u64 {
        self.tables[kind.index()].last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn next_change_id(&mut self) -> u64 {
        self.last_change.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn get(&self, kind: Kind, id: u64) -> Option<&Arc<Object>> {
        self.tables[kind.index()].rows.get(&id).map(|row| &row.object)
    }

    pub fn len(&self, kind: Kind) -> usize {
        self.tables[kind.index()].rows.len()
    }

    /// Objects in the order of their ids, from `start` on.
    pub fn by_id(&self, kind: Kind, start: u64) -> impl Iterator<Item = &Arc<Object>> {
        self.tables[kind.index()].rows.range(start..).map(|(_, row)| &row.object)
    }

    /// Objects in the kind's own order.
    pub fn ordered(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let table = &self.tables[kind.index()];
        table.order.values().filter_map(|id| table.rows.get(id).map(|row| &row.object))
    }

    /// Objects that come after this one in the kind's own order.
    pub fn ordered_after(&self, kind: Kind, id: u64) -> impl Iterator<Item = &Arc<Object>> {
        let table = &self.tables[kind.index()];
        let start = table.rows.get(&id).map(|row| row.order.clone());
        let later = start.map(|start| table.order.range((Bound::Excluded(start), Bound::Unbounded)));
        later.into_iter().flatten().filter_map(|(_, id)| table.rows.get(id).map(|row| &row.object))
    }

    /// The place of an object in the kind's own order.
    pub fn order_key(&self, kind: Kind, id: u64) -> Option<&Arc<[u8]>> {
        self.tables[kind.index()].rows.get(&id).map(|row| &row.order)
    }

    /// Ids sorted by the kind's own order.
    pub fn sort(&self, kind: Kind, ids: &mut [u64]) {
        ids.sort_by(|a, b| self.order_key(kind, *a).cmp(&self.order_key(kind, *b)));
    }

    /// Objects of `kind` whose field refers to `target`.
    pub fn referring(&self, kind: Kind, field: &str, target: Kind, id: u64) -> impl Iterator<Item = u64> + '_ {
        let position = kind.def().position(field);
        position
            .and_then(|at| self.tables[kind.index()].references.get(&(at, target, id)))
            .into_iter()
            .flatten()
            .copied()
    }

    /// How many objects of `kind` refer to `target` with this field.
    pub fn count_referring(&self, kind: Kind, field: &str, target: Kind, id: u64) -> usize {
        let position = kind.def().position(field);
        position.and_then(|at| self.tables[kind.index()].references.get(&(at, target, id))).map_or(0, BTreeSet::len)
    }

    /// Objects whose indexed field has this text, whatever its case.
    pub fn with_text(&self, kind: Kind, field: usize, text: &str) -> impl Iterator<Item = u64> + '_ {
        self.tables[kind.index()].texts.get(&(field, text.to_lowercase())).into_iter().flatten().copied()
    }

    /// Objects that share a key of a unique constraint.
    pub fn with_key(&self, kind: Kind, constraint: usize, key: &str) -> impl Iterator<Item = u64> + '_ {
        self.tables[kind.index()].unique.get(&(constraint, key.to_owned())).into_iter().flatten().copied()
    }

    /// Writes an object, new or changed.
    pub fn put(&mut self, kind: Kind, object: Object) -> Arc<Object> {
        let object = Arc::new(object);
        let before = self.get(kind, object.id).cloned();
        self.steps.push(Step { kind, id: object.id, before });
        self.place(kind, object.clone());
        object
    }

    /// Removes an object.
    pub fn remove(&mut self, kind: Kind, id: u64) {
        let before = self.get(kind, id).cloned();
        self.steps.push(Step { kind, id, before });
        self.lift(kind, id);
    }

    fn place(&mut self, kind: Kind, object: Arc<Object>) {
        let old_order = self.order_key(kind, object.id).cloned();
        self.lift(kind, object.id);
        let order = ordering::key(self, kind, &object);
        let table = &mut self.tables[kind.index()];
        table.last_id.fetch_max(object.id, Ordering::Relaxed);
        for (at, target, id) in references(kind, &object) {
            table.references.entry((at, target, id)).or_default().insert(object.id);
        }
        for (at, text) in texts(kind, &object) {
            table.texts.entry((at, text)).or_default().insert(object.id);
        }
        for (constraint, key) in unique_keys(kind, &object) {
            table.unique.entry((constraint, key)).or_default().insert(object.id);
        }
        table.order.insert(order.clone(), object.id);
        let id = object.id;
        let moved = old_order.is_some_and(|old| old != order);
        table.rows.insert(id, Row { object, order });
        if moved {
            self.reorder_dependants(kind, id);
        }
    }

    fn lift(&mut self, kind: Kind, id: u64) {
        let table = &mut self.tables[kind.index()];
        let Some(row) = table.rows.remove(&id) else { return };
        table.order.remove(&row.order);
        for (at, target, target_id) in references(kind, &row.object) {
            drop_entry(&mut table.references, &(at, target, target_id), id);
        }
        for entry in texts(kind, &row.object) {
            drop_entry(&mut table.texts, &entry, id);
        }
        for entry in unique_keys(kind, &row.object) {
            drop_entry(&mut table.unique, &entry, id);
        }
    }

    /// Moves the objects whose order follows that of this object.
    fn reorder_dependants(&mut self, kind: Kind, id: u64) {
        for (dependant, field) in ordering::followers(kind) {
            let ids: Vec<u64> = self.referring(dependant, field, kind, id).collect();
            for follower in ids {
                let Some(object) = self.get(dependant, follower).cloned() else { continue };
                let order = ordering::key(self, dependant, &object);
                let table = &mut self.tables[dependant.index()];
                if let Some(row) = table.rows.get_mut(&follower) {
                    table.order.remove(&row.order);
                    row.order = order.clone();
                    table.order.insert(order, follower);
                }
            }
        }
    }
}

impl Database for Store {
    type Step = Step<Kind, u64, Object>;
    type Change = Change;

    fn steps(&mut self) -> &mut Vec<Self::Step> {
        &mut self.steps
    }

    fn change_log(&mut self) -> &mut Vec<Change> {
        &mut self.changes
    }

    fn put_back(&mut self, step: Self::Step) {
        match step.before {
            Some(object) => self.place(step.kind, object),
            None => self.lift(step.kind, step.id),
        }
    }
}

fn drop_entry<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<u64>>, key: &K, id: u64) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// Every reference of an object: field, kind and id of the target.
pub(super) fn references(kind: Kind, object: &Object) -> Vec<(usize, Kind, u64)> {
    let def = kind.def();
    let mut found = Vec::new();
    for (at, field) in def.fields.iter().enumerate() {
        match (field.ty, &object.values[at]) {
            (Type::Ref { to, .. }, Value::Ref(id)) => found.push((at, to, *id)),
            (Type::Refs { to }, Value::Refs(ids)) => found.extend(ids.iter().map(|id| (at, to, *id))),
            (Type::ObjectId { type_field }, Value::Ref(id)) => {
                if let Some(target) = Kind::from_content_type(object.text(kind, type_field)) {
                    found.push((at, target, *id));
                }
            }
            _ => {}
        }
    }
    found
}

fn texts(kind: Kind, object: &Object) -> Vec<(usize, String)> {
    let fields = kind.def().fields.iter().enumerate();
    fields
        .filter(|(_, field)| field.indexed)
        .filter_map(|(at, _)| object.values[at].text().map(|text| (at, text.to_lowercase())))
        .collect()
}

/// The keys under which an object stands in the kind's unique constraints.
pub(super) fn unique_keys(kind: Kind, object: &Object) -> Vec<(usize, String)> {
    let constraints = kind.def().unique.iter().enumerate();
    constraints.filter_map(|(at, unique)| unique_key(kind, unique, object).map(|key| (at, key))).collect()
}

/// The key of one constraint; `None` when the constraint does not hold for the object.
pub(super) fn unique_key(kind: Kind, unique: &Unique, object: &Object) -> Option<String> {
    if unique.when_null.is_some_and(|field| *object.get(kind, field) != Value::Null) {
        return None;
    }
    let mut key = String::new();
    for part in unique.parts {
        let value = object.get(kind, part.field());
        if *value == Value::Null && !matches!(part, Part::OrNull(_)) {
            return None;
        }
        match (part, value) {
            (_, Value::Null) => {}
            (Part::Lower(_), Value::Text(text)) => key.push_str(&text.to_lowercase()),
            (Part::Host(_), Value::Text(text)) => key.push_str(text.split('/').next().unwrap_or_default()),
            (_, Value::Text(text)) => key.push_str(text),
            (_, Value::Int(number)) => key.push_str(&number.to_string()),
            (_, Value::Ref(id)) => key.push_str(&id.to_string()),
            (_, other) => push(&mut key, format_args!("{other:?}")),
        }
        key.push('\u{1f}');
    }
    Some(key)
}
