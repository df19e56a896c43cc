//! What this program is: its connectors, its syncs, and how large its history is.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::response::Html;
use syncline_core::Result;
use syncline_core::event::Side;
use syncline_core::history::{Retention, Role, SyncOwner};

use super::PageProblem;
use super::ability::in_short;
use super::form::Fields;
use super::frame::{Command, Frame, Section, Visit, html};
use super::overview::Link;
use super::run_line::sync_href;
use super::secrets::{SecretLine, secret_lines};
use super::show::{Bytes, Count, Icon, clean};
use super::side::side_href;
use super::system_icon::SystemIcon;
use super::table_sizes::TableSizes;
use crate::ApiState;
use crate::routes::connectors::Connector;

/// The pages of the settings, as tabs.
#[derive(Debug, Template)]
#[template(path = "parts/settings_tabs.html")]
pub struct Tabs {
    current: Tab,
    /// Whoever looks may see the pages of admins.
    is_admin: bool,
    /// Whoever looks has logged in.
    is_known: bool,
}

/// A page of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// This program.
    System,
    /// The people who may log in.
    Accounts,
    /// What programs ask with.
    Tokens,
    /// Who did what.
    Audit,
    /// One's own password.
    Password,
}

#[derive(Template)]
#[template(path = "system.html")]
struct SystemPage {
    frame: Frame,
    tabs: Tabs,
    version: &'static str,
    connectors: Vec<ConnectorLine>,
    systems: Vec<SystemLine>,
    /// None for those who may not see them.
    secrets: Option<Vec<SecretLine>>,
    secrets_command: Command,
    syncs: Vec<SyncLine>,
    size: Bytes,
    /// What is kept, each limit in words.
    kept: Vec<String>,
    /// By table, the largest first; none where nobody asked for it.
    tables: Option<Vec<(String, Bytes)>>,
    /// The tables are still being measured.
    is_measuring: bool,
    command: Command,
}

#[derive(Debug)]
struct ConnectorLine {
    icon: SystemIcon,
    connector: Connector,
}

/// A system that a sync uses, on one side.
#[derive(Debug)]
struct SystemLine {
    link: Link,
    icon: SystemIcon,
    /// `Zabbix 1.2.3`.
    connector: String,
    side: &'static str,
    /// What it can, in few words.
    can: String,
    /// The sync with whose settings that is so.
    sync: Link,
}

#[derive(Debug)]
struct SyncLine {
    link: Link,
    owner: &'static str,
    error: Option<String>,
}

impl HtmlSafe for Tabs {}

impl Tabs {
    /// The tabs of a page.
    pub fn of(frame: &Frame, current: Tab) -> Self {
        // Where nobody is asked, everybody may do everything.
        let is_admin = frame.role.is_none_or(|role| role.may(Role::Admin));
        Self { current, is_admin, is_known: frame.who.is_some() }
    }
}

/// `GET /settings?tables=on`: with how much each table takes, which is looked for page by page.
pub async fn page(
    State(state): State<ApiState>,
    State(sizes): State<TableSizes>,
    visit: Visit,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let history = state.runner.history();
    let asked = if fields.is_set("tables") { Some(sizes.of(history).await?) } else { None };
    let (is_measuring, size) = (asked == Some(None), asked.flatten());
    let total = match &size {
        Some(size) => size.total,
        None => history.bytes().await?,
    };
    let tables = size.map(|size| {
        let mut tables: Vec<_> = size.tables.into_iter().map(|(name, bytes)| (clean(&name), bytes)).collect();
        tables.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        tables.into_iter().map(|(name, bytes)| (name, Bytes(bytes))).collect()
    });
    let syncs = state.syncs.list().await?.into_iter().map(|sync| SyncLine {
        link: Link { name: clean(&sync.name), href: sync_href(&sync.name) },
        owner: match sync.owner {
            Some(SyncOwner::File) => "a configuration file",
            Some(SyncOwner::Stored) => "the history",
            None => "nobody any more",
        },
        error: sync.error.as_deref().map(clean),
    });
    let frame = visit.frame("Settings", Section::Settings);
    let tabs = Tabs::of(&frame, Tab::System);
    let secrets = if tabs.is_admin { Some(secret_lines(state.syncs.as_ref()).await?) } else { None };
    let connectors = state
        .runner
        .registry()
        .iter()
        .map(|connector| ConnectorLine { icon: SystemIcon::of(connector.icon), connector: Connector::of(connector) });
    html(&SystemPage {
        tabs,
        frame,
        version: env!("CARGO_PKG_VERSION"),
        connectors: connectors.collect(),
        systems: systems(&state).await?,
        secrets,
        secrets_command: Command("syncline config check".to_owned()),
        syncs: syncs.collect(),
        size: Bytes(total),
        kept: kept(&state.retention),
        tables,
        is_measuring,
        command: Command("syncline connectors".to_owned()),
    })
}

