//! The routes that only show things, and the table that finds the right one.

use std::sync::Arc;

use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::estate::{Collection, Device, Estate};

use super::answer::{Answer, Refusal, ok};
use super::faults::LatestProcessed;
use super::server::{Call, Shared};
use super::state::{Network, Snapshot, SnapshotState, State, time};
use super::{diffs, executions, library, nqe};

/// All states that a Forward snapshot can be in.
const STATES: [&str; 10] = [
    "UNPACKING",
    "UNPROCESSED",
    "PROCESSING",
    "PROCESSED",
    "FAILED",
    "CANCELED",
    "TIMED_OUT",
    "ARCHIVED",
    "RESTORING",
    "RESTORE_FAILED",
];

/// Answers a request that has the right credentials.
pub(crate) async fn answer(shared: &Arc<Shared>, call: &Call) -> Answer {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["version"]) => version(&shared.state()),
        ("GET", ["users", "current"]) => current_user(&shared.state()),
        ("GET", ["networks"]) => networks(&shared.state()),
        ("GET", ["networks", network, rest @ ..]) => {
            check_network(&shared.state(), network)?;
            match rest {
                ["snapshots"] => snapshots(&shared.state(), network, call),
                ["snapshots", "latestProcessed"] => latest_processed(&shared.state(), network, call),
                ["devices"] => devices(&shared.state(), network, call),
                ["missing-devices"] => ok(&json!({"devices": []})),
                ["device-tags"] => device_tags(&shared.state(), network, call),
                ["atlas"] => atlas(&shared.state(), network, call),
                ["nqe-executions", key] => executions::status(&mut shared.state(), network, key, call),
                ["nqe-executions", key, "result"] => executions::result(shared, network, key, call),
                _ => Err(Refusal::no_endpoint(&call.method, call.path())),
            }
        }
        ("POST", ["networks", network, "nqe-executions"]) => {
            check_network(&shared.state(), network)?;
            executions::submit(shared, network, call).await
        }
        ("GET", ["snapshots", snapshot, "metrics"]) => metrics(&shared.state(), snapshot),
        // Not a description of the snapshot, but all of it.
        ("GET", ["snapshots", _]) => Ok(([(header::CONTENT_TYPE, "application/zip")], "PK\u{3}\u{4}").into_response()),
        ("GET", ["locations"]) => locations(&shared.state()),
        ("POST", ["nqe"]) => nqe::run(shared, call).await,
        ("POST", ["nqe-diffs", before, after]) => diffs::run(shared, before, after, call).await,
        ("GET", ["nqe", rest @ ..]) => library::answer(&shared.state(), rest, call),
        _ => Err(Refusal::no_endpoint(&call.method, call.path())),
    }
}

/// 403 if networks are denied, 404 if there is no such network.
pub(crate) fn check_network(state: &State, network: &str) -> Result<(), Refusal> {
    if let Some(denial) = &state.faults.denied {
        return Err(Refusal::new(403, denial.message()));
    }
    match state.network(network) {
        Some(_) => Ok(()),
        None => Err(Refusal::new(404, format!("Network {network} not found"))),
    }
}

fn version(state: &State) -> Answer {
    let release = &state.options.version;
    let version = release.split('-').next().unwrap_or(release);
    ok(&json!({"build": "ee9b380", "release": release, "version": version}))
}

fn current_user(state: &State) -> Answer {
    let roles: serde_json::Map<String, Value> =
        state.networks.iter().map(|network| (network.id.clone(), "READ_ONLY".into())).collect();
    ok(&json!({
        "user": {
            "id": "12", "username": "svc-sync", "email": "svc-sync@example.net", "authSource": "LOCAL",
            "enabled": true, "lastActive": "2026-01-02T03:04:05.678Z",
        },
        "roles": {"org": [], "network": roles},
        "passwordSetAt": "2025-01-01T00:00:00Z",
    }))
}

