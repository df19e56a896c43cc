//! What requests add to the metrics.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use syncline_http::Retry;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::support::client;

/// Counts what this thread does, which in these tests is everything.
fn counting() -> (PrometheusHandle, impl Drop) {
    // A recorder must outlive its guard.
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    (recorder.handle(), metrics::set_default_local_recorder(recorder))
}

/// The value of the one sample whose line starts like this.
fn sample(handle: &PrometheusHandle, start: &str) -> Option<f64> {
    let rendered = handle.render();
    let line = rendered.lines().find(|line| line.starts_with(start))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[tokio::test]
async fn a_retried_exchange_moves_every_counter() {
    let (handle, _counting) = counting();
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(503);
    Mock::given(matchers::any()).respond_with(busy).up_to_n_times(2).mount(&server).await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    client(&server.uri()).get("api/devices/edge-router-7").query("token", "hush").send().await.unwrap();

    let system = format!("system=\"{}\"", server.address());
    let requests = |class| {
        sample(&handle, &format!(r#"syncline_http_requests_total{{{system},method="GET",status_class="{class}"}}"#))
    };
    assert_eq!((requests("2xx"), requests("5xx"), requests("4xx")), (Some(1.0), Some(2.0), None));
    let retries = format!(r#"syncline_http_retries_total{{{system},reason="unavailable"}}"#);
    assert_eq!(sample(&handle, &retries), Some(2.0));
    let durations = format!("syncline_http_request_duration_seconds_count{{{system}}}");
    assert_eq!(sample(&handle, &durations), Some(3.0));
    // Labels have few values: no path, nothing of the request.
    let rendered = handle.render();
    assert!(!rendered.contains("edge-router-7") && !rendered.contains("hush"), "{rendered}");
}

#[tokio::test]
async fn what_was_never_answered_is_counted_as_such() {
    let (handle, _counting) = counting();
    // A port that nothing listens on any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(&format!("http://{gone}"));
    client.post("x").json(&json!({})).retry(Retry::Never).send().await.unwrap_err();
    let start = format!(r#"syncline_http_requests_total{{system="{gone}",method="POST",status_class="none"}}"#);
    assert_eq!(sample(&handle, &start), Some(1.0));
    assert_eq!(sample(&handle, "syncline_http_retries_total"), None);
}

#[tokio::test]
async fn the_reason_of_a_retry_is_told() {
    let (handle, _counting) = counting();
    let server = MockServer::start().await;
    let wait = ResponseTemplate::new(429).insert_header("retry-after", "0");
    Mock::given(matchers::any()).respond_with(wait).up_to_n_times(1).mount(&server).await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    client(&server.uri()).post("x").json(&json!({})).send().await.unwrap();
    let start = format!(r#"syncline_http_retries_total{{system="{}",reason="rate_limited"}}"#, server.address());
    assert_eq!(sample(&handle, &start), Some(1.0));
}
