//! What another site's page sends is refused.

use axum::body::Body;
use axum::http::{HeaderName, Method, Request, StatusCode, header};
use serde_json::Value;

use super::{Answer, Api, request};

const SITE: &str = "sec-fetch-site";

#[tokio::test]
async fn only_names_of_this_machine_for_itself_are_answered() {
    let api = Api::empty().await;
    let ask = async |hosts: &[&str]| {
        let mut request = Request::builder().uri("/api/v1/syncs");
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        api.send(request.body(Body::empty()).unwrap()).await
    };
    for host in ["localhost", "LocalHost:8080", "127.0.0.1:8080", "127.8.9.1", "[::1]:8080", "[0:0:0:0:0:0:0:1]"] {
        assert_eq!(ask(&[host]).await.status, StatusCode::OK, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.localhost.example:80",
        "localhost@evil.example",
        "evil.example@localhost",
        "192.168.1.1",
        "0.0.0.0:8080",
        "[::]",
        "[::ffff:10.0.0.1]",
        "127.1",
        "2130706433",
        "localhost:80:80",
        "",
        " ",
    ] {
        let answer = ask(&[host]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.value()["type"], "urn:syncline:problem:foreign-name");
    }
    assert_eq!(ask(&[]).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(ask(&["localhost", "evil.example"]).await.status, StatusCode::MISDIRECTED_REQUEST);
    insta::assert_snapshot!(ask(&["evil.example:80"]).await.detail(), @"this server answers to `localhost`, to loopback addresses and to the names in `web.hosts`, not to `evil.example`");

    // A target that is a whole URL names a host as well.
    let whole = |name: &str| {
        let uri = format!("http://{name}/api/v1/syncs");
        Request::builder().uri(uri).header(header::HOST, "localhost").body(Body::empty()).unwrap()
    };
    assert_eq!(api.send(whole("localhost")).await.status, StatusCode::OK);
    assert_eq!(api.send(whole("evil.example")).await.status, StatusCode::MISDIRECTED_REQUEST);

    // Also where there is nothing.
    let nowhere = Request::builder().uri("/api/v1/nowhere").header(header::HOST, "evil.example");
    assert_eq!(api.send(nowhere.body(Body::empty()).unwrap()).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn only_json_changes_something() {
    let api = Api::with_lab(true).await;
    for path in ["syncs", "syncs/lab/pause", "syncs/lab/runs", "runs/1/cancel"] {
        for kind in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data"),
            Some("text/json"),
        ] {
            let mut request = request(Method::POST, path);
            if let Some(kind) = kind {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            let answer = api.send(request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {kind:?}");
            assert_eq!(answer.detail(), "send `POST` with `Content-Type: application/json`");
        }
    }
    assert_eq!(api.get("runs").await.items(), [] as [Value; 0]);
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        let request = request(Method::POST, "syncs/lab/runs").header(header::CONTENT_TYPE, kind);
        assert_eq!(api.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::ACCEPTED, "{kind}");
    }
}

async fn from_page(api: &Api, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = request(method, path).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(HeaderName::try_from(*name).unwrap(), *value);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let api = Api::with_lab(true).await;
    let foreign: [&[(&str, &str)]; 10] = [
        &[(SITE, "cross-site")],
        &[(SITE, "same-site")],
        &[(SITE, "")],
        &[(SITE, "same-origin"), (SITE, "cross-site")],
        // What a browser says about the site is not outdone by what else is said.
        &[(SITE, "cross-site"), ("origin", "http://localhost:8080")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        // Another server on this machine is another site.
        &[("origin", "http://localhost:3000")],
        &[("origin", "http://localhost:8080.evil.example")],
        &[("origin", "file://localhost:8080")],
    ];
    for headers in foreign {
        for (method, path) in [
            (Method::POST, "syncs/lab/runs"),
            (Method::POST, "syncs"),
            (Method::PUT, "syncs/lab"),
            (Method::DELETE, "syncs/lab"),
            (Method::POST, "nowhere"),
        ] {
            let answer = from_page(&api, method.clone(), path, headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
            assert_eq!(answer.value()["type"], "urn:syncline:problem:foreign-page");
        }
    }
    assert_eq!(api.get("runs").await.items(), [] as [Value; 0]);
    assert_eq!(api.get("syncs").await.items().len(), 1);

    let own: [&[(&str, &str)]; 5] = [
        &[],
        &[(SITE, "none")],
        &[("origin", "http://localhost:8080")],
        &[(SITE, "same-origin"), ("origin", "http://localhost:8080")],
        // A proxy before the server has another name.
        &[(SITE, "same-origin"), ("origin", "https://syncline.example")],
    ];
    for headers in own {
        let answer = from_page(&api, Method::POST, "syncs/lab/runs", headers).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{headers:?} {}", answer.text);
    }
}

#[tokio::test]
async fn no_other_site_may_read_what_is_answered() {
    let api = Api::with_lab(true).await;
    for headers in [&[("origin", "http://evil.example"), (SITE, "cross-site")] as &[_], &[]] {
        let answer = from_page(&api, Method::GET, "syncs", headers).await;
        let named = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(named("access-control-allow-origin"), None);
        assert_eq!(named("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(named("cache-control").as_deref(), Some("no-store"));
        assert_eq!(named("cross-origin-resource-policy").as_deref(), Some("same-origin"));
        assert_eq!(named("content-security-policy").as_deref(), Some("default-src 'none'; frame-ancestors 'none'"));
    }
    // The question that a browser asks first is not answered.
    let asks = [("origin", "http://evil.example"), ("access-control-request-method", "DELETE")];
    let answer = from_page(&api, Method::OPTIONS, "syncs/lab", &asks).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{:?}", answer.headers);
}
