//! Creates that do not come because of what people want left alone, and what becomes of references to them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use syncline_model::{AnyKey, FieldKind, ModelSchema};

use super::absence::ignored_with;
use super::owner;
use super::whole::{left_alone, named, wholes};
use crate::bindings::hash;
use crate::change::{Action, Change, FieldChange, Hold, HoldRule};
use crate::diff::{DiffCounts, DiffOutput};
use crate::fields::ModelFields;
use crate::ignore::{Ignored, IgnoredRecord};
use crate::policy::Policy;
use crate::{Error, ErrorKind, Result};

/// The records that do not come, by hash of model and key, each with what is left alone and keeps it away.
#[derive(Debug, Clone, Default)]
pub struct LeftOut {
    records: HashMap<u128, Arc<str>>,
    /// What is left alone, in words: whatever hangs on a record has the same.
    said: HashSet<Arc<str>>,
}

impl LeftOut {
    /// Finds them in a comparison, which `compare` makes. A plan has to know them before it decides about the first record: what refers
    /// to one in the second pass is written before it.
    pub fn find(
        fields: &ModelFields,
        policy: &Policy,
        ignored: &Ignored,
        compare: impl Fn(&mut dyn DiffOutput) -> Result<()>,
    ) -> Result<Self> {
        let mut finder = Finder { fields, policy, ignored, found: Self::default() };
        if ignored.has_whole() {
            compare(&mut finder)?;
        }
        Ok(finder.found)
    }

    /// Holds a create that is left out: because its record is left alone, because of what that belongs to, or because of what it cannot
    /// be without. What needs it in turn is left out too. A list is no such need while anything of it is left.
    pub fn hold(&mut self, schema: &ModelSchema, change: &mut Change, fields: &ModelFields, ignored: &Ignored) {
        if change.action != Action::Create || ignored.is_empty() {
            return;
        }
        let left = match &change.hold {
            Some(Hold { rule: HoldRule::Ignored, reason }) => named(schema, &change.key, reason),
            Some(_) => return,
            None => {
                let Some(left) = self.with(schema, change, fields, ignored) else { return };
                change.hold = Some(ignored_with(left.clone()));
                left
            }
        };
        let left = self.shared(left);
        self.records.insert(hash(schema.name, change.key.as_str()), left);
    }

    fn shared(&mut self, left: String) -> Arc<str> {
        if let Some(known) = self.said.get(left.as_str()) {
            return Arc::clone(known);
        }
        let said: Arc<str> = left.into();
        self.said.insert(Arc::clone(&said));
        said
    }

    /// What is left alone and keeps a create away, beside its record itself.
    fn with(&self, schema: &ModelSchema, change: &Change, fields: &ModelFields, ignored: &Ignored) -> Option<String> {
        let of_whole = wholes(schema, fields).filter_map(|(field, whole)| {
            let key = change.after(field.name)?.to_string();
            Some((whole, AnyKey::from_canonical(&key)))
        });
        let needed = |field: &FieldChange| {
            let is_needed = schema.field(&field.name).is_some_and(|known| !known.deferred);
            let missing = if is_needed { self.referred(schema, field) } else { None };
            missing.filter(|missing| missing.rest.is_none()).map(|missing| missing.left.to_owned())
        };
        left_alone(of_whole, fields, ignored).or_else(|| change.fields.iter().find_map(needed))
    }

    /// Whether every create comes, as far as people let it.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What of the references of a field does not come; none when all that they lead to is there or comes.
    pub fn of(&self, schema: &ModelSchema, field: &FieldChange) -> Option<LeftOutOf> {
        let missing = self.referred(schema, field)?;
        Some(LeftOutOf { reason: format!("left out: {}", missing.left), rest: missing.rest })
    }

