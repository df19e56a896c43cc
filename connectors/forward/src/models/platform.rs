//! Platforms, from operating systems.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::models::Platform;

use super::catalogues::{Catalogues, reject_nameless};
use super::{Collected, Run, device};
use crate::names;

/// An operating system and one vendor whose devices run it.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub os: String,
    pub vendor: String,
}

/// Pushes the platforms. One that devices of several vendors run has no manufacturer.
pub(crate) async fn push(
    run: &Run<'_>,
    all: &Catalogues,
    mut read: Collected<Row>,
    devices: &[device::Row],
) -> Result<()> {
    let mut records = run.sink.open::<Platform>()?;
    read.report(&mut records);
    reject_nameless(&mut records, "os", read.rows.iter().map(|row| row.os.as_str()));
    let rows = read.rows.iter().map(|row| (row.os.as_str(), row.vendor.as_str()));
    let devices = devices.iter().map(|row| (row.os.as_str(), row.vendor.as_str()));
    let mut makers: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (os, vendor) in rows.chain(devices) {
        if let (Some((name, _)), Some((maker, _))) = (names::platform(os), names::manufacturer(vendor)) {
            makers.entry(name).or_default().insert(maker);
        }
    }
    for (name, slug) in all.platforms.iter() {
        let maker = match makers.get(name) {
            Some(makers) if makers.len() == 1 => makers.first(),
            _ => None,
        };
        let manufacturer = maker.and_then(|maker| all.manufacturer(maker.as_str()));
        records.push(&Platform { slug: slug.clone(), name: name.clone(), manufacturer }, None).await?;
    }
    run.end(records, read.doubt).await
}
