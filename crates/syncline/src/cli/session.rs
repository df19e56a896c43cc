//! What the commands share: the console, the connectors, the configuration.

use std::sync::{Arc, OnceLock};

use syncline_core::run::{ConfiguredSync, MemoryMeter, Runner, SyncBook as _};
use tokio_util::sync::CancellationToken;

use super::args::Global;
use super::console::Console;
use super::failure::Failure;
use super::interrupt;
use crate::Book;
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

/// The syncs, and what runs them.
pub struct Opened {
    /// The syncs.
    pub book: Book,
    /// What runs them.
    pub runner: Runner,
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
        Ok(config::check(&self.loaded()?, &crate::registry()?)?)
    }

    /// What was read, not yet judged.
    pub fn loaded(&self) -> Result<config::Loaded, Failure> {
        let environment: Vec<_> = environment();
        let file = match config::find(self.global.config.as_deref()) {
            Ok(file) => Some(file),
            // Everything may come from the environment.
            Err(_) if environment.iter().any(|(name, _)| name.starts_with("SYNCLINE__")) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(config::load(file.as_deref(), environment)?)
    }

    /// The syncs, and what runs them.
    pub async fn open(&self) -> Result<Opened, Failure> {
        let loaded = self.loaded()?;
        let configuration = config::check(&loaded, &crate::registry()?)?;
        let runner = crate::runner(&configuration).await?.with_memory_meter(self.memory);
        let book = Book::new(loaded, configuration, runner.history().clone());
        let runner = runner.with_book(Arc::new(book.clone()));
        Ok(Opened { book, runner })
    }

    /// A sync, whoever keeps it. A history is opened only to look for one that the file does not have.
    pub async fn sync(&self, name: &str) -> Result<ConfiguredSync, Failure> {
        let configuration = self.configuration()?;
        match configuration.syncs.get(name) {
            Some(sync) => Ok(configuration.configured(name, sync, false)?),
            None => Ok(self.open().await?.book.sync(name).await?),
        }
    }
}

fn environment() -> Vec<(String, String)> {
    let readable =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    readable.collect()
}
