//! What earlier runs left, as far as it decides about a plan.

use syncline_model::ModelSchema;

use crate::Result;
use crate::change::{Change, FieldChange, Hold};

/// What earlier runs left. Plans are made away from the asynchronous threads, so that answers may take their time.
pub trait Memory {
    /// Whether Syncline created the record of a delete, or was told to adopt it.
    fn is_ours(&self, change: &Change) -> Result<bool>;

    /// The next deletes of a model that are asked about, so that they can be looked up at once. `is_proven` when the reads
    /// prove that their records are absent. They come parents first, and every delete comes by.
    fn look_ahead(&self, schema: &'static ModelSchema, deletes: &[Change], is_proven: bool) -> Result<()> {
        let _ = (schema, deletes, is_proven);
        Ok(())
    }

    /// Notes that the record of a delete is absent, which is proven. Why it has to wait before it may be deleted; none when it
    /// has waited long enough.
    fn absent(&self, schema: &'static ModelSchema, change: &Change) -> Result<Option<Hold>> {
        let _ = (schema, change);
        Ok(None)
    }

    /// The mark that the record of a held delete gets. `has_field` tells which of its fields both sides speak of.
    fn mark(&self, change: &Change, has_field: &dyn Fn(&str) -> bool) -> Result<Option<FieldChange>> {
        let _ = (change, has_field);
        Ok(None)
    }
}

/// Everything is ours: for comparisons without a history, whose plans nobody applies to a system that others use too.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllOurs;

impl Memory for AllOurs {
    fn is_ours(&self, _: &Change) -> Result<bool> {
        Ok(true)
    }
}
