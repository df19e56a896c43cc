//! Faults on demand: what a server, a proxy or a colleague at the keyboard may do to a run.

use std::time::Duration;

/// One fault of requests.
///
/// A request is met when its method fits and its path and query contain the text of [`Fault::on`]. A GraphQL
/// request is also met when its query contains the text, so `Fault::on("interfaces(", …)` meets reads of
/// interfaces and `Fault::on("dcim/interfaces", …)` the REST requests.
pub type Fault = crate::fault::Fault<Effect>;

/// What a fault does to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The connection breaks after this many bytes of the answer's body. The request itself is carried out.
    CutBody(usize),
    /// 502 with a page of HTML, as a proxy answers. The request is not carried out.
    HtmlBadGateway,
    /// 503 with `Retry-After` in seconds. The request is not carried out.
    Unavailable {
        /// Value of `Retry-After`.
        retry_after: u64,
    },
    /// 429 with `Retry-After` in seconds. The request is not carried out.
    TooManyRequests {
        /// Value of `Retry-After`.
        retry_after: u64,
    },
    /// 403 `You do not have permission to perform this action.`
    Forbidden,
    /// 500 as Nautobot reports a deadlock of its database. The request is not carried out.
    Deadlock,
    /// Another HTML page with status 200, such as a login form of a proxy.
    HtmlOk,
    /// A list answer lacks its last rows (this many); REST says that no page follows and keeps the count.
    ShortPage(usize),
    /// A list answer has no `count`.
    MissingCount,
    /// The answer comes after this time.
    Latency(Duration),
    /// The whole server goes away without an answer.
    Kill,
    /// `last_updated` of every object in the body moves, and its description changes, just before the request is
    /// carried out: somebody else was faster.
    Overtake,
}

/// Objects that Nautobot refuses because one field has one value.
#[derive(Clone, Debug)]
pub struct Refuse {
    /// List of the objects, such as `dcim/devices`.
    pub list: String,
    /// Name of the field, as in the body.
    pub field: String,
    /// The value that is refused, as text.
    pub value: String,
    /// The message at that field.
    pub message: String,
}

/// All faults that are set. Change them at run time with [`NautobotSim::faults`](super::NautobotSim::faults).
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Faults of requests. All that meet a request take effect together.
    pub requests: Vec<Fault>,
    /// Objects that are refused with a field error.
    pub refuse: Vec<Refuse>,
    /// Lists whose first page in GraphQL lacks its last record, while REST counts it.
    pub shortened: Vec<String>,
    /// Every answer comes after this time.
    pub latency: Option<Duration>,
}

impl Faults {
    /// Adds a fault of requests.
    pub fn add(&mut self, fault: Fault) -> &mut Self {
        self.requests.push(fault);
        self
    }

    /// Refuses objects of `list` whose `field` has this value.
    pub fn refuse(&mut self, list: &str, field: &str, value: &str, message: &str) -> &mut Self {
        let (list, field) = (list.to_owned(), field.to_owned());
        self.refuse.push(Refuse { list, field, value: value.to_owned(), message: message.to_owned() });
        self
    }

    /// Takes all faults away.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The effects on one request; counts it.
    pub(super) fn meet(&mut self, method: &str, target: &str, graphql: Option<&str>) -> Vec<Effect> {
        let texts = [target, graphql.unwrap_or(target)];
        crate::fault::meet(&mut self.requests, method, &texts)
    }
}
