//! Which records of the target are records of the source that go by another key there.
//!
//! In this order: by the source's own ids, which earlier runs bound to the target's; by the key; by the model's alternates; by
//! its identities. What could be several records is none of them, and is said.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde_json::{Map, Value};
use syncline_model::{AnyKey, DeletionClass, FieldSet, ModelSchema};

use super::{Line, ModelSnapshot, SnapshotReader};
use crate::native::Native;
use crate::{Error, ErrorKind, Result};

/// Ids of a model's records, the source's with the target's.
pub type Links = Vec<(Box<str>, Box<str>)>;

/// The target's ids of a model's records by the source's.
pub type Bound = HashMap<Box<str>, Box<str>>;

/// A record of the target that goes by the source's key from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The model.
    pub model: &'static str,
    /// The key that the source knows it by.
    pub source_key: AnyKey,
    /// The key that the target has.
    pub target_key: AnyKey,
    /// What told that they are the same.
    pub by: RecognisedBy,
}

/// What told that two records are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecognisedBy {
    /// An alternate key. The target keeps its own spelling.
    Alternate(Vec<&'static str>),
    /// The source's own id. The record was renamed or moved, which the target is told.
    Id,
    /// What a record keeps when it is renamed. It was renamed or moved, which the target is told.
    Identity(Vec<&'static str>),
}

impl fmt::Display for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, source_key, target_key, by } = self;
        write!(f, "{model} `{source_key}` is the target's `{target_key}`")?;
        match by {
            RecognisedBy::Alternate(names) => write!(f, ": its {} so", says(names)),
            RecognisedBy::Id => f.write_str(", renamed or moved: its id in the source says so"),
            RecognisedBy::Identity(names) => write!(f, ", renamed or moved: its {} so", says(names)),
        }
    }
}

fn says(names: &[&str]) -> String {
    format!("{} {}", names.join(" and "), if names.len() == 1 { "says" } else { "say" })
}

/// Records of which nobody knows which record of the other side they are, with the reason, by model and key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ambiguities {
    reasons: BTreeMap<&'static str, BTreeMap<AnyKey, String>>,
}

impl Ambiguities {
    /// Why nobody knows which record of the other side a record is; none when it is known.
    pub fn get(&self, model: &str, key: &AnyKey) -> Option<&str> {
        self.reasons.get(model)?.get(key).map(String::as_str)
    }

    /// Whether everything is known.
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    pub(super) fn insert(&mut self, model: &'static str, key: AnyKey, reason: String) {
        self.reasons.entry(model).or_default().insert(key, reason);
    }
}

/// What was found out about one model.
#[derive(Default)]
pub struct Findings {
    /// By the target's key.
    pub found: Vec<(String, Match)>,
    /// By key, of either side.
    pub ambiguous: Vec<(String, String)>,
    /// Ids of the source with those of the target, where this is news.
    pub links: Links,
}

