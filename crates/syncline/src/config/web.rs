//! How the server is reached, and by whom.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use syncline_web::auth::{AuthSettings, Authentication, Watchers};
use syncline_web::live::StreamLimits;
use url::Url;

use super::{Destination, OidcSettings};

/// How the server is reached, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebSettings {
    /// Who may ask: `off` is everybody who reaches the server, which then listens on this machine only; `users` is whoever has an account
    /// or a token (`syncline account add`, `syncline token add`).
    #[schemars(extend("default" = "off"))]
    pub authentication: Asked,
    /// The address that browsers know, for example `https://syncline.example.com`: that of the proxy which speaks TLS. With `https`,
    /// cookies are sent by TLS only.
    pub url: Option<Url>,
    /// Further names by which the server is reached, without port. Under other names it does not answer.
    pub hosts: Vec<String>,
    /// The addresses from which proxies ask. Of what they send, the last address in `X-Forwarded-For` is that of whoever asks.
    pub proxies: Vec<IpAddr>,
    /// Where syncs may lead that no configuration file keeps, but the API, a page or a command made: hosts (`netbox.example.com`,
    /// `*.example.com`), addresses and networks (`10.0.0.0/8`), and beginnings of URLs (`https://example.com/netbox`). They may use only
    /// connections whose URLs are all among them. Default: every connection.
    pub connect_to: Option<Vec<Destination>>,
    /// Who may read `/metrics` where the pages are, when people have to log in: `known` is programs on this machine and whoever may look at
    /// everything (a token of the role `viewer`), `everybody` is whoever reaches the server. `--metrics-listen` shows them elsewhere.
    #[schemars(extend("default" = "known"))]
    pub metrics: MetricsFor,
    /// How many streams of events (`GET /api/v1/events`, `…/runs/{id}/events`) may be open at once in this process. Each is a connection.
    /// Default: 500.
    pub streams: Option<usize>,
    /// How many of them one account or token may have open; one address where nobody is asked. Default: 50.
    pub streams_each: Option<usize>,
    /// A provider of OpenID Connect, where people log in instead of here, or besides. With `authentication = "users"` and `url`.
    pub oidc: Option<OidcSettings>,
}

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricsFor {
    /// Programs on this machine, and whoever may look at everything.
    #[default]
    Known,
    /// Everybody who reaches the server.
    Everybody,
}

/// Whether whoever asks has to say who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Nobody has to.
    #[default]
    Off,
    /// Everybody has to log in, or to bring a token.
    Users,
}

impl WebSettings {
    /// The same for the server. An error when a secret cannot be had.
    pub fn auth(&self) -> syncline_core::Result<AuthSettings> {
        let provider = match (&self.oidc, &self.url) {
            (Some(oidc), Some(url)) => Some(oidc.provider(url)?),
            _ => None,
        };
        Ok(AuthSettings { provider, ..self.without_provider() })
    }

    /// The names by which the server is reached, beside those of the machine for itself.
    pub fn names(&self) -> Vec<String> {
        let named = self.url.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
        named.into_iter().chain(self.hosts.iter().cloned()).collect()
    }

    fn without_provider(&self) -> AuthSettings {
        AuthSettings {
            authentication: match self.authentication {
                Asked::Off => Authentication::Off,
                Asked::Users => Authentication::On,
            },
            secure: self.is_secure(),
            hosts: self.names(),
            proxies: self.proxies.clone(),
            watchers: match self.metrics {
                MetricsFor::Known => Watchers::Known,
                MetricsFor::Everybody => Watchers::Everybody,
            },
            provider: None,
        }
    }

    /// How many streams of events may be open at once.
    pub fn stream_limits(&self) -> StreamLimits {
        let usual = StreamLimits::default();
        let (all, each) = (self.streams.unwrap_or(usual.all), self.streams_each.unwrap_or(usual.each));
        StreamLimits { all, each, ..usual }
    }

    /// Whether browsers reach the server by TLS.
    pub fn is_secure(&self) -> bool {
        self.url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// What is wrong, as the last part of the key, the message and the remedy.
    pub(super) fn problems(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut problems = Vec::new();
        if self.oidc.is_some() {
            if self.authentication == Asked::Off {
                let remedy = "set `web.authentication = \"users\"`, so that people have to log in";
                problems.push(("oidc", "nobody has to log in".to_owned(), remedy));
            }
            if self.url.is_none() {
                let remedy = "set `web.url` to the address that browsers know, where the provider sends them back to";
                problems.push(("oidc", "the server has no address".to_owned(), remedy));
            }
        }
        if let Some(url) = &self.url {
            let is_plain = matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some()
                && url.path() == "/"
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            if !is_plain {
                let remedy = "write `https://` and a name; the server does not stand below a path of another one";
                problems.push(("url", "is more than a scheme, a name and a port".to_owned(), remedy));
            }
        }
        for host in &self.hosts {
            if host.parse::<axum::http::uri::Authority>().map_or(true, |authority| authority.host() != host) {
                let message = format!("`{host}` is no name of a host");
                problems.push(("hosts", message, "write the name alone: without scheme, port and path"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_known_by_its_address_and_further_names() {
        let settings = WebSettings {
            authentication: Asked::Users,
            url: Some("https://syncline.example:8443".parse().unwrap()),
            hosts: vec!["10.0.0.1".to_owned(), "[2001:db8::1]".to_owned()],
            proxies: vec!["127.0.0.1".parse().unwrap()],
            ..WebSettings::default()
        };
        assert_eq!(settings.problems(), []);
        let auth = settings.auth().unwrap();
        assert_eq!(auth.hosts, ["syncline.example", "10.0.0.1", "[2001:db8::1]"]);
        assert!(auth.secure && auth.authentication == Authentication::On);
        assert_eq!(WebSettings::default().auth().unwrap().authentication, Authentication::Off);
    }

    #[test]
    fn what_is_no_name_is_told() {
        for url in ["ftp://a.example", "https://a.example/syncline", "https://kim@a.example", "https://a.example/?x"] {
            let settings = WebSettings { url: Some(url.parse().unwrap()), ..WebSettings::default() };
            assert_eq!(settings.problems().len(), 1, "{url}");
        }
        for host in ["https://a.example", "a.example:80", "a.example/x", "kim@a.example", ""] {
            let settings = WebSettings { hosts: vec![host.to_owned()], ..WebSettings::default() };
            assert_eq!(settings.problems().len(), 1, "{host}");
        }
    }
}
