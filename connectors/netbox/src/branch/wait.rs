//! Waiting for NetBox's workers.

use std::time::Duration;

use syncline_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::client::ReadClient;

/// How a job of NetBox is waited for. NetBox tells nobody when it ends, so it is looked at again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The wait before the second look; each is half as long again as the one before.
    pub first: Duration,
    /// The longest wait between two looks.
    pub longest: Duration,
    /// How long nothing may happen while NetBox has no worker.
    pub idle: Duration,
    /// How long all of it may take.
    pub limit: Duration,
}

impl Patience {
    /// Waits at most this many minutes.
    pub fn minutes(minutes: u32) -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(5),
            idle: Duration::from_mins(1),
            limit: Duration::from_mins(u64::from(minutes)),
        }
    }

    /// Begins to wait. `what` says what is not so until then.
    pub fn begin(self, reader: &ReadClient, what: String) -> Waiting<'_> {
        Waiting { patience: self, reader, what, begun: Instant::now(), wait: self.first }
    }
}

/// Waiting under way.
pub(crate) struct Waiting<'a> {
    patience: Patience,
    reader: &'a ReadClient,
    what: String,
    begun: Instant,
    wait: Duration,
}

impl Waiting<'_> {
    /// Waits until the next look. An error when that has gone on for too long, or when nobody is there to work.
    pub async fn on(&mut self) -> Result<()> {
        let Self { patience, reader, what, .. } = self;
        let waited = self.begun.elapsed();
        if waited >= patience.idle && reader.ask_status().await?.workers == Some(0) {
            let message = format!("{what}, and NetBox has no worker that could see to it: start `manage.py rqworker`");
            return Err(Error::new(ErrorKind::Remote, message).temporary());
        }
        if waited >= patience.limit {
            let minutes = patience.limit.as_secs() / 60;
            let message = format!(
                "{what} after {minutes} minutes: look at its job in NetBox, or raise `branch_wait_minutes`, and go on with \
                 the run"
            );
            return Err(Error::new(ErrorKind::Remote, message).temporary());
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 3 / 2).min(self.patience.longest);
        Ok(())
    }
}
