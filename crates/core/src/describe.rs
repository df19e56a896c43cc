//! What connectors tell people about themselves.

use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::target::Capabilities;

/// What a side of a sync is by its settings alone: told without asking its system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SideDescription {
    /// What becomes what.
    pub data_mappings: Vec<DataMapping>,
    /// What it can do; null for a source, which can only be read.
    pub capabilities: Option<Capabilities>,
}

/// The symbol of a system, drawn beside its name in the colour of the text: the lines of one SVG path in a box of 24 by 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Icon(&'static str);

impl Icon {
    /// The most that the data of a path may be, in bytes: it stands in every page that shows the symbol.
    const MOST: usize = 600;

    /// A symbol of these path data.
    ///
    /// # Panics
    ///
    /// When it is no path data or too much of it: a slip in the connector's own code, which does not compile where the symbol is a
    /// constant.
    pub const fn path(data: &'static str) -> Self {
        let bytes = data.as_bytes();
        assert!(!bytes.is_empty() && matches!(bytes[0], b'M' | b'm'), "the path of an icon begins with a move");
        assert!(bytes.len() <= Self::MOST, "the path of an icon has 600 bytes at most");
        let mut at = 0;
        while at < bytes.len() {
            let is_command = matches!(
                bytes[at].to_ascii_uppercase(),
                b'M' | b'L' | b'H' | b'V' | b'C' | b'S' | b'Q' | b'T' | b'A' | b'Z'
            );
            let is_number = matches!(bytes[at], b'0'..=b'9' | b'.' | b',' | b'-' | b' ');
            assert!(is_command || is_number, "the path of an icon is commands and numbers alone");
            at += 1;
        }
        Self(data)
    }

    /// The data of its path.
    pub const fn data(self) -> &'static str {
        self.0
    }
}

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

    /// A model as a whole, and its fields with what each is in the system.
    pub fn table<'a>(
        model: &'static str,
        native: &'a str,
        fields: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> Vec<Self> {
        let fields = fields.into_iter().map(|(field, native)| Self::field(model, field, native));
        std::iter::once(Self::model(model, native)).chain(fields).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_a_path_and_nothing_else() {
        assert_eq!(Icon::path("M4 12h16M12 4v16").data(), "M4 12h16M12 4v16");
        let long = "M".repeat(Icon::MOST + 1);
        let wrong = ["", "4 12h16", "M4 12\"/><script>", "radar", Box::leak(long.into_boxed_str())];
        for data in wrong {
            assert!(std::panic::catch_unwind(|| Icon::path(data)).is_err(), "{data}");
        }
    }
}
