//! The target as it was before a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use syncline_model::{AnyKey, FieldKind, ModelSchema};
use tempfile::TempDir;

use super::changes::{Collected, Taken};
use super::names;
use super::notes::Note;
use crate::change::{Action, Change, FieldChange};
use crate::event::Side;
use crate::fields::ModelFields;
use crate::native::Native;
use crate::snapshot::{Line, ModelSnapshot, Snapshot, SnapshotReader, Sorted, ordered};
use crate::{Error, ErrorKind, Result};

/// The target as it was before a run, where nobody has touched it since. The files go with it.
pub struct Former {
    /// What the target had.
    pub snapshot: Snapshot,
    /// What is to be said of changes, by model, for [`Annotated`](super::Annotated).
    pub notes: BTreeMap<&'static str, PathBuf>,
    _folder: TempDir,
}

impl Former {
    /// Takes the changes of a run back in a copy of the target's snapshot. The target's own records go by the keys that the run
    /// knew them by from here on.
    pub fn of(changes: Collected, target: &mut Snapshot, fields: &ModelFields) -> Result<Self> {
        names::restore(&changes, target, fields)?;
        let mut snapshot = Snapshot { side: Side::Source, ..target.clone() };
        let mut notes = BTreeMap::new();
        for (model, file) in &changes.models {
            let (Some(schema), Some(now)) = (fields.schema(model), target.models.get(model.as_str())) else {
                let message = format!("the run changed the model `{model}`, which the target does not keep any more");
                return Err(Error::new(ErrorKind::Stale, message));
            };
            let mut work = Merge {
                schema,
                compared: changes.compared(model),
                records: Sorted::new(changes.folder.path()),
                notes: Sorted::new(changes.folder.path()),
            };
            work.run(file, now)?;
            snapshot.models.insert(schema.name, work.records.finish_as(now)?);
            notes.insert(schema.name, work.notes.finish(&format!("{model}-notes"))?);
        }
        Ok(Self { snapshot, notes, _folder: changes.folder })
    }
}

/// One model.
struct Merge<'a> {
    schema: &'static ModelSchema,
    compared: Option<&'a [String]>,
    records: Sorted,
    notes: Sorted,
}

