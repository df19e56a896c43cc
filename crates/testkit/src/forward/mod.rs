//! A Forward Enterprise server that runs in the test's own process and answers over real HTTP.
//!
//! It holds networks with Forward snapshots, each made from an [`Estate`], and serves the routes that a data source needs:
//! version, user, networks, snapshot listings and metrics, `POST /nqe`, executions with streamed results, diffs, the query
//! library, devices, locations. It checks what the real server checks (credentials, exactly one query, unknown fields, declared
//! parameters, page limits) and goes wrong on demand: see [`Faults`].
//!
//! It does not run NQE. A query is recognised by its id in the simulated library, or by the marker comment that the shipped
//! query files start with; its parameters are read from the text.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use syncline_testkit::estate::{Estate, EstateOptions};
//! use syncline_testkit::forward::{ForwardOptions, ForwardSim};
//!
//! let mut estate = Estate::generate(EstateOptions::small());
//! let sim = ForwardSim::start(ForwardOptions::default()).await?;
//! let first = sim.add_snapshot(estate.clone());
//! estate.remove_device("fra1-acc-01")?;
//! let second = sim.add_snapshot(estate);
//! sim.faults(|faults| faults.kill_after_rows = Some(100));
//! println!("{} {}", sim.url(), sim.access_key());
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod catalogues;
mod datasets;
mod diffs;
mod executions;
mod faults;
mod library;
mod nqe;
mod query;
mod routes;
mod server;
mod state;
mod table;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use datasets::Dataset;
pub use faults::{
    Break, BreakEnd, Canned, Denial, Faults, LatestProcessed, LibraryShape, Outcome, QueryFailure, RateLimit,
};
pub use state::SnapshotState;

use crate::estate::Estate;
use crate::watch::Watcher;
use query::LibraryQuery;
use server::Shared;
use state::State;

/// The network that every simulator starts with.
pub const NETWORK: &str = "101";

/// How a simulated server is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardOptions {
    /// User name of the one credential that is accepted.
    pub access_key: String,
    /// Password of it.
    pub secret: String,
    /// Release; before 26.6 there are no executions.
    pub version: String,
    /// Listings hold what a sync must pass over: predicted, draft, failed, processing, archived snapshots, a what-if network.
    pub decoys: bool,
}

/// A running simulated server; stops when dropped.
pub struct ForwardSim {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Mutex<JoinHandle<()>>,
}

/// A request that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query string.
    pub url: String,
    /// Body as text.
    pub body: String,
}

impl Default for ForwardOptions {
    fn default() -> Self {
        Self {
            access_key: "abcd-efghi-jklm".to_owned(),
            secret: "q7w8e9r0t1z2u3i4o5p6a7s8d9f0g1h2".to_owned(),
            version: "26.7.0-02".to_owned(),
            decoys: true,
        }
    }
}

impl ForwardSim {
    /// Starts on a free port of 127.0.0.1, with the empty network [`NETWORK`].
    pub async fn start(options: ForwardOptions) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(State::new(options)));
        let server = Mutex::new(shared.serve(listener));
        Ok(Self { shared, address, server })
    }

    /// Starts with one Forward snapshot of the estate.
    pub async fn with_estate(estate: Estate) -> io::Result<Self> {
        let sim = Self::start(ForwardOptions::default()).await?;
        sim.add_snapshot(estate);
        Ok(sim)
    }

    /// Root of the server, without `/api`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// User name of the accepted credential.
    pub fn access_key(&self) -> String {
        self.shared.state().options.access_key.clone()
    }

    /// Password of the accepted credential.
    pub fn secret(&self) -> String {
        self.shared.state().options.secret.clone()
    }

    /// Adds an empty network and returns its id.
    pub fn add_network(&self, name: &str) -> String {
        self.shared.state().add_network(name, None)
    }

    /// Adds a processed Forward snapshot to [`NETWORK`], a day newer than the newest, and returns its id.
    pub fn add_snapshot(&self, estate: Estate) -> String {
        self.add_snapshot_in(NETWORK, estate, SnapshotState::Processed).unwrap_or_default()
    }

    /// Adds a Forward snapshot to a network; `None` if there is no such network.
    pub fn add_snapshot_in(&self, network: &str, estate: Estate, state: SnapshotState) -> Option<String> {
        self.shared.state().add_snapshot(network, Arc::new(estate), state, "COLLECTION", true)
    }

    /// Adds a Forward snapshot to [`NETWORK`] whose collection was cancelled: processed, with devices, but queries find none.
    pub fn add_uncollected_snapshot(&self, estate: Estate) -> String {
        let mut state = self.shared.state();
        let added = state.add_snapshot(NETWORK, Arc::new(estate), SnapshotState::Processed, "COLLECTION", false);
        added.unwrap_or_default()
    }

    /// The id of the query of that data set in the library.
    pub fn query_id(&self, dataset: Dataset) -> String {
        let state = self.shared.state();
        let entry = state.library.iter().find(|entry| entry.dataset == dataset);
        entry.map(|entry| entry.id.clone()).unwrap_or_default()
    }

    /// Adds a query to the library under a path and returns its id.
    pub fn add_query(&self, path: &str, dataset: Dataset) -> String {
        let entry = LibraryQuery::new(path, dataset);
        let id = entry.id.clone();
        self.shared.state().library.push(entry);
        id
    }

    /// Deletes a query from the library; it still runs with its commit id.
    pub fn delete_query(&self, id: &str) {
        let mut state = self.shared.state();
        state.library.iter_mut().filter(|entry| entry.id == id).for_each(|entry| entry.deleted = true);
    }

    /// Changes switches, effective from the next request (or body) on.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.shared.state().faults);
    }

    /// Sets all switches back.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        state.faults = Faults { polls: 1, ..Faults::default() };
        state.locked_until = None;
        state.recent.clear();
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.state().requests.clone()
    }

    /// How many requests had a method and URL (`POST /api/nqe?…`) that contain the text.
    pub fn count(&self, text: &str) -> usize {
        let state = self.shared.state();
        state.requests.iter().filter(|request| format!("{} {}", request.method, request.url).contains(text)).count()
    }

    /// Forgets the requests and the rows so far; what is to happen after so many of them counts from here.
    pub fn forget_requests(&self) {
        let mut state = self.shared.state();
        state.requests.clear();
        state.request_count = 0;
        self.shared.forget_rows();
    }

    /// How many rows have been sent.
    pub fn rows_served(&self) -> u64 {
        self.shared.rows_served()
    }

    /// Tells `watcher` of every request from now on, or nobody. A request whose answer is a stream is done when the stream begins.
    pub fn watch(&self, watcher: Option<Watcher>) {
        self.shared.watch.set(watcher);
    }

    /// Stops listening and breaks all connections, as a crash does. What it knows stays: see [`ForwardSim::revive`].
    pub fn kill(&self) {
        self.shared.kill();
    }

    /// Listens again at the same address after a kill.
    pub async fn revive(&self) -> io::Result<()> {
        self.ended().await;
        let listener = TcpListener::bind(self.address).await?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = self.shared.serve(listener);
        Ok(())
    }

    /// Stops.
    pub async fn stop(self) {
        self.ended().await;
    }

    async fn ended(&self) {
        self.shared.kill();
        let nothing = tokio::spawn(async {});
        let server = std::mem::replace(&mut *self.server.lock().unwrap_or_else(PoisonError::into_inner), nothing);
        // A server task that panicked has ended too.
        let _ = server.await;
    }
}

impl Drop for ForwardSim {
    fn drop(&mut self) {
        self.shared.kill();
    }
}