fn network_json(state: &State, network: &Network) -> Value {
    let mut row = json!({
        "id": state.id(&network.id), "name": network.name, "orgId": state.id("7"),
        "creator": "mary", "creatorId": "123", "createdAt": "2022-04-06T20:34:45.118Z",
    });
    if let Some(parent) = &network.parent {
        row["parentId"] = state.id(parent);
        row["secondsToExpiry"] = 86_000.into();
    }
    row
}

fn networks(state: &State) -> Answer {
    if let Some(denial) = &state.faults.denied {
        return Err(Refusal::new(403, denial.message()));
    }
    ok(&state.networks.iter().map(|network| network_json(state, network)).collect())
}

fn snapshots(state: &State, network: &str, call: &Call) -> Answer {
    let Some(network) = state.network(network) else { return Err(Refusal::new(404, "Network not found")) };
    let archived = call.parameter("includeArchived") == Some("true");
    let wanted = call.parameter("state");
    if let Some(unknown) = wanted.filter(|state| !STATES.contains(state)) {
        return Err(Refusal::new(400, format!("Invalid value '{unknown}' of parameter 'state'")));
    }
    let mut rows: Vec<&Snapshot> = network
        .snapshots
        .iter()
        .filter(|row| {
            wanted.map_or(archived || row.state != SnapshotState::Archived, |wanted| wanted == row.state.as_str())
        })
        .collect();
    // The order means nothing, and changes from call to call.
    let turn = usize::try_from(state.request_count).unwrap_or(0);
    if !rows.is_empty() {
        let middle = turn * 7 % rows.len();
        rows.rotate_left(middle);
        if turn % 2 == 0 {
            rows.reverse();
        }
    }
    rows.truncate(call.number("limit")?.unwrap_or(usize::MAX));
    let mut body = network_json(state, network);
    body["snapshots"] = rows.iter().map(|row| row.to_json(|id| state.id(id))).collect();
    ok(&body)
}

/// The newest real processed Forward snapshot: what the server takes if a request names none.
pub(crate) fn newest(network: &Network) -> Option<&Snapshot> {
    network.snapshots.iter().filter(|row| row.is_real()).max_by_key(|row| row.processed())
}

fn latest_processed(state: &State, network: &str, call: &Call) -> Answer {
    if state.is_release((26, 12)) || state.faults.latest_processed == LatestProcessed::Removed {
        return Err(Refusal::no_endpoint(&call.method, call.path()));
    }
    let Some(network) = state.network(network) else { return Err(Refusal::new(404, "Network not found")) };
    if network.snapshots.is_empty() {
        return Err(Refusal::new(404, format!("Network {} has no snapshots", network.id)));
    }
    match newest(network) {
        Some(snapshot) if state.faults.latest_processed == LatestProcessed::Served => {
            ok(&snapshot.to_json(|id| state.id(id)))
        }
        _ => Err(Refusal {
            reason: "NO_QUALIFYING_SNAPSHOT".into(),
            extra: json!({"latestSnapshotId": network.snapshots[0].id, "latestSnapshotState": "PROCESSING"}),
            ..Refusal::new(409, "No snapshot of the network has been processed")
        }),
    }
}

fn metrics(state: &State, snapshot: &str) -> Answer {
    let Some((_, snapshot)) = state.snapshot(snapshot) else {
        return Err(Refusal::new(404, format!("Snapshot {snapshot} not found")));
    };
    let mut body = json!({
        "snapshotId": state.id(&snapshot.id),
        "snapshotState": snapshot.state.as_str(),
        "createdAt": time(snapshot.created),
        "collectionConcurrency": 16,
        "collectionDuration": 1_234_000,
        "processingDuration": 456_000,
        "hostComputationStatus": "SUCCESS",
        "ipLocationIndexingStatus": "SUCCESS",
        "l2IndexingStatus": "SUCCESS",
        "pathSearchIndexingStatus": "SUCCESS",
        "searchIndexingStatus": "SUCCESS",
    });
    if !state.faults.metrics_without_counts {
        let failed = count_failures(&snapshot.estate);
        let all = snapshot.estate.len();
        let (succeeded, errors) = if snapshot.collected {
            (all - failed, json!({"CONNECTION_TIMEOUT": failed}))
        } else {
            (0, json!({"COLLECTION_CANCELED": all}))
        };
        body["numSuccessfulDevices"] = succeeded.into();
        body["numCollectionFailureDevices"] = (all - succeeded).into();
        body["numProcessingFailureDevices"] = 0.into();
        body["deviceCollectionFailures"] = errors;
        body["deviceProcessingFailures"] = json!({});
        body["endpointCollectionFailures"] = json!({});
    }
    ok(&body)
}

