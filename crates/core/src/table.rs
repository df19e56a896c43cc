//! Models as a system keeps them: in which list, and which of its fields is which of ours. For connectors that go by tables instead of
//! code for each model.

use serde_json::Value;
use syncline_model::{FieldKind, FieldSet, MacAddress, ModelSchema, Slug};

use crate::bindings::Bindings;
use crate::describe::DataMapping;
use crate::target::{Batch, Items};
use crate::{Error, ErrorKind, Result};

/// Where a model lives in a system. `K` is the connector's own list of the ways in which one field becomes the other.
#[derive(Debug)]
pub struct Table<K: 'static> {
    /// Our model.
    pub schema: &'static ModelSchema,
    /// Its list, as the system's interface names it: `dcim/devices`.
    pub path: &'static str,
    /// The fields, in our order.
    pub columns: &'static [Column<K>],
}

/// A field of ours and what it is in the system.
#[derive(Debug)]
pub struct Column<K> {
    /// Our field.
    pub field: &'static str,
    /// The system's.
    pub native: &'static str,
    /// How one becomes the other.
    pub kind: K,
}

/// [`Table`]s, written as model, list, and fields with their kinds; `=` names a field that is called otherwise in the system.
///
/// ```
/// # use syncline_core::{tables, table::Table};
/// enum Kind { Plain, Short }
/// const TABLES: &[Table<Kind>] = tables! {
///     Platform in "dcim/platforms" { "slug" = "name": Kind::Short, "name": Kind::Plain, }
/// };
/// assert_eq!(TABLES[0].column("slug").map(|column| column.native), Some("name"));
/// ```
#[macro_export]
macro_rules! tables {
    (@ $field:literal) => { $field };
    (@ $field:literal $native:literal) => { $native };
    ($($model:ident in $path:literal { $($field:literal $(= $native:literal)?: $kind:expr,)+ })+) => {
        &[$($crate::table::Table {
            schema: <$crate::table::models::$model as $crate::table::Model>::SCHEMA,
            path: $path,
            columns: &[$(
                $crate::table::Column { field: $field, native: $crate::tables!(@ $field $($native)?), kind: $kind }
            ),+],
        }),+]
    };
}

#[doc(hidden)]
pub use syncline_model::{Model, models};

/// The members of a list; none of anything else.
pub fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Whether a value is another one, or a list that has it: what is at several places is at each of them.
pub fn is_or_has(value: &Value, one: &Value) -> bool {
    value == one || each(value).any(|other| other == one)
}

/// A text; the empty one where there is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The short form of a name, as the models spell sites, statuses and roles, for systems that keep names alone; null where it has none.
pub fn short_form(name: &Value) -> Value {
    name.as_str().and_then(Slug::from_name).map_or(Value::Null, |slug| slug.as_str().into())
}

/// A MAC address as the models spell it, for systems that keep it as it was written; what is none stays as it is.
pub fn canonical_mac(mac: &Value) -> Value {
    let parsed = mac.as_str().and_then(|text| text.parse::<MacAddress>().ok());
    parsed.map_or_else(|| mac.clone(), |mac| mac.to_string().into())
}

/// The table of a model; an error when there is none.
pub fn of<'t, K>(tables: &'t [Table<K>], model: &str) -> Result<&'t Table<K>> {
    let missing = || Error::new(ErrorKind::Internal, format!("the system keeps no `{model}`"));
    tables.iter().find(|table| table.schema.name == model).ok_or_else(missing)
}

