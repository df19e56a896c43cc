//! Which secrets the configuration refers to, and whether they are there: never what they are.

use syncline_core::{Error, ErrorKind, Result};

use super::show::{Prose, clean};
use crate::SyncStore;
use crate::store::NamedSecret;

/// A reference to a secret.
#[derive(Debug)]
pub struct SecretLine {
    /// The setting that refers to it.
    pub key: String,
    /// Where it is kept.
    pub place: String,
    /// Why it cannot be had here; none when it can.
    pub missing: Option<Prose>,
}

/// The references of the host's configuration, by setting.
pub async fn secret_lines(syncs: &dyn SyncStore) -> Result<Vec<SecretLine>> {
    let named = syncs.secrets().await?;
    // Some are in files.
    let looked = tokio::task::spawn_blocking(move || named.iter().map(SecretLine::of).collect());
    looked.await.map_err(|cause| Error::new(ErrorKind::Internal, "the secrets were not looked for").caused_by(cause))
}

impl SecretLine {
    fn of(named: &NamedSecret) -> Self {
        Self {
            key: clean(&named.key),
            place: clean(&named.secret.to_string()),
            missing: named.secret.resolve().err().map(|error| Prose::of(&error.report())),
        }
    }
}
