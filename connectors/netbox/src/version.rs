//! Which NetBox it is, and what that version can do.

use std::fmt;

use syncline_core::{Error, ErrorKind, Result};

/// The version of a NetBox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The oldest version that works: since 4.2 MAC addresses are objects of their own and prefixes have a scope.
    pub const OLDEST: Self = Self::new(4, 2, 0);
    /// The newest minor version that this connector was tried with.
    pub const NEWEST: Self = Self::new(4, 6, 0);

    /// A version by its numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads `4.6.8` or `4.5.1-Docker-3.4.1`.
    pub fn parse(text: &str) -> Result<Self> {
        let number = |part: Option<&str>| {
            let part = part?;
            let digits = part.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u32>().ok()
        };
        let mut parts = text.trim().trim_start_matches('v').split('.');
        let (major, minor, patch) = (number(parts.next()), number(parts.next()), number(parts.next()));
        if let (Some(major), Some(minor)) = (major, minor) {
            return Ok(Self::new(major, minor, patch.unwrap_or(0)));
        }
        let shown: String = text.chars().take(40).collect();
        Err(Error::new(ErrorKind::Protocol, format!("`{shown}` is not a version of NetBox; is `url` right?")))
    }

    /// An error when the version is too old.
    pub fn ensure_supported(self) -> Result<()> {
        if self >= Self::OLDEST {
            return Ok(());
        }
        let message = format!("NetBox {self} is too old; upgrade it to 4.2 or later (tried with 4.2 to 4.6)");
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Whether the version is newer than those that this connector was tried with.
    pub fn is_untried(self) -> bool {
        (self.major, self.minor) > (Self::NEWEST.major, Self::NEWEST.minor)
    }

    /// Whether GraphQL pages by key (`pagination: {start: …}`) and compares ids in filters.
    pub fn graphql_pages_by_key(self) -> bool {
        self >= Self::new(4, 5, 2)
    }

    /// Whether a write may add tags without naming those that are there (`add_tags`).
    pub fn adds_tags(self) -> bool {
        self >= Self::new(4, 6, 0)
    }

    /// Whether a write may carry a message for the change log.
    pub fn takes_changelog_message(self) -> bool {
        self >= Self::new(4, 4, 0)
    }

    /// Whether `/api/authentication-check/` tells who asks.
    pub fn tells_who_asks(self) -> bool {
        self >= Self::new(4, 5, 0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_what_hangs_on_them() {
        for (text, expected) in [
            ("4.6.8", (4, 6, 8)),
            ("v4.5.1-Docker-3.4.1", (4, 5, 1)),
            ("4.7-beta1", (4, 7, 0)),
            ("5.0.0-rc2", (5, 0, 0)),
        ] {
            let (major, minor, patch) = expected;
            assert_eq!(Version::parse(text).unwrap(), Version::new(major, minor, patch), "{text}");
        }
        for text in ["", "latest", "4", "<html>"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn old_is_refused_and_new_is_noticed() {
        let error = Version::new(4, 1, 11).ensure_supported().unwrap_err();
        insta::assert_snapshot!(error, @"NetBox 4.1.11 is too old; upgrade it to 4.2 or later (tried with 4.2 to 4.6)");
        assert!(Version::new(4, 2, 0).ensure_supported().is_ok());
        assert!(Version::new(4, 7, 0).is_untried() && !Version::new(4, 6, 99).is_untried());
    }
}
