//! Data of any shape in rules: custom fields and config contexts.
//!
//! Which members there are is up to a source's users, record by record. A rule may speak of one that a record does not have, at any
//! depth: it is nothing then, which is printed as an empty text, holds in no condition and takes a `default`. Everywhere else a
//! name that no fact has is a slip.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Environment, Value};
use serde_json::Value as Json;

/// An object whose members may or may not be there.
#[derive(Debug)]
struct Members(BTreeMap<String, Value>);

/// A member that is not there.
#[derive(Debug)]
struct Nothing;

impl Object for Members {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    /// What `in` asks: only what is there.
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }

    /// What a dot asks: anything.
    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        Some(self.0.get(name).cloned().unwrap_or_else(nothing))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(Value::from).collect())
    }
}

impl Object for Nothing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        None
    }

    fn get_value_by_str(self: &Arc<Self>, _: &str) -> Option<Value> {
        Some(nothing())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

fn nothing() -> Value {
    Value::from_object(Nothing)
}

fn is_nothing(value: &Value) -> bool {
    value.is_undefined() || value.downcast_object_ref::<Nothing>().is_some()
}

/// Data as rules see it; nothing where there is none.
pub(super) fn data(value: Option<&Json>) -> Value {
    match value {
        None | Some(Json::Null) => nothing(),
        Some(Json::Array(items)) => items.iter().map(|item| data(Some(item))).collect(),
        Some(Json::Object(members)) => {
            let members = members.iter().map(|(name, value)| (name.clone(), data(Some(value))));
            Value::from_object(Members(members.collect()))
        }
        Some(other) => Value::from(minijinja::value::Serde(other)),
    }
}

/// Teaches the language that nothing is as good as undefined.
pub(super) fn teach(environment: &mut Environment<'static>) {
    let default = |value: Value, other: Option<Value>, lax: Option<bool>| {
        let is_used = is_nothing(&value) || (lax.unwrap_or(false) && !value.is_true());
        if is_used { other.unwrap_or_else(|| Value::from("")) } else { value }
    };
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_test("defined", |value: Value| !is_nothing(&value));
    environment.add_test("undefined", |value: Value| is_nothing(&value));
}
