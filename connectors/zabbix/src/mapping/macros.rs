//! Values of macros as texts: what they are, or what can be told of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};
use syncline_core::Result;
use syncline_core::settings::SecretRef;

/// How many digits of a check are kept: enough to see a change, too few to find the value by.
const DIGITS: usize = 8;
/// What a macro's description says whose secret value is Syncline's.
const MARK: &str = "Set by Syncline, check ";

/// The value of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MacroValue {
    /// Plain text.
    Text(String),
    /// A path in the vault.
    Vault(String),
    /// A secret, with what tells whether it changed; nothing where somebody else set it.
    Secret { check: Option<String> },
}

impl fmt::Display for MacroValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if KINDS.iter().any(|kind| text.starts_with(kind)) => write!(out, "text {text}"),
            Self::Text(text) => out.write_str(text),
            Self::Vault(path) => write!(out, "vault {path}"),
            Self::Secret { check: Some(check) } => write!(out, "secret {check}"),
            Self::Secret { check: None } => out.write_str("secret of somebody else's"),
        }
    }
}

/// What the texts of values begin with that are no plain text.
const KINDS: [&str; 3] = ["text ", "vault ", "secret "];

impl MacroValue {
    /// Reads the text of a value.
    pub fn parse(text: &str) -> Self {
        if let Some(plain) = text.strip_prefix("text ") {
            return Self::Text(plain.to_owned());
        }
        if let Some(path) = text.strip_prefix("vault ") {
            return Self::Vault(path.to_owned());
        }
        match text.strip_prefix("secret ") {
            Some(check) => Self::Secret { check: is_check(check).then(|| check.to_owned()) },
            None => Self::Text(text.to_owned()),
        }
    }

    /// A value as the API has it.
    pub fn read(kind: &str, value: Option<&str>, description: &str) -> Self {
        match kind {
            "1" => {
                let check = description.split_once(MARK).map(|(_, rest)| rest.chars().take(DIGITS).collect::<String>());
                Self::Secret { check: check.filter(|check| is_check(check)) }
            }
            "2" => Self::Vault(value.unwrap_or_default().to_owned()),
            _ => Self::Text(value.unwrap_or_default().to_owned()),
        }
    }
}

/// The description of a macro whose secret value is Syncline's.
pub(crate) fn description(check: &str) -> String {
    format!("{MARK}{check}")
}

fn is_check(text: &str) -> bool {
    text.len() == DIGITS && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Tells secrets apart without showing them: by the first digits of a hash that is keyed with another secret.
pub(crate) struct Checks {
    key: [u8; 32],
    /// What was resolved: a secret is read once, and found again by its check.
    known: Mutex<BTreeMap<(String, String), SecretString>>,
}

impl Checks {
    /// Checks that are keyed with a secret.
    pub fn keyed(secret: &SecretString) -> Self {
        let key =
            blake3::derive_key("syncline zabbix connector: checks of secret macros", secret.expose_secret().as_bytes());
        Self { key, known: Mutex::default() }
    }

    /// The check of a secret of a macro.
    pub fn of(&self, name: &str, secret: &SecretRef) -> Result<String> {
        let value = secret.resolve()?;
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(name.as_bytes()).update(&[0]).update(value.expose_secret().as_bytes());
        let check = hasher.finalize().to_hex()[..DIGITS].to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((name.to_owned(), check.clone()), value);
        Ok(check)
    }

    /// The secret behind a check.
    pub fn value(&self, name: &str, check: &str) -> Option<SecretString> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(name.to_owned(), check.to_owned())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_read_as_they_were_meant(text in "(text |vault |secret )?[a-z{} ]{0,8}") {
            let value = MacroValue::Text(text);
            prop_assert_eq!(MacroValue::parse(&value.to_string()), value);
        }
    }

    #[test]
    fn a_secret_is_known_by_its_check() {
        let key: SecretString = "k".to_owned().into();
        let checks = Checks::keyed(&key);
        let secret = |value: &str| serde_json::from_value::<SecretRef>(format!("env:{value}").into()).unwrap();
        // A variable that every test process has.
        let check = checks.of("{$A}", &secret("PATH")).unwrap();
        assert_eq!(checks.of("{$A}", &secret("PATH")).unwrap(), check);
        assert_ne!(checks.of("{$B}", &secret("PATH")).unwrap(), check);
        let read = MacroValue::read("1", None, &format!("Ours. {}", description(&check)));
        assert_eq!(read, MacroValue::Secret { check: Some(check.clone()) });
        assert_eq!(MacroValue::parse(&read.to_string()), read);
        assert_eq!(MacroValue::read("1", None, "community"), MacroValue::Secret { check: None });
        assert!(checks.value("{$A}", &check).is_some() && checks.value("{$A}", "00000000").is_none());
    }
}
