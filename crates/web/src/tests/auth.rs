//! Who asks, what that one may do, and what is noted of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, Method, Request, StatusCode, header};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use syncline_core::history::{Actor, AuditFilter, How, NewAccount, NewToken, Role, Secret};

use super::{Answer, Api, request};
use crate::auth::password::{Password, Passwords};
use crate::auth::{AuthSettings, Authentication};

const PASSWORD: &str = "correct horse battery";

fn on() -> AuthSettings {
    AuthSettings { authentication: Authentication::On, ..AuthSettings::default() }
}

pub(super) fn root() -> Actor {
    Actor { who: "root".to_owned(), how: How::Cli, address: None, request_id: None }
}

/// A browser, with what it keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct Browser {
    pub(super) cookie: Option<String>,
    csrf: Option<String>,
}

impl Api {
    /// With authentication, the sync `lab`, and an account for each role that is called like it.
    pub(super) async fn asking() -> Self {
        Self::asking_with(on()).await
    }

    async fn asking_with(settings: AuthSettings) -> Self {
        let api = Self::with(settings).await;
        let hash = Passwords::default().hash(&Password::new(PASSWORD)).await.unwrap();
        for role in Role::ALL {
            let new = NewAccount { name: role.as_str().parse().unwrap(), role, password: Some(hash.clone()) };
            api.shelf.history.create_account(&new, &root()).await.unwrap();
        }
        for lab in ["lab", "other"] {
            let settings = json!({"sites": ["a"], "target": lab, "auto_merge": false});
            api.shelf.history.create_sync(lab, &settings).await.unwrap();
        }
        api
    }

    pub(super) async fn token(
        &self,
        name: &str,
        role: Role,
        syncs: Option<&[&str]>,
        lasts: Option<TimeDelta>,
    ) -> String {
        let secret = Secret::random("syn_").unwrap();
        let new = NewToken {
            name: name.parse().unwrap(),
            role,
            syncs: syncs.map(|syncs| syncs.iter().map(|sync| (*sync).to_owned()).collect::<BTreeSet<_>>()),
            expires: lasts.map(|lasts| Utc::now() + lasts),
        };
        self.shelf.history.create_token(&new, &secret, &root()).await.unwrap();
        secret.expose().to_owned()
    }

