//! Where syncs may lead that no configuration file keeps: those that are made by the API, on a page or by a command.
//!
//! Such a sync names connections and cannot make any: every address is the operator's own word. What is limited here is which of
//! them somebody else may use, and what its parameters may name. Addresses are judged as they are written. Names are not looked up,
//! because what they lead to can change with every look; `syncline_http` drops link-local addresses when it does.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use syncline_core::registry::Registry;
use url::{Host, Url};

use super::{ConfigError, ConfigProblem, Configuration};

/// Somewhere that a sync may lead: a host, an address or a network, or the beginning of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A host by its name.
    Host(String),
    /// The hosts whose names end so, with the dot: `.example.com`.
    Below(String),
    /// Addresses that are written in a URL instead of a name.
    Network(IpNet),
    /// URLs of a scheme, host and port whose paths are this one, or below it.
    Url(Box<Url>),
}

/// Addresses at which clouds give a machine its credentials, besides the link-local ones.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V4(std::net::Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 0, 192)),
];
/// Their names.
const METADATA_NAMES: [&str; 3] = ["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"];

impl Destination {
    /// Whether a URL leads there.
    fn has(&self, url: &Url) -> bool {
        match (self, url.host()) {
            (Self::Host(name), Some(Host::Domain(host))) => without_dot(host) == name,
            (Self::Below(end), Some(Host::Domain(host))) => without_dot(host).ends_with(end.as_str()),
            (Self::Network(network), host) => host.and_then(address).is_some_and(|address| network.contains(&address)),
            (Self::Url(start), host) => {
                let same = url.scheme() == start.scheme()
                    && host == start.host()
                    && url.port_or_known_default() == start.port_or_known_default();
                let (path, start) = (url.path(), start.path().trim_end_matches('/'));
                same && path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            _ => false,
        }
    }
}

/// A name as everybody writes it, without the dot of the root.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// The address that a host is, told as the one that it stands for.
fn address<S>(host: Host<S>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(IpAddr::from(address).to_canonical()),
        Host::Domain(_) => None,
    }
}

/// Whether a URL leads to where a cloud gives a machine its credentials, or to a link-local address.
fn is_metadata(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => METADATA_NAMES.contains(&without_dot(name)),
        Some(host) => address(host).is_some_and(|address| {
            let link_local = match address {
                IpAddr::V4(address) => address.is_link_local(),
                IpAddr::V6(address) => address.is_unicast_link_local(),
            };
            link_local || METADATA.contains(&address)
        }),
        None => false,
    }
}

