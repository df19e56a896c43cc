//! Changes on their way into a plan, and what is noted beside them: lines in a temporary file.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// JSON lines in a temporary file that nobody else sees.
pub struct Spool {
    file: BufWriter<File>,
}

impl Spool {
    pub fn create_in(folder: &Path) -> Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile_in(folder).map_err(failed)?) })
    }

    pub fn push(&mut self, item: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.file, item).map_err(|error| failed(error.into()))?;
        self.file.write_all(b"\n").map_err(failed)
    }

    /// Ends the writing: the lines from the first on.
    pub fn lines(self) -> Result<impl Iterator<Item = Result<String>>> {
        let mut file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        Ok(BufReader::new(file).lines().map(|line| line.map_err(failed)))
    }

    /// Ends the writing: what was pushed, from the first on.
    pub fn items<T: DeserializeOwned>(self) -> Result<impl Iterator<Item = Result<T>>> {
        Ok(self.lines()?.map(|line| serde_json::from_str(&line?).map_err(|error| failed(error.into()))))
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "cannot keep the changes of a plan in a temporary file").caused_by(error)
}
