//! Runs are taken out of the history by hand.

use axum::http::StatusCode;

use super::{filled, words};

#[tokio::test]
async fn ticked_runs_go_unless_later_ones_need_them() {
    let (pages, waiting) = filled().await;
    let list = pages.page("/runs").await;
    assert!(list.contains("formaction=\"/runs/remove\"") && list.contains("name=\"run\" value=\"1\""));
    let asks = words(&pages.page("/runs/remove?run=1&run=2").await);
    assert!(asks.contains("Remove these 2 runs") && asks.contains("cannot be undone any more"), "{asks}");
    assert!(words(&pages.page("/runs/remove").await).contains("No run was ticked"));

    // The only completed real run, and one that waits for a person, stay.
    let (last, waits) = ("2".to_owned(), waiting.id.to_string());
    let led = pages.led("/runs/remove", &[("run", "1"), ("run", &last), ("run", &waits), ("run", "77")]).await;
    assert_eq!(led, format!("/runs/remove?run=2&run={waits}&run=77&stay=on"));
    assert!(words(&pages.page(&led).await).contains("These runs stay"));
    assert_eq!(pages.fetch("/runs/1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(pages.fetch("/runs/2").await.status, StatusCode::OK);
    let noted = words(&pages.page("/settings/audit").await);
    assert!(noted.contains("run.remove") && noted.contains("of lab"), "{noted}");
    assert_eq!(pages.post("/runs/remove", &[("run", "one")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn columns_are_left_out() {
    let (pages, _) = filled().await;
    let page = pages.page("/runs?hide=kind&hide=held,%3Cb%3E").await;
    assert!(page.contains("<table class=\"runs hide-kind hide-held\">"), "{page}");
    assert!(page.contains("value=\"kind\" checked") && page.contains("<th scope=\"col\" class=\"c-kind\">"));
}
