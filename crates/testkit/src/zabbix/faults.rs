//! Faults on demand: what a web server, PHP, a proxy or a database may do to a request.

use std::time::Duration;

use serde_json::Value as Json;

use super::php::{self, Object};

/// One fault of requests. It meets the requests whose path or one of whose API methods contains the text of
/// [`Fault::on`]: `Fault::on("host.create", …)`. A batch is met as a whole when one of its calls is.
pub type Fault = crate::fault::Fault<Effect>;

/// What a fault does to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The answer comes after this time.
    Latency(Duration),
    /// The connection is reset. The request is not carried out.
    ResetBefore,
    /// The request is carried out, then the connection is reset without an answer.
    ResetAfter,
    /// The connection breaks after this many bytes of the answer's body. The request is carried out.
    CutBody(usize),
    /// 500 without a body: PHP ran out of memory or time. The request is not carried out.
    OutOfMemory,
    /// 502 with a page of HTML, as a proxy answers. The request is not carried out.
    HtmlBadGateway,
    /// 504 with a page of HTML: the proxy in front did not wait. The request is carried out.
    GatewayTimeout,
    /// 200 without a body. The request is not carried out.
    EmptyOk,
    /// 200 without a body. The request is carried out.
    EmptyOkAfter,
    /// 429 with `Retry-After` in seconds. The request is not carried out.
    TooManyRequests {
        /// Value of `Retry-After`.
        retry_after: u64,
    },
    /// Every call fails with `Session terminated, re-login, please.`
    SessionTerminated,
    /// Every call fails because a statement failed, as in a deadlock. Nothing is carried out.
    Deadlock,
    /// The frontend does not reach its database. Nothing is carried out.
    DatabaseDown,
    /// The whole server goes away without an answer.
    Kill,
}

/// Objects that are refused because one property has one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// The API method, such as `host.update`.
    pub method: String,
    /// Name of the property, as in the parameters.
    pub field: String,
    /// The value that is refused, as text.
    pub value: String,
    /// The `data` of the error, whose code is -32500.
    pub data: String,
}

/// A property that is read past, as Zabbix does with all that it does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The API method, such as `host.update`.
    pub method: String,
    /// Name of the property of each object, as in the parameters.
    pub field: String,
}

/// All faults that are set. Change them at run time with [`ZabbixSim::faults`](super::ZabbixSim::faults).
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Faults of requests. All that meet a request take effect together.
    pub requests: Vec<Fault>,
    /// Objects that are refused; with one of them goes the whole call.
    pub refuse: Vec<Refuse>,
    /// Properties that are taken and not kept.
    pub ignored: Vec<Ignored>,
    /// Every answer comes after this time.
    pub latency: Option<Duration>,
    /// Answers of more than this many bytes are too much for the memory of PHP: 500 without a body. What was asked for is
    /// done.
    pub largest_answer: Option<usize>,
    /// The web server keeps the `Authorization` header for itself, as Apache does in front of FastCGI unless it is told
    /// otherwise.
    pub keeps_header: bool,
}

impl Faults {
    /// Adds a fault of requests.
    pub fn add(&mut self, fault: Fault) -> &mut Self {
        self.requests.push(fault);
        self
    }

    /// Refuses calls of `method` that have an object whose `field` has this value.
    pub fn refuse(&mut self, method: &str, field: &str, value: &str, data: &str) -> &mut Self {
        let [method, field, value, data] = [method, field, value, data].map(str::to_owned);
        self.refuse.push(Refuse { method, field, value, data });
        self
    }

    /// Takes objects of `method` without this property, and says nothing of it.
    pub fn ignore(&mut self, method: &str, field: &str) -> &mut Self {
        self.ignored.push(Ignored { method: method.to_owned(), field: field.to_owned() });
        self
    }

    /// Takes all faults away.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Ignored {
    /// The parameters of a call without what is read past; none where that is nothing.
    pub(super) fn strip(ignored: &[Self], method: &str, params: &Json) -> Option<Json> {
        let fields: Vec<_> = ignored.iter().filter(|rule| rule.method == method).map(|rule| &rule.field).collect();
        if fields.is_empty() {
            return None;
        }
        let mut params = params.clone();
        let objects = match &mut params {
            Json::Array(objects) => objects.iter_mut().collect(),
            one => vec![one],
        };
        for object in objects.into_iter().filter_map(Json::as_object_mut) {
            object.retain(|name, _| !fields.contains(&name));
        }
        Some(params)
    }
}

impl Refuse {
    pub(super) fn meets(&self, method: &str, objects: &[&Object]) -> bool {
        let has = |object: &&Object| php::get_text(object, &self.field).as_deref() == Some(&self.value);
        self.method == method && objects.iter().any(has)
    }
}
