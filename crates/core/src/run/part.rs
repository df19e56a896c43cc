//! A run about a part of its sync: both sides are read whole, so that all that is known of a record stays as true as ever, and of what
//! differs the plan has what is in the scope and what that needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syncline_model::ModelSchema;

use super::RunReport;
use super::count::site_key;
use super::definition::SyncDefinition;
use super::rerun::{Equal, Wanted};
use super::work::Work;
use crate::bindings::hash;
use crate::change::{Action, Change};
use crate::diff::{DiffCounts, DiffOutput};
use crate::fields::ModelFields;
use crate::history::Purpose;
use crate::models::ModelMode;
use crate::scope::{Scope, ScopeRecord, list, unknown_model};
use crate::site::SitePath;
use crate::snapshot::{Recognised, Renamed, Snapshot, SnapshotReader};
use crate::{Error, ErrorKind, Result};

/// What of all that differs a plan is about.
pub enum About {
    /// All of it.
    All,
    /// These records, and what they need.
    Records(Wanted),
    /// What is in a scope, and what that needs.
    Scope(Scope),
}

impl Work<'_> {
    /// What the plan of the run is to be about.
    pub(super) async fn about(&self, report: &mut RunReport) -> Result<About> {
        match self.run.purpose {
            Purpose::Rerun => Ok(About::Records(self.wanted(report).await?)),
            Purpose::Part => {
                let scope = self.run.options.scope.clone();
                let missing =
                    || Error::new(ErrorKind::Internal, "the history does not tell which part the run is about");
                Ok(About::Scope(scope.ok_or_else(missing)?))
            }
            Purpose::Sync | Purpose::Apply | Purpose::Drift | Purpose::Undo => Ok(About::All),
        }
    }
}

impl SyncDefinition {
    /// Refuses a model that the sync does not sync, as far as its configuration tells. What the systems do not know is told by a run.
    pub fn ensure_syncs(&self, model: &str) -> Result<()> {
        let refused = |message: String| Err(Error::new(ErrorKind::Refused, message));
        if let Some(message) = unknown_model(model) {
            return refused(message);
        }
        let mode = match self.models.get(model) {
            None | Some(ModelMode::Sync) => return Ok(()),
            Some(ModelMode::Lookup) => "lookup",
            Some(ModelMode::Off) => "off",
        };
        refused(format!(
            "the sync `{}` does not sync `{model}` (`models.{model} = \"{mode}\"`): change that, or leave the model out",
            self.name
        ))
    }

    /// Refuses a scope with a model that the sync does not sync, as far as its configuration tells.
    pub(super) fn ensure_syncs_scope(&self, scope: &Scope) -> Result<()> {
        named_models(scope).try_for_each(|model| self.ensure_syncs(model))
    }
}

/// The models that a scope names, by themselves and with records.
fn named_models(scope: &Scope) -> impl Iterator<Item = &str> {
    scope.models().chain(scope.records().map(|record| record.model.as_str()))
}

/// Refuses a scope that nothing can be in, before anything is read.
pub fn ensure_comparable(scope: &Scope, fields: &ModelFields, modes: &BTreeMap<&'static str, ModelMode>) -> Result<()> {
    let refused = |message: String| Err(Error::new(ErrorKind::Refused, message));
    let is_synced = |model: &str| modes.get(model) == Some(&ModelMode::Sync);
    let synced: Vec<_> = fields.iter().map(|(schema, _)| schema).filter(|schema| is_synced(schema.name)).collect();
    if let Some(other) = named_models(scope).find(|model| !is_synced(model)) {
        let known = list(synced.iter().map(|schema| schema.name));
        return refused(format!("`{other}` is no model that this sync writes (it writes {known})"));
    }
    let mut models = synced.iter().filter(|schema| scope.has_model(schema.name));
    if scope.has_sites() && models.all(|schema| SitePath::of(schema, fields).is_none()) {
        let message = "nothing of what the run would be about stands at a site, as far as both systems tell: name models or records \
                       instead of sites";
        return refused(message.to_owned());
    }
    Ok(())
}

