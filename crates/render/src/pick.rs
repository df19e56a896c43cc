//! Which changes stand for the others when not everything is shown.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use syncline_core::change::{Action, Change, HoldRule};

use crate::group::Counts;
use crate::row::{ChangeRow, FieldRow};
use crate::text;

/// How much is shown. No limit where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Changes of a group that say the same.
    pub same: usize,
    /// Creates, deletes, or different updates of the same fields of a group.
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

/// Chooses the changes of a group that are shown, one by one as they come, in memory that does not grow with them.
pub struct Picker<'a> {
    limits: &'a Limits,
    kinds: HashMap<u64, Kind>,
    /// The kinds in the order in which they came.
    order: Vec<u64>,
    updates: usize,
    others: Counts,
    /// Updates that say different things, by their fields.
    by_fields: HashMap<FieldSet, Alike>,
}

/// Updates of the same fields: different ones that are shown, and those that are not.
#[derive(Default)]
struct Alike {
    shown: usize,
    more: u64,
}

/// Changes that say the same.
struct Kind {
    shown: usize,
    more: Counts,
    says: Says,
}

/// What changes that are not shown have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// What is done to them.
    Nothing,
    /// The rule that holds them back.
    Rule(&'static str),
    /// The fields, each change with values of its own.
    Fields(FieldSet),
    /// The values.
    Values(Vec<FieldRow>),
}

/// Fields of changes: the first ones by name, and how many others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldSet {
    /// Names.
    pub names: Vec<String>,
    /// How many fields are not named.
    pub more: usize,
}

/// Changes that are not shown.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub counts: Counts,
    /// What they have in common.
    pub says: Says,
}

/// Of what changes say, how many fields are repeated for those that are left out.
const SAYS: usize = 3;
/// How many sets of fields are counted by themselves, and how many of those are told.
const SETS_COUNTED: usize = 64;
const SETS_TOLD: usize = 4;

impl<'a> Picker<'a> {
    /// Chooses within limits.
    pub fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            kinds: HashMap::new(),
            order: Vec::new(),
            updates: 0,
            others: Counts::default(),
            by_fields: HashMap::new(),
        }
    }

    /// The change as it is shown; none when others stand for it, or when there is no `room`.
    pub fn pick(&mut self, change: &Change, room: bool) -> Option<ChangeRow> {
        if self.limits.same == usize::MAX {
            return Some(ChangeRow::of(change, self.limits));
        }
        let (hash, limit) = self.kind(change);
        let updates = change.action == Action::Update && change.hold.is_none();
        let fits = self.kinds.contains_key(&hash) || (room && (!updates || self.has_room_for(change)));
        match self.kinds.get_mut(&hash) {
            Some(kind) if kind.shown < limit && room => kind.shown += 1,
            Some(kind) if updates && kind.says == Says::Nothing => {
                self.leave_out(change);
                return None;
            }
            Some(kind) => {
                kind.more.add(change);
                return None;
            }
            None if !fits => {
                self.leave_out(change);
                return None;
            }
            None => {
                let row = ChangeRow::of(change, self.limits);
                let says = match &row.hold {
                    Some(hold) => Says::Rule(hold.rule),
                    None if updates && row.fields.len() <= SAYS && row.more_fields == 0 => {
                        Says::Values(row.fields.clone())
                    }
                    None => Says::Nothing,
                };
                self.kinds.insert(hash, Kind { shown: 1, more: Counts::default(), says });
                self.order.push(hash);
                self.updates += usize::from(updates);
                return Some(row);
            }
        }
        self.updates += usize::from(updates);
        Some(ChangeRow::of(change, self.limits))
    }

    /// What is not shown: changes with something in common, and the rest.
    pub fn left_out(mut self) -> (Vec<LeftOut>, Counts) {
        let mut particular = Vec::new();
        for hash in self.order {
            let Some(Kind { more, says, .. }) = self.kinds.remove(&hash) else { continue };
            if says == Says::Nothing {
                self.others.join(more);
            } else if more.all() > 0 {
                particular.push(LeftOut { counts: more, says });
            }
        }
        let sets = self.by_fields.into_iter().map(|(fields, alike)| (fields, alike.more));
        let mut sets: Vec<_> = sets.filter(|(_, more)| *more > 0).collect();
        sets.sort_by(|(a, many), (b, few)| few.cmp(many).then_with(|| a.cmp(b)));
        for (at, (fields, update)) in sets.into_iter().enumerate() {
            let counts = Counts { update, ..Counts::default() };
            if at < SETS_TOLD {
                particular.push(LeftOut { counts, says: Says::Fields(fields) });
            } else {
                self.others.join(counts);
            }
        }
        (particular, self.others)
    }

    /// Whether another different update is shown, and one more of the same fields.
    fn has_room_for(&mut self, change: &Change) -> bool {
        if self.updates >= self.limits.different {
            return false;
        }
        let alike = self.limits.alike;
        match self.alike(change) {
            Some(set) if set.shown >= alike => false,
            Some(set) => {
                set.shown += 1;
                true
            }
            None => true,
        }
    }

    /// Counts a change for which no other stands.
    fn leave_out(&mut self, change: &Change) {
        let updates = change.action == Action::Update && change.hold.is_none();
        match updates.then(|| self.alike(change)).flatten() {
            Some(set) => set.more += 1,
            None => self.others.add(change),
        }
    }

    /// The updates with the fields of a change; none when there are too many kinds of them.
    fn alike(&mut self, change: &Change) -> Option<&mut Alike> {
        let names = change.fields.iter().take(SAYS).map(|field| text::line(&field.name, self.limits.name));
        let set = FieldSet { names: names.collect(), more: change.fields.len().saturating_sub(SAYS) };
        if self.by_fields.len() >= SETS_COUNTED && !self.by_fields.contains_key(&set) {
            return None;
        }
        Some(self.by_fields.entry(set).or_default())
    }

    /// What a change says, hashed, and how many that say so are shown.
    fn kind(&self, change: &Change) -> (u64, usize) {
        let mut hasher = DefaultHasher::new();
        change.action.hash(&mut hasher);
        // Those that would be refused are no example of the others.
        change.refusal.as_ref().map(|refusal| &refusal.field).hash(&mut hasher);
        let limit = match (&change.hold, change.action) {
            (Some(hold), _) => {
                hold.rule.hash(&mut hasher);
                // Each has candidates of its own, among which a person has to decide.
                if hold.rule == HoldRule::Ambiguous { self.limits.different } else { self.limits.same }
            }
            (None, Action::Create | Action::Delete) => self.limits.alike,
            (None, Action::Update) => {
                for field in &change.fields {
                    let values = (field.before.to_string(), field.after.to_string());
                    (&field.name, values, field.cause).hash(&mut hasher);
                }
                for field in &change.kept {
                    let values = (field.source.to_string(), field.target.to_string());
                    (&field.name, values, field.rule, &field.ignored, field.cause).hash(&mut hasher);
                }
                self.limits.same
            }
        };
        (hasher.finish(), limit)
    }
}
