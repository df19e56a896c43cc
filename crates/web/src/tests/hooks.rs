//! What other systems call.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::request::Builder;
use axum::http::{Method, Request, StatusCode, header};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use syncline_core::history::{AuditAction, AuditEntry, AuditFilter, How, RunId, RunKind, RunStatus};
use tempfile::TempDir;

use super::{Answer, Api, request};
use crate::MOST_BYTES;
use crate::auth::{AuthSettings, Authentication};

const SECRET: &str = "a secret of enough letters";
/// What NetBox tells.
const TOLD: &str = r#"{"event": "updated", "model": "device", "data": {"name": "core-1"}}"#;

/// A server that asks everybody who it is, with the sync `lab`, which has a webhook, and `plain`, which has none.
struct Called {
    api: Api,
    secrets: TempDir,
}

impl Called {
    async fn new() -> Self {
        let settings = AuthSettings { authentication: Authentication::On, ..AuthSettings::default() };
        let called = Self { api: Api::with(settings).await, secrets: tempfile::tempdir().unwrap() };
        let webhook = json!({"secret": called.keep(SECRET)});
        called.make("lab", json!({"sites": ["a"], "target": "copy", "webhook": webhook})).await;
        called.make("plain", json!({"sites": ["a"], "target": "other"})).await;
        called
    }

    /// Keeps a secret in a file. Gives how it is referred to.
    fn keep(&self, secret: &str) -> String {
        let file = self.secrets.path().join(secret.replace(' ', "-"));
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        format!("file:{}", file.display())
    }

    async fn make(&self, name: &str, settings: Value) {
        self.api.shelf.history.create_sync(name, &settings).await.unwrap();
    }

