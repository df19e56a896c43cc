//! `POST /nqe`, and what all ways of running a query have in common.

use std::sync::Arc;

use axum::http::header;
use serde_json::{Map, Value};

use crate::estate::Estate;

use super::Dataset;
use super::answer::{Answer, Form, Page, Refusal, rows};
use super::query::{self, Parameter, QueryError};
use super::routes::{check_network, newest};
use super::server::{Call, Shared};
use super::state::{SnapshotState, State};
use super::table::{Filter, Selection, SortKey, Table};

const DEFAULT_LIMIT: usize = 1_000;
const MAX_LIMIT: usize = 10_000;

/// A query that may run: what it asks for and of which Forward snapshot.
pub(crate) struct Prepared {
    pub(crate) snapshot: String,
    pub(crate) dataset: Dataset,
    pub(crate) table: Arc<Table>,
    pub(crate) sorted: bool,
}

/// `POST /nqe`
pub(crate) async fn run(shared: &Arc<Shared>, call: &Call) -> Answer {
    let body = object(call, "NqeQueryRunRequest", &["commitId", "parameters", "query", "queryId", "queryOptions"])?;
    let empty = Map::new();
    let options = match body.get("queryOptions") {
        None | Some(Value::Null) => &empty,
        Some(options) => {
            let known = ["columnFilters", "itemFormat", "limit", "offset", "sortBy"];
            known_object(options, "NqeQueryOptions", &known)?
        }
    };
    let (offset, limit) = (number(options, "offset", 0)?, number(options, "limit", DEFAULT_LIMIT)?);
    check_page(limit)?;
    check_format(&shared.state(), options)?;
    let snapshot = snapshot_of(&shared.state(), call, None)?;
    let sort: Vec<_> = options.get("sortBy").filter(|sort| !sort.is_null()).into_iter().collect();
    let prepared = prepare(shared, &body, &snapshot, &sort, options.get("columnFilters")).await?;
    let page = page(shared, &prepared, offset, limit);
    Ok(rows(shared, call.connection.clone(), page, Form::Document))
}

/// A page of a result, with rows moved around if the order is meant to be unstable.
pub(crate) fn page(shared: &Arc<Shared>, prepared: &Prepared, offset: usize, limit: usize) -> Page {
    let unstable = shared.faults_for(prepared.dataset).unstable_order && !prepared.sorted;
    let state = shared.state();
    let rotate = if unstable { usize::try_from(state.request_count).unwrap_or(0) * 7 + 3 } else { 0 };
    Page {
        table: Arc::clone(&prepared.table),
        dataset: prepared.dataset,
        snapshot: state.id(&prepared.snapshot),
        offset,
        limit,
        rotate,
    }
}

/// The request body as an object with known members only.
pub(crate) fn object(call: &Call, class: &str, known: &[&str]) -> Result<Map<String, Value>, Refusal> {
    if !call.header(header::CONTENT_TYPE).starts_with("application/json") {
        return Err(Refusal::new(415, "Content-Type must be application/json"));
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::new(400, format!("Malformed JSON in the request body: {error}")))?;
    known_object(&body, class, known).cloned()
}

/// Refuses unknown members in the server's words.
pub(crate) fn known_object<'a>(
    value: &'a Value,
    class: &str,
    known: &[&str],
) -> Result<&'a Map<String, Value>, Refusal> {
    let Some(object) = value.as_object() else {
        return Err(Refusal::new(400, format!("Cannot deserialize value of type {class}")));
    };
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(object),
        Some(name) => {
            let list: Vec<_> = known.iter().map(|name| format!("\"{name}\"")).collect();
            Err(Refusal::new(
                400,
                format!(
                    "Unrecognized field \"{name}\" (class {class}), not marked as ignorable ({} known properties: {})",
                    known.len(),
                    list.join(",")
                ),
            ))
        }
    }
}

pub(crate) fn number(options: &Map<String, Value>, name: &str, default: usize) -> Result<usize, Refusal> {
    match options.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| Refusal::new(400, format!("{name} must be a number that is not negative, was {value}"))),
    }
}

