//! Addresses that somebody typed, or that were cut off on their way.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

use super::{Pages, ensure_well_formed, filled, words};
use crate::tests::Api;

#[tokio::test]
async fn an_address_that_cannot_be_read_is_told_by_a_page() {
    let (pages, _) = filled().await;
    for path in ["/syncs/%ff", "/syncs/lab/open/middle?model=site&key=%5B%22a%22%5D", "/objects/site/%ff"] {
        let answer = pages.fetch(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
        ensure_well_formed(&answer.text);
        assert!(words(&answer.text).contains("The address cannot be read"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_is_asked_for_wrongly_before_the_login_is_told_by_a_page() {
    let pages = Pages::of(Api::empty().await);
    let twice = pages.fetch("/login?next=a&next=b").await;
    assert_eq!((twice.status, words(&twice.text).contains("cannot be read")), (StatusCode::NOT_FOUND, true));
    let request = Request::builder().method(Method::PUT).uri("/login").header(header::HOST, "localhost:8080");
    let request = request.header("sec-fetch-site", "same-origin").body(Body::empty()).unwrap();
    let answer = pages.send(request).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(words(&answer.text).contains("is not asked for in this way"), "{}", answer.text);
}
