//! Keeping a run while working on it.

use std::time::{Duration, Instant};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ErrorKind;
use crate::history::{Claim, History, Stop};
use crate::metrics;
use crate::permit::Validity;
use crate::stop::StopSignal;

/// How often at least a runner asks whether somebody wants its run to stop.
const ATTENTION: Duration = Duration::from_secs(2);

/// Asks for more time for a run until it is dropped, and hears what people want of it meanwhile.
///
/// It asks on its own task, so that neither a slow system nor a long comparison lets the lease run out.
pub struct LeaseKeeper {
    validity: Validity,
    _stop: DropGuard,
}

impl LeaseKeeper {
    /// Keeps `claim` from now on. `stop` is given when a person asks, and when another runner has the run.
    pub fn start(history: History, claim: Claim, lease: Duration, stop: StopSignal) -> Self {
        let (ended, validity) = (CancellationToken::new(), Validity::default());
        let kept = Instant::now();
        validity.prolong(kept + lease);
        let keeping = Keeping { history, claim, lease, stop, validity: validity.clone(), kept };
        tokio::spawn(keeping.keep(ended.clone()));
        Self { validity, _stop: ended.drop_guard() }
    }

    /// For how long the runner may write.
    pub fn validity(&self) -> &Validity {
        &self.validity
    }
}

struct Keeping {
    history: History,
    claim: Claim,
    lease: Duration,
    stop: StopSignal,
    validity: Validity,
    /// When the runner last asked for more time and got it.
    kept: Instant,
}

impl Keeping {
    async fn keep(mut self, ended: CancellationToken) {
        let pause = ATTENTION.min(self.lease / 3);
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let asked = Instant::now();
            match self.history.renew(self.claim, self.lease).await {
                Ok(request) => {
                    self.kept = asked;
                    self.validity.prolong(asked + self.lease);
                    match request {
                        Some(request) if request.stop == Stop::Cancel => self.stop.cancel(request.words()),
                        Some(request) => self.stop.pause(request.words()),
                        None => {}
                    }
                }
                Err(error) if error.kind() == ErrorKind::LeaseLost => {
                    metrics::lease_lost();
                    return self.stop.lose_lease();
                }
                // The history cannot be reached. Somebody else may have the run once its time is over.
                Err(error) if self.kept.elapsed() >= self.lease => {
                    tracing::warn!(run = %self.claim.run, error = %error.report(), "the lease of a run could not be kept");
                    metrics::lease_lost();
                    return self.stop.lose_lease();
                }
                Err(_) => {}
            }
        }
    }
}
