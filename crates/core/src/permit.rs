//! The right to write.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::{Error, ErrorKind, Result};

/// The right to open the writing half of a target, for one saved plan.
///
/// Only this crate makes one, and only from a plan that is saved and that its guards let pass; a dry run never has one, so
/// it cannot write whatever a connector does.
#[derive(Debug)]
pub struct WritePermit {
    plan_hash: String,
    message: String,
    validity: Validity,
    private: PhantomData<()>,
}

/// For how long a right to write holds. The runner prolongs it for as long as it has the run; one that slept, as a suspended
/// machine does, may wake up with a request in its hands while another runner has the run.
///
/// A connector asks right before every request that writes, also before it tries one again: the shared HTTP client does when it
/// is given [`Validity::ensure`] as its condition. What cannot be excluded is sleep between the answer and the request.
#[derive(Debug, Clone, Default)]
pub struct Validity {
    /// None: for ever.
    until: Arc<Mutex<Option<Instant>>>,
}

impl Validity {
    /// From now on the right holds until then.
    #[cfg(feature = "runtime")]
    pub(crate) fn prolong(&self, until: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// An error of the kind [`ErrorKind::LeaseLost`] when the right is over: nothing may be written any more.
    pub fn ensure(&self) -> Result<()> {
        match *self.until.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(until) if Instant::now() >= until => {
                let message = "this runner slept longer than it has the run for: another one may have it";
                Err(Error::new(ErrorKind::LeaseLost, message))
            }
            _ => Ok(()),
        }
    }
}

impl WritePermit {
    #[cfg(feature = "runtime")]
    pub(crate) fn new(plan_hash: String, message: String, validity: Validity) -> Self {
        Self { plan_hash, message, validity, private: PhantomData }
    }

    /// For how long it is good.
    pub fn validity(&self) -> &Validity {
        &self.validity
    }

    /// The hash of the plan that is applied.
    pub fn plan_hash(&self) -> &str {
        &self.plan_hash
    }

    /// What a system that keeps a change log should note with every write: which run of which sync.
    pub fn message(&self) -> &str {
        &self.message
    }
}

#[cfg(all(test, feature = "runtime"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_right_ends_and_is_prolonged() {
        let validity = Validity::default();
        assert!(validity.ensure().is_ok());
        let copy = validity.clone();
        validity.prolong(Instant::now());
        assert_eq!(copy.ensure().unwrap_err().kind(), ErrorKind::LeaseLost);
        validity.prolong(Instant::now() + Duration::from_hours(1));
        assert!(copy.ensure().is_ok());
    }
}
