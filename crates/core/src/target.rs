//! The side that is made to agree.

mod items;
pub mod lists;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use async_trait::async_trait;
use syncline_model::AnyKey;

use crate::apply::{Applied, ApplyContext};
use crate::bindings::Bindings;
use crate::change::{Change, FieldChange, Refusal};
use crate::describe::{Catalogue, CheckReport, ConfigItem, ObjectLink};
use crate::diff::{DiffInput, DiffOutput};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::outcome::Outcome;
use crate::permit::WritePermit;
use crate::read::ReadRequest;
use crate::snapshot::{Snapshot, SnapshotSink};
use crate::source::Absence;
use crate::{Error, ErrorKind, Result};

pub use items::{Item, Items, Writing};

/// What the engine decides with: declared by the connector, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Capabilities {
    /// Largest number of changes in one batch.
    pub batch_size: usize,
    /// How many batches may be under way at once.
    pub concurrency: usize,
    /// Whether a write checks that the record is still as it was read. People are told when it does not.
    pub preconditions: bool,
    /// Whether records can be deleted. If not, every delete is held.
    pub deletes: bool,
    /// Whether writes can be staged for review in the target itself, for example in a NetBox branch.
    pub staging: bool,
}

/// A system that can be made to agree. This is its reading half: a dry run has nothing else.
#[async_trait]
pub trait DataTarget: Send + Sync {
    /// Which models and fields this target can hold.
    fn holds(&self) -> ModelFields;

    /// How it wants to be written to.
    fn capabilities(&self) -> Capabilities;

    /// Tests the connection: reachable, authenticated, authorised to write, a version that works.
    async fn check(&self) -> Result<CheckReport>;

    /// Reads every model of the request into the sink, each record with its [`Native`] handle.
    ///
    /// # Behavior
    ///
    /// As [`DataSource::load`](crate::source::DataSource::load). A record that the target holds and this connector cannot
    /// express is rejected, never left out silently. The engine does not know its key, so a create of the same record may be
    /// planned: the writer looks before it creates where the target itself would take a second one.
    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()>;

    /// What a source is asked for, where that is not what the target holds: Zabbix keeps hosts, which are made of devices and their
    /// addresses. None, the default, asks for what it holds.
    fn needs(&self) -> Option<ModelFields> {
        None
    }

    /// Turns what the source says into what this target keeps, of which `fields` are compared. It is asked after [`load`](Self::load).
    /// The default keeps the same records; [`Translation`](crate::snapshot::Translation) helps to make others.
    fn desired(&self, source: Snapshot, fields: &ModelFields) -> Result<Snapshot> {
        let _ = fields;
        Ok(source)
    }

    /// Compares both sides. The default compares by key, field by field.
    fn calculate_diff(&self, input: &DiffInput<'_>, output: &mut dyn DiffOutput) -> Result<()> {
        crate::diff::calculate(input, output)
    }

    /// What this target would refuse of some creates and updates as things are, in their order, found out without writing: asked while
    /// a plan is made, of up to 500 changes of one model. What the same plan creates before them is taken for there. The default, an
    /// empty list, finds nothing.
    async fn refusals(&self, changes: &[&Change]) -> Result<Vec<Option<Refusal>>> {
        let _ = changes;
        Ok(Vec::new())
    }

    /// References that must be cleared before what they refer to can change.
    fn releases(&self) -> &'static [Release] {
        &[]
    }

    /// What a record gets while it is absent and waits for its delete, beside what the policy's mark is (`policy.quarantine.mark`):
    /// fields of the model with their values. It is taken back when the record reappears; what a person does with it stays.
    ///
    /// A set that is to be `exact` gets the value in its place. What refers to a record that the target lacks waits until it has it:
    /// the rest of the mark does not. The default gives nothing.
    fn mark(&self, model: &str) -> Vec<(&'static str, serde_json::Value)> {
        let _ = model;
        Vec::new()
    }

    /// Why records of a model are absent that this target makes of others of the source's ([`DataTarget::desired`]), one answer for
    /// each key: what its own rules leave out is not gone. By default, they are gone.
    fn explain_absence(&self, model: &str, keys: &[AnyKey]) -> Vec<Absence> {
        let _ = model;
        vec![Absence::Gone; keys.len()]
    }

    /// Opens the writing half. Only the apply step holds a [`WritePermit`].
    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>>;

    /// Opens a place in the target where writes wait for their review, such as a NetBox branch. Only a target that declares
    /// [`Capabilities::staging`] is asked.
    ///
    /// # Behavior
    ///
    /// A place of this name that is there already is opened again, so that a run that was killed finds what it wrote.
    async fn stage(&self, permit: &WritePermit, name: &str) -> Result<Box<dyn Stage>> {
        let message = format!("this target cannot stage the writes of `{}` under `{name}`", permit.message());
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Opens a place that [`stage`](Self::stage) gave, by its id, whatever became of it; none when it was deleted.
    async fn staged(&self, permit: &WritePermit, id: &str) -> Result<Option<Box<dyn Stage>>> {
        let message = format!("this target cannot have staged the writes of `{}` as `{id}`", permit.message());
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// What the system has that rules and settings can name, for people who pick from it: read when it is asked for. The default has
    /// nothing to pick from.
    async fn catalogues(&self) -> Result<Vec<Catalogue>> {
        Ok(Vec::new())
    }

    /// The configuration for people, without secrets.
    fn config_information(&self) -> Vec<ConfigItem>;

    /// Where a person sees a record in the system's own interface; none when it has no page for it.
    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        let _ = (model, key, native);
        Ok(None)
    }
}