fn count_failures(estate: &Estate) -> usize {
    estate.devices().filter(|device| matches!(device.collection, Collection::Failed(_))).count()
}

/// The snapshot that a request names, or the newest.
fn chosen<'a>(state: &'a State, network: &str, call: &Call) -> Result<&'a Snapshot, Refusal> {
    let Some(network) = state.network(network) else { return Err(Refusal::new(404, "Network not found")) };
    let found = match call.parameter("snapshotId") {
        Some(id) => network.snapshots.iter().find(|row| row.id == id),
        None => newest(network),
    };
    found.ok_or_else(|| Refusal::new(404, "Snapshot not found"))
}

fn devices(state: &State, network: &str, call: &Call) -> Answer {
    let snapshot = chosen(state, network, call)?;
    let (skip, limit) = (call.number("skip")?.unwrap_or(0), call.number("limit")?.unwrap_or(usize::MAX));
    let keeps = |device: &Device| {
        let matches = |parameter: &str, value: &str| call.parameter(parameter).is_none_or(|wanted| wanted == value);
        matches("name", &device.name) && matches("vendor", &device.vendor) && matches("type", &device.role)
    };
    let with = |what: &str| call.parameters("with").any(|name| name == what);
    let rows = snapshot.estate.devices().filter(|device| keeps(device)).skip(skip).take(limit);
    ok(&rows.map(|device| device_json(&device, with("tags"), with("locationId"))).collect())
}

fn device_json(device: &Device, tags: bool, location: bool) -> Value {
    let mut row = json!({
        "name": device.name, "displayName": device.name, "sourceName": device.parent.as_ref().unwrap_or(&device.name),
        "type": device.role, "vendor": device.vendor, "platform": device.os, "managementIps": device.management_ips,
    });
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            row[name] = value;
        }
    };
    set("model", device.model.clone().map(Value::from));
    set("osVersion", device.os_version.clone().map(Value::from));
    if let Collection::Failed(code) = &device.collection {
        set("collectionError", Some(code.as_str().into()));
    }
    if tags {
        set("tags", Some(device.tags.clone().into()));
    }
    if location {
        set("locationId", device.location.as_ref().map(|location| location.id.as_str().into()));
    }
    row
}

fn device_tags(state: &State, network: &str, call: &Call) -> Answer {
    let snapshot = chosen(state, network, call)?;
    let mut tags: Vec<String> = snapshot.estate.devices().flat_map(|device| device.tags.clone()).collect();
    tags.sort_unstable();
    tags.dedup();
    ok(&json!({"tags": tags.into_iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>()}))
}

fn atlas(state: &State, network: &str, call: &Call) -> Answer {
    let snapshot = chosen(state, network, call)?;
    let placed = snapshot.estate.devices().filter_map(|device| {
        let location = device.location.as_ref()?.id.as_str().into();
        Some((device.name.clone(), location))
    });
    ok(&Value::Object(placed.collect()))
}

fn locations(state: &State) -> Answer {
    let mut rows = std::collections::BTreeMap::new();
    for snapshot in state.networks.iter().filter_map(newest) {
        for location in snapshot.estate.devices().filter_map(|device| device.location.clone()) {
            let row = json!({
                "id": location.id, "name": location.name, "city": location.city, "country": location.country,
                "lat": 50.1, "lng": 8.7,
            });
            rows.insert(location.id.clone(), row);
        }
    }
    ok(&rows.into_values().collect())
}
