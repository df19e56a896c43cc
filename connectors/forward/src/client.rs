//! The routes of Forward that say who, what and where: version, user, networks.

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use syncline_core::connector::ConnectContext;
use syncline_http::{Client, ClientSettings, Credential, Path, Request};

use crate::error::{Error, Problem};
use crate::settings::{Connection, Identifier};

/// Forward's API with one credential. Cloning it gives another handle to the same connections.
#[derive(Clone)]
pub(crate) struct Api {
    http: Client,
}

/// The release of a Forward server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// As Forward writes it: `26.7.0-02`.
    pub text: String,
    /// Year and number; `(0, 0)` when it cannot be told.
    pub release: (u32, u32),
}

/// A network of Forward.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Network {
    pub id: Identifier,
    pub name: String,
    /// Present when it is a what-if copy of another one.
    pub parent_id: Option<Identifier>,
}

/// Whom the access key belongs to.
#[derive(Debug, Deserialize)]
pub(crate) struct CurrentUser {
    pub user: User,
    #[serde(default)]
    pub roles: Roles,
}

#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub username: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Roles {
    pub org: Vec<String>,
    pub network: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct VersionInfo {
    release: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NetworkList {
    Bare(Vec<Network>),
    Wrapped { networks: Vec<Network> },
}

impl Version {
    /// The first release with asynchronous executions.
    const EXECUTIONS: (u32, u32) = (26, 6);

    fn parse(text: &str) -> Self {
        let mut parts = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        let release = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Self { text: text.to_owned(), release }
    }

    pub fn has_executions(&self) -> bool {
        self.release >= Self::EXECUTIONS
    }
}

impl Api {
    /// Resolves the credential; sends nothing.
    pub fn new(connection: &Connection, context: &ConnectContext) -> syncline_core::Result<Self> {
        let access_key = connection.access_key.resolve()?;
        let secret = connection.secret.resolve()?;
        let settings = ClientSettings {
            url: connection.url.clone().with_suffix("api"),
            tls: connection.tls.clone(),
            http: connection.paced_http(),
        };
        let credential = Credential::basic(access_key.expose_secret(), secret);
        Ok(Self { http: Client::for_run(&settings, credential, context)? })
    }

    pub fn get(&self, path: impl Into<Path>) -> Request {
        self.http.get(path)
    }

    pub fn post(&self, path: impl Into<Path>) -> Request {
        self.http.post(path)
    }

    pub async fn version(&self) -> Result<Version, Error> {
        let info: VersionInfo = json(self.get("version")).await?;
        let text = info.release.or(info.version).unwrap_or_default();
        Ok(Version::parse(&text))
    }

    pub async fn current_user(&self) -> Result<CurrentUser, Error> {
        json(self.get("users/current")).await
    }

    /// The network of an id or a name. What-if copies are found by id only.
    pub async fn network(&self, wanted: &str) -> Result<Network, Error> {
        let networks = match json(self.get("networks")).await? {
            NetworkList::Bare(networks) | NetworkList::Wrapped { networks } => networks,
        };
        if let Some(network) = networks.iter().find(|network| network.id.0 == wanted) {
            return Ok(network.clone());
        }
        let real = || networks.iter().filter(|network| network.parent_id.is_none());
        let named: Vec<_> = real().filter(|network| network.name == wanted).collect();
        match named.as_slice() {
            [network] => Ok((*network).clone()),
            [] => {
                let known: Vec<_> = real().map(|network| format!("`{}` (id {})", network.name, network.id)).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(Problem::Settings(format!(
                    "the access key sees no network `{wanted}`: set `network` to one that it sees ({known}), or give its user a role in that network"
                ))
                .into())
            }
            several => {
                let ids: Vec<_> = several.iter().map(|network| network.id.0.as_str()).collect();
                Err(Problem::Settings(format!(
                    "several networks are called `{wanted}`: set `network` to the id of one ({})",
                    ids.join(", ")
                ))
                .into())
            }
        }
    }
}

/// Sends a request and reads its whole answer as JSON.
pub(crate) async fn json<T: DeserializeOwned>(request: Request) -> Result<T, Error> {
    request.send().await.and_then(|response| response.json()).map_err(Error::of)
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn executions_follow_from_the_release() {
        let has = |text| Version::parse(text).has_executions();
        assert!(has("26.6.0") && has("26.10.1-03") && has("27.1"));
        assert!(!has("26.5.4-01") && !has("21.50.1-03") && !has("dev") && !has(""));
    }
}
