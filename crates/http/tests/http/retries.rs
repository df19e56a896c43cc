//! What is tried again, how often, and what the error says in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use syncline_core::{ErrorKind, ErrorStatus};
use syncline_http::{Client, Credential, Error, Method, Retry, StatusCode};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::support::{Raw, Then, client, core, ok, received, server, settings};

#[tokio::test]
async fn each_class_repeats_only_what_it_may() {
    // (class, status, Retry-After, how often the server is asked)
    let cases = [
        (Retry::Idempotent, 408, None, 4),
        (Retry::Idempotent, 425, None, 4),
        (Retry::Idempotent, 429, None, 4),
        (Retry::Idempotent, 500, None, 4),
        (Retry::Idempotent, 502, None, 4),
        (Retry::Idempotent, 503, None, 4),
        (Retry::Idempotent, 504, None, 4),
        (Retry::Idempotent, 400, None, 1),
        (Retry::Idempotent, 401, None, 1),
        (Retry::Idempotent, 403, None, 1),
        (Retry::Idempotent, 404, None, 1),
        (Retry::Idempotent, 409, None, 1),
        (Retry::Idempotent, 501, None, 1),
        (Retry::Write, 429, None, 4),
        (Retry::Write, 503, Some("0"), 4),
        (Retry::Write, 503, None, 1),
        (Retry::Write, 500, None, 1),
        (Retry::Write, 502, None, 1),
        (Retry::Write, 504, None, 1),
        (Retry::Write, 408, None, 1),
        (Retry::Never, 429, None, 1),
        (Retry::Never, 503, Some("0"), 1),
    ];
    for (class, status, retry_after, expected) in cases {
        let template = ResponseTemplate::new(status);
        let server = server(match retry_after {
            Some(value) => template.insert_header("retry-after", value),
            None => template,
        })
        .await;
        let client = client(&server.uri());
        let error = client.post("x").json(&json!({})).retry(class).send().await.unwrap_err();
        assert_eq!(received(&server).await, expected, "{class:?} {status}");
        let stats = client.stats();
        assert_eq!((stats.requests, stats.retries), (1, expected as u64 - 1), "{class:?} {status}");
        assert_eq!(error.status() == ErrorStatus::Persistent, expected == 4, "{class:?} {status}: {error}");
    }
}

#[tokio::test]
async fn the_method_decides_unless_told_otherwise() {
    for (method, expected) in [
        (Method::GET, 4),
        (Method::HEAD, 4),
        (Method::POST, 1),
        (Method::PATCH, 1),
        (Method::PUT, 1),
        (Method::DELETE, 1),
    ] {
        let server = server(ResponseTemplate::new(502)).await;
        client(&server.uri()).request(method.clone(), "x").send().await.unwrap_err();
        assert_eq!(received(&server).await, expected, "{method}");
    }
}

#[tokio::test]
async fn a_write_is_repeated_after_more_statuses_if_the_caller_says_so_but_never_after_401() {
    let conflict = server(ResponseTemplate::new(409)).await;
    let all = [StatusCode::CONFLICT, StatusCode::UNAUTHORIZED];
    client(&conflict.uri()).post("x").retry_statuses(all).send().await.unwrap_err();
    assert_eq!(received(&conflict).await, 4);
    let refused = server(ResponseTemplate::new(401)).await;
    client(&refused.uri()).get("x").retry_statuses(all).send().await.unwrap_err();
    assert_eq!(received(&refused).await, 1);
}

#[tokio::test]
async fn a_passing_failure_is_not_seen_by_the_caller() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0").set_body_string("rate limit exceeded");
    Mock::given(matchers::any()).respond_with(busy).up_to_n_times(2).mount(&server).await;
    Mock::given(matchers::any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([1])))
        .mount(&server)
        .await;
    let answer = client(&server.uri()).get("x").send().await.unwrap();
    assert_eq!((answer.attempts(), answer.json::<Vec<u8>>().unwrap()), (3, vec![1]));
}