    /// What a program with a token is answered.
    pub(super) async fn with_token(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let request = request(method, path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn log_in(&self, name: &str, password: &str) -> Answer {
        self.post("login", json!({"name": name, "password": password})).await
    }

    pub(super) async fn browser(&self, name: &str) -> Browser {
        let answer = self.log_in(name, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let csrf = answer.value()["csrf"].as_str().unwrap().to_owned();
        Browser { cookie: Some(cookie(&answer)), csrf: Some(csrf) }
    }

    /// What a browser is answered.
    pub(super) async fn from(&self, browser: &Browser, method: Method, path: &str, body: Value) -> Answer {
        let mut request = request(method, path).header(header::CONTENT_TYPE, "application/json");
        if let Some(cookie) = &browser.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(csrf) = &browser.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// What was done, newest first.
    async fn done(&self, number: u64) -> Vec<String> {
        let rows = self.shelf.history.audit_log(&AuditFilter::default(), None, number).await.unwrap().items;
        let told = rows.into_iter().map(|row| {
            let (object, detail) = (row.object.unwrap_or_default(), row.detail.unwrap_or_default());
            format!("{} ({}) {} {object} {detail}", row.who, row.how.as_str(), row.action).trim().to_owned()
        });
        told.collect()
    }
}

/// The cookie that an answer sets, as the browser sends it.
fn cookie(answer: &Answer) -> String {
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

fn kind(answer: &Answer) -> String {
    let kind = answer.value()["type"].as_str().unwrap().to_owned();
    kind.strip_prefix("urn:syncline:problem:").unwrap().to_owned()
}

#[tokio::test]
async fn nobody_is_let_in_who_is_not_known() {
    let api = Api::asking().await;
    for (method, path) in [
        (Method::GET, "syncs"),
        (Method::GET, "runs"),
        (Method::POST, "syncs/lab/runs"),
        (Method::DELETE, "syncs/lab"),
        (Method::GET, "accounts"),
        (Method::GET, "audit"),
        (Method::GET, "me"),
        (Method::GET, "nowhere"),
    ] {
        let answer = api.json(method.clone(), path, json!({})).await;
        assert_eq!((answer.status, kind(&answer).as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"), "{path}");
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    assert_eq!(api.shelf.history.syncs().await.unwrap().len(), 2);
    // What another site's page sends is refused before it is asked who sends it.
    let foreign = request(Method::POST, "login")
        .header(header::CONTENT_TYPE, "application/json")
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(json!({"name": "admin", "password": PASSWORD}).to_string()));
    assert_eq!(api.send(foreign.unwrap()).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_authentication_everybody_is_api() {
    let api = Api::with_lab(true).await;
    let me = api.get("me").await.value();
    assert_eq!(me, json!({"name": "api", "role": "admin", "how": "local", "syncs": null, "csrf": null}));
    let refused = api.log_in("admin", PASSWORD).await;
    assert_eq!((refused.status, kind(&refused).as_str()), (StatusCode::CONFLICT, "conflict"));
    api.trigger("lab", json!({})).await;
    assert_eq!(api.done(2).await, ["api (local) run.trigger lab run 1", "api (local) sync.create lab"]);
}

#[tokio::test]
async fn somebody_logs_in_and_out() {
    let api = Api::asking().await;
    let answer = api.log_in("Operator", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    let (pair, flags) = set.split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Path=/");
    let secret = pair.strip_prefix("syncline=").unwrap();
    assert_eq!((secret.len(), answer.value()["name"].as_str()), (64, Some("operator")));
    assert!(!answer.text.contains(secret));

    let browser = Browser { cookie: Some(pair.to_owned()), csrf: answer.value()["csrf"].as_str().map(str::to_owned) };
    let me = api.from(&browser, Method::GET, "me", json!({})).await.value();
    assert_eq!(
        (&me["role"], &me["how"], &me["csrf"]),
        (&json!("operator"), &json!("session"), &answer.value()["csrf"])
    );
    let asked = api.from(&browser, Method::POST, "syncs/lab/runs", json!({})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let run = api.from(&browser, Method::GET, "runs/1", json!({})).await.value();
    assert_eq!(run["triggered_by"], "operator");

    let out = api.from(&browser, Method::POST, "logout", json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(api.from(&browser, Method::GET, "me", json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        api.done(3).await,
        ["operator (session) logout", "operator (session) run.trigger lab run 1", "operator (session) login"]
    );
}

#[tokio::test]
async fn a_new_login_ends_the_session_before() {
    let api = Api::asking().await;
    let before = api.browser("viewer").await;
    let login = request(Method::POST, "login")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, before.cookie.clone().unwrap())
        .body(Body::from(json!({"name": "operator", "password": PASSWORD}).to_string()));
    let answer = api.send(login.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(cookie(&answer), before.cookie.clone().unwrap());
    assert_eq!(api.from(&before, Method::GET, "me", json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_login_that_fails_says_no_more_than_that() {
    let api = Api::asking().await;
    api.shelf.history.set_account_disabled(&"viewer".parse().unwrap(), true, &root()).await.unwrap();
    let mut texts = BTreeSet::new();
    for (name, password) in [
        ("operator", "not the password"),
        ("operator", ""),
        ("nobody", PASSWORD),
        ("hunter2 typed in the wrong place", PASSWORD),
        ("viewer", PASSWORD),
    ] {
        let answer = api.log_in(name, password).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
        texts.insert(answer.text);
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(
        api.done(5).await,
        [
            "viewer (session) login.failed  the account is disabled",
            "unknown (session) login.failed  there is no such account",
            "unknown (session) login.failed  there is no such account",
            "operator (session) login.failed  not the password",
            "operator (session) login.failed  not the password",
        ]
    );
    // A number is no password, and is not repeated.
    let number = api.post("login", json!({"name": "operator", "password": 12_345_678})).await;
    assert_eq!(
        (number.status, number.detail().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "`password`: expects a text")
    );
}

#[tokio::test]
async fn tries_run_out() {
    let api = Api::asking_with(AuthSettings { proxies: vec!["127.0.0.1".parse().unwrap()], ..on() }).await;
    let from = async |peer: &str, forwarded: &str, password: &str| {
        let mut request = request(Method::POST, "login")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", forwarded)
            .header("x-request-id", "CHG0042")
            .body(Body::from(json!({"name": "operator", "password": password}).to_string()))
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        api.send(request).await
    };
    // Whoever is no proxy of ours says in vain who it asks for.
    for number in 0..10 {
        let answer = from("192.0.2.1:4711", &format!("198.51.100.{number}"), "wrong").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = from("192.0.2.1:4712", "198.51.100.99", PASSWORD).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-many"));
    let wait: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=15).contains(&wait), "{wait}");
    // Behind a proxy each address counts for itself, and what it wrote last is what counts.
    assert_eq!(from("127.0.0.1:4711", "198.51.100.1, 192.0.2.1", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(from("127.0.0.1:4711", "192.0.2.1, 198.51.100.1", PASSWORD).await.status, StatusCode::OK);
    let rows = api.shelf.history.audit_log(&AuditFilter::default(), None, 2).await.unwrap().items;
    let addresses: Vec<_> = rows.iter().map(|row| row.address.as_deref().unwrap()).collect();
    assert_eq!(addresses, ["198.51.100.1", "192.0.2.1"]);
    assert_eq!(rows[0].request_id.as_deref(), Some("CHG0042"));
}

#[tokio::test]
async fn a_session_changes_nothing_without_its_csrf_secret() {
    let api = Api::asking().await;
    let (browser, other) = (api.browser("admin").await, api.browser("admin").await);
    for csrf in [None, Some(String::new()), other.csrf, browser.cookie.clone()] {
        let browser = Browser { csrf, ..browser.clone() };
        for (method, path) in
            [(Method::POST, "syncs/lab/runs"), (Method::DELETE, "syncs/lab"), (Method::POST, "logout")]
        {
            let answer = api.from(&browser, method, path, json!({})).await;
            assert_eq!((answer.status, kind(&answer).as_str()), (StatusCode::FORBIDDEN, "csrf"), "{path}");
        }
        assert_eq!(api.from(&browser, Method::GET, "syncs", json!({})).await.status, StatusCode::OK);
    }
    assert_eq!(api.shelf.history.syncs().await.unwrap().len(), 2);
    assert_eq!(api.from(&browser, Method::DELETE, "syncs/lab", json!({})).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_role_allows_what_those_before_it_allow() {
    let api = Api::asking().await;
    let may = [
        ("viewer", Method::GET, "runs", true),
        ("viewer", Method::POST, "syncs/lab/runs", false),
        ("operator", Method::POST, "syncs/lab/runs", true),
        ("operator", Method::POST, "runs/1/approve", false),
        ("operator", Method::POST, "syncs/lab/pause", true),
        ("approver", Method::POST, "runs/1/cancel", true),
        ("approver", Method::DELETE, "syncs/other", false),
        ("approver", Method::GET, "accounts", false),
        ("approver", Method::GET, "audit", false),
        ("approver", Method::POST, "tokens", false),
        ("admin", Method::GET, "audit", true),
        ("admin", Method::DELETE, "syncs/other", true),
    ];
    let mut browsers = std::collections::BTreeMap::new();
    for role in Role::ALL {
        browsers.insert(role.as_str(), api.browser(role.as_str()).await);
    }
    for (name, method, path, is_allowed) in may {
        let browser = &browsers[name];
        let answer = api.from(browser, method.clone(), path, json!({})).await;
        assert_eq!(answer.status.is_success(), is_allowed, "{name} {method} {path}: {}", answer.text);
        if !is_allowed {
            assert_eq!((answer.status, kind(&answer).as_str()), (StatusCode::FORBIDDEN, "forbidden"));
        }
        if path == "runs/1/approve" {
            assert!(
                answer.detail().contains("`approver`") && answer.detail().contains("`operator`"),
                "{}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn a_role_that_was_taken_is_gone_at_once() {
    let api = Api::asking().await;
    let (admin, operator) = (api.browser("admin").await, api.browser("operator").await);
    assert_eq!(api.from(&operator, Method::POST, "syncs/lab/pause", json!({})).await.status, StatusCode::OK);
    let changed = api.from(&admin, Method::PUT, "accounts/operator/role", json!({"role": "viewer"})).await;
    assert_eq!((changed.status, &changed.value()["role"]), (StatusCode::OK, &json!("viewer")));
    let refused = api.from(&operator, Method::POST, "syncs/lab/unpause", json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let disabled = api.from(&admin, Method::POST, "accounts/operator/disable", json!({})).await;
    assert_eq!(disabled.value()["disabled"], true);
    assert_eq!(api.from(&operator, Method::GET, "me", json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn people_change_their_own_password() {
    let api = Api::asking().await;
    let token = api.token("viewer", Role::Admin, None, None).await;
    let (viewer, elsewhere) = (api.browser("viewer").await, api.browser("viewer").await);
    let wish = |current: &str, password: &str| json!({"current": current, "password": password});
    let path = "me/password";
    let wrong = api.from(&viewer, Method::PUT, path, wish("not the password", "another password")).await;
    assert_eq!(
        (wrong.status, wrong.detail().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "`current`: is not the password")
    );
    let short = api.from(&viewer, Method::PUT, path, wish(PASSWORD, "short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refused = api.with_token(&token, Method::PUT, path, wish(PASSWORD, "another password")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let changed = api.from(&viewer, Method::PUT, path, wish(PASSWORD, "another password")).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.text);
    for browser in [&viewer, &elsewhere] {
        assert_eq!(api.from(browser, Method::GET, "me", json!({})).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(api.log_in("viewer", "another password").await.status, StatusCode::OK);
    assert_eq!(
        api.done(3).await[1..],
        [
            "viewer (session) account.password viewer".to_owned(),
            "viewer (session) login.failed  not the current password".to_owned()
        ]
    );
}

#[tokio::test]
async fn a_token_asks_without_a_session() {
    let api = Api::asking().await;
    let token = api.token("ci", Role::Operator, None, Some(TimeDelta::days(1))).await;
    let asked = api.with_token(&token, Method::POST, "syncs/lab/runs", json!({})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    assert_eq!(api.run(syncline_core::history::RunId::new(1)).await.triggered_by, "token:ci");
    assert_eq!(api.done(1).await, ["token:ci (token) run.trigger lab run 1"]);
    let refused = api.with_token(&token, Method::POST, "runs/1/approve", json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let expired = api.token("old", Role::Admin, None, Some(TimeDelta::seconds(-1))).await;
    let revoked = api.token("gone", Role::Admin, None, None).await;
    api.shelf.history.revoke_token(&"gone".parse().unwrap(), &root()).await.unwrap();
    let mut told = Vec::new();
    let last = if token.ends_with('0') { '1' } else { '0' };
    let almost = format!("{}{last}", &token[..token.len() - 1]);
    for bad in [&expired, &revoked, "syn_", "something", &almost, &format!("{token} ")] {
        let answer = api.with_token(bad, Method::GET, "me", json!({})).await;
        if answer.status == StatusCode::OK {
            assert_eq!(bad.trim(), token);
            continue;
        }
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
        assert!(!answer.text.contains(&token[10..]));
        told.push(answer.detail());
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    the token has expired: an admin makes another one
    the token was revoked: an admin makes another one
    there is no such token
    `Authorization` brings no token: write `Bearer`, a space, and the token, which begins with `syn_`
    there is no such token
    ");
    // A good session does not make up for a bad token.
    let browser = api.browser("admin").await;
    let both = request(Method::GET, "me")
        .header(header::COOKIE, browser.cookie.unwrap())
        .header(header::AUTHORIZATION, format!("Bearer {revoked}"));
    assert_eq!(api.send(both.body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
    // Nor is another scheme a token.
    let basic = request(Method::GET, "me").header(header::AUTHORIZATION, format!("Basic {token}"));
    assert_eq!(api.send(basic.body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_for_some_syncs_touches_no_other() {
    let api = Api::asking().await;
    let (all, lab) =
        (api.token("all", Role::Admin, None, None).await, api.token("lab", Role::Admin, Some(&["lab"]), None).await);
    for sync in ["lab", "other"] {
        let asked = api.with_token(&all, Method::POST, &format!("syncs/{sync}/runs"), json!({})).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    }
    for path in ["syncs/lab", "runs/1", "runs/1/log", "runs?sync=lab", "me"] {
        assert_eq!(api.with_token(&lab, Method::GET, path, json!({})).await.status, StatusCode::OK, "{path}");
    }
    for path in [
        "syncs/other",
        "runs/2",
        "runs/2/changes",
        "runs/99",
        "runs/x",
        "runs",
        "runs?sync=other",
        "runs?sync=lab&sync=other",
        "syncs",
        "queue",
        "accounts",
        "tokens",
        "audit",
        "syncs/%6Cab",
    ] {
        let answer = api.with_token(&lab, Method::GET, path, json!({})).await;
        assert_eq!((answer.status, kind(&answer).as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{path}");
    }
    for (method, path) in [
        (Method::POST, "syncs/other/runs"),
        (Method::POST, "runs/2/cancel"),
        (Method::DELETE, "syncs/other"),
        (Method::POST, "syncs"),
        (Method::POST, "tokens"),
        (Method::POST, "accounts"),
    ] {
        let answer = api.with_token(&lab, method, path, json!({})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let answer = api.with_token(&lab, Method::GET, "syncs/other", json!({})).await;
    assert_eq!(answer.detail(), "`token:lab` may touch `lab` only, not `other`");
    let cancelled = api.with_token(&lab, Method::POST, "runs/1/cancel", json!({})).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.text);
}

#[tokio::test]
async fn admins_make_accounts_and_tokens() {
    let api = Api::asking().await;
    let admin = api.browser("admin").await;
    let made = api
        .from(&admin, Method::POST, "accounts", json!({"name": "kim", "role": "viewer", "password": "a good password"}))
        .await;
    assert_eq!((made.status, &made.value()["has_password"]), (StatusCode::CREATED, &json!(true)));
    assert!(!made.text.contains("argon2"));
    let mut said = Vec::new();
    for (path, body) in [
        ("accounts", json!({"name": "KIM", "role": "viewer"})),
        ("accounts", json!({"name": "l e e", "role": "viewer"})),
        ("accounts", json!({"name": "lee", "role": "root"})),
        ("accounts", json!({"name": "lee", "role": "viewer", "password": "short"})),
        ("tokens", json!({"name": "ci", "role": "operator", "syncs": []})),
        ("tokens", json!({"name": "ci", "role": "operator", "syncs": ["lab", "nowhere"]})),
        ("tokens", json!({"name": "ci", "role": "operator", "expires": "2026-01-01T00:00:00Z"})),
        ("accounts/nobody/disable", json!({})),
        ("accounts/admin/disable", json!({})),
    ] {
        let answer = api.from(&admin, Method::POST, path, body).await;
        said.push(format!("{} {}", answer.status.as_u16(), answer.detail()));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    409 there is an account `KIM` already: give another name, or change that one with `syncline account role` or `syncline account password`
    422 `name`: a name has 1 to 64 letters, digits, `.`, `_`, `-`, `+` and `@`, and begins with a letter or a digit
    422 `role`: unknown variant `root`, expected one of `viewer`, `operator`, `approver`, `admin`
    422 `password`: a password has 12 to 1024 letters; what makes it good is its length, a few words do
    422 `syncs`: names no sync: leave it out for all
    422 `syncs`: there is no sync `nowhere`: `GET syncs` lists them
    422 `expires`: is over: give a time to come
    404 there is no account `nobody`: `syncline account list` lists those that there are
    409 `admin` is the only admin who can log in: make another one first, with `syncline account add NAME --role admin`
    ");

    let wish = json!({"name": "ci", "role": "operator", "syncs": ["lab"], "expires": "2999-01-01T00:00:00Z"});
    let made = api.from(&admin, Method::POST, "tokens", wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let secret = made.value()["secret"].as_str().unwrap().to_owned();
    assert_eq!(made.value()["prefix"], secret[..10]);
    let me = api.with_token(&secret, Method::GET, "me", json!({})).await.value();
    assert_eq!(me, json!({"name": "token:ci", "role": "operator", "how": "token", "syncs": ["lab"], "csrf": null}));
    let listed = api.from(&admin, Method::GET, "tokens", json!({})).await;
    assert!(!listed.text.contains(&secret));
    let revoked = api.from(&admin, Method::DELETE, "tokens/ci", json!({})).await;
    assert!(revoked.value()["revoked"].is_string(), "{}", revoked.text);
    assert_eq!(api.with_token(&secret, Method::GET, "me", json!({})).await.status, StatusCode::UNAUTHORIZED);

    let changed = api.from(&admin, Method::PUT, "accounts/kim/password", json!({"password": "another password"})).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(api.log_in("kim", "a good password").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.log_in("kim", "another password").await.status, StatusCode::OK);
    let names: Vec<_> = api
        .from(&admin, Method::GET, "accounts", json!({}))
        .await
        .items()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["admin", "approver", "kim", "operator", "viewer"]);

    let log =
        api.from(&admin, Method::GET, "audit?who=admin&action=token.create,token.revoke&limit=1", json!({})).await;
    assert_eq!((&log.items()[0]["action"], &log.items()[0]["object"]), (&json!("token.revoke"), &json!("ci")));
    let before = log.value()["next"].as_i64().unwrap();
    let path = format!("audit?who=admin&action=token.create,token.revoke&limit=1&before={before}");
    let log = api.from(&admin, Method::GET, &path, json!({})).await;
    assert_eq!(
        (&log.items()[0]["detail"], &log.value()["next"]),
        (&json!("role operator, the syncs lab, until 2999-01-01 00:00 UTC"), &json!(null))
    );
    let wrong = api.from(&admin, Method::GET, "audit?action=dance", json!({})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// What a page's form sends, to the root of the server.
async fn form(api: &Api, path: &str, headers: &[(HeaderName, &str)], body: &str) -> Answer {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, "localhost:8080")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    api.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// An error that a person gets is a page, not a document for programs.
fn is_page(answer: &Answer, says: &str) {
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{}", answer.text);
    let text = answer.text.replace("<code>", "`").replace("</code>", "`");
    assert!(text.contains(says), "{}", answer.text);
}

#[tokio::test]
async fn people_log_in_on_a_page() {
    let api = Api::asking().await;
    let page = |path: &str| {
        Request::builder().uri(path.to_owned()).header(header::HOST, "localhost:8080").body(Body::empty()).unwrap()
    };
    let shown = api.send(page("/login?next=%2Fruns%2F17%3Fa%3D%22b")).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains(r#"name="next" value="/runs/17?a=&#34;b""#), "{}", shown.text);
    assert!(shown.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("form-action 'self'"));
    let shown = api.send(page("/login?next=//evil.example")).await;
    assert!(!shown.text.contains("evil"), "{}", shown.text);

    let wrong = form(&api, "/login", &[], "name=viewer&password=wrong&next=%2Fruns").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("the name or the password is wrong") && wrong.text.contains(r#"value="/runs""#));
    assert!(!wrong.text.contains(r#"value="viewer""#));
    let password = PASSWORD.replace(' ', "+");
    let good = format!("name=viewer&password={password}&next=%2Fruns");
    let entered = form(&api, "/login", &[], &good).await;
    assert_eq!(
        (entered.status, &entered.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/runs".parse().unwrap())
    );
    let cookie = cookie(&entered);
    let elsewhere = form(&api, "/login", &[], &good.replace("%2Fruns", "https%3A%2F%2Fevil.example")).await;
    assert_eq!(elsewhere.headers[header::LOCATION], "/");
    // Nobody is logged in by another site's page.
    let foreign = form(&api, "/login", &[(HeaderName::from_static("sec-fetch-site"), "cross-site")], &good).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);

    // The secret in the form ends the session, and nothing else does.
    let browser = Browser { cookie: Some(cookie.clone()), csrf: None };
    let csrf = api.from(&browser, Method::GET, "me", json!({})).await.value()["csrf"].as_str().unwrap().to_owned();
    let refused = form(&api, "/logout", &[(header::COOKIE, &cookie)], "csrf=").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    is_page(&refused, "a session changes something only with its CSRF secret");
    // So is what a role may not see.
    let accounts = Request::builder().uri("/settings/accounts").header(header::HOST, "localhost:8080");
    let refused = api.send(accounts.header(header::COOKIE, &cookie).body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    is_page(&refused, "this needs the role `admin`, and `viewer` has the role `viewer`");
    let out = form(&api, "/logout", &[(header::COOKIE, &cookie)], &format!("a=1&csrf={csrf}")).await;
    assert_eq!((out.status, &out.headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/login".parse().unwrap()));
    assert_eq!(api.from(&browser, Method::GET, "me", json!({})).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn cookies_of_a_server_with_tls_are_sent_by_tls_only() {
    let settings = AuthSettings { secure: true, hosts: vec!["syncline.example".to_owned()], ..on() };
    let api = Api::asking_with(settings).await;
    let answer = api.log_in("viewer", PASSWORD).await;
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-syncline=") && set.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{set}");
    assert_eq!(answer.headers[header::STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    let known = Browser { cookie: Some(cookie(&answer)), csrf: None };
    let document = api.from(&known, Method::GET, "openapi.json", json!({})).await.value();
    assert_eq!(document["components"]["securitySchemes"]["session"]["name"], "__Host-syncline");
    // Without the prefix it may have been set by anybody.
    let plain = cookie(&answer).replace("__Host-", "");
    let browser = Browser { cookie: Some(plain), csrf: None };
    assert_eq!(api.from(&browser, Method::GET, "me", json!({})).await.status, StatusCode::UNAUTHORIZED);

    let named = |host: &str| {
        let request = Request::builder().uri("/api/v1/me").header(header::HOST, host);
        request.header(header::COOKIE, cookie(&answer)).body(Body::empty()).unwrap()
    };
    for host in ["syncline.example", "Syncline.Example:443", "localhost"] {
        assert_eq!(api.send(named(host)).await.status, StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "a.syncline.example", "syncline.example.evil.example"] {
        assert_eq!(api.send(named(host)).await.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
}

#[tokio::test]
async fn pages_of_accounts_are_for_admins_and_ones_own_password_for_everybody() {
    let api = Api::asking().await;
    let page = async |browser: &Browser, path: &str| {
        let request = Request::builder().uri(path.to_owned()).header(header::HOST, "localhost:8080");
        let request = request.header(header::COOKIE, browser.cookie.as_deref().unwrap());
        api.send(request.body(Body::empty()).unwrap()).await
    };
    let (approver, admin) = (api.browser("approver").await, api.browser("admin").await);
    let shown = page(&approver, "/settings").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains("/settings/password") && !shown.text.contains("/settings/accounts"), "{}", shown.text);
    for path in ["/settings/accounts", "/settings/tokens", "/settings/audit"] {
        assert_eq!(page(&approver, path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(page(&admin, path).await.status, StatusCode::OK, "{path}");
    }
    let cookie = [(header::COOKIE, approver.cookie.as_deref().unwrap())];
    let csrf = approver.csrf.as_deref().unwrap();
    for path in ["/settings/accounts", "/settings/accounts/viewer/role", "/settings/tokens"] {
        let refused = form(&api, path, &cookie, &format!("csrf={csrf}&name=mine&role=admin")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }

    let current = PASSWORD.replace(' ', "+");
    let wishes = [
        (format!("current={current}&password=another+few+words"), StatusCode::FORBIDDEN),
        (format!("csrf={csrf}&current=wrong&password=another+few+words"), StatusCode::UNPROCESSABLE_ENTITY),
        (format!("csrf={csrf}&current={current}&password=short"), StatusCode::UNPROCESSABLE_ENTITY),
        (format!("csrf={csrf}&current={current}&password=another+few+words"), StatusCode::SEE_OTHER),
    ];
    for (wish, status) in wishes {
        assert_eq!(form(&api, "/settings/password", &cookie, &wish).await.status, status, "{wish}");
    }
    assert_eq!(page(&approver, "/settings").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.log_in("approver", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.log_in("approver", "another few words").await.status, StatusCode::OK);
}
