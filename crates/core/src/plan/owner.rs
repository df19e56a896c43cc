//! Who owns the fields that differ: what is written, what stays as the target has it, and what is cleared.

use serde_json::Value;
use syncline_model::{FieldKind, FieldSet, ModelSchema};

use super::left_out::LeftOutOf;
use crate::applied::{AppliedValues, Cause};
use crate::change::{Action, Change, FieldChange, Hold, HoldRule, KeptField};
use crate::ignore::IgnoredRecord;
use crate::policy::{FieldRule, Policy};

/// Decides about the fields of a create or an update that is not held.
///
/// `unsaid` are values of the target of which the source says nothing, as they would be cleared; `applied` is what Syncline last
/// applied to the record. Of the `initial` fields, which only differ where the target has nothing, a value that was applied once and is
/// gone is not given again: whoever took it away knows better, or the target does not hold it. An update may have no fields left.
///
/// What of the record is `ignored` stays as the target has it: fields of an update are kept, a record as a whole is held.
pub fn decide(
    schema: &ModelSchema,
    initial: FieldSet,
    policy: &Policy,
    change: &mut Change,
    unsaid: Vec<FieldChange>,
    applied: Option<&AppliedValues>,
    ignored: Option<&IgnoredRecord>,
) {
    if change.hold.is_some() {
        return;
    }
    decide_fields(schema, initial, policy, change, unsaid, applied, ignored);
    if let Some(reason) = ignored.and_then(IgnoredRecord::whole)
        && change.hold.is_none()
        && !change.fields.is_empty()
    {
        change.hold = Some(Hold { rule: HoldRule::Ignored, reason: reason.to_owned() });
    }
}

fn decide_fields(
    schema: &ModelSchema,
    initial: FieldSet,
    policy: &Policy,
    change: &mut Change,
    unsaid: Vec<FieldChange>,
    applied: Option<&AppliedValues>,
    ignored: Option<&IgnoredRecord>,
) {
    let before = change.fields.len();
    if change.action == Action::Create {
        leave_to_the_target(schema, policy, change);
    } else {
        // Only what was applied by us and is still so is ours to clear.
        let ours = |field: &FieldChange| applied.and_then(|applied| applied.is(&field.name, &field.before));
        let cleared: Vec<_> = unsaid.into_iter().filter(|field| ours(field) == Some(true)).collect();
        let clears = !cleared.is_empty();
        if !initial.is_empty()
            && let Some(applied) = applied
        {
            let is_initial = |name: &str| schema.position(name).is_some_and(|at| initial.contains(at));
            change
                .fields
                .retain(|field| !is_initial(&field.name) || applied.is(&field.name, &field.after) != Some(true));
        }
        let mut written = Vec::with_capacity(before + cleared.len());
        for mut field in std::mem::take(&mut change.fields).into_iter().chain(cleared) {
            field.cause = applied.map_or(Cause::Unknown, |a| a.cause(&field.name, &field.after, &field.before));
            let rule = policy.rule_of(schema.name, &field.name);
            let left = ignored.and_then(|ignored| ignored.field(&field.name)).map(str::to_owned);
            if left.is_some() || stays(rule, &field, applied) {
                change.kept.push(KeptField { ignored: left, ..kept(rule, field) });
            } else {
                written.push(field);
            }
        }
        if clears {
            let place = |name: &str| schema.position(name).unwrap_or(usize::MAX);
            written.sort_by_key(|field| place(&field.name));
            change.kept.sort_by_key(|field| place(&field.name));
        }
        change.fields = written;
    }
    if change.fields.len() == before && change.kept.is_empty() {
        return;
    }
    settle(change);
}

