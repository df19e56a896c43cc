//! The queue says what each run waits for.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use syncline_core::history::{Claimed, RunId};

use super::{Api, request};

#[tokio::test]
async fn the_queue_tells_places_and_what_is_in_the_way() {
    let api = Api::empty().await;
    for (sync, target) in
        [("one", "copy"), ("two", "copy"), ("dry", "copy"), ("away", "elsewhere"), ("kept", "elsewhere"), ("late", "x")]
    {
        api.make(sync, json!({"sites": ["a"], "target": target})).await;
    }
    let mut before = Vec::new();
    for sync in ["one", "two", "dry", "away", "kept", "late"] {
        let asked = api.post(&format!("syncs/{sync}/runs"), json!({"dry_run": sync == "dry"})).await;
        before.push(asked.value()["before"].clone());
    }
    assert_eq!(json!(before), json!([0, 1, 2, 3, 4, 5]));
    api.runner.claim(RunId::new(1)).await.unwrap();
    api.post("runs/5/pause", json!({"reason": "lunch"})).await;
    let until: DateTime<Utc> = "2999-01-01T00:00:00Z".parse().unwrap();
    let Claimed::Granted(late) = api.runner.claim(RunId::new(6)).await.unwrap() else {
        panic!("nothing is in its way")
    };
    api.runner.history().put_back(late, Some(until), None).await.unwrap();

    let queue = api.get("queue").await.items();
    let shown: Vec<Value> = queue.iter().map(|run| json!([run["id"], run["position"], run["waits_for"]])).collect();
    let expected = json!([
        [2, 1, {"what": "run", "run": 1, "why": "same_target"}],
        [3, 2, {"what": "worker"}],
        [4, 3, {"what": "worker"}],
        [5, null, {"what": "person", "reason": "paused by api: lunch"}],
        [6, null, {"what": "time", "until": "2999-01-01T00:00:00Z"}],
    ]);
    assert_eq!(json!(shown), expected);

    // What is said to wait for a worker is what the history hands to workers, and nothing else is.
    let ready = api.runner.history().take_ready(Duration::ZERO).await.unwrap();
    let ready: Vec<_> = ready.iter().map(|ready| ready.run.number()).collect();
    assert_eq!(ready, [3, 4]);

    // A run that waits for another one says so when it is asked for again.
    let again = api.post("syncs/two/runs", json!({})).await.value();
    assert_eq!((&again["already_running"], &again["waits_for"]["run"]), (&json!(true), &json!(1)));
}

/// Whoever repeats a request that has a key gets the run of the first time, also when it is over.
#[tokio::test]
async fn a_key_makes_one_run() {
    let api = Api::with_lab(true).await;
    let ask = async |key: &'static str, wish: Value| {
        let request = request(Method::POST, "syncs/lab/runs")
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key);
        api.send(request.body(Body::from(wish.to_string())).unwrap()).await
    };
    let first = ask("CHG0042", json!({})).await.value();
    assert_eq!((&first["already_running"], &first["request_id"]), (&json!(false), &json!("CHG0042")));
    let run = RunId::new(first["run"].as_i64().unwrap());
    assert!(api.work(run).await.status.is_final());
    let again = ask("\"CHG0042\"", json!({"request_id": "CHG0042"})).await.value();
    assert_eq!((&again["already_running"], &again["run"]), (&json!(true), &first["run"]));
    // Without the header, a request id is a name that several runs may have.
    let other = api.post("syncs/lab/runs", json!({"request_id": "CHG0042"})).await.value();
    assert_ne!(other["run"], first["run"]);

    let dry = ask("CHG0042", json!({"dry_run": true})).await;
    assert_eq!(dry.status, StatusCode::CONFLICT);
    insta::assert_snapshot!(dry.detail(), @"`CHG0042` was the id of another request, which run 1 was made for: give this one its own");
    let two = ask("CHG0042", json!({"request_id": "CHG0043"})).await;
    insta::assert_snapshot!(two.detail(), @"`request_id`: is another one than `Idempotency-Key`: give one of them, or the same twice");
    let wrong = ask("", json!({})).await;
    insta::assert_snapshot!(wrong.detail(), @"`Idempotency-Key`: an id of a request has 1 to 200 letters on one line, and does not begin or end with a space");
}
