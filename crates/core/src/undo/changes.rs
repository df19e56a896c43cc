//! The changes of a run, sorted by model and key.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

use crate::bindings::hash;
use crate::change::{Action, FieldChange};
use crate::history::AppliedChange;
use crate::plan::PlanReader;
use crate::snapshot::Sorted;
use crate::{Error, ErrorKind, Result};

/// What a run did to a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// What was done.
    pub action: Action,
    /// The values before and after.
    pub fields: Vec<FieldChange>,
    /// The record's id in the target.
    pub native_id: Option<String>,
    /// All of it reached the target.
    pub whole: bool,
    /// What the target said of the record before it was deleted.
    pub image: Option<Value>,
}

/// Takes the changes of a run as the history has them.
pub struct Changes {
    folder: TempDir,
    sorted: BTreeMap<String, Sorted>,
    created: BTreeSet<String>,
    names: HashMap<u128, u128>,
}

/// The changes of a run on disk, and the names under which it knew records.
pub struct Collected {
    pub(super) folder: TempDir,
    /// By model: changes by key.
    pub(super) models: BTreeMap<String, PathBuf>,
    /// Models of which the run created records.
    pub(super) created: BTreeSet<String>,
    /// Hashes of model and key by hashes of model and id.
    pub(super) names: HashMap<u128, u128>,
    /// The plan that the run applied, if it is still there.
    pub(super) plan: Option<PlanReader>,
}

impl Changes {
    /// None yet. What is collected lies in a folder of its own in `folder`, and goes with it.
    pub fn new(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| storage(folder, error))?;
        let folder = TempDir::with_prefix_in("undo-", folder).map_err(|error| storage(folder, error))?;
        Ok(Self { folder, sorted: BTreeMap::new(), created: BTreeSet::new(), names: HashMap::new() })
    }

    /// Takes a change. One that certainly left nothing in the target is left out.
    pub fn push(&mut self, change: AppliedChange) -> Result<()> {
        let AppliedChange { model, key, action, fields, native_id, whole, image, .. } = change;
        let left_something = match action {
            // A create that has an id was made, whatever failed afterwards.
            Action::Create => whole || native_id.is_some(),
            Action::Update => true,
            Action::Delete => whole,
        };
        if !left_something {
            return Ok(());
        }
        if action != Action::Delete
            && let Some(id) = &native_id
        {
            self.names.insert(hash(&model, id), hash(&model, key.as_str()));
        }
        if action == Action::Create {
            self.created.insert(model.clone());
        }
        let folder = self.folder.path();
        let sorted = self.sorted.entry(model).or_insert_with(|| Sorted::new(folder));
        let taken = Taken { action, fields, native_id, whole, image };
        let taken = serde_json::to_vec(&taken)
            .map_err(|error| Error::new(ErrorKind::Internal, "a change cannot be written").caused_by(error))?;
        sorted.push(key.as_str().as_bytes(), &taken, None)
    }

    /// Ends the collecting. `plan` is the plan that the run applied, which knows more names.
    pub fn finish(mut self, plan: Option<PlanReader>) -> Result<Collected> {
        if let Some(plan) = &plan {
            for binding in plan.bindings()? {
                let binding = binding?;
                let (id, key) = (hash(&binding.model, &binding.id), hash(&binding.model, binding.key.as_str()));
                self.names.entry(id).or_insert(key);
            }
        }
        let files = self.sorted.into_iter().map(|(model, sorted)| {
            let file = sorted.finish(&format!("{model}-changes"))?;
            Ok((model, file))
        });
        let models = files.collect::<Result<_>>()?;
        Ok(Collected { folder: self.folder, models, created: self.created, names: self.names, plan })
    }
}

impl Collected {
    /// The models that the run changed.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// Whether the run created records of a model.
    pub fn has_created(&self, model: &str) -> bool {
        self.created.contains(model)
    }

    /// The fields of a model that the run compared; none when its plan is gone.
    pub(super) fn compared(&self, model: &str) -> Option<&[String]> {
        self.plan.as_ref()?.header().fields.get(model).map(Vec::as_slice)
    }
}

fn storage(folder: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("cannot write to `{}`", folder.display())).caused_by(error)
}
