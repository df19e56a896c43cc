//! Settings.

use serde::Deserialize;
use syncline_core::settings::{Problem, SecretRef};
use syncline_http::settings::number;
use syncline_http::{BaseUrl, HttpSettings, TlsSettings};

use crate::mapping::rules::Mapping;
use crate::source::Facts;
use syncline_core::expression::Expressions;

/// How to reach a Zabbix.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Where its frontend answers, for example `https://zabbix.example.com` or `https://example.com/zabbix`; without
    /// `/api_jsonrpc.php`.
    pub url: BaseUrl,
    /// An API token by reference (Users, API tokens). Better than a password: it ends when it is told to, and no session is left.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// The account to log in with, where there is no token.
    #[serde(default)]
    pub user: Option<String>,
    /// Its password by reference.
    #[serde(default)]
    pub password: Option<SecretRef>,
    /// Certificates and their checking.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Time-outs, proxy, retries, limits.
    #[serde(default)]
    pub http: HttpSettings,
    /// How many reads are under way at once, 1 to 16. Writes go one after the other: the database of Zabbix lets no two of them
    /// insert at once.
    #[serde(default = "number::<2>")]
    #[schemars(range(min = 1, max = 16))]
    pub read_connections: u32,
    /// How many hosts are read in one call, 1 to 10000.
    #[serde(default = "number::<500>")]
    #[schemars(range(min = 1, max = 10_000))]
    pub page_size: u32,
    /// How many hosts are written in one call at most, 1 to 1000. The number follows the time that Zabbix takes: heavy templates
    /// make it smaller.
    #[serde(default = "number::<500>")]
    #[schemars(range(min = 1, max = 1000))]
    pub batch_size: u32,
}

/// How hosts become devices. Texts are templates of Jinja about a host: `host`, `name`, `monitored`, `description`, `groups`, `templates`,
/// `tags` (by name), `inventory` (by field), `ip` and `dns` of the first main interface.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceParameters {
    /// Which hosts become devices: a condition; all when empty.
    pub when: String,
    /// The device's name.
    pub name: String,
    /// The name of its site.
    pub site: String,
    /// The name of its role.
    pub role: String,
    /// The name of its maker.
    pub manufacturer: String,
    /// The name of its model.
    pub device_type: String,
    /// The name of what it runs; none when empty.
    pub platform: String,
    /// Its serial number; none when empty.
    pub serial: String,
    /// The interface that gets the addresses of the host: Zabbix does not know which one it is.
    pub interface: String,
}

impl Default for SourceParameters {
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            when: String::new(),
            name: text("{{ host }}"),
            site: text("{{ tags.site | default(inventory.site_city, true) | default('Unknown', true) }}"),
            role: text("{{ tags.role | default(inventory.type, true) | default('Unknown', true) }}"),
            manufacturer: text("{{ inventory.vendor | default('Unknown', true) }}"),
            device_type: text("{{ inventory.model | default('Unknown', true) }}"),
            platform: text("{{ inventory.os | default('', true) }}"),
            serial: text("{{ inventory.serialno_a | default('', true) }}"),
            interface: text("mgmt"),
        }
    }
}

impl SourceParameters {
    /// What is wrong with the rules, found without any I/O.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let expressions = Expressions::about(Facts::example());
        let texts = [
            ("name", &self.name),
            ("site", &self.site),
            ("role", &self.role),
            ("manufacturer", &self.manufacturer),
            ("device_type", &self.device_type),
            ("platform", &self.platform),
            ("serial", &self.serial),
        ];
        let checked = texts.into_iter().map(|(rule, text)| expressions.check_text(rule, text));
        let checked = checked.chain([expressions.check_condition("when", &self.when)]);
        checked.filter_map(Result::err).map(|unsaid| Problem::new(unsaid.rule, unsaid.problem)).collect()
    }
}

/// How a Zabbix is written to.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetParameters {
    /// How devices become hosts.
    pub hosts: Mapping,
    /// What becomes of the items of a template that is unlinked.
    #[schemars(extend("default" = "clear"))]
    pub unlink: Unlink,
    /// Hosts with this tag are people's: they are not read, and so neither changed nor deleted.
    pub ignored_tag: String,
}

/// What becomes of the items of a template that is unlinked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unlink {
    /// They go, with their history.
    #[default]
    Clear,
    /// They stay on the host, where they can be in the way of another template.
    Keep,
}

impl Default for TargetParameters {
    fn default() -> Self {
        Self { hosts: Mapping::default(), unlink: Unlink::default(), ignored_tag: "syncline-ignore".to_owned() }
    }
}

impl Connection {
    /// What is wrong with the connection, found without any I/O.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match (&self.token, &self.user, &self.password) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            (None, None, None) => problems.push(Problem::new("token", "give a token, or `user` and `password`")),
            (None, _, _) => problems.push(Problem::new("user", "give both `user` and `password`, or a `token`")),
            (Some(_), _, _) => problems.push(Problem::new("user", "give a `token` or an account, not both")),
        }
        problems.extend(syncline_http::settings::ranges([
            ("read_connections", self.read_connections, 16),
            ("page_size", self.page_size, 10_000),
            ("batch_size", self.batch_size, 1000),
        ]));
        problems.extend(syncline_http::settings::problems(&self.tls, &self.http));
        problems
    }
}
