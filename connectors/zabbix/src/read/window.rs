//! Maintenance windows that a sync made, and the hosts in them that it made too.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};
use syncline_core::Result;
use syncline_model::Text;
use syncline_model::models::{Host, Maintenance};

use super::rows::TagRow;
use crate::client::ReadClient;
use crate::mapping::host::is_of_origin;
use crate::mapping::window::{shown, time, unmarked};

/// A window as the API answers it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WindowRow {
    pub maintenanceid: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub maintenance_type: String,
    pub active_since: String,
    pub active_till: String,
    pub hosts: Vec<HostRef>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HostRef {
    pub hostid: String,
}

#[derive(Deserialize)]
struct MemberRow {
    hostid: String,
    host: String,
    #[serde(default)]
    tags: Vec<TagRow>,
}

/// The hosts of windows that are the sync's, by id, with their technical names.
pub(crate) type Members = BTreeMap<String, Text>;

/// Which windows, and which hosts in them, are a sync's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ownership<'r> {
    /// What distinguishes the sync's source.
    pub origin: &'r str,
    /// The tag of hosts that are people's.
    pub ignored: &'r str,
}

/// The windows that Zabbix has.
pub(crate) async fn all(client: &ReadClient) -> Result<Vec<WindowRow>> {
    client.call("maintenance.get", query()).await
}

/// The windows of some ids, or of some names, as far as they are there.
pub(crate) async fn some(client: &ReadClient, of: (&str, Vec<String>)) -> Result<Vec<WindowRow>> {
    let mut query = query();
    query["filter"] = json!({(of.0): of.1});
    client.call("maintenance.get", query).await
}

fn query() -> Value {
    json!({
        "output": ["maintenanceid", "name", "description", "maintenance_type", "active_since", "active_till"],
        "selectHosts": ["hostid"],
    })
}

/// The sync's hosts among those in some windows.
pub(crate) async fn members(
    client: &ReadClient,
    ownership: &Ownership<'_>,
    page_size: usize,
    rows: &[WindowRow],
) -> Result<Members> {
    let ids: BTreeSet<&str> = rows.iter().flat_map(|row| &row.hosts).map(|host| host.hostid.as_str()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let mut members = Members::new();
    for page in ids.chunks(page_size.max(1)) {
        let query = json!({"hostids": page, "output": ["hostid", "host"], "selectTags": ["tag", "value"]});
        let rows: Vec<MemberRow> = client.call("host.get", query).await?;
        let ours = rows.into_iter().filter(|row| ownership.has(&row.tags));
        members.extend(ours.filter_map(|row| Some((row.hostid, Text::new(&row.host)?))));
    }
    Ok(members)
}

impl Ownership<'_> {
    /// Whether the sync made a window.
    pub fn is_ours(&self, row: &WindowRow) -> bool {
        unmarked(&row.description, self.origin).is_some()
    }

    /// Whether a host with these tags is the sync's.
    fn has(&self, tags: &[TagRow]) -> bool {
        tags.iter().any(|tag| is_of_origin(self.origin, &tag.tag, &tag.value))
            && tags.iter().all(|tag| tag.tag != self.ignored)
    }

    /// The record of a window; what is wrong with it if it cannot be one.
    pub fn record(&self, row: &WindowRow, members: &Members) -> Result<Maintenance, (&'static str, String)> {
        let at = |field: &'static str, text: &str| {
            let at = time(text).map_err(|message| (field, message))?;
            Text::new(&shown(at)).ok_or_else(|| (field, format!("`{text}` is no time")))
        };
        let name = Text::new(&row.name).filter(|name| name.as_str() == row.name);
        Ok(Maintenance {
            name: name.ok_or_else(|| ("name", format!("`{}` is no name that can be told apart", row.name)))?,
            description: Text::new(&unmarked(&row.description, self.origin).unwrap_or_default()),
            active_since: at("active_since", &row.active_since)?,
            active_till: at("active_till", &row.active_till)?,
            collects_data: row.maintenance_type == "0",
            hosts: row.hosts.iter().filter_map(|host| members.get(&host.hostid)).map(Host::key_of).collect(),
        })
    }
}
