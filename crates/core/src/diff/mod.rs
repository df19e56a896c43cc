//! Comparing two snapshots: by key, field by field.
//!
//! Both sides are sorted by the same canonical keys, so the comparison is one merge of two streams. Equal records are equal
//! bytes and are only counted; only the fields that differ are ever parsed.

mod compare;
mod record;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::{AnyKey, DeletionClass, FieldSet, ModelSchema};

use crate::change::{Action, Change, FieldChange, Hold, HoldRule};
use crate::fields::ModelFields;
use crate::models::{self, ModelMode};
use crate::native::Native;
use crate::site::{SitePath, SiteTally};
use crate::snapshot::{Line, ModelSnapshot, Snapshot, SnapshotReader};
use crate::{Error, ErrorKind, Result};

pub use record::RecordFields;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct DiffInput<'a> {
    /// What should be.
    pub source: &'a Snapshot,
    /// What is.
    pub target: &'a Snapshot,
    /// The fields that are compared.
    pub fields: &'a ModelFields,
    /// Which models are compared; one that is looked up or off is not.
    pub modes: &'a BTreeMap<&'static str, ModelMode>,
    /// The target is to have of a set of references what the source has and nothing else; if not, others stay.
    pub exact: bool,
}

/// Takes what a comparison finds, model by model, parents first.
pub trait DiffOutput {
    /// Takes a change. Within a model they come in key order.
    fn change(&mut self, change: Change) -> Result<()>;

    /// Takes a change of a record that the target has, with the key of the site that it has it at, as canonical JSON; none when
    /// it is at none. A comparison that knows sites calls this for updates and deletes, and [`Self::counted_at`] for each site.
    fn change_at(&mut self, change: Change, site: Option<&str>) -> Result<()> {
        let _ = site;
        self.change(change)
    }

    /// Takes the number of a model's records at a site that both sides have, before the model's own counts. Comes for every site
    /// that a change was said to be at.
    fn counted_at(&mut self, model: &'static ModelSchema, site: &str, in_both: u64) -> Result<()> {
        let _ = (model, site, in_both);
        Ok(())
    }

    /// Takes values of the target of which the source says nothing, where null in the source clears nothing: as an update that would
    /// clear them, with the key of its site. It comes right before the update of the same record if there is one; a record without
    /// one is counted as unchanged. The default leaves them.
    fn unsaid(&mut self, update: Change, site: Option<&str>) -> Result<()> {
        let _ = (update, site);
        Ok(())
    }

    /// Takes a record that both sides have, equal or not, as its key and its handle stand in the target's snapshot. The default
    /// does nothing.
    fn matched(&mut self, schema: &'static ModelSchema, key: &[u8], native: &[u8]) -> Result<()> {
        let _ = (schema, key, native);
        Ok(())
    }

    /// Takes how many of the records of a model that are counted as unchanged are none of the output's business, before the model's
    /// own counts. The default does nothing.
    fn beside(&mut self, model: &'static ModelSchema, unchanged: u64) -> Result<()> {
        let _ = (model, unchanged);
        Ok(())
    }

    /// Takes the counts of a model after its last change.
    fn counted(&mut self, model: &'static ModelSchema, counts: DiffCounts) -> Result<()>;
}

/// What a comparison of one model found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffCounts {
    /// Only the source has it.
    pub create: u64,
    /// Both have it, with other values.
    pub update: u64,
    /// Only the target has it.
    pub delete: u64,
    /// Both have it with the same values.
    pub unchanged: u64,
    /// More than one record answers to the key.
    pub ambiguous: u64,
    /// Records in the source.
    pub source: u64,
    /// Records in the target.
    pub target: u64,
}

/// Compares every synced model, parents first.
pub fn calculate(input: &DiffInput<'_>, output: &mut dyn DiffOutput) -> Result<()> {
    let is_synced = |schema: &&ModelSchema| input.modes.get(schema.name) == Some(&ModelMode::Sync);
    let schemas: Vec<_> = input.fields.iter().map(|(schema, _)| schema).filter(is_synced).collect();
    for schema in models::order(&schemas)? {
        let counts = Comparison {
            schema,
            fields: input.fields.of(schema.name),
            initial: input.fields.initial_of(schema.name),
            exact: input.exact,
            counts: DiffCounts::default(),
            sites: SiteTally::new(SitePath::of(schema, input.fields)),
            output: &mut *output,
        }
        .run(snapshot_of(input.source, schema)?, snapshot_of(input.target, schema)?)?;
        output.counted(schema, counts)?;
    }
    Ok(())
}

fn snapshot_of<'a>(side: &'a Snapshot, schema: &ModelSchema) -> Result<&'a ModelSnapshot> {
    side.models.get(schema.name).ok_or_else(|| {
        Error::new(ErrorKind::Internal, format!("the {} was not asked for the model `{}`", side.side, schema.name))
    })
}

