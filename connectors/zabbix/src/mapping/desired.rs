//! What Zabbix is to keep: hosts with their groups and maintenance windows, made of what the source says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use minijinja::value::Serde;
use serde_json::Value;
use syncline_core::Result;
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::snapshot::{Snapshot, SnapshotReader, Translation};
use syncline_model::models::{Host, HostGroup, Maintenance};
use syncline_model::{AnyKey, Key, Model as _, Text};

use super::facts::{Catalogues, Facts};
use super::host::{DEVICE, HostMaker, VIRTUAL_MACHINE, origin_of};
use super::name::Names;
use super::rules::VirtualChassisAs;
use super::window::Windows;
use crate::read::Present;

/// Makes the hosts of a read.
pub(crate) struct Desired<'m> {
    /// What makes one.
    pub maker: HostMaker<'m>,
    /// Technical and visible names that hosts cannot have: those of templates.
    pub taken: (&'m BTreeSet<String>, &'m BTreeSet<String>),
    /// What Zabbix has.
    pub present: &'m Present,
    /// What time it is: a window that is over is not made.
    pub now: DateTime<Utc>,
}

/// A record that can become a host.
struct Candidate {
    /// `device:` or `virtual_machine:`.
    kind: &'static str,
    /// Its id in the source.
    id: u64,
    /// `device:42`.
    origin: String,
    facts: Facts,
}

impl Desired<'_> {
    /// What Zabbix is to keep of `fields`.
    ///
    /// Beside it, the hosts that are there and that `when` leaves out now: their records are not gone.
    pub fn of(&self, source: Snapshot, fields: &ModelFields) -> Result<(Snapshot, BTreeSet<AnyKey>)> {
        let catalogues = Catalogues::read(&source)?;
        let mut translation = Translation::new(source, fields)?;
        let mut candidates = Vec::new();
        self.devices(&catalogues, &mut translation, &mut candidates)?;
        if self.maker.mapping.virtual_machines {
            read(translation.source(), "virtual_machine", |_, record, native| {
                let facts = Facts::of("virtual_machine", &record, &catalogues);
                candidates.push(Candidate::new(VIRTUAL_MACHINE, native, facts));
            })?;
        }
        // Devices before virtual machines, and each in the order of their ids: these are counted apart.
        candidates.sort_by(|one, other| (one.kind, one.id, &one.origin).cmp(&(other.kind, other.id, &other.origin)));
        // It is there before a host needs it.
        let graveyard = self.maker.mapping.graveyard().map(|name| HostGroup::key_of(&name));
        let mut groups: BTreeSet<_> = graveyard.iter().flat_map(|key| with_parents(&key.to_any().parts())).collect();
        let mut windows = Windows::default();
        let mut made = Vec::new();
        let mut left_out = BTreeSet::new();
        for Candidate { origin, facts, .. } in candidates {
            let name = facts.name.clone();
            let context = minijinja::Value::from(Serde(facts));
            match self.maker.host(&context, &origin) {
                Ok(None) => {
                    left_out.extend(self.there(&origin).map(|key| key.to_any()));
                    translation.skip::<Host>("not selected by `when`")?;
                }
                Ok(Some(host)) if self.is_kept(&host) => translation.skip::<Host>("host that people keep (tag)")?,
                Ok(Some(host)) => made.push((host, origin, context)),
                Err(fault) => {
                    windows.keep(self.there(&origin));
                    translation.reject::<Host>(name, fault.rule, fault.message)?;
                }
            }
        }
        self.name(&mut made);
        for (host, origin, context) in made {
            if fields.has(Maintenance::NAME) {
                self.maker.windows(&context, &host.key(), &mut windows);
            }
            for key in &host.groups {
                groups.extend(with_parents(&key.to_any().parts()));
            }
            translation.push(&host, Some(&Native::new(&origin)))?;
        }
        if fields.has(HostGroup::NAME) {
            for name in groups.iter().filter_map(|name| Text::new(name)) {
                translation.push(&HostGroup { name }, None)?;
            }
        }
        windows.finish(self.now, &self.present.windows, &mut translation)?;
        Ok((translation.finish()?, left_out))
    }

    /// The host that is there of an origin.
    fn there(&self, origin: &str) -> Option<Key<Host>> {
        let (host, _) = self.present.names.get(&origin_of(&self.maker.mapping.origin, origin))?;
        Some(Host::key_of(&Text::new(host)?))
    }

    /// Gives each host a name of its own. Who has the name that it wants keeps it: a newcomer takes nobody's. After that the first one
    /// has it.
    fn name(&self, made: &mut [(Host, String, minijinja::Value)]) {
        let mut hosts = Names::without(self.taken.0.iter().map(String::as_str));
        let mut visible = Names::without(self.taken.1.iter().map(String::as_str));
        let has = |host: &Host| host.origin.as_ref().and_then(|origin| self.present.names.get(origin.as_str()));
        let (mut named, mut seen) = (vec![false; made.len()], vec![false; made.len()]);
        for (at, (host, ..)) in made.iter().enumerate() {
            if let Some((technical, shown)) = has(host) {
                named[at] = technical == host.host.as_str() && hosts.take(technical);
                seen[at] = shown == host.name.as_str() && visible.take(shown);
            }
        }
        for (at, (host, origin, _)) in made.iter_mut().enumerate() {
            if !named[at] {
                host.host = Text::new(&hosts.give(host.host.as_str(), origin)).unwrap_or_else(|| host.host.clone());
            }
            if !seen[at] {
                host.name = Text::new(&visible.give(host.name.as_str(), origin)).unwrap_or_else(|| host.name.clone());
            }
        }
    }

    /// Whether people keep a host, so that it is there and none of the sync's.
    fn is_kept(&self, host: &Host) -> bool {
        let is_of = |origin: &Text| self.present.kept.origins.contains(origin.as_str());
        host.origin.as_ref().is_some_and(is_of) || self.present.kept.names.contains(host.host.as_str())
    }

    /// The devices, and the stacks in the place of their members where the rules want that.
    fn devices(
        &self,
        catalogues: &Catalogues,
        translation: &mut Translation,
        candidates: &mut Vec<Candidate>,
    ) -> Result<()> {
        let as_one = self.maker.mapping.virtual_chassis == VirtualChassisAs::Host;
        let speakers = if as_one { speakers(catalogues, translation.source())? } else { BTreeMap::new() };
        let mut members = 0;
        read(translation.source(), "device", |key, record, native| {
            let mut facts = Facts::of("device", &record, catalogues);
            let stack = record.get("virtual_chassis").filter(|key| key.is_array() && as_one).map(Value::to_string);
            if let Some(stack) = stack {
                if speakers.get(&stack).is_some_and(|speaker| *speaker != key) {
                    members += 1;
                    return;
                }
                facts.kind = "virtual_chassis";
                if let Some(name) = facts.virtual_chassis.get("name").and_then(Value::as_str) {
                    name.clone_into(&mut facts.name);
                }
            }
            candidates.push(Candidate::new(DEVICE, native, facts));
        })?;
        for _ in 0..members {
            translation.skip::<Host>("member of a stack, which is one host")?;
        }
        Ok(())
    }
}

