//! How long a sync window stays open.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How long a window stays open, in minutes that pass, whatever the clock shows: written as a number of minutes, or as
/// `8h30m` with `d` for days of 24 hours, `h` and `m`. From a minute to 366 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "String")]
pub struct WindowLength(u32);

/// The two ways to write it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected minutes as a number, or a text such as `8h30m`")]
enum Written {
    Minutes(u64),
    Text(String),
}

/// The units, the largest first, with their minutes.
const UNITS: [(char, u64); 3] = [('d', 24 * 60), ('h', 60), ('m', 1)];

/// A window that is open for longer is no window.
const LONGEST: u64 = 366 * 24 * 60;

impl WindowLength {
    /// A length of so many minutes.
    pub fn from_minutes(minutes: u64) -> Result<Self, String> {
        match u32::try_from(minutes) {
            Ok(fits) if (1..=LONGEST).contains(&minutes) => Ok(Self(fits)),
            _ => Err("a window stays open for a minute at least and 366 days at most".to_owned()),
        }
    }

    /// The time from its opening to its end.
    pub fn duration(self) -> TimeDelta {
        TimeDelta::minutes(self.0.into())
    }
}

/// The minutes of a text like `1d8h30m`: each unit at most once, the larger before the smaller.
fn read(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut minutes = 0_u64;
    for (unit, of_unit) in UNITS {
        if let Some((number, after)) = rest.split_once(unit) {
            minutes = number.parse::<u64>().ok()?.checked_mul(of_unit)?.checked_add(minutes)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(minutes)
}

impl FromStr for WindowLength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no_length = || format!("`{text}` is no length; write minutes, or days, hours and minutes such as `8h30m`");
        Self::from_minutes(read(text).ok_or_else(no_length)?)
    }
}

impl TryFrom<Written> for WindowLength {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Minutes(minutes) => Self::from_minutes(minutes),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<WindowLength> for String {
    fn from(length: WindowLength) -> Self {
        length.to_string()
    }
}

impl fmt::Display for WindowLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::from(self.0);
        for (unit, of_unit) in UNITS {
            if rest >= of_unit {
                write!(f, "{}{unit}", rest / of_unit)?;
                rest %= of_unit;
            }
        }
        Ok(())
    }
}

impl JsonSchema for WindowLength {
    fn schema_name() -> Cow<'static, str> {
        "WindowLength".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": LONGEST}, {"type": "string"}],
            "examples": ["8h30m", 90],
        })
    }
}
