//! Recognising records that go by another key.
//!
//! A person made the manufacturer `Cisco` with the slug `cisco-systems`; the source calls it `cisco`. The key does not match,
//! the name does, and the target would refuse a second `Cisco`. So records that the key does not match are recognised by other
//! means, and the target's snapshot is rewritten to go by the source's keys, references included.
//!
//! What an alternate recognised keeps the target's own key: it is never compared, hence never written. What was renamed in the
//! source keeps the values that the target has, so that the comparison shows an update of the name, and nothing that hangs on it
//! is taken for new.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Map, Value};
use syncline_model::{AnyKey, FieldKind, ModelSchema};

use super::recognise::{Ambiguities, Bound, Links, Match, Recognised, parse, recognise};
use super::run::{self, Buffer, Run};
use super::{ModelSnapshot, Snapshot, SnapshotReader};
use crate::fields::ModelFields;
use crate::{Result, models};

/// How much of a model is held in memory while it is rewritten.
const BUFFER_BYTES: usize = 16 * 1024 * 1024;

/// What was found out when two snapshots were aligned.
#[derive(Debug, Default)]
pub struct Aligned {
    /// Records of the target that go by the source's key from here on.
    pub recognised: Vec<Recognised>,
    /// Records that could be several of the other side.
    pub ambiguous: Ambiguities,
    /// Ids of the source with those of the target, by model, where this is news.
    pub links: BTreeMap<&'static str, Links>,
    /// Names that were passed on.
    pub passed_on: PassedOn,
}

/// Names that one record has in the target and another one in the source, by model: the name, with the key by which the source knows
/// the record that has it in the target.
pub type PassedOn = BTreeMap<&'static str, Vec<(AnyKey, AnyKey)>>;

/// New keys of a model by the old ones.
type Renames = HashMap<String, String>;

