//! Nobody is offered what is refused to them.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;
use syncline_core::event::Events;
use syncline_core::history::{Role, RunId, RunStatus};
use syncline_core::run::{RunRequest, SyncBook as _};
use tokio_util::sync::CancellationToken;

use super::markup::ensure_well_formed;
use super::{Pages, words};
use crate::pages::roles;
use crate::tests::Api;
use crate::tests::auth::Browser;

/// Every page of whose kind something is there.
const PAGES: [&str; 29] = [
    "/",
    "/runs",
    "/runs/1",
    "/runs/2",
    "/runs/2/plan",
    "/runs/3",
    "/runs/4",
    "/runs/4/plan",
    "/syncs",
    "/syncs/lab",
    "/syncs/other",
    "/syncs/lab/run",
    "/sources/truth",
    "/targets/other",
    "/compare?a=1&b=2",
    "/compare/reads?a=1&b=2",
    "/compare/reads?a=1&b=2&side=target&model=site",
    "/logs",
    "/logs/changes",
    "/schedules",
    "/search?text=lab",
    "/drift",
    "/drift?view=ignored",
    "/findings/1",
    "/syncs/lab/ignore?model=site&key=%5B%22a%22%5D&field=name",
    "/quarantine",
    "/settings",
    "/settings/password",
    "/objects/site/%5B%22a%22%5D",
];
const ADMINS: [&str; 7] = [
    "/runs/remove?run=1",
    "/settings/accounts",
    "/settings/tokens",
    "/settings/audit",
    "/syncs/new",
    "/syncs/lab/edit",
    "/syncs/lab/remove",
];

impl Pages {
    /// Something of every kind: a dry run, one that was applied, one that waits in line and one that waits for a person. Whoever
    /// looks has to be known.
    async fn asking() -> Self {
        let api = Api::asking().await;
        for (name, dry_run, status) in [
            ("lab", true, Some(RunStatus::Completed)),
            ("lab", false, Some(RunStatus::AwaitingReview)),
            ("lab", false, None),
            ("other", false, Some(RunStatus::AwaitingReview)),
        ] {
            let sync = api.shelf.sync(name).await.unwrap().definition;
            let request = RunRequest { dry_run, by: "kim".to_owned(), ..RunRequest::default() };
            let run = api.runner.trigger(&sync, &request).await.unwrap().run();
            let Some(expected) = status else { continue };
            let known = api.work(run).await;
            assert_eq!(known.status, expected);
            if run == RunId::new(2) {
                let approver = api.browser("approver").await;
                let consent = json!({"reason": "looked at", "plan_hash": known.plan.unwrap().hash});
                let approved = api.from(&approver, Method::POST, "runs/2/approve", consent).await;
                assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
                assert_eq!(api.work(run).await.status, RunStatus::Completed);
            }
        }
        api.shelf.history.create_sync("far", &json!({"sites": ["a"], "target": "far"})).await.unwrap();
        let sync = api.shelf.sync("far").await.unwrap().definition;
        api.runner.run(&sync, RunRequest::drift(), &Events::new(), &CancellationToken::new()).await.unwrap();
        Self { router: api.router.clone(), api }
    }

    async fn seen_by(&self, browser: &Browser, path: &str) -> String {
        let request = Request::builder().uri(path).header(header::HOST, "localhost:8080");
        let request = request.header(header::COOKIE, browser.cookie.as_deref().unwrap());
        let answer = self.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        ensure_well_formed(&answer.text);
        answer.text
    }
}

/// The paths to which the forms and the buttons of a page post.
fn posts(page: &str) -> BTreeSet<String> {
    let quoted = |part: &str| part.split('"').next().unwrap_or_default().to_owned();
    let forms = page.split("<form ").skip(1).filter(|form| form.contains("method=\"post\""));
    let forms = forms.filter_map(|form| form.split("action=\"").nth(1).map(quoted));
    let buttons = page.split(" formaction=\"").skip(1).map(quoted);
    forms.chain(buttons).collect()
}

/// The role that a path needs.
fn needed(path: &str) -> Option<Role> {
    let is = |pattern: &str| {
        let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        pattern.len() == path.len()
            && pattern.iter().zip(&path).all(|(pattern, part)| pattern.starts_with('{') || pattern == part)
    };
    roles().into_iter().filter(|(pattern, _)| is(pattern)).map(|(_, role)| role).max_by_key(|role| *role as u8)
}

