//! What Forward says when something does not work, told apart by what a person does about it.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use syncline_core::ErrorKind;
use syncline_http::StatusError;

/// An error of this connector: what the problem is, and the request it came from.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Error {
    problem: Problem,
    /// Where class, retryability and request of the converted error come from.
    http: Option<Box<syncline_http::Error>>,
}

/// What the problem is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// 401.
    #[error(
        "Forward refused the access key or its secret: check that `access_key` and `secret` refer to an API token that is active ({said})"
    )]
    Credential {
        /// Forward's words.
        said: String,
    },
    /// 401 with the words for an expired token.
    #[error(
        "the API token has expired: make a new one in Forward, and put it where `access_key` and `secret` refer to ({said})"
    )]
    Expired {
        /// Forward's words.
        said: String,
    },
    /// 401 with the words for a locked account.
    #[error(
        "the Forward account is locked: an administrator of Forward has to unlock it; it was not tried again, as that could keep it locked ({said})"
    )]
    Locked {
        /// Forward's words.
        said: String,
    },
    /// 403.
    #[error("{0}")]
    Denied(Denial),
    /// 404 for a route that this release does not have.
    #[error("this release of Forward does not serve `{route}`")]
    NoEndpoint {
        /// Method and path.
        route: String,
    },
    /// 404 for a thing that is not there.
    #[error("Forward does not find it: {said}")]
    NotFound {
        /// Forward's words.
        said: String,
    },
    /// The query does not run.
    #[error("the query does not run: {}", .0.join("; "))]
    Query(Vec<String>),
    /// The query took longer than it may.
    #[error("the query did not end within {0}: raise `query_minutes` or the limit in Forward, or read a smaller scope")]
    QueryTimeout(String),
    /// Somebody or something stopped the query.
    #[error("Forward cancelled the query: run the sync again")]
    QueryCancelled,
    /// The execution failed for reasons of the server.
    #[error("Forward failed to run the query (outcome `{0}`): run the sync again; if it stays, ask Forward's support")]
    QueryFailed(String),
    /// The Forward snapshot cannot be queried.
    #[error("the Forward snapshot cannot be queried: it is {state}; choose another one, or wait until it is processed")]
    SnapshotUnavailable {
        /// Its state.
        state: String,
    },
    /// The network has nothing to query.
    #[error("no Forward snapshot of the network can be read: {0}")]
    NoSnapshot(String),
    /// 429, after waiting as often as allowed.
    #[error(
        "Forward's limit of requests is used up: set `http.requests_per_minute` lower, or let the other users of this access key wait ({said})"
    )]
    RateLimited {
        /// Forward's words.
        said: String,
    },
    /// Pages that do not add up.
    #[error("the pages of the result do not add up: {0}")]
    Paging(String),
    /// The result is larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// The columns of a query are not those of the contract.
    #[error("{0}")]
    Columns(String),
    /// Something in the settings does not fit what Forward has.
    #[error("{0}")]
    Settings(String),
    /// An answer outside the contract.
    #[error("{0}")]
    Protocol(String),
    /// Anything else, in the words of the HTTP client.
    #[error("{0}")]
    Http(String),
}

/// Why Forward denies something. Only the words of its answer differ.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// The user lacks a permission.
    Permission(String),
    /// The user lacks a permission in the network.
    NetworkPermission(String),
    /// The licence does not include it.
    Unlicensed(String),
    /// The licence has expired.
    LicenseExpired,
    /// The licence's tier does not permit the query.
    LicenseTier(String),
    /// It is switched off, or on, for the organization or the deployment.
    Setting(String),
    /// Somebody with more authority is needed.
    Authority(String),
    /// Other words.
    Other(String),
}

/// The body of every error that comes from Forward itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ErrorInfo {
    message: Option<String>,
    reason: Option<String>,
    completion_type: Option<String>,
    snapshot_state: Option<String>,
    errors: Vec<QueryError>,
}

/// A place in a query that is wrong, as Forward tells it: positions start at 0.
#[derive(Debug, Deserialize)]
pub(crate) struct QueryError {
    #[serde(default)]
    message: String,
    location: Option<Location>,
}

#[derive(Debug, Deserialize)]
struct Location {
    start: Position,
}

#[derive(Debug, Deserialize)]
struct Position {
    line: u64,
    character: u64,
}

impl Error {
    /// An error that is no answer's.
    pub(crate) fn new(problem: Problem) -> Self {
        Self { problem, http: None }
    }

    /// Tells the failure of a request apart.
    pub(crate) fn of(error: syncline_http::Error) -> Self {
        let problem = match &error {
            syncline_http::Error::Status(answer) => Problem::of_answer(answer),
            other => Problem::Http(core_message(other)),
        };
        Self { problem, http: Some(Box::new(error)) }
    }

