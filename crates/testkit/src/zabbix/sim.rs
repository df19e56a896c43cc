//! The handle of a running simulator.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::access::{Access, Role, Token, User, secret};
use super::dialect::Dialect;
use super::faults::Faults;
use super::methods::Ctx;
use super::refusal::Refusal;
use super::server::{PATH, Shared, handle};
use super::state::{Group, Host};
use super::traffic::{CallRecord, RequestRecord};
use super::{groups, hosts, macros, maintenance, proxies, stock, templates};
use crate::http::{Serving, listen, lock};
use crate::watch::{Watch, Watcher};

/// How a simulator starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZabbixOptions {
    /// Version that it reports and speaks, from `6.0.0` on. A version newer than all known ones speaks the newest dialect.
    pub version: String,
    /// TCP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
}

impl Default for ZabbixOptions {
    fn default() -> Self {
        Self::version("7.0.22")
    }
}

impl ZabbixOptions {
    /// A server of this version on a free port.
    pub fn version(version: &str) -> Self {
        Self { version: version.to_owned(), port: 0 }
    }
}

/// The simulator did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the Zabbix simulator")]
pub struct StartError(#[from] std::io::Error);

/// An object was not seeded because Zabbix would refuse it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("Zabbix refuses the {what} that was to be seeded: {answer}")]
pub struct SeedError {
    /// What was to be seeded.
    pub what: &'static str,
    /// Zabbix's words.
    pub answer: String,
}

/// A user to add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSeed {
    /// Name to log in with.
    pub name: String,
    /// Password to log in with.
    pub password: String,
    /// Type of its role.
    pub role: Role,
    /// Rights to host groups, by id.
    pub groups: Vec<(String, Access)>,
    /// Rights to template groups, by id; before 6.2 those are host groups too.
    pub template_groups: Vec<(String, Access)>,
}

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct ZabbixSim {
    shared: Arc<Shared>,
    token: String,
    serving: Serving,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("base", &self.base).finish_non_exhaustive()
    }
}

impl ZabbixSim {
    /// Starts a fresh server on a thread of its own and returns once it listens.
    pub fn start(options: ZabbixOptions) -> Result<Self, StartError> {
        let (listener, base) = listen(options.port)?;
        let dialect = Dialect::of(&options.version);
        let (state, token) = stock::fresh(&dialect, now()).map_err(|refusal| std::io::Error::other(refusal.data))?;
        let shared = Arc::new(Shared {
            base,
            dialect,
            state: Mutex::new(state),
            faults: Mutex::default(),
            traffic: Mutex::default(),
            watch: Watch::default(),
            server: CancellationToken::new(),
        });
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let serving = Serving::start("zabbix-simulator", listener, app, &shared.server)?;
        Ok(Self { shared, token, serving })
    }

    /// `http://127.0.0.1:port`, the address of the frontend.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// The address of the API below [`ZabbixSim::url`].
    pub fn api_url(&self) -> String {
        format!("{}{PATH}", self.shared.base)
    }

    /// A token of the administrator.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Name and password of the administrator.
    pub fn login(&self) -> (&'static str, &'static str) {
        stock::ADMIN
    }

    /// Stops the server: connections break, the port closes. Objects and records stay readable.
    pub fn stop(&mut self) {
        self.serving.stop();
    }

