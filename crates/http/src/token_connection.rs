//! The connection that most connectors need: an address and a token.

use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::Result;
use syncline_core::connector::ConnectContext;
use syncline_core::settings::SecretRef;

use crate::{BaseUrl, Client, ClientSettings, Credential, HttpSettings, TlsSettings};

/// How to reach a system that knows its callers by a bearer token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConnection {
    /// Address of the system, like `https://inventory.example`.
    pub url: BaseUrl,
    /// The token, sent as `Authorization: Bearer …`.
    pub token: SecretRef,
    /// The header that carries the token where it is another one, like `X-Api-Key`.
    pub token_header: Option<String>,
    /// Encryption and trust.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Time-outs, proxy, limits, retries and pace.
    #[serde(default)]
    pub http: HttpSettings,
}

impl TokenConnection {
    /// A client for a run. Nothing is connected yet.
    pub fn client(&self, context: &ConnectContext) -> Result<Client> {
        let settings = ClientSettings { url: self.url.clone(), tls: self.tls.clone(), http: self.http.clone() };
        let token = self.token.resolve()?;
        let credential = match &self.token_header {
            Some(header) => Credential::header(header, token)?,
            None => Credential::bearer(token),
        };
        Ok(Client::for_run(&settings, credential, context)?)
    }
}
