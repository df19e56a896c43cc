//! What can go wrong with a request, told apart by what a person or a connector does about it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use syncline_core::{ErrorKind, ErrorStatus};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The error of this crate. It converts into [`syncline_core::Error`], keeping class, retryability and what was called.
///
/// A connector that reads a system's own words matches [`Error::Status`]:
///
/// ```
/// use syncline_http::Error;
///
/// fn is_missing_route(error: &Error) -> bool {
///     match error {
///         Error::Status(answer) => answer.status == 404 && answer.body_text().contains("No endpoint"),
///         _ => false,
///     }
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range, or a file it names cannot be used.
    #[error("`{setting}` {problem}")]
    Settings {
        /// The setting, as written in the connector's settings: `http.proxy`.
        setting: &'static str,
        /// What is wrong with it, and the remedy.
        problem: String,
    },
    /// The request as the connector built it cannot be sent: a defect of the connector or an identifier it was given.
    #[error("cannot build the request: {0}")]
    Request(String),
    /// The client's condition does not hold any more: the request was not sent, or not once more.
    #[error(transparent)]
    Condition(Box<ConditionError>),
    /// There was no answer.
    #[error(transparent)]
    Transport(Box<TransportError>),
    /// The answer's status is not a success.
    #[error(transparent)]
    Status(Box<StatusError>),
    /// The answer says success or leads elsewhere, but cannot be used.
    #[error(transparent)]
    Answer(Box<AnswerError>),
    /// The recording that is replayed does not have the request, or the failure that it had.
    #[error(transparent)]
    Replay(Box<ReplayError>),
}

/// Which request failed, in a form that can be shown: no secrets.
#[derive(Debug, Clone)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// Scheme, host and port.
    pub origin: String,
    /// Path with the query, secrets replaced.
    pub path: String,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether it may be tried again but was tried as often as allowed.
    pub exhausted: bool,
    /// Whether the system may have carried the request out although the answer never came: a write must be looked up
    /// before it is repeated.
    pub in_doubt: bool,
}

/// The client's condition does not hold any more, see [`Client::on_condition`](crate::Client::on_condition).
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct ConditionError {
    /// What would have been called. In doubt is what an earlier attempt left so.
    pub call: Call,
    /// Why it may not be.
    #[source]
    pub error: syncline_core::Error,
}

/// The recording that is replayed has no answer: it does not know the request, or the request failed when it was recorded.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ReplayError {
    /// What was asked.
    pub call: Call,
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) source: Option<Source>,
}