impl Candidate {
    fn new(kind: &'static str, native: Option<Native>, facts: Facts) -> Self {
        // A source without ids has names that do not change.
        let id = native.map_or_else(|| facts.name.clone(), |native| native.id.to_string());
        Self { kind, id: id.parse().unwrap_or_default(), origin: format!("{kind}{id}"), facts }
    }
}

/// The member of each stack that speaks for it: its master, or the one in the first position.
fn speakers(catalogues: &Catalogues, source: &Snapshot) -> Result<BTreeMap<String, String>> {
    let mut speakers = BTreeMap::new();
    let mut first: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for (stack, shown) in catalogues.all("virtual_chassis") {
        if let Some(master) = shown.get("master") {
            speakers.insert(stack.clone(), master.to_string());
        }
    }
    read(source, "device", |key, record, _| {
        let Some(stack) = record.get("virtual_chassis").filter(|stack| stack.is_array()) else { return };
        let position = record.get("vc_position").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let place = (position, key);
        let first = first.entry(stack.to_string()).or_insert_with(|| place.clone());
        if place < *first {
            *first = place;
        }
    })?;
    for (stack, (_, member)) in first {
        speakers.entry(stack).or_insert(member);
    }
    Ok(speakers)
}

/// Reads the records of a model, if the source has it.
fn read(
    source: &Snapshot,
    model: &str,
    mut take: impl FnMut(String, serde_json::Map<String, Value>, Option<Native>),
) -> Result<()> {
    let Some(snapshot) = source.models.get(model) else { return Ok(()) };
    let mut reader = SnapshotReader::open(snapshot)?;
    while let Some(line) = reader.next_line()? {
        let (record, native) = (line.fields()?, line.handle()?);
        take(String::from_utf8_lossy(line.key).into_owned(), record, native);
    }
    Ok(())
}

/// The names of a group and of those that it is in: rights and the tree of the frontend are inherited only through groups that
/// are there.
fn with_parents(key: &[Value]) -> Vec<String> {
    let Some(name) = key.first().and_then(Value::as_str) else { return Vec::new() };
    let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
    ends.map(|end| name[..end].to_owned()).collect()
}
