//! Forms that are made of JSON schemas: settings as people type them.
//!
//! [`SettingsForm::of`] reads a schema as `schemars` writes it, with its parts inlined, into [`Field`]s. [`SettingsForm::texts`]
//! tells what stands in the form for settings that there are, and [`SettingsForm::settings`] makes settings of what was typed. What
//! is left empty is not set: the default counts, also when it becomes another one. `pages::settings_view` draws it.
//!
//! What the schema says in a way for which there is no better field is typed as JSON: lists of tables, tables with free names,
//! alternatives.

mod field;
mod harmless;
mod texts;

pub(crate) use field::label;
pub use field::{Choice, Field, FieldKey, FieldKind, Inside};
pub use harmless::harmless;
pub use texts::{LeftOut, Texts};

use serde_json::Value;

/// The form for the settings of a schema.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsForm {
    /// The fields, single ones before groups.
    pub fields: Vec<Field>,
}

impl SettingsForm {
    /// The form for a table. A schema of anything else gives one without fields.
    pub fn of(schema: &Value) -> Self {
        match field::of(FieldKey::default(), schema, false).kind {
            FieldKind::Group(fields) => Self { fields },
            _ => Self { fields: Vec::new() },
        }
    }

    /// The field that a problem is about, by the key that the problem has (`policy.guards.canaries.0.key`, `tags[0]`): the innermost
    /// around it. None when it is about no single one.
    pub fn field_of(&self, key: &str) -> Option<&Field> {
        self.way_to(key).pop()
    }

    /// The groups around the field that a problem is about, from the outside in, and that field.
    pub fn way_to(&self, key: &str) -> Vec<&Field> {
        let parts: Vec<_> = key.split(['.', '[']).collect();
        let mut way = Vec::new();
        let mut fields = &self.fields;
        while let Some(field) = fields.iter().find(|field| field.key.is_around(&parts)) {
            way.push(field);
            let FieldKind::Group(inner) = &field.kind else { break };
            fields = inner;
        }
        way
    }
}

#[cfg(test)]
pub(crate) mod tests;
