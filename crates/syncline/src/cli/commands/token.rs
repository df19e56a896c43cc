//! `syncline token`: what programs ask with.

use chrono::{TimeDelta, Utc};
use serde::Serialize;
use syncline_core::history::{AccountName, History, NewToken, Role, Secret, Token};
use syncline_web::auth::token::PREFIX;

use super::account::actor;
use super::history::{ensure_sync, open};
use crate::cli::args::TokenCommand;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view;

/// A token with its secret.
#[derive(Debug, Serialize)]
struct Made {
    #[serde(flatten)]
    token: Token,
    secret: String,
}

/// Runs the command. `add` gives the token with `"secret"`, `revoke` the token, `list` `[token, …]`.
pub async fn run(session: &Session, command: &TokenCommand) -> Result<Exit, Failure> {
    let history = open(session).await?;
    match command {
        TokenCommand::List => list(session, &history).await,
        TokenCommand::Add { name, role, sync, expires } => add(session, &history, name, *role, sync, *expires).await,
        TokenCommand::Revoke { name } => {
            let token = history.revoke_token(name, &actor()).await?;
            session
                .console
                .show(&token, |token| format!("the token `{}` is good for nothing any more\n", token.name))?;
            Ok(Exit::Done)
        }
    }
}

async fn list(session: &Session, history: &History) -> Result<Exit, Failure> {
    let tokens = history.tokens().await?;
    if tokens.is_empty() && !session.console.is_json() {
        session.console.note("there are no tokens; `syncline token add NAME --role ROLE` makes one");
        return Ok(Exit::Done);
    }
    session.console.show(&tokens, |tokens| view::access::tokens(tokens, Utc::now()))?;
    Ok(Exit::Done)
}

async fn add(
    session: &Session,
    history: &History,
    name: &AccountName,
    role: Role,
    syncs: &[String],
    lasts: Option<TimeDelta>,
) -> Result<Exit, Failure> {
    for sync in syncs {
        ensure_sync(session, history, sync).await?;
    }
    let syncs = Some(syncs.iter().cloned().collect()).filter(|_| !syncs.is_empty());
    let new = NewToken { name: name.clone(), role, syncs, expires: lasts.map(|lasts| Utc::now() + lasts) };
    let secret = Secret::random(PREFIX)?;
    let token = history.create_token(&new, &secret, &actor()).await?;
    let made = Made { token, secret: secret.expose().to_owned() };
    // The secret alone is data, so that it can be led into a file.
    session.console.show(&made, |made| format!("{}\n", made.secret))?;
    if !session.console.is_json() {
        session.console.note("this is the only time that the secret is told: send it as `Authorization: Bearer syn_…`");
    }
    Ok(Exit::Done)
}
