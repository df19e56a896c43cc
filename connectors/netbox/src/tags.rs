//! Tags that settings name.

use serde::Deserialize;
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::models;

use crate::client::ReadClient;
use crate::rows::Id;
use crate::tables;

/// A tag that settings name.
#[derive(Debug, Clone)]
pub(crate) struct NamedTag {
    pub id: u64,
    /// The kinds of objects that may carry it, such as `dcim.site`; empty for all.
    pub object_types: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct TagRow {
    id: Id,
    slug: String,
    #[serde(default)]
    object_types: Vec<String>,
}

/// Finds tags by their slugs. One that does not exist is an error that names it.
pub(crate) async fn resolve(client: &ReadClient, slugs: &[String]) -> Result<Vec<NamedTag>> {
    let filters: Vec<_> = slugs.iter().map(|slug| vec![("slug", slug.clone())]).collect();
    let fixed = [("fields", "id,slug,object_types".to_owned())];
    let rows: Vec<TagRow> = client.list_by(tables::of::<models::Tag>(), &fixed, &filters).await?;
    let found = slugs.iter().map(|slug| {
        let row = rows.iter().find(|row| row.slug == *slug).ok_or_else(|| {
            let message = format!("NetBox has no tag `{slug}`, which `tags` names; create it there or leave it out");
            Error::new(ErrorKind::Settings, message)
        })?;
        Ok(NamedTag { id: row.id.0, object_types: row.object_types.clone() })
    });
    found.collect()
}