pub(crate) fn check_page(limit: usize) -> Result<(), Refusal> {
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(());
    }
    Err(Refusal::new(400, format!("limit must be between 1 and {MAX_LIMIT}, was {limit}")))
}

pub(crate) fn check_format(state: &State, options: &Map<String, Value>) -> Result<(), Refusal> {
    match options.get("itemFormat").and_then(Value::as_str) {
        None | Some("JSON") => Ok(()),
        Some("LEGACY") if !state.is_release((26, 9)) => Ok(()),
        Some(other) => Err(Refusal::new(400, format!("Unknown itemFormat {other}"))),
    }
}

/// The processed Forward snapshot that a request is about.
pub(crate) fn snapshot_of(state: &State, call: &Call, in_path: Option<&str>) -> Result<String, Refusal> {
    let network = in_path.or_else(|| call.parameter("networkId"));
    if let Some(network) = network {
        check_network(state, network)?;
    }
    let Some(id) = call.parameter("snapshotId") else {
        let Some(network) = network.and_then(|id| state.network(id)) else {
            return Err(Refusal::new(400, "networkId is required unless snapshotId is given"));
        };
        return newest(network).map(|snapshot| snapshot.id.clone()).ok_or_else(|| Refusal {
            reason: "NO_QUALIFYING_SNAPSHOT".into(),
            ..Refusal::new(409, "No processed snapshot")
        });
    };
    usable_snapshot(state, id, network)
}

/// 404, 409 or 400 if the Forward snapshot cannot be queried.
pub(crate) fn usable_snapshot(state: &State, id: &str, network: Option<&str>) -> Result<String, Refusal> {
    let Some((owner, snapshot)) = state.snapshot(id) else {
        return Err(Refusal::new(404, format!("Snapshot {id} not found")));
    };
    if network.is_some_and(|network| network != owner.id) {
        return Err(Refusal::new(400, format!("Snapshot {id} does not belong to the network")));
    }
    match snapshot.state {
        SnapshotState::Processed => Ok(id.to_owned()),
        SnapshotState::Failed => Err(Refusal::new(400, "The snapshot you are attempting to access failed to process")),
        SnapshotState::Canceled => Err(Refusal::new(400, format!("Processing was canceled for snapshot {id}"))),
        SnapshotState::TimedOut => Err(Refusal::new(400, format!("Processing timed out for snapshot {id}"))),
        SnapshotState::Processing | SnapshotState::Archived => Err(Refusal {
            reason: "SNAPSHOT_UNAVAILABLE".into(),
            extra: serde_json::json!({"snapshotState": snapshot.state.as_str()}),
            ..Refusal::new(409, format!("Snapshot {id} is {}", snapshot.state.as_str()))
        }),
    }
}

/// Which query a body names, and its declared parameters.
pub(crate) fn resolve(
    state: &State,
    body: &Map<String, Value>,
    snapshot: &str,
) -> Result<(Dataset, Vec<Parameter>), Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let commit = text("commitId");
    if let Some(commit) = commit.filter(|id| id.len() != 40 || !id.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(Refusal::new(400, format!("Invalid commit ID {commit}")));
    }
    let (dataset, source) = match (text("query"), text("queryId")) {
        (Some(source), None) => {
            let dataset = query::recognise(source).map_err(|error| Refusal::query(&[error], Some(snapshot)))?;
            (dataset, source.to_owned())
        }
        (None, Some(id)) => {
            let Some(entry) = state.library.iter().find(|entry| entry.id == id) else {
                return Err(Refusal::new(404, format!("Query {id} not found")));
            };
            if entry.deleted && commit.is_none() {
                return Err(Refusal::new(400, format!("Query {id} has been deleted; a commitId is required")));
            }
            if commit.is_some_and(|commit| commit != entry.commit) {
                return Err(Refusal::new(404, format!("Query {id} does not exist at that commit")));
            }
            (entry.dataset, entry.source.clone())
        }
        _ => return Err(Refusal::new(400, "Exactly one of query and queryId must be given")),
    };
    if let Some(denial) = state.faults.denied_queries.get(&dataset) {
        return Err(Refusal::new(403, denial.message()));
    }
    Ok((dataset, query::declared_parameters(&source)))
}

