//! `syncline config`: check, schema, example.

use serde_json::json;
use syncline_web::NamedSecret;

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
    let named = configuration.secrets(&crate::registry()?)?;
    let missing = |named: NamedSecret| Some((named.key, named.secret.resolve().err()?.report()));
    Ok(named.into_iter().filter_map(missing).collect())
}
