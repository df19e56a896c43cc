//! The root address of a system, checked once.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use url::Url;

use crate::{Error, Path};

/// The address that every path of a client is relative to: http or https, a host, and perhaps a path.
///
/// It holds no credentials, no query and no fragment, so it can be shown and logged as it is.
///
/// ```
/// use syncline_http::BaseUrl;
///
/// let url = BaseUrl::parse("https://forward.example/")?.with_suffix("api");
/// assert_eq!(url.to_string(), "https://forward.example/api");
/// assert_eq!(url.clone().with_suffix("api"), url);
/// assert!(BaseUrl::parse("https://user:secret@forward.example").is_err());
/// # Ok::<(), syncline_http::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// The path always ends with `/`.
    url: Url,
}

impl BaseUrl {
    /// Reads and checks an address.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let problem = |problem: String| Error::settings("url", problem);
        let mut url = match Url::parse(text) {
            Ok(url) => url,
            Err(_) if text.is_empty() => {
                return Err(problem("is empty: write it like `https://system.example`".to_owned()));
            }
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                return Err(problem(
                    "says neither `http://` nor `https://`: write it like `https://system.example`".to_owned(),
                ));
            }
            // The text may hold a password, so it is not repeated.
            Err(cause) => {
                return Err(problem(format!("is not a URL ({cause}): write it like `https://system.example`")));
            }
        };
        if url.cannot_be_a_base() {
            return Err(problem(
                "says neither `http://` nor `https://`: write it like `http://localhost:8080`".to_owned(),
            ));
        }
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return Err(problem(format!(
                "has the scheme `{scheme}`, only `http` and `https` are known: write it like `https://system.example`"
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(problem("holds a user name or password: move them to the credential settings".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(problem("holds a query (`?…`) or a fragment (`#…`): give the address without it".to_owned()));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self { url })
    }

    /// The same address with `segment` at its end, exactly once.
    pub fn with_suffix(mut self, segment: &str) -> Self {
        let present =
            self.url.path_segments().is_some_and(|mut segments| segments.rfind(|s| !s.is_empty()) == Some(segment));
        if !present {
            let path = format!("{}{segment}/", self.url.path());
            self.url.set_path(&path);
        }
        self
    }

    /// The host name or address, lower case.
    pub fn host(&self) -> &str {
        // An http or https URL without a host does not parse.
        self.url.host_str().unwrap_or_default()
    }

    /// The port, also when it is the scheme's own.
    pub fn port(&self) -> u16 {
        // Both schemes have a default port.
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Scheme, host and port: what must stay the same for a credential to be sent.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The full address of a path below this one.
    pub(crate) fn join(&self, path: &Path) -> Result<Url, Error> {
        let below = path.encoded()?;
        let mut url = self.url.clone();
        let path = format!("{}{below}", self.url.path());
        url.set_path(&path);
        Ok(url)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl std::str::FromStr for BaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for BaseUrl {
    fn schema_name() -> Cow<'static, str> {
        "BaseUrl".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "uri", "pattern": "^https?://"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, because: &str) {
        let error = BaseUrl::parse(text).unwrap_err().to_string();
        assert!(error.contains(because), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_no_base_address_is_refused_without_repeating_a_password() {
        refused("", "is empty");
        refused("netbox.example", "says neither `http://` nor");
        refused("localhost:8000", "says neither `http://` nor");
        refused("ftp://netbox.example", "scheme `ftp`");
        refused("https://admin:hunter2@netbox.example", "user name or password");
        refused("https://admin:hunter2@", "is not a URL");
        refused("https://netbox.example/?token=hunter2", "query");
    }

    #[test]
    fn a_base_path_is_kept() {
        let url = BaseUrl::parse("http://netbox.example:8080/tools/netbox").unwrap();
        assert_eq!(
            url.join(&Path::from("/api/status/")).unwrap().as_str(),
            "http://netbox.example:8080/tools/netbox/api/status/"
        );
        assert_eq!((url.host(), url.port(), url.is_https()), ("netbox.example", 8080, false));
    }
}
