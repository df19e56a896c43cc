//! The query library: listings by folder and by commit, source texts, histories.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, ok};
use super::faults::LibraryShape;
use super::query::{LibraryQuery, hex40};
use super::server::Call;
use super::state::State;

/// Answers `GET /nqe/…`.
pub(crate) fn answer(state: &State, segments: &[&str], call: &Call) -> Answer {
    let live = || state.library.iter().filter(|entry| !entry.deleted);
    match segments {
        ["queries"] => {
            let folder = call.parameter("dir").unwrap_or("/");
            if !folder.starts_with('/') || !folder.ends_with('/') {
                return Err(Refusal::new(400, format!("dir must start and end with '/', was '{folder}'")));
            }
            let rows = live().filter(|entry| entry.path.starts_with(folder)).map(
                |entry| json!({"queryId": entry.id, "repository": "ORG", "path": entry.path, "intent": entry.intent}),
            );
            ok(&rows.collect())
        }
        ["queries", id, "history"] => {
            let entry = find(state, id)?;
            let commit = json!({
                "id": entry.commit, "author": "mary", "createdAt": "2025-03-04T05:06:07.000Z", "message": "Add the query",
            });
            ok(&json!({"commits": [commit]}))
        }
        ["queries", id, "source-code"] => {
            let entry = find(state, id)?;
            if call.parameter("commitId").is_some_and(|commit| commit != entry.commit) {
                return Err(Refusal::new(404, format!("Query {id} does not exist at that commit")));
            }
            ok(&json!({"sourceCode": entry.source, "intent": entry.intent, "sourceCodeSha": hex40(&entry.source, 5)}))
        }
        ["repos", "org" | "fwd", "commits", "head"] => ok(&json!({"id": head(state)})),
        ["repos", repository @ ("org" | "fwd"), "commits", commit, "queries"] => {
            if *commit != "head" && (commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                return Err(Refusal::new(400, format!("Invalid commit ID {commit}")));
            }
            // At head, `path` and `with` are silently ignored.
            let path = call.parameter("path").filter(|_| *commit != "head");
            let with_source = call.parameters("with").any(|what| what == "sourceCode") && *commit != "head";
            if with_source && path.is_none() {
                return Err(Refusal::new(400, "with=sourceCode needs a path"));
            }
            let known = |entry: &&LibraryQuery| {
                *repository == "org"
                    && path.is_none_or(|path| path == entry.path)
                    && (*commit == "head" || *commit == entry.commit || *commit == head(state))
            };
            let rows: Vec<_> = live().filter(known).map(|entry| row(state, entry, with_source)).collect();
            if path.is_some() {
                let first = rows.into_iter().next();
                return ok(&first.ok_or_else(|| Refusal::new(404, "Query not found at that commit"))?);
            }
            ok(&match state.faults.library_shape {
                LibraryShape::Bare => Value::Array(rows),
                LibraryShape::Wrapped | LibraryShape::NestedCommit => json!({"queries": rows}),
            })
        }
        _ => Err(Refusal::no_endpoint(&call.method, call.path())),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a LibraryQuery, Refusal> {
    let found = state.library.iter().find(|entry| entry.id == id);
    found.ok_or_else(|| Refusal::new(404, format!("Query {id} not found")))
}

fn head(state: &State) -> String {
    hex40(&format!("head {}", state.library.len()), 3)
}

fn row(state: &State, entry: &LibraryQuery, with_source: bool) -> Value {
    let mut row = json!({"queryId": entry.id, "path": entry.path, "intent": entry.intent});
    if state.faults.library_shape == LibraryShape::NestedCommit {
        row["lastCommit"] = json!({"id": entry.commit});
    } else {
        row["lastCommitId"] = entry.commit.as_str().into();
    }
    if with_source {
        row["sourceCode"] = entry.source.as_str().into();
        row["sourceCodeSha"] = hex40(&entry.source, 5).into();
    }
    row
}
