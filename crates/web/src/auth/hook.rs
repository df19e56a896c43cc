//! How the caller of a webhook is known: by a secret that both systems know.
//!
//! | header | with |
//! |---|---|
//! | `X-Hub-Signature-256` | `sha256=` and the HMAC-SHA256 of the body, in hexadecimal: GitHub, Gitea and many others |
//! | `X-Hook-Signature` | the HMAC-SHA512 of the body, in hexadecimal: the event rules of NetBox |
//! | `Authorization` | `Bearer` and the secret itself, for those who cannot sign |
//!
//! A signature says nothing about when it was made: who overhears a call can make it again. What that does is ask for a run, which many
//! calls do no more than one.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Sha256, Sha512};
use syncline_core::history::Secret;
use syncline_core::run::Webhook;
use syncline_core::{Error, ErrorKind, Result};

use super::limit::{check, quota};

const HUB: HeaderName = HeaderName::from_static("x-hub-signature-256");
const NETBOX: HeaderName = HeaderName::from_static("x-hook-signature");

/// The fewest letters of a secret. It is not to be guessed by somebody who has overheard a signature.
const FEWEST: usize = 16;

/// From one address: a thousand at once, then fifty in a second. A system tells of every object that somebody changed with one click.
const CALLS: (Duration, NonZeroU32) =
    (Duration::from_millis(20), NonZeroU32::new(1_000).expect("a thousand is not zero"));
/// From one address with a wrong secret: ten at once, then one in 15 seconds. Each is a row of the audit log.
const REFUSALS: (Duration, NonZeroU32) = (Duration::from_secs(15), NonZeroU32::new(10).expect("ten is not zero"));

/// What a call brings to show that its caller knows the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Proof {
    /// The HMAC-SHA256 of the body.
    Sha256(Vec<u8>),
    /// The HMAC-SHA512 of the body.
    Sha512(Vec<u8>),
    /// The secret.
    Bearer(String),
    /// Something that is none of these.
    Nonsense,
}

/// How often webhooks may be called. Kept in memory: each server counts for itself.
pub struct HookLimits {
    calls: DefaultKeyedRateLimiter<Option<IpAddr>>,
    refusals: DefaultKeyedRateLimiter<Option<IpAddr>>,
}

/// The secret of a webhook.
pub fn secret(webhook: &Webhook) -> Result<SecretString> {
    let secret = webhook.secret.resolve()?;
    if secret.expose_secret().chars().count() < FEWEST {
        let message = format!(
            "the secret that `{}` refers to has fewer than {FEWEST} letters: make a longer one, such as `openssl rand -hex 32` does, and \
             give it to the other system too",
            webhook.secret
        );
        return Err(Error::new(ErrorKind::Settings, message));
    }
    Ok(secret)
}

/// Whether a call shows that its caller knows the secret. Without one, nobody does; that takes as long.
///
/// All that it brings has to be right, and it has to bring something.
pub fn knows(secret: Option<&SecretString>, headers: &HeaderMap, body: &[u8]) -> bool {
    let key = secret.map_or("nobody knows this one", |secret| secret.expose_secret());
    let proofs = proofs(headers);
    let are_right = proofs.iter().all(|proof| proof.is_right(key, body));
    are_right && !proofs.is_empty() && secret.is_some()
}

fn proofs(headers: &HeaderMap) -> Vec<Proof> {
    let all = |name: &HeaderName| {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let hub = all(&HUB).into_iter().map(|value| match value.strip_prefix("sha256=").map(hex::decode) {
        Some(Ok(mac)) => Proof::Sha256(mac),
        _ => Proof::Nonsense,
    });
    let netbox = all(&NETBOX).into_iter().map(|value| match hex::decode(value) {
        Ok(mac) => Proof::Sha512(mac),
        Err(_) => Proof::Nonsense,
    });
    let bearer = all(&header::AUTHORIZATION).into_iter().map(|value| match value.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Proof::Bearer(secret.trim().to_owned()),
        _ => Proof::Nonsense,
    });
    hub.chain(netbox).chain(bearer).collect()
}

