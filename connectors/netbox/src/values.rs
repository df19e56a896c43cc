//! Values as NetBox spells them, in GraphQL and in REST.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// An id: a number in REST, a text in GraphQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub u64);

/// A reference: an object with at least its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Ref {
    pub id: Id,
}

/// A choice: the value in GraphQL, value and label in REST. Unset is null or the empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice(Option<Box<str>>);

/// A decimal number: a text in GraphQL, a number in REST. In its shortest form: `2`, `0.5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal(pub Box<str>);

/// What an address is assigned to, or a prefix belongs to: one object of several kinds.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Generic {
    #[serde(rename = "__typename")]
    typename: Option<Box<str>>,
    id: Option<Id>,
}

/// What a generic relation leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Relation {
    /// To nothing.
    None,
    /// To a record of the expected kind.
    To(u64),
    /// To another kind, which no model of ours expresses.
    Foreign(Box<str>),
}

impl Choice {
    /// The value; none when it is unset.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|value| !value.is_empty())
    }
}

impl Relation {
    /// Reads a generic relation: GraphQL names the type of the object, REST has columns for type and id.
    pub fn of(object: Option<&Generic>, kind: Option<&str>, id: Option<Id>, typename: &str, object_type: &str) -> Self {
        match (kind, id) {
            (Some(kind), Some(Id(id))) if kind == object_type => return Self::To(id),
            (Some(kind), _) => return Self::Foreign(kind.into()),
            _ => {}
        }
        match object {
            Some(Generic { typename: Some(name), id: Some(Id(id)) }) if **name == *typename => Self::To(*id),
            Some(Generic { typename: Some(name), .. }) => Self::Foreign(name.trim_end_matches("Type").into()),
            _ => Self::None,
        }
    }

    /// The interface that something is assigned to.
    pub fn assigned(object: Option<&Generic>, kind: Option<&str>, id: Option<Id>) -> Self {
        Self::of(object, kind, id, "InterfaceType", "dcim.interface")
    }

    /// The site that a prefix belongs to.
    pub fn scope(object: Option<&Generic>, kind: Option<&str>, id: Option<Id>) -> Self {
        Self::of(object, kind, id, "SiteType", "dcim.site")
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Id, E> {
                Ok(Id(id))
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<Id, E> {
                id.parse().map(Id).map_err(|_| E::custom(format_args!("`{id}` is not an id")))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
        if !is_number {
            return Err(D::Error::custom(format_args!("`{text}` is not a number")));
        }
        let shortest = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        Ok(Self(shortest.into()))
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoiceVisitor;
        impl<'de> Visitor<'de> for ChoiceVisitor {
            type Value = Choice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a choice")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Choice, E> {
                Ok(Choice(None))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Choice, E> {
                Ok(Choice(Some(value.into())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Choice, A::Error> {
                let mut value = None;
                while let Some(key) = map.next_key::<Box<str>>()? {
                    if &*key == "value" {
                        value = Some(map.next_value::<Choice>()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                value.ok_or_else(|| A::Error::missing_field("value"))
            }
        }
        deserializer.deserialize_any(ChoiceVisitor)
    }
}
