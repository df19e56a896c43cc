//! What it costs a sync to be looked at: 200 readers of pages and 20 followers of the run, over loopback HTTP.
//!
//! `cargo xtask bench live` runs this and judges. One line of JSON tells what one run took, with or without the crowd. The crowd is a
//! process of its own, as browsers are, but it shares the machine: what it takes is part of what is measured.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

mod crowd;
#[path = "../lab.rs"]
mod lab;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use serde::Serialize;
use syncline_core::event::Events;
use syncline_core::history::{History, Retention, RunId, RunStatus};
use syncline_core::registry::Registry;
use syncline_core::run::{RunRequest, Runner};
use syncline_web::auth::{Auth, AuthSettings};
use syncline_web::live::Live;
use syncline_web::{ApiState, router};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::crowd::{Crowd, Heard};
use self::lab::{Lab, Systems};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is to be measured.
struct Options {
    changes: u64,
    /// How long the target takes for a batch of 100, in milliseconds.
    batch_ms: u64,
    readers: usize,
    followers: usize,
    /// How long a reader looks at a page, in milliseconds.
    pause_ms: u64,
}

/// What one run took.
#[derive(Serialize)]
struct Measured {
    changes: u64,
    seconds: f64,
    /// Events of the run.
    events: u64,
    /// Bytes of the table of events, with its index.
    event_bytes: u64,
    /// What the crowd heard and saw; none without one.
    crowd: Option<Heard>,
    /// Followers that have every event.
    complete: usize,
}

fn main() -> Result<(), Failure> {
    let mut arguments = pairs();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(crowd) = Crowd::from(&mut arguments)? {
        let heard = runtime.block_on(crowd.look())?;
        println!("{}", serde_json::to_string(&heard)?);
        return Ok(());
    }
    let mut number = |name: &str, default: u64| arguments.remove(name).map_or(Ok(default), |text| text.parse());
    let options = Options {
        changes: number("changes", 100_000)?,
        batch_ms: number("batch-ms", 0)?,
        readers: usize::try_from(number("readers", 200)?)?,
        followers: usize::try_from(number("followers", 20)?)?,
        pause_ms: number("pause-ms", 1_000)?,
    };
    let measured = runtime.block_on(measure(&options))?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// The arguments: `--name value`. What cargo adds by itself has no value and is left out.
fn pairs() -> std::collections::HashMap<String, String> {
    let mut arguments = std::env::args().skip(1).peekable();
    let mut pairs = std::collections::HashMap::new();
    while let Some(argument) = arguments.next() {
        let Some(name) = argument.strip_prefix("--") else { continue };
        if let Some(value) = arguments.next_if(|next| !next.starts_with("--")) {
            pairs.insert(name.to_owned(), value);
        }
    }
    pairs
}

async fn measure(options: &Options) -> Result<Measured, Failure> {
    let folder = tempfile::tempdir()?;
    let history = History::open(&format!("sqlite://{}", folder.path().join("history.db").display())).await?;
    let registry = Registry::of([&lab::DESCRIPTOR])?;
    let runner = Arc::new(Runner::new(registry, history.clone(), folder.path()));
    let systems = Systems { sites: options.changes, batch_ms: options.batch_ms, ..Systems::default() };
    let lab = Arc::new(Lab { names: vec!["lab".to_owned()], systems });
    let sync = systems.definition("lab");
    let run = runner.trigger(&sync, &RunRequest::default()).await?.run();

    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/api/v1", listener.local_addr()?);
    let live = Live::new(history.clone(), stop.clone());
    let auth = Auth::new(runner.history().clone(), AuthSettings::default());
    let state = ApiState { runner: Arc::clone(&runner), syncs: lab, auth, live, retention: Retention::default() };
    let app = Router::new().nest("/api/v1", router(state));
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
    let serving = tokio::spawn(async move { serving.await });

    let crowd = if options.readers + options.followers > 0 { Some(gather(options, &url, run).await?) } else { None };
    let begun = Instant::now();
    let report = runner.go_on(run, &sync, &Events::new(), &CancellationToken::new()).await?;
    let seconds = begun.elapsed().as_secs_f64();
    if report.status != RunStatus::Completed || report.total().applied != options.changes {
        return Err(format!("the run is {}: {:?}", report.status, report.error).into());
    }
    let crowd = match crowd {
        Some(crowd) => Some(crowd.end().await?),
        None => None,
    };
    stop.cancel();
    serving.await??;
    let (events, _) = history.last_event(run).await?.ok_or("the run is gone")?;
    let complete = crowd.iter().flat_map(|heard| &heard.events).filter(|heard| **heard == events).count();
    let event_bytes = history.size().await?.tables.get("run_event").copied().unwrap_or_default();
    history.close().await?;
    Ok(Measured { changes: options.changes, seconds, events, event_bytes, crowd, complete })
}

/// The crowd in its own process.
struct Gathered {
    process: tokio::process::Child,
    output: BufReader<tokio::process::ChildStdout>,
}

/// Starts the crowd, and waits until every follower follows.
async fn gather(options: &Options, url: &str, run: RunId) -> Result<Gathered, Failure> {
    let program = std::env::current_exe()?;
    let program: &Path = program.as_ref();
    let mut process = tokio::process::Command::new(program)
        .args(["--crowd", url, "--run", &run.to_string()])
        .args(["--readers", &options.readers.to_string(), "--followers", &options.followers.to_string()])
        .args(["--pause-ms", &options.pause_ms.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = process.stdout.take().ok_or("the crowd has no output")?;
    let mut output = BufReader::new(output);
    let mut said = String::new();
    output.read_line(&mut said).await?;
    if said.trim() != "ready" {
        return Err(format!("the crowd did not gather: {said}").into());
    }
    Ok(Gathered { process, output })
}

impl Gathered {
    async fn end(mut self) -> Result<Heard, Failure> {
        let mut said = String::new();
        self.output.read_line(&mut said).await?;
        self.process.wait().await?;
        Ok(serde_json::from_str(&said)?)
    }
}