#[tokio::test]
async fn nobody_is_offered_what_is_refused_to_them() {
    let pages = Pages::asking().await;
    let mut offered = Vec::new();
    for role in Role::ALL {
        let browser = pages.api.browser(role.as_str()).await;
        let mut posted = BTreeSet::new();
        let admins = ADMINS.iter().filter(|_| role == Role::Admin);
        for path in PAGES.iter().chain(admins) {
            let page = pages.seen_by(&browser, path).await;
            for post in posts(&page).into_iter().filter(|post| post != "/logout") {
                let needed =
                    needed(&post).unwrap_or_else(|| panic!("{path} has a form for `{post}`, which is no route"));
                assert!(role.may(needed), "{path} offers `{post}` to {role}");
                posted.insert(post);
            }
        }
        offered.push(posted);
    }
    // Who may more is offered more, and what is less besides.
    for (less, more) in offered.iter().zip(&offered[1..]) {
        assert!(less.is_subset(more) && less.len() < more.len(), "{less:?} {more:?}");
    }
    assert_eq!(offered[0].iter().map(String::as_str).collect::<Vec<_>>(), ["/settings/password"]);
    for (rank, path) in [
        (1, "/runs/2/undo"),
        (1, "/runs/3/cancel"),
        (1, "/runs/4/comment"),
        (1, "/findings/1/acknowledge"),
        (1, "/syncs/far/ignores"),
        (1, "/syncs/lab/pause"),
        (1, "/syncs/lab/run"),
        (1, "/targets/other/check"),
        (2, "/runs/4/approve"),
        (2, "/runs/4/reject"),
        (2, "/runs/4/tick"),
        (3, "/settings/tokens"),
    ] {
        assert!(!offered[rank - 1].contains(path) && offered[rank].contains(path), "{path}: {offered:?}");
    }
}

#[tokio::test]
async fn who_may_not_is_told_who_may() {
    let pages = Pages::asking().await;
    let browser = pages.api.browser("viewer").await;
    let text = words(&pages.seen_by(&browser, "/runs/4/plan").await);
    assert!(text.contains("This plan waits for a person whose role is approver or more"), "{text}");
    assert!(!pages.seen_by(&browser, "/runs/4/plan").await.contains("type=\"checkbox\""));
    let text = words(&pages.seen_by(&browser, "/syncs/lab/run").await);
    assert!(text.contains("Runs are started by those whose role is operator or more"), "{text}");
    // Who looks only makes no system be asked.
    let object = "/objects/site/%5B%22a%22%5D";
    let operator = pages.api.browser("operator").await;
    assert!(pages.seen_by(&operator, object).await.contains("href=\"/syncs/lab/open/target?"));
    assert!(!pages.seen_by(&browser, object).await.contains("/open/"));
    for path in ["/", "/syncs", "/syncs/lab"] {
        assert!(!words(&pages.seen_by(&browser, path).await).contains("New run"), "{path}");
    }
}

#[tokio::test]
async fn a_run_is_taken_back_from_its_page() {
    let pages = Pages::of(Api::with_lab(true).await);
    let first = pages.api.trigger("lab", json!({})).await;
    assert_eq!(pages.api.work(first).await.status, RunStatus::Completed);
    let page = pages.page("/runs/1").await;
    assert!(page.contains("action=\"/runs/1/undo\"") && !page.contains("action=\"/runs/1/rerun\""), "{page}");
    assert_eq!(pages.led("/runs/1/undo", &[("reason", "too early")]).await, "/runs/2");
    let dry = pages.api.run(RunId::new(2)).await;
    assert_eq!((dry.dry, dry.subject, dry.request.as_deref()), (true, Some(first), Some("too early")));
    pages.api.work(RunId::new(2)).await;
    // A dry run has written nothing.
    assert!(!pages.page("/runs/2").await.contains("/undo\""));
    let refused = pages.post("/runs/2/undo", &[("what", "real")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("was dry"), "{}", refused.text);
    assert_eq!(pages.post("/runs/77/undo", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(pages.led("/runs/1/undo", &[("what", "real")]).await, "/runs/3");
    assert!(!pages.api.run(RunId::new(3)).await.dry);
    assert_eq!(pages.led("/runs/1/rerun", &[("what", "real")]).await, "/runs/4");
}
