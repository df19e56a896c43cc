//! Who did what. Rows are added and never changed; they go with age alone.

use std::fmt;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use super::entity::audit;
use super::{History, Page, RequestId, error, text};
use crate::{Error, Result};

/// The most letters that are kept of what somebody else wrote.
const MOST: usize = 500;
/// How many rows one transaction removes.
const ROWS: u64 = 5_000;

/// The number of a row of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AuditId(i64);

/// How somebody was known who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By a login.
    Session,
    /// By a token.
    Token,
    /// Not at all: the server asks nobody who it is, and answers this machine only.
    Local,
    /// As a user of the machine, with the command.
    Cli,
    /// By the secret of a sync's webhook.
    Webhook,
}

/// Somebody who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name of an account, `token:` and the name of a token, a user of the machine.
    pub who: String,
    /// How that one was known.
    pub how: How,
    /// From which address.
    pub address: Option<String>,
    /// What that one calls the request.
    pub request_id: Option<RequestId>,
}

/// What is done. The list is closed: programs look for these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AuditAction {
    /// Somebody logged in.
    #[serde(rename = "login")]
    Login,
    /// Somebody tried to log in, and gave no account or another password.
    #[serde(rename = "login.failed")]
    LoginFailed,
    /// Somebody logged out.
    #[serde(rename = "logout")]
    Logout,
    /// An account was made.
    #[serde(rename = "account.create")]
    AccountCreate,
    /// An account got another role.
    #[serde(rename = "account.role")]
    AccountRole,
    /// An account got another password.
    #[serde(rename = "account.password")]
    AccountPassword,
    /// An account may not log in any more.
    #[serde(rename = "account.disable")]
    AccountDisable,
    /// An account may log in again.
    #[serde(rename = "account.enable")]
    AccountEnable,
    /// A token was made.
    #[serde(rename = "token.create")]
    TokenCreate,
    /// A token was made useless.
    #[serde(rename = "token.revoke")]
    TokenRevoke,
    /// A sync was made.
    #[serde(rename = "sync.create")]
    SyncCreate,
    /// The settings of a sync were changed.
    #[serde(rename = "sync.change")]
    SyncChange,
    /// A sync was ended.
    #[serde(rename = "sync.remove")]
    SyncRemove,
    /// The schedules of a sync were told to rest.
    #[serde(rename = "sync.pause")]
    SyncPause,
    /// The schedules of a sync were told to go on.
    #[serde(rename = "sync.unpause")]
    SyncUnpause,
    /// A run was asked for.
    #[serde(rename = "run.trigger")]
    RunTrigger,
    /// A run was told to end.
    #[serde(rename = "run.cancel")]
    RunCancel,
    /// A run was told to wait.
    #[serde(rename = "run.pause")]
    RunPause,
    /// A run was told to go on.
    #[serde(rename = "run.resume")]
    RunResume,
    /// The plan of a run was approved.
    #[serde(rename = "run.approve")]
    RunApprove,
    /// The plan of a run was rejected.
    #[serde(rename = "run.reject")]
    RunReject,
    /// Somebody said something about the plan of a run.
    #[serde(rename = "run.comment")]
    RunComment,
    /// A run was removed from the history.
    #[serde(rename = "run.remove")]
    RunRemove,
    /// Somebody decided about a record that the source no longer has.
    #[serde(rename = "quarantine.decide")]
    QuarantineDecide,
    /// Somebody looked at a finding.
    #[serde(rename = "finding.acknowledge")]
    FindingAcknowledge,
    /// Somebody wants a difference left alone.
    #[serde(rename = "ignore.make")]
    IgnoreMake,
    /// Somebody ended that a difference is left alone.
    #[serde(rename = "ignore.end")]
    IgnoreEnd,
    /// Somebody called the webhook of a sync and did not know its secret.
    #[serde(rename = "hook.refused")]
    HookRefused,
    /// Something else was changed; the object says where.
    #[serde(rename = "change")]
    Change,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditEntry {
    /// Its number.
    pub id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who; `unknown` when somebody failed to log in under a name that is nobody's, which may be a password.
    pub who: String,
    /// How that one was known.
    pub how: How,
    /// What was done.
    pub action: AuditAction,
    /// To what: the name of an account, a token or a sync, `run 17`.
    pub object: Option<String>,
    /// What else there is to say.
    pub detail: Option<String>,
    /// From which address it came.
    pub address: Option<String>,
    /// What whoever asked calls the request.
    pub request_id: Option<String>,
}

/// Which rows are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of somebody with this name.
    pub who: Option<String>,
    /// Of one of these; none for any.
    pub action: Vec<AuditAction>,
    /// About this object.
    pub object: Option<String>,
    /// Not older than this.
    pub since: Option<DateTime<Utc>>,
}

impl History {
    /// Adds a row. Changes of accounts and tokens add theirs themselves.
    pub async fn audit(
        &self,
        actor: &Actor,
        action: AuditAction,
        object: Option<&str>,
        detail: Option<&str>,
    ) -> Result<()> {
        self.store.write(move |tx, _| append(tx, actor, action, object, detail).boxed()).await
    }

