//! K1: settings are read strictly, and no secret is ever shown.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use syncline_core::{Error, settings};
use syncline_testkit::fault_proxy::{FaultKind, Strike};

use super::{Proof, Shown};
use crate::bench::Bench;
use crate::lab::{BoxError, Broken, Lab};

const UNKNOWN: &str = "no_such_setting";

pub async fn strict_and_secret(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    let given = bench.settings.clone();
    let connector = bench.connector;
    let mut parts = vec![("the connection", connector.validate as fn(Value) -> Vec<_>, given.connection.clone())];
    parts
        .extend(connector.source.as_ref().map(|side| ("the source's parameters", side.validate, given.source.clone())));
    parts
        .extend(connector.target.as_ref().map(|side| ("the target's parameters", side.validate, given.target.clone())));
    for (what, validate, value) in &parts {
        let problems = validate(value.clone());
        if !problems.is_empty() {
            return Err(format!("{what} of the lab: {problems:?}").into());
        }
        let mut unknown = value.clone();
        unknown[UNKNOWN] = json!(1);
        let problems = validate(unknown);
        if !problems.iter().any(|problem| problem.to_string().contains(UNKNOWN)) {
            let remedy = "mark the struct with `#[serde(deny_unknown_fields)]`";
            return Err(
                format!("{what} may have a setting that nobody reads, such as one that is misspelt: {remedy}").into()
            );
        }
    }
    let shown = everything_shown(&bench).await?;
    let secrets = secrets(&bench)?;
    for secret in &secrets {
        if let Some((place, _)) = shown.iter().find(|(_, text)| text.contains(secret)) {
            return Err(format!("a secret is shown in {place}").into());
        }
    }
    let secrets = secrets.len();
    Ok(Proof::Shown(format!(
        "unknown settings are refused in {} places; {secrets} secrets are shown in none",
        parts.len()
    )))
}

/// What must not be shown: what the lab names, and what its settings refer to.
fn secrets(bench: &Bench<'_>) -> Result<BTreeSet<String>, BoxError> {
    let (connector, settings) = (bench.connector, &bench.settings);
    let mut referred = settings::secrets(&(connector.connection_schema)(), &settings.connection);
    if let Some(side) = &connector.source {
        referred.extend(settings::secrets(&(side.parameters_schema)(), &settings.source));
    }
    if let Some(side) = &connector.target {
        referred.extend(settings::secrets(&(side.parameters_schema)(), &settings.target));
    }
    let mut secrets: BTreeSet<_> = bench.system.secrets().into_iter().collect();
    for (_, reference) in referred {
        secrets.insert(reference.resolve()?.expose_secret().to_owned());
    }
    secrets.remove("");
    Ok(secrets)
}

/// Whatever people see of a connection, when it works and when it does not.
async fn everything_shown(bench: &Bench<'_>) -> Result<Vec<(&'static str, String)>, BoxError> {
    let mut shown = Vec::new();
    let settings = &bench.settings;
    let mut note = |place, text: String| shown.push((place, text));
    if bench.connector.source.is_some() {
        let source = bench.source(settings).await?;
        note("the configuration of the source", format!("{:?}", source.config_information()));
        note("the connection test of the source", format!("{:?}", source.check().await?));
    }
    if bench.connector.target.is_some() {
        let target = bench.target(settings).await?;
        note("the configuration of the target", format!("{:?}", target.config_information()));
        note("the connection test of the target", format!("{:?}", target.check().await?));
    }
    for broken in super::connection::broken(bench).await? {
        for error in super::connection::errors(bench, &broken).await {
            note("an error", said(&error));
        }
    }
    // A system that says back what it was asked, its headers too.
    if let Some(proxy) = &bench.proxy {
        let good = Broken { what: "an echo", connection: settings.connection.clone(), kinds: &[] };
        for status in [401, 403, 422] {
            proxy.strike(Strike::all(FaultKind::Echo { status }));
            for error in super::connection::errors(bench, &good).await {
                note(
                    "an error of a system that repeats the request: whatever a client proves itself by belongs into its `Credential`",
                    said(&error),
                );
            }
        }
    }
    Ok(shown)
}

/// All that an error says, to people and to programmers.
fn said(error: &Error) -> String {
    format!("{} {error:?} {:?}", error.report(), error.exchange())
}
