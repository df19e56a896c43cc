//! The settings that every connector with HTTP shares.

use std::{borrow::Cow, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use syncline_core::settings::{Problem, SecretRef};
use url::Url;

use crate::{BaseUrl, Error};

/// Everything a [`Client`](crate::Client) is built from, but the credential.
///
/// A connector takes this type as a whole, or names the three parts in its own settings (`url`, `tls`, `http`) and puts
/// them together when it connects.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// Address of the system, like `https://netbox.example`.
    pub url: BaseUrl,
    /// Encryption and trust.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Time-outs, proxy, limits, retries and pace.
    #[serde(default)]
    pub http: HttpSettings,
}

/// Encryption and trust.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Whether the system's certificate is checked. Without the check, anybody on the way can read the credential.
    pub verify: bool,
    /// File (PEM) with the certificates of your own authorities, trusted besides those of this machine.
    pub ca_file: Option<PathBuf>,
    /// File (PEM) with the certificate that this side shows, followed by its chain.
    pub client_certificate_file: Option<PathBuf>,
    /// File (PEM) with the private key of the client certificate, without a passphrase.
    pub client_key_file: Option<PathBuf>,
}

/// Time-outs, proxy, limits, retries and pace.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Seconds until a connection must stand, TLS included.
    #[schemars(range(min = 1))]
    pub connect_timeout_seconds: u64,
    /// Seconds that the system may send nothing, before its answer and within it.
    #[schemars(range(min = 1))]
    pub read_timeout_seconds: u64,
    /// Seconds that one attempt may take as a whole; no limit if not set.
    #[schemars(range(min = 1))]
    pub total_timeout_seconds: Option<u64>,
    /// `system` (the environment's proxy variables), `off`, or the URL of a proxy.
    #[schemars(extend("default" = "system"))]
    pub proxy: Proxy,
    /// User name for the proxy, if it wants one.
    pub proxy_user: Option<String>,
    /// Where the password for the proxy is kept.
    pub proxy_password: Option<SecretRef>,
    /// The largest answer that is read into memory, in MiB after decompression.
    #[schemars(range(min = 1))]
    pub max_body_mib: u64,
    /// The longest line of an answer that is read line by line, in MiB.
    #[schemars(range(min = 1))]
    pub max_line_mib: u64,
    /// Requests in flight at the same time.
    #[schemars(range(min = 1))]
    pub max_concurrent_requests: usize,
    /// Requests a minute, shared by everything in this process that uses the same credential; no limit if not set.
    #[schemars(range(min = 1))]
    pub requests_per_minute: Option<u32>,
    /// How failed requests are tried again.
    pub retry: RetrySettings,
}

/// How failed requests are tried again: after a random wait below a bound that doubles each time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySettings {
    /// How often a request is sent at most, the first time included.
    #[schemars(range(min = 1))]
    pub attempts: u32,
    /// The bound of the first wait, in milliseconds.
    pub base_delay_ms: u64,
    /// What the bound does not grow beyond, in seconds.
    pub max_delay_seconds: u64,
    /// The longest wait that a system can ask for (`Retry-After`), in seconds. One that asks for more is an error.
    pub max_retry_after_seconds: u64,
}

/// Which proxy requests go through: `system`, `off` or a URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// What the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
    #[default]
    System,
    /// None, whatever the environment says.
    Off,
    /// This one. The URL holds no credentials.
    Url(Url),
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { verify: true, ca_file: None, client_certificate_file: None, client_key_file: None }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout_seconds: 10,
            read_timeout_seconds: 120,
            total_timeout_seconds: None,
            proxy: Proxy::System,
            proxy_user: None,
            proxy_password: None,
            max_body_mib: 512,
            max_line_mib: 16,
            max_concurrent_requests: 10,
            requests_per_minute: None,
            retry: RetrySettings::default(),
        }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { attempts: 4, base_delay_ms: 500, max_delay_seconds: 30, max_retry_after_seconds: 120 }
    }
}

impl TlsSettings {
    /// Checks what can be checked without touching a file.
    pub fn validate(&self) -> Result<(), Error> {
        match (&self.client_certificate_file, &self.client_key_file) {
            (Some(_), None) => {
                Err(Error::settings("tls.client_key_file", "is missing: a client certificate needs its key"))
            }
            (None, Some(_)) => {
                Err(Error::settings("tls.client_certificate_file", "is missing: a client key needs its certificate"))
            }
            _ => Ok(()),
        }
    }
}

impl HttpSettings {
    /// Checks ranges and combinations.
    pub fn validate(&self) -> Result<(), Error> {
        let least_one = [
            ("http.connect_timeout_seconds", self.connect_timeout_seconds),
            ("http.read_timeout_seconds", self.read_timeout_seconds),
            ("http.total_timeout_seconds", self.total_timeout_seconds.unwrap_or(1)),
            ("http.max_body_mib", self.max_body_mib),
            ("http.max_line_mib", self.max_line_mib),
            ("http.max_concurrent_requests", self.max_concurrent_requests as u64),
            ("http.requests_per_minute", self.requests_per_minute.map_or(1, u64::from)),
            ("http.retry.attempts", u64::from(self.retry.attempts)),
        ];
        if let Some((setting, _)) = least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(Error::settings(setting, "is 0: it must be 1 or more"));
        }
        if self.proxy_user.is_some() != self.proxy_password.is_some() {
            return Err(Error::settings(
                "http.proxy_user",
                "and `http.proxy_password` belong together: set both or none",
            ));
        }
        if self.proxy_user.is_some() && !matches!(self.proxy, Proxy::Url(_)) {
            return Err(Error::settings("http.proxy", "must be a URL when `http.proxy_user` is set"));
        }
        Ok(())
    }
}

