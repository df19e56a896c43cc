//! Logging in at a provider, which is a small one of real HTTP.

mod idp;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use syncline_core::history::{AuditAction, AuditFilter, NewAccount, Role};

use self::idp::{CLIENT, Idp, Lie, Person, SECRET};
use super::{Answer, Api, request};
use crate::auth::{AuthSettings, Authentication, ProviderSettings};

/// A server whose people log in at a provider.
struct Met {
    idp: Idp,
    api: Api,
}

impl Met {
    async fn new() -> Self {
        Self::with(|settings| settings).await
    }

    async fn with(change: impl FnOnce(ProviderSettings) -> ProviderSettings) -> Self {
        let idp = Idp::start().await;
        let provider = ProviderSettings {
            issuer: idp.issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(SECRET.into()),
            own: "http://localhost:8080".parse().unwrap(),
            label: "the office".to_owned(),
            scopes: vec!["profile".to_owned()],
            name_claim: "name".to_owned(),
            roles_claim: "groups".to_owned(),
            roles: [("netops", Role::Operator), ("leads", Role::Admin)]
                .map(|(group, role)| (group.to_owned(), role))
                .into(),
            only: false,
        };
        let settings = AuthSettings {
            authentication: Authentication::On,
            provider: Some(change(provider)),
            ..AuthSettings::default()
        };
        Self { idp, api: Api::with(settings).await }
    }

    /// A page, as a browser with these cookies fetches it.
    async fn page(&self, path: &str, cookies: &[String]) -> Answer {
        let request =
            Request::builder().uri(path).header(header::HOST, "localhost:8080").header(header::ACCEPT, "text/html");
        self.api.send(request.header(header::COOKIE, cookies.join("; ")).body(Body::empty()).unwrap()).await
    }

