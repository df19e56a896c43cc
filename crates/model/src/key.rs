//! Natural keys.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use crate::{Canonical, Model, ParseError};

/// The natural key of a record of any model: the canonical JSON array of its key fields.
///
/// Null is a value in it: `["10.0.0.0/8",null]` is a prefix in the global table. A reference inside a key is the key of
/// what it refers to: `[["atlanta-dc1","atl-core-1"],"Ethernet1/1"]` is an interface.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyKey(Box<str>);

impl AnyKey {
    /// Takes a key from its text.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new(text, "a key: a JSON array such as `[\"atlanta-dc1\"]`");
        let value: serde_json::Value = serde_json::from_str(text).map_err(|_| error())?;
        Self::from_value(&value).ok_or_else(error)
    }

    /// Takes a key from JSON; `None` when it is not a JSON array.
    pub fn from_value(value: &serde_json::Value) -> Option<Self> {
        value.is_array().then(|| Self(value.to_string().into()))
    }

    /// Takes text that is known to be canonical: written by [`Model::key`] or read from a snapshot.
    pub fn from_canonical(text: &str) -> Self {
        Self(text.into())
    }

    /// The canonical JSON array.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as a JSON array.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or(serde_json::Value::Null)
    }

    /// The parts, references nested, for code that tells them apart.
    pub fn parts(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// For people: the parts joined by ` / `, nested keys in line, null as `-`: `atlanta-dc1 / atl-core-1 / Ethernet1/1`.
impl fmt::Display for AnyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn show(value: &serde_json::Value, first: &mut bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if let serde_json::Value::Array(parts) = value {
                return parts.iter().try_for_each(|part| show(part, first, f));
            }
            if !std::mem::take(first) {
                f.write_str(" / ")?;
            }
            match value {
                serde_json::Value::Null => f.write_str("-"),
                serde_json::Value::String(text) => f.write_str(text),
                other => write!(f, "{other}"),
            }
        }
        show(&self.to_value(), &mut true, f)
    }
}

impl fmt::Debug for AnyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for AnyKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for AnyKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Self::from_value(&value).ok_or_else(|| serde::de::Error::custom("a key is a JSON array"))
    }
}

/// The key of a record of the model `M`. As a field of another model it is a reference.
///
/// Made by the `key_of` function that `#[derive(Model)]` adds to every model, from exactly the fields of its key.
pub struct Key<M: Model> {
    text: Box<str>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Key<M> {
    /// Takes the canonical JSON array that `#[derive(Model)]` has written.
    #[doc(hidden)]
    pub fn from_canonical_bytes(bytes: &[u8]) -> Self {
        Self { text: String::from_utf8_lossy(bytes).into(), model: PhantomData }
    }

    /// The canonical JSON array.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key without its model.
    pub fn to_any(&self) -> AnyKey {
        AnyKey(self.text.clone())
    }
}

impl<M: Model> Clone for Key<M> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), model: PhantomData }
    }
}

impl<M: Model> PartialEq for Key<M> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<M: Model> Eq for Key<M> {}

impl<M: Model> PartialOrd for Key<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M: Model> Ord for Key<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<M: Model> Hash for Key<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<M: Model> fmt::Debug for Key<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", M::SCHEMA.name, self.text)
    }
}

impl<M: Model> fmt::Display for Key<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_any(), f)
    }
}

impl<M: Model> Canonical for Key<M> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text.as_bytes());
    }
}
