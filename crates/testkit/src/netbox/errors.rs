//! Errors as NetBox words them: per field, in the order in which they were found.

use serde_json::Value as Json;

/// Errors of one object by field; `__all__` holds those of the object as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Errors(Vec<(String, Json)>);

impl Errors {
    pub fn new() -> Self {
        Self::default()
    }

    /// One message at one field.
    pub fn at(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(field, message);
        errors
    }

    /// One message for the whole object.
    pub fn whole(message: impl Into<String>) -> Self {
        Self::at("__all__", message)
    }

    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        let message = Json::String(message.into());
        match self.0.iter_mut().find(|(known, _)| known == field) {
            Some((_, Json::Array(messages))) => messages.push(message),
            _ => self.0.push((field.to_owned(), Json::Array(vec![message]))),
        }
    }

    /// An error that is not a list of messages.
    pub fn add_json(&mut self, field: &str, error: Json) {
        self.0.push((field.to_owned(), error));
    }

    /// Takes over other errors.
    pub fn merge(&mut self, other: Self) {
        for (field, error) in other.0 {
            match (self.0.iter_mut().find(|(known, _)| *known == field), error) {
                (Some((_, Json::Array(known))), Json::Array(more)) => known.extend(more),
                (_, error) => self.0.push((field, error)),
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|(known, _)| known == field)
    }

    /// The errors as a JSON object that keeps the order.
    pub fn to_json(&self) -> String {
        let entries: Vec<String> =
            self.0.iter().map(|(field, error)| format!("{}:{error}", Json::String(field.clone()))).collect();
        format!("{{{}}}", entries.join(","))
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// 400 with the errors of one object.
    Fields(Errors),
    /// 400 with one entry an object of the list.
    List(Vec<Errors>),
    /// 400 with a bare list of sentences.
    Sentences(Vec<String>),
    /// 409: others still refer to the object.
    Protected(String),
    /// 500: the database refused.
    Database { exception: &'static str, message: String },
    /// 412: the object's ETag is another one.
    Precondition(String),
    /// Any other answer: status and the sentence in `detail`.
    Detail(u16, String),
    /// Any other answer that is no JSON: status and the bare sentence.
    Text(u16, String),
}

impl Refusal {
    /// Status and body of the answer.
    pub fn answer(&self, version: &str) -> (u16, String) {
        let detail = |text: &str| format!("{{\"detail\":{}}}", Json::String(text.to_owned()));
        match self {
            Self::Fields(errors) => (400, errors.to_json()),
            Self::List(list) => {
                let entries: Vec<String> = list.iter().map(Errors::to_json).collect();
                (400, format!("[{}]", entries.join(",")))
            }
            Self::Sentences(sentences) => (400, Json::from(sentences.clone()).to_string()),
            Self::Precondition(_) => (412, detail("Precondition failed.")),
            Self::Protected(text) => (409, detail(text)),
            Self::Detail(status, text) => (*status, detail(text)),
            Self::Text(status, text) => (*status, text.clone()),
            Self::Database { exception, message } => (500, server_error(exception, message, version)),
        }
    }
}

/// The body of an answer of 500, as NetBox writes it.
pub(super) fn server_error(exception: &str, message: &str, version: &str) -> String {
    format!(
        "{{\"error\": {}, \"exception\": \"{exception}\", \"netbox_version\": \"{version}\", \
         \"python_version\": \"3.12.1\"}}",
        Json::String(message.to_owned())
    )
}

/// A value the way Python prints it, for messages that quote what was sent.
pub(super) fn python(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::String(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
        Json::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Json::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("'{key}': {}", python(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}
