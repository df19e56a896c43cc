//! The queue says what each run waits for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use syncline_core::history::{Claimed, RunId};

use super::Api;

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
