//! What two runs read, compared: the reads that are kept of one side, record by record.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use syncline_model::models::by_name;
use syncline_model::{AnyKey, FieldSet, ModelSchema};

use super::Runner;
use super::count::fields_of;
use crate::change::{Action, Change, FieldChange};
use crate::event::Side;
use crate::history::Run;
use crate::plan::{PlanExcerpt, PlanHeader, PlanRead};
use crate::scope::no_model;
use crate::snapshot::{Line, SnapshotReader, kept_file};
use crate::{Error, ErrorKind, Result};

/// How much is looked at for one page, in bytes of both reads together.
const BOUNDS: Bounds = Bounds { page: 32 << 20, whole: 1 << 30 };

/// A model as two runs read it on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPair {
    /// The model.
    pub model: String,
    /// What either run read of it; none where it did not.
    pub reads: [Option<KeptRead>; 2],
    /// Both read the same, to the last byte.
    pub is_equal: bool,
    /// In one of the runs at least it is no read of the source itself, but what the target makes of what the source gave.
    pub is_of_target: bool,
}

/// A read of a model in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptRead {
    /// How many records it has.
    pub records: u64,
    /// Whether it is still on this machine.
    pub is_kept: bool,
}

/// Some of the records that two runs read differently, in the order of their keys.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadDifferences {
    /// What would make the first read the second: what appeared is a create, what is gone a delete, what changed an update.
    pub changes: Vec<Change>,
    /// Behind which record it goes on; none at the end. There may be more although this is not full: only so much is looked at at once.
    pub next: Option<AnyKey>,
    /// Fields that only one of the runs compared, and that are left out here.
    pub left_out: Vec<&'static str>,
    /// The reads are too large to be told to their end: after so many bytes of both, what comes behind is not looked at. None where
    /// all of it is told, on this page or a later one.
    pub cut_after: Option<u64>,
}

impl Runner {
    /// What two runs read of one side, model by model; none where the plan of one is not on this machine.
    pub fn read_pairs(&self, runs: [&Run; 2], side: Side) -> Result<Option<Vec<ReadPair>>> {
        let Some(plans) = self.plans(runs) else { return Ok(None) };
        let [a, b] = [reads_of(plans[0].header(), side), reads_of(plans[1].header(), side)];
        let mut models: BTreeSet<&String> = BTreeSet::new();
        for reads in [a, b].into_iter().flatten() {
            models.extend(reads.keys());
        }
        let mut pairs = Vec::new();
        for model in models {
            let read = |reads: Reads<'_>, run: &Run| -> Result<Option<(KeptRead, String)>> {
                let Some(read) = reads.and_then(|reads| reads.get(model)) else { return Ok(None) };
                let is_kept = is_there(&self.file(run, model, read))?;
                Ok(Some((KeptRead { records: read.records, is_kept }, read.digest.clone())))
            };
            let (a, b) = (read(a, runs[0])?, read(b, runs[1])?);
            let is_equal = a.as_ref().zip(b.as_ref()).is_some_and(|((_, a), (_, b))| a == b);
            let reads = [a, b].map(|read| read.map(|(read, _)| read));
            let is_of_target = side == Side::Source && plans.iter().any(|plan| is_made(plan.header(), model));
            pairs.push(ReadPair { model: model.clone(), reads, is_equal, is_of_target });
        }
        Ok(Some(pairs))
    }

    /// The records of a model that two runs read differently on one side, behind the record `after`; none where one of the reads is not on
    /// this machine. Files are read: this is no work for a thread that answers requests.
    pub fn read_differences(
        &self,
        runs: [&Run; 2],
        side: Side,
        model: &str,
        after: Option<&AnyKey>,
        limit: usize,
    ) -> Result<Option<ReadDifferences>> {
        let Some(plans) = self.plans(runs) else { return Ok(None) };
        let Some(schema) = by_name(model) else {
            return Err(Error::new(ErrorKind::NotFound, no_model(model)));
        };
        let mut readers = Vec::new();
        for (run, plan) in runs.into_iter().zip(&plans) {
            let Some(read) = reads_of(plan.header(), side).and_then(|reads| reads.get(model)) else { return Ok(None) };
            let file = self.file(run, model, read);
            if !is_there(&file)? {
                return Ok(None);
            }
            readers.push(SnapshotReader::open_path(&file)?);
        }
        let [mut a, mut b] = <[SnapshotReader; 2]>::try_from(readers)
            .map_err(|_| Error::new(ErrorKind::Internal, "two reads are compared, and there are not two"))?;
        let (of_a, of_b) = (fields_of(plans[0].header()).of(model), fields_of(plans[1].header()).of(model));
        // What a target's own records were made of was read in full, and is in no comparison.
        let compared = if of_a.is_empty() && of_b.is_empty() { FieldSet::ALL } else { of_a.intersection(of_b) };
        let left_out = schema.fields.iter().enumerate();
        let left_out = left_out.filter(|(at, _)| of_a.contains(*at) != of_b.contains(*at)).map(|(_, field)| field.name);
        let left_out = left_out.collect();
        let merge = Merge { schema, compared, after, limit, bounds: BOUNDS };
        let Merged { changes, next, cut_after } = merge.run(&mut a, &mut b)?;
        Ok(Some(ReadDifferences { changes, next, left_out, cut_after }))
    }

    fn plans(&self, runs: [&Run; 2]) -> Option<[PlanExcerpt; 2]> {
        let [a, b] = runs;
        Some([self.glance_at(a)?, self.glance_at(b)?])
    }

    fn file(&self, run: &Run, model: &str, read: &PlanRead) -> PathBuf {
        kept_file(&self.snapshots_of(&run.sync), model, &read.digest)
    }
}

