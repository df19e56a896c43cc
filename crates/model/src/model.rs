//! The trait behind `#[derive(Model)]`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    Canonical, FieldKind, IpHost, IpPrefix, Key, MacAddress, ModelSchema, Pair, ParseError, Slug, Text, VlanId,
    from_json,
};

/// A kind of record. Implemented by `#[derive(Model)]`.
///
/// ```
/// use syncline_model::{Model, Slug, Text};
///
/// /// A room for racks.
/// #[derive(Model)]
/// #[model(label = "Room", plural = "Rooms", deletion = Shared)]
/// struct Room {
///     /// Short name.
///     #[model(key)]
///     slug: Slug,
///     /// What the doors say.
///     #[model(preserve)]
///     sign: Option<Text>,
/// }
///
/// let room = Room { slug: "r1".parse().unwrap(), sign: None };
/// assert_eq!(room.key().as_str(), r#"["r1"]"#);
/// ```
///
/// A model that does not say what may happen to an absent record is not a model:
///
/// ```compile_fail
/// use syncline_model::{Model, Slug};
///
/// /// A room for racks.
/// #[derive(Model)]
/// #[model(label = "Room", plural = "Rooms")]
/// struct Room {
///     /// Short name.
///     #[model(key)]
///     slug: Slug,
/// }
/// ```
///
/// Nor is one without a key:
///
/// ```compile_fail
/// use syncline_model::{Model, Slug};
///
/// /// A room for racks.
/// #[derive(Model)]
/// #[model(label = "Room", plural = "Rooms", deletion = Shared)]
/// struct Room {
///     /// Short name.
///     slug: Slug,
/// }
/// ```
pub trait Model: Send + Sync + Sized + 'static {
    /// The model's name, as in [`ModelSchema::name`]; apart from the schema so that two models can refer to each other.
    const NAME: &'static str;

    /// The model's description.
    const SCHEMA: &'static ModelSchema;

    /// The record's natural key.
    fn key(&self) -> Key<Self>;

    /// Appends the canonical JSON array of the key.
    fn write_key(&self, out: &mut Vec<u8>);

    /// Appends the canonical JSON object of the given fields. A `preserve` field that is null is left out: null says
    /// nothing there, and leaving it out on both sides keeps equal records equal bytes.
    fn write_fields(&self, fields: FieldSet, out: &mut Vec<u8>);

    /// The fields that have a value: null and an empty set are none.
    fn filled(&self) -> FieldSet;
}

/// A type that a field of a model may have.
pub trait FieldType: Canonical + Sized {
    /// What the value is.
    const KIND: FieldKind;
    /// Whether it may be null.
    const NULLABLE: bool = false;

    /// The value that JSON says, normalised as every value of the type is.
    fn from_json(value: &Value) -> Result<Self, ParseError>;
}

macro_rules! field_types {
    ($kind:expr, $read:expr => $($name:ty),*) => {$(
        impl FieldType for $name {
            const KIND: FieldKind = $kind;

            fn from_json(value: &Value) -> Result<Self, ParseError> {
                $read(value)
            }
        }
    )*};
}
field_types!(FieldKind::Text, |value| from_json::parsed(value, "a text") => Text, Slug);
field_types!(FieldKind::Text, |value| from_json::parsed(value, "an address, as a text") => MacAddress, IpHost, IpPrefix);
field_types!(FieldKind::Integer, from_json::integer => u8, u16, u32, u64);
field_types!(FieldKind::Integer, |value| from_json::integer(value).and_then(VlanId::new) => VlanId);
field_types!(FieldKind::Boolean, from_json::boolean => bool);
field_types!(FieldKind::Texts, |value| from_json::elements(value, Text::from_json) => BTreeSet<Text>);
field_types!(FieldKind::Pairs, from_json::pairs => BTreeSet<Pair>);

impl<M: Model> FieldType for Key<M> {
    const KIND: FieldKind = FieldKind::Reference(M::NAME);

    fn from_json(value: &Value) -> Result<Self, ParseError> {
        Self::read(value)
    }
}

impl<M: Model> FieldType for BTreeSet<Key<M>> {
    const KIND: FieldKind = FieldKind::References(M::NAME);

    fn from_json(value: &Value) -> Result<Self, ParseError> {
        from_json::elements(value, Key::read)
    }
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: FieldKind = T::KIND;
    const NULLABLE: bool = true;

    fn from_json(value: &Value) -> Result<Self, ParseError> {
        let value = (!from_json::is_nothing(value)).then(|| T::from_json(value)).transpose()?;
        Ok(value.filter(|value| !value.is_null()))
    }
}

/// A set of fields of one model, by position. A model has at most 64 fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct FieldSet(u64);

impl FieldSet {
    /// No field.
    pub const EMPTY: Self = Self(0);
    /// Every field.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether the field at a position belongs to the set.
    pub const fn contains(self, position: usize) -> bool {
        position < 64 && self.0 & (1 << position) != 0
    }

    /// The set with one more field.
    pub const fn with(self, position: usize) -> Self {
        Self(if position < 64 { self.0 | (1 << position) } else { self.0 })
    }

    /// The fields that both sets have.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The fields that either set has.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The fields of this set that the other lacks.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether no field belongs to it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The positions of its fields, in their order.
    pub fn positions(self) -> impl Iterator<Item = usize> {
        let rest = |set: u64| (set != 0).then_some(set);
        // Clears the lowest bit, time after time.
        let sets = std::iter::successors(rest(self.0), move |set| rest(set & (set - 1)));
        sets.map(|set| set.trailing_zeros() as usize)
    }
}

impl FromIterator<usize> for FieldSet {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> Self {
        positions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_tells_its_positions_in_order() {
        let positions = |set: FieldSet| set.positions().collect::<Vec<_>>();
        assert_eq!(positions(FieldSet::EMPTY), [0_usize; 0]);
        assert_eq!(positions([63, 5, 0].into_iter().collect()), [0, 5, 63]);
        assert_eq!(positions(FieldSet::ALL).len(), 64);
    }
}
