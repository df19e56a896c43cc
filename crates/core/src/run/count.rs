//! How many records of the source a scope has, as a run read them: counted in the read that is kept, without asking any system.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use syncline_model::models::by_name;

use super::Runner;
use crate::fields::ModelFields;
use crate::history::Run;
use crate::models::ModelMode;
use crate::plan::PlanHeader;
use crate::scope::{Scope, ScopeRecord};
use crate::site::{SitePath, SiteTally};
use crate::snapshot::{SnapshotReader, kept_file};
use crate::{Error, ErrorKind, Result};

/// Of so many reads it is remembered how many records stand at which site.
const REMEMBERED: usize = 64;

/// How many records of the source a scope has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeCount {
    /// Of each model that it is about as a whole, or at its sites.
    pub models: Vec<ModelCount>,
    /// How many of the records that it names besides there are, and are not among those.
    pub records: u64,
    /// Records that it names and that the source did not have.
    pub missing: Vec<ScopeRecord>,
    /// What was not kept, so that it could not be counted.
    pub gone: Vec<String>,
}

/// How many records of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCount {
    /// The model.
    pub model: String,
    /// How many; none where the read is not kept.
    pub records: Option<u64>,
    /// The read may lack some.
    pub is_partial: bool,
}

/// Counts what scopes have. A read whose records were counted by site is remembered.
#[derive(Debug, Clone, Default)]
pub struct ScopeCounter {
    by_site: Arc<Mutex<Memory>>,
}

/// Records by the key of the site at which they stand.
type Sites = BTreeMap<String, u64>;
/// That of one read; none before it was counted. Who counts has the lock meanwhile: who wants the same waits, and nobody else does.
type Slot = Arc<Mutex<Option<Arc<Sites>>>>;

/// What is remembered of reads, the oldest first.
#[derive(Debug, Default)]
struct Memory {
    reads: VecDeque<(ReadName, Slot)>,
}

/// A read that was counted, or is being counted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReadName {
    /// Where the reads of its sync are kept.
    folder: PathBuf,
    model: String,
    digest: String,
}

impl Memory {
    /// Where a read is remembered. A new one takes the place of the other reads of its model and sync, and of the oldest where there
    /// are too many.
    fn slot(&mut self, name: ReadName) -> Slot {
        if let Some((_, slot)) = self.reads.iter().find(|(known, _)| *known == name) {
            return Arc::clone(slot);
        }
        self.reads.retain(|(known, _)| known.folder != name.folder || known.model != name.model);
        while self.reads.len() >= REMEMBERED {
            self.reads.pop_front();
        }
        let slot = Slot::default();
        self.reads.push_back((name, Arc::clone(&slot)));
        slot
    }
}

impl Runner {
    /// How many records a scope has of the source as a run read it; none where its plan is not on this machine. Files are read: this is
    /// no work for a thread that answers requests.
    pub fn count_scope(&self, counter: &ScopeCounter, run: &Run, scope: &Scope) -> Result<Option<ScopeCount>> {
        let Some(plan) = self.glance_at(run) else { return Ok(None) };
        counter.count(plan.header(), &self.snapshots_of(&run.sync), scope).map(Some)
    }
}

impl ScopeCounter {
    /// Counts what a scope has of the source, as it was when the plan with this header was made. `folder` is where the reads of the sync are
    /// kept.
    fn count(&self, header: &PlanHeader, folder: &Path, scope: &Scope) -> Result<ScopeCount> {
        let reads = Reads { header, folder, fields: fields_of(header) };
        let synced = header.models.iter().filter(|(_, mode)| **mode == ModelMode::Sync).map(|(model, _)| model);
        let mut count = ScopeCount { models: Vec::new(), records: 0, missing: Vec::new(), gone: Vec::new() };
        for model in synced.filter(|model| scope.has_model(model)) {
            let Some(read) = header.source.reads.get(model) else { continue };
            let records = if !scope.has_sites() {
                Some(read.records)
            } else if let Some(sites) = self.sites(&reads, model)? {
                Some(scope.sites().filter_map(|site| sites.get(&site_key(&site.to_string()))).sum())
            } else {
                count.gone.push(model.clone());
                None
            };
            count.models.push(ModelCount { model: model.clone(), records, is_partial: read.doubt.is_some() });
        }
        reads.count_records(scope, &mut count)?;
        Ok(count)
    }

    /// How many records of a model stand at which site; none where the read is not kept.
    fn sites(&self, reads: &Reads<'_>, model: &str) -> Result<Option<Arc<Sites>>> {
        let Some(read) = reads.header.source.reads.get(model) else { return Ok(None) };
        let name = ReadName { folder: reads.folder.to_owned(), model: model.to_owned(), digest: read.digest.clone() };
        let slot = self.by_site.lock().unwrap_or_else(PoisonError::into_inner).slot(name);
        let mut known = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sites) = &*known {
            return Ok(Some(Arc::clone(sites)));
        }
        let Some(mut reader) = reads.open(model)? else { return Ok(None) };
        let mut tally = SiteTally::new(reads.path_of(model));
        while let Some(line) = reader.next_line()? {
            tally.count(line.key, line.record);
        }
        let sites: Arc<Sites> = Arc::new(tally.counts().map(|(site, records)| (site.to_owned(), records)).collect());
        *known = Some(Arc::clone(&sites));
        Ok(Some(sites))
    }
}

