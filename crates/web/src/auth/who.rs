//! Who asks.

use std::collections::BTreeSet;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;
use syncline_core::history::{Actor, BY_ANYBODY, How, Role, Secret, SecretHash};

use super::Origin;
use crate::problem::{Problem, ProblemKind};

/// Who asks. [`authenticate`](super::authenticate) puts it among the extensions of the request; handlers take it as an argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Who {
    /// The name of an account, or `token:` and the name of a token; `api` where nobody is asked.
    pub name: String,
    /// What that one may do.
    pub role: Role,
    /// How that one is known.
    pub how: How,
    /// The syncs that a token may touch; null for all, and for what is about no sync. It is told of no other, but for what the configuration
    /// of one of these says, as which sync it follows.
    pub syncs: Option<BTreeSet<String>>,
    /// From where the request comes.
    #[serde(skip)]
    pub origin: Origin,
}

/// The session that a request belongs to.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Which one.
    pub id: SecretHash,
    /// What its forms and scripts send along with what changes something.
    pub csrf: Secret,
}

impl Who {
    /// Everybody, where nobody is asked who it is.
    pub fn local(origin: Origin) -> Self {
        Self { name: BY_ANYBODY.to_owned(), role: Role::Admin, how: How::Local, syncs: None, origin }
    }

    /// Refuses whoever may not do what `needed` may.
    pub fn ensure(&self, needed: Role) -> Result<(), Problem> {
        if self.role.may(needed) {
            return Ok(());
        }
        let detail = format!("this needs the role `{needed}`, and `{}` has the role `{}`", self.name, self.role);
        Err(Problem::new(ProblemKind::Forbidden, detail))
    }

    /// Refuses a token that is not good for a sync; none for what is about no single sync.
    pub fn ensure_sync(&self, sync: Option<&str>) -> Result<(), Problem> {
        let Some(syncs) = &self.syncs else { return Ok(()) };
        let names: Vec<_> = syncs.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(", ");
        let detail = match sync {
            Some(sync) if syncs.contains(sync) => return Ok(()),
            Some(sync) => format!("`{}` may touch {names} only, not `{sync}`", self.name),
            None => format!("`{}` may touch {names} only, and this is not about one of them alone", self.name),
        };
        Err(Problem::new(ProblemKind::Forbidden, detail))
    }

    /// Whether a sync may be named to whoever asks.
    pub fn sees(&self, sync: &str) -> bool {
        self.syncs.as_ref().is_none_or(|syncs| syncs.contains(sync))
    }

    /// That one, for the audit log.
    pub fn actor(&self) -> Actor {
        self.origin.actor(&self.name, self.how)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let who = parts.extensions.get::<Self>().cloned();
        who.ok_or_else(|| Problem::new(ProblemKind::Unauthenticated, "nobody said who asks"))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