/// In what two files with records of a model differ, up to so many records, and whether there is more.
pub(super) fn differences(model: &str, a: &Path, b: &Path, limit: usize) -> Result<(Vec<Change>, bool)> {
    let schema = by_name(model).ok_or_else(|| Error::new(ErrorKind::NotFound, no_model(model)))?;
    let merge = Merge { schema, compared: FieldSet::ALL, after: None, limit, bounds: BOUNDS };
    let Merged { changes, next, cut_after } =
        merge.run(&mut SnapshotReader::open_path(a)?, &mut SnapshotReader::open_path(b)?)?;
    Ok((changes, next.is_some() || cut_after.is_some()))
}

type Reads<'a> = Option<&'a std::collections::BTreeMap<String, PlanRead>>;

/// What was read of a side; none where that side was not.
fn reads_of(header: &PlanHeader, side: Side) -> Reads<'_> {
    match side {
        // An undo compares the target with itself.
        Side::Source => header.undoes.is_none().then_some(&header.source.reads),
        Side::Target => Some(&header.target.reads),
    }
}

/// Whether the target makes its own records of a model of what the source gave: then it compares other records than were read, or other
/// models.
pub(super) fn is_made(header: &PlanHeader, model: &str) -> bool {
    let reads = &header.source.reads;
    let is_read_for_it = |(name, read): (&String, &PlanRead)| read.given.is_some() || !header.fields.contains_key(name);
    header.undoes.is_none() && header.fields.contains_key(model) && reads.iter().any(is_read_for_it)
}

pub(super) fn is_there(file: &Path) -> Result<bool> {
    file.try_exists().map_err(|error| {
        let message = format!("cannot look for the read `{}`", file.display());
        Error::new(ErrorKind::Storage, message).caused_by(error)
    })
}

/// Two reads of a model, gone through side by side.
struct Merge<'a> {
    schema: &'static ModelSchema,
    compared: FieldSet,
    after: Option<&'a AnyKey>,
    limit: usize,
    bounds: Bounds,
}

/// How much is looked at, in bytes of both reads together.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Behind the record where a page begins, where most of the records are alike.
    page: u64,
    /// From the beginning. A file that is compressed as a whole cannot be entered in the middle, so each page goes through what the
    /// pages before it told.
    whole: u64,
}

/// What came of going through two reads.
#[derive(Debug, PartialEq)]
struct Merged {
    changes: Vec<Change>,
    next: Option<AnyKey>,
    cut_after: Option<u64>,
}

/// A read on its way from record to record.
struct Walk<'r> {
    reader: &'r mut SnapshotReader,
    /// The record where it is; none at the end.
    record: Option<Record>,
    /// How much was read.
    bytes: u64,
}

