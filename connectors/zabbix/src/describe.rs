//! What people see of the connector: mappings, configuration, the connection test.

use serde::Deserialize;
use serde_json::json;
use syncline_core::Result;
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping, ObjectLink};
use syncline_core::native::Native;
use url::Url;

use crate::catalogue::Catalogue;
use crate::client::ReadClient;
use crate::mapping;
use crate::mapping::rules::Mapping;
use crate::rpc::Said;
use crate::settings::{Connection, TargetParameters, Unlink};
use crate::version::KNOWN;

/// The methods that a target needs, with what does not work without them.
const METHODS: &[(&str, &str)] = &[
    ("host.get", "hosts cannot be read"),
    ("hostgroup.get", "groups cannot be read"),
    ("template.get", "templates cannot be linked"),
    ("proxy.get", "hosts cannot be given to proxies"),
];

#[derive(Deserialize)]
struct Who {
    #[serde(default)]
    username: String,
    #[serde(default)]
    r#type: Option<serde_json::Value>,
}

/// The method that a target with rules for maintenance windows needs besides.
const WINDOWS: (&str, &str) = ("maintenance.get", "maintenance windows cannot be read");

/// Tests the connection: the version, the account, what it may see and do; and for a target, whether that is enough for its
/// parameters.
pub(crate) async fn check(client: &ReadClient, target: Option<&TargetParameters>) -> Result<CheckReport> {
    let writes = target.is_some();
    let has_windows = target.is_some_and(|parameters| !parameters.hosts.maintenances.is_empty());
    let mut report = CheckReport { system: format!("Zabbix {}", client.version()), ..CheckReport::default() };
    report.warnings.extend(KNOWN.warning(client.version()));
    if client.session().header_is_lost {
        report.warnings.push(
            "the web server in front of Zabbix drops the header `Authorization`, so the token goes into the body, which Zabbix 7.2 \
             refuses: set `CGIPassAuth On`, or `SetEnvIf Authorization \"(.*)\" HTTP_AUTHORIZATION=$1`"
                .to_owned(),
        );
    }
    match client.session().who::<Who>().await? {
        Some(who) => {
            report.facts.push(ConfigItem::new("Account", &who.username));
            let kind = who.r#type.as_ref().map(|kind| kind.as_str().map_or_else(|| kind.to_string(), str::to_owned));
            match kind.as_deref() {
                Some("3") => report.facts.push(ConfigItem::new("Role", "super admin")),
                Some("2") if !writes => report.facts.push(ConfigItem::new("Role", "admin")),
                Some("2") => {
                    report.facts.push(ConfigItem::new("Role", "admin"));
                    report.warnings.push(
                        "the account is no super admin, so it cannot create host groups: make them in Zabbix, or set the model \
                         `host_group` to `lookup`"
                            .to_owned(),
                    );
                }
                Some(_) => {
                    report
                        .warnings
                        .push("the account's role may not change hosts: give it the role `Admin`".to_owned());
                }
                None => {}
            }
        }
        None => report.warnings.push("who the account is, is not told".to_owned()),
    }
    let methods = METHODS.iter().copied().chain(has_windows.then_some(WINDOWS));
    let mut reads_all = true;
    for (method, lacking) in methods {
        let asked = client.ask::<serde_json::Value>(method, json!({"countOutput": true})).await?;
        if let Err(refusal) = asked {
            match refusal.said() {
                Said::Forbidden | Said::Unknown => {
                    report.warnings.push(format!("{lacking}: {}", refusal.error(method)));
                    reads_all = false;
                }
                _ => return Err(refusal.error(method)),
            }
        }
    }
    let count = |editable: bool| {
        let params = json!({"countOutput": true, "editable": editable, "filter": {"flags": 0}});
        client.call::<String>("host.get", params)
    };
    let (seen, editable) = (count(false).await?, count(true).await?);
    if writes && seen != editable {
        report.warnings.push(format!("of {seen} hosts that the account sees, it may change {editable}"));
    }
    report.facts.push(ConfigItem::new("Hosts", seen));
    if let Some(parameters) = target.filter(|_| reads_all) {
        report.warnings.extend(mapping::unknown(&parameters.hosts, &Catalogue::read(client).await?));
    }
    Ok(report)
}