/// The reads of the source that a plan was made from.
struct Reads<'a> {
    header: &'a PlanHeader,
    folder: &'a Path,
    fields: ModelFields,
}

impl Reads<'_> {
    /// Counts the records that a scope names, but for those that are counted with their models.
    fn count_records(&self, scope: &Scope, count: &mut ScopeCount) -> Result<()> {
        let sites: HashSet<_> = scope.sites().map(|site| site_key(&site.to_string())).collect();
        let mut by_model: BTreeMap<&str, Vec<&ScopeRecord>> = BTreeMap::new();
        for record in scope.records() {
            by_model.entry(&record.model).or_default().push(record);
        }
        for (model, records) in by_model {
            let Some(mut reader) = self.open(model)? else {
                count.gone.push(model.to_owned());
                continue;
            };
            let path = self.path_of(model);
            let mut wanted: BTreeMap<&[u8], &ScopeRecord> =
                records.into_iter().map(|record| (record.key.as_str().as_bytes(), record)).collect();
            while !wanted.is_empty()
                && let Some(line) = reader.next_line()?
            {
                if wanted.remove(line.key).is_none() {
                    continue;
                }
                let stands = || path.as_ref().and_then(|path| path.in_record(line.key, line.record));
                let is_there = |site: &[u8]| std::str::from_utf8(site).is_ok_and(|site| sites.contains(site));
                let is_counted = scope.has_model(model) && (!scope.has_sites() || stands().is_some_and(is_there));
                count.records += u64::from(!is_counted);
            }
            count.missing.extend(wanted.into_values().cloned());
        }
        Ok(())
    }

    /// Where the read of a model is, if the plan had one.
    fn file(&self, model: &str) -> Option<PathBuf> {
        Some(kept_file(self.folder, model, &self.header.source.reads.get(model)?.digest))
    }

    /// The read of a model; none where it is not kept.
    fn open(&self, model: &str) -> Result<Option<SnapshotReader>> {
        let Some(file) = self.file(model) else { return Ok(None) };
        match file.try_exists() {
            Ok(true) => SnapshotReader::open_path(&file).map(Some),
            Ok(false) => Ok(None),
            Err(error) => {
                let message = format!("cannot look for the read `{}`", file.display());
                Err(Error::new(ErrorKind::Storage, message).caused_by(error))
            }
        }
    }

    /// The way from a record to its site.
    fn path_of(&self, model: &str) -> Option<SitePath> {
        SitePath::of(self.fields.schema(model)?, &self.fields)
    }
}

/// What a plan compared.
pub(super) fn fields_of(header: &PlanHeader) -> ModelFields {
    header.fields.iter().fold(ModelFields::new(), |known, (model, names)| match by_name(model) {
        Some(schema) => known.insert(schema, names.iter().filter_map(|name| schema.position(name)).collect()),
        None => known,
    })
}

/// The canonical key of a site.
pub(super) fn site_key(slug: &str) -> String {
    serde_json::json!([slug]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(sync: &str, model: &str, digest: &str) -> ReadName {
        ReadName { folder: PathBuf::from(sync), model: model.to_owned(), digest: digest.to_owned() }
    }

    /// Whose counts are remembered, in the order in which they would be forgotten.
    fn remembered(memory: &Memory) -> Vec<String> {
        memory.reads.iter().map(|(name, _)| format!("{} {}", name.model, name.digest)).collect()
    }

    #[test]
    fn a_new_read_takes_the_place_of_the_old_one_of_its_model_and_sync() {
        let mut memory = Memory::default();
        for (sync, model, digest) in [("one", "vlan", "1"), ("two", "vlan", "2"), ("one", "device", "3")] {
            memory.slot(name(sync, model, digest));
        }
        memory.slot(name("one", "vlan", "4"));
        assert_eq!(remembered(&memory), ["vlan 2", "device 3", "vlan 4"]);
        memory.slot(name("two", "vlan", "2"));
        assert_eq!(remembered(&memory).len(), 3, "what is known is no new read");
    }

    #[test]
    fn of_many_reads_the_oldest_is_forgotten() {
        let mut memory = Memory::default();
        for sync in 0..REMEMBERED {
            memory.slot(name(&sync.to_string(), "vlan", "a"));
        }
        memory.slot(name("another", "device", "b"));
        memory.slot(name("another", "interface", "c"));
        assert_eq!(memory.reads.len(), REMEMBERED);
        assert_eq!(memory.reads[0].0, name("2", "vlan", "a"), "the first two went");
        assert_eq!(remembered(&memory)[REMEMBERED - 2..], ["device b", "interface c"]);
    }

    #[test]
    fn who_counts_one_read_keeps_nobody_from_another() {
        let mut memory = Memory::default();
        let slot = memory.slot(name("one", "device", "a"));
        let counting = slot.lock().unwrap();
        assert!(memory.slot(name("one", "interface", "b")).try_lock().is_ok());
        assert!(memory.slot(name("one", "device", "a")).try_lock().is_err(), "the same is counted once");
        drop(counting);
    }
}
