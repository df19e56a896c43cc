//! Who may do what: tokens, rights by kind, hidden objects.

use std::collections::HashSet;

use super::schema::Kind;

/// The form of a token. The second form exists since NetBox 4.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenVersion {
    /// 40 characters, sent as `Token …`.
    V1,
    /// `nbt_<key>.<secret>`, sent as `Bearer …`.
    V2,
}

/// One token that the server accepts.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub secret: String,
    pub write: bool,
}

/// Rights of everybody who has a token.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    pub tokens: Vec<Token>,
    /// Kinds that answer 403 by REST and an empty list by GraphQL.
    pub denied: HashSet<Kind>,
    /// Objects that a constrained permission hides without a word.
    pub hidden: HashSet<(Kind, u64)>,
    /// Whether branches may be read, but neither created, merged nor deleted.
    pub no_branches: bool,
}

impl Access {
    pub fn sees(&self, kind: Kind, id: u64) -> bool {
        self.hidden.is_empty() || !self.hidden.contains(&(kind, id))
    }

    pub fn sees_all(&self, kind: Kind) -> bool {
        !self.hidden.iter().any(|(hidden, _)| *hidden == kind)
    }

    /// Whether the header names a token, and whether that token may write. The error is the sentence of the 403.
    pub fn authenticate(&self, header: Option<&str>, knows_v2: bool) -> Result<bool, String> {
        const MISSING: &str = "Authentication credentials were not provided.";
        let mut words = header.unwrap_or_default().split_whitespace();
        let (Some(scheme), secret, rest) = (words.next(), words.next(), words.next()) else {
            return Err(MISSING.to_owned());
        };
        let scheme = scheme.to_lowercase();
        if scheme != "token" && !(knows_v2 && scheme == "bearer") {
            return Err(MISSING.to_owned());
        }
        let Some(secret) = secret.filter(|_| rest.is_none()) else {
            let form =
                "Invalid authorization header: Must be in the form \"Bearer <key>.<token>\" or \"Token <token>\"";
            return Err(if knows_v2 { form } else { "Invalid token header. No credentials provided." }.to_owned());
        };
        let v2 = knows_v2 && secret.starts_with("nbt_");
        if v2 && !secret.contains('.') {
            return Err(
                "Invalid authorization header: Could not parse key from v2 token. Did you mean to use 'Token' \
                 instead of 'Bearer'?"
                    .to_owned(),
            );
        }
        match self.tokens.iter().find(|token| token.secret == secret) {
            Some(token) => Ok(token.write),
            None if !knows_v2 => Err("Invalid token".to_owned()),
            None if v2 => Err("Invalid v2 token".to_owned()),
            None => Err("Invalid v1 token".to_owned()),
        }
    }
}
