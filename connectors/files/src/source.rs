//! The folder as a source.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::describe::{CheckReport, ConfigItem};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::{Absence, DataSource};
use syncline_model::{AnyKey, AnyRecord, FieldSet, ModelSchema, models};

use crate::folder::{Folder, ModelFile, blocking};

/// A folder of files, read as truth. What has no file is not told of; an empty file says that there is nothing.
#[derive(Debug)]
pub struct FilesSource {
    folder: Folder,
    files: BTreeMap<&'static str, ModelFile>,
    knows: ModelFields,
}

impl FilesSource {
    /// Looks which files there are, and which fields they have.
    pub async fn open(path: PathBuf) -> Result<Self> {
        blocking(move || {
            let folder = Folder::open(&path)?;
            let files = folder.files()?;
            let mut knows = ModelFields::new();
            for (model, file) in &files {
                let Some(schema) = models::by_name(model) else { continue };
                knows = knows.insert(schema, file.fields(schema)?.union(schema.key_set()));
            }
            Ok(Self { folder, files, knows })
        })
        .await
    }
}

#[async_trait]
impl DataSource for FilesSource {
    fn knows(&self) -> ModelFields {
        self.knows.clone()
    }

    async fn check(&self) -> Result<CheckReport> {
        Ok(report(&self.folder, &self.files))
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        for (schema, fields) in request.fields.iter() {
            if let Some(file) = self.files.get(schema.name) {
                read(file, schema, fields, request, sink, |_, _| None).await?;
            }
        }
        Ok(())
    }

    async fn explain_absence(&self, _: &str, keys: &[AnyKey]) -> Result<Vec<Absence>> {
        // The files are the system: what is not in them is not there.
        Ok(vec![Absence::Gone; keys.len()])
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        vec![ConfigItem::new("Folder", self.folder.path.display())]
    }
}

/// Reads the file of a model; `native` tells the handle of a record.
pub async fn read(
    file: &ModelFile,
    schema: &'static ModelSchema,
    fields: FieldSet,
    request: &ReadRequest,
    sink: &SnapshotSink,
    native: impl Fn(&AnyRecord, &crate::format::Fields) -> Option<Native> + Send,
) -> Result<()> {
    let mut records = sink.open_any(schema)?;
    let mut rows = file.clone().rows();
    while let Some(row) = rows.recv().await {
        request.ensure_running()?;
        match row {
            Ok((place, row)) => match AnyRecord::from_json(schema, &row, fields) {
                Ok(record) => records.push_any(&record, native(&record, &row).as_ref()).await?,
                Err(error) => records.reject(place, error.field(), error.to_string()),
            },
            Err(error) => return records.partial_after(&error).await,
        }
    }
    records.complete().await
}

/// What a connection test finds.
pub fn report(folder: &Folder, files: &BTreeMap<&'static str, ModelFile>) -> CheckReport {
    let facts = files.iter().map(|(model, file)| ConfigItem::new(*model, crate::folder::name(&file.path)));
    let warnings = if files.is_empty() {
        let message = format!(
            "there is no file of a model in `{}`: files are named after models, such as `site.csv`",
            folder.path.display()
        );
        vec![message]
    } else {
        Vec::new()
    };
    CheckReport { system: "files".to_owned(), facts: facts.collect(), warnings }
}
