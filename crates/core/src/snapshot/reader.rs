//! Reading a stored model, line by line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::ModelSnapshot;
use super::line::Line;
use crate::{Error, ErrorKind, Result};

/// Reads the records of one model in key order, in constant memory.
pub struct SnapshotReader {
    input: BufReader<zstd::Decoder<'static, BufReader<File>>>,
    line: Vec<u8>,
    path: PathBuf,
}

impl SnapshotReader {
    /// Opens the stored read of a model.
    pub fn open(snapshot: &ModelSnapshot) -> Result<Self> {
        Self::open_path(&snapshot.path)
    }

    /// Opens a file by path.
    pub fn open_path(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        Self::over(BufReader::new(file), path)
    }

    pub(super) fn over(file: BufReader<File>, path: &Path) -> Result<Self> {
        let decoder = zstd::Decoder::with_buffer(file).map_err(|error| unreadable(path, error))?;
        Ok(Self { input: BufReader::with_capacity(128 * 1024, decoder), line: Vec::new(), path: path.to_owned() })
    }

    /// The next record; none at the end.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>> {
        self.next_raw()?.map(Line::split).transpose()
    }

    /// The next line with its line break; none at the end.
    pub(crate) fn next_raw(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        let read = self.input.read_until(b'\n', &mut self.line).map_err(|error| unreadable(&self.path, error))?;
        if read == 0 {
            return Ok(None);
        }
        if self.line.last() != Some(&b'\n') {
            let message = format!("the snapshot `{}` is cut short", self.path.display());
            return Err(Error::new(ErrorKind::Storage, message));
        }
        Ok(Some(&self.line))
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("cannot read the snapshot `{}`", path.display())).caused_by(error)
}