/// A record that was read: its key and what is compared of it.
struct Record {
    key: Vec<u8>,
    record: Vec<u8>,
}

impl Merge<'_> {
    fn run(&self, a: &mut SnapshotReader, b: &mut SnapshotReader) -> Result<Merged> {
        let Bounds { page, whole } = self.bounds;
        let mut changes = Vec::new();
        let cut = |changes| Merged { changes, next: None, cut_after: Some(whole) };
        let Some(mut one) = Walk::behind(a, self.after, whole)? else { return Ok(cut(changes)) };
        let rest = whole.saturating_sub(one.bytes);
        let Some(mut other) = Walk::behind(b, self.after, rest)? else { return Ok(cut(changes)) };
        let begun_at = one.bytes + other.bytes;
        loop {
            let order = match (&one.record, &other.record) {
                (None, None) => return Ok(Merged { changes, next: None, cut_after: None }),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.key.cmp(&other.key),
            };
            // Of each key all is told, or nothing: it is where the next page begins.
            let at = if order == Ordering::Greater { &other } else { &one };
            let Some(key) = at.record.as_ref().map(|record| record.key.clone()) else {
                return Ok(Merged { changes, next: None, cut_after: None });
            };
            let (of_one, of_other) = (one.take_all(&key)?, other.take_all(&key)?);
            if of_one != of_other {
                self.tell(&key, &of_one, &of_other, &mut changes)?;
            }
            let looked_at = one.bytes + other.bytes;
            if one.record.is_none() && other.record.is_none() {
                continue;
            }
            if looked_at >= whole {
                return Ok(cut(changes));
            }
            if changes.len() >= self.limit || looked_at - begun_at >= page {
                return Ok(Merged { changes, next: Some(parsed(&key)?), cut_after: None });
            }
        }
    }

    /// In what the records of one key differ. More than one of a key are told by the first of each: nobody knows which is meant.
    fn tell(&self, key: &[u8], one: &[Vec<u8>], other: &[Vec<u8>], changes: &mut Vec<Change>) -> Result<()> {
        let (action, before, after) = match (one.first(), other.first()) {
            (Some(before), Some(after)) => (Action::Update, self.fields(before)?, self.fields(after)?),
            (Some(before), None) => (Action::Delete, self.fields(before)?, Vec::new()),
            (None, Some(after)) => (Action::Create, Vec::new(), self.fields(after)?),
            (None, None) => return Ok(()),
        };
        let mut fields = Vec::new();
        for (at, field) in self.schema.fields.iter().enumerate() {
            let of = |values: &[(usize, Value)]| {
                values.iter().find(|(position, _)| *position == at).map_or(Value::Null, |(_, value)| value.clone())
            };
            let (before, after) = (of(&before), of(&after));
            if before != after {
                fields.push(FieldChange::new(field.name, before, after));
            }
        }
        // They differ in what is not compared: the system's own id.
        if action != Action::Update || !fields.is_empty() {
            changes.push(Change::new(self.schema.name, parsed(key)?, action, None, fields));
        }
        Ok(())
    }

    /// The fields of a record that are compared, by their place in the model.
    fn fields(&self, record: &[u8]) -> Result<Vec<(usize, Value)>> {
        let record: serde_json::Map<String, Value> = serde_json::from_slice(record).map_err(|error| {
            Error::new(ErrorKind::Storage, "a snapshot holds a record that cannot be read").caused_by(error)
        })?;
        let known = record.into_iter().filter_map(|(name, value)| Some((self.schema.position(&name)?, value)));
        Ok(known.filter(|(at, _)| self.compared.contains(*at)).collect())
    }
}

impl Record {
    fn of(line: Line<'_>) -> Self {
        Self { key: line.key.to_vec(), record: line.record.to_vec() }
    }
}

