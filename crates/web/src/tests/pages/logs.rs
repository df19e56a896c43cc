//! The logs of all runs.

use axum::http::StatusCode;

use super::super::Api;
use super::super::log::logged;
use super::markup::links;
use super::{Pages, words};

#[tokio::test]
async fn what_runs_said_is_listed_and_filtered() {
    let empty = Pages::of(Api::empty().await);
    assert!(words(&empty.page("/logs").await).contains("No run has said anything yet"));
    assert!(words(&empty.page("/logs/changes").await).contains("No run has changed anything yet"));

    let pages = Pages::of(logged().await);
    let page = pages.page("/logs?level=warning,error&sync=&text=").await;
    let rows = |page: &str| page.matches("<tr><td><time").count();
    assert_eq!(rows(&page), 3, "{page}");
    assert!(page.contains("50% &#60;slow&#62;") && page.contains("<code>lab</code>"), "{page}");
    assert!(page.contains("<option value=\"warning,error\" selected>warnings and errors</option>"), "{page}");
    let found = links(&page);
    let export = "/api/v1/log/export?level=warning%2Cerror";
    for link in ["/runs/3#log", "/syncs/far", "/logs/changes", export] {
        assert!(found.iter().any(|found| found == link), "{link}: {found:?}");
    }
    for link in found.iter().filter(|link| link.starts_with('/') && !link.starts_with("/api/")) {
        let path = link.split('#').next().unwrap();
        assert_eq!(pages.fetch(path).await.status, StatusCode::OK, "{link}");
    }
    assert_eq!(pages.api.get("log/export?level=warning%2Cerror").await.text.lines().count(), 3);
    assert_eq!(rows(&pages.page("/logs?text=of+%60lab%60&run=2").await), 1);
    assert!(words(&pages.page("/logs?text=nobody").await).contains("Nothing is like that. All lines"));
    for wrong in ["level=loud", "run=x", "before=3", "before=3-x"] {
        assert_eq!(pages.fetch(&format!("/logs?{wrong}")).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn what_runs_changed_is_one_row_for_each_object() {
    let pages = Pages::of(logged().await);
    let page = pages.page("/logs/changes").await;
    let rows = |page: &str| page.matches("<tr><td><time").count();
    assert_eq!(rows(&page), 7, "{page}");
    let text = words(&page);
    assert!(text.contains("Old → New"), "{text}");
    assert!(links(&page).contains(&"/objects/site/%5B%22x%22%5D".to_owned()));
    assert_eq!(rows(&pages.page("/logs/changes?sync=lab&outcome=applied&model=site&action=create").await), 3);
    assert_eq!(rows(&pages.page("/logs/changes?text=OLD").await), 1);
    assert_eq!(rows(&pages.page("/logs/changes?before=2-2").await), 4);
    assert!(words(&pages.page("/logs/changes?outcome=failed,stale,skipped").await).contains("Nothing is like that"));
    assert_eq!(pages.fetch("/logs/changes?action=move").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_list_of_runs_is_filtered_and_exported() {
    let pages = Pages::of(logged().await);
    let page = pages.page("/runs?sync=lab&outcome=changed&since=2020-01-01&text=api").await;
    let found = links(&page);
    for end in ["ndjson", "csv"] {
        let link = format!(
            "/api/v1/runs/export?sync=lab&outcome=changed&text=api&since=2020-01-01T00%3A00%3A00Z&format={end}"
        );
        assert!(found.contains(&link), "{link}: {found:?}");
        assert_eq!(pages.api.get(link.strip_prefix("/api/v1/").unwrap()).await.status, StatusCode::OK);
    }
    assert!(page.contains("<option value=\"changed\" selected>changes</option>"), "{page}");
    assert!(page.contains("<option value=\"copy\">copy</option>"), "{page}");
    let rows = |page: &str| page.matches("<tr><td><input type=\"checkbox\"").count();
    assert_eq!(rows(&page), 2);
    assert!(words(&pages.page("/runs?source=nowhere").await).contains("No run is like that"));
    assert_eq!(pages.fetch("/runs?outcome=fine").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
