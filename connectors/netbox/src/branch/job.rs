//! The jobs in which NetBox makes a branch ready and merges it.

use serde::Deserialize;
use serde_json::Value;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::Path;

use crate::client::{ReadClient, RestPage};
use crate::values::{Choice, Id};

/// Where NetBox lists jobs.
pub(super) const JOBS: &str = "api/core/jobs/";
/// The job that makes a branch ready.
pub(super) const PROVISION: &str = "Provision branch";
/// The job that merges a branch.
const MERGE: &str = "Merge branch";

/// A job.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    pub id: Id,
    #[serde(default)]
    name: String,
    #[serde(default)]
    object_type: Option<String>,
    #[serde(default)]
    object_id: Option<Id>,
    #[serde(default)]
    status: Choice,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Option<Value>,
}

/// How a merge ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Merge {
    /// Its job says that it was done.
    Done,
    /// There was nothing to merge.
    Nothing,
    /// It was refused, in the job's own words.
    Failed(String),
}

impl Job {
    /// Whether it is still to come or under way.
    pub fn is_open(&self) -> bool {
        matches!(self.status.get(), Some("pending" | "scheduled" | "running"))
    }

    /// How it ended, if it is a merge.
    pub fn merge(&self) -> Merge {
        match self.status.get() {
            Some("completed") if self.log().any(|line| line.starts_with("No changes found")) => Merge::Nothing,
            Some("completed") => Merge::Done,
            _ => Merge::Failed(self.words()),
        }
    }

    /// Why it failed, in its own words, and what it was at.
    pub fn words(&self) -> String {
        let error = self.error.as_deref().map(str::trim).filter(|words| !words.is_empty());
        let words = error.or_else(|| self.log().last()).unwrap_or("its job says nothing");
        // `Applying change 16 using default (DCIM | site Bern created by admin)`
        let at = self.log().filter_map(|line| line.strip_prefix("Applying change ")?.split_once('(')).last();
        match at {
            Some((_, change)) => format!("{words}, at `{}`", change.trim_end_matches(')')),
            None => words.to_owned(),
        }
    }

    fn log(&self) -> impl Iterator<Item = &str> {
        let lines = self.data.as_ref().and_then(|data| data.get("log")).and_then(Value::as_array);
        lines.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// A job as it is now; none when NetBox forgot it.
pub(super) async fn read(reader: &ReadClient, id: u64) -> Result<Option<Job>> {
    match reader.get::<Job>(Path::from(JOBS).segment(id.to_string()).slash(), &[]).await {
        Ok(job) => Ok(Some(job)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(readable(error)),
    }
}

/// The merge of a branch that is to come or under way.
pub(super) async fn open(reader: &ReadClient, branch: u64) -> Result<Option<u64>> {
    let jobs = of(reader, branch, MERGE).await?;
    Ok(jobs.into_iter().find(Job::is_open).map(|job| job.id.0))
}

/// The newest job of a branch with a name.
pub(super) async fn last(reader: &ReadClient, branch: u64, name: &str) -> Result<Option<Job>> {
    Ok(of(reader, branch, name).await?.into_iter().max_by_key(|job| job.id.0))
}

/// The newest jobs of a branch with a name. NetBox ignores a filter that it does not know, so each is looked at.
async fn of(reader: &ReadClient, branch: u64, name: &str) -> Result<Vec<Job>> {
    const BRANCH: &str = "netbox_branching.branch";
    let query = [
        ("object_type", BRANCH.to_owned()),
        ("object_id", branch.to_string()),
        ("name", name.to_owned()),
        ("ordering", "-id".to_owned()),
        ("limit", "100".to_owned()),
    ];
    let page: RestPage<Job> = reader.get(JOBS, &query).await.map_err(readable)?;
    let ours =
        |job: &Job| job.name == name && job.object_type.as_deref() == Some(BRANCH) && job.object_id == Some(Id(branch));
    Ok(page.results.into_iter().filter(ours).collect())
}

pub(super) fn readable(error: Error) -> Error {
    if error.kind() != ErrorKind::Forbidden {
        return error;
    }
    let message = "the token lacks the permission `core.view_job`: how a branch is merged cannot be seen";
    Error::new(ErrorKind::Forbidden, message).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(status: &str, error: &str, log: &[&str]) -> Job {
        let job = json!({"id": 8, "status": {"value": status}, "error": error, "data": {"log": log}});
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn a_job_says_how_the_merge_ended() {
        let log = ["Found 1 changes to merge", "Applying change 16 using default (DCIM | site Bern created by admin)"];
        let words = "ValidationError({'name': ['Site with this Name already exists.']})";
        let told = "ValidationError({'name': ['Site with this Name already exists.']}), at `DCIM | site Bern created by admin`";
        assert_eq!(job("errored", words, &log).merge(), Merge::Failed(told.to_owned()));
        assert_eq!(job("failed", "", &["Merging", "out of space"]).merge(), Merge::Failed("out of space".to_owned()));
        assert_eq!(job("completed", "", &log).merge(), Merge::Done);
        assert_eq!(job("completed", "", &["Merging", "No changes found; aborting."]).merge(), Merge::Nothing);
        assert!(job("pending", "", &[]).is_open() && !job("errored", "", &[]).is_open());
    }
}
