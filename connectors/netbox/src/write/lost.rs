//! Objects that moved because what they referred to was deleted: NetBox empties the reference and saves the object, which
//! gives it a new version. A run that deletes an aggregate, an address and then their device must not find the device moved by
//! its own hand.

use serde_json::Value;
use syncline_core::bindings::Bindings;
use syncline_core::change::{Change, FieldChange};
use syncline_core::target::BatchError;

use super::answer::{Beyond, Object, differing, id_of, native_of};
use super::form::Form;
use super::items::Item;
use super::{Writer, payload};
use crate::rows::{BareRow, Row as _};
use crate::tables::{Kind, Table};

impl Writer {
    /// Takes over the new version of those records to be deleted that only lost references since they were read.
    pub(super) async fn follow_lost_references(
        &self,
        table: &'static Table,
        items: &mut [Item<'_>],
        rows: &[BareRow],
    ) -> Result<(), BatchError> {
        let has_moved = |item: &Item<'_>| {
            let row =
                rows.iter().find(|row| item.done.is_none() && item.version.is_some() && Some(row.id.0) == item.id);
            row.is_some_and(|row| row.native().version != item.version)
        };
        let moved: Vec<_> = items.iter().filter(|item| has_moved(item)).filter_map(|item| item.id).collect();
        if moved.is_empty() {
            return Ok(());
        }
        for object in self.objects_by_id(table, moved.into_iter()).await.map_err(BatchError::looking)? {
            let id = id_of(&object);
            if let Some(item) = items.iter_mut().find(|item| item.id == id)
                && has_only_lost_references(table, item.change, &object)
            {
                item.version = native_of(&object).and_then(|native| native.version);
            }
        }
        Ok(())
    }
}

/// Whether an object is as it was read but for references that it has no more. Where a reference that is still there leads is
/// not compared: the record that it led to may be gone, and then nobody knows its id any more.
fn has_only_lost_references(table: &'static Table, change: &Change, object: &Object) -> bool {
    let mut lost = false;
    for column in table.columns {
        let is_unset = column.rest().iter().all(|name| match object.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(_) => false,
        });
        let refers = matches!(column.kind, Kind::Reference(_) | Kind::AssignedInterface | Kind::SiteScope);
        // A delete names what was not null.
        match change.fields.iter().find(|field| field.name == column.field) {
            _ if column.kind == Kind::Tags => {}
            Some(_) if refers => lost |= is_unset,
            Some(field) if !is_as_read(table, field, object) => return false,
            None if !is_unset && !matches!(column.kind, Kind::Boolean | Kind::Choice | Kind::Color) => return false,
            _ => {}
        }
    }
    lost
}

fn is_as_read(table: &'static Table, field: &FieldChange, object: &Object) -> bool {
    let as_read = FieldChange { after: field.before.clone(), ..field.clone() };
    let body = payload::body(table, &Form::default(), std::iter::once(&as_read), &Bindings::new());
    body.is_ok_and(|body| differing(&body, object, Beyond::Anything).next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;
    use serde_json::json;
    use syncline_core::change::Action;
    use syncline_model::AnyKey;

    fn has_only_lost(object: &Value) -> bool {
        let field = |name: &str, before: Value| FieldChange::new(name, before, Value::Null);
        let key = AnyKey::from_value(&json!([["atl", "sw1"], "Eth1"])).unwrap();
        let change = Change::new(
            "interface",
            key.clone(),
            Action::Delete,
            None,
            vec![field("description", json!("uplink")), field("lag", json!([["atl", "sw1"], "Po1"]))],
        );
        let Value::Object(object) = object else { panic!("an object") };
        has_only_lost_references(tables::by_name("interface").unwrap(), &change, object)
    }

    #[test]
    fn what_only_lost_references_is_told_from_what_a_person_changed() {
        let lag = json!({"id": 3});
        assert!(has_only_lost(&json!({"description": "uplink", "lag": null, "untagged_vlan": null})));
        // Moved, and nobody knows by what.
        assert!(!has_only_lost(&json!({"description": "uplink", "lag": lag, "untagged_vlan": null})));
        assert!(!has_only_lost(&json!({"description": "keep!", "lag": null, "untagged_vlan": null})));
        assert!(!has_only_lost(&json!({"description": "uplink", "lag": null, "untagged_vlan": {"id": 7}})));
    }
}
