use std::collections::BTreeMap;

use serde_json::{Value, json};
use syncline_core::connector::{ConnectContext, ConnectSource as _, Connector as _};
use syncline_core::event::{Events, Side};
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::{ReadVerdict, Snapshot, SnapshotReader, SnapshotSink};
use syncline_core::source::DataSource as _;
use syncline_core::{Result, settings};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{Connection, Parameters, Rest, RestSource};

/// A list of sites, with what else is said of it.
fn sites(more: Value) -> Value {
    let mut list =
        json!({"path": "v2/sites", "items": "rows", "fields": {"slug": "{{ code }}", "name": "{{ title }}"}});
    list.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"models": {"site": list}})
}

async fn source(server: &MockServer, parameters: Value) -> RestSource {
    let connection = json!({"url": server.uri(), "http": {"proxy": "off", "retry": {"base_delay_ms": 1}}});
    let connection: Connection = settings::parse(connection).unwrap();
    let parameters: Parameters = settings::parse(parameters).unwrap();
    assert_eq!(Rest::validate_source(&parameters), []);
    Rest::connect_source(connection, parameters, ConnectContext::default()).await.unwrap()
}

async fn read(server: &MockServer, parameters: Value) -> Result<(Snapshot, tempfile::TempDir)> {
    let source = source(server, parameters).await;
    let folder = tempfile::tempdir().unwrap();
    let sink = SnapshotSink::create(Side::Source, folder.path(), source.knows(), Events::new()).unwrap();
    let request = ReadRequest { fields: source.knows(), modes: BTreeMap::new(), cancel: CancellationToken::new() };
    source.load(&request, &sink).await?;
    Ok((sink.finish()?, folder))
}

/// The keys and fields of what came, one line for each record.
fn lines(snapshot: &Snapshot, model: &str) -> Vec<String> {
    let mut reader = SnapshotReader::open(&snapshot.models[model]).unwrap();
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        let key = String::from_utf8_lossy(line.key).into_owned();
        lines.push(format!("{key} {}", Value::Object(line.fields().unwrap())));
    }
    lines
}

fn row(code: &str) -> Value {
    json!({"code": code, "title": code.to_uppercase(), "state": "live"})
}

/// Answers a request that has this parameter, or has it not.
async fn answers(server: &MockServer, parameter: (&str, Option<&str>), body: Value) {
    let mock = Mock::given(method("GET")).and(path("/v2/sites"));
    let mock = match parameter {
        (name, Some(value)) => mock.and(query_param(name, value)),
        (name, None) => mock.and(query_param_is_missing(name)),
    };
    mock.respond_with(ResponseTemplate::new(200).set_body_json(body)).expect(1).mount(server).await;
}

#[tokio::test]
async fn pages_are_read_by_number_until_all_came() {
    let server = MockServer::start().await;
    answers(&server, ("page", Some("1")), json!({"rows": [row("a"), row("b")], "meta": {"count": "3"}})).await;
    answers(&server, ("page", Some("2")), json!({"rows": [row("c")], "meta": {"count": "3"}})).await;
    let paging = json!({"paging": {"by": "page", "size": 2}, "total": "meta.count"});
    let (snapshot, _folder) = read(&server, sites(paging)).await.unwrap();
    assert_eq!(snapshot.models["site"].verdict, ReadVerdict::Complete);
    assert_eq!(lines(&snapshot, "site").len(), 3);
}

#[tokio::test]
async fn what_nobody_counts_is_not_complete() {
    let server = MockServer::start().await;
    answers(&server, ("offset", Some("0")), json!({"rows": [row("a")]})).await;
    answers(&server, ("offset", Some("1")), json!({"rows": []})).await;
    let (snapshot, _folder) = read(&server, sites(json!({"paging": {"by": "offset", "size": 9}}))).await.unwrap();
    let doubt = snapshot.models["site"].doubt().unwrap();
    assert!(doubt.contains("name it in `total`"), "{doubt}");
    assert_eq!(lines(&snapshot, "site").len(), 1);
}

