//! What of a system becomes what of the models, and what of the other one that becomes: field by field, with who owns it and in how many
//! records it has a value.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use syncline_core::describe::DataMapping;
use syncline_core::history::FilledFields;
use syncline_core::models::ModelMode;
use syncline_core::policy::{FieldRule, Policy};
use syncline_core::snapshot::Filled;
use syncline_render::words;

use super::show::{Count, Prose, When};

/// What of a system becomes which model.
#[derive(Debug)]
pub struct MappingGroup {
    pub model: String,
    pub native: Prose,
    pub note: Prose,
    /// What the model is in the other system.
    pub other: Prose,
    /// What is done with it, where it is not synced.
    pub mode: Option<&'static str>,
    /// The run that counted its values.
    pub counted: Option<Counted>,
    pub fields: Vec<MappingLine>,
}

/// When values were counted.
#[derive(Debug)]
pub struct Counted {
    pub run: i64,
    pub at: When,
    pub records: Count,
}

/// A field.
#[derive(Debug)]
pub struct MappingLine {
    pub field: &'static str,
    pub native: Prose,
    pub note: Prose,
    /// What it is in the other system, and how it changes on the way there.
    pub other: Vec<(Prose, Prose)>,
    /// Whose value counts, and the rule that says so; none where nothing is written.
    pub owner: Option<(&'static str, FieldRule)>,
    /// In how many records it has a value; none where nobody counted.
    pub filled: Option<FilledView>,
}

/// In how many records a field has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilledView {
    pub percent: u64,
    pub count: Count,
}

/// What the groups are made of.
pub struct Mappings<'a> {
    /// Those of the side that is shown.
    pub own: &'a [DataMapping],
    /// Those of the other side.
    pub others: &'a [DataMapping],
    pub policy: &'a Policy,
    /// What is done with models; those not named are synced.
    pub modes: &'a BTreeMap<String, ModelMode>,
    /// What the last complete reads counted, by model.
    pub filled: &'a BTreeMap<String, FilledFields>,
    pub now: DateTime<Utc>,
}

impl Mappings<'_> {
    /// The models in the order of the mappings, each with its fields.
    pub fn groups(&self) -> Vec<MappingGroup> {
        let mut groups: Vec<(&str, MappingGroup)> = Vec::new();
        for mapping in self.own {
            let at = groups.iter().position(|(model, _)| *model == mapping.model).unwrap_or_else(|| {
                groups.push((mapping.model, self.group(mapping.model)));
                groups.len() - 1
            });
            let group = &mut groups[at].1;
            if mapping.field.is_empty() {
                (group.native, group.note) = (Prose::of(&mapping.native), Prose::of(&mapping.note));
            } else {
                group.fields.push(self.line(mapping));
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    fn group(&self, model: &str) -> MappingGroup {
        let other = self.others.iter().find(|other| other.model == model && other.field.is_empty());
        let mode = self.modes.get(model).copied().unwrap_or(ModelMode::Sync);
        MappingGroup {
            model: words::plural_of(model),
            native: Prose::of(""),
            note: Prose::of(""),
            other: Prose::of(other.map_or("", |other| &other.native)),
            mode: if mode == ModelMode::Sync { None } else { words::mode(mode) },
            counted: self.filled.get(model).map(|counted| Counted {
                run: counted.run.number(),
                at: When::new(counted.at, self.now),
                records: Count(counted.filled.records),
            }),
            fields: Vec::new(),
        }
    }

    fn line(&self, mapping: &DataMapping) -> MappingLine {
        let (model, field) = (mapping.model, mapping.field);
        let others = self.others.iter().filter(|other| other.model == model && other.field == field);
        let other: Vec<_> = others.map(|other| (Prose::of(&other.native), Prose::of(&other.note))).collect();
        let mode = self.modes.get(model).copied().unwrap_or(ModelMode::Sync);
        let rule = self.policy.rule_of(model, field);
        let owner = match rule {
            FieldRule::SourceWins => "source",
            FieldRule::TargetWins => "target, once people changed it",
            FieldRule::OnlyIfEmpty => "target, once it has a value",
            FieldRule::ReportOnly => "target",
        };
        MappingLine {
            field,
            native: Prose::of(&mapping.native),
            note: Prose::of(&mapping.note),
            owner: (mode == ModelMode::Sync && !other.is_empty()).then_some((owner, rule)),
            other,
            filled: self.filled.get(model).and_then(|counted| FilledView::of(&counted.filled, field)),
        }
    }
}

impl FilledView {
    fn of(filled: &Filled, field: &str) -> Option<Self> {
        let percent = filled.percent(field)?;
        Some(Self { percent, count: Count(filled.fields.get(field).copied().unwrap_or_default()) })
    }
}

#[cfg(test)]
mod tests {
    use syncline_core::history::RunId;

    use super::*;

    #[test]
    fn a_field_is_followed_to_the_other_side() {
        let own = [
            DataMapping::model("device", "devices").with_note("those in scope"),
            DataMapping::field("device", "name", "devices.name"),
            DataMapping::field("device", "serial", "devices.serial").with_note("left alone when unknown"),
            DataMapping::field("device", "tags", "device_tags.tag"),
            DataMapping::field("site", "name", "sites.name"),
        ];
        let others = [
            DataMapping::model("device", "dcim.device"),
            DataMapping::field("device", "name", "name"),
            DataMapping::field("device", "serial", "serial").with_note("in capitals"),
            DataMapping::field("site", "name", "name"),
        ];
        let policy =
            Policy { fields: [("device.serial".to_owned(), FieldRule::OnlyIfEmpty)].into(), ..Policy::default() };
        let fields = [("name".to_owned(), 40), ("serial".to_owned(), 12)].into();
        let filled = Filled { records: 40, fields };
        let filled = FilledFields { run: RunId::new(7), at: Utc::now(), filled };
        let mappings = Mappings {
            own: &own,
            others: &others,
            policy: &policy,
            modes: &[("site".to_owned(), ModelMode::Lookup)].into(),
            filled: &[("device".to_owned(), filled)].into(),
            now: Utc::now(),
        };
        let mut told = Vec::new();
        for group in mappings.groups() {
            let counted = group.counted.map(|counted| format!("run {}: {}", counted.run, counted.records));
            told.push(format!("{}: {} → {} {:?} {counted:?}", group.model, group.native, group.other, group.mode));
            for line in group.fields {
                let other: Vec<_> = line.other.iter().map(|(native, note)| format!("{native} ({note})")).collect();
                let owner = line.owner.map(|(owner, rule)| format!("{owner}, {}", rule.as_str()));
                let filled = line.filled.map(|filled| format!("{} % {}", filled.percent, filled.count));
                told.push(format!("  {}: {} → {} | {owner:?} | {filled:?}", line.field, line.native, other.join("; ")));
            }
        }
        insta::assert_snapshot!(told.join("\n"), @r#"
        devices: devices → dcim.device None Some("run 7: 40")
          name: devices.name → name () | Some("source, source_wins") | Some("100 % 40")
          serial: devices.serial → serial (in capitals) | Some("target, once it has a value, only_if_empty") | Some("30 % 12")
          tags: device_tags.tag →  | None | None
        sites:  →  Some("only looked up") None
          name: sites.name → name () | None | None
        "#);
    }
}
