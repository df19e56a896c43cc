//! Forms come back with what was typed, and whatever goes wrong knows who looks.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;
use syncline_core::event::Events;
use syncline_core::run::{RunRequest, SyncBook as _};
use tokio_util::sync::CancellationToken;

use super::edit::tag;
use super::markup::{ensure_harmless, ensure_well_formed};
use super::{Pages, words};
use crate::pages::roles;
use crate::tests::{Answer, Api};

/// What is typed where a password is asked for, and what nobody is to see again.
const PASSWORD: &str = "hunter2 hunt";

/// What the page has where the role is kept.
const APPROVER: &str = "value=\"approver\" selected";

/// A form that is not taken, the field that is wrong, what is wrong with it, and what has to stand there still.
struct Slip {
    to: &'static str,
    sent: Vec<(&'static str, &'static str)>,
    status: StatusCode,
    field: &'static str,
    why: &'static str,
    kept: &'static [&'static str],
}

fn slip(
    to: &'static str,
    sent: &[(&'static str, &'static str)],
    (field, why): (&'static str, &'static str),
    kept: &'static [&'static str],
) -> Slip {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Slip { to, sent: sent.to_vec(), status, field, why, kept }
}

fn slips() -> Vec<Slip> {
    let accounts = "/settings/accounts";
    let tokens = "/settings/tokens";
    let run = "/syncs/lab/run";
    let decide = "/quarantine/decide";
    let record = |reason, verdict| {
        [
            ("back", "sync=lab"),
            ("sync", "lab"),
            ("model", "site"),
            ("key", r#"["b"]"#),
            ("verdict", verdict),
            ("reason", reason),
        ]
    };
    let kim = [("name", "kim"), ("role", "approver"), ("password", PASSWORD)];
    let odd_name = [("name", "a <b>"), ("role", "approver"), ("password", PASSWORD)];
    let short = [("name", "max"), ("role", "approver"), ("password", "hunter2")];
    vec![
        slip(accounts, &odd_name, ("name", "letters, digits"), &["value=\"a &#60;b&#62;\"", APPROVER]),
        slip(accounts, &short, ("password", "12 to 1024 letters"), &["value=\"max\"", APPROVER]),
        Slip { status: StatusCode::CONFLICT, ..slip(accounts, &kim, ("name", "kim"), &["value=\"kim\"", APPROVER]) },
        slip(
            "/settings/accounts/kim/password",
            &[("password", "hunter2")],
            ("password", "12 to 1024 letters"),
            &["<details open>"],
        ),
        slip("/settings/accounts/kim/role", &[("role", "root")], ("role", "is no role"), &[]),
        slip(
            tokens,
            &[("name", ""), ("role", "operator"), ("sync", "lab"), ("expires", "2999-01-01")],
            ("name", "name"),
            &["value=\"operator\" selected", "value=\"lab\" checked", "value=\"2999-01-01\""],
        ),
        slip(
            tokens,
            &[("name", "ci"), ("role", "operator"), ("expires", "2001-01-01")],
            ("expires", "is over"),
            &["value=\"ci\"", "value=\"operator\" selected"],
        ),
        slip(
            tokens,
            &[("name", "ci"), ("role", "viewer"), ("sync", "none")],
            ("syncs", "there is no sync"),
            &["value=\"ci\""],
        ),
        slip(
            run,
            &[("what", "real"), ("minutes", "ages"), ("reason", "it \"is\" time"), ("request_id", "CHG7")],
            ("minutes", "a number is expected"),
            &["value=\"real\" checked", "value=\"ages\"", "value=\"it &#34;is&#34; time\"", "value=\"CHG7\""],
        ),
        slip(
            run,
            &[("what", "drift"), ("minutes", "0")],
            ("minutes", "from 1 to 100000"),
            &["value=\"drift\" checked"],
        ),
        slip(
            decide,
            &record(" ", "keep"),
            ("reason", "wants words"),
            &["name=\"back\" value=\"sync=lab\"", "<details open>"],
        ),
        slip(
            "/findings/1/acknowledge",
            &[("back", "sync=more"), ("reason", "")],
            ("reason", "wants words"),
            &["name=\"back\" value=\"sync=more\""],
        ),
        slip("/syncs/lab/remove", &[("name", "LAB")], ("name", "LAB is not its name; type lab"), &["value=\"LAB\""]),
    ]
}

/// With `lab`, which has an absent record, `more`, which has a finding, and an account.
async fn with_everything() -> Pages {
    let pages = super::quarantine::with_absent(&["b".to_owned()]).await;
    pages.api.make("more", json!({"sites": ["a"], "target": "other"})).await;
    let sync = pages.api.shelf.sync("more").await.unwrap().definition;
    pages.api.runner.run(&sync, RunRequest::drift(), &Events::new(), &CancellationToken::new()).await.unwrap();
    pages.led("/settings/accounts", &[("name", "kim"), ("role", "viewer")]).await;
    pages
}

#[tokio::test]
async fn a_form_that_is_not_taken_comes_back() {
    let pages = with_everything().await;
    for Slip { to, sent, status, field, why, kept } in slips() {
        let answer = pages.post(to, &sent).await;
        let page = &answer.text;
        assert_eq!(answer.status, status, "{to} {sent:?}: {page}");
        ensure_well_formed(page);
        ensure_harmless(page);
        let id = format!("f-{field}");
        let control = tag(page, &id);
        assert!(
            control.contains("aria-invalid=\"true\"") && control.contains(&format!("{id}-error")),
            "{to}: {control}"
        );
        let at = page.find(&format!("id=\"{id}-error\"")).unwrap_or_else(|| panic!("{to}: no error at `{field}`"));
        let told = words(&page[page[..at].rfind('<').unwrap()..][..page[at..].find("</p>").unwrap() + 60]);
        let plain = |text: &str| text.replace("&#60;", "<").replace("&#62;", ">").replace(" ;", ";");
        assert!(plain(&told).contains(why), "{to}: `{told}`");
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{to}: the error above leads to `{field}`");
        for part in kept {
            assert!(page.contains(part), "{to} {sent:?}: `{part}` is lost: {page}");
        }
        assert!(!page.contains("hunter2"), "{to}: a password is shown");
        // There may be nothing to look at where it was posted to.
        assert!(!page.contains("Load again"), "{to}");
    }
    let looked = pages.page("/settings/accounts").await;
    assert!(!looked.contains("aria-invalid") && looked.contains("Load again"), "{looked}");
}

/// One's own password is asked for in a session.
#[tokio::test]
async fn the_form_for_ones_own_password_comes_back() {
    let api = Api::asking().await;
    let browser = api.browser("viewer").await;
    let pages = Pages { router: api.router.clone(), api };
    for (sent, field, why) in [
        ("current=hunter2&password=correct+horse+batteries", "current", "is not the password"),
        ("current=correct+horse+battery&password=hunter2", "password", "12 to 1024 letters"),
    ] {
        let answer = pages.posted_by(&browser, "/settings/password", sent).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        ensure_well_formed(&answer.text);
        let control = tag(&answer.text, &format!("f-{field}"));
        assert!(control.contains("aria-invalid=\"true\"") && !control.contains("value="), "{control}");
        assert!(words(&answer.text).contains(why) && !answer.text.contains("hunter2"), "{}", answer.text);
        assert!(words(&answer.text).contains("viewer (viewer) Log out"), "{}", words(&answer.text));
    }
}

#[tokio::test]
async fn every_problem_knows_who_looks() {
    let api = Api::asking().await;
    let browser = api.browser("operator").await;
    let stranger = crate::tests::auth::Browser { csrf: Some("another".to_owned()), ..browser.clone() };
    let pages = Pages { router: api.router.clone(), api };
    let mut answers = vec![
        // Refused for the secret, for the role, and for what is wrong.
        (StatusCode::FORBIDDEN, pages.posted_by(&stranger, "/syncs/lab/run", "").await),
        (StatusCode::FORBIDDEN, pages.posted_by(&browser, "/settings/tokens", "name=x").await),
        (StatusCode::NOT_FOUND, pages.posted_by(&browser, "/runs/77/undo", "").await),
    ];
    for (status, path) in [
        (StatusCode::NOT_FOUND, "/runs/77"),
        (StatusCode::NOT_FOUND, "/nowhere"),
        (StatusCode::FORBIDDEN, "/settings/audit"),
        (StatusCode::UNPROCESSABLE_ENTITY, "/runs?status=odd"),
        (StatusCode::METHOD_NOT_ALLOWED, "/quarantine/decide"),
        (StatusCode::NOT_FOUND, "/objects/site/%FF"),
    ] {
        let request = Request::builder().uri(path).header(header::HOST, "localhost:8080");
        let request = request.header(header::COOKIE, browser.cookie.as_deref().unwrap());
        answers.push((status, pages.send(request.body(Body::empty()).unwrap()).await));
    }
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{}", answer.text);
        ensure_well_formed(&answer.text);
        let text = words(&answer.text);
        assert!(text.contains("operator (operator) Log out") && text.contains("Back to the overview"), "{text}");
        let csrf = browser.csrf.as_deref().unwrap();
        assert!(answer.text.contains(&format!("name=\"csrf\" value=\"{csrf}\"")), "who sees it can log out");
    }
}

