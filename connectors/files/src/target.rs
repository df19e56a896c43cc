//! The folder as a target.

use std::path::PathBuf;

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::describe::{CheckReport, ConfigItem};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::permit::WritePermit;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::target::{Capabilities, DataTarget, TargetWriter};
use syncline_model::{FieldSet, models};

use crate::Format;
use crate::folder::{Folder, blocking, failed};
use crate::source::{read, report};
use crate::writer::{FilesWriter, version};

/// What is written at once is one file, read and written anew: the larger the batch, the fewer times.
pub const CAPABILITIES: Capabilities =
    Capabilities { batch_size: 10_000, concurrency: 1, preconditions: true, deletes: true, staging: false };

/// A folder of files that is made to agree.
#[derive(Debug)]
pub struct FilesTarget {
    folder: Folder,
    format: Format,
}

impl FilesTarget {
    /// Opens the folder, which has to be there; files are created as they are needed.
    pub async fn open(path: PathBuf, format: Format) -> Result<Self> {
        blocking(move || Ok(Self { folder: Folder::open(&path)?, format })).await
    }
}

#[async_trait]
impl DataTarget for FilesTarget {
    fn holds(&self) -> ModelFields {
        models::ALL.iter().fold(ModelFields::new(), |fields, schema| fields.insert(schema, FieldSet::ALL))
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn check(&self) -> Result<CheckReport> {
        let folder = self.folder.clone();
        blocking(move || {
            // Gone as soon as it is made: it only shows that the folder takes files.
            tempfile::tempfile_in(&folder.path).map_err(|error| failed(&folder.path, "takes no files", error))?;
            Ok(report(&folder, &folder.files()?))
        })
        .await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let files = self.folder.files()?;
        for (schema, fields) in request.fields.iter() {
            match files.get(schema.name) {
                Some(file) => {
                    let native = |record: &syncline_model::AnyRecord, row: &_| {
                        Some(Native::new(record.key().as_str()).at_version(version(row)))
                    };
                    read(file, schema, fields, request, sink, native).await?;
                }
                // No file has no records, as long as the folder is there.
                None => sink.open_any(schema)?.complete().await?,
            }
        }
        Ok(())
    }

    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        let (folder, validity) = (self.folder.clone(), permit.validity().clone());
        Ok(Box::new(FilesWriter { folder, format: self.format, validity }))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        let format = format!("{:?}", self.format).to_uppercase();
        vec![ConfigItem::new("Folder", self.folder.path.display()), ConfigItem::new("New files", format)]
    }
}
