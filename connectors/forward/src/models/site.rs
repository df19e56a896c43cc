//! Sites, from Forward's locations.

use std::collections::BTreeMap;

use serde::Deserialize;
use syncline_core::Result;
use syncline_core::native::Native;
use syncline_model::Text;
use syncline_model::models::{Site, SiteStatus};

use super::catalogues::{Catalogues, reject_nameless};
use super::{Collected, Run};

/// A location.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub name: String,
    /// Forward's id, which survives a renaming.
    pub location_id: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
}

/// Pushes the sites: those of the query, and `unknown` or others that only devices name.
pub(crate) async fn push(run: &Run<'_>, all: &Catalogues, mut read: Collected<Row>) -> Result<()> {
    let mut records = run.sink.open::<Site>()?;
    read.report(&mut records);
    reject_nameless(&mut records, "name", read.rows.iter().map(|row| row.name.as_str()));
    let rows: BTreeMap<_, _> = read.rows.iter().filter_map(|row| Some((Text::new(&row.name)?, row))).collect();
    for (name, slug) in all.sites.iter() {
        let site = Site {
            slug: slug.clone(),
            name: name.clone(),
            status: SiteStatus::Active,
            physical_address: rows.get(name).and_then(|row| address(row)),
        };
        // The only id that Forward documents as lasting: devices have none, and are known by their serial numbers when renamed.
        let id = rows.get(name).and_then(|row| row.location_id.as_deref()).filter(|id| !id.trim().is_empty());
        records.push(&site, id.map(Native::new).as_ref()).await?;
    }
    run.end(records, read.doubt).await
}

/// `Frankfurt, Germany`: what of it is known.
fn address(row: &Row) -> Option<Text> {
    let parts = [&row.city, &row.country].map(|part| Text::of(part.as_deref()));
    let parts: Vec<_> = parts.iter().flatten().map(Text::as_str).collect();
    Text::new(&parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_what_is_known_of_it() {
        let address = |city: Option<&str>, country: Option<&str>| {
            let (city, country) = (city.map(str::to_owned), country.map(str::to_owned));
            address(&Row { name: "x".to_owned(), location_id: None, city, country }).map(|text| text.to_string())
        };
        assert_eq!(address(Some("Frankfurt"), Some("Germany")).as_deref(), Some("Frankfurt, Germany"));
        assert_eq!(address(None, Some(" DE ")).as_deref(), Some("DE"));
        assert_eq!(address(Some(""), None), None);
    }
}