impl<K> Table<K> {
    /// A column by our name.
    pub fn column(&self, field: &str) -> Option<&'static Column<K>> {
        self.columns.iter().find(|column| column.field == field)
    }

    /// The columns of some of our fields.
    pub fn columns_of(&self, fields: FieldSet) -> impl Iterator<Item = &'static Column<K>> {
        let schema = self.schema;
        self.columns.iter().filter(move |column| schema.position(column.field).is_some_and(|at| fields.contains(at)))
    }

    /// The fields of some columns.
    pub fn fields(&self, is_one: impl Fn(&Column<K>) -> bool) -> FieldSet {
        self.columns.iter().filter(|column| is_one(column)).filter_map(|one| self.schema.position(one.field)).collect()
    }

    /// Whether a column is of the key.
    pub fn is_key(&self, column: &Column<K>) -> bool {
        self.schema.field(column.field).is_some_and(|field| field.key)
    }

    /// The model that a column refers to, if it does.
    pub fn refers_to(&self, column: &Column<K>) -> Option<&'static str> {
        self.schema.field(column.field)?.kind.referenced_model()
    }

    /// What becomes what, for people; nothing where there is no field.
    pub fn mappings(&self, fields: FieldSet) -> Vec<DataMapping> {
        let mut columns = self.columns_of(fields).peekable();
        if columns.peek().is_none() {
            return Vec::new();
        }
        DataMapping::table(self.schema.name, self.path, columns.map(|column| (column.field, column.native)))
    }

    /// The changes of a batch of this model, each with those fields that are written of the ones that it says: by our names, with the ids of
    /// the target in the place of keys. Where a field has several, they are sorted.
    pub fn items<'c>(
        &self,
        batch: &Batch<'c>,
        bindings: &Bindings,
        is_written: impl Fn(&Column<K>) -> bool,
    ) -> Items<'c> {
        Items::of(batch, bindings, |field, body| {
            let column = self.column(&field.name).ok_or("the target has no such field")?;
            if !is_written(column) {
                return Ok(());
            }
            let value = match self.schema.field(column.field).map(|field| field.kind) {
                Some(FieldKind::Reference(model)) => bindings.referred(model, &field.after)?.into(),
                Some(FieldKind::References(model)) => {
                    let keys = field.after.as_array().into_iter().flatten();
                    let ids: Result<Vec<_>, String> = keys.map(|key| bindings.referred(model, key)).collect();
                    let mut ids = ids?;
                    ids.sort_unstable();
                    ids.into_iter().flatten().collect::<Value>()
                }
                _ => field.after.clone(),
            };
            body.insert(field.name.clone(), value);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use syncline_model::AnyKey;
    use syncline_model::models::{Device, Site, Tag};

    use super::*;
    use crate::change::{Action, Change, FieldChange};
    use crate::target::Pass;

    #[derive(Debug, PartialEq)]
    enum Kind {
        Made,
        Plain,
    }

    const TABLES: &[Table<Kind>] = tables! {
        Device in "dcim/devices" {
            "site" = "location": Kind::Plain, "name": Kind::Plain, "serial": Kind::Made, "tags": Kind::Plain,
        }
    };

    #[test]
    fn keys_become_ids_and_what_is_made_of_others_is_not_written() {
        let device = of(TABLES, "device").unwrap();
        let fields = [
            ("site", json!(["atl"])),
            ("name", json!("sw1")),
            ("serial", json!("1")),
            ("tags", json!([["a"], ["b"]])),
            ("platform", json!(["ios"])),
        ];
        let change = |fields: &[(&str, Value)]| {
            let fields =
                fields.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone())).collect();
            Change::new("device", AnyKey::parse(r#"[["atl"],"sw1"]"#).unwrap(), Action::Create, None, fields)
        };
        let mut bindings = Bindings::new();
        bindings.bind(Site::NAME, r#"["atl"]"#, "7");
        bindings.bind(Tag::NAME, r#"["a"]"#, "9");
        bindings.bind(Tag::NAME, r#"["b"]"#, "8");
        let (good, unknown) = (change(&fields[..4]), change(&fields));
        let batch = Batch { model: Device::SCHEMA, pass: Pass::First, changes: vec![&good, &unknown] };
        let items = device.items(&batch, &bindings, |column| column.kind != Kind::Made);
        let bodies: Vec<_> = items.open().map(|item| Value::Object(item.body.clone())).collect();
        assert_eq!(bodies, [json!({"site": "7", "name": "sw1", "tags": ["8", "9"]})]);
        assert_eq!(items.finish()[1].outcome.reason(), Some("the target has no such field"));
    }

    #[test]
    fn columns_are_those_of_fields() {
        let device = of(TABLES, "device").unwrap();
        let written = device.fields(|column| column.kind == Kind::Plain);
        assert_eq!(
            device.columns_of(written).map(|column| column.native).collect::<Vec<_>>(),
            ["location", "name", "tags"]
        );
        assert_eq!(device.mappings(written).len(), 4);
        assert_eq!(device.mappings(FieldSet::EMPTY), []);
        let refers = |field| device.refers_to(device.column(field).unwrap());
        assert_eq!([refers("site"), refers("name"), refers("tags")], [Some("site"), None, Some("tag")]);
        assert!(device.is_key(&device.columns[0]) && !device.is_key(&device.columns[2]));
    }
}
