//! The handle of a running simulator.

use std::sync::{Arc, MutexGuard, PoisonError};

use axum::Router;
use serde_json::Value as Json;

use super::access::{Access, Token, TokenVersion};
use super::branching::{BranchRecord, BranchStatus};
use super::changes::ChangeRecord;
use super::errors::{Errors, Refusal};
use super::faults::Faults;
use super::input::{self, Select};
use super::render::Renderer;
use super::schema::Kind;
use super::server::{Shared, handle};
use super::state::{Object, Store};
use super::validate;
use super::write::Author;
use crate::django::RequestRecord;
use crate::http::{Serving, listen, lock};
use crate::transaction::Database as _;
use crate::watch::Watcher;

/// How a simulator starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetBoxOptions {
    /// Version that it reports, from `4.2` on.
    pub version: String,
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Form of [`NetBoxSim::token`]. Versions before 4.5 know only the first form.
    pub token_version: TokenVersion,
    /// Name under which the change log records writes.
    pub user: String,
    /// Most rows of a page; NetBox's default is 1000.
    pub max_page: usize,
    /// Whether the plugin for branches is installed.
    pub branching: bool,
}

impl Default for NetBoxOptions {
    fn default() -> Self {
        Self {
            version: "4.6.8".to_owned(),
            port: 0,
            token_version: TokenVersion::V2,
            user: "admin".to_owned(),
            max_page: 1000,
            branching: false,
        }
    }
}

/// The simulator did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the NetBox simulator")]
pub struct StartError(#[from] std::io::Error);

/// An object was not seeded because NetBox would refuse it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("NetBox refuses the {kind:?} that was to be seeded: {answer}")]
pub struct SeedError {
    /// Kind of the object.
    pub kind: Kind,
    /// NetBox's answer.
    pub answer: String,
}

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct NetBoxSim {
    shared: Arc<Shared>,
    tokens: [String; 3],
    serving: Serving,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("base", &self.base).finish_non_exhaustive()
    }
}

const V1_TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";
const V2_TOKEN: &str = "nbt_SimKey000001.simulatedSecretsimulatedSecretsimulated1";
const READ_TOKEN: &str = "fedcba9876543210fedcba9876543210fedcba98";