impl Proof {
    /// How long it takes says nothing about where the two differ.
    fn is_right(&self, key: &str, body: &[u8]) -> bool {
        match self {
            Self::Sha256(mac) => Hmac::<Sha256>::new_from_slice(key.as_bytes())
                .is_ok_and(|own| own.chain_update(body).verify_slice(mac).is_ok()),
            Self::Sha512(mac) => Hmac::<Sha512>::new_from_slice(key.as_bytes())
                .is_ok_and(|own| own.chain_update(body).verify_slice(mac).is_ok()),
            Self::Bearer(secret) => Secret::from(secret.as_str()).is(&Secret::from(key)),
            Self::Nonsense => false,
        }
    }
}

impl Default for HookLimits {
    fn default() -> Self {
        Self { calls: RateLimiter::keyed(quota(CALLS)), refusals: RateLimiter::keyed(quota(REFUSALS)) }
    }
}

impl HookLimits {
    /// Counts a call. The error is how long to wait for the next one.
    pub fn call(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        check(&self.calls, address)
    }

    /// Counts a call that was refused. The error is how long to wait until one is worth a row.
    pub fn refusal(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        check(&self.refusals, address)
    }
}

impl fmt::Debug for HookLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookLimits")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn called(brought: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in brought {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// The first example of GitHub's own documentation, and what NetBox computes: `hmac.new(secret, body, "sha512").hexdigest()`.
    #[test]
    fn signatures_are_those_of_other_systems() {
        let secret = SecretString::from("It's a Secret to Everybody");
        let body = b"Hello, World!";
        let hub = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let netbox = "11ed355a617e98134e842012a7944ccf59c10256cb182357bd7e3a42013ff07c376f8c14cf5cc1923da20b51d64256b2fb8ebbf100aa67a61326f61fea8111bc";
        let good = [
            called(&[(HUB, hub)]),
            called(&[(NETBOX, netbox)]),
            called(&[(HUB, hub), (NETBOX, netbox)]),
            called(&[(header::AUTHORIZATION, "bearer It's a Secret to Everybody")]),
        ];
        for headers in &good {
            assert!(knows(Some(&secret), headers, body), "{headers:?}");
            // Nobody knows the secret of what has none.
            assert!(!knows(None, headers, body), "{headers:?}");
            assert!(!knows(Some(&SecretString::from("another one, as long")), headers, body), "{headers:?}");
        }
        for headers in &good[..3] {
            assert!(!knows(Some(&secret), headers, b"Hello, World?"), "{headers:?}");
        }
        let bad = [
            called(&[]),
            called(&[(HUB, &hub.replace("sha256=", ""))]),
            called(&[(HUB, &hub[..60])]),
            called(&[(HUB, "sha256=")]),
            called(&[(NETBOX, "")]),
            called(&[(NETBOX, &netbox[..64])]),
            called(&[(NETBOX, hub)]),
            called(&[(HUB, hub), (NETBOX, "00")]),
            called(&[(HUB, hub), (HUB, "sha256=00")]),
            called(&[(header::AUTHORIZATION, "Bearer")]),
            called(&[(header::AUTHORIZATION, "Basic It's a Secret to Everybody")]),
            called(&[(header::AUTHORIZATION, "Bearer it's a secret to everybody")]),
        ];
        for headers in &bad {
            assert!(!knows(Some(&secret), headers, body), "{headers:?}");
        }
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let webhook = |text: &str| {
            let file = folder.path().join("secret");
            std::fs::write(&file, text).unwrap();
            Webhook { secret: format!("file:{}", file.display()).parse().unwrap(), dry_run: false }
        };
        assert!(secret(&webhook("sixteen letters!\n")).is_ok());
        let error = secret(&webhook("fifteen letters\n")).unwrap_err().to_string();
        assert!(error.contains("16 letters") && !error.contains("fifteen"), "{error}");
    }

    #[test]
    fn addresses_run_out_by_themselves() {
        let limits = HookLimits::default();
        let address = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        for _ in 0..10 {
            assert_eq!(limits.refusal(address(1)), Ok(()));
        }
        assert!(limits.refusal(address(1)).is_err());
        assert_eq!((limits.refusal(address(2)), limits.call(address(1))), (Ok(()), Ok(())));
    }
}
