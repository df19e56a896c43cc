//! Tags, and which device carries which.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::Key;
use syncline_model::models::Tag;

use super::catalogues::{Catalogues, reject_nameless};
use super::{Collected, Run};

/// A tag of a device.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub device: String,
    pub tag: String,
}

/// The tags of every device.
pub(crate) fn by_device<'a>(all: &Catalogues, rows: &'a [Row]) -> HashMap<&'a str, BTreeSet<Key<Tag>>> {
    let mut tags: HashMap<&str, BTreeSet<Key<Tag>>> = HashMap::new();
    for row in rows {
        if let Some(tag) = all.tag(&row.tag) {
            tags.entry(&row.device).or_default().insert(tag);
        }
    }
    tags
}

/// Pushes the tags.
pub(crate) async fn push(run: &Run<'_>, all: &Catalogues, read: &mut Collected<Row>) -> Result<()> {
    let mut records = run.sink.open::<Tag>()?;
    read.report(&mut records);
    reject_nameless(&mut records, "tag", read.rows.iter().map(|row| row.tag.as_str()));
    for (name, slug) in all.tags.iter() {
        records.push(&Tag { slug: slug.clone(), name: name.clone(), color: None }, None).await?;
    }
    run.end(records, read.doubt.clone()).await
}
