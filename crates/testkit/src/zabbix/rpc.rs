//! JSON-RPC 2.0: one call or a batch in a body, credentials, errors.

use serde_json::{Value as Json, json};

use super::access::{NOT_AUTHORIZED, Role, TERMINATED, User};
use super::check::{self, Field, Rule, may, must};
use super::dialect::Dialect;
use super::faults::{Ignored, Refuse};
use super::methods::{self, Ctx, WITHOUT_ACCOUNT};
use super::php::{self, Object};
use super::refusal::{Class, Refusal};
use super::state::State;
use super::traffic::{CallRecord, Credentials};

/// A body and what goes with it.
pub(super) struct Incoming<'a> {
    pub body: &'a [u8],
    /// What follows `Bearer ` in the header.
    pub bearer: Option<&'a str>,
    pub now: i64,
    pub refuse: &'a [Refuse],
    /// Properties that are read past.
    pub ignored: &'a [Ignored],
    /// Refuses every call.
    pub refused: Option<Refusal>,
}

/// What came of a body.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub body: String,
    pub calls: Vec<CallRecord>,
    pub batch: bool,
    pub in_body: bool,
}

impl Outcome {
    /// Where the credentials of the request were.
    pub fn credentials(&self, bearer: Option<&str>) -> Credentials {
        match (bearer, self.in_body) {
            (Some(_), _) => Credentials::Header,
            (None, true) => Credentials::Body,
            (None, false) => Credentials::None,
        }
    }
}

const CALL: &[Field] = &[
    must("jsonrpc", Rule::Any),
    must("method", Rule::Text(usize::MAX)),
    must("params", Rule::Any),
    may("id", Rule::Any),
];
const CALL_WITH_AUTH: &[Field] = &[
    must("jsonrpc", Rule::Any),
    must("method", Rule::Text(usize::MAX)),
    must("params", Rule::Any),
    may("auth", Rule::Any),
    may("id", Rule::Any),
];

/// The methods that a body calls, as they stand there.
pub(super) fn methods_of(body: &[u8]) -> Vec<String> {
    let json: Json = serde_json::from_slice(body).unwrap_or_default();
    let calls = match &json {
        Json::Array(calls) => calls.iter().collect(),
        one => vec![one],
    };
    calls.into_iter().filter_map(|call| call.get("method")?.as_str().map(str::to_owned)).collect()
}

/// Carries a body out.
pub(super) fn answer(state: &mut State, dialect: &Dialect, incoming: &Incoming<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let Ok(json) = serde_json::from_slice::<Json>(incoming.body) else {
        let data = "Invalid JSON. An error occurred on the server while parsing the JSON text.";
        outcome.body =
            failed(&Refusal { kind: Class::Parse, data: data.to_owned() }, &Json::Null, dialect, true).to_string();
        return outcome;
    };
    let calls: Vec<&Json> = match &json {
        Json::Array(calls) if !calls.is_empty() => calls.iter().collect(),
        Json::Object(call) if !call.is_empty() => vec![&json],
        _ => {
            let data = "The received JSON is not a valid JSON-RPC request.";
            let refusal = Refusal { kind: Class::Request, data: data.to_owned() };
            outcome.body = failed(&refusal, &Json::Null, dialect, true).to_string();
            return outcome;
        }
    };
    outcome.batch = json.is_array();
    let mut answers = Vec::new();
    for call in calls {
        let (record, answer, lost) = one(state, dialect, incoming, call, &mut outcome.in_body);
        outcome.calls.extend(record);
        answers.extend(answer);
        if lost && outcome.batch {
            // The error ends the script before it prints what it has.
            return outcome;
        }
    }
    if !answers.is_empty() {
        outcome.body = if outcome.batch { Json::Array(answers).to_string() } else { answers[0].to_string() };
    }
    outcome
}

fn failed(refusal: &Refusal, id: &Json, dialect: &Dialect, super_admin: bool) -> Json {
    json!({"jsonrpc": "2.0", "error": refusal.to_json(dialect, super_admin), "id": id})
}