#[tokio::test]
async fn retries_in_vain_are_persistent_and_say_how_many() {
    let server = server(ResponseTemplate::new(503).set_body_string("<title>Down</title>")).await;
    let (kind, status, report) = core(client(&server.uri()).get("x").send().await.unwrap_err());
    assert_eq!((kind, status), (ErrorKind::Remote, ErrorStatus::Persistent));
    assert!(report.contains("503") && report.contains("\"Down\"") && report.contains("attempts 4"), "{report}");
}

#[tokio::test]
async fn a_wait_longer_than_the_cap_is_an_error_at_once() {
    let in_an_hour = httpdate::fmt_http_date(SystemTime::now() + Duration::from_hours(1));
    for (code, value) in [(429, "3600"), (503, "3600"), (429, in_an_hour.as_str())] {
        let server = server(ResponseTemplate::new(code).insert_header("retry-after", value)).await;
        let error = client(&server.uri()).post("x").send().await.unwrap_err();
        assert_eq!(received(&server).await, 1);
        let (kind, status, report) = core(error);
        assert_eq!((kind, status), (ErrorKind::RateLimited, ErrorStatus::Persistent));
        assert!(report.contains("longer than the 120 s of `http.retry.max_retry_after_seconds`"), "{report}");
    }
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_kept() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0.3");
    Mock::given(matchers::any()).respond_with(busy).up_to_n_times(1).mount(&server).await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let start = Instant::now();
    assert_eq!(client(&server.uri()).post("x").send().await.unwrap().attempts(), 2);
    // No earlier; how much later is the machine's business.
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_doubt_stays_when_the_next_try_fails_otherwise() {
    let server = MockServer::start().await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(500)).up_to_n_times(1).mount(&server).await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(400)).mount(&server).await;
    let again = [StatusCode::INTERNAL_SERVER_ERROR];
    let error = client(&server.uri()).post("x").retry_statuses(again).send().await.unwrap_err();
    assert!(error.answer().unwrap().status == 400 && error.is_in_doubt());
}

#[tokio::test]
async fn a_refused_connection_repeats_even_writes_and_is_not_in_doubt() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = client(&url);
    let error = client.post("x").send().await.unwrap_err();
    assert_eq!(client.stats().retries, 3);
    assert!(!error.is_in_doubt());
    let (kind, status, report) = core(error);
    assert_eq!((kind, status), (ErrorKind::Unreachable, ErrorStatus::Persistent));
    assert!(report.contains("refused the connection: check host and port"), "{report}");
}

#[tokio::test]
async fn a_write_whose_answer_never_came_is_sent_once_and_in_doubt() {
    for then in [Then::Close, Then::Reset] {
        let raw = Raw::start(vec![(Vec::new(), then)]).await;
        let error = client(&raw.url).post("x").json(&json!({"a": 1})).send().await.unwrap_err();
        assert_eq!(raw.connections(), 1);
        assert!(error.is_in_doubt());
        let (kind, status, report) = core(error);
        assert_eq!((kind, status), (ErrorKind::Unreachable, ErrorStatus::Temporary));
        assert!(report.contains("broke before an answer") && report.contains("outcome unknown"), "{report}");
    }
    let raw = Raw::start(vec![(Vec::new(), Then::Hang)]).await;
    let error = client(&raw.url).post("x").read_timeout(Duration::from_millis(20)).send().await.unwrap_err();
    assert!(error.is_in_doubt());
    assert!(error.to_string().contains("sent nothing for 0.02 s"), "{error}");
    let refused = server(ResponseTemplate::new(400)).await;
    assert!(!client(&refused.uri()).post("x").send().await.unwrap_err().is_in_doubt());
    let failed = server(ResponseTemplate::new(504)).await;
    assert!(client(&failed.uri()).post("x").send().await.unwrap_err().is_in_doubt());
    assert!(!client(&failed.uri()).get("x").send().await.unwrap_err().is_in_doubt());
}

