//! `syncline account`: people who may log in.

use std::io::{IsTerminal as _, Read as _};

use syncline_core::history::{Account, AccountName, Actor, AuditAction, History, How, NewAccount, PasswordHash, Role};
use syncline_core::run::RunRequest;
use syncline_core::{Error, ErrorKind};
use syncline_web::auth::password::{MOST, Password, Passwords};

use super::history::open;
use crate::cli::args::{AccountCommand, PasswordSource};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view;

/// Runs the command. Each gives the account as it is then; `list` gives `[account, …]`.
pub async fn run(session: &Session, command: &AccountCommand) -> Result<Exit, Failure> {
    let history = open(session).await?;
    let (account, what) = match command {
        AccountCommand::List => return list(session, &history).await,
        AccountCommand::Add { name, role, password } => {
            (add(session, &history, name, *role, password).await?, "is made")
        }
        AccountCommand::Role { name, role } => (history.set_account_role(name, *role, &actor()).await?, "has its role"),
        AccountCommand::Password { name, password } => {
            if history.credential(name).await?.is_none() {
                return Err(missing(name));
            }
            let hash = password_hash(session, password).await?;
            (history.set_password(name, &hash, &actor()).await?, "has its new password, and its sessions have ended")
        }
        AccountCommand::Disable { name } => {
            (history.set_account_disabled(name, true, &actor()).await?, "may log in no more")
        }
        AccountCommand::Enable { name } => {
            (history.set_account_disabled(name, false, &actor()).await?, "may log in again")
        }
    };
    session.console.show(&account, |account| view::access::account(account, what))?;
    Ok(Exit::Done)
}

async fn list(session: &Session, history: &History) -> Result<Exit, Failure> {
    let accounts = history.accounts().await?;
    if accounts.is_empty() && !session.console.is_json() {
        session.console.note("there are no accounts; `syncline account add NAME --role admin` makes one");
        return Ok(Exit::Done);
    }
    session.console.show(&accounts, |accounts| view::access::accounts(accounts))?;
    Ok(Exit::Done)
}

async fn add(
    session: &Session,
    history: &History,
    name: &AccountName,
    role: Role,
    password: &PasswordSource,
) -> Result<Account, Failure> {
    let password = Some(password_hash(session, password).await?);
    let new = NewAccount { name: name.clone(), role, password };
    Ok(history.create_account(&new, &actor()).await?)
}

fn missing(name: &AccountName) -> Failure {
    let message = format!("there is no account `{name}`: `syncline account list` lists those that there are");
    Error::new(ErrorKind::NotFound, message).into()
}

/// Whoever runs the command, for the audit log.
pub fn actor() -> Actor {
    Actor { who: RunRequest::default().by, how: How::Cli, address: None, request_id: None }
}

/// Notes in the audit log what a command did.
pub async fn note(history: &History, action: AuditAction, object: &str, detail: Option<&str>) -> Result<(), Failure> {
    Ok(history.audit(&actor(), action, Some(object), detail).await?)
}

async fn password_hash(session: &Session, source: &PasswordSource) -> Result<PasswordHash, Failure> {
    let password = match &source.password_file {
        Some(file) if file.as_os_str() == "-" => read(std::io::stdin(), "the standard input")?,
        Some(file) => {
            let what = format!("the file `{}`", file.display());
            let opened = std::fs::File::open(file).map_err(|cause| unreadable(&what, cause))?;
            read(opened, &what)?
        }
        None => asked(session)?,
    };
    password.ensure_good().map_err(|bad| Failure::argument(bad.to_string()))?;
    Ok(Passwords::default().hash(&password).await?)
}

/// A password that is all there is, but for the end of its line.
fn read(source: impl std::io::Read, what: &str) -> Result<Password, Failure> {
    let mut text = String::new();
    // As many bytes as so many letters can have, and the end of the line.
    let most = 4 * MOST as u64 + 2;
    source.take(most).read_to_string(&mut text).map_err(|cause| unreadable(what, cause))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Password::new(line.strip_suffix('\r').unwrap_or(line)))
}

fn unreadable(what: &str, cause: std::io::Error) -> Failure {
    Error::new(ErrorKind::Settings, format!("{what} cannot be read for a password")).caused_by(cause).into()
}

/// A password that somebody types twice, and nobody sees.
fn asked(session: &Session) -> Result<Password, Failure> {
    let terminal = console::Term::stderr();
    if !terminal.is_term() || !std::io::stdin().is_terminal() {
        let message = "there is no terminal to ask for a password: give `--password-file FILE`, or `--password-file -` and the password \
                       on the standard input";
        return Err(Failure::argument(message));
    }
    let ask = |what: &str| -> Result<String, Failure> {
        session.console.error(what);
        Ok(terminal.read_secure_line()?)
    };
    let first = ask("Password: ")?;
    let password = Password::new(first.as_str());
    password.ensure_good().map_err(|bad| Failure::argument(bad.to_string()))?;
    if ask("The same again: ")? != first {
        return Err(Failure::argument("the two passwords are not the same: nothing was changed"));
    }
    Ok(password)
}
