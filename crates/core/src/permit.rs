//! The right to write.

use std::marker::PhantomData;

/// The right to open the writing half of a target, for one saved plan.
///
/// Only this crate makes one, and only from a plan that is saved and that its guards let pass; a dry run never has one, so
/// it cannot write whatever a connector does.
#[derive(Debug)]
pub struct WritePermit {
    plan_hash: String,
    message: String,
    private: PhantomData<()>,
}

impl WritePermit {
    #[cfg(feature = "runtime")]
    pub(crate) fn new(plan_hash: String, message: String) -> Self {
        Self { plan_hash, message, private: PhantomData }
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
