//! The OpenAPI document, held against every answer of every test here.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::http::{Method, StatusCode, header};
use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Value, json};

use super::{Answer, Api};
use crate::endpoint::Endpoint;
use crate::{BELOW, openapi, routes};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(&routes::endpoints(), BELOW, None));

/// Fails when an answer is not as the document says.
pub fn holds(method: &Method, path: &str, answer: &Answer) {
    // What is no route is in no document, and neither is what every route does alike before it is asked.
    let at_root =
        DOCUMENT["paths"].as_object().unwrap().get_key_value(path).filter(|(_, item)| !item["servers"].is_null());
    let at_root = at_root.map(|(path, _)| path.as_str());
    let Some(template) = at_root.or_else(|| path.strip_prefix(BELOW).and_then(template)) else { return };
    let Some(operation) = DOCUMENT["paths"][template].get(method.as_str().to_lowercase()) else { return };
    let status = answer.status.as_str();
    let response = &operation["responses"][status];
    assert!(
        response.is_object(),
        "{method} {path} answers {status}, which the document does not know: {}",
        answer.text
    );
    let leads = response["headers"]["Location"].is_object();
    assert_eq!(answer.headers.contains_key(header::LOCATION), leads, "{method} {path} {status}: where it is");
    let content = response["content"].as_object();
    let kind = answer.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap());
    match kind {
        Some(kind) => {
            assert!(content.is_some_and(|content| content.contains_key(kind)), "{method} {path} {status}: {kind}");
        }
        None => assert_eq!(content, None, "{method} {path} {status}"),
    }
    if let Some(kind) = kind
        && kind.contains("json")
    {
        let place =
            ["paths", template, &method.as_str().to_lowercase(), "responses", status, "content", kind, "schema"];
        // Of a list as a file, every line is an item.
        let values: Vec<Value> = match kind {
            "application/x-ndjson" => answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            _ => vec![answer.value()],
        };
        for value in values {
            assert_eq!(mistakes(&place, &value), "", "{method} {path} {status}: {value}");
        }
    }
}

/// The path of the route that a path is of. What is named in full goes before what can be anything.
fn template(path: &str) -> Option<&'static str> {
    let parts: Vec<_> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object()?.keys().map(String::as_str);
    let matching = paths.filter(|template| {
        let template: Vec<_> = template.split('/').collect();
        template.len() == parts.len()
            && template.iter().zip(&parts).all(|(template, part)| template.starts_with('{') || template == part)
    });
    matching.min_by_key(|template| template.matches('{').count())
}

/// What is wrong with a value, by the schema at a place of the document.
fn mistakes(place: &[&str], value: &Value) -> String {
    let escaped = |part: &&str| part.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
    let pointer = place.iter().map(escaped).collect::<Vec<_>>().join("/");
    let (schemas, compiled) = compiled(&pointer);
    schemas.validate(value, compiled).err().map_or_else(String::new, |error| error.to_string())
}

fn compiled(pointer: &str) -> (Schemas, SchemaIndex) {
    let mut compiler = Compiler::new();
    compiler.set_default_draft(Draft::V2020_12);
    compiler.enable_format_assertions();
    compiler.add_resource("openapi.json", DOCUMENT.clone()).unwrap();
    let mut schemas = Schemas::new();
    let compiled = compiler.compile(&format!("openapi.json#/{pointer}"), &mut schemas).unwrap();
    (schemas, compiled)
}

#[tokio::test]
async fn the_document_is_served_and_whole() {
    let api = Api::empty().await;
    let served = api.get("openapi.json").await;
    assert_eq!((served.status, &served.value()), (StatusCode::OK, &*DOCUMENT));
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
    let text = DOCUMENT.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        assert!(DOCUMENT.pointer(reference).is_some(), "{reference} leads nowhere");
    }
    assert_eq!(openapi::clashes(&routes::endpoints()), Vec::<String>::new());
    // Nothing in it is called by what another thing is called.
    let names: Vec<_> = DOCUMENT["components"]["schemas"].as_object().unwrap().keys().collect();
    assert!(names.iter().all(|name| !name.ends_with(|last: char| last.is_ascii_digit())), "{names:?}");
}

#[test]
fn every_route_says_what_it_does() {
    let mut ids = BTreeSet::new();
    for Endpoint { id, method, path, summary, answers, body, .. } in routes::endpoints() {
        assert_eq!(body.is_some(), matches!(method, Method::POST | Method::PUT), "{method} {path}");
        assert!(ids.insert(id), "{id} is there twice");
        assert!(!summary.is_empty() && !summary.ends_with('.'), "{path}: {summary}");
        assert!(!answers.is_empty(), "{path}");
    }
}

#[test]
fn a_list_of_words_is_one_parameter() {
    let parameters = DOCUMENT["paths"]["/runs"]["get"]["parameters"].as_array().unwrap();
    let status = parameters.iter().find(|parameter| parameter["name"] == "status").unwrap();
    assert_eq!((&status["style"], &status["explode"]), (&json!("form"), &json!(false)));
    let limit = parameters.iter().find(|parameter| parameter["name"] == "limit").unwrap();
    assert_eq!(limit["schema"]["maximum"], 1000);
}
