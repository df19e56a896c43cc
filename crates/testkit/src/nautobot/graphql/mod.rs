//! GraphQL over the same objects: a list and a single object for every kind, the change log, and as much of the
//! schema as clients ask for.

mod plan;
mod run;
mod schema;
mod suggest;

use serde_json::{Value as Json, json};

use super::schema::Kind;
use super::state::Store;
use crate::graphql::{Place, parse};

/// Status and body of an answer.
pub(super) type Answer = (u16, String);

/// An error of a request, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    message: String,
    places: Vec<Place>,
    /// Place in the answer, for errors that came up while the request was carried out.
    path: Vec<Json>,
}

impl Problem {
    fn new(message: impl Into<String>, place: Place) -> Self {
        Self { message: message.into(), places: vec![place], path: Vec::new() }
    }

    fn json(&self) -> Json {
        let mut json = json!({"message": self.message});
        if !self.places.is_empty() {
            let places = self.places.iter().map(|place| json!({"line": place.line, "column": place.column}));
            json["locations"] = places.collect();
        }
        if !self.path.is_empty() {
            json["path"] = json!(self.path);
        }
        json
    }
}

fn refused(problems: &[Problem]) -> Answer {
    let errors: Vec<Json> = problems.iter().map(Problem::json).collect();
    (400, json!({"errors": errors}).to_string())
}

fn said(message: &str) -> Answer {
    (400, json!({"errors": [{"message": message}]}).to_string())
}

/// Carries a request out. Lists of `short` lose their last record on the first page.
pub(super) fn execute(store: &Store, body: &Json, short: &[Kind]) -> Answer {
    let Some(text) = body.get("query").and_then(Json::as_str).filter(|text| !text.is_empty()) else {
        return said("Must provide query string.");
    };
    let document = match parse(text) {
        Ok(document) => document,
        Err(error) => return refused(&[Problem::new(error.message, error.place)]),
    };
    let wanted = body.get("operationName").and_then(Json::as_str);
    let found = document.operations.iter().filter(|operation| wanted.is_none() || operation.name.as_deref() == wanted);
    let found: Vec<_> = found.collect();
    let [operation] = found.as_slice() else {
        return said(match wanted {
            Some(_) => "Unknown operation.",
            None => "Must provide operation name if query contains multiple operations.",
        });
    };
    if operation.verb != "query" {
        let verb = operation.verb.to_uppercase();
        return said(&format!("'OperationType.{verb}' is not a supported operation, Only query are supported."));
    }
    let planner = plan::Planner::new(&document, operation, body.get("variables"), store.version);
    match planner.plan() {
        Err(problems) => refused(&problems),
        Ok(picks) => (200, run::run(store, &picks, short)),
    }
}
