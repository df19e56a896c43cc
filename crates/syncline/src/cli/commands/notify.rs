//! `syncline notify`: does a message arrive.

use chrono::Utc;
use serde_json::json;
use syncline_core::{Error, ErrorKind, similar};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::notify::{Channel, Message};

/// Sends a message to a channel of the configuration: `{"channel", "sent"}`.
pub async fn run(session: &Session, name: &str) -> Result<Exit, Failure> {
    let configuration = session.configuration()?;
    let settings = configuration.notify.get(name).ok_or_else(|| {
        let remedy = similar::remedy(name, configuration.notify.keys().map(String::as_str).collect::<Vec<_>>());
        Error::new(ErrorKind::NotFound, format!("nobody is told under the name `{name}` (`[notify.{name}]`); {remedy}"))
    })?;
    let message = Message::trial(name, configuration.web.url.as_ref(), Utc::now());
    Channel::open(name, settings)?.send(&message).await?;
    session.console.show(&json!({"channel": name, "sent": true}), |_| format!("sent to {name}\n"))?;
    Ok(Exit::Done)
}
