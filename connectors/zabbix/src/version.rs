//! Which Zabbix it is.

use std::fmt;

use syncline_core::{Error, ErrorKind, Result};

/// The version of a Zabbix, as its API says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The oldest version that works: the older ones have no API tokens, and other rules for templates.
    pub const OLDEST: Self = Self::new(6, 0, 0);
    /// The newest minor version whose API is known.
    pub const NEWEST: Self = Self::new(7, 4, 0);

    /// A version by its numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads `7.0.22` or `8.0.0alpha1`.
    pub fn parse(text: &str) -> Result<Self> {
        let number = |part: Option<&str>| part?.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok();
        let mut parts = text.trim().split('.');
        let (major, minor, patch) = (number(parts.next()), number(parts.next()), number(parts.next()));
        if let (Some(major), Some(minor)) = (major, minor) {
            return Ok(Self::new(major, minor, patch.unwrap_or(0)));
        }
        let shown: String = text.chars().take(40).collect();
        Err(Error::new(ErrorKind::Protocol, format!("`{shown}` is not a version of Zabbix; is `url` right?")))
    }

    /// An error when the version is too old.
    pub fn ensure_supported(self) -> Result<()> {
        if self >= Self::OLDEST {
            return Ok(());
        }
        let message = format!("Zabbix {self} is too old; upgrade it to 6.0 or later");
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Whether the version is newer than those whose API is known. It is spoken to as the newest of those.
    pub fn is_untried(self) -> bool {
        (self.major, self.minor) > (Self::NEWEST.major, Self::NEWEST.minor)
    }

    /// Whether it is this minor version or a later one.
    pub(crate) fn is_at_least(self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
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
    fn versions_are_compared_by_number() {
        let parse = |text| Version::parse(text).unwrap();
        assert!(parse("10.0.0") > parse("7.4.9") && parse("6.0.14") < parse("6.4.0"));
        assert_eq!(parse("8.0.0alpha1"), Version::new(8, 0, 0));
        assert_eq!(parse("7.0").to_string(), "7.0.0");
        assert!(parse("5.4.9").ensure_supported().is_err() && parse("6.0.0").ensure_supported().is_ok());
        assert!(parse("8.0.0").is_untried() && !parse("7.4.30").is_untried());
        assert!(Version::parse("<html>").unwrap_err().to_string().contains("is not a version of Zabbix"));
    }
}