struct Comparison<'a> {
    schema: &'static ModelSchema,
    fields: FieldSet,
    /// Those of them of which a difference is a change only where the target has nothing.
    initial: FieldSet,
    exact: bool,
    counts: DiffCounts,
    /// The records that both sides have, by the site at which the target has them.
    sites: SiteTally,
    output: &'a mut dyn DiffOutput,
}

impl Comparison<'_> {
    fn run(mut self, source: &ModelSnapshot, target: &ModelSnapshot) -> Result<DiffCounts> {
        let mut source = Grouped::new(SnapshotReader::open(source)?)?;
        let mut target = Grouped::new(SnapshotReader::open(target)?)?;
        loop {
            let order = match (source.key(), target.key()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(source), Some(target)) => source.cmp(target),
            };
            if order.is_le() {
                self.counts.source += 1;
            }
            if order.is_ge() {
                self.counts.target += 1;
            }
            match order {
                std::cmp::Ordering::Less => {
                    self.only_source(&source)?;
                    source.advance()?;
                }
                std::cmp::Ordering::Greater => {
                    self.only_target(&target)?;
                    target.advance()?;
                }
                std::cmp::Ordering::Equal => {
                    self.both(&source, &target)?;
                    source.advance()?;
                    target.advance()?;
                }
            }
        }
        for (site, in_both) in self.sites.counts() {
            self.output.counted_at(self.schema, site, in_both)?;
        }
        Ok(self.counts)
    }

    fn only_source(&mut self, source: &Grouped) -> Result<()> {
        let line = source.first()?;
        if source.has_different_records()? {
            return self.ambiguous(Action::Create, source, line, None, "the source");
        }
        self.counts.create += 1;
        let mut fields = Vec::new();
        for (name, value) in RecordFields::of(line.record) {
            let Some(position) = self.position(name) else { continue };
            let field = &self.schema.fields[position];
            let after = parse(value)?;
            // A field that is null needs no saying, unless the key needs it.
            if after.is_null() && !field.key {
                continue;
            }
            let change = FieldChange::new(field.name, serde_json::Value::Null, after);
            fields.push(FieldChange { deferred: field.deferred, ..change });
        }
        let mut create = self.made(Action::Create, line, None, fields, None);
        if self.schema.deletion != DeletionClass::Part {
            create.source_id = native(line)?.map(|native| native.id);
        }
        self.output.change(create)
    }

    fn only_target(&mut self, target: &Grouped) -> Result<()> {
        let line = target.first()?;
        if target.is_ambiguous() {
            return self.ambiguous(Action::Delete, target, line, native(line)?, "the target");
        }
        self.counts.delete += 1;
        let mut fields = Vec::new();
        for (name, value) in RecordFields::of(line.record) {
            let Some(position) = self.position(name) else { continue };
            let before = parse(value)?;
            if !before.is_null() {
                fields.push(FieldChange::new(self.schema.fields[position].name, before, serde_json::Value::Null));
            }
        }
        let place = self.sites.place(line.key, line.record);
        self.emit(Action::Delete, line, native(line)?, fields, None, place)
    }

    fn both(&mut self, source: &Grouped, target: &Grouped) -> Result<()> {
        let wanted = source.first()?;
        if self.exact && source.lines == target.lines {
            for line in target.lines() {
                let line = line?;
                self.sites.count(line.key, line.record);
            }
            self.counts.unchanged += 1;
            return Ok(());
        }
        if source.has_different_records()? {
            return self.ambiguous(Action::Update, source, wanted, native(target.first()?)?, "the source");
        }
        if !target.is_ambiguous() {
            let line = target.first()?;
            let place = self.sites.count(line.key, line.record);
            if let Some(native) = line.native {
                self.output.matched(self.schema, line.key, native)?;
            }
            if wanted.record == line.record {
                self.counts.unchanged += 1;
                return Ok(());
            }
            let fields = self.differing(&wanted, &line)?;
            let unsaid = compare::unsaid(self.schema, self.fields.minus(self.initial), wanted.record, line.record)?;
            if !unsaid.is_empty() {
                let update = self.made(Action::Update, wanted, native(line)?, unsaid, None);
                self.output.unsaid(update, place.and_then(|place| self.sites.name(place)))?;
            }
            if fields.is_empty() {
                self.counts.unchanged += 1;
                return Ok(());
            }
            self.counts.update += 1;
            return self.emit(Action::Update, wanted, native(line)?, fields, None, place);
        }
        // Of several records that answer to the key, one that agrees already is the one that is meant.
        for line in target.lines() {
            let line = line?;
            if self.differing(&wanted, &line)?.is_empty() {
                self.counts.unchanged += 1;
                self.sites.count(line.key, line.record);
                return Ok(());
            }
        }
        self.ambiguous(Action::Update, target, wanted, native(target.first()?)?, "the target")
    }

    fn differing(&self, wanted: &Line<'_>, found: &Line<'_>) -> Result<Vec<FieldChange>> {
        let compared = compare::Compared { fields: self.fields, initial: self.initial, exact: self.exact };
        compare::differing(self.schema, compared, wanted.record, found.record)
    }

    fn ambiguous(
        &mut self,
        action: Action,
        group: &Grouped,
        line: Line<'_>,
        native: Option<Native>,
        side: &str,
    ) -> Result<()> {
        self.counts.ambiguous += 1;
        let reason = group.ambiguity(side, self.schema)?;
        self.emit(action, line, native, Vec::new(), Some(Hold { rule: HoldRule::Ambiguous, reason }), None)
    }

    fn emit(
        &mut self,
        action: Action,
        line: Line<'_>,
        native: Option<Native>,
        fields: Vec<FieldChange>,
        hold: Option<Hold>,
        place: Option<usize>,
    ) -> Result<()> {
        let change = self.made(action, line, native, fields, hold);
        match place {
            Some(place) => self.output.change_at(change, self.sites.name(place)),
            None => self.output.change(change),
        }
    }

    fn made(
        &self,
        action: Action,
        line: Line<'_>,
        native: Option<Native>,
        fields: Vec<FieldChange>,
        hold: Option<Hold>,
    ) -> Change {
        let key = AnyKey::from_canonical(&String::from_utf8_lossy(line.key));
        Change { hold, ..Change::new(self.schema.name, key, action, native, fields) }
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        let position = self.schema.fields.iter().position(|field| field.name.as_bytes() == name)?;
        self.fields.contains(position).then_some(position)
    }
}

