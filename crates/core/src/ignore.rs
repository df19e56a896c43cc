//! Differences that people leave alone: until a day, or until somebody ends it.
//!
//! What is ignored is decided when a plan is made, from what is in force then; a plan that waits was made before, and is not changed.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use syncline_model::AnyKey;

use crate::bindings::hash;

/// How many ignores a sync has in force at most. Who wants to leave more alone wants other rules, not more exceptions.
pub const MOST: usize = 10_000;

/// The records and fields of one sync that a plan leaves alone.
#[derive(Debug, Clone, Default)]
pub struct Ignored {
    records: HashMap<u128, IgnoredRecord>,
}

/// What is left alone of one record, with the reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoredRecord {
    /// What it is called, as commands take it.
    name: Box<str>,
    /// It is known by another name too.
    is_renamed: bool,
    whole: Option<Box<str>>,
    fields: Vec<(Box<str>, Box<str>)>,
}

impl Ignored {
    /// Adds a record, or one field of it, with the reason as [`reason`] words it.
    pub fn add(&mut self, model: &str, key: &AnyKey, field: Option<&str>, reason: String) {
        let record = self.records.entry(hash(model, key.as_str())).or_default();
        record.name = format!("{model}:{}", key.as_str()).into();
        match field {
            None => record.whole = Some(reason.into()),
            Some(field) => record.fields.push((field.into(), reason.into())),
        }
    }

    /// The records by their hashes, with what they are called; those that were [renamed](Self::rename) by no hash that counts.
    pub fn names(&self) -> impl Iterator<Item = (u128, &str)> {
        self.records.iter().filter(|(_, record)| !record.is_renamed).map(|(hash, record)| (*hash, &*record.name))
    }

    /// Whether nothing is left alone.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a record as a whole is left alone.
    pub fn has_whole(&self) -> bool {
        self.records.values().any(|record| record.whole.is_some())
    }

    /// Leaves alone under another key too what is left alone under one: the record is called so on the other side.
    pub fn rename(&mut self, model: &str, from: &AnyKey, to: &AnyKey) {
        if let Some(named) = self.records.get_mut(&hash(model, from.as_str())) {
            named.is_renamed = true;
            let record = named.clone();
            let known = self.records.entry(hash(model, to.as_str())).or_default();
            known.whole = known.whole.take().or(record.whole);
            known.fields.extend(record.fields);
        }
    }

    /// What is left alone of a record; none when nothing is.
    pub fn of(&self, model: &str, key: &str) -> Option<&IgnoredRecord> {
        if self.records.is_empty() { None } else { self.records.get(&hash(model, key)) }
    }
}

impl IgnoredRecord {
    /// Why the record as a whole is left alone; none when it is not.
    pub fn whole(&self) -> Option<&str> {
        self.whole.as_deref()
    }

    /// Why a field is left alone, by itself; none when it is not.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| **field == *name).map(|(_, reason)| &**reason)
    }

    /// Whether a field stays as it is, by itself or with its record.
    pub fn keeps(&self, name: &str) -> bool {
        self.whole.is_some() || self.field(name).is_some()
    }
}

/// Why something is left alone, in words: until when, on whose word, and what that one said.
pub fn reason(until: Option<NaiveDate>, by: &str, why: &str) -> String {
    match until {
        Some(day) => format!("left alone until {day} by {by}: {why}"),
        None => format!("left alone by {by} until somebody ends it: {why}"),
    }
}

/// When a day is over, in UTC; none for a day that no calendar here has.
pub fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_kept_by_itself_or_with_its_record() {
        let key = AnyKey::parse(r#"["a"]"#).unwrap();
        let mut ignored = Ignored::default();
        assert_eq!(ignored.of("site", key.as_str()), None);
        ignored.add("site", &key, Some("name"), "why".to_owned());
        let record = ignored.of("site", key.as_str()).unwrap();
        assert_eq!((record.whole(), record.field("name"), record.keeps("status")), (None, Some("why"), false));
        ignored.add("site", &key, None, "all of it".to_owned());
        let record = ignored.of("site", key.as_str()).unwrap();
        assert_eq!((record.whole(), record.keeps("status")), (Some("all of it"), true));
        assert_eq!(ignored.of("device", key.as_str()), None);
    }

    #[test]
    fn a_day_counts_to_its_end() {
        let end = |day: &str| end_of(day.parse().unwrap()).map(|end| end.to_string());
        assert_eq!(end("2026-12-31").as_deref(), Some("2027-01-01 00:00:00 UTC"));
        assert_eq!(end_of(NaiveDate::MAX), None);
    }
}
