//! Reading a saved plan.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Binding, FORMAT, PlanHeader, PlanSummary};
use crate::change::Change;
use crate::{Error, ErrorKind, Result};

/// A saved plan whose hash was checked. Changes are read one by one.
#[derive(Debug)]
pub struct PlanReader {
    path: PathBuf,
    hash: String,
    header: PlanHeader,
    summary: PlanSummary,
    bindings_at: u64,
    /// None when the plan has no such list.
    adopted_at: Option<u64>,
    changes_at: u64,
}

impl PlanReader {
    /// Opens a plan and checks that it is whole: format, hash, and that every change can be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| unopened(path, error))?;
        let mut lines = Lines { path, input: BufReader::new(file), line: String::new(), hasher: blake3::Hasher::new() };

        let first = lines.first()?;
        let format = first.trim_end().strip_prefix("{\"format\":").and_then(|rest| rest.strip_suffix(','));
        let format: Option<String> = format.and_then(|format| serde_json::from_str(format).ok());
        match format.as_deref() {
            Some(FORMAT) => {}
            Some(other) => {
                let message =
                    format!("the plan `{}` has the format `{other}`; this version reads `{FORMAT}`", path.display());
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            None => {
                let message = format!(
                    "`{}` is no plan, or was reformatted; `syncline plan SYNC -o FILE` keeps one",
                    path.display()
                );
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        let header: PlanHeader = lines.member("header")?;
        lines.expect("\"bindings\":[")?;
        let bindings_at = lines.position()?;
        while lines.next()? != "],\n" {
            lines.item::<Binding>()?;
        }
        let mut adopted_at = None;
        if lines.next()?.trim_end() == "\"adopted\":[" {
            adopted_at = Some(lines.position()?);
            while lines.next()? != "],\n" {
                lines.item::<Binding>()?;
            }
            lines.next()?;
        }
        lines.is("\"changes\":[")?;
        let changes_at = lines.position()?;
        while lines.next()? != "],\n" {
            lines.item::<Change>()?;
        }
        let summary = lines.member("summary")?;
        let computed = format!("blake3:{}", lines.hasher.finalize().to_hex());
        let last = lines.next()?.trim_end().to_owned();
        let hash = last.strip_prefix("\"hash\":").and_then(|rest| rest.strip_suffix('}'));
        let hash: Option<String> = hash.and_then(|hash| serde_json::from_str(hash).ok());
        if hash.as_deref() != Some(&computed) {
            let message = format!(
                "the plan `{}` was changed after it was saved: its content does not have the hash that it states; make a \
                 new plan with `syncline plan {} -o FILE`",
                path.display(),
                header.sync
            );
            return Err(Error::new(ErrorKind::Stale, message));
        }
        Ok(Self { path: path.to_owned(), hash: computed, header, summary, bindings_at, adopted_at, changes_at })
    }

    /// What the plan was made from.
    pub fn header(&self) -> &PlanHeader {
        &self.header
    }

    /// What the plan amounts to.
    pub fn summary(&self) -> &PlanSummary {
        &self.summary
    }

    /// The plan's hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Where the plan is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The records of the target that changes refer to.
    pub fn bindings(&self) -> Result<impl Iterator<Item = Result<Binding>> + use<>> {
        self.items(self.bindings_at)
    }

    /// The records of the target that become Syncline's own when the plan is applied.
    pub fn adopted(&self) -> Result<impl Iterator<Item = Result<Binding>> + use<>> {
        let adopted = self.adopted_at.map(|position| self.items(position)).transpose()?;
        Ok(adopted.into_iter().flatten())
    }

    /// The changes in the order in which they are applied.
    pub fn changes(&self) -> Result<impl Iterator<Item = Result<Change>> + use<>> {
        self.items(self.changes_at)
    }

    fn items<T: DeserializeOwned>(&self, position: u64) -> Result<impl Iterator<Item = Result<T>> + use<T>> {
        let path = self.path.clone();
        let unreadable = move |error: std::io::Error| {
            Error::new(ErrorKind::Storage, format!("cannot read the plan `{}`", path.display())).caused_by(error)
        };
        let mut input = BufReader::new(File::open(&self.path).map_err(&unreadable)?);
        input.seek(std::io::SeekFrom::Start(position)).map_err(&unreadable)?;
        let lines = input.lines().take_while(|line| line.as_ref().map_or(true, |line| line != "],"));
        Ok(lines.map(move |line| {
            let line = line.map_err(&unreadable)?;
            serde_json::from_str(line.strip_suffix(',').unwrap_or(&line)).map_err(|error| unreadable(error.into()))
        }))
    }
}

/// What is there but cannot be read is a matter of the disk; anything else is one of the path.
fn unopened(path: &Path, error: std::io::Error) -> Error {
    let path = path.display();
    if error.kind() == std::io::ErrorKind::NotFound {
        let message = format!("there is no file `{path}`: check the path; `syncline plan SYNC -o FILE` keeps a plan");
        return Error::new(ErrorKind::NotFound, message);
    }
    Error::new(ErrorKind::Storage, format!("cannot open the plan `{path}`")).caused_by(error)
}

/// The lines of a plan, hashed as they are read.
struct Lines<'a> {
    path: &'a Path,
    input: BufReader<File>,
    line: String,
    hasher: blake3::Hasher,
}

impl Lines<'_> {
    /// The first line; empty when there is none, or none of text.
    fn first(&mut self) -> Result<&str> {
        match self.read() {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => self.line.clear(),
            Err(error) => return Err(self.unreadable(error)),
        }
        Ok(&self.line)
    }

    fn next(&mut self) -> Result<&str> {
        let read = self.read().map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => self.broken().caused_by(error),
            _ => self.unreadable(error),
        })?;
        if read == 0 {
            return Err(self.broken());
        }
        Ok(&self.line)
    }

    fn read(&mut self) -> std::io::Result<usize> {
        self.line.clear();
        let read = self.input.read_line(&mut self.line)?;
        self.hasher.update(self.line.as_bytes());
        Ok(read)
    }

    fn expect(&mut self, expected: &str) -> Result<()> {
        self.next()?;
        self.is(expected)
    }

    /// Checks the current line.
    fn is(&self, expected: &str) -> Result<()> {
        if self.line.trim_end() == expected { Ok(()) } else { Err(self.broken()) }
    }

    fn member<T: DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        self.next()?;
        let prefix = format!("\"{name}\":");
        let value = self.line.trim_end().strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(','));
        let value = value.ok_or_else(|| self.broken())?;
        serde_json::from_str(value).map_err(|error| self.broken().caused_by(error))
    }

    /// The current line as a member of a list.
    fn item<'s, T: Deserialize<'s>>(&'s self) -> Result<T> {
        let line = self.line.trim_end();
        serde_json::from_str(line.strip_suffix(',').unwrap_or(line)).map_err(|error| self.broken().caused_by(error))
    }

    fn position(&mut self) -> Result<u64> {
        self.input.stream_position().map_err(|error| self.broken().caused_by(error))
    }

    fn broken(&self) -> Error {
        let message = format!(
            "the plan `{}` was changed after it was saved: it is cut short, or was edited; make a new plan with `syncline \
             plan SYNC -o FILE`",
            self.path.display()
        );
        Error::new(ErrorKind::Stale, message)
    }

    fn unreadable(&self, error: std::io::Error) -> Error {
        Error::new(ErrorKind::Storage, format!("cannot read the plan `{}`", self.path.display())).caused_by(error)
    }
}
