//! What the token may see.

use std::collections::HashSet;

use super::schema::Kind;
use super::value::Id;

/// What is kept from the token. What it may not see it may not change either.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    /// Kinds that answer 403 by REST and an empty list by GraphQL.
    pub denied: HashSet<Kind>,
    /// Objects that a constrained permission hides without a word.
    pub hidden: HashSet<Id>,
}

impl Access {
    /// Whether an object is seen.
    pub fn sees(&self, kind: Kind, id: Id) -> bool {
        !self.denied.contains(&kind) && !self.hidden.contains(&id)
    }

    /// Whether every object of a kind is seen.
    pub fn sees_all(&self, kind: Kind) -> bool {
        self.hidden.is_empty() && !self.denied.contains(&kind)
    }
}
