//! Where a page starts that is told by more than a number: an opaque text, which a program hands back as it got it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<C>(pub C);

impl<C: Serialize> Serialize for Cursor<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = serde_json::to_vec(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl<'de, C: DeserializeOwned> Deserialize<'de> for Cursor<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let place = URL_SAFE_NO_PAD.decode(&text).ok().and_then(|json| serde_json::from_slice(&json).ok());
        place.map(Self).ok_or_else(|| D::Error::custom("is no place in this list; take `next` of the page before"))
    }
}

impl<C> schemars::JsonSchema for Cursor<C> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_text_that_fits_into_a_url() {
        let place = Cursor((7, "a/b?c&d".to_owned()));
        let text = serde_json::to_value(&place).unwrap();
        assert!(
            text.as_str().unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        );
        assert_eq!(serde_json::from_value::<Cursor<(i32, String)>>(text).unwrap(), place);
        let wrong = serde_json::from_value::<Cursor<(i32, String)>>("7".into()).unwrap_err();
        assert_eq!(wrong.to_string(), "is no place in this list; take `next` of the page before");
    }
}
