//! Mapping rules: what a sync makes of the source's records before it compares them, said in its configuration.
//!
//! A [`Mapping`] is what people write; [`Rules`] is what was understood of it. Keys may change: references follow them, and what a
//! target's record was called in the source can be told ([`Keys`]). A record that a rule leaves out is not gone: nothing is deleted for it.

mod apply;
mod keys;
mod rules;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use apply::Mapped;
pub use keys::Keys;
pub use rules::{Misfit, Rules, value_of};
pub use source::MappedSource;

/// The mapping rules of a sync, in the order in which they are applied.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Mapping(pub Vec<Rule>);

/// One rule: for the records of a model, maybe only some of them, it sets a field or leaves them out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The model that it is about: `device`.
    pub model: String,
    /// For which records: a condition over the record's fields, such as `role == 'router' and name is startingwith('lab')`. Empty: for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// Leaves the records out, with what refers to them. They are not deleted in the target for it, and not changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leave_out: bool,
    /// The field that it sets, by one of `value`, `from`, `template` and `lookup`. Where it is a part of the key, references follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Sets the field to this, whatever it was; a text for numbers and references with one part too. Empty: no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Sets the field to the value of another field. With `lookup`, the field whose value is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Sets the field to what a template says of the record: `{{ name | lower }}`. Empty: no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Sets the field to what stands for its value in this table. What does not stand there stays, or becomes `otherwise`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lookup: BTreeMap<String, String>,
    /// What a value becomes that is not in `lookup`. Empty: no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
}

impl Mapping {
    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Understands the rules; the error has all that is wrong with them.
    pub fn rules(&self) -> Result<Rules, Vec<Misfit>> {
        Rules::of(&self.0)
    }
}

/// A value as rules see it: the key of what has one part is that part.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(mut parts) if parts.len() == 1 && !parts[0].is_array() => parts.remove(0),
        Value::Array(parts) => parts.into_iter().map(plain).collect(),
        other => other,
    }
}
