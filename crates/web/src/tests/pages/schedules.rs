//! The calendar of what runs by itself.

use axum::http::StatusCode;
use serde_json::json;

use super::markup::{ensure_harmless, ensure_well_formed};
use super::{Pages, words};
use crate::tests::Api;

#[tokio::test]
async fn a_calendar_tells_what_begins_by_itself() {
    let api = Api::empty().await;
    let pages = Pages::of(api);
    assert!(words(&pages.page("/schedules").await).contains("There is no sync."));
    let window = json!({"kind": "allow", "cron": "0 0 29 2 *", "duration": "1m"});
    let windows = json!({"windows": [window], "overrun": false});
    let webhook = json!({"secret": "env:HOOK"});
    for (name, settings) in [
        ("hourly", json!({"schedule": {"cron": "30 * * * *"}, "drift": {"cron": "*/20 * * * *"}})),
        ("behind", json!({"after": "hourly"})),
        ("called", json!({"webhook": webhook})),
        ("leap", json!({"schedule": {"cron": "0 12 * * *", "time_zone": "Asia/Tokyo"}, "windows": windows})),
        ("rests", json!({"schedule": {"recurs_every": 60}})),
        ("busy", json!({"drift": {"cron": "* * * * *"}})),
    ] {
        let mut settings = settings;
        settings["sites"] = json!(["a"]);
        settings["target"] = json!(name);
        pages.api.make(name, settings).await;
    }
    pages.api.shelf.history.pause_sync("rests", true).await.unwrap();

    let day = pages.page("/schedules").await;
    ensure_well_formed(&day);
    ensure_harmless(&day);
    let text = words(&day);
    for part in [
        "cron 30 * * * * (UTC)",
        "Drift checks",
        "after hourly",
        "when somebody asks webhook",
        "writes within 0 0 29 2 * for 1m (UTC)",
        "stops when its windows close",
        "windows are closed all the time",
        "waits until",
        "schedules rest",
        "Of each schedule the next five.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // There is no 29 February within the day.
    assert!(day.contains("Windows: closed"), "{day}");
    // What begins every minute is too much for a week, and is not counted to its end.
    assert!(!text.replace("“…”", "").contains('…'), "{text}");
    let week = pages.page("/schedules?days=7").await;
    ensure_well_formed(&week);
    assert!(words(&week).replace("“…”", "").contains('…'), "{week}");

    let one = words(&pages.page("/schedules?sync=behind").await);
    assert!(one.contains("behind") && !one.contains("rests") && one.contains("Nothing begins by itself"), "{one}");
    assert_eq!(pages.fetch("/schedules?days=3").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
