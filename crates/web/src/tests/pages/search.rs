//! One box finds everything.

use axum::http::{StatusCode, header};

use super::{filled, links, words};

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
