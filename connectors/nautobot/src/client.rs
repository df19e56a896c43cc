//! What is asked of a Nautobot.

use syncline_core::prelude::*;
use syncline_http::django::Lists;
use syncline_http::{Client as Http, ClientSettings, Credential, Path};

use crate::settings::Connection;

/// A Nautobot, to be asked.
#[derive(Clone)]
pub(crate) struct Client {
    pub lists: Lists,
    /// How it is reached.
    pub connection: Connection,
    /// Its release.
    pub version: String,
    /// Whether it keeps the speed of interfaces, as newer releases do.
    pub has_speed: bool,
}

impl Client {
    /// Connects: finds out which release it is.
    pub async fn connect(connection: Connection, context: &ConnectContext) -> Result<Self> {
        let Connection { url, tls, http, token, .. } = connection.clone();
        let http = Http::for_run(&ClientSettings { url, tls, http }, Credential::token(token.resolve()?), context)?;
        let lists = Lists { client: http, system: "Nautobot", folder: "api" };
        let version = lists.get("status", &[]).await?["nautobot-version"].as_str().unwrap_or_default().to_owned();
        let mut client = Self { lists, connection, version, has_speed: false };
        if !client.version.starts_with(['2', '3']) {
            let (version, url) = (&client.version, &client.connection.url);
            let message = format!("Nautobot 2.2 to 3.2 is known, and `{version}` is what {url} says that it is");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let known = client.graphql("{__type(name:\"InterfaceType\"){fields{name}}}").await?;
        client.has_speed = each(&known["__type"]["fields"]).any(|field| field["name"] == "speed");
        Ok(client)
    }

    /// The same, for what is written as long as the run may.
    pub fn on_condition(mut self, permit: &WritePermit) -> Self {
        let validity = permit.validity().clone();
        self.lists.client = self.lists.client.on_condition(move || validity.ensure());
        self
    }

    /// The answer to a query of GraphQL. What it has no right to see is missing without a word.
    pub async fn graphql(&self, query: &str) -> Result<Value> {
        self.lists.client.graphql("Nautobot", Path::from(["api", "graphql"]).slash(), query).await
    }

    /// Objects of a list of GraphQL, each with its id, when it was changed, and these fields.
    pub async fn list(&self, list: &str, arguments: &str, fields: &str) -> Result<Vec<Value>> {
        let mut data = self.graphql(&format!("{{{list}({arguments}){{id last_updated {fields}}}}}")).await?;
        serde_json::from_value(data[list].take()).map_err(|error| {
            Error::new(ErrorKind::Protocol, format!("Nautobot answered no list of {list}")).caused_by(error)
        })
    }
}

/// The members of a list.
pub(crate) fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
