//! What a connector is asked to read.

mod by_offset;
mod keys;

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use crate::fields::ModelFields;
use crate::models::ModelMode;

pub use by_offset::by_offset;
pub use keys::{KeysById, Referred};

/// The request for one read of one side.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The models to read, with the fields that are compared. A connector reads nothing else.
    pub fields: ModelFields,
    /// Why each model is read: to be synced, or only to be looked up.
    pub modes: BTreeMap<&'static str, ModelMode>,
    /// Cancelled when the run is. A connector looks at it between pages, or waits on it beside a request.
    pub cancel: CancellationToken,
}

impl ReadRequest {
    /// An error when the run was cancelled.
    pub fn ensure_running(&self) -> crate::Result<()> {
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        Ok(())
    }

    /// What comes of a read, or the error of a run that was cancelled, as soon as it is: whatever request is under way is given up.
    pub async fn unless_cancelled<T>(&self, read: impl Future<Output = crate::Result<T>>) -> crate::Result<T> {
        match self.cancel.run_until_cancelled(read).await {
            Some(result) => result,
            None => Err(cancelled()),
        }
    }
}

fn cancelled() -> crate::Error {
    crate::Error::new(crate::ErrorKind::Cancelled, "the run was cancelled")
}
