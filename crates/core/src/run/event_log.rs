//! What happens in a run goes to the history while it happens: its events, and with them the lines of its log.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::RunReport;
use crate::event::{Backlog, Event, Events, Happened, Level};
use crate::history::{Claim, History};
use crate::{Error, ErrorKind, Result};

/// How often what happened is written down while a run works.
const PAUSE: Duration = Duration::from_millis(250);

/// Writes the events of a run as they come, a few times a second, in short transactions of a task of its own: the run waits for
/// none of them. Of a run that is killed all is there up to its last moment.
///
/// Nothing is lost on the way: events are not taken from the broadcast stream, which forgets its oldest, but from a [`Backlog`].
pub struct EventLog {
    history: History,
    claim: Claim,
    backlog: Arc<Backlog>,
    stop: DropGuard,
    writing: tokio::task::JoinHandle<()>,
}

impl EventLog {
    /// Keeps what happens from now on in a run that the caller has.
    pub fn keep(history: History, claim: Claim, events: &Events) -> Self {
        let (backlog, stop) = (events.collect(), CancellationToken::new());
        let writing = tokio::spawn(write(history.clone(), claim, Arc::clone(&backlog), stop.clone()));
        Self { history, claim, backlog, stop: stop.drop_guard(), writing }
    }

    /// Writes what happened since, with the error that ended the run last.
    pub async fn end(self, report: &RunReport) -> Result<()> {
        drop(self.stop);
        self.writing
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "the events were not written").caused_by(error))?;
        let mut happened = self.backlog.take();
        if let Some(error) = &report.error {
            let exchange = error.exchange().cloned().map(Box::new);
            let event = Event::Message { level: Level::Error, text: error.report(), exchange };
            happened.push(Happened { at: Utc::now(), event: Arc::new(event) });
        }
        self.history.append_events(self.claim, &happened).await
    }
}

/// Writes down what happens until told to stop.
async fn write(history: History, claim: Claim, backlog: Arc<Backlog>, stop: CancellationToken) {
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = pause.tick() => {}
        }
        let happened = backlog.take();
        if let Err(error) = history.append_events(claim, &happened).await {
            tracing::debug!(run = %claim.run, error = %error.report(), "the events wait");
            backlog.put_back(happened);
        }
    }
}
