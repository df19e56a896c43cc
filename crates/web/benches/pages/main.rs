//! How long the server takes for each page, with a history of 1,000 runs and 5 million changes.
//!
//! `cargo xtask bench pages` runs this and judges. The history is made by real runs, so that all is there that runs leave: models,
//! phases, logs, events, plans. Then every page is asked for a few times, without a network: what is measured is what the server does
//! from the request to the last byte. One line of JSON tells it.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../lab.rs"]
mod lab;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use serde::Serialize;
use syncline_core::event::Events;
use syncline_core::history::{History, Retention, RunId, RunStatus};
use syncline_core::registry::Registry;
use syncline_core::run::{RunRequest, Runner};
use syncline_testkit::postgres;
use syncline_web::auth::{Auth, AuthSettings};
use syncline_web::live::Live;
use syncline_web::{ApiState, dashboard};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::lab::{Lab, Systems};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How many syncs share the runs.
const SYNCS: u64 = 10;
/// How many sets of sites the runs of a sync go through: an object is in each so manieth run of it.
const SETS: u64 = 5;
/// How many times more changes than the others the last runs have.
const LARGE: u64 = 20;
/// How many times each page is asked for.
const TIMES: usize = 7;

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
struct Options {
    runs: u64,
    /// Of each run.
    changes: u64,
    postgresql: bool,
}

/// What came of it.
#[derive(Serialize)]
struct Measured {
    runs: u64,
    changes: u64,
    /// How long it took to make the history.
    seconds: f64,
    history_bytes: u64,
    pages: Vec<PageTime>,
}

