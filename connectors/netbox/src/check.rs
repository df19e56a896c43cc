//! The connection test.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use syncline_core::describe::{CheckReport, ConfigItem};
use syncline_core::{ErrorKind, Result};

use crate::branch;
use crate::client::{ReadClient, RestPage, Status};
use crate::read::Role;
use crate::settings::{Connection, Review, SourceParameters, TargetParameters};
use crate::tables::{TABLES, Table};
use crate::tags;
use crate::version::{GRAPHQL_BY_KEY, KNOWN, WHO_ASKS};

#[derive(Debug, Deserialize)]
struct User {
    username: String,
}

#[derive(Debug, Deserialize)]
struct Token {
    #[serde(default)]
    display: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    write_enabled: bool,
}

#[derive(Debug, Deserialize)]
struct Counted {}

/// Tests what a source needs.
pub(crate) async fn source(client: &ReadClient, parameters: &SourceParameters) -> Result<CheckReport> {
    let mut report = common(client, Role::Source).await?;
    named_tags(client, &parameters.tags, &mut report).await?;
    Ok(report)
}

/// Tests what a target needs.
pub(crate) async fn target(
    client: &ReadClient,
    connection: &Connection,
    parameters: &TargetParameters,
) -> Result<CheckReport> {
    let mut report = common(client, Role::Target).await?;
    named_tags(client, &parameters.tags, &mut report).await?;
    if token_only_reads(client, connection).await {
        report.warnings.push("the token may only read: switch on `write enabled` in NetBox".to_owned());
    }
    for table in TABLES.iter().filter(|table| table.written) {
        let Ok(options) = client.options(table).await else { continue };
        if options.get("actions").is_none_or(|actions| actions.get("POST").is_none()) {
            let (add, plural) = (table.view_permission().replace("view_", "add_"), table.schema.plural);
            report.warnings.push(format!("the token lacks the permission `{add}`: {plural} cannot be created"));
        }
    }
    if parameters.review == Review::Branch {
        branch::check(client, &mut report).await?;
    }
    Ok(report)
}

async fn common(client: &ReadClient, role: Role) -> Result<CheckReport> {
    let version = client.version();
    let mut report = CheckReport { system: format!("NetBox {version}"), facts: Vec::new(), warnings: Vec::new() };
    report.warnings.extend(KNOWN.warning(version));
    if version >= WHO_ASKS
        && let Ok(user) = client.get::<User>("api/authentication-check/", &[]).await
    {
        report.facts.push(ConfigItem::new("User", user.username));
    }
    plugins(client.status(), &mut report);
    for table in TABLES.iter().filter(|table| table.written || role == Role::Source) {
        let query = [("limit", "1".to_owned()), ("fields", "id".to_owned())];
        match client.list::<Counted>(table, &query).await {
            Ok(RestPage { count, .. }) => {
                let count = count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
                report.facts.push(ConfigItem::new(upper(table.schema.plural), count));
            }
            Err(error) if error.kind() == ErrorKind::Forbidden => report.warnings.push(may_not_read(table)),
            Err(error) if error.kind().ends_a_read() => return Err(error),
            Err(error) => report.warnings.push(format!("{} cannot be read: {}", table.schema.plural, error.report())),
        }
    }
    graphql(client, &mut report).await?;
    Ok(report)
}

fn may_not_read(table: &Table) -> String {
    format!("the token lacks the permission `{}`: {} cannot be read", table.view_permission(), table.schema.plural)
}

fn plugins(status: &Status, report: &mut CheckReport) {
    let version = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let plugins: BTreeMap<_, _> = status.plugins.iter().map(|(name, value)| (name, version(value))).collect();
    if plugins.is_empty() {
        return;
    }
    let list: Vec<_> = plugins.iter().map(|(name, version)| format!("{name} {version}")).collect();
    report.facts.push(ConfigItem::new("Plugins", list.join(", ")));
}

async fn graphql(client: &ReadClient, report: &mut CheckReport) -> Result<()> {
    let how = if client.version() >= GRAPHQL_BY_KEY {
        match client.graphql::<Value>("tag_list", "{tag_list(pagination:{start:0,limit:1}){id}}", Value::Null).await {
            Ok(_) => "GraphQL",
            Err(error) if error.kind().ends_a_read() => return Err(error),
            Err(error) => {
                let report = &mut report.warnings;
                report
                    .push(format!("GraphQL cannot be used, reads take five to ten times as long: {}", error.report()));
                "REST"
            }
        }
    } else {
        "REST (GraphQL pages by key since 4.5.2)"
    };
    report.facts.push(ConfigItem::new("Read by", how));
    Ok(())
}

async fn named_tags(client: &ReadClient, slugs: &[String], report: &mut CheckReport) -> Result<()> {
    if slugs.is_empty() {
        return Ok(());
    }
    match tags::resolve(client, slugs).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind().ends_a_read() && error.kind() != ErrorKind::Settings => Err(error),
        Err(error) => {
            report.warnings.push(error.to_string());
            Ok(())
        }
    }
}

/// Whether the token is one of the user's own that may not write. Not every user may see tokens: then it is not known.
async fn token_only_reads(client: &ReadClient, connection: &Connection) -> bool {
    let Ok(secret) = connection.token.resolve() else { return false };
    let Ok(page) = client.get::<RestPage<Token>>("api/users/tokens/", &[("limit", "1000".to_owned())]).await else {
        return false;
    };
    let secret = secret.expose_secret();
    let is_ours = |token: &&Token| match (secret.strip_prefix("nbt_"), &token.key) {
        (Some(rest), Some(key)) => rest.split('.').next() == Some(key),
        (None, Some(key)) => key == secret,
        // NetBox shows the end of a version 1 token.
        (None, None) => {
            let shown = token.display.trim_start_matches('*');
            shown.len() >= 6 && secret.ends_with(shown)
        }
        (Some(_), None) => false,
    };
    page.results.iter().find(is_ours).is_some_and(|token| !token.write_enabled)
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
