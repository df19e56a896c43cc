//! A record of any model, made of JSON: for connectors that learn only from settings or files what they read.

use serde_json::{Map, Value};

use crate::{AnyKey, FieldSet, ModelSchema, ParseError};

/// A record of any model, normalised as the model's own struct normalises it.
///
/// ```
/// use serde_json::json;
/// use syncline_model::{AnyRecord, FieldSet, models};
///
/// let schema = models::by_name("site").unwrap();
/// let said = json!({"slug": "atlanta-dc1", "name": " Atlanta DC1 ", "status": "active"});
/// let record = AnyRecord::from_json(schema, said.as_object().unwrap(), FieldSet::ALL).unwrap();
/// assert_eq!(record.key().as_str(), r#"["atlanta-dc1"]"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyRecord {
    schema: &'static ModelSchema,
    key: AnyKey,
    /// The canonical values by the position of their fields; none where the JSON does not have the field.
    values: Vec<Option<Box<[u8]>>>,
    filled: FieldSet,
}

/// A field of a record that is not what the model says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The model has no such field.
    #[error("`{model}` has no field `{field}`; it has {}", known.join(", "))]
    Unknown {
        /// The model.
        model: &'static str,
        /// The field.
        field: String,
        /// Those that it has.
        known: Vec<&'static str>,
    },
    /// The field is not there, and cannot be null.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// The value is something else.
    #[error("`{field}`: {error}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        error: ParseError,
    },
}

impl FieldError {
    /// The field.
    pub fn field(&self) -> &str {
        match self {
            Self::Unknown { field, .. } => field,
            Self::Missing { field } | Self::Value { field, .. } => field,
        }
    }
}

impl AnyRecord {
    /// Takes the fields of a record from JSON. Of those that are `wanted` none may be missing but what can be null or empty.
    pub fn from_json(
        schema: &'static ModelSchema,
        fields: &Map<String, Value>,
        wanted: FieldSet,
    ) -> Result<Self, FieldError> {
        if let Some(field) = fields.keys().find(|name| schema.position(name).is_none()) {
            let known = schema.fields.iter().map(|field| field.name).collect();
            return Err(FieldError::Unknown { model: schema.name, field: field.clone(), known });
        }
        Self::from_members(schema, fields, wanted)
    }

    /// Takes the fields of a record from those members of a JSON object that are named as they are, as [`from_json`](Self::from_json)
    /// does; others are left out.
    pub fn from_members(
        schema: &'static ModelSchema,
        fields: &Map<String, Value>,
        wanted: FieldSet,
    ) -> Result<Self, FieldError> {
        let mut values = vec![None; schema.fields.len()];
        let mut filled = FieldSet::EMPTY;
        for (position, field) in schema.fields.iter().enumerate() {
            let is_wanted = field.key || wanted.contains(position);
            let value = match fields.get(field.name) {
                Some(value) => value,
                None if !is_wanted => continue,
                None => &Value::Null,
            };
            let mut canonical = Vec::new();
            let has_value = (field.from_json)(value, &mut canonical).map_err(|error| {
                if value.is_null() {
                    FieldError::Missing { field: field.name }
                } else {
                    FieldError::Value { field: field.name, error }
                }
            })?;
            if has_value {
                filled = filled.with(position);
            }
            values[position] = Some(canonical.into());
        }
        let parts = schema.key_fields().map(|field| fields.get(field.name).unwrap_or(&Value::Null));
        let key = schema.key_from_parts(parts).map_err(|error| {
            let field = schema.key_fields().next().map_or(schema.name, |field| field.name);
            FieldError::Value { field, error }
        })?;
        Ok(Self { schema, key, values, filled })
    }

    /// The model.
    pub fn schema(&self) -> &'static ModelSchema {
        self.schema
    }

    /// The record's natural key.
    pub fn key(&self) -> &AnyKey {
        &self.key
    }

    /// The fields that have a value, as [`Model::filled`](crate::Model::filled).
    pub fn filled(&self) -> FieldSet {
        self.filled
    }

    /// Appends the canonical JSON object of the given fields, as [`Model::write_fields`](crate::Model::write_fields).
    pub fn write_fields(&self, fields: FieldSet, out: &mut Vec<u8>) {
        let start = out.len();
        for (position, (field, value)) in self.schema.fields.iter().zip(&self.values).enumerate() {
            let Some(value) = value else { continue };
            if !fields.contains(position) || field.preserve && !self.filled.contains(position) {
                continue;
            }
            out.push(if out.len() == start { b'{' } else { b',' });
            crate::Canonical::write(field.name, out);
            out.push(b':');
            out.extend_from_slice(value);
        }
        if out.len() == start {
            out.push(b'{');
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Model;
    use crate::models::{Device, DeviceRole, DeviceStatus, DeviceType, Manufacturer, Site};

    fn device() -> Device {
        Device {
            site: Site::key_of(&"atl".parse().unwrap()),
            name: "ATL-Core-1".parse().unwrap(),
            device_type: DeviceType::key_of(&Manufacturer::key_of(&"acme".parse().unwrap()), &"X1".parse().unwrap()),
            role: DeviceRole::key_of(&"core".parse().unwrap()),
            platform: None,
            status: DeviceStatus::Active,
            serial: "S1".parse().ok(),
            virtual_chassis: None,
            vc_position: Some(2),
            primary_ip4: None,
            primary_ip6: None,
            tags: std::collections::BTreeSet::new(),
            tenant: None,
            cluster: None,
            custom_fields: None,
            config_context: None,
        }
    }

    fn read(fields: &Value) -> Result<AnyRecord, FieldError> {
        AnyRecord::from_json(Device::SCHEMA, fields.as_object().unwrap(), FieldSet::ALL)
    }

    fn fields(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_record_writes_reads_back_as_the_same() {
        let device = device();
        let written = fields(|out| device.write_fields(FieldSet::ALL, out));
        let record = read(&serde_json::from_str(&written).unwrap()).unwrap();
        assert_eq!(record.key(), &device.key().to_any());
        assert_eq!(fields(|out| record.write_fields(FieldSet::ALL, out)), written);
        assert_eq!(record.filled(), device.filled());
    }

    #[test]
    fn the_error_names_the_field_and_what_is_known() {
        let mut said =
            json!({"site": "atl", "name": "core-1", "device_type": ["acme", "X1"], "role": "core", "status": "active"});
        assert!(read(&said).is_ok());
        said["stauts"] = json!("active");
        let unknown = read(&said).unwrap_err().to_string();
        assert!(unknown.starts_with("`device` has no field `stauts`; it has site, name, device_type"), "{unknown}");
        said.as_object_mut().unwrap().remove("stauts");
        said["vc_position"] = json!(300);
        let range = read(&said).unwrap_err().to_string();
        assert_eq!(range, "`vc_position`: `300` is not a whole number in the range of the field");
        said.as_object_mut().unwrap().remove("role");
        assert_eq!(read(&said).unwrap_err(), FieldError::Missing { field: "role" });
    }

    #[test]
    fn what_nobody_wants_may_be_missing() {
        let said = json!({"site": "atl", "name": "core-1"});
        let serial = Device::SCHEMA.position("serial").unwrap();
        let record =
            AnyRecord::from_json(Device::SCHEMA, said.as_object().unwrap(), FieldSet::EMPTY.with(serial)).unwrap();
        assert_eq!(fields(|out| record.write_fields(FieldSet::ALL, out)), r#"{"site":["atl"],"name":"core-1"}"#);
    }
}
