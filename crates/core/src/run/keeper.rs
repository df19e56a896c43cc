//! Keeping a run while working on it.

use std::time::{Duration, Instant};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ErrorKind;
use crate::history::{Claim, History, Stop};
use crate::metrics;
use crate::stop::StopSignal;

/// How often at least a runner asks whether somebody wants its run to stop.
const ATTENTION: Duration = Duration::from_secs(2);

/// Asks for more time for a run until it is dropped, and hears what people want of it meanwhile.
///
/// It asks on its own task, so that neither a slow system nor a long comparison lets the lease run out.
pub struct LeaseKeeper {
    _stop: DropGuard,
}

impl LeaseKeeper {
    /// Keeps `claim` from now on. `stop` is given when a person asks, and when another runner has the run.
    pub fn start(history: History, claim: Claim, lease: Duration, stop: StopSignal) -> Self {
        let ended = CancellationToken::new();
        tokio::spawn(keep(history, claim, lease, stop, ended.clone()));
        Self { _stop: ended.drop_guard() }
    }
}

async fn keep(history: History, claim: Claim, lease: Duration, stop: StopSignal, ended: CancellationToken) {
    let mut kept = Instant::now();
    let pause = ATTENTION.min(lease / 3);
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let asked = Instant::now();
        match history.renew(claim, lease).await {
            Ok(request) => {
                kept = asked;
                match request {
                    Some(request) if request.stop == Stop::Cancel => stop.cancel(request.words()),
                    Some(request) => stop.pause(request.words()),
                    None => {}
                }
            }
            Err(error) if error.kind() == ErrorKind::LeaseLost => {
                metrics::lease_lost();
                return stop.lose_lease();
            }
            // The history cannot be reached. Somebody else may have the run once its time is over.
            Err(error) if kept.elapsed() >= lease => {
                tracing::warn!(run = %claim.run, error = %error.report(), "the lease of a run could not be kept");
                metrics::lease_lost();
                return stop.lose_lease();
            }
            Err(_) => {}
        }
    }
}
