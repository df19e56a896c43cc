//! User groups, users and tokens, as far as a suite needs them to make itself accounts.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::access::{Access, Role, Token, User, secret};
use super::check::{self, Rule, below, may, must};
use super::methods::Ctx;
use super::php::{self, Object, id_list};
use super::refusal::{NO_PERMISSIONS, Refusal};

/// The rights that members of a user group have.
#[derive(Clone, Debug, Default)]
pub(super) struct UserGroup {
    pub name: String,
    pub rights: BTreeMap<u64, Access>,
    pub template_rights: BTreeMap<u64, Access>,
}

/// Permission 2 reads, 3 writes; 0 denies, which is the same as no right here.
fn rights(given: &Object, list: &str) -> BTreeMap<u64, Access> {
    let entries = given.get(list).map(php::list).unwrap_or_default();
    let right = |entry: &Json| {
        let entry = entry.as_object()?;
        let access = match php::get_id(entry, "permission") {
            2 => Access::Read,
            3 => Access::Write,
            _ => return None,
        };
        Some((php::get_id(entry, "id"), access))
    };
    entries.into_iter().filter_map(right).collect()
}

pub(super) fn create_group(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut created = Vec::new();
    for (number, entry) in php::list(params).into_iter().enumerate() {
        let mut fields = vec![must("name", Rule::Name(64))];
        let lists: &[&str] =
            if ctx.dialect.split_groups { &["hostgroup_rights", "templategroup_rights"] } else { &["rights"] };
        fields.extend(lists.iter().map(|list| may(list, Rule::Anything)));
        let given = check::object(entry, &below("/", number + 1), &fields, false)?;
        let name = php::get_text(&given, "name").unwrap_or_default();
        if ctx.state.user_groups.values().any(|group| group.name == name) {
            return Err(Refusal::parameters(format!("User group \"{name}\" already exists.")));
        }
        let group = match ctx.dialect.split_groups {
            true => UserGroup {
                name,
                rights: rights(&given, "hostgroup_rights"),
                template_rights: rights(&given, "templategroup_rights"),
            },
            false => {
                let both = rights(&given, "rights");
                UserGroup { name, rights: both.clone(), template_rights: both }
            }
        };
        let id = ctx.state.next("user_groups");
        ctx.state.user_groups.insert(id, group);
        ctx.state.written += 1;
        created.push(id);
    }
    Ok(serde_json::json!({"usrgrpids": id_list(created)}))
}

/// The role ids that every server has: 1 user, 2 admin, 3 super admin.
fn role(id: u64) -> Option<Role> {
    [Role::User, Role::Admin, Role::SuperAdmin].into_iter().find(|role| u64::from(role.number()) == id)
}

pub(super) fn create_user(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut created = Vec::new();
    for (number, entry) in php::list(params).into_iter().enumerate() {
        let path = below("/", number + 1);
        let fields = [
            must("username", Rule::Name(100)),
            must("roleid", Rule::Id),
            may("passwd", Rule::Name(255)),
            must("usrgrps", Rule::Anything),
        ];
        let given = check::object(entry, &path, &fields, true)?;
        let name = php::get_text(&given, "username").unwrap_or_default();
        if ctx.state.users.values().any(|user| user.name == name) {
            return Err(Refusal::parameters(format!("User with username \"{name}\" already exists.")));
        }
        let role = role(php::get_id(&given, "roleid")).ok_or_else(|| {
            Refusal::parameters(format!("User role with ID \"{}\" is not available.", php::get_id(&given, "roleid")))
        })?;
        let mut user = User {
            id: ctx.state.next("users"),
            name,
            password: php::get_text(&given, "passwd").unwrap_or_default(),
            role,
            ..User::default()
        };
        for id in super::groups::ids_of(&given, "usrgrps", "usrgrpid") {
            let group = ctx.state.user_groups.get(&id);
            let group =
                group.ok_or_else(|| Refusal::parameters(format!("User group with ID \"{id}\" is not available.")))?;
            user.join(group);
        }
        created.push(user.id);
        ctx.state.users.insert(user.id, user);
        ctx.state.written += 1;
    }
    Ok(serde_json::json!({"userids": id_list(created)}))
}

