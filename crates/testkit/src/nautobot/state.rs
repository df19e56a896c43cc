//! The objects, their indexes and the transaction around them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use chrono::Utc;

use super::access::Access;
use super::changes::Change;
use super::nets::Nets;
use super::ordering;
use super::schema::{Default as Initial, Kind, Part, Type, Unique};
use super::value::{Id, Object, Value};
use crate::transaction::{Database, Step};

/// An object in its place of the order of lists.
struct Row {
    object: Arc<Object>,
    order: Arc<[u8]>,
}

/// Ids behind one key of an index; most keys have one.
enum Ids {
    One(Id),
    Many(BTreeSet<Id>),
}

impl Ids {
    fn add(&mut self, id: Id) {
        match self {
            Self::One(other) => *self = Self::Many(BTreeSet::from([*other, id])),
            Self::Many(ids) => {
                ids.insert(id);
            }
        }
    }

    /// Whether none is left.
    fn drop(&mut self, id: Id) -> bool {
        match self {
            Self::One(other) => *other == id,
            Self::Many(ids) => {
                ids.remove(&id);
                ids.is_empty()
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = Id> + '_ {
        let (one, many) = match self {
            Self::One(id) => (Some(*id), None),
            Self::Many(ids) => (None, Some(ids.iter().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// All objects of one kind.
#[derive(Default)]
struct Table {
    rows: HashMap<Id, Row>,
    /// Keys of the order; each ends with the id.
    order: BTreeSet<Arc<[u8]>>,
    /// Objects by field and id of what they refer to.
    references: HashMap<(usize, Id), BTreeSet<Id>>,
    /// Objects by the hash of constraint and key.
    unique: HashMap<u64, Ids>,
}

/// The whole database.
pub(super) struct Store {
    tables: Vec<Table>,
    /// Where prefixes and addresses are.
    pub(super) nets: Nets,
    steps: Vec<Step<Kind, Id, Object>>,
    pub changes: Vec<Change>,
    last_id: u64,
    clock: i64,
    /// Two digits for each part: 30207 is 3.2.7.
    pub version: u32,
    pub access: Access,
    /// Names of the interfaces that a new device comes with.
    pub templates: Vec<String>,
}

impl Store {
    pub fn new(version: u32) -> Self {
        Self {
            tables: Kind::ALL.iter().map(|_| Table::default()).collect(),
            nets: Nets::default(),
            steps: Vec::new(),
            changes: Vec::new(),
            last_id: 0,
            clock: 0,
            version,
            access: Access::default(),
            templates: Vec::new(),
        }
    }

    /// A time in microseconds that no earlier call returned.
    pub fn now(&mut self) -> i64 {
        self.clock = Utc::now().timestamp_micros().max(self.clock + 1);
        self.clock
    }

    pub fn next_id(&mut self) -> Id {
        self.last_id += 1;
        Id::numbered(self.last_id)
    }

    pub fn get(&self, kind: Kind, id: Id) -> Option<&Arc<Object>> {
        self.tables[kind.index()].rows.get(&id).map(|row| &row.object)
    }

    pub fn len(&self, kind: Kind) -> usize {
        self.tables[kind.index()].rows.len()
    }

    /// Objects in the kind's own order.
    pub fn ordered(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let table = &self.tables[kind.index()];
        table.order.iter().filter_map(|key| {
            let id = key.last_chunk().map(|bytes| Id(*bytes))?;
            table.rows.get(&id).map(|row| &row.object)
        })
    }

    /// Sorts ids by the kind's own order; unknown ones are dropped.
    pub fn sort(&self, kind: Kind, ids: impl IntoIterator<Item = Id>) -> Vec<Id> {
        let table = &self.tables[kind.index()];
        let mut keyed: Vec<(&Arc<[u8]>, Id)> =
            ids.into_iter().filter_map(|id| table.rows.get(&id).map(|row| (&row.order, id))).collect();
        keyed.sort();
        keyed.dedup();
        keyed.into_iter().map(|(_, id)| id).collect()
    }

    /// Objects of `kind` whose field refers to `target`, in no order that means anything.
    pub fn referring(&self, kind: Kind, field: &str, target: Id) -> impl Iterator<Item = Id> + '_ {
        let at = kind.position(field);
        at.and_then(|at| self.tables[kind.index()].references.get(&(at, target))).into_iter().flatten().copied()
    }

    /// How many objects of `kind` refer to `target` with this field.
    pub fn count_referring(&self, kind: Kind, field: &str, target: Id) -> usize {
        let at = kind.position(field);
        at.and_then(|at| self.tables[kind.index()].references.get(&(at, target))).map_or(0, BTreeSet::len)
    }

    /// Objects with the same key of a constraint, whether they are this one or not.
    pub fn with_key<'a>(&'a self, kind: Kind, constraint: usize, key: &'a str) -> impl Iterator<Item = Id> + 'a {
        let table = &self.tables[kind.index()];
        let unique = &kind.def().unique[constraint];
        let found = table.unique.get(&hash(constraint, key)).map(Ids::iter).into_iter().flatten();
        found.filter(move |id| {
            self.get(kind, *id).and_then(|object| unique_key(kind, unique, object)).is_some_and(|other| other == key)
        })
    }

    /// Objects whose field has this text; `None` where no index knows.
    pub fn with_text(&self, kind: Kind, field: &str, text: &str) -> Option<Vec<Id>> {
        let constraint = kind.def().unique.iter().position(|unique| match unique.parts {
            [part] => part.field() == field,
            _ => false,
        })?;
        let key = format!("{text}\u{1f}");
        Some(self.with_key(kind, constraint, &key).collect())
    }

    /// An object of a kind with every field at its default.
    pub fn blank(&self, kind: Kind) -> Object {
        let values = kind.def().fields.iter().map(|field| match field.default {
            Initial::Null => Value::Null,
            Initial::Text(text) => Value::from(text),
            Initial::Bool(flag) => Value::Bool(flag),
            Initial::Int(number) => Value::Int(number),
            Initial::Empty => match field.ty {
                Type::Models { .. } => Value::Names(Box::default()),
                _ => Value::Refs(Box::default()),
            },
            Initial::GlobalNamespace => {
                Value::from(self.with_text(Kind::Namespace, "name", "Global").and_then(|ids| ids.first().copied()))
            }
        });
        Object { id: Id([0; 16]), created: 0, updated: 0, values: values.collect() }
    }

    /// Writes an object, new or changed.
    pub fn put(&mut self, kind: Kind, object: Object) -> Arc<Object> {
        let object = Arc::new(object);
        let before = self.get(kind, object.id).cloned();
        self.steps.push(Step { kind, id: object.id, before });
        self.place(kind, Arc::clone(&object));
        object
    }

    /// Removes an object.
    pub fn remove(&mut self, kind: Kind, id: Id) {
        let before = self.get(kind, id).cloned();
        self.steps.push(Step { kind, id, before });
        self.lift(kind, id);
    }

    fn place(&mut self, kind: Kind, object: Arc<Object>) {
        let id = object.id;
        let old_order = self.tables[kind.index()].rows.get(&id).map(|row| Arc::clone(&row.order));
        self.lift(kind, id);
        let order = ordering::key(self, kind, &object);
        self.nets.place(kind, &object);
        let table = &mut self.tables[kind.index()];
        for (at, target) in references(&object) {
            table.references.entry((at, target)).or_default().insert(id);
        }
        for key in unique_hashes(kind, &object) {
            table.unique.entry(key).and_modify(|ids| ids.add(id)).or_insert(Ids::One(id));
        }
        table.order.insert(Arc::clone(&order));
        let moved = old_order.is_some_and(|old| old != order);
        table.rows.insert(id, Row { object, order });
        if moved {
            self.reorder_followers(kind, id);
        }
    }

    fn lift(&mut self, kind: Kind, id: Id) {
        let table = &mut self.tables[kind.index()];
        let Some(row) = table.rows.remove(&id) else { return };
        table.order.remove(&row.order);
        for key in references(&row.object) {
            if let Some(ids) = table.references.get_mut(&key) {
                ids.remove(&id);
                if ids.is_empty() {
                    table.references.remove(&key);
                }
            }
        }
        for key in unique_hashes(kind, &row.object) {
            if table.unique.get_mut(&key).is_some_and(|ids| ids.drop(id)) {
                table.unique.remove(&key);
            }
        }
        self.nets.lift(kind, &row.object);
    }

    /// Moves the objects whose order follows that of this object.
    fn reorder_followers(&mut self, kind: Kind, id: Id) {
        for (follower, field) in ordering::followers(kind) {
            let ids: Vec<Id> = self.referring(follower, field, id).collect();
            for id in ids {
                let Some(object) = self.get(follower, id).cloned() else { continue };
                let order = ordering::key(self, follower, &object);
                let table = &mut self.tables[follower.index()];
                if let Some(row) = table.rows.get_mut(&id) {
                    table.order.remove(&row.order);
                    row.order = Arc::clone(&order);
                    table.order.insert(order);
                }
            }
        }
    }
}

impl Database for Store {
    type Step = Step<Kind, Id, Object>;
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

fn hash(constraint: usize, key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (constraint, key).hash(&mut hasher);
    hasher.finish()
}

/// Every reference of an object: field and target.
fn references(object: &Object) -> Vec<(usize, Id)> {
    let mut found = Vec::new();
    for (at, value) in object.values.iter().enumerate() {
        match value {
            Value::Ref(id) => found.push((at, *id)),
            Value::Refs(ids) => found.extend(ids.iter().map(|id| (at, *id))),
            _ => {}
        }
    }
    found
}

fn unique_hashes(kind: Kind, object: &Object) -> Vec<u64> {
    let constraints = kind.def().unique.iter().enumerate();
    constraints.filter_map(|(at, unique)| unique_key(kind, unique, object).map(|key| hash(at, &key))).collect()
}

/// The key of one constraint; `None` when the constraint does not hold for the object.
pub(super) fn unique_key(kind: Kind, unique: &Unique, object: &Object) -> Option<String> {
    let mut key = String::new();
    for part in unique.parts {
        let value = object.get(kind, part.field());
        match (part, value) {
            (Part::OrNull(_), Value::Null) => {}
            (_, Value::Null) => return None,
            (_, Value::Text(text)) => key.push_str(text),
            (_, Value::Int(number)) => key.push_str(&number.to_string()),
            (_, Value::Ref(id)) => key.push_str(&id.to_string()),
            (Part::Host(_), Value::Net(net)) => key.push_str(&net.host.to_string()),
            (_, Value::Net(net)) => key.push_str(&net.to_string()),
            // Nothing else is in a constraint.
            _ => {}
        }
        key.push('\u{1f}');
    }
    Some(key)
}

impl Object {
    /// The value of a field of `kind`; null for a name that the kind does not have.
    pub fn get(&self, kind: Kind, name: &str) -> &Value {
        kind.position(name).map_or(&Value::Null, |at| &self.values[at])
    }

    /// The text of a field; blank where there is none.
    pub fn text(&self, kind: Kind, name: &str) -> &str {
        self.get(kind, name).text()
    }

    /// The target of a reference.
    pub fn ref_of(&self, kind: Kind, name: &str) -> Option<Id> {
        self.get(kind, name).target()
    }

    /// Sets a field of `kind`.
    pub fn set(&mut self, kind: Kind, name: &str, value: Value) {
        if let Some(at) = kind.position(name) {
            self.values[at] = value;
        }
    }
}
