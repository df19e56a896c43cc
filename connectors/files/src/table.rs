//! The records of one file.

use std::collections::BTreeSet;
use std::fs::File;

use syncline_core::{Error, ErrorKind, Result};
use syncline_model::{FieldSet, ModelSchema};
use tokio::sync::mpsc;

use crate::Format;
use crate::folder::{ModelFile, failed, name};
use crate::format::{Broken, Fields};

/// How many records a reader may be ahead of whoever takes them.
const AHEAD: usize = 1_000;

/// A record with its place in the file, or why there are no more.
pub type Row = Result<(String, Fields)>;

impl ModelFile {
    /// The records in their order, without the notes in them. They are read on a thread of their own, which waits when it is ahead.
    pub fn rows(self) -> mpsc::Receiver<Row> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            let mut each = |place, fields| sender.blocking_send(Ok((place, without_notes(fields)))).is_ok();
            if let Err(error) = self.read(&mut each) {
                // Whoever has gone away does not want to know either.
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }

    /// Hands over every record until `each` wants no more. Blocks.
    pub fn read(&self, each: &mut dyn FnMut(String, Fields) -> bool) -> Result<()> {
        self.format.read(self.open()?, each).map_err(|broken| self.broken(broken))
    }

    fn open(&self) -> Result<File> {
        File::open(&self.path).map_err(|error| failed(&self.path, "cannot be opened", error))
    }

    fn broken(&self, Broken { place, cause }: Broken) -> Error {
        let at = place.map(|place| format!(" at {place}")).unwrap_or_default();
        let message = format!("`{}` is broken off, or not a list of records in its format{at}", name(&self.path));
        Error::new(ErrorKind::Protocol, message).caused_by(cause)
    }

    /// The fields that any of the records has. Blocks.
    pub fn fields(&self, schema: &'static ModelSchema) -> Result<FieldSet> {
        let mut names = BTreeSet::new();
        if self.format == Format::Csv {
            // The heading tells them also where there is no record.
            names.extend(crate::format::heading(self.open()?).map_err(|broken| self.broken(broken))?);
        } else {
            self.read(&mut |_, fields| {
                names.extend(fields.into_iter().map(|(name, _)| name));
                true
            })?;
        }
        names.retain(|name| !name.starts_with('_'));
        names.iter().map(|field| self.position(schema, field)).collect()
    }

    fn position(&self, schema: &'static ModelSchema, field: &str) -> Result<usize> {
        schema.position(field).ok_or_else(|| {
            let known: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
            let message = format!(
                "`{}` has `{field}`, which is no field of `{}`; known are {}. What is for people alone begins with `_`",
                name(&self.path),
                schema.name,
                known.join(", ")
            );
            Error::new(ErrorKind::Settings, message)
        })
    }
}

/// A record without what is for people alone: names that begin with `_`.
pub fn without_notes(fields: Fields) -> Fields {
    fields.into_iter().filter(|(name, _)| !name.starts_with('_')).collect()
}
