//! Accounts, tokens and the audit log.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::history::{
    Account, AccountName, AuditAction, AuditEntry, AuditFilter, AuditId, NewAccount, NewToken, Role, Secret, Token,
};

use super::password::{FEWEST, MOST, Password};
use super::{LoggedIn, Who, token};
use crate::input::{Body, Limit, Name, Nothing, Wanted, names};
use crate::problem::ProblemKind;
use crate::{ApiState, List, Problem};

/// Who asks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Me {
    /// Who it is.
    #[serde(flatten)]
    pub who: Who,
    /// What a session sends along with what changes something; null for those without a session, who need none.
    pub csrf: Option<String>,
}

/// An account that is to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountWish {
    /// What it is called.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// What it logs in with; without one it gets one later.
    #[serde(default)]
    #[schemars(extend("minLength" = FEWEST, "maxLength" = MOST))]
    pub password: Option<Password>,
}

/// Another role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleWish {
    /// What the account may do.
    pub role: Role,
}

/// Another password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordWish {
    /// What the account logs in with.
    #[schemars(extend("minLength" = FEWEST, "maxLength" = MOST))]
    pub password: Password,
}

/// A token that is to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenWish {
    /// What it is called.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// The syncs that it may touch; null for all.
    #[serde(default)]
    pub syncs: Option<BTreeSet<String>>,
    /// When it ends; null for when it is revoked.
    #[serde(default)]
    pub expires: Option<DateTime<Utc>>,
}

/// A token with its secret, which is told this once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MadeToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What a program sends: `Authorization: Bearer` and this.
    pub secret: String,
}

/// Which rows of the audit log are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    who: Option<String>,
    #[serde(default, deserialize_with = "names")]
    action: Vec<AuditAction>,
    object: Option<String>,
    since: Option<DateTime<Utc>>,
    before: Option<i64>,
    #[serde(default)]
    limit: Limit,
}

/// The name of an account or a token in a path.
pub struct Named(pub AccountName);

/// `GET /me`: `{"name", "role", "how", "syncs", "csrf"}`.
pub async fn me(who: Who, logged_in: Option<LoggedIn>) -> Json<Me> {
    Json(Me::new(who, logged_in))
}

/// `GET /accounts`: `{"items": [{"id", "name", "role", "disabled", "has_password", "issuer", "created", "last_seen"}, …], "next": null}`, by name.
pub async fn accounts(State(state): State<ApiState>) -> Result<Json<List<Account>>, Problem> {
    Ok(Json(List::whole(state.auth.history().accounts().await?)))
}

/// `POST /accounts` `{"name", "role", "password": null}`: 201 and the account; 409 when the name is taken.
pub async fn create_account(
    State(state): State<ApiState>,
    who: Who,
    Body(wish): Body<AccountWish>,
) -> Result<impl IntoResponse, Problem> {
    let password = match &wish.password {
        Some(password) => Some(hashed(&state, password).await?),
        None => None,
    };
    let new = NewAccount { name: wish.name, role: wish.role, password };
    let account = state.auth.history().create_account(&new, &who.actor()).await?;
    Ok((StatusCode::CREATED, Json(account)))
}

/// `PUT /accounts/{name}/role` `{"role"}`: the account. The role holds from its next request on. 409 for the last admin who can log in.
pub async fn set_role(
    State(state): State<ApiState>,
    who: Who,
    Named(name): Named,
    Body(wish): Body<RoleWish>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(state.auth.history().set_account_role(&name, wish.role, &who.actor()).await?))
}

/// `PUT /accounts/{name}/password` `{"password"}`: the account. Its sessions end.
pub async fn set_password(
    State(state): State<ApiState>,
    who: Who,
    Named(name): Named,
    Body(wish): Body<PasswordWish>,
) -> Result<Json<Account>, Problem> {
    let hash = hashed(&state, &wish.password).await?;
    Ok(Json(state.auth.history().set_password(&name, &hash, &who.actor()).await?))
}