impl User {
    /// The stronger one of two rights counts.
    fn join(&mut self, group: &UserGroup) {
        for (mine, theirs) in [(&mut self.rights, &group.rights), (&mut self.template_rights, &group.template_rights)] {
            for (id, access) in theirs {
                let known = mine.entry(*id).or_insert(*access);
                *known = (*known).max(*access);
            }
        }
    }
}

/// The tokens of a call: one's own, for super admins all.
fn own<'a>(ctx: &'a mut Ctx<'_>, id: u64) -> Result<&'a mut Token, Refusal> {
    let (user, admin) = (ctx.user.id, ctx.user.role == Role::SuperAdmin);
    let token = ctx.state.tokens.get_mut(&id).filter(|token| admin || token.user == user);
    token.ok_or_else(|| Refusal::application(NO_PERMISSIONS))
}

pub(super) fn create_token(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut created = Vec::new();
    for (number, entry) in php::list(params).into_iter().enumerate() {
        let fields = [
            must("name", Rule::Name(64)),
            may("description", Rule::Text(65_535)),
            may("userid", Rule::Id),
            may("status", Rule::OneOf(&[0, 1])),
            may("expires_at", Rule::Range(0, 2_147_483_647)),
        ];
        let given = check::object(entry, &below("/", number + 1), &fields, false)?;
        let user = if given.contains_key("userid") { php::get_id(&given, "userid") } else { ctx.user.id };
        if !ctx.state.users.contains_key(&user) {
            return Err(Refusal::parameters(format!("User with ID \"{user}\" is not available.")));
        }
        let id = ctx.state.next("tokens");
        let token = Token {
            id,
            // Nobody can send an empty one.
            secret: String::new(),
            name: php::get_text(&given, "name").unwrap_or_default(),
            user,
            disabled: php::get_id(&given, "status") == 1,
            expires_at: seconds(&given),
            created_at: ctx.now,
            last_access: 0,
        };
        ctx.state.tokens.insert(id, token);
        ctx.state.written += 1;
        created.push(id);
    }
    Ok(serde_json::json!({"tokenids": id_list(created)}))
}

fn seconds(given: &Object) -> i64 {
    i64::try_from(php::get_id(given, "expires_at")).unwrap_or(0)
}

pub(super) fn generate_token(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids = check::ids(params, "/", true)?;
    let mut made = Vec::new();
    for id in ids {
        let number = ctx.state.next("secrets");
        let token = own(ctx, id)?;
        token.secret = secret(0xface + number, 64);
        made.push(serde_json::json!({"tokenid": id.to_string(), "token": token.secret}));
    }
    Ok(Json::Array(made))
}

pub(super) fn update_token(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut changed = Vec::new();
    for (number, entry) in php::list(params).into_iter().enumerate() {
        let fields = [
            must("tokenid", Rule::Id),
            may("name", Rule::Name(64)),
            may("description", Rule::Text(65_535)),
            may("status", Rule::OneOf(&[0, 1])),
            may("expires_at", Rule::Range(0, 2_147_483_647)),
        ];
        let given = check::object(entry, &below("/", number + 1), &fields, false)?;
        let id = php::get_id(&given, "tokenid");
        let token = own(ctx, id)?;
        if given.contains_key("status") {
            token.disabled = php::get_id(&given, "status") == 1;
        }
        if given.contains_key("expires_at") {
            token.expires_at = seconds(&given);
        }
        token.name = php::get_text(&given, "name").unwrap_or_else(|| token.name.clone());
        ctx.state.written += 1;
        changed.push(id);
    }
    Ok(serde_json::json!({"tokenids": id_list(changed)}))
}

pub(super) fn delete_token(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let ids = check::ids(params, "/", true)?;
    for id in &ids {
        own(ctx, *id)?;
        ctx.state.tokens.remove(id);
        ctx.state.written += 1;
    }
    Ok(serde_json::json!({"tokenids": id_list(ids)}))
}
