//! From what a source says to what a target keeps, where these are other things.

use std::collections::BTreeMap;
use std::path::PathBuf;

use syncline_model::{FieldSet, Model};

use super::filled::FilledCounter;
use super::run::{self, Buffer, Run};
use super::sink::native_json;
use super::{ModelSnapshot, ReadVerdict, Rejection, Snapshot};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::{Error, ErrorKind, Result};

/// How much of a model is held in memory before it is sorted and spilled.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How many rejected records are kept with their reason.
const NAMED_REJECTIONS: usize = 100;

/// Takes the records that a target makes of those of a source, in [`DataTarget::desired`](crate::target::DataTarget::desired).
///
/// What the reads of the source leave in doubt, they leave in doubt here: a model made from a read that did not come to its end has
/// none either, and one made from records that could not all be taken over proves no absence.
pub struct Translation {
    folder: PathBuf,
    fields: ModelFields,
    source: Snapshot,
    models: BTreeMap<&'static str, Made>,
}

/// What is made of one model.
#[derive(Default)]
struct Made {
    fields: FieldSet,
    buffer: Buffer,
    runs: Vec<Run>,
    skipped: BTreeMap<&'static str, u64>,
    rejected: u64,
    rejections: Vec<Rejection>,
    filled: FilledCounter,
}

impl Translation {
    /// A translation of `source` into the models and fields of `fields`.
    pub fn new(source: Snapshot, fields: &ModelFields) -> Result<Self> {
        let folder = source.models.values().find_map(|model| model.path.parent());
        let folder =
            folder.ok_or_else(|| Error::new(ErrorKind::Internal, "a snapshot without a file is translated"))?;
        let made = |fields| Made { fields, ..Made::default() };
        let models = fields.iter().map(|(schema, fields)| (schema.name, made(fields))).collect();
        Ok(Self { folder: folder.to_owned(), fields: fields.clone(), source, models })
    }

    /// What is translated.
    pub fn source(&self) -> &Snapshot {
        &self.source
    }

    /// Takes a record, and what it was made from: an id that stays when the record is renamed.
    pub fn push<M: Model>(&mut self, record: &M, origin: Option<&Native>) -> Result<()> {
        let made = self.of::<M>()?;
        let (fields, origin) = (made.fields, origin.map(native_json));
        made.buffer.push(|out| record.write_key(out), |out| record.write_fields(fields, out), origin.as_deref());
        made.filled.count(record.filled());
        if made.buffer.len() < BUFFER_BYTES {
            return Ok(());
        }
        let buffer = std::mem::take(&mut made.buffer);
        let run = buffer.spill(&self.folder)?;
        self.of::<M>()?.runs.push(run);
        Ok(())
    }

    /// Counts what is known and harmless, by rule.
    pub fn skip<M: Model>(&mut self, rule: &'static str) -> Result<()> {
        *self.of::<M>()?.skipped.entry(rule).or_default() += 1;
        Ok(())
    }

