//! Which faults happen, how often, and to which request.

use std::time::Duration;

use crate::estate::rng::Rng;

/// How often each kind of fault happens: the share of requests, from 0 to 1. A request meets one fault at most, so the shares
/// together are at most 1.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultPlan {
    /// The request waits before it is passed on.
    pub latency: f64,
    /// How long it waits at most.
    pub latency_up_to: Duration,
    /// 429 with `Retry-After`.
    pub too_many_requests: f64,
    /// The seconds that `Retry-After` says.
    pub retry_after: u64,
    /// 429 without `Retry-After`.
    pub too_many_requests_untold: f64,
    /// 500, 502 or 503. Half of the 502 come after the system did what it was asked.
    pub server_error: f64,
    /// The connection is reset before the system sees the request.
    pub reset_before: f64,
    /// The connection is reset when the system has answered, before the answer is passed on.
    pub reset_after: f64,
    /// The connection ends in the middle of the answer.
    pub cut_body: f64,
    /// The answer stops in its middle and the connection stays open.
    pub stall: f64,
    /// Not more faults than this.
    pub limit: Option<u64>,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// It waits this long, and is passed on.
    Latency(Duration),
    /// It is refused with 429, and with `Retry-After` of so many seconds if given.
    TooManyRequests {
        /// The seconds.
        retry_after: Option<u64>,
    },
    /// It is answered with this status.
    ServerError {
        /// The status.
        status: u16,
        /// Whether the system did what it was asked all the same.
        done: bool,
    },
    /// It is refused with this status, in JSON that repeats its headers and its body: what a careless system says of a wrong token.
    Echo {
        /// The status.
        status: u16,
    },
    /// The connection is reset, and the system never sees the request.
    ResetBefore,
    /// The system does what it is asked, and the connection is reset in the place of the answer.
    ResetAfter,
    /// The answer is cut in the middle.
    CutBody,
    /// The answer never ends.
    Stall,
}

impl FaultPlan {
    /// No faults.
    pub fn none() -> Self {
        Self {
            latency: 0.0,
            latency_up_to: Duration::from_millis(20),
            too_many_requests: 0.0,
            retry_after: 0,
            too_many_requests_untold: 0.0,
            server_error: 0.0,
            reset_before: 0.0,
            reset_after: 0.0,
            cut_body: 0.0,
            stall: 0.0,
            limit: None,
        }
    }

    /// Every kind of fault, each for the same share of requests.
    pub fn every_kind(share: f64) -> Self {
        Self {
            latency: share,
            too_many_requests: share,
            too_many_requests_untold: share,
            server_error: share,
            reset_before: share,
            reset_after: share,
            cut_body: share,
            stall: share,
            ..Self::none()
        }
    }

    /// What happens to the request with this number, if anything.
    pub(super) fn decide(&self, seed: u64, number: u64) -> Option<FaultKind> {
        let mut random = Rng::of(seed, &[number]);
        let mut left = share(&mut random);
        let mut falls_in = |share: f64| {
            let falls = (0.0..share).contains(&left);
            left -= share;
            falls
        };
        if falls_in(self.latency) {
            return Some(FaultKind::Latency(self.latency_up_to.mul_f64(share(&mut random))));
        }
        if falls_in(self.too_many_requests) {
            return Some(FaultKind::TooManyRequests { retry_after: Some(self.retry_after) });
        }
        if falls_in(self.too_many_requests_untold) {
            return Some(FaultKind::TooManyRequests { retry_after: None });
        }
        if falls_in(self.server_error) {
            let (status, done) = [(500, false), (502, false), (502, true), (503, false)][random.below(4)];
            return Some(FaultKind::ServerError { status, done });
        }
        let kinds = [
            (self.reset_before, FaultKind::ResetBefore),
            (self.reset_after, FaultKind::ResetAfter),
            (self.cut_body, FaultKind::CutBody),
            (self.stall, FaultKind::Stall),
        ];
        kinds.into_iter().find(|(share, _)| falls_in(*share)).map(|(_, kind)| kind)
    }
}

impl FaultKind {
    /// Whether the system behind the proxy is handed the request.
    pub fn reaches_upstream(self) -> bool {
        match self {
            Self::TooManyRequests { .. } | Self::Echo { .. } | Self::ResetBefore => false,
            Self::ServerError { done, .. } => done,
            Self::Latency(_) | Self::ResetAfter | Self::CutBody | Self::Stall => true,
        }
    }

    /// The kind without its particulars.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::TooManyRequests { retry_after: Some(_) } => "too_many_requests",
            Self::TooManyRequests { retry_after: None } => "too_many_requests_untold",
            Self::ServerError { .. } => "server_error",
            Self::Echo { .. } => "echo",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::CutBody => "cut_body",
            Self::Stall => "stall",
        }
    }
}

/// From 0 to below 1.
fn share(random: &mut Rng) -> f64 {
    (random.next() >> 11) as f64 / (1_u64 << 53) as f64
}
