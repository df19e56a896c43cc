//! Every page and everything that a form does, asked by every role and by nobody.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use syncline_core::history::Role;

use super::Pages;
use crate::pages::roles;
use crate::tests::{Answer, Api};

/// A path of the route, of things that are there or not.
pub(in crate::tests) fn path(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| match part {
        "{id}" => "1",
        "{name}" if pattern.starts_with("/settings") => "nobody",
        "{name}" => "lab",
        "{side}" => "target",
        "{model}" => "site",
        "{*key}" => "%5B%22a%22%5D",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn ask(pages: &Pages, token: Option<&str>, method: &Method, path: &str) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:8080")
        .header(header::ACCEPT, "text/html")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    pages.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_role_meets_every_page() {
    let api = Api::asking().await;
    let mut tokens = Vec::new();
    for role in Role::ALL {
        tokens.push((role, api.token(&format!("a-{role}"), role, None, None).await));
    }
    let pages = Pages { router: api.router.clone(), api };
    let mut walked = 0;
    // What is posted to a page may need more than to look at it.
    let mut routes: BTreeMap<_, (Role, Role)> = BTreeMap::new();
    for (pattern, role) in roles() {
        let (least, most) = routes.entry(pattern).or_insert((role, role));
        (*least, *most) = (role.min(*least), role.max(*most));
    }
    for (pattern, (to_look, to_post)) in routes {
        let path = path(pattern);
        let mut is_there = false;
        for method in [Method::GET, Method::POST] {
            let needed = if method == Method::GET { to_look } else { to_post };
            let stranger = ask(&pages, None, &method, &path).await;
            if method == Method::GET {
                let to = stranger.headers.get(header::LOCATION).map(|to| to.to_str().unwrap());
                assert!(to.is_some_and(|to| to.starts_with("/login?next=")), "{path}: {}", stranger.text);
            } else {
                assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
            for (role, token) in &tokens {
                let answer = ask(&pages, Some(token), &method, &path).await;
                if answer.status == StatusCode::METHOD_NOT_ALLOWED {
                    continue;
                }
                is_there = true;
                let is_refused = answer.status == StatusCode::FORBIDDEN && answer.text.contains("needs the role");
                assert_eq!(is_refused, !role.may(needed), "{method} {path} by {role}: {}", answer.status);
                assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} by {role}");
                walked += 1;
            }
        }
        assert!(is_there, "{path}");
    }
    assert!(walked > 200, "{walked}");
}
