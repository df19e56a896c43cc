//! What somebody was let in by, for what lasts longer than a request: whoever is let in no more is told nothing more.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::Utc;
use syncline_core::Result;
use syncline_core::history::{History, SecretHash, TokenState};

use super::session::IDLE;
use crate::Problem;
use crate::problem::ProblemKind;

/// What somebody was let in by. [`authenticate`](super::authenticate) puts it among the extensions of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is asked.
    Open,
    /// A session.
    Session(SecretHash),
    /// A token.
    Token(SecretHash),
}

impl Standing {
    /// Whether it is good still: the session goes on, the token is neither revoked nor expired. To follow something is no use of a
    /// session: one that nobody uses ends although a page of it is open.
    pub async fn holds(self, history: &History) -> Result<bool> {
        match self {
            Self::Open => Ok(true),
            Self::Session(id) => history.session_goes_on(id, IDLE).await,
            Self::Token(secret) => {
                let token = history.token(secret).await?;
                Ok(token.is_some_and(|token| token.state(Utc::now()) == TokenState::Good))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Standing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Problem> {
        let standing = parts.extensions.get::<Self>().copied();
        standing.ok_or_else(|| Problem::new(ProblemKind::Unauthenticated, "nobody said who asks"))
    }
}