    /// What the problem is.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl Problem {
    fn of_answer(answer: &StatusError) -> Self {
        let status = answer.status.as_u16();
        let info = answer.json().and_then(|body| serde_json::from_value::<ErrorInfo>(body).ok());
        // Without Forward's body it is the answer of something before Forward, or of another system.
        let Some(info) = info.filter(|info| info.message.is_some() || info.reason.is_some()) else {
            return match status {
                401 => Self::Credential { said: said(answer, None) },
                429 => Self::RateLimited { said: said(answer, None) },
                _ => Self::Http(answer_message(answer)),
            };
        };
        let message = info.message.as_deref().unwrap_or_default();
        let said = || said(answer, info.message.as_deref());
        match (status, info.reason.as_deref()) {
            (400, _) => Self::of_bad_request(&info, said()),
            (401, _) if is_locked(message) => Self::Locked { said: said() },
            (401, _) if message.to_lowercase().contains("expired") => Self::Expired { said: said() },
            (401, _) => Self::Credential { said: said() },
            (403, _) => Self::Denied(Denial::of(message)),
            (404, _) => match message.strip_prefix("No endpoint ") {
                Some(route) => Self::NoEndpoint { route: route.trim_end_matches('.').to_owned() },
                None => Self::NotFound { said: said() },
            },
            (409, Some("SNAPSHOT_UNAVAILABLE")) => {
                Self::SnapshotUnavailable { state: info.snapshot_state.unwrap_or_else(said) }
            }
            (409, Some("NO_QUALIFYING_SNAPSHOT")) => Self::NoSnapshot(said()),
            (429, _) => Self::RateLimited { said: said() },
            _ => Self::Http(answer_message(answer)),
        }
    }

    fn of_bad_request(info: &ErrorInfo, said: String) -> Self {
        match info.completion_type.as_deref() {
            Some("TIMED_OUT") => return Self::QueryTimeout("the time that Forward allows".to_owned()),
            Some("CANCELED") => return Self::QueryCancelled,
            _ => {}
        }
        if !info.errors.is_empty() {
            return Self::Query(info.errors.iter().map(ToString::to_string).collect());
        }
        let lower = said.to_lowercase();
        let unprocessed = ["failed to process", "processing was canceled", "processing timed out"];
        match unprocessed.iter().find(|words| lower.contains(**words)) {
            Some(_) => Self::SnapshotUnavailable { state: format!("not processed ({said})") },
            None if lower.contains("unrecognized field") => {
                Self::Protocol(format!("this release of Forward does not know a field of the request: {said}"))
            }
            None => Self::Query(vec![said]),
        }
    }

    fn kind(&self) -> Option<ErrorKind> {
        Some(match self {
            Self::Credential { .. } | Self::Expired { .. } | Self::Locked { .. } => ErrorKind::Unauthenticated,
            Self::Denied(_) => ErrorKind::Forbidden,
            Self::NoEndpoint { .. } => ErrorKind::Unsupported,
            Self::NotFound { .. } | Self::NoSnapshot(_) => ErrorKind::NotFound,
            Self::Query(_) | Self::SnapshotUnavailable { .. } => ErrorKind::Refused,
            Self::QueryTimeout(_) | Self::QueryCancelled | Self::QueryFailed(_) => ErrorKind::Remote,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Columns(_) | Self::Paging(_) | Self::Protocol(_) => ErrorKind::Protocol,
            Self::TooLarge(_) | Self::Settings(_) => ErrorKind::Settings,
            Self::Http(_) => return None,
        })
    }
}

impl Denial {
    fn of(message: &str) -> Self {
        // Forward's own text has the typographic apostrophe in some of these.
        let lower = message.to_lowercase();
        let rest = |prefix: &str| message.strip_prefix(prefix).map(|rest| rest.trim_end_matches('.').to_owned());
        if let Some(what) = rest("Missing permission: ") {
            Self::Permission(what)
        } else if let Some(what) = rest("No permission for network operation ") {
            Self::NetworkPermission(what)
        } else if let Some(what) = rest("Unlicensed operation: ") {
            Self::Unlicensed(what)
        } else if lower.contains("license has expired") {
            Self::LicenseExpired
        } else if lower.contains("license tier") {
            Self::LicenseTier(message.to_owned())
        } else if lower.contains("authority required") {
            Self::Authority(message.to_owned())
        } else if ["is off for", "is on for"].iter().any(|words| lower.contains(words)) {
            Self::Setting(message.to_owned())
        } else {
            Self::Other(message.to_owned())
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission(what) => {
                write!(f, "the Forward user lacks the permission `{what}`: an administrator of Forward can grant it")
            }
            Self::NetworkPermission(what) => write!(
                f,
                "the Forward user may not do `{what}` in this network: an administrator of Forward can give the user a role in it"
            ),
            Self::Unlicensed(what) => {
                write!(
                    f,
                    "Forward's licence does not include `{what}`: nothing to change here, ask who licenses Forward"
                )
            }
            Self::LicenseExpired => f.write_str("Forward's licence has expired: ask who licenses Forward"),
            Self::LicenseTier(said) => write!(
                f,
                "the tier of Forward's licence does not permit the query: leave its model out, or ask who licenses Forward ({said})"
            ),
            Self::Setting(said) => {
                write!(f, "a setting of Forward forbids it: an administrator of Forward can change it ({said})")
            }
            Self::Authority(said) => {
                write!(f, "the Forward user has too little authority for it: use a token of another user ({said})")
            }
            Self::Other(said) => write!(f, "Forward denies it to this user: {said}"),
        }
    }
}

