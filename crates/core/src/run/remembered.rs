//! What the history remembers, for plans.

use std::cell::RefCell;
use std::collections::HashSet;

use syncline_model::{AnyKey, DeletionClass, ModelSchema};

use super::quarantine::Watch;
use crate::Result;
use crate::change::{Change, FieldChange, Hold};
use crate::history::History;
use crate::plan::Memory;

/// The history of one sync with one system, asked from outside the asynchronous threads.
pub struct Remembered {
    /// The history.
    pub history: History,
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

    fn mark(&self, change: &Change, has_field: &dyn Fn(&str) -> bool) -> Result<Option<FieldChange>> {
        self.watch.mark(change, has_field)
    }
}
