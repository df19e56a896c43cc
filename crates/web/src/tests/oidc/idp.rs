//! A provider of OpenID Connect: it hands out codes that are good for once, and signed tokens for them. It can be told to lie.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreGenderClaim, CoreHmacKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreRsaPrivateSigningKey,
};
use openidconnect::{
    AdditionalClaims, Audience, IdToken, IdTokenClaims, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey as _,
    StandardClaims, SubjectIdentifier,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

pub const CLIENT: &str = "syncline";
pub const SECRET: &str = "the secret of the client";
/// Where browsers are sent back to.
pub const BACK: &str = "http://localhost:8080/login/oidc/back";

/// Made for these tests, and good for nothing else.
const KEYS: [&str; 2] = [include_str!("signing.pem"), include_str!("other.pem")];

/// The provider, for as long as this is kept.
pub struct Idp {
    pub issuer: String,
    state: Arc<Mutex<Inner>>,
    serving: tokio::task::JoinHandle<()>,
}

struct Inner {
    issuer: String,
    /// By code.
    granted: HashMap<String, Grant>,
    made: u64,
    person: Person,
}

/// Who is logged in at the provider, and what is wrong with what is said of that one.
#[derive(Debug, Clone)]
pub struct Person {
    pub subject: &'static str,
    pub claims: Value,
    pub lie: Lie,
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    None,
    Nonce,
    NoNonce,
    Audience,
    TwoAudiences,
    Issuer,
    /// It expires so many seconds from now.
    Expires(i64),
    /// It was issued so many seconds from now.
    Issued(i64),
    /// It is signed with a key that the provider does not have, under the name of one that it has.
    Signature,
    /// It is signed with the secret that the client has too.
    SharedSecret,
    /// It is signed by nobody.
    Unsigned,
    /// There is none.
    NoToken,
    /// It is signed with another key, which the provider has from now on in the place of the old one.
    OtherKey,
}

struct Grant {
    nonce: String,
    challenge: String,
    redirect: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Said(Map<String, Value>);

impl AdditionalClaims for Said {}

type Token = IdToken<Said, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

type Shared = Arc<Mutex<Inner>>;

impl Person {
    pub fn kim() -> Self {
        Self { subject: "0a1b", claims: json!({"name": "kim", "groups": ["netops", "cooks"]}), lie: Lie::None }
    }
}

impl Idp {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner { issuer: issuer.clone(), granted: HashMap::new(), made: 0, person: Person::kim() };
        let state: Shared = Arc::new(Mutex::new(inner));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, state, serving }
    }

    /// Whom the provider speaks of from now on.
    pub fn speaks_of(&self, person: Person) {
        locked(&self.state).person = person;
    }

    /// What a browser is sent back to that was sent to `url`: path and query.
    pub fn consent(&self, url: &str) -> String {
        let url: Url = url.parse().unwrap();
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let mut inner = locked(&self.state);
        assert!(url.as_str().starts_with(&format!("{}/authorize?", inner.issuer)), "{url}");
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
        assert_eq!((asked["redirect_uri"].as_str(), asked["code_challenge_method"].as_str()), (BACK, "S256"));
        assert_eq!(asked["scope"], "openid profile");
        inner.made += 1;
        let code = format!("code-{}", inner.made);
        let grant = Grant {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect: asked["redirect_uri"].clone(),
        };
        inner.granted.insert(code.clone(), grant);
        format!("/login/oidc/back?code={code}&state={}", asked["state"])
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn locked(state: &Shared) -> MutexGuard<'_, Inner> {
    state.lock().unwrap()
}

/// A key under the one name that all have.
fn key(number: usize) -> CoreRsaPrivateSigningKey {
    let name = if number == 0 { "first" } else { "second" };
    CoreRsaPrivateSigningKey::from_pem(KEYS[number], Some(JsonWebKeyId::new(name.to_owned()))).unwrap()
}

async fn configuration(State(state): State<Shared>) -> Json<Value> {
    let issuer = locked(&state).issuer.clone();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
    }))
}

