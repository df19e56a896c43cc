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
    /// Its place among the changes of the run.
    pub number: u64,
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
    /// Values between before and after that the record may have stopped at, by field. None when all of it reached the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub between: Vec<(String, Value)>,
}

impl Taken {
    /// All that a run did to a record, in order, as one change: an address was let go, and another one was put in its place.
    pub fn folded(mut all: Vec<Self>) -> Option<Self> {
        all.sort_by_key(|taken| taken.number);
        let whole = all.iter().all(|taken| taken.whole);
        let mut all = all.into_iter();
        let mut folded = all.next()?;
        for next in all {
            for field in next.fields {
                match folded.fields.iter_mut().find(|known| known.name == field.name) {
                    None => folded.fields.push(field),
                    Some(known) => {
                        let between = std::mem::replace(&mut known.after, field.after);
                        known.deferred |= field.deferred;
                        if !whole {
                            folded.between.push((field.name, between));
                        }
                    }
                }
            }
            // What was created is to go, and what was deleted is to come back, whatever else was done to it.
            if next.action == Action::Delete || folded.action == Action::Update {
                folded.action = next.action;
            }
            folded.native_id = folded.native_id.or(next.native_id);
            folded.image = next.image.or(folded.image);
        }
        // A delete that went through is the end of it, whatever went before.
        folded.whole = whole || folded.action == Action::Delete;
        Some(folded)
    }
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
        let AppliedChange { number, model, key, action, fields, native_id, whole, image } = change;
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
        let taken = Taken { number, action, fields, native_id, whole, image, between: Vec::new() };
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(number: u64, action: Action, whole: bool, fields: &[(&str, Value, Value)]) -> Taken {
        let fields = fields.iter().map(|(name, before, after)| FieldChange::new(name, before.clone(), after.clone()));
        let (fields, native_id) = (fields.collect(), Some("7".to_owned()));
        Taken { number, action, fields, native_id, whole, image: None, between: Vec::new() }
    }

    fn shown(taken: &Taken) -> String {
        let fields: Vec<_> =
            taken.fields.iter().map(|field| format!("{} {}->{}", field.name, field.before, field.after)).collect();
        let between: Vec<_> = taken.between.iter().map(|(name, value)| format!("or {name} {value}")).collect();
        format!("{} {}; {}", taken.action, fields.join(", "), between.join(", "))
    }

    /// In whatever order they come, the run's own counts: what was before the first, and what was left by the last.
    #[test]
    fn all_changes_of_a_record_are_taken_back() {
        let release = |whole| taken(1, Action::Update, whole, &[("ip", json!(88), Value::Null)]);
        let update = |whole| {
            taken(2, Action::Update, whole, &[("serial", json!("A"), json!("B")), ("ip", json!(88), json!(89))])
        };
        let folded = |all: Vec<Taken>| shown(&Taken::folded(all).unwrap());
        assert_eq!(folded(vec![update(true), release(true)]), r#"update ip 88->89, serial "A"->"B"; "#);
        // Of one that failed in part nobody knows where it stopped.
        assert_eq!(folded(vec![release(true), update(false)]), r#"update ip 88->89, serial "A"->"B"; or ip null"#);
        let delete =
            taken(3, Action::Delete, true, &[("ip", json!(88), Value::Null), ("name", json!("x"), Value::Null)]);
        assert_eq!(folded(vec![delete, release(true)]), r#"delete ip 88->null, name "x"->null; "#);
    }
}
