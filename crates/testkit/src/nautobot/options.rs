//! What `OPTIONS` tells of a list: its fields, which of them must be given, and the choices.

use serde_json::{Map, Value as Json, json};

use super::schema::{Field, Kind, Type};

/// The answer for a list. Who may not write is told of no action.
pub(super) fn answer(kind: Kind, version: u32, may_write: bool) -> Json {
    let def = kind.def();
    let mut fields = Map::new();
    fields.insert("id".to_owned(), json!({"type": "string", "required": false, "read_only": false, "label": "Id"}));
    for (name, label) in [("object_type", "Object type"), ("display", "Display"), ("url", "Url")] {
        let info = json!({"type": "field", "required": false, "read_only": true, "label": label});
        fields.insert(name.to_owned(), info);
    }
    for field in def.fields.iter().chain(def.inputs).filter(|field| field.since <= version) {
        fields.insert(field.name.to_owned(), info(field));
    }
    for extra in def.extras.iter().filter(|extra| extra.since <= version && extra.rest != super::schema::Rest::No) {
        let info = json!({"type": "field", "required": false, "read_only": true, "label": label(extra.name)});
        fields.insert(extra.name.to_owned(), info);
    }
    let name = def.graphql.1.replace('_', " ");
    let mut answer = json!({
        "name": label(&name),
        "description": "",
        "renders": ["application/json", "text/html", "text/csv"],
        "parses": ["application/json", "text/csv"],
    });
    if may_write {
        answer["actions"] = json!({"POST": fields, "PUT": fields});
    }
    answer
}

fn label(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn info(field: &Field) -> Json {
    let ty = match field.ty {
        Type::Text { .. } | Type::Mac | Type::Color | Type::Dns => "string",
        Type::Int { .. } => "integer",
        Type::Bool => "boolean",
        Type::Decimal { .. } => "decimal",
        Type::PlainChoice { .. } => "choice",
        _ => "field",
    };
    let mut info = json!({
        "type": ty,
        "required": field.required,
        "read_only": !field.writable,
        "label": if field.label.is_empty() { label(field.name) } else { field.label.to_owned() },
    });
    match field.ty {
        Type::Text { max, .. } if max > 0 => info["max_length"] = json!(max),
        Type::Color => info["max_length"] = json!(6),
        Type::Int { min, max } if field.name != "speed" => {
            info["min_value"] = json!(min);
            info["max_value"] = json!(max);
        }
        Type::Choice { options, .. } | Type::PlainChoice { options } => {
            let choices = options.iter().map(|(value, label)| json!({"value": value, "display": label}));
            info["choices"] = choices.collect::<Json>();
        }
        _ => {}
    }
    info
}
