//! Sorted runs and how they become one file.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use syncline_model::AnyKey;
use tempfile::NamedTempFile;

use super::line::{KeyRange, Line};
use super::reader::SnapshotReader;
use crate::{Error, ErrorKind, Result};

/// Compression of files that are read once and thrown away.
const FAST: i32 = 1;
/// Compression of files that stay: three times the work of [`FAST`] would save a tenth of the space.
const KEPT: i32 = 3;
/// How many duplicate keys are remembered by name.
const NAMED_DUPLICATES: usize = 20;

/// Lines in memory, in the order they came.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    lines: Vec<Indexed>,
}

/// A line in the buffer. Offsets of 32 bits: a buffer stays far below 4 GiB.
#[derive(Clone, Copy)]
struct Indexed {
    start: u32,
    key_start: u32,
    key_end: u32,
    end: u32,
}

impl Buffer {
    /// Bytes held.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a line.
    pub fn push(&mut self, key: impl FnOnce(&mut Vec<u8>), record: impl FnOnce(&mut Vec<u8>), native: Option<&[u8]>) {
        let KeyRange { start, key_start, key_end, end } = Line::write(&mut self.bytes, key, record, native);
        let offset = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        self.lines.push(Indexed {
            start: offset(start),
            key_start: offset(key_start),
            key_end: offset(key_end),
            end: offset(end),
        });
    }

    /// Sorts by key, then by content, so that equal lines stand beside each other.
    fn sort(&mut self) {
        let Self { bytes, lines } = self;
        let slice = |start: u32, end: u32| &bytes[start as usize..end as usize];
        lines.sort_unstable_by(|a, b| {
            let keys = slice(a.key_start, a.key_end).cmp(slice(b.key_start, b.key_end));
            keys.then_with(|| slice(a.key_end, a.end).cmp(slice(b.key_end, b.end)))
        });
    }

    fn sorted_lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(|line| &self.bytes[line.start as usize..line.end as usize])
    }

    /// Sorts the lines and writes them to a temporary file in `folder`.
    pub fn spill(mut self, folder: &Path) -> Result<Run> {
        self.sort();
        let file =
            NamedTempFile::new_in(folder).map_err(|error| storage("cannot create a temporary file", folder, error))?;
        let failed = |error| storage("cannot write a temporary file", folder, error);
        let mut encoder = zstd::Encoder::new(file, FAST).map_err(failed)?;
        self.sorted_lines().try_for_each(|line| encoder.write_all(line)).map_err(failed)?;
        Ok(Run { file: encoder.finish().map_err(failed)? })
    }
}

/// A sorted part of a model in a temporary file, removed when dropped.
pub struct Run {
    file: NamedTempFile,
}

/// What became of the runs.
pub struct Merged {
    pub path: PathBuf,
    pub digest: String,
    pub records: u64,
    pub bytes: u64,
    pub duplicates: u64,
    pub duplicate_keys: Vec<AnyKey>,
}

/// Merges the spilled runs and the rest in memory into one file in `folder`, named after the model and its content.
///
/// Equal lines become one. Different lines with the same key all stay: which of them is meant is not decided here.
pub fn merge(model: &str, folder: &Path, runs: &[Run], mut rest: Buffer) -> Result<Merged> {
    rest.sort();
    let mut output = Output::create(folder)?;
    if runs.is_empty() {
        rest.sorted_lines().try_for_each(|line| output.push(line))?;
        return output.finish(model, folder);
    }

    let mut inputs = Vec::with_capacity(runs.len());
    let mut heap = BinaryHeap::with_capacity(runs.len() + 1);
    for run in runs {
        let file = File::open(run.file.path()).map_err(|error| storage("cannot reopen", run.file.path(), error))?;
        inputs.push(SnapshotReader::over(BufReader::new(file), run.file.path())?);
    }
    let mut memory = rest.sorted_lines();
    let memory_input = inputs.len();
    for input in 0..=memory_input {
        if let Some(head) = Head::next(input, &mut inputs, &mut memory)? {
            heap.push(head);
        }
    }
    while let Some(head) = heap.pop() {
        output.push(&head.line)?;
        if let Some(next) = Head::next(head.input, &mut inputs, &mut memory)? {
            heap.push(next);
        }
    }
    output.finish(model, folder)
}

