//! Settings.

use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::settings::{Problem, SecretRef};
use syncline_http::settings::{self, number};
use syncline_http::{BaseUrl, HttpSettings, TlsSettings};

/// How to reach a Nautobot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Where Nautobot answers, for example `https://nautobot.example.com`; without `/api`.
    pub url: BaseUrl,
    /// An API token by reference.
    pub token: SecretRef,
    /// The location type whose locations are sites. What stands at a location below one stands at that site.
    #[serde(default = "default_location_type")]
    pub location_type: String,
    /// The location below which new sites are made, by its name: for a location type that asks for a parent.
    #[serde(default)]
    pub location_parent: Option<String>,
    /// Certificates and their checking.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Time-outs, proxy, retries, limits.
    #[serde(default)]
    pub http: HttpSettings,
    /// How many records a page of a read has, 1 to 10000. Small pages cost more a record.
    #[serde(default = "number::<2000>")]
    #[schemars(range(min = 1, max = 10_000))]
    pub page_size: u32,
    /// How many pages are read at once, 1 to 16. More than the server has workers gains nothing.
    #[serde(default = "number::<2>")]
    #[schemars(range(min = 1, max = 16))]
    pub read_connections: u32,
    /// How many batches are written at once, 1 to 16. More than the server has workers gains nothing.
    #[serde(default = "number::<2>")]
    #[schemars(range(min = 1, max = 16))]
    pub write_connections: u32,
    /// How many records a written batch has, 1 to 1000. Beyond 50 little is gained, and a refused batch costs more.
    #[serde(default = "number::<50>")]
    #[schemars(range(min = 1, max = 1000))]
    pub batch_size: u32,
}

fn default_location_type() -> String {
    "Site".to_owned()
}

impl Connection {
    /// What is wrong with the connection, found without any I/O.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = settings::ranges([
            ("page_size", self.page_size, 10_000),
            ("read_connections", self.read_connections, 16),
            ("write_connections", self.write_connections, 16),
            ("batch_size", self.batch_size, 1000),
        ]);
        problems.extend(settings::problems(&self.tls, &self.http));
        problems
    }
}
