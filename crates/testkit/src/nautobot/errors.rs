//! What Nautobot answers when it refuses.

use serde_json::{Map, Value as Json, json};

use crate::django::python;

/// Errors of one object by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Errors(Map<String, Json>);

impl Errors {
    /// One error at a field.
    pub fn at(field: &str, text: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, text);
        errors
    }

    /// An error of the whole object.
    pub fn whole(text: impl Into<String>) -> Self {
        Self::at("__all__", text)
    }

    pub fn add(&mut self, field: &str, text: impl Into<String>) {
        let list = self.0.entry(field).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(list) = list {
            list.push(Json::String(text.into()));
        }
    }

    pub fn merge(&mut self, other: Self) {
        for (field, texts) in other.0 {
            for text in texts.as_array().into_iter().flatten().filter_map(Json::as_str) {
                self.add(&field, text);
            }
        }
    }

    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    pub fn or_ok(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    pub fn json(&self) -> Json {
        Json::Object(self.0.clone())
    }

    /// As Python writes it, which is what a crash shows.
    pub fn python(&self) -> String {
        python::repr(&self.json())
    }
}

/// A request that is not done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// 400 with this body.
    Bad(Json),
    /// `{"detail": …}`.
    Detail(u16, String),
    /// 500: an exception that Nautobot does not catch.
    Crash { exception: &'static str, error: String },
}

impl Refusal {
    /// 404 for an object of this class.
    pub fn missing(class: &str) -> Self {
        Self::Detail(404, format!("No {class} matches the given query."))
    }

    /// A rule that is found broken only while the object is saved.
    pub fn uncaught(errors: &Errors) -> Self {
        Self::Crash { exception: "ValidationError", error: errors.python() }
    }

    /// A rule of the database.
    pub fn database(error: String) -> Self {
        Self::Crash { exception: "IntegrityError", error }
    }

    /// Status and body of the answer.
    pub fn answer(&self, version: &str) -> (u16, Json) {
        match self {
            Self::Bad(body) => (400, body.clone()),
            Self::Detail(status, text) => (*status, json!({"detail": text})),
            Self::Crash { exception, error } => {
                let body = json!({
                    "error": error,
                    "exception": exception,
                    "nautobot_version": version,
                    "python_version": "3.11.2",
                });
                (500, body)
            }
        }
    }
}
