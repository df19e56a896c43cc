//! What the history remembers, for plans.

use crate::Result;
use crate::change::Change;
use crate::history::History;
use crate::plan::Memory;

/// The history of one sync with one system, asked from outside the asynchronous threads.
pub struct Remembered {
    /// The history.
    pub history: History,
    /// The system that is written to.
    pub instance: String,
    /// Where the history's answers are waited for.
    pub runtime: tokio::runtime::Handle,
}

impl Memory for Remembered {
    fn is_ours(&self, change: &Change) -> Result<bool> {
        let object = (change.key.clone(), change.native.as_ref().map(|native| native.id.to_string()));
        let ours = self.runtime.block_on(self.history.created_here(&self.instance, &change.model, &[object]));
        // Not knowing whose it is, is a reason to leave it.
        Ok(ours.is_ok_and(|ours| !ours.is_empty()))
    }
}
