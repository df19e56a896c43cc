//! The way from a record to where its system shows it.

use axum::http::{StatusCode, header};

use super::{filled, links, words};

#[tokio::test]
async fn a_record_leads_to_its_page_in_the_target() {
    let (pages, _) = filled().await;
    let object = pages.page("/objects/site/%5B%22a%22%5D").await;
    let links = links(&object);
    let open = |side: &str| links.iter().find(|link| link.starts_with(&format!("/syncs/lab/open/{side}?"))).unwrap();
    let led = pages.fetch(open("target")).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER, "{}", led.text);
    // By the id that the target has for it.
    assert_eq!(led.headers[header::LOCATION], "https://sites.example/a");
    let none = pages.fetch(open("source")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert!(words(&none.text).contains("truth has no page for site a that its connector knows"), "{}", none.text);
    for (path, says) in [
        ("lab/open/target?model=site&key=a", "its key is missing or broken"),
        ("lap/open/target?model=site&key=%5B%22a%22%5D", "lap"),
    ] {
        let none = pages.fetch(&format!("/syncs/{path}")).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        assert!(words(&none.text).contains(says), "{}", none.text);
    }
}
