//! Passwords: hashed with Argon2id, with the parameters that OWASP names (19 MiB, two passes, one lane), which are the library's own.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use syncline_core::history::PasswordHash;
use syncline_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

/// The fewest letters of a password. What makes one good is its length.
pub const FEWEST: usize = 12;
/// The most letters of a password.
pub const MOST: usize = 1024;
/// How many are hashed at once: each takes 19 MiB and a whole processor.
const AT_ONCE: usize = 2;

/// A password as somebody gave it. It is never shown, also not in the error for what is none.
#[derive(Clone)]
pub struct Password(SecretString);

/// A text that cannot be a new password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a password has {FEWEST} to {MOST} letters; what makes it good is its length, a few words do")]
pub struct BadPassword;

/// Hashes and checks passwords, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Password {
    /// A password that somebody gives. What may be a new one is said by [`Self::ensure_good`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// Whether nothing was given: a field of a form that was left empty.
    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }

    /// Refuses what is too short for a new password, or too long for one.
    pub fn ensure_good(&self) -> Result<(), BadPassword> {
        let letters = self.0.expose_secret().chars().count();
        if (FEWEST..=MOST).contains(&letters) { Ok(()) } else { Err(BadPassword) }
    }
}

impl schemars::JsonSchema for Password {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Password".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "password"})
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// The hash of a password, with a salt of its own.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash> {
        let password = password.clone();
        self.aside(move || {
            let hash = Argon2::default().hash_password(password.0.expose_secret().as_bytes());
            let hash = hash.map_err(|cause| failed("the password could not be hashed", cause))?;
            Ok(hash.to_string().into())
        })
        .await
    }

    /// Whether a password is the one that was hashed. Without a hash it is not, which takes as long to find out: the time
    /// does not tell which names there are.
    pub async fn is(&self, password: &Password, hash: Option<PasswordHash>) -> Result<bool> {
        // Its hash would be longer to make than to refuse.
        let password = if password.0.expose_secret().len() > 4 * MOST { Password::new("") } else { password.clone() };
        self.aside(move || {
            let text = hash.as_ref().map_or(NOBODYS, PasswordHash::as_str);
            let parsed =
                phc::PasswordHash::new(text).map_err(|cause| failed("the hash of a password is none", cause))?;
            let is = Argon2::default().verify_password(password.0.expose_secret().as_bytes(), &parsed).is_ok();
            Ok(is && hash.is_some())
        })
        .await
    }

    /// Does what keeps a processor busy where no other request waits for it.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|cause| failed("passwords are not checked any more", cause))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.unwrap_or_else(|cause| Err(failed("the password was not checked", cause)))
    }
}

/// A hash like any other, of a password that nobody knows. Made beforehand, so that also the first one who is nobody waits no longer.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dGhlIHNhbHQgb2YgYWxsIA$Y4KzzIgUErd7/K7tAmABwA2eMCXmbCD25+kvB5hRRio";

fn failed(message: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, message).caused_by(cause)
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual error would repeat a number that somebody sends for a password.
        match serde_json::Value::deserialize(deserializer) {
            Ok(serde_json::Value::String(text)) => Ok(Self::new(text)),
            _ => Err(D::Error::custom("expects a text")),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_the_one_that_was_hashed() {
        let passwords = Passwords::default();
        let password = Password::new("correct horse battery");
        let hash = passwords.hash(&password).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_ne!(hash, passwords.hash(&password).await.unwrap(), "each has a salt of its own");
        assert!(passwords.is(&password, Some(hash.clone())).await.unwrap());
        assert!(!passwords.is(&Password::new("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.is(&Password::new(""), Some(hash.clone())).await.unwrap());
        assert!(!passwords.is(&Password::new("x".repeat(1_000_000)), Some(hash)).await.unwrap());
        assert!(passwords.is(&password, Some("no hash".to_owned().into())).await.is_err());
        assert!(!format!("{password:?}").contains("horse"));
    }

    #[tokio::test]
    async fn nobodys_password_is_none_and_takes_the_same_work() {
        let passwords = Passwords::default();
        assert!(!passwords.is(&Password::new("nobody has this password"), None).await.unwrap());
        // It is read as a hash and checked, not refused at once.
        assert!(!passwords.is(&Password::new("x"), Some(NOBODYS.to_owned().into())).await.unwrap());
        let parameters = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let hash = passwords.hash(&Password::new("x")).await.unwrap();
        assert_eq!(parameters(NOBODYS), parameters(hash.as_str()));
    }

    #[test]
    fn what_is_no_password_is_not_repeated() {
        for text in ["12345678", "[\"hunter2\"]", "null"] {
            let error = serde_json::from_str::<Password>(text).unwrap_err().to_string();
            assert!(error.starts_with("expects a text"), "{error}");
        }
        assert_eq!(Password::new("x".repeat(11)).ensure_good(), Err(BadPassword));
        assert_eq!(Password::new("ü".repeat(12)).ensure_good(), Ok(()));
        assert_eq!(Password::new("x".repeat(1025)).ensure_good(), Err(BadPassword));
    }
}
