//! What earlier runs left, as far as it decides about a plan, and what planning adds to it.

use std::collections::{HashMap, HashSet};

use syncline_model::ModelSchema;

use crate::Result;
use crate::applied::AppliedValues;
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

    /// The mark that the record of a held delete gets; no field when it gets none. `has_field` tells which of its fields both sides
    /// speak of.
    fn mark(&self, change: &Change, has_field: &dyn Fn(&str) -> bool) -> Result<Vec<FieldChange>> {
        let _ = (change, has_field);
        Ok(Vec::new())
    }

    /// Whether Syncline created the record of a change, or was told to adopt it: asked of one by itself, not as one of many deletes.
    fn owns(&self, change: &Change) -> Result<bool> {
        self.is_ours(change)
    }

    /// Whether Syncline ever applied anything to a record of a model in the target.
    fn has_applied(&self, model: &str) -> Result<bool> {
        let _ = model;
        Ok(false)
    }

    /// What was last applied to records of a model, by the target's ids. Records that Syncline never wrote are not in the answer.
    fn applied(&self, model: &str, ids: &[String]) -> Result<HashMap<String, AppliedValues>> {
        let _ = (model, ids);
        Ok(HashMap::new())
    }

    /// Which records of the target the records of the source are, of one model: the target's ids by the source's.
    fn links(&self, model: &str) -> Result<HashMap<Box<str>, Box<str>>> {
        let _ = model;
        Ok(HashMap::new())
    }

    /// Keeps which records of the target records of the source are, both by id.
    fn link(&self, model: &str, links: &[(Box<str>, Box<str>)]) -> Result<()> {
        let _ = (model, links);
        Ok(())
    }

    /// The records of a model that are ours, as hashes of the target's ids.
    fn ours(&self, model: &str) -> Result<HashSet<u64>> {
        let _ = model;
        Ok(HashSet::new())
    }
}

/// The hash of a target's id, for [`Memory::ours`].
pub fn id_hash(id: &[u8]) -> u64 {
    let mut half = [0_u8; 8];
    half.copy_from_slice(&blake3::hash(id).as_bytes()[..8]);
    u64::from_le_bytes(half)
}

/// Everything is ours: for comparisons without a history, whose plans nobody applies to a system that others use too.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllOurs;

impl Memory for AllOurs {
    fn is_ours(&self, _: &Change) -> Result<bool> {
        Ok(true)
    }
}