async fn keys(State(state): State<Shared>) -> Json<CoreJsonWebKeySet> {
    let number = usize::from(locked(&state).person.lie == Lie::OtherKey);
    Json(CoreJsonWebKeySet::new(vec![key(number).as_verification_key()]))
}

async fn token(
    State(state): State<Shared>,
    headers: HeaderMap,
    Form(asked): Form<HashMap<String, String>>,
) -> Response {
    let refused = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": why}))).into_response();
    let client = BASE64_STANDARD.encode(format!("{CLIENT}:{}", SECRET.replace(' ', "+")));
    if headers.get(header::AUTHORIZATION).is_none_or(|given| *given != format!("Basic {client}")) {
        return refused("invalid_client");
    }
    let mut inner = locked(&state);
    // A code is good for once.
    let Some(grant) = asked.get("code").and_then(|code| inner.granted.remove(code)) else {
        return refused("invalid_grant");
    };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&asked["code_verifier"]));
    if asked["grant_type"] != "authorization_code"
        || asked["redirect_uri"] != grant.redirect
        || challenge != grant.challenge
    {
        return refused("invalid_grant");
    }
    let mut answer = json!({"access_token": "secret", "token_type": "Bearer", "expires_in": 300});
    if inner.person.lie != Lie::NoToken {
        answer["id_token"] = signed(&inner, &grant).into();
    }
    Json(answer).into_response()
}

/// The token about the person.
fn signed(inner: &Inner, grant: &Grant) -> String {
    let Person { subject, claims, lie } = &inner.person;
    let after = |seconds: i64| -> DateTime<Utc> { Utc::now() + TimeDelta::seconds(seconds) };
    let issuer = if *lie == Lie::Issuer { "https://other.example".to_owned() } else { inner.issuer.clone() };
    let audiences = match lie {
        Lie::Audience => vec!["another client"],
        Lie::TwoAudiences => vec![CLIENT, "another client"],
        _ => vec![CLIENT],
    };
    let expires = if let Lie::Expires(seconds) = lie { *seconds } else { 300 };
    let issued = if let Lie::Issued(seconds) = lie { *seconds } else { 0 };
    let nonce = match lie {
        Lie::NoNonce => None,
        Lie::Nonce => Some(Nonce::new("another login".to_owned())),
        _ => Some(Nonce::new(grant.nonce.clone())),
    };
    let said = IdTokenClaims::new(
        IssuerUrl::new(issuer).unwrap(),
        audiences.into_iter().map(|audience| Audience::new(audience.to_owned())).collect(),
        after(expires),
        after(issued),
        StandardClaims::<CoreGenderClaim>::new(SubjectIdentifier::new((*subject).to_owned())),
        Said(Map::new()),
    )
    .set_nonce(nonce);
    // What the standard names and what it does not: all of it stands beside the rest.
    let mut whole = serde_json::to_value(&said).unwrap();
    whole.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let said: IdTokenClaims<Said, CoreGenderClaim> = serde_json::from_value(whole).unwrap();
    let rs256 = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    let token = match lie {
        Lie::SharedSecret => {
            Token::new(said, &CoreHmacKey::new(SECRET), CoreJwsSigningAlgorithm::HmacSha256, None, None)
        }
        Lie::OtherKey => Token::new(said, &key(1), rs256, None, None),
        Lie::Signature => {
            let name = Some(JsonWebKeyId::new("first".to_owned()));
            Token::new(said, &CoreRsaPrivateSigningKey::from_pem(KEYS[1], name).unwrap(), rs256, None, None)
        }
        Lie::Unsigned => {
            let signed = Token::new(said, &key(0), rs256, None, None).unwrap().to_string();
            let head = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
            return format!("{head}.{}.", signed.split('.').nth(1).unwrap());
        }
        _ => Token::new(said, &key(0), rs256, None, None),
    };
    token.unwrap().to_string()
}
