//! Which changes stand for the others when not everything is shown.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use syncline_core::change::{Action, Change};

use crate::group::Counts;
use crate::row::{ChangeRow, FieldRow};

/// How much is shown. No limit where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Changes of a group that say the same.
    pub same: usize,
    /// Creates or deletes of a group.
    pub alike: usize,
    /// Different updates of a group.
    pub different: usize,
    /// Fields of a change.
    pub fields: Option<usize>,
    /// Whether creates and deletes show their values.
    pub fields_of_whole_records: bool,
    /// Characters of a value.
    pub value: Option<usize>,
    /// Characters of a key or a name.
    pub name: Option<usize>,
    /// Characters of a reason.
    pub reason: Option<usize>,
    /// Bytes of the document after which changes are only counted.
    pub bytes: Option<u64>,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self {
        same: usize::MAX,
        alike: usize::MAX,
        different: usize::MAX,
        fields: None,
        fields_of_whole_records: true,
        value: None,
        name: None,
        reason: None,
        bytes: None,
    };
}

/// Chooses among the changes of a group as they come, in memory that does not grow with them.
pub struct Picker<'a> {
    limits: &'a Limits,
    kinds: HashMap<u64, Kind>,
    /// The kinds in the order in which they came.
    order: Vec<u64>,
    updates: usize,
    others: Counts,
}

/// Changes that say the same.
#[derive(Default)]
struct Kind {
    shown: usize,
    more: Counts,
    /// What they say, where that is more than what is done to them.
    says: Vec<FieldRow>,
}

/// Changes that are not shown.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub counts: Counts,
    /// The values that all of them get; empty when they differ.
    pub says: Vec<FieldRow>,
}

/// Of what changes say, how many fields are repeated for those that are left out.
const SAYS: usize = 3;

impl<'a> Picker<'a> {
    /// Chooses within limits.
    pub fn new(limits: &'a Limits) -> Self {
        Self { limits, kinds: HashMap::new(), order: Vec::new(), updates: 0, others: Counts::default() }
    }

    /// The change as it is shown; none when others stand for it, or when there is no `room`.
    pub fn pick(&mut self, change: &Change, room: bool) -> Option<ChangeRow> {
        if self.limits.same == usize::MAX {
            return Some(ChangeRow::of(change, self.limits));
        }
        let (hash, limit) = self.kind(change);
        let updates = change.action == Action::Update && change.hold.is_none();
        match self.kinds.get_mut(&hash) {
            Some(kind) if kind.shown < limit && room => kind.shown += 1,
            Some(kind) => {
                kind.more.add(change);
                return None;
            }
            None if !room || (updates && self.updates >= self.limits.different) => {
                self.others.add(change);
                return None;
            }
            None => {
                let row = ChangeRow::of(change, self.limits);
                let says = if updates && change.fields.len() <= SAYS { row.fields.clone() } else { Vec::new() };
                self.kinds.insert(hash, Kind { shown: 1, more: Counts::default(), says });
                self.order.push(hash);
                self.updates += usize::from(updates);
                return Some(row);
            }
        }
        self.updates += usize::from(updates);
        Some(ChangeRow::of(change, self.limits))
    }

    /// What is not shown: changes that say what others say, and the rest.
    pub fn left_out(mut self) -> (Vec<LeftOut>, Counts) {
        let mut particular = Vec::new();
        for hash in self.order {
            let Some(kind) = self.kinds.remove(&hash) else { continue };
            if kind.says.is_empty() {
                self.others.join(kind.more);
            } else if kind.more.all() > 0 {
                particular.push(LeftOut { counts: kind.more, says: kind.says });
            }
        }
        (particular, self.others)
    }

    /// What a change says, hashed, and how many that say so are shown.
    fn kind(&self, change: &Change) -> (u64, usize) {
        let mut hasher = DefaultHasher::new();
        change.action.hash(&mut hasher);
        let limit = match (&change.hold, change.action) {
            (Some(hold), _) => {
                hold.rule.hash(&mut hasher);
                self.limits.same
            }
            (None, Action::Create | Action::Delete) => self.limits.alike,
            (None, Action::Update) => {
                for field in &change.fields {
                    (&field.name, field.before.to_string(), field.after.to_string()).hash(&mut hasher);
                }
                self.limits.same
            }
        };
        (hasher.finish(), limit)
    }
}
