//! What a connector's author says, so that the kit can try it.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_core::ErrorKind;
use syncline_core::native::Native;
use syncline_testkit::fault_proxy::Seen;

use crate::check::Check;
use crate::network::Network;
use crate::real::Real;

/// Whatever went wrong.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connector under test, and how to get systems to try it with.
#[async_trait]
pub trait Lab: Sync {
    /// The id of the connector, as it registers itself.
    fn connector(&self) -> &'static str;

    /// Starts a system of its own for one check: an empty one for a target, one with some records for a source.
    async fn start(&self) -> Result<Box<dyn System>, BoxError>;

    /// The real system that the environment names, in the place of a system that is started: see [`Real`].
    async fn connect(&self, real: &Real) -> Result<Box<dyn System>, BoxError> {
        Err(format!("the lab does not say how the system at {} is reached: `Lab::connect`", real.url()).into())
    }

    /// Whether the systems are only read: real ones that nobody gave to be overwritten. The kit says so; a lab need not.
    fn reads_only(&self) -> bool {
        false
    }

    /// What is not proven, and why.
    fn skips(&self) -> &'static [Skip] {
        &[]
    }

    /// The records that are written. The sample holds all that is awkward; a target that keeps models of its own has its own.
    fn network(&self) -> Network {
        Network::sample()
    }
}

/// A promise that is not tried.
#[derive(Debug, Clone, Copy)]
pub struct Skip {
    /// The promise.
    pub check: Check,
    /// Why it cannot be proven. It stands in the capability matrix.
    pub reason: &'static str,
}

/// The settings with which the connector reaches a system.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach it.
    pub connection: Value,
    /// What is asked of it as a source.
    pub source: Value,
    /// What is asked of it as a target.
    pub target: Value,
}

/// A connection that cannot work.
#[derive(Debug, Clone)]
pub struct Broken {
    /// What is wrong with it: `a wrong token`.
    pub what: &'static str,
    /// The connection.
    pub connection: Value,
    /// The kinds of error that tell it.
    pub kinds: &'static [ErrorKind],
}

/// A system that the connector is tried with: a simulator, or a real one.
#[async_trait]
pub trait System: Send + Sync {
    /// Its URL; none for what is not reached by HTTP. The kit puts a proxy in front of it.
    fn url(&self) -> Option<String> {
        None
    }

    /// The settings to reach it, at this URL instead of its own if there is one. Waits between attempts should be short.
    fn settings(&self, url: Option<&str>) -> Settings;

    /// The secrets themselves, which must appear nowhere.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    /// Connections that cannot work, beside a port where nobody listens and a system that forbids everything, which the kit makes itself
    /// of whatever has a URL.
    fn broken(&self) -> Vec<Broken> {
        Vec::new()
    }

    /// Where in the connection the number of records a page is set, as a JSON pointer.
    fn page_size(&self) -> Option<&'static str> {
        None
    }

    /// Whether a request changes something. By default, whatever is not GET, HEAD or OPTIONS.
    fn is_write(&self, request: &Seen) -> bool {
        !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// Changes a record as somebody else would, in a field that the connector reads.
    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        Err(format!("the lab does not say how somebody else changes the {model} {}", native.id).into())
    }

    /// Makes a list one record shorter than the system says that it is, from now on: what a page that was lost looks like. Whether it
    /// can.
    async fn shorten(&self) -> bool {
        false
    }

    /// A record that the system refuses, beside those that it takes: its model and fields. By default, none.
    fn refused(&self) -> Option<(&'static str, Value)> {
        None
    }

    /// Fills the system with so many records, for the test of memory. Whether it can.
    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        let _ = records;
        Ok(false)
    }
}

impl Settings {
    /// Settings of which only the connection says something.
    pub fn of(connection: Value) -> Self {
        Self { connection, source: json!({}), target: json!({}) }
    }
}