    async fn call(&self, sync: &str, sign: impl FnOnce(Builder) -> Builder, body: &str) -> Answer {
        let request = sign(request(Method::POST, &format!("hooks/{sync}")));
        self.api.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A call of somebody who knows the secret.
    async fn told(&self, sync: &str) -> Answer {
        self.call(sync, |request| request.header(header::AUTHORIZATION, format!("Bearer {SECRET}")), TOLD).await
    }

    async fn noted(&self, action: AuditAction) -> Vec<AuditEntry> {
        let filter = AuditFilter { action: vec![action], ..AuditFilter::default() };
        self.api.shelf.history.audit_log(&filter, None, 100).await.unwrap().items
    }
}

fn of_netbox(request: Builder) -> Builder {
    let mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(TOLD).finalize();
    request
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-hook-signature", hex::encode(mac.into_bytes()))
        .header("x-request-id", "9f1c")
}

fn of_github(request: Builder) -> Builder {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(TOLD).finalize();
    // As it is sent there unless somebody chooses JSON.
    request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("x-hub-signature-256", format!("sha256={}", hex::encode(mac.into_bytes())))
}

#[tokio::test]
async fn many_calls_while_a_run_waits_are_that_run() {
    let called = Called::new().await;
    let first = called.call("lab", of_netbox, TOLD).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    assert_eq!(first.headers[header::LOCATION], "../runs/1");
    let answer = first.value();
    assert_eq!(
        (&answer["run"], &answer["already_running"], &answer["dry_run"]),
        (&json!(1), &json!(false), &json!(false))
    );
    for again in [called.call("lab", of_github, TOLD).await, called.told("lab").await] {
        assert_eq!(
            (&again.value()["run"], &again.value()["already_running"]),
            (&json!(1), &json!(true)),
            "{}",
            again.text
        );
    }
    let run = called.api.run(RunId::new(1)).await;
    assert_eq!((run.kind, run.triggered_by.as_str(), run.dry), (RunKind::Webhook, "webhook", false));
    assert_eq!(run.request_id.map(|id| id.to_string()).as_deref(), Some("9f1c"));

    let noted = called.noted(AuditAction::RunTrigger).await;
    let [row] = &noted[..] else { panic!("{noted:?}") };
    assert_eq!((row.who.as_str(), row.how), ("webhook", How::Webhook));
    assert_eq!((row.object.as_deref(), row.detail.as_deref()), (Some("lab"), Some("run 1")));

    // Once it is over, the next call is about something else.
    assert_eq!(called.api.work(RunId::new(1)).await.status, RunStatus::Completed);
    assert_eq!(called.told("lab").await.value()["run"], 2);
}

#[tokio::test]
async fn who_does_not_know_the_secret_does_not_learn_what_there_is() {
    let called = Called::new().await;
    let bearer = |request: Builder| request.header(header::AUTHORIZATION, "Bearer another secret of enough letters");
    let mut refusals = vec![
        called.call("lab", bearer, TOLD).await,
        called.call("lab", of_netbox, "{}").await,
        called.call("lab", |request| request, TOLD).await,
    ];
    for other in ["plain", "nobody", "no%20name"] {
        refusals.push(called.told(other).await);
    }
    let token = called.api.token("ci", syncline_core::history::Role::Admin, None, None).await;
    let with_token = |request: Builder| request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    refusals.push(called.call("lab", with_token, TOLD).await);
    for refused in &refusals {
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.text);
        assert_eq!(refused.text, refusals[0].text);
    }
    let noted = called.noted(AuditAction::HookRefused).await;
    assert_eq!(noted.len(), refusals.len());
    assert!(noted.iter().all(|row| row.how == How::Webhook));
    assert_eq!(called.api.get("runs").await.status, StatusCode::UNAUTHORIZED);
    assert!(called.api.shelf.history.waiting().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_that_is_missing_or_short_lets_nobody_in() {
    let called = Called::new().await;
    let empty = called.keep(" ");
    let short = called.keep("too short");
    for (name, secret) in [("missing", "file:/nowhere/at/all"), ("empty", &empty), ("short", &short)] {
        called.make(name, json!({"sites": ["a"], "target": name, "webhook": {"secret": secret}})).await;
        let bearer = |request: Builder| request.header(header::AUTHORIZATION, "Bearer too short");
        assert_eq!(called.call(name, bearer, TOLD).await.status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn wrong_secrets_run_out_and_right_ones_do_not() {
    let called = Called::new().await;
    let from = |last: u8| SocketAddr::from(([192, 0, 2, last], 50_000));
    let call = async |address: SocketAddr, secret: &str| {
        let request = request(Method::POST, "hooks/lab").header(header::AUTHORIZATION, format!("Bearer {secret}"));
        let mut request: Request<Body> = request.body(Body::from(TOLD)).unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        called.api.send(request).await
    };
    for _ in 0..10 {
        assert_eq!(call(from(1), "a guess of enough letters").await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = call(from(1), "a guess of enough letters").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers[header::RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(call(from(1), SECRET).await.status, StatusCode::ACCEPTED);
    assert_eq!(call(from(2), "a guess of enough letters").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(called.noted(AuditAction::HookRefused).await.len(), 11);
}

#[tokio::test]
async fn a_body_has_an_end() {
    let called = Called::new().await;
    let long = "x".repeat(MOST_BYTES + 1);
    let bearer = |request: Builder| request.header(header::AUTHORIZATION, format!("Bearer {SECRET}"));
    assert_eq!(called.call("lab", bearer, &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(called.call("lab", bearer, &long[1..]).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_webhook_keeps_to_what_its_sync_says() {
    let called = Called::new().await;
    called.api.shelf.history.pause_sync("lab", true).await.unwrap();
    let paused = called.told("lab").await;
    assert_eq!(paused.status, StatusCode::CONFLICT);
    assert!(paused.detail().contains("sync unpause lab"), "{}", paused.text);

    // Open for a minute of the 29th of February, which is not now.
    let secret = called.keep(SECRET);
    let window = json!({"kind": "allow", "cron": "0 0 29 2 *", "duration": "1m"});
    let windows = json!({"windows": [window], "overrun": true});
    let webhook = json!({"secret": secret, "dry_run": true});
    called.make("later", json!({"sites": ["a"], "target": "copy", "webhook": webhook, "windows": windows})).await;
    let waits = called.told("later").await;
    assert_eq!((waits.status, &waits.value()["dry_run"]), (StatusCode::ACCEPTED, &json!(true)), "{}", waits.text);
    let run = called.api.run(RunId::new(waits.value()["run"].as_i64().unwrap())).await;
    assert!(run.not_before.is_some_and(|time| time > chrono::Utc::now()), "{run:?}");
}
