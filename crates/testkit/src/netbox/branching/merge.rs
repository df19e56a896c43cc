//! Jobs: making a branch ready, and taking its changes over into main.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value as Json;

use super::{BranchStatus, Branching, Progress, Task};
use crate::netbox::changes::{Action, Change};
use crate::netbox::errors::{Refusal, python};
use crate::netbox::faults::Faults;
use crate::netbox::render::display;
use crate::netbox::schema::Kind;
use crate::netbox::state::{Store, unique_key};
use crate::netbox::validate;
use crate::netbox::write::Author;
use crate::transaction::Database as _;

impl Branching {
    /// Takes the next step of the oldest job of a branch that is not done.
    pub fn step(&mut self, branch: u64, main: &RwLock<Store>, faults: &Faults, user: &str) {
        if faults.idle {
            return;
        }
        let open = |progress| matches!(progress, Progress::Pending | Progress::Running);
        let job = self.jobs.values_mut().find(|job| job.branch == branch && open(job.progress));
        let (Some(job), Some(branch)) = (job, self.branches.get_mut(&branch)) else { return };
        let name = &branch.record.name;
        if job.progress == Progress::Pending {
            let (from, next) = match job.task {
                Task::Provision => (BranchStatus::New, BranchStatus::Provisioning),
                Task::Merge { .. } => (BranchStatus::Ready, BranchStatus::Merging),
            };
            if branch.record.status == from {
                branch.record.status = next;
                job.progress = Progress::Running;
            } else {
                job.error = format!("Exception('Branch {name} is not ready to merge')");
                job.progress = Progress::Errored;
            }
            return;
        }
        let mut main = main.write().unwrap_or_else(PoisonError::into_inner);
        let now = main.now();
        let (status, error) = match job.task {
            Task::Provision => match &faults.provisioning {
                Some(words) => (BranchStatus::Failed, Some(words.clone())),
                None => {
                    branch.store = Some(Arc::new(RwLock::new(main.branch())));
                    branch.last_sync = Some(now);
                    (BranchStatus::Ready, None)
                }
            },
            Task::Merge { commit } => {
                job.log.push(format!("Merging branch {name} (branch_{})", branch.record.schema_id));
                let store = branch.store.clone().unwrap_or_else(|| Arc::new(RwLock::new(Store::new())));
                let store = store.read().unwrap_or_else(PoisonError::into_inner);
                if store.changes.is_empty() {
                    job.log.push("No changes found; aborting.".to_owned());
                    (BranchStatus::Ready, None)
                } else {
                    job.log.push(format!("Found {} changes to merge", store.changes.len()));
                    match merge(&mut main, &store, commit, faults.merging.as_deref(), user) {
                        Ok(()) if commit => {
                            branch.merged = Some(now);
                            (BranchStatus::Merged, None)
                        }
                        Ok(()) => (BranchStatus::Ready, None),
                        Err(words) => (BranchStatus::Ready, Some(words)),
                    }
                }
            }
        };
        branch.record.status = status;
        job.progress = if error.is_some() { Progress::Errored } else { Progress::Completed };
        job.log.extend(error.clone());
        job.error = error.unwrap_or_default();
    }
}

/// Does again in main what was done in the branch, all of it or nothing.
fn merge(main: &mut Store, branch: &Store, commit: bool, fault: Option<&str>, user: &str) -> Result<(), String> {
    let replay_all = |main: &mut Store| {
        // Every change has a request of its own, and no message.
        let replayed = branch.changes.iter().try_for_each(|change| {
            let author = Author { request_id: format!("merge-{}", change.id), user: user.to_owned() };
            replay(main, change, &author)
        });
        fault.map_or(replayed, |words| Err(words.to_owned()))
    };
    main.attempt(replay_all, |done| done.is_ok() && commit)
}

fn replay(main: &mut Store, change: &Change, author: &Author) -> Result<(), String> {
    let (kind, id) = (change.kind, change.object_id);
    let refused = |refusal: Refusal| match refusal {
        Refusal::Database { exception, message } => format!("{exception}({})", python(&Json::from(message))),
        other => other.answer("").1,
    };
    let (before, mut object) = match (change.action, &change.before, &change.after) {
        (Action::Delete, ..) if main.get(kind, id).is_none() => return Ok(()),
        (Action::Delete, ..) => return main.delete(kind, id, "", author).map_err(refused),
        (Action::Update, Some(before), Some(after)) => {
            let Some(current) = main.get(kind, id).cloned() else {
                return Err(format!("DoesNotExist('{} matching query does not exist.')", kind.def().class));
            };
            let mut object = current.as_ref().clone();
            for (at, value) in after.values.iter().enumerate() {
                if before.values[at] != *value {
                    object.values[at] = value.clone();
                }
            }
            if before.custom != after.custom {
                object.custom.clone_from(&after.custom);
            }
            (Some(current), object)
        }
        (_, _, Some(after)) => (None, after.as_ref().clone()),
        (_, _, None) => return Ok(()),
    };
    taken(main, kind, &object)?;
    validate::check(main, kind, before.as_deref(), &object)
        .map_err(|errors| format!("ValidationError({})", errors.to_json()))?;
    main.database_constraints(kind, &object).map_err(refused)?;
    object.updated = main.now();
    let after = main.put(kind, object);
    main.log(kind, id, change.action, "", (before, Some(after)), author);
    Ok(())
}

/// Refuses an object whose name or slug another one has.
fn taken(main: &Store, kind: Kind, object: &crate::netbox::state::Object) -> Result<(), String> {
    let mut errors = serde_json::Map::new();
    for (at, unique) in kind.def().unique.iter().enumerate() {
        let ([part], Some(key)) = (unique.parts, unique_key(kind, unique, object)) else { continue };
        let mut others = main.with_key(kind, at, &key).filter(|id| *id != object.id);
        if others.next().is_some() {
            let capital = |name: &str| {
                let mut letters = name.chars();
                letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            };
            let words = format!("{} with this {} already exists.", capital(kind.def().verbose), capital(part.field()));
            errors.insert(part.field().to_owned(), Json::from(vec![words]));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(format!("ValidationError({})", python(&Json::Object(errors)))) }
}

/// How an object of main shows itself; nothing when main does not have it.
pub(super) fn shown(main: &Store, kind: Kind, id: u64) -> Option<String> {
    main.get(kind, id).map(|_| display(main, kind, id))
}
