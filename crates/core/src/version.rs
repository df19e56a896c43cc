//! Which release of a system it is, and which ones a connector knows.

use std::fmt;

use crate::{Error, ErrorKind, Result};

/// The version of a system, compared by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The releases that a connector knows.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What the system is called.
    pub system: &'static str,
    /// The oldest release that works, by its major and minor number.
    pub oldest: (u32, u32),
    /// The newest one that the connector was tried with.
    pub newest: (u32, u32),
}

impl Version {
    /// A version by its numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads `4.6.8`, `7.0`, `8.0.0alpha1` or `v4.5.1-Docker-3.4.1`; none of what does not begin with two numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok();
        let mut parts = text.trim().trim_start_matches('v').split('.').map(number);
        let (major, minor, patch) = (parts.next()??, parts.next()??, parts.next().flatten());
        Some(Self::new(major, minor, patch.unwrap_or(0)))
    }

    /// Whether it is this minor release or a later one.
    pub fn is_at_least(self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Known {
    /// The version that a system tells; an error when it is none, or too old.
    pub fn read(&self, text: &str) -> Result<Version> {
        let Self { system, oldest: (major, minor), .. } = *self;
        let Some(version) = Version::parse(text) else {
            let shown: String = text.chars().take(40).collect();
            let message = format!("`{shown}` is not a version of {system}; is `url` right?");
            return Err(Error::new(ErrorKind::Protocol, message));
        };
        if version.is_at_least(major, minor) {
            return Ok(version);
        }
        let message = format!(
            "{system} {version} is too old; upgrade it to {major}.{minor} or later (tried with {})",
            self.tried()
        );
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// What people are warned of when the system is newer than the connector knows.
    pub fn warning(&self, version: Version) -> Option<String> {
        let is_newer = (version.major, version.minor) > self.newest;
        is_newer
            .then(|| format!("{} {version} is newer than what Syncline was tried with ({})", self.system, self.tried()))
    }

    fn tried(&self) -> String {
        let ((major, minor), (newest_major, newest_minor)) = (self.oldest, self.newest);
        format!("{major}.{minor} to {newest_major}.{newest_minor}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known { system: "Example", oldest: (4, 2), newest: (4, 6) };

    #[test]
    fn versions_are_read_with_what_hangs_on_them() {
        for (text, (major, minor, patch)) in [
            ("4.6.8", (4, 6, 8)),
            ("v4.5.1-Docker-3.4.1", (4, 5, 1)),
            ("4.7-beta1", (4, 7, 0)),
            ("8.0.0alpha1", (8, 0, 0)),
            (" 7.0\n", (7, 0, 0)),
        ] {
            assert_eq!(Version::parse(text), Some(Version::new(major, minor, patch)), "{text}");
        }
        for text in ["", "latest", "4", "<html>"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        let parse = |text| Version::parse(text).unwrap();
        assert!(parse("10.0.0") > parse("7.4.9") && parse("6.0.14") < parse("6.4.0"));
        assert!(parse("20.1").is_at_least(2, 2) && !parse("2.10").is_at_least(3, 0));
    }

    #[test]
    fn old_is_refused_and_new_is_noticed() {
        let error = KNOWN.read("4.1.11").unwrap_err();
        insta::assert_snapshot!(error, @"Example 4.1.11 is too old; upgrade it to 4.2 or later (tried with 4.2 to 4.6)");
        let error = KNOWN.read("<html>").unwrap_err();
        insta::assert_snapshot!(error, @"`<html>` is not a version of Example; is `url` right?");
        let warning = |text| KNOWN.warning(KNOWN.read(text).unwrap());
        assert_eq!(warning("4.6.99"), None);
        insta::assert_snapshot!(warning("4.7.0").unwrap(), @"Example 4.7.0 is newer than what Syncline was tried with (4.2 to 4.6)");
    }
}