/// What becomes what, by the rules.
pub(crate) fn mappings(rules: &Mapping) -> Vec<DataMapping> {
    let mut mappings = vec![
        DataMapping::model("host_group", "host group").with_note("groups that nest have their parents made too"),
        DataMapping::model("host", "host"),
        DataMapping::field("host", "host", &rules.name).with_note("characters that Zabbix refuses are replaced"),
        DataMapping::field("host", "name", &rules.visible_name),
        DataMapping::field("host", "origin", "tag `syncline`")
            .with_note("by this a host is found again after it was renamed"),
        DataMapping::field("host", "status", format!("monitored if {}", or(&rules.monitored, "it is there"))),
    ];
    let mut add = |field: &'static str, native: String, when: &str| {
        let note = if when.is_empty() { String::new() } else { format!("if {when}") };
        mappings.push(DataMapping::field("host", field, native).with_note(note));
    };
    for rule in &rules.groups {
        add("groups", rule.name.clone(), &rule.when);
    }
    if let Some(graveyard) = rules.graveyard() {
        add("groups", graveyard.to_string(), "its device is gone and it waits for its delete");
    }
    for rule in &rules.templates {
        add("templates", rule.template.clone(), &rule.when);
    }
    for rule in &rules.interfaces {
        add("interfaces", format!("{}: {}", rule.r#type.as_str(), rule.address), &rule.when);
    }
    for rule in &rules.monitored_by {
        let by = if rule.proxy.is_empty() { &rule.proxy_group } else { &rule.proxy };
        add("monitored_by", or(by, "server").to_owned(), &rule.when);
    }
    for rule in &rules.tags {
        add("tags", format!("{}: {}", rule.tag, rule.value), &rule.when);
    }
    for rule in &rules.macros {
        let value = match (&rule.secret, rule.vault.is_empty()) {
            (Some(_), _) => "a secret".to_owned(),
            (None, false) => format!("vault {}", rule.vault),
            (None, true) => rule.value.clone(),
        };
        add("macros", format!("{}: {value}", rule.r#macro), &rule.when);
    }
    for (field, text) in &rules.inventory.fields {
        add("inventory", format!("{field}: {text}"), "");
    }
    if !rules.maintenances.is_empty() {
        let note = "those with the sync's line at the end of their description; the others are people's";
        mappings.push(DataMapping::model("maintenance", "maintenance").with_note(note));
    }
    for rule in &rules.maintenances {
        let native = format!("{}: {} to {}", rule.name, rule.since, rule.until);
        let note = if rule.when.is_empty() { String::new() } else { format!("if {}", rule.when) };
        mappings.push(DataMapping::field("maintenance", "name", native).with_note(note));
    }
    mappings
}

fn or<'t>(text: &'t str, empty: &'t str) -> &'t str {
    if text.is_empty() { empty } else { text }
}

/// The connection for people, without secrets.
pub(crate) fn connection(connection: &Connection) -> Vec<ConfigItem> {
    let account = match (&connection.token, &connection.user) {
        (Some(token), _) => ConfigItem::new("Token", token),
        (None, user) => ConfigItem::new("User", user.as_deref().unwrap_or_default()),
    };
    vec![
        ConfigItem::new("Base URL", &connection.url),
        account,
        ConfigItem::new("Certificate checked", if connection.tls.verify { "yes" } else { "no" }),
        ConfigItem::new("Read connections", connection.read_connections),
        ConfigItem::new("Hosts in a call, at most", connection.batch_size),
    ]
}

/// The settings of a target for people, without secrets.
pub(crate) fn configuration(settings: &Connection, parameters: &TargetParameters) -> Vec<ConfigItem> {
    let unlinked = match parameters.unlink {
        Unlink::Clear => "go with their history",
        Unlink::Keep => "stay on the host",
    };
    let mut items = connection(settings);
    items.push(ConfigItem::new("Items of unlinked templates", unlinked));
    items.push(ConfigItem::new("Hosts left alone", format!("those with the tag `{}`", parameters.ignored_tag)));
    items
}

/// Where a person sees a host or a group in the frontend.
pub(crate) fn link(client: &ReadClient, model: &str, native: &Native) -> Option<ObjectLink> {
    let (action, id) = match model {
        "host" => ("host.edit", "hostid"),
        "host_group" => ("hostgroup.edit", "groupid"),
        _ => return None,
    };
    let base = client.url();
    let url = format!("{}/zabbix.php?action={action}&{id}={}", base.trim_end_matches('/'), native.id);
    Some(ObjectLink { label: format!("{model} {}", native.id), url: Url::parse(&url).ok()? })
}