impl Merge<'_> {
    fn run(&mut self, changes: &Path, target: &ModelSnapshot) -> Result<()> {
        let mut changes = Groups::over(SnapshotReader::open_path(changes)?)?;
        let mut target = Groups::over(SnapshotReader::open(target)?)?;
        let mut change = changes.next()?;
        let mut record = target.next()?;
        loop {
            match (change.take(), record.take()) {
                (None, None) => return Ok(()),
                (Some(only), kept) if kept.as_ref().is_none_or(|kept| only.key < kept.key) => {
                    self.absent(&only)?;
                    (change, record) = (changes.next()?, kept);
                }
                (Some(both), Some(kept)) if both.key == kept.key => {
                    self.present(&both, &kept)?;
                    (change, record) = (changes.next()?, target.next()?);
                }
                (kept, only) => {
                    if let Some(only) = &only {
                        self.keep(only)?;
                    }
                    (change, record) = (kept, target.next()?);
                }
            }
        }
    }

    fn keep(&mut self, group: &Group) -> Result<()> {
        for line in group.lines() {
            let line = line?;
            self.records.push(line.key, line.record, line.native)?;
        }
        Ok(())
    }

    /// The target has no such record.
    fn absent(&mut self, group: &Group) -> Result<()> {
        let taken = group.taken()?;
        match taken.action {
            // Somebody has taken it back already.
            Action::Create => Ok(()),
            Action::Update => self.leave(&group.key, &taken, "it was deleted after the run".to_owned()),
            Action::Delete => {
                let mut record: Map<String, Value> =
                    taken.fields.iter().map(|field| (field.name.clone(), field.before.clone())).collect();
                for field in self.schema.key_fields() {
                    record.entry(field.name).or_insert(Value::Null);
                }
                self.records.push(&group.key, &ordered(self.schema, &record), None)?;
                self.note(&group.key, &Note { image: taken.image, ..Note::default() })
            }
        }
    }

    /// The target has a record of the key.
    fn present(&mut self, group: &Group, kept: &Group) -> Result<()> {
        let taken = group.taken()?;
        let [line] = kept.lines.as_slice() else {
            self.keep(kept)?;
            let reason = format!("the target has {} records with this key now", kept.lines.len());
            return self.leave(&group.key, &taken, reason);
        };
        let line = Line::split(line)?;
        let native: Option<Native> = line.native.map(parse).transpose()?;
        let id = native.as_ref().map_or("-", |native| &*native.id);
        let record: Map<String, Value> = parse(line.record)?;
        let another = taken.native_id.as_deref().filter(|known| *known != id && taken.action != Action::Delete);
        let another = another
            .map(|known| format!("it is another one now: the run knew it as {known}, the target has it as {id}"));
        match taken.action {
            Action::Delete => {
                self.keep(kept)?;
                self.leave(&group.key, &taken, format!("it is there again, as {id}"))
            }
            Action::Create => match another.or_else(|| self.touched(&taken, &record)) {
                // What is left out here is what the comparison will delete.
                Some(reason) => self.hold(&group.key, reason),
                None => Ok(()),
            },
            Action::Update => {
                let (former, touched) = self.taken_back(&taken, record);
                self.records.push(&group.key, &ordered(self.schema, &former), line.native)?;
                another.or(touched).map_or(Ok(()), |reason| self.hold(&group.key, reason))
            }
        }
    }

    /// What somebody changed in a record that the run created.
    fn touched(&self, taken: &Taken, record: &Map<String, Value>) -> Option<String> {
        let left = |field: &str| taken.fields.iter().find(|change| change.name == field);
        let fields: Vec<&str> = match self.compared {
            Some(compared) => compared.iter().map(String::as_str).collect(),
            None => taken.fields.iter().map(|field| field.name.as_str()).collect(),
        };
        fields.into_iter().find_map(|field| {
            let known = self.schema.field(field)?;
            let now = record.get(field).unwrap_or(&Value::Null);
            let left = left(field);
            // The second pass of a create that failed may or may not have got there.
            if *now == Value::Null && !taken.whole && known.deferred {
                return None;
            }
            match left {
                Some(left) if left.after == *now => None,
                Some(left) => Some(differs(field, now, &left.after)),
                // What the run did not say is what the target made of it: for a text or a reference that is nothing.
                None if now.is_null() || known.preserve || now.as_array().is_some_and(Vec::is_empty) => None,
                None => match known.kind {
                    FieldKind::Choice(_) | FieldKind::Boolean | FieldKind::Integer => None,
                    FieldKind::Text
                    | FieldKind::Reference(_)
                    | FieldKind::References(_)
                    | FieldKind::Texts
                    | FieldKind::Pairs
                    | FieldKind::Json => Some(differs(field, now, &Value::Null)),
                },
            }
        })
    }

    /// A record with the fields of an update as they were before it, and what stands in the way.
    fn taken_back(&self, taken: &Taken, mut record: Map<String, Value>) -> (Map<String, Value>, Option<String>) {
        let mut touched = None;
        for change in &taken.fields {
            let now = record.get(&change.name).cloned().unwrap_or(Value::Null);
            let known = self.schema.field(&change.name);
            let is_set = known.is_some_and(|field| matches!(field.kind, FieldKind::References(_)) && !field.exact);
            if is_set {
                match set_back(change, &now) {
                    Some(former) => drop(record.insert(change.name.clone(), former)),
                    None => touched = touched.or_else(|| Some(differs(&change.name, &now, &change.after))),
                }
                continue;
            }
            let is_between = taken.between.iter().any(|(name, value)| *name == change.name && *value == now);
            if now != change.after && now != change.before && !is_between {
                touched = touched.or_else(|| Some(differs(&change.name, &now, &change.after)));
            }
            record.insert(change.name.clone(), change.before.clone());
        }
        (record, touched)
    }

    /// Holds the change that the comparison will find.
    fn hold(&mut self, key: &[u8], reason: String) -> Result<()> {
        self.note(key, &Note { hold: Some(reason), ..Note::default() })
    }

    /// Shows a change that the comparison will not find, held.
    fn leave(&mut self, key: &[u8], taken: &Taken, reason: String) -> Result<()> {
        let action = match taken.action {
            Action::Create => Action::Delete,
            Action::Update => Action::Update,
            Action::Delete => Action::Create,
        };
        let fields = taken.fields.iter().map(|field| FieldChange {
            deferred: field.deferred,
            ..FieldChange::new(&field.name, field.after.clone(), field.before.clone())
        });
        let fields: Vec<_> = fields.collect();
        let known = AnyKey::from_canonical(&String::from_utf8_lossy(key));
        let change = Change::new(self.schema.name, known, action, None, fields);
        self.note(key, &Note { hold: Some(reason), change: Some(change), image: None })
    }

    fn note(&mut self, key: &[u8], note: &Note) -> Result<()> {
        let note = serde_json::to_vec(note)
            .map_err(|error| Error::new(ErrorKind::Internal, "a note of an undo cannot be written").caused_by(error))?;
        self.notes.push(key, &note, None)
    }
}

