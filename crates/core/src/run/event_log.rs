//! What happens in a run goes to the history while it happens: its events, and with them the lines of its log.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::RunReport;
use crate::event::{Backlog, Event, Events, Happened, Level};
use crate::history::{Claim, History};
use crate::requests::SideRequests;
use crate::{Error, ErrorKind, Result};

/// How often what happened is written down while a run works.
const PAUSE: Duration = Duration::from_millis(250);
/// Once in so many times it is told how much was asked of the systems, where that is more than before.
const ASKED: u32 = 4;

/// Writes the events of a run as they come, a few times a second, in short transactions of a task of its own: the run waits for
/// none of them. Of a run that is killed all is there up to its last moment.
///
/// Nothing is lost on the way: events are not taken from the broadcast stream, which forgets its oldest, but from a [`Backlog`].
pub struct EventLog {
    history: History,
    claim: Claim,
    backlog: Arc<Backlog>,
    stop: DropGuard,
    writing: tokio::task::JoinHandle<Asked>,
}

/// How much is asked of the systems. The requests themselves are counted, and tell nobody: there are too many of them.
struct Asked {
    events: Events,
    /// By earlier attempts at the run.
    earlier: SideRequests,
    told: SideRequests,
}

impl Asked {
    /// Tells how much it is by now, unless that was told.
    fn tell(&mut self) {
        let mut now = self.earlier;
        now += self.events.requests_so_far();
        if now != self.told {
            self.told = now;
            self.events.emit(Event::Requests(now));
        }
    }
}

impl EventLog {
    /// Keeps what happens from now on in a run that the caller has, and for which `earlier` attempts asked so much.
    pub fn keep(history: History, claim: Claim, events: &Events, earlier: SideRequests) -> Self {
        let (backlog, stop) = (events.collect(), CancellationToken::new());
        let asked = Asked { events: events.clone(), earlier, told: earlier };
        let writing = tokio::spawn(write(history.clone(), claim, Arc::clone(&backlog), asked, stop.clone()));
        Self { history, claim, backlog, stop: stop.drop_guard(), writing }
    }

    /// Writes what happened since, with the error that ended the run last.
    pub async fn end(self, report: &RunReport) -> Result<()> {
        drop(self.stop);
        let asked = self.writing.await;
        let mut asked =
            asked.map_err(|error| Error::new(ErrorKind::Internal, "the events were not written").caused_by(error))?;
        asked.tell();
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
async fn write(
    history: History,
    claim: Claim,
    backlog: Arc<Backlog>,
    mut asked: Asked,
    stop: CancellationToken,
) -> Asked {
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in 0_u32.. {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = pause.tick() => {}
        }
        if round.is_multiple_of(ASKED) {
            asked.tell();
        }
        let happened = backlog.take();
        if let Err(error) = history.append_events(claim, &happened).await {
            tracing::debug!(run = %claim.run, error = %error.report(), "the events wait");
            backlog.put_back(happened);
        }
    }
    asked
}
