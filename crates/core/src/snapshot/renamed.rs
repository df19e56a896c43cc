//! What records are called in the source that somebody calls by what the target called them.

use std::collections::HashMap;

use serde_json::Value;
use syncline_model::{AnyKey, models};

use super::Recognised;

/// The keys of the source by those of the target, of records that go by another one.
#[derive(Debug, Default)]
pub struct Renamed<'a> {
    keys: HashMap<(&'static str, &'a str), &'a AnyKey>,
}

impl<'a> Renamed<'a> {
    /// Those of records that were recognised.
    pub fn of(recognised: &'a [Recognised]) -> Self {
        let keys = recognised.iter().map(|known| ((known.model, known.target_key.as_str()), &known.source_key));
        Self { keys: keys.collect() }
    }

    /// The key in the source of a record that goes by another one in the target, by itself or because of what its key is made of: an
    /// interface is called anew with its device. None for one that is called the same.
    ///
    /// Each part is followed once: a name that was passed on is another record's by now.
    pub fn key(&self, model: &str, key: &AnyKey) -> Option<AnyKey> {
        if self.keys.is_empty() {
            return None;
        }
        let parts: Value = serde_json::from_str(key.as_str()).ok()?;
        let (now, is_renamed) = self.follow(model, parts)?;
        is_renamed.then(|| AnyKey::from_canonical(&now))
    }

    fn follow(&self, model: &str, key: Value) -> Option<(String, bool)> {
        let Value::Array(mut parts) = key else { return None };
        let mut is_renamed = false;
        let schema = models::by_name(model)?;
        for (part, field) in parts.iter_mut().zip(schema.key_fields()) {
            let referred = field.kind.referenced_model().filter(|_| part.is_array());
            let Some((now, true)) = referred.and_then(|referred| self.follow(referred, part.clone())) else { continue };
            *part = serde_json::from_str(&now).ok()?;
            is_renamed = true;
        }
        let between = Value::Array(parts).to_string();
        match self.keys.get(&(schema.name, &*between)) {
            Some(now) => Some((now.as_str().to_owned(), is_renamed || now.as_str() != between)),
            None => Some((between, is_renamed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::snapshot::RecognisedBy;

    fn key(value: &Value) -> AnyKey {
        AnyKey::from_value(value).unwrap()
    }

    fn renamed(model: &'static str, from: &Value, to: &Value) -> Recognised {
        Recognised { model, source_key: key(to), target_key: key(from), by: RecognisedBy::Id }
    }

    #[test]
    fn what_is_called_after_a_renamed_record_is_renamed_with_it() {
        let device = |name: &str| json!([["atl"], name]);
        // `b` has the name that `a` had, and the site of both was recognised under another slug.
        let recognised = [
            renamed("site", &json!(["atlanta"]), &json!(["atl"])),
            renamed("device", &device("a"), &device("c")),
            renamed("device", &device("b"), &device("a")),
            renamed("interface", &json!([device("c"), "e1"]), &json!([device("c"), "et-1"])),
        ];
        let renamed = Renamed::of(&recognised);
        let now = |model: &str, at: &Value| renamed.key(model, &key(at)).map(|key| key.to_string());
        assert_eq!(now("device", &json!([["atlanta"], "a"])).as_deref(), Some("atl / c"));
        assert_eq!(now("device", &device("b")).as_deref(), Some("atl / a"), "not followed twice");
        assert_eq!(now("interface", &json!([device("a"), "e2"])).as_deref(), Some("atl / c / e2"));
        assert_eq!(now("interface", &json!([[["atlanta"], "a"], "e1"])).as_deref(), Some("atl / c / et-1"));
        let address = json!([[device("b"), "e1"], "00:00:5e:00:53:01"]);
        assert_eq!(now("mac_address", &address).as_deref(), Some("atl / a / e1 / 00:00:5e:00:53:01"));
        assert_eq!(now("device", &device("c")), None, "it is called so in the source");
        assert_eq!(now("ip_address", &json!([null, "10.0.0.1"])), None);
        assert_eq!(now("site", &json!(["bos"])), None);
    }
}
