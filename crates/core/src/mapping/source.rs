//! A source whose records are mapped.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use syncline_model::AnyKey;

use super::{Keys, Mapped, Rules};
use crate::Result;
use crate::describe::{CheckReport, ConfigItem, ObjectLink};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::read::ReadRequest;
use crate::snapshot::{Snapshot, SnapshotSink};
use crate::source::{Absence, DataSource};

/// A source, and the rules of a sync. What it loads is what the source said: [`map`](Self::map) makes of it what the rules say, and
/// from then on keys are those after the mapping.
pub struct MappedSource {
    source: Box<dyn DataSource>,
    rules: Arc<Rules>,
    /// How records were called in what was mapped last.
    keys: Mutex<Arc<Keys>>,
}

impl MappedSource {
    /// A source with rules.
    pub fn new(source: Box<dyn DataSource>, rules: Rules) -> Self {
        Self { source, rules: rules.into(), keys: Mutex::default() }
    }

    /// What the source can tell of by itself, without what rules add.
    pub fn tells(&self) -> ModelFields {
        self.source.knows()
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Makes of a read what the rules say, with the fields of `given`. Files are read, and written to `folder`.
    pub fn map(&self, read: &Snapshot, given: &ModelFields, folder: &Path) -> Result<Snapshot> {
        let Mapped { snapshot, keys } = self.rules.apply(read, given, folder)?;
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys.into();
        Ok(snapshot)
    }

    /// How records were called in what was mapped last, and which were left out.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl DataSource for MappedSource {
    fn knows(&self) -> ModelFields {
        self.rules.extended(&self.source.knows())
    }

    async fn check(&self) -> Result<CheckReport> {
        self.source.check().await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.source.load(request, sink).await
    }

    /// What a rule leaves out is out of scope. The source is asked about the others by the keys that it knows; where a rule made the
    /// key, nobody can tell which that would be.
    async fn explain_absence(&self, model: &str, keys: &[AnyKey]) -> Result<Vec<Absence>> {
        let known = self.keys();
        let mut answers = vec![Absence::Unknown; keys.len()];
        let mut asked = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            if known.is_out_of_scope(model, key) {
                answers[at] = Absence::OutOfScope;
            } else if let Some(original) = known.original(model, key) {
                asked.push((at, original));
            }
        }
        let originals: Vec<_> = asked.iter().map(|(_, key)| key.clone()).collect();
        if originals.is_empty() {
            return Ok(answers);
        }
        let told = self.source.explain_absence(model, &originals).await?;
        if told.len() != originals.len() {
            // As many answers as questions are expected: whoever asked sees that there are not.
            return Ok(told);
        }
        for ((at, _), answer) in asked.into_iter().zip(told) {
            answers[at] = answer;
        }
        Ok(answers)
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        self.source.config_information()
    }

    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        let original = self.keys().original(model, key);
        self.source.lookup_object(model, original.as_ref().unwrap_or(key), native).await
    }
}
