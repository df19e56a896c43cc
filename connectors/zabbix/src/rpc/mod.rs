//! JSON-RPC 2.0 as Zabbix speaks it: <https://www.zabbix.com/documentation/current/en/manual/api>.

mod answer;
mod refusal;

use serde::Serialize;
use serde_json::Value;

pub(crate) use self::answer::{Answers, parse, parse_batch};
pub(crate) use self::refusal::{Refusal, Said};

/// A method with its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `host.get`.
    pub method: &'static str,
    /// An object, or an array of objects.
    pub params: Value,
}

impl Call {
    /// A call.
    pub fn new(method: &'static str, params: Value) -> Self {
        Self { method, params }
    }

    /// The call as it is sent, under a number.
    pub fn envelope<'c>(&'c self, id: usize, auth: Option<&'c str>) -> Envelope<'c> {
        Envelope { jsonrpc: "2.0", method: self.method, params: &self.params, id, auth }
    }
}

/// A call on its way.
#[derive(Serialize)]
pub(crate) struct Envelope<'c> {
    jsonrpc: &'static str,
    method: &'static str,
    params: &'c Value,
    id: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<&'c str>,
}
