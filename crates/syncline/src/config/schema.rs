//! The JSON schema of the whole configuration file, for editors, composed from the schemas of the linked connectors.

use serde_json::{Map, Value, json};
use syncline_core::connector::ConnectorDescriptor;
use syncline_core::registry::Registry;
use syncline_core::settings;

use super::{ChannelSettings, DataSettings, SyncSettings, WebSettings};

/// The JSON schema (draft 2020-12) of a configuration file for these connectors.
pub fn schema(registry: &Registry) -> Value {
    let connections: Vec<_> = registry.iter().map(connection).collect();
    let sources =
        registry.iter().filter_map(|connector| Some((connector, connector.source.as_ref()?.parameters_schema)));
    let targets =
        registry.iter().filter_map(|connector| Some((connector, connector.target.as_ref()?.parameters_schema)));
    let mut sync = part(settings::schema::<SyncSettings>());
    sync["properties"]["source_parameters"]["anyOf"] = parameters(sources);
    sync["properties"]["target_parameters"]["anyOf"] = parameters(targets);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Syncline configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "data": part(settings::schema::<DataSettings>()),
            "web": part(settings::schema::<WebSettings>()),
            "notify": {
                "description": "Who is told of what came of runs, by name.",
                "type": "object",
                "additionalProperties": part(settings::schema::<ChannelSettings>()),
            },
            "connections": {
                "description": "The systems, by name.",
                "type": "object",
                "additionalProperties": { "oneOf": connections },
            },
            "syncs": {
                "description": "What is kept in agreement with what, by name.",
                "type": "object",
                "additionalProperties": sync,
            },
        },
    })
}

/// The JSON schema of a sync's settings, for forms: the models by their names. What is asked of its systems is left to their connectors.
pub fn sync_schema() -> Value {
    let mut sync = part(settings::schema::<SyncSettings>());
    let models = &mut sync["properties"]["models"];
    let mut mode = models["additionalProperties"].take();
    mode["default"] = "sync".into();
    // The same words two dozen times.
    mode["description"].take();
    let known = syncline_model::models::ALL.iter().map(|schema| (schema.name.to_owned(), mode.clone()));
    models["properties"] = Value::Object(known.collect());
    models["additionalProperties"] = false.into();
    sync
}

/// A schema as a part of another.
fn part(mut schema: Value) -> Value {
    if let Value::Object(fields) = &mut schema {
        fields.remove("$schema");
    }
    schema
}

/// The connection of one connector: its own settings and `connector`, which tells it from the others.
fn connection(connector: &ConnectorDescriptor) -> Value {
    let mut schema = part((connector.connection_schema)());
    let mut properties = Map::new();
    properties.insert("connector".to_owned(), json!({"const": connector.id, "description": connector.description}));
    if let Some(Value::Object(own)) = schema.get_mut("properties").map(Value::take) {
        properties.extend(own);
    }
    let mut required = vec![Value::from("connector")];
    if let Some(Value::Array(own)) = schema.get_mut("required").map(Value::take) {
        required.extend(own);
    }
    schema["title"] = connector.label.into();
    schema["properties"] = properties.into();
    schema["required"] = required.into();
    schema
}

fn parameters(sides: impl Iterator<Item = (&'static ConnectorDescriptor, fn() -> Value)>) -> Value {
    let titled = sides.map(|(connector, schema)| {
        let mut schema = part(schema());
        schema["title"] = connector.label.into();
        schema
    });
    titled.collect()
}
