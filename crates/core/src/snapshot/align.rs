//! Recognising records that go by another key.
//!
//! A person made the manufacturer `Cisco` with the slug `cisco-systems`; the source calls it `cisco`. The key does not match,
//! the name does, and the target would refuse a second `Cisco`. So records that the key does not match are matched by the
//! model's alternates, and the target's snapshot is rewritten to go by the source's keys, references included. The target's
//! own key stays as it is: it is never compared, hence never written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Map, Value};
use syncline_model::{AnyKey, FieldKind, ModelSchema};

use super::run::{self, Buffer, Run};
use super::{Line, ModelSnapshot, Snapshot, SnapshotReader};
use crate::fields::ModelFields;
use crate::{Error, ErrorKind, Result, models};

/// How much of a model is held in memory while it is rewritten.
const BUFFER_BYTES: usize = 16 * 1024 * 1024;

/// A record of the target that goes by the source's key from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The model.
    pub model: &'static str,
    /// The key that the source knows it by.
    pub source_key: AnyKey,
    /// The key that the target has.
    pub target_key: AnyKey,
}

/// New keys of a model by the old ones. For a record that was adopted itself, also the fields that it was recognised by: they
/// read as the source has them, so that the target's own spelling is never written over.
type Renames = HashMap<String, Rename>;

struct Rename {
    key: String,
    key_fields: Vec<(&'static str, Value)>,
}

/// Rewrites the target's snapshot to go by the source's keys. Files are written to `folder` only for models that change.
pub fn align(source: &Snapshot, target: &mut Snapshot, fields: &ModelFields, folder: &Path) -> Result<Vec<Adoption>> {
    let renames = align_renames(source, target, fields, folder)?;
    let mut adoptions: Vec<_> = renames
        .iter()
        .flat_map(|(model, renames)| renames.iter().map(move |(old, rename)| (*model, old, rename)))
        .filter(|(_, _, rename)| !rename.key_fields.is_empty())
        .map(|(model, old, rename)| Adoption {
            model,
            source_key: AnyKey::from_canonical(&rename.key),
            target_key: AnyKey::from_canonical(old),
        })
        .collect();
    adoptions.sort_by(|a, b| (a.model, &a.source_key).cmp(&(b.model, &b.source_key)));
    Ok(adoptions)
}

/// Rewrites the target's snapshot to go by other keys: by model, pairs of the key that it has and the one that it gets. Files are
/// written to `folder` only for models that change.
#[cfg(feature = "runtime")]
pub(crate) fn rename(
    target: &mut Snapshot,
    fields: &ModelFields,
    names: BTreeMap<&'static str, Vec<(String, String)>>,
    folder: &Path,
) -> Result<()> {
    let schemas: Vec<_> = fields.iter().map(|(schema, _)| schema).collect();
    let referred_to = schemas.iter().flat_map(|schema| schema.references().map(|(_, model)| model)).collect();
    let mut names = names;
    let mut renames: BTreeMap<&'static str, Renames> = BTreeMap::new();
    for schema in models::order(&schemas)? {
        let own = names.remove(schema.name).unwrap_or_default();
        let own = own.into_iter().map(|(old, key)| (old, Rename { key, key_fields: Vec::new() }));
        renames.entry(schema.name).or_default().extend(own);
        rewrite(schema, target, folder, &mut renames, &referred_to)?;
    }
    // Second-pass references lead to models that came later.
    for schema in schemas.iter().filter(|schema| schema.references().any(|(field, _)| field.deferred)) {
        let own = renames.remove(schema.name);
        rewrite(schema, target, folder, &mut renames, &referred_to)?;
        if let Some(own) = own {
            renames.insert(schema.name, own);
        }
    }
    Ok(())
}

fn align_renames(
    source: &Snapshot,
    target: &mut Snapshot,
    fields: &ModelFields,
    folder: &Path,
) -> Result<BTreeMap<&'static str, Renames>> {
    let schemas: Vec<_> = fields.iter().map(|(schema, _)| schema).collect();
    let referred_to = schemas.iter().flat_map(|schema| schema.references().map(|(_, model)| model)).collect();
    let mut renames: BTreeMap<&'static str, Renames> = BTreeMap::new();
    for schema in models::order(&schemas)? {
        if !target.models.contains_key(schema.name) {
            continue;
        }
        // References to records that were renamed before this model; second-pass references may point to later ones.
        if schema.references().any(|(_, model)| renames.contains_key(model)) {
            rewrite(schema, target, folder, &mut renames, &referred_to)?;
        }
        let adopted = adopt(schema, fields, source, target)?;
        if adopted.is_empty() {
            continue;
        }
        let earlier = renames.insert(schema.name, adopted);
        rewrite(schema, target, folder, &mut renames, &referred_to)?;
        if let Some(earlier) = earlier {
            compose(earlier, renames.entry(schema.name).or_default());
        }
    }
    if !renames.is_empty() {
        // Second-pass references close circles: their models may have been renamed after the record was rewritten.
        for schema in &schemas {
            let late = schema.references().any(|(field, model)| field.deferred && renames.contains_key(model));
            if late && target.models.contains_key(schema.name) {
                rewrite(schema, target, folder, &mut renames, &referred_to)?;
            }
        }
    }
    Ok(renames)
}

