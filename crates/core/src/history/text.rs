//! How values are stored: enumerations as their names, times as microseconds, counts as signed numbers.

use chrono::{DateTime, Utc};
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::event::{Level, Phase};
use crate::models::ModelMode;
use crate::{Error, ErrorKind, Result};

/// Reads the name of a value of an enumeration.
pub(super) fn parse<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T> {
    let deserializer: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|_| foreign(column, text))
}

/// Reads JSON.
pub(super) fn parse_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|cause| foreign(column, text).caused_by(cause))
}

/// Writes JSON.
pub(super) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|cause| Error::new(ErrorKind::Internal, "a value for the history is no JSON").caused_by(cause))
}

/// The error for a value that this program never writes.
pub(super) fn foreign(column: &'static str, text: &str) -> Error {
    let start: String = text.chars().take(40).collect();
    Error::new(ErrorKind::Storage, format!("the history holds `{start}` as `{column}`, which Syncline does not write"))
}

/// A time as it is stored: microseconds since 1970, the finest that every database keeps.
pub(super) fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// A time as it was stored.
pub(super) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// The current time, in microseconds.
pub(super) fn now() -> i64 {
    micros(Utc::now())
}

/// A count as it is stored.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as it was stored.
pub(super) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

/// The name of a mode.
pub(super) fn mode_name(mode: ModelMode) -> &'static str {
    match mode {
        ModelMode::Sync => "sync",
        ModelMode::Lookup => "lookup",
        ModelMode::Off => "off",
    }
}

/// The name of a level.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// The level of a name.
pub(super) fn level(text: &str) -> Result<Level> {
    let levels = [Level::Info, Level::Warning, Level::Error];
    levels.into_iter().find(|level| level_name(*level) == text).ok_or_else(|| foreign("level", text))
}

/// The phase of a name.
pub(super) fn phase(text: &str) -> Result<Phase> {
    let phases = [Phase::Prepare, Phase::LoadSource, Phase::LoadTarget, Phase::CalculateDiff, Phase::ExecuteSync];
    phases.into_iter().find(|phase| phase.as_str() == text).ok_or_else(|| foreign("phase", text))
}
