//! The secrets of a run, and what stands in a recording in their place.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use syncline_core::settings::SecretRef;

use crate::redact::REDACTED;

/// Shorter secrets are only replaced where they are a value as a whole: replacing every `ab` would hide more than it protects.
const SHORTEST_SCRUBBED: usize = 6;

/// How begins what stands for a secret.
pub(super) const STANDS: &str = "[secret ";

/// What a recording must not hold: the secrets that the settings of a sync refer to, and what its clients are authorised by. Clones share
/// what they learn.
#[derive(Clone, Default)]
pub struct Secrets {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    known: RwLock<Known>,
    /// What the settings say openly, and so is no secret, whatever it is called.
    open: BTreeSet<String>,
    /// How often a secret stood where nothing says so.
    met: AtomicU64,
}

/// Secrets with what stands for them, the longest first: one may be a part of another.
pub(super) type Known = Arc<Vec<(SecretString, String)>>;

/// What stands in a recording for the secret that a reference leads to. It says nothing of the secret, and is the same in every recording,
/// so that a replay, which may not have the secret, finds what was recorded.
///
/// ```
/// # use syncline_core::settings::SecretRef;
/// let reference: SecretRef = "env:TOKEN".parse().unwrap();
/// assert!(syncline_http::stand_in(&reference).starts_with("[secret "));
/// ```
pub fn stand_in(reference: &SecretRef) -> String {
    let hash = blake3::hash(reference.to_string().as_bytes());
    format!("{STANDS}{}]", &hash.to_hex()[..8])
}

impl Secrets {
    /// The secrets that references lead to, and texts that stand openly in the settings.
    pub fn new(
        secrets: impl IntoIterator<Item = (SecretRef, SecretString)>,
        open: impl IntoIterator<Item = String>,
    ) -> Self {
        let known = secrets.into_iter().map(|(reference, secret)| (secret, stand_in(&reference)));
        let mut known: Vec<_> = known.filter(|(secret, _)| !secret.expose_secret().is_empty()).collect();
        known.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.expose_secret().len()));
        Self {
            inner: Arc::new(Inner {
                known: RwLock::new(Arc::new(known)),
                open: open.into_iter().collect(),
                ..Inner::default()
            }),
        }
    }

    /// Keeps what a client is authorised by out of the recording from now on.
    pub(crate) fn learn(&self, secrets: &[SecretString]) {
        let mut known = self.inner.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = |secret: &&SecretString| {
            let text = secret.expose_secret();
            // What stands for a secret is none.
            !text.is_empty()
                && text != REDACTED
                && !known.iter().any(|(known, stands)| known.expose_secret() == text || stands == text)
        };
        let new: Vec<_> = secrets.iter().filter(is_new).map(|secret| (secret.clone(), REDACTED.to_owned())).collect();
        if new.is_empty() {
            return;
        }
        let known = Arc::make_mut(&mut known);
        known.extend(new);
        known.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.expose_secret().len()));
    }

    /// A text, JSON or not, without these secrets and without what stands under the name of one.
    pub fn redacted(&self, text: &[u8]) -> Vec<u8> {
        super::redactor::redacted(self, None, text).0
    }

    /// What is known by now.
    pub(super) fn known(&self) -> Known {
        Arc::clone(&self.inner.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a text that stands under a secret's name is none.
    pub(super) fn is_open(&self, text: &str) -> bool {
        // Whoever put it there: a replay may not know the secret.
        let stands = text.starts_with(STANDS) && text.ends_with(']');
        let is_macro = text.starts_with("{$") && text.ends_with('}');
        text.is_empty() || is_macro || stands || self.inner.open.contains(text)
    }

    /// Notes that a secret stood where nothing says that there is one.
    pub(super) fn meet(&self) {
        self.inner.met.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a secret stood where nothing says that there is one: a name that is a password too, for example. There, a replay differs
    /// from what was recorded.
    pub(super) fn met(&self) -> u64 {
        self.inner.met.load(Ordering::Relaxed)
    }
}

/// The text with what stands for the secrets in it.
pub(super) fn scrub<'t>(text: &'t str, known: &Known) -> Cow<'t, str> {
    let mut scrubbed = Cow::Borrowed(text);
    for (secret, stands) in known.iter() {
        let secret = secret.expose_secret();
        if secret == &*scrubbed {
            return Cow::Owned(stands.clone());
        }
        if secret.len() >= SHORTEST_SCRUBBED && scrubbed.contains(secret) {
            scrubbed = Cow::Owned(scrubbed.replace(secret, stands));
        }
    }
    scrubbed
}

