//! What requests add to the metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use syncline_core::metrics;

use crate::{BaseUrl, Error, TransportProblem};

/// Counts the requests of one client.
pub(crate) struct Measure {
    /// The system as its metrics name it: the host, with the port where it is not the usual one.
    system: String,
    /// The part of a second that was waited and not yet counted, in microseconds.
    waited: AtomicU64,
}

impl Measure {
    pub fn of(url: &BaseUrl) -> Self {
        let usual = if url.is_https() { 443 } else { 80 };
        let system = if url.port() == usual { url.host().to_owned() } else { format!("{}:{}", url.host(), url.port()) };
        Self { system, waited: AtomicU64::new(0) }
    }

    /// A request was sent once.
    pub fn sent(&self, method: &Method, status: Option<StatusCode>, took: Duration) {
        metrics::http_request(&self.system, method_name(method), status_class(status), took);
    }

    /// A request will be sent once more, because of this failure.
    pub fn retried(&self, error: &Error) {
        metrics::http_retry(&self.system, reason(error));
    }

    /// A request waited before it was sent.
    pub fn throttled(&self, waited: Duration) {
        const SECOND: u64 = 1_000_000;
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        if micros == 0 {
            return;
        }
        let before = self.waited.fetch_add(micros, Ordering::Relaxed);
        let seconds = before.saturating_add(micros) / SECOND - before / SECOND;
        if seconds > 0 {
            metrics::http_throttled(&self.system, seconds);
        }
    }
}

/// The status of the answer that an attempt ended with; none when there was none.
pub(crate) fn status_of<T>(result: &Result<T, Error>, of_answer: impl Fn(&T) -> StatusCode) -> Option<StatusCode> {
    match result {
        Ok(answer) => Some(of_answer(answer)),
        Err(Error::Status(error)) => Some(error.status),
        Err(Error::Answer(error)) => Some(error.status),
        Err(
            Error::Transport(_) | Error::Settings { .. } | Error::Request(_) | Error::Condition(_) | Error::Replay(_),
        ) => None,
    }
}

/// The method, from a closed list.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: Option<StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16() / 100) {
        None => "none",
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(_) => "5xx",
    }
}

/// Why a request is sent once more, from a closed list.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::Status(error) => match error.status.as_u16() {
            429 => "rate_limited",
            503 => "unavailable",
            408 | 504 => "timeout",
            500..=599 => "server_error",
            _ => "other",
        },
        Error::Transport(error) => match error.problem {
            TransportProblem::ConnectTimeout(_)
            | TransportProblem::ReadTimeout(_)
            | TransportProblem::TotalTimeout(_) => "timeout",
            TransportProblem::Broken => "broken",
            _ => "unreachable",
        },
        Error::Answer(_) => "cut",
        Error::Settings { .. } | Error::Request(_) | Error::Condition(_) | Error::Replay(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn parts_of_seconds_add_up() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let measure = Measure::of(&BaseUrl::parse("https://netbox.example/netbox").unwrap());
        let line = "syncline_http_throttled_seconds_total{system=\"netbox.example\"}";
        ::metrics::with_local_recorder(&recorder, || {
            measure.throttled(Duration::ZERO);
            measure.throttled(Duration::from_millis(700));
            assert!(!handle.render().contains(line));
            measure.throttled(Duration::from_millis(700));
            assert!(handle.render().contains(&format!("{line} 1\n")), "{}", handle.render());
            measure.throttled(Duration::from_millis(1600));
            assert!(handle.render().contains(&format!("{line} 3\n")), "{}", handle.render());
        });
    }

    #[test]
    fn odd_methods_and_statuses_have_a_place() {
        assert_eq!(method_name(&Method::from_bytes(b"PURGE").unwrap()), "other");
        assert_eq!(status_class(StatusCode::from_u16(999).ok()), "5xx");
        assert_eq!(status_class(StatusCode::from_u16(404).ok()), "4xx");
    }

    #[test]
    fn a_port_of_its_own_is_part_of_the_name() {
        let system = |url| Measure::of(&BaseUrl::parse(url).unwrap()).system;
        assert_eq!(system("http://netbox.example:8000"), "netbox.example:8000");
        assert_eq!(system("http://netbox.example"), "netbox.example");
    }
}
