//! The OpenAPI document, version 3.1 (<https://spec.openapis.org/oas/v3.1.1>), made of the [routes](crate::routes::endpoints).

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::endpoint::{Endpoint, problem};
use crate::problem::ProblemKind;

/// The kind of content that Prometheus reads.
pub const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The schemas of types, by their names.
type Definitions = Map<String, Value>;

/// The paths of some routes, with the schemas of what is sent and of what is answered. A type that is both can be described twice: what has
/// a default need not be sent, and is always answered.
fn described(endpoints: &[Endpoint]) -> (BTreeMap<&str, Map<String, Value>>, Definitions, Definitions) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut answers = settings.clone().for_serialize().into_generator();
    let mut asked = settings.for_deserialize().into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let operation = operation(endpoint, &mut asked, &mut answers);
        paths.entry(endpoint.path).or_default().insert(name_of(&endpoint.method), operation);
    }
    (paths, asked.take_definitions(true), answers.take_definitions(true))
}

/// A method as the document writes it.
fn name_of(method: &Method) -> String {
    method.as_str().to_lowercase()
}

/// The names under which one thing is sent and another one answered. There must be none, or the document says one thing of both.
pub fn clashes(endpoints: &[Endpoint]) -> Vec<String> {
    let (_, asked, answers) = described(endpoints);
    let differs = |(name, schema): &(String, Value)| answers.get(name).is_some_and(|answered| answered != schema);
    asked.into_iter().filter(differs).map(|(name, _)| name).collect()
}

/// The document of some routes below a path. `cookie` is the name of a session's cookie, if somebody has to say who they are.
pub fn document(endpoints: &[Endpoint], below: &str, cookie: Option<&str>) -> Value {
    let (mut paths, asked, answers) = described(endpoints);
    let mut schemas = answers;
    for (name, schema) in asked {
        schemas.entry(name).or_insert(schema);
    }
    if cookie.is_some() {
        for endpoint in endpoints.iter().filter(|one| one.access.is_some() && one.method != Method::GET) {
            let operation = paths.get_mut(endpoint.path).and_then(|item| item.get_mut(&name_of(&endpoint.method)));
            if let Some(operation) = operation {
                operation["security"] = json!([{"token": []}, {"session": [], "csrf": []}]);
            }
        }
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Syncline",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Keeps network systems in agreement.",
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": below}],
        "paths": paths,
        "components": {"schemas": schemas},
    });
    for (path, item) in probes(cookie.is_some()) {
        document["paths"][path] = item;
    }
    if let Some(cookie) = cookie {
        document["components"]["securitySchemes"] = json!({
            "token": {"type": "http", "scheme": "bearer", "description": "A token, made by `syncline token add`."},
            "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "A login in a browser."},
            "csrf": {
                "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
                "description": "What a session sends along with whatever changes something: `csrf` of `GET /me`. A token needs none.",
            },
        });
        document["security"] = json!([{"token": []}, {"session": []}]);
    }
    document
}

/// What the host serves beside the API, for machines that watch.
fn probes(needs_login: bool) -> [(&'static str, Value); 3] {
    let text = |says: &str, kind: &str| json!({"description": says, "content": {kind: {"schema": {"type": "string"}}}});
    let plain = "text/plain; charset=utf-8";
    let item = |id: &str, summary: &str, responses: Value, by_anybody: bool| {
        let mut get = json!({
            "operationId": id, "summary": summary, "tags": ["health"], "parameters": [], "responses": responses,
        });
        if by_anybody {
            get["security"] = json!([]);
        }
        // Not below the path of the API.
        json!({"servers": [{"url": "/"}], "get": get})
    };
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let refused = |says: &str| json!({"description": says, "content": problem});
    let mut metrics = json!({"200": text("The metrics, in the text format of Prometheus", METRICS)});
    if needs_login {
        metrics["401"] = refused(ProblemKind::Unauthenticated.title());
        metrics["403"] = refused(ProblemKind::Forbidden.title());
    }
    let live = json!({"200": text("It serves", plain)});
    let ready = json!({"200": text("It can work", plain), "503": text("It cannot, and why", plain)});
    [
        ("/healthz", item("showLiveness", "Whether the process serves at all", live, true)),
        ("/readyz", item("showReadiness", "Whether the process can work", ready, true)),
        ("/metrics", item("showMetrics", "What is counted and measured", metrics, false)),
    ]
}

fn operation(endpoint: &Endpoint, asked: &mut SchemaGenerator, answers: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = endpoint.path_parameters().map(path_parameter).collect();
    if let Some(query) = endpoint.query {
        parameters.extend(query_parameters(query(asked), asked));
    }
    parameters.extend(endpoint.headers.iter().map(|(name, says)| {
        let schema = json!({"type": "string", "pattern": "^[!#-~]([ !#-~]{0,198}[!#-~])?$"});
        json!({"name": name, "in": "header", "required": false, "description": says, "schema": schema})
    }));
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": parameters,
        "responses": responses(endpoint, answers),
    });
    match endpoint.access {
        Some(access) => operation["description"] = format!("Role: {}.", access.role).into(),
        None => operation["security"] = json!([]),
    }
    if let Some(body) = endpoint.body {
        let content = json!({"application/json": {"schema": body(asked)}});
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "id" | "other" => json!({"type": "integer", "format": "int64", "minimum": 1}),
        _ => json!({"type": "string", "minLength": 1}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

/// The fields of a type as parameters.
fn query_parameters(schema: Schema, generator: &SchemaGenerator) -> Vec<Value> {
    let schema = schema.to_value();
    let named = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let object = named.and_then(|name| generator.definitions().get(name)).unwrap_or(&schema);
    let required: Vec<&str> = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = object["properties"].as_object().into_iter().flatten();
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({
            "name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": schema,
        });
        if schema["type"] == "array" {
            // `status=queued,syncing`
            parameter["style"] = "form".into();
            parameter["explode"] = false.into();
        }
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    };
    fields.map(parameter).collect()
}

fn responses(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for answer in &endpoint.answers {
        // What is asked for in several ways is answered in several kinds.
        let status = answer.status.as_str().to_owned();
        let mut response = responses.remove(&status).unwrap_or_else(|| json!({"description": answer.says}));
        if let Some((kind, schema)) = answer.content {
            response["content"][kind] = json!({"schema": schema(generator)});
        }
        if answer.leads {
            response["headers"] = json!({"Location": {"description": "Where it is.", "schema": {"type": "string"}}});
        }
        responses.insert(status, response);
    }
    let content = json!({"application/problem+json": {"schema": problem(generator)}});
    let mut told: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for kind in endpoint.all_problems() {
        for status in kind.statuses() {
            let titles = told.entry(status.as_u16()).or_default();
            if !titles.contains(&kind.title()) {
                titles.push(kind.title());
            }
        }
    }
    for (status, titles) in told {
        let response = json!({"description": titles.join("; "), "content": content});
        responses.entry(status.to_string()).or_insert(response);
    }
    json!(responses)
}
