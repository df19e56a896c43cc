//! The API as programs meet it: requests to the router, below a path as the host puts it.

mod auth;
mod authorization;
mod browser;
mod comments;
mod compare;
mod connector;
mod connectors;
mod contract;
mod contrast;
mod findings;
mod hooks;
mod ignores;
mod limited;
mod live;
mod log;
#[cfg(feature = "oidc")]
mod oidc;
mod pages;
mod problems;
mod queue;
mod review;
mod runs;
mod schedules;
mod scope;
mod shelf;
mod streams;
mod syncs;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use syncline_core::event::Events;
use syncline_core::history::{History, Retention, Run, RunId};
use syncline_core::registry::Registry;
use syncline_core::run::{Runner, SyncBook as _};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::shelf::Shelf;
use crate::auth::{Auth, AuthSettings};
use crate::live::{Live, StreamLimits};
use crate::{ApiState, dashboard, router};

/// The API over a history of its own.
struct Api {
    shelf: Arc<Shelf>,
    runner: Arc<Runner>,
    router: Router,
    live: Live,
    #[cfg(feature = "oidc")]
    auth: Auth,
    /// Ends the streams.
    stop: CancellationToken,
    folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Api {
    /// Without any sync.
    async fn empty() -> Self {
        Self::with(AuthSettings::default()).await
    }

    /// Without any sync, known and reached as the settings say.
    async fn with(settings: AuthSettings) -> Self {
        Self::made(History::in_memory().await.unwrap(), settings)
    }

    /// Over this history.
    fn over(history: History) -> Self {
        Self::made(history, AuthSettings::default())
    }

    fn made(history: History, settings: AuthSettings) -> Self {
        Self::limited(history, settings, StreamLimits::default())
    }

    /// Where only so many may follow.
    fn limited(history: History, settings: AuthSettings, limits: StreamLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::of([&connector::DESCRIPTOR]).unwrap();
        let runner = Arc::new(Runner::new(registry, history.clone(), folder.path()));
        let (shelf, stop) = (Arc::new(Shelf { history: history.clone() }), CancellationToken::new());
        let live = Live::with_limits(history, stop.clone(), limits);
        let auth = Auth::new(shelf.history.clone(), settings);
        #[cfg(feature = "oidc")]
        let kept = auth.clone();
        let syncs = Arc::<Shelf>::clone(&shelf);
        let state =
            ApiState { runner: Arc::clone(&runner), syncs, auth, live: live.clone(), retention: Retention::default() };
        let router = Router::new().nest("/api/v1", router(state.clone())).merge(dashboard(state));
        Self {
            shelf,
            runner,
            router,
            live,
            #[cfg(feature = "oidc")]
            auth: kept,
            stop,
            folder,
        }
    }

    /// With a sync `lab` of three sites.
    async fn with_lab(auto_merge: bool) -> Self {
        let api = Self::empty().await;
        api.make("lab", json!({"sites": ["a", "b", "c"], "target": "copy", "auto_merge": auto_merge})).await;
        api
    }

    async fn make(&self, name: &str, settings: Value) {
        let made = self.post("syncs", json!({"name": name, "settings": settings})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = request(method, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        contract::holds(&method, &path, &answer);
        answer
    }

    /// Asks for a run of a sync.
    async fn trigger(&self, sync: &str, wish: Value) -> RunId {
        let asked = self.post(&format!("syncs/{sync}/runs"), wish).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
        RunId::new(asked.value()["run"].as_i64().unwrap())
    }

    /// Does what a worker would.
    async fn work(&self, run: RunId) -> Run {
        let sync = self.run(run).await.sync;
        let sync = self.shelf.sync(&sync).await.unwrap().definition;
        self.runner.go_on(run, &sync, &Events::new(), &CancellationToken::new()).await.unwrap();
        self.run(run).await
    }

    async fn run(&self, run: RunId) -> Run {
        self.runner.history().run(run).await.unwrap().unwrap()
    }
}

impl Answer {
    fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} `{}`", self.status, self.text))
    }

    fn items(&self) -> Vec<Value> {
        self.value()["items"].as_array().unwrap_or_else(|| panic!("{}", self.text)).clone()
    }

    /// What is wrong, when that is what is said.
    fn detail(&self) -> String {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        assert_eq!(self.value()["status"], self.status.as_u16());
        self.value()["detail"].as_str().unwrap().to_owned()
    }
}

/// A request as a program on this machine sends it.
fn request(method: Method, path: &str) -> Builder {
    Request::builder().method(method).uri(format!("/api/v1/{path}")).header(header::HOST, "localhost:8080")
}
