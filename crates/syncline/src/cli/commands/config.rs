//! `syncline config`: check, schema, example.

use serde_json::json;
use syncline_core::settings::{self, SecretRef};

use crate::cli::args::ConfigCommand;
use crate::cli::console::{GOOD, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::config;

/// Runs the command. `check` prints `{"valid", "file", "connections", "syncs", "missing_secrets": [{"key", "problem"}]}`; its problems are an error like any other.
pub fn run(session: &Session, command: ConfigCommand) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Check => check(session)?,
        ConfigCommand::Schema => session.console.json(&config::schema(&crate::registry()?))?,
        ConfigCommand::Example if session.console.is_json() => {
            session.console.json(&json!({"toml": config::EXAMPLE}))?;
        }
        ConfigCommand::Example => session.console.data(config::EXAMPLE)?,
    }
    Ok(Exit::Done)
}

fn check(session: &Session) -> Result<(), Failure> {
    let configuration = session.configuration()?;
    let file = configuration.file.as_ref().map(|file| file.display().to_string());
    let (connections, syncs) = (configuration.connections.len(), configuration.syncs.len());
    let missing = missing_secrets(&configuration)?;
    let view = json!({
        "valid": true,
        "file": file,
        "connections": configuration.connections.keys().collect::<Vec<_>>(),
        "syncs": configuration.syncs.keys().collect::<Vec<_>>(),
        "missing_secrets": missing.iter().map(|(key, problem)| json!({"key": key, "problem": problem})).collect::<Vec<_>>(),
    });
    session.console.show(&view, |_| {
        let file = file.as_deref().unwrap_or("the environment");
        let plural = |number, what| if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") };
        let counts = format!("{}, {}", plural(connections, "connection"), plural(syncs, "sync"));
        format!("{} {file}: {counts}\n", paint(GOOD, "valid"))
    })?;
    for (key, problem) in missing {
        session.console.note(&format!("not here: `{key}`: {problem}"));
    }
    Ok(())
}

/// The secrets that cannot be fetched here and now. No mistake of the configuration: it may be checked elsewhere
/// than it is used.
fn missing_secrets(configuration: &config::Configuration) -> Result<Vec<(String, String)>, Failure> {
    let registry = crate::registry()?;
    let mut missing = Vec::new();
    let mut look = |key: String, secret: &SecretRef| {
        missing.extend(secret.resolve().err().map(|error| (key, error.report())));
    };
    if let Some(password) = &configuration.data.history_password {
        look("data.history_password".to_owned(), password);
    }
    if let Some(secret) = configuration.web.oidc.as_ref().and_then(|oidc| oidc.client_secret.as_ref()) {
        look("web.oidc.client_secret".to_owned(), secret);
    }
    for (name, channel) in &configuration.notify {
        channel.secrets().for_each(|(key, secret)| look(format!("notify.{name}.{key}"), secret));
    }
    for (name, sync) in &configuration.syncs {
        if let Some(webhook) = &sync.webhook {
            look(format!("syncs.{name}.webhook.secret"), &webhook.secret);
        }
    }
    for (name, connection) in &configuration.connections {
        let schema = (registry.get(&connection.connector)?.connection_schema)();
        for (setting, secret) in settings::secrets(&schema, &connection.settings) {
            look(format!("connections.{name}.{setting}"), &secret);
        }
    }
    Ok(missing)
}
