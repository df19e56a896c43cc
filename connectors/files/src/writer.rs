//! Writing files: each batch reads one, changes it and puts the new one in its place, so that a reader sees either.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};

use async_trait::async_trait;
use serde_json::Value;
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change};
use syncline_core::native::Native;
use syncline_core::outcome::Outcome;
use syncline_core::permit::Validity;
use syncline_core::target::{Batch, BatchError, Pass, TargetWriter, Written};
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::{AnyRecord, FieldSet, ModelSchema};

use crate::Format;
use crate::folder::{Folder, ModelFile, blocking, failed};
use crate::format::Fields;

/// The writing half.
pub struct FilesWriter {
    pub folder: Folder,
    pub format: Format,
    /// A run that was taken over by another runner writes nothing any more.
    pub validity: Validity,
}

/// A file with its records by their keys.
struct Table {
    schema: &'static ModelSchema,
    file: ModelFile,
    rows: BTreeMap<String, Fields>,
}

/// What a batch does to one record.
struct Order {
    action: Action,
    key: String,
    /// The key that the target knows the record by, which a change of its key fields changes.
    id: String,
    /// As it was read; none where it does not matter any more.
    version: Option<String>,
    fields: Vec<(String, Value)>,
    image: Option<Value>,
}

/// What changes whenever the record does.
pub fn version(row: &Fields) -> String {
    let said = row.iter().filter(|(name, _)| !name.starts_with('_')).collect::<BTreeMap<_, _>>();
    // Names and values that came from JSON become JSON again.
    let text = serde_json::to_vec(&said).unwrap_or_default();
    blake3::hash(&text).to_hex()[..16].to_owned()
}

impl FilesWriter {
    /// Does something with the file of a model while nobody else writes.
    async fn with_table<T: Send + 'static>(
        &self,
        schema: &'static ModelSchema,
        work: impl FnOnce(Table) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (folder, format) = (self.folder.clone(), self.format);
        blocking(move || {
            let _lock = folder.lock()?;
            work(Table::read(schema, folder.file(schema, format)?)?)
        })
        .await
    }
}

#[async_trait]
impl TargetWriter for FilesWriter {
    async fn images(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Value>>> {
        let orders = orders(batch, bindings);
        let image = |table: &Table, order: &Order| table.rows.get(&order.id).cloned().map(Value::Object);
        self.with_table(batch.model, move |table| Ok(orders.iter().map(|order| image(&table, order)).collect())).await
    }

    async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let orders = orders(batch, bindings);
        let validity = self.validity.clone();
        let written = self.with_table(batch.model, move |mut table| {
            let written = orders.into_iter().map(|order| table.apply(order)).collect();
            table.save(&validity)?;
            Ok(written)
        });
        // The file is put into its place as the last step: whatever fails before has changed nothing.
        written.await.map_err(BatchError::Fatal)
    }

    async fn settle(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        let orders = orders(batch, bindings);
        self.with_table(batch.model, move |table| Ok(orders.iter().map(|order| table.settled(order)).collect())).await
    }
}

fn orders(batch: &Batch<'_>, bindings: &Bindings) -> Vec<Order> {
    let order = |change: &&Change| {
        let native = batch.native(change, bindings);
        let key = change.key.as_str().to_owned();
        Order {
            // In the second pass the record is there, also where the change creates it.
            action: if batch.pass == Pass::Second { Action::Update } else { change.action },
            id: native.as_ref().map_or_else(|| key.clone(), |native| native.id.to_string()),
            version: native.and_then(|native| native.version.as_deref().map(str::to_owned)),
            fields: batch.fields(change).map(|field| (field.name.clone(), field.after.clone())).collect(),
            image: change.image.clone(),
            key,
        }
    };
    batch.changes.iter().map(order).collect()
}

impl Table {
    fn read(schema: &'static ModelSchema, file: ModelFile) -> Result<Self> {
        let mut rows = BTreeMap::new();
        let mut unread = None;
        if file.path.exists() {
            file.read(&mut |place, row| match AnyRecord::from_json(
                schema,
                &crate::table::without_notes(row.clone()),
                FieldSet::EMPTY,
            ) {
                Ok(record) => {
                    rows.insert(record.key().as_str().to_owned(), row);
                    true
                }
                Err(error) => {
                    unread = Some((place, error));
                    false
                }
            })?;
        }
        // Writing the file anew would lose what was not understood.
        if let Some((place, error)) = unread {
            let message =
                format!("`{}` is not written: {place} of it is not understood", crate::folder::name(&file.path));
            return Err(Error::new(ErrorKind::Refused, message).caused_by(error));
        }
        Ok(Self { schema, file, rows })
    }

