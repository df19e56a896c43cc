//! What Syncline last applied to a record, field by field: so that a difference can be told from its cause.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::FieldChange;

/// Bytes of an entry: 4 of the field's name, 8 of its value.
const ENTRY: usize = 12;

/// The values that Syncline last applied to a record, as hashes: 12 bytes a field.
///
/// Enough to ask whether a value is still the one that was applied, and nothing more. Two names of one model collide with a
/// probability below 10⁻⁷, two values with one below 10⁻¹⁸.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppliedValues {
    /// Entries in the order of their names' hashes.
    packed: Vec<u8>,
}

/// Why a field of source and target differs, as far as what Syncline last applied tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Syncline never wrote the field, or has forgotten it.
    #[default]
    Unknown,
    /// The target still has what was applied: the source says something else since.
    SourceChanged,
    /// The source still says what was applied: somebody changed the target.
    TargetDrifted,
    /// Neither is what was applied.
    Both,
}

impl Cause {
    /// The name in plans, history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::SourceChanged => "source_changed",
            Self::TargetDrifted => "target_drifted",
            Self::Both => "both",
        }
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

impl AppliedValues {
    /// The values that fields get.
    pub fn of<'f>(fields: impl IntoIterator<Item = &'f FieldChange>) -> Self {
        let mut entries: Vec<[u8; ENTRY]> = fields.into_iter().map(|field| entry(&field.name, &field.after)).collect();
        entries.sort_unstable();
        entries.dedup_by_key(|entry| name_of(entry));
        Self { packed: entries.concat() }
    }

    /// Values as they were stored; none when they are cut short.
    pub fn from_bytes(packed: Vec<u8>) -> Option<Self> {
        packed.len().is_multiple_of(ENTRY).then_some(Self { packed })
    }

    /// Values as they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.packed
    }

    /// Whether nothing was applied.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// These values, with newer ones in their place.
    #[must_use]
    pub fn with(&self, newer: &Self) -> Self {
        let kept = self.entries().filter(|entry| !newer.entries().any(|other| other[..4] == entry[..4]));
        Self::sorted(kept.chain(newer.entries()))
    }

    /// These values, without those of some fields.
    #[must_use]
    pub fn without<'f>(&self, fields: impl IntoIterator<Item = &'f str>) -> Self {
        let names: Vec<_> = fields.into_iter().map(name_hash).collect();
        Self::sorted(self.entries().filter(|entry| !names.iter().any(|name| entry[..4] == name[..])))
    }

    /// Whether the value of a field is the one that was applied; none when the field was never written.
    pub fn is(&self, field: &str, value: &Value) -> Option<bool> {
        let wanted = entry(field, value);
        let found = self.entries().find(|entry| entry[..4] == wanted[..4])?;
        Some(found == wanted)
    }

    /// Why source and target differ in a field.
    pub fn cause(&self, field: &str, source: &Value, target: &Value) -> Cause {
        match (self.is(field, source), self.is(field, target)) {
            (_, Some(true)) => Cause::SourceChanged,
            (Some(true), _) => Cause::TargetDrifted,
            (Some(false), Some(false)) => Cause::Both,
            (None, _) | (_, None) => Cause::Unknown,
        }
    }

    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.packed.chunks_exact(ENTRY)
    }

    fn sorted<'e>(entries: impl Iterator<Item = &'e [u8]>) -> Self {
        let mut entries: Vec<_> = entries.collect();
        entries.sort_unstable();
        Self { packed: entries.concat() }
    }
}

fn name_of(entry: &[u8; ENTRY]) -> [u8; 4] {
    [entry[0], entry[1], entry[2], entry[3]]
}

fn name_hash(field: &str) -> [u8; 4] {
    let hash = blake3::hash(field.as_bytes());
    let bytes = hash.as_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

/// The name and the canonical text of the value, which every side writes alike.
fn entry(field: &str, value: &Value) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..4].copy_from_slice(&name_hash(field));
    entry[4..].copy_from_slice(&blake3::hash(value.to_string().as_bytes()).as_bytes()[..8]);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fields(values: &[(&str, Value)]) -> Vec<FieldChange> {
        values.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone())).collect()
    }

    /// Every way in which three values can be equal or not. Equal source and target make no change, and are not asked.
    #[test]
    fn the_cause_follows_from_three_values() {
        let applied = AppliedValues::of(&fields(&[("serial", json!("A"))]));
        let cause = |source: &str, target: &str| applied.cause("serial", &json!(source), &json!(target));
        assert_eq!(cause("B", "A"), Cause::SourceChanged);
        assert_eq!(cause("A", "B"), Cause::TargetDrifted);
        assert_eq!(cause("B", "C"), Cause::Both);
        assert_eq!(applied.cause("serial", &json!("B"), &Value::Null), Cause::Both);
        assert_eq!(applied.cause("serial", &Value::Null, &json!("A")), Cause::SourceChanged);
        assert_eq!(applied.cause("name", &json!("B"), &json!("A")), Cause::Unknown);
        assert_eq!(AppliedValues::default().cause("serial", &json!("B"), &json!("A")), Cause::Unknown);
        let cleared = AppliedValues::of(&fields(&[("serial", Value::Null)]));
        assert_eq!(cleared.cause("serial", &json!("B"), &Value::Null), Cause::SourceChanged);
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        let packed = AppliedValues::of(&fields(&[("a", json!(1)), ("b", json!([["x"], 2]))])).as_bytes().to_vec();
        assert_eq!(packed.len(), 2 * ENTRY);
        assert!(AppliedValues::from_bytes(packed[1..].to_vec()).is_none());
        let again = AppliedValues::from_bytes(packed).unwrap();
        assert_eq!((again.is("b", &json!([["x"], 2])), again.is("b", &json!(2))), (Some(true), Some(false)));
    }

    proptest! {
        /// Writing values one after the other leaves what a table of the last value of each field would.
        #[test]
        fn later_values_replace_earlier_ones(
            writes in proptest::collection::vec(proptest::collection::vec((0..6_u8, 0..3_u8), 0..6), 0..5),
            forgotten in 0..6_u8,
        ) {
            let mut table = std::collections::BTreeMap::new();
            let mut applied = AppliedValues::default();
            for write in writes {
                let write: std::collections::BTreeMap<u8, u8> = write.into_iter().collect();
                let fields: Vec<_> = write.iter().map(|(name, value)| {
                    FieldChange::new(&format!("f{name}"), Value::Null, json!(value))
                }).collect();
                applied = applied.with(&AppliedValues::of(&fields));
                table.extend(write);
            }
            let name = format!("f{forgotten}");
            let less = applied.without([name.as_str()]);
            for field in 0..6_u8 {
                for value in 0..3_u8 {
                    let known = table.get(&field).map(|last| *last == value);
                    prop_assert_eq!(applied.is(&format!("f{field}"), &json!(value)), known);
                    let expected = if field == forgotten { None } else { known };
                    prop_assert_eq!(less.is(&format!("f{field}"), &json!(value)), expected);
                }
            }
        }
    }
}
