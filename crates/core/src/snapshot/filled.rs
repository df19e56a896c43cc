//! In how many records which field has a value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::{FieldSet, ModelSchema};

/// In how many records of a read which field has a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Filled {
    /// How many records were read, before those that say the same become one.
    pub records: u64,
    /// In how many of them a field has a value, by the fields that were read. Null and an empty set are none.
    pub fields: BTreeMap<String, u64>,
}

/// Counts values while records are read.
#[derive(Debug, Clone, Default)]
pub(super) struct FilledCounter {
    records: u64,
    /// By the position of the field.
    counts: Vec<u64>,
}

impl FilledCounter {
    /// Counts a record with values in these fields.
    pub fn count(&mut self, filled: FieldSet) {
        self.records += 1;
        for position in filled.positions() {
            if self.counts.len() <= position {
                self.counts.resize(position + 1, 0);
            }
            self.counts[position] += 1;
        }
    }

    /// What was counted in the fields of a model that were read.
    pub fn of(&self, schema: &ModelSchema, fields: FieldSet) -> Filled {
        let read = schema.fields.iter().enumerate().filter(|(position, _)| fields.contains(*position));
        let counted = read
            .map(|(position, field)| (field.name.to_owned(), self.counts.get(position).copied().unwrap_or_default()));
        Filled { records: self.records, fields: counted.collect() }
    }
}

impl Filled {
    /// How many hundredths of the records have a value in a field, rounded down, but for what is rare: one of a thousand is 1. None
    /// where the field was not read, or nothing was.
    pub fn percent(&self, field: &str) -> Option<u64> {
        let filled = *self.fields.get(field)?;
        let percent = filled.saturating_mul(100).checked_div(self.records)?;
        Some(if filled > 0 { percent.max(1) } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_nothing_are_said_of_all_and_nothing_alone() {
        let filled = |records, count| Filled { records, fields: BTreeMap::from([("name".to_owned(), count)]) };
        let percent = |records, count| filled(records, count).percent("name");
        assert_eq!(percent(1_000, 0), Some(0));
        assert_eq!(percent(1_000, 1), Some(1));
        assert_eq!(percent(1_000, 999), Some(99));
        assert_eq!(percent(1_000, 1_000), Some(100));
        assert_eq!(percent(0, 0), None);
        assert_eq!(filled(1, 1).percent("serial"), None);
    }
}
