//! Lines that come in any order and are read in the order of their keys.

use std::path::{Path, PathBuf};

use super::ModelSnapshot;
use super::run::{self, Buffer, Run};
use crate::Result;

/// How much is held in memory before it is sorted and spilled.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Collects lines in the form of a snapshot. Memory does not grow with their number.
pub(crate) struct Sorted {
    folder: PathBuf,
    buffer: Buffer,
    runs: Vec<Run>,
}

impl Sorted {
    /// No lines yet; files go to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), buffer: Buffer::default(), runs: Vec::new() }
    }

    /// Takes a line. All parts are JSON without tabs.
    pub fn push(&mut self, key: &[u8], record: &[u8], native: Option<&[u8]>) -> Result<()> {
        self.buffer.push(|out| out.extend_from_slice(key), |out| out.extend_from_slice(record), native);
        if self.buffer.len() >= BUFFER_BYTES {
            self.runs.push(std::mem::take(&mut self.buffer).spill(&self.folder)?);
        }
        Ok(())
    }

    /// Writes the lines to a file that is named after `name` and their content.
    pub fn finish(self, name: &str) -> Result<PathBuf> {
        Ok(run::merge(name, &self.folder, &self.runs, self.buffer)?.path)
    }

    /// Writes the lines to a file: the read `of` with other records.
    pub fn finish_as(self, of: &ModelSnapshot) -> Result<ModelSnapshot> {
        let merged = run::merge(of.model, &self.folder, &self.runs, self.buffer)?;
        Ok(ModelSnapshot {
            path: merged.path,
            digest: merged.digest,
            records: merged.records,
            bytes: merged.bytes,
            duplicates: merged.duplicates,
            duplicate_keys: merged.duplicate_keys,
            ..of.clone()
        })
    }
}
