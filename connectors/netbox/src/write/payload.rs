//! From our fields to NetBox's: references become ids, choices values; what NetBox would refuse is found before it is sent.

use serde_json::{Map, Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::FieldChange;
use syncline_core::outcome::Outcome;

use super::form::Form;
use crate::tables::{Column, Kind, Table};

/// The body of a create or an update.
pub(super) type Body = Map<String, Value>;

/// Builds the body of some fields, or says which field is at fault.
pub(super) fn body<'f>(
    table: &'static Table,
    form: &Form,
    fields: impl Iterator<Item = &'f FieldChange>,
    bindings: &Bindings,
) -> Result<Body, Outcome> {
    let mut body = Body::new();
    for field in fields {
        let at_fault = |reason: String| Outcome::Failed { field: Some(field.name.clone()), reason };
        let Some(column) = table.column(&field.name) else {
            return Err(at_fault("NetBox has no such field".to_owned()));
        };
        put(&mut body, column, &field.after, bindings).map_err(at_fault)?;
        if let Some(value) = body.get(column.native) {
            form.check(column, value).map_err(at_fault)?;
        }
    }
    Ok(body)
}

fn put(body: &mut Body, column: &Column, value: &Value, bindings: &Bindings) -> Result<(), String> {
    let written = match column.kind {
        Kind::Text(limit) => text(value, limit, None)?,
        Kind::BlankText(limit) => text(value, limit, Some(json!("")))?,
        Kind::NullText(limit) => text(value, limit, Some(Value::Null))?,
        Kind::Color => color(value)?,
        Kind::Choice if value.is_string() || value.is_null() => value.clone(),
        Kind::Integer(least, most) => integer(value, least, most)?,
        Kind::Boolean if value.is_boolean() => value.clone(),
        Kind::Choice | Kind::Boolean => return Err(format!("`{value}` cannot be written to `{}`", column.native)),
        Kind::Reference(model) => reference(model, value, bindings)?,
        Kind::Tags => {
            let tags = value.as_array().map_or(&[][..], Vec::as_slice);
            tags.iter().map(|tag| reference("tag", tag, bindings)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Kind::AssignedInterface => return pair(body, column, ("interface", "dcim.interface"), value, bindings),
        Kind::Json | Kind::Decimal => return Err(format!("`{}` is only read", column.native)),
        Kind::SiteScope => return pair(body, column, ("site", "dcim.site"), value, bindings),
    };
    body.insert(column.native.to_owned(), written);
    Ok(())
}

fn pair(
    body: &mut Body,
    column: &Column,
    (model, object_type): (&'static str, &str),
    value: &Value,
    bindings: &Bindings,
) -> Result<(), String> {
    let id = reference(model, value, bindings)?;
    let kind = if id.is_null() { Value::Null } else { json!(object_type) };
    body.insert(format!("{}_type", column.native), kind);
    body.insert(format!("{}_id", column.native), id);
    Ok(())
}

/// The id of a reference.
fn reference(model: &'static str, key: &Value, bindings: &Bindings) -> Result<Value, String> {
    if key.is_null() {
        return Ok(Value::Null);
    }
    let label = syncline_model::models::by_name(model).map_or(model, |schema| schema.label);
    let shown = || syncline_model::AnyKey::from_value(key).map_or_else(|| key.to_string(), |key| key.to_string());
    let Some(id) = bindings.id(model, &key.to_string()) else {
        return Err(format!("refers to the {label} `{}`, which NetBox does not have", shown()));
    };
    match id.parse::<u64>() {
        Ok(id) => Ok(json!(id)),
        Err(_) => Err(format!("refers to the {label} `{}` by the id `{id}`, which is none of NetBox", shown())),
    }
}

fn text(value: &Value, limit: usize, none: Option<Value>) -> Result<Value, String> {
    match (value, none) {
        (Value::Null, Some(none)) => Ok(none),
        (Value::Null, None) => Err("must not be null".to_owned()),
        (Value::String(text), _) => {
            let length = text.chars().count();
            if length > limit {
                return Err(format!("has {length} characters; NetBox takes at most {limit}"));
            }
            Ok(value.clone())
        }
        (other, _) => Err(format!("`{other}` is no text")),
    }
}

fn color(value: &Value) -> Result<Value, String> {
    let color = value.as_str().map(str::to_ascii_lowercase);
    match color {
        Some(color) if color.len() == 6 && color.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(color.into()),
        _ => Err(format!("{value} is no colour: six hexadecimal digits such as `aa1409`")),
    }
}

fn integer(value: &Value, least: u64, most: u64) -> Result<Value, String> {
    match value.as_u64() {
        _ if value.is_null() => Ok(Value::Null),
        Some(number) if (least..=most).contains(&number) => Ok(value.clone()),
        _ => Err(format!("`{value}` is not between {least} and {most}")),
    }
}

/// Our field of a field that NetBox names in a refusal.
pub(super) fn our_field(table: &Table, native: &str) -> String {
    let stem = native.trim_end_matches("_type").trim_end_matches("_id");
    let is_named = |column: &&Column| column.native == native || column.rest().len() > 1 && column.native == stem;
    table.columns.iter().find(is_named).map_or_else(|| native.to_owned(), |column| column.field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;

    fn bindings() -> Bindings {
        let mut bindings = Bindings::new();
        bindings.bind("site", r#"["atl"]"#, "5");
        bindings.bind("interface", r#"[["atl","sw1"],"Eth1"]"#, "70");
        bindings
    }

    #[track_caller]
    fn built(model: &str, field: &str, after: Value) -> String {
        let field = FieldChange::new(field, Value::Null, after);
        let table = tables::by_name(model).unwrap();
        match body(table, &Form::default(), std::iter::once(&field), &bindings()) {
            Ok(body) => Value::Object(body).to_string(),
            Err(outcome) => outcome.reason().unwrap().to_owned(),
        }
    }

    #[test]
    fn fields_become_what_netbox_takes() {
        insta::assert_snapshot!(built("site", "physical_address", Value::Null), @r#"{"physical_address":""}"#);
        insta::assert_snapshot!(built("vrf", "rd", Value::Null), @r#"{"rd":null}"#);
        insta::assert_snapshot!(built("vlan", "site", json!(["atl"])), @r#"{"site":5}"#);
        insta::assert_snapshot!(built("vlan", "site", Value::Null), @r#"{"site":null}"#);
        insta::assert_snapshot!(
            built("ip_address", "interface", json!([["atl", "sw1"], "Eth1"])),
            @r#"{"assigned_object_id":70,"assigned_object_type":"dcim.interface"}"#
        );
        insta::assert_snapshot!(built("prefix", "site", json!(["atl"])), @r#"{"scope_id":5,"scope_type":"dcim.site"}"#);
        insta::assert_snapshot!(built("prefix", "site", Value::Null), @r#"{"scope_id":null,"scope_type":null}"#);
        insta::assert_snapshot!(built("tag", "color", json!("AA1409")), @r#"{"color":"aa1409"}"#);
    }

    #[test]
    fn what_netbox_would_refuse_is_not_sent() {
        insta::assert_snapshot!(built("vlan", "site", json!(["bos"])), @"refers to the site `bos`, which NetBox does not have");
        insta::assert_snapshot!(built("vrf", "rd", json!("1".repeat(22))), @"has 22 characters; NetBox takes at most 21");
        insta::assert_snapshot!(built("interface", "mtu", json!(70_000)), @"`70000` is not between 1 and 65536");
        insta::assert_snapshot!(built("tag", "color", json!("red")), @r#""red" is no colour: six hexadecimal digits such as `aa1409`"#);
        insta::assert_snapshot!(built("site", "name", Value::Null), @"must not be null");
    }

    #[test]
    fn a_refused_field_is_ours_again() {
        let ours = |model, native| our_field(tables::by_name(model).unwrap(), native);
        assert_eq!(ours("ip_address", "assigned_object_id"), "interface");
        assert_eq!(ours("prefix", "scope_type"), "site");
        assert_eq!(ours("device", "device_type"), "device_type");
        assert_eq!(ours("device", "asset_tag"), "asset_tag");
    }
}
