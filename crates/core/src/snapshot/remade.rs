//! The read of a model, made anew record by record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syncline_model::{AnyRecord, FieldSet, ModelSchema};

use super::filled::FilledCounter;
use super::run::{self, Buffer, Run};
use super::{ModelSnapshot, Rejection};
use crate::Result;

/// How much of a model is held in memory before it is sorted and spilled.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How many rejected records are kept with their reason.
const NAMED_REJECTIONS: usize = 100;

/// Takes the records of a model that were made of those of a read. What the read left in doubt stays in doubt.
pub struct Remade<'a> {
    schema: &'static ModelSchema,
    fields: FieldSet,
    read: &'a ModelSnapshot,
    folder: PathBuf,
    buffer: Buffer,
    runs: Vec<Run>,
    rejected: u64,
    rejections: Vec<Rejection>,
    filled: FilledCounter,
}

impl<'a> Remade<'a> {
    /// Nothing yet, of a read, with these fields; written to `folder`.
    pub fn of(schema: &'static ModelSchema, fields: FieldSet, read: &'a ModelSnapshot, folder: &Path) -> Self {
        let (rejected, rejections) = (read.rejected, read.rejections.clone());
        let (folder, buffer, runs, filled) =
            (folder.to_owned(), Buffer::default(), Vec::new(), FilledCounter::default());
        Self { schema, fields, read, folder, buffer, runs, rejected, rejections, filled }
    }

    /// Takes a record, with the handle of the one that it was made of.
    pub fn push(&mut self, record: &AnyRecord, native: Option<&[u8]>) -> Result<()> {
        let key = |out: &mut Vec<u8>| out.extend_from_slice(record.key().as_str().as_bytes());
        self.buffer.push(key, |out| record.write_fields(self.fields, out), native);
        self.filled.count(record.filled());
        if self.buffer.len() >= BUFFER_BYTES {
            self.runs.push(std::mem::take(&mut self.buffer).spill(&self.folder)?);
        }
        Ok(())
    }

    /// Reports what cannot become a record.
    pub fn reject(&mut self, rejection: Rejection) {
        self.rejected += 1;
        if self.rejections.len() < NAMED_REJECTIONS {
            self.rejections.push(rejection);
        }
    }

    /// What was made, with what was left out beside what the read left out, by rule.
    pub fn finish(self, left_out: BTreeMap<&'static str, u64>) -> Result<ModelSnapshot> {
        let merged = run::merge(self.schema.name, &self.folder, &self.runs, self.buffer)?;
        let mut skipped = self.read.skipped.clone();
        for (rule, count) in left_out {
            *skipped.entry(rule).or_default() += count;
        }
        Ok(ModelSnapshot {
            model: self.schema.name,
            path: merged.path,
            digest: merged.digest,
            records: merged.records,
            bytes: merged.bytes,
            verdict: self.read.verdict.clone(),
            skipped,
            rejected: self.rejected,
            rejected_origins: self.read.rejected_origins,
            rejections: self.rejections,
            duplicates: merged.duplicates,
            duplicate_keys: merged.duplicate_keys,
            filled: self.filled.of(self.schema, self.fields),
        })
    }
}