    /// Works on the state as the administrator; nothing stays of what is refused.
    fn administer<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Ctx<'_>) -> Result<T, Refusal>,
    ) -> Result<T, SeedError> {
        let mut state = lock(&self.shared.state);
        let before = state.clone();
        let user = User { id: 1, role: Role::SuperAdmin, ..User::default() };
        let mut ctx = Ctx { state: &mut state, dialect: &self.shared.dialect, user, secret: String::new(), now: now() };
        let done = work(&mut ctx);
        if done.is_err() {
            *state = before;
        }
        done.map_err(|refusal| SeedError { what, answer: refusal.data })
    }

    /// Adds a host group: `{"name": …}`. Returns its id.
    pub fn seed_group(&self, body: Json) -> Result<String, SeedError> {
        self.administer("host group", |ctx| groups::create(ctx, &body)).map(|made| first(&made))
    }

    /// Adds a template group: `{"name": …}`; before 6.2 that is a host group. Returns its id.
    pub fn seed_template_group(&self, body: Json) -> Result<String, SeedError> {
        if !self.shared.dialect.split_groups {
            return self.seed_group(body);
        }
        self.administer("template group", |ctx| {
            let name = body.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
            if name.is_empty() || ctx.state.template_groups.values().any(|group| group.name == name) {
                return Err(Refusal::parameters(format!("Template group \"{name}\" already exists.")));
            }
            let id = ctx.state.next("groups");
            ctx.state.template_groups.insert(id, Group { name, uuid: secret(id, 32), internal: false });
            Ok(id.to_string())
        })
    }

    /// Adds a template as an import would. `body` has `host` and `groups`, and may have `name`, `uuid`, `description`,
    /// `tags`, `macros`, `templates` (its parents), `items` (`key_`, `name`, `type`, `value_type`, `inventory_link`, …),
    /// `discoveryrules` (the same, each with `itemprototypes`) and `triggers` (`description`, `expression`, `priority`,
    /// `depends_on`: descriptions of triggers before it, or `{"template", "description"}`). Returns its id.
    pub fn seed_template(&self, body: Json) -> Result<String, SeedError> {
        self.administer("template", |ctx| templates::seed(ctx, &body)).map(|id| id.to_string())
    }

    /// Adds a host with the parameters of `host.create`. Returns its id.
    pub fn seed_host(&self, body: Json) -> Result<String, SeedError> {
        self.administer("host", |ctx| hosts::create(ctx, &body)).map(|made| first(&made))
    }

    /// Adds hosts, all or none. Returns their ids.
    pub fn seed_hosts(&self, bodies: &[Json]) -> Result<Vec<String>, SeedError> {
        let made = self.administer("list of hosts", |ctx| hosts::create(ctx, &Json::Array(bodies.to_vec())))?;
        Ok(all(&made))
    }

    /// Adds a host with the names and all else of another one, as two creates leave it that ran at the same time: the
    /// database does not keep names apart. Returns its id, or `None` if there is no such host.
    pub fn seed_twin(&self, id: &str) -> Option<String> {
        let mut state = lock(&self.shared.state);
        let mut twin = Host::clone(state.hosts.get(&id.parse().ok()?)?);
        twin.id = state.next("hosts");
        let id = twin.id.to_string();
        for interface in &mut twin.interfaces {
            let before = std::mem::replace(&mut interface.id, state.next("interfaces"));
            for item in twin.items.iter_mut().filter(|item| item.interface == before) {
                item.interface = interface.id;
            }
        }
        twin.items.iter_mut().for_each(|item| item.id = state.next("items"));
        twin.triggers.iter_mut().for_each(|trigger| trigger.id = state.next("triggers"));
        twin.macros.iter_mut().for_each(|known| known.id = state.next("macros"));
        state.put(twin);
        Some(id)
    }

    /// Changes a host as somebody else would have: the parameters of `host.update`, no request.
    pub fn edit_host(&self, body: Json) -> Result<(), SeedError> {
        self.administer("change of a host", |ctx| hosts::update(ctx, &body)).map(|_| ())
    }

    /// Deletes a host as somebody else would have: no request.
    pub fn remove_host(&self, id: &str) -> Result<(), SeedError> {
        self.administer("deletion of a host", |ctx| hosts::delete(ctx, &json!([id]))).map(|_| ())
    }

    /// Makes a host one that low-level discovery has made (`flags` 4).
    pub fn mark_discovered(&self, id: &str) {
        self.change_host(id, |host| drop(host.row.insert("flags", "4".to_owned())));
    }

    /// Gives a host the maintenance status that the server process would.
    pub fn set_maintenance_status(&self, id: &str, in_maintenance: bool) {
        let status = u8::from(in_maintenance).to_string();
        self.change_host(id, |host| drop(host.row.insert("maintenance_status", status)));
    }

    fn change_host(&self, id: &str, change: impl FnOnce(&mut Host)) {
        let mut state = lock(&self.shared.state);
        if let Some(host) = id.parse().ok().and_then(|id: u64| state.hosts.get_mut(&id)) {
            change(Arc::make_mut(host));
        }
    }

    /// Adds a proxy: `{"name": …, "operating_mode": 0}`, up to 6.4 `{"host": …, "status": 5}`. Returns its id.
    pub fn seed_proxy(&self, body: Json) -> Result<String, SeedError> {
        self.administer("proxy", |ctx| proxies::create(ctx, &body)).map(|made| first(&made))
    }

    /// Adds a proxy group: `{"name": …}`, from 7.0 on. Returns its id.
    pub fn seed_proxy_group(&self, body: Json) -> Result<String, SeedError> {
        self.administer("proxy group", |ctx| proxies::create_group(ctx, &body)).map(|made| first(&made))
    }

    /// Adds a maintenance with the parameters of `maintenance.create`. Returns its id.
    pub fn seed_maintenance(&self, body: Json) -> Result<String, SeedError> {
        self.administer("maintenance", |ctx| maintenance::create(ctx, &body)).map(|made| first(&made))
    }

    /// Adds a global macro: `{"macro": …, "value": …, "type": "0", "description": …}`. Returns its id.
    pub fn seed_global_macro(&self, body: Json) -> Result<String, SeedError> {
        self.administer("global macro", |ctx| Ok(macros::add_global(ctx.state, &body))).map(|id| id.to_string())
    }

    /// Adds a user and a token of it, which it returns.
    pub fn add_user(&self, seed: UserSeed) -> String {
        let mut state = lock(&self.shared.state);
        let rights = |list: &[(String, Access)]| {
            list.iter().filter_map(|(id, access)| Some((id.parse().ok()?, *access))).collect()
        };
        let mut user = User {
            id: state.next("users"),
            name: seed.name.clone(),
            password: seed.password,
            role: seed.role,
            rights: rights(&seed.groups),
            template_rights: rights(&seed.template_groups),
            disabled: false,
        };
        if !self.shared.dialect.split_groups {
            user.rights.extend(user.template_rights.clone());
            user.template_rights.clone_from(&user.rights);
        }
        let id = state.next("tokens");
        let token = Token {
            id,
            secret: secret(0xbeef + id, 64),
            name: format!("token of {}", seed.name),
            user: user.id,
            disabled: false,
            expires_at: 0,
            created_at: now(),
            last_access: 0,
        };
        let secret = token.secret.clone();
        state.users.insert(user.id, user);
        state.tokens.insert(id, token);
        secret
    }

    fn change_token(&self, secret: &str, change: impl FnOnce(&mut Token)) {
        if let Some(token) = lock(&self.shared.state).tokens.values_mut().find(|token| token.secret == secret) {
            change(token);
        }
    }

    /// Lets a token be past its time.
    pub fn expire_token(&self, secret: &str) {
        self.change_token(secret, |token| token.expires_at = 1);
    }

    /// Gives a token an end, in seconds since 1970.
    pub fn set_token_expiry(&self, secret: &str, expires_at: i64) {
        self.change_token(secret, |token| token.expires_at = expires_at);
    }

    /// Disables a token.
    pub fn disable_token(&self, secret: &str) {
        self.change_token(secret, |token| token.disabled = true);
    }

    /// Ends all sessions of users that logged in.
    pub fn end_sessions(&self) {
        lock(&self.shared.state).sessions.clear();
    }

    /// The answer to a read of everything.
    fn read(&self, what: &'static str, run: impl FnOnce(&mut Ctx<'_>) -> Result<Json, Refusal>) -> Vec<Json> {
        let read = self.administer(what, run);
        read.ok().and_then(|read| read.as_array().cloned()).unwrap_or_default()
    }

    /// All hosts by id, with all that `host.get` can select, and with what it never tells: the values of secret macros
    /// and the pre-shared keys.
    pub fn hosts(&self) -> Vec<Json> {
        let extend = "extend";
        let groups = if self.shared.dialect.split_groups { "selectHostGroups" } else { "selectGroups" };
        let mut options = json!({
            "output": extend, "selectInterfaces": extend, "selectParentTemplates": ["templateid", "host", "name"],
            "selectTags": extend, "selectMacros": extend, "selectInventory": extend, "selectInheritedTags": extend,
        });
        options[groups] = extend.into();
        let mut shown = self.read("read of hosts", |ctx| hosts::get(ctx, &options));
        let state = lock(&self.shared.state);
        for host in &mut shown {
            let Some(known) = host["hostid"].as_str().and_then(|id| state.hosts.get(&id.parse().ok()?)) else {
                continue;
            };
            host["tls_psk_identity"] = known.get("tls_psk_identity").into();
            host["tls_psk"] = known.get("tls_psk").into();
            for (shown, known) in host["macros"].as_array_mut().into_iter().flatten().zip(&known.macros) {
                shown["value"] = known.value.clone().into();
            }
        }
        shown
    }

    /// The host with this technical name, as in [`ZabbixSim::hosts`].
    pub fn host(&self, name: &str) -> Option<Json> {
        self.hosts().into_iter().find(|host| host["host"] == name)
    }

    /// The items of a host by id of the host, as `item.get` shows them.
    pub fn items(&self, hostid: &str) -> Vec<Json> {
        self.read("read of items", |ctx| super::items::items(ctx, &json!({"hostids": hostid})))
    }

    /// All host groups by id.
    pub fn groups(&self) -> Vec<Json> {
        self.read("read of groups", |ctx| groups::get(ctx, &json!({})))
    }

    /// All templates by id.
    pub fn templates(&self) -> Vec<Json> {
        self.read("read of templates", |ctx| templates::get(ctx, &json!({})))
    }

    /// The id of the template with this technical name.
    pub fn template(&self, name: &str) -> Option<String> {
        let state = lock(&self.shared.state);
        let named = state.templates.values().find(|template| template.host() == name);
        named.map(|template| template.id.to_string())
    }

    /// All maintenances by id, with their hosts, periods and tags.
    pub fn maintenances(&self) -> Vec<Json> {
        let options = json!({"selectHosts": ["host"], "selectTimeperiods": "extend", "selectTags": "extend"});
        self.read("read of maintenances", |ctx| maintenance::get(ctx, &options))
    }

    /// Every HTTP request so far.
    pub fn requests(&self) -> Vec<RequestRecord> {
        lock(&self.shared.traffic).clone()
    }

    /// Every call so far, those of a batch one by one.
    pub fn calls(&self) -> Vec<CallRecord> {
        lock(&self.shared.traffic).iter().flat_map(|request| request.calls.clone()).collect()
    }

    /// HTTP requests with a call of this method; of any if it is empty.
    pub fn request_count(&self, method: &str) -> usize {
        let has = |request: &&RequestRecord| {
            method.is_empty() || request.calls.iter().any(|call| call.method.eq_ignore_ascii_case(method))
        };
        lock(&self.shared.traffic).iter().filter(has).count()
    }

    /// HTTP requests that asked for a write, refused ones included.
    pub fn write_requests(&self) -> usize {
        lock(&self.shared.traffic).iter().filter(|request| request.is_write()).count()
    }

    /// Objects that requests created, changed or deleted.
    pub fn written_objects(&self) -> usize {
        self.calls().iter().map(|call| call.written).sum()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        lock(&self.shared.traffic).clear();
    }

    /// Tells `watcher` of every request from now on, or nobody.
    pub fn watch(&self, watcher: Option<Watcher>) {
        self.shared.watch.set(watcher);
    }

    /// The faults, to change them.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.shared.faults)
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// The ids in an answer such as `{"hostids": ["1"]}`.
fn all(made: &Json) -> Vec<String> {
    let lists = made.as_object().into_iter().flat_map(|object| object.values());
    lists.filter_map(Json::as_array).flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn first(made: &Json) -> String {
    all(made).into_iter().next().unwrap_or_default()
}
