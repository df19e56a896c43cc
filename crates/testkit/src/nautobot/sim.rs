//! The handle of a running simulator.

use std::sync::{Arc, MutexGuard, PoisonError};

use axum::Router;
use serde_json::Value as Json;

use super::access::Access;
use super::changes::Author;
use super::check;
use super::defaults;
use super::delete;
use super::errors::Refusal;
use super::faults::Faults;
use super::input;
use super::render::{Renderer, Shape};
use super::schema::Kind;
use super::server::{Shared, handle};
use super::state::Store;
use super::value::{Id, Object};
use super::write::{self, bad};
use crate::django::RequestRecord;
use crate::http::{Serving, listen, lock};
use crate::transaction::Database as _;
use crate::watch::Watcher;

/// How a simulator starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NautobotOptions {
    /// Version that it reports. Interfaces have no speed and no duplex mode before 3.0.
    pub version: String,
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The token that may read and write.
    pub token: String,
    /// Name under which the change log records writes.
    pub user: String,
}

impl Default for NautobotOptions {
    fn default() -> Self {
        Self {
            version: "3.2.7".to_owned(),
            port: 0,
            token: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            user: "admin".to_owned(),
        }
    }
}

/// The simulator did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the Nautobot simulator")]
pub struct StartError(#[from] std::io::Error);

/// An object was not seeded because Nautobot would refuse it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("Nautobot refuses what was to be seeded in {list}: {answer}")]
pub struct SeedError {
    /// List of the object.
    pub list: String,
    /// Nautobot's answer.
    pub answer: String,
}

/// One entry of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRecord {
    /// `create`, `update` or `delete`.
    pub action: String,
    /// List of the object.
    pub list: String,
    /// Id of the object.
    pub object_id: String,
    /// How the object called itself at that time.
    pub display: String,
    /// One a request.
    pub request_id: String,
    /// Who did it.
    pub user: String,
}

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct NautobotSim {
    shared: Arc<Shared>,
    serving: Serving,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Numbers from which ids of changes by others are made: far from those of objects and requests.
const OTHERS: u64 = 1 << 61;

/// Two digits for each part: 30207 is 3.2.7.
fn version_number(version: &str) -> u32 {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (0..3).fold(0, |number, _| number * 100 + parts.next().unwrap_or(0))
}

impl NautobotSim {
    /// Starts a server on a thread of its own and returns once it listens.
    pub fn start(options: NautobotOptions) -> Result<Self, StartError> {
        let (listener, base) = listen(options.port)?;
        let mut store = Store::new(version_number(&options.version));
        defaults::fill(&mut store);
        let shared = Arc::new(Shared::new(base, options, store));
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let serving = Serving::start("nautobot-simulator", listener, app, &shared.front.server)?;
        Ok(Self { shared, serving })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// A token that may read and write.
    pub fn token(&self) -> &str {
        &self.shared.options.token
    }

    /// Stops the server: connections break, the port closes. Objects and records stay readable.
    pub fn stop(&mut self) {
        self.serving.stop();
    }

    fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.shared.store.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn shown(&self, store: &Store, kind: Kind, id: Id) -> Option<Json> {
        let renderer = Renderer { store, base: &self.shared.base };
        let shape = Shape { many: Some(true), ..Shape::PLAIN };
        store.get(kind, id).map(|object| renderer.object(kind, object, shape))
    }

    /// All objects of a list such as `dcim/devices`, as REST shows them with `exclude_m2m=false`, in the order of the
    /// list. None for a list that is not simulated.
    pub fn objects(&self, list: &str) -> Vec<Json> {
        let Some(kind) = Kind::from_path(list) else { return Vec::new() };
        self.read(|store| {
            let ids: Vec<Id> = store.ordered(kind).map(|object| object.id).collect();
            ids.into_iter().filter_map(|id| self.shown(store, kind, id)).collect()
        })
    }

    /// One object, as in [`NautobotSim::objects`].
    pub fn object(&self, list: &str, id: &str) -> Option<Json> {
        let (kind, id) = (Kind::from_path(list)?, Id::parse(id)?);
        self.read(|store| self.shown(store, kind, id))
    }

    /// How many objects a list has.
    pub fn count(&self, list: &str) -> usize {
        Kind::from_path(list).map_or(0, |kind| self.read(|store| store.len(kind)))
    }

    /// The change log, oldest entry first. What was seeded is not in it.
    pub fn changes(&self) -> Vec<ChangeRecord> {
        self.read(|store| {
            let changes = store.changes.iter().map(|change| ChangeRecord {
                action: change.action.names().0.to_owned(),
                list: change.kind.def().path.to_owned(),
                object_id: change.object.to_string(),
                display: change.text.to_string(),
                request_id: change.request_id.to_string(),
                user: change.user.to_string(),
            });
            changes.collect()
        })
    }

    /// Puts an object into the database as somebody else would have made it: same body as a POST, same checks, no
    /// request, no entry in the change log. Returns its id.
    pub fn seed(&self, list: &str, body: &Json) -> Result<String, SeedError> {
        self.seed_all(list, std::slice::from_ref(body)).map(|mut ids| ids.swap_remove(0))
    }

    /// Like [`NautobotSim::seed`] for many objects, in their order. All of them or none.
    pub fn seed_all(&self, list: &str, bodies: &[Json]) -> Result<Vec<String>, SeedError> {
        self.change(list, |store, kind, author| {
            let mark = store.changes.len();
            let mut ids = Vec::with_capacity(bodies.len());
            for body in bodies {
                let blank = store.blank(kind);
                let mut draft = input::read(store, kind, &blank, body, false).map_err(|errors| bad(&errors))?;
                check::check(store, kind, None, &mut draft).map_err(|errors| bad(&errors))?;
                ids.push(write::create(store, kind, draft, author)?.to_string());
                // What was noted for the log is forgotten at once, so that it does not grow.
                store.changes.truncate(mark);
            }
            Ok(ids)
        })
    }

    /// Changes an object as somebody else would have: same body as a PATCH, no request. It moves `last_updated` and is
    /// in the change log.
    pub fn edit(&self, list: &str, id: &str, body: &Json) -> Result<(), SeedError> {
        self.change(list, |store, kind, author| {
            let old = known(store, kind, id)?;
            let mut draft = input::read(store, kind, &old, body, true).map_err(|errors| bad(&errors))?;
            check::check(store, kind, Some(&old), &mut draft).map_err(|errors| bad(&errors))?;
            write::update(store, kind, &old, draft, author).map(|_| ())
        })
    }

    /// Deletes an object as somebody else would have: no request.
    pub fn remove(&self, list: &str, id: &str) -> Result<(), SeedError> {
        self.change(list, |store, kind, author| {
            let old = known(store, kind, id)?;
            delete::delete(store, kind, old.id, author)
        })
    }

    fn change<T>(
        &self,
        list: &str,
        write: impl FnOnce(&mut Store, Kind, &Author) -> Result<T, Refusal>,
    ) -> Result<T, SeedError> {
        let refused = |answer: String| SeedError { list: list.to_owned(), answer };
        let Some(kind) = Kind::from_path(list) else { return Err(refused("no such list".to_owned())) };
        let request_id = Id::numbered(OTHERS + self.shared.front.number());
        let author = Author { request_id, user: "somebody else".to_owned(), detail: "edit".to_owned() };
        let mut store = self.shared.store.write().unwrap_or_else(PoisonError::into_inner);
        let done = store.transact(|store| write(store, kind, &author));
        done.map_err(|refusal| refused(refusal.answer(&self.shared.options.version).1.to_string()))
    }

    /// Lets every new device come with interfaces of these names, as from the templates of its type.
    pub fn give_interfaces(&self, names: &[&str]) {
        let mut store = self.shared.store.write().unwrap_or_else(PoisonError::into_inner);
        store.templates = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Makes the first page of a list lack its last record in GraphQL, while REST counts it, until the faults are
    /// cleared.
    pub fn shorten(&self, list: &str) {
        self.faults().shortened.push(list.to_owned());
    }

    fn access(&self, change: impl FnOnce(&mut Access)) {
        change(&mut self.shared.store.write().unwrap_or_else(PoisonError::into_inner).access);
    }

    /// Takes the right to a list away: REST answers 403, GraphQL an empty list, and null where something refers to it.
    pub fn deny(&self, list: &str) {
        self.access(|access| access.denied.extend(Kind::from_path(list)));
    }

    /// Gives the right to a list back.
    pub fn allow(&self, list: &str) {
        self.access(|access| access.denied.retain(|kind| kind.def().path != list));
    }

    /// Hides an object, as a constrained permission does: it is in no list and no count, and nothing refers to it.
    pub fn hide(&self, id: &str) {
        self.access(|access| access.hidden.extend(Id::parse(id)));
    }

    /// Shows a hidden object again.
    pub fn show(&self, id: &str) {
        self.access(|access| access.hidden.retain(|hidden| Some(*hidden) != Id::parse(id)));
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.front.traffic.all()
    }

    /// Requests with this method whose path contains the text.
    pub fn request_count(&self, method: &str, path: &str) -> usize {
        self.shared.front.traffic.count(method, path)
    }

    /// Requests that asked for a write, refused ones included.
    pub fn write_requests(&self) -> usize {
        self.shared.front.traffic.writes()
    }

    /// Objects that requests created, changed or deleted.
    pub fn writes(&self) -> usize {
        self.shared.front.traffic.written()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.front.traffic.forget();
    }

    /// Tells `watcher` of every request from now on, or nobody.
    pub fn watch(&self, watcher: Option<Watcher>) {
        self.shared.front.watch.set(watcher);
    }

    /// The faults, to change them.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.shared.faults)
    }
}

fn known(store: &Store, kind: Kind, id: &str) -> Result<Arc<Object>, Refusal> {
    let object = Id::parse(id).and_then(|id| store.get(kind, id)).cloned();
    object.ok_or_else(|| Refusal::missing(kind.def().class))
}
