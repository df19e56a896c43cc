//! Settings.

use serde::Deserialize;
use syncline_core::settings::{Problem, SecretRef};
use syncline_http::settings::number;
use syncline_http::{BaseUrl, HttpSettings, TlsSettings};

/// How to reach a NetBox.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Where NetBox answers, for example `https://netbox.example.com`; without `/api`.
    pub url: BaseUrl,
    /// An API token by reference. Both kinds work: version 1 (40 hexadecimal digits) and version 2 (`nbt_…`, since 4.5).
    pub token: SecretRef,
    /// Certificates and their checking.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Time-outs, proxy, retries, limits.
    #[serde(default)]
    pub http: HttpSettings,
    /// How many records a page of a read has, 1 to 1000: NetBox gives no more, and smaller pages cost more a record.
    #[serde(default = "number::<1000>")]
    #[schemars(range(min = 1, max = 1000))]
    pub page_size: u32,
    /// How many pages are read at once, 1 to 16. More than the server has workers gains nothing.
    #[serde(default = "number::<2>")]
    #[schemars(range(min = 1, max = 16))]
    pub read_connections: u32,
    /// How many batches are written at once, 1 to 16. More than the server has workers gains nothing.
    #[serde(default = "number::<2>")]
    #[schemars(range(min = 1, max = 16))]
    pub write_connections: u32,
    /// How many records a written batch has, 1 to 1000. Measured: beyond 100 nothing is gained, and a refused batch costs
    /// more.
    #[serde(default = "number::<100>")]
    #[schemars(range(min = 1, max = 1000))]
    pub batch_size: u32,
    /// How long a branch may take to be made ready, or to be merged, in minutes, 1 to 1440. Merging 1,000 changes takes NetBox
    /// half a minute; 60 is also where the plugin ends its jobs unless told otherwise.
    #[serde(default = "number::<60>")]
    #[schemars(range(min = 1, max = 1440))]
    pub branch_wait_minutes: u32,
}

/// What of a NetBox is read as truth. Empty lists mean everything.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceParameters {
    /// Slugs of sites: only their devices, and what belongs to those, are read.
    pub sites: Vec<String>,
    /// Slugs of tags: only devices that carry one of them, and what belongs to those, are read.
    pub tags: Vec<String>,
}

/// How a NetBox is written to.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetParameters {
    /// Slugs of tags that every created or updated object gets, beside those it has. They must exist in NetBox.
    pub tags: Vec<String>,
    /// Whether NetBox's change log names the run with every change (NetBox 4.4 and later).
    pub changelog_message: bool,
    /// Where a run's changes wait until they are approved.
    #[schemars(extend("default" = "plan"))]
    pub review: Review,
}

/// Where a run's changes wait until they are approved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// In the plan: NetBox is written to when the plan is approved.
    #[default]
    Plan,
    /// In a branch of NetBox, to be merged when it is approved. Needs the plugin `netbox_branching`.
    Branch,
}

impl Default for TargetParameters {
    fn default() -> Self {
        Self { tags: Vec::new(), changelog_message: true, review: Review::Plan }
    }
}

impl TargetParameters {
    /// What is wrong with the parameters, found without any I/O.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        slug_problems("tags", &self.tags)
    }
}

impl Connection {
    /// What is wrong with the connection, found without any I/O.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = syncline_http::settings::ranges([
            ("page_size", self.page_size, 1000),
            ("read_connections", self.read_connections, 16),
            ("write_connections", self.write_connections, 16),
            ("batch_size", self.batch_size, 1000),
            ("branch_wait_minutes", self.branch_wait_minutes, 1440),
        ]);
        problems.extend(syncline_http::settings::problems(&self.tls, &self.http));
        problems
    }
}

/// What is wrong with a list of slugs.
pub(crate) fn slug_problems(setting: &'static str, slugs: &[String]) -> Vec<Problem> {
    slugs
        .iter()
        .enumerate()
        .filter_map(|(position, slug)| {
            let error = slug.parse::<syncline_model::Slug>().err()?;
            Some(Problem::new(format!("{setting}[{position}]"), error.to_string()))
        })
        .collect()
}
