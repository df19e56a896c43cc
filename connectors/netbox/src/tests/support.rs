//! Reading and writing without the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change, FieldChange};
use syncline_core::event::{Events, Side};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::outcome::Outcome;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::{Snapshot, SnapshotReader, SnapshotSink};
use syncline_core::target::{Batch, BatchError, Pass, TargetWriter as _, Written};
use syncline_model::{AnyKey, FieldSet, Model, ModelSchema};

use crate::client::{ReadClient, WriteClient};
use crate::read::{self, Role};
use crate::settings::{Connection, SourceParameters, TargetParameters};
use crate::write::Writer;

/// A connection whose token is in a file.
pub(super) struct Access {
    pub connection: Connection,
    _token: tempfile::NamedTempFile,
}

/// Access to a server of a test.
pub(super) fn access(url: &str, token: &str) -> Access {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(token.as_bytes()).unwrap();
    let connection = connection(url, &format!("file:{}", file.path().display()));
    Access { connection, _token: file }
}

/// A connection to a NetBox of tests.
pub(super) fn connection(url: &str, token: &str) -> Connection {
    let settings = serde_json::json!({
        "url": url, "token": token, "http": {"proxy": "off", "retry": {"base_delay_ms": 1}},
    });
    serde_json::from_value(settings).unwrap()
}

/// What a read of every model gave.
pub(super) struct Read {
    pub snapshot: Snapshot,
    folder: tempfile::TempDir,
}

impl Read {
    /// Key and record of a model's records, with their handles.
    pub fn records(&self, model: &str) -> Vec<(String, Value, Native)> {
        assert!(self.folder.path().exists());
        let mut reader = SnapshotReader::open(&self.snapshot.models[model]).unwrap();
        let mut records = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            records.push((
                String::from_utf8(line.key.to_vec()).unwrap(),
                serde_json::from_slice(line.record).unwrap(),
                serde_json::from_slice(line.native.unwrap()).unwrap(),
            ));
        }
        records
    }

    /// Every record by model and key.
    pub fn find(&self, model: &str, key: &AnyKey) -> Option<(Value, Native)> {
        let mut records = self.records(model).into_iter();
        records.find(|(found, ..)| found == key.as_str()).map(|(_, record, native)| (record, native))
    }
}

/// Reads every model.
pub(super) async fn read(
    client: &ReadClient,
    role: Role,
    parameters: Option<&SourceParameters>,
) -> syncline_core::Result<Read> {
    Box::pin(read_fields(
        client,
        role,
        parameters,
        if role == Role::Source { crate::describe::read() } else { crate::describe::written() },
    ))
    .await
}

/// Reads some models.
pub(super) async fn read_fields(
    client: &ReadClient,
    role: Role,
    parameters: Option<&SourceParameters>,
    fields: ModelFields,
) -> syncline_core::Result<Read> {
    let folder = tempfile::tempdir().unwrap();
    let side = if role == Role::Source { Side::Source } else { Side::Target };
    let sink = SnapshotSink::create(side, folder.path(), fields.clone(), Events::new())?;
    let request = ReadRequest { fields, modes: BTreeMap::new(), cancel: tokio_util::sync::CancellationToken::new() };
    read::load(client, role, parameters, &request, &sink).await?;
    Ok(Read { snapshot: sink.finish()?, folder })
}

/// A writer beside its reader.
pub(super) async fn writer(reader: &Arc<ReadClient>, connection: &Connection, parameters: &TargetParameters) -> Writer {
    let client = WriteClient::without_permit(connection).unwrap();
    Writer::with(client, reader.clone(), connection, parameters, "sync test, run 1").await.unwrap()
}

/// The creation of a record.
pub(super) fn create<M: Model>(record: &M) -> Change {
    let after = fields_of(record);
    let fields = M::SCHEMA.fields.iter().filter_map(|field| {
        let after = after.get(field.name).cloned().unwrap_or(Value::Null);
        let said = !after.is_null() || field.key;
        said.then(|| FieldChange { deferred: field.deferred, ..FieldChange::new(field.name, Value::Null, after) })
    });
    change::<M>(record.key().to_any(), Action::Create, None, fields.collect())
}

/// The update of some fields of a record.
pub(super) fn update<M: Model>(key: AnyKey, native: Native, fields: &[(&str, Value, Value)]) -> Change {
    let fields = fields.iter().map(|(name, before, after)| FieldChange {
        deferred: M::SCHEMA.field(name).unwrap().deferred,
        ..FieldChange::new(name, before.clone(), after.clone())
    });
    change::<M>(key, Action::Update, Some(native), fields.collect())
}

/// The deletion of a record.
pub(super) fn delete<M: Model>(key: AnyKey, native: Native) -> Change {
    change::<M>(key, Action::Delete, Some(native), Vec::new())
}

fn change<M: Model>(key: AnyKey, action: Action, native: Option<Native>, fields: Vec<FieldChange>) -> Change {
    Change::new(M::NAME, key, action, native, fields)
}

/// Every field of a record.
pub(super) fn fields_of<M: Model>(record: &M) -> Map<String, Value> {
    let mut out = Vec::new();
    record.write_fields(FieldSet::ALL, &mut out);
    serde_json::from_slice(&out).unwrap()
}

/// A batch.
pub(super) fn batch<'c>(
    schema: &'static ModelSchema,
    pass: Pass,
    changes: impl IntoIterator<Item = &'c Change>,
) -> Batch<'c> {
    Batch { model: schema, pass, changes: changes.into_iter().collect() }
}

/// Writes a batch; a refused one is taken apart as the engine does it.
pub(super) async fn apply(writer: &Writer, batch: &Batch<'_>, bindings: &mut Bindings) -> Vec<Written> {
    let written = match writer.write(batch, bindings).await {
        Ok(written) => written,
        Err(BatchError::Refused { field, error }) if batch.changes.len() == 1 => {
            vec![Written::not_written(Outcome::Failed { field, reason: error.message().to_owned() })]
        }
        Err(BatchError::Refused { .. }) => {
            let (left, right) = batch.changes.split_at(batch.changes.len() / 2);
            let mut written = Vec::new();
            for half in [left, right] {
                let half = Batch { model: batch.model, pass: batch.pass, changes: half.to_vec() };
                written.extend(Box::pin(apply(writer, &half, bindings)).await);
            }
            written
        }
        Err(other) => panic!("{other:?}"),
    };
    for (change, written) in batch.changes.iter().zip(&written) {
        if let Some(native) = &written.native {
            bindings.bind(batch.model.name, change.key.as_str(), &native.id);
        }
    }
    written
}

/// The outcomes for people.
pub(super) fn outcomes(written: &[Written]) -> String {
    let line = |written: &Written| match &written.outcome {
        Outcome::Failed { field: Some(field), reason } => format!("failed: {field}: {reason}"),
        outcome => match outcome.reason() {
            Some(reason) => format!("{}: {reason}", outcome.as_str()),
            None => outcome.as_str().to_owned(),
        },
    };
    written.iter().map(line).collect::<Vec<_>>().join("\n")
}