/// Finds the records of a scope among those that differ, and counts those that are equal. `compare` makes the comparison. Sites and records that neither side has are
/// an error: they are a slip, or gone on both sides.
pub fn in_scope(
    scope: &Scope,
    fields: &ModelFields,
    sides: [&Snapshot; 2],
    recognised: &[Recognised],
    compare: impl Fn(&mut dyn DiffOutput) -> Result<()>,
) -> Result<(Wanted, Equal)> {
    let records = records(scope, recognised);
    ensure_known(scope, &records, sides)?;
    let mut found = Found::of(scope, fields, &records);
    found.note_places(sides[1])?;
    compare(&mut found)?;
    Ok((found.wanted, Equal::Known(found.equal)))
}

/// The records of a scope by the names that they have in the source: who names one by what it was called in the target means it too.
fn records(scope: &Scope, recognised: &[Recognised]) -> HashMap<ScopeRecord, ScopeRecord> {
    let renamed = Renamed::of(recognised);
    let named = scope.records().map(|record| {
        let key = renamed.key(&record.model, &record.key).unwrap_or_else(|| record.key.clone());
        (ScopeRecord { model: record.model.clone(), key }, record.clone())
    });
    named.collect()
}

/// Refuses a scope with a site or a record that neither side has.
fn ensure_known(scope: &Scope, records: &HashMap<ScopeRecord, ScopeRecord>, sides: [&Snapshot; 2]) -> Result<()> {
    let mut unknown: BTreeMap<&str, HashMap<Vec<u8>, String>> = BTreeMap::new();
    for site in scope.sites() {
        let key = site_key(&site.to_string());
        unknown.entry("site").or_default().insert(key.into_bytes(), format!("site `{site}`"));
    }
    for (known, named) in records {
        let keys = unknown.entry(&known.model).or_default();
        keys.insert(known.key.as_str().as_bytes().to_vec(), format!("`{}`", named.selector()));
    }
    for (model, keys) in &mut unknown {
        for snapshot in sides.iter().filter_map(|side| side.models.get(model)) {
            let mut reader = SnapshotReader::open(snapshot)?;
            while !keys.is_empty()
                && let Some(line) = reader.next_line()?
            {
                keys.remove(line.key);
            }
        }
    }
    let mut names: Vec<_> = unknown.into_values().flat_map(HashMap::into_values).collect();
    names.sort();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("neither side has {}: look at the spelling, or leave it out", names.join(", "));
    Err(Error::new(ErrorKind::NotFound, message))
}

/// Finds what of a comparison is in a scope.
struct Found<'a> {
    scope: &'a Scope,
    fields: &'a ModelFields,
    records: HashSet<u128>,
    sites: HashSet<String>,
    paths: HashMap<&'static str, Option<SitePath>>,
    wanted: Wanted,
    /// Those of the records that are named which stand at one of the sites too, and are of one of the models.
    twice: HashSet<u128>,
    /// How many records of the current model in the scope both sides have, and how many of them differ. Of a model that is in it
    /// whole, nobody needs to count.
    in_both: u64,
    differing: u64,
    /// The records in the scope that both sides have and that do not differ, by model.
    equal: BTreeMap<&'static str, u64>,
}

impl<'a> Found<'a> {
    fn of(scope: &'a Scope, fields: &'a ModelFields, records: &HashMap<ScopeRecord, ScopeRecord>) -> Self {
        Self {
            scope,
            fields,
            records: records.keys().map(|record| hash(&record.model, record.key.as_str())).collect(),
            sites: scope.sites().map(|site| site_key(&site.to_string())).collect(),
            paths: HashMap::new(),
            wanted: Wanted::new(),
            twice: HashSet::new(),
            in_both: 0,
            differing: 0,
            equal: BTreeMap::new(),
        }
    }

    /// Finds where the records stand that are named, so that none is counted with its site and again by its name.
    fn note_places(&mut self, target: &Snapshot) -> Result<()> {
        if !self.scope.has_sites() {
            return Ok(());
        }
        let named: BTreeSet<_> = self.scope.records().map(|record| record.model.as_str()).collect();
        for snapshot in named.iter().filter_map(|model| target.models.get(*model)) {
            let Some(path) = self.fields.schema(snapshot.model).and_then(|schema| SitePath::of(schema, self.fields))
            else {
                continue;
            };
            let mut reader = SnapshotReader::open(snapshot)?;
            while let Some(line) = reader.next_line()? {
                let own = hash(snapshot.model, &String::from_utf8_lossy(line.key));
                let stands = |site: &[u8]| self.sites.contains(&*String::from_utf8_lossy(site));
                if self.records.contains(&own) && path.in_record(line.key, line.record).is_some_and(stands) {
                    self.twice.insert(own);
                }
            }
        }
        Ok(())
    }

