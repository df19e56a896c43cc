//! What an operator configures: how to reach Forward, and what one sync reads of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use syncline_core::settings::{Problem, SecretRef};
use syncline_http::{BaseUrl, HttpSettings, TlsSettings};

use crate::queries::Query;

/// Largest page that Forward gives.
const LARGEST_PAGE: u32 = 10_000;
/// Most queries that may run at the same time; Forward's own clients stop here, too.
const MOST_QUERIES: usize = 16;
/// No estate has more rows in one query; what does is a query gone wrong.
const MOST_ROWS: u64 = 50_000_000;
/// What Forward allows a user a minute on its own service is 2,000, and a breach locks the user out.
const SAAS_REQUESTS_PER_MINUTE: u32 = 1_800;

/// How to reach one network in Forward Enterprise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Address of Forward, like `https://fwd.app`, with or without `/api` at its end.
    pub url: BaseUrl,
    /// Where the access key of an API token is kept, like `env:FORWARD_ACCESS_KEY`. Forward makes tokens in the personal
    /// settings of a user. A user name works as well, but an account can be locked.
    pub access_key: SecretRef,
    /// Where the secret of the API token is kept, like `file:/run/secrets/forward`.
    pub secret: SecretRef,
    /// The network to read: its id or its name.
    pub network: Identifier,
    /// Encryption and trust.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Time-outs, proxy, limits, retries and pace. Without `requests_per_minute`, 1,800 requests a minute are sent to
    /// `fwd.app`, and as many as there are to any other address.
    #[serde(default)]
    pub http: HttpSettings,
    /// Rows in one page of a result.
    #[serde(default = "default_page_size")]
    #[schemars(range(min = 1, max = 10_000))]
    pub page_size: u32,
    /// Queries that run at the same time.
    #[serde(default = "default_concurrency")]
    #[schemars(range(min = 1, max = 16))]
    pub concurrency: usize,
    /// How queries are run.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub execution: Execution,
    /// Minutes that one query may compute.
    #[serde(default = "default_query_minutes")]
    #[schemars(range(min = 1))]
    pub query_minutes: u64,
    /// Rows that one query may give. More are taken for a query that went wrong.
    #[serde(default = "default_max_rows")]
    #[schemars(range(min = 1, max = 50_000_000_u64))]
    pub max_rows: u64,
}

/// How queries are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Execution {
    /// As executions where Forward has them (26.6 and later), else one request for every page.
    #[default]
    Auto,
    /// One request for every page (`POST /nqe`). Every page computes the query again.
    Sync,
    /// As executions (`POST /networks/…/nqe-executions`): computed once, then read as one stream.
    Async,
}

/// What one sync reads of the network.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Which Forward snapshot is read: `$last`, also when nothing is said (the same as `latestProcessed`: the newest one that was really
    /// collected and processed, predictions left out), `latestCollected` (the newest of these in which devices were collected), or
    /// the id of one.
    pub snapshot: SnapshotSelector,
    /// Only devices at these locations, by name as Forward spells it; `unknown` are devices without a location. Empty
    /// for all.
    pub sites: Vec<String>,
    /// Only devices with, or without, these Forward device tags.
    pub tags: TagScope,
    /// Queries of your own in place of those that are shipped, by the name of the shipped one. Their columns must be
    /// the same.
    pub queries: BTreeMap<Query, QueryBinding>,
}

/// Which devices are read, by Forward's device tags.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TagScope {
    /// Only devices that carry these tags. Empty for all devices.
    pub include: Vec<String>,
    /// Whether a device needs `any` or `all` of the tags to include.
    #[schemars(extend("default" = "any"))]
    pub include_match: TagMatch,
    /// No device that carries any of these, whatever else it carries.
    pub exclude: Vec<String>,
}

/// How many of several tags are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TagMatch {
    /// One of them.
    #[default]
    Any,
    /// Every one of them.
    All,
}

/// A query in Forward's library: by id, or by path.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueryBinding {
    /// Id of the query, like `Q_84f84b0c0a0a1805ddff0ca5451c2c55c58605e5`.
    pub query_id: Option<String>,
    /// Commit at which the query is taken: all 40 digits. Without it the newest is taken.
    pub commit_id: Option<String>,
    /// Path of the query in the organization's library, like `/Network/Interfaces`.
    pub path: Option<String>,
}

/// Which Forward snapshot is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SnapshotSelector {
    /// The newest processed one that is no prediction and no draft.
    #[default]
    LatestProcessed,
    /// The newest of these in which devices were collected.
    LatestCollected,
    /// This one.
    Id(String),
}

/// An id or a name. Forward's ids look like numbers, and are often written without quotes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier(pub String);

fn default_page_size() -> u32 {
    LARGEST_PAGE
}