fn native(line: Line<'_>) -> Result<Option<Native>> {
    line.native.map(parse_as).transpose()
}

fn parse(json: &[u8]) -> Result<serde_json::Value> {
    parse_as(json)
}

fn parse_as<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| Error::new(ErrorKind::Storage, "a snapshot holds a record that is no JSON").caused_by(error))
}

/// The lines of a snapshot, grouped by key. Almost every group is one line.
struct Grouped {
    reader: SnapshotReader,
    lines: Vec<Vec<u8>>,
    ahead: Option<Vec<u8>>,
    key: std::ops::Range<usize>,
}

impl Grouped {
    fn new(reader: SnapshotReader) -> Result<Self> {
        let mut grouped = Self { reader, lines: vec![Vec::new()], ahead: None, key: 0..0 };
        grouped.ahead = grouped.reader.next_raw()?.map(<[u8]>::to_vec);
        grouped.advance()?;
        Ok(grouped)
    }

    /// Moves to the next key. Buffers are used again: reading a record allocates nothing.
    fn advance(&mut self) -> Result<()> {
        self.lines.truncate(1);
        let Some(ahead) = &mut self.ahead else {
            self.lines[0].clear();
            return Ok(());
        };
        std::mem::swap(&mut self.lines[0], ahead);
        let key = Line::split(&self.lines[0])?.key;
        let start = key.as_ptr().addr() - self.lines[0].as_ptr().addr();
        self.key = start..start + key.len();
        loop {
            let Some(next) = self.reader.next_raw()? else {
                self.ahead = None;
                return Ok(());
            };
            let ahead = self.ahead.get_or_insert_default();
            ahead.clear();
            ahead.extend_from_slice(next);
            if Line::split(ahead)?.key != &self.lines[0][self.key.clone()] {
                return Ok(());
            }
            self.lines.push(std::mem::take(ahead));
        }
    }

    fn key(&self) -> Option<&[u8]> {
        (!self.lines[0].is_empty()).then(|| &self.lines[0][self.key.clone()])
    }

    fn first(&self) -> Result<Line<'_>> {
        Line::split(&self.lines[0])
    }

    fn lines(&self) -> impl Iterator<Item = Result<Line<'_>>> {
        self.lines.iter().map(|line| Line::split(line))
    }

    fn is_ambiguous(&self) -> bool {
        self.lines.len() > 1
    }

    /// Whether records differ in more than their handles: a source that has the same thing twice says it once.
    fn has_different_records(&self) -> Result<bool> {
        if !self.is_ambiguous() {
            return Ok(false);
        }
        let first = self.first()?.record;
        for line in self.lines() {
            if line?.record != first {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Why nobody knows which of several records is meant, and what tells them apart.
    fn ambiguity(&self, side: &str, schema: &ModelSchema) -> Result<String> {
        let ids: Vec<_> = self.lines().filter_map(|line| native(line.ok()?).ok()?.map(|native| native.id)).collect();
        let count = self.lines.len();
        if ids.is_empty() {
            let records = self.lines().map(|line| Ok(line?.record)).collect::<Result<Vec<_>>>()?;
            let apart: Vec<_> = compare::apart(schema, &records)
                .map(|(field, values)| format!("`{field}` ({})", values.join(", ")))
                .collect();
            Ok(format!("{side} has {count} different records with this key: they differ in {}", apart.join(", ")))
        } else {
            Ok(format!("{side} has {count} records with this key: ids {}", ids.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests;
