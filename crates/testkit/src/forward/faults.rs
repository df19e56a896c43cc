//! Everything that can go wrong, or differ between builds, at the turn of a switch.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Dataset;

/// Switches of a running simulator. The default is a healthy server; set them with
/// [`ForwardSim::faults`](super::ForwardSim::faults) at any time.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Page and stream switches apply to this query only; `None` is every query.
    pub only: Option<Dataset>,

    // --- pages -----------------------------------------------------------------------------
    /// At most so many items per page, whatever the limit (the rule that cuts pages at 400 MB).
    pub short_page: Option<usize>,
    /// Pages from this offset on are empty, although the total says more.
    pub empty_from: Option<usize>,
    /// Every page is the first one.
    pub repeat_page: bool,
    /// Answers carry no `totalNumItems`.
    pub missing_total: bool,
    /// Added to `totalNumItems`.
    pub total_off_by: i64,
    /// Without a sort order, every request has the rows in another order.
    pub unstable_order: bool,

    // --- columns ---------------------------------------------------------------------------
    /// This column is missing in all rows.
    pub drop_column: Option<String>,
    /// This column is null in all rows.
    pub null_column: Option<String>,
    /// This column is a record in all rows, whatever its type.
    pub retype_column: Option<String>,

    // --- bodies and connections --------------------------------------------------------------
    /// Bodies with rows end early.
    pub break_after: Option<Break>,
    /// Wait this long between two pieces of a body with rows.
    pub slow_body: Option<Duration>,
    /// Wait this long before every answer.
    pub slow_answers: Option<Duration>,
    /// Reset the connection instead of answering, for so many requests that run or read queries.
    pub reset_requests: u32,
    /// Stop listening and drop all connections at the request after this many.
    pub kill_after_requests: Option<u64>,
    /// Stop listening and drop all connections in the middle of a body, when this many rows have gone out.
    pub kill_after_rows: Option<u64>,

    // --- answers -----------------------------------------------------------------------------
    /// Ready-made answers, given instead of the real one to requests that match.
    pub canned: VecDeque<Canned>,
    /// Refuses more requests than that, by user, over all connections.
    pub rate_limit: Option<RateLimit>,
    /// Every request is answered 401 with the words for a locked account.
    pub account_locked: bool,
    /// Every request to a network is answered 403.
    pub denied: Option<Denial>,
    /// These queries are answered 403.
    pub denied_queries: BTreeMap<Dataset, Denial>,
    /// These queries fail with an error and its place in the text.
    pub failing_queries: BTreeMap<Dataset, QueryFailure>,
    /// Error answers are labelled `text/plain`, their body being JSON as ever.
    pub mislabelled_errors: bool,
    /// Ids are JSON numbers.
    pub numeric_ids: bool,
    /// Snapshot metrics come without any count of devices.
    pub metrics_without_counts: bool,
    /// What `snapshots/latestProcessed` does.
    pub latest_processed: LatestProcessed,

    // --- executions --------------------------------------------------------------------------
    /// Results are one JSON document, never lines (older builds).
    pub json_only: bool,
    /// Status requests until an execution is complete; 0: complete in the answer that started it.
    pub polls: u32,
    /// How executions end.
    pub outcome: Outcome,
    /// Execution keys are unknown as soon as they are given out.
    pub executions_expire: bool,
    /// Status answers ask to wait so many seconds.
    pub poll_retry_after: Option<u64>,
    /// Execution keys contain slashes.
    pub slash_in_keys: bool,

    // --- diffs and library -------------------------------------------------------------------
    /// Diffs take `parameters` (sources disagree about it; the default is to reject).
    pub diffs_take_parameters: bool,
    /// How the library listing is wrapped.
    pub library_shape: LibraryShape,
}

/// How and when a body with rows ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// Rows that arrive whole.
    pub rows: usize,
    /// What comes then.
    pub end: BreakEnd,
}

/// The end of a broken body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakEnd {
    /// Half a row, then the end as if all were well.
    MidRow,
    /// The end as if all were well, between two rows.
    BetweenRows,
    /// Half a row, then the connection breaks.
    Cut,
}

/// More requests than `requests` within 60 seconds lock the user out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a minute.
    pub requests: usize,
    /// Seconds of the lock-out, told in `Retry-After`.
    pub lockout: u64,
    /// Tell it as an HTTP date.
    pub as_date: bool,
}

