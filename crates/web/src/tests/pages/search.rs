//! One box finds everything.

use axum::http::{StatusCode, header};
use serde_json::json;

use super::super::Api;
use super::{Pages, filled, links, words};

#[tokio::test]
async fn that_there_are_more_objects_is_told() {
    let pages = Pages::of(Api::empty().await);
    let sites: Vec<_> = (0..30).map(|number| format!("site-{number}")).collect();
    pages.api.make("many", json!({"sites": sites, "target": "copy"})).await;
    let run = pages.api.trigger("many", json!({})).await;
    pages.api.work(run).await;
    let page = pages.page("/search?text=site-").await;
    assert_eq!(links(&page).iter().filter(|link| link.starts_with("/objects/site/")).count(), 25);
    assert!(words(&page).contains("More, and the changes themselves"), "{}", words(&page));
    assert!(!words(&pages.page("/search?text=site-29").await).contains("More, and"));
}

#[tokio::test]
async fn syncs_systems_runs_and_objects_are_found() {
    let (pages, _) = filled().await;
    let run = pages.fetch("/search?text=%232").await;
    assert_eq!((run.status, &run.headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/runs/2".parse().unwrap()));

    let found = links(&pages.page("/search?text=LAB").await);
    assert!(found.iter().any(|link| link == "/syncs/lab"), "{found:?}");
    let found = pages.page("/search?text=NETWORK+changed").await;
    assert!(links(&found).iter().any(|link| link == "/runs/2"), "{}", words(&found));
    // An object that several runs changed is there once.
    let found = links(&pages.page("/search?text=A").await);
    let count = found.iter().filter(|link| *link == "/objects/site/%5B%22a%22%5D").count();
    assert_eq!(count, 1, "{found:?}");

    assert!(words(&pages.page("/search?text=nowhere").await).contains("Nothing is like that"));
    assert!(words(&pages.page("/search").await).contains("The name of a sync or of a system"));
    // Everywhere is a box for it.
    assert!(pages.page("/runs").await.contains("action=\"/search\""));
}
