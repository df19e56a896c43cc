//! Errors as answers: problem details (RFC 9457).

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use syncline_core::{Error, ErrorKind, ErrorStatus};

use crate::store::StoreError;

/// An error as it is answered, with the content type `application/problem+json`:
///
/// ```json
/// {
///   "type": "urn:syncline:problem:settings",
///   "title": "The settings are wrong",
///   "status": 422,
///   "detail": "the sync `lab` has 1 problem",
///   "problems": [{"key": "source", "message": "is missing", "remedy": "write one of `forward`, `netbox`"}]
/// }
/// ```
///
/// `problems` is there when single values of what was sent are wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    #[serde(rename = "type", serialize_with = "as_urn")]
    #[schemars(with = "String")]
    kind: ProblemKind,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    #[schemars(with = "u16")]
    status: StatusCode,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<SettingProblem>,
    /// After so many seconds, trying again may work.
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SettingProblem {
    /// The key, as a path: `source_parameters.network`. Empty when it is about the whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; null when the message says so itself.
    pub remedy: Option<String>,
}

/// What went wrong, in classes that a program acts on differently. `type` is `urn:syncline:problem:` and one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// `no-route`: the API has nothing at this path.
    NoRoute,
    /// `wrong-method`: there is something at this path, but it does not know the method.
    WrongMethod,
    /// `malformed`: the body is no JSON.
    Malformed,
    /// `not-json`: the body was not sent as JSON.
    NotJson,
    /// `not-form`: what a page sends was not sent as a form.
    NotForm,
    /// `too-large`: the body is too long.
    TooLarge,
    /// `unauthenticated`: nobody knows who asks, or it is not the password.
    Unauthenticated,
    /// `forbidden`: whoever asks may not do this.
    Forbidden,
    /// `csrf`: a session asks without its CSRF secret.
    Csrf,
    /// `too-many`: too many tries in too short a time.
    TooMany,
    /// `busy`: as much is going on as may be.
    Busy,
    /// `foreign-name`: the server was asked for by a name that is not its own.
    ForeignName,
    /// `foreign-page`: another site's page sent the request.
    ForeignPage,
    /// `not-found`: there is no such sync, run or plan.
    NotFound,
    /// `settings`: single values are wrong.
    Settings,
    /// `conflict`: what there is does not allow it now.
    Conflict,
    /// `stale`: what was looked at is not what is there now.
    Stale,
    /// `unsupported`: this version cannot do it.
    Unsupported,
    /// `remote`: one of the systems that are kept in agreement does not answer, or not well.
    Remote,
    /// `storage`: a file, a folder or the database failed.
    Storage,
    /// `internal`: a defect of Syncline.
    Internal,
}