/// An answer instead of the real one.
#[derive(Debug, Clone)]
pub struct Canned {
    /// Answers requests whose method and path (`POST /nqe`) contain this; empty is any request.
    pub to: String,
    /// How many requests it answers.
    pub times: u32,
    /// HTTP status.
    pub status: u16,
    /// Headers, `content-type` among them.
    pub headers: Vec<(String, String)>,
    /// Body; `{url}` and `{method}` stand for those of the request.
    pub body: String,
}

/// Why a request is refused with 403; only the words differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// `Missing permission: X`.
    MissingPermission(String),
    /// `No permission for network operation X`.
    NoNetworkPermission(String),
    /// `Unlicensed operation: X`.
    Unlicensed(String),
    /// `X is off for your organization`.
    OffForOrganization(String),
    /// `X is off for your deployment`.
    OffForDeployment(String),
    /// `X authority required`.
    AuthorityRequired(String),
    /// The organization's licence has expired.
    LicenseExpired,
    /// The query is above the organization's licence tier.
    LicenseTier(String),
    /// Any other words.
    Other(String),
}

/// A query that does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFailure {
    /// What is wrong.
    pub message: String,
    /// Where it starts: line and character, from 0.
    pub start: (u32, u32),
    /// Where it ends.
    pub end: (u32, u32),
}

/// How executions end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outcome {
    /// With rows.
    #[default]
    Ok,
    /// The query is wrong.
    UserError,
    /// The server ran out of time.
    TimedOut,
    /// The server failed.
    SystemError,
}

/// What the deprecated route `snapshots/latestProcessed` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LatestProcessed {
    /// Answers with the newest processed Forward snapshot, or 404 or 409 if there is none.
    #[default]
    Served,
    /// 409, as if nothing were processed.
    NothingProcessed,
    /// The route is gone.
    Removed,
}

/// How the listing of the query library is wrapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LibraryShape {
    /// `{"queries":[…]}` with `lastCommitId`.
    #[default]
    Wrapped,
    /// `{"queries":[…]}` with `lastCommit.id`.
    NestedCommit,
    /// A bare list.
    Bare,
}

impl Denial {
    /// Forward's words.
    pub fn message(&self) -> String {
        match self {
            Self::MissingPermission(what) => format!("Missing permission: {what}"),
            Self::NoNetworkPermission(what) => format!("No permission for network operation {what}"),
            Self::Unlicensed(what) => format!("Unlicensed operation: {what}"),
            Self::OffForOrganization(what) => format!("{what} is off for your organization"),
            Self::OffForDeployment(what) => format!("{what} is off for your deployment"),
            Self::AuthorityRequired(who) => format!("{who} authority required"),
            Self::LicenseExpired => "Your organization\u{2019}s license has expired".to_owned(),
            Self::LicenseTier(query) => {
                format!("Query {query} is not permitted for this organization\u{2019}s license tier")
            }
            Self::Other(words) => words.clone(),
        }
    }
}

impl Canned {
    /// An answer with that status and body to `times` requests matching `to`.
    pub fn new(to: &str, times: u32, status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { to: to.to_owned(), times, status, headers, body: body.to_owned() }
    }

    /// 429 with `Retry-After` as given: seconds or an HTTP date.
    pub fn too_many_requests(to: &str, times: u32, retry_after: &str) -> Self {
        let mut canned = Self::error(to, times, 429, "API rate limit exceeded; the user is locked out");
        canned.headers.push(("retry-after".to_owned(), retry_after.to_owned()));
        canned
    }

    /// An error page in HTML as proxies give it.
    pub fn html(to: &str, times: u32, status: u16) -> Self {
        let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>");
        Self::new(to, times, status, "text/html", &body)
    }

    /// Forward's own error body.
    pub fn error(to: &str, times: u32, status: u16, message: &str) -> Self {
        let message = serde_json::Value::from(message);
        let body = format!(r#"{{"apiUrl":"{{url}}","httpMethod":"{{method}}","message":{message},"reason":null}}"#);
        Self::new(to, times, status, "application/json", &body)
    }
}

impl Faults {
    /// True if page and stream switches apply to the query.
    pub(crate) fn apply_to(&self, dataset: Dataset) -> bool {
        self.only.is_none_or(|only| only == dataset)
    }
}
