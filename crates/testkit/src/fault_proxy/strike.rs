//! A fault for certain requests, and what was seen of all of them.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::FaultKind;

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its path with its query.
    pub path: String,
    /// Its body as it was on the wire.
    pub body: Vec<u8>,
    /// When it was whole.
    pub at: Instant,
    /// What struck it.
    pub fault: Option<FaultKind>,
}

/// A fault for certain requests.
#[derive(Clone)]
pub struct Strike {
    kind: FaultKind,
    skip: u64,
    times: u64,
    of: Arc<dyn Fn(&Seen) -> bool + Send + Sync>,
}

impl Strike {
    /// Strikes every request.
    pub fn all(kind: FaultKind) -> Self {
        Self { kind, skip: 0, times: u64::MAX, of: Arc::new(|_| true) }
    }

    /// Strikes only such requests.
    pub fn of(self, of: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Self {
        Self { of: Arc::new(of), ..self }
    }

    /// Lets so many of them pass first.
    pub fn after(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// Strikes so many of them and no more.
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    pub(super) fn meet(&mut self, seen: &Seen) -> Option<FaultKind> {
        if self.times == 0 || !(self.of)(seen) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= u64::from(self.times != u64::MAX);
        Some(self.kind)
    }
}

impl Seen {
    pub(super) fn now(method: &str, path: &str, body: &[u8]) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), body: body.to_vec(), at: Instant::now(), fault: None }
    }
}

impl fmt::Debug for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strike")
            .field("kind", &self.kind)
            .field("skip", &self.skip)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}
