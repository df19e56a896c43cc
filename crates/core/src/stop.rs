//! How a run is stopped from outside.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::{Error, ErrorKind};

/// Stops a run after what is under way: for good, or to go on later. Cloning it gives another handle to the same signal.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    token: CancellationToken,
    ended: Arc<OnceLock<Ended>>,
}

#[derive(Debug)]
enum Ended {
    Cancelled(String),
    Paused(String),
    HandedOver(Option<DateTime<Utc>>),
    InDoubt,
    LeaseLost,
}

impl StopSignal {
    /// A signal that nobody gave yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A signal that is also given, as a cancellation, when `token` is cancelled.
    pub fn following(token: &CancellationToken) -> Self {
        Self { token: token.child_token(), ended: Arc::default() }
    }

    /// Ends the run for good. The first signal counts.
    pub fn cancel(&self, reason: impl Into<String>) {
        let _ = self.ended.set(Ended::Cancelled(reason.into()));
        self.token.cancel();
    }

    /// Ends the run for now: what was not tried is left for later. The first signal counts.
    pub fn pause(&self, reason: impl Into<String>) {
        let _ = self.ended.set(Ended::Paused(reason.into()));
        self.token.cancel();
    }

    /// Leaves the rest to the next runner, at a time or at once: this one is about to end. The first signal counts.
    pub fn hand_over(&self, not_before: Option<DateTime<Utc>>) {
        let _ = self.ended.set(Ended::HandedOver(not_before));
        self.token.cancel();
    }

    /// When the next runner may go on; none when the run is not handed over.
    pub fn handed_over(&self) -> Option<Option<DateTime<Utc>>> {
        match self.ended.get()? {
            Ended::HandedOver(not_before) => Some(*not_before),
            Ended::Cancelled(_) | Ended::Paused(_) | Ended::InDoubt | Ended::LeaseLost => None,
        }
    }

    /// Another runner has the run: this one must neither send nor record anything more. The first signal counts.
    pub fn lose_lease(&self) {
        let _ = self.ended.set(Ended::LeaseLost);
        self.token.cancel();
    }

    /// Nobody knows whether what was sent was written, and the target cannot be asked: the rest is left until it can. The first
    /// signal counts.
    pub fn leave_in_doubt(&self) {
        let _ = self.ended.set(Ended::InDoubt);
        self.token.cancel();
    }

    /// Whether the run is to stop.
    pub fn is_given(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Why the run is to go on later; none when it is not to stop, or for good.
    pub fn paused(&self) -> Option<&str> {
        match self.ended.get()? {
            Ended::Paused(reason) => Some(reason),
            Ended::Cancelled(_) | Ended::HandedOver(_) | Ended::InDoubt | Ended::LeaseLost => None,
        }
    }

    /// Whether what was not tried is left without an outcome: for later, or for another runner.
    pub fn leaves_the_rest(&self) -> bool {
        self.is_given()
            && matches!(
                self.ended.get(),
                Some(Ended::Paused(_) | Ended::HandedOver(_) | Ended::InDoubt | Ended::LeaseLost)
            )
    }

    /// What a connector is handed: cancelled when the run is to stop.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The error that a stopped run ends with.
    pub fn error(&self) -> Error {
        match self.ended.get() {
            Some(Ended::LeaseLost) => Error::new(ErrorKind::LeaseLost, "another runner took the run over"),
            Some(Ended::InDoubt) => Error::new(ErrorKind::InDoubt, "it is not known whether what was sent was written"),
            Some(Ended::HandedOver(_)) => Error::new(ErrorKind::Cancelled, "the run was left to the next runner"),
            Some(Ended::Paused(reason)) => Error::new(ErrorKind::Cancelled, format!("the run was paused: {reason}")),
            Some(Ended::Cancelled(reason)) if !reason.is_empty() => {
                Error::new(ErrorKind::Cancelled, format!("the run was {reason}"))
            }
            _ => Error::new(ErrorKind::Cancelled, "the run was cancelled"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_counts() {
        let stop = StopSignal::new();
        assert!(!stop.is_given() && !stop.leaves_the_rest());
        stop.pause("the window closed");
        stop.cancel("cancelled by kim");
        assert!(stop.is_given() && stop.leaves_the_rest());
        assert_eq!(stop.paused(), Some("the window closed"));
    }

    #[test]
    fn a_cancelled_process_cancels_the_run() {
        let process = CancellationToken::new();
        let stop = StopSignal::following(&process);
        process.cancel();
        assert!(stop.is_given() && !stop.leaves_the_rest());
        assert_eq!(stop.error().to_string(), "the run was cancelled");
    }
}