    fn referred(&self, schema: &ModelSchema, field: &FieldChange) -> Option<Missing<'_>> {
        let known = schema.field(&field.name)?;
        let of = |model: &str, key: &Value| self.records.get(&hash(model, &key.to_string())).map(|left| &**left);
        match known.kind {
            FieldKind::Reference(model) => Some(Missing { left: of(model, &field.after)?, rest: None }),
            FieldKind::References(model) => {
                let members = field.after.as_array()?;
                let left = members.iter().find_map(|member| of(model, member))?;
                let rest: Vec<_> = members.iter().filter(|member| of(model, member).is_none()).cloned().collect();
                // What is known by an exact list, such as a window by its hosts, is nothing without any of them.
                let is_enough = !rest.is_empty() || !known.exact;
                Some(Missing { left, rest: is_enough.then_some(Value::Array(rest)) })
            }
            FieldKind::Text
            | FieldKind::Integer
            | FieldKind::Boolean
            | FieldKind::Choice(_)
            | FieldKind::Texts
            | FieldKind::Pairs
            | FieldKind::Json => None,
        }
    }
}

/// What becomes of a field that refers to what is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOutOf {
    /// Why: the first of what is left out.
    pub reason: String,
    /// The members of a list that are there or come; none where the field goes as a whole.
    pub rest: Option<Value>,
}

/// As [`LeftOutOf`], with what is left alone.
struct Missing<'a> {
    left: &'a str,
    rest: Option<Value>,
}

/// Finds the creates of a comparison that are left out. Parents come first, so that once is enough.
struct Finder<'a> {
    fields: &'a ModelFields,
    policy: &'a Policy,
    ignored: &'a Ignored,
    found: LeftOut,
}

impl DiffOutput for Finder<'_> {
    fn change(&mut self, mut change: Change) -> Result<()> {
        if change.action != Action::Create || change.hold.is_some() {
            return Ok(());
        }
        let schema = self.fields.schema(&change.model);
        let schema =
            schema.ok_or_else(|| Error::new(ErrorKind::Internal, "a change of a model that is not compared"))?;
        // What the policy leaves out of a create is nothing that it needs.
        owner::leave_to_the_target(schema, self.policy, &mut change);
        if let Some(reason) = self.ignored.of(schema.name, change.key.as_str()).and_then(IgnoredRecord::whole) {
            change.hold = Some(Hold { rule: HoldRule::Ignored, reason: reason.to_owned() });
        }
        self.found.hold(schema, &mut change, self.fields, self.ignored);
        Ok(())
    }

    fn counted(&mut self, _: &'static ModelSchema, _: DiffCounts) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use syncline_model::Model;
    use syncline_model::models::{Device, Interface};

    use super::*;

    /// A device of many interfaces that is left alone is told of once, whether it is itself to come or is there already.
    #[test]
    fn what_hangs_on_one_record_shares_its_words() {
        let fields = ModelFields::new().all::<Device>().all::<Interface>();
        let device = AnyKey::from_value(&json!([["atl"], "sw1"])).unwrap();
        let mut ignored = Ignored::default();
        ignored.add("device", &device, None, "left alone".to_owned());
        let mut left_out = LeftOut::default();
        let mut hold = |schema: &ModelSchema, key: &Value, said: FieldChange, hold: Option<Hold>| {
            let key = AnyKey::from_value(key).unwrap();
            let mut create = Change::new(schema.name, key, Action::Create, None, vec![said]);
            create.hold = hold;
            left_out.hold(schema, &mut create, &fields, &ignored);
            assert!(create.hold.is_some());
        };
        let alone = Hold { rule: HoldRule::Ignored, reason: "left alone".to_owned() };
        let name = FieldChange::new("name", Value::Null, json!("sw1"));
        hold(Device::SCHEMA, &json!([["atl"], "sw1"]), name, Some(alone));
        for number in 0..100 {
            let of = FieldChange::new("device", Value::Null, json!([["atl"], "sw1"]));
            hold(Interface::SCHEMA, &json!([[["atl"], "sw1"], format!("e{number}")]), of, None);
        }
        assert_eq!((left_out.records.len(), left_out.said.len()), (101, 1));
        let words = left_out.said.iter().next().unwrap();
        assert!(left_out.records.values().all(|left| Arc::ptr_eq(left, words)));
    }
}
