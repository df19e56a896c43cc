//! The page of two runs, and how one comes there.

use axum::http::{StatusCode, header};
use serde_json::json;

use super::super::Api;
use super::super::compare::compared;
use super::markup::links;
use super::{Pages, filled, words};

#[tokio::test]
async fn two_runs_stand_beside_each_other() {
    let (api, ..) = compared().await;
    let pages = Pages::of(api);
    let page = pages.page("/compare?a=1&b=2").await;
    let text = words(&page);
    for part in [
        "Run 1 and run 2",
        "Run 1 was dry: where run 2 did what run 1 planned, only the outcome differs.",
        "The scope, the mapping or a side of the sync was changed between them.",
        "only in run 1 1",
        "only in run 2 1",
        "other values 1",
        "another outcome 1",
        "calculate diff",
        "no objection",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(page.contains("<span class=\"value new\">Newer</span>"), "{page}");
    let links = links(&page);
    for link in [
        "/objects/site/%5B%22a%22%5D",
        "/compare?a=2&b=1",
        "/compare?a=1&b=2&kind=only_a",
        "/compare?a=1&b=2&model=site",
        "/runs/2/plan?model=site&action=create",
        "/runs/2/plan?model=site&outcome=applied%2Cunchanged",
    ] {
        assert!(links.iter().any(|found| found == link), "{link}: {links:?}");
    }
    for link in links.iter().filter(|link| link.starts_with('/')) {
        assert_eq!(pages.fetch(link).await.status, StatusCode::OK, "{link}");
    }
    let some = pages.page("/compare?a=1&b=2&kind=only_b").await;
    let rows = |page: &str| page.matches("<span class=\"dim\">nothing</span>").count();
    assert_eq!(rows(&some), 1, "{some}");
    assert!(words(&pages.page("/compare?a=1&b=2&model=device").await).contains("No difference is like that"));
    assert!(words(&pages.page("/compare?a=1&b=1").await).contains("Both runs say and did the same"));
    let rest = pages.page("/compare?a=1&b=2&after=a-3").await;
    assert_eq!((rows(&rest), rest.contains("First page")), (1, true), "only what the second one has is left");
}

#[tokio::test]
async fn runs_are_ticked_in_a_list_or_compared_with_the_one_before() {
    let (pages, waiting) = filled().await;
    let led = async |path: &str| {
        let answer = pages.fetch(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.headers[header::LOCATION].to_str().unwrap().to_owned()
    };
    assert_eq!(led("/compare?b=2").await, "/compare?a=1&b=2");
    assert_eq!(led("/compare?run=3&run=1").await, "/compare?a=1&b=3");
    let list = pages.page("/runs").await;
    assert_eq!(list.matches("<input type=\"checkbox\" name=\"run\"").count(), 3);
    assert!(list.contains("form=\"ticked\"") && list.contains("<form id=\"ticked\""), "{list}");
    assert!(links(&pages.page("/runs/2").await).contains(&"/compare?a=1&b=2".to_owned()));
    assert!(!pages.page("/runs/1").await.contains("/compare"), "there is none before the first");
    let waits = words(&pages.page(&format!("/compare?a=2&b={}", waiting.id)).await);
    assert!(waits.contains("The plan of run 3 waits for a person: its changes are in no history yet"), "{waits}");

    for (path, status, why) in [
        ("/compare?b=1", StatusCode::NOT_FOUND, "There is no run of the sync lab before run 1"),
        ("/compare?a=1&b=99", StatusCode::NOT_FOUND, "There is no run 99"),
        ("/compare?run=1", StatusCode::UNPROCESSABLE_ENTITY, "two runs are compared, and 1 are ticked"),
        ("/compare?run=1&run=2&run=3", StatusCode::UNPROCESSABLE_ENTITY, "and 3 are ticked: go back and tick two"),
        ("/compare?a=1&b=2&after=c-1", StatusCode::UNPROCESSABLE_ENTITY, "is no place in this list"),
        ("/compare", StatusCode::UNPROCESSABLE_ENTITY, "b"),
    ] {
        let answer = pages.fetch(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(words(&answer.text).contains(why), "{path}: {}", words(&answer.text));
    }
}

#[tokio::test]
async fn what_runs_read_is_drawn() {
    let api = Api::with_lab(true).await;
    for sites in [json!(["a", "b", "c"]), json!(["a"])] {
        let settings = json!({"settings": {"sites": sites, "target": "copy"}});
        api.json(axum::http::Method::PUT, "syncs/lab", settings).await;
        let run = api.trigger("lab", json!({"dry_run": true})).await;
        api.work(run).await;
    }
    let page = Pages::of(api).page("/syncs/lab").await;
    assert!(words(&page).contains("−66 % in run 2: 3 → 1"), "{}", words(&page));
    assert!(page.contains("<desc id=\"chart-source-site-told\">run 1: 3; run 2: 1</desc>"), "{page}");
    assert_eq!(page.matches("<rect class=\"loss\"").count(), 1, "{page}");
}
