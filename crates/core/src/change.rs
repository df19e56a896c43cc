//! Changes: what a plan is made of.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::{AnyKey, ModelSchema};

use crate::applied::Cause;
use crate::native::Native;
use crate::policy::FieldRule;

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The target gets a record that it lacks.
    Create,
    /// The target's record gets other values.
    Update,
    /// The target's record goes.
    Delete,
}

impl Action {
    /// The name in plans, history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One change of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Identifies the change within its plan and names the same change in a later plan: a hash of model, key, action and
    /// fields.
    pub id: String,
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<Value>")]
    pub key: AnyKey,
    /// What is done to it.
    pub action: Action,
    /// The key of the site that the record stands at, where it has one: what the target has counts before what it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Value>>")]
    pub site: Option<AnyKey>,
    /// The target's record: whom to write to, and the version that the plan was made against. None for a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
    /// The values. A create has every known field after, an update the differing ones, a delete what will be lost.
    pub fields: Vec<FieldChange>,
    /// Why the change is in the plan but will not be applied; none when it will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What the target said of the record before it was deleted, in a create that takes the delete back: the connector's own
    /// notes, with which it restores what no model has a field for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    // From `target::Written::image`.
    pub image: Option<Value>,
    /// Fields that differ and are not written, because the sync's policy gives them to the target or somebody wants them left alone.
    /// No connector sees them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptField>,
    /// The source's own id of the record that a create is for, where the source has one that lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<Box<str>>,
    /// The record of the same model that has this one's name in the target until its own change, which is in the plan, went through:
    /// that one goes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Value>>")]
    pub waits_for: Option<AnyKey>,
    /// Why the target would have refused the change when the plan was made. It is tried all the same: what was missing may be there by
    /// then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// Why a target would refuse a change, found out without writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The field at fault, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The field.
    pub name: String,
    /// The target's value; null in a create.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// The value that it gets; null in a delete.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
    /// Written in the second pass, when every record exists.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deferred: bool,
    /// Why it differs, in an update; unknown where Syncline never wrote it.
    #[serde(default, skip_serializing_if = "Cause::is_unknown")]
    pub cause: Cause,
}

/// A field that differs, and that stays as the target has it. A list that is written without some of its members is among the written
/// fields too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeptField {
    /// The field.
    pub name: String,
    /// What the source says.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub source: Value,
    /// What the target has.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub target: Value,
    /// The policy's rule for it, which keeps it unless it is ignored.
    pub rule: FieldRule,
    /// Why it is left alone whatever the rule is: until when, on whose word; none where nobody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
    /// Why it differs; unknown where Syncline never wrote it.
    #[serde(default, skip_serializing_if = "Cause::is_unknown")]
    pub cause: Cause,
}

impl FieldChange {
    /// A field that gets a value in the first pass.
    pub fn new(name: &str, before: Value, after: Value) -> Self {
        Self { name: name.to_owned(), before, after, deferred: false, cause: Cause::Unknown }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Why a change is held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// The rule, for machines: see [`HoldRule`].
    pub rule: HoldRule,
    /// The rule applied to this change, for people.
    pub reason: String,
}

/// The rules that hold a change back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldRule {
    /// A read that feeds the model was not complete: absence proves nothing.
    SourcePartial,
    /// The target's read was not complete: what seems to be missing may be there.
    TargetPartial,
    /// What the record belongs to is absent too, and held.
    Parent,
    /// A record that stays refers to it.
    InUse,
    /// The first run of a sync, or the first after its mapping or scope changed, deletes nothing.
    FirstRun,
    /// Shared records are never deleted because a source stopped mentioning them.
    Shared,
    /// The sync's policy does not delete.
    Policy,
    /// Syncline did not create the record and was not told to adopt it.
    NotOurs,
    /// The record must be absent longer before it may be deleted.
    Quarantine,
    /// More than one record answers to the key.
    Ambiguous,
    /// A guard wants a person to look first.
    Guard,
    /// Somebody changed the record after the run that is to be taken back.
    Moved,
    /// The target owns every field that differs.
    Owner,
    /// Another record of the target still has the name, and does not lose it in this plan.
    NameTaken,
    /// Somebody wants it left alone, until a day or until it is ended.
    Ignored,
}

impl HoldRule {
    /// The name in plans, history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourcePartial => "source_partial",
            Self::TargetPartial => "target_partial",
            Self::Parent => "parent",
            Self::InUse => "in_use",
            Self::FirstRun => "first_run",
            Self::Shared => "shared",
            Self::Policy => "policy",
            Self::NotOurs => "not_ours",
            Self::Quarantine => "quarantine",
            Self::Ambiguous => "ambiguous",
            Self::Guard => "guard",
            Self::Moved => "moved",
            Self::Owner => "owner",
            Self::NameTaken => "name_taken",
            Self::Ignored => "ignored",
        }
    }
}

impl Change {
    /// The value that a field gets; none when the change does not touch it.
    pub fn after(&self, field: &str) -> Option<&Value> {
        self.fields.iter().find(|change| change.name == field).map(|change| &change.after)
    }

    /// The fields of the first pass.
    pub fn immediate(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|field| !field.deferred)
    }

    /// The fields of the second pass.
    pub fn deferred(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|field| field.deferred)
    }

    /// The references that the change clears ahead of their time, so that what they lead to can change, each with the model that it
    /// leads to: references of the second pass that an update clears in the first. No other update does that.
    pub fn lets_go<'c>(&'c self, schema: &'c ModelSchema) -> impl Iterator<Item = (&'static str, &'c FieldChange)> {
        let cleared = self.immediate().filter(|field| self.action == Action::Update && field.after.is_null());
        cleared.filter_map(|field| {
            let known = schema.field(&field.name).filter(|known| known.deferred)?;
            Some((known.kind.referenced_model()?, field))
        })
    }

    /// A change that nothing holds, with its id; no more is known of it.
    pub fn new(model: &str, key: AnyKey, action: Action, native: Option<Native>, fields: Vec<FieldChange>) -> Self {
        Self {
            id: Self::id_of(model, &key, action, &fields),
            model: model.to_owned(),
            key,
            action,
            site: None,
            native,
            fields,
            hold: None,
            image: None,
            kept: Vec::new(),
            source_id: None,
            waits_for: None,
            refusal: None,
        }
    }

    /// The id of a change: the first 16 bytes of a BLAKE3 hash, in hexadecimal digits.
    pub fn id_of(model: &str, key: &AnyKey, action: Action, fields: &[FieldChange]) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(model.as_bytes());
        part(key.as_str().as_bytes());
        part(action.as_str().as_bytes());
        for field in fields {
            part(field.name.as_bytes());
            part(field.before.to_string().as_bytes());
            part(field.after.to_string().as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}
