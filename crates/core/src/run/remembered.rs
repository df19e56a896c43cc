//! What the history remembers, for plans.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use syncline_model::{AnyKey, DeletionClass, ModelSchema};

use super::quarantine::Watch;
use crate::Result;
use crate::applied::AppliedValues;
use crate::change::{Change, FieldChange, Hold};
use crate::history::{History, Link};
use crate::plan::{Memory, id_hash};

/// The history of one sync with one system, asked from outside the asynchronous threads.
pub struct Remembered {
    /// The history.
    pub history: History,
    /// The system that is read.
    pub source: String,
    /// The system that is written to.
    pub instance: String,
    /// Whether only what is ours may be deleted.
    pub only_own: bool,
    /// Where the history's answers are waited for.
    pub runtime: tokio::runtime::Handle,
    /// What is absent.
    pub watch: Watch,
    /// Those of the last look-ahead that are ours.
    pub ours: RefCell<HashSet<AnyKey>>,
}

impl Memory for Remembered {
    fn is_ours(&self, change: &Change) -> Result<bool> {
        Ok(self.ours.borrow().contains(&change.key))
    }

    fn look_ahead(&self, schema: &'static ModelSchema, deletes: &[Change], is_proven: bool) -> Result<()> {
        let mut ours = self.ours.borrow_mut();
        ours.clear();
        if is_proven && self.only_own && schema.deletion != DeletionClass::Shared {
            let object =
                |change: &Change| (change.key.clone(), change.native.as_ref().map(|native| native.id.to_string()));
            let objects: Vec<_> = deletes.iter().map(object).collect();
            let found = self.runtime.block_on(self.history.created_here(&self.instance, schema.name, &objects));
            // Not knowing whose it is, is a reason to leave it.
            *ours = found.unwrap_or_default();
        }
        let is_ours = |change: &Change| !self.only_own || ours.contains(&change.key);
        self.watch.look_ahead(schema, deletes, is_ours, is_proven)
    }

    fn absent(&self, _: &'static ModelSchema, change: &Change) -> Result<Option<Hold>> {
        self.watch.absent(change)
    }

    fn mark(&self, change: &Change, has_field: &dyn Fn(&str) -> bool) -> Result<Vec<FieldChange>> {
        self.watch.mark(change, has_field)
    }

    fn owns(&self, change: &Change) -> Result<bool> {
        let object = (change.key.clone(), change.native.as_ref().map(|native| native.id.to_string()));
        let ours = self.runtime.block_on(self.history.created_here(&self.instance, &change.model, &[object]));
        // Not knowing whose it is, is a reason to leave it.
        Ok(ours.is_ok_and(|ours| !ours.is_empty()))
    }

    fn has_applied(&self, model: &str) -> Result<bool> {
        self.runtime.block_on(self.history.has_applied(&self.instance, model))
    }

    fn applied(&self, model: &str, ids: &[String]) -> Result<HashMap<String, AppliedValues>> {
        self.runtime.block_on(self.history.applied(&self.instance, model, ids))
    }

    fn links(&self, model: &str) -> Result<HashMap<Box<str>, Box<str>>> {
        self.runtime.block_on(self.history.links(&self.source, &self.instance, model))
    }

    fn link(&self, model: &str, links: &[(Box<str>, Box<str>)]) -> Result<()> {
        let links = links.iter().cloned();
        let links: Vec<_> = links.map(|(source_id, target_id)| Link { source_id, target_id }).collect();
        self.runtime.block_on(self.history.link(&self.source, &self.instance, model, &links))
    }

    fn ours(&self, model: &str) -> Result<HashSet<u64>> {
        let mut ours = HashSet::new();
        let take = |id: &str| {
            ours.insert(id_hash(id.as_bytes()));
        };
        self.runtime.block_on(self.history.each_of_ours(&self.instance, model, take))?;
        Ok(ours)
    }
}
