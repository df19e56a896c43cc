//! The endpoints of the plugin, and of the jobs that work for it.

use std::sync::PoisonError;

use serde_json::{Value as Json, json};

use super::{Branch, BranchRecord, BranchStatus, Branching, Job, Progress, Task, diff, merge};
use crate::http::lock;
use crate::http::query::Query;
use crate::netbox::access::Access;
use crate::netbox::errors::{Errors, Refusal};
use crate::netbox::filter::parameter;
use crate::netbox::page::{Envelope, Page};
use crate::netbox::render::timestamp;
use crate::netbox::rest::Reply;
use crate::netbox::server::Shared;

const ROOT: &str = "/api/plugins/branching/";
const JOBS: &str = "/api/core/jobs/";
/// Longest name of a branch.
const NAME: usize = 100;

/// A request for the plugin.
pub(in crate::netbox) struct Call<'a> {
    pub shared: &'a Shared,
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a Query,
    pub body: Json,
    pub access: &'a Access,
    /// Whether the token may write.
    pub may_write: bool,
}

/// Answers a request for the plugin or for a job; nothing when the path is another one's.
pub(in crate::netbox) fn answer(call: &Call<'_>) -> Option<Result<Reply, Refusal>> {
    if !call.shared.options.branching {
        return None;
    }
    let segments =
        |root: &str| Some(call.path.strip_prefix(root)?.trim_end_matches('/').split('/').collect::<Vec<_>>());
    let (is_job, segments) = match (segments(ROOT), segments(JOBS)) {
        (Some(segments), _) => (false, segments),
        (None, Some(segments)) => (true, segments),
        (None, None) => return None,
    };
    let writes = !matches!(call.method, "GET" | "HEAD" | "OPTIONS");
    if writes && (!call.may_write || call.access.no_branches) {
        return Some(Err(Refusal::Detail(403, "You do not have permission to perform this action.".to_owned())));
    }
    let id = |text: &str| text.parse::<u64>().map_err(|_| not_found("Branch"));
    Some(match (is_job, call.method, segments.as_slice()) {
        (true, "GET", [""]) => call.jobs(),
        (true, "GET", [job]) => id(job).and_then(|job| call.job(job)),
        (false, "GET", ["branches"]) => call.branches(),
        (false, "POST", ["branches"]) => call.create(),
        (false, "OPTIONS", ["branches"]) => Ok(call.options()),
        (false, "GET", ["branches", branch]) => id(branch).and_then(|branch| call.branch(branch)),
        (false, "DELETE", ["branches", branch]) => id(branch).and_then(|branch| call.delete(branch)),
        (false, "POST", ["branches", branch, "merge"]) => id(branch).and_then(|branch| call.merge(branch)),
        (false, "GET", ["changes"]) => call.changes(),
        (_, _, _) => Err(Refusal::Detail(405, format!("Method \"{}\" not allowed.", call.method))),
    })
}

fn not_found(class: &str) -> Refusal {
    Refusal::Detail(404, format!("No {class} matches the given query."))
}

