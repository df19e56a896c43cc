//! When syncs run by themselves, for programs.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::Api;

#[tokio::test]
async fn the_times_of_every_sync_are_told() {
    let api = Api::empty().await;
    let window = json!({"kind": "allow", "cron": "0 22 * * *", "duration": "8h", "reason": "at night"});
    let windows = json!({"windows": [window], "overrun": false});
    let nightly = json!({"cron": "0 3 * * *", "time_zone": "Europe/Berlin"});
    let often = json!({"recurs_every": 5});
    let settings = json!({"sites": ["a"], "target": "a", "schedule": nightly, "drift": often, "windows": windows});
    api.make("nightly", settings).await;
    api.make("behind", json!({"sites": ["a"], "target": "b", "after": "nightly"})).await;
    api.make("rests", json!({"sites": ["a"], "target": "c", "schedule": often})).await;
    api.shelf.history.pause_sync("rests", true).await.unwrap();

    let answer = api.get("schedules?days=2").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let items = answer.items();
    let names: Vec<_> = items.iter().map(|item| item["sync"].as_str().unwrap()).collect();
    assert_eq!(names, ["behind", "nightly", "rests"]);
    assert_eq!(
        (&items[0]["after"], &items[0]["runs"], &items[0]["drift"]),
        (&json!("nightly"), &json!(null), &json!(null))
    );
    let nightly_runs = &items[1]["runs"];
    assert_eq!(nightly_runs["schedule"]["time_zone"], "Europe/Berlin");
    assert_eq!(nightly_runs["words"], "cron `0 3 * * *` (Europe/Berlin)");
    assert_eq!((nightly_runs["next"].as_array().unwrap().len(), &nightly_runs["more"]), (2, &json!(false)));
    assert_eq!((&items[1]["windows"][0]["reason"], &items[1]["overrun"]), (&json!("at night"), &json!(false)));
    // Every five minutes is more than is told.
    let drift = &items[1]["drift"];
    let next: Vec<DateTime<Utc>> =
        drift["next"].as_array().unwrap().iter().map(|tick| tick["at"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!((next.len(), &drift["more"]), (100, &json!(true)));
    assert!(next.iter().zip(&next[1..]).all(|(one, other)| *other - one == TimeDelta::minutes(5)));
    assert_eq!((&items[2]["paused"], &items[2]["runs"]["next"]), (&json!(true), &json!([])));

    let one = api.get("schedules?sync=behind").await.items();
    assert_eq!((one.len(), &one[0]["sync"]), (1, &json!("behind")));
    for wrong in ["schedules?days=0", "schedules?days=32", "schedules?weeks=1"] {
        assert_eq!(api.get(wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}