/// Adds renames that were made before others: what they led to may have been renamed again.
fn compose(earlier: Renames, later: &mut Renames) {
    for (old, rename) in earlier {
        let key = later.get(&rename.key).map_or(rename.key, |again| again.key.clone());
        later.entry(old).or_insert(Rename { key, key_fields: Vec::new() });
    }
}

/// The records of the target that only an alternate matches, each to exactly one record of the source.
fn adopt(schema: &'static ModelSchema, fields: &ModelFields, source: &Snapshot, target: &Snapshot) -> Result<Renames> {
    let contract = fields.of(schema.name);
    let mut renames = Renames::new();
    let (Some(source), Some(target)) = (source.models.get(schema.name), target.models.get(schema.name)) else {
        return Ok(renames);
    };
    if schema.alternates.is_empty() {
        return Ok(renames);
    }
    let (mut only_source, mut only_target) = unmatched(source, target)?;
    for alternate in schema.alternates {
        if !alternate.iter().all(|&position| contract.contains(position)) {
            continue;
        }
        let names: Vec<_> = alternate.iter().map(|&position| schema.fields[position].name).collect();
        let by_value = |records: &[(String, Map<String, Value>)]| {
            let mut found: HashMap<String, Option<usize>> = HashMap::new();
            for (at, (_, record)) in records.iter().enumerate() {
                let values: Option<Vec<_>> =
                    names.iter().map(|name| record.get(*name).filter(|v| !v.is_null())).collect();
                if let Some(values) = values {
                    // A value that two records share says nothing of either.
                    let text = values.iter().map(ToString::to_string).collect::<Vec<_>>().join("\u{0}").to_lowercase();
                    found.entry(text).and_modify(|at| *at = None).or_insert(Some(at));
                }
            }
            found
        };
        let in_source = by_value(&only_source);
        let matched: Vec<(usize, usize)> = by_value(&only_target)
            .into_iter()
            .filter_map(|(value, target)| Some((in_source.get(&value).copied()??, target?)))
            .collect();
        for &(source, target) in &matched {
            let (key, record) = &only_source[source];
            let said = schema.key_fields().map(|field| field.name).chain(names.iter().copied());
            let key_fields = said.filter_map(|name| Some((name, record.get(name)?.clone())));
            let rename = Rename { key: key.clone(), key_fields: key_fields.collect() };
            renames.insert(only_target[target].0.clone(), rename);
        }
        retain_unmatched(&mut only_source, matched.iter().map(|(source, _)| *source));
        retain_unmatched(&mut only_target, matched.iter().map(|(_, target)| *target));
    }
    Ok(renames)
}

