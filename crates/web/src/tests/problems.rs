//! Errors are problem details, whoever finds them.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use syncline_core::{Error, ErrorKind};

use super::{Api, request};
use crate::{MOST_BYTES, Problem};

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[tokio::test]
async fn what_leads_nowhere_is_told() {
    let api = Api::empty().await;
    insta::assert_snapshot!(pretty(&api.get("nowhere").await.value()), @r#"
{
  "detail": "the API has nothing at `/nowhere`",
  "status": 404,
  "title": "There is nothing at this path",
  "type": "urn:syncline:problem:no-route"
}
"#);
    for path in ["runs/", "runs/1/unknown", "syncs/lab/runs/1"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.value()["type"], "urn:syncline:problem:no-route", "{path}");
    }
    let answer = api.json(Method::DELETE, "runs", Value::Null).await;
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD");
    insta::assert_snapshot!(pretty(&answer.value()), @r#"
{
  "detail": "`/runs` does not know `DELETE`; `Allow` names what it knows",
  "status": 405,
  "title": "The path does not know this method",
  "type": "urn:syncline:problem:wrong-method"
}
"#);
}

/// Also where nobody is asked who it is.
#[tokio::test]
async fn a_method_that_is_not_known_is_told_everywhere() {
    let api = Api::empty().await;
    for path in ["login", "hooks/lab"] {
        let answer = api.get(path).await;
        assert_eq!(
            (answer.status, &answer.headers[header::ALLOW]),
            (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
        );
        assert_eq!(answer.value()["type"], "urn:syncline:problem:wrong-method", "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_understood_is_told() {
    let api = Api::empty().await;
    let send = async |body: &str| {
        let request = request(Method::POST, "syncs").header(header::CONTENT_TYPE, "application/json");
        api.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let mut said = Vec::new();
    for body in [
        r#"{"name": "#,
        "no json",
        "{} {}",
        "[]",
        r#"["a", {}]"#,
        "\"text\"",
        "null",
        "",
        r#"{"name": "a"}"#,
        r#"{"name": 1, "settings": {}}"#,
        r#"{"name": "a", "settings": []}"#,
        r#"{"name": "a", "settings": {}, "colour": "red"}"#,
        "\u{1}",
    ] {
        let answer = send(body).await;
        let kind = answer.value()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        said.push(format!("{} {kind}: {}", answer.status.as_u16(), answer.detail()));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
400 malformed: the body is no JSON: EOF while parsing a value at line 1 column 9
400 malformed: the body is no JSON: expected ident at line 1 column 2
422 settings: `name`: is missing
422 settings: the body is no object
422 settings: the body is no object
422 settings: the body is no object
422 settings: the body is no object
422 settings: `name`: is missing
422 settings: `settings`: is missing
422 settings: `name`: invalid type: integer `1`, expected a string
422 settings: `settings`: invalid type: sequence, expected a map
422 settings: `colour`: unknown field `colour`, expected `name` or `settings`
400 malformed: the body is no JSON: expected value at line 1 column 1
"#);

    let long = json!({"name": "a", "settings": {"text": "x".repeat(MOST_BYTES)}}).to_string();
    let answer = send(&long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.detail(), "a body has 262144 bytes at most");
    // A body may be nested no deeper than a reader has room for.
    let deep = format!("{{\"name\": \"a\", \"settings\": {{\"x\": {}", "[".repeat(100_000));
    assert_eq!(send(&deep).await.status, StatusCode::BAD_REQUEST);
}

/// One line for every class of errors that the engine has.
#[tokio::test]
async fn every_kind_of_error_has_its_status() {
    let kinds = [
        ErrorKind::Settings,
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
        ErrorKind::NotFound,
        ErrorKind::Unreachable,
        ErrorKind::RateLimited,
        ErrorKind::Protocol,
        ErrorKind::Refused,
        ErrorKind::Stale,
        ErrorKind::Unsupported,
        ErrorKind::Guard,
        ErrorKind::Cancelled,
        ErrorKind::Busy,
        ErrorKind::LeaseLost,
        ErrorKind::InDoubt,
        ErrorKind::Storage,
        ErrorKind::Remote,
        ErrorKind::Internal,
    ];
    let line = |kind: ErrorKind| {
        let problem = Problem::from(Error::new(kind, "what happened"));
        let name = serde_json::to_value(&problem).unwrap()["type"].as_str().unwrap().to_owned();
        format!("{kind:?} {name} {}", problem.into_response().status().as_u16())
    };
    insta::assert_snapshot!(kinds.map(line).join("\n"), @r#"
Settings urn:syncline:problem:settings 422
Unauthenticated urn:syncline:problem:remote 502
Forbidden urn:syncline:problem:remote 502
NotFound urn:syncline:problem:not-found 404
Unreachable urn:syncline:problem:remote 502
RateLimited urn:syncline:problem:remote 502
Protocol urn:syncline:problem:remote 502
Refused urn:syncline:problem:conflict 409
Stale urn:syncline:problem:stale 409
Unsupported urn:syncline:problem:unsupported 501
Guard urn:syncline:problem:conflict 409
Cancelled urn:syncline:problem:conflict 409
Busy urn:syncline:problem:conflict 409
LeaseLost urn:syncline:problem:conflict 409
InDoubt urn:syncline:problem:remote 502
Storage urn:syncline:problem:storage 500
Remote urn:syncline:problem:remote 502
Internal urn:syncline:problem:internal 500
"#);

    let busy = Problem::from(Error::new(ErrorKind::Storage, "the database is locked").temporary()).into_response();
    assert_eq!(
        (busy.status(), &busy.headers()[header::RETRY_AFTER]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
}

#[test]
fn the_causes_of_an_error_stay_with_the_server() {
    let error = Error::new(ErrorKind::Storage, "the history cannot be read").caused_by(std::io::Error::other("disk 7"));
    let problem = serde_json::to_string(&Problem::from(error)).unwrap();
    assert!(problem.contains("the history cannot be read") && !problem.contains("disk 7"), "{problem}");
}
