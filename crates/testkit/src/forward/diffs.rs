//! `POST /nqe-diffs/{before}/{after}`: what differs between the results of a committed query over two Forward snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, ok};
use super::nqe;
use super::server::{Call, Shared};
use super::table::Rows;

pub(crate) async fn run(shared: &Arc<Shared>, before: &str, after: &str, call: &Call) -> Answer {
    let mut known = vec!["commitId", "options", "queryId"];
    if shared.state().faults.diffs_take_parameters {
        known.push("parameters");
    }
    let mut body = nqe::object(call, "NqeDiffRequest", &known)?;
    let empty = Map::new();
    let options = match body.get("options") {
        None | Some(Value::Null) => empty,
        Some(options) => {
            let known = ["columnFilters", "itemFormat", "limit", "offset", "sortBy"];
            nqe::known_object(options, "NqeDiffOptions", &known)?.clone()
        }
    };
    let (offset, limit) = (nqe::number(&options, "offset", 0)?, nqe::number(&options, "limit", 1_000)?);
    nqe::check_page(limit)?;
    {
        let state = shared.state();
        nqe::check_format(&state, &options)?;
        for snapshot in [before, after] {
            nqe::usable_snapshot(&state, snapshot, None)?;
        }
        let owner = |id: &str| state.snapshot(id).map(|(network, _)| network.id.clone());
        if owner(before) != owner(after) {
            return Err(Refusal::new(400, "The snapshots belong to different networks"));
        }
    }
    // Without parameters of their own, committed queries run unscoped.
    let unscoped = json!({"device_tags_include": [], "device_tags_exclude": [], "sites": []});
    body.entry("parameters").or_insert(unscoped);
    let old = nqe::prepare(shared, &body, before, &[], None).await?;
    let new = nqe::prepare(shared, &body, after, &[], None).await?;
    let columns = old.dataset.columns();
    let made = tokio::task::spawn_blocking(move || {
        let all = |table: &super::table::Table| {
            let mut rows = Rows::default();
            table.read(0..usize::MAX, &mut rows);
            rows.values()
        };
        difference(&all(&old.table), &all(&new.table), columns)
    });
    let entries = made.await.map_err(|error| Refusal::new(500, error.to_string()))?;
    let total = entries.len();
    let page: Vec<_> = entries.into_iter().skip(offset).take(limit).collect();
    ok(&json!({"totalNumRows": total, "rows": page}))
}

/// Rows match by the smallest number of left-most columns that is unique on both sides.
fn difference(before: &[Value], after: &[Value], columns: &[&str]) -> Vec<Value> {
    let key = |row: &Value, width: usize| -> Vec<String> {
        columns[..width].iter().map(|column| row[*column].to_string()).collect()
    };
    let unique = |rows: &[Value], width: usize| {
        let mut seen = BTreeSet::new();
        rows.iter().all(|row| seen.insert(key(row, width)))
    };
    let width =
        (1..columns.len()).find(|width| unique(before, *width) && unique(after, *width)).unwrap_or(columns.len());
    let old: BTreeMap<_, _> = before.iter().map(|row| (key(row, width), row)).collect();
    let new: BTreeMap<_, _> = after.iter().map(|row| (key(row, width), row)).collect();
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter_map(|key| match (old.get(key), new.get(key)) {
            (None, Some(after)) => Some(json!({"type": "ADDED", "after": after})),
            (Some(before), None) => Some(json!({"type": "DELETED", "before": before})),
            (Some(before), Some(after)) if before != after => {
                Some(json!({"type": "MODIFIED", "before": before, "after": after}))
            }
            _ => None,
        })
        .collect()
}