/// What a record of the target is in the source.
pub struct Match {
    /// The source's key.
    pub key: String,
    /// The fields by which it was recognised and that keep the target's own spelling: they read as the source has them.
    pub spelling: Vec<(&'static str, Value)>,
    /// What told.
    pub by: RecognisedBy,
}

/// A record that the other side does not have under its key.
struct Lonely {
    key: String,
    id: Option<Box<str>>,
    record: Map<String, Value>,
}

/// Two records with the same key that are not bound to each other.
struct Pair {
    source_id: Box<str>,
    target_id: Box<str>,
    key: Vec<u8>,
}

#[derive(Default)]
struct Sides {
    only_source: Vec<Lonely>,
    only_target: Vec<Lonely>,
    pairs: Vec<Pair>,
}

/// Compares the keys of both sides, and finds out about the rest. `bound` are the ids that earlier runs bound.
pub fn recognise(
    schema: &'static ModelSchema,
    contract: FieldSet,
    source: &ModelSnapshot,
    target: &ModelSnapshot,
    bound: &Bound,
) -> Result<Findings> {
    let has_ids = schema.deletion != DeletionClass::Part && has_ids(source)?;
    let by_values = !schema.alternates.is_empty() || !schema.identities.is_empty();
    let mut findings = Findings::default();
    if target.records == 0 || !(has_ids || by_values) {
        return Ok(findings);
    }
    let mut sides = compare(source, target, has_ids.then_some(bound), by_values)?;
    if has_ids {
        by_id(&mut sides, target, bound, &mut findings)?;
    }
    let names = |positions: &[usize]| positions.iter().map(|&at| schema.fields[at].name).collect::<Vec<_>>();
    let is_known = |positions: &&&[usize]| positions.iter().all(|&position| contract.contains(position));
    for alternate in schema.alternates.iter().filter(is_known) {
        by_alternate(schema, &names(alternate), &mut sides, &mut findings);
    }
    // What may only have been left out by a read that was cut short is not gone, and nothing is where it went.
    if source.doubt().is_none() && target.doubt().is_none() {
        for identity in schema.identities.iter().filter(is_known) {
            by_identity(&names(identity), (source, target), &mut sides, &mut findings)?;
        }
    }
    findings.links.extend(sides.pairs.into_iter().map(|pair| (pair.source_id, pair.target_id)));
    Ok(findings)
}

/// Whether the source gives ids.
fn has_ids(source: &ModelSnapshot) -> Result<bool> {
    Ok(SnapshotReader::open(source)?.next_line()?.is_some_and(|line| line.native.is_some()))
}

/// One merge over both sides.
fn compare(source: &ModelSnapshot, target: &ModelSnapshot, bound: Option<&Bound>, by_values: bool) -> Result<Sides> {
    let mut source = SnapshotReader::open(source)?;
    let mut target = SnapshotReader::open(target)?;
    let mut sides = Sides::default();
    let is_bound = |line: &Line<'_>| -> Result<bool> {
        let Some(bound) = bound else { return Ok(false) };
        Ok(!bound.is_empty() && id(line)?.is_some_and(|id| bound.contains_key(&id)))
    };
    let mut left = source.next_line()?;
    let mut right = target.next_line()?;
    let mut last_common: Vec<u8> = Vec::new();
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(sides),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(left), Some(right)) => left.key.cmp(right.key),
        };
        let next = if order.is_gt() { &right } else { &left };
        let Some(common) = next.as_ref().map(|line| line.key) else { return Ok(sides) };
        let again = common == last_common;
        if again {
            // Several records with one key: which of them are each other's is not known.
            let _ = sides.pairs.pop_if(|pair| pair.key == last_common);
        }
        match (order, &left, &right) {
            (std::cmp::Ordering::Less, Some(line), _) => {
                if !again && (by_values || is_bound(line)?) {
                    sides.only_source.push(lonely(line, by_values)?);
                }
                left = source.next_line()?;
            }
            (std::cmp::Ordering::Greater, _, Some(line)) => {
                if !again && by_values {
                    sides.only_target.push(lonely(line, true)?);
                }
                right = target.next_line()?;
            }
            (_, Some(line), Some(other)) => {
                if let (false, Some(bound)) = (again, bound)
                    && let (Some(source_id), Some(target_id)) = (id(line)?, id(other)?)
                    && bound.get(&source_id) != Some(&target_id)
                {
                    sides.pairs.push(Pair { source_id, target_id, key: line.key.to_vec() });
                }
                last_common.clear();
                last_common.extend_from_slice(line.key);
                left = source.next_line()?;
                right = target.next_line()?;
            }
            _ => return Ok(sides),
        }
    }
}

