//! What earlier runs left, as far as it decides about a plan.

use crate::Result;
use crate::change::Change;

/// What earlier runs left. Plans are made away from the asynchronous threads, so that answers may take their time.
pub trait Memory {
    /// Whether Syncline created the record of a delete, or was told to adopt it.
    fn is_ours(&self, change: &Change) -> Result<bool>;
}

/// Everything is ours: for comparisons without a history, whose plans nobody applies to a system that others use too.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllOurs;

impl Memory for AllOurs {
    fn is_ours(&self, _: &Change) -> Result<bool> {
        Ok(true)
    }
}
