//! The token of a request: `Authorization: Bearer syn_…`.

use axum::http::{HeaderMap, header};
use chrono::Utc;
use syncline_core::history::{How, Secret, SecretHash, TokenState};

use super::{Auth, Origin, Who};
use crate::problem::{Problem, ProblemKind};

/// What every token begins with, so that it is known for one where it should not be.
pub const PREFIX: &str = "syn_";

/// Who brings a token, and the hash of that one; none when the request brings nothing of the kind. One that is not good is refused, whatever else is brought.
pub(super) async fn of(
    auth: &Auth,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Option<(Who, SecretHash)>, Problem> {
    let refused = |detail: &str| Err(Problem::new(ProblemKind::Unauthenticated, detail));
    let mut brought = headers.get_all(header::AUTHORIZATION).iter();
    let secret = match (brought.next(), brought.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(bearer),
        (Some(_), Some(_)) => return refused("the request has more than one `Authorization`"),
    };
    let Some(secret) = secret else {
        return refused(
            "`Authorization` brings no token: write `Bearer`, a space, and the token, which begins with `syn_`",
        );
    };
    let hash = secret.hash();
    let Some(token) = auth.history().token(hash).await? else {
        return refused("there is no such token");
    };
    match token.state(Utc::now()) {
        TokenState::Good => {
            let who = Who {
                name: format!("token:{}", token.name),
                role: token.role,
                how: How::Token,
                syncs: token.syncs,
                origin: origin.clone(),
            };
            Ok(Some((who, hash)))
        }
        TokenState::Expired => refused("the token has expired: an admin makes another one"),
        TokenState::Revoked => refused("the token was revoked: an admin makes another one"),
    }
}

fn bearer(value: &str) -> Option<Secret> {
    let (scheme, secret) = value.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && secret.starts_with(PREFIX)).then(|| secret.into())
}