/// The same for a text that may hold a secret as JSON or a form writes it.
pub(super) fn scrub_text<'t>(text: &'t str, known: &Known) -> Cow<'t, str> {
    let mut scrubbed = scrub(text, known);
    // Nothing is written otherwise here.
    if !text.contains(['\\', '%', '+']) {
        return scrubbed;
    }
    for (secret, stands) in known.iter().filter(|(secret, _)| secret.expose_secret().len() >= SHORTEST_SCRUBBED) {
        let secret = secret.expose_secret();
        let json = serde_json::Value::from(secret).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        // In a path, and as other programs write it, a space is no plus sign.
        let path = form.replace('+', "%20");
        let lower = lower_hex(&path);
        for written in [json.trim_matches('"'), &form, &path, &lower] {
            if written != secret && scrubbed.contains(written) {
                scrubbed = Cow::Owned(scrubbed.replace(written, stands));
            }
        }
    }
    scrubbed
}

/// A percent-encoded text with small letters after each `%`.
fn lower_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (hex, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        text + "%" + &hex.to_ascii_lowercase() + rest
    })
}

/// The length of the longest way to write a secret.
pub(super) fn longest(known: &Known) -> usize {
    known.iter().map(|(secret, _)| 6 * secret.expose_secret().len()).max().unwrap_or(0)
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.known().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> Secrets {
        let pairs =
            pairs.iter().map(|(name, secret)| (SecretRef::Env((*name).to_owned()), SecretString::from(*secret)));
        Secrets::new(pairs, ["public".to_owned()])
    }

    #[test]
    fn every_secret_has_what_stands_for_it() {
        let secrets = secrets(&[("A", "hunter2"), ("B", "hunter2-and-more"), ("C", "ab")]);
        let (a, b, c) = (
            stand_in(&SecretRef::Env("A".into())),
            stand_in(&SecretRef::Env("B".into())),
            stand_in(&SecretRef::Env("C".into())),
        );
        let known = secrets.known();
        assert_eq!(scrub("x hunter2-and-more hunter2", &known), format!("x {b} {a}"));
        assert_eq!(scrub("ab", &known), c);
        assert_eq!(scrub("abc", &known), "abc");
        assert_eq!(scrub(&a, &known), a);
        assert!(secrets.is_open("public") && secrets.is_open("{$SNMP}") && secrets.is_open(&a));
        assert!(!secrets.is_open("private"));
    }

    #[test]
    fn what_stands_for_a_secret_is_not_learnt_as_one() {
        let secrets = secrets(&[("A", "hunter2")]);
        secrets.learn(&[stand_in(&SecretRef::Env("A".into())).into(), REDACTED.into(), "hunter2".into(), "".into()]);
        assert_eq!(secrets.known().len(), 1);
        secrets.learn(&["session-id".into()]);
        assert_eq!(scrub("of session-id", &secrets.known()), "of [redacted]");
    }

    #[test]
    fn a_secret_is_found_as_json_and_forms_write_it() {
        let secrets = secrets(&[("A", "a\"b c&d")]);
        let stands = stand_in(&SecretRef::Env("A".into()));
        assert_eq!(scrub_text(r#"<p>"a\"b c&d"</p>"#, &secrets.known()), format!("<p>\"{stands}\"</p>"));
        for written in ["a%22b+c%26d", "a%22b%20c%26d"] {
            assert_eq!(scrub_text(&format!("password={written}"), &secrets.known()), format!("password={stands}"));
        }
        let slash = self::secrets(&[("A", "a/b:c+d")]);
        assert_eq!(scrub_text("x?y=a%2fb%3ac%2bd", &slash.known()), format!("x?y={stands}"));
    }
}
