//! `apiinfo.version`, logins, tokens.

use serde_json::Value as Json;

use super::access::{NOT_AUTHORIZED, Role, Session, User, secret};
use super::check::{self, Rule, may, must};
use super::dialect::Dialect;
use super::methods::{Ctx, options};
use super::php::{self, Object};
use super::query::{self, Found, Spec};
use super::refusal::Refusal;

pub(super) fn version(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    match php::is_empty(params) {
        true => Ok(Json::String(ctx.dialect.version.clone())),
        false => Err(Refusal::invalid("/", "should be empty")),
    }
}

pub(super) fn login(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let mut params = params.clone();
    if let Some(object) = params.as_object_mut().filter(|_| ctx.dialect.login_user)
        && let Some(user) = object.remove("user")
    {
        object.insert("username".to_owned(), user);
    }
    let text = Rule::Text(usize::MAX);
    let fields = [must("username", text), must("password", text), may("userData", Rule::Any)];
    let given = check::object(&params, "/", &fields, false)?;
    let name = php::get_text(&given, "username").unwrap_or_default();
    let password = php::get_text(&given, "password").unwrap_or_default();
    let wrong = "Incorrect user name or password or account is temporarily blocked.";
    let Some(user) = ctx.state.users.values().find(|user| user.name == name).cloned() else {
        return Err(if ctx.dialect.modern { Refusal::application(wrong) } else { Refusal::parameters(wrong) });
    };
    if user.password != password || user.disabled {
        return Err(Refusal::application(wrong));
    }
    let number = ctx.state.next("sessions");
    let session = Session { id: secret(number.wrapping_mul(7919), 32), user: user.id };
    ctx.state.sessions.push(session.clone());
    if php::flag(&given, "userData") {
        return Ok(account(&user, ctx.dialect, Some(&session.id)));
    }
    Ok(Json::String(session.id))
}

/// The account as logins show it.
fn account(user: &User, dialect: &Dialect, session: Option<&str>) -> Json {
    let mut shown: Object =
        user.show(dialect).into_iter().map(|(name, value)| (name.to_owned(), Json::String(value))).collect();
    shown.insert("type".to_owned(), user.role.number().into());
    shown.insert("debug_mode".to_owned(), 0.into());
    shown.insert("gui_access".to_owned(), 0.into());
    if dialect.modern {
        let admin = user.role == Role::SuperAdmin;
        shown.insert("gui_access".to_owned(), if admin { Json::from("1") } else { 0.into() });
        shown.insert("deprovisioned".to_owned(), false.into());
        shown.insert("mfaid".to_owned(), 0.into());
        shown.insert("auth_type".to_owned(), 0.into());
    }
    if let Some(session) = session {
        shown.insert("sessionid".to_owned(), session.into());
        if dialect.modern {
            shown.insert("secret".to_owned(), secret(user.id, 32).into());
        }
    }
    Json::Object(shown)
}

pub(super) fn check_authentication(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    let text = Rule::Text(usize::MAX);
    let given =
        check::object(params, "/", &[may("sessionid", text), may("token", text), may("extend", Rule::Any)], false)?;
    let session = php::get_text(&given, "sessionid");
    let token = php::get_text(&given, "token");
    let given = match (&session, &token) {
        (None, None) => return Err(Refusal::parameters("Session ID or token is expected.")),
        (Some(secret), _) if secret.len() == 64 => return Err(Refusal::parameters(super::access::TERMINATED)),
        (None, Some(secret)) if secret.len() != 64 => return Err(Refusal::parameters(NOT_AUTHORIZED)),
        (Some(secret), _) | (None, Some(secret)) => secret.clone(),
    };
    let user = ctx.state.authenticate(&given, ctx.now)?;
    Ok(account(&user, ctx.dialect, session.as_deref()))
}

pub(super) fn logout(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    check::object(params, "/", &[], false)?;
    let before = ctx.state.sessions.len();
    ctx.state.sessions.retain(|session| session.id != ctx.secret);
    match ctx.state.sessions.len() < before {
        true => Ok(Json::Bool(true)),
        false => Err(Refusal::parameters("Cannot log out.")),
    }
}

/// `token.get`: one's own tokens, for super admins all.
pub(super) fn tokens(ctx: &mut Ctx<'_>, params: &Json) -> Result<Json, Refusal> {
    const OPTIONS: &[&str] = &[
        "tokenids",
        "userids",
        "token",
        "valid_at",
        "expired_at",
        "filter",
        "search",
        "output",
        "countOutput",
        "preservekeys",
        "sortfield",
        "sortorder",
        "limit",
        "searchByAny",
        "startSearch",
        "excludeSearch",
        "searchWildcardsEnabled",
    ];
    const NAMES: &[&str] = &[
        "tokenid",
        "userid",
        "name",
        "description",
        "lastaccess",
        "status",
        "expires_at",
        "created_at",
        "creator_userid",
    ];
    let options = options(ctx, params);
    strict(&options, OPTIONS, NAMES)?;
    let (ids, users) = (php::id_set(&options, "tokenids"), php::id_set(&options, "userids"));
    let secret = php::get_text(&options, "token");
    let admin = ctx.user.role == Role::SuperAdmin;
    let visible = ctx.state.tokens.values().filter(|token| {
        (admin || token.user == ctx.user.id)
            && ids.as_ref().is_none_or(|ids| ids.contains(&token.id))
            && users.as_ref().is_none_or(|users| users.contains(&token.user))
            && secret.as_ref().is_none_or(|secret| token.secret == *secret)
    });
    let found: Vec<Found> = visible
        .map(|token| {
            let shown = serde_json::json!({
                "tokenid": token.id.to_string(), "userid": token.user.to_string(), "name": token.name, "description": "",
                "lastaccess": token.last_access.to_string(), "status": u8::from(token.disabled).to_string(),
                "expires_at": token.expires_at.to_string(), "created_at": token.created_at.to_string(),
                "creator_userid": "1",
            });
            (token.id, shown.as_object().cloned().unwrap_or_default())
        })
        .collect();
    let sort = &["tokenid", "name", "lastaccess", "status", "expires_at", "created_at"];
    let spec = Spec { id: "tokenid", sort, id_always: false };
    let found = query::narrow(found, &options, &spec)?;
    query::answer(found, &options, &spec, |_, _| Ok(()))
}

/// Refuses options and output names that a strict getter does not know.
pub(super) fn strict(options: &Object, known: &[&str], names: &[&str]) -> Result<(), Refusal> {
    if let Some(unknown) = options.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Refusal::invalid("/", &format!("unexpected parameter \"{unknown}\"")));
    }
    let orders = options.get("sortorder").map(php::list).unwrap_or_default();
    if orders.iter().any(|order| !matches!(order.as_str(), Some("ASC" | "DESC"))) {
        return Err(Refusal::invalid("/sortorder", "value must be one of \"ASC\", \"DESC\""));
    }
    options.get("output").map_or(Ok(()), |output| check::known_names(output, "/output", names, false))
}