fn retain_unmatched<T>(records: &mut Vec<T>, matched: impl Iterator<Item = usize>) {
    let matched: BTreeSet<_> = matched.collect();
    let mut at = 0;
    records.retain(|_| {
        at += 1;
        !matched.contains(&(at - 1))
    });
}

type Records = Vec<(String, Map<String, Value>)>;

/// The records whose key the other side does not have.
fn unmatched(source: &ModelSnapshot, target: &ModelSnapshot) -> Result<(Records, Records)> {
    let mut source = SnapshotReader::open(source)?;
    let mut target = SnapshotReader::open(target)?;
    let (mut only_source, mut only_target) = (Records::new(), Records::new());
    let mut left = source.next_line()?;
    let mut right = target.next_line()?;
    let mut last_common: Vec<u8> = Vec::new();
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok((only_source, only_target)),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(left), Some(right)) => left.key.cmp(right.key),
        };
        match (order, &left, &right) {
            (std::cmp::Ordering::Less, Some(line), _) => {
                if line.key != last_common {
                    only_source.push(parsed(line)?);
                }
                left = source.next_line()?;
            }
            (std::cmp::Ordering::Greater, _, Some(line)) => {
                if line.key != last_common {
                    only_target.push(parsed(line)?);
                }
                right = target.next_line()?;
            }
            (_, Some(line), _) => {
                last_common.clear();
                last_common.extend_from_slice(line.key);
                left = source.next_line()?;
                right = target.next_line()?;
            }
            _ => return Ok((only_source, only_target)),
        }
    }
}

fn parsed(line: &Line<'_>) -> Result<(String, Map<String, Value>)> {
    Ok((String::from_utf8_lossy(line.key).into_owned(), parse(line.record)?))
}

fn parse<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| Error::new(ErrorKind::Storage, "a snapshot holds a record that is no JSON").caused_by(error))
}

/// Writes a model again with new keys and references; its own records that change key are added to `renames`.
fn rewrite(
    schema: &'static ModelSchema,
    target: &mut Snapshot,
    folder: &Path,
    renames: &mut BTreeMap<&'static str, Renames>,
    referred_to: &BTreeSet<&'static str>,
) -> Result<()> {
    let Some(old) = target.models.get(schema.name) else { return Ok(()) };
    let mut reader = SnapshotReader::open(old)?;
    let mut buffer = Buffer::default();
    let mut runs: Vec<Run> = Vec::new();
    let mut renamed = Renames::new();
    let (mut changed, mut moved) = (false, false);
    let is_referred_to = referred_to.contains(schema.name);
    while let Some(line) = reader.next_line()? {
        let old_key = String::from_utf8_lossy(line.key).into_owned();
        let mut record: Map<String, Value> = parse(line.record)?;
        let mut key: Vec<Value> = parse(line.key)?;
        let mut touched = false;
        for (field, kind) in schema.fields.iter().map(|field| (field, field.kind)) {
            let (Some(model), Some(value)) = (kind.referenced_model(), record.get_mut(field.name)) else { continue };
            let Some(table) = renames.get(model) else { continue };
            touched |= match kind {
                FieldKind::References(_) => {
                    let members = value.as_array_mut().into_iter().flatten();
                    members.fold(false, |touched, member| renamed_in(table, member) | touched)
                }
                _ => renamed_in(table, value),
            };
        }
        for (part, field) in key.iter_mut().zip(schema.key_fields()) {
            if let Some(table) = field.kind.referenced_model().and_then(|model| renames.get(model)) {
                touched |= renamed_in(table, part);
            }
        }
        let mut new_key = Value::Array(key).to_string();
        if let Some(adopted) = renames.get(schema.name).and_then(|table| table.get(&old_key)) {
            for (name, value) in &adopted.key_fields {
                record.insert((*name).to_owned(), value.clone());
            }
            touched |= !adopted.key_fields.is_empty();
            moved |= adopted.key != old_key;
            new_key.clone_from(&adopted.key);
        } else if new_key != old_key {
            moved = true;
            if is_referred_to {
                renamed.insert(old_key.clone(), Rename { key: new_key.clone(), key_fields: Vec::new() });
            }
        }
        changed |= touched;
        let record = if touched { ordered(schema, &record) } else { line.record.to_vec() };
        buffer.push(|out| out.extend_from_slice(new_key.as_bytes()), |out| out.extend_from_slice(&record), line.native);
        if buffer.len() >= BUFFER_BYTES {
            runs.push(std::mem::take(&mut buffer).spill(folder)?);
        }
    }
    if changed || moved {
        let merged = run::merge(schema.name, folder, &runs, buffer)?;
        if let Some(snapshot) = target.models.get_mut(schema.name) {
            snapshot.path = merged.path;
            snapshot.digest = merged.digest;
            snapshot.records = merged.records;
            snapshot.bytes = merged.bytes;
            snapshot.duplicates = merged.duplicates;
            snapshot.duplicate_keys = merged.duplicate_keys;
        }
    }
    if !renamed.is_empty() {
        renames.entry(schema.name).or_default().extend(renamed);
    }
    Ok(())
}

