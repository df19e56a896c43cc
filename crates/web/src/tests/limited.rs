//! Tokens that are good for some syncs only.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use syncline_core::event::Events;
use syncline_core::history::{FindingFilter, QuarantineFilter, Role, RunId};
use syncline_core::run::{RunRequest, SyncBook as _};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{Api, authorization, pages::walk};
use crate::routes::endpoints;

/// The sync that the token may not touch.
const OTHER: &str = "secretive";

/// With `lab` and another sync that writes to the same system: a run and a finding of each.
async fn two() -> Api {
    let api = Api::asking().await;
    let settings = json!({"sites": ["a"], "target": "lab", "auto_merge": false});
    api.shelf.history.create_sync(OTHER, &settings).await.unwrap();
    for sync in ["lab", OTHER] {
        let sync = api.shelf.sync(sync).await.unwrap().definition;
        let request = RunRequest { by: "kim".to_owned(), ..RunRequest::default() };
        let run = api.runner.trigger(&sync, &request).await.unwrap().run();
        api.work(run).await;
        api.runner.run(&sync, RunRequest::drift(), &Events::new(), &CancellationToken::new()).await.unwrap();
    }
    // Each has one that waits, too.
    for sync in [OTHER, "lab"] {
        let sync = api.shelf.sync(sync).await.unwrap().definition;
        api.runner.trigger(&sync, &RunRequest::dry()).await.unwrap();
    }
    api
}

/// What a browser with a token would be sent: the status, where it is led, and the page.
async fn look(api: &Api, token: &str, path: &str) -> (StatusCode, String) {
    let request = Request::builder().uri(path).header(header::HOST, "localhost:8080");
    let accepts = if path.starts_with("/api/") { "application/json" } else { "text/html" };
    let request = request.header(header::ACCEPT, accepts).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = api.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
    let led = parts.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
    (parts.status, format!("{} {text}", led.unwrap_or_default()))
}

#[tokio::test]
async fn a_token_for_one_sync_is_told_of_no_other() {
    let api = two().await;
    let limited = api.token("some", Role::Admin, Some(&["lab"]), None).await;
    let whole = api.token("all", Role::Admin, None, None).await;
    let reads = endpoints().into_iter().filter(|endpoint| endpoint.method == Method::GET);
    let mut paths: Vec<_> = reads.map(|endpoint| format!("/api/v1/{}", authorization::path(&endpoint))).collect();
    paths.extend(crate::pages::roles().into_iter().map(|(pattern, _)| walk::path(pattern)));
    paths.extend(["/search?text=s".to_owned(), "/compare?a=1&b=2".to_owned(), "/targets/copy".to_owned()]);
    let (mut told, mut would) = (0, 0);
    for path in paths {
        let mark = if path.contains('?') { '&' } else { '?' };
        let of_other = path.replace("/runs/1", "/runs/3").replace("/syncs/lab", "/syncs/none");
        for path in [format!("{path}{mark}sync=lab"), of_other, path] {
            // A stream of events has no end, and of runs only programs are told.
            let (status, text) = look(&api, &limited, &path).await;
            assert!(!text.contains(OTHER), "{path} {status}: {text}");
            told += usize::from(status.is_success());
            would += usize::from(look(&api, &whole, &path).await.1.contains(OTHER));
        }
    }
    // There is something to be told, and something that is not told.
    assert!(told > 30 && would > 20, "{told} {would}");
}

#[tokio::test]
async fn a_token_for_one_sync_decides_about_its_findings_and_records() {
    let api = two().await;
    let limited = api.token("some", Role::Approver, Some(&["lab"]), None).await;
    let found = api.shelf.history.findings(&FindingFilter::default(), None, 9).await.unwrap().items;
    let finding = |sync: &str| found.iter().find(|found| found.sync == sync).unwrap().id;
    let ask = async |method, path: &str, body| api.with_token(&limited, method, path, body).await;
    let reason = json!({"reason": "is known"});
    for path in [format!("findings/{}", finding(OTHER)), "findings/99".to_owned(), "findings/x".to_owned()] {
        for (method, path) in [(Method::GET, path.clone()), (Method::POST, format!("{path}/acknowledge"))] {
            assert_eq!(ask(method, &path, reason.clone()).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    let own = format!("findings/{}", finding("lab"));
    assert_eq!(ask(Method::GET, &own, Value::Null).await.value()["sync"], "lab");
    let known = ask(Method::POST, &format!("{own}/acknowledge"), reason).await;
    assert_eq!(known.status, StatusCode::OK, "{}", known.text);

    let wish = |sync: &str| json!({"sync": sync, "model": "site", "key": ["a"], "verdict": "keep", "reason": "moves"});
    assert_eq!(ask(Method::POST, "quarantine", wish(OTHER)).await.status, StatusCode::FORBIDDEN);
    // Allowed, and not absent.
    assert_eq!(ask(Method::POST, "quarantine", wish("lab")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.shelf.history.quarantine(&QuarantineFilter::default(), None, 9).await.unwrap().items, []);

    // The same on pages, which show no other sync in the form that comes back.
    let post = async |path: &str, form: &str| {
        let request = Request::builder().method(Method::POST).uri(path).header(header::HOST, "localhost:8080");
        let request = request
            .header("sec-fetch-site", "same-origin")
            .header(header::AUTHORIZATION, format!("Bearer {limited}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = api.router.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
        let status = answer.status();
        (status, String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().into()).unwrap())
    };
    let record = "model=site&key=%5B%22a%22%5D&verdict=keep";
    for (path, form, status) in [
        (format!("/{own}/acknowledge"), "reason=is+known".to_owned(), StatusCode::SEE_OTHER),
        (format!("/findings/{}/acknowledge", finding(OTHER)), "reason=is+known".to_owned(), StatusCode::FORBIDDEN),
        (format!("/{own}/acknowledge"), "back=sync%3Dlab".to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
        // It comes back on the page of the finding, whatever list leads there.
        (format!("/{own}/acknowledge"), String::new(), StatusCode::UNPROCESSABLE_ENTITY),
        (
            "/syncs/lab/ignores".to_owned(),
            format!("{record}&finding={}", finding(OTHER)).replace("&verdict=keep", ""),
            StatusCode::NOT_FOUND,
        ),
        (
            "/quarantine/decide".to_owned(),
            format!("{record}&sync=lab&back=sync%3Dlab"),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/quarantine/decide".to_owned(), format!("{record}&sync={OTHER}&reason=x"), StatusCode::FORBIDDEN),
        ("/quarantine/decide".to_owned(), format!("{record}&sync=lab"), StatusCode::FORBIDDEN),
    ] {
        let (answered, text) = post(&path, &form).await;
        assert_eq!(answered, status, "{path} {form}: {text}");
        assert!(!text.contains(&format!("/syncs/{OTHER}")), "{path} {form}: {text}");
    }
    assert_eq!(api.run(RunId::new(1)).await.sync, "lab");
}
