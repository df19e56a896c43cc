//! People whom a provider of logins knows, and who need no password here.

use futures::FutureExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::account::{find, set, tell};
use super::entity::account;
use super::{Account, AccountName, Actor, AuditAction, History, Role, error, text};
use crate::{Error, ErrorKind, Result};

/// Somebody whom a provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownElsewhere {
    /// The provider, by its address.
    pub issuer: String,
    /// Who it is there. Unlike a name it never becomes somebody else's.
    pub subject: String,
    /// What the account is called when it is made.
    pub name: AccountName,
    /// What the provider says that the account may do.
    pub role: Role,
}

impl History {
    /// The account of somebody whom a provider knows, with the role that the provider says. It is made when there is none; a name that
    /// somebody else has is refused, because nobody is to become somebody else by a name. One that is disabled stays so.
    pub async fn account_of(&self, known: &KnownElsewhere, actor: &Actor) -> Result<Account> {
        self.store
            .write(move |tx, _| {
                async move {
                    let KnownElsewhere { issuer, subject, name, role } = known;
                    let of_subject = account::Entity::find()
                        .filter(account::Column::Issuer.eq(issuer))
                        .filter(account::Column::Subject.eq(subject));
                    if let Some(row) = of_subject.clone().one(tx).await.map_err(error::of_statement)? {
                        let before = Account::try_from(row)?;
                        if before.role != *role {
                            set(tx, before.id, account::Column::Role, Expr::value(role.as_str())).await?;
                            let detail = format!("{} to {role}, as {issuer} says", before.role);
                            tell(tx, actor, AuditAction::AccountRole, &before.name, Some(&detail)).await?;
                        }
                        return Ok(Account { role: *role, ..before });
                    }
                    if find(name).one(tx).await.map_err(error::of_statement)?.is_some() {
                        let message = format!(
                            "there is an account `{name}` already, which is not the one that {issuer} knows by this name: an admin lets \
                             the provider give another name"
                        );
                        return Err(Error::new(ErrorKind::Refused, message));
                    }
                    let row = account::ActiveModel {
                        name: Set(name.as_str().to_owned()),
                        folded_name: Set(name.folded()),
                        role: Set(role.as_str().to_owned()),
                        password_hash: Set(None),
                        disabled: Set(false),
                        created_at: Set(text::now()),
                        issuer: Set(Some(issuer.clone())),
                        subject: Set(Some(subject.clone())),
                        ..Default::default()
                    };
                    let row = row.insert(tx).await.map_err(error::of_statement)?;
                    let detail = format!("role {role}, as {issuer} says");
                    tell(tx, actor, AuditAction::AccountCreate, name, Some(&detail)).await?;
                    Account::try_from(row)
                }
                .boxed()
            })
            .await
    }
}

/// Refuses to change here what a provider says of an account.
pub(super) fn ensure_own(account: &Account, what: &str) -> Result<()> {
    let Some(issuer) = &account.issuer else { return Ok(()) };
    let message = format!("`{}` logs in at {issuer}, where its {what} is changed", account.name);
    Err(Error::new(ErrorKind::Refused, message))
}