impl<'r> Walk<'r> {
    /// Goes to the first record behind one, or to the very first; none where that is not reached within so many bytes.
    fn behind(reader: &'r mut SnapshotReader, after: Option<&AnyKey>, most: u64) -> Result<Option<Self>> {
        let mut walk = Self { reader, record: None, bytes: 0 };
        let Some(after) = after else {
            walk.step()?;
            return Ok(Some(walk));
        };
        while let Some(line) = walk.reader.next_line()? {
            walk.bytes += size(line);
            if line.key > after.as_str().as_bytes() {
                walk.record = Some(Record::of(line));
                break;
            }
            if walk.bytes >= most {
                return Ok(None);
            }
        }
        Ok(Some(walk))
    }

    fn step(&mut self) -> Result<()> {
        let line = self.reader.next_line()?;
        self.bytes += line.map_or(0, size);
        self.record = line.map(Record::of);
        Ok(())
    }

    /// The records of a key, of which there may be more than one.
    fn take_all(&mut self, key: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        while let Some(record) = self.record.take_if(|record| record.key == key) {
            records.push(record.record);
            self.step()?;
        }
        Ok(records)
    }
}

/// How much of a file a line is.
fn size(line: Line<'_>) -> u64 {
    (line.key.len() + line.record.len() + line.native.map_or(0, <[u8]>::len)) as u64
}

fn parsed(key: &[u8]) -> Result<AnyKey> {
    let broken = || {
        let text = String::from_utf8_lossy(key).into_owned();
        Error::new(ErrorKind::Storage, format!("a snapshot holds a record under a key that is none: `{text}`"))
    };
    let key = std::str::from_utf8(key).map_err(|_| broken())?;
    AnyKey::parse(key).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use syncline_model::Model as _;
    use syncline_model::models::Site;

    use super::*;

    /// A read of so many sites, of which every tenth has another name.
    fn read(file: &Path, name: &str) -> SnapshotReader {
        let mut lines = Vec::new();
        for number in 0..100 {
            let name = if number % 10 == 0 { name } else { "same" };
            let key = format!(r#"["s{number:02}"]"#);
            let record = format!(r#"{{"name":"{name}"}}"#);
            Line::write(&mut lines, |out| out.extend(key.bytes()), |out| out.extend(record.bytes()), None);
        }
        std::fs::write(file, zstd::encode_all(&*lines, 1).unwrap()).unwrap();
        SnapshotReader::open_path(file).unwrap()
    }

    /// The keys that are told, page by page, and how it ended.
    fn paged(limit: usize, bounds: Bounds) -> (Vec<Vec<String>>, Option<u64>) {
        let folder = tempfile::tempdir().unwrap();
        let (mut after, mut pages) = (None, Vec::new());
        loop {
            let (mut a, mut b) = (read(&folder.path().join("a"), "one"), read(&folder.path().join("b"), "two"));
            let merge = Merge { schema: Site::SCHEMA, compared: FieldSet::ALL, after: after.as_ref(), limit, bounds };
            let Merged { changes, next, cut_after } = merge.run(&mut a, &mut b).unwrap();
            pages.push(changes.iter().map(|change| change.key.to_string()).collect());
            if next.is_none() {
                return (pages, cut_after);
            }
            after = next;
        }
    }

    /// A record is 7 bytes of key and 14 or 15 of fields, and there are two of each.
    #[test]
    fn a_page_looks_at_so_much_and_all_pages_at_no_more() {
        let (pages, cut) = paged(4, Bounds { page: u64::MAX, whole: u64::MAX });
        assert_eq!((pages.iter().map(Vec::len).collect::<Vec<_>>(), cut), (vec![4, 4, 2], None));
        let (pages, cut) = paged(50, Bounds { page: 500, whole: u64::MAX });
        assert_eq!((pages.concat().len(), cut), (10, None), "nothing is lost between pages: {pages:?}");
        assert!(pages.len() > 5 && pages.iter().any(Vec::is_empty), "{pages:?}");
        let (pages, cut) = paged(2, Bounds { page: u64::MAX, whole: 2_000 });
        assert_eq!(cut, Some(2_000), "what was told before counts: {pages:?}");
        insta::assert_snapshot!(pages.concat().join(" "), @"s00 s10 s20 s30 s40");
        let (pages, cut) = paged(2, Bounds { page: u64::MAX, whole: 1 });
        assert_eq!((pages.concat().len(), cut), (1, Some(1)), "at least one record is looked at");
    }
}
