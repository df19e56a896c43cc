//! What each side had in the fields of a record, as the history saw it last, sync by sync.
//!
//! It comes from the changes and the findings that are there anyway: a field that no run ever wanted to change is in none of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use syncline_core::change::{Action, Change, FieldChange};
use syncline_core::history::{Finding, Ignore, OutcomeKind, Purpose, Run, RunId, TimelineEntry};
use syncline_model::AnyKey;

use super::change_row::{LONG, Row};
use super::ignore::{Left, ignore_href, record_run_href};
use super::overview::Link;
use super::run_line::sync_href;
use super::show::{When, clean};

/// What a sync knows of the record.
#[derive(Debug)]
pub struct OfSync {
    /// The sync.
    pub sync: Link,
    /// Field by field.
    pub fields: Vec<SeenField>,
    /// What is left alone.
    pub left: Vec<Left>,
    /// Where a run about this record is asked for, and where the whole record is left alone; none where the sync is not configured any more.
    pub ways: Option<Ways>,
}

/// What can be done about the record.
#[derive(Debug)]
pub struct Ways {
    /// Where a run about it is asked for.
    pub run: String,
    /// Where it is left alone.
    pub ignore: String,
}

/// A field.
#[derive(Debug)]
pub struct SeenField {
    /// Its name.
    pub name: String,
    /// What the source said, what was applied, what the target had.
    pub columns: [Option<Seen>; 3],
    /// Where it is left alone; none where it is, or where the sync is not configured any more.
    pub ignore: Option<String>,
    /// It is left alone now, by itself: of a record that is, that is told once.
    pub is_left: bool,
}

/// A value where it was seen last.
#[derive(Debug)]
pub struct Seen {
    /// The value; none where there was none.
    pub value: Option<String>,
    /// The run that saw it.
    pub run: i64,
    /// When.
    pub at: When,
}

/// What there is to tell from.
pub struct Traces<'a> {
    /// The model.
    pub model: &'a str,
    /// The record.
    pub key: &'a AnyKey,
    /// What happened to the record, newest first.
    pub entries: &'a [TimelineEntry],
    /// The runs of those.
    pub runs: &'a BTreeMap<RunId, (Run, Option<String>)>,
    /// Where drift checks found it to differ.
    pub findings: &'a [Finding],
    /// What is left alone of it.
    pub ignores: &'a [Ignore],
    /// The syncs that are configured.
    pub configured: &'a [String],
    /// A sync that knows the record, whatever the history has of it.
    pub named: Option<&'a str>,
}

#[derive(Clone, Copy)]
enum Column {
    Source,
    Applied,
    Target,
}

/// A value with the run and the time at which it was seen.
type Sight<'a> = (RunId, DateTime<Utc>, &'a Value);

/// By field, what stands in each [`Column`].
#[derive(Default)]
struct Table<'a>(BTreeMap<&'a str, [Option<Sight<'a>>; 3]>);

impl<'a> Table<'a> {
    /// Notes a value, unless a later run saw another one.
    fn see(&mut self, field: &'a str, column: Column, sight: Sight<'a>) {
        let slot = &mut self.0.entry(field).or_default()[column as usize];
        if slot.is_none_or(|(run, ..)| run < sight.0) {
            *slot = Some(sight);
        }
    }

    fn entry(&mut self, entry: &'a TimelineEntry, source_says: bool) {
        let change = &entry.change;
        let is_done = matches!(change.outcome, OutcomeKind::Applied | OutcomeKind::Unchanged);
        let sight = |value| (entry.run, change.at, value);
        for field in &change.fields {
            // Of a list that is written in part, what was kept tells what the source says of all of it.
            let in_part = change.kept.iter().any(|kept| kept.name == field.name);
            if source_says && change.action != Action::Delete && !in_part {
                self.see(&field.name, Column::Source, sight(&field.after));
            }
            if is_done {
                self.see(&field.name, Column::Applied, sight(&field.after));
            }
            self.see(&field.name, Column::Target, sight(if is_done { &field.after } else { &field.before }));
        }
        for kept in &change.kept {
            self.see(&kept.name, Column::Source, sight(&kept.source));
            self.see(&kept.name, Column::Target, sight(&kept.target));
        }
    }
}

impl Traces<'_> {
    /// What each sync knows, by its name.
    pub fn by_sync(&self, now: DateTime<Utc>) -> Vec<OfSync> {
        let entries = self.entries.iter().map(|entry| &entry.sync);
        let findings = self.findings.iter().map(|finding| &finding.sync);
        let ignores = self.ignores.iter().map(|ignore| &ignore.sync);
        let named = self.named.filter(|named| self.configured.iter().any(|name| name == named));
        let names = entries.chain(findings).chain(ignores).map(String::as_str).chain(named);
        names.collect::<BTreeSet<_>>().into_iter().map(|sync| self.of(sync, now)).collect()
    }

    fn of(&self, sync: &str, now: DateTime<Utc>) -> OfSync {
        let mut table = Table::default();
        let own = || self.entries.iter().filter(|entry| entry.sync == sync);
        // What a run marks in a record that the source no longer has is not what the source says.
        let absent: BTreeSet<_> =
            own().filter(|entry| entry.change.action == Action::Delete).map(|entry| entry.run).collect();
        for entry in own() {
            let takes_back = self.runs.get(&entry.run).is_some_and(|(run, _)| run.purpose == Purpose::Undo);
            table.entry(entry, !takes_back && !absent.contains(&entry.run));
        }
        for finding in self.findings.iter().filter(|finding| finding.sync == sync) {
            if let (Some(field), Action::Update) = (&finding.field, finding.action) {
                table.see(field, Column::Source, (finding.last_run, finding.last, &finding.source));
                table.see(field, Column::Target, (finding.last_run, finding.last, &finding.target));
            }
        }
        let is_configured = self.configured.iter().any(|name| name == sync);
        let ignores = || self.ignores.iter().filter(|ignore| ignore.sync == sync);
        let fields = table.0.into_iter().map(|(name, columns)| {
            let seen = |sight| Seen::of(self.model, self.key, name, sight, now);
            let columns = columns.map(|sight| sight.map(seen));
            let is_left = ignores().any(|ignore| ignore.field.as_deref() == Some(name));
            let with_all = ignores().any(|ignore| ignore.field.is_none());
            let ignore =
                (is_configured && !is_left && !with_all).then(|| ignore_href(sync, self.model, self.key, Some(name)));
            SeenField { name: clean(name), columns, ignore, is_left }
        });
        OfSync {
            sync: Link { name: clean(sync), href: sync_href(sync) },
            fields: fields.collect(),
            left: ignores().map(|ignore| Left::of(ignore, now)).collect(),
            ways: is_configured.then(|| Ways {
                run: record_run_href(sync, self.model, self.key),
                ignore: ignore_href(sync, self.model, self.key, None),
            }),
        }
    }
}

impl Seen {
    fn of(model: &str, key: &AnyKey, name: &str, (run, at, value): Sight<'_>, now: DateTime<Utc>) -> Self {
        Self { value: worded(model, key, name, value), run: run.number(), at: When::new(at, now) }
    }
}

/// A value of a field as changes show it.
fn worded(model: &str, key: &AnyKey, name: &str, value: &Value) -> Option<String> {
    let field = FieldChange::new(name, Value::Null, value.clone());
    let change = Change::new(model, key.clone(), Action::Update, None, vec![field]);
    let field = Row::planned(&change, &LONG).fields.into_iter().next()?;
    field.after.map(|marked| format!("{}{}{}", marked.head, marked.differs, marked.tail))
}