/// `Record has no field 'nmae' (line 3, column 10)`: people count from 1.
impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.trim_end_matches('.'))?;
        match &self.location {
            Some(Location { start: Position { line, character } }) => {
                write!(f, " (line {}, column {})", line.saturating_add(1), character.saturating_add(1))
            }
            None => Ok(()),
        }
    }
}

impl QueryError {
    /// The one in the status of an execution.
    pub(crate) fn from_value(value: Value) -> String {
        let text = value.to_string();
        serde_json::from_value::<Self>(value).map_or(text, |error| error.to_string())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::new(problem)
    }
}

impl From<Error> for syncline_core::Error {
    fn from(Error { problem, http }: Error) -> Self {
        let kind = problem.kind();
        let Some(http) = http else { return Self::new(kind.unwrap_or(ErrorKind::Remote), problem.to_string()) };
        let status = http.status();
        let converted = Self::from(*http);
        let mut error = Self::new(kind.unwrap_or(converted.kind()), problem.to_string());
        if status != syncline_core::ErrorStatus::Permanent {
            error = error.temporary();
        }
        if status == syncline_core::ErrorStatus::Persistent {
            error = error.persistent();
        }
        for (name, value) in converted.context() {
            error = error.with(name, value);
        }
        match std::error::Error::source(&converted) {
            Some(source) => error.caused_by(source.to_string()),
            None => error,
        }
    }
}

fn is_locked(message: &str) -> bool {
    message.starts_with("User account is locked") || message == "Account is locked"
}

/// Forward's words, with the wait that it asks for; the status when it has none.
fn said(answer: &StatusError, message: Option<&str>) -> String {
    let words = words(answer, message);
    match answer.retry_after {
        Some(wait) => format!("{words}; it asks to wait {} s", wait.as_secs()),
        None => words,
    }
}

fn words(answer: &StatusError, message: Option<&str>) -> String {
    match message.map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => message.trim_end_matches('.').to_owned(),
        None if answer.body_excerpt.is_empty() => format!("status {}", answer.status.as_u16()),
        None => answer.body_excerpt.clone(),
    }
}

/// The words of the HTTP client without the request, which travels as context.
fn core_message(error: &syncline_http::Error) -> String {
    let text = error.to_string();
    match error.call() {
        Some(call) => text.strip_suffix(&format!(" ({call})")).unwrap_or(&text).to_owned(),
        None => text,
    }
}

fn answer_message(answer: &StatusError) -> String {
    let text = answer.to_string();
    text.strip_suffix(&format!(" ({})", answer.call)).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_denial_are_told_apart() {
        let text = |message: &str| Denial::of(message).to_string();
        insta::assert_snapshot!(
            [
                "Missing permission: NetworkOperation.USE_NQE",
                "No permission for network operation USE_NQE",
                "Unlicensed operation: NQE_EXECUTIONS",
                "Your organization\u{2019}s license has expired",
                "Query /A/b is not permitted for this organization\u{2019}s license tier",
                "API access is off for your organization",
                "Organization admin authority required",
                "No.",
            ].map(text).join("\n"), @r"
            the Forward user lacks the permission `NetworkOperation.USE_NQE`: an administrator of Forward can grant it
            the Forward user may not do `USE_NQE` in this network: an administrator of Forward can give the user a role in it
            Forward's licence does not include `NQE_EXECUTIONS`: nothing to change here, ask who licenses Forward
            Forward's licence has expired: ask who licenses Forward
            the tier of Forward's licence does not permit the query: leave its model out, or ask who licenses Forward (Query /A/b is not permitted for this organization’s license tier)
            a setting of Forward forbids it: an administrator of Forward can change it (API access is off for your organization)
            the Forward user has too little authority for it: use a token of another user (Organization admin authority required)
            Forward denies it to this user: No.
            ");
    }
}
