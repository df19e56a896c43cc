//! Accounts, tokens and the audit log, as a person sees them.

use chrono::{DateTime, Utc};
use syncline_core::history::{Account, AuditEntry, Token, TokenState};

use super::table::Columns;
use crate::cli::console::clean;

/// The accounts.
pub fn accounts(accounts: &[Account]) -> String {
    let mut table = Columns::new(&["account", "role", "logs in", "last seen"]);
    for account in accounts {
        table.row(&[
            account.name.to_string(),
            account.role.to_string(),
            logs_in(account).to_owned(),
            account.last_seen.map_or_else(|| "never".to_owned(), minute),
        ]);
    }
    table.text()
}

/// What became of an account.
pub fn account(account: &Account, what: &str) -> String {
    format!("`{}` {what}: role {}, {}\n", account.name, account.role, logs_in(account))
}

fn logs_in(account: &Account) -> &'static str {
    match (account.disabled, account.has_password) {
        (true, _) => "disabled",
        (false, true) => "with a password",
        (false, false) if account.issuer.is_some() => "with a login elsewhere",
        (false, false) => "has no password",
    }
}

/// The tokens at a time.
pub fn tokens(tokens: &[Token], now: DateTime<Utc>) -> String {
    let mut table = Columns::new(&["token", "begins", "role", "syncs", "state", "last used", "made by"]);
    for token in tokens {
        let state = match token.state(now) {
            TokenState::Good => token.expires.map_or_else(|| "good".to_owned(), |at| format!("until {}", minute(at))),
            TokenState::Expired => "expired".to_owned(),
            TokenState::Revoked => "revoked".to_owned(),
        };
        table.row(&[
            token.name.to_string(),
            token.prefix.clone(),
            token.role.to_string(),
            token
                .syncs
                .as_ref()
                .map_or_else(|| "all".to_owned(), |syncs| syncs.iter().cloned().collect::<Vec<_>>().join(", ")),
            state,
            token.last_used.map_or_else(|| "never".to_owned(), minute),
            token.created_by.clone(),
        ]);
    }
    table.text()
}

/// Who did what.
pub fn audit(rows: &[AuditEntry]) -> String {
    let mut table = Columns::new(&["when", "who", "how", "from", "action", "object", "detail"]);
    for row in rows {
        let text = |text: &Option<String>| clean(text.as_deref().unwrap_or_default()).into_owned();
        table.row(&[
            row.at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            clean(&row.who).into_owned(),
            row.how.as_str().to_owned(),
            text(&row.address),
            row.action.to_string(),
            text(&row.object),
            text(&row.detail),
        ]);
    }
    table.text()
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