/// The next line of an input, ordered so that the heap gives the smallest key first.
struct Head {
    line: Vec<u8>,
    key_end: usize,
    input: usize,
}

impl Head {
    fn next<'a>(
        input: usize,
        inputs: &mut [SnapshotReader],
        memory: &mut impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Self>> {
        let line = match inputs.get_mut(input) {
            Some(reader) => reader.next_raw()?.map(<[u8]>::to_vec),
            None => memory.next().map(<[u8]>::to_vec),
        };
        let Some(line) = line else { return Ok(None) };
        let key = Line::split(&line)?.key;
        let key_end = KEY_START + key.len();
        Ok(Some(Self { line, key_end, input }))
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        (&self.line[KEY_START..self.key_end], &self.line[self.key_end..])
    }
}

/// Where the key begins in every line.
const KEY_START: usize = b"{\"key\":".len();

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.parts().cmp(&self.parts()).then_with(|| other.input.cmp(&self.input))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

/// The file being written, with what is counted on the way.
struct Output {
    encoder: zstd::Encoder<'static, NamedTempFile>,
    hasher: blake3::Hasher,
    previous: Vec<u8>,
    previous_key: std::ops::Range<usize>,
    same_key: bool,
    records: u64,
    bytes: u64,
    duplicates: u64,
    duplicate_keys: Vec<AnyKey>,
}

impl Output {
    fn create(folder: &Path) -> Result<Self> {
        let failed = |error| storage("cannot create a snapshot", folder, error);
        let file = NamedTempFile::new_in(folder).map_err(failed)?;
        Ok(Self {
            encoder: zstd::Encoder::new(file, KEPT).map_err(failed)?,
            hasher: blake3::Hasher::new(),
            previous: Vec::new(),
            previous_key: 0..0,
            same_key: false,
            records: 0,
            bytes: 0,
            duplicates: 0,
            duplicate_keys: Vec::new(),
        })
    }

    fn push(&mut self, line: &[u8]) -> Result<()> {
        if line == self.previous {
            return Ok(());
        }
        let key = Line::split(line)?.key;
        let repeated = !self.previous.is_empty() && key == &self.previous[self.previous_key.clone()];
        if !repeated {
            self.records += 1;
        } else if !self.same_key {
            self.duplicates += 1;
            if self.duplicate_keys.len() < NAMED_DUPLICATES {
                self.duplicate_keys.push(AnyKey::from_canonical(&String::from_utf8_lossy(key)));
            }
        }
        self.same_key = repeated;
        self.previous_key = KEY_START..KEY_START + key.len();
        self.previous.clear();
        self.previous.extend_from_slice(line);
        self.bytes += line.len() as u64;
        self.hasher.update(line);
        self.encoder.write_all(line).map_err(|error| {
            Error::new(ErrorKind::Storage, "cannot write a snapshot; is the disk full?").caused_by(error)
        })
    }

    fn finish(self, model: &str, folder: &Path) -> Result<Merged> {
        let digest = self.hasher.finalize().to_hex().to_string();
        let path = kept_file(folder, model, &digest);
        let file = self.encoder.finish().map_err(|error| storage("cannot write", &path, error))?;
        file.persist(&path).map_err(|error| storage("cannot write", &path, error.error))?;
        Ok(Merged {
            path,
            digest,
            records: self.records,
            bytes: self.bytes,
            duplicates: self.duplicates,
            duplicate_keys: self.duplicate_keys,
        })
    }
}

/// Where the read of a model is kept: its file is named after its content.
pub fn kept_file(folder: &Path, model: &str, digest: &str) -> PathBuf {
    folder.join(format!("{model}-{}.ndjson.zst", digest.get(..32).unwrap_or(digest)))
}

fn storage(message: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("{message} `{}`", path.display())).caused_by(error)
}
