//! Where a connector puts what it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use syncline_model::{AnyRecord, FieldSet, Model, ModelSchema};
use tokio::task::JoinHandle;

use super::filled::{Filled, FilledCounter};
use super::run::{self, Buffer, Run};
use super::{ModelSnapshot, ReadVerdict, Rejection, Snapshot};
use crate::event::{Event, Events, Level, Side};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::{Error, ErrorKind, Result};

/// How much of a model is held in memory before it is sorted and spilled.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How many rejected records are kept with their reason.
const NAMED_REJECTIONS: usize = 100;
/// A progress event is worth sending once in so many records.
const PROGRESS_STEP: u64 = 500;

/// Takes the records that a connector reads from one side. Cloning it gives another handle to the same read.
///
/// ```no_run
/// # use syncline_core::snapshot::SnapshotSink;
/// # use syncline_core::native::Native;
/// # use syncline_model::models::Site;
/// # async fn read(sink: &SnapshotSink, sites: Vec<(u64, Site)>) -> syncline_core::Result<()> {
/// let mut records = sink.open::<Site>()?;
/// for (id, site) in sites {
///     records.push(&site, Some(&Native::new(id))).await?;
/// }
/// records.complete().await
/// # }
/// ```
#[derive(Clone)]
pub struct SnapshotSink {
    shared: Arc<Shared>,
}

struct Shared {
    side: Side,
    folder: PathBuf,
    contract: ModelFields,
    events: Events,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    opened: BTreeSet<&'static str>,
    models: BTreeMap<&'static str, ModelSnapshot>,
    notes: BTreeMap<String, String>,
}

impl SnapshotSink {
    /// A sink that keeps the fields of `contract` and writes to `folder`, which it creates.
    pub fn create(side: Side, folder: &Path, contract: ModelFields, events: Events) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| {
            let message = format!("cannot create the snapshot folder `{}`", folder.display());
            Error::new(ErrorKind::Storage, message).caused_by(error)
        })?;
        let state = Mutex::default();
        Ok(Self { shared: Arc::new(Shared { side, folder: folder.to_owned(), contract, events, state }) })
    }

    /// Whether the run reads the model at all.
    pub fn wants<M: Model>(&self) -> bool {
        self.shared.contract.has(M::NAME)
    }

    /// The fields of the model that the run compares. Reading others is wasted.
    pub fn fields<M: Model>(&self) -> FieldSet {
        self.shared.contract.of(M::NAME)
    }

    /// Begins the read of a model. Each model is read once.
    pub fn open<M: Model>(&self) -> Result<ModelSink<M>> {
        self.begin(M::SCHEMA)
    }

    /// Begins the read of a model that is known by its schema alone. Each model is read once.
    pub fn open_any(&self, schema: &'static ModelSchema) -> Result<ModelSink<AnyRecord>> {
        self.begin(schema)
    }

    fn begin<R>(&self, schema: &'static ModelSchema) -> Result<ModelSink<R>> {
        let model = schema.name;
        if !self.shared.state().opened.insert(model) {
            return Err(Error::new(ErrorKind::Internal, format!("the connector reads the model `{model}` twice")));
        }
        Ok(ModelSink {
            shared: self.shared.clone(),
            schema,
            fields: self.shared.contract.of(model),
            buffer: Buffer::default(),
            runs: Vec::new(),
            spilling: None,
            pushed: 0,
            began: Utc::now(),
            expected: None,
            skipped: BTreeMap::new(),
            rejected: 0,
            rejections: Vec::new(),
            filled: FilledCounter::default(),
            ended: false,
            lost: false,
            _span: tracing::error_span!("read", side = %self.shared.side, model),
            record: PhantomData,
        })
    }

    /// Keeps a fact about the read for the history: the Forward snapshot, the version of the system.
    pub fn note(&self, name: impl Into<String>, value: impl Into<String>) {
        self.shared.state().notes.insert(name.into(), value.into());
    }

    /// The stream of the run's events.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// Ends the read. A model of the contract that was never read, or never ended, is partial.
    pub fn finish(self) -> Result<Snapshot> {
        for (schema, _) in self.shared.contract.iter() {
            let ended = self.shared.state().models.contains_key(schema.name);
            if !ended {
                let reason = "the connector did not read it to its end".to_owned();
                let empty = run::merge(schema.name, &self.shared.folder, &[], Buffer::default())?;
                self.shared.keep(schema.name, empty, ReadVerdict::Partial { reason }, Counted::default());
            }
        }
        let mut state = self.shared.state();
        Ok(Snapshot {
            side: self.shared.side,
            models: std::mem::take(&mut state.models),
            notes: std::mem::take(&mut state.notes),
        })
    }
}