    /// Rows, newest first: those with a smaller number than `before`.
    pub async fn audit_log(
        &self,
        filter: &AuditFilter,
        before: Option<AuditId>,
        limit: u64,
    ) -> Result<Page<AuditEntry, AuditId>> {
        let actions = Some(&filter.action).filter(|actions| !actions.is_empty());
        let wanted = Condition::all()
            .add_option(filter.who.as_ref().map(|who| audit::Column::Who.eq(who)))
            .add_option(actions.map(|all| audit::Column::Action.is_in(all.iter().map(|action| action.as_str()))))
            .add_option(filter.object.as_ref().map(|object| audit::Column::Object.eq(object)))
            .add_option(filter.since.map(|since| audit::Column::At.gte(text::micros(since))))
            .add_option(before.map(|before| audit::Column::Id.lt(before.0)));
        let rows = audit::Entity::find()
            .filter(wanted)
            .order_by_desc(audit::Column::Id)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let entries: Result<_> = rows.into_iter().map(AuditEntry::try_from).collect();
        Ok(Page::cut(entries?, limit, |entry| entry.id))
    }
}

impl History {
    /// Removes the rows that are older than a time, in microseconds, in transactions that nobody waits long for.
    pub(super) async fn forget_audit(&self, oldest: i64) -> Result<()> {
        loop {
            let first: Vec<(i64, i64)> = audit::Entity::find()
                .select_only()
                .columns([audit::Column::Id, audit::Column::At])
                .order_by_asc(audit::Column::Id)
                .limit(ROWS)
                .into_tuple()
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            // They are numbered as they came: behind the first that stays, all stay.
            let old = first.iter().take_while(|(_, at)| *at < oldest);
            let Some((last, _)) = old.last() else { return Ok(()) };
            let removal = &audit::Entity::delete_many().filter(audit::Column::Id.lte(*last));
            self.store
                .write(move |tx, _| async move { removal.clone().exec(tx).await.map_err(error::of_statement) }.boxed())
                .await?;
        }
    }
}

/// Adds a row in the transaction of what it tells of.
pub(super) async fn append(
    tx: &DatabaseTransaction,
    actor: &Actor,
    action: AuditAction,
    object: Option<&str>,
    detail: Option<&str>,
) -> Result<()> {
    let row = audit::ActiveModel {
        at: Set(text::now()),
        who: Set(short(&actor.who)),
        how: Set(actor.how.as_str().to_owned()),
        action: Set(action.as_str().to_owned()),
        object: Set(object.map(short)),
        detail: Set(detail.map(short)),
        address: Set(actor.address.as_deref().map(short)),
        request_id: Set(actor.request_id.as_ref().map(ToString::to_string)),
        ..Default::default()
    };
    row.insert(tx).await.map_err(error::of_statement)?;
    Ok(())
}

/// PostgreSQL takes no NUL in a text.
fn short(text: &str) -> String {
    text.chars().filter(|letter| *letter != '\0').take(MOST).collect()
}

impl AuditId {
    /// The number as an id.
    pub fn new(id: i64) -> Self {
        Self(id)
    }
}

impl How {
    /// The name in the history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
            Self::Local => "local",
            Self::Cli => "cli",
            Self::Webhook => "webhook",
        }
    }
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::Login,
        Self::LoginFailed,
        Self::Logout,
        Self::AccountCreate,
        Self::AccountRole,
        Self::AccountPassword,
        Self::AccountDisable,
        Self::AccountEnable,
        Self::TokenCreate,
        Self::TokenRevoke,
        Self::SyncCreate,
        Self::SyncChange,
        Self::SyncRemove,
        Self::SyncPause,
        Self::SyncUnpause,
        Self::RunTrigger,
        Self::RunCancel,
        Self::RunPause,
        Self::RunResume,
        Self::RunApprove,
        Self::RunReject,
        Self::RunComment,
        Self::RunRemove,
        Self::QuarantineDecide,
        Self::FindingAcknowledge,
        Self::IgnoreMake,
        Self::IgnoreEnd,
        Self::HookRefused,
        Self::Change,
    ];

    /// The word in the history, the API and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed => "login.failed",
            Self::Logout => "logout",
            Self::AccountCreate => "account.create",
            Self::AccountRole => "account.role",
            Self::AccountPassword => "account.password",
            Self::AccountDisable => "account.disable",
            Self::AccountEnable => "account.enable",
            Self::TokenCreate => "token.create",
            Self::TokenRevoke => "token.revoke",
            Self::SyncCreate => "sync.create",
            Self::SyncChange => "sync.change",
            Self::SyncRemove => "sync.remove",
            Self::SyncPause => "sync.pause",
            Self::SyncUnpause => "sync.unpause",
            Self::RunTrigger => "run.trigger",
            Self::RunCancel => "run.cancel",
            Self::RunPause => "run.pause",
            Self::RunResume => "run.resume",
            Self::RunApprove => "run.approve",
            Self::RunReject => "run.reject",
            Self::RunComment => "run.comment",
            Self::RunRemove => "run.remove",
            Self::QuarantineDecide => "quarantine.decide",
            Self::FindingAcknowledge => "finding.acknowledge",
            Self::IgnoreMake => "ignore.make",
            Self::IgnoreEnd => "ignore.end",
            Self::HookRefused => "hook.refused",
            Self::Change => "change",
        }
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<audit::Model> for AuditEntry {
    type Error = Error;

    fn try_from(row: audit::Model) -> Result<Self> {
        Ok(Self {
            id: AuditId(row.id),
            at: text::time(row.at),
            who: row.who,
            how: text::parse("audit.how", &row.how)?,
            action: text::parse("audit.action", &row.action)?,
            object: row.object,
            detail: row.detail,
            address: row.address,
            request_id: row.request_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_read_as_it_is_written() {
        for action in AuditAction::ALL {
            assert_eq!(text::parse::<AuditAction>("action", action.as_str()).unwrap(), action);
        }
        for how in [How::Session, How::Token, How::Local, How::Cli, How::Webhook] {
            assert_eq!(text::parse::<How>("how", how.as_str()).unwrap(), how);
        }
    }
}
