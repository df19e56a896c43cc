//! Logging in at a provider of OpenID Connect: the authorization code flow, with PKCE.
//!
//! `GET /login/oidc?next=/path` sends a browser to the provider, with a cookie that has what this login is known by: `state`, `nonce` and the
//! verifier of the code. The provider sends it back to `GET /login/oidc/back` with a code, which this server exchanges for a token about the
//! person. What the cookie does not know was begun in another browser, and is refused; a code is good for once, as the provider sees to.
//! Of the token are checked: signature (with keys of the provider, never with a shared secret), issuer, audience, times, nonce.
//!
//! The person gets an [account](syncline_core::history::KnownElsewhere), with the role that the provider's groups have in the settings. Who
//! is in none of them is refused. The role is that of the last login: what changes at the provider counts from the next one on.

mod fetch;
mod pending;
mod provider;

pub use pending::{Pending, forget};
pub use provider::{Back, Provider};

use crate::problem::{Problem, ProblemKind};

/// Why somebody was not logged in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be asked, or what it says of itself is not to be understood.
    #[error("{label} cannot be asked: {reason}")]
    Unreachable {
        /// The provider.
        label: String,
        /// Why.
        reason: String,
    },
    /// The login was not begun in this browser, or too long ago.
    #[error("this login was not begun in this browser, or too long ago: begin anew at `/login`")]
    NotBegun,
    /// The provider did not let the person in.
    #[error("{label} did not let you in: {reason}")]
    Refused {
        /// The provider.
        label: String,
        /// What it said.
        reason: String,
    },
    /// What the provider says is not to be believed.
    #[error(
        "what {label} says about you is not to be believed: {reason}; begin anew at `/login`, and tell an admin if that does not help"
    )]
    Unbelievable {
        /// The provider.
        label: String,
        /// Why.
        reason: String,
    },
    /// The provider says of the person what no account is called.
    #[error(
        "`{claim}` of {label} says {said}, and no account can be called so: an admin sets `web.oidc.name_claim` to another claim"
    )]
    NoName {
        /// The provider.
        label: String,
        /// Where the name is looked for.
        claim: String,
        /// What is there.
        said: String,
    },
    /// The person has no role here.
    #[error(
        "you are logged in at {label}, but may do nothing here: {said} in `{claim}`, none of which has a role; an admin gives one in \
         `web.oidc.roles`, or adds you to a group that has one"
    )]
    NoRole {
        /// The provider.
        label: String,
        /// Where groups are looked for.
        claim: String,
        /// What is there.
        said: String,
    },
}

impl From<OidcError> for Problem {
    fn from(error: OidcError) -> Self {
        let kind = match error {
            OidcError::Unreachable { .. } => ProblemKind::Remote,
            OidcError::NotBegun | OidcError::Unbelievable { .. } => ProblemKind::Unauthenticated,
            OidcError::Refused { .. } | OidcError::NoName { .. } | OidcError::NoRole { .. } => ProblemKind::Forbidden,
        };
        Self::new(kind, error.to_string())
    }
}
