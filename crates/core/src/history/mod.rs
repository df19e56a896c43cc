//! The history: what every run did, kept in SQLite (one file, the default) or PostgreSQL.
//!
//! Tables: `sync`, `run`, `run_phase`, `run_model`, `run_outcome` (counters), `change` (which is the sync log of every
//! object as well), `run_log`, `run_event` (what happens, as it happens), `status_change` (the count of all changes of how
//! runs stand), `batch` (what is on its way to a target), `plan` and `plan_part`, `decision`, `comment`, `quarantine` (absent objects
//! that wait), `ledger` (what Syncline created, and what it last applied to what), `link` (which source record is which
//! object of a target), `finding` (what runs saw and somebody should look at), and `ignore` (what people leave alone). Unchanged records leave
//! nothing but their count. Who may ask is in `account`, `session` and `token`, who did what in `audit`, how far whom was told in `notification`.
//!
//! Rules:
//! - Every write goes through [`store::Store::write`]: a short transaction that starts as a writer.
//! - Counts that a page shows are counters kept with the changes, never counted when the page is asked for. The quarantine
//!   is the exception: time alone makes an object due.
//! - Whoever changes how a run stands notes it in the same transaction, last (`status`).
//! - What a run stages in a target is in the ledger under a name of the run's own until it is merged.
//! - Pages have cursors, not offsets: page 10,000 costs what page 1 costs.
//! - Of passwords, sessions and tokens there are hashes only, and every change of them has its row in `audit` in the same transaction.
//! - Nothing of the database library is visible outside this module.

mod account;
mod applied;
mod audit;
mod batch;
mod change;
mod change_read;
mod comment;
mod compare;
mod decision;
mod entity;
mod error;
mod event;
mod event_thin;
mod finding;
mod ignore;
mod ignore_parts;
mod insert;
mod kept_count;
mod lease;
mod ledger;
mod link;
mod location;
mod log;
mod matching;
mod migration;
mod model;
mod notification;
mod object;
mod part;
mod phase;
mod plan_store;
mod process;
mod provider;
mod quarantine;
mod quarantine_read;
mod record;
mod record_count;
mod recorder;
mod repeated;
mod request_id;
mod retention;
mod role;
mod run;
mod run_outcome;
mod run_read;
mod run_write;
mod schedule;
mod scratch;
mod search;
mod secret;
mod session;
mod size;
mod stage;
mod started;
mod status;
mod store;
mod summary;
mod sync;
mod text;
mod token;
mod took;
mod trigger;
mod waiting;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::watch;

use crate::{Error, ErrorKind, Result};

pub use account::{Account, AccountId, AccountName, Credential, NewAccount, NoAccountName, PasswordHash};
pub use applied::{AppliedChange, AppliedPage};
pub use audit::{Actor, AuditAction, AuditEntry, AuditFilter, AuditId, How};
pub use change::{
    ChangeCount, ChangeFilter, OutcomeCounts, OutcomeKind, RecordedChange, StoredChange, TimelineCursor, TimelineEntry,
};
pub use comment::{Comment, CommentId, CommentText, NoComment};
pub use compare::{CompareCursor, CompareFilter, Compared, Difference, DifferenceCount, DifferenceKind, WhichRun};
pub use decision::{Approval, Decision};
pub use event::{RunEvent, StoredEvent};
pub use finding::{
    Acknowledged, Finding, FindingCount, FindingFilter, FindingId, FindingKind, FindingState, News, Observed,
};
pub use ignore::{Ignore, IgnoreEnded, IgnoreFilter, IgnoreId, NewIgnore, NotIgnored};
pub use lease::{Abandoned, Claim, Claimed};
pub use ledger::{Binding, Origin};
pub use link::Link;
pub use log::{LogLine, StoredLogLine};
pub use model::{ModelRecord, ReadRecord};
pub use phase::PhaseRecord;
pub use plan_store::StoredPlan;
pub use provider::KnownElsewhere;
pub use quarantine::{Dismissed, MarkMade, MarkedField, Sighted};
pub use quarantine_read::{QuarantineCursor, QuarantineFilter, Quarantined};
pub use record_count::{FilledFields, RecordCounts};
pub use recorder::ChangeRecorder;
pub use request_id::{NoRequestId, RequestId};
pub use retention::{RemovedRun, Retention};
pub use role::{NoRole, Role};
pub(crate) use run::OUT_OF_TIME;
pub use run::{
    Endpoint, NewRun, PlanRef, Purpose, Run, RunCounts, RunError, RunFilter, RunId, RunKind, RunResult, RunSettings,
    RunStage, RunStatus, Stop, StopRequest,
};
pub use run_outcome::RunOutcome;
pub use schedule::Ticks;
pub use search::{Found, JobLogFilter, LOOKED_AT, LogEntry, SyncLogFilter};
pub use secret::{Secret, SecretHash};
pub use session::{NewSession, Session};
pub use size::HistorySize;
pub use stage::LeftStage;
pub use started::{AFTER, BY_ANYBODY, BY_SCHEDULE, BY_WEBHOOK};
pub use status::{StatusChange, StatusEvent};
pub(crate) use store::{Pool, opened};
pub use summary::RunSummary;
pub(crate) use summary::grouped;
pub use sync::{StoredSync, SyncDefinition, SyncId, SyncOwner, TakenOver};
pub use token::{NewToken, Token, TokenId, TokenState};
pub use trigger::{Ready, Triggered};
pub use waiting::{InTheWay, Waiting, WaitsFor};

