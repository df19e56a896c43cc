//! Whose an object is that looks as one of ours would: a person may have created the same while nobody knew what became of a
//! create.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use syncline_core::{Error, ErrorKind, Result};

use super::Writer;
use crate::client::RestPage;
use crate::tables::Table;

/// NetBox's change log.
const LOG: &str = "api/core/object-changes/";
/// How many objects one request asks about.
const OBJECTS: usize = 100;

/// An entry of the change log.
#[derive(Debug, Deserialize)]
struct Entry {
    changed_object_type: String,
    changed_object_id: u64,
    #[serde(default)]
    message: String,
}

impl Writer {
    /// Those of some objects that are not this run's: the log knows them, and nothing in it was done by the run. It tells only
    /// where its entries name the run and the token may read them; otherwise none is.
    pub(super) async fn strangers(&self, table: &Table, ids: &[u64]) -> HashSet<u64> {
        let Some(message) = &self.message else { return HashSet::new() };
        let mut is_ours: HashMap<u64, bool> = HashMap::new();
        for ids in ids.chunks(OBJECTS) {
            match self.log_of(table, ids).await {
                Ok(entries) => {
                    for entry in entries {
                        *is_ours.entry(entry.changed_object_id).or_default() |= entry.message == *message;
                    }
                }
                Err(error) => {
                    tracing::debug!(model = table.schema.name, error = %error.report(), "the change log does not tell whose it is");
                    return HashSet::new();
                }
            }
        }
        is_ours.into_iter().filter(|(_, is_ours)| !is_ours).map(|(id, _)| id).collect()
    }

    async fn log_of(&self, table: &Table, ids: &[u64]) -> Result<Vec<Entry>> {
        let mut query = vec![
            ("changed_object_type", table.object_type.to_owned()),
            ("fields", "changed_object_type,changed_object_id,message".to_owned()),
            ("limit", "1000".to_owned()),
        ];
        query.extend(ids.iter().map(|id| ("changed_object_id", id.to_string())));
        let page: RestPage<Entry> = self.reader.get(LOG, &query).await?;
        // NetBox ignores a filter that it does not know.
        let mut entries = page.results;
        entries.retain(|entry| entry.changed_object_type == table.object_type);
        if page.next.is_some() {
            Err(Error::new(ErrorKind::Unsupported, "there is more than a page of it"))
        } else {
            Ok(entries)
        }
    }
}
