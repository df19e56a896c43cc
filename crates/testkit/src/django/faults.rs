//! Faults on demand: what a server, a proxy or a colleague at the keyboard may do to a run.

use std::time::Duration;

use serde_json::Value as Json;

use super::server::Answer;
use crate::http::BAD_GATEWAY_PAGE;

/// One fault of requests.
///
/// A request is met when its method fits and its path and query contain the text of [`Fault::on`]. A GraphQL
/// request is also met when its query contains the text, so `Fault::on("interface", …)` meets reads of interfaces by
/// GraphQL and `Fault::on("dcim/interfaces", …)` the REST requests.
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
    /// 500 as the system reports a deadlock of its database. The request is not carried out.
    Deadlock,
    /// Another HTML page with status 200, such as a login form of a proxy.
    HtmlOk,
    /// A list answer lacks its last rows (this many); REST says that no page follows and keeps the count.
    ShortPage(usize),
    /// A list answer is the same as the one before it at this path.
    RepeatPage,
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

/// Objects that are refused because one field has one value.
#[derive(Clone, Debug)]
pub struct Refuse<Of> {
    /// Which objects: their kind, or their list.
    pub of: Of,
    /// Name of the field, as in the body.
    pub field: String,
    /// The value that is refused, as text.
    pub value: String,
    /// The message at that field.
    pub message: String,
}

impl<Of> Refuse<Of> {
    pub(crate) fn new(of: Of, field: &str, value: &str, message: &str) -> Self {
        Self { of, field: field.to_owned(), value: value.to_owned(), message: message.to_owned() }
    }
}

/// What the faults that a request met do to it.
#[derive(Debug)]
pub(crate) struct Fate {
    effects: Vec<Effect>,
    latency: Option<Duration>,
    /// Whether pages are to be kept because a fault gives them again.
    pub keeps_pages: bool,
}

/// What PostgreSQL says of a deadlock.
pub(crate) const DEADLOCK: &str = "deadlock detected\nDETAIL:  Process 101 waits for ShareLock on transaction 900; \
    blocked by process 102.\nProcess 102 waits for ShareLock on transaction 901; blocked by process 101.\nHINT:  See \
    server log for query details.\n";

impl Fate {
    /// The effects of the faults on a request with this method and these texts, and the latency of all. Counts it.
    pub fn of(faults: &mut [Fault], latency: Option<Duration>, method: &str, texts: &[&str]) -> Self {
        let effects = crate::fault::meet(faults, method, texts);
        let keeps_pages = !effects.is_empty() || faults.iter().any(|fault| fault.effect == Effect::RepeatPage);
        Self { effects, latency, keeps_pages }
    }

    /// Whether somebody else changes the objects first.
    pub fn overtakes(&self) -> bool {
        self.effects.contains(&Effect::Overtake)
    }

    /// Whether it is the end of the server.
    pub fn kills(&self) -> bool {
        self.effects.contains(&Effect::Kill)
    }

    /// How long it takes, one time after the other.
    pub fn waits(&self) -> impl Iterator<Item = Duration> + '_ {
        let waits = self.effects.iter().filter_map(|effect| match effect {
            Effect::Latency(time) => Some(*time),
            _ => None,
        });
        self.latency.into_iter().chain(waits)
    }

    /// The answer that takes the place of its own; `deadlock` is the one to [`Effect::Deadlock`].
    pub fn instead(&self, deadlock: impl Fn() -> Answer) -> Option<Answer> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::HtmlBadGateway => Some(Answer::html(502, BAD_GATEWAY_PAGE)),
            Effect::HtmlOk => {
                let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n";
                Some(Answer::html(200, page))
            }
            Effect::Unavailable { .. } => {
                Some(Answer::html(503, "<html><body><h1>503 Service Unavailable</h1></body></html>"))
            }
            Effect::TooManyRequests { .. } => Some(Answer::detail(429, "Request was throttled.")),
            Effect::Forbidden => Some(Answer::detail(403, "You do not have permission to perform this action.")),
            Effect::Deadlock => Some(deadlock()),
            _ => None,
        })
    }

    /// Bends the body of a list; `before` is that of the one before it at this path.
    pub fn bend(&self, body: &mut String, before: Option<&String>) {
        for effect in &self.effects {
            match effect {
                Effect::RepeatPage => {
                    if let Some(before) = before {
                        body.clone_from(before);
                    }
                }
                Effect::ShortPage(rows) => alter(body, |json| shorten(json, *rows)),
                Effect::MissingCount => alter(body, |json| {
                    if let Some(json) = json.as_object_mut() {
                        json.remove("count");
                    }
                }),
                _ => {}
            }
        }
    }

    /// `Retry-After` of the answer, one header an effect.
    pub fn retry_after(&self) -> impl Iterator<Item = u64> + '_ {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Unavailable { retry_after } | Effect::TooManyRequests { retry_after } => Some(*retry_after),
            _ => None,
        })
    }

    /// After how many bytes the answer's body breaks off.
    pub fn cut(&self) -> Option<usize> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::CutBody(bytes) => Some(*bytes),
            _ => None,
        })
    }
}

fn alter(body: &mut String, change: impl Fn(&mut Json)) {
    if let Ok(mut json) = serde_json::from_str::<Json>(body) {
        change(&mut json);
        *body = json.to_string();
    }
}

/// Takes the last rows from a list of REST, or from every list of GraphQL.
fn shorten(json: &mut Json, rows: usize) {
    if let Some(results) = json.get_mut("results").and_then(Json::as_array_mut) {
        results.truncate(results.len().saturating_sub(rows));
        json["next"] = Json::Null;
    }
    for (_, list) in json.get_mut("data").and_then(Json::as_object_mut).into_iter().flatten() {
        if let Json::Array(list) = list {
            list.truncate(list.len().saturating_sub(rows));
        }
    }
}