fn default_concurrency() -> usize {
    10
}

fn default_query_minutes() -> u64 {
    20
}

fn default_max_rows() -> u64 {
    2_000_000
}

impl Connection {
    /// Finds what is wrong without any I/O.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |good: bool, setting: &str, message: &str| {
            if !good {
                problems.push(Problem::new(setting, message));
            }
        };
        check(!self.network.0.trim().is_empty(), "network", "is blank: give the id or the name of the network");
        check((1..=LARGEST_PAGE).contains(&self.page_size), "page_size", "must be from 1 to 10000");
        check((1..=MOST_QUERIES).contains(&self.concurrency), "concurrency", "must be from 1 to 16");
        check(self.query_minutes > 0, "query_minutes", "must be 1 or more");
        check((1..=MOST_ROWS).contains(&self.max_rows), "max_rows", "must be from 1 to 50000000");
        problems.extend(syncline_http::settings::problems(&self.tls, &self.http));
        problems
    }

    /// The HTTP settings with the pace that Forward's own service needs.
    pub(crate) fn paced_http(&self) -> HttpSettings {
        let mut http = self.http.clone();
        let host = self.url.host();
        if host == "fwd.app" || host.ends_with(".fwd.app") {
            http.requests_per_minute.get_or_insert(SAAS_REQUESTS_PER_MINUTE);
        }
        http.max_concurrent_requests = http.max_concurrent_requests.max(self.concurrency);
        http
    }
}

impl Parameters {
    /// Finds what is wrong without any I/O.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let lists =
            [("sites", &self.sites), ("tags.include", &self.tags.include), ("tags.exclude", &self.tags.exclude)];
        for (setting, names) in lists {
            if names.iter().any(|name| name.trim().is_empty()) {
                problems.push(Problem::new(setting, "holds a blank name: remove it"));
            }
        }
        for tag in self.tags.include.iter().filter(|tag| self.tags.exclude.contains(tag)) {
            let message = format!("`{tag}` is also in `tags.include`: no device can be in scope; remove it from one");
            problems.push(Problem::new("tags.exclude", message));
        }
        for (query, binding) in &self.queries {
            if let Some((field, message)) = binding.problem() {
                problems.push(Problem::new(format!("queries.{query}{field}"), message));
            }
        }
        problems
    }

    /// Whether anything restricts which devices are read.
    pub(crate) fn is_scoped(&self) -> bool {
        !self.sites.is_empty() || !self.tags.include.is_empty() || !self.tags.exclude.is_empty()
    }

    /// The tags that a device must all carry, when that is more than the queries themselves can ask for.
    pub(crate) fn all_of(&self) -> &[String] {
        match self.tags.include_match {
            TagMatch::All if self.tags.include.len() > 1 => &self.tags.include,
            _ => &[],
        }
    }
}

impl QueryBinding {
    fn problem(&self) -> Option<(&'static str, &'static str)> {
        let blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        match (&self.query_id, &self.path) {
            (None, None) => Some(("", "names no query: set `query_id` or `path`, or remove it to use the shipped one")),
            (Some(_), Some(_)) => Some(("", "has both `query_id` and `path`: keep one")),
            _ if blank(&self.query_id) => Some((".query_id", "is blank")),
            (None, Some(path)) if !path.starts_with('/') || path.ends_with('/') => {
                Some((".path", "must start with `/` and not end with it, like `/Network/Interfaces`"))
            }
            (None, Some(_)) if self.commit_id.is_some() => {
                Some((".commit_id", "goes with `query_id`: a path is always taken at its newest commit"))
            }
            _ => {
                let complete = |commit: &String| commit.len() == 40 && commit.bytes().all(|c| c.is_ascii_hexdigit());
                // A shortened commit, dropped silently, would run other code than was pinned.
                let short = self.commit_id.as_ref().is_some_and(|commit| !complete(commit));
                short.then_some((".commit_id", "must be all 40 hexadecimal digits of the commit"))
            }
        }
    }
}

impl SnapshotSelector {
    fn from_text(text: &str) -> Option<Self> {
        match text.trim() {
            "" => None,
            "$last" | "latestProcessed" => Some(Self::LatestProcessed),
            "latestCollected" => Some(Self::LatestCollected),
            id => Some(Self::Id(id.to_owned())),
        }
    }
}

impl fmt::Display for SnapshotSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LatestProcessed => "$last",
            Self::LatestCollected => "latestCollected",
            Self::Id(id) => id,
        })
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text, or an integer written without quotes.
struct TextOrInteger;

impl de::Visitor<'_> for TextOrInteger {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an integer")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrInteger).map(Self)
    }
}

impl<'de> Deserialize<'de> for SnapshotSelector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(TextOrInteger)?;
        Self::from_text(&text).ok_or_else(|| {
            de::Error::custom("is blank: use `$last`, `latestProcessed`, `latestCollected` or the id of a snapshot")
        })
    }
}

