//! What a record belongs to.

use syncline_model::{AnyKey, DeletionClass, FieldKind, FieldSchema, ModelSchema};

use crate::change::Change;
use crate::fields::ModelFields;

/// The fields in which records of a model say what they belong to, with the models of that.
///
/// Only parts belong to something: an interface to its device, an address to its interface. A device does not belong to its site,
/// its chassis or its type: it comes and goes for reasons of its own. Nor does anything belong to what is shared by many, or to
/// what it refers to in the second pass, such as an interface to its aggregate.
pub fn wholes<'a>(
    schema: &ModelSchema,
    fields: &'a ModelFields,
) -> impl Iterator<Item = (&'static FieldSchema, &'static ModelSchema)> + use<'a> {
    let own: &'static [FieldSchema] = if schema.deletion == DeletionClass::Part { schema.fields } else { &[] };
    own.iter().filter(|field| !field.deferred).filter_map(|field| {
        let FieldKind::Reference(model) = field.kind else { return None };
        let whole = fields.schema(model).filter(|whole| whole.deletion != DeletionClass::Shared)?;
        Some((field, whole))
    })
}

/// The records that the record of a change belongs to, as it was before the change.
pub fn wholes_of<'a>(
    schema: &ModelSchema,
    change: &'a Change,
    fields: &'a ModelFields,
) -> impl Iterator<Item = (&'static ModelSchema, AnyKey)> + use<'a> {
    wholes(schema, fields).filter_map(|(field, whole)| {
        let said = change.fields.iter().find(|said| said.name == field.name)?;
        Some((whole, AnyKey::from_value(&said.before)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use syncline_model::FieldSet;
    use syncline_model::models::ALL;

    #[test]
    fn only_parts_belong_to_something() {
        let fields = ALL.iter().fold(ModelFields::new(), |all, schema| all.insert(schema, FieldSet::ALL));
        let mut told = String::new();
        for schema in ALL {
            for (field, whole) in wholes(schema, &fields) {
                writeln!(told, "{}.{} -> {}", schema.name, field.name, whole.name).unwrap();
            }
        }
        insta::assert_snapshot!(told, @r"
        interface.device -> device
        mac_address.interface -> interface
        ip_address.interface -> interface
        ");
    }
}