/// What was dropped unseen would be taken for done.
#[tokio::test]
async fn no_form_takes_what_it_does_not_have() {
    let pages = with_everything().await;
    let mut asked = 0;
    for pattern in roles().into_iter().map(|(pattern, _)| pattern).collect::<BTreeSet<_>>() {
        let path = super::walk::path(pattern)
            .replace("/sources/lab", "/sources/truth")
            .replace("/targets/lab", "/targets/copy");
        let answer = pages
            .post(&path, &[("csrf", ""), ("source", "truth"), ("target", "copy"), ("odd", "1"), ("s.odd", "1")])
            .await;
        if answer.status == StatusCode::METHOD_NOT_ALLOWED {
            continue;
        }
        asked += 1;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", answer.text);
        ensure_well_formed(&answer.text);
        let text = words(&answer.text).to_lowercase();
        assert!(text.contains("odd") && text.contains("is no field of this form"), "{path}: {text}");
    }
    assert!(asked > 25, "{asked}");
    let odd = [("name", "kim"), ("role", "viewer"), ("current", PASSWORD)];
    let answer = pages.post("/settings/accounts", &odd).await;
    assert!(answer.text.contains("is no field of this form") && !answer.text.contains(PASSWORD), "{}", answer.text);
    let answer = pages
        .post(
            "/syncs/new",
            &[("source", "truth"), ("target", "copy"), ("name", "a"), ("s.sites", "a"), ("s.auto_marge", "off")],
        )
        .await;
    assert!(words(&answer.text).contains("s.auto_marge : is no field"), "{}", words(&answer.text));
    assert_eq!(pages.api.get("syncs").await.items().len(), 2);
    assert_eq!(pages.api.runner.history().tokens().await.unwrap(), []);
}

impl Pages {
    async fn posted_by(&self, browser: &crate::tests::auth::Browser, path: &str, form: &str) -> Answer {
        let request = Request::builder().method(Method::POST).uri(path).header(header::HOST, "localhost:8080");
        let request = request
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, browser.cookie.as_deref().unwrap());
        let csrf = browser.csrf.as_deref().unwrap();
        self.send(request.body(Body::from(format!("csrf={csrf}&{form}"))).unwrap()).await
    }
}
