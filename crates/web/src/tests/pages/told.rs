//! Words that are the same wherever they stand.

use serde_json::json;
use syncline_core::history::{Run, RunKind};

use super::{filled, words};

#[tokio::test]
async fn what_started_a_run_is_told_plainly() {
    let (pages, run) = filled().await;
    let started = |kind, by: &str| Run { kind, triggered_by: by.to_owned(), ..run.clone() }.started_words();
    for (kind, by, words) in [
        (RunKind::Adhoc, "kim", "adhoc by kim"),
        (RunKind::Scheduled, "schedule", "scheduled"),
        (RunKind::Scheduled, "after forward-to-netbox", "after forward-to-netbox"),
        (RunKind::Webhook, "webhook", "webhook"),
        (RunKind::Webhook, "api", "API"),
        (RunKind::Webhook, "token:ci", "API by token ci"),
        (RunKind::Webhook, "kim", "API by kim"),
    ] {
        assert_eq!(started(kind, by), words);
    }
    // They were asked for through the API.
    let list = words(&pages.page("/runs").await);
    assert!(list.contains(" API ") && !list.contains("webhook by") && !list.contains("by api"), "{list}");
    let page = words(&pages.page("/runs/2").await);
    assert!(page.contains("Kind API, real"), "{page}");
}

#[tokio::test]
async fn a_model_that_is_under_way_is_called_by_its_label() {
    let (pages, _) = filled().await;
    let progress = pages.api.get("runs/2/progress").await.value();
    assert_eq!((&progress["models"][0]["model"], &progress["models"][0]["label"]), (&json!("site"), &json!("sites")));
}