/// What a page takes.
#[derive(Serialize)]
struct PageTime {
    path: String,
    bytes: usize,
    /// The first time.
    first_ms: f64,
    /// The median of the other times.
    ms: f64,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let told = |name: &str| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
    let number = |name: &str, default: u64| told(name).map_or(Ok(default), |text| text.parse());
    let options = Options {
        runs: number("--runs", 1_000)?,
        changes: number("--changes", 5_000)?,
        postgresql: told("--database").is_some_and(|name| name == "postgresql"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("{}", serde_json::to_string(&runtime.block_on(measure(options))?)?);
    Ok(())
}

async fn measure(options: Options) -> Result<Measured, Failure> {
    let folder = tempfile::tempdir()?;
    let server = if options.postgresql { Some(postgres::Server::start()?) } else { None };
    let file = format!("sqlite://{}", folder.path().join("history.db").display());
    let history = History::open(server.as_ref().map_or(file.as_str(), postgres::Server::url)).await?;
    let begun = Instant::now();
    let waiting = fill(&history, folder.path(), options).await?;
    let seconds = begun.elapsed().as_secs_f64();

    // A process that has made nothing of it.
    let systems = Systems { sites: options.changes, ..Systems::default() };
    let lab = Lab { names: (0..SYNCS).map(name).collect(), systems };
    let runner = Runner::new(Registry::of([&lab::DESCRIPTOR])?, history.clone(), folder.path());
    let state = ApiState {
        auth: Auth::new(history.clone(), AuthSettings::default()),
        live: Live::new(history.clone(), CancellationToken::new()),
        runner: Arc::new(runner),
        syncs: Arc::new(lab),
        retention: Retention::default(),
    };
    let pages = dashboard(state);
    let mut times = Vec::new();
    for path in paths(waiting) {
        times.push(time(&pages, path).await?);
    }
    let size = history.size().await?;
    history.close().await?;
    if let Some(server) = server {
        server.stop()?;
    }
    let changes = options.runs.saturating_sub(3) * options.changes + 2 * LARGE * options.changes;
    Ok(Measured { runs: options.runs, changes, seconds, history_bytes: size.tables.values().sum(), pages: times })
}

fn name(number: u64) -> String {
    format!("lab-{number}")
}

/// Makes the runs; the last three are large, and the very last waits for a person. Gives its number.
async fn fill(history: &History, folder: &Path, options: Options) -> Result<RunId, Failure> {
    let runner = Runner::new(Registry::of([&lab::DESCRIPTOR])?, history.clone(), folder);
    let mut last = None;
    for number in 0..options.runs {
        let is_last = number + 1 == options.runs;
        let is_large = number + 3 >= options.runs;
        let systems = Systems {
            sites: if is_large { options.changes * LARGE } else { options.changes },
            first: (number / SYNCS) % SETS * options.changes,
            refuses: 997,
            ..Systems::default()
        };
        let mut sync = systems.definition(&name(if is_large { 0 } else { number % SYNCS }));
        sync.auto_merge = !is_last;
        // The target forgets, so every run of a sync would find what the one before it did.
        sync.policy.flapping_runs = 0;
        let report = runner.run(&sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await?;
        let expected = if is_last { RunStatus::AwaitingReview } else { RunStatus::Completed };
        if report.status != expected && report.status != RunStatus::Failed {
            return Err(format!("run {number} is {}: {:?}", report.status, report.error).into());
        }
        last = Some(report.run);
    }
    last.ok_or_else(|| "a history without runs has no pages".into())
}

/// The pages, of the kinds that there are.
fn paths(waiting: RunId) -> Vec<String> {
    let waiting = waiting.number();
    let (large, other) = (waiting - 1, waiting - 2);
    let fixed = [
        "/",
        "/syncs",
        "/syncs/lab-0",
        "/syncs/lab-0?tab=configuration",
        "/syncs/lab-0?tab=jobs",
        "/syncs/lab-0/run",
        "/sources/truth",
        "/targets/copy-of-lab-0",
        "/runs",
        "/runs?text=nothing+is+called+so",
        "/runs?sync=lab-3&status=failed",
        "/logs",
        "/logs?level=error",
        "/logs/changes",
        "/logs/changes?sync=lab-3&outcome=failed",
        "/logs/changes?text=site-004242",
        "/logs/changes?text=nothing+is+called+so",
        "/schedules",
        "/search?text=site-004242",
        "/objects/site/%5B%22site-004242%22%5D",
        "/drift",
        "/quarantine",
        "/settings",
        "/settings?tables=on",
        "/settings/audit",
    ];
    let of_runs = [
        format!("/runs/{large}"),
        format!("/runs/{large}/plan"),
        format!("/runs/{large}/plan?outcome=failed"),
        format!("/runs/{large}/plan?text=site-004242"),
        format!("/runs/{large}/plan?fold=on"),
        format!("/runs/{waiting}"),
        format!("/runs/{waiting}/plan"),
        format!("/runs/{waiting}/plan?fold=on"),
        format!("/compare?a={other}&b={large}"),
        format!("/compare?a={other}&b={large}&kind=only_a"),
        format!("/compare/reads?a={other}&b={large}"),
        format!("/compare/reads?a={other}&b={large}&model=site"),
        // Near the end of both reads, which is looked for from their beginning.
        format!("/compare/reads?a={other}&b={large}&model=site&after=%5B%22site-100000%22%5D"),
    ];
    fixed.map(str::to_owned).into_iter().chain(of_runs).collect()
}

async fn time(pages: &Router, path: String) -> Result<PageTime, Failure> {
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..TIMES {
        let request = Request::get(&path).header(header::HOST, "localhost").body(Body::empty())?;
        let begun = Instant::now();
        let response = pages.clone().oneshot(request).await?;
        let status = response.status();
        bytes = to_bytes(response.into_body(), usize::MAX).await?.len();
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        if !status.is_success() {
            return Err(format!("{path} is answered with {status}").into());
        }
    }
    let first_ms = times.remove(0);
    times.sort_by(f64::total_cmp);
    Ok(PageTime { path, bytes, first_ms, ms: times[times.len() / 2] })
}
