//! Cron expressions and the time zones that they are read in.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::parser::{CronParser, Seconds, Year};
use croner::{YEAR_LOWER_LIMIT, YEAR_UPPER_LIMIT};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A cron expression of five fields: minute, hour, day of month, month, day of week.
///
/// Ticks follow the wall clock of a [`Zone`]. What a change of the clock does to them depends on the expression:
///
/// - One that names a single minute and a single hour (`30 2 * * *`) ticks once on every day that it names: where the
///   clock skips that time, at the end of the gap; where the clock shows it twice, the first time.
/// - Any other (`*/15 * * * *`, `0 2,14 * * *`) ticks whenever the clock shows what it names: never in a gap, and both
///   times when an hour comes twice.
///
/// When both days are named, one of them suffices, as in every cron; `+` before the day of week asks for both.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    pattern: croner::Cron,
}

/// A time zone of the IANA database, such as `Europe/Berlin`; UTC by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

/// The fields of an expression: what each is, what it may hold, and which letters may stand in it.
const FIELDS: [(&str, &str, &str); 5] = [
    ("minute", "a number from 0 to 59", ""),
    ("hour", "a number from 0 to 23", ""),
    ("day of month", "a number from 1 to 31, `L` for the last", "l w lw"),
    ("month", "a number from 1 to 12, a name such as `jan`", "jan feb mar apr may jun jul aug sep oct nov dec"),
    ("day of week", "a number from 0 to 7 (0 and 7 are Sunday), a name such as `mon`", "sun mon tue wed thu fri sat l"),
];

impl Cron {
    /// The first tick after a moment; none when the expression never ticks again.
    pub fn next_after(&self, zone: Zone, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let tick = self.pattern.find_next_occurrence(&zone.local(after)?, false).ok()?;
        Some(tick.with_timezone(&Utc))
    }

    /// The last tick up to a moment and including it; none when there was none before.
    pub fn last_until(&self, zone: Zone, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let tick = self.pattern.find_previous_occurrence(&zone.local(until.trunc_subsecs(0))?, true).ok()?;
        Some(tick.with_timezone(&Utc))
    }
}

impl Zone {
    /// A moment on the zone's clocks; none in years without a calendar, where the local time can be out of range.
    fn local(self, time: DateTime<Utc>) -> Option<DateTime<Tz>> {
        (YEAR_LOWER_LIMIT..YEAR_UPPER_LIMIT).contains(&time.year()).then(|| time.with_timezone(&self.0))
    }
}

fn read(text: &str) -> Option<croner::Cron> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).ok()
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<_> = text.split_whitespace().collect();
        let text = fields.join(" ");
        if fields.len() != FIELDS.len() {
            return Err(format!(
                "`{text}` is no cron expression: it has {} instead of 5 fields; write minute, hour, day of month, month \
                 and day of week, such as `0 3 * * *` for every night at three",
                fields.len(),
            ));
        }
        for (at, (field, (name, values, letters))) in fields.iter().zip(FIELDS).enumerate() {
            let mut alone = ["*"; FIELDS.len()];
            alone[at] = field;
            // The parser takes a name in any field: `0 3 mon * *` would be the first of the month.
            let mut words = field.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
            let is_foreign = |word: &str| !letters.split(' ').any(|known| known.eq_ignore_ascii_case(word));
            if words.any(is_foreign) || read(&alone.join(" ")).is_none() {
                return Err(format!(
                    "`{text}` is no cron expression: it has `{field}` as {name}; write {values}, a range `a-b`, a list \
                     `a,b`, a step `*/n`, or `*` for every one",
                ));
            }
        }
        let pattern =
            read(&text).ok_or_else(|| format!("`{text}` is no cron expression; such as `0 3 * * *` is one"))?;
        let cron = Self { text, pattern };
        // A time zone has no part in whether a day exists, and from 1970 on every date comes by.
        if cron.next_after(Zone::default(), DateTime::UNIX_EPOCH).is_none() {
            return Err(format!("`{cron}` never ticks: no month that it names has such a day; name another day"));
        }
        Ok(cron)
    }
}

impl TryFrom<String> for Cron {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({})", self.text)
    }
}

impl JsonSchema for Cron {
    fn schema_name() -> Cow<'static, str> {
        "Cron".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "cron", "examples": ["0 3 * * *", "*/15 8-17 * * mon-fri"]})
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Ok(zone) = name.parse() {
            return Ok(Self(zone));
        }
        // `berlin` and `europe/berlin` are close enough to know what was meant.
        let city = |zone: &'static str| zone.rsplit('/').next().unwrap_or(zone);
        let wanted = name.trim().replace(' ', "_");
        let meant = TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .find(|zone| zone.eq_ignore_ascii_case(&wanted) || city(zone).eq_ignore_ascii_case(&wanted));
        Err(match meant {
            Some(zone) => format!("there is no time zone `{name}`; did you mean `{zone}`?"),
            None => format!("there is no time zone `{name}`; write a name such as `Europe/Berlin` or `UTC`"),
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "time-zone", "examples": ["Europe/Berlin", "UTC"]})
    }
}
