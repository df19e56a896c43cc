//! The routes for machines that watch: `/metrics`, `/healthz`, `/readyz`.
//!
//! They tell no secrets and no names of records, so they may be reached where the rest of the program is not. Beside the pages, and where
//! people have to log in, the metrics are for those who may look (`web.metrics`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use futures::future::BoxFuture;
use syncline_web::auth::{Auth, watch};
use syncline_web::openapi::METRICS;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::PrometheusHandle;

/// Tells whether the process can do its work now: its database answers, its worker has a place in the queue. The error is
/// shown to whoever asks, so it says what is missing and no more.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How often durations that nobody fetches are sorted into their buckets, which is what bounds their memory.
const UPKEEP: Duration = Duration::from_secs(30);

/// How long a server that ends waits for the requests under way. A client that reads no more would keep it for ever.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Probes {
    metrics: PrometheusHandle,
    ready: Readiness,
}

/// The routes, to be merged into a larger router or served alone by [`listen`].
///
/// `/healthz` says that the process serves at all; `/readyz` that it can work, and why not (503). With `auth`, `/metrics` is for those
/// who may read them.
pub fn probes(metrics: PrometheusHandle, ready: Readiness, auth: Option<Auth>) -> Router {
    let mut shown = get(show_metrics);
    if let Some(auth) = auth {
        shown = shown.route_layer(from_fn_with_state(auth, watch));
    }
    Router::new()
        .route("/metrics", shown)
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(show_readiness))
        .with_state(Probes { metrics, ready })
}

/// Serves a router until `stop` is cancelled, and keeps the metrics small when nobody fetches them. Requests that are under way
/// then have a few seconds to be answered.
pub async fn listen(
    listener: TcpListener,
    router: Router,
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut upkeep = tokio::time::interval(UPKEEP);
    let tidy = async {
        loop {
            upkeep.tick().await;
            metrics.run_upkeep();
        }
    };
    let too_late = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    // Handlers may ask from which address a request comes.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serve = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        served = async { serve.await } => served,
        () = too_late => {
            tracing::warn!("requests were cut off: they were under way for {} s after the end", GRACE.as_secs());
            Ok(())
        }
        never = tidy => never,
    }
}

async fn show_metrics(State(probes): State<Probes>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, METRICS)], probes.metrics.render())
}

