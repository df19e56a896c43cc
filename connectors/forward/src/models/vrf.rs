//! VRFs: those of the query, and every other one that an address or a prefix lies in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::Text;
use syncline_model::models::Vrf;

use super::catalogues::reject_nameless;
use super::{Collected, Run};

/// A VRF.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub name: String,
    pub rd: Option<String>,
}

/// Pushes the VRFs.
pub(crate) async fn push(run: &Run<'_>, mut read: Collected<Row>, used: BTreeSet<Text>) -> Result<()> {
    let mut records = run.sink.open::<Vrf>()?;
    read.report(&mut records);
    reject_nameless(&mut records, "name", read.rows.iter().map(|row| row.name.as_str()));
    let mut vrfs: BTreeMap<Text, Option<Text>> = BTreeMap::new();
    for row in &read.rows {
        let Some(name) = Text::new(&row.name) else { continue };
        if run.chooses_devices && !used.contains(&name) {
            records.skip("VRF out of scope");
            continue;
        }
        let rd = Text::of(row.rd.as_deref());
        let known = vrfs.entry(name).or_default();
        if known.is_none() {
            *known = rd;
        }
    }
    for name in used {
        vrfs.entry(name).or_default();
    }
    for (name, rd) in vrfs {
        records.push(&Vrf { name, rd, description: None, enforce_unique: false }, None).await?;
    }
    run.end(records, read.doubt).await
}
