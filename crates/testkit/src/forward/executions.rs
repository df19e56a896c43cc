//! Asynchronous executions: submit, poll, read. Forward 26.6 and later.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use serde_json::{Value, json};

use super::answer::{Answer, Form, Refusal, ok, rows};
use super::faults::Outcome;
use super::nqe::{self, Prepared};
use super::server::{Call, Shared};
use super::state::{Execution, State};
use super::table::Table;

const FIELDS: [&str; 7] = ["commitId", "queryId", "columnFilters", "query", "parameters", "sortKeys", "sortBy"];

/// `POST /networks/{id}/nqe-executions`
pub(crate) async fn submit(shared: &Arc<Shared>, network: &str, call: &Call) -> Answer {
    if !shared.state().is_release((26, 6)) {
        return Err(Refusal::no_endpoint(&call.method, call.path()));
    }
    let newer = shared.state().is_release((26, 7));
    let known: Vec<&str> = FIELDS.into_iter().chain(newer.then_some("useLatestDataFiles")).collect();
    let body = nqe::object(call, "NqeExecutionRequest", &known)?;
    let snapshot = nqe::snapshot_of(&shared.state(), call, Some(network))?;
    let keys = body.get("sortKeys").and_then(Value::as_array).into_iter().flatten();
    let sort: Vec<&Value> = keys.chain(body.get("sortBy").filter(|sort| !sort.is_null())).collect();

    // A query that is switched to fail does so when it runs, not when it is submitted.
    let failure = {
        let state = shared.state();
        let (dataset, _) = nqe::resolve(&state, &body, &snapshot)?;
        nqe::switched_failure(&state, dataset).map(|error| (dataset, error))
    };
    let mut execution = match failure {
        None => {
            let prepared = nqe::prepare(shared, &body, &snapshot, &sort, body.get("columnFilters")).await?;
            Execution {
                network: network.to_owned(),
                snapshot,
                dataset: prepared.dataset,
                table: prepared.table,
                sorted: prepared.sorted,
                polls_left: 0,
                outcome: Outcome::Ok,
                error: None,
            }
        }
        Some((dataset, error)) => Execution {
            network: network.to_owned(),
            snapshot,
            dataset,
            table: Arc::new(Table::empty()),
            sorted: true,
            polls_left: 0,
            outcome: Outcome::UserError,
            error: Some(error.to_json()),
        },
    };
    let mut state = shared.state();
    execution.polls_left = state.faults.polls;
    if execution.outcome == Outcome::Ok {
        execution.outcome = state.faults.outcome;
    }
    let mut answer =
        if execution.polls_left == 0 { status_json(&mut execution) } else { json!({"status": "SUBMITTED"}) };
    answer["executionKey"] = state.new_execution(execution).into();
    ok(&answer)
}

/// `GET /networks/{id}/nqe-executions/{key}`
pub(crate) fn status(state: &mut State, network: &str, key: &str, call: &Call) -> Answer {
    let retry_after = state.faults.poll_retry_after;
    let execution = find(state, network, key, call)?;
    let mut response = ok(&status_json(execution))?;
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// `GET /networks/{id}/nqe-executions/{key}/result`
pub(crate) fn result(shared: &Arc<Shared>, network: &str, key: &str, call: &Call) -> Answer {
    let (prepared, json_only) = {
        let mut state = shared.state();
        let json_only = state.faults.json_only;
        let execution = find(&mut state, network, key, call)?;
        if execution.polls_left > 0 {
            return Err(Refusal::new(409, format!("Execution {key} has not completed")));
        }
        if execution.outcome != Outcome::Ok {
            return Err(Refusal::new(400, format!("Execution {key} has no result")));
        }
        let prepared = Prepared {
            snapshot: execution.snapshot.clone(),
            dataset: execution.dataset,
            table: Arc::clone(&execution.table),
            sorted: execution.sorted,
        };
        (prepared, json_only)
    };
    let (offset, limit) = (call.number("offset")?.unwrap_or(0), call.number("limit")?.unwrap_or(usize::MAX));
    if limit == 0 {
        return Err(Refusal::new(400, "limit must be positive"));
    }
    let page = nqe::page(shared, &prepared, offset, limit);
    let form = if json_only { Form::Document } else { accepted(call.header(header::ACCEPT))? };
    Ok(rows(shared, call.connection.clone(), page, form))
}

/// The first form that the client takes, in the client's order of preference.
fn accepted(accept: &str) -> Result<Form, Refusal> {
    let mut wanted: Vec<(f32, &str)> = accept
        .split(',')
        .map(|part| {
            let mut pieces = part.split(';').map(str::trim);
            let kind = pieces.next().unwrap_or("");
            let quality = pieces.find_map(|piece| piece.strip_prefix("q=")?.parse().ok());
            (quality.unwrap_or(1.0), kind)
        })
        .collect();
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let form = wanted.iter().find_map(|(_, kind)| match *kind {
        "application/x-ndjson" => Some(Form::Lines("application/x-ndjson")),
        "application/jsonl" => Some(Form::Lines("application/jsonl")),
        "text/csv" => Some(Form::Csv),
        "" | "*/*" | "application/*" | "application/json" => Some(Form::Document),
        _ => None,
    });
    form.ok_or_else(|| Refusal::new(406, ""))
}

fn find<'a>(state: &'a mut State, network: &str, key: &str, call: &Call) -> Result<&'a mut Execution, Refusal> {
    if !state.is_release((26, 6)) {
        return Err(Refusal::no_endpoint(&call.method, call.path()));
    }
    let found = state.executions.get_mut(key).filter(|execution| execution.network == network);
    found.ok_or_else(|| Refusal::new(404, format!("Execution {key} not found")))
}

/// The status, one poll further.
fn status_json(execution: &mut Execution) -> Value {
    execution.polls_left = execution.polls_left.saturating_sub(1);
    if execution.polls_left > 0 {
        return json!({"status": "EXECUTING", "millisExecuting": 4_200, "rowsProduced": 0, "timeoutMinutes": 20});
    }
    let mut status = json!({"status": "COMPLETED", "millisExecuting": 8_123, "timeoutMinutes": 20});
    status["outcome"] = match execution.outcome {
        Outcome::Ok => {
            status["rowsProduced"] = execution.table.total().into();
            "OK"
        }
        Outcome::UserError => {
            status["error"] = execution.error.clone().unwrap_or_else(|| {
                json!({"message": "Record has no field 'nmae'", "location": {
                    "start": {"line": 2, "character": 9}, "end": {"line": 2, "character": 13}}})
            });
            "USER_ERROR"
        }
        Outcome::TimedOut => "TIMED_OUT",
        Outcome::SystemError => "SYSTEM_ERROR",
    }
    .into();
    status
}
