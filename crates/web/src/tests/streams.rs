//! How many may follow at once, and until when.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::Response;
use chrono::{TimeDelta, Utc};
use futures::StreamExt as _;
use serde_json::json;
use syncline_core::history::{History, NewAccount, NewSession, Role, Secret};
use tower::ServiceExt as _;

use super::auth::root;
use super::{Answer, Api, request};
use crate::auth::{AuthSettings, Authentication};
use crate::live::StreamLimits;

fn limits(all: usize, each: usize) -> StreamLimits {
    StreamLimits { all, each, ..StreamLimits::default() }
}

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
    let api = Api::limited(History::in_memory().await.unwrap(), settings, limits(3, 2));
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
    let api = Api::limited(History::in_memory().await.unwrap(), AuthSettings::default(), limits(9, 1));
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

#[tokio::test]
async fn who_is_let_in_no_more_is_told_nothing_more() {
    let settings = AuthSettings { authentication: Authentication::On, ..AuthSettings::default() };
    let look = StreamLimits { look: Duration::from_millis(5), ..StreamLimits::default() };
    let api = Api::limited(History::in_memory().await.unwrap(), settings, look);
    let history = &api.shelf.history;
    history.create_sync("lab", &json!({"sites": ["a"], "target": "lab", "auto_merge": true})).await.unwrap();
    let open = async |name: HeaderName, value: String| {
        let request = request(Method::GET, "events").header(name, value).body(Body::empty()).unwrap();
        let stream = api.router.clone().oneshot(request).await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        stream.into_body()
    };
    let bearer = |token: &String| (header::AUTHORIZATION, format!("Bearer {token}"));
    let (good, revoked) =
        (api.token("good", Role::Operator, None, None).await, api.token("revoked", Role::Viewer, None, None).await);
    let kim = NewAccount { name: "kim".parse().unwrap(), role: Role::Viewer, password: None };
    let kim = history.create_account(&kim, &root()).await.unwrap();
    let cookie = Secret::random("").unwrap();
    let expires = Utc::now() + TimeDelta::hours(1);
    let session = NewSession { account: kim.id, id: cookie.hash(), csrf: Secret::random("").unwrap(), expires };
    history.begin_session(&session, &root()).await.unwrap();

    let (name, value) = bearer(&good);
    let stays = open(name, value).await;
    let (name, value) = bearer(&revoked);
    let of_token = open(name, value).await;
    let of_session = open(header::COOKIE, format!("syncline={}", cookie.expose())).await;
    history.revoke_token(&"revoked".parse().unwrap(), &root()).await.unwrap();
    assert_eq!(to_bytes(of_token, usize::MAX).await.unwrap(), "");
    history.set_account_disabled(&kim.name, true, &root()).await.unwrap();
    assert_eq!(to_bytes(of_session, usize::MAX).await.unwrap(), "");

    // Nobody else is cut off, however often it is looked.
    let asked = request(Method::POST, "syncs/lab/runs").header(header::CONTENT_TYPE, "application/json");
    let (name, value) = bearer(&good);
    let asked = api.send(asked.header(name, value).body(Body::from("{}")).unwrap()).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let told = stays.into_data_stream().next().await.unwrap().unwrap();
    assert!(told.starts_with(b"id: "), "{told:?}");
}