impl ClientSettings {
    /// Checks everything that can be checked without I/O. [`Client::new`](crate::Client::new) does it, too.
    pub fn validate(&self) -> Result<(), Error> {
        self.tls.validate()?;
        self.http.validate()
    }
}

/// What is wrong with the settings of a client, found without any I/O, setting by setting: for
/// [`Connector::validate`](syncline_core::connector::Connector::validate).
pub fn problems(tls: &TlsSettings, http: &HttpSettings) -> Vec<Problem> {
    let told = |error| match error {
        Error::Settings { setting, problem } => Problem::new(setting, problem),
        other => Problem::new("http", other.to_string()),
    };
    [tls.validate(), http.validate()].into_iter().filter_map(Result::err).map(told).collect()
}

/// The number that a setting has where none is given: `#[serde(default = "number::<50>")]`.
pub const fn number<const N: u32>() -> u32 {
    N
}

/// What is wrong with numbers that have to be at least 1: setting, value, and the most that it may be.
pub fn ranges<const N: usize>(ranges: [(&'static str, u32, u32); N]) -> Vec<Problem> {
    let outside = ranges.into_iter().filter(|(_, value, most)| *value == 0 || value > most);
    outside.map(|(name, value, most)| Problem::new(name, format!("`{value}` is not between 1 and {most}"))).collect()
}

impl Proxy {
    /// Reads `system`, `off` or a URL.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let problem = |problem: &str| Error::settings("http.proxy", problem);
        match text.trim() {
            "system" => Ok(Self::System),
            "off" => Ok(Self::Off),
            text => {
                let url =
                    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                let url = url.ok_or_else(|| {
                    problem("is none of `system`, `off` and the URL of a proxy like `http://proxy.example:3128`")
                })?;
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(problem(
                        "holds a user name or password: move them to `http.proxy_user` and `http.proxy_password`",
                    ));
                }
                Ok(Self::Url(url))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for Proxy {
    fn schema_name() -> Cow<'static, str> {
        "Proxy".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(system|off|https?://.+)$"})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(settings: Value, expect: Result<(), &str>) {
        let result = serde_path_to_error::deserialize::<_, ClientSettings>(settings)
            .map_err(|error| error.to_string())
            .and_then(|settings| settings.validate().map_err(|error| error.to_string()));
        match (result, expect) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(expect)) => {
                assert!(error.contains(expect), "{error}");
                assert!(!error.contains("hunter2"), "{error}");
            }
            (got, expect) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn settings_have_defaults_and_refuse_what_they_do_not_know() {
        let url = "https://netbox.example";
        check(json!({"url": url}), Ok(()));
        check(json!({"url": url, "tls": {"verify": false}, "http": {"proxy": "off"}}), Ok(()));
        check(json!({"url": url, "http": {"proxy": "http://proxy:3128", "retry": {"attempts": 1}}}), Ok(()));
        check(json!({}), Err("missing field `url`"));
        check(json!({"url": "netbox"}), Err("url"));
        check(json!({"url": url, "htpp": {}}), Err("unknown field `htpp`"));
        check(json!({"url": url, "http": {"timeout": 3}}), Err("http.timeout: unknown field `timeout`"));
        check(json!({"url": url, "http": {"retry": {"attempts": 0}}}), Err("`http.retry.attempts` is 0"));
        check(json!({"url": url, "http": {"max_body_mib": 0}}), Err("`http.max_body_mib` is 0"));
        check(json!({"url": url, "http": {"proxy": "sytem"}}), Err("none of `system`, `off`"));
        check(json!({"url": url, "http": {"proxy": "http://u:hunter2@proxy"}}), Err("`http.proxy_user`"));
        check(json!({"url": url, "http": {"proxy_user": "u"}}), Err("set both or none"));
        check(json!({"url": url, "http": {"proxy_user": "u", "proxy_password": "env:P"}}), Err("must be a URL"));
        check(
            json!({"url": url, "tls": {"client_key_file": "k.pem"}}),
            Err("`tls.client_certificate_file` is missing"),
        );
        check(
            json!({"url": url, "tls": {"client_certificate_file": "c.pem"}}),
            Err("`tls.client_key_file` is missing"),
        );
    }

    #[test]
    fn the_schema_wants_a_reference_for_the_password_and_states_the_defaults() {
        let schema = schemars::schema_for!(HttpSettings).to_value();
        let fields = &schema["properties"];
        assert!(schema.to_string().contains("secret-reference") && fields["proxy_password"]["default"].is_null());
        assert_eq!(fields["connect_timeout_seconds"]["minimum"], 1);
        assert_eq!((&fields["max_body_mib"]["default"], &fields["proxy"]["default"]), (&json!(512), &json!("system")));
        assert_eq!(schema["additionalProperties"], false);
    }
}