impl ProblemKind {
    /// The name, the title and the status.
    fn facts(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::NoRoute => ("no-route", "There is nothing at this path", StatusCode::NOT_FOUND),
            Self::WrongMethod => ("wrong-method", "The path does not know this method", StatusCode::METHOD_NOT_ALLOWED),
            Self::Malformed => ("malformed", "The body is no JSON", StatusCode::BAD_REQUEST),
            Self::NotJson => ("not-json", "The body is not sent as JSON", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::NotForm => ("not-form", "It is not sent as a form", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::Unauthenticated => ("unauthenticated", "Who asks is not known", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("forbidden", "Whoever asks may not do this", StatusCode::FORBIDDEN),
            Self::Csrf => ("csrf", "The session did not send this", StatusCode::FORBIDDEN),
            Self::TooMany => ("too-many", "Too many tries", StatusCode::TOO_MANY_REQUESTS),
            Self::Busy => ("busy", "Too much is going on at once", StatusCode::SERVICE_UNAVAILABLE),
            Self::TooLarge => ("too-large", "The body is too long", StatusCode::PAYLOAD_TOO_LARGE),
            Self::ForeignName => {
                ("foreign-name", "The server is not known by this name", StatusCode::MISDIRECTED_REQUEST)
            }
            Self::ForeignPage => ("foreign-page", "Another site sent the request", StatusCode::FORBIDDEN),
            Self::NotFound => ("not-found", "There is no such thing", StatusCode::NOT_FOUND),
            Self::Settings => ("settings", "The settings are wrong", StatusCode::UNPROCESSABLE_ENTITY),
            Self::Conflict => ("conflict", "It is not possible now", StatusCode::CONFLICT),
            Self::Stale => ("stale", "What was looked at has changed", StatusCode::CONFLICT),
            Self::Unsupported => ("unsupported", "This version cannot do it", StatusCode::NOT_IMPLEMENTED),
            Self::Remote => ("remote", "Another system does not answer well", StatusCode::BAD_GATEWAY),
            Self::Storage => ("storage", "What is kept cannot be reached", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Internal => ("internal", "A defect of Syncline", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

impl ProblemKind {
    /// What it is called, in words.
    pub fn title(self) -> &'static str {
        self.facts().1
    }

    /// The statuses that it is answered with.
    pub fn statuses(self) -> impl Iterator<Item = StatusCode> {
        // Both may pass by themselves; then it is said when to try again.
        let passing = matches!(self, Self::Storage | Self::Internal).then_some(StatusCode::SERVICE_UNAVAILABLE);
        [self.facts().2].into_iter().chain(passing)
    }
}

impl From<ErrorKind> for ProblemKind {
    /// The one place where errors of the engine get their status. Credentials are those of the systems, not the asker's.
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Settings => Self::Settings,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Refused | ErrorKind::Guard | ErrorKind::Cancelled | ErrorKind::Busy | ErrorKind::LeaseLost => {
                Self::Conflict
            }
            ErrorKind::Stale => Self::Stale,
            ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Unreachable
            | ErrorKind::RateLimited
            | ErrorKind::Protocol
            | ErrorKind::Remote
            | ErrorKind::InDoubt => Self::Remote,
            ErrorKind::Storage => Self::Storage,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (_, title, status) = kind.facts();
        Self { kind, title, status, detail: detail.into(), problems: Vec::new(), retry_after: None }
    }

    /// Values of what was sent are wrong.
    pub fn values(detail: impl Into<String>, problems: Vec<SettingProblem>) -> Self {
        Self { problems, ..Self::new(ProblemKind::Settings, detail) }
    }

    /// One value of what was sent is wrong.
    pub fn value(key: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let problem = SettingProblem { key: key.to_owned(), message: message.clone(), remedy: None };
        let detail = if key.is_empty() { message } else { format!("`{key}`: {message}") };
        Self::values(detail, vec![problem])
    }

    /// There is no finding with a number.
    pub(crate) fn no_finding(wanted: impl std::fmt::Display) -> Self {
        Self::new(
            ProblemKind::NotFound,
            format!("there is no finding `{wanted}`: `GET findings` lists those that there are"),
        )
    }

    /// Trying again may work after a time.
    pub fn again_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait.as_secs() + 1), ..self }
    }

    /// What went wrong this time, in words.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The kind in words.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// Which values are wrong.
    pub(crate) fn problems(&self) -> &[SettingProblem] {
        &self.problems
    }

    /// After how many seconds trying again may work.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// There is no run with a number.
    pub(crate) fn no_run(wanted: impl std::fmt::Display) -> Self {
        Self::new(ProblemKind::NotFound, format!("there is no run `{wanted}`: `GET runs` lists those that there are"))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let mut problem = Self::new(error.kind().into(), error.to_string());
        if problem.status.is_server_error() {
            // The causes are for whoever runs the server.
            tracing::error!("{}", error.report());
        }
        if error.status() == ErrorStatus::Temporary && problem.status == StatusCode::INTERNAL_SERVER_ERROR {
            problem.status = StatusCode::SERVICE_UNAVAILABLE;
            problem.retry_after = Some(1);
        }
        problem
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Settings { message, problems } => Self::values(message, problems),
            StoreError::Failed(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.kind == ProblemKind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For those who answer people, who want it as a page.
        response.extensions_mut().insert(self);
        response
    }
}

/// What is answered where there is nothing.
pub(crate) async fn no_route(uri: Uri) -> Problem {
    Problem::new(ProblemKind::NoRoute, format!("the API has nothing at `{}`", uri.path()))
}

/// What is answered to a method that a path does not know. The header `Allow` names those that it knows.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        ProblemKind::WrongMethod,
        format!("`{}` does not know `{method}`; `Allow` names what it knows", uri.path()),
    )
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn as_urn<S: serde::Serializer>(kind: &ProblemKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("urn:syncline:problem:{}", kind.facts().0))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
