//! `syncline serve`, `worker` and `health`: the processes that run by themselves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use syncline_core::history::{History, Role};
use syncline_core::queue::{ApalisQueue, RunQueue, WorkerOptions};
use syncline_core::run::{Scheduler, SyncBook, Worker};
use syncline_core::{Error, ErrorKind};
use syncline_web::auth::Auth;
use syncline_web::live::Live;
use syncline_web::{ApiState, SyncStore};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::upkeep;
use crate::cli::args::{Serve, WorkerArguments};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::{Opened, Session};
use crate::config::{Asked, OidcSettings, WebSettings};
use crate::notify::{Channel, Teller};
use crate::telemetry::{PrometheusHandle, Readiness, listen, probes, prometheus};

/// How long the database may take to say that it is there.
const READY: Duration = Duration::from_secs(5);
/// How somebody is made who may do everything.
const MAKE_ADMIN: &str = "syncline account add NAME --role admin";
/// How long a server may take to say how it is.
const HEALTH: Duration = Duration::from_secs(10);

/// `syncline serve`.
pub async fn serve(session: &Session, options: &Serve) -> Result<Exit, Failure> {
    let process = Process::start(session, &options.worker).await?;
    ensure_private(options.listen, &process.book.configuration().web, process.runner.history()).await?;
    process.book.provision().await?;
    for warning in &process.book.configuration().warnings {
        tracing::warn!("{warning}");
    }
    let auth = Auth::new(process.runner.history().clone(), process.book.configuration().web.auth()?);
    let channels = process.book.configuration().notify.iter().map(|(name, settings)| Channel::open(name, settings));
    let channels: Vec<_> = channels.collect::<syncline_core::Result<_>>()?;
    let listener = bound(options.listen).await?;
    // The port that it got, where none was asked for.
    let address = listener.local_addr().unwrap_or(options.listen);
    session.console.note(&format!("listening on http://{address}"));
    let scheduler = Scheduler::new(&process.runner, process.book.as_ref());
    let web = process.web(listener, Some(auth));
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
    let teller =
        Teller { history, holder: process.runner.worker(), shown: process.book.configuration().web.url.as_ref() };
    let notifying = Box::pin(join_all(channels.iter().map(|channel| teller.tell(channel, &process.cancel))));
    let (web, (), working, metrics, (), _) =
        futures::join!(web, scheduling, working, process.metrics(&options.worker), upkeep, notifying);
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
    /// Whether there is a worker here that has begun, and whether it has ended.
    worker: Arc<AtomicU8>,
}

/// No worker was asked for, or it has not begun.
const NO_WORKER: u8 = 0;
/// The worker takes runs.
const WORKS: u8 = 1;
/// The worker takes runs no more.
const ENDED: u8 = 2;

impl Process {
    async fn start(session: &Session, options: &WorkerArguments) -> Result<Self, Failure> {
        let metrics = prometheus();
        let cancel = session.cancel();
        let Opened { book, runner } = session.open().await?;
        let runner = runner.with_lease(Duration::from_secs(options.lease)).with_tries(options.tries);
        let queue = ApalisQueue::open(runner.history()).await?;
        Ok(Self {
            runner: Arc::new(runner),
            book: Arc::new(book.following()),
            queue: Arc::new(queue),
            metrics,
            cancel,
            worker: Arc::new(AtomicU8::new(NO_WORKER)),
        })
    }

    async fn work(&self, options: &WorkerArguments) -> syncline_core::Result<()> {
        let book: Arc<dyn SyncBook> = Arc::<crate::Book>::clone(&self.book);
        let queue: Arc<dyn RunQueue> = Arc::<ApalisQueue>::clone(&self.queue);
        let worker = Arc::new(Worker::new(Arc::clone(&self.runner), book, queue));
        let options = WorkerOptions { concurrency: usize::from(options.concurrency), ..WorkerOptions::default() };
        self.worker.store(WORKS, Ordering::Relaxed);
        let ended = worker.serve(options, &self.cancel).await;
        self.worker.store(ENDED, Ordering::Relaxed);
        ended
    }

    /// The API and the dashboard.
    fn pages(&self, auth: Auth) -> axum::Router {
        let syncs: Arc<dyn SyncStore> = Arc::<crate::Book>::clone(&self.book);
        let limits = self.book.configuration().web.stream_limits();
        let live = Live::with_limits(self.runner.history().clone(), self.cancel.clone(), limits);
        let retention = self.book.configuration().data.retention.clone();
        let state = ApiState { runner: Arc::clone(&self.runner), syncs, auth, live, retention };
        axum::Router::new().nest("/api/v1", syncline_web::router(state.clone())).merge(syncline_web::dashboard(state))
    }

