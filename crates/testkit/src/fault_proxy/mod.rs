//! A proxy in front of a simulated system that does to requests what networks do: delays, refusals, broken connections,
//! answers that are cut or never end.
//!
//! What happens to a request is decided by the seed and the request's number alone, so that a run with the same requests in the
//! same order meets the same faults. The worst of them is [`FaultKind::ResetAfter`]: the system did what it was asked, and the
//! one who asked never hears of it.

mod http;
mod plan;
mod serve;
mod strike;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use plan::{FaultKind, FaultPlan};
pub use strike::{Seen, Strike};

/// A fault that a request met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The number of the request, from 1 on.
    pub number: u64,
    /// The request's method.
    pub method: String,
    /// The request's path with its query.
    pub path: String,
    /// What happened to it.
    pub kind: FaultKind,
    /// Whether the system behind the proxy was handed the request.
    pub reached_upstream: bool,
}

/// A running proxy. It stops when it is dropped, and breaks the connections that it has.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    shared: Arc<Shared>,
    running: CancellationToken,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    /// Host and port of the system behind the proxy.
    upstream: String,
    seed: u64,
    requests: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plan: FaultPlan,
    faults: Vec<Fault>,
    /// Faults since the plan was set.
    under_plan: u64,
    strike: Option<Strike>,
    /// The requests that came in; none where nobody wants to know.
    seen: Option<Vec<Seen>>,
}

impl FaultProxy {
    /// Starts a proxy on a free port of 127.0.0.1, in front of a system with an `http` URL.
    ///
    /// Needs a Tokio runtime that lives as long as the proxy does.
    pub async fn start(upstream: &str, seed: u64, plan: FaultPlan) -> io::Result<Self> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, format!("`{upstream}` is no `http` URL"));
        let (host, path) = upstream
            .strip_prefix("http://")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .ok_or_else(invalid)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/{path}", listener.local_addr()?).trim_end_matches('/').to_owned();
        let shared = Arc::new(Shared {
            upstream: host.to_owned(),
            seed,
            requests: AtomicU64::new(0),
            state: Mutex::new(State { plan, faults: Vec::new(), under_plan: 0, strike: None, seen: None }),
        });
        let running = CancellationToken::new();
        tokio::spawn(running.clone().run_until_cancelled_owned(serve::accept(
            listener,
            Arc::clone(&shared),
            running.clone(),
        )));
        Ok(Self { url, shared, running })
    }

    /// The URL that takes the place of the system's own.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests came in.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// The faults so far, in the order in which they were decided.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.state().faults.clone()
    }

    /// Goes on with another plan, for requests that come from now on. Its limit counts from here.
    pub fn set_plan(&self, plan: FaultPlan) {
        let mut state = self.shared.state();
        state.plan = plan;
        state.under_plan = 0;
    }

    /// Strikes certain requests of those that come from now on, before the plan is asked.
    pub fn strike(&self, strike: Strike) {
        self.shared.state().strike = Some(strike);
    }

    /// Notes the requests that come from now on, and strikes none of them; what was noted before is forgotten.
    pub fn watch(&self) {
        let mut state = self.shared.state();
        state.seen = Some(Vec::new());
        state.strike = None;
    }

    /// The requests since [`watch`](Self::watch), in the order in which they came.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.state().seen.clone().unwrap_or_default()
    }

    /// Stops listening and breaks all connections.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.running.cancel();
    }
}

impl Shared {
    /// The state. A test that panicked while holding it does not take the others down.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers a request and decides what happens to it.
    fn decide(&self, method: &str, path: &str, body: &[u8]) -> Option<FaultKind> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let mut state = self.state();
        let seen = Seen::now(method, path, body);
        let struck = state.strike.as_mut().and_then(|strike| strike.meet(&seen));
        if let Some(all) = &mut state.seen {
            all.push(Seen { fault: struck, ..seen });
        }
        let kind = match struck {
            Some(kind) => kind,
            None if state.plan.limit.is_some_and(|limit| state.under_plan >= limit) => return None,
            None => {
                let kind = state.plan.decide(self.seed, number)?;
                state.under_plan += 1;
                kind
            }
        };
        state.faults.push(Fault {
            number,
            method: method.to_owned(),
            path: path.to_owned(),
            kind,
            reached_upstream: kind.reaches_upstream(),
        });
        Some(kind)
    }
}