/// There was no answer.
#[derive(Debug)]
pub struct TransportError {
    /// What was called.
    pub call: Call,
    /// Why there was no answer.
    pub problem: TransportProblem,
    pub(crate) source: Option<Source>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportProblem {
    /// The host name has no address.
    Dns,
    /// The host name has link-local addresses only, which are not asked.
    LinkLocal,
    /// Nothing listens there, or something on the way refuses.
    Refused,
    /// No connection within the connect time-out.
    ConnectTimeout(Duration),
    /// No other reason is known why the connection could not be made.
    Connect,
    /// Nothing arrived for the read time-out.
    ReadTimeout(Duration),
    /// The request took longer than the total time-out.
    TotalTimeout(Duration),
    /// The connection broke before an answer.
    Broken,
    /// The certificate's issuer is not trusted here.
    UnknownAuthority,
    /// The certificate has expired.
    CertificateExpired,
    /// The certificate is not valid yet.
    CertificateNotYetValid,
    /// The certificate is for other names.
    CertificateName {
        /// The names it is for, when known.
        names: Vec<String>,
    },
    /// The server shows an authority's certificate as its own, which is what `openssl req -x509` makes by default.
    CertificateOfAuthority,
    /// The certificate is unusable for another reason.
    Certificate(String),
    /// The port does not speak TLS.
    NotTls,
    /// The server wants a client certificate, or does not accept ours.
    ClientCertificate,
    /// The TLS handshake failed for another reason.
    Tls(String),
    /// The proxy wants credentials.
    ProxyCredentials,
    /// What listens there does not speak HTTP.
    NotHttp,
}

/// The answer's status is not a success. The body is kept, up to 64 KiB, for the connector to classify.
#[derive(Debug)]
pub struct StatusError {
    /// What was called.
    pub call: Call,
    /// The status; compares with a number: `error.status == 409`.
    pub status: StatusCode,
    /// The answer's `X-Request-ID` or its like, to be looked up in the system's own log.
    pub request_id: Option<String>,
    /// How long the system asked to wait.
    pub retry_after: Option<Duration>,
    /// The longest wait that is allowed, when the system asked for more.
    pub longest_wait: Option<Duration>,
    /// One line of the body: the message it holds, or its start.
    pub body_excerpt: String,
    pub(crate) body: Bytes,
}

/// The answer says success or leads elsewhere, but cannot be used.
#[derive(Debug)]
pub struct AnswerError {
    /// What was called.
    pub call: Call,
    /// The status of the answer.
    pub status: StatusCode,
    /// The answer's `X-Request-ID` or its like.
    pub request_id: Option<String>,
    /// What is wrong with it.
    pub problem: AnswerProblem,
    pub(crate) source: Option<Source>,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerProblem {
    /// The answer is a redirect that is not followed.
    Redirect {
        /// Where to: the origin when it is another one, else the path.
        target: String,
        /// Whether it leads to another scheme, host or port.
        elsewhere: bool,
    },
    /// HTML came where data was expected.
    Html {
        /// Its first 120 characters.
        excerpt: String,
    },
    /// The body is empty where JSON was expected.
    Empty,
    /// The body is no JSON, or not the JSON that was expected.
    Json {
        /// The field at fault, like `results[3].id`; `.` is the whole body.
        path: String,
        /// What is wrong with it.
        message: String,
        /// The answer's content type, when it does not say JSON.
        content_type: Option<String>,
        /// The first 120 characters, when the body as a whole is no JSON.
        excerpt: Option<String>,
    },
    /// The body is JSON that stops in the middle.
    JsonCut {
        /// How many bytes came.
        bytes: u64,
    },
    /// The connection broke while the body was read.
    Cut {
        /// How many bytes came.
        bytes: u64,
    },
    /// The body stopped coming for the read time-out.
    Stalled {
        /// How many bytes came.
        bytes: u64,
        /// The read time-out.
        after: Duration,
    },
    /// The body took longer than the total time-out.
    TooSlow {
        /// How many bytes came.
        bytes: u64,
        /// The total time-out.
        after: Duration,
    },
    /// The body is larger than allowed.
    TooLarge {
        /// The limit in MiB (`http.max_body_mib`).
        limit_mib: u64,
    },
    /// One line is longer than allowed.
    LineTooLong {
        /// Its number, from 1.
        line: u64,
        /// The limit in MiB (`http.max_line_mib`).
        limit_mib: u64,
    },
    /// The body is not UTF-8.
    NotUtf8,
}

impl Error {
    pub(crate) fn settings(setting: &'static str, problem: impl Into<String>) -> Self {
        Self::Settings { setting, problem: problem.into() }
    }

    pub(crate) fn request(problem: impl Into<String>) -> Self {
        Self::Request(problem.into())
    }

    /// The answer with a status that is no success, if that is what this is.
    pub fn answer(&self) -> Option<&StatusError> {
        match self {
            Self::Status(answer) => Some(answer),
            _ => None,
        }
    }

    /// What was called, if a request was sent.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Settings { .. } | Self::Request(_) => None,
            Self::Condition(error) => Some(&error.call),
            Self::Transport(error) => Some(&error.call),
            Self::Status(error) => Some(&error.call),
            Self::Answer(error) => Some(&error.call),
            Self::Replay(error) => Some(&error.call),
        }
    }

    pub(crate) fn call_mut(&mut self) -> Option<&mut Call> {
        match self {
            Self::Settings { .. } | Self::Request(_) => None,
            Self::Condition(error) => Some(&mut error.call),
            Self::Transport(error) => Some(&mut error.call),
            Self::Status(error) => Some(&mut error.call),
            Self::Answer(error) => Some(&mut error.call),
            Self::Replay(error) => Some(&mut error.call),
        }
    }

    /// Whether the system may have carried the request out although no usable answer came. A write in doubt is looked
    /// up before it is repeated.
    pub fn is_in_doubt(&self) -> bool {
        self.call().is_some_and(|call| call.in_doubt)
    }

    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Settings { .. } => ErrorKind::Settings,
            Self::Request(_) => ErrorKind::Internal,
            Self::Condition(error) => error.error.kind(),
            Self::Transport(_) => ErrorKind::Unreachable,
            Self::Status(error) => error.kind(),
            Self::Answer(_) => ErrorKind::Protocol,
            Self::Replay(error) => error.kind,
        }
    }

    /// Whether trying again can help.
    pub fn status(&self) -> ErrorStatus {
        let passing = match self {
            Self::Settings { .. } | Self::Request(_) | Self::Condition(_) | Self::Replay(_) => false,
            Self::Transport(error) => error.problem.is_passing(),
            Self::Status(error) => error.is_passing(),
            Self::Answer(error) => error.problem.is_passing(),
        };
        match (passing, self.call().is_some_and(|call| call.exhausted)) {
            (false, _) => ErrorStatus::Permanent,
            (true, false) => ErrorStatus::Temporary,
            (true, true) => ErrorStatus::Persistent,
        }
    }
}

