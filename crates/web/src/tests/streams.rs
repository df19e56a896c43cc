//! How many may follow at once.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use syncline_core::history::{History, Role};
use tower::ServiceExt as _;

use super::{Answer, Api, request};
use crate::auth::{AuthSettings, Authentication};
use crate::live::StreamLimits;

/// A stream of events, which is open for as long as it is kept.
async fn stream(api: &Api, token: &str) -> Response {
    let request = request(Method::GET, "events").header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// What is answered instead of a stream.
async fn refused(api: &Api, token: &str) -> Answer {
    let request = request(Method::GET, "events").header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn only_so_many_streams_are_open_at_once() {
    let settings = AuthSettings { authentication: Authentication::On, ..AuthSettings::default() };
    let api = Api::limited(History::in_memory().await.unwrap(), settings, StreamLimits { all: 3, each: 2 });
    let (one, other) =
        (api.token("one", Role::Viewer, None, None).await, api.token("two", Role::Viewer, None, None).await);
    let mut open = Vec::new();
    for token in [&one, &one, &other] {
        let stream = stream(&api, token).await;
        assert_eq!(stream.status(), StatusCode::OK);
        open.push(stream);
    }
    let own = refused(&api, &one).await;
    assert_eq!(own.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(own.detail().contains("`token:one` has 2 streams"), "{}", own.text);
    let all = refused(&api, &other).await;
    assert_eq!(all.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(all.detail().contains("web.streams") && all.headers.contains_key(header::RETRY_AFTER), "{}", all.text);
    // Pages are no streams.
    let page = request(Method::GET, "events?limit=10").header(header::AUTHORIZATION, format!("Bearer {one}"));
    assert_eq!(api.send(page.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
    // Whoever leaves makes room.
    open.remove(0);
    open.push(stream(&api, &other).await);
    assert_eq!(open.last().unwrap().status(), StatusCode::OK);
    open.remove(0);
    assert_eq!(stream(&api, &one).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn where_nobody_is_asked_an_address_has_its_streams() {
    let api =
        Api::limited(History::in_memory().await.unwrap(), AuthSettings::default(), StreamLimits { all: 9, each: 1 });
    let from = async |last: u8| {
        let mut request = request(Method::GET, "events").body(Body::empty()).unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, last], 50_000));
        request.extensions_mut().insert(axum::extract::ConnectInfo(address));
        api.router.clone().oneshot(request).await.unwrap()
    };
    let first = from(1).await;
    assert_eq!((first.status(), from(1).await.status()), (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(from(2).await.status(), StatusCode::OK);
}