/// A reference that a target insists on: as long as it stands, the record that it refers to can neither change some of its fields
/// nor, perhaps, be deleted. The planner clears it first where the source no longer says it.
///
/// In NetBox an address cannot move to another device while it is its device's primary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The model that refers.
    pub model: &'static str,
    /// Its field, a single reference that is deferred.
    pub field: &'static str,
    /// The fields of the record referred to that cannot change.
    pub holds: &'static [&'static str],
    /// Whether the record referred to cannot be deleted, or its deletion is a change of the record that refers to it: what is to be
    /// deleted as well would no longer be as it was read.
    pub holds_delete: bool,
}

/// A place in the target where writes wait until a person, or the sync's `auto_merge`, merges them.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The system's own id for the place, kept with the run.
    fn id(&self) -> &str;

    /// Where a person sees what was written there.
    fn link(&self) -> Option<ObjectLink>;

    /// Opens the writing half; what it writes stays in this place.
    async fn writer(&self) -> Result<Box<dyn TargetWriter>>;

    /// What was changed in the target itself since the place was opened, and also here: merging would overwrite it. Each is one
    /// line for people.
    async fn conflicts(&self) -> Result<Vec<String>>;

    /// Whether somebody asked for the merge already, so that it is over or will be: nothing can be decided about it any more.
    async fn is_merging(&self) -> Result<bool>;

    /// Takes what was written over into the target, and waits until it is there. Merging what is merged already changes nothing.
    async fn merge(&self) -> Result<()>;

    /// Removes the place and what was written there. A place that is gone already is no error.
    async fn discard(&self) -> Result<()>;
}

/// The writing half of a target.
#[async_trait]
pub trait TargetWriter: Send + Sync {
    /// Applies a plan. The default writes batches in the plan's order, takes refused ones apart, and skips what depends on a
    /// failure.
    async fn execute_sync(&self, context: &mut ApplyContext<'_>) -> Result<Applied> {
        crate::apply::execute(self, context).await
    }

    /// Which changes of a batch must not be written at the same time as those of another: batches that share a lane are
    /// written one after the other, batches of different lanes side by side. For NetBox the parent device: parallel writes
    /// below one parent deadlock. Changes are batched in lane order.
    fn lane(&self, change: &Change) -> Option<String> {
        let _ = change;
        None
    }

    /// What the target says of the records that a batch is about to delete, in the order of the batch; see [`Written::image`]. It is
    /// asked before the batch is noted, so that a run that is killed after its deletes still has it. The default has nothing to
    /// say.
    async fn images(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<serde_json::Value>>> {
        let _ = (batch, bindings);
        Ok(Vec::new())
    }

    /// Tells what earlier attempts at the plan created, with the ids in the target: a writer that goes by what it created itself
    /// takes it for its own. The default needs no telling.
    fn recall(&self, model: &'static syncline_model::ModelSchema, created: &[(&Change, &str)]) {
        let _ = (model, created);
    }

    /// Writes one batch: changes of one model and one action, in one pass.
    ///
    /// # Behavior
    ///
    /// - `Ok` gives one outcome a change, in the order of the batch. A created record's handle comes with it.
    /// - The precondition is checked: a record whose version moved since the plan is [`Outcome::Stale`], and stays.
    /// - `Err` says what is known of the batch as a whole; see [`BatchError`].
    async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError>;

    /// Reads again what an interrupted batch may have written: the outcome of each change that was applied, none for one that
    /// was not.
    async fn settle(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>>;
}

/// Which part of a change a batch writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Everything but the deferred fields; deletes too.
    First,
    /// The deferred fields.
    Second,
}

/// Changes of one model and one action that are written together.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// The model.
    pub model: &'static syncline_model::ModelSchema,
    /// Which part of each change is written.
    pub pass: Pass,
    /// The changes, at least one, all with the same action. In the second pass a created record is updated.
    pub changes: Vec<&'a Change>,
}

