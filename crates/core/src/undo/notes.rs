//! What is to be said of changes that the comparison itself does not know.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::{AnyKey, ModelSchema};

use crate::change::{Change, Hold, HoldRule};
use crate::diff::{DiffCounts, DiffOutput};
use crate::snapshot::SnapshotReader;
use crate::{Error, ErrorKind, Result};

/// A note about a record.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Note {
    /// Why it is not touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// What the target said of it before it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Value>,
    /// The change to show where the comparison finds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// Adds notes to the changes that a comparison finds. Both come in the order of their keys.
pub struct Annotated<'a> {
    output: &'a mut dyn DiffOutput,
    files: &'a BTreeMap<&'static str, PathBuf>,
    open: Option<Notes>,
}

/// The notes of one model.
struct Notes {
    model: String,
    reader: Option<SnapshotReader>,
    next: Option<(AnyKey, Note)>,
}

impl<'a> Annotated<'a> {
    /// Hands changes with their notes, which lie in a file for each model, to `output`.
    pub fn new(output: &'a mut dyn DiffOutput, files: &'a BTreeMap<&'static str, PathBuf>) -> Self {
        Self { output, files, open: None }
    }

    fn notes(&mut self, model: &str) -> Result<&mut Notes> {
        if self.open.as_ref().is_none_or(|notes| notes.model != model) {
            let reader = self.files.get(model).map(|file| SnapshotReader::open_path(file)).transpose()?;
            let mut notes = Notes { model: model.to_owned(), reader, next: None };
            notes.advance()?;
            self.open = Some(notes);
        }
        self.open.as_mut().ok_or_else(|| Error::new(ErrorKind::Internal, "the notes of an undo are not open"))
    }

    /// The note of a record; the changes of those before it are handed on.
    fn note(&mut self, model: &str, key: Option<&AnyKey>) -> Result<Option<Note>> {
        loop {
            let notes = self.notes(model)?;
            let is_due = |next: &AnyKey| key.is_none_or(|key| next.as_str() <= key.as_str());
            let Some((next, note)) = notes.next.take_if(|(next, _)| is_due(next)) else { return Ok(None) };
            notes.advance()?;
            if Some(&next) == key {
                return Ok(Some(note));
            }
            if let Some(mut change) = note.change {
                change.hold = note.hold.map(moved);
                self.output.change(change)?;
            }
        }
    }
}

impl Notes {
    fn advance(&mut self) -> Result<()> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let Some(line) = reader.next_line()? else { return Ok(()) };
        let note = serde_json::from_slice(line.record)
            .map_err(|error| Error::new(ErrorKind::Storage, "a note of an undo cannot be read").caused_by(error))?;
        self.next = Some((AnyKey::from_canonical(&String::from_utf8_lossy(line.key)), note));
        Ok(())
    }
}

impl DiffOutput for Annotated<'_> {
    fn change(&mut self, change: Change) -> Result<()> {
        self.change_at(change, None)
    }

    fn counted_at(&mut self, model: &'static ModelSchema, site: &str, in_both: u64) -> Result<()> {
        self.output.counted_at(model, site, in_both)
    }

    fn change_at(&mut self, mut change: Change, site: Option<&str>) -> Result<()> {
        if let Some(note) = self.note(&change.model.clone(), Some(&change.key))? {
            change.image = note.image;
            if let Some(reason) = note.hold {
                change.hold = Some(moved(reason));
            }
        }
        self.output.change_at(change, site)
    }

    fn counted(&mut self, model: &'static ModelSchema, counts: DiffCounts) -> Result<()> {
        self.note(model.name, None)?;
        self.output.counted(model, counts)
    }
}

fn moved(reason: String) -> Hold {
    Hold { rule: HoldRule::Moved, reason }
}
