//! The tables hold together.

use crate::tables::{Kind, TABLES};

#[test]
fn what_is_referred_to_is_read_first() {
    for (at, table) in TABLES.iter().enumerate() {
        for column in table.columns {
            assert!(table.schema.position(column.field).is_some(), "{}.{}", table.schema.name, column.field);
            let before = |model| TABLES[..at].iter().any(|other| other.schema.name == model);
            let is_by_itself =
                matches!(column.kind, Kind::Chassis | Kind::Address | Kind::Interface | Kind::Assigned | Kind::Itself);
            let is_read = is_by_itself || table.refers_to(column).is_none_or(before);
            assert!(is_read, "{}.{}", table.schema.name, column.field);
        }
    }
}
