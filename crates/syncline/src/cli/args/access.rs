//! The arguments of the commands about who may ask, and who did what.

use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use syncline_core::history::{AccountName, AuditAction, Role};

/// What can be done with accounts.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountCommand {
    /// List the accounts: role, whether they may log in, when they were last seen
    List,
    /// Make an account
    Add {
        /// What it is called; capital and small letters are the same
        name: AccountName,
        /// What it may do: viewer, operator, approver or admin
        #[arg(long)]
        role: Role,
        /// What it logs in with
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Give an account another role, from its next request on
    Role {
        /// What it is called
        name: AccountName,
        /// What it may do: viewer, operator, approver or admin
        role: Role,
    },
    /// Give an account another password; its sessions end
    Password {
        /// What it is called
        name: AccountName,
        /// What it logs in with
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Let an account log in no more; its sessions end, tokens that it made do not
    Disable {
        /// What it is called
        name: AccountName,
    },
    /// Let an account log in again
    Enable {
        /// What it is called
        name: AccountName,
    },
}

/// Where a password is read from. It is no argument: others see those.
#[derive(Debug, Clone, Args)]
pub struct PasswordSource {
    /// Read the password from this file, `-` being the standard input, instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// What can be done with tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// List the tokens, the newest first: role, syncs, when they end, when they were last used
    List,
    /// Make a token, and print its secret this once
    Add {
        /// What it is called; capital and small letters are the same
        name: AccountName,
        /// What it may do: viewer, operator, approver or admin
        #[arg(long)]
        role: Role,
        /// Only with this sync, and nothing that is not about one; for more than one, give it again
        #[arg(long, value_name = "SYNC")]
        sync: Vec<String>,
        /// For how long it is good, for example `90d` or `12h`; without it, until it is revoked
        #[arg(long, value_name = "TIME", value_parser = lasting)]
        expires: Option<TimeDelta>,
    },
    /// Make a token useless
    Revoke {
        /// What it is called
        name: AccountName,
    },
}

/// Which rows of the audit log are wanted.
#[derive(Debug, Clone, Args)]
pub struct AuditArguments {
    /// Only what this one did: an account, `token:NAME`, or a user of a machine
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Only this, for example `run.approve` or `login.failed`; for more than one, give it again
    #[arg(long, value_name = "ACTION", value_parser = action)]
    pub action: Vec<AuditAction>,
    /// Only what was done to this: an account, a token, a sync, or `run 17`
    #[arg(long, value_name = "WHAT")]
    pub object: Option<String>,
    /// How many
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    pub limit: u64,
}

/// Days or hours to come.
fn lasting(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("`{text}` is no time: write days or hours, such as `90d` or `12h`");
    let number = |digits: &str| digits.parse::<u32>().ok().filter(|number| *number > 0).map(i64::from);
    let (days, hours) = (text.strip_suffix('d').and_then(number), text.strip_suffix('h').and_then(number));
    let lasting = match (days, hours) {
        (Some(days), _) => TimeDelta::try_days(days),
        (None, Some(hours)) => TimeDelta::try_hours(hours),
        (None, None) => None,
    };
    // Whoever wants more wants it without end.
    lasting.filter(|lasting| *lasting <= TimeDelta::days(36_500)).ok_or_else(wrong)
}

fn action(text: &str) -> Result<AuditAction, String> {
    AuditAction::ALL.into_iter().find(|action| action.as_str() == text).ok_or_else(|| {
        let words: Vec<_> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        format!("`{text}` is no action; there are {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_for_days_or_hours() {
        assert_eq!(lasting("90d"), Ok(TimeDelta::days(90)));
        assert_eq!(lasting("12h"), Ok(TimeDelta::hours(12)));
        for wrong in ["", "d", "0d", "-1d", "90", "1w", "1d12h", "99999999d", "4294967295h", "1.5d"] {
            assert!(lasting(wrong).is_err(), "{wrong}");
        }
    }
}
