//! Settings, accounts, tokens and the audit log.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use syncline_core::history::{AuditFilter, Role, Secret};

use super::markup::{ensure_harmless, ensure_well_formed};
use super::{Pages, filled, words};
use crate::auth::password::{Password, Passwords};
use crate::tests::Api;

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn settings_tell_what_this_program_is() {
    let (pages, _) = filled().await;
    let text = words(&pages.page("/settings").await);
    for part in [env!("CARGO_PKG_VERSION"), "iB", "by table", "Connectors", "lab", "asked", "the history", "can run"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for connector in pages.api.runner.registry().iter() {
        for part in [connector.label, connector.version, connector.package] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert!(!text.contains("run_log"), "{text}");
    // Where it takes longer than a page waits, one looks again.
    loop {
        let text = words(&pages.page("/settings?tables=on").await);
        if text.contains("run_log") {
            break;
        }
        assert!(text.contains("look again"), "{text}");
    }
    assert!(words(&pages.page("/settings/password").await).contains("Nobody is logged in here"));
}

/// Whether a secret is there is for those to know who can do something about it; what it is, is nobody's.
#[tokio::test]
async fn secrets_are_found_or_missing_and_never_told() {
    const HELD: &str = "a rather long secret of a webhook";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hook");
    std::fs::write(&file, HELD).unwrap();
    let api = Api::asking().await;
    let place = format!("file:{}", file.display());
    let mut tokens = Vec::new();
    for role in [Role::Viewer, Role::Approver, Role::Admin] {
        tokens.push((role, api.token(&format!("a-{role}"), role, None, None).await));
    }
    for (name, secret) in [("there", place.as_str()), ("gone", "env:SYNCLINE_TEST_NO_SUCH_VARIABLE")] {
        let settings = json!({"sites": ["a"], "target": name, "webhook": {"secret": secret}});
        api.shelf.history.create_sync(name, &settings).await.unwrap();
    }
    let pages = Pages { router: api.router.clone(), api };
    for (role, token) in tokens {
        let request = Request::builder().uri("/settings").header(header::HOST, "localhost:8080");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let answer = pages.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        ensure_well_formed(&answer.text);
        ensure_harmless(&answer.text);
        let text = words(&answer.text);
        assert!(!text.contains(HELD), "{text}");
        let found = text.contains(&format!("syncs.there.webhook.secret {place} found"));
        let missing = text.contains("syncs.gone.webhook.secret env:SYNCLINE_TEST_NO_SUCH_VARIABLE missing here");
        assert_eq!((found, missing), (role == Role::Admin, role == Role::Admin), "{role}: {text}");
        assert_eq!(text.contains("syncline config check"), role == Role::Admin, "{role}: {text}");
    }
}

#[tokio::test]
async fn settings_tell_what_each_system_can() {
    let (pages, _) = filled().await;
    let page = pages.page("/settings").await;
    let text = words(&page);
    for part in ["truth Sites 1 source reads asked", "copy Sites 1 target reads, creates, updates, deletes lab"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(page.contains("<svg class=\"icon system\""), "{page}");
}

#[tokio::test]
async fn accounts_are_made_and_changed() {
    let pages = Pages::of(Api::with_lab(true).await);
    let history = pages.api.runner.history();
    let path = "/settings/accounts";
    assert!(words(&pages.page(path).await).contains("There is no account yet"));
    let new = [("csrf", ""), ("name", "kim"), ("role", "admin"), ("password", PASSWORD)];
    assert_eq!(pages.led(path, &new).await, path);
    assert_eq!(pages.led(path, &[("name", "lou"), ("role", "viewer"), ("password", "")]).await, path);
    let text = words(&pages.page(path).await);
    for part in ["kim", "lou", "may log in", "has no password yet", "Nobody has to log in here"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    assert_eq!(pages.led(&format!("{path}/lou/role"), &[("role", "approver")]).await, path);
    // The blanks around a password are letters of it.
    assert_eq!(pages.led(&format!("{path}/lou/password"), &[("password", " a few words do ")]).await, path);
    let lou = history.credential(&"lou".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(lou.account.role, Role::Approver);
    assert!(Passwords::default().is(&Password::new(" a few words do "), lou.password).await.unwrap());
    assert_eq!(pages.led(&format!("{path}/lou/disable"), &[]).await, path);
    assert!(words(&pages.page(path).await).contains("disabled"));
    assert_eq!(pages.led(&format!("{path}/lou/enable"), &[]).await, path);
    assert!(!words(&pages.page(path).await).contains("disabled"));

    for (below, form, status, why) in [
        ("", vec![("name", "kim"), ("role", "viewer")], StatusCode::CONFLICT, "kim"),
        ("", vec![("name", ""), ("role", "viewer")], StatusCode::UNPROCESSABLE_ENTITY, "name"),
        ("", vec![("name", "max"), ("role", "root")], StatusCode::UNPROCESSABLE_ENTITY, "is no role"),
        ("/lou/password", vec![("password", "short")], StatusCode::UNPROCESSABLE_ENTITY, "12 to 1024 letters"),
        ("/lou/password", vec![], StatusCode::UNPROCESSABLE_ENTITY, "12 to 1024 letters"),
        ("/kim/disable", vec![], StatusCode::CONFLICT, "admin"),
        ("/nobody/enable", vec![], StatusCode::NOT_FOUND, "nobody"),
    ] {
        let answer = pages.post(&format!("{path}{below}"), &form).await;
        assert_eq!(answer.status, status, "{below}: {}", answer.text);
        ensure_well_formed(&answer.text);
        assert!(answer.text.contains(why), "{why}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_secret_of_a_token_is_shown_once() {
    let (pages, _) = filled().await;
    let path = "/settings/tokens";
    assert!(words(&pages.page(path).await).contains("There is no token yet"));
    let form = [("name", "ci"), ("role", "operator"), ("sync", "lab"), ("sync", "asked"), ("expires", "2999-01-01")];
    let made = pages.post(path, &form).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.headers["cache-control"], "no-store");
    ensure_well_formed(&made.text);
    ensure_harmless(&made.text);
    let secret = made.text.split("<code data-copy>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let token = pages.api.runner.history().token(Secret::from(secret.clone()).hash()).await.unwrap().unwrap();
    assert_eq!((token.name.as_str(), token.role), ("ci", Role::Operator));
    let syncs: Vec<_> = token.syncs.unwrap().into_iter().collect();
    assert_eq!(
        (syncs, token.expires.unwrap().to_rfc3339()),
        (vec!["asked".to_owned(), "lab".to_owned()], "2999-01-01T00:00:00+00:00".to_owned())
    );
    let listed = pages.page(path).await;
    assert!(!listed.contains(&secret));
    assert!(words(&listed).contains("asked, lab good, ends in"), "{}", words(&listed));

    for (form, why) in [
        (vec![("name", "old"), ("role", "viewer"), ("expires", "2001-01-01")], "is over"),
        (vec![("name", "one"), ("role", "viewer"), ("sync", "none")], "there is no sync"),
        (vec![("role", "viewer")], "name"),
    ] {
        let answer = pages.post(path, &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert!(answer.text.contains(why), "{why}: {}", answer.text);
    }
    assert_eq!(pages.post(path, &[("name", "ci"), ("role", "viewer")]).await.status, StatusCode::CONFLICT);
    assert_eq!(pages.led(&format!("{path}/ci/revoke"), &[]).await, path);
    assert!(words(&pages.page(path).await).contains("revoked"));
}

#[tokio::test]
async fn the_audit_log_is_filtered_and_paged() {
    let pages = Pages::of(Api::with_lab(true).await);
    for number in 0..120 {
        let name = format!("t{number}");
        let made = pages.post("/settings/tokens", &[("name", name.as_str()), ("role", "viewer")]).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    pages.led("/settings/accounts", &[("name", "kim"), ("role", "viewer")]).await;
    let rows = |page: &str| page.matches("<th scope=\"row\">").count();
    let page = pages.page("/settings/audit").await;
    assert_eq!(rows(&page), 100);
    let next = page.split("<a href=\"").find(|part| part.contains("rel=\"next\"")).unwrap().split('"').next().unwrap();
    let rest = pages.page(&next.replace("&#38;", "&")).await;
    let all = pages.api.runner.history().audit_log(&AuditFilter::default(), None, 1_000).await.unwrap().items.len();
    assert_eq!(rows(&rest), all - 100);
    assert!(words(&rest).contains("First page"));

    let made = pages.page("/settings/audit?action=account.create&who=&object=kim").await;
    assert_eq!(rows(&made), 1);
    assert!(words(&made).contains("this machine account.create kim"), "{}", words(&made));
    assert!(made.contains("syncline audit --action account.create --object kim"), "{made}");
    assert!(words(&pages.page("/settings/audit?who=nobody").await).contains("Nothing is like that"));
    for wrong in ["?action=nothing", "?since=yesterday", "?before=x"] {
        let answer = pages.fetch(&format!("/settings/audit{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}