/// Keeps the references of a create or an update that is not held to what does not come, as `left_out` tells.
///
/// A list is written without those; it is among the kept fields too, as the source has it, for the rest of it that is not written. Of a
/// create, other references are left only where they are of the second pass; it cannot be without the others, and is held.
pub fn leave_out(
    schema: &ModelSchema,
    policy: &Policy,
    change: &mut Change,
    left_out: impl Fn(&FieldChange) -> Option<LeftOutOf>,
) {
    if change.hold.is_some() {
        return;
    }
    let before = change.kept.len();
    let is_create = change.action == Action::Create;
    for field in std::mem::take(&mut change.fields) {
        let left_out = left_out(&field).filter(|left| left.rest.is_some() || field.deferred || !is_create);
        let Some(LeftOutOf { reason, rest }) = left_out else {
            change.fields.push(field);
            continue;
        };
        if let Some(rest) = rest.filter(|rest| *rest != field.before) {
            change.fields.push(FieldChange { after: rest, ..field.clone() });
        }
        let rule = policy.rule_of(schema.name, &field.name);
        change.kept.push(KeptField { ignored: Some(reason), ..kept(rule, field) });
    }
    if change.kept.len() > before {
        let place = |name: &str| schema.position(name).unwrap_or(usize::MAX);
        change.kept.sort_by_key(|field| place(&field.name));
        settle(change);
    }
}

/// Holds a change of which nothing is written, and names it anew by what is left of it.
fn settle(change: &mut Change) {
    if change.fields.is_empty() {
        change.hold = nothing_left(&change.kept);
    }
    // A change that is nothing but kept fields is known by those.
    let named: Vec<FieldChange> = match change.fields.is_empty() {
        true => change.kept.iter().map(|f| FieldChange::new(&f.name, f.target.clone(), f.source.clone())).collect(),
        false => change.fields.clone(),
    };
    change.id = Change::id_of(&change.model, &change.key, change.action, &named);
}

/// The hold of an update whose fields all stay; none when there are none.
fn nothing_left(kept: &[KeptField]) -> Option<Hold> {
    let names = |fields: &[&KeptField]| fields.iter().map(|f| format!("`{}`", f.name)).collect::<Vec<_>>().join(", ");
    let (left, owned): (Vec<&KeptField>, Vec<_>) = kept.iter().partition(|field| field.ignored.is_some());
    let owned = (!owned.is_empty()).then(|| format!("the target keeps its own {} (`policy.fields`)", names(&owned)));
    let ignored = left.iter().filter_map(|field| Some(format!("`{}` is {}", field.name, field.ignored.as_ref()?)));
    let reasons: Vec<_> = ignored.chain(owned).collect();
    let rule = if left.is_empty() { HoldRule::Owner } else { HoldRule::Ignored };
    (!reasons.is_empty()).then(|| Hold { rule, reason: reasons.join("; ") })
}

/// Takes out of a create what is never written, but for what a record cannot be without.
pub fn leave_to_the_target(schema: &ModelSchema, policy: &Policy, change: &mut Change) {
    if policy.fields.is_empty() {
        return;
    }
    for field in std::mem::take(&mut change.fields) {
        let is_optional = schema
            .field(&field.name)
            .is_some_and(|field| !field.key && (field.nullable || matches!(field.kind, FieldKind::References(_))));
        let rule = policy.rule_of(schema.name, &field.name);
        if rule == FieldRule::ReportOnly && is_optional {
            change.kept.push(kept(rule, field));
        } else {
            change.fields.push(field);
        }
    }
}