/// What was counted beside the records.
#[derive(Default)]
struct Counted {
    skipped: BTreeMap<&'static str, u64>,
    rejected: u64,
    rejections: Vec<Rejection>,
    filled: Filled,
    /// When the read began; none when it never did.
    began: Option<DateTime<Utc>>,
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // A panic while the lock is held leaves plain counters behind, which stay usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, model: &'static str, merged: run::Merged, verdict: ReadVerdict, counted: Counted) {
        let partial = match &verdict {
            ReadVerdict::Complete => None,
            ReadVerdict::Partial { reason } => Some(reason.clone()),
        };
        let (side, records, began) = (self.side, merged.records, counted.began);
        self.events.emit(Event::ReadFinished { side, model, records, partial, began });
        let snapshot = ModelSnapshot {
            model,
            path: merged.path,
            digest: merged.digest,
            records: merged.records,
            bytes: merged.bytes,
            verdict,
            skipped: counted.skipped,
            rejected: counted.rejected,
            rejected_origins: 0,
            rejections: counted.rejections,
            duplicates: merged.duplicates,
            duplicate_keys: merged.duplicate_keys,
            filled: counted.filled,
        };
        self.state().models.insert(model, snapshot);
    }
}

/// Takes the records of one model. It must be ended by [`complete`](Self::complete) or [`partial`](Self::partial);
/// dropping it leaves the model partial.
///
/// `R` is what a record is: the struct of the model, or [`AnyRecord`] where the model is known by its schema alone.
pub struct ModelSink<R> {
    shared: Arc<Shared>,
    schema: &'static ModelSchema,
    fields: FieldSet,
    buffer: Buffer,
    runs: Vec<Run>,
    spilling: Option<JoinHandle<Result<Run>>>,
    pushed: u64,
    began: DateTime<Utc>,
    expected: Option<u64>,
    skipped: BTreeMap<&'static str, u64>,
    rejected: u64,
    rejections: Vec<Rejection>,
    filled: FilledCounter,
    ended: bool,
    /// A part of the records is neither in the buffer nor in a run: a read that was given up while it was being written.
    lost: bool,
    /// Lasts as long as the read. It is never entered: a connector works on several models in one task.
    _span: tracing::Span,
    record: PhantomData<fn(R)>,
}

impl<M: Model> ModelSink<M> {
    /// Takes a record and, on the target's side, its handle. Waits when the disk is slower than the system.
    pub async fn push(&mut self, record: &M, native: Option<&Native>) -> Result<()> {
        let native = native.map(native_json);
        self.buffer.push(|out| record.write_key(out), |out| record.write_fields(self.fields, out), native.as_deref());
        self.pushed(record.filled()).await
    }
}

impl ModelSink<AnyRecord> {
    /// Takes a record as [`push`](ModelSink::push) does. It is of the model that the sink was opened for, and has the fields that the
    /// run compares.
    pub async fn push_any(&mut self, record: &AnyRecord, native: Option<&Native>) -> Result<()> {
        if record.schema() != self.schema {
            let message = format!("a record of `{}` was read as one of `{}`", record.schema().name, self.schema.name);
            return Err(Error::new(ErrorKind::Internal, message));
        }
        let native = native.map(native_json);
        let key = |out: &mut Vec<u8>| out.extend_from_slice(record.key().as_str().as_bytes());
        self.buffer.push(key, |out| record.write_fields(self.fields, out), native.as_deref());
        self.pushed(record.filled()).await
    }

