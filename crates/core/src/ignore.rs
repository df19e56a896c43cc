//! Differences that people leave alone: until a day, or until somebody ends it.
//!
//! What is ignored is decided when a plan is made, from what is in force then; a plan that waits was made before, and is not changed.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use syncline_model::AnyKey;

use crate::bindings::hash;
use crate::snapshot::Renamed;

/// How many ignores a sync has in force at most. Who wants to leave more alone wants other rules, not more exceptions.
pub const MOST: usize = 10_000;

/// The records and fields of one sync that a plan leaves alone.
#[derive(Debug, Clone, Default)]
pub struct Ignored {
    records: HashMap<u128, IgnoredRecord>,
    named: Vec<Named>,
}

/// A record as people named it.
#[derive(Debug, Clone)]
struct Named {
    model: Box<str>,
    key: AnyKey,
    /// The hash of what it is called now.
    now: u128,
}

/// What is left alone of one record, with the reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoredRecord {
    whole: Option<Box<str>>,
    fields: Vec<(Box<str>, Box<str>)>,
}

impl Ignored {
    /// Adds a record, or one field of it, with the reason as [`reason`] words it.
    pub fn add(&mut self, model: &str, key: &AnyKey, field: Option<&str>, reason: String) {
        let now = hash(model, key.as_str());
        if !self.records.contains_key(&now) {
            self.named.push(Named { model: model.into(), key: key.clone(), now });
        }
        let record = self.records.entry(now).or_default();
        match field {
            None => record.whole = Some(reason.into()),
            Some(field) => record.fields.push((field.into(), reason.into())),
        }
    }

    /// The records by the hashes of what they are [called now](Self::follow), each with its model and with its name as commands take it.
    pub fn names(&self) -> impl Iterator<Item = (u128, (&str, String))> {
        let name = |named: &Named| format!("{}:{}", named.model, named.key.as_str());
        self.named.iter().map(move |named| (named.now, (&*named.model, name(named))))
    }

    /// Whether nothing is left alone.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a record as a whole is left alone.
    pub fn has_whole(&self) -> bool {
        self.records.values().any(|record| record.whole.is_some())
    }

    /// Leaves alone under the keys of the source too what is left alone under those of the target: records that were renamed, and what
    /// is called after them.
    pub fn follow(&mut self, renamed: &Renamed<'_>) {
        let mut followed = Vec::new();
        for named in &mut self.named {
            let Some(key) = renamed.key(&named.model, &named.key) else { continue };
            let record = self.records.get(&named.now).cloned().unwrap_or_default();
            named.now = hash(&named.model, key.as_str());
            followed.push((named.now, record));
        }
        // Only then: a name that was passed on is another record's by now.
        for (now, record) in followed {
            let known = self.records.entry(now).or_default();
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
    use crate::snapshot::{Recognised, RecognisedBy};

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
    fn what_is_left_alone_follows_a_rename_and_so_do_its_parts() {
        let key = |text: &str| AnyKey::parse(text).unwrap();
        let port = key(r#"[[["atl"],"old"],"e1"]"#);
        let recognised = [Recognised {
            model: "device",
            source_key: key(r#"[["atl"],"new"]"#),
            target_key: key(r#"[["atl"],"old"]"#),
            by: RecognisedBy::Id,
        }];
        let mut ignored = Ignored::default();
        ignored.add("interface", &port, Some("mtu"), "why".to_owned());
        ignored.add("interface", &port, Some("speed"), "too fast".to_owned());
        ignored.follow(&Renamed::of(&recognised));
        let now = r#"[[["atl"],"new"],"e1"]"#;
        let record = ignored.of("interface", now).unwrap();
        assert_eq!((record.whole(), record.field("mtu"), record.field("speed")), (None, Some("why"), Some("too fast")));
        let names: Vec<_> = ignored.names().collect();
        let name = r#"interface:[[["atl"],"old"],"e1"]"#.to_owned();
        assert_eq!(names, [(hash("interface", now), ("interface", name))], "it is told once, as it was named");
    }

    #[test]
    fn a_day_counts_to_its_end() {
        let end = |day: &str| end_of(day.parse().unwrap()).map(|end| end.to_string());
        assert_eq!(end("2026-12-31").as_deref(), Some("2027-01-01 00:00:00 UTC"));
        assert_eq!(end_of(NaiveDate::MAX), None);
    }
}