/// Records that were recognised themselves, by their keys: the new key, and the fields that read as the source has them.
type Own = HashMap<String, (String, Vec<(&'static str, Value)>)>;

/// What is rewritten. Each reference is rewritten once, or a name that was passed on would be followed twice.
#[derive(Clone, Copy)]
enum Part<'o> {
    /// References of the first pass, and with them the keys that are made of them.
    Firm,
    /// The keys of records that were recognised.
    Own(&'o Own),
    /// References of the second pass.
    Deferred,
}

/// Rewrites the target's snapshot to go by the source's keys. Files are written to `folder` only for models that change. `bound`
/// tells the target's ids by the source's, of a model.
pub fn align(
    source: &Snapshot,
    target: &mut Snapshot,
    fields: &ModelFields,
    folder: &Path,
    bound: &dyn Fn(&str) -> Result<Bound>,
) -> Result<Aligned> {
    align_renames(source, target, fields, folder, bound).map(|(aligned, _)| aligned)
}

/// Rewrites the target's snapshot to go by other keys: by model, pairs of the key that it has and the one that it gets. Files are
/// written to `folder` only for models that change.
#[cfg(feature = "runtime")]
pub(crate) fn rename(
    target: &mut Snapshot,
    fields: &ModelFields,
    mut names: BTreeMap<&'static str, Vec<(String, String)>>,
    folder: &Path,
) -> Result<()> {
    let schemas: Vec<_> = fields.iter().map(|(schema, _)| schema).collect();
    let mut renames: BTreeMap<&'static str, Renames> = BTreeMap::new();
    for schema in models::order(&schemas)? {
        let mut here = Renames::new();
        if refers_to_renamed(schema, false, &renames) {
            here = rewrite(schema, target, folder, &renames, Part::Firm)?;
        }
        let own = names.remove(schema.name).unwrap_or_default().into_iter();
        // Named by the keys from before what they are made of was renamed.
        let own: Own = own.map(|(old, new)| (here.get(&old).cloned().unwrap_or(old), (new, Vec::new()))).collect();
        if !own.is_empty() {
            let followed = rewrite(schema, target, folder, &renames, Part::Own(&own))?;
            here = composed(here, followed);
        }
        if !here.is_empty() {
            renames.insert(schema.name, here);
        }
    }
    for schema in schemas.iter().filter(|schema| refers_to_renamed(schema, true, &renames)) {
        rewrite(schema, target, folder, &renames, Part::Deferred)?;
    }
    Ok(())
}

fn align_renames(
    source: &Snapshot,
    target: &mut Snapshot,
    fields: &ModelFields,
    folder: &Path,
    bound: &dyn Fn(&str) -> Result<Bound>,
) -> Result<(Aligned, BTreeMap<&'static str, Renames>)> {
    let schemas: Vec<_> = fields.iter().map(|(schema, _)| schema).collect();
    let referred_to: BTreeSet<_> =
        schemas.iter().flat_map(|schema| schema.references().map(|(_, model)| model)).collect();
    let mut aligned = Aligned::default();
    let mut renames: BTreeMap<&'static str, Renames> = BTreeMap::new();
    for schema in models::order(&schemas)? {
        if !target.models.contains_key(schema.name) {
            continue;
        }
        let is_referred_to = referred_to.contains(schema.name);
        if refers_to_renamed(schema, false, &renames) {
            let followed = rewrite(schema, target, folder, &renames, Part::Firm)?;
            if is_referred_to && !followed.is_empty() {
                renames.insert(schema.name, followed);
            }
        }
        let (Some(here), Some(there)) = (source.models.get(schema.name), target.models.get(schema.name)) else {
            continue;
        };
        let findings = recognise(schema, fields.of(schema.name), here, there, &bound(schema.name)?)?;
        for (key, reason) in findings.ambiguous {
            aligned.ambiguous.insert(schema.name, AnyKey::from_canonical(&key), reason);
        }
        if !findings.links.is_empty() {
            aligned.links.insert(schema.name, findings.links);
        }
        let passed_on = passed_on(here, &findings.found)?;
        if !passed_on.is_empty() {
            aligned.passed_on.insert(schema.name, passed_on);
        }
        let mut own = Own::new();
        for (old, found) in findings.found {
            aligned.recognised.push(Recognised {
                model: schema.name,
                source_key: AnyKey::from_canonical(&found.key),
                target_key: AnyKey::from_canonical(&old),
                by: found.by,
            });
            own.insert(old, (found.key, found.spelling));
        }
        if own.is_empty() {
            continue;
        }
        let followed = rewrite(schema, target, folder, &renames, Part::Own(&own))?;
        if is_referred_to {
            let earlier = renames.remove(schema.name).unwrap_or_default();
            renames.insert(schema.name, composed(earlier, followed));
        }
    }
    // References that close circles are rewritten when every model has its keys.
    for schema in &schemas {
        if target.models.contains_key(schema.name) && refers_to_renamed(schema, true, &renames) {
            rewrite(schema, target, folder, &renames, Part::Deferred)?;
        }
    }
    aligned.recognised.sort_by(|a, b| (a.model, &a.source_key).cmp(&(b.model, &b.source_key)));
    Ok((aligned, renames))
}

/// The names of renamed records that the source gives to others.
fn passed_on(source: &ModelSnapshot, found: &[(String, Match)]) -> Result<Vec<(AnyKey, AnyKey)>> {
    let mut renamed: HashMap<&[u8], &str> = found
        .iter()
        .filter(|(old, found)| *old != found.key)
        .map(|(old, found)| (old.as_bytes(), found.key.as_str()))
        .collect();
    let mut passed_on = Vec::new();
    if renamed.is_empty() {
        return Ok(passed_on);
    }
    let mut reader = SnapshotReader::open(source)?;
    while let Some(line) = reader.next_line()? {
        if let Some(new) = renamed.remove(line.key) {
            let name = AnyKey::from_canonical(&String::from_utf8_lossy(line.key));
            passed_on.push((name, AnyKey::from_canonical(new)));
        }
    }
    Ok(passed_on)
}

fn refers_to_renamed(schema: &ModelSchema, deferred: bool, renames: &BTreeMap<&'static str, Renames>) -> bool {
    schema.references().any(|(field, model)| field.deferred == deferred && renames.contains_key(model))
}

/// Renames that were made one after the other, as one.
fn composed(earlier: Renames, mut later: Renames) -> Renames {
    let mut composed: Renames = earlier
        .into_iter()
        .map(|(old, between)| {
            let new = later.remove(&between).unwrap_or(between);
            (old, new)
        })
        .collect();
    composed.extend(later);
    composed
}

/// Writes a part of a model again with new keys and references: the keys that changed.
fn rewrite(
    schema: &'static ModelSchema,
    target: &mut Snapshot,
    folder: &Path,
    renames: &BTreeMap<&'static str, Renames>,
    part: Part<'_>,
) -> Result<Renames> {
    let mut renamed = Renames::new();
    let Some(old) = target.models.get(schema.name) else { return Ok(renamed) };
    let mut reader = SnapshotReader::open(old)?;
    let mut buffer = Buffer::default();
    let mut runs: Vec<Run> = Vec::new();
    let mut changed = false;
    while let Some(line) = reader.next_line()? {
        let old_key = String::from_utf8_lossy(line.key).into_owned();
        let mut record: Map<String, Value> = parse(line.record)?;
        let mut touched = false;
        let mut new_key = None;
        if let Part::Own(own) = part {
            if let Some((key, spelling)) = own.get(&old_key) {
                for (name, value) in spelling {
                    touched |= record.insert((*name).to_owned(), value.clone()).as_ref() != Some(value);
                }
                new_key = Some(key).filter(|key| **key != old_key).cloned();
            }
        } else {
            let deferred = matches!(part, Part::Deferred);
            for field in schema.fields.iter().filter(|field| field.deferred == deferred) {
                let table = field.kind.referenced_model().and_then(|model| renames.get(model));
                let (Some(table), Some(value)) = (table, record.get_mut(field.name)) else { continue };
                touched |= match field.kind {
                    FieldKind::References(_) => {
                        let members = value.as_array_mut().into_iter().flatten();
                        members.fold(false, |touched, member| renamed_in(table, member) | touched)
                    }
                    _ => renamed_in(table, value),
                };
            }
            if !deferred {
                let mut key: Vec<Value> = parse(line.key)?;
                let mut moved = false;
                for (part, field) in key.iter_mut().zip(schema.key_fields()) {
                    if let Some(table) = field.kind.referenced_model().and_then(|model| renames.get(model)) {
                        moved |= renamed_in(table, part);
                    }
                }
                new_key = moved.then(|| Value::Array(key).to_string());
            }
        }
        changed |= touched || new_key.is_some();
        let record = if touched { ordered(schema, &record) } else { line.record.to_vec() };
        let key = new_key.as_ref().unwrap_or(&old_key);
        buffer.push(|out| out.extend_from_slice(key.as_bytes()), |out| out.extend_from_slice(&record), line.native);
        if let Some(new_key) = new_key {
            renamed.insert(old_key, new_key);
        }
        if buffer.len() >= BUFFER_BYTES {
            runs.push(std::mem::take(&mut buffer).spill(folder)?);
        }
    }
    if changed {
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
    Ok(renamed)
}

/// Puts the new key in the place of an old one.
fn renamed_in(table: &Renames, value: &mut Value) -> bool {
    if !value.is_array() {
        return false;
    }
    match table.get(&value.to_string()) {
        Some(new) => match serde_json::from_str(new) {
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
            (FieldKind::Texts | FieldKind::Pairs, Some(members)) => {
                let mut members = members.clone();
                members.sort_by(texts_in_order);
                members.dedup();
                out.extend_from_slice(Value::Array(members).to_string().as_bytes());
            }
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

/// The order of texts, or of arrays of texts, in a set: that of their characters, not of their JSON.
fn texts_in_order(one: &Value, other: &Value) -> std::cmp::Ordering {
    let texts = |value: &Value| -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        value.as_array().map_or_else(|| vec![text(value)], |parts| parts.iter().map(text).collect())
    };
    texts(one).cmp(&texts(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Events, Side};
    use crate::native::Native;
    use crate::snapshot::SnapshotSink;
    use syncline_model::models::{
        Device, DeviceRole, DeviceStatus, DeviceType, Interface, InterfaceType, Manufacturer, Site, VirtualChassis,
    };
    use syncline_model::{Key, Model, Slug, Text};

    #[expect(clippy::unnecessary_wraps, reason = "it stands for a question that may fail")]
    fn unbound(_: &str) -> Result<Bound> {
        Ok(Bound::new())
    }

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
        let aligned = align(&source, &mut target, &fields(), path, &unbound).unwrap();
        let shown: Vec<_> =
            aligned.recognised.iter().map(|a| format!("{} {} = {}", a.model, a.source_key, a.target_key)).collect();
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
        let (_, mut renames) = align_renames(&source, &mut target, &referring, path, &unbound).unwrap();
        let types = renames.remove("device_type").unwrap();
        let shown: BTreeMap<_, _> = types.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
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
        assert!(align(&source, &mut target, &fields(), folder.path(), &unbound).unwrap().recognised.is_empty());
        assert_eq!(target.models["manufacturer"].digest, before);
    }

    /// Devices at sites, by name, with their serial numbers and handles.
    struct Given {
        site: &'static str,
        name: &'static str,
        serial: Option<&'static str>,
        id: u32,
    }

    fn at(site: &'static str, name: &'static str, serial: Option<&'static str>, id: u32) -> Given {
        Given { site, name, serial, id }
    }

    fn device_fields() -> ModelFields {
        let devices = ModelFields::new().only::<Device>(&["name", "device_type", "serial"]);
        devices.only::<Interface>(&["name", "device", "enabled", "lag"]).all::<VirtualChassis>()
    }

    /// Every device has two ports, of which one is an aggregate of the other, and leads a stack of its name.
    async fn devices(side: Side, folder: &Path, boxes: &[Given], complete: bool) -> Snapshot {
        let sink = SnapshotSink::create(side, folder, device_fields(), Events::new()).unwrap();
        let mut devices = sink.open::<Device>().unwrap();
        let mut ports = sink.open::<Interface>().unwrap();
        let mut stacks = sink.open::<VirtualChassis>().unwrap();
        for Given { site, name, serial, id } in boxes {
            let maker: Key<Manufacturer> = Manufacturer::key_of(&"cisco".parse().unwrap());
            let device = Device {
                site: Site::key_of(&site.parse().unwrap()),
                name: Text::new(name).unwrap(),
                device_type: DeviceType::key_of(&maker, &"c9300".parse().unwrap()),
                role: DeviceRole::key_of(&"switch".parse().unwrap()),
                platform: None,
                status: DeviceStatus::Active,
                serial: serial.and_then(Text::new),
                virtual_chassis: None,
                vc_position: None,
                primary_ip4: None,
                primary_ip6: None,
                tags: BTreeSet::new(),
                tenant: None,
                cluster: None,
                custom_fields: None,
                config_context: None,
            };
            devices.push(&device, Some(&Native::new(id))).await.unwrap();
            let port = |name: &str, lag: Option<&str>| Interface {
                device: device.key(),
                name: Text::new(name).unwrap(),
                r#type: InterfaceType::Base1000T,
                enabled: true,
                mtu: None,
                speed: None,
                description: None,
                lag: lag.map(|lag| Interface::key_of(&device.key(), &Text::new(lag).unwrap())),
                mode: None,
                untagged_vlan: None,
            };
            ports.push(&port("Po1", None), Some(&Native::new(id * 10))).await.unwrap();
            ports.push(&port("e1", Some("Po1")), Some(&Native::new(id * 10 + 1))).await.unwrap();
            let stack = VirtualChassis {
                name: Text::new(&format!("stack-{id}")).unwrap(),
                domain: None,
                master: Some(device.key()),
            };
            stacks.push(&stack, Some(&Native::new(id))).await.unwrap();
        }
        stacks.complete().await.unwrap();
        ports.complete().await.unwrap();
        if complete {
            devices.complete().await.unwrap();
        } else {
            devices.partial("cut").await.unwrap();
        }
        sink.finish().unwrap()
    }

    /// What becomes of the target's devices and of what hangs on them.
    async fn aligned(
        source: &[Given],
        target: &[Given],
        bound: &'static [(&'static str, &'static str)],
        complete: bool,
    ) -> (Aligned, String) {
        let folder = tempfile::tempdir().unwrap();
        let source = devices(Side::Source, folder.path(), source, complete).await;
        let mut target = devices(Side::Target, folder.path(), target, true).await;
        let bound = |model: &str| -> Result<Bound> {
            let bound = bound.iter().filter(|_| model == "device");
            Ok(bound.map(|(source, target)| ((*source).into(), (*target).into())).collect())
        };
        let aligned = align(&source, &mut target, &device_fields(), folder.path(), &bound).unwrap();
        let mut shown: Vec<String> = aligned.recognised.iter().map(ToString::to_string).collect();
        for model in ["device", "interface", "virtual_chassis"] {
            let lines = lines(&target, model);
            shown.extend(lines.into_iter().map(|line| line.replace(r#","device_type":[["cisco"],"c9300"]"#, "")));
        }
        (aligned, shown.join("\n"))
    }

    /// The source's id of a device, which an earlier run bound, tells that it was renamed. Its record keeps what the target has; what
    /// hangs on it follows.
    #[tokio::test]
    async fn a_device_that_was_renamed_is_known_by_its_id() {
        let (aligned, shown) =
            aligned(&[at("atl", "new", None, 1)], &[at("atl", "old", None, 7)], &[("1", "7")], true).await;
        insta::assert_snapshot!(shown, @r#"
device `atl / new` is the target's `atl / old`, renamed or moved: its id in the source says so
[["atl"],"new"] {"site":["atl"],"name":"old"}
[[["atl"],"new"],"Po1"] {"device":[["atl"],"new"],"name":"Po1","enabled":true,"lag":null}
[[["atl"],"new"],"e1"] {"device":[["atl"],"new"],"name":"e1","enabled":true,"lag":[[["atl"],"new"],"Po1"]}
["stack-7"] {"name":"stack-7","master":[["atl"],"new"]}
"#);
        assert!(aligned.ambiguous.is_empty());
    }

    /// Names that were passed on: each device is followed once, and what hangs on it with it.
    #[tokio::test]
    async fn names_that_were_passed_on_are_not_followed_twice() {
        let source = [at("atl", "b", None, 1), at("atl", "c", None, 2), at("atl", "a", None, 3)];
        let target = [at("atl", "a", None, 7), at("atl", "b", None, 8), at("atl", "c", None, 9)];
        let (aligned, shown) = aligned(&source, &target, &[("1", "7"), ("2", "8"), ("3", "9")], true).await;
        insta::assert_snapshot!(shown, @r#"
device `atl / a` is the target's `atl / c`, renamed or moved: its id in the source says so
device `atl / b` is the target's `atl / a`, renamed or moved: its id in the source says so
device `atl / c` is the target's `atl / b`, renamed or moved: its id in the source says so
[["atl"],"a"] {"site":["atl"],"name":"c"}
[["atl"],"b"] {"site":["atl"],"name":"a"}
[["atl"],"c"] {"site":["atl"],"name":"b"}
[[["atl"],"a"],"Po1"] {"device":[["atl"],"a"],"name":"Po1","enabled":true,"lag":null}
[[["atl"],"a"],"e1"] {"device":[["atl"],"a"],"name":"e1","enabled":true,"lag":[[["atl"],"a"],"Po1"]}
[[["atl"],"b"],"Po1"] {"device":[["atl"],"b"],"name":"Po1","enabled":true,"lag":null}
[[["atl"],"b"],"e1"] {"device":[["atl"],"b"],"name":"e1","enabled":true,"lag":[[["atl"],"b"],"Po1"]}
[[["atl"],"c"],"Po1"] {"device":[["atl"],"c"],"name":"Po1","enabled":true,"lag":null}
[[["atl"],"c"],"e1"] {"device":[["atl"],"c"],"name":"e1","enabled":true,"lag":[[["atl"],"c"],"Po1"]}
["stack-7"] {"name":"stack-7","master":[["atl"],"b"]}
["stack-8"] {"name":"stack-8","master":[["atl"],"c"]}
["stack-9"] {"name":"stack-9","master":[["atl"],"a"]}
"#);
        assert!(!aligned.links.contains_key("device"), "nothing is news");
    }

    /// A device with the name that a renamed one had is another device.
    #[tokio::test]
    async fn a_name_that_was_given_to_another_device_does_not_make_it_the_old_one() {
        let source = [at("atl", "b", None, 1), at("atl", "a", None, 2)];
        let (aligned, shown) = aligned(&source, &[at("atl", "a", None, 7)], &[("1", "7")], true).await;
        assert!(
            shown.starts_with(
                "device `atl / b` is the target's `atl / a`, renamed or moved: its id in the source says so"
            )
        );
        assert!(!aligned.links.contains_key("device"), "{:?}", aligned.links);
    }

    /// What the key matches is bound; what is bound to nothing that there is, is bound anew.
    #[tokio::test]
    async fn pairs_that_are_new_are_bound() {
        let source = [at("atl", "a", None, 1), at("atl", "b", None, 2), at("atl", "c", None, 3)];
        let target = [at("atl", "a", None, 7), at("atl", "b", None, 8), at("atl", "x", None, 9)];
        let (aligned, _) = aligned(&source, &target, &[("2", "99"), ("3", "98")], true).await;
        let links = aligned.links["device"].iter().map(|(s, t)| format!("{s}={t}")).collect::<Vec<_>>();
        assert_eq!(links, ["1=7", "2=8"]);
        assert!(aligned.recognised.is_empty());
    }

    /// Two records of the source are bound to one of the target: it is known by its key alone.
    #[tokio::test]
    async fn what_two_records_are_bound_to_is_neither() {
        let source = [at("atl", "x", None, 1), at("atl", "y", None, 2)];
        let (aligned, _) = aligned(&source, &[at("atl", "a", None, 7)], &[("1", "7"), ("2", "7")], true).await;
        assert!(aligned.recognised.is_empty());
    }

    /// A source without ids: the serial number tells, of a rename and of a move.
    #[tokio::test]
    async fn a_device_that_was_renamed_is_known_by_its_serial_number() {
        let source = [at("bos", "new", Some("S1"), 1), at("atl", "other", Some("S2"), 2)];
        let target = [at("atl", "old", Some("s1"), 7), at("atl", "other", Some("S2"), 8)];
        let (_, shown) = aligned(&source, &target, &[], true).await;
        insta::assert_snapshot!(shown, @r#"
device `bos / new` is the target's `atl / old`, renamed or moved: its device_type and serial say so
[["atl"],"other"] {"site":["atl"],"name":"other","serial":"S2"}
[["bos"],"new"] {"site":["atl"],"name":"old","serial":"s1"}
[[["atl"],"other"],"Po1"] {"device":[["atl"],"other"],"name":"Po1","enabled":true,"lag":null}
[[["atl"],"other"],"e1"] {"device":[["atl"],"other"],"name":"e1","enabled":true,"lag":[[["atl"],"other"],"Po1"]}
[[["bos"],"new"],"Po1"] {"device":[["bos"],"new"],"name":"Po1","enabled":true,"lag":null}
[[["bos"],"new"],"e1"] {"device":[["bos"],"new"],"name":"e1","enabled":true,"lag":[[["bos"],"new"],"Po1"]}
["stack-7"] {"name":"stack-7","master":[["bos"],"new"]}
["stack-8"] {"name":"stack-8","master":[["atl"],"other"]}
"#);
    }

    /// A serial number that several devices have tells of none of them, and all that it could mean are named.
    #[tokio::test]
    async fn a_serial_number_that_several_have_is_ambiguous() {
        let source = [at("atl", "new", Some("S1"), 1)];
        let target = [at("atl", "old", Some("S1"), 7), at("bos", "older", Some("S1"), 8)];
        let (aligned, _) = aligned(&source, &target, &[], true).await;
        assert!(aligned.recognised.is_empty());
        let key = |site: &str, name: &str| AnyKey::from_value(&serde_json::json!([[site], name])).unwrap();
        let reason = |site: &str, name: &str| aligned.ambiguous.get("device", &key(site, name)).map(str::to_owned);
        insta::assert_snapshot!(reason("atl", "new").unwrap(), @"the same device_type and serial have `atl / new` in the source and `atl / old`, `bos / older` in the target: which is which is not for us to say");
        assert_eq!(reason("atl", "old"), reason("atl", "new"));
        assert_eq!(reason("bos", "older"), reason("atl", "new"));
    }

    /// A chassis and its contexts share a number: one of them that is renamed could be another's.
    #[tokio::test]
    async fn a_serial_number_that_a_known_device_shares_is_ambiguous() {
        let source = [at("atl", "fw", Some("S1"), 1), at("atl", "fw-new", Some("S1"), 2)];
        let target = [at("atl", "fw", Some("S1"), 7), at("atl", "fw-old", Some("S1"), 8)];
        let (ambiguous, _) = aligned(&source, &target, &[], true).await;
        assert!(ambiguous.recognised.is_empty() && !ambiguous.ambiguous.is_empty());
        // A context that is new is no rename of anything.
        let (plain, _) = aligned(&source, &target[..1], &[], true).await;
        assert!(plain.recognised.is_empty() && plain.ambiguous.is_empty());
    }

    /// In a read that was cut short a device may only seem to be gone.
    #[tokio::test]
    async fn a_cut_read_tells_of_no_rename_by_serial_number() {
        let source = [at("atl", "new", Some("S1"), 1)];
        let (aligned, _) = aligned(&source, &[at("atl", "old", Some("S1"), 7)], &[], false).await;
        assert!(aligned.recognised.is_empty() && aligned.ambiguous.is_empty());
    }
}
