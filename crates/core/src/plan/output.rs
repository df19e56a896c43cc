//! The plan file as it is written.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::{FORMAT, PlanHeader};
use crate::{Error, ErrorKind, Result};

/// The document being written, hashed on the way. It stands at its path once it is whole, and replaces what stood there.
pub struct Output {
    file: BufWriter<NamedTempFile>,
    hasher: blake3::Hasher,
    path: PathBuf,
}

impl Output {
    /// Begins a document that will stand at `path`.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |error| unwritable(path, error);
        fs::create_dir_all(folder).map_err(failed)?;
        let file = NamedTempFile::new_in(folder).map_err(failed)?;
        Ok(Self { file: BufWriter::new(file), hasher: blake3::Hasher::new(), path: path.to_owned() })
    }

    /// Writes one line.
    pub fn line(&mut self, line: &str) -> Result<()> {
        self.hasher.update(line.as_bytes());
        self.hasher.update(b"\n");
        self.file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|error| unwritable(&self.path, error))
    }

    /// Writes what a document begins with.
    pub fn open(&mut self, header: &PlanHeader) -> Result<()> {
        self.line(&format!("{{\"format\":{},", json(&FORMAT)))?;
        self.line(&format!("\"header\":{},", json(header)))
    }

    /// Writes a member that is a list, one item a line.
    pub fn list(&mut self, name: &str, items: impl Iterator<Item = Result<String>>) -> Result<()> {
        self.line(&format!("\"{name}\":["))?;
        let mut items = items.peekable();
        while let Some(item) = items.next() {
            let item = item?;
            if items.peek().is_some() { self.line(&format!("{item},"))? } else { self.line(&item)? }
        }
        self.line("],")
    }

    /// Writes the hash and puts the document in its place; gives the hash.
    pub fn close(mut self) -> Result<String> {
        let hash = format!("blake3:{}", self.hasher.finalize().to_hex());
        let failed = |error| unwritable(&self.path, error);
        writeln!(self.file, "\"hash\":{}}}", json(&hash)).map_err(failed)?;
        let file = self.file.into_inner().map_err(|error| unwritable(&self.path, error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|error| unwritable(&self.path, error.error))?;
        Ok(hash)
    }
}

/// A value as it stands in a line.
pub fn json(value: &impl Serialize) -> String {
    // Plain data with text keys always serialises.
    serde_json::to_string(value).unwrap_or_default()
}

/// The error of a plan that cannot be written.
pub fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("cannot write the plan `{}`", path.display())).caused_by(error)
}
