//! Who asks, and what that one may do.
//!
//! With [`Authentication::Off`] nobody is asked who it is: everybody may do everything, under the name `api`. The host then listens on a
//! loopback address only. With [`Authentication::On`] a request brings one of two things:
//!
//! - **A session**, begun by a login and kept in a cookie that no script can read (`HttpOnly`), no other site can send along with what
//!   changes something (`SameSite=Lax`) and, where the server is reached by TLS, no other host can set (`__Host-`). It ends after
//!   [`IDLE`](session::IDLE) without a request, after [`LASTS`](session::LASTS) in any case, at the logout, and when the account is
//!   disabled or gets another password. What changes something also brings the session's CSRF secret, as the header `X-CSRF-Token` or
//!   the field `csrf` of a form: a cookie alone changes nothing.
//! - **A token**, as `Authorization: Bearer syn_…`. It has a role of its own, may end, may be revoked, and may be good for some syncs
//!   only: then whatever is not about one of those is refused.
//!
//! A request has no more than that: there is no identity in any other header. The role of a session is the one that the account has now.
//! What a role may do is in [`permission`]; who did what is in the audit log of the history.
//!
//! Sessions are rows of our own, not those of a session library: those keep a map of anything under an id, and what is
//! needed here (ending all sessions of an account in the transaction that changes its password, keeping a hash of the id
//! only, reading the account's role anew) would have to be built around it.
//!
//! | route | what |
//! |---|---|
//! | `POST /login` `{"name", "password"}`, `POST /logout` | a session in a cookie, or its end |
//! | `GET /me` | who asks: name, role, how, syncs, and the CSRF secret of a session |
//! | `PUT /me/password` `{"current", "password"}` | another password of one's own |
//! | `GET`, `POST /accounts`; `PUT /accounts/{name}/role`, `…/password`; `POST /accounts/{name}/disable`, `…/enable` | people |
//! | `GET`, `POST /tokens`; `DELETE /tokens/{name}` | tokens; the secret is told once |
//! | `GET /audit` | who did what |
//!
//! [Webhooks](crate::routes::hooks) know neither sessions nor tokens: who calls one knows [the secret](hook) of that one sync.

pub mod access;
mod authenticate;
mod csrf;
pub mod hook;
mod limit;
pub mod login;
#[cfg(feature = "oidc")]
pub mod oidc;
mod origin;
pub mod password;
pub mod permission;
pub mod provider;
pub mod session;
mod standing;
pub mod token;
mod watch;
mod who;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::uri::Authority;
use syncline_core::history::{Actor, AuditAction, History};

use crate::browser;

pub use authenticate::{Answers, Gate, authenticate};
pub use login::local_path;
pub use origin::Origin;
pub use provider::ProviderSettings;
pub use standing::Standing;
pub use watch::{Watchers, watch};
pub use who::{LoggedIn, Who};

/// Whether whoever asks has to say who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Authentication {
    /// Nobody has to: everybody is an admin called `api`.
    #[default]
    Off,
    /// Everybody has to log in, or to bring a token.
    On,
}

/// How the server is reached, and by whom.
#[derive(Debug, Clone, Default)]
pub struct AuthSettings {
    /// Whether whoever asks has to say who it is.
    pub authentication: Authentication,
    /// Browsers reach the server by TLS, so that cookies are sent by TLS only.
    pub secure: bool,
    /// The names by which the server is reached, without port, beside those of the machine for itself.
    pub hosts: Vec<String>,
    /// The addresses of proxies: the last address in the `X-Forwarded-For` of what comes from one is that of whoever asks.
    pub proxies: Vec<IpAddr>,
    /// Who may read the metrics.
    pub watchers: Watchers,
    /// Where people log in instead of here, or besides; none in builds without the feature `oidc`.
    pub provider: Option<ProviderSettings>,
}

/// Knows who asks. Cloning it gives another handle to the same.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    history: History,
    settings: AuthSettings,
    limits: limit::LoginLimits,
    hooks: hook::HookLimits,
    passwords: password::Passwords,
    #[cfg(feature = "oidc")]
    provider: Option<oidc::Provider>,
}

impl Auth {
    /// Knows those whom the history knows.
    pub fn new(history: History, settings: AuthSettings) -> Self {
        let limits = limit::LoginLimits::default();
        let hooks = hook::HookLimits::default();
        Self(Arc::new(Inner {
            #[cfg(feature = "oidc")]
            provider: settings.provider.clone().map(oidc::Provider::new),
            history,
            settings,
            limits,
            hooks,
            passwords: password::Passwords::default(),
        }))
    }

    /// Whether whoever asks has to say who it is.
    pub fn is_on(&self) -> bool {
        self.0.settings.authentication == Authentication::On
    }

    /// Where people log in instead of here, or besides, by the name that they know.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        self.0.settings.provider.as_ref().map(|provider| provider.label.as_str())
    }

    /// Whether people may log in with a password here.
    pub(crate) fn takes_passwords(&self) -> bool {
        self.0.settings.provider.as_ref().is_none_or(|provider| !provider.only)
    }

    #[cfg(feature = "oidc")]
    pub(crate) fn provider(&self) -> Option<&oidc::Provider> {
        self.0.provider.as_ref()
    }

    /// Whether browsers reach the server by TLS.
    pub fn is_secure(&self) -> bool {
        self.0.settings.secure
    }

    /// Whether the server is reached by a name: one of the machine for itself, or one that was configured.
    pub(crate) fn answers_to(&self, host: &Authority) -> bool {
        let host = host.host();
        browser::is_loopback(host) || self.0.settings.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    pub(crate) fn hooks(&self) -> &hook::HookLimits {
        &self.0.hooks
    }

    pub(crate) fn history(&self) -> &History {
        &self.0.history
    }

    /// Notes in the audit log what is done already: where that fails, the answer must not say that it is not.
    pub(crate) async fn note(&self, actor: &Actor, action: AuditAction, object: &str, detail: Option<&str>) {
        if let Err(error) = self.0.history.audit(actor, action, Some(object), detail).await {
            tracing::error!(who = actor.who, action = %action, object, error = %error.report(), "the audit log misses a row");
        }
    }
}
