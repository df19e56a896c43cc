//! Reading: page by page, each object as a record.

use std::collections::HashMap;

use syncline_core::prelude::*;
use syncline_model::models::{Site, Vlan};
use syncline_model::{Model as _, ModelSchema};

use crate::ShelfSide;
use crate::write::native_of;

// ANCHOR: page
/// How many objects are asked for at once. A page with fewer is the last one, or something got lost.
pub const PAGE: usize = 500;

/// What the shelf answers to `GET /sites` and `GET /vlans`.
#[derive(serde::Deserialize)]
pub struct Page {
    pub total: usize,
    pub items: Vec<Value>,
}
// ANCHOR_END: page

// ANCHOR: list_of
/// The list that has a model's objects.
pub fn list_of(schema: &ModelSchema) -> &'static str {
    if schema.name == Site::NAME { "sites" } else { "vlans" }
}
// ANCHOR_END: list_of

impl ShelfSide {
    // ANCHOR: test
    pub(crate) async fn test(&self) -> Result<CheckReport> {
        let sites = self.page("sites", 0, 1).await?.total;
        Ok(CheckReport { system: format!("Shelf with {sites} sites"), ..CheckReport::default() })
    }
    // ANCHOR_END: test

    pub(crate) async fn page(&self, list: &'static str, offset: usize, limit: usize) -> Result<Page> {
        Ok(self.http.get(list).query("offset", offset).query("limit", limit).send().await?.json()?)
    }

    // ANCHOR: read
    /// Sites first: VLANs name theirs by id.
    pub(crate) async fn read(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let mut slugs = HashMap::new();
        for schema in [Site::SCHEMA, Vlan::SCHEMA] {
            let list = list_of(schema);
            let mut records = sink.open_any(schema)?;
            let mut read = 0;
            loop {
                request.ensure_running()?;
                let Page { total, items } = self.page(list, read, PAGE).await?;
                let count = items.len();
                for mut item in items {
                    if list == "sites" {
                        slugs.insert(item["id"].as_u64(), item["slug"].clone());
                        item["physical_address"] = item["address"].clone();
                    } else {
                        item["site"] = slugs.get(&item["site"].as_u64()).cloned().unwrap_or_default();
                    }
                    records.push_object(&item["id"], &item, Some(&native_of(&item))).await?;
                }
                read += count;
                if read >= total {
                    break records.complete().await?;
                }
                if count < PAGE {
                    break records.partial(format!("{read} of {total} {list} came")).await?;
                }
            }
        }
        Ok(())
    }
    // ANCHOR_END: read
}
