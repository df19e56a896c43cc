//! Runs about a part of their sync are asked for over the API.

use axum::http::StatusCode;
use serde_json::json;
use syncline_core::history::{Purpose, RunId, RunStatus};

use super::Api;

#[tokio::test]
async fn a_run_is_about_what_was_asked_for() {
    let api = Api::with_lab(true).await;
    let scope = json!({"records": [{"model": "site", "key": ["b"]}]});
    let asked = api.post("syncs/lab/runs", json!({"scope": scope, "dry_run": true})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let again = api.post("syncs/lab/runs", json!({"scope": scope, "dry_run": true})).await.value();
    assert_eq!((&again["run"], &again["already_running"]), (&json!(1), &json!(true)));
    let other = api.post("syncs/lab/runs", json!({"scope": {"sites": ["b", "c"]}, "dry_run": true})).await.value();
    assert_eq!((&other["run"], &other["already_running"]), (&json!(2), &json!(false)));
    let whole = api.post("syncs/lab/runs", json!({"dry_run": true})).await.value();
    assert_eq!(whole["run"], 3);

    for (run, creates) in [(1, 1), (2, 2), (3, 3)] {
        let done = api.work(RunId::new(run)).await;
        assert_eq!((done.status, done.counts.create), (RunStatus::Completed, creates), "run {run}");
    }
    let document = api.get("runs/1").await.value();
    assert_eq!((&document["purpose"], &document["options"]["scope"]), (&json!(Purpose::Part), &scope));
    assert_eq!(document["counts"]["source_records"], 3, "both sides are read whole");
    assert_eq!(api.get("runs?purpose=part").await.items().len(), 2);
}

/// The parts of a key may stand in line, as on a command line: it is the same request.
#[tokio::test]
async fn a_key_of_a_scope_may_be_in_line() {
    let api = Api::with_lab(true).await;
    let ask = async |key: serde_json::Value| {
        let scope = json!({"records": [{"model": "device", "key": key}]});
        api.post("syncs/lab/runs", json!({"scope": scope, "dry_run": true})).await.value()
    };
    let asked = ask(json!(["boston", "sw1"])).await;
    assert_eq!((&asked["run"], &asked["already_running"]), (&json!(1), &json!(false)));
    let again = ask(json!([["boston"], "sw1"])).await;
    assert_eq!((&again["run"], &again["already_running"]), (&json!(1), &json!(true)));
    let scope = &api.get("runs/1").await.value()["options"]["scope"];
    assert_eq!(scope, &json!({"records": [{"model": "device", "key": [["boston"], "sw1"]}]}));
}

#[tokio::test]
async fn a_scope_that_is_none_makes_no_run() {
    let api = Api::with_lab(true).await;
    for (scope, status, says) in [
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY, "`scope`: names nothing"),
        (json!({"models": []}), StatusCode::UNPROCESSABLE_ENTITY, "`scope.models`: is empty"),
        (json!({"site": ["a"]}), StatusCode::UNPROCESSABLE_ENTITY, "`scope.site`: unknown field `site`"),
        (json!({"sites": ["Not a slug"]}), StatusCode::UNPROCESSABLE_ENTITY, "Not a slug"),
        (
            json!({"models": ["site", "devize"]}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "`scope.models`: `devize` is no model; did you mean `device`?",
        ),
        (
            json!({"records": [{"model": "devize", "key": ["a", "b"]}]}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "`scope.records[0]`: `devize` is no model; did you mean `device`?",
        ),
    ] {
        let answer = api.post("syncs/lab/runs", json!({"scope": scope})).await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.text);
        assert!(answer.detail().contains(says), "{scope}: {}", answer.text);
    }
    for (wish, says) in [(json!({"scope": {"sites": ["a"]}, "drift": true}), "about everything")] {
        let answer = api.post("syncs/lab/runs", wish.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wish}: {}", answer.text);
        assert!(answer.text.contains(says), "{wish}: {}", answer.text);
    }
    assert_eq!(api.get("runs").await.items().len(), 0);
}