impl Call<'_> {
    fn branching(&self) -> std::sync::MutexGuard<'_, Branching> {
        lock(&self.shared.branching)
    }

    /// Lets the jobs of the branches that are looked at go on.
    fn step(&self, branching: &mut Branching, branches: impl IntoIterator<Item = u64>) {
        let faults = lock(&self.shared.faults).clone();
        for branch in branches {
            branching.step(branch, &self.shared.store, &faults, &self.shared.options.user);
        }
    }

    fn user(&self) -> Json {
        let (base, user) = (&self.shared.base, &self.shared.options.user);
        json!({"id": 1, "url": format!("{base}/api/users/users/1/"), "display": user, "username": user})
    }

    fn show(&self, branch: &Branch) -> Json {
        let BranchRecord { id, name, schema_id, status } = &branch.record;
        let merged = branch.merged.is_some().then(|| self.user());
        json!({
            "id": id, "url": format!("{}{ROOT}branches/{id}/", self.shared.base), "display": name, "name": name,
            "status": {"value": status.value(), "label": status.label()}, "owner": self.user(),
            "description": branch.description, "schema_id": schema_id,
            "last_sync": branch.last_sync.map(timestamp), "merged_time": branch.merged.map(timestamp),
            "merged_by": merged, "comments": branch.comments, "tags": [], "custom_fields": {},
            "created": timestamp(branch.created), "last_updated": timestamp(branch.updated),
        })
    }

    fn nested(&self, branch: &Branch) -> Json {
        let mut shown = self.show(branch);
        if let Some(fields) = shown.as_object_mut() {
            fields.retain(|name, _| {
                matches!(name.as_str(), "id" | "url" | "display" | "name" | "status" | "description")
            });
        }
        shown
    }

    /// A page of what a list has, trimmed to `fields` where the endpoint takes it.
    fn page(&self, mut rows: Vec<Json>, trims: bool) -> Result<Reply, Refusal> {
        let page = Page::parse(self.query, self.shared.options.max_page)?;
        let count = rows.len();
        rows = rows.into_iter().skip(page.window.offset).take(page.window.limit).collect();
        if let Some(wanted) = parameter(self.query, "fields").filter(|_| trims) {
            let wanted: Vec<_> = wanted.split(',').collect();
            for row in rows.iter_mut().filter_map(Json::as_object_mut) {
                row.retain(|name, _| wanted.contains(&name.as_str()));
            }
        }
        let envelope = Envelope::new(page, (&self.shared.base, self.path), self.query, count, rows.len(), None);
        let rows: Vec<_> = rows.iter().map(Json::to_string).collect();
        Ok(Reply::new(200, envelope.wrap(&rows.join(","))))
    }

    /// Whether the query asks for this value, or for none.
    fn asks_for(&self, name: &str, value: &str) -> bool {
        let mut wanted = self.query.iter().filter(|(known, _)| known == name).peekable();
        wanted.peek().is_none() || wanted.any(|(_, wanted)| wanted == value)
    }

    fn branches(&self) -> Result<Reply, Refusal> {
        let mut branching = self.branching();
        let asked = |branch: &Branch| {
            self.asks_for("name", &branch.record.name)
                && self.asks_for("id", &branch.record.id.to_string())
                && self.asks_for("status", branch.record.status.value())
        };
        let found: Vec<_> =
            branching.branches.values().filter(|branch| asked(branch)).map(|branch| branch.record.id).collect();
        self.step(&mut branching, found.iter().copied());
        let mut shown: Vec<_> = found.iter().filter_map(|id| branching.branches.get(id)).collect();
        shown.sort_by(|a, b| a.record.name.cmp(&b.record.name));
        self.page(shown.into_iter().map(|branch| self.show(branch)).collect(), false)
    }

    fn branch(&self, id: u64) -> Result<Reply, Refusal> {
        let mut branching = self.branching();
        self.step(&mut branching, [id]);
        let branch = branching.branches.get(&id).ok_or_else(|| not_found("Branch"))?;
        Ok(Reply::new(200, self.show(branch).to_string()))
    }

    fn create(&self) -> Result<Reply, Refusal> {
        let text = |name: &str| self.body.get(name).and_then(Json::as_str).unwrap_or_default().trim().to_owned();
        let name = text("name");
        let mut branching = self.branching();
        let refused = if name.is_empty() {
            Some("This field is required.".to_owned())
        } else if name.chars().count() > NAME {
            Some(format!("Ensure this field has no more than {NAME} characters."))
        } else if branching.branches.values().any(|branch| branch.record.name == name) {
            Some("branch with this name already exists.".to_owned())
        } else {
            None
        };
        if let Some(words) = refused {
            return Err(Refusal::Fields(Errors::at("name", words)));
        }
        branching.last_branch += 1;
        let id = branching.last_branch;
        let now = self.shared.store.write().unwrap_or_else(PoisonError::into_inner).now();
        let schema_id = format!("sim{id:05x}");
        let branch = Branch {
            record: BranchRecord { id, name, schema_id, status: BranchStatus::New },
            description: text("description"),
            comments: text("comments"),
            created: now,
            updated: now,
            last_sync: None,
            merged: None,
            store: None,
            conflicts: std::collections::BTreeMap::new(),
        };
        let shown = self.show(&branch).to_string();
        branching.branches.insert(id, branch);
        branching.enqueue(id, Task::Provision, now);
        let location = Some(format!("{}{}{id}/", self.shared.base, self.path));
        Ok(Reply { location, ..Reply::new(201, shown) })
    }

    fn options(&self) -> Reply {
        let mut told = json!({"name": "Branch List", "description": ""});
        if self.may_write && !self.access.no_branches {
            let name =
                json!({"type": "string", "required": true, "read_only": false, "label": "Name", "max_length": NAME});
            told["actions"] = json!({"POST": {"name": name}});
        }
        Reply::new(200, told.to_string())
    }

    fn delete(&self, id: u64) -> Result<Reply, Refusal> {
        let mut branching = self.branching();
        let status = branching.branches.get(&id).ok_or_else(|| not_found("Branch"))?.record.status;
        if status.is_passing() {
            let message = format!("A branch in the {} status may not be deleted.", status.value());
            return Err(Refusal::Database { exception: "AbortRequest", message });
        }
        branching.branches.remove(&id);
        branching.jobs.retain(|_, job| job.branch != id);
        Ok(Reply::new(204, String::new()))
    }

    fn merge(&self, id: u64) -> Result<Reply, Refusal> {
        let mut branching = self.branching();
        let branch = branching.branches.get(&id).ok_or_else(|| not_found("Branch"))?;
        if branch.record.status != BranchStatus::Ready {
            return Err(Refusal::Text(400, "Branch is not ready to merge.".to_owned()));
        }
        let said = |name: &str, default: bool| self.body.get(name).and_then(Json::as_bool).unwrap_or(default);
        let rows = self.diffs(branch);
        let conflicts: Vec<_> = rows.iter().filter(|row| !row["conflicts"].is_null()).collect();
        if !conflicts.is_empty() && !said("acknowledge_conflicts", false) {
            let summary: Vec<_> = conflicts
                .iter()
                .map(|row| {
                    let side = |name: &str| {
                        let mut side = row["diff"][name].clone();
                        if let (Some(side), Some(names)) = (side.as_object_mut(), row["conflicts"].as_array()) {
                            side.retain(|field, _| names.iter().any(|name| name == field));
                        }
                        side
                    };
                    json!({
                        "id": row["id"], "object_type": row["object_type"], "object_id": row["object_id"],
                        "object_repr": row["object_repr"], "action": row["action"], "conflicts": row["conflicts"],
                        "conflicting_data": {
                            "original": side("original"), "branch": side("modified"), "main": side("current"),
                        },
                    })
                })
                .collect();
            let detail = "All conflicts must be acknowledged before this action can proceed.";
            return Ok(Reply::new(409, json!({"detail": detail, "conflicts": summary}).to_string()));
        }
        let now = self.shared.store.write().unwrap_or_else(PoisonError::into_inner).now();
        let job = branching.enqueue(id, Task::Merge { commit: said("commit", true) }, now);
        self.shown_job(&branching, job)
    }

    /// What a branch changed, as the list of changes shows it.
    fn diffs(&self, branch: &Branch) -> Vec<Json> {
        let Some(store) = &branch.store else { return Vec::new() };
        let main = self.shared.store.read().unwrap_or_else(PoisonError::into_inner);
        let store = store.read().unwrap_or_else(PoisonError::into_inner);
        let row = |diff: diff::Diff| {
            let noted = branch.conflicts.get(&(diff.kind, diff.object_id)).cloned().unwrap_or_default();
            // That main deleted what the branch changed is noted when it happens.
            let conflicts = if diff.current.is_none() { diff.conflicts() } else { noted };
            let [original, modified, current] = diff.sides();
            let def = diff.kind.def();
            let verbose = def.verbose;
            json!({
                "id": diff.last_change, "url": format!("{}{ROOT}changes/{}/", self.shared.base, diff.last_change),
                "display": format!("{} {verbose} {} ({})", diff.action.label(), diff.repr, diff.object_id),
                "branch": self.nested(branch), "object_type": diff.kind.content_type(), "object_id": diff.object_id,
                "object": merge::shown(&main, diff.kind, diff.object_id).map(|display| json!({"display": display})),
                "object_repr": diff.repr,
                "action": {"value": diff.action.value(), "label": diff.action.label()},
                "conflicts": if conflicts.is_empty() { Json::Null } else { json!(conflicts) },
                "diff": {"original": original, "modified": modified, "current": current},
                "original_data": diff.original, "modified_data": diff.modified, "current_data": diff.current,
            })
        };
        diff::of(&main, &store).into_iter().map(row).collect()
    }

    fn changes(&self) -> Result<Reply, Refusal> {
        let branching = self.branching();
        if let Some(wanted) = parameter(self.query, "branch_id")
            && !branching.branches.values().any(|branch| branch.record.id.to_string() == wanted)
        {
            let words = format!("Select a valid choice. {wanted} is not one of the available choices.");
            return Err(Refusal::Fields(Errors::at("branch_id", words)));
        }
        let asked = |branch: &&Branch| self.asks_for("branch_id", &branch.record.id.to_string());
        let mut rows: Vec<_> =
            branching.branches.values().filter(asked).flat_map(|branch| self.diffs(branch)).collect();
        rows.retain(|row| {
            let conflicts = !row["conflicts"].is_null();
            self.asks_for("has_conflicts", if conflicts { "true" } else { "false" })
                && self.asks_for("action", row["action"]["value"].as_str().unwrap_or_default())
        });
        self.page(rows, true)
    }

    fn show_job(&self, branching: &Branching, job: &Job) -> Json {
        let (status, label) = match job.progress {
            Progress::Pending => ("pending", "Pending"),
            Progress::Running => ("running", "Running"),
            Progress::Completed => ("completed", "Completed"),
            Progress::Errored => ("errored", "Errored"),
        };
        let name = match job.task {
            Task::Provision => "Provision branch",
            Task::Merge { .. } => "Merge branch",
        };
        let begun = job.progress != Progress::Pending;
        json!({
            "id": job.id, "url": format!("{}{JOBS}{}/", self.shared.base, job.id), "display": name,
            "object_type": "netbox_branching.branch", "object_id": job.branch,
            "object": branching.branches.get(&job.branch).map(|branch| self.nested(branch)), "name": name,
            "status": {"value": status, "label": label}, "created": timestamp(job.created), "user": self.user(),
            "data": begun.then(|| json!({"log": job.log})), "error": job.error, "queue_name": "default",
        })
    }

    fn shown_job(&self, branching: &Branching, id: u64) -> Result<Reply, Refusal> {
        let job = branching.jobs.get(&id).ok_or_else(|| not_found("Job"))?;
        Ok(Reply::new(200, self.show_job(branching, job).to_string()))
    }

    fn job(&self, id: u64) -> Result<Reply, Refusal> {
        let mut branching = self.branching();
        let branch = branching.jobs.get(&id).map(|job| job.branch);
        self.step(&mut branching, branch);
        self.shown_job(&branching, id)
    }

    fn jobs(&self) -> Result<Reply, Refusal> {
        let branching = self.branching();
        let jobs = branching.jobs.values().rev().map(|job| self.show_job(&branching, job));
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let asked = |row: &Json| {
            ["object_id", "object_type", "name"].iter().all(|name| self.asks_for(name, &text(&row[*name])))
                && self.asks_for("status", &text(&row["status"]["value"]))
        };
        self.page(jobs.filter(asked).collect(), true)
    }
}
