//! What connectors tell people about themselves.

use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

/// One line of a data mapping: what of the system becomes what of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DataMapping {
    /// The model, for example `interface`.
    pub model: &'static str,
    /// The field; empty for the model as a whole.
    pub field: &'static str,
    /// What of the system it comes from or goes to, in the system's own words.
    pub native: String,
    /// How the value changes on its way; empty when it does not.
    pub note: String,
}

impl DataMapping {
    /// A model as a whole.
    pub fn model(model: &'static str, native: impl Into<String>) -> Self {
        Self { model, field: "", native: native.into(), note: String::new() }
    }

    /// A field of a model.
    pub fn field(model: &'static str, field: &'static str, native: impl Into<String>) -> Self {
        Self { model, field, native: native.into(), note: String::new() }
    }

    /// Adds how the value changes on its way.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// One line of the configuration as people see it. Secrets are shown as references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfigItem {
    /// What it is, for people: `Base URL`.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl ConfigItem {
    /// A line of the configuration.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Self { name: name.into(), value: value.to_string() }
    }
}

/// What a connection test found.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct CheckReport {
    /// What the system is: `NetBox 4.6.8`.
    pub system: String,
    /// Facts worth knowing: version, user, rights, size.
    pub facts: Vec<ConfigItem>,
    /// What will not work, and what to do about it. Empty when all is well.
    pub warnings: Vec<String>,
}

/// A record in its system's own user interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ObjectLink {
    /// What the system shows for it.
    pub label: String,
    /// Where to see it.
    pub url: Url,
}

/// A list of a system's own objects that rules and settings may name: what a person picks from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Catalogue {
    /// What is in it: `templates`.
    pub name: &'static str,
    /// The objects.
    pub entries: Vec<CatalogueEntry>,
    /// Why it could not be read, in the system's own words; none when it was.
    pub unreadable: Option<String>,
}

/// An object of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CatalogueEntry {
    /// The system's id.
    pub id: String,
    /// The name by which rules and settings speak of it.
    pub name: String,
    /// What else tells it from others; empty when there is nothing. Never a secret.
    pub note: String,
}
