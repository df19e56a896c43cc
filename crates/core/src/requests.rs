//! How many requests a run sends to the systems on its two sides, counted while they are sent.

use std::ops::AddAssign;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was asked of one system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestCounts {
    /// How often a request was sent, each attempt counted.
    pub sent: u64,
    /// How many of these were sent once more because the one before had failed.
    pub retries: u64,
    /// How many were answered with 429: too many requests.
    pub throttled: u64,
    /// How long requests waited before they were sent, because of the pace or because the system asked for it; in milliseconds, added up
    /// over those that waited together.
    pub waited_ms: u64,
    /// How long it was from the first request to the end of the last one, in milliseconds.
    pub span_ms: u64,
}

/// What was asked on both sides of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideRequests {
    /// Of the source.
    pub source: RequestCounts,
    /// Of the target.
    pub target: RequestCounts,
}

/// Counts the requests to one system. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct RequestCounter {
    counted: Arc<Mutex<Counted>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    counts: RequestCounts,
    waited: Duration,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl RequestCounter {
    /// A request was sent once, from `began` until now; `throttled` when it was answered with 429.
    pub fn sent(&self, began: Instant, throttled: bool) {
        self.count(|counted| {
            counted.counts.sent += 1;
            counted.counts.throttled += u64::from(throttled);
            counted.first = Some(counted.first.map_or(began, |first| first.min(began)));
            counted.last = Some(Instant::now());
        });
    }

    /// A request will be sent once more.
    pub fn retried(&self) {
        self.count(|counted| counted.counts.retries += 1);
    }

    /// A request waited before it was sent.
    pub fn waited(&self, time: Duration) {
        self.count(|counted| counted.waited = counted.waited.saturating_add(time));
    }

    /// What was counted since this was taken last.
    pub fn so_far(&self) -> RequestCounts {
        let mut told = RequestCounts::default();
        self.count(|counted| told = counted.told());
        told
    }

    /// What was counted since this was asked last, and begins anew.
    pub fn take(&self) -> RequestCounts {
        let mut taken = RequestCounts::default();
        self.count(|counted| taken = std::mem::take(counted).told());
        taken
    }

    fn count(&self, change: impl FnOnce(&mut Counted)) {
        change(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Counted {
    fn told(&self) -> RequestCounts {
        let Self { counts, waited, first, last } = *self;
        let span = first.zip(last).map_or(Duration::ZERO, |(first, last)| last.saturating_duration_since(first));
        RequestCounts { waited_ms: millis(waited), span_ms: millis(span), ..counts }
    }
}

impl RequestCounts {
    /// How many were sent in a second on average; none where there were too few to tell.
    pub fn per_second(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "it is told with one digit behind the point")]
        (self.sent > 1 && self.span_ms > 0).then(|| self.sent as f64 * 1000.0 / self.span_ms as f64)
    }
}

impl SideRequests {
    /// Whether nothing was asked of either side.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for RequestCounts {
    fn add_assign(&mut self, other: Self) {
        let Self { sent, retries, throttled, waited_ms, span_ms } = other;
        self.sent += sent;
        self.retries += retries;
        self.throttled += throttled;
        self.waited_ms += waited_ms;
        self.span_ms += span_ms;
    }
}

impl AddAssign for SideRequests {
    fn add_assign(&mut self, other: Self) {
        self.source += other.source;
        self.target += other.target;
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_not_counted_again() {
        let counter = RequestCounter::default();
        let began = Instant::now();
        counter.clone().sent(began, false);
        counter.sent(began, true);
        counter.retried();
        counter.waited(Duration::from_micros(1500));
        counter.waited(Duration::from_micros(1500));
        assert_eq!((counter.so_far().sent, counter.so_far().waited_ms), (2, 3), "looking at it takes nothing");
        let RequestCounts { sent, retries, throttled, waited_ms, .. } = counter.take();
        assert_eq!((sent, retries, throttled, waited_ms), (2, 1, 1, 3));
        assert_eq!(counter.take(), RequestCounts::default());
    }

    #[test]
    fn a_rate_wants_two_requests() {
        let counts = RequestCounts { sent: 50, span_ms: 4000, ..RequestCounts::default() };
        assert_eq!(counts.per_second().map(|rate| rate.to_string()).as_deref(), Some("12.5"));
        assert!(RequestCounts { sent: 1, ..counts }.per_second().is_none());
        let mut sum = SideRequests { source: counts, ..SideRequests::default() };
        sum += sum;
        assert_eq!((sum.source.sent, sum.source.span_ms, sum.target.sent), (100, 8000, 0));
    }
}