/// Puts the new key in the place of an old one.
fn renamed_in(table: &Renames, value: &mut Value) -> bool {
    if !value.is_array() {
        return false;
    }
    match table.get(&value.to_string()) {
        Some(rename) => match serde_json::from_str(&rename.key) {
            Ok(key) => {
                *value = key;
                true
            }
            Err(_) => false,
        },
        None => false,
    }
}

/// The canonical form of a record: its fields in the schema's order, sets in theirs.
pub(crate) fn ordered(schema: &ModelSchema, record: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::new();
    for field in schema.fields {
        let Some(value) = record.get(field.name) else { continue };
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(format!("\"{}\":", field.name).as_bytes());
        match (field.kind, value.as_array()) {
            (FieldKind::References(_), Some(members)) => {
                let mut members: Vec<_> = members.iter().map(ToString::to_string).collect();
                members.sort();
                members.dedup();
                out.extend_from_slice(format!("[{}]", members.join(",")).as_bytes());
            }
            _ => out.extend_from_slice(value.to_string().as_bytes()),
        }
    }
    if out.is_empty() {
        out.push(b'{');
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Events, Side};
    use crate::native::Native;
    use crate::snapshot::SnapshotSink;
    use syncline_model::models::{Device, DeviceType, Manufacturer};
    use syncline_model::{Key, Slug, Text};

    fn fields() -> ModelFields {
        ModelFields::new().all::<Manufacturer>().all::<DeviceType>()
    }

    fn maker(slug: &str, name: &str) -> Manufacturer {
        Manufacturer { slug: slug.parse().unwrap(), name: Text::new(name).unwrap() }
    }

    fn model(maker: &str, slug: &str, model: &str) -> DeviceType {
        let maker: Slug = maker.parse().unwrap();
        let manufacturer: Key<Manufacturer> = Manufacturer::key_of(&maker);
        DeviceType { manufacturer, slug: slug.parse().unwrap(), model: Text::new(model).unwrap(), part_number: None }
    }

    async fn snapshot(side: Side, folder: &Path, makers: &[Manufacturer], types: &[DeviceType]) -> Snapshot {
        let sink = SnapshotSink::create(side, folder, fields(), Events::new()).unwrap();
        let mut records = sink.open::<Manufacturer>().unwrap();
        for (id, maker) in makers.iter().enumerate() {
            records.push(maker, Some(&Native::new(id))).await.unwrap();
        }
        records.complete().await.unwrap();
        let mut records = sink.open::<DeviceType>().unwrap();
        for (id, model) in types.iter().enumerate() {
            records.push(model, Some(&Native::new(id))).await.unwrap();
        }
        records.complete().await.unwrap();
        sink.finish().unwrap()
    }

    fn lines(snapshot: &Snapshot, model: &str) -> Vec<String> {
        let mut reader = SnapshotReader::open(&snapshot.models[model]).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            lines.push(format!("{} {}", String::from_utf8_lossy(line.key), String::from_utf8_lossy(line.record)));
        }
        lines
    }

    #[tokio::test]
    async fn a_record_with_another_slug_is_known_by_its_name_and_so_is_what_refers_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let source = snapshot(
            Side::Source,
            path,
            &[maker("cisco", "Cisco"), maker("acme", "Acme")],
            &[model("cisco", "c9300", "C9300")],
        )
        .await;
        let mut target = snapshot(
            Side::Target,
            path,
            &[maker("cisco-systems", "CISCO"), maker("foreign", "Foreign")],
            &[model("cisco-systems", "catalyst-9300", "C9300"), model("foreign", "x", "X")],
        )
        .await;
        let adoptions = align(&source, &mut target, &fields(), path).unwrap();
        let shown: Vec<_> =
            adoptions.iter().map(|a| format!("{} {} = {}", a.model, a.source_key, a.target_key)).collect();
        assert_eq!(shown, ["device_type cisco / c9300 = cisco / catalyst-9300", "manufacturer cisco = cisco-systems"]);
        assert_eq!(
            lines(&target, "manufacturer"),
            [r#"["cisco"] {"slug":"cisco","name":"Cisco"}"#, r#"["foreign"] {"slug":"foreign","name":"Foreign"}"#]
        );
        assert_eq!(
            lines(&target, "device_type"),
            [
                r#"[["cisco"],"c9300"] {"manufacturer":["cisco"],"slug":"c9300","model":"C9300"}"#,
                r#"[["foreign"],"x"] {"manufacturer":["foreign"],"slug":"x","model":"X"}"#
            ]
        );
    }

    /// A device type of an adopted manufacturer that is adopted itself: what refers to it follows both.
    #[tokio::test]
    async fn renames_of_parent_and_child_compose() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let source =
            snapshot(Side::Source, path, &[maker("cisco", "Cisco")], &[model("cisco", "c9300", "C9300")]).await;
        let types = [model("cisco-systems", "catalyst-9300", "C9300"), model("cisco-systems", "own", "Own")];
        let mut target = snapshot(Side::Target, path, &[maker("cisco-systems", "Cisco")], &types).await;
        // Devices refer to device types, which makes the renames of those worth keeping.
        let referring = fields().only::<Device>(&["device_type"]);
        let mut renames = align_renames(&source, &mut target, &referring, path).unwrap();
        let types = renames.remove("device_type").unwrap();
        let shown: BTreeMap<_, _> = types.iter().map(|(old, new)| (old.as_str(), new.key.as_str())).collect();
        assert_eq!(shown[r#"[["cisco-systems"],"catalyst-9300"]"#], r#"[["cisco"],"c9300"]"#);
        assert_eq!(shown[r#"[["cisco-systems"],"own"]"#], r#"[["cisco"],"own"]"#);
    }

    #[tokio::test]
    async fn a_name_that_two_records_share_matches_neither() {
        let folder = tempfile::tempdir().unwrap();
        let source = snapshot(Side::Source, folder.path(), &[maker("cisco", "Cisco")], &[]).await;
        let twins = [maker("cisco-a", "Cisco"), maker("cisco-b", "Cisco")];
        let mut target = snapshot(Side::Target, folder.path(), &twins, &[]).await;
        let before = target.models["manufacturer"].digest.clone();
        assert!(align(&source, &mut target, &fields(), folder.path()).unwrap().is_empty());
        assert_eq!(target.models["manufacturer"].digest, before);
    }
}
