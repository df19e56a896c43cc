//! What other mapping rules would make of the last read: tried on the files that are kept of it, without asking any system.

use std::collections::BTreeMap;
use std::path::Path;

use syncline_model::FieldSet;
use syncline_model::models::by_name;

use super::Runner;
use super::compare_reads::{differences, is_made, is_there};
use crate::change::Change;
use crate::event::Side;
use crate::fields::ModelFields;
use crate::history::Run;
use crate::mapping::Rules;
use crate::plan::PlanRead;
use crate::snapshot::{Filled, ModelSnapshot, ReadVerdict, Rejection, Snapshot, kept_file};
use crate::{Error, ErrorKind, Result};

/// What rules make of a read, beside what the rules as they are make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingTrial {
    /// Model by model, by name.
    pub models: Vec<TriedModel>,
    /// Models that the run read and that are not kept: of these nothing is told.
    pub gone: Vec<String>,
}

/// What rules make of the records of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct TriedModel {
    /// The model.
    pub model: String,
    /// How many records there are by the rules as they are, and by those that are tried.
    pub records: [u64; 2],
    /// The first of those that come out differently: what would make the former the latter.
    pub changes: Vec<Change>,
    /// There are more.
    pub has_more: bool,
    /// How many the tried rules reject, beyond those that the read rejected.
    pub rejected: u64,
    /// The first of them.
    pub rejections: Vec<Rejection>,
    /// How many the tried rules leave out, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
}

impl Runner {
    /// Tries rules on what a run read of its source, beside the rules as they are now; none where the run's plan is not on this machine.
    /// Of each model up to `limit` differences are told. Files are read and written, and removed again: this is no work for a thread
    /// that answers requests.
    pub fn try_mapping(&self, run: &Run, now: &Rules, tried: &Rules, limit: usize) -> Result<Option<MappingTrial>> {
        let Some(plan) = self.glance_at(run) else { return Ok(None) };
        let header = plan.header();
        let kept = self.snapshots_of(&run.sync);
        let mut read = Snapshot { side: Side::Source, models: BTreeMap::new(), notes: BTreeMap::new() };
        let (mut given, mut gone) = (ModelFields::new(), Vec::new());
        let reads = header.source.reads.iter().filter(|(model, _)| !is_made(header, model));
        for (model, of_model) in reads {
            let Some(schema) = by_name(model) else { continue };
            let file = kept_file(&kept, model, of_model.as_read.as_ref().unwrap_or(&of_model.digest));
            if is_there(&file)? {
                read.models.insert(schema.name, as_kept(schema.name, of_model, &file));
                given = given.insert(schema, FieldSet::ALL);
            } else {
                gone.push(model.clone());
            }
        }
        let scratch = tempfile::tempdir_in(&kept).map_err(|error| {
            Error::new(ErrorKind::Storage, format!("cannot work in `{}`", kept.display())).caused_by(error)
        })?;
        let before = now.apply(&read, &given, scratch.path())?.snapshot;
        let after = tried.apply(&read, &given, scratch.path())?.snapshot;
        let mut models = Vec::new();
        for (model, after) in &after.models {
            let (Some(before), Some(read)) = (before.models.get(model), read.models.get(model)) else { continue };
            let (mut changes, mut has_more) = (Vec::new(), false);
            if before.digest != after.digest {
                (changes, has_more) = differences(model, &before.path, &after.path, limit)?;
            }
            let already = read.rejections.len().min(after.rejections.len());
            models.push(TriedModel {
                model: (*model).to_owned(),
                records: [before.records, after.records],
                changes,
                has_more,
                rejected: after.rejected - read.rejected,
                rejections: after.rejections[already..].to_vec(),
                left_out: after.skipped.clone(),
            });
        }
        Ok(Some(MappingTrial { models, gone }))
    }
}

/// A read as its file has it.
fn as_kept(model: &'static str, read: &PlanRead, file: &Path) -> ModelSnapshot {
    ModelSnapshot {
        model,
        path: file.to_owned(),
        digest: read.as_read.as_ref().unwrap_or(&read.digest).clone(),
        records: read.records,
        bytes: 0,
        verdict: ReadVerdict::Complete,
        skipped: BTreeMap::new(),
        rejected: 0,
        rejected_origins: 0,
        rejections: Vec::new(),
        duplicates: 0,
        duplicate_keys: Vec::new(),
        filled: Filled::default(),
    }
}