#[tokio::test]
async fn a_condition_is_asked_before_every_attempt() {
    let raw = Raw::start(vec![
        (ok("content-length: 2\r\n", "{}"), Then::Close),
        (b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n".to_vec(), Then::Close),
    ])
    .await;
    let left = Arc::new(AtomicUsize::new(2));
    let counter = Arc::clone(&left);
    let client = client(&raw.url).on_condition(move || {
        let take = counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        take.map(drop).map_err(|_| syncline_core::Error::new(ErrorKind::LeaseLost, "another one has the run"))
    });
    client.post("x").send().await.unwrap();
    let error = client.clone().post("x").send().await.unwrap_err();
    assert_eq!((raw.connections(), left.load(Ordering::SeqCst)), (2, 0));
    assert!(!error.is_in_doubt());
    let (kind, status, report) = core(error);
    assert_eq!((kind, status), (ErrorKind::LeaseLost, ErrorStatus::Permanent));
    assert!(report.contains("another one has the run") && report.contains("POST"), "{report}");
}

#[tokio::test]
async fn a_long_thought_is_no_silence_within_the_answer() {
    let raw = Raw::start(vec![(ok("content-length: 8\r\n", "{\"a\""), Then::Hang)]).await;
    let request = client(&raw.url).post("x").answer_timeout(Duration::from_hours(1));
    let error = request.read_timeout(Duration::from_millis(20)).send().await.unwrap_err();
    assert!(error.to_string().contains("0.02 s"), "{error}");
}

#[tokio::test]
async fn a_read_survives_resets_silence_and_cut_bodies() {
    let whole = ok("content-length: 8\r\n", "{\"a\": 1}");
    let scripts = vec![
        (Vec::new(), Then::Reset),
        (Vec::new(), Then::Hang),
        (ok("content-length: 8\r\n", "{\"a\""), Then::Close),
        (whole, Then::Close),
    ];
    let raw = Raw::start(scripts).await;
    let answer = client(&raw.url).get("x").read_timeout(Duration::from_secs(1)).send().await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!({"a": 1}));
    assert_eq!(answer.attempts(), 4);
}

#[tokio::test]
async fn limits_beyond_reason_are_no_panic() {
    let server = server(ResponseTemplate::new(200)).await;
    let mut settings = settings(&server.uri());
    settings.http.connect_timeout_seconds = u64::MAX;
    settings.http.read_timeout_seconds = u64::MAX;
    settings.http.total_timeout_seconds = Some(u64::MAX);
    settings.http.max_body_mib = u64::MAX;
    settings.http.max_line_mib = u64::MAX;
    settings.http.max_concurrent_requests = usize::MAX;
    settings.http.requests_per_minute = Some(u32::MAX);
    settings.http.retry.attempts = u32::MAX;
    settings.http.retry.base_delay_ms = u64::MAX;
    settings.http.retry.max_delay_seconds = u64::MAX;
    settings.http.retry.max_retry_after_seconds = u64::MAX;
    let client = Client::new(&settings, Credential::none()).unwrap();
    client.get("x").send().await.unwrap();
    let mut lines = client.get("x").stream().await.unwrap().lines().unwrap();
    assert!(lines.next().await.unwrap().is_none());
}

#[tokio::test]
async fn the_total_time_includes_the_body() {
    let raw = Raw::start(vec![(ok("content-length: 8\r\n", "{\"a\""), Then::Hang)]).await;
    let error =
        client(&raw.url).get("x").retry(Retry::Never).total_timeout(Duration::from_secs(1)).send().await.unwrap_err();
    assert!(matches!(error, Error::Answer(_)));
    assert!(error.to_string().contains("was not complete within 1 s, 4 bytes came"), "{error}");
}