/// `POST /accounts/{name}/disable`: the account, which may not log in any more. Its sessions end; tokens that it made do not. 409 for the
/// last admin who can log in.
pub async fn disable(
    State(state): State<ApiState>,
    who: Who,
    Named(name): Named,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(state.auth.history().set_account_disabled(&name, true, &who.actor()).await?))
}

/// `POST /accounts/{name}/enable`: the account, which may log in again.
pub async fn enable(
    State(state): State<ApiState>,
    who: Who,
    Named(name): Named,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(state.auth.history().set_account_disabled(&name, false, &who.actor()).await?))
}

/// `GET /tokens`: `{"items": [{"id", "name", "prefix", "role", "syncs", "created_by", "created", "expires", "last_used", "revoked"}, …],
/// "next": null}`, newest first; those too that are over.
pub async fn tokens(State(state): State<ApiState>) -> Result<Json<List<Token>>, Problem> {
    Ok(Json(List::whole(state.auth.history().tokens().await?)))
}

/// `POST /tokens` `{"name", "role", "syncs": null, "expires": null}`: 201 and the token with `"secret"`, which is told this once; 409
/// when a token of the name is not revoked.
pub async fn create_token(
    State(state): State<ApiState>,
    who: Who,
    Body(wish): Body<TokenWish>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, Json(make_token(&state, &who, wish).await?)))
}

/// Makes a token. Its secret is told this once.
pub(crate) async fn make_token(state: &ApiState, who: &Who, wish: TokenWish) -> Result<MadeToken, Problem> {
    let TokenWish { name, role, syncs, expires } = wish;
    if syncs.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(Problem::value("syncs", "names no sync: leave it out for all"));
    }
    for sync in syncs.iter().flatten() {
        if state.syncs.get(sync).await?.is_none() {
            return Err(Problem::value("syncs", format!("there is no sync `{sync}`: `GET syncs` lists them")));
        }
    }
    if expires.is_some_and(|expires| expires <= Utc::now()) {
        return Err(Problem::value("expires", "is over: give a time to come"));
    }
    let secret = Secret::random(token::PREFIX)?;
    let new = NewToken { name, role, syncs, expires };
    let token = state.auth.history().create_token(&new, &secret, &who.actor()).await?;
    Ok(MadeToken { token, secret: secret.expose().to_owned() })
}

/// `DELETE /tokens/{name}`: the token, which is good for nothing any more. Its name is free again.
pub async fn revoke_token(State(state): State<ApiState>, who: Who, Named(name): Named) -> Result<Json<Token>, Problem> {
    Ok(Json(state.auth.history().revoke_token(&name, &who.actor()).await?))
}

/// `GET /audit?who=kim&action=run.approve,run.reject&object=run%2017&since=2026-11-01T00:00:00Z&before=17&limit=100`: `{"items": [{"id", "at",
/// "who", "how", "action", "object", "detail", "address", "request_id"}, …], "next": 5}`, newest first; `next` is the next page's `before`.
pub async fn audit(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<AuditQuery>,
) -> Result<Json<List<AuditEntry, AuditId>>, Problem> {
    let AuditQuery { who, action, object, since, before, limit } = wanted;
    let filter = AuditFilter { who, action, object, since };
    let page = state.auth.history().audit_log(&filter, before.map(AuditId::new), limit.get()).await?;
    Ok(Json(page.into()))
}

async fn hashed(state: &ApiState, password: &Password) -> Result<syncline_core::history::PasswordHash, Problem> {
    password.ensure_good().map_err(|bad| Problem::value("password", bad.to_string()))?;
    Ok(state.auth.0.passwords.hash(password).await?)
}

impl Me {
    pub(super) fn new(who: Who, logged_in: Option<LoggedIn>) -> Self {
        Self { who, csrf: logged_in.map(|session| session.csrf.expose().to_owned()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Name(text) = Name::from_request_parts(parts, state).await?;
        let none = |_| Problem::new(ProblemKind::NotFound, format!("`{text}` is no name of an account or a token"));
        Ok(Self(text.parse().map_err(none)?))
    }
}
