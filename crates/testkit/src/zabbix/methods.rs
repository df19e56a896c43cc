//! The methods of the API: which there are, who may call them, what carries them out.

use serde_json::Value as Json;

use super::access::{Role, User};
use super::dialect::Dialect;
use super::php::Object;
use super::refusal::{Class, Refusal};
use super::state::State;
use super::{accounts, groups, hosts, interfaces, items, macros, maintenance, proxies, templates, users};

/// What a method works on.
pub(super) struct Ctx<'a> {
    pub state: &'a mut State,
    pub dialect: &'a Dialect,
    pub user: User,
    /// What the call authenticated with.
    pub secret: String,
    /// Seconds since 1970.
    pub now: i64,
}

type Run = fn(&mut Ctx<'_>, &Json) -> Result<Json, Refusal>;

/// A method of the API.
pub(super) struct Method {
    name: &'static str,
    role: Role,
    /// Whether a version has it.
    known: fn(&Dialect) -> bool,
    pub run: Run,
}

const fn method(name: &'static str, role: Role, run: Run) -> Method {
    Method { name, role, known: |_| true, run }
}

const fn since(name: &'static str, role: Role, known: fn(&Dialect) -> bool, run: Run) -> Method {
    Method { name, role, known, run }
}

use Role::{Admin, SuperAdmin, User as Anyone};

const METHODS: &[Method] = &[
    method("apiinfo.version", Anyone, users::version),
    method("user.login", Anyone, users::login),
    method("user.checkauthentication", Anyone, users::check_authentication),
    method("user.logout", Anyone, users::logout),
    method("token.get", Anyone, users::tokens),
    method("token.create", Anyone, accounts::create_token),
    method("token.generate", Anyone, accounts::generate_token),
    method("token.update", Anyone, accounts::update_token),
    method("token.delete", Anyone, accounts::delete_token),
    method("user.create", SuperAdmin, accounts::create_user),
    method("usergroup.create", SuperAdmin, accounts::create_group),
    method("auditlog.get", SuperAdmin, |_, _| Ok(Json::Array(Vec::new()))),
    method("host.get", Anyone, hosts::get),
    method("host.create", Admin, hosts::create),
    method("host.update", Admin, hosts::update),
    method("host.delete", Admin, hosts::delete),
    method("host.massadd", Admin, hosts::mass_add),
    method("host.massremove", Admin, hosts::mass_remove),
    method("host.massupdate", Admin, hosts::mass_update),
    method("hostinterface.get", Anyone, interfaces::get),
    method("hostinterface.create", Admin, interfaces::create),
    method("hostinterface.update", Admin, interfaces::update),
    method("hostinterface.delete", Admin, interfaces::delete),
    method("hostinterface.massadd", Admin, interfaces::mass_add),
    method("hostinterface.replacehostinterfaces", Admin, interfaces::replace),
    method("hostgroup.get", Anyone, groups::get),
    method("hostgroup.create", SuperAdmin, groups::create),
    method("hostgroup.update", Admin, groups::update),
    method("hostgroup.delete", Admin, groups::delete),
    method("hostgroup.massadd", Admin, groups::mass_add),
    method("hostgroup.massremove", Admin, groups::mass_remove),
    since("templategroup.get", Anyone, |dialect| dialect.split_groups, groups::template_groups),
    method("template.get", Anyone, templates::get),
    method("item.get", Anyone, items::items),
    method("discoveryrule.get", Anyone, items::rules),
    method("itemprototype.get", Anyone, items::prototypes),
    method("trigger.get", Anyone, items::triggers),
    method("proxy.get", Anyone, proxies::get),
    method("proxy.create", SuperAdmin, proxies::create),
    method("proxy.delete", SuperAdmin, proxies::delete),
    since("proxygroup.get", Anyone, |dialect| dialect.proxy_objects, proxies::groups),
    since("proxygroup.create", SuperAdmin, |dialect| dialect.proxy_objects, proxies::create_group),
    method("usermacro.get", Anyone, macros::get),
    method("usermacro.create", Admin, macros::create),
    method("usermacro.update", Admin, macros::update),
    method("usermacro.delete", Admin, macros::delete),
    method("maintenance.get", Anyone, maintenance::get),
    method("maintenance.create", Admin, maintenance::create),
    method("maintenance.update", Admin, maintenance::update),
    method("maintenance.delete", Admin, maintenance::delete),
];

/// Methods that are called before one has an account.
pub(super) const WITHOUT_ACCOUNT: [&str; 3] = ["apiinfo.version", "user.login", "user.checkauthentication"];

/// Finds a method; upper and lower case do not count.
pub(super) fn find(name: &str, dialect: &Dialect) -> Result<&'static Method, Refusal> {
    let lower = name.to_lowercase();
    let (api, verb) = lower.split_once('.').unwrap_or((&lower, ""));
    let known = || METHODS.iter().filter(|method| (method.known)(dialect));
    let refused = |data: String| Refusal { kind: Class::Method, data };
    if let Some(method) = known().find(|method| method.name == lower) {
        return Ok(method);
    }
    let has_api = known().any(|method| method.name.split('.').next() == Some(api));
    let api_as_given = name.split('.').next().unwrap_or_default();
    if has_api {
        let verb_as_given = name.split_once('.').map_or(verb, |(_, verb)| verb);
        return Err(refused(format!("Incorrect method \"{api_as_given}.{verb_as_given}\".")));
    }
    Err(refused(format!("Incorrect API \"{api_as_given}\".")))
}

impl Method {
    /// Whether the role allows the call.
    pub fn allows(&self, user: &User, name: &str, dialect: &Dialect) -> Result<(), Refusal> {
        if user.role >= self.role {
            return Ok(());
        }
        let data = format!("No permissions to call \"{name}\".");
        Err(if dialect.modern { Refusal::application(data) } else { Refusal::parameters(data) })
    }
}

/// The options of a getter; a list has none.
pub(super) fn options(ctx: &Ctx<'_>, params: &Json) -> Object {
    let mut options = params.as_object().cloned().unwrap_or_default();
    if !ctx.dialect.exclude_search {
        options.remove("excludeSearch");
    }
    options
}