/// Records of the target that earlier runs bound to records of the source with another key by now.
fn by_id(sides: &mut Sides, target: &ModelSnapshot, bound: &Bound, findings: &mut Findings) -> Result<()> {
    let mut claims: HashMap<&str, (&str, String)> = HashMap::new();
    let mut contested: BTreeSet<&str> = BTreeSet::new();
    let lonely = sides.only_source.iter().filter_map(|record| Some((record.id.as_ref()?, record.key.clone())));
    let paired = sides.pairs.iter().map(|pair| (&pair.source_id, String::from_utf8_lossy(&pair.key).into_owned()));
    for (id, key) in lonely.chain(paired) {
        if let Some((source_id, target_id)) = bound.get_key_value(id)
            && claims.insert(target_id, (source_id, key)).is_some()
        {
            contested.insert(target_id);
        }
    }
    if claims.is_empty() {
        return Ok(());
    }
    // What two records of the source are bound to is bound to neither.
    let mut times: HashMap<&str, u32> = HashMap::new();
    for target_id in bound.values().filter(|target_id| claims.contains_key(&***target_id)) {
        *times.entry(target_id).or_default() += 1;
    }
    claims.retain(|target_id, _| times.get(target_id) == Some(&1) && !contested.contains(target_id));

    let mut reader = SnapshotReader::open(target)?;
    let mut kept: Vec<(String, &str)> = Vec::new();
    let mut previous: Vec<u8> = Vec::new();
    while let Some(line) = reader.next_line()? {
        if line.key == previous {
            // Renaming goes by key, and would take the other one along.
            let _ = kept.pop_if(|(key, _)| key.as_bytes() == previous);
            continue;
        }
        previous.clear();
        previous.extend_from_slice(line.key);
        let claimed = id(&line)?.and_then(|id| claims.get_key_value(&*id));
        if let Some((target_id, _)) = claimed {
            kept.push((String::from_utf8_lossy(line.key).into_owned(), target_id));
        }
    }
    let (mut sources, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for (old_key, target_id) in kept {
        let Some((source_id, key)) = claims.get(target_id) else { continue };
        sources.insert((*source_id).to_owned());
        targets.insert(target_id.to_owned());
        findings.found.push((old_key, Match { key: key.clone(), spelling: Vec::new(), by: RecognisedBy::Id }));
    }
    let renamed: BTreeSet<&str> = findings.found.iter().map(|(old, _)| old.as_str()).collect();
    sides.only_source.retain(|record| record.id.as_ref().is_none_or(|id| !sources.contains(&**id)));
    sides.only_target.retain(|record| !renamed.contains(record.key.as_str()));
    sides.pairs.retain(|pair| !sources.contains(&*pair.source_id) && !targets.contains(&*pair.target_id));
    Ok(())
}

/// Records that some fields name on both sides, each exactly once among those that have no partner.
fn by_alternate(schema: &'static ModelSchema, names: &[&'static str], sides: &mut Sides, findings: &mut Findings) {
    let by_value = |records: &[Lonely]| {
        let mut found: HashMap<String, Option<usize>> = HashMap::new();
        for (at, record) in records.iter().enumerate() {
            if let Some(text) = text_of(names, &record.record) {
                // A value that two records share says nothing of either.
                found.entry(text).and_modify(|at| *at = None).or_insert(Some(at));
            }
        }
        found
    };
    let in_source = by_value(&sides.only_source);
    let matched: Vec<(usize, usize)> = by_value(&sides.only_target)
        .into_iter()
        .filter_map(|(value, target)| Some((in_source.get(&value).copied()??, target?)))
        .collect();
    for &(source, target) in &matched {
        let record = &sides.only_source[source].record;
        let said = schema.key_fields().map(|field| field.name).chain(names.iter().copied());
        let spelling = said.filter_map(|name| Some((name, record.get(name)?.clone()))).collect();
        pair_off(sides, (source, target), spelling, RecognisedBy::Alternate(names.to_vec()), findings);
    }
    retain_lonely(sides, &matched);
}