/// The error of a query that is switched to fail.
pub(crate) fn switched_failure(state: &State, dataset: Dataset) -> Option<QueryError> {
    let failure = state.faults.failing_queries.get(&dataset)?;
    Some(QueryError { message: failure.message.clone(), start: failure.start, end: failure.end })
}

/// Checks a query and makes its result ready.
pub(crate) async fn prepare(
    shared: &Arc<Shared>,
    body: &Map<String, Value>,
    snapshot: &str,
    sort: &[&Value],
    filters: Option<&Value>,
) -> Result<Prepared, Refusal> {
    let (selection, estate) = {
        let state = shared.state();
        let (dataset, declared) = resolve(&state, body, snapshot)?;
        let refuse = |error: QueryError| Refusal::query(&[error], Some(snapshot));
        if let Some(error) = switched_failure(&state, dataset) {
            return Err(refuse(error));
        }
        let none = Map::new();
        let given = body.get("parameters").and_then(Value::as_object).unwrap_or(&none);
        let scope = query::scope(&declared, given).map_err(refuse)?;
        let sort = sort.iter().map(|key| sort_key(key)).collect::<Result<_, _>>()?;
        let filters = filters.and_then(Value::as_array).into_iter().flatten();
        let filters = filters.map(filter).collect::<Result<_, _>>()?;
        let selection = Selection { dataset, scope, sort, filters };
        if let Some(column) = selection.unknown_column() {
            return Err(refuse(QueryError::at_start(format!("Unknown column '{column}'"))));
        }
        let estate = match state.snapshot(snapshot) {
            Some((_, snapshot)) if snapshot.collected => Arc::clone(&snapshot.estate),
            _ => Arc::new(Estate::empty()),
        };
        (selection, estate)
    };
    let dataset = selection.dataset;
    let sorted = !selection.sort.is_empty();
    let table = table(shared, snapshot, selection, estate).await?;
    Ok(Prepared { snapshot: snapshot.to_owned(), dataset, table, sorted })
}

async fn table(
    shared: &Arc<Shared>,
    snapshot: &str,
    selection: Selection,
    estate: Arc<Estate>,
) -> Result<Arc<Table>, Refusal> {
    if let Some(table) = shared.state().table(snapshot, &selection) {
        return Ok(table);
    }
    let made = tokio::task::spawn_blocking(move || (Arc::new(Table::build(&estate, &selection)), selection)).await;
    let (table, selection) = made.map_err(|error| Refusal::new(500, error.to_string()))?;
    shared.state().keep_table(snapshot, selection, &table);
    Ok(table)
}

fn sort_key(value: &Value) -> Result<SortKey, Refusal> {
    let key = known_object(value, "NqeSortBy", &["columnName", "order"])?;
    let column = key.get("columnName").and_then(Value::as_str);
    let column = column.ok_or_else(|| Refusal::new(400, "columnName is required"))?.to_owned();
    match key.get("order").and_then(Value::as_str) {
        None | Some("ASC") => Ok(SortKey { column, descending: false }),
        Some("DESC") => Ok(SortKey { column, descending: true }),
        Some(other) => Err(Refusal::new(400, format!("Unknown order {other}"))),
    }
}

fn filter(value: &Value) -> Result<Filter, Refusal> {
    let filter = known_object(value, "ColumnFilter", &["columnName", "lowerBound", "operator", "upperBound", "value"])?;
    let bound = |name: &str| {
        filter.get(name).filter(|value| !value.is_null()).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    let column = bound("columnName").ok_or_else(|| Refusal::new(400, "columnName is required"))?;
    match filter.get("operator").and_then(Value::as_str).unwrap_or("DEFAULT") {
        "DEFAULT" => Ok(Filter::Contains { column, value: bound("value").unwrap_or_default() }),
        "IS_BETWEEN" => Ok(Filter::Between { column, lower: bound("lowerBound"), upper: bound("upperBound") }),
        other => Err(Refusal::new(400, format!("Unknown operator {other}"))),
    }
}