    /// Begins a login. Gives what the browser is sent back to, and its cookies.
    async fn begin(&self, next: &str) -> (String, Vec<String>) {
        let sent = self.page(&format!("/login/oidc?next={next}"), &[]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        let to = sent.headers[header::LOCATION].to_str().unwrap();
        (self.idp.consent(to), cookies(&sent))
    }

    /// A whole login of somebody.
    async fn log_in(&self, person: Person) -> Answer {
        self.idp.speaks_of(person);
        let (back, cookies) = self.begin("/runs").await;
        self.page(&back, &cookies).await
    }

    async fn me(&self, entered: &Answer) -> Value {
        let request = request(Method::GET, "me").header(header::COOKIE, cookies(entered).join("; "));
        self.api.send(request.body(Body::empty()).unwrap()).await.value()
    }

    /// Why logins failed, the newest first.
    async fn failed(&self) -> Vec<String> {
        let filter = AuditFilter { action: vec![AuditAction::LoginFailed], ..AuditFilter::default() };
        let rows = self.api.shelf.history.audit_log(&filter, None, 100).await.unwrap().items;
        rows.into_iter().map(|row| format!("{}: {}", row.who, row.detail.unwrap_or_default())).collect()
    }
}

/// The cookies that an answer sets, those left out that it takes back.
fn cookies(answer: &Answer) -> Vec<String> {
    let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    set.filter(|cookie| !cookie.contains("Max-Age=0"))
        .map(|cookie| cookie.split(';').next().unwrap().to_owned())
        .collect()
}

fn lying(lie: Lie) -> Person {
    Person { lie, ..Person::kim() }
}

#[tokio::test]
async fn who_is_logged_in_there_is_logged_in_here() {
    let met = Met::new().await;
    let login = met.page("/login?next=/runs", &[]).await;
    assert!(login.text.contains(r#"href="/login/oidc?next=%2Fruns">Log in at the office"#), "{}", login.text);
    assert!(login.text.contains("name=\"password\""));

    let sent = met.page("/login/oidc?next=/runs", &[]).await;
    let cookie = sent.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["syncline-login=", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let entered = met.log_in(Person::kim()).await;
    assert_eq!(
        (entered.status, &entered.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/runs".parse().unwrap())
    );
    // The cookie of the login is taken back.
    let all: Vec<_> = entered.headers.get_all(header::SET_COOKIE).iter().map(|set| set.to_str().unwrap()).collect();
    assert!(all.iter().any(|set| set.starts_with("syncline-login=;") && set.contains("Max-Age=0")), "{all:?}");
    let me = met.me(&entered).await;
    assert_eq!((&me["name"], &me["role"], &me["how"]), (&json!("kim"), &json!("operator"), &json!("session")));
    assert!(me["csrf"].is_string());
    let [account] = &met.api.shelf.history.accounts().await.unwrap()[..] else { panic!("one account") };
    assert_eq!((account.issuer.as_ref(), account.has_password), (Some(&met.idp.issuer), false));

    // What changes there counts from the next login on, and whoever is known stays the same one.
    let claims = json!({"name": "kim.lee", "groups": ["leads"]});
    let again = met.log_in(Person { claims, ..Person::kim() }).await;
    let me = met.me(&again).await;
    assert_eq!((&me["name"], &me["role"]), (&json!("kim"), &json!("admin")));

    let csrf = me["csrf"].as_str().unwrap();
    let own = request(Method::PUT, "me/password")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, cookies(&again).join("; "))
        .header("x-csrf-token", csrf);
    let body = json!({"current": "", "password": "correct horse battery"}).to_string();
    let refused = met.api.send(own.body(Body::from(body)).unwrap()).await;
    assert!(refused.status == StatusCode::FORBIDDEN && refused.detail().contains("logs in at"), "{}", refused.text);

    // A logout ends the session here.
    let out = request(Method::POST, "logout")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::COOKIE, cookies(&again).join("; "))
        .header("x-csrf-token", csrf);
    assert_eq!(met.api.send(out.body(Body::empty()).unwrap()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(met.page("/runs", &cookies(&again)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(met.failed().await, [""; 0]);
}

#[tokio::test]
async fn what_is_not_to_be_believed_is_refused() {
    let met = Met::new().await;
    for (lie, why) in [
        (Lie::Nonce, "Invalid nonce"),
        (Lie::NoNonce, "Invalid nonce"),
        (Lie::Audience, "Invalid audiences"),
        (Lie::TwoAudiences, "Invalid audiences"),
        (Lie::Issuer, "Invalid issuer"),
        (Lie::Expires(-90), "Expired"),
        (Lie::Issued(90), "issued in the future"),
        (Lie::Signature, "Crypto error"),
        (Lie::SharedSecret, "Disallowed signature algorithm"),
        (Lie::Unsigned, "No signature found"),
        (Lie::NoToken, "there is no ID token"),
    ] {
        let refused = met.log_in(lying(lie)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{lie:?}: {}", refused.text);
        assert!(
            refused.text.contains("is not to be believed") && cookies(&refused).is_empty(),
            "{lie:?}: {}",
            refused.text
        );
        let failed = met.failed().await;
        assert!(failed[0].starts_with("unknown: ") && failed[0].contains(why), "{lie:?}: {}", failed[0]);
    }
    assert!(met.api.shelf.history.accounts().await.unwrap().is_empty());
    // Clocks differ a little.
    for lie in [Lie::Expires(-30), Lie::Issued(30)] {
        assert_eq!(met.log_in(lying(lie)).await.status, StatusCode::SEE_OTHER, "{lie:?}");
    }
}

#[tokio::test]
async fn a_login_belongs_to_its_browser_and_comes_once() {
    let met = Met::new().await;
    let (back, own) = met.begin("/").await;
    let (_, others) = met.begin("/").await;
    let changed = [vec![own[0].replace("login=", "login=x")], vec![own[0].clone(), others[0].clone()]];
    for cookies in [&[][..], &others, &changed[0], &changed[1]] {
        let refused = met.page(&back, cookies).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.text);
        assert!(refused.text.contains("not begun in this browser"), "{}", refused.text);
    }
    let elsewhere = met.page(&format!("{back}&iss=https%3A%2F%2Fother.example"), &own).await;
    assert!(elsewhere.text.contains("another provider sent you back"), "{}", elsewhere.text);
    assert_eq!(met.page(&back, &own).await.status, StatusCode::SEE_OTHER);
    // Whoever has the cookie still, and the code: it was good for once.
    let replayed = met.page(&back, &own).await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED);
    assert!(met.failed().await[0].contains("invalid_grant"), "{:?}", met.failed().await);
    // The code of another login is good with that one's verifier only.
    let ((first, _), (second, own)) = (met.begin("/").await, met.begin("/").await);
    let code = |back: &str| back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let swapped = second.replace(&code(&second), &code(&first));
    assert_eq!(met.page(&swapped, &own).await.status, StatusCode::UNAUTHORIZED);
    assert!(met.failed().await[0].contains("invalid_grant"), "{:?}", met.failed().await);
}

/// Anybody may send a browser there, and rows of the audit log stay for years.
#[tokio::test]
async fn only_so_many_refused_logins_are_noted() {
    let met = Met::new().await;
    for _ in 0..20 {
        assert_eq!(met.page("/login/oidc/back?code=x&state=y", &[]).await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = met.page("/login/oidc/back?code=x&state=y", &[]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.text);
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(met.failed().await.len(), 20);
}

#[tokio::test]
async fn who_may_do_nothing_here_is_told_so() {
    let met = Met::new().await;
    let refused = met.log_in(Person { claims: json!({"name": "kim", "groups": ["cooks"]}), ..Person::kim() }).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for part in ["may do nothing here", "cooks", "web.oidc.roles"] {
        assert!(refused.text.contains(part), "{part}: {}", refused.text);
    }
    let nothing = met.log_in(Person { claims: json!({"name": "kim"}), ..Person::kim() }).await;
    assert!(
        nothing.status == StatusCode::FORBIDDEN && nothing.text.contains("there is nothing in"),
        "{}",
        nothing.text
    );
    let unnamed = met.log_in(Person { claims: json!({"name": "Kim Lee", "groups": ["leads"]}), ..Person::kim() }).await;
    assert!(unnamed.status == StatusCode::FORBIDDEN && unnamed.text.contains("name_claim"), "{}", unnamed.text);
    assert!(met.api.shelf.history.accounts().await.unwrap().is_empty());

    // Nobody becomes somebody else by a name.
    let (history, root) = (&met.api.shelf.history, super::auth::root());
    let new = NewAccount { name: "kim".parse().unwrap(), role: Role::Admin, password: None };
    history.create_account(&new, &root).await.unwrap();
    let taken = met.log_in(Person::kim()).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    let lee = Person { claims: json!({"name": "lee", "groups": ["netops"]}), ..Person::kim() };
    assert_eq!(met.log_in(lee.clone()).await.status, StatusCode::SEE_OTHER);
    history.set_account_disabled(&"lee".parse().unwrap(), true, &root).await.unwrap();
    let disabled = met.log_in(lee).await;
    assert!(disabled.status == StatusCode::FORBIDDEN && disabled.text.contains("is disabled"), "{}", disabled.text);
    assert_eq!(met.failed().await.len(), 5);

    let (back, cookies) = met.begin("/").await;
    let state = back.split("state=").nth(1).unwrap();
    let no = format!("/login/oidc/back?error=access_denied&error_description=Not+%3Cb%3Etoday%3C%2Fb%3E&state={state}");
    let denied = met.page(&no, &cookies).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert!(denied.text.contains("did not let you in") && !denied.text.contains("<b>"), "{}", denied.text);
}

#[tokio::test]
async fn passwords_can_be_switched_off() {
    let met = Met::with(|settings| ProviderSettings { only: true, ..settings }).await;
    let login = met.page("/login", &[]).await;
    assert!(login.text.contains("Log in at the office") && !login.text.contains("password"), "{}", login.text);
    let refused = met.api.post("login", json!({"name": "kim", "password": "correct horse battery"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.detail().contains("the office"), "{}", refused.text);
    let form = Request::builder()
        .method(Method::POST)
        .uri("/login")
        .header(header::HOST, "localhost:8080")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let refused = met.api.send(form.body(Body::from("name=kim&password=correct+horse+battery")).unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert_eq!(met.log_in(Person::kim()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_keys_of_the_provider_may_change() {
    let met = Met::new().await;
    assert_eq!(met.log_in(Person::kim()).await.status, StatusCode::SEE_OTHER);
    // Not with every token that somebody signs.
    let refused = met.log_in(lying(Lie::OtherKey)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.text);
    assert!(met.api.auth.provider().unwrap().age(Duration::from_secs(61)).await);
    assert_eq!(met.log_in(lying(Lie::OtherKey)).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_told() {
    let met = Met::with(|settings| ProviderSettings { issuer: "http://127.0.0.1:9".to_owned(), ..settings }).await;
    let refused = met.page("/login/oidc", &[]).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    assert!(refused.text.contains("the office cannot be asked"), "{}", refused.text);
    let api = Api::with(AuthSettings { authentication: Authentication::On, ..AuthSettings::default() }).await;
    let request = Request::builder().uri("/login/oidc").header(header::HOST, "localhost:8080");
    assert_eq!(api.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_address_that_says_something_twice_is_told_by_a_page() {
    let met = Met::new().await;
    let (back, cookies) = met.begin("/runs").await;
    let answer = met.page(&format!("{back}&state=another"), &cookies).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(answer.text.contains("something stands there twice"), "{}", answer.text);
    // The login is over, whatever came of it.
    let taken =
        answer.headers.get_all(header::SET_COOKIE).iter().any(|cookie| cookie.to_str().unwrap().contains("Max-Age=0"));
    assert!(taken, "{:?}", answer.headers);
}
