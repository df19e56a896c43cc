//! The error every connector and the engine speak.
//!
//! Rules:
//! - `kind` says what went wrong, `status` whether trying again can help; both are decided where the answer is read.
//! - `Display` never prints the source; the chain is printed once, at the boundary that handles the error.
//! - Messages are lower case, have no full stop, name the thing in backticks and say what to do about it.
//! - No secret and no credential ever enters a message or a context value.

mod exchange;
mod report;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use exchange::{EXCERPT, Exchange};
pub use report::{ErrorReport, causes};

/// The result of everything that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in classes that a person or the runner acts on differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// A setting is missing, unknown or out of range. The operator changes the configuration.
    Settings,
    /// The remote system refused the credential (wrong, expired or locked). Never retried: retrying can lock an account.
    Unauthenticated,
    /// The credential is known but lacks a permission or a licence.
    Forbidden,
    /// The thing asked for does not exist.
    NotFound,
    /// The system cannot be reached: name resolution, connect, TLS, time-out before an answer.
    Unreachable,
    /// The system asked to slow down for longer than we wait.
    RateLimited,
    /// The system answered something outside its contract: HTML instead of JSON, a page cut short, a missing field.
    Protocol,
    /// The system refused the data that was sent, with its reason.
    Refused,
    /// The object changed since it was read.
    Stale,
    /// The version or build of the system does not have what is asked for.
    Unsupported,
    /// A guard stopped the operation.
    Guard,
    /// The run was cancelled.
    Cancelled,
    /// Another run is under way that this one has to wait for.
    Busy,
    /// Another runner has the run: this one was thought dead, and may not write about it any more.
    LeaseLost,
    /// It is not known whether what was sent to a system was carried out, and the system does not tell.
    InDoubt,
    /// A local file, folder or database failed.
    Storage,
    /// A fault of the remote system itself (5xx).
    Remote,
    /// A defect in Syncline or in a connector.
    Internal,
}

impl ErrorKind {
    /// Whether an error of this kind ends a whole read: whatever else would be asked of the system fails the same way. After another one,
    /// the model that was read ends as partial, and the next one can be read.
    pub fn ends_a_read(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Unauthenticated
                | Self::RateLimited
                | Self::Settings
                | Self::Cancelled
                | Self::Storage
                | Self::Internal
        )
    }
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorStatus {
    /// Trying again gives the same answer.
    Permanent,
    /// Trying again may work.
    Temporary,
    /// It was temporary, was tried again as often as allowed, and still fails. Outer layers must not retry it once more.
    Persistent,
}

/// An error with its class, its retryability, what was being done and to what.
///
/// Boxed inside, so that a `Result` stays small.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    status: ErrorStatus,
    message: String,
    context: Vec<(&'static str, String)>,
    exchange: Option<Box<Exchange>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A permanent error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                status: ErrorStatus::Permanent,
                message: message.into(),
                context: Vec::new(),
                exchange: None,
                source: None,
            }),
        }
    }

    /// Marks the error as one that may go away.
    pub fn temporary(mut self) -> Self {
        self.inner.status = ErrorStatus::Temporary;
        self
    }

    /// Marks a temporary error as retried in vain.
    pub fn persistent(mut self) -> Self {
        if self.inner.status == ErrorStatus::Temporary {
            self.inner.status = ErrorStatus::Persistent;
        }
        self
    }

    /// Adds what was being worked on, for example `("model", "interface")`.
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((name, value.to_string()));
        self
    }

    /// Adds the request that failed.
    pub fn with_exchange(mut self, exchange: Option<Exchange>) -> Self {
        self.inner.exchange = exchange.map(Box::new);
        self
    }

    /// The request that failed, here or in what caused this error; none where none did.
    pub fn exchange(&self) -> Option<&Exchange> {
        let own = self.inner.exchange.as_deref();
        own.or_else(|| self.inner.source.as_deref()?.downcast_ref::<Self>()?.exchange())
    }

    /// Attaches the error that caused this one.
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether trying again can help.
    pub fn status(&self) -> ErrorStatus {
        self.inner.status
    }

    /// The message without context.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What was being worked on, in the order it was added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.inner.context
    }

    /// The message, its context and every cause, on one line: what is written to a log or shown once at the boundary.
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let part = error.to_string();
            if !text.ends_with(&part) {
                text.push_str(": ");
                text.push_str(&part);
            }
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_message(f, &self.inner.message, self.inner.context.iter().map(|(name, value)| (*name, value.as_str())))
    }
}

/// A message, and in brackets what was being worked on.
fn write_message<'a>(
    f: &mut fmt::Formatter<'_>,
    message: &str,
    context: impl Iterator<Item = (&'a str, &'a str)>,
) -> fmt::Result {
    f.write_str(message)?;
    let mut is_open = false;
    for (name, value) in context {
        write!(f, "{}{name} {value}", if is_open { ", " } else { " (" })?;
        is_open = true;
    }
    if is_open { f.write_str(")") } else { Ok(()) }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("status", &self.inner.status)
            .field("message", &self.inner.message)
            .field("context", &self.inner.context)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_leaves_the_source_to_the_report() {
        let error = Error::new(ErrorKind::Unreachable, "cannot reach `netbox.example`")
            .with("model", "site")
            .with("page", 3)
            .caused_by(std::io::Error::other("connection refused"));
        assert_eq!(error.to_string(), "cannot reach `netbox.example` (model site, page 3)");
        assert_eq!(error.report(), "cannot reach `netbox.example` (model site, page 3): connection refused");
    }

    #[test]
    fn the_request_of_a_cause_is_found() {
        let exchange = Exchange {
            method: "GET".to_owned(),
            url: "https://netbox.example/api/".to_owned(),
            status: Some(503),
            attempts: 4,
            body: None,
        };
        let cause = Error::new(ErrorKind::Remote, "down").with_exchange(Some(exchange.clone()));
        let error = Error::new(ErrorKind::Protocol, "a page is missing").caused_by(cause);
        assert_eq!(error.exchange(), Some(&exchange));
        assert_eq!(Error::new(ErrorKind::Remote, "x").caused_by(std::io::Error::other("y")).exchange(), None);
    }

    #[test]
    fn only_a_temporary_error_becomes_persistent() {
        assert_eq!(Error::new(ErrorKind::Remote, "x").persistent().status(), ErrorStatus::Permanent);
        assert_eq!(Error::new(ErrorKind::Remote, "x").temporary().persistent().status(), ErrorStatus::Persistent);
    }
}
