//! Credentials by type; the secret leaves them only as a header that is marked sensitive.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::OnceLock,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, redact::REDACTED};

/// How a client proves who it is. `Debug` shows the kind, never the secret.
///
/// ```
/// use syncline_http::Credential;
///
/// let credential = Credential::basic("abcd-efghi", "s3cret".into());
/// assert_eq!(format!("{credential:?}"), "Credential(Basic)");
/// ```
#[derive(Clone)]
pub struct Credential(Kind);

#[derive(Clone)]
enum Kind {
    None,
    Basic { user: String, password: SecretString },
    Scheme { scheme: &'static str, secret: SecretString },
    Header { name: HeaderName, secret: SecretString },
}

/// What a client keeps of a credential.
pub(crate) struct Authorization {
    /// The header that proves it.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// Tells credentials apart within this process, and means nothing outside it.
    pub fingerprint: u64,
    /// Texts that must not appear in anything that is kept or shown.
    secrets: Vec<SecretString>,
}

/// Shorter secrets are not looked for in texts: replacing every `ab` would hide more than it protects.
const SHORTEST_SCRUBBED: usize = 6;

impl Credential {
    /// No credential.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// `Authorization: Basic …` from a user name (or access key) and its secret.
    pub fn basic(user: impl Into<String>, password: SecretString) -> Self {
        Self(Kind::Basic { user: user.into(), password })
    }

    /// `Authorization: Token …`.
    pub fn token(secret: SecretString) -> Self {
        Self(Kind::Scheme { scheme: "Token", secret })
    }

    /// `Authorization: Bearer …`.
    pub fn bearer(secret: SecretString) -> Self {
        Self(Kind::Scheme { scheme: "Bearer", secret })
    }

    /// A header of its own, such as `X-Api-Key: …`. The error is a name that no header can have, or one that means something else.
    pub fn header(name: &str, secret: SecretString) -> Result<Self, Error> {
        let taken = ["accept", "connection", "content-length", "content-type", "cookie", "host", "transfer-encoding"];
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) if taken.contains(&name.as_str()) => {
                Err(Error::settings("credential", format!("the header `{name}` carries no token")))
            }
            Ok(name) => Ok(Self(Kind::Header { name, secret })),
            Err(_) => {
                Err(Error::settings("credential", format!("`{name}` is no name of a header, such as `X-Api-Key`")))
            }
        }
    }

    /// Checks the credential and turns it into what is sent.
    pub(crate) fn prepare(&self) -> Result<Authorization, Error> {
        let mut name = AUTHORIZATION;
        let (text, secrets) = match &self.0 {
            Kind::None => return Ok(Authorization { header: None, fingerprint: 0, secrets: Vec::new() }),
            Kind::Basic { user, password } => {
                if user.contains(':') {
                    return Err(Error::settings("user", "a user name cannot contain `:`"));
                }
                let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
                (format!("Basic {pair}"), vec![password.clone(), SecretString::from(pair)])
            }
            Kind::Scheme { scheme, secret } => {
                if secret.expose_secret().is_empty() {
                    return Err(Error::settings("credential", "the token is empty"));
                }
                (format!("{scheme} {}", secret.expose_secret()), vec![secret.clone()])
            }
            Kind::Header { name: own, secret } => {
                if secret.expose_secret().is_empty() {
                    return Err(Error::settings("credential", "the token is empty"));
                }
                name = own.clone();
                (secret.expose_secret().to_owned(), vec![secret.clone()])
            }
        };
        let mut header = HeaderValue::from_str(&text).map_err(|_| {
            Error::settings("credential", "the secret holds a line end or another control character: check its file")
        })?;
        header.set_sensitive(true);
        let fingerprint = fingerprint(&format!("{name}: {text}"));
        Ok(Authorization { header: Some((name, header)), fingerprint, secrets })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::None => "Credential(None)",
            Kind::Basic { .. } => "Credential(Basic)",
            Kind::Scheme { scheme: "Token", .. } => "Credential(Token)",
            Kind::Scheme { .. } => "Credential(Bearer)",
            Kind::Header { .. } => "Credential(Header)",
        })
    }
}

impl Authorization {
    /// The texts that must not appear in anything that is kept or shown.
    pub fn secrets(&self) -> &[SecretString] {
        &self.secrets
    }

    /// The text without the secret, should the server have echoed it.
    pub fn scrub(&self, mut text: String) -> String {
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            if secret.len() >= SHORTEST_SCRUBBED && text.contains(secret) {
                text = text.replace(secret, REDACTED);
            }
        }
        text
    }
}

/// A hash under a key that is drawn once per process and never leaves it.
fn fingerprint(text: &str) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    KEY.get_or_init(RandomState::new).hash_one(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_becomes_its_header() {
        let header = |credential: Credential| credential.prepare().unwrap().header.unwrap().1;
        assert_eq!(header(Credential::basic("key", "secret".into())), "Basic a2V5OnNlY3JldA==");
        assert_eq!(header(Credential::token("abc".into())), "Token abc");
        assert_eq!(header(Credential::bearer("abc".into())), "Bearer abc");
        assert!(header(Credential::bearer("abc".into())).is_sensitive());
        assert!(Credential::none().prepare().unwrap().header.is_none());
        let own = Credential::header("X-Api-Key", "abc".into()).unwrap();
        let (name, value) = own.prepare().unwrap().header.unwrap();
        assert!(name == "x-api-key" && value == "abc" && value.is_sensitive());
        assert_eq!(format!("{own:?}"), "Credential(Header)");
    }

    #[test]
    fn a_header_that_carries_no_token_is_refused() {
        for (name, because) in
            [("X Key", "no name of a header"), ("", "no name of a header"), ("Cookie", "`cookie` carries no token")]
        {
            let error = Credential::header(name, "abc".into()).unwrap_err().to_string();
            assert!(error.contains(because), "{error}");
        }
    }

    #[test]
    fn a_bad_secret_is_named_but_not_shown() {
        let error = Credential::token("s3cret-value\n".into()).prepare().err().unwrap().to_string();
        assert!(error.contains("line end") && !error.contains("s3cret"), "{error}");
        assert!(Credential::basic("a:b", "x".into()).prepare().is_err());
        assert!(Credential::token("".into()).prepare().is_err());
    }

    #[test]
    fn an_echoed_secret_is_scrubbed_in_both_forms() {
        let authorization = Credential::basic("key", "secret".into()).prepare().unwrap();
        let echoed = "got secret as Basic a2V5OnNlY3JldA==".to_owned();
        assert_eq!(authorization.scrub(echoed), "got [redacted] as Basic [redacted]");
    }
}