#[tokio::test]
async fn a_chain_of_marks_is_complete_at_its_end() {
    let server = MockServer::start().await;
    answers(&server, ("cursor", None), json!({"rows": [row("a")], "next": "m2"})).await;
    answers(&server, ("cursor", Some("m2")), json!({"rows": [row("b")], "next": null})).await;
    let (snapshot, _folder) = read(&server, sites(json!({"paging": {"by": "cursor", "at": "next"}}))).await.unwrap();
    assert_eq!((snapshot.models["site"].doubt(), lines(&snapshot, "site").len()), (None, 2));
}

/// The token goes where the settings say, whatever an answer says.
#[tokio::test]
async fn of_the_address_of_the_next_page_the_parameters_are_taken() {
    let server = MockServer::start().await;
    let next = "https://elsewhere.example/v9/sites?after=7&state=live";
    answers(&server, ("after", None), json!({"rows": [row("a")], "links": {"next": next}})).await;
    answers(&server, ("after", Some("7")), json!({"rows": [row("b")], "links": {}})).await;
    let (snapshot, _folder) =
        read(&server, sites(json!({"paging": {"by": "next", "at": "links.next"}}))).await.unwrap();
    assert_eq!((snapshot.models["site"].doubt(), lines(&snapshot, "site").len()), (None, 2));
}

#[tokio::test]
async fn a_chain_that_goes_round_is_an_error() {
    let server = MockServer::start().await;
    answers(&server, ("cursor", None), json!({"rows": [], "next": "m"})).await;
    answers(&server, ("cursor", Some("m")), json!({"rows": [], "next": "m"})).await;
    let error = read(&server, sites(json!({"paging": {"by": "cursor", "at": "next"}}))).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("`v2/sites` leads from a page to the same page again"), "{said}");
}

/// The API knows no such parameter, and gives its first page whatever is asked.
#[tokio::test]
async fn a_page_that_comes_again_is_an_error() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({"rows": [row("a"), row("b")]}));
    Mock::given(path("/v2/sites")).respond_with(answer).mount(&server).await;
    let error = read(&server, sites(json!({"paging": {"by": "page", "size": 2}}))).await.unwrap_err();
    assert!(error.to_string().contains("is the parameter of `paging`"), "{error}");
}

/// A row is added before the others between two pages, so that the last page has what came already.
#[tokio::test]
async fn a_list_that_grows_while_it_is_read_is_not_complete() {
    let server = MockServer::start().await;
    answers(&server, ("offset", Some("0")), json!({"rows": [row("b"), row("c")], "n": 3})).await;
    answers(&server, ("offset", Some("2")), json!({"rows": [row("c")], "n": 3})).await;
    let paging = json!({"paging": {"by": "offset", "size": 2}, "total": "n"});
    let (snapshot, _folder) = read(&server, sites(paging)).await.unwrap();
    let doubt = snapshot.models["site"].doubt().unwrap();
    assert!(doubt.contains("came more than once"), "{doubt}");
}

/// A row is deleted between two pages, and another one moves up into the page that was read already.
#[tokio::test]
async fn a_list_that_shrinks_while_it_is_read_is_not_complete() {
    let server = MockServer::start().await;
    answers(&server, ("offset", Some("0")), json!({"rows": [row("a"), row("b")], "n": 4})).await;
    answers(&server, ("offset", Some("2")), json!({"rows": [row("d")], "n": 3})).await;
    answers(&server, ("offset", Some("3")), json!({"rows": [], "n": 3})).await;
    let paging = json!({"paging": {"by": "offset", "size": 2}, "total": "n"});
    let (snapshot, _folder) = read(&server, sites(paging)).await.unwrap();
    let doubt = snapshot.models["site"].doubt().unwrap();
    assert!(doubt.contains("changed while the list was read"), "{doubt}");
}