    /// Takes a record from a JSON object, as [`push_any`](Self::push_any) does: the members that are named as fields of the model are its
    /// fields, others are left out. An object that is no record of the model is [rejected](ModelSink::reject) under `name`.
    pub async fn push_object(
        &mut self,
        name: impl std::fmt::Display,
        object: &serde_json::Value,
        native: Option<&Native>,
    ) -> Result<()> {
        let Some(members) = object.as_object() else {
            self.reject(name.to_string(), "", "is no JSON object");
            return Ok(());
        };
        match AnyRecord::from_members(self.schema, members, self.fields) {
            Ok(record) => self.push_any(&record, native).await,
            Err(error) => {
                self.reject(name.to_string(), error.field(), error.to_string());
                Ok(())
            }
        }
    }
}

/// Why an object of a system is no record of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRecord {
    /// It says nothing of the model, and nothing is missing.
    Nothing,
    /// It is known and harmless; see [`ModelSink::skip`].
    Skip(&'static str),
    /// It cannot be taken over; see [`ModelSink::reject`].
    Reject {
        /// The model's field at fault.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

impl NoRecord {
    /// It cannot be taken over because of a field.
    pub fn reject(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Reject { field: field.into(), message: message.into() }
    }
}

impl ModelSink<AnyRecord> {
    /// Takes what became of an object: its fields, as [`push_object`](Self::push_object), or why it is no record.
    pub async fn take(
        &mut self,
        name: impl std::fmt::Display,
        object: Result<serde_json::Map<String, serde_json::Value>, NoRecord>,
        native: &Native,
    ) -> Result<()> {
        match object {
            Ok(object) => return self.push_object(name, &serde_json::Value::Object(object), Some(native)).await,
            Err(NoRecord::Nothing) => {}
            Err(NoRecord::Skip(rule)) => self.skip(rule),
            Err(NoRecord::Reject { field, message }) => self.reject(name.to_string(), field, message),
        }
        Ok(())
    }
}

impl<R> ModelSink<R> {
    /// Ends the read of the model as what was read for it did: complete, or partial after an error that concerns this model alone.
    /// Another error ends the whole read, which leaves the model partial by itself.
    pub async fn end_as(self, read: &Result<()>) -> Result<()> {
        match read {
            Ok(()) => self.complete().await,
            Err(error) if error.kind().ends_a_read() => Ok(()),
            Err(error) => self.partial_after(error).await,
        }
    }

    /// The fields that the run compares.
    pub fn fields(&self) -> FieldSet {
        self.fields
    }

    /// Whether the run compares the field of a name.
    pub fn wants(&self, field: &str) -> bool {
        self.schema.position(field).is_some_and(|position| self.fields.contains(position))
    }

    /// Says how many records there will be, for progress.
    pub fn expect(&mut self, records: u64) {
        self.expected = Some(records);
    }

    async fn pushed(&mut self, filled: FieldSet) -> Result<()> {
        self.filled.count(filled);
        self.pushed += 1;
        if self.pushed.is_multiple_of(PROGRESS_STEP) {
            self.progress();
        }
        if self.buffer.len() >= BUFFER_BYTES { self.spill().await } else { Ok(()) }
    }

    /// Counts input that is known and harmless, for example an all-zero MAC address. It does not weaken the read.
    pub fn skip(&mut self, rule: &'static str) {
        *self.skipped.entry(rule).or_default() += 1;
    }

    /// Reports a record that cannot be taken over. As its absence from the snapshot then proves nothing, the run deletes
    /// nothing of this model.
    pub fn reject(&mut self, record: impl Into<String>, field: impl Into<String>, message: impl Into<String>) {
        self.rejected += 1;
        if self.rejections.len() < NAMED_REJECTIONS {
            let rejection = Rejection { record: record.into(), field: field.into(), message: message.into() };
            self.rejections.push(rejection);
        }
    }

    /// Ends the read: everything that there is was read.
    pub async fn complete(self) -> Result<()> {
        self.end(ReadVerdict::Complete).await
    }

    /// Ends the read short of its end because of an error, which goes into the run's log with the request that failed.
    pub async fn partial_after(self, error: &Error) -> Result<()> {
        if let Some(exchange) = error.exchange() {
            let text = format!("`{}`: {}", self.schema.name, error.report());
            let exchange = Some(Box::new(exchange.clone()));
            self.shared.events.emit(Event::Message { level: Level::Warning, text, exchange });
        }
        self.partial(error.report()).await
    }

    /// Ends the read short of its end, with the reason.
    pub async fn partial(self, reason: impl Into<String>) -> Result<()> {
        self.end(ReadVerdict::Partial { reason: reason.into() }).await
    }

    async fn end(mut self, verdict: ReadVerdict) -> Result<()> {
        self.ended = true;
        self.progress();
        self.collect_run().await?;
        let verdict = match verdict {
            ReadVerdict::Complete if self.lost => {
                ReadVerdict::Partial { reason: "the read was interrupted while records were written".to_owned() }
            }
            verdict => verdict,
        };
        let (runs, buffer) = (std::mem::take(&mut self.runs), std::mem::take(&mut self.buffer));
        let (model, folder) = (self.schema.name, self.shared.folder.clone());
        if !self.skipped.is_empty() {
            let why: Vec<_> = self.skipped.iter().map(|(rule, count)| format!("{count}: {rule}")).collect();
            let text = format!("`{model}`: left out of the {}: {}", self.shared.side, why.join("; "));
            self.shared.events.message(Level::Info, text);
        }
        let merged = blocking(move || run::merge(model, &folder, &runs, buffer)).await?;
        let counted = Counted {
            skipped: std::mem::take(&mut self.skipped),
            rejected: self.rejected,
            rejections: std::mem::take(&mut self.rejections),
            filled: self.filled.of(self.schema, self.fields),
            began: Some(self.began),
        };
        self.shared.keep(model, merged, verdict, counted);
        Ok(())
    }

    /// Hands the buffer to a thread that sorts and writes it; at most one is under way for a model.
    async fn spill(&mut self) -> Result<()> {
        self.collect_run().await?;
        let buffer = std::mem::take(&mut self.buffer);
        let folder = self.shared.folder.clone();
        self.spilling = Some(tokio::task::spawn_blocking(move || buffer.spill(&folder)));
        Ok(())
    }

    async fn collect_run(&mut self) -> Result<()> {
        if let Some(spilling) = self.spilling.take() {
            // Whoever drops this future here takes the run along.
            let lost = std::mem::replace(&mut self.lost, true);
            self.runs.push(joined(spilling.await)?);
            self.lost = lost;
        }
        Ok(())
    }

    fn progress(&self) {
        self.shared.events.emit(Event::Read {
            side: self.shared.side,
            model: self.schema.name,
            records: self.pushed,
            expected: self.expected,
            began: self.began,
        });
    }
}

impl<R> Drop for ModelSink<R> {
    fn drop(&mut self) {
        if !self.ended {
            tracing::debug!(model = self.schema.name, "the read of a model was given up");
        }
    }
}

pub(super) fn native_json(native: &Native) -> Vec<u8> {
    // Two strings always serialise.
    serde_json::to_vec(native).unwrap_or_default()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(tokio::task::spawn_blocking(work).await)
}

fn joined<T>(result: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    result.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the thread that writes a snapshot stopped").caused_by(error))
    })
}