macro_rules! text_or_integer_schema {
    ($name:ident, $example:literal) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": ["string", "integer"], "examples": [$example]})
            }
        }
    };
}
text_or_integer_schema!(Identifier, "101");
text_or_integer_schema!(SnapshotSelector, "$last");

// A map's keys as they stand in the configuration, so that an editor can complete them.
impl JsonSchema for Query {
    fn schema_name() -> Cow<'static, str> {
        "Query".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Query::ALL.iter().map(|query| query.name()).collect();
        json_schema!({"type": "string", "enum": names})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use syncline_core::settings::{parse, schema};

    fn connection(change: impl FnOnce(&mut Value)) -> Result<Connection, String> {
        let mut value = json!({
            "url": "https://fwd.app", "access_key": "env:KEY", "secret": "env:SECRET", "network": 101,
        });
        change(&mut value);
        parse::<Connection>(value).map_err(|problem| problem.to_string())
    }

    #[track_caller]
    fn check(parameters: Value, expect: &str) {
        let problems = match parse::<Parameters>(parameters) {
            Ok(parameters) => parameters.problems(),
            Err(problem) => vec![problem],
        };
        let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(text.join("; "), expect);
    }

    #[test]
    fn the_pace_follows_from_the_address() {
        let paced = |url: &str| {
            let connection = connection(|value| value["url"] = url.into()).unwrap();
            assert!(connection.problems().is_empty());
            connection.paced_http().requests_per_minute
        };
        assert_eq!(paced("https://fwd.app"), Some(1_800));
        assert_eq!(paced("https://eu.fwd.app/api"), Some(1_800));
        assert_eq!(paced("https://notfwd.app"), None);
        let own = connection(|value| value["http"] = json!({"requests_per_minute": 60})).unwrap();
        assert_eq!(own.paced_http().requests_per_minute, Some(60));
    }

    #[test]
    fn a_connection_out_of_range_is_told_field_by_field() {
        let connection = connection(|value| {
            value["network"] = " ".into();
            value["page_size"] = 20_000.into();
            value["concurrency"] = 17.into();
            value["http"] = json!({"retry": {"attempts": 0}});
        });
        let text: Vec<_> = connection.unwrap().problems().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        `network`: is blank: give the id or the name of the network
        `page_size`: must be from 1 to 10000
        `concurrency`: must be from 1 to 16
        `http.retry.attempts`: is 0: it must be 1 or more
        ");
    }

    #[test]
    fn a_secret_written_out_is_refused() {
        let error = connection(|value| value["secret"] = "hunter2".into()).unwrap_err();
        assert!(!error.contains("hunter2") && error.contains("`secret`"), "{error}");
    }

    #[test]
    fn parameters_are_checked() {
        check(json!({}), "");
        check(json!({"snapshot": 1042, "sites": ["A"], "tags": {"include": ["x"], "include_match": "all"}}), "");
        check(
            json!({"snapshot": ""}),
            "`snapshot`: is blank: use `$last`, `latestProcessed`, `latestCollected` or the id of a snapshot",
        );
        check(json!({"sites": [" "]}), "`sites`: holds a blank name: remove it");
        check(
            json!({"tags": {"include": ["x"], "exclude": ["x"]}}),
            "`tags.exclude`: `x` is also in `tags.include`: no device can be in scope; remove it from one",
        );
        check(
            json!({"queries": {"devices": {}}}),
            "`queries.devices`: names no query: set `query_id` or `path`, or remove it to use the shipped one",
        );
        check(
            json!({"queries": {"devices": {"query_id": "Q_1", "commit_id": "84f84b0"}}}),
            "`queries.devices.commit_id`: must be all 40 hexadecimal digits of the commit",
        );
        check(
            json!({"queries": {"devices": {"path": "Devices"}}}),
            "`queries.devices.path`: must start with `/` and not end with it, like `/Network/Interfaces`",
        );
        let problems =
            parse::<Parameters>(json!({"queries": {"device": {"query_id": "Q_1"}}})).unwrap_err().to_string();
        assert!(problems.contains("unknown variant `device`, expected one of `sites`"), "{problems}");
    }

    #[test]
    fn the_schemas() {
        insta::assert_json_snapshot!("connection_schema", schema::<Connection>());
        insta::assert_json_snapshot!("parameters_schema", schema::<Parameters>());
    }

    #[test]
    fn every_setting_is_described() {
        fn described(schema: &Value, path: &str) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                assert!(field["description"].is_string(), "{path}{name} has no description");
                described(field, &format!("{path}{name}."));
            }
        }
        described(&schema::<Connection>(), "");
        described(&schema::<Parameters>(), "");
    }
}