#[tokio::test]
async fn an_answer_of_another_form_says_what_it_has() {
    let server = MockServer::start().await;
    answers(&server, ("page", None), json!({"data": [], "count": 0})).await;
    let error = read(&server, sites(json!({}))).await.unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[tokio::test]
async fn objects_become_records_as_the_templates_say() {
    let server = MockServer::start().await;
    let rows = json!([
        {"uid": 7, "code": "ZRH", "title": " Zurich ", "state": "live"},
        {"uid": 8, "code": "BRN", "title": "Bern", "state": "closed"},
        {"uid": 9, "code": "LAB", "title": "Lab", "state": "hidden"},
        {"uid": 10, "title": "Nameless", "state": "live"},
        "no object",
    ]);
    answers(&server, ("page", None), json!({"rows": rows})).await;
    let vlans = json!([
        {"location": 7, "tag-no": 10, "title": "Users"},
        {"location": 8, "tag-no": "11", "title": "Voice"},
        {"location": 44, "tag-no": 12, "title": "Lost"},
        {"tag-no": 13, "title": "Nowhere"},
        {"tag-no": 14, "title": {"en": "Nested"}},
    ]);
    let answer = ResponseTemplate::new(200).set_body_json(vlans);
    Mock::given(path("/vlans/")).and(query_param("all", "yes")).respond_with(answer).mount(&server).await;
    let mut parameters = sites(json!({
        "id": "{{ uid }}",
        "when": "state != 'hidden'",
        "fields": {
            "slug": "{{ code | lower }}",
            "name": "{{ title }}",
            "status": "{{ {'live': 'active'}[state] | default('retired') }}",
        },
    }));
    parameters["models"]["vlan"] = json!({
        "path": "vlans/", "query": {"all": "yes"},
        "fields": {"site": "{{ location }}", "vid": "{{ object['tag-no'] }}", "name": "{{ title }}"},
    });
    let (snapshot, _folder) = read(&server, parameters).await.unwrap();
    let mut told = lines(&snapshot, "site");
    told.extend(lines(&snapshot, "vlan"));
    for model in ["site", "vlan"] {
        let rejections = snapshot.models[model].rejections.iter();
        told.extend(rejections.map(|one| format!("{model} {}: `{}`: {}", one.record, one.field, one.message)));
    }
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(snapshot.models["site"].skipped.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn the_connection_test_tells_what_would_become_of_it() {
    let server = MockServer::start().await;
    answers(&server, ("page", Some("1")), json!({"rows": [{"code": "a b", "title": ""}]})).await;
    let report = source(&server, sites(json!({"paging": {"by": "page", "size": 2}}))).await.check().await.unwrap();
    let facts = report.facts.iter().map(|fact| format!("{}: {}", fact.name, fact.value));
    insta::assert_snapshot!(facts.chain(report.warnings.clone()).collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn a_token_goes_into_its_header() {
    let server = MockServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "abcdef-123").unwrap();
    let answer = ResponseTemplate::new(200).set_body_json(json!({"rows": []}));
    Mock::given(header("x-api-key", "abcdef-123")).respond_with(answer).expect(1).mount(&server).await;
    let connection = json!({
        "url": server.uri(), "token": format!("file:{}", token.display()), "token_header": "X-Api-Key", "http": {"proxy": "off"},
    });
    let connection = settings::parse(connection).unwrap();
    let parameters = settings::parse(sites(json!({}))).unwrap();
    let source = Rest::connect_source(connection, parameters, ConnectContext::default()).await.unwrap();
    source.check().await.unwrap();
}

#[test]
fn settings_that_make_no_sense_are_told_at_once() {
    let mut told = Vec::new();
    for connection in [
        json!({"url": "https://x.example", "token": "env:A", "user": "me"}),
        json!({"url": "https://x.example", "user": "me"}),
        json!({"url": "https://x.example", "password": "env:A", "token_header": "X Key"}),
    ] {
        told.extend(Rest::validate(&settings::parse(connection).unwrap()));
    }
    let list = |more: Value| sites(more)["models"]["site"].clone();
    let parameters = json!({"models": {
        "sites": list(json!({})),
        "site": list(json!({
            "path": "../x?y=1", "id": "{{ uid", "when": "a ==", "paging": {"by": "page", "size": 0},
            "fields": {"name": "{{ a | shout }}", "stauts": "x"},
        })),
        "tag": list(json!({"paging": {"by": "next", "at": ""}})),
    }});
    told.extend(Rest::validate_source(&settings::parse(parameters).unwrap()));
    told.extend(Rest::validate_source(&settings::parse(json!({"models": {}})).unwrap()));
    let told: Vec<_> = told.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}
