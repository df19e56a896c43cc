//! What programs ask with.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, Select,
};
use serde::{Deserialize, Serialize};

use super::entity::token;
use super::{AccountName, Actor, AuditAction, History, Role, Secret, SecretHash, audit, error, text};
use crate::{Error, ErrorKind, Result};

/// How exact it is known when a token was last used: not every request is worth a write.
const EXACT: TimeDelta = TimeDelta::minutes(1);
/// How many letters of a secret are shown, to tell tokens apart: the prefix and 24 of 256 bits.
const SHOWN: usize = 10;

/// The number of a token in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TokenId(i64);

/// A token that is to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it is called.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// The syncs that it may touch; none for all, and for what is about no sync.
    pub syncs: Option<BTreeSet<String>>,
    /// When it ends; none for when it is revoked.
    pub expires: Option<DateTime<Utc>>,
}

/// What a program asks with, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// What it is called.
    pub name: AccountName,
    /// The beginning of its secret.
    pub prefix: String,
    /// What it may do.
    pub role: Role,
    /// The syncs that it may touch; null for all.
    pub syncs: Option<BTreeSet<String>>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
    /// When it was last used; exact to a minute.
    pub last_used: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked: Option<DateTime<Utc>>,
}

/// Whether a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It is.
    Good,
    /// Its time is over.
    Expired,
    /// Somebody made it useless.
    Revoked,
}

impl History {
    /// Makes a token of a secret. No other token that is not revoked may have its name.
    pub async fn create_token(&self, new: &NewToken, secret: &Secret, actor: &Actor) -> Result<Token> {
        let syncs = &new.syncs.as_ref().map(text::to_json).transpose()?;
        self.store
            .write(move |tx, _| {
                async move {
                    if in_force(&new.name).one(tx).await.map_err(error::of_statement)?.is_some() {
                        let message = format!(
                            "there is a token `{0}` already: give another name, or revoke that one with `syncline token revoke {0}`",
                            new.name
                        );
                        return Err(Error::new(ErrorKind::Refused, message));
                    }
                    let row = token::ActiveModel {
                        name: Set(new.name.as_str().to_owned()),
                        folded_name: Set(new.name.folded()),
                        secret_hash: Set(secret.hash().stored()),
                        prefix: Set(secret.expose().chars().take(SHOWN).collect()),
                        role: Set(new.role.as_str().to_owned()),
                        syncs: Set(syncs.clone()),
                        created_by: Set(actor.who.clone()),
                        created_at: Set(text::now()),
                        expires_at: Set(new.expires.map(text::micros)),
                        ..Default::default()
                    };
                    let row = row.insert(tx).await.map_err(error::of_statement)?;
                    let token = Token::try_from(row)?;
                    let detail = token.powers();
                    audit::append(tx, actor, AuditAction::TokenCreate, Some(new.name.as_str()), Some(&detail)).await?;
                    Ok(token)
                }
                .boxed()
            })
            .await
    }

    /// The tokens, newest first; those too that are over.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let rows = token::Entity::find().order_by_desc(token::Column::Id).all(self.store.db()).await;
        rows.map_err(|error| self.store.read_error(error))?.into_iter().map(Token::try_from).collect()
    }

    /// The token that a secret is of, also when it is over: see [`Token::state`]. One that is good was used by this.
    pub async fn token(&self, secret: SecretHash) -> Result<Option<Token>> {
        let row = token::Entity::find().filter(token::Column::SecretHash.eq(secret.stored())).one(self.store.db());
        let Some(row) = row.await.map_err(|error| self.store.read_error(error))? else { return Ok(None) };
        let token = Token::try_from(row)?;
        let now = Utc::now();
        let is_known = token.last_used.is_some_and(|used| used + EXACT > now);
        if token.state(now) == TokenState::Good && !is_known {
            let id = token.id;
            self.store.write(move |tx, _| used(tx, id, now).boxed()).await?;
        }
        Ok(Some(token))
    }

    /// Makes a token useless, by its name.
    pub async fn revoke_token(&self, name: &AccountName, actor: &Actor) -> Result<Token> {
        self.store
            .write(move |tx, _| {
                async move {
                    let Some(row) = in_force(name).one(tx).await.map_err(error::of_statement)? else {
                        let message = format!(
                            "there is no token `{name}` that could be revoked: `syncline token list` lists them"
                        );
                        return Err(Error::new(ErrorKind::NotFound, message));
                    };
                    let now = text::now();
                    let update = token::Entity::update_many()
                        .col_expr(token::Column::RevokedAt, Expr::value(now))
                        .filter(token::Column::Id.eq(row.id));
                    update.exec(tx).await.map_err(error::of_statement)?;
                    audit::append(tx, actor, AuditAction::TokenRevoke, Some(&row.name), None).await?;
                    Token::try_from(token::Model { revoked_at: Some(now), ..row })
                }
                .boxed()
            })
            .await
    }
}

/// The token with a name that is not revoked.
fn in_force(name: &AccountName) -> Select<token::Entity> {
    let named = token::Entity::find().filter(token::Column::FoldedName.eq(name.folded()));
    named.filter(token::Column::RevokedAt.is_null())
}

async fn used(tx: &DatabaseTransaction, id: TokenId, now: DateTime<Utc>) -> Result<()> {
    let update = token::Entity::update_many()
        .col_expr(token::Column::LastUsed, Expr::value(text::micros(now)))
        .filter(token::Column::Id.eq(id.0));
    update.exec(tx).await.map_err(error::of_statement)?;
    Ok(())
}

impl Token {
    /// Whether it is good at a time.
    pub fn state(&self, now: DateTime<Utc>) -> TokenState {
        match (self.revoked, self.expires) {
            (Some(_), _) => TokenState::Revoked,
            (None, Some(expires)) if expires <= now => TokenState::Expired,
            (None, _) => TokenState::Good,
        }
    }

    /// What it may do, in words for the audit log.
    fn powers(&self) -> String {
        let syncs = self.syncs.as_ref().map_or_else(
            || "all syncs".to_owned(),
            |syncs| format!("the syncs {}", syncs.iter().cloned().collect::<Vec<_>>().join(", ")),
        );
        let until = self.expires.map_or_else(
            || "without end".to_owned(),
            |expires| format!("until {}", expires.format("%Y-%m-%d %H:%M UTC")),
        );
        format!("role {}, {syncs}, {until}", self.role)
    }
}

impl TryFrom<token::Model> for Token {
    type Error = Error;

    fn try_from(row: token::Model) -> Result<Self> {
        Ok(Self {
            id: TokenId(row.id),
            name: row.name.parse().map_err(|_| text::foreign("token.name", &row.name))?,
            prefix: row.prefix,
            role: text::parse("token.role", &row.role)?,
            syncs: row.syncs.map(|syncs| text::parse_json("token.syncs", &syncs)).transpose()?,
            created_by: row.created_by,
            created: text::time(row.created_at),
            expires: row.expires_at.map(text::time),
            last_used: row.last_used.map(text::time),
            revoked: row.revoked_at.map(text::time),
        })
    }
}