/// Whether a field stays as the target has it.
fn stays(rule: FieldRule, field: &FieldChange, applied: Option<&AppliedValues>) -> bool {
    match rule {
        FieldRule::SourceWins => false,
        FieldRule::ReportOnly => true,
        FieldRule::OnlyIfEmpty => !is_empty(&field.before),
        FieldRule::TargetWins => {
            let is_ours = applied.and_then(|applied| applied.is(&field.name, &field.before)) == Some(true);
            !is_empty(&field.before) && !is_ours
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn kept(rule: FieldRule, field: FieldChange) -> KeptField {
    KeptField { name: field.name, source: field.after, target: field.before, rule, ignored: None, cause: field.cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use syncline_model::models::Device;
    use syncline_model::{AnyKey, Model};

    use crate::native::Native;

    const RULES: [FieldRule; 4] =
        [FieldRule::SourceWins, FieldRule::TargetWins, FieldRule::OnlyIfEmpty, FieldRule::ReportOnly];

    fn policy(rule: FieldRule) -> Policy {
        Policy { fields: [("device.serial".to_owned(), rule)].into(), ..Policy::default() }
    }

    fn update(fields: Vec<FieldChange>) -> Change {
        let key = AnyKey::from_value(&json!([["atl"], "sw1"])).unwrap();
        Change::new("device", key, Action::Update, Some(Native::new(7)), fields)
    }

    fn applied(value: &Value) -> AppliedValues {
        AppliedValues::of(&[FieldChange::new("serial", Value::Null, value.clone())])
    }

    /// What becomes of `serial` when source, target and the last applied value are these.
    fn decided(rule: FieldRule, source: &Value, target: &Value, last: Option<&Value>) -> String {
        let (fields, unsaid) = match source {
            _ if source == target => (Vec::new(), Vec::new()),
            Value::Null => (Vec::new(), vec![FieldChange::new("serial", target.clone(), Value::Null)]),
            _ => (vec![FieldChange::new("serial", target.clone(), source.clone())], Vec::new()),
        };
        let mut change = update(fields);
        decide(Device::SCHEMA, FieldSet::EMPTY, &policy(rule), &mut change, unsaid, last.map(applied).as_ref(), None);
        match (&change.fields[..], &change.kept[..], &change.hold) {
            ([], [], None) => "-".to_owned(),
            ([field], [], None) => format!("{} ({})", field.after, field.cause.as_str()),
            ([], [field], Some(hold)) => format!("kept ({}) {}", field.cause.as_str(), hold.rule.as_str()),
            other => panic!("{other:?}"),
        }
    }

    /// Three values, each of which the target, the source and the ledger may have, under every rule: the whole table.
    #[test]
    fn every_rule_with_every_three_values() {
        let values = [Value::Null, json!("A"), json!("B"), json!("C")];
        let mut table = String::new();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        for (source, target) in [(1, 0), (1, 2), (0, 2)] {
            for last in [None, Some(0), Some(1), Some(2), Some(3)] {
                let (source, target) = (&values[source], &values[target]);
                let last = last.map(|last: usize| &values[last]);
                let shown = RULES.map(|rule| format!("{:<28}", decided(rule, source, target, last)));
                let applied = last.map_or_else(|| "?".to_owned(), text);
                table += format!("{} {} {applied} | {}", text(source), text(target), shown.join("")).trim_end();
                table.push('\n');
            }
        }
        insta::assert_snapshot!(table, @r#"
A - ? | "A" (unknown)               "A" (unknown)               "A" (unknown)               kept (unknown) owner
A - - | "A" (source_changed)        "A" (source_changed)        "A" (source_changed)        kept (source_changed) owner
A - A | "A" (target_drifted)        "A" (target_drifted)        "A" (target_drifted)        kept (target_drifted) owner
A - B | "A" (both)                  "A" (both)                  "A" (both)                  kept (both) owner
A - C | "A" (both)                  "A" (both)                  "A" (both)                  kept (both) owner
A B ? | "A" (unknown)               kept (unknown) owner        kept (unknown) owner        kept (unknown) owner
A B - | "A" (both)                  kept (both) owner           kept (both) owner           kept (both) owner
A B A | "A" (target_drifted)        kept (target_drifted) owner kept (target_drifted) owner kept (target_drifted) owner
A B B | "A" (source_changed)        "A" (source_changed)        kept (source_changed) owner kept (source_changed) owner
A B C | "A" (both)                  kept (both) owner           kept (both) owner           kept (both) owner
- B ? | -                           -                           -                           -
- B - | -                           -                           -                           -
- B A | -                           -                           -                           -
- B B | null (source_changed)       null (source_changed)       kept (source_changed) owner kept (source_changed) owner
- B C | -                           -                           -                           -
"#);
    }

    proptest! {
        /// Whatever three values there are, no rule writes what it must not.
        #[test]
        fn owners_are_never_overruled(
            rule in 0..4_usize,
            source in proptest::option::of("[a-c]"),
            target in proptest::option::of("[a-c]"),
            last in proptest::option::of(proptest::option::of("[a-c]")),
        ) {
            let value = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| json!(text));
            let (rule, source, target) = (RULES[rule], value(&source), value(&target));
            let last = last.as_ref().map(value);
            let written = !decided(rule, &source, &target, last.as_ref()).starts_with(['-', 'k']);
            let is_ours = last.as_ref() == Some(&target);
            match rule {
                FieldRule::ReportOnly => prop_assert!(!written),
                FieldRule::OnlyIfEmpty => prop_assert_eq!(written, target.is_null() && !source.is_null()),
                FieldRule::TargetWins => prop_assert!(!written || target.is_null() || is_ours),
                FieldRule::SourceWins => prop_assert_eq!(written, source != target && (!source.is_null() || is_ours)),
            }
            // What the source does not say is only ever cleared when it is what was applied.
            prop_assert!(!written || !source.is_null() || is_ours);
        }
    }

    #[test]
    fn a_create_leaves_out_what_is_only_reported_but_not_what_a_record_needs() {
        let fields = vec![
            FieldChange::new("name", Value::Null, json!("sw1")),
            FieldChange::new("status", Value::Null, json!("active")),
            FieldChange::new("serial", Value::Null, json!("A")),
            FieldChange::new("tags", Value::Null, json!([["core"]])),
        ];
        let mut create = Change { action: Action::Create, native: None, ..update(fields) };
        let policy = Policy { fields: [("device.*".to_owned(), FieldRule::ReportOnly)].into(), ..Policy::default() };
        decide(Device::SCHEMA, FieldSet::EMPTY, &policy, &mut create, Vec::new(), None, None);
        let names: Vec<_> = create.fields.iter().map(|field| field.name.as_str()).collect();
        let kept: Vec<_> = create.kept.iter().map(|field| field.name.as_str()).collect();
        assert_eq!((names.join(" "), kept.join(" ")), ("name status".to_owned(), "serial tags".to_owned()));
        assert!(create.hold.is_none());
    }

    #[test]
    fn what_is_cleared_stands_in_the_schemas_order() {
        let fields = vec![FieldChange::new("vc_position", json!(1), json!(2))];
        let unsaid = vec![FieldChange::new("serial", json!("A"), Value::Null)];
        let mut change = update(fields);
        let id = change.id.clone();
        let applied = applied(&json!("A"));
        decide(Device::SCHEMA, FieldSet::EMPTY, &Policy::default(), &mut change, unsaid, Some(&applied), None);
        let names: Vec<_> = change.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["serial", "vc_position"]);
        assert_ne!(change.id, id, "another change has another name");
    }

    /// Whoever cleared an initial field, if not Syncline itself, is not contradicted, and a target that does not hold the value is
    /// not asked in every run.
    #[test]
    fn an_initial_field_is_not_given_twice_unless_syncline_took_it() {
        let initial: FieldSet = Device::SCHEMA.position("serial").into_iter().collect();
        let policy = Policy::default();
        let given = |initial, last: Option<&Value>| {
            let mut change = update(vec![FieldChange::new("serial", Value::Null, json!("A"))]);
            decide(Device::SCHEMA, initial, &policy, &mut change, Vec::new(), last.map(applied).as_ref(), None);
            assert!(change.hold.is_none());
            change.fields.len()
        };
        assert_eq!(given(initial, None), 1, "what was never written");
        assert_eq!(given(initial, Some(&json!("A"))), 0, "what was written and is gone");
        assert_eq!(given(initial, Some(&json!("B"))), 1, "what the source has since");
        assert_eq!(given(initial, Some(&Value::Null)), 1, "what Syncline itself cleared");
        assert_eq!(given(FieldSet::EMPTY, Some(&json!("A"))), 1, "any other field");
    }
}
