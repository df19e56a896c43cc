//! People who may log in.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::{Deserialize, Serialize};

use super::entity::{account, session};
use super::{Actor, AuditAction, History, Role, audit, error, provider, text};
use crate::{Error, ErrorKind, Result};

/// The most letters of a name.
const MOST: usize = 64;

/// The number of an account in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AccountId(pub(super) i64);

/// What an account or a token is called. Capital and small letters are the same.
///
/// No other letters than those of ASCII: nobody is to be taken for somebody else.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct AccountName(Box<str>);

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {MOST} letters, digits, `.`, `_`, `-`, `+` and `@`, and begins with a letter or a digit")]
pub struct NoAccountName;

/// The hash of a password, with all that is needed to check one. Whoever makes it knows what it means.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

/// An account that is to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// What it is called.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// What it logs in with; none when that is not a password.
    pub password: Option<PasswordHash>,
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// What it is called.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// It may not log in now.
    pub disabled: bool,
    /// It has a password.
    pub has_password: bool,
    /// The provider where it logs in, by its address; null when it logs in here.
    pub issuer: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was last logged in or seen; exact to a minute.
    pub last_seen: Option<DateTime<Utc>>,
}

/// An account with what it logs in with.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The account.
    pub account: Account,
    /// What it logs in with; none when that is not a password.
    pub password: Option<PasswordHash>,
}

impl History {
    /// Makes an account. The name must not be taken.
    pub async fn create_account(&self, new: &NewAccount, actor: &Actor) -> Result<Account> {
        self.store
            .write(move |tx, _| {
                async move {
                    if find(&new.name).one(tx).await.map_err(error::of_statement)?.is_some() {
                        let message = format!(
                            "there is an account `{}` already: give another name, or change that one with `syncline account role` or \
                             `syncline account password`",
                            new.name
                        );
                        return Err(Error::new(ErrorKind::Refused, message));
                    }
                    let row = account::ActiveModel {
                        name: Set(new.name.as_str().to_owned()),
                        folded_name: Set(new.name.folded()),
                        role: Set(new.role.as_str().to_owned()),
                        password_hash: Set(new.password.as_ref().map(|hash| hash.as_str().to_owned())),
                        disabled: Set(false),
                        created_at: Set(text::now()),
                        ..Default::default()
                    };
                    let row = row.insert(tx).await.map_err(error::of_statement)?;
                    let detail = format!("role {}", new.role);
                    tell(tx, actor, AuditAction::AccountCreate, &new.name, Some(&detail)).await?;
                    Account::try_from(row)
                }
                .boxed()
            })
            .await
    }

    /// The accounts, by name.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let rows = account::Entity::find().order_by_asc(account::Column::FoldedName).all(self.store.db()).await;
        rows.map_err(|error| self.store.read_error(error))?.into_iter().map(Account::try_from).collect()
    }

    /// An account with what it logs in with; none when nobody has this name.
    pub async fn credential(&self, name: &AccountName) -> Result<Option<Credential>> {
        let row = find(name).one(self.store.db()).await.map_err(|error| self.store.read_error(error))?;
        let Some(mut row) = row else { return Ok(None) };
        let password = row.password_hash.take();
        let account = Account { has_password: password.is_some(), ..row.try_into()? };
        Ok(Some(Credential { account, password: password.map(PasswordHash::from) }))
    }

    /// Whether there is an admin who can log in.
    pub async fn has_admin(&self) -> Result<bool> {
        let admins = admins().count(self.store.db()).await;
        Ok(admins.map_err(|error| self.store.read_error(error))? > 0)
    }

    /// Gives an account another role, which holds from its next request on. The last admin who can log in stays one.
    pub async fn set_account_role(&self, name: &AccountName, role: Role, actor: &Actor) -> Result<Account> {
        self.store
            .write(move |tx, _| {
                async move {
                    let before = there(tx, name).await?;
                    provider::ensure_own(&before, "role")?;
                    if role != Role::Admin {
                        ensure_another_admin(tx, &before).await?;
                    }
                    set(tx, before.id, account::Column::Role, Expr::value(role.as_str())).await?;
                    let detail = format!("{} to {role}", before.role);
                    tell(tx, actor, AuditAction::AccountRole, &before.name, Some(&detail)).await?;
                    there(tx, name).await
                }
                .boxed()
            })
            .await
    }

    /// Gives an account another password, and ends its sessions.
    pub async fn set_password(&self, name: &AccountName, hash: &PasswordHash, actor: &Actor) -> Result<Account> {
        self.store
            .write(move |tx, _| {
                async move {
                    let account = there(tx, name).await?;
                    provider::ensure_own(&account, "password")?;
                    set(tx, account.id, account::Column::PasswordHash, Expr::value(hash.as_str())).await?;
                    end_sessions(tx, account.id).await?;
                    tell(tx, actor, AuditAction::AccountPassword, &account.name, None).await?;
                    there(tx, name).await
                }
                .boxed()
            })
            .await
    }

    /// Lets an account log in no more, and ends its sessions; or lets it log in again. The last admin who can log in stays.
    pub async fn set_account_disabled(&self, name: &AccountName, disabled: bool, actor: &Actor) -> Result<Account> {
        self.store
            .write(move |tx, _| {
                async move {
                    let account = there(tx, name).await?;
                    if disabled {
                        ensure_another_admin(tx, &account).await?;
                        end_sessions(tx, account.id).await?;
                    }
                    set(tx, account.id, account::Column::Disabled, Expr::value(disabled)).await?;
                    let action = if disabled { AuditAction::AccountDisable } else { AuditAction::AccountEnable };
                    tell(tx, actor, action, &account.name, None).await?;
                    there(tx, name).await
                }
                .boxed()
            })
            .await
    }
}

