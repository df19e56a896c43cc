//! Who may see and change what: users, their tokens and sessions.

use std::collections::BTreeMap;

use super::dialect::Dialect;
use super::refusal::Refusal;
use super::state::{Host, Row, State};

/// The type of a user's role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May read what it has a right to.
    #[default]
    User,
    /// May also write what it has the right to write.
    Admin,
    /// Sees and may do everything.
    SuperAdmin,
}

/// The right of a user to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Its members are visible.
    Read,
    /// Its members may be changed.
    Write,
}

/// A user.
#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub id: u64,
    pub name: String,
    pub password: String,
    pub role: Role,
    /// Rights to host groups.
    pub rights: BTreeMap<u64, Access>,
    /// Rights to template groups.
    pub template_rights: BTreeMap<u64, Access>,
    pub disabled: bool,
}

/// An API token: 64 hexadecimal digits.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub id: u64,
    pub secret: String,
    pub name: String,
    pub user: u64,
    pub disabled: bool,
    /// Seconds since 1970, or 0 for never.
    pub expires_at: i64,
    pub created_at: i64,
    pub last_access: i64,
}

/// A login: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub id: String,
    pub user: u64,
}

impl Role {
    /// As `type` shows it.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Admin => 2,
            Self::SuperAdmin => 3,
        }
    }
}

impl User {
    /// Whether it may see a host group, or change its members.
    pub fn may_group(&self, group: u64, wanted: Access) -> bool {
        self.role == Role::SuperAdmin || self.rights.get(&group).is_some_and(|access| *access >= wanted)
    }

    /// The same for template groups.
    pub fn may_template_group(&self, group: u64, wanted: Access) -> bool {
        self.role == Role::SuperAdmin || self.template_rights.get(&group).is_some_and(|access| *access >= wanted)
    }

    /// Whether it may see a host or template, or change it.
    pub fn may(&self, host: &Host, wanted: Access) -> bool {
        let wanted = if wanted == Access::Write && self.role == Role::User { return false } else { wanted };
        if self.role == Role::SuperAdmin {
            return true;
        }
        host.groups.iter().any(|group| match host.is_template {
            true => self.may_template_group(*group, wanted),
            false => self.may_group(*group, wanted),
        })
    }

    /// The account as login and the check of an authentication show it.
    pub fn show(&self, dialect: &Dialect) -> Row {
        let admin = self.role == Role::SuperAdmin;
        let mut row = Row::from([
            ("userid", self.id.to_string()),
            ("username", self.name.clone()),
            ("name", if self.id == 1 { "Zabbix" } else { "" }.to_owned()),
            ("surname", if self.id == 1 { "Administrator" } else { "" }.to_owned()),
            ("url", String::new()),
            ("autologin", u8::from(admin).to_string()),
            ("autologout", if admin { "0" } else { "15m" }.to_owned()),
            ("lang", "en_US".to_owned()),
            ("refresh", "30s".to_owned()),
            ("theme", "default".to_owned()),
            ("attempt_failed", "0".to_owned()),
            ("attempt_ip", String::new()),
            ("attempt_clock", "0".to_owned()),
            ("rows_per_page", "50".to_owned()),
            ("timezone", "system".to_owned()),
            ("roleid", self.role.number().to_string()),
            ("userip", "127.0.0.1".to_owned()),
        ]);
        if dialect.modern {
            row.extend([("userdirectoryid", "0".to_owned()), ("ts_provisioned", "0".to_owned())]);
        }
        row
    }
}

pub(super) const NOT_AUTHORIZED: &str = "Not authorized.";
pub(super) const TERMINATED: &str = "Session terminated, re-login, please.";

impl State {
    /// The user behind a token (64 characters) or session (any other length).
    pub fn authenticate(&mut self, secret: &str, now: i64) -> Result<User, Refusal> {
        if secret.len() == 64 {
            return self.authenticate_token(secret, now);
        }
        let session = self.sessions.iter().find(|session| session.id == secret);
        let user = session.and_then(|session| self.users.get(&session.user)).filter(|user| !user.disabled);
        user.cloned().ok_or_else(|| Refusal::parameters(TERMINATED))
    }

    fn authenticate_token(&mut self, secret: &str, now: i64) -> Result<User, Refusal> {
        let not_authorized = || Refusal::parameters(NOT_AUTHORIZED);
        let token = self.tokens.values_mut().find(|token| token.secret == secret).ok_or_else(not_authorized)?;
        if token.disabled {
            return Err(not_authorized());
        }
        if token.expires_at != 0 && token.expires_at <= now {
            return Err(Refusal::application("API token expired."));
        }
        token.last_access = now;
        let user = self.users.get(&token.user).filter(|user| !user.disabled);
        user.cloned().ok_or_else(not_authorized)
    }
}

/// A secret of so many hexadecimal digits; each number makes another one.
pub(super) fn secret(number: u64, digits: usize) -> String {
    let mut mixed = number.wrapping_add(0x51);
    let mut next = || {
        mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ 0xA5A5_5A5A_1234_5678;
        format!("{mixed:016x}")
    };
    let mut text: String = (0..digits.div_ceil(16)).map(|_| next()).collect();
    text.truncate(digits);
    text
}
