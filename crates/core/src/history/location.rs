//! Where a history is kept.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// Where a history is kept.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Location {
    /// In this process only.
    Memory,
    /// In a SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database. The URL may hold a password: it is never printed.
    Postgres(url::Url),
}

const FORMS: &str = "a path, `sqlite:///path/history.db` or `postgres://user@host/database`";

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let error = |message: String| Error::new(ErrorKind::Settings, message);
        let text = text.trim();
        if text.is_empty() {
            return Err(error(format!("the history has no address: give {FORMS}")));
        }
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                (scheme, rest)
            }
            // No scheme, or the drive letter of a Windows path.
            _ => return Ok(Self::File(text.into())),
        };
        match scheme {
            "postgres" | "postgresql" => {
                // The text is not repeated in the message: a password may be in it.
                let url = url::Url::parse(text).map_err(|cause| {
                    error(
                        "the address of the history is not a PostgreSQL URL such as `postgres://user@host/database`"
                            .into(),
                    )
                    .caused_by(cause)
                })?;
                Ok(Self::Postgres(url))
            }
            "sqlite" if rest == ":memory:" => Ok(Self::Memory),
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path.contains('?') {
                    return Err(error(format!(
                        "`{text}` names no file: a history in SQLite is `sqlite:///path/history.db`, without options"
                    )));
                }
                Ok(Self::File(path.into()))
            }
            _ => Err(error(format!("a history cannot be kept in `{scheme}`: give {FORMS}"))),
        }
    }
}

/// For messages: without the password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("in memory"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => {
                f.write_str("postgres://")?;
                if !url.username().is_empty() {
                    write!(f, "{}@", url.username())?;
                }
                f.write_str(url.host_str().unwrap_or_default())?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_urls_are_told_apart() {
        let cases = [
            ("history.db", "history.db"),
            ("/var/lib/syncline/history.db", "/var/lib/syncline/history.db"),
            ("sqlite:///var/lib/history.db", "/var/lib/history.db"),
            ("sqlite://data/history.db", "data/history.db"),
            ("sqlite:history.db", "history.db"),
            ("sqlite::memory:", "in memory"),
            ("C:\\data\\history.db", "C:\\data\\history.db"),
            (
                "postgres://syncline:hunter2@db.example:6432/history?sslmode=require",
                "postgres://syncline@db.example:6432/history",
            ),
        ];
        for (text, shown) in cases {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_explained() {
        let message = |text: &str| text.parse::<Location>().unwrap_err().to_string();
        insta::assert_snapshot!(message(" "), @"the history has no address: give a path, `sqlite:///path/history.db` or `postgres://user@host/database`");
        insta::assert_snapshot!(message("mysql://db/history"), @"a history cannot be kept in `mysql`: give a path, `sqlite:///path/history.db` or `postgres://user@host/database`");
        insta::assert_snapshot!(message("sqlite://"), @"`sqlite://` names no file: a history in SQLite is `sqlite:///path/history.db`, without options");
        insta::assert_snapshot!(message("postgres://syncline:hunter2@:port"), @"the address of the history is not a PostgreSQL URL such as `postgres://user@host/database`");
    }
}
