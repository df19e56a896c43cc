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

#[tokio::test]
async fn a_scope_that_is_none_makes_no_run() {
    let api = Api::with_lab(true).await;
    for (wish, status, says) in [
        (json!({"scope": {}}), StatusCode::UNPROCESSABLE_ENTITY, "names nothing"),
        (json!({"scope": {"models": []}}), StatusCode::UNPROCESSABLE_ENTITY, "is empty"),
        (json!({"scope": {"site": ["a"]}}), StatusCode::UNPROCESSABLE_ENTITY, "unknown field `site`"),
        (json!({"scope": {"sites": ["Not a slug"]}}), StatusCode::UNPROCESSABLE_ENTITY, "Not a slug"),
        (json!({"scope": {"sites": ["a"]}, "drift": true}), StatusCode::UNPROCESSABLE_ENTITY, "about everything"),
        (json!({"scope": {"models": ["router"]}}), StatusCode::CONFLICT, "`router` is no model"),
    ] {
        let answer = api.post("syncs/lab/runs", wish.clone()).await;
        assert_eq!(answer.status, status, "{wish}: {}", answer.text);
        assert!(answer.text.contains(says), "{wish}: {}", answer.text);
    }
    assert_eq!(api.get("runs").await.items().len(), 0);
}