impl TransportProblem {
    /// Whether it may go away by itself.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Refused
                | Self::ConnectTimeout(_)
                | Self::Connect
                | Self::ReadTimeout(_)
                | Self::TotalTimeout(_)
                | Self::Broken
        )
    }
}

impl AnswerProblem {
    /// Whether it may go away by itself.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Cut { .. } | Self::Stalled { .. } | Self::TooSlow { .. })
    }
}

impl StatusError {
    /// The body as JSON, whatever its content type says; `None` if it is none or was longer than 64 KiB.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text, at most 64 KiB.
    pub fn body_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    fn kind(&self) -> ErrorKind {
        if self.longest_wait.is_some() {
            return ErrorKind::RateLimited;
        }
        match self.status.as_u16() {
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::Forbidden,
            404 | 410 => ErrorKind::NotFound,
            405 | 406 | 415 | 501 | 505 => ErrorKind::Unsupported,
            407 => ErrorKind::Unreachable,
            408 | 425 | 500..=599 => ErrorKind::Remote,
            412 => ErrorKind::Stale,
            429 => ErrorKind::RateLimited,
            400..=499 => ErrorKind::Refused,
            _ => ErrorKind::Protocol,
        }
    }

    fn is_passing(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl std::error::Error for StatusError {}

impl std::error::Error for AnswerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<Error> for syncline_core::Error {
    fn from(error: Error) -> Self {
        let (kind, status, exchange) = (error.kind(), error.status(), error.exchange());
        let (message, call, request_id, source) = match error {
            Error::Settings { .. } | Error::Request(_) => (error.to_string(), None, None, None),
            Error::Condition(error) => {
                return error.error.with("request", &error.call);
            }
            Error::Transport(error) => (error.message(), Some(error.call), None, error.source),
            Error::Status(error) => (error.message(), Some(error.call), error.request_id, None),
            Error::Answer(error) => (error.message(), Some(error.call), error.request_id, error.source),
            Error::Replay(error) => (error.message, None, None, error.source),
        };
        let mut converted = Self::new(kind, message).with_exchange(exchange);
        if status != ErrorStatus::Permanent {
            converted = converted.temporary();
        }
        if status == ErrorStatus::Persistent {
            converted = converted.persistent();
        }
        if let Some(call) = call {
            converted = converted.with("request", &call);
            if call.attempts > 1 {
                converted = converted.with("attempts", call.attempts);
            }
            if call.in_doubt {
                converted = converted.with("outcome", "unknown");
            }
        }
        if let Some(id) = request_id {
            converted = converted.with("request id", id);
        }
        match source {
            Some(source) => converted.caused_by(source),
            None => converted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::excerpt;

    fn call() -> Call {
        Call {
            method: Method::GET,
            origin: "https://netbox.example".to_owned(),
            path: "/api/status/".to_owned(),
            attempts: 4,
            exhausted: true,
            in_doubt: false,
        }
    }

    fn status(code: u16, body: &'static str) -> Error {
        Error::Status(Box::new(StatusError {
            call: call(),
            status: StatusCode::from_u16(code).unwrap(),
            request_id: Some("7f".to_owned()),
            retry_after: None,
            longest_wait: None,
            body_excerpt: excerpt(body.as_bytes()),
            body: Bytes::from_static(body.as_bytes()),
        }))
    }

    #[test]
    fn the_conversion_keeps_kind_status_and_call() {
        let error = syncline_core::Error::from(status(503, "<html><title>Out for\n lunch</title>"));
        assert_eq!((error.kind(), error.status()), (ErrorKind::Remote, ErrorStatus::Persistent));
        assert_eq!(
            error.to_string(),
            "`netbox.example` failed (503 Service Unavailable): an HTML page titled \"Out for lunch\" \
             (request GET /api/status/, attempts 4, request id 7f)"
        );
        let error = syncline_core::Error::from(status(403, r#"{"detail": "no"}"#));
        assert_eq!((error.kind(), error.status()), (ErrorKind::Forbidden, ErrorStatus::Permanent));
        let source = std::io::Error::other("handshake");
        let error = Error::Transport(Box::new(TransportError {
            call: call(),
            problem: TransportProblem::UnknownAuthority,
            source: Some(source.into()),
        }));
        assert_eq!(error.status(), ErrorStatus::Permanent);
        let error = syncline_core::Error::from(error);
        assert!(
            error.report().ends_with(": handshake") && error.report().contains("`tls.ca_file`"),
            "{}",
            error.report()
        );
    }

    #[test]
    fn the_body_is_json_whatever_its_type_says() {
        let error = status(409, r#"{"reason":"SNAPSHOT_UNAVAILABLE"}"#);
        assert_eq!(error.answer().unwrap().json().unwrap()["reason"], "SNAPSHOT_UNAVAILABLE");
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}