/// Records that have the same of what a record keeps when it is renamed: exactly one on each side, of all that there are.
fn by_identity(
    names: &[&'static str],
    (source, target): (&ModelSnapshot, &ModelSnapshot),
    sides: &mut Sides,
    findings: &mut Findings,
) -> Result<()> {
    let mut shared: BTreeMap<String, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (at, record) in sides.only_source.iter().enumerate() {
        if let Some(text) = text_of(names, &record.record) {
            shared.entry(text).or_default().0.push(at);
        }
    }
    for (at, record) in sides.only_target.iter().enumerate() {
        if let Some(text) = text_of(names, &record.record)
            && let Some((_, targets)) = shared.get_mut(&text)
        {
            targets.push(at);
        }
    }
    shared.retain(|_, (_, targets)| !targets.is_empty());
    if shared.is_empty() {
        return Ok(());
    }
    let (in_source, in_target) = (keys_with(names, source, &shared)?, keys_with(names, target, &shared)?);
    let mut matched = Vec::new();
    for (text, (sources, targets)) in &shared {
        let of = |keys: &BTreeMap<&str, Vec<String>>| keys.get(text.as_str()).cloned().unwrap_or_default();
        let (all_sources, all_targets) = (of(&in_source), of(&in_target));
        if let ([source], [target], [_], [_]) = (&sources[..], &targets[..], &all_sources[..], &all_targets[..]) {
            matched.push((*source, *target));
            continue;
        }
        let shown = |keys: &[String]| {
            let keys: Vec<_> = keys.iter().map(|key| format!("`{}`", AnyKey::from_canonical(key))).collect();
            keys.join(", ")
        };
        let reason = format!(
            "the same {} have {} in the source and {} in the target: which is which is not for us to say",
            names.join(" and "),
            shown(&all_sources),
            shown(&all_targets),
        );
        let sources = sources.iter().map(|&at| &sides.only_source[at].key);
        let targets = targets.iter().map(|&at| &sides.only_target[at].key);
        findings.ambiguous.extend(sources.chain(targets).map(|key| (key.clone(), reason.clone())));
    }
    for pair in &matched {
        pair_off(sides, *pair, Vec::new(), RecognisedBy::Identity(names.to_vec()), findings);
    }
    retain_lonely(sides, &matched);
    Ok(())
}

/// The keys of all records of a side that have a shared value.
fn keys_with<'s>(
    names: &[&'static str],
    side: &ModelSnapshot,
    shared: &'s BTreeMap<String, (Vec<usize>, Vec<usize>)>,
) -> Result<BTreeMap<&'s str, Vec<String>>> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut reader = SnapshotReader::open(side)?;
    while let Some(line) = reader.next_line()? {
        let record: Map<String, Value> = parse(line.record)?;
        let Some((text, _)) = text_of(names, &record).and_then(|text| shared.get_key_value(&text)) else { continue };
        found.entry(text).or_default().push(String::from_utf8_lossy(line.key).into_owned());
    }
    Ok(found)
}

fn pair_off(
    sides: &Sides,
    (source, target): (usize, usize),
    spelling: Vec<(&'static str, Value)>,
    by: RecognisedBy,
    findings: &mut Findings,
) {
    let (source, target) = (&sides.only_source[source], &sides.only_target[target]);
    findings.found.push((target.key.clone(), Match { key: source.key.clone(), spelling, by }));
    if let (Some(source_id), Some(target_id)) = (&source.id, &target.id) {
        findings.links.push((source_id.clone(), target_id.clone()));
    }
}

fn retain_lonely(sides: &mut Sides, matched: &[(usize, usize)]) {
    fn retain<T>(records: &mut Vec<T>, matched: impl Iterator<Item = usize>) {
        let matched: BTreeSet<_> = matched.collect();
        let mut at = 0;
        records.retain(|_| {
            at += 1;
            !matched.contains(&(at - 1))
        });
    }
    retain(&mut sides.only_source, matched.iter().map(|(source, _)| *source));
    retain(&mut sides.only_target, matched.iter().map(|(_, target)| *target));
}

/// The values of some fields as one text; none when one is null.
fn text_of(names: &[&str], record: &Map<String, Value>) -> Option<String> {
    let values: Option<Vec<_>> = names.iter().map(|name| record.get(*name).filter(|v| !v.is_null())).collect();
    Some(values?.iter().map(ToString::to_string).collect::<Vec<_>>().join("\u{0}").to_lowercase())
}

fn lonely(line: &Line<'_>, with_record: bool) -> Result<Lonely> {
    let record = if with_record { parse(line.record)? } else { Map::new() };
    Ok(Lonely { key: String::from_utf8_lossy(line.key).into_owned(), id: id(line)?, record })
}

fn id(line: &Line<'_>) -> Result<Option<Box<str>>> {
    line.native.map(|native| parse::<Native>(native).map(|native| native.id)).transpose()
}

pub(super) fn parse<'j, T: serde::Deserialize<'j>>(json: &'j [u8]) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| Error::new(ErrorKind::Storage, "a snapshot holds a record that is no JSON").caused_by(error))
}
