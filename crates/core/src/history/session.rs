//! Browsers in which somebody has logged in.

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter,
};

use super::entity::{account, session};
use super::{Account, AccountId, Actor, AuditAction, History, Secret, SecretHash, audit, error, text};
use crate::{Error, ErrorKind, Result};

/// How exact it is known when somebody was last seen: not every request is worth a write.
const EXACT: TimeDelta = TimeDelta::minutes(1);

/// A session that is to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose it is.
    pub account: AccountId,
    /// The hash of the cookie's secret.
    pub id: SecretHash,
    /// What forms and scripts of this session send along, so that no other page can send them.
    pub csrf: Secret,
    /// When it ends, whatever happens in it.
    pub expires: DateTime<Utc>,
}

/// A session that goes on.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is, as the account is now.
    pub account: Account,
    /// What forms and scripts of this session send along.
    pub csrf: Secret,
    /// When it began.
    pub created: DateTime<Utc>,
    /// When it ends, whatever happens in it.
    pub expires: DateTime<Utc>,
}

impl History {
    /// Begins a session: somebody has logged in. Refused when the account was disabled meanwhile.
    pub async fn begin_session(&self, new: &NewSession, actor: &Actor) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    let now = text::now();
                    let seen = account::Entity::update_many()
                        .col_expr(account::Column::LastSeen, Expr::value(now))
                        .filter(account::Column::Id.eq(new.account.0))
                        .filter(account::Column::Disabled.eq(false));
                    if seen.exec(tx).await.map_err(error::of_statement)?.rows_affected == 0 {
                        return Err(Error::new(ErrorKind::Refused, "the account may not log in"));
                    }
                    let row = session::ActiveModel {
                        id: Set(new.id.stored()),
                        account_id: Set(new.account.0),
                        csrf: Set(new.csrf.expose().to_owned()),
                        created_at: Set(now),
                        expires_at: Set(text::micros(new.expires)),
                        last_seen: Set(now),
                    };
                    row.insert(tx).await.map_err(error::of_statement)?;
                    audit::append(tx, actor, AuditAction::Login, None, None).await
                }
                .boxed()
            })
            .await
    }

    /// A session that goes on, by the hash of the cookie's secret; none when it has ended, was not used for `idle`, or its account
    /// is disabled. Being asked for is being used.
    pub async fn session(&self, id: SecretHash, idle: TimeDelta) -> Result<Option<Session>> {
        let now = Utc::now();
        let Some((row, account)) = self.open_session(id, idle, now).await? else { return Ok(None) };
        if text::time(row.last_seen) + EXACT <= now {
            self.store.write(move |tx, _| seen(tx, id, row.account_id, now).boxed()).await?;
        }
        Ok(Some(Session {
            account: account.try_into()?,
            csrf: row.csrf.into(),
            created: text::time(row.created_at),
            expires: text::time(row.expires_at),
        }))
    }

    /// Whether a session goes on, as [`History::session`] has it. Being asked so is not being used.
    pub async fn session_goes_on(&self, id: SecretHash, idle: TimeDelta) -> Result<bool> {
        Ok(self.open_session(id, idle, Utc::now()).await?.is_some())
    }

    async fn open_session(
        &self,
        id: SecretHash,
        idle: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<(session::Model, account::Model)>> {
        let failed = |error| self.store.read_error(error);
        let Some(row) = session::Entity::find_by_id(id.stored()).one(self.store.db()).await.map_err(failed)? else {
            return Ok(None);
        };
        if text::time(row.expires_at) <= now || text::time(row.last_seen) + idle <= now {
            return Ok(None);
        }
        let account = account::Entity::find_by_id(row.account_id).one(self.store.db()).await.map_err(failed)?;
        Ok(account.filter(|account| !account.disabled).map(|account| (row, account)))
    }

    /// Ends a session: somebody has logged out. Nothing happens when it had ended.
    pub async fn end_session(&self, id: SecretHash, actor: &Actor) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    let ended = session::Entity::delete_by_id(id.stored()).exec(tx).await;
                    match ended.map_err(error::of_statement)?.rows_affected {
                        0 => Ok(()),
                        _ => audit::append(tx, actor, AuditAction::Logout, None, None).await,
                    }
                }
                .boxed()
            })
            .await
    }

    /// Forgets the sessions that have ended by themselves. Gives how many.
    pub async fn expire_sessions(&self, idle: TimeDelta) -> Result<u64> {
        let now = Utc::now();
        let over = Condition::any()
            .add(session::Column::ExpiresAt.lte(text::micros(now)))
            .add(session::Column::LastSeen.lte(text::micros(now - idle)));
        let delete = &session::Entity::delete_many().filter(over);
        let done = self
            .store
            .write(move |tx, _| async move { delete.clone().exec(tx).await.map_err(error::of_statement) }.boxed())
            .await?;
        Ok(done.rows_affected)
    }
}

async fn seen(tx: &DatabaseTransaction, id: SecretHash, account: i64, now: DateTime<Utc>) -> Result<()> {
    let now = text::micros(now);
    let update = session::Entity::update_many()
        .col_expr(session::Column::LastSeen, Expr::value(now))
        .filter(session::Column::Id.eq(id.stored()));
    update.exec(tx).await.map_err(error::of_statement)?;
    let update = account::Entity::update_many()
        .col_expr(account::Column::LastSeen, Expr::value(now))
        .filter(account::Column::Id.eq(account));
    update.exec(tx).await.map_err(error::of_statement)?;
    Ok(())
}
