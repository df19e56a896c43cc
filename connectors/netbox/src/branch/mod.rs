//! A branch of NetBox as the place where a run's writes wait for their review.
//!
//! The plugin `netbox_branching` copies all tables for a branch; requests that name it in a header read and write the copy,
//! ids of existing objects included. Making a branch ready and merging it are jobs of NetBox's workers: they are looked at until
//! they end. Whoever stops waiting loses nothing, because the branch is found again by its name.

mod check;
mod conflicts;
mod job;
mod state;
mod wait;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use syncline_core::describe::ObjectLink;
use syncline_core::target::{Stage, TargetWriter};
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Error as HttpError, Method, Path};
use url::Url;

pub(crate) use self::check::check;
use self::job::{Job, Merge};
use self::state::State;
pub(crate) use self::wait::Patience;
use crate::client::{ReadClient, RestPage, Status, WriteClient};
use crate::error;
use crate::settings::{Connection, TargetParameters};
use crate::values::{Choice, Id};
use crate::write::Writer;

/// The plugin's name in NetBox's status.
const PLUGIN: &str = "netbox_branching";
/// Where the plugin lists its branches.
const BRANCHES: &str = "api/plugins/branching/branches/";
/// Longest name that a branch can have, in characters.
const NAME: usize = 100;
/// Longest description that a branch can have, in characters.
const DESCRIPTION: usize = 200;

/// What a branch is opened with.
pub(crate) struct Opening {
    /// Reads main.
    pub reader: Arc<ReadClient>,
    /// Writes main: creates, merges and deletes branches.
    pub client: WriteClient,
    pub connection: Connection,
    pub parameters: TargetParameters,
    /// Which run of which sync writes.
    pub message: String,
    pub patience: Patience,
}

/// An open branch.
pub(crate) struct Branch {
    opening: Opening,
    id: String,
    number: u64,
    name: String,
    schema_id: String,
}

/// A branch as NetBox lists it.
#[derive(Debug, Clone, Deserialize)]
struct Row {
    id: Id,
    name: String,
    schema_id: String,
    #[serde(default)]
    status: Choice,
}

impl Row {
    fn state(&self) -> State {
        State::parse(self.status.get())
    }
}

/// The version of the plugin, if it is installed.
fn plugin_version(status: &Status) -> Option<String> {
    let version = status.plugins.get(PLUGIN)?;
    Some(version.as_str().map_or_else(|| version.to_string(), str::to_owned))
}

/// What to do about a plugin that is not there.
fn plugin_missing() -> String {
    format!(
        "NetBox lacks the plugin `{PLUGIN}`, which `review: branch` needs: install it there, or set `review: plan` to review \
         changes in the plan"
    )
}