impl Batch<'_> {
    /// The fields of a change that this batch writes.
    pub fn fields<'c>(&self, change: &'c Change) -> impl Iterator<Item = &'c FieldChange> {
        let deferred = self.pass == Pass::Second;
        change.fields.iter().filter(move |field| field.deferred == deferred)
    }

    /// The handle of a change's record: from the plan, or since it was created in this run.
    pub fn native<'c>(&self, change: &'c Change, bindings: &Bindings) -> Option<std::borrow::Cow<'c, Native>> {
        // A first pass that wrote the record has moved its version; then the id is what a second pass goes by.
        let untouched = self.pass == Pass::First || change.immediate().next().is_none();
        if let (true, Some(native)) = (untouched, &change.native) {
            return Some(std::borrow::Cow::Borrowed(native));
        }
        let bound = bindings.id(self.model.name, change.key.as_str()).map(Native::new).map(std::borrow::Cow::Owned);
        bound.or_else(|| change.native.as_ref().map(|native| std::borrow::Cow::Owned(Native::new(&native.id))))
    }
}

/// The outcome of one change, and the handle of the record it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What became of the change.
    pub outcome: Outcome,
    /// The record's handle after the write, also of one that [failed](Outcome::Failed) when it was written in part; none when it was
    /// deleted or not written.
    pub native: Option<Native>,
    /// After a delete, what the target said of the record just before: kept with the change, and handed back as
    /// [`Change::image`] when the delete is taken back. Its form is the connector's own. It holds no secrets.
    pub image: Option<serde_json::Value>,
}

impl Written {
    /// An applied change with the record's handle.
    pub fn applied(native: Native, request_id: Option<String>) -> Self {
        Self { outcome: Outcome::Applied { request_id }, native: Some(native), image: None }
    }

    /// An applied delete.
    pub fn deleted(request_id: Option<String>) -> Self {
        Self { outcome: Outcome::Applied { request_id }, native: None, image: None }
    }

    /// Adds what the target said of a deleted record.
    #[must_use]
    pub fn with_image(self, image: Option<serde_json::Value>) -> Self {
        Self { image, ..self }
    }

    /// A change that was not written.
    pub fn not_written(outcome: Outcome) -> Self {
        Self { outcome, native: None, image: None }
    }
}

/// What is known of a batch that did not go through.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Nothing was written, and at least one change is at fault. The engine takes the batch apart; alone, a change fails with
    /// this error.
    #[error("the target refused the batch")]
    Refused {
        /// Which field, when the system names one.
        field: Option<String>,
        /// The system's own words.
        error: Error,
    },
    /// Nothing was written, and the same batch may go through again: a deadlock. The engine tries it a few times.
    #[error("the target could not take the batch now")]
    Again(Error),
    /// It is not known whether something was written: the answer was lost. The engine settles it by reading again.
    #[error("the target's answer was lost")]
    InDoubt(Error),
    /// The target takes no writes any more: unreachable, credential refused. The run ends here.
    #[error("the target takes no writes")]
    Fatal(Error),
}

impl BatchError {
    /// What is known of a batch when the look that comes before it failed: nothing was written.
    pub fn looking(error: Error) -> Self {
        match error.kind() {
            // What was looked at is gone, or nothing can be asked any more.
            ErrorKind::NotFound => Self::Fatal(error),
            kind if kind.ends_a_read() => Self::Fatal(error),
            ErrorKind::Remote => Self::Again(error),
            _ => Self::Refused { field: None, error },
        }
    }
}

impl From<BatchError> for Error {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Refused { error, .. }
            | BatchError::Again(error)
            | BatchError::InDoubt(error)
            | BatchError::Fatal(error) => error,
        }
    }
}

/// One of so many lanes, for [`TargetWriter::lane`]: what has the same parent shares one.
pub fn lane_of(parent: &impl std::fmt::Display, lanes: u64) -> String {
    let mut hasher = DefaultHasher::new();
    parent.to_string().hash(&mut hasher);
    (hasher.finish() % lanes.max(1)).to_string()
}