#[cfg(test)]
mod tests {
    use super::super::SnapshotReader;
    use super::*;
    use syncline_model::models::{Site, SiteStatus, Vlan, VlanStatus};
    use syncline_model::{Text, VlanId};

    fn vlan(vid: u64, name: &str) -> Vlan {
        let name = Text::new(name).unwrap();
        Vlan { site: None, vid: VlanId::new(vid).unwrap(), name, status: VlanStatus::Active }
    }

    fn sink(folder: &Path) -> SnapshotSink {
        let contract = ModelFields::new().all::<Vlan>();
        SnapshotSink::create(Side::Source, folder, contract, Events::new()).unwrap()
    }

    fn lines(snapshot: &ModelSnapshot) -> Vec<String> {
        let mut reader = SnapshotReader::open(snapshot).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = reader.next_raw().unwrap() {
            lines.push(String::from_utf8_lossy(line).into_owned());
        }
        lines
    }

    #[tokio::test]
    async fn what_was_pushed_in_any_order_is_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut digests = Vec::new();
        for order in [[1, 2, 3], [3, 1, 2]] {
            let sink = sink(folder.path());
            let mut vlans = sink.open::<Vlan>().unwrap();
            for vid in order {
                vlans.push(&vlan(vid, "users"), None).await.unwrap();
            }
            // Said twice in the same words is said once.
            vlans.push(&vlan(2, "users"), None).await.unwrap();
            vlans.complete().await.unwrap();
            let snapshot = sink.finish().unwrap();
            let model = &snapshot.models["vlan"];
            assert_eq!((model.records, model.duplicates), (3, 0));
            assert_eq!(model.verdict, ReadVerdict::Complete);
            digests.push(model.digest.clone());
        }
        assert_eq!(digests[0], digests[1]);
    }

    #[tokio::test]
    async fn spilled_runs_merge_into_order() {
        let folder = tempfile::tempdir().unwrap();
        let sink = sink(folder.path());
        let mut vlans = sink.open::<Vlan>().unwrap();
        for vid in (1..=300).rev() {
            vlans.push(&vlan(vid, "x"), Some(&Native::new(vid))).await.unwrap();
            if vid % 70 == 0 {
                vlans.spill().await.unwrap();
            }
        }
        vlans.complete().await.unwrap();
        let snapshot = sink.finish().unwrap();
        let lines = lines(&snapshot.models["vlan"]);
        assert_eq!(lines.len(), 300);
        assert!(lines.is_sorted());
    }

    #[tokio::test]
    async fn two_records_with_one_key_are_both_kept_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let sink = sink(folder.path());
        let mut vlans = sink.open::<Vlan>().unwrap();
        for name in ["a", "b", "c"] {
            vlans.push(&vlan(7, name), None).await.unwrap();
        }
        vlans.complete().await.unwrap();
        let snapshot = sink.finish().unwrap();
        let model = &snapshot.models["vlan"];
        assert_eq!((model.records, model.duplicates), (1, 1));
        assert_eq!(model.duplicate_keys[0].to_string(), "- / 7");
    }

    #[tokio::test]
    async fn values_are_counted_by_field() {
        let folder = tempfile::tempdir().unwrap();
        let contract = ModelFields::new().except::<Site>(&["status"]);
        let sink = SnapshotSink::create(Side::Source, folder.path(), contract, Events::new()).unwrap();
        let mut sites = sink.open::<Site>().unwrap();
        for (slug, address) in [("a", Some("1 Main Street")), ("b", None), ("c", None)] {
            let (slug, name) = (slug.parse().unwrap(), Text::new(slug).unwrap());
            let physical_address = address.and_then(Text::new);
            let site = Site { slug, name, status: SiteStatus::Active, physical_address };
            sites.push(&site, None).await.unwrap();
        }
        sites.complete().await.unwrap();
        let filled = &sink.finish().unwrap().models["site"].filled;
        let counts: Vec<_> = filled.fields.iter().map(|(field, count)| format!("{field} {count}")).collect();
        assert_eq!(
            (filled.records, counts),
            (3, ["name 3", "physical_address 1", "slug 3"].map(str::to_owned).to_vec())
        );
    }

    #[tokio::test]
    async fn a_read_that_was_given_up_is_partial() {
        let folder = tempfile::tempdir().unwrap();
        let sink = sink(folder.path());
        drop(sink.open::<Vlan>().unwrap());
        let snapshot = sink.finish().unwrap();
        assert!(!snapshot.models["vlan"].verdict.is_complete());
    }

    #[tokio::test]
    async fn a_rejected_record_leaves_absence_in_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let sink = sink(folder.path());
        let mut vlans = sink.open::<Vlan>().unwrap();
        vlans.reject("VLAN 5000", "vid", "`5000` is not a VLAN id from 1 to 4094");
        vlans.complete().await.unwrap();
        let snapshot = sink.finish().unwrap();
        assert_eq!(snapshot.models["vlan"].doubt().as_deref(), Some("1 record could not be taken over"));
    }
}
