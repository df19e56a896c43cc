//! Which record of the target has which id.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde_json::Value;
use syncline_model::AnyKey;
use uuid::Uuid;

/// Ids by model and key: how a reference becomes something that the target understands.
///
/// A first load binds every interface it creates, so an entry is small: 16 bytes of hash and the id. Two keys of one model
/// collide with a probability below 10⁻²⁵ at a million records.
#[derive(Debug, Default)]
pub struct Bindings {
    ids: HashMap<u128, Id, BuildHasherDefault<Prehashed>>,
}

/// An id as systems have them: mostly numbers, or UUIDs.
#[derive(Debug, Clone)]
enum Id {
    Number(u64),
    /// The bytes, as a number of 128 bits would have to be aligned and take more room.
    Uuid([u8; 16]),
    Text(Box<str>),
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        if let Some(number) = id.parse().ok().filter(|number: &u64| number.to_string() == id) {
            return Self::Number(number);
        }
        match Uuid::try_parse(id).ok().filter(|uuid| uuid.hyphenated().to_string() == id) {
            Some(uuid) => Self::Uuid(uuid.into_bytes()),
            None => Self::Text(id.into()),
        }
    }
}

impl Bindings {
    /// No binding.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds a record to an id.
    pub fn bind(&mut self, model: &str, key: &str, id: &str) {
        self.ids.insert(hash(model, key), id.into());
    }

    /// Forgets a record that was deleted.
    pub fn release(&mut self, model: &str, key: &str) {
        self.ids.remove(&hash(model, key));
    }

    /// The id of a record; none when the target does not have it.
    pub fn id(&self, model: &str, key: &str) -> Option<String> {
        self.ids.get(&hash(model, key)).map(|id| match id {
            Id::Number(number) => number.to_string(),
            Id::Uuid(bytes) => Uuid::from_bytes(*bytes).hyphenated().to_string(),
            Id::Text(text) => text.to_string(),
        })
    }

    /// The id of what a field refers to, whose value is a key; none for null. What the target does not have is an error for people.
    pub fn referred(&self, model: &str, key: &Value) -> Result<Option<String>, String> {
        if key.is_null() {
            return Ok(None);
        }
        let missing = || {
            let label = syncline_model::models::by_name(model).map_or(model, |schema| schema.label);
            let shown = AnyKey::from_value(key).map_or_else(|| key.to_string(), |key| key.to_string());
            format!("refers to the {label} `{shown}`, which the target does not have")
        };
        self.id(model, &key.to_string()).map(Some).ok_or_else(missing)
    }

    /// Whether the target has the record.
    pub fn has(&self, model: &str, key: &str) -> bool {
        self.ids.contains_key(&hash(model, key))
    }

    /// Number of bound records.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether nothing is bound.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// 128 bits of BLAKE3 over model and key.
pub(crate) fn hash(model: &str, key: &str) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.as_bytes());
    hasher.update(&[0]);
    hasher.update(key.as_bytes());
    let mut half = [0_u8; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(half)
}

/// Takes the low half of a hash as it is.
#[derive(Debug, Default)]
pub(crate) struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0_u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is wanted")]
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were_given() {
        let mut bindings = Bindings::new();
        let uuid = "a50f0e6b-674c-415c-ac20-282631316026";
        for id in ["12", "012", "9f1c", "18446744073709551616", uuid, &uuid.to_uppercase(), &uuid.replace('-', "")] {
            bindings.bind("site", "[\"a\"]", id);
            assert_eq!(bindings.id("site", "[\"a\"]").as_deref(), Some(id));
        }
        assert!(!bindings.has("vrf", "[\"a\"]"));
        bindings.release("site", "[\"a\"]");
        assert!(bindings.is_empty());
    }
}
