//! Secrets that a machine made, and what is kept of them.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind, Result};

/// The bytes of a new secret. As many as cannot be guessed, so that a plain hash of it says nothing about it.
const BYTES: usize = 32;

/// A secret that a machine made, or that somebody says is one: the value of a cookie, a token. It is never shown.
#[derive(Clone)]
pub struct Secret(SecretString);

/// What is kept of a secret.
///
/// Two are compared in constant time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(blake3::Hash);

impl Secret {
    /// A new one of 64 letters behind a prefix that tells what it is. An error when the system has no random numbers.
    pub fn random(prefix: &str) -> Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|cause| {
            Error::new(ErrorKind::Internal, "the system gives no random numbers to make a secret of").caused_by(cause)
        })?;
        let letters = blake3::Hash::from_bytes(bytes).to_hex();
        Ok(Self(format!("{prefix}{letters}").into()))
    }

    /// The secret itself, for whom it is meant.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash(blake3::hash(self.expose().as_bytes()))
    }

    /// Whether another one is the same. How long that takes says nothing about where they differ.
    pub fn is(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl SecretHash {
    pub(super) fn stored(self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_apart_and_never_shown() {
        let (one, other) = (Secret::random("syn_").unwrap(), Secret::random("syn_").unwrap());
        assert_eq!((one.expose().len(), &one.expose()[..4]), (68, "syn_"));
        assert!(one.is(&Secret::from(one.expose())) && !one.is(&other));
        assert_eq!(one.hash(), one.clone().hash());
        assert_eq!(format!("{one:?} {:?}", one.hash()), "Secret(…) SecretHash(…)");
    }
}
