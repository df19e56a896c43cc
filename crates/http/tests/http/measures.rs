//! What requests add to the metrics.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use syncline_core::error::Exchange;
use syncline_core::requests::RequestCounter;
use syncline_http::{Client, Credential, Retry};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::support::{client, server, settings};

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

#[tokio::test]
async fn a_run_is_told_how_often_it_asked() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0");
    Mock::given(matchers::path("/busy")).respond_with(busy).up_to_n_times(2).mount(&server).await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let counter = RequestCounter::default();
    let client = client(&server.uri()).with_counter(counter.clone());
    client.get("busy").send().await.unwrap();
    client.clone().get("idle").send().await.unwrap();
    let counts = counter.take();
    assert_eq!((counts.sent, counts.retries, counts.throttled), (4, 2, 2));
}

#[tokio::test]
async fn what_failed_for_good_is_told_without_secrets() {
    let answer = ResponseTemplate::new(503).set_body_string(r#"{"detail":"try hunter2-hunter2","session":"s3cret"}"#);
    let server = server(answer).await;
    let client = Client::new(&settings(&server.uri()), Credential::token("hunter2-hunter2".into())).unwrap();
    let error = syncline_core::Error::from(
        client.get("api/sites").query("token", "hush").query("limit", 5).send().await.unwrap_err(),
    );
    let mut exchange = error.exchange().unwrap().clone();
    exchange.url = exchange.url.replace(&server.uri(), "http://server");
    let expected = Exchange {
        method: "GET".to_owned(),
        url: "http://server/api/sites?token=[redacted]&limit=5".to_owned(),
        status: Some(503),
        attempts: 4,
        body: Some(r#"{"detail":"try [redacted]","session":"[redacted]"}"#.to_owned()),
    };
    assert_eq!(exchange, expected);
    let nobody = Client::new(&settings("http://127.0.0.1:1"), Credential::none()).unwrap();
    let error = syncline_core::Error::from(nobody.get("x").send().await.unwrap_err());
    let exchange = error.exchange().unwrap();
    assert_eq!((exchange.status, exchange.attempts, &exchange.body), (None, 4, &None));
}
