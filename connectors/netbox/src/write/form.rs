//! What a version of NetBox takes: its own description of a model's form.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::tables::{Column, Kind};

/// What the token may write to a model, and which values the choices have. Empty when NetBox did not say.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// Whether objects may be created; none when it is not known.
    pub may_create: Option<bool>,
    /// Whether objects may be changed; none when it is not known.
    pub may_change: Option<bool>,
    choices: HashMap<String, HashSet<String>>,
    most: HashMap<String, u64>,
    /// Whether a field can be written, by its name.
    written: HashMap<String, bool>,
}

impl Form {
    /// Reads the answer to `OPTIONS`.
    pub fn read(options: &Value) -> Self {
        // Every description of a form has it; what has not is none.
        if options.get("renders").is_none() {
            return Self::default();
        }
        let actions = options.get("actions");
        let action = |name: &str| actions.and_then(|actions| actions.get(name)).and_then(Value::as_object);
        let Some(fields) = action("POST").or_else(|| action("PUT")) else {
            return Self { may_create: Some(false), may_change: Some(false), ..Self::default() };
        };
        let choices = fields.iter().filter_map(|(name, field)| {
            let values = field.get("choices")?.as_array()?;
            let values = values.iter().filter_map(|choice| choice.get("value")?.as_str().map(str::to_owned));
            Some((name.clone(), values.collect()))
        });
        let most = fields.iter().filter_map(|(name, field)| Some((name.clone(), field.get("max_value")?.as_u64()?)));
        let written =
            fields.iter().filter_map(|(name, field)| Some((name.clone(), !field.get("read_only")?.as_bool()?)));
        Self {
            may_create: Some(action("POST").is_some()),
            may_change: Some(action("PUT").is_some()),
            choices: choices.collect(),
            most: most.collect(),
            written: written.collect(),
        }
    }

    /// Whether a field of NetBox can be written; none when it is not known.
    pub fn writes(&self, field: &str) -> Option<bool> {
        self.written.get(field).copied()
    }

    /// Finds what this version does not take.
    pub fn check(&self, column: &Column, value: &Value) -> Result<(), String> {
        match (column.kind, value) {
            (Kind::Choice, Value::String(value)) => match self.choices.get(column.native) {
                Some(known) if !known.is_empty() && !known.contains(value) => {
                    Err(format!("`{value}` is no value that this NetBox knows{}", alternatives(known, value)))
                }
                _ => Ok(()),
            },
            (Kind::Integer(..), Value::Number(number)) => match (self.most.get(column.native), number.as_u64()) {
                (Some(most), Some(number)) if number > *most => {
                    Err(format!("`{number}` is more than this NetBox takes (at most {most})"))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// The known values, if they are few; else those that begin alike.
fn alternatives(known: &HashSet<String>, value: &str) -> String {
    const FEW: usize = 12;
    let mut near: Vec<_> = known.iter().map(String::as_str).collect();
    if near.len() > FEW {
        let start: String = value.chars().take(3).collect();
        near.retain(|other| other.starts_with(&start));
    }
    near.sort_unstable();
    near.truncate(FEW);
    if near.is_empty() { String::new() } else { format!(" (known: {})", near.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;
    use serde_json::json;

    #[test]
    fn a_value_that_a_version_lacks_is_named_with_its_neighbours() {
        let values = ["virtual", "800gbase-x-osfp", "800gbase-x-qsfpdd", "1000base-t"];
        let many = (0..20).map(|number| format!("x{number}"));
        let choices: Vec<_> =
            values.iter().map(ToString::to_string).chain(many).map(|value| json!({"value": value})).collect();
        let form = Form::read(&json!({"renders": [], "actions": {"POST": {
            "type": {"choices": choices},
            "speed": {"max_value": 2_147_483_647_u64},
        }}}));
        let table = tables::by_name("interface").unwrap();
        let check = |field, value| form.check(table.column(field).unwrap(), &value).unwrap_err();
        insta::assert_snapshot!(
            check("type", json!("800gbase-x")),
            @"`800gbase-x` is no value that this NetBox knows (known: 800gbase-x-osfp, 800gbase-x-qsfpdd)"
        );
        insta::assert_snapshot!(
            check("speed", json!(4_000_000_000_u64)),
            @"`4000000000` is more than this NetBox takes (at most 2147483647)"
        );
        assert_eq!((form.may_create, form.may_change), (Some(true), Some(false)));
        assert_eq!(Form::read(&json!({"renders": []})).may_create, Some(false));
        assert_eq!(Form::read(&json!({})).may_create, None);
    }
}
