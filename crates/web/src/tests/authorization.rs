//! Every route, asked by every role and by nobody.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use syncline_core::history::Role;

use super::{Answer, Api, request};
use crate::auth::{AuthSettings, Authentication};
use crate::endpoint::Endpoint;
use crate::routes::endpoints;

/// A path of the route, of things that are there or not.
pub(super) fn path(endpoint: &Endpoint) -> String {
    let parts = endpoint.path.trim_start_matches('/').split('/').map(|part| match part {
        "{id}" => "1",
        "{other}" => "2",
        "{name}" if endpoint.path.starts_with("/syncs") => "lab",
        "{name}" => "nobody",
        "{sync}" => "lab",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn ask(api: &Api, token: Option<&str>, method: &Method, path: &str) -> Answer {
    // Streams have no end; pages of them do.
    let mut request = request(method.clone(), path)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = if *method == Method::GET { String::new() } else { json!({}).to_string() };
    api.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn every_role_meets_every_route() {
    let api = Api::with(AuthSettings { authentication: Authentication::On, ..AuthSettings::default() }).await;
    let mut tokens = Vec::new();
    for role in Role::ALL {
        tokens.push((role, api.token(role.as_str(), role, None, None).await));
    }
    let mut walked = 0;
    for endpoint in endpoints() {
        let (method, path) = (&endpoint.method, path(&endpoint));
        let Some(access) = endpoint.access else {
            let open = ask(&api, None, method, &path).await;
            let wants_more =
                if endpoint.is_signed { StatusCode::UNAUTHORIZED } else { StatusCode::UNPROCESSABLE_ENTITY };
            assert_eq!(open.status, wants_more, "{method} {path} is there for everybody, and wants more");
            if endpoint.is_signed {
                // A login is no signature.
                let known = ask(&api, Some(&tokens[0].1), method, &path).await;
                assert_eq!(known.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
            continue;
        };
        for stranger in [None, Some("syn_nobody")] {
            let refused = ask(&api, stranger, method, &path).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path} by {stranger:?}");
            let why = if stranger.is_some() { "there is no such token" } else { "log in with `POST /api/v1/login`" };
            assert!(refused.detail().starts_with(why), "{}", refused.text);
        }
        for (role, token) in &tokens {
            let answer = ask(&api, Some(token), method, &path).await;
            let is_let_in = !matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            assert_eq!(is_let_in, role.may(access.role), "{method} {path} by {role}: {}", answer.text);
            if !is_let_in {
                assert!(answer.detail().contains(&format!("needs the role `{}`", access.role)), "{}", answer.text);
            }
            walked += 1;
        }
    }
    assert!(walked > 100, "{walked}");
    // What is no route is no secret, but for those who are known.
    for path in ["nowhere", "syncs/lab/nowhere"] {
        assert_eq!(ask(&api, None, &Method::GET, path).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(ask(&api, Some(&tokens[0].1), &Method::GET, path).await.status, StatusCode::NOT_FOUND);
    }
    let document = ask(&api, Some(&tokens[0].1), &Method::GET, "openapi.json").await.value();
    assert_eq!(document["security"], json!([{"token": []}, {"session": []}]));
    // What changes something needs of a session what no other page knows.
    let changes = json!([{"token": []}, {"session": [], "csrf": []}]);
    for (path, method) in [("/syncs", "post"), ("/syncs/{name}", "put"), ("/runs/{id}", "delete"), ("/logout", "post")]
    {
        assert_eq!(document["paths"][path][method]["security"], changes, "{method} {path}");
    }
    assert_eq!(document["paths"]["/syncs"]["get"]["security"], Value::Null);
    assert_eq!(document["components"]["securitySchemes"]["csrf"]["name"], "X-CSRF-Token");
    assert_eq!(document["paths"]["/login"]["post"]["security"], Value::Array(Vec::new()));
}
