//! What an object holds: ids, values of fields, and the object itself.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use super::address::Net;

/// A UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(pub [u8; 16]);

impl Id {
    /// A random-looking id (version 4) for a number; another one for another number.
    pub fn numbered(number: u64) -> Self {
        let mix = |seed: u64| {
            let mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&mix(number).to_be_bytes());
        bytes[8..].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        bytes[6] = 0x40 | (bytes[6] & 0x0F);
        bytes[8] = 0x80 | (bytes[8] & 0x3F);
        Self(bytes)
    }

    /// Reads a UUID as Python does: dashes, braces and `urn:uuid:` do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.replace("urn:", "").replace("uuid:", "");
        let digits: Vec<u8> = text.trim_matches(['{', '}']).bytes().filter(|byte| *byte != b'-').collect();
        if digits.len() != 32 {
            return None;
        }
        let mut bytes = [0; 16];
        for (at, pair) in digits.chunks(2).enumerate() {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            bytes[at] = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Content of one field. Small, as there are many of them.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Text(Box<str>),
    Ref(Id),
    Refs(Box<[Id]>),
    /// Names from a fixed list, such as content types.
    Names(Box<[&'static str]>),
    /// A network, or an address with its mask.
    Net(Net),
}

impl Value {
    /// The text; blank where there is none.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The object referred to.
    pub fn target(&self) -> Option<Id> {
        match self {
            Self::Ref(id) => Some(*id),
            _ => None,
        }
    }

    /// The objects of a list of references.
    pub fn targets(&self) -> &[Id] {
        match self {
            Self::Refs(ids) => ids,
            _ => &[],
        }
    }

    /// The names of a list of names.
    pub fn names(&self) -> &[&'static str] {
        match self {
            Self::Names(names) => names,
            _ => &[],
        }
    }

    /// The number.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The network or address.
    pub fn net(&self) -> Option<Net> {
        match self {
            Self::Net(net) => Some(*net),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Option<Id>> for Value {
    fn from(id: Option<Id>) -> Self {
        id.map_or(Self::Null, Self::Ref)
    }
}

/// One object. Times are microseconds since 1970, as the database keeps them.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub id: Id,
    pub created: i64,
    pub updated: i64,
    /// One entry a field of the kind's table.
    pub values: Box<[Value]>,
}

/// Microseconds as text: `…19.886663Z` for REST, `…19.886663+00:00` for GraphQL.
pub(super) fn time_text(micros: i64, rest: bool) -> String {
    let time = DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    let format = if micros % 1_000_000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    time.to_rfc3339_opts(format, rest)
}

/// Reads a time as filters take it.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim().replace(' ', "T");
    let with_zone = DateTime::parse_from_rfc3339(&text).map(|time| time.timestamp_micros());
    let bare =
        || chrono::NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(|t| t.and_utc().timestamp_micros());
    let day = || {
        chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d")
            .map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros())
    };
    with_zone.ok().or_else(|| bare().ok()).or_else(|| day().ok())
}
