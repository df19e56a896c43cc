//! Prefixes, from the subnets that interfaces are connected to.

use std::collections::BTreeSet;

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::models::{Prefix, PrefixStatus, Vrf};
use syncline_model::{IpPrefix, Text};

use super::Run;
use super::ip_address::is_link_local;
use crate::queries::Query;

/// A connected subnet.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    vrf: Option<String>,
    prefix: String,
}

/// A prefix in a VRF; none is the global table.
pub(crate) type Subnet = (Option<Text>, IpPrefix);

/// Reads the prefixes and returns the VRFs that they lie in. `chosen` are those that belong to the devices of the sync,
/// where the query cannot tell.
pub(crate) async fn read(run: &Run<'_>, chosen: Option<&BTreeSet<Subnet>>) -> Result<BTreeSet<Text>> {
    let mut vrfs = BTreeSet::new();
    let mut records = run.sink.open::<Prefix>()?;
    if let Some(total) = run.total(Query::Prefixes) {
        records.expect(total);
    }
    let mut rows = run.stream(Query::Prefixes).await?;
    while let Some(row) = rows.next::<Row>(&mut records).await? {
        let prefix = match row.prefix.parse::<IpPrefix>() {
            Ok(prefix) => prefix,
            Err(error) => {
                records.reject(format!("prefix `{}`", row.prefix), "prefix", error.to_string());
                continue;
            }
        };
        if prefix.mask() == 0 || prefix.is_host() {
            records.skip("default or host route");
            continue;
        }
        if is_link_local(prefix.network()) {
            records.skip("link-local prefix");
            continue;
        }
        let name = Text::of(row.vrf.as_deref());
        if chosen.is_some_and(|chosen| !chosen.contains(&(name.clone(), prefix))) {
            records.skip("prefix out of scope");
            continue;
        }
        let vrf = name.as_ref().map(Vrf::key_of);
        let prefix = Prefix { vrf, prefix, status: PrefixStatus::Active, site: None, description: None };
        records.push(&prefix, None).await?;
        if let Some(name) = name
            && !vrfs.contains(&name)
        {
            vrfs.insert(name);
        }
    }
    run.end(records, rows.doubt()).await?;
    Ok(vrfs)
}
