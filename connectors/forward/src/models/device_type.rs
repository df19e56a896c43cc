//! Device types, from vendors and hardware models.

use std::collections::BTreeMap;

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::Text;
use syncline_model::models::{DeviceType, Manufacturer};

use super::catalogues::{Catalogues, reject_nameless};
use super::{Collected, Run, device};
use crate::names::{self, Catalogue};

/// A hardware model.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub vendor: String,
    pub model: Option<String>,
}

/// The hardware models of every manufacturer.
pub(crate) fn catalogue(run: &Run<'_>, rows: &[Row], devices: &[device::Row]) -> BTreeMap<Text, Catalogue> {
    let rows = rows.iter().filter(|_| !run.chooses_devices).map(|row| (row.vendor.as_str(), row.model.as_deref()));
    let devices = devices.iter().map(|row| (row.vendor.as_str(), row.model.as_deref()));
    let mut types: BTreeMap<Text, Vec<_>> = BTreeMap::new();
    for (vendor, model) in rows.chain(devices) {
        if let Some((maker, _)) = names::manufacturer(vendor) {
            types.entry(maker).or_default().push(names::model(model));
        }
    }
    types.into_iter().map(|(maker, models)| (maker, Catalogue::of(models))).collect()
}

/// Pushes the device types.
pub(crate) async fn push(run: &Run<'_>, all: &Catalogues, mut read: Collected<Row>) -> Result<()> {
    let mut records = run.sink.open::<DeviceType>()?;
    read.report(&mut records);
    reject_nameless(&mut records, "vendor", read.rows.iter().map(|row| row.vendor.as_str()));
    for (maker, models) in &all.types {
        let Some(manufacturer) = all.manufacturers.slug(maker).map(Manufacturer::key_of) else { continue };
        for (model, slug) in models.iter() {
            let known = *model != names::model(None).0;
            let device_type = DeviceType {
                manufacturer: manufacturer.clone(),
                slug: slug.clone(),
                model: model.clone(),
                // What Forward calls the model is the maker's order number.
                part_number: known.then(|| model.clone()),
            };
            records.push(&device_type, None).await?;
        }
    }
    run.end(records, read.doubt).await
}