impl Opening {
    /// Opens the branch of a name: the one that is there, or a new one. Waits until it takes writes.
    pub async fn branch(self, name: &str) -> Result<Branch> {
        if plugin_version(self.reader.status()).is_none() {
            return Err(Error::new(ErrorKind::Unsupported, plugin_missing()));
        }
        let name = name.trim();
        let length = name.chars().count();
        if length == 0 || length > NAME {
            let message = format!("a branch of NetBox has a name of 1 to {NAME} characters; `{name}` has {length}");
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let (row, is_new) = match self.find(name).await? {
            Some(row) => (row, false),
            None => (self.create(name).await?, true),
        };
        let branch = self.of(&row);
        branch.settled(&row, is_new).await?;
        Ok(branch)
    }

    /// The branch of an id, in whatever state; none when it was deleted. One that is about to become ready is waited for.
    pub async fn known(self, id: &str) -> Result<Option<Branch>> {
        let path = Path::from(BRANCHES).segment(id).slash();
        let row: Row = match self.reader.get(path, &[]).await {
            Ok(row) => row,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let branch = self.of(&row);
        if row.state().becomes_ready() {
            branch.settled(&row, false).await?;
        }
        Ok(Some(branch))
    }

    fn of(self, row: &Row) -> Branch {
        Branch {
            id: row.id.0.to_string(),
            number: row.id.0,
            schema_id: row.schema_id.clone(),
            name: row.name.clone(),
            opening: self,
        }
    }

    /// The branch of a name. NetBox ignores a filter that it does not know, so the name is looked at here too.
    async fn find(&self, name: &str) -> Result<Option<Row>> {
        let page: RestPage<Row> = self.reader.get(BRANCHES, &[("name", name.to_owned())]).await?;
        Ok(page.results.into_iter().find(|row| row.name == name))
    }

    async fn create(&self, name: &str) -> Result<Row> {
        let description: String = self.message.chars().take(DESCRIPTION).collect();
        let body = json!({"name": name, "description": description});
        match self.client.call(Method::POST, BRANCHES, &body).await {
            Ok(response) => Ok(response.json()?),
            Err(error) => {
                // Somebody else was faster, or the answer was lost: then it is there by now.
                let may_be_there = error.is_in_doubt() || error.answer().is_some_and(|answer| answer.status == 400);
                match if may_be_there { self.find(name).await? } else { None } {
                    Some(row) => Ok(row),
                    None => Err(lacking(error, "add_branch", &format!("the branch `{name}` cannot be created"))),
                }
            }
        }
    }
}

/// The error of a call that NetBox refuses, with the permission that it needs if that is why.
fn lacking(error: HttpError, permission: &str, what: &str) -> Error {
    let error = Error::from(error::writing(error));
    let message = match error.kind() {
        ErrorKind::Forbidden => format!("the token lacks the permission `{PLUGIN}.{permission}`: {what}"),
        ErrorKind::Refused => format!("{what}: {}", error.message()),
        _ => return error,
    };
    Error::new(error.kind(), message).caused_by(error)
}

#[async_trait]
impl Stage for Branch {
    fn id(&self) -> &str {
        &self.id
    }

    fn link(&self) -> Option<ObjectLink> {
        let url =
            format!("{}/plugins/branching/branches/{}/", self.opening.reader.url().trim_end_matches('/'), self.id);
        Some(ObjectLink { label: self.name.clone(), url: Url::parse(&url).ok()? })
    }

    async fn writer(&self) -> Result<Box<dyn TargetWriter>> {
        Ok(Box::new(self.open_writer().await?))
    }

    async fn conflicts(&self) -> Result<Vec<String>> {
        match self.now().await? {
            Some(row) if row.state() == State::Merged => Ok(Vec::new()),
            Some(_) => conflicts::read(&self.opening.reader, self.number).await,
            None => Err(self.gone()),
        }
    }

    async fn is_merging(&self) -> Result<bool> {
        match self.now().await?.ok_or_else(|| self.gone())?.state() {
            State::Merged | State::Merging => Ok(true),
            // A merge that somebody asked for shows in the branch only once a worker takes it.
            State::Ready => Ok(job::open(&self.opening.reader, self.number).await?.is_some()),
            _ => Ok(false),
        }
    }

    async fn merge(&self) -> Result<()> {
        let state = self.now().await?.ok_or_else(|| self.gone())?.state();
        let job = match state {
            State::Merged => return Ok(()),
            State::Merging => job::open(&self.opening.reader, self.number).await?,
            // A merge that somebody asked for shows in the branch only once a worker takes it.
            State::Ready => match job::open(&self.opening.reader, self.number).await? {
                Some(job) => Some(job),
                None => self.begin_merge().await?,
            },
            other => return Err(self.unusable(other)),
        };
        self.end_merge(job).await
    }

    async fn discard(&self) -> Result<()> {
        match self.now().await?.map(|row| row.state()) {
            None => return Ok(()),
            Some(State::Merged) => {
                let message =
                    format!("the branch `{}` is merged: what it had is in NetBox by now, and stays there", self.name);
                return Err(Error::new(ErrorKind::Refused, message));
            }
            Some(state) if state.is_at_work() => return Err(self.unusable(state)),
            Some(_) => {}
        }
        match self.opening.client.call(Method::DELETE, self.path(), &json!({})).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) if error.is_in_doubt() && self.now().await?.is_none() => Ok(()),
            Err(error) => {
                Err(lacking(error, "delete_branch", &format!("the branch `{}` cannot be deleted", self.name)))
            }
        }
    }
}

impl Branch {
    fn path(&self) -> Path {
        Path::from(BRANCHES).segment(&self.id).slash()
    }