impl NetBoxSim {
    /// Starts a server on a thread of its own and returns once it listens.
    pub fn start(options: NetBoxOptions) -> Result<Self, StartError> {
        let (listener, base) = listen(options.port)?;
        let token = |secret: &str, write| Token { secret: secret.to_owned(), write };
        let mut access = Access { tokens: vec![token(V1_TOKEN, true), token(READ_TOKEN, false)], ..Access::default() };
        let shared = Shared::new(base, options, Access::default());
        let knows_v2 = shared.version() >= (4, 5);
        if knows_v2 {
            access.tokens.push(token(V2_TOKEN, true));
        }
        let main = if knows_v2 && shared.options.token_version == TokenVersion::V2 { V2_TOKEN } else { V1_TOKEN };
        *shared.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        let shared = Arc::new(shared);
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let serving = Serving::start("netbox-simulator", listener, app, &shared.front.server)?;
        let tokens = [main.to_owned(), V1_TOKEN.to_owned(), READ_TOKEN.to_owned()];
        Ok(Self { shared, tokens, serving })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// A token that may read and write, in the form that the options ask for.
    pub fn token(&self) -> &str {
        &self.tokens[0]
    }

    /// A token of the first form that may read and write.
    pub fn v1_token(&self) -> &str {
        &self.tokens[1]
    }

    /// A token of the first form that may only read.
    pub fn read_only_token(&self) -> &str {
        &self.tokens[2]
    }

    /// Stops the server: connections break, the port closes. Objects and records stay readable.
    pub fn stop(&mut self) {
        self.serving.stop();
    }

    fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.shared.store.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn render(&self, store: &Store, kind: Kind, object: &Object) -> Json {
        let mut renderer = Renderer { store, base: &self.shared.base, out: String::new() };
        renderer.object(kind, object, &Select::All);
        serde_json::from_str(&renderer.out).unwrap_or(Json::Null)
    }

    /// All objects of a kind as REST shows them, by id.
    pub fn objects(&self, kind: Kind) -> Vec<Json> {
        self.read(|store| store.by_id(kind, 0).map(|object| self.render(store, kind, object)).collect())
    }

    /// One object as REST shows it.
    pub fn object(&self, kind: Kind, id: u64) -> Option<Json> {
        self.read(|store| store.get(kind, id).map(|object| self.render(store, kind, object)))
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.read(|store| store.len(kind))
    }

    /// The change log, oldest entry first. Seeded objects are not in it.
    pub fn changes(&self) -> Vec<ChangeRecord> {
        let records = |store: &Store| {
            let changes = store.changes.iter().map(|change| ChangeRecord {
                id: change.id,
                request_id: change.request_id.clone(),
                action: change.action,
                kind: change.kind,
                object_id: change.object_id,
                display: change.repr.clone(),
                message: change.message.clone(),
            });
            changes.collect()
        };
        self.read(records)
    }

    /// Puts an object into the database as somebody else would have made it: same body as a POST, same checks, no
    /// request, no entry in the change log. Returns its id.
    pub fn seed(&self, kind: Kind, body: Json) -> Result<u64, SeedError> {
        self.seed_all(kind, &[body]).map(|ids| ids[0])
    }

    /// Like [`NetBoxSim::seed`] for many objects, in their order. All of them or none.
    pub fn seed_all(&self, kind: Kind, bodies: &[Json]) -> Result<Vec<u64>, SeedError> {
        self.write(kind, |store, author| {
            let mut ids = Vec::with_capacity(bodies.len());
            for body in bodies {
                let blank = store.blank(kind);
                let draft = input::read(store, kind, &blank, body, false, &Select::All).map_err(Refusal::Fields)?;
                validate::check(store, kind, None, &draft.object).map_err(Refusal::Fields)?;
                ids.push(store.create(kind, draft, author)?);
            }
            Ok(ids)
        })
    }

    /// Changes an object as somebody else would have: same body as a PATCH, no request, no entry in the change log.
    pub fn edit(&self, kind: Kind, id: u64, body: &Json) -> Result<(), SeedError> {
        self.write(kind, |store, author| {
            let Some(object) = store.get(kind, id).cloned() else {
                return Err(Refusal::Detail(404, format!("no object {id}")));
            };
            let draft = input::read(store, kind, &object, body, true, &Select::All).map_err(Refusal::Fields)?;
            validate::check(store, kind, Some(&object), &draft.object).map_err(Refusal::Fields)?;
            store.change(kind, draft, author)
        })
    }

    /// Deletes an object as somebody else would have: no request, no entry in the change log.
    pub fn remove(&self, kind: Kind, id: u64) -> Result<(), SeedError> {
        self.write(kind, |store, author| match store.get(kind, id) {
            None => Err(Refusal::Fields(Errors::whole("no such object"))),
            Some(_) => store.delete(kind, id, "", author),
        })
    }

    fn write<T>(
        &self,
        kind: Kind,
        write: impl FnOnce(&mut Store, &Author) -> Result<T, Refusal>,
    ) -> Result<T, SeedError> {
        let author = Author { request_id: String::new(), user: "somebody else".to_owned() };
        let mut store = self.shared.store.write().unwrap_or_else(PoisonError::into_inner);
        let logged = store.changes.len();
        let done = store.transact(|store| write(store, &author));
        store.changes.truncate(logged);
        done.map_err(|refusal| SeedError { kind, answer: refusal.answer(&self.shared.options.version).1 })
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
    pub fn written_objects(&self) -> usize {
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

    /// Lists of writes that are under way while [`Faults::deadlocks`] is set.
    pub fn lists_under_way(&self) -> usize {
        lock(&self.shared.under_way).len()
    }

    /// The faults, to change them.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.shared.faults)
    }

    /// Takes the right to a kind away: REST answers 403, GraphQL an empty list.
    pub fn deny(&self, kind: Kind) {
        self.shared.access.write().unwrap_or_else(PoisonError::into_inner).denied.insert(kind);
    }

    /// Gives the right to a kind back.
    pub fn allow(&self, kind: Kind) {
        self.shared.access.write().unwrap_or_else(PoisonError::into_inner).denied.remove(&kind);
    }

    /// Hides an object, as a constrained permission does: it is in no list and no count.
    pub fn hide(&self, kind: Kind, id: u64) {
        self.shared.access.write().unwrap_or_else(PoisonError::into_inner).hidden.insert((kind, id));
    }

    /// Shows a hidden object again.
    pub fn show(&self, kind: Kind, id: u64) {
        self.shared.access.write().unwrap_or_else(PoisonError::into_inner).hidden.remove(&(kind, id));
    }

    /// Every branch, by id.
    pub fn branches(&self) -> Vec<BranchRecord> {
        lock(&self.shared.branching).records()
    }

    /// Says where a branch stands, whatever its jobs do.
    pub fn set_branch_status(&self, id: u64, status: BranchStatus) {
        lock(&self.shared.branching).set_status(id, status);
    }

    /// All objects of a kind in a branch as REST shows them, by id; none while the branch has no copy.
    pub fn objects_in_branch(&self, branch: u64, kind: Kind) -> Vec<Json> {
        let Some(store) = lock(&self.shared.branching).store(branch) else { return Vec::new() };
        let store = store.read().unwrap_or_else(PoisonError::into_inner);
        store.by_id(kind, 0).map(|object| self.render(&store, kind, object)).collect()
    }

    /// Takes the right to create, merge and delete branches away.
    pub fn deny_branches(&self) {
        self.shared.access.write().unwrap_or_else(PoisonError::into_inner).no_branches = true;
    }

    /// Defines a text custom field for some kinds. Returns its id.
    pub fn define_custom_field(&self, name: &str, kinds: &[Kind]) -> Result<u64, SeedError> {
        let types: Vec<String> = kinds.iter().map(|kind| kind.content_type()).collect();
        self.seed(Kind::CustomField, serde_json::json!({"name": name, "type": "text", "object_types": types}))
    }
}
