//! What only the system knows of a record.

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The handle of a record in its system; it travels beside the compared part and is never compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Native {
    /// The system's own id.
    pub id: Box<str>,
    /// What changes whenever the object does: a time stamp or an entity tag. The precondition of a write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
}

impl Native {
    /// A handle by id.
    pub fn new(id: impl ToString) -> Self {
        Self { id: id.to_string().into(), version: None }
    }

    /// The handle of an object as an interface tells it: its member `id`, and, where there is such a thing, the member that changes
    /// whenever the object does. Texts are taken without their quotes; a version that the object does not have is none.
    ///
    /// ```
    /// # use syncline_core::native::Native;
    /// let object = serde_json::json!({"uid": "L-1", "rev": 7});
    /// assert_eq!(Native::of(&object, "uid", Some("rev")), Native::new("L-1").at_version("7"));
    /// ```
    pub fn of(object: &Value, id: &str, version: Option<&str>) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).into();
        let version = version.and_then(|member| object.get(member)).filter(|version| !version.is_null());
        Self { id: text(&object[id]), version: version.map(text) }
    }

    /// Adds the time of the last change as the version. One moment is spelled one way, in UTC with microseconds, in whichever zone and
    /// form the system tells it: the interfaces of some tell it in two. What is no time stamp (RFC 3339) is kept as it is.
    pub fn changed_at(self, moment: &str) -> Self {
        self.at_version(match DateTime::parse_from_rfc3339(moment) {
            Ok(moment) => moment.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Micros, true),
            Err(_) => moment.to_owned(),
        })
    }

    /// Adds the version.
    pub fn at_version(mut self, version: impl Into<Box<str>>) -> Self {
        self.version = Some(version.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_has_one_spelling() {
        let version = |text: &str| Native::new(7).changed_at(text).version.unwrap();
        for text in
            ["2026-11-20T11:42:19.618564+00:00", "2026-11-20T11:42:19.618564Z", "2026-11-20T12:42:19.618564+01:00"]
        {
            assert_eq!(&*version(text), "2026-11-20T11:42:19.618564Z");
        }
        assert_eq!(&*version("2026-11-20T11:42:19Z"), "2026-11-20T11:42:19.000000Z");
        assert_eq!(&*version("soon"), "soon");
    }
}