    /// Reports what cannot become a record, under the name that people know it by. As nobody knows then what it would have been, the
    /// run deletes nothing of this model.
    pub fn reject<M: Model>(
        &mut self,
        record: impl Into<String>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Result<()> {
        let made = self.of::<M>()?;
        made.rejected += 1;
        if made.rejections.len() < NAMED_REJECTIONS {
            made.rejections.push(Rejection { record: record.into(), field: field.into(), message: message.into() });
        }
        Ok(())
    }

    /// What was made.
    pub fn finish(self) -> Result<Snapshot> {
        let Self { folder, fields, source, models } = self;
        let partial = source.models.values().find_map(|read| match &read.verdict {
            ReadVerdict::Complete => None,
            ReadVerdict::Partial { reason } => Some(format!("the source's {}: {reason}", read.model)),
        });
        let verdict = partial.map_or(ReadVerdict::Complete, |reason| ReadVerdict::Partial { reason });
        // Which of them what would have been made of is not known.
        let rejected_origins: u64 = source.models.values().map(|read| read.rejected).sum();
        let mut finished = BTreeMap::new();
        for (model, made) in models {
            let Some(schema) = fields.schema(model) else { continue };
            let merged = run::merge(schema.name, &folder, &made.runs, made.buffer)?;
            finished.insert(
                schema.name,
                ModelSnapshot {
                    model: schema.name,
                    path: merged.path,
                    digest: merged.digest,
                    records: merged.records,
                    bytes: merged.bytes,
                    verdict: verdict.clone(),
                    skipped: made.skipped,
                    rejected: made.rejected,
                    rejected_origins,
                    rejections: made.rejections,
                    duplicates: merged.duplicates,
                    duplicate_keys: merged.duplicate_keys,
                    filled: made.filled.of(schema, made.fields),
                },
            );
        }
        Ok(Snapshot { side: source.side, models: finished, notes: source.notes })
    }

    fn of<M: Model>(&mut self) -> Result<&mut Made> {
        self.models.get_mut(M::NAME).ok_or_else(|| {
            Error::new(ErrorKind::Internal, format!("the target makes the model `{}`, which it does not hold", M::NAME))
        })
    }
}

#[cfg(test)]
mod tests {
    use syncline_model::models::{HostGroup, Site, SiteStatus};
    use syncline_model::{Slug, Text};

    use super::super::{SnapshotReader, SnapshotSink};
    use super::*;
    use crate::event::{Events, Side};

    async fn sites(folder: &std::path::Path, partial: bool, rejected: bool) -> Snapshot {
        let contract = ModelFields::new().all::<Site>();
        let sink = SnapshotSink::create(Side::Source, folder, contract, Events::new()).unwrap();
        let mut sites = sink.open::<Site>().unwrap();
        let slug: Slug = "bern".parse().unwrap();
        let site = Site { slug, name: Text::new("Bern").unwrap(), status: SiteStatus::Active, physical_address: None };
        sites.push(&site, Some(&Native::new(7))).await.unwrap();
        if rejected {
            sites.reject("site 8", "slug", "it has none");
        }
        if partial { sites.partial("a page is missing").await } else { sites.complete().await }.unwrap();
        sink.finish().unwrap()
    }

    fn translated(source: Snapshot) -> Snapshot {
        let mut translation = Translation::new(source, &ModelFields::new().all::<HostGroup>()).unwrap();
        for name in ["Sites/Bern", "Sites"] {
            let group = HostGroup { name: Text::new(name).unwrap() };
            translation.push(&group, Some(&Native::new(name))).unwrap();
        }
        assert!(
            translation
                .push(
                    &Site {
                        slug: "x".parse().unwrap(),
                        name: Text::new("x").unwrap(),
                        status: SiteStatus::Active,
                        physical_address: None,
                    },
                    None
                )
                .is_err()
        );
        translation.finish().unwrap()
    }

    #[tokio::test]
    async fn records_are_made_of_others_in_the_order_of_their_keys() {
        let folder = tempfile::tempdir().unwrap();
        let made = translated(sites(folder.path(), false, false).await);
        assert_eq!((made.models.len(), made.models["host_group"].doubt()), (1, None));
        let mut reader = SnapshotReader::open(&made.models["host_group"]).unwrap();
        let mut keys = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            keys.push(String::from_utf8_lossy(line.key).into_owned());
        }
        assert_eq!(keys, [r#"["Sites"]"#, r#"["Sites/Bern"]"#]);
    }

    #[tokio::test]
    async fn what_was_in_doubt_stays_in_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let partial = translated(sites(folder.path(), true, false).await);
        assert_eq!(partial.models["host_group"].doubt().as_deref(), Some("the source's site: a page is missing"));
        let rejected = translated(sites(folder.path(), false, true).await);
        let groups = &rejected.models["host_group"];
        assert_eq!(groups.doubt().as_deref(), Some("1 record could not be taken over"));
        // It is told once, where it was read.
        assert_eq!((groups.rejected, groups.rejections.len()), (0, 0));
    }
}
