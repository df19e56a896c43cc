//! GraphQL over the same objects: `X_list` and `X` for every kind, with NetBox's filters, pages and error answers.

mod condition;
mod names;
mod plan;
mod run;

use serde_json::Value as Json;

use super::access::Access;
use super::state::Store;
use crate::graphql as parse;

/// Aliases that one request may use.
const MAX_ALIASES: usize = 10;

/// What the server's version and settings allow.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Most rows of a list.
    pub max_page: usize,
    /// Whether pages may begin at an id.
    pub has_start: bool,
}

/// An error of a request, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    message: String,
    place: parse::Place,
    /// Field of the answer, for errors that came up while the request was carried out.
    path: Option<String>,
}

impl Problem {
    fn new(message: impl Into<String>, place: parse::Place) -> Self {
        Self { message: message.into(), place, path: None }
    }

    fn to_json(&self) -> String {
        let message = Json::String(self.message.clone());
        let path = self.path.as_ref().map(|path| format!(", \"path\": [\"{path}\"]")).unwrap_or_default();
        if self.place == parse::Place::default() {
            return format!("{{\"message\": {message}{path}}}");
        }
        let parse::Place { line, column } = self.place;
        format!("{{\"message\": {message}, \"locations\": [{{\"line\": {line}, \"column\": {column}}}]{path}}}")
    }
}

/// Carries a request out; the answer has status 200 whatever happens.
pub(super) fn execute(
    store: &Store,
    access: &Access,
    text: &str,
    variables: Option<&Json>,
    operation: Option<&str>,
    limits: Limits,
) -> String {
    match run::run(store, access, text, variables, operation, limits) {
        Ok(data) => format!("{{\"data\": {data}}}"),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(Problem::to_json).collect();
            format!("{{\"data\": null, \"errors\": [{}]}}", problems.join(", "))
        }
    }
}