/// A set of references without what the run added and with what it removed; others stay. None when somebody has done either since.
fn set_back(change: &FieldChange, now: &Value) -> Option<Value> {
    let members = |value: &Value| -> BTreeSet<String> {
        value.as_array().into_iter().flatten().map(ToString::to_string).collect()
    };
    let (before, after, now) = (members(&change.before), members(&change.after), members(now));
    let added: BTreeSet<_> = after.difference(&before).cloned().collect();
    let removed: BTreeSet<_> = before.difference(&after).cloned().collect();
    let is_back = added.is_disjoint(&now) && removed.is_subset(&now);
    let is_left = added.is_subset(&now) && removed.is_disjoint(&now);
    if !is_back && !is_left {
        return None;
    }
    let former = now.difference(&added).chain(&removed);
    Some(Value::Array(former.filter_map(|member| serde_json::from_str(member).ok()).collect()))
}

fn differs(field: &str, now: &Value, left: &Value) -> String {
    format!("it was changed after the run: `{field}` is {now} now, and the run left {left}")
}

/// Lines with one key.
struct Group {
    key: Vec<u8>,
    lines: Vec<Vec<u8>>,
}

impl Group {
    fn lines(&self) -> impl Iterator<Item = Result<Line<'_>>> {
        self.lines.iter().map(|line| Line::split(line))
    }

    /// What the run did to the record.
    fn taken(&self) -> Result<Taken> {
        let all = self.lines().map(|line| parse(line?.record)).collect::<Result<_>>()?;
        Taken::folded(all).ok_or_else(|| Error::new(ErrorKind::Internal, "a change that is to be taken back is empty"))
    }
}

/// The lines of a file, grouped by key.
struct Groups {
    reader: SnapshotReader,
    ahead: Option<Vec<u8>>,
}

impl Groups {
    fn over(mut reader: SnapshotReader) -> Result<Self> {
        let ahead = reader.next_raw()?.map(<[u8]>::to_vec);
        Ok(Self { reader, ahead })
    }

    fn next(&mut self) -> Result<Option<Group>> {
        let Some(first) = self.ahead.take() else { return Ok(None) };
        let key = Line::split(&first)?.key.to_vec();
        let mut lines = vec![first];
        while let Some(next) = self.reader.next_raw()? {
            if Line::split(next)?.key != key {
                self.ahead = Some(next.to_vec());
                break;
            }
            lines.push(next.to_vec());
        }
        Ok(Some(Group { key, lines }))
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| Error::new(ErrorKind::Storage, "a snapshot holds a record that is no JSON").caused_by(error))
}
