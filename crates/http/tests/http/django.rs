//! Lists of a system made with the Django REST Framework: what is counted, sent, refused and warned of.

use serde_json::{Value, json};
use syncline_core::ErrorKind;
use syncline_core::describe::CheckReport;
use syncline_core::target::BatchError;
use syncline_http::Method;
use syncline_http::django::Lists;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::support::{client, received};

fn lists(server: &MockServer) -> Lists {
    Lists { client: client(&server.uri()), system: "Example", folder: "api" }
}

/// A server whose list of devices answers a method so.
async fn server(method: &str, status: u16, body: Value) -> MockServer {
    let server = MockServer::start().await;
    add(&server, method, status, body).await;
    server
}

async fn add(server: &MockServer, method: &str, status: u16, body: Value) {
    let answer = ResponseTemplate::new(status).set_body_json(body);
    let list = Mock::given(matchers::method(method)).and(matchers::path("/api/dcim/devices/"));
    list.respond_with(answer).mount(server).await;
}

#[tokio::test]
async fn a_list_is_counted_or_says_why_not() {
    let good = server("GET", 200, json!({"count": 7, "results": []})).await;
    assert_eq!(lists(&good).count("dcim/devices").await.unwrap(), 7);
    let odd = server("GET", 200, json!({"results": []})).await;
    let error = lists(&odd).count("dcim/devices").await.unwrap_err();
    insta::assert_snapshot!(error, @"Example does not say how many dcim/devices there are");
    let denied = server("GET", 403, json!({"detail": "You do not have permission to perform this action."})).await;
    let error = lists(&denied).count("dcim/devices").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_connection_test_tells_what_is_there_and_which_right_is_missing() {
    let report_of = async |server: &MockServer, is_written| {
        let mut report = CheckReport::default();
        lists(server).check(&mut report, "devices", "dcim/devices", is_written).await.unwrap();
        let facts = report.facts.iter().map(|fact| format!("{} {}", fact.name, fact.value));
        facts.chain(report.warnings.clone()).collect::<Vec<_>>()
    };
    let server = server("GET", 200, json!({"count": 7})).await;
    add(&server, "OPTIONS", 200, json!({"actions": {"PUT": {}}})).await;
    assert_eq!(report_of(&server, false).await, ["devices 7"]);
    assert_eq!(
        report_of(&server, true).await,
        ["devices 7", "devices cannot be created: the token lacks the right to add to dcim/devices"]
    );
    server.reset().await;
    add(&server, "GET", 403, json!({"detail": "You do not have permission to perform this action."})).await;
    add(&server, "OPTIONS", 200, json!({"actions": {"POST": {}}})).await;
    let told = report_of(&server, true).await;
    assert!(told.len() == 1 && told[0].starts_with("devices cannot be read: Example refuses: You do not"), "{told:?}");
}

#[tokio::test]
async fn a_list_that_is_refused_says_what_is_wrong_with_each() {
    let answer = json!([{}, {"name": ["This field is required."]}]);
    let server = server("POST", 400, answer).await;
    let refused = lists(&server).send(Method::POST, "dcim/devices", &[json!({}), json!({})]).await.unwrap_err();
    let each: Vec<_> = refused.each.unwrap().into_iter().map(|one| one.map(|one| one.words)).collect();
    assert_eq!(each, [None, Some("This field is required.".to_owned())]);
    assert!(matches!(refused.error, BatchError::Refused { .. }));
}

/// Nautobot answers so where a model refuses itself when it is saved.
#[tokio::test]
async fn a_refusal_that_is_answered_as_a_failure_is_a_refusal() {
    let words = "{'locations': [\"Prefixes may not associate to Locations of types ['Site'].\"]}";
    let server = server("POST", 500, json!({"error": words, "exception": "ValidationError"})).await;
    let refused = lists(&server).send(Method::POST, "dcim/devices", &[json!({})]).await.unwrap_err();
    let BatchError::Refused { error, .. } = refused.error else { panic!("{:?}", refused.error) };
    assert!(error.message().contains("may not associate to Locations"), "{error}");

    // A failure after the commit that only speaks of one tells nothing of what was written.
    server.reset().await;
    let said = json!({"error": "the webhook answered: ValidationError", "exception": "RuntimeError"});
    add(&server, "POST", 500, said).await;
    let failed = lists(&server).send(Method::POST, "dcim/devices", &[json!({})]).await.unwrap_err();
    assert!(matches!(failed.error, BatchError::InDoubt(_)), "{:?}", failed.error);
}

#[tokio::test]
async fn an_empty_list_is_not_sent_and_deletes_answer_nothing() {
    let server = server("DELETE", 204, Value::Null).await;
    let lists = lists(&server);
    assert_eq!(lists.send(Method::DELETE, "dcim/devices", &[]).await.unwrap(), [Value::Null; 0]);
    assert_eq!(received(&server).await, 0);
    assert_eq!(lists.send(Method::DELETE, "dcim/devices", &[json!({"id": 1})]).await.unwrap(), [Value::Null; 0]);
    assert_eq!(received(&server).await, 1);
}

#[tokio::test]
async fn objects_of_graphql_are_those_of_the_list() {
    let server = MockServer::start().await;
    let answer = async |data: Value| {
        server.reset().await;
        let answer = ResponseTemplate::new(200).set_body_json(json!({"data": data}));
        let query = matchers::body_json(json!({"query": "{devices(limit:2){id name}}"}));
        Mock::given(matchers::path("/api/graphql/")).and(query).respond_with(answer).mount(&server).await;
        lists(&server).objects("devices", "limit:2", "id name").await
    };
    assert_eq!(answer(json!({"devices": [{"id": 1}]})).await.unwrap(), [json!({"id": 1})]);
    let error = answer(json!({"devices": null})).await.unwrap_err();
    insta::assert_snapshot!(error, @"Example answered no list of devices");
}