/// One call: its record, its answer, and whether the error loses the answers of a whole batch.
fn one(
    state: &mut State,
    dialect: &Dialect,
    incoming: &Incoming<'_>,
    call: &Json,
    in_body: &mut bool,
) -> (Option<CallRecord>, Option<Json>, bool) {
    let id = call.get("id");
    let envelope = match envelope(call, dialect) {
        Ok(envelope) => envelope,
        Err(refusal) => {
            let refusal = Refusal { kind: Class::Request, ..refusal };
            let id = id.filter(|id| !matches!(id, Json::Array(_) | Json::Object(_) | Json::Bool(_)));
            return (None, Some(failed(&refusal, id.unwrap_or(&Json::Null), dialect, true)), false);
        }
    };
    let name = php::get_text(&envelope, "method").unwrap_or_default();
    let params = envelope.get("params").cloned().unwrap_or_default();
    let auth = php::get_text(&envelope, "auth");
    *in_body |= auth.is_some();
    state.written = 0;
    // A call that fails leaves nothing behind.
    let before = state.clone();
    let mut super_admin = true;
    let result = carry_out(state, dialect, incoming, &name, &params, auth.as_deref(), &mut super_admin);
    let written = if result.is_ok() { state.written } else { 0 };
    if result.is_err() {
        *state = before;
    }
    let record = CallRecord {
        method: name,
        objects: params.as_array().map_or(1, Vec::len),
        params,
        written,
        error: result.as_ref().err().map(|refusal| refusal.data.clone()),
    };
    let lost = dialect.frail_database_errors && result.as_ref().is_err_and(|refusal| refusal.kind == Class::Database);
    let answer = id.map(|id| match &result {
        Ok(result) => json!({"jsonrpc": "2.0", "result": result, "id": id}),
        Err(refusal) => failed(refusal, id, dialect, super_admin),
    });
    (Some(record), answer, lost)
}

fn envelope(call: &Json, dialect: &Dialect) -> Result<Object, Refusal> {
    let fields = if dialect.body_auth { CALL_WITH_AUTH } else { CALL };
    let envelope = check::object(call, "/", fields, false)?;
    if envelope.get("jsonrpc").and_then(Json::as_str) != Some("2.0") {
        return Err(Refusal::invalid("/jsonrpc", "value must be \"2.0\""));
    }
    if !matches!(envelope.get("params"), Some(Json::Array(_) | Json::Object(_))) {
        return Err(Refusal::invalid("/params", "an array or object is expected"));
    }
    match envelope.get("auth") {
        None | Some(Json::Null) => {}
        Some(auth) => check::text(auth, "/auth", usize::MAX, true)?,
    }
    match envelope.get("id") {
        None | Some(Json::String(_) | Json::Number(_) | Json::Null) => Ok(envelope),
        Some(_) => Err(Refusal::invalid("/id", "a string, number or null value is expected")),
    }
}

fn carry_out(
    state: &mut State,
    dialect: &Dialect,
    incoming: &Incoming<'_>,
    name: &str,
    params: &Json,
    auth: Option<&str>,
    super_admin: &mut bool,
) -> Result<Json, Refusal> {
    let method = methods::find(name, dialect)?;
    let bearer = incoming.bearer.filter(|_| dialect.bearer);
    let lower = name.to_lowercase();
    if WITHOUT_ACCOUNT.contains(&lower.as_str()) {
        let place = match (bearer, auth) {
            (Some(_), _) => "authorization header",
            (None, Some(_)) => "the \"auth\" parameter",
            (None, None) => {
                let user = User { role: Role::User, ..User::default() };
                let mut ctx = Ctx { state, dialect, user, secret: String::new(), now: incoming.now };
                return (method.run)(&mut ctx, params);
            }
        };
        return Err(Refusal::parameters(format!("The \"{name}\" method must be called without {place}.")));
    }
    let secret = bearer.or(auth.filter(|_| dialect.body_auth)).unwrap_or_default();
    if secret.is_empty() {
        return Err(Refusal::parameters(NOT_AUTHORIZED));
    }
    let user = state.authenticate(secret, incoming.now)?;
    *super_admin = user.role == Role::SuperAdmin;
    method.allows(&user, name, dialect)?;
    if let Some(refusal) = &incoming.refused {
        return Err(refusal.clone());
    }
    let objects: Vec<&Object> = php::list(params).into_iter().filter_map(Json::as_object).collect();
    if let Some(rule) = incoming.refuse.iter().find(|rule| rule.meets(&lower, &objects)) {
        return Err(Refusal::application(rule.data.clone()));
    }
    let stripped = Ignored::strip(incoming.ignored, &lower, params);
    let mut ctx = Ctx { state, dialect, user, secret: secret.to_owned(), now: incoming.now };
    (method.run)(&mut ctx, stripped.as_ref().unwrap_or(params))
}

/// Status and body of the answer when the frontend does not reach its database: it has no account to know, so that it
/// answers the outermost object alone.
pub(super) fn database_down(body: &[u8], dialect: &Dialect) -> (u16, String) {
    let text = "Error connecting to database.";
    let json = serde_json::from_slice::<Json>(body);
    let id = json.as_ref().ok().and_then(|json| json.get("id")).cloned();
    if !dialect.modern {
        let error = json!({"code": 1, "message": text, "data": ""});
        return (200, json!({"jsonrpc": "2.0", "error": error, "id": id}).to_string());
    }
    if json.is_err() {
        return (500, String::new());
    }
    let answer = |id: Json| {
        let error = json!({"code": -32603, "message": "Internal error.", "data": text});
        json!({"jsonrpc": "2.0", "error": error, "id": id}).to_string()
    };
    (200, id.map(answer).unwrap_or_default())
}

/// What calls hear whose session ended.
pub(super) fn terminated() -> Refusal {
    Refusal::parameters(TERMINATED)
}