async fn show_readiness(State(probes): State<Probes>) -> impl IntoResponse {
    match (probes.ready)().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::FutureExt as _;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: probes\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_probes_tell_what_is_so() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || syncline_core::metrics::describe("1.2.3"));
        let up = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&up);
        let ready: Readiness = Arc::new(move || {
            let up = asked.load(Ordering::SeqCst);
            async move { up.then_some(()).ok_or_else(|| "the database does not answer".to_owned()) }.boxed()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let router = probes(recorder.handle(), ready, None);
        let serving = tokio::spawn(listen(listener, router, recorder.handle(), stop.clone()));

        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200 "));
        let answer = get(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("not ready: the database"), "{answer}");
        up.store(true, Ordering::SeqCst);
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200 "));
        let answer = get(address, "/metrics").await;
        assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
        assert!(answer.contains("\nsyncline_build_info{version=\"1.2.3\"} 1\n"), "{answer}");

        stop.cancel();
        serving.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn metrics_are_for_those_who_may_look() {
        use axum::extract::ConnectInfo;
        use syncline_core::history::{Actor, History, How, NewToken, Role, Secret};
        use syncline_web::auth::{AuthSettings, Authentication, Watchers};
        use tower::ServiceExt as _;

        let history = History::in_memory().await.unwrap();
        let root = Actor { who: "root".to_owned(), how: How::Cli, address: None, request_id: None };
        let mut secrets = Vec::new();
        for (name, syncs) in [("all", None), ("one", Some(["lab".to_owned()].into()))] {
            let secret = Secret::random("syn_").unwrap();
            let new = NewToken { name: name.parse().unwrap(), role: Role::Viewer, syncs, expires: None };
            history.create_token(&new, &secret, &root).await.unwrap();
            secrets.push(secret.expose().to_owned());
        }
        let proxies = vec!["127.0.0.2".parse().unwrap()];
        let settings = AuthSettings { authentication: Authentication::On, proxies, ..AuthSettings::default() };
        let ask = async |settings: &AuthSettings, path: &str, from: &str, headers: &[(&str, &str)]| {
            let ready: Readiness = Arc::new(|| async { Ok(()) }.boxed());
            let recorder = PrometheusBuilder::new().build_recorder();
            let auth = Auth::new(history.clone(), settings.clone());
            let mut request = axum::http::Request::builder().uri(path);
            if headers.iter().all(|(name, _)| *name != "host") {
                request = request.header("host", "localhost:8080");
            }
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut request = request.body(axum::body::Body::empty()).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 50_000)));
            probes(recorder.handle(), ready, Some(auth)).oneshot(request).await.unwrap().status().as_u16()
        };
        let bearer: Vec<_> = secrets.iter().map(|secret| format!("Bearer {secret}")).collect();
        assert_eq!(ask(&settings, "/metrics", "127.0.0.1", &[]).await, 200);
        assert_eq!(ask(&settings, "/metrics", "192.0.2.1", &[]).await, 401);
        assert_eq!(ask(&settings, "/metrics", "192.0.2.1", &[("authorization", "Bearer syn_nobody")]).await, 401);
        assert_eq!(ask(&settings, "/metrics", "192.0.2.1", &[("authorization", &bearer[0])]).await, 200);
        assert_eq!(ask(&settings, "/metrics", "192.0.2.1", &[("authorization", &bearer[1])]).await, 403);
        // What a proxy hands on comes from where it says; one that nobody told of may hand on whatever it wants.
        assert_eq!(ask(&settings, "/metrics", "127.0.0.2", &[("x-forwarded-for", "192.0.2.1")]).await, 401);
        assert_eq!(ask(&settings, "/metrics", "127.0.0.2", &[("x-forwarded-for", "127.0.0.1")]).await, 200);
        assert_eq!(ask(&settings, "/metrics", "127.0.0.1", &[("x-forwarded-for", "192.0.2.1")]).await, 401);
        // A name that was made to lead here, so that another site's page may read it.
        let evil = ("host", "evil.example");
        assert_eq!(ask(&settings, "/metrics", "127.0.0.1", &[evil]).await, 401);
        assert_eq!(ask(&AuthSettings::default(), "/metrics", "127.0.0.1", &[evil]).await, 421);
        assert_eq!(ask(&settings, "/metrics", "192.0.2.1", &[evil, ("authorization", &bearer[0])]).await, 200);
        for path in ["/healthz", "/readyz"] {
            assert_eq!(ask(&settings, path, "192.0.2.1", &[]).await, 200, "{path}");
        }
        let open = AuthSettings { watchers: Watchers::Everybody, ..settings };
        assert_eq!(ask(&open, "/metrics", "192.0.2.1", &[]).await, 200);
        assert_eq!(ask(&AuthSettings::default(), "/metrics", "192.0.2.1", &[]).await, 200);
    }

    /// The time does not pass by itself here, but whenever nothing else is left to do.
    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_ends_does_not_keep_the_server() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let entered = Arc::new(tokio::sync::Notify::new());
        let told = Arc::clone(&entered);
        let hang = move || async move {
            told.notify_one();
            std::future::pending::<&str>().await
        };
        let router = Router::new().route("/hang", axum::routing::get(hang));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(listen(listener, router, recorder.handle(), stop.clone()));
        client.write_all(b"GET /hang HTTP/1.1\r\nhost: probes\r\n\r\n").await.unwrap();
        entered.notified().await;
        stop.cancel();
        serving.await.unwrap().unwrap();
    }
}