    /// The branch as it is now; none when it was deleted.
    async fn now(&self) -> Result<Option<Row>> {
        match self.opening.reader.get::<Row>(self.path(), &[]).await {
            Ok(row) => Ok(Some(row)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until a branch that was found or made is one that can be worked with.
    async fn settled(&self, row: &Row, is_new: bool) -> Result<()> {
        let mut state = row.state();
        let what = format!("the branch `{}` is not ready", self.name);
        let mut waiting = self.opening.patience.begin(&self.opening.reader, what);
        while state.becomes_ready() {
            waiting.on().await?;
            state = self.now().await?.ok_or_else(|| self.gone())?.state();
        }
        match state {
            // A merge that is under way, or over, is for `merge` to end.
            State::Ready | State::Merging | State::Merged => Ok(()),
            State::Failed if is_new => Err(self.failed_to_begin().await),
            other => Err(self.unusable(other)),
        }
    }

    /// Removes a branch that could not be made ready, so that the next try has its name, and says why.
    async fn failed_to_begin(&self) -> Error {
        let job = job::last(&self.opening.reader, self.number, job::PROVISION).await.ok().flatten();
        let words = job.map_or_else(|| "its job is not to be seen".to_owned(), |job| job.words());
        let mut message = format!("NetBox could not make the branch `{}` ready: {words}", self.name);
        if let Err(error) = self.discard().await {
            message.push_str("; delete it in NetBox before the next try");
            return Error::new(ErrorKind::Remote, message).caused_by(error);
        }
        Error::new(ErrorKind::Remote, message)
    }

    pub(crate) async fn open_writer(&self) -> Result<Writer> {
        match self.now().await?.ok_or_else(|| self.gone())?.state() {
            State::Ready => {}
            other => return Err(self.unusable(other)),
        }
        let Opening { reader, client, connection, parameters, message, .. } = &self.opening;
        let reader = Arc::new(reader.in_branch(&self.schema_id));
        Writer::with(client.in_branch(&self.schema_id), reader, connection, parameters, message).await
    }

    /// Asks for the merge. The job that does it; none when it is not known.
    async fn begin_merge(&self) -> Result<Option<u64>> {
        // The plugin before 1.2 overlooks what main changed after the branch did, and would overwrite it.
        let conflicts = conflicts::read(&self.opening.reader, self.number).await?;
        if !conflicts.is_empty() {
            return Err(self.in_conflict(&conflicts));
        }
        let path = self.path().segment("merge").slash();
        let refused = match self.opening.client.call(Method::POST, path, &json!({"commit": true})).await {
            Ok(response) => return Ok(Some(response.json::<Job>()?.id.0)),
            Err(error) => error,
        };
        if let Some(lines) = refused.answer().filter(|answer| answer.status == 409).and_then(conflicts::refused) {
            return Err(self.in_conflict(&lines));
        }
        // A lost answer, or somebody else was faster: then there is a job, or the branch tells.
        let may_be_under_way = refused.is_in_doubt() || refused.answer().is_some_and(|answer| answer.status == 400);
        if may_be_under_way {
            let job = job::open(&self.opening.reader, self.number).await?;
            let state = self.now().await?.ok_or_else(|| self.gone())?.state();
            if job.is_some() || matches!(state, State::Merging | State::Merged) {
                return Ok(job);
            }
        }
        Err(lacking(refused, "merge_branch", &format!("the branch `{}` cannot be merged", self.name)))
    }

    /// Waits until a merge ends, and says how it did.
    async fn end_merge(&self, job: Option<u64>) -> Result<()> {
        let Opening { reader, patience, .. } = &self.opening;
        let mut waiting = patience.begin(reader, format!("the branch `{}` is not merged", self.name));
        let (job, state) = loop {
            let job = match job {
                Some(id) => job::read(reader, id).await?,
                None => None,
            };
            if !job.as_ref().is_some_and(Job::is_open) {
                let state = self.now().await?.ok_or_else(|| self.gone())?.state();
                if state != State::Merging {
                    break (job, state);
                }
            }
            waiting.on().await?;
        };
        // The branch tells, whatever the job says: a second job fails when the first has merged.
        if state == State::Merged {
            return Ok(());
        }
        match job.map(|job| job.merge()) {
            // The branch stays open when there is nothing in it.
            Some(Merge::Nothing) => Ok(()),
            Some(Merge::Failed(words)) => {
                let message = format!("NetBox could not merge the branch `{}`: {words}", self.name);
                Err(Error::new(ErrorKind::Refused, message))
            }
            Some(Merge::Done) | None => {
                let message = format!("the merge of the branch `{}` ended, and the branch is {state}", self.name);
                // A dry merge of somebody's looks the same: the next try is a real one.
                Err(Error::new(ErrorKind::Protocol, message).temporary())
            }
        }
    }

    fn in_conflict(&self, lines: &[String]) -> Error {
        const SHOWN: usize = 10;
        let more = lines.len().saturating_sub(SHOWN);
        let more = (more > 0).then(|| format!("and {more} more"));
        let list = lines.iter().take(SHOWN).cloned().chain(more).collect::<Vec<_>>().join("; ");
        let message = format!(
            "the branch `{}` would overwrite what changed in NetBox since it was opened: {list}; discard it and run the sync again, \
             or settle it in NetBox and merge the branch there",
            self.name
        );
        Error::new(ErrorKind::Stale, message)
    }

    fn gone(&self) -> Error {
        let message = format!("the branch `{}` was deleted in NetBox; run the sync again", self.name);
        Error::new(ErrorKind::NotFound, message)
    }

    fn unusable(&self, state: State) -> Error {
        let message = format!("the branch `{}` {}", self.name, state.remedy());
        let error = Error::new(ErrorKind::Refused, message);
        if state.is_at_work() { error.temporary() } else { error }
    }
}
