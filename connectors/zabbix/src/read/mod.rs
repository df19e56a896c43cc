//! Reading hosts with their groups and maintenance windows.

pub(crate) mod host;
pub(crate) mod rows;
pub(crate) mod window;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use syncline_core::Result;
use syncline_core::native::Native;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::{ModelSink, SnapshotSink};
use syncline_model::models::{Host, HostGroup, Maintenance};
use syncline_model::{Key, Text};

use self::host::Reading;
use self::rows::HostRow;
use self::window::Ownership;
use crate::client::ReadClient;
use crate::mapping::host::ORIGIN_TAG;

#[derive(Debug, Deserialize)]
struct IdRow {
    hostid: String,
}

/// The hosts that people keep from the sync by a tag: none of them is made once more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// Their technical names.
    pub names: BTreeSet<String>,
    /// What the sync made them from, where it did.
    pub origins: BTreeSet<String>,
}

/// What a read of Zabbix tells that is in no record of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Present {
    /// The hosts that people keep.
    pub kept: Kept,
    /// The technical and the visible names that the sync's hosts have now, by what they were made of.
    pub names: BTreeMap<String, (String, String)>,
    /// The sync's hosts in its windows, by the names of these.
    pub windows: BTreeMap<Text, BTreeSet<Key<Host>>>,
}

/// Reads what a request asks for, and tells what is there besides. Hosts that belong to nobody here are left out: those that Zabbix discovered itself, and those that
/// carry the tag that `windows` names.
pub(crate) async fn load(
    client: &ReadClient,
    reading: &Reading<'_>,
    windows: &Ownership<'_>,
    page_size: usize,
    request: &ReadRequest,
    sink: &SnapshotSink,
) -> Result<Present> {
    let mut present = Present::default();
    if request.fields.has("host_group") {
        let mut groups = sink.open::<HostGroup>()?;
        for (id, name) in reading.catalogue.groups.iter() {
            match Text::new(name).filter(|text| text.as_str() == name) {
                Some(name) => groups.push(&HostGroup { name }, Some(&Native::new(id))).await?,
                None => groups.skip("group whose name begins or ends with a blank"),
            }
        }
        groups.complete().await?;
    }
    if request.fields.has("host") {
        load_hosts(client, reading, windows.ignored, page_size, sink, &mut present).await?;
    }
    if !request.fields.has("maintenance") {
        return Ok(present);
    }
    let mut records = sink.open::<Maintenance>()?;
    let rows: Vec<_> = window::all(client).await?.into_iter().filter(|row| windows.is_ours(row)).collect();
    let members = window::members(client, windows, page_size, &rows).await?;
    for row in &rows {
        match windows.record(row, &members) {
            Ok(record) => {
                records.push(&record, Some(&Native::new(&row.maintenanceid))).await?;
                present.windows.insert(record.name, record.hosts);
            }
            Err((field, message)) => records.reject(format!("maintenance window `{}`", row.name), field, message),
        }
    }
    records.complete().await?;
    Ok(present)
}

async fn load_hosts(
    client: &ReadClient,
    reading: &Reading<'_>,
    ignored: &str,
    page_size: usize,
    sink: &SnapshotSink,
    present: &mut Present,
) -> Result<()> {
    let mut hosts = sink.open::<Host>()?;
    let ids = all_ids(client).await?;
    hosts.expect(ids.len() as u64);
    let pages: Vec<Vec<String>> = ids.chunks(page_size.max(1)).map(<[String]>::to_vec).collect();
    let pages = futures::stream::iter(pages.into_iter().map(|page| rows_of(client, reading, page)));
    let mut pages = pages.buffered(4);
    while let Some(rows) = pages.try_next().await? {
        for row in rows {
            push(&mut hosts, reading, (ignored, present), &row).await?;
        }
    }
    hosts.complete().await
}

async fn push(
    hosts: &mut ModelSink<Host>,
    reading: &Reading<'_>,
    (ignored, present): (&str, &mut Present),
    row: &HostRow,
) -> Result<()> {
    if row.tags.iter().any(|tag| tag.tag == ignored) {
        let kept = &mut present.kept;
        kept.names.insert(row.host.clone());
        kept.origins.extend(row.tags.iter().filter(|tag| tag.tag == ORIGIN_TAG).map(|tag| tag.value.clone()));
        hosts.skip("host that people keep (tag)");
        return Ok(());
    }
    match reading.record(row) {
        Ok(record) => {
            if let Some(origin) = &record.origin {
                present.names.insert(origin.as_str().to_owned(), (row.host.clone(), row.name.clone()));
            }
            hosts.push(&record, Some(&Native::new(&row.hostid))).await
        }
        Err((field, message)) => {
            hosts.reject(format!("host `{}`", row.host), field, message);
            Ok(())
        }
    }
}

/// The ids of all hosts but those that Zabbix discovered itself.
pub(crate) async fn all_ids(client: &ReadClient) -> Result<Vec<String>> {
    let query = json!({"output": ["hostid"], "filter": {"flags": 0}, "sortfield": "hostid"});
    let rows: Vec<IdRow> = client.call("host.get", query).await?;
    Ok(rows.into_iter().map(|row| row.hostid).collect())
}

/// The hosts of some ids, as far as they are there.
pub(crate) async fn rows_of(client: &ReadClient, reading: &Reading<'_>, ids: Vec<String>) -> Result<Vec<HostRow>> {
    rows_with(client, &reading.query(), ids).await
}

/// The hosts of some ids, with what a query selects. A read that is too much for PHP's memory is halved.
pub(crate) async fn rows_with<R: DeserializeOwned>(
    client: &ReadClient,
    query: &Value,
    ids: Vec<String>,
) -> Result<Vec<R>> {
    let mut todo = vec![ids];
    let mut rows = Vec::new();
    while let Some(ids) = todo.pop() {
        let mut query = query.clone();
        query["hostids"] = Value::from(ids.clone());
        query["filter"] = json!({"flags": 0});
        match client.call::<Vec<R>>("host.get", query).await {
            Ok(found) => rows.extend(found),
            Err(error) if ids.len() > 1 && is_too_much(&error) => {
                let (first, second) = ids.split_at(ids.len() / 2);
                todo.extend([second.to_vec(), first.to_vec()]);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// Whether PHP ran out of memory or time: an answer without JSON, or 500.
fn is_too_much(error: &syncline_core::Error) -> bool {
    matches!(error.kind(), syncline_core::ErrorKind::Protocol | syncline_core::ErrorKind::Remote)
}