    fn apply(&mut self, order: Order) -> Written {
        let present = self.rows.get(&order.id);
        if let (Some(expected), Some(row)) = (&order.version, present)
            && *expected != version(row)
        {
            let reason = "the file was changed since it was read".to_owned();
            return Written::not_written(Outcome::Stale { reason });
        }
        match (order.action, present) {
            (Action::Delete, None) => Written::not_written(Outcome::Unchanged),
            (Action::Delete, Some(_)) => {
                let image = self.rows.remove(&order.id).map(Value::Object);
                Written::deleted(None).with_image(image)
            }
            (Action::Update, None) => {
                let reason = "the record is no longer in the file".to_owned();
                Written::not_written(Outcome::Stale { reason })
            }
            (Action::Update, Some(row)) => self.put(row.clone(), order),
            (Action::Create, row) => {
                let kept = row.cloned().or_else(|| order.image.as_ref()?.as_object().cloned());
                self.put(kept.unwrap_or_default(), order)
            }
        }
    }

    /// Puts a record in its place, with the fields of an order.
    fn put(&mut self, mut row: Fields, order: Order) -> Written {
        row.extend(order.fields);
        let said = crate::table::without_notes(row.clone());
        let record = match AnyRecord::from_json(self.schema, &said, FieldSet::EMPTY) {
            Ok(record) => record,
            Err(error) => {
                let field = Some(error.field().to_owned());
                return Written::not_written(Outcome::Failed { field, reason: error.to_string() });
            }
        };
        let key = record.key().as_str().to_owned();
        if key != order.id && order.action == Action::Update && self.rows.contains_key(&key) {
            let reason = format!("another record is known as {} already", record.key());
            return Written::not_written(Outcome::Failed { field: None, reason });
        }
        let native = Native::new(&key).at_version(version(&row));
        self.rows.remove(&order.id);
        self.rows.insert(key, row);
        Written::applied(native, None)
    }

    /// What is known of an order that may have been carried out.
    fn settled(&self, order: &Order) -> Option<Written> {
        let row = [&order.key, &order.id].into_iter().find_map(|key| self.rows.get_key_value(key));
        match (order.action, row) {
            (Action::Delete, None) => Some(Written::deleted(None)),
            (Action::Delete, Some(_)) | (_, None) => None,
            (_, Some((key, row))) => {
                let done = order.fields.iter().all(|(name, after)| row.get(name).unwrap_or(&Value::Null) == after);
                done.then(|| Written::applied(Native::new(key).at_version(version(row)), None))
            }
        }
    }

    /// Puts the records in place of the file, whole or not at all.
    fn save(&self, validity: &Validity) -> Result<()> {
        let path = &self.file.path;
        let folder = path.parent().unwrap_or(path);
        let error = |error| failed(path, "cannot be written", error);
        let mut new = tempfile::Builder::new();
        // As any program makes files, not for this one's eyes alone.
        #[cfg(unix)]
        new.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut new = new.prefix(".syncline-").tempfile_in(folder).map_err(error)?;
        let mut out = BufWriter::new(new.as_file_mut());
        self.file.format.write(self.rows.values(), &self.columns(), &mut out).map_err(error)?;
        out.flush().map_err(error)?;
        drop(out);
        new.as_file().sync_all().map_err(error)?;
        validity.ensure()?;
        new.persist(path).map_err(|refused| error(refused.error))?;
        Ok(())
    }

    /// The fields that any record has, in the order of the model, and what is noted beside them.
    fn columns(&self) -> Vec<String> {
        let fields = self.schema.fields.iter().map(|field| field.name);
        let used = |name: &&str| self.rows.values().any(|row| row.contains_key(*name));
        let notes: std::collections::BTreeSet<_> =
            self.rows.values().flat_map(Fields::keys).filter(|name| name.starts_with('_')).cloned().collect();
        fields.filter(|name| used(name) || self.rows.is_empty()).map(str::to_owned).chain(notes).collect()
    }
}
