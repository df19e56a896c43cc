//! What Zabbix says when it refuses, told apart by its words.
//!
//! The codes do not tell: they moved between 6.0 and 7.0, and within 7.0. The words are English whatever the account's language.

use std::fmt;

use serde::Deserialize;
use syncline_core::{Error, ErrorKind};

/// An answer with `error`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Refusal {
    /// JSON-RPC's number, of no use.
    pub code: i64,
    /// JSON-RPC's name for it.
    #[serde(default)]
    pub message: String,
    /// Zabbix's own words.
    #[serde(default)]
    pub data: String,
}

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The token or the session is not taken, or not any more.
    NotAuthorised,
    /// The session ended: a new login helps.
    SessionEnded,
    /// The role of the account does not allow the method.
    Forbidden,
    /// An object is not there, or the account may not see it.
    Missing,
    /// Such an object exists already.
    Exists,
    /// A value is longer than its field.
    TooLong,
    /// Something still uses the object.
    InUse,
    /// The database was in the way of itself: again.
    Deadlock,
    /// The database refused, and nobody is told why.
    Database,
    /// The method or the API does not exist in this version.
    Unknown,
    /// The frontend does not work.
    Broken,
    /// A value is wrong.
    Invalid,
}

impl Refusal {
    /// Zabbix's own words, or JSON-RPC's when it has none.
    pub fn words(&self) -> &str {
        let words = if self.data.is_empty() { &self.message } else { &self.data };
        words.trim()
    }

    /// What kind of refusal it is.
    pub fn said(&self) -> Said {
        let words = self.words();
        let has = |part: &str| words.contains(part);
        if self.code == 1 {
            return Said::Broken;
        }
        if has("re-login") || has("Session terminated") {
            return Said::SessionEnded;
        }
        if has("Not authori")
            || has("API token expired")
            || has("Incorrect user name or password")
            || has("account is temporarily blocked")
        {
            return Said::NotAuthorised;
        }
        if has("No permissions to call") {
            return Said::Forbidden;
        }
        if has("does not exist, or you have no permissions")
            || has("No permissions to referred object")
            || has("it does not exist")
            || has("is not available")
        {
            return Said::Missing;
        }
        // 6.0 says nothing but `DBEXECUTE_ERROR` when two writers take the same id for a new row.
        if has("DBEXECUTE_ERROR") || has("deadlock detected") || has("could not serialize") || has("Deadlock found") {
            return Said::Deadlock;
        }
        if has("already exists") || has("must be unique") {
            return Said::Exists;
        }
        if has("is too long") {
            return Said::TooLong;
        }
        if has("is linked to item") || has("is monitored by proxy") || has("must contain at least one host") {
            return Said::InUse;
        }
        if has("SQL statement execution has failed") || has("System error occurred") {
            return Said::Database;
        }
        if self.code == -32601 || has("Incorrect API ") || has("Incorrect method ") {
            return Said::Unknown;
        }
        Said::Invalid
    }

    /// The refusal as an error, with what to do where that is known.
    pub fn error(&self, method: &str) -> Error {
        let words = self.words();
        let (kind, message) = match self.said() {
            Said::NotAuthorised => (
                ErrorKind::Unauthenticated,
                format!("Zabbix does not take the credential: {words} Give a valid `token`, or `user` and `password`"),
            ),
            Said::SessionEnded => (ErrorKind::Unauthenticated, format!("Zabbix ended the session: {words}")),
            Said::Forbidden => (
                ErrorKind::Forbidden,
                format!("{words} Allow `{method}` in the role of the account, or use another account"),
            ),
            Said::Missing => (ErrorKind::Refused, format!("{words} It is missing, or not visible to this account")),
            Said::Unknown => (ErrorKind::Unsupported, format!("this Zabbix does not know `{method}`: {words}")),
            Said::Broken => (ErrorKind::Remote, format!("the frontend of Zabbix does not work: {words}")),
            Said::Deadlock => (ErrorKind::Remote, format!("the database of Zabbix had to break off: {words}")),
            Said::Database => (ErrorKind::Refused, format!("the database of Zabbix refused: {words}")),
            Said::Exists | Said::TooLong | Said::InUse | Said::Invalid => (ErrorKind::Refused, words.to_owned()),
        };
        let error = Error::new(kind, message).with("method", method);
        if matches!(self.said(), Said::Deadlock | Said::Broken) { error.temporary() } else { error }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_their_words() {
        let said = |code, data: &str| Refusal { code, message: String::new(), data: data.to_owned() }.said();
        for (code, words, expected) in [
            (-32602, "Not authorized.", Said::NotAuthorised),
            (-32602, "Not authorised.", Said::NotAuthorised),
            (-32500, "API token expired.", Said::NotAuthorised),
            (-32602, "Session terminated, re-login, please.", Said::SessionEnded),
            (-32500, "No permissions to call \"hostgroup.create\".", Said::Forbidden),
            (-32602, "No permissions to call \"hostgroup.create\".", Said::Forbidden),
            (-32500, "No permissions to referred object or it does not exist!", Said::Missing),
            (
                -32500,
                "Invalid parameter \"/1/groups/1\": object does not exist, or you have no permissions to it.",
                Said::Missing,
            ),
            (-32602, "Host with the same name \"a\" already exists.", Said::Exists),
            (-32603, "Value \"x\" is too long for field \"host\" - 130 characters.", Said::TooLong),
            (-32500, "Interface is linked to item \"ICMP ping\" on \"x\".", Said::InUse),
            (-32500, "SQL statement execution has failed \"INSERT INTO hosts\".", Said::Database),
            (-32603, "System error occurred. Please contact Zabbix administrator.", Said::Database),
            (-32500, "DBEXECUTE_ERROR", Said::Deadlock),
            (-32601, "Incorrect method \"host.frob\".", Said::Unknown),
            (-32602, "Incorrect API \"proxygroup\".", Said::Unknown),
            (1, "Config file does not exist.", Said::Broken),
            (-32602, "Invalid parameter \"/1/port\": an integer is expected.", Said::Invalid),
        ] {
            assert_eq!(said(code, words), expected, "{words}");
        }
    }
}
