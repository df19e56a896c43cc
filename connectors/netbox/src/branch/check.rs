//! Testing that runs can wait for their review in branches.

use serde::Deserialize;
use syncline_core::describe::{CheckReport, ConfigItem};
use syncline_core::{Error, ErrorKind, Result};

use super::conflicts::{self, CHANGES};
use super::job::{self, JOBS};
use super::{BRANCHES, PLUGIN, plugin_missing, plugin_version};
use crate::client::{ReadClient, RestPage};

#[derive(Debug, Deserialize)]
struct Counted {}

/// Looks for the plugin, for a worker, and for what the token may do. Whether it may merge shows only when it does.
pub(crate) async fn check(reader: &ReadClient, report: &mut CheckReport) -> Result<()> {
    let Some(version) = plugin_version(reader.status()) else {
        report.warnings.push(plugin_missing());
        return Ok(());
    };
    report.facts.push(ConfigItem::new("Branches", format!("{PLUGIN} {version}")));
    if reader.status().workers == Some(0) {
        let warning = "NetBox has no worker, so no branch is made ready or merged: start `manage.py rqworker`";
        report.warnings.push(warning.to_owned());
    }
    match reader.options_of(BRANCHES).await {
        Ok(options) if options.get("actions").is_some_and(|actions| actions.get("POST").is_some()) => {}
        Ok(_) => report.warnings.push(lacking("add_branch", "branches cannot be created")),
        Err(error) => push(report, lacked(error, "view_branch", "branches cannot be read"))?,
    }
    let query = [("limit", "1".to_owned())];
    if let Err(error) = reader.get::<RestPage<Counted>>(CHANGES, &query).await {
        push(report, conflicts::readable(error))?;
    }
    if let Err(error) = reader.get::<RestPage<Counted>>(JOBS, &query).await {
        push(report, job::readable(error))?;
    }
    Ok(())
}

fn lacking(permission: &str, what: &str) -> String {
    format!("the token lacks the permission `{PLUGIN}.{permission}`: {what}")
}

fn lacked(error: Error, permission: &str, what: &str) -> Error {
    if error.kind() != ErrorKind::Forbidden {
        return error;
    }
    Error::new(ErrorKind::Forbidden, lacking(permission, what)).caused_by(error)
}

/// A failed look is a warning, unless nothing else would answer either.
fn push(report: &mut CheckReport, error: Error) -> Result<()> {
    if error.kind().ends_a_read() {
        return Err(error);
    }
    report.warnings.push(error.to_string());
    Ok(())
}