    /// Whether a record that both sides have is counted by its name: with its model or its site it is counted already.
    fn is_counted_by_name(&self, model: &str, own: u128) -> bool {
        let with_model = self.scope.has_model(model) && (!self.scope.has_sites() || self.twice.contains(&own));
        self.records.contains(&own) && !with_model
    }

    /// Takes an update out of what is equal: it is counted with what both sides have.
    fn differs(&mut self, change: &Change, site: Option<&str>) {
        if (change.action, &change.hold) != (Action::Update, &None) {
            return;
        }
        let is_there = self.scope.has_model(&change.model) && site.is_some_and(|site| self.sites.contains(site));
        let own = hash(&change.model, change.key.as_str());
        self.differing += u64::from(is_there || self.is_counted_by_name(&change.model, own));
    }

    fn look_at(&mut self, change: &Change, site: Option<&str>) -> Result<()> {
        let own = hash(&change.model, change.key.as_str());
        if self.records.contains(&own) || (self.scope.has_model(&change.model) && self.stands_there(change, site)?) {
            self.wanted.insert(own);
        }
        Ok(())
    }

    /// Whether a record stands at one of the sites, in the target or in the source.
    fn stands_there(&mut self, change: &Change, site: Option<&str>) -> Result<bool> {
        if !self.scope.has_sites() || site.is_some_and(|site| self.sites.contains(site)) {
            return Ok(true);
        }
        let schema = self.fields.schema(&change.model);
        let schema =
            schema.ok_or_else(|| Error::new(ErrorKind::Internal, "a change of a model that is not compared"))?;
        let path = self.paths.entry(schema.name).or_insert_with(|| SitePath::of(schema, self.fields));
        let Some(path) = path else { return Ok(false) };
        Ok(path.in_change(change).is_some_and(|site| self.sites.contains(&site))
            || path.after_change(change).is_some_and(|site| self.sites.contains(&site)))
    }
}

