//! An error as programs and people read it: in full, with what to do about it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Error, ErrorKind, ErrorStatus, write_message};

/// An error in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorReport {
    /// What went wrong, in classes.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub status: ErrorStatus,
    /// What went wrong, in words.
    pub message: String,
    /// What was being worked on.
    pub context: BTreeMap<String, String>,
    /// What caused it, outermost first, without what a message already repeats.
    pub causes: Vec<String>,
    /// What helps; null where the message says more than could be said of all errors of its kind.
    pub remedy: Option<&'static str>,
}

/// The message with what was being worked on, as [`Error`] tells it, but in the order of its names.
impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_message(f, &self.message, self.context.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

impl ErrorKind {
    /// The name of the class, as it is serialised.
    pub fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Unreachable => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::Protocol => "protocol",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Unsupported => "unsupported",
            Self::Guard => "guard",
            Self::Cancelled => "cancelled",
            Self::Busy => "busy",
            Self::LeaseLost => "lease_lost",
            Self::InDoubt => "in_doubt",
            Self::Storage => "storage",
            Self::Remote => "remote",
            Self::Internal => "internal",
        }
    }
}

impl Error {
    /// The error in full.
    pub fn in_full(&self) -> ErrorReport {
        ErrorReport {
            kind: self.kind(),
            status: self.status(),
            message: self.message().to_owned(),
            context: self.context().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            causes: causes(self),
            remedy: self.remedy(),
        }
    }

    /// What helps with errors of this kind, where the message does not say more than that.
    pub fn remedy(&self) -> Option<&'static str> {
        let remedy = match self.kind() {
            ErrorKind::Unauthenticated => {
                "check the credential: it is wrong, expired or locked; it was not tried again"
            }
            ErrorKind::Forbidden => "give the credential's user the permission, or use a credential that has it",
            ErrorKind::Unreachable => {
                "check the URL and its port, the proxy (`http.proxy`), and `tls` for a certificate authority of your own"
            }
            ErrorKind::RateLimited => "run it later, or set a smaller `http.requests_per_minute`",
            // Without a request it is about what was understood, not about whom was asked.
            ErrorKind::Protocol if self.context().iter().all(|(name, _)| *name != "request") => return None,
            ErrorKind::Protocol => "check that the URL names the system itself, not a proxy or a login page",
            ErrorKind::Remote => "look into the system's own log; a request id finds the request there",
            ErrorKind::InDoubt => "look in the target whether what the run calls in doubt is there",
            ErrorKind::Stale if self.message().contains("make a new plan") => return None,
            ErrorKind::Stale => "run `syncline plan` again: this plan was made against what is no longer there",
            ErrorKind::Storage => "check the path, its rights and the space on its disk",
            ErrorKind::Internal => {
                "report this: it is a defect of Syncline or of a connector, not of your configuration"
            }
            ErrorKind::Settings
            | ErrorKind::NotFound
            | ErrorKind::Refused
            | ErrorKind::Unsupported
            | ErrorKind::Guard
            | ErrorKind::Cancelled
            | ErrorKind::Busy
            | ErrorKind::LeaseLost => return None,
        };
        let again = self.status() == ErrorStatus::Temporary && self.kind() == ErrorKind::Remote;
        Some(if again { "run it again: the fault may be gone" } else { remedy })
    }
}

/// What caused an error, outermost first, without what a message already repeats.
pub fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !said.ends_with(&message) {
            said.clone_from(&message);
            causes.push(message);
        }
        cause = error.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_as_it_is_written() {
        let kinds = [ErrorKind::Settings, ErrorKind::LeaseLost, ErrorKind::InDoubt, ErrorKind::NotFound];
        for kind in kinds {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn a_cause_that_the_message_repeats_is_not_told_twice() {
        let error =
            Error::new(ErrorKind::Storage, "cannot open `a`: denied").caused_by(std::io::Error::other("denied"));
        assert_eq!(error.in_full().causes, Vec::<String>::new());
        let error = Error::new(ErrorKind::Storage, "cannot open `a`").caused_by(std::io::Error::other("denied"));
        assert_eq!(error.in_full().causes, ["denied"]);
    }
}
