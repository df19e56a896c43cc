//! When each model was worked on, on the page of a run and in its progress.

use serde_json::Value;

use super::{filled, words};

#[tokio::test]
async fn a_run_tells_when_each_model_was_worked_on() {
    let (pages, _) = filled().await;
    let page = pages.page("/runs/2").await;
    let text = words(&page);
    for row in ["sites load source", "sites load target", "sites execute sync"] {
        assert!(text.contains(row), "{row}: {text}");
    }
    assert!(page.contains("<details><summary>By model</summary>"), "{page}");
    let dry = words(&pages.page("/runs/1").await);
    assert!(dry.contains("sites load target") && !dry.contains("sites execute sync"), "{dry}");

    // What follows a run is told the same, each stream within its phase.
    let progress = pages.api.get("runs/2/progress").await.value();
    let mut told = Vec::new();
    for phase in progress["phases"].as_array().unwrap() {
        for stream in phase["streams"].as_array().unwrap() {
            let time =
                |of: &Value, name: &str| of[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
            let (started, ended) = (time(stream, "started"), time(stream, "ended"));
            assert!(time(phase, "started") <= started && started <= ended, "{phase}");
            told.push(format!("{} {}", phase["name"].as_str().unwrap(), stream["label"].as_str().unwrap()));
        }
    }
    told.sort();
    assert_eq!(told, ["execute_sync sites", "load_source sites", "load_target sites"]);
}
