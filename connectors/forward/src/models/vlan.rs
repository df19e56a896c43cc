//! VLANs of sites.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::models::{Vlan, VlanStatus};
use syncline_model::{Key, Text, VlanId};

use super::catalogues::Catalogues;
use super::{Collected, Run};

/// A VLAN of a site.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub site: String,
    pub vid: u64,
    pub name: Option<String>,
}

/// Pushes the VLANs and returns their keys; none when they may not be all, so that a reference cannot be checked.
pub(crate) async fn push(
    run: &Run<'_>,
    all: &Catalogues,
    mut read: Collected<Row>,
) -> Result<Option<HashSet<Key<Vlan>>>> {
    let mut records = run.sink.open::<Vlan>()?;
    read.report(&mut records);
    // By key: two spellings of one site's name, or a query of one's own, can name a VLAN twice.
    let mut vlans: BTreeMap<Key<Vlan>, Vlan> = BTreeMap::new();
    read.rows.sort_by(|a, b| (&a.site, a.vid, &a.name).cmp(&(&b.site, b.vid, &b.name)));
    for row in &read.rows {
        let label = || format!("VLAN {} of the site `{}`", row.vid, row.site);
        let Some(site) = all.site(&row.site) else {
            if run.chooses_devices {
                records.skip("site out of scope");
            } else {
                records.reject(label(), "site", "the site is not among the sites");
            }
            continue;
        };
        let vid = match VlanId::new(row.vid) {
            Ok(vid) => vid,
            Err(error) => {
                records.reject(label(), "vid", error.to_string());
                continue;
            }
        };
        let name = Text::of(row.name.as_deref()).or_else(|| Text::new(&format!("VLAN {vid}")));
        let Some(name) = name else { continue };
        let site = Some(site);
        match vlans.entry(Vlan::key_of(&site, &vid)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Vlan { site, vid, name, status: VlanStatus::Active });
            }
            std::collections::btree_map::Entry::Occupied(_) => records.skip("another name for a VLAN"),
        }
    }
    for vlan in vlans.values() {
        records.push(vlan, None).await?;
    }
    let keys = read.doubt.is_none().then(|| vlans.into_keys().collect());
    run.end(records, read.doubt).await?;
    Ok(keys)
}