/// The systems that syncs use, by name, each side with the settings of the first sync that has it so.
async fn systems(state: &ApiState) -> Result<Vec<SystemLine>> {
    let registry = state.runner.registry();
    let mut systems: BTreeMap<(String, bool), SystemLine> = BTreeMap::new();
    for (name, configured) in state.syncs.syncs().await? {
        // What is wrong with it is told among the syncs.
        let Ok(configured) = configured else { continue };
        let sides = [(Side::Source, &configured.definition.source), (Side::Target, &configured.definition.target)];
        for (which, side) in sides {
            let (Ok(connector), Ok(described)) = (registry.get(&side.connector), registry.describe(which, side)) else {
                continue;
            };
            let is_source = which == Side::Source;
            systems.entry((side.connection_name.clone(), !is_source)).or_insert_with(|| SystemLine {
                link: Link { name: clean(&side.connection_name), href: side_href(is_source, &side.connection_name) },
                icon: SystemIcon::of(connector.icon),
                connector: format!("{} {}", connector.label, connector.version),
                side: if is_source { "source" } else { "target" },
                can: in_short(&described),
                sync: Link { name: clean(&name), href: sync_href(&name) },
            });
        }
    }
    Ok(systems.into_values().collect())
}

/// How much of the past is kept, each limit in words.
fn kept(retention: &Retention) -> Vec<String> {
    let Retention { runs, days, megabytes, audit_days, reads } = retention;
    let limit = |number: Option<u64>, one: &str, many: &str| number.map(|number| Count(number).of(one, many));
    let of_runs = [
        limit(*runs, "run of each sync", "runs of each sync"),
        limit(days.map(u64::from), "day of runs", "days of runs"),
        limit(*megabytes, "MB of changes, logs and plans", "MB of changes, logs and plans"),
    ];
    let of_runs: Vec<_> = of_runs.into_iter().flatten().collect();
    let all = of_runs.is_empty().then(|| "all runs".to_owned());
    let audit = limit(audit_days.map(u64::from), "day of the audit log", "days of the audit log");
    let audit = audit.unwrap_or_else(|| "all of the audit log".to_owned());
    let of_reads = (" beside those of the last run", "all that runs read");
    let reads = limit(*reads, "read of each model", "reads of each model").map(|reads| reads + of_reads.0);
    let reads = reads.unwrap_or_else(|| of_reads.1.to_owned());
    of_runs.into_iter().chain(all).chain([audit, reads]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_told_limit_by_limit() {
        let told = |retention: Retention| kept(&retention).join("; ");
        assert_eq!(
            told(Retention::default()),
            "1,000 runs of each sync; 365 days of runs; 1,826 days of the audit log; \
             3 reads of each model beside those of the last run"
        );
        let some = Retention { runs: None, days: None, megabytes: Some(2_000), audit_days: None, reads: Some(1) };
        assert_eq!(
            told(some),
            "2,000 MB of changes, logs and plans; all of the audit log; 1 read of each model beside those of the last run"
        );
        let none = Retention { runs: None, days: None, megabytes: None, audit_days: None, reads: None };
        assert_eq!(told(none), "all runs; all of the audit log; all that runs read");
    }
}
