//! Which record of the target has which id.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Ids by model and key: how a reference becomes something that the target understands.
///
/// A first load binds every interface it creates, so an entry is small: 16 bytes of hash and the id. Two keys of one model
/// collide with a probability below 10⁻²⁵ at a million records.
#[derive(Debug, Default)]
pub struct Bindings {
    ids: HashMap<u128, Id, BuildHasherDefault<Prehashed>>,
}

/// An id as systems have them: mostly numbers.
#[derive(Debug, Clone)]
enum Id {
    Number(u64),
    Text(Box<str>),
}

impl Bindings {
    /// No binding.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds a record to an id.
    pub fn bind(&mut self, model: &str, key: &str, id: &str) {
        let number = id.parse().ok().filter(|number: &u64| number.to_string() == id);
        let id = number.map_or_else(|| Id::Text(id.into()), Id::Number);
        self.ids.insert(hash(model, key), id);
    }

    /// Forgets a record that was deleted.
    pub fn release(&mut self, model: &str, key: &str) {
        self.ids.remove(&hash(model, key));
    }

    /// The id of a record; none when the target does not have it.
    pub fn id(&self, model: &str, key: &str) -> Option<String> {
        self.ids.get(&hash(model, key)).map(|id| match id {
            Id::Number(number) => number.to_string(),
            Id::Text(text) => text.to_string(),
        })
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
        for id in ["12", "012", "9f1c", "18446744073709551616"] {
            bindings.bind("site", "[\"a\"]", id);
            assert_eq!(bindings.id("site", "[\"a\"]").as_deref(), Some(id));
        }
        assert!(!bindings.has("vrf", "[\"a\"]"));
        bindings.release("site", "[\"a\"]");
        assert!(bindings.is_empty());
    }
}