pub(super) fn find(name: &AccountName) -> Select<account::Entity> {
    account::Entity::find().filter(account::Column::FoldedName.eq(name.folded()))
}

fn admins() -> Select<account::Entity> {
    account::Entity::find()
        .filter(account::Column::Role.eq(Role::Admin.as_str()))
        .filter(account::Column::Disabled.eq(false))
        .filter(account::Column::PasswordHash.is_not_null())
}

/// An account that must be there.
async fn there<C: ConnectionTrait>(db: &C, name: &AccountName) -> Result<Account> {
    let row = find(name).one(db).await.map_err(error::of_statement)?;
    let missing = || {
        let message = format!("there is no account `{name}`: `syncline account list` lists those that there are");
        Error::new(ErrorKind::NotFound, message)
    };
    row.ok_or_else(missing)?.try_into()
}

pub(super) async fn set(
    tx: &DatabaseTransaction,
    id: AccountId,
    column: account::Column,
    value: sea_orm::sea_query::SimpleExpr,
) -> Result<()> {
    let update = account::Entity::update_many().col_expr(column, value).filter(account::Column::Id.eq(id.0));
    update.exec(tx).await.map_err(error::of_statement)?;
    Ok(())
}

async fn ensure_another_admin(tx: &DatabaseTransaction, account: &Account) -> Result<()> {
    let is_admin = account.role == Role::Admin && !account.disabled && account.has_password;
    // Two who leave at once wait for each other here.
    let admins = admins().lock_exclusive().all(tx).await.map_err(error::of_statement)?;
    if !is_admin || admins.iter().any(|other| other.id != account.id.0) {
        return Ok(());
    }
    let message = format!(
        "`{}` is the only admin who can log in: make another one first, with `syncline account add NAME --role admin`",
        account.name
    );
    Err(Error::new(ErrorKind::Refused, message))
}

async fn end_sessions(tx: &DatabaseTransaction, account: AccountId) -> Result<()> {
    let delete = session::Entity::delete_many().filter(session::Column::AccountId.eq(account.0));
    delete.exec(tx).await.map_err(error::of_statement)?;
    Ok(())
}

pub(super) async fn tell(
    tx: &DatabaseTransaction,
    actor: &Actor,
    action: AuditAction,
    name: &AccountName,
    detail: Option<&str>,
) -> Result<()> {
    audit::append(tx, actor, action, Some(name.as_str()), detail).await
}

impl AccountName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in small letters, which tells it from others.
    pub(super) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for AccountName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for AccountName {}

impl FromStr for AccountName {
    type Err = NoAccountName;

    fn from_str(text: &str) -> Result<Self, NoAccountName> {
        let usable = |letter: char| letter.is_ascii_alphanumeric() || "._-+@".contains(letter);
        let begins = text.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        if begins && text.len() <= MOST && text.chars().all(usable) {
            Ok(Self(text.into()))
        } else {
            Err(NoAccountName)
        }
    }
}

impl TryFrom<String> for AccountName {
    type Error = NoAccountName;

    fn try_from(text: String) -> Result<Self, NoAccountName> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PasswordHash {
    /// The hash, for whoever checks passwords.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PasswordHash {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl TryFrom<account::Model> for Account {
    type Error = Error;

    fn try_from(row: account::Model) -> Result<Self> {
        Ok(Self {
            id: AccountId(row.id),
            name: row.name.parse().map_err(|_| text::foreign("account.name", &row.name))?,
            role: text::parse("account.role", &row.role)?,
            disabled: row.disabled,
            has_password: row.password_hash.is_some(),
            issuer: row.issuer,
            created: text::time(row.created_at),
            last_seen: row.last_seen.map(text::time),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain() {
        for good in ["kim", "Kim.Lee", "kim@example.com", "0", &"x".repeat(MOST)] {
            assert_eq!(good.parse::<AccountName>().unwrap().as_str(), good);
        }
        for bad in ["", " kim", "kim lee", "-kim", "token:ci", "kïm", "kim\n", "a/b", &"x".repeat(MOST + 1)] {
            assert_eq!(bad.parse::<AccountName>(), Err(NoAccountName), "{bad:?}");
        }
        assert_eq!("Kim".parse::<AccountName>(), "kim".parse());
        assert!(serde_json::from_str::<AccountName>("\"\"").is_err());
    }
}
