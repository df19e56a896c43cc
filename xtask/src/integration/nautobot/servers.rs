//! Two Nautobot servers of our own, and what they stand on.

use std::thread;

use anyhow::anyhow;
use xshell::Shell;

use super::super::{Problem, debian, postgres};
use super::database::{self, Copy};
use super::redis::{self, Redis};
use super::release::{Installed, Release};
use super::systems::Systems;
use super::web::Web;

/// Two running servers. What comes first is stopped before what it stands on.
#[derive(Debug)]
pub(super) struct Servers {
    first: Web,
    second: Web,
    redis: Redis,
    postgres: postgres::Server,
    token: String,
    pub(super) version: String,
}

impl Servers {
    /// Installs what is missing, and starts them.
    pub(super) fn start(shell: &Shell, release: &Release) -> Result<Self, Problem> {
        let packages: Vec<_> = postgres::missing(shell).into_iter().chain(redis::missing(shell)).collect();
        if !packages.is_empty() {
            debian::install(shell, &packages).map_err(Problem::Missing)?;
        }
        let installed = release.ensure(shell).map_err(Problem::Missing)?;
        let postgres = postgres::Server::start(shell)?;
        Self::start_over(shell, &installed, postgres).map_err(Problem::Failed)
    }

    fn start_over(shell: &Shell, installed: &Installed, postgres: postgres::Server) -> anyhow::Result<Self> {
        let redis = Redis::start(shell, &installed.folder)?;
        let token = database::migrated(shell, &postgres, &redis, installed)?;
        let first = Copy::make(shell, &postgres, &redis, "first", 1)?;
        let second = Copy::make(shell, &postgres, &redis, "second", 2)?;
        let start = |copy: &Copy| Web::start(installed, copy, &token);
        // They take their time, and more than one processor when there is one.
        let (first, second) = thread::scope(|scope| {
            let second = scope.spawn(|| start(&second));
            (start(&first), second.join())
        });
        let second = second.map_err(|_| anyhow!("the thread that started the second server has panicked"))?;
        let version = installed.version.clone();
        Ok(Self { first: first?, second: second?, redis, postgres, token, version })
    }

    /// How they are found.
    pub(super) fn systems(&self) -> Systems {
        Systems {
            url: Some(self.first.url()),
            token: Some(self.token.clone()),
            may_write: Some(self.first.url()),
            reset: Some(self.first.reset.clone()),
            second_url: Some(self.second.url()),
            second_reset: Some(self.second.reset.clone()),
        }
    }

    /// How many requests of others both have answered.
    pub(super) fn requests(&self) -> u64 {
        self.first.requests() + self.second.requests()
    }

    /// Stops them, and waits until nothing is left of them.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        let Self { first, second, redis, postgres, .. } = self;
        drop((first, second, redis));
        postgres.stop()
    }
}
