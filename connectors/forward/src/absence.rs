//! Why a device or a site is not in what was read.
//!
//! Queries see only what was collected and what the sync's scope lets through. The list of devices knows the others too: those
//! that could not be collected, and those outside. A device that was disabled in Forward is in neither, like one that was taken
//! out.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use syncline_core::source::Absence;
use syncline_model::{AnyKey, Slug, Text};

use crate::client::{Api, json};
use crate::error::Error;
use crate::names;
use crate::settings::Identifier;

/// How many devices a page of the list has.
const PAGE: usize = 10_000;
/// The vendor of nodes that people draw, which no query reads.
const DRAWN: &str = "FORWARD_CUSTOM";

/// What a read gave, to be held against what there is.
#[derive(Debug)]
pub(crate) struct LastRead {
    /// The Forward snapshot.
    pub snapshot: String,
    /// The names of the devices.
    pub devices: HashSet<Box<str>>,
}

/// What there is beside what was read.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    devices: HashMap<Text, Absence>,
    sites: HashMap<Slug, Absence>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    vendor: Option<String>,
    collection_error: Option<serde_json::Value>,
    processing_error: Option<serde_json::Value>,
    location_id: Option<Identifier>,
}

#[derive(Debug, Deserialize)]
struct Location {
    id: Identifier,
    name: String,
}

impl Inventory {
    /// Reads the list of devices of the Forward snapshot that was read.
    pub async fn read(api: &Api, network: &str, last: &LastRead, is_scoped: bool) -> Result<Self, Error> {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let request = api
                .get(["networks", network, "devices"])
                .query("snapshotId", &last.snapshot)
                .query("with", "locationId")
                .query("skip", rows.len().to_string())
                .query("limit", PAGE.to_string());
            let page: Vec<Row> = json(request).await?;
            // A short page is no end: the server may allow no longer ones. One that begins anew is from a server that gives all.
            let begins_anew = page.first().zip(rows.first()).is_some_and(|(page, all)| page.name == all.name);
            if page.is_empty() || begins_anew {
                break;
            }
            rows.extend(page);
        }
        let locations: Vec<Location> = if rows.iter().any(|row| row.location_id.is_some()) {
            json(api.get("locations")).await?
        } else {
            Vec::new()
        };
        Ok(Self::of(&rows, &locations, &last.devices, is_scoped))
    }

    fn of(rows: &[Row], locations: &[Location], read: &HashSet<Box<str>>, is_scoped: bool) -> Self {
        let locations: HashMap<_, _> = locations.iter().map(|location| (&location.id.0, &location.name)).collect();
        let mut inventory = Self::default();
        for row in rows {
            // One that was read and has another key now is gone from its old one.
            if read.contains(row.name.as_str()) {
                continue;
            }
            let absence = if row.collection_error.is_some() || row.processing_error.is_some() {
                Absence::Stale
            } else if is_scoped && row.vendor.as_deref() != Some(DRAWN) {
                Absence::OutOfScope
            } else {
                Absence::Filtered
            };
            let site = match &row.location_id {
                None => Some("unknown"),
                Some(id) => locations.get(&id.0).map(|name| name.as_str()),
            };
            if let Some((_, slug)) = site.and_then(names::site) {
                surest(inventory.sites.entry(slug).or_insert(absence), absence);
            }
            if let Some(name) = Text::new(&row.name) {
                surest(inventory.devices.entry(name.casefold()).or_insert(absence), absence);
            }
        }
        inventory
    }

    /// Why records of a model are absent.
    pub fn explain(&self, model: &str, keys: &[AnyKey]) -> Vec<Absence> {
        let explain = |key: &AnyKey| {
            let parts = key.parts();
            let text = |position: usize| parts.get(position).and_then(serde_json::Value::as_str);
            match model {
                // A device's name is unique in its network, whatever site it is at.
                "device" => text(1).and_then(Text::new).and_then(|name| self.devices.get(&name.casefold())),
                "site" => text(0).and_then(|slug| slug.parse().ok()).and_then(|slug: Slug| self.sites.get(&slug)),
                _ => return Absence::Unknown,
            }
            .copied()
            .unwrap_or(Absence::Gone)
        };
        keys.iter().map(explain).collect()
    }
}

/// Of several, the one that says most surely that the object is there: what could not be collected counts before the rest.
fn surest(known: &mut Absence, other: Absence) {
    if other == Absence::Stale || *known == Absence::Filtered {
        *known = other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inventory(is_scoped: bool) -> Inventory {
        let rows: Vec<Row> = serde_json::from_value(json!([
            {"name": "read", "vendor": "CISCO", "locationId": "1"},
            {"name": "Timed-Out", "vendor": "CISCO", "locationId": 1, "collectionError": "CONNECTION_TIMEOUT"},
            {"name": "unparsed", "vendor": "CISCO", "processingError": "PARSER"},
            {"name": "elsewhere", "vendor": "CISCO", "locationId": "2"},
            {"name": "cloud", "vendor": "FORWARD_CUSTOM", "locationId": "3"},
        ]))
        .unwrap();
        let locations: Vec<Location> = serde_json::from_value(
            json!([{"id": 1, "name": "Atlanta"}, {"id": "2", "name": "Bern"}, {"id": "3", "name": "Cork"}]),
        )
        .unwrap();
        Inventory::of(&rows, &locations, &HashSet::from(["read".into()]), is_scoped)
    }

    fn why(inventory: &Inventory, model: &str, key: serde_json::Value) -> Absence {
        inventory.explain(model, &[AnyKey::from_value(&key).unwrap()])[0]
    }

    #[test]
    fn a_device_is_found_by_its_name_wherever_it_is() {
        let device = |name: &str| why(&inventory(true), "device", json!([["atlanta"], name]));
        assert_eq!(device("timed-out"), Absence::Stale);
        assert_eq!(device("unparsed"), Absence::Stale);
        assert_eq!(device("elsewhere"), Absence::OutOfScope);
        assert_eq!(device("cloud"), Absence::Filtered);
        assert_eq!(device("nobody"), Absence::Gone);
        assert_eq!(device("read"), Absence::Gone, "it has another key now");
        // Nothing restricts the sync: a query of its own leaves it out.
        assert_eq!(why(&inventory(false), "device", json!([["bern"], "elsewhere"])), Absence::Filtered);
    }

    #[test]
    fn a_site_is_there_as_long_as_a_device_stands_there() {
        let site = |slug: &str| why(&inventory(true), "site", json!([slug]));
        assert_eq!(site("atlanta"), Absence::Stale);
        assert_eq!(site("unknown"), Absence::Stale);
        assert_eq!(site("bern"), Absence::OutOfScope);
        assert_eq!(site("cork"), Absence::Filtered);
        assert_eq!(site("dover"), Absence::Gone);
        assert_eq!(why(&inventory(true), "virtual_chassis", json!(["stack"])), Absence::Unknown);
    }
}