/// The history store. Cloning it gives another handle to the same store.
#[derive(Debug, Clone)]
pub struct History {
    store: Arc<store::Store>,
    told: Arc<watch::Sender<()>>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; none when this is the last one.
    pub next: Option<C>,
}

impl History {
    /// Opens a history and brings its tables up to date.
    ///
    /// `url` is a path or `sqlite:///path/history.db` (the file and its folder are made when they are missing), or
    /// `postgres://user@host/database`. Several processes may open the same history at once.
    pub async fn open(url: &str) -> Result<Self> {
        let location = &url.parse()?;
        opened(|| async move { Self::over(store::Store::connect(location).await?).await }.boxed()).await
    }

    /// A history that is gone when the last handle is.
    pub async fn in_memory() -> Result<Self> {
        Self::over(store::Store::connect(&location::Location::Memory).await?).await
    }

    /// Asks the database whether it is there.
    pub async fn ping(&self) -> Result<()> {
        self.store.db().ping().await.map_err(|error| self.store.read_error(error))
    }

    /// Asks the database whether it is there, and whether it is still as this program knows it: another one may have brought it up to date.
    pub async fn ensure_ready(&self) -> Result<()> {
        if migration::is_current(self.store.db()).await.map_err(|error| self.store.located(error))? {
            return Ok(());
        }
        let message = "the history misses tables that this program needs: start the program anew, which makes them";
        Err(Error::new(ErrorKind::Storage, message))
    }

    /// The versions that its tables went through.
    pub async fn migrations(&self) -> Result<Vec<String>> {
        migration::seen(self.store.db()).await.map_err(|error| self.store.located(error))
    }

    /// Waits for open transactions and closes the connections; SQLite tidies its side files away.
    pub async fn close(self) -> Result<()> {
        self.store.close().await
    }

    /// The connections, for what keeps its tables beside those of the history.
    pub(crate) fn pool(&self) -> Pool {
        self.store.pool()
    }

    /// Turns an error of a statement on [`Self::pool`] into one of ours.
    pub(crate) fn driver_error(&self, error: sqlx::Error) -> Error {
        self.store.located(error::of_statement_of_driver(error))
    }

    async fn over(store: store::Store) -> Result<Self> {
        migration::migrate(&store).await?;
        Ok(Self { store: Arc::new(store), told: Arc::new(watch::Sender::new(())) })
    }
}

/// The name of this machine, or of the container.
pub(crate) fn host() -> &'static str {
    &process::Process::current().host
}

impl<T, C> Page<T, C> {
    /// Makes a page of what a query for one item more than `limit` gave.
    fn cut(mut items: Vec<T>, limit: u64, cursor: impl Fn(&T) -> C) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if items.len() <= limit {
            return Self { items, next: None };
        }
        items.truncate(limit);
        let next = items.last().map(cursor);
        Self { items, next }
    }
}