    /// Metrics and health; with `auth` also the API and the pages, and the metrics for those who may read them. Where they stand alone,
    /// somebody chose an address for them.
    async fn web(&self, listener: TcpListener, auth: Option<Auth>) -> std::io::Result<()> {
        let ready = readiness(self.runner.history().clone(), Arc::clone(&self.worker));
        let mut router = probes(self.metrics.clone(), ready, auth.clone());
        if let Some(auth) = auth {
            router = router.merge(self.pages(auth));
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

/// Refuses an address that other machines reach, unless whoever asks there has to say who it is, and somebody can. Warns of what is
/// hardly meant so.
async fn ensure_private(listen: SocketAddr, web: &WebSettings, history: &History) -> Result<(), Failure> {
    let is_private = listen.ip().is_loopback();
    if web.authentication == Asked::Off {
        if is_private {
            if !web.names().is_empty() {
                tracing::warn!(
                    "whoever reaches the names in `web.url` and `web.hosts` may do everything: set `web.authentication = \"users\"`, unless \
                     what stands before the server asks them who they are"
                );
            }
            return Ok(());
        }
        let message = format!(
            "`{listen}` can be reached from other machines, and nobody would be asked who it is: set `web.authentication = \"users\"` and make \
             an admin with `{MAKE_ADMIN}`, or listen on 127.0.0.1; `--metrics-listen` shows metrics and health elsewhere"
        );
        return Err(Failure::argument(message));
    }
    // Whom the provider says to be one is one, too.
    let is_admin_elsewhere = |oidc: &OidcSettings| oidc.roles.values().any(|role| *role == Role::Admin);
    let has_admin = web.oidc.as_ref().is_some_and(is_admin_elsewhere) || history.has_admin().await?;
    if !has_admin && !is_private {
        let message = format!(
            "`{listen}` can be reached from other machines, and no admin can log in: make one with `{MAKE_ADMIN}`, or listen on 127.0.0.1"
        );
        return Err(Failure::argument(message));
    }
    if !has_admin {
        tracing::warn!("no admin can log in: make one with `{MAKE_ADMIN}`");
    }
    if !is_private && !web.is_secure() {
        tracing::warn!(
            "passwords and tokens go through the network for everybody to read: put a proxy with TLS before the server, and set \
             `web.url` to its address"
        );
    }
    if !is_private && web.names().is_empty() {
        tracing::warn!("other machines know no name to which the server answers: set `web.url`, or `web.hosts`");
    }
    Ok(())
}

/// A process is ready when its history answers and is as the program knows it, and the worker that it has takes runs.
fn readiness(history: History, worker: Arc<AtomicU8>) -> Readiness {
    Arc::new(move || {
        let (history, worker) = (history.clone(), worker.load(Ordering::Relaxed));
        async move {
            if worker == ENDED {
                return Err("the worker takes runs no more".to_owned());
            }
            match tokio::time::timeout(READY, history.ensure_ready()).await {
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

#[cfg(test)]
mod tests {
    use syncline_core::history::{Actor, How, NewAccount, Role};

    use super::*;

    async fn refusal(listen: &str, authentication: Asked, history: &History) -> Option<String> {
        let web = WebSettings { authentication, ..WebSettings::default() };
        match ensure_private(listen.parse().unwrap(), &web, history).await {
            Ok(()) => None,
            Err(Failure::Error(error)) => Some(error.message().to_owned()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_process_without_its_worker_is_not_ready() {
        let history = History::in_memory().await.unwrap();
        let worker = Arc::new(AtomicU8::new(NO_WORKER));
        let ready = readiness(history, Arc::clone(&worker));
        assert_eq!(ready().await, Ok(()));
        worker.store(WORKS, Ordering::Relaxed);
        assert_eq!(ready().await, Ok(()));
        worker.store(ENDED, Ordering::Relaxed);
        assert!(ready().await.unwrap_err().contains("worker"));
    }

    #[tokio::test]
    async fn other_machines_are_let_in_only_where_an_admin_can_log_in() {
        let history = History::in_memory().await.unwrap();
        for here in ["127.0.0.1:8420", "127.8.9.1:0", "[::1]:8420"] {
            assert_eq!(refusal(here, Asked::Off, &history).await, None);
            assert_eq!(refusal(here, Asked::Users, &history).await, None);
        }
        for elsewhere in ["0.0.0.0:8420", "[::]:8420", "192.0.2.1:8420"] {
            let message = refusal(elsewhere, Asked::Off, &history).await.unwrap();
            assert!(message.contains("web.authentication") && message.contains("account add"), "{message}");
            let message = refusal(elsewhere, Asked::Users, &history).await.unwrap();
            assert!(message.contains("`syncline account add NAME --role admin`"), "{message}");
        }
        let root = Actor { who: "root".to_owned(), how: How::Cli, address: None, request_id: None };
        for (name, role, password) in [
            ("viewer", Role::Viewer, Some("$hash")),
            // Who has no password cannot log in.
            ("kim", Role::Admin, None),
        ] {
            let password = password.map(|hash| hash.to_owned().into());
            let new = NewAccount { name: name.parse().unwrap(), role, password };
            history.create_account(&new, &root).await.unwrap();
        }
        assert!(refusal("0.0.0.0:8420", Asked::Users, &history).await.is_some());
        history.set_password(&"kim".parse().unwrap(), &"$hash".to_owned().into(), &root).await.unwrap();
        assert_eq!(refusal("0.0.0.0:8420", Asked::Users, &history).await, None);
        assert!(refusal("0.0.0.0:8420", Asked::Off, &history).await.is_some());
    }
}
