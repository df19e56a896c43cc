//! The change log: who did what to which object.

use super::names;
use super::schema::Kind;
use super::state::Store;
use super::value::{Id, Object};

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Update,
    Delete,
}

impl Action {
    /// Value and label.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Create => ("create", "Created"),
            Self::Update => ("update", "Updated"),
            Self::Delete => ("delete", "Deleted"),
        }
    }
}

/// One entry of the change log.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub id: Id,
    pub time: i64,
    pub request_id: Id,
    pub user: Box<str>,
    pub action: Action,
    pub kind: Kind,
    pub object: Id,
    /// The device of an interface.
    pub related: Option<Id>,
    /// How the object called itself at that time.
    pub text: Box<str>,
    /// Which view did it: `dcim-api:device-list`.
    pub detail: Box<str>,
}

/// On whose account a write is made.
#[derive(Clone, Debug)]
pub(super) struct Author {
    pub request_id: Id,
    pub user: String,
    /// Which view does it.
    pub detail: String,
}

impl Store {
    /// Notes what was done. One object has one entry a request: what a request does to an object that it has
    /// created or changed before is in that entry.
    pub fn log(&mut self, author: &Author, action: Action, kind: Kind, object: &Object) {
        if !kind.def().primary {
            return;
        }
        let text = names::text(self, kind, object);
        let this_request = self.changes.iter().enumerate().rev();
        let before = this_request
            .take_while(|(_, change)| change.request_id == author.request_id)
            .take(64)
            .find(|(_, change)| change.object == object.id && change.action != Action::Delete)
            .map(|(at, _)| at);
        if let (Some(at), true) = (before, action == Action::Update) {
            self.changes[at].text = text.into();
            return;
        }
        let related = (kind == Kind::Interface).then(|| object.ref_of(kind, "device")).flatten();
        let (id, time) = (self.next_id(), self.now());
        self.changes.push(Change {
            id,
            time,
            request_id: author.request_id,
            user: author.user.as_str().into(),
            action,
            kind,
            object: object.id,
            related,
            text: text.into(),
            detail: author.detail.as_str().into(),
        });
    }

    /// Notes an update of an object that is found by its id.
    pub fn log_update(&mut self, author: &Author, kind: Kind, id: Option<Id>) {
        if let Some(object) = id.and_then(|id| self.get(kind, id)).cloned() {
            self.log(author, Action::Update, kind, &object);
        }
    }
}
