//! Each fault as a client sees it.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// A system that counts what it was asked, and answers a line of a hundred letters, in chunks when asked for `/chunks`.
async fn upstream() -> (String, Arc<AtomicU64>) {
    let seen = Arc::new(AtomicU64::new(0));
    let count = |seen: &Arc<AtomicU64>| {
        let seen = Arc::clone(seen);
        move || seen.fetch_add(1, Ordering::Relaxed)
    };
    let (whole, chunks, echo) = (count(&seen), count(&seen), count(&seen));
    let app = Router::new()
        .route(
            "/line",
            any(async move || {
                whole();
                "x".repeat(100)
            }),
        )
        .route(
            "/chunks",
            any(async move || {
                chunks();
                let parts = ["ab".repeat(25), "cd".repeat(25)].map(Ok::<_, std::convert::Infallible>);
                Body::from_stream(futures::stream::iter(parts))
            }),
        )
        .route(
            "/echo",
            any(async move |body: String| {
                echo();
                body
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen)
}

/// What a client gets for some bytes: what came, and how the connection ended.
async fn send(proxy: &FaultProxy, bytes: &str) -> (String, io::Result<()>) {
    let mut stream = TcpStream::connect(proxy.url().strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        match stream.read(&mut buffer).await {
            Ok(0) => break Ok(()),
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) => break Err(error),
        }
    };
    (String::from_utf8(answer).unwrap(), end)
}

async fn get(proxy: &FaultProxy, path: &str) -> (String, io::Result<()>) {
    send(proxy, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

fn always(set: impl FnOnce(&mut FaultPlan)) -> FaultPlan {
    let mut plan = FaultPlan::none();
    set(&mut plan);
    plan
}

/// One request under a plan that always strikes: the answer, its end, whether the system saw it, and the fault.
async fn struck(set: impl FnOnce(&mut FaultPlan)) -> (String, io::Result<()>, u64, Fault) {
    let (url, seen) = upstream().await;
    let proxy = FaultProxy::start(&url, 1, always(set)).await.unwrap();
    let (answer, end) = get(&proxy, "/line?page=2").await;
    let [fault] = &proxy.faults()[..] else { panic!("{:?}", proxy.faults()) };
    assert_eq!((fault.number, &*fault.method, &*fault.path), (1, "GET", "/line?page=2"));
    let seen = seen.load(Ordering::Relaxed);
    assert_eq!(fault.reached_upstream, seen == 1);
    (answer, end, seen, fault.clone())
}

fn is_reset(end: io::Result<()>) -> bool {
    end.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn without_faults_everything_passes() {
    let (url, seen) = upstream().await;
    let proxy = FaultProxy::start(&url, 1, FaultPlan::none()).await.unwrap();
    let (answer, end) = get(&proxy, "/line").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(&"x".repeat(100)), "{answer}");
    assert!(end.is_ok());
    assert!(get(&proxy, "/chunks").await.0.ends_with("\r\n0\r\n\r\n"));
    // Two requests on one connection, one with a body in chunks; then one that closes it.
    let (answers, end) = send(
        &proxy,
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nfgh\
         HEAD /line HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(end.is_ok());
    let bodies: Vec<_> =
        answers.split("HTTP/1.1 200 OK\r\n").skip(1).map(|part| part.rsplit("\r\n\r\n").next().unwrap()).collect();
    assert_eq!(bodies, ["abcde", "fgh", ""]);
    assert_eq!((proxy.requests(), seen.load(Ordering::Relaxed), proxy.faults()), (5, 5, Vec::new()));
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_system() {
    let (answer, end, seen, _) = struck(|plan| (plan.too_many_requests, plan.retry_after) = (1.0, 7)).await;
    assert!(
        answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n") && answer.contains("\r\nRetry-After: 7\r\n"),
        "{answer}"
    );
    assert!(end.is_ok() && seen == 0);
    let (answer, _, seen, _) = struck(|plan| plan.too_many_requests_untold = 1.0).await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && !answer.contains("Retry-After"), "{answer}");
    assert_eq!(seen, 0);
}

#[tokio::test]
async fn server_errors_have_three_statuses_and_some_come_too_late() {
    let (url, seen) = upstream().await;
    let proxy = FaultProxy::start(&url, 1, always(|plan| plan.server_error = 1.0)).await.unwrap();
    let mut met = BTreeSet::new();
    for _ in 0..40 {
        let before = seen.load(Ordering::Relaxed);
        let (answer, _) = get(&proxy, "/line").await;
        let fault = proxy.faults().pop().unwrap();
        let FaultKind::ServerError { status, done } = fault.kind else { panic!("{fault:?}") };
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!((done, fault.reached_upstream), (seen.load(Ordering::Relaxed) > before, done));
        met.insert((status, done));
    }
    assert_eq!(met.into_iter().collect::<Vec<_>>(), [(500, false), (502, false), (502, true), (503, false)]);
}

#[tokio::test]
async fn a_reset_comes_before_or_after_the_system_saw_the_request() {
    let (answer, end, seen, _) = struck(|plan| plan.reset_before = 1.0).await;
    assert!(answer.is_empty() && is_reset(end) && seen == 0);
    let (answer, end, seen, _) = struck(|plan| plan.reset_after = 1.0).await;
    assert!(answer.is_empty() && is_reset(end) && seen == 1);
}

#[tokio::test]
async fn a_cut_answer_ends_in_its_middle() {
    let (answer, end, seen, _) = struck(|plan| plan.cut_body = 1.0).await;
    assert!(
        answer.contains("content-length: 100") && answer.ends_with(&format!("\r\n\r\n{}", "x".repeat(50))),
        "{answer}"
    );
    assert!(end.is_ok() && seen == 1);
    let (url, _) = upstream().await;
    let proxy = FaultProxy::start(&url, 1, always(|plan| plan.cut_body = 1.0)).await.unwrap();
    assert!(!get(&proxy, "/chunks").await.0.contains("\r\n0\r\n"));
    // There is no body to cut.
    let (answer, _) = send(&proxy, "HEAD /line HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1") && !answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_stalled_answer_never_ends() {
    let (url, _) = upstream().await;
    let proxy = FaultProxy::start(&url, 1, always(|plan| plan.stall = 1.0)).await.unwrap();
    let mut stream = TcpStream::connect(proxy.url().strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(b"GET /line HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(&[b'x'; 50]) {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
    assert_eq!(proxy.faults()[0].kind, FaultKind::Stall);
    // Nothing more comes, not even an end, until the proxy goes.
    let nothing = stream.try_read(&mut [0; 8]).map_err(|error| error.kind());
    assert_eq!(nothing, Err(io::ErrorKind::WouldBlock));
    proxy.stop();
    assert_eq!(stream.read_buf(&mut answer).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_delayed_request_is_answered_whole() {
    let (answer, end, seen, fault) = struck(|plan| plan.latency = 1.0).await;
    assert!(answer.ends_with(&"x".repeat(100)) && end.is_ok() && seen == 1);
    assert!(matches!(fault.kind, FaultKind::Latency(wait) if wait <= FaultPlan::none().latency_up_to));
}

#[tokio::test]
async fn faults_end_with_their_limit_and_begin_again_with_a_plan() {
    let (url, _) = upstream().await;
    let plan = FaultPlan { limit: Some(2), ..always(|plan| plan.reset_before = 1.0) };
    let proxy = FaultProxy::start(&url, 1, plan.clone()).await.unwrap();
    let mut ends = Vec::new();
    for _ in 0..4 {
        ends.push(get(&proxy, "/line").await.1.is_ok());
    }
    proxy.set_plan(FaultPlan { limit: Some(1), ..plan });
    for _ in 0..2 {
        ends.push(get(&proxy, "/line").await.1.is_ok());
    }
    assert_eq!(ends, [false, false, true, true, false, true]);
    assert_eq!(proxy.faults().iter().map(|fault| fault.number).collect::<Vec<_>>(), [1, 2, 5]);
}

#[tokio::test]
async fn only_an_http_url_is_taken() {
    assert!(FaultProxy::start("https://x", 1, FaultPlan::none()).await.is_err());
    let (url, _) = upstream().await;
    let proxy = FaultProxy::start(&format!("{url}/netbox/"), 1, FaultPlan::none()).await.unwrap();
    assert!(proxy.url().ends_with("/netbox"));
}

#[test]
fn the_seed_decides_and_every_kind_gets_its_share() {
    let plan = FaultPlan::every_kind(0.05);
    let kinds = |seed| (1..=10_000).map(|number| plan.decide(seed, number)).collect::<Vec<_>>();
    assert_eq!(kinds(1), kinds(1));
    assert_ne!(kinds(1), kinds(2));
    let mut counts = std::collections::BTreeMap::<_, u32>::new();
    for kind in kinds(1).into_iter().flatten() {
        *counts.entry(kind.name()).or_default() += 1;
    }
    assert_eq!(counts.len(), 8, "{counts:?}");
    assert!(counts.values().all(|count| (400..600).contains(count)), "{counts:?}");
    assert!((1..1_000).all(|number| FaultPlan::none().decide(1, number).is_none()));
    let certain = FaultPlan::every_kind(0.125);
    assert!((1..1_000).all(|number| certain.decide(1, number).is_some()));
}
