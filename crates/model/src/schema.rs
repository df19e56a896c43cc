//! What the engine knows of a model: static descriptions made by `#[derive(Model)]`.

use crate::{FieldSet, ReadJson};

/// The description of a model.
#[derive(Debug)]
pub struct ModelSchema {
    /// Name in plans, configuration and the API: `ip_address`.
    pub name: &'static str,
    /// Name for people, singular: `IP address`.
    pub label: &'static str,
    /// Name for people, plural: `IP addresses`.
    pub plural: &'static str,
    /// First paragraph of the struct's documentation.
    pub description: &'static str,
    /// What may happen to a record that the source no longer has.
    pub deletion: DeletionClass,
    /// The fields in canonical order.
    pub fields: &'static [FieldSchema],
    /// Other ways to recognise a record, in order of preference; each is a list of field positions. A record that the
    /// key does not match is matched by the first alternate that names exactly one record on each side.
    pub alternates: &'static [&'static [usize]],
    /// What a record keeps when it is renamed or moved; each is a list of field positions. A record that neither the key nor an
    /// alternate matches is the one with the same values, if exactly one record of each side has them, and then its key is
    /// written. If several have them, nobody knows.
    pub identities: &'static [&'static [usize]],
    /// Models whose records are written first although no field refers to them: a system may take a record only where one of theirs
    /// makes room for it, as a prefix does for addresses.
    pub after: &'static [&'static str],
}

/// The description of a field.
#[derive(Debug)]
pub struct FieldSchema {
    /// Name in plans, configuration and the API.
    pub name: &'static str,
    /// First paragraph of the field's documentation.
    pub description: &'static str,
    /// What the value is.
    pub kind: FieldKind,
    /// Whether the value may be null.
    pub nullable: bool,
    /// Whether the field is part of the key.
    pub key: bool,
    /// Whether null in the source means "not said": it never clears a value in the target.
    pub preserve: bool,
    /// Whether the field is written in a second pass, after every record exists: a reference that closes a circle.
    pub deferred: bool,
    /// Whether a set of references is to be exactly the source's. If not, its members are added to the target's, and others stay.
    pub exact: bool,
    /// Reads a value of it from JSON.
    pub from_json: ReadJson,
    /// Reads a value of it from JSON, as it is a part of the key: where the key does not have the value as it is, the name of a device
    /// folded to one case. The same as `from_json` for a field that is no part of it.
    pub key_from_json: ReadJson,
}

/// What the value of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// One of the listed values; systems may add their own.
    Choice(&'static [&'static str]),
    /// The key of a record of a model.
    Reference(&'static str),
    /// A set of keys of records of a model. The source's members are added to the target's and others stay, unless the field is
    /// `exact`.
    References(&'static str),
    /// A set of texts.
    Texts,
    /// A set of named texts, each an array of name and value. A name may come more than once.
    Pairs,
    /// Data of any shape.
    Json,
}

/// What may happen to a record of the target when a complete read of the source no longer has it.
///
/// There is no default: a model without a class does not compile. Every class still needs the evidence and the guards
/// that the engine demands of any delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionClass {
    /// Part of one other record (an interface of a device): may be deleted when absent.
    Part,
    /// Stands alone and carries others (a device, a site): may be deleted when absent, after a person approved.
    Standalone,
    /// Shared by many (a manufacturer, a VLAN, a prefix): never deleted because a source stopped mentioning it.
    Shared,
    /// Comes and goes with time and carries nothing (a maintenance window): what is over is absent, so that absence is no loss. May be
    /// deleted as soon as it is absent, without a wait and whatever share it is.
    Passing,
}

impl ModelSchema {
    /// The position of a field by name.
    pub fn position(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|candidate| candidate.name == field)
    }

    /// A field by name.
    pub fn field(&self, field: &str) -> Option<&'static FieldSchema> {
        self.fields.iter().find(|candidate| candidate.name == field)
    }

    /// The fields of the key, in key order.
    pub fn key_fields(&self) -> impl Iterator<Item = &'static FieldSchema> {
        self.fields.iter().filter(|field| field.key)
    }

    /// The positions of the key's fields.
    pub fn key_set(&self) -> FieldSet {
        self.fields.iter().enumerate().filter(|(_, field)| field.key).map(|(position, _)| position).collect()
    }

    /// The positions of the fields that are written in the second pass.
    pub fn deferred_set(&self) -> FieldSet {
        self.fields.iter().enumerate().filter(|(_, field)| field.deferred).map(|(position, _)| position).collect()
    }

    /// The names of the models that this one refers to, with the referring field.
    pub fn references(&self) -> impl Iterator<Item = (&'static FieldSchema, &'static str)> {
        self.fields.iter().filter_map(|field| field.kind.referenced_model().map(|model| (field, model)))
    }
}

impl FieldKind {
    /// The model that values of this kind refer to.
    pub fn referenced_model(self) -> Option<&'static str> {
        match self {
            Self::Reference(model) | Self::References(model) => Some(model),
            Self::Text | Self::Integer | Self::Boolean | Self::Choice(_) | Self::Texts | Self::Pairs | Self::Json => {
                None
            }
        }
    }
}

impl PartialEq for ModelSchema {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ModelSchema {}