impl DiffOutput for Found<'_> {
    fn change(&mut self, change: Change) -> Result<()> {
        self.change_at(change, None)
    }

    fn change_at(&mut self, change: Change, site: Option<&str>) -> Result<()> {
        self.differs(&change, site);
        self.look_at(&change, site)
    }

    fn unsaid(&mut self, update: Change, site: Option<&str>) -> Result<()> {
        self.look_at(&update, site)
    }

    fn matched(&mut self, schema: &'static ModelSchema, key: &[u8], _: &[u8]) -> Result<()> {
        if !self.records.is_empty() {
            let own = hash(schema.name, &String::from_utf8_lossy(key));
            self.in_both += u64::from(self.is_counted_by_name(schema.name, own));
        }
        Ok(())
    }

    fn counted_at(&mut self, model: &'static ModelSchema, site: &str, in_both: u64) -> Result<()> {
        if self.scope.has_model(model.name) && self.sites.contains(site) {
            self.in_both += in_both;
        }
        Ok(())
    }

    fn counted(&mut self, model: &'static ModelSchema, counts: DiffCounts) -> Result<()> {
        let (in_both, differing) = (std::mem::take(&mut self.in_both), std::mem::take(&mut self.differing));
        let is_whole = self.scope.has_model(model.name) && !self.scope.has_sites();
        let equal = if is_whole { counts.unchanged } else { in_both.saturating_sub(differing) };
        self.equal.insert(model.name, equal);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use syncline_model::{AnyKey, FieldSet, models};

    use super::*;
    use crate::change::FieldChange;
    use crate::run::rerun::{Only, add_needed};

    fn fields() -> ModelFields {
        models::ALL.iter().fold(ModelFields::new(), |fields, schema| fields.insert(schema, FieldSet::ALL))
    }

    fn change(action: Action, model: &str, key: &Value, references: &[(&str, Value)]) -> Change {
        let fields = references.iter().map(|(name, value)| match action {
            Action::Delete => FieldChange::new(name, value.clone(), Value::Null),
            Action::Create | Action::Update => FieldChange::new(name, Value::Null, value.clone()),
        });
        let (key, fields) = (AnyKey::from_value(key).unwrap(), fields.collect::<Vec<_>>());
        Change::new(model, key, action, None, fields)
    }

    fn device(action: Action, site: &str, name: &str) -> Change {
        let references = [("device_type", json!([["cisco"], "c9300"])), ("site", json!([site]))];
        change(action, "device", &json!([[site], name]), &references)
    }

    fn interface(action: Action, site: &str, device: &str) -> Change {
        change(action, "interface", &json!([[[site], device], "Et1"]), &[("device", json!([[site], device]))])
    }

    #[derive(Default)]
    struct Kept(Vec<Change>);

    impl DiffOutput for Kept {
        fn change(&mut self, change: Change) -> Result<()> {
            self.0.push(change);
            Ok(())
        }

        fn counted(&mut self, _: &'static ModelSchema, _: DiffCounts) -> Result<()> {
            Ok(())
        }
    }

    fn kept(scope: &Scope, changes: &[Change]) -> Vec<String> {
        let fields = fields();
        let compare =
            |output: &mut dyn DiffOutput| changes.iter().cloned().try_for_each(|change| output.change(change));
        let mut found = Found::of(scope, &fields, &records(scope, &[]));
        compare(&mut found).unwrap();
        let mut wanted = found.wanted;
        let beside = add_needed(&mut wanted, &fields, compare).unwrap();
        let mut kept = Kept::default();
        compare(&mut Only::new(&wanted, &fields, &beside, Equal::Known(found.equal), &mut kept)).unwrap();
        let told = |change: &Change| {
            let held = change.hold.as_ref().map(|hold| format!(", held: {}", hold.reason)).unwrap_or_default();
            format!("{} {} {}{held}", change.action, change.model, change.key)
        };
        kept.0.iter().map(told).collect()
    }

    fn scope(value: Value) -> Scope {
        serde_json::from_value(value).unwrap()
    }

    /// In the order in which a comparison finds them: parents first.
    fn changes() -> Vec<Change> {
        let mut changes = vec![
            change(Action::Create, "manufacturer", &json!(["cisco"]), &[]),
            change(Action::Create, "manufacturer", &json!(["juniper"]), &[]),
            change(Action::Create, "site", &json!(["atl"]), &[]),
            change(Action::Create, "site", &json!(["bos"]), &[]),
            change(Action::Create, "device_type", &json!([["cisco"], "c9300"]), &[("manufacturer", json!(["cisco"]))]),
        ];
        changes.extend([
            device(Action::Create, "atl", "sw1"),
            device(Action::Create, "bos", "sw2"),
            device(Action::Delete, "bos", "old"),
            device(Action::Delete, "chi", "old"),
            interface(Action::Create, "atl", "sw1"),
            interface(Action::Create, "bos", "sw2"),
            interface(Action::Delete, "bos", "old"),
            interface(Action::Delete, "chi", "old"),
        ]);
        changes
    }

    #[test]
    fn a_model_is_kept_with_what_it_needs() {
        insta::assert_snapshot!(kept(&scope(json!({"models": ["device_type"]})), &changes()).join("\n"), @r"
        create manufacturer cisco
        create device_type cisco / c9300
        ");
    }

    #[test]
    fn a_site_is_kept_with_what_stands_there_and_what_that_needs() {
        insta::assert_snapshot!(kept(&scope(json!({"sites": ["bos"]})), &changes()).join("\n"), @r"
        create manufacturer cisco
        create site bos
        create device_type cisco / c9300
        create device bos / sw2
        delete device bos / old
        create interface bos / sw2 / Et1
        delete interface bos / old / Et1
        ");
        let some = scope(json!({"sites": ["bos", "chi"], "models": ["interface"]}));
        insta::assert_snapshot!(kept(&some, &changes()).join("\n"), @r"
        create manufacturer cisco
        create site bos
        create device_type cisco / c9300
        create device bos / sw2
        create interface bos / sw2 / Et1
        delete interface bos / old / Et1, held: its device `bos / old` is absent too, and is no part of what this run is about: it goes with that, or stays with it
        delete interface chi / old / Et1, held: its device `chi / old` is absent too, and is no part of what this run is about: it goes with that, or stays with it
        ");
    }

    #[test]
    fn a_record_is_kept_alone_and_goes_with_its_parts() {
        let record = |model: &str, key: Value| scope(json!({"records": [{"model": model, "key": key}]}));
        insta::assert_snapshot!(kept(&record("device", json!([["chi"], "old"])), &changes()).join("\n"), @r"
        delete device chi / old
        delete interface chi / old / Et1
        ");
        insta::assert_snapshot!(kept(&record("site", json!(["atl"])), &changes()).join("\n"), @"create site atl");
    }

    /// Whether a part of an absent record may go is decided with that: what holds it is not looked at in a run about the part alone.
    #[test]
    fn a_part_does_not_go_without_what_it_belongs_to() {
        insta::assert_snapshot!(kept(&scope(json!({"models": ["interface"], "sites": ["chi"]})), &changes()).join("\n"), @"delete interface chi / old / Et1, held: its device `chi / old` is absent too, and is no part of what this run is about: it goes with that, or stays with it");
        let port = scope(json!({"records": [{"model": "interface", "key": [[["chi"], "old"], "Et1"]}]}));
        assert_eq!(kept(&port, &changes()).len(), 1);
        assert!(kept(&port, &changes())[0].contains("held: its device"));
    }

    #[test]
    fn who_moves_is_at_both_sites() {
        let moved = FieldChange::new("site", json!(["a"]), json!(["b"]));
        let key = AnyKey::from_value(&json!([null, "10.0.0.0/8"])).unwrap();
        let changes = [Change::new("prefix", key, Action::Update, None, vec![moved])];
        for (site, number) in [("a", 1), ("b", 1), ("c", 0)] {
            assert_eq!(kept(&scope(json!({"sites": [site]})), &changes).len(), number, "{site}");
        }
    }

    /// Of two sites with two devices each, one of them different at either: what is equal is counted once, however it is named.
    #[test]
    fn what_is_equal_is_counted_in_the_scope_alone() {
        let fields = fields();
        let device = models::by_name("device").unwrap();
        let native: &[u8] = br#"{"id":"7"}"#;
        let compare = |output: &mut dyn DiffOutput| {
            for (site, name) in [("atl", "a1"), ("atl", "a2"), ("bos", "b1"), ("bos", "b2")] {
                let key = json!([[site], name]);
                output.matched(device, key.to_string().as_bytes(), native)?;
                if name.ends_with('2') {
                    let serial = FieldChange::new("serial", json!("A"), json!("B"));
                    let key = AnyKey::from_value(&key).unwrap();
                    let update = Change::new("device", key, Action::Update, None, vec![serial]);
                    output.change_at(update, Some(&site_key(site)))?;
                }
            }
            output.counted_at(device, &site_key("atl"), 2)?;
            output.counted_at(device, &site_key("bos"), 2)?;
            output.counted(device, DiffCounts { update: 2, unchanged: 2, ..DiffCounts::default() })
        };
        let equal = |value: Value, twice: &[&str]| {
            let scope = scope(value);
            let mut found = Found::of(&scope, &fields, &records(&scope, &[]));
            let twice = twice.iter().map(|name| hash("device", &json!([["atl"], name]).to_string()));
            found.twice = twice.collect();
            compare(&mut found).unwrap();
            found.equal["device"]
        };
        let record = |site: &str, name: &str| json!({"model": "device", "key": [[site], name]});
        assert_eq!(equal(json!({"models": ["device"]}), &[]), 2);
        assert_eq!(equal(json!({"models": ["interface"]}), &[]), 0);
        assert_eq!(equal(json!({"sites": ["atl"]}), &[]), 1);
        assert_eq!(equal(json!({"models": ["interface"], "sites": ["atl"]}), &[]), 0);
        assert_eq!(equal(json!({"records": [record("atl", "a1"), record("atl", "a2")]}), &[]), 1);
        assert_eq!(equal(json!({"models": ["device"], "records": [record("atl", "a1")]}), &[]), 2);
        let both =
            json!({"sites": ["atl"], "records": [record("atl", "a1"), record("atl", "a2"), record("bos", "b1")]});
        assert_eq!(equal(both, &["a1", "a2"]), 2);
    }

    #[test]
    fn a_renamed_record_is_known_by_both_names() {
        let key = |name: &str| AnyKey::from_value(&json!([["atl"], name])).unwrap();
        let recognised = [Recognised {
            model: "device",
            source_key: key("new"),
            target_key: key("old"),
            by: crate::snapshot::RecognisedBy::Id,
        }];
        for name in ["old", "new"] {
            let scope = scope(json!({"records": [{"model": "device", "key": [["atl"], name]}]}));
            let records = records(&scope, &recognised);
            assert_eq!(records.keys().next().unwrap().key, key("new"));
            let port = |name: &str| json!([[["atl"], name], "e1"]);
            let scope = self::scope(json!({"records": [{"model": "interface", "key": port(name)}]}));
            let records = self::records(&scope, &recognised);
            assert_eq!(records.keys().next().unwrap().key, AnyKey::from_value(&port("new")).unwrap());
        }
    }

    #[test]
    fn a_scope_that_nothing_can_be_in_is_refused() {
        let fields = ModelFields::new().all::<models::Tag>().all::<models::Site>();
        let refused = |value: Value, modes: &[(&'static str, ModelMode)]| {
            ensure_comparable(&scope(value), &fields, &modes.iter().copied().collect())
                .map_err(|error| error.to_string())
        };
        let modes = [("tag", ModelMode::Sync), ("site", ModelMode::Lookup)];
        insta::assert_snapshot!(refused(json!({"models": ["site"]}), &modes).unwrap_err(), @"`site` is no model that this sync writes (it writes tag)");
        insta::assert_snapshot!(refused(json!({"records": [{"model": "device", "key": ["a", "b"]}]}), &modes).unwrap_err(), @"`device` is no model that this sync writes (it writes tag)");
        insta::assert_snapshot!(refused(json!({"sites": ["a"]}), &modes).unwrap_err(), @"nothing of what the run would be about stands at a site, as far as both systems tell: name models or records instead of sites");
        assert_eq!(refused(json!({"models": ["tag"]}), &modes), Ok(()));
    }

    proptest! {
        /// Whatever is asked for, what is in the scope is kept, and of the rest only what a kept change needs.
        #[test]
        fn nothing_else_is_kept_and_nothing_is_left_out(
            models in proptest::collection::btree_set(proptest::sample::select(vec!["site", "device", "interface", "device_type"]), 0..3),
            sites in proptest::collection::btree_set(proptest::sample::select(vec!["atl", "bos", "chi"]), 0..3),
            present in proptest::collection::vec(any::<bool>(), 13),
        ) {
            let changes: Vec<_> =
                changes().into_iter().zip(present).filter(|(_, present)| *present).map(|(change, _)| change).collect();
            let mut parts = json!({});
            if !models.is_empty() {
                parts["models"] = json!(models);
            }
            if !sites.is_empty() {
                parts["sites"] = json!(sites);
            }
            prop_assume!(!models.is_empty() || !sites.is_empty());
            let kept = kept(&scope(parts), &changes);
            let site = |change: &Change| {
                let key = change.key.as_str();
                ["atl", "bos", "chi"].into_iter().find(|site| key.contains(&format!("[\"{site}\"")))
            };
            let is_meant = |change: &Change| {
                (models.is_empty() || models.contains(&*change.model))
                    && (sites.is_empty() || site(change).is_some_and(|site| sites.contains(site)))
            };
            for change in &changes {
                let text = format!("{} {} {}", change.action, change.model, change.key);
                let is_kept = kept.iter().any(|kept| *kept == text || kept.starts_with(&format!("{text}, held")));
                if is_meant(change) {
                    prop_assert!(is_kept, "{text} is left out");
                }
                // A create is needed by what refers to it; a part goes with what it belongs to.
                let is_needed = || match change.action {
                    Action::Create => changes.iter().any(|other| {
                        kept.contains(&format!("{} {} {}", other.action, other.model, other.key))
                            && other.fields.iter().any(|field| AnyKey::from_value(&field.after).as_ref() == Some(&change.key))
                    }),
                    Action::Delete => change.model == "interface" && kept.iter().any(|kept| {
                        kept.starts_with("delete device") && text.contains(kept.trim_start_matches("delete device "))
                    }),
                    Action::Update => false,
                };
                if is_kept {
                    prop_assert!(is_meant(change) || is_needed(), "{text} is kept");
                }
            }
        }
    }
}
