//! Answers that are not what was asked for, and what goes out with a request.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde::Deserialize;
use serde_json::{Value, json};
use syncline_core::{ErrorKind, ErrorStatus};
use syncline_http::{Client, Credential, Error, Path};
use wiremock::ResponseTemplate;

use crate::support::{Raw, Then, client, core, ok, received, server, settings};

#[derive(Debug, Deserialize)]
struct Page {
    #[expect(dead_code, reason = "only read by the deserialiser")]
    results: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[expect(dead_code, reason = "only read by the deserialiser")]
    id: u64,
}

#[track_caller]
fn protocol(error: Error, expect: &str) {
    let (kind, status, report) = core(error);
    assert_eq!((kind, status), (ErrorKind::Protocol, ErrorStatus::Permanent), "{report}");
    assert!(report.contains(expect), "{report}");
}

#[tokio::test]
async fn what_is_not_the_expected_json_is_told_apart() {
    let login = "<!DOCTYPE html>\n<html>\u{1b}[31m<body>  Log in </body>";
    let cases = [
        (
            "text/html; charset=utf-8",
            login,
            "HTML (proxy or login page?) where JSON was expected; first 120 characters: <!DOCTYPE html> <html>[31m<body> Log in </body>",
        ),
        ("application/json", login, "answered HTML"),
        ("application/json", "", "an empty body where JSON was expected"),
        ("application/json", " \n", "an empty body"),
        ("application/json", r#"{"results": [{"id": 1"#, "stops in the middle, after 21 bytes"),
        (
            "application/json",
            r#"{"results": [{"id": 1}, {"id": "x"}]}"#,
            "at `results[1].id`: invalid type: string \"x\", expected u64",
        ),
        ("application/json", r#"{"count": 0}"#, "missing field `results`"),
        (
            "text/plain",
            "rate limit",
            "(content type `text/plain`): expected value at line 1 column 1; first 120 characters: rate limit",
        ),
        ("application/json", r#"{"results": []} {}"#, "trailing characters"),
    ];
    for (content_type, body, expect) in cases {
        let server = server(ResponseTemplate::new(200).set_body_raw(body, content_type)).await;
        let answer = client(&server.uri()).get("x").send().await.unwrap();
        protocol(answer.json::<Page>().unwrap_err(), expect);
    }
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_an_error_not_an_end() {
    let cut = [
        ok("content-length: 100\r\n", "[1, 2"),
        ok("transfer-encoding: chunked\r\n", "5\r\n[1, 2\r\n"),
        ok("transfer-encoding: chunked\r\n", "5\r\n[1"),
    ];
    for bytes in cut {
        let raw = Raw::start(vec![(bytes, Then::Close)]).await;
        let error = client(&raw.url).get("x").send().await.unwrap_err();
        assert_eq!(raw.connections(), 4);
        let (kind, status, report) = core(error);
        assert_eq!((kind, status), (ErrorKind::Protocol, ErrorStatus::Persistent));
        assert!(report.contains("was cut short"), "{report}");
    }
}

#[tokio::test]
async fn an_absurd_size_is_refused_announced_or_not() {
    let big = "x".repeat((1 << 20) + 1);
    let announced = ok("content-length: 99999999999\r\n", "x");
    let chunked = ok("transfer-encoding: chunked\r\n", &format!("{:x}\r\n{big}\r\n0\r\n\r\n", big.len()));
    for (bytes, then) in [(announced, Then::Hang), (chunked, Then::Close)] {
        let raw = Raw::start(vec![(bytes, then)]).await;
        let mut settings = settings(&raw.url);
        settings.http.max_body_mib = 1;
        let client = Client::new(&settings, Credential::none()).unwrap();
        protocol(
            client.get("x").send().await.unwrap_err(),
            "larger than 1 MiB: ask for smaller pages, or raise `http.max_body_mib`",
        );
        assert_eq!(raw.connections(), 1);
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_answer_is_measured_and_checked_unpacked() {
    let packed =
        |body: Vec<u8>| ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(body);
    let fine = server(packed(gzip(b"[1, 2]"))).await;
    let answer = client(&fine.uri()).get("x").send().await.unwrap();
    assert_eq!(answer.json::<Vec<u8>>().unwrap(), [1, 2]);
    let bomb = server(packed(gzip(&vec![b' '; 3 << 20]))).await;
    let mut settings = settings(&bomb.uri());
    settings.http.max_body_mib = 2;
    let error = Client::new(&settings, Credential::none()).unwrap().get("x").send().await.unwrap_err();
    protocol(error, "larger than 2 MiB");
    // Sent whole by a server whose own source was cut.
    let mut half = gzip(b"[1, 2, 3, 4, 5, 6, 7, 8]");
    half.truncate(half.len() - 9);
    let cut = server(packed(half)).await;
    let error = client(&cut.uri()).get("x").send().await.unwrap_err();
    assert!(error.to_string().contains("was cut short"), "{error}");
}

#[tokio::test]
async fn a_failed_answer_keeps_its_words_for_the_connector() {
    let body = json!({"apiUrl": "/api/x", "message": "Account is locked", "reason": null});
    let answer =
        ResponseTemplate::new(401).set_body_raw(body.to_string(), "text/plain").insert_header("X-Request-ID", "r-1");
    let server = server(answer).await;
    let error = client(&server.uri()).get("x").send().await.unwrap_err();
    let answer = error.answer().unwrap();
    assert_eq!((answer.status.as_u16(), answer.request_id.as_deref()), (401, Some("r-1")));
    assert_eq!(answer.json().unwrap(), body);
    let (kind, _, report) = core(error);
    assert_eq!(kind, ErrorKind::Unauthenticated);
    assert!(report.contains("check that it is right, active and not expired: Account is locked"), "{report}");
    assert!(report.contains("request GET /x, request id r-1"), "{report}");
}

#[tokio::test]
async fn a_long_error_body_is_kept_in_part() {
    let server = server(ResponseTemplate::new(400).set_body_string("y".repeat(200_000))).await;
    let error = client(&server.uri()).post("x").send().await.unwrap_err();
    let answer = error.answer().unwrap();
    assert_eq!(answer.body_text().len(), 64 << 10);
    assert!(answer.json().is_none() && error.to_string().len() < 600);
}

#[tokio::test]
async fn the_request_goes_out_as_built() {
    let server =
        server(ResponseTemplate::new(200).set_body_json(json!({"ok": true})).insert_header("api-version", "4.6")).await;
    let url = format!("{}/base", server.uri());
    let client = Client::new(&settings(&url), Credential::basic("key", "s3cret".into())).unwrap();
    let nothing: Option<u8> = None;
    let answer = client
        .post(Path::from(["networks", "nyc/fw:01"]).slash())
        .query_list("type", ["NQE", "a b&c"])
        .query_some("none", nothing)
        .query("limit", 5)
        .json(&json!({"x": 1}))
        .accept("application/x-ndjson")
        .send()
        .await
        .unwrap();
    assert_eq!((answer.header("api-version"), answer.json::<Value>().unwrap()), (Some("4.6"), json!({"ok": true})));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), "/base/networks/nyc%2Ffw%3A01/");
    assert_eq!(request.url.query(), Some("type=NQE&type=a+b%26c&limit=5"));
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("authorization"), "Basic a2V5OnMzY3JldA==");
    assert_eq!(header("accept"), "application/x-ndjson");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("user-agent"), concat!("syncline/", env!("CARGO_PKG_VERSION")));
    assert_eq!(request.body, br#"{"x":1}"#);
    let stats = client.stats();
    assert_eq!((stats.requests, stats.retries, stats.bytes_out, stats.bytes_in), (1, 0, 7, 11));
}

#[tokio::test]
async fn a_request_that_cannot_be_built_is_not_sent() {
    let server = server(ResponseTemplate::new(200)).await;
    let client = client(&server.uri());
    let id = String::new();
    let error = client.delete(["devices", id.as_str()]).send().await.unwrap_err();
    assert!(error.to_string().contains("segment is empty") && error.kind() == ErrorKind::Internal, "{error}");
    client.get(["..", "admin"]).send().await.unwrap_err();
    client.get("x").header("x-a", "line\nbreak").send().await.unwrap_err();
    assert_eq!(received(&server).await, 0);
}

#[tokio::test]
async fn no_secret_reaches_an_error() {
    // A server that echoes what it was sent.
    let server = server(ResponseTemplate::new(400).set_body_string("no: Token hunter2-hunter2")).await;
    let client = Client::new(&settings(&server.uri()), Credential::token("hunter2-hunter2".into())).unwrap();
    let error = client.get("x").query("api_key", "hunter2").query("name", "a").send().await.unwrap_err();
    let call = error.call().unwrap();
    assert_eq!(call.path, "/x?api_key=[redacted]&name=a");
    let all = format!("{error} {error:?} {client:?} {}", error.answer().unwrap().body_text());
    assert!(!all.contains("hunter2") && all.contains("no: Token [redacted]"), "{all}");
    let unreachable = Client::new(&settings("http://127.0.0.1:1"), Credential::none()).unwrap();
    let error = unreachable.get("x").query("token", "hunter2").send().await.unwrap_err();
    let all = format!("{error:?}") + &core(error).2;
    assert!(!all.contains("hunter2"), "{all}");
}
