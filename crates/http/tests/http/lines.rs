//! Bodies read line by line.

use std::fmt::Write as _;

use futures::TryStreamExt;
use serde_json::{Value, json};
use syncline_core::{ErrorKind, ErrorStatus};
use syncline_http::{Client, Credential, Error, Lines};
use wiremock::ResponseTemplate;

use crate::support::{Raw, Then, client, core, ok, server, settings};

async fn lines(url: &str) -> Lines {
    client(url).get("x").accept("application/x-ndjson").stream().await.unwrap().lines().unwrap()
}

async fn all(mut lines: Lines) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    while let Some(line) = lines.next().await? {
        all.push(String::from_utf8(line.to_vec()).unwrap());
    }
    assert!(lines.next().await.unwrap().is_none());
    Ok(all)
}

/// A chunked body that is sent in pieces of this size.
fn chunked(body: &str, size: usize) -> Vec<u8> {
    let mut chunks = String::new();
    for piece in body.as_bytes().chunks(size) {
        write!(chunks, "{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap()).unwrap();
    }
    ok("transfer-encoding: chunked\r\n", &format!("{chunks}0\r\n\r\n"))
}

#[tokio::test]
async fn lines_are_the_same_however_they_are_cut_into_chunks() {
    let body = "one\r\n\ntwo two\nx\n\r\nlast without end";
    for size in [1, 2, 3, 7, 100] {
        let raw = Raw::start(vec![(chunked(body, size), Then::Close)]).await;
        assert_eq!(all(lines(&raw.url).await).await.unwrap(), ["one", "two two", "x", "last without end"], "{size}");
    }
    let raw = Raw::start(vec![(ok("content-length: 0\r\n", ""), Then::Close)]).await;
    assert_eq!(all(lines(&raw.url).await).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_stream_that_breaks_is_an_error_after_the_lines_that_came() {
    for bytes in [ok("content-length: 100\r\n", "1\n2\n"), ok("transfer-encoding: chunked\r\n", "4\r\n1\n2\n\r\n")] {
        let raw = Raw::start(vec![(bytes, Then::Close)]).await;
        let mut lines = lines(&raw.url).await;
        assert_eq!(lines.next().await.unwrap().unwrap(), "1");
        assert_eq!(lines.next().await.unwrap().unwrap(), "2");
        let (kind, status, report) = core(lines.next().await.unwrap_err());
        assert_eq!((kind, status), (ErrorKind::Protocol, ErrorStatus::Temporary));
        assert!(report.contains("was cut short: the connection broke after 4 bytes"), "{report}");
        assert!(lines.next().await.unwrap().is_none());
    }
}

#[derive(Debug, serde::Deserialize)]
struct Row {
    id: u8,
}

#[tokio::test]
async fn rows_name_the_line_and_field_at_fault() {
    let body = "{\"id\": 1}\n\n{\"id\": \"x\"}\n{\"id\": 2";
    let server = server(ResponseTemplate::new(200).set_body_raw(body, "application/x-ndjson")).await;
    let mut lines = lines(&server.uri()).await;
    assert_eq!(lines.next_json::<Row>().await.unwrap().unwrap().id, 1);
    let error = lines.next_json::<Row>().await.unwrap_err().to_string();
    assert!(error.contains("at `line 3, id`: invalid type: string \"x\""), "{error}");
    let error = lines.next_json::<Row>().await.unwrap_err().to_string();
    assert!(error.contains("stops in the middle"), "{error}");
    assert_eq!(lines.number(), 4);
}

#[tokio::test]
async fn a_line_without_end_is_refused_at_the_limit() {
    let body = format!("short\n{}", "x".repeat(3 << 20));
    let server = server(ResponseTemplate::new(200).set_body_string(body)).await;
    let mut settings = settings(&server.uri());
    settings.http.max_line_mib = 1;
    let client = Client::new(&settings, Credential::none()).unwrap();
    let mut lines = client.get("x").stream().await.unwrap().lines().unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "short");
    let error = lines.next().await.unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("longer than 1 MiB: raise `http.max_line_mib`"), "{error}");
}

#[tokio::test]
async fn a_stream_falls_back_to_a_whole_answer_and_refuses_html() {
    let json = server(ResponseTemplate::new(200).set_body_json(json!({"items": []}))).await;
    let answer = client(&json.uri()).get("x").stream().await.unwrap();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.read().await.unwrap().json::<Value>().unwrap(), json!({"items": []}));
    let html = server(ResponseTemplate::new(200).set_body_raw("<html>", "text/html")).await;
    let error = client(&html.uri()).get("x").stream().await.unwrap().lines().err().unwrap();
    assert!(error.to_string().contains("answered HTML"), "{error}");
}

#[tokio::test]
async fn open_streams_do_not_use_up_the_requests_in_flight() {
    let raw = Raw::start(vec![
        (ok("transfer-encoding: chunked\r\n", "2\r\n1\n\r\n"), Then::Hang),
        (chunked("2\n3\n", 9), Then::Close),
    ])
    .await;
    let mut settings = settings(&raw.url);
    settings.http.max_concurrent_requests = 1;
    let client = Client::new(&settings, Credential::none()).unwrap();
    let mut open = client.get("x").stream().await.unwrap().lines().unwrap();
    assert_eq!(open.next().await.unwrap().unwrap(), "1");
    let second = client.get("x").stream().await.unwrap().lines().unwrap();
    let rest: Vec<_> = second.into_stream().try_collect().await.unwrap();
    assert_eq!(rest, ["2", "3"]);
}