/// Refuses a sync that no file keeps and that leads where it may not. The error tells it by the key of the setting.
pub fn ensure_reach(configuration: &Configuration, registry: &Registry, name: &str) -> Result<(), ConfigError> {
    let Some(sync) = configuration.syncs.get(name) else { return Ok(()) };
    let allowed = configuration.web.connect_to.as_deref();
    let mut problems = Vec::new();
    for (side, connection, parameters) in
        [("source", &sync.source, &sync.source_parameters), ("target", &sync.target, &sync.target_parameters)]
    {
        let Some(known) = configuration.connections.get(connection) else { continue };
        let Ok(connector) = registry.get(&known.connector) else { continue };
        let schema = match side {
            "source" => connector.source.as_ref().map(|offered| (offered.parameters_schema)()),
            _ => connector.target.as_ref().map(|offered| (offered.parameters_schema)()),
        };
        let mut of_connection = Vec::new();
        find(&(connector.connection_schema)(), &known.settings, "", &mut of_connection);
        let mut of_parameters = Vec::new();
        find(&schema.unwrap_or_default(), parameters, "", &mut of_parameters);
        for (key, url) in of_connection {
            if let Some((why, remedy)) = refused(&url, allowed) {
                let message = format!("`{key}` of the connection `{connection}` is {why}");
                problems.push(problem(name, side.to_owned(), message, remedy));
            }
        }
        for (key, url) in of_parameters {
            if let Some((why, remedy)) = refused(&url, allowed) {
                problems.push(problem(name, format!("{side}_parameters.{key}"), format!("is {why}"), remedy));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(problems)) }
}

fn problem(name: &str, key: String, message: String, remedy: String) -> ConfigProblem {
    ConfigProblem { origin: format!("the sync `{name}`"), key, message, remedy: Some(remedy) }
}

/// Why a URL is refused, and what to do about it.
fn refused(url: &Url, allowed: Option<&[Destination]>) -> Option<(String, String)> {
    let shown = shown(url);
    if is_metadata(url) {
        let why = format!("`{shown}`, an address of the machine's own surroundings, where clouds keep credentials");
        let remedy = "only a sync that the configuration file keeps may lead there: write it there";
        return Some((why, remedy.to_owned()));
    }
    let allowed = allowed?;
    if allowed.iter().any(|destination| destination.has(url)) {
        return None;
    }
    let why = format!("`{shown}`, which `web.connect_to` does not name");
    let host = url.host_str().unwrap_or_default();
    let remedy = format!(
        "choose another connection, or let an operator add `{host}` to `web.connect_to` in the configuration file"
    );
    Some((why, remedy))
}

/// Scheme, host and port: the rest may hold what is nobody's business.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The URLs in settings, with their keys: where the schema says that one stands, and texts of other schemas that begin like one.
fn find(schema: &Value, value: &Value, key: &str, found: &mut Vec<(String, Url)>) {
    match value {
        Value::String(text) => {
            let is_web = |url: &Url| matches!(url.scheme(), "http" | "https" | "ws" | "wss");
            let says_so = schema.get("format").is_some_and(|format| format == "uri");
            let url = Url::parse(text).ok();
            found.extend(url.filter(|url| says_so || is_web(url)).map(|url| (key.to_owned(), url)));
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let of_field = schema.get("properties").and_then(|all| all.get(name)).unwrap_or(&Value::Null);
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                find(of_field, field, &key, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                find(schema.get("items").unwrap_or(&Value::Null), item, &format!("{key}.{at}"), found);
            }
        }
        _ => {}
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no host, no network and no URL: write `netbox.example.com`, `*.example.com`, `10.0.0.0/8` or \
                 `https://example.com/netbox`"
            )
        };
        if text.contains("://") {
            let url = Url::parse(text).map_err(|_| wrong())?;
            let is_plain = matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            return if is_plain { Ok(Self::Url(Box::new(url))) } else { Err(wrong()) };
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Network(IpNet::from(address.to_canonical())));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        let (name, below) = text.strip_prefix("*.").map_or((text, false), |name| (name, true));
        // As the reader of URLs writes a name: in lower case, other scripts as ASCII. It takes numbers for addresses.
        match Host::parse(name) {
            Ok(Host::Domain(name)) if !name.is_empty() && !name.contains(['*', '/', ':', ' ']) => {
                let name = without_dot(&name);
                Ok(if below { Self::Below(format!(".{name}")) } else { Self::Host(name.to_owned()) })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => f.write_str(name),
            Self::Below(end) => write!(f, "*{end}"),
            Self::Network(network) => network.fmt(f),
            Self::Url(url) => url.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Destination {
    fn schema_name() -> Cow<'static, str> {
        "Destination".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "destination",
            "examples": ["netbox.example.com", "*.example.com", "10.0.0.0/8", "https://example.com/netbox"],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_allowed(url: &str, destination: &str) -> bool {
        destination.parse::<Destination>().unwrap().has(&url.parse().unwrap())
    }

    #[test]
    fn a_destination_is_a_host_a_network_or_the_beginning_of_a_url() {
        for (url, destination) in [
            ("https://netbox.example.com", "netbox.example.com"),
            ("http://netbox.example.com:8080/x", "NetBox.Example.com"),
            ("https://netbox.example.com./", "netbox.example.com"),
            ("https://a.b.example.com", "*.example.com"),
            ("https://10.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "10.1.2.3"),
            ("https://[2001:db8::1]:8443", "2001:db8::/32"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://[::ffff:10.1.2.3]", "10.0.0.0/8"),
            // Written otherwise, it is the same address.
            ("http://167838211", "10.0.0.0/8"),
            ("http://0x0a.1.2.3", "10.0.0.0/8"),
            ("https://example.com/netbox", "https://example.com/netbox"),
            ("https://example.com/netbox/api", "https://example.com/netbox/"),
            ("https://example.com:443/", "https://example.com"),
        ] {
            assert!(is_allowed(url, destination), "{url} {destination}");
        }
        for (url, destination) in [
            ("https://evil.example", "netbox.example.com"),
            ("https://netbox.example.com.evil.example", "netbox.example.com"),
            ("https://netbox.example.com@evil.example", "netbox.example.com"),
            ("https://example.com", "*.example.com"),
            ("https://badexample.com", "*.example.com"),
            ("https://11.1.2.3", "10.0.0.0/8"),
            // Nobody looks up where a name leads.
            ("https://ten.example", "0.0.0.0/0"),
            ("https://example.com/netboxes", "https://example.com/netbox"),
            ("https://example.com/netbox/../admin", "https://example.com/netbox"),
            ("http://example.com/netbox", "https://example.com/netbox"),
            ("https://example.com:8443/netbox", "https://example.com/netbox"),
        ] {
            assert!(!is_allowed(url, destination), "{url} {destination}");
        }
    }

    #[test]
    fn what_is_no_destination_is_told() {
        for text in [
            "",
            "*",
            "*.",
            "a b",
            "a/b",
            "10.0.0.0/33",
            "ftp://a.example",
            "https://kim@a.example",
            "a.example:80",
            "*.*.a",
        ] {
            let told = text.parse::<Destination>().unwrap_err();
            assert!(told.contains("write `netbox.example.com`"), "{text}: {told}");
        }
    }

    #[test]
    fn metadata_is_refused_however_it_is_written() {
        for url in [
            "http://169.254.169.254/latest",
            "http://169.254.170.2",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://metadata.google.internal./",
            "http://METADATA.google.internal/",
            "http://100.100.100.200/",
        ] {
            let url = url.parse().unwrap();
            assert!(refused(&url, None).is_some(), "{url}");
            // Also where a list names it.
            assert!(refused(&url, Some(&["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()])).is_some(), "{url}");
        }
        assert_eq!(refused(&"http://127.0.0.1:8000".parse().unwrap(), None), None);
    }

    #[test]
    fn urls_are_found_where_they_stand() {
        let schema =
            json!({"properties": {"url": {"format": "uri"}, "inner": {"properties": {"x": {"format": "uri"}}}}});
        let value = json!({
            "url": "ftp://a.example",
            "inner": {"x": "https://b.example", "y": "https://c.example/z"},
            "list": ["plain", "http://d.example"],
            "text": "see https://e.example",
        });
        let mut found = Vec::new();
        find(&schema, &value, "", &mut found);
        let found: Vec<_> = found.into_iter().map(|(key, url)| format!("{key} {}", shown(&url))).collect();
        let expected = [
            "inner.x https://b.example",
            "inner.y https://c.example",
            "list.1 http://d.example",
            "url ftp://a.example",
        ];
        assert_eq!(found, expected);
    }
}
