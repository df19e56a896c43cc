//! What the commands share: the console, the connectors, the configuration.

use std::sync::OnceLock;
use syncline_core::run::{MemoryMeter, SideDefinition, SyncDefinition};

use syncline_core::connector::{ConnectContext, ConnectorDescriptor};
use syncline_core::event::Events;
use syncline_core::source::DataSource;
use syncline_core::target::DataTarget;
use syncline_core::{Error, ErrorKind, Result};
use tokio_util::sync::CancellationToken;

use super::args::Global;
use super::console::Console;
use super::failure::Failure;
use super::interrupt;
use crate::config::{self, Configuration};

/// What the commands share.
pub struct Session {
    /// Where words go.
    pub console: Console,
    /// What every command understands.
    pub global: Global,
    /// What measures the program's memory.
    pub memory: &'static dyn MemoryMeter,
    cancel: OnceLock<CancellationToken>,
}

impl Session {
    /// What the commands share, at the beginning.
    pub fn new(console: Console, global: Global, memory: &'static dyn MemoryMeter) -> Self {
        Self { console, global, memory, cancel: OnceLock::new() }
    }

    /// The token that Ctrl-C cancels. Until a command asks for it, Ctrl-C ends the process.
    pub fn cancel(&self) -> CancellationToken {
        self.cancel.get_or_init(|| interrupt::cancellation(&self.console)).clone()
    }

    /// The configuration, without known problems.
    pub fn configuration(&self) -> Result<Configuration, Failure> {
        let registry = crate::registry()?;
        let environment: Vec<_> = environment();
        let file = match config::find(self.global.config.as_deref()) {
            Ok(file) => Some(file),
            // Everything may come from the environment.
            Err(_) if environment.iter().any(|(name, _)| name.starts_with("SYNCLINE__")) => None,
            Err(error) => return Err(error.into()),
        };
        let loaded = config::load(file.as_deref(), environment)?;
        Ok(config::check(&loaded, &registry)?)
    }

    /// A sync of the configuration.
    pub fn sync(&self, name: &str) -> Result<(Configuration, SyncDefinition), Failure> {
        let configuration = self.configuration()?;
        let definition = configuration.definition(name)?;
        Ok((configuration, definition))
    }
}

fn environment() -> Vec<(String, String)> {
    let readable =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    readable.collect()
}

/// Opens the source side.
pub async fn connect_source(
    connector: &ConnectorDescriptor,
    side: &SideDefinition,
    events: &Events,
) -> Result<Box<dyn DataSource>> {
    let source = connector.source.as_ref().ok_or_else(|| cannot_be(connector, "a source"))?;
    (source.connect)(side.connection.clone(), side.parameters.clone(), ConnectContext { events: events.clone() }).await
}

/// Opens the target side's reading half.
pub async fn connect_target(
    connector: &ConnectorDescriptor,
    side: &SideDefinition,
    events: &Events,
) -> Result<Box<dyn DataTarget>> {
    let target = connector.target.as_ref().ok_or_else(|| cannot_be(connector, "a target"))?;
    (target.connect)(side.connection.clone(), side.parameters.clone(), ConnectContext { events: events.clone() }).await
}

fn cannot_be(connector: &ConnectorDescriptor, what: &str) -> Error {
    Error::new(ErrorKind::Settings, format!("the connector `{}` cannot be {what}", connector.id))
}
