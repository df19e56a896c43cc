//! `syncline serve`, `worker` and `health`: the processes that run by themselves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use syncline_core::history::History;
use syncline_core::queue::{ApalisQueue, RunQueue, WorkerOptions};
use syncline_core::run::{Scheduler, SyncBook, Worker};
use syncline_core::{Error, ErrorKind};
use syncline_web::live::Live;
use syncline_web::{ApiState, SyncStore};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::upkeep;
use crate::cli::args::{Serve, WorkerArguments};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::{Opened, Session};
use crate::telemetry::{PrometheusHandle, Readiness, listen, probes, prometheus};

/// How long the database may take to say that it is there.
const READY: Duration = Duration::from_secs(5);
/// How long a server may take to say how it is.
const HEALTH: Duration = Duration::from_secs(10);

/// `syncline serve`.
pub async fn serve(session: &Session, options: &Serve) -> Result<Exit, Failure> {
    if !options.listen.ip().is_loopback() {
        let message = format!(
            "`{}` can be reached from other machines, and there is no login yet: listen on 127.0.0.1 and put a proxy with a \
             login before it; `--metrics-listen` shows metrics and health elsewhere",
            options.listen
        );
        return Err(Failure::argument(message));
    }
    let process = Process::start(session, &options.worker).await?;
    process.book.provision().await?;
    for warning in &process.book.configuration().warnings {
        tracing::warn!("{warning}");
    }
    let listener = bound(options.listen).await?;
    // The port that it got, where none was asked for.
    let address = listener.local_addr().unwrap_or(options.listen);
    session.console.note(&format!("listening on http://{address}"));
    let scheduler = Scheduler::new(&process.runner, process.book.as_ref());
    let web = process.web(listener, Some(process.api()));
    let scheduling = scheduler.run(&process.cancel);
    let working = async {
        if options.no_worker {
            process.cancel.cancelled().await;
            Ok(())
        } else {
            process.work(&options.worker).await
        }
    };
    let (history, limits) = (process.runner.history(), &process.book.configuration().data.retention);
    let upkeep = Box::pin(async {
        let tell = upkeep::tell(&process.book, history, &process.cancel);
        futures::join!(tell, upkeep::tidy(&process.runner, &process.queue, limits, &process.cancel));
    });
    let (web, (), working, metrics, ()) =
        futures::join!(web, scheduling, working, process.metrics(&options.worker), upkeep);
    web?;
    working?;
    metrics?;
    Ok(Exit::Done)
}

/// `syncline worker`.
pub async fn work(session: &Session, options: &WorkerArguments) -> Result<Exit, Failure> {
    let process = Process::start(session, options).await?;
    session.console.note(&format!("working on up to {} runs at a time", options.concurrency));
    let scheduler = Scheduler::new(&process.runner, process.book.as_ref());
    // Every worker schedules too: a tick has one run however many ask for it, and no single process is missed.
    let (working, (), metrics) =
        futures::join!(process.work(options), scheduler.run(&process.cancel), process.metrics(options));
    working?;
    metrics?;
    Ok(Exit::Done)
}

/// `syncline health`.
pub async fn health(session: &Session, url: &url::Url) -> Result<Exit, Failure> {
    let unhealthy = |message: String| Error::new(ErrorKind::Unreachable, message);
    let ready = url.join("/readyz").map_err(|error| unhealthy(format!("`{url}` is no address")).caused_by(error))?;
    let failed = |error: reqwest::Error| unhealthy(format!("`{ready}` does not answer")).caused_by(error.without_url());
    // Straight to this machine, whatever proxy the environment names.
    #[expect(clippy::disallowed_methods, reason = "one question to this machine, without credential, pace or retry")]
    let client = reqwest::Client::builder();
    let client = client.timeout(HEALTH).no_proxy().build().map_err(failed)?;
    let answer = client.get(ready.clone()).send().await.map_err(failed)?;
    let status = answer.status();
    if status.is_success() {
        session.console.show(&serde_json::json!({"ready": true}), |_| "ready\n".to_owned())?;
        return Ok(Exit::Done);
    }
    let text = answer.text().await.map_err(failed)?;
    Err(unhealthy(format!("`{ready}` answers {status}: {}", text.trim())).into())
}

/// What a process that runs by itself has.
struct Process {
    runner: Arc<syncline_core::run::Runner>,
    book: Arc<crate::Book>,
    queue: Arc<ApalisQueue>,
    metrics: PrometheusHandle,
    cancel: CancellationToken,
}

impl Process {
    async fn start(session: &Session, options: &WorkerArguments) -> Result<Self, Failure> {
        let metrics = prometheus();
        let cancel = session.cancel();
        let Opened { book, runner } = session.open().await?;
        let runner = runner.with_lease(Duration::from_secs(options.lease)).with_tries(options.tries);
        let queue = ApalisQueue::open(runner.history()).await?;
        Ok(Self { runner: Arc::new(runner), book: Arc::new(book.following()), queue: Arc::new(queue), metrics, cancel })
    }

    async fn work(&self, options: &WorkerArguments) -> syncline_core::Result<()> {
        let book: Arc<dyn SyncBook> = Arc::<crate::Book>::clone(&self.book);
        let queue: Arc<dyn RunQueue> = Arc::<ApalisQueue>::clone(&self.queue);
        let worker = Arc::new(Worker::new(Arc::clone(&self.runner), book, queue));
        let options = WorkerOptions { concurrency: usize::from(options.concurrency), ..WorkerOptions::default() };
        worker.serve(options, &self.cancel).await
    }

    /// The API, which is served where only this machine reaches it: it knows no login yet.
    fn api(&self) -> axum::Router {
        let syncs: Arc<dyn SyncStore> = Arc::<crate::Book>::clone(&self.book);
        let live = Live::new(self.runner.history().clone(), self.cancel.clone());
        syncline_web::router(ApiState { runner: Arc::clone(&self.runner), syncs, live })
    }

    async fn web(&self, listener: TcpListener, api: Option<axum::Router>) -> std::io::Result<()> {
        let mut router = probes(self.metrics.clone(), readiness(self.runner.history().clone()));
        if let Some(api) = api {
            router = router.nest("/api/v1", api);
        }
        listen(listener, router, self.metrics.clone(), self.cancel.clone()).await
    }

    /// Shows metrics and health where that was asked for.
    async fn metrics(&self, options: &WorkerArguments) -> Result<(), Failure> {
        match options.metrics_listen {
            Some(address) => Ok(self.web(bound(address).await?, None).await?),
            None => Ok(()),
        }
    }
}

/// A process is ready when its history answers.
fn readiness(history: History) -> Readiness {
    Arc::new(move || {
        let history = history.clone();
        async move {
            match tokio::time::timeout(READY, history.ping()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(error.message().to_owned()),
                Err(_) => Err("the history does not answer in time".to_owned()),
            }
        }
        .boxed()
    })
}

async fn bound(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = format!("cannot listen on `{address}`: is another one listening there?");
        Error::new(ErrorKind::Settings, message).caused_by(error).into()
    })
}
