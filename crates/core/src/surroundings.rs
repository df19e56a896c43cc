//! What a side of a sync is opened in: the way of its requests, the time, and what stands in for secrets. Made by the host for a run that is
//! recorded or replayed; any other run has the ordinary ones.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::settings;

/// What a side is opened in. By default, requests go to the system, it is now, and secrets are resolved.
#[derive(Clone, Default)]
pub struct Surroundings {
    way: Option<Arc<dyn Any + Send + Sync>>,
    stand_ins: Arc<BTreeMap<String, String>>,
    at: Option<DateTime<Utc>>,
}

impl Surroundings {
    /// Surroundings in which requests go another way: the HTTP client knows what it is, and nobody else needs to.
    pub fn with_way<W: Any + Send + Sync>(self, way: W) -> Self {
        Self { way: Some(Arc::new(way)), ..self }
    }

    /// Surroundings in which it is the time of a recording.
    pub fn with_time(self, at: DateTime<Utc>) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Surroundings in which references to secrets (`env:TOKEN`) are replaced by other ones before a connector sees its settings.
    pub fn with_stand_ins(self, stand_ins: BTreeMap<String, String>) -> Self {
        Self { stand_ins: Arc::new(stand_ins), ..self }
    }

    /// The way of requests, if it is of this type.
    pub fn way<W: Any + Send + Sync>(&self) -> Option<&W> {
        self.way.as_deref()?.downcast_ref()
    }

    /// The time of the recording that is read; none where a system is.
    pub fn recorded(&self) -> Option<DateTime<Utc>> {
        self.at
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.at.unwrap_or_else(Utc::now)
    }

    /// Settings with the references that stand in for others.
    pub fn settings(&self, schema: fn() -> Value, mut settings: Value) -> Value {
        if !self.stand_ins.is_empty() {
            settings::replace_secrets(&schema(), &mut settings, &|reference| self.stand_ins.get(reference).cloned());
        }
        settings
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("at", &self.at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::json;

    use super::*;
    use crate::settings::SecretRef;

    #[derive(serde::Deserialize, JsonSchema)]
    struct Sample {
        #[serde(rename = "token")]
        _token: Option<SecretRef>,
        #[serde(rename = "name")]
        _name: String,
    }

    #[test]
    fn only_references_to_secrets_are_replaced() {
        let stand_ins = BTreeMap::from([("env:A".to_owned(), "file:/b".to_owned())]);
        let surroundings = Surroundings::default().with_stand_ins(stand_ins);
        let settings = surroundings.settings(settings::schema::<Sample>, json!({"token": "env:A", "name": "env:A"}));
        assert_eq!(settings, json!({"token": "file:/b", "name": "env:A"}));
        let other = json!({"token": "env:OTHER", "name": "x"});
        assert_eq!(surroundings.settings(settings::schema::<Sample>, other.clone()), other);
    }

    #[test]
    fn a_way_is_found_by_its_type() {
        let surroundings = Surroundings::default().with_way(7_u32);
        assert_eq!((surroundings.way::<u32>(), surroundings.way::<u64>()), (Some(&7), None));
        assert!(Surroundings::default().way::<u32>().is_none());
    }
}
