//! One route of the API: how it is asked, who may, what it takes and what it answers.
//!
//! The router, the check of roles and the OpenAPI document all come from these, so that none of them can say something else.

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use syncline_core::history::{AuditAction, Role};

use crate::auth::permission::{About, Access, enforce};
use crate::browser::only_json;
use crate::problem::ProblemKind;
use crate::{ApiState, Problem};

/// Makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One route.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path below that of the API, with parameters as `{id}`.
    pub path: &'static str,
    /// Its name in the OpenAPI document, which programs that are made from it call it by.
    pub id: &'static str,
    /// What it does, in a sentence without its full stop.
    pub summary: &'static str,
    /// What it belongs to: `runs`, `syncs`.
    pub tag: &'static str,
    /// Who may ask; none when anybody may, without a login.
    pub access: Option<Access>,
    /// What stands behind the `?`.
    pub query: Option<SchemaOf>,
    /// Headers that are read, with what they say.
    pub headers: &'static [(&'static str, &'static str)],
    /// The JSON in its body. It is sent as JSON also where nothing need be said in it: a page of another site cannot.
    pub body: Option<SchemaOf>,
    /// The body is taken as it comes, whatever it is said to be: who sends it is known by it. It has a schema for those who look.
    pub is_signed: bool,
    /// What it answers when all is well; the first is the usual one.
    pub answers: Vec<Answer>,
    /// What can be wrong, beside what can be wrong anywhere.
    pub problems: Vec<ProblemKind>,
    handler: MethodRouter<ApiState>,
}

/// An answer when all is well.
#[derive(Clone, Copy)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// What it tells, in a sentence without its full stop.
    pub says: &'static str,
    /// The kind of its content and what it is like; none when it has none.
    pub content: Option<(&'static str, SchemaOf)>,
    /// It says in `Location` where that is.
    pub leads: bool,
}

impl Endpoint {
    fn new<H, T>(method: Method, filter: MethodFilter, path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, ApiState>,
        T: 'static,
    {
        let access = Access { role: Role::Viewer, about: About::of(&method, path), notes: None };
        Self {
            method,
            path,
            id,
            summary: "",
            tag: path.trim_start_matches('/').split('/').next().unwrap_or_default(),
            access: Some(access),
            query: None,
            headers: &[],
            body: None,
            is_signed: false,
            answers: Vec::new(),
            problems: Vec::new(),
            handler: on(filter, handler),
        }
    }

    /// A route that is read.
    pub fn get<H: Handler<T, ApiState>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::GET, MethodFilter::GET, path, id, handler)
    }

    /// A route that does something.
    pub fn post<H: Handler<T, ApiState>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::POST, MethodFilter::POST, path, id, handler)
    }

    /// A route that replaces something.
    pub fn put<H: Handler<T, ApiState>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::PUT, MethodFilter::PUT, path, id, handler)
    }

    /// A route that removes something.
    pub fn delete<H: Handler<T, ApiState>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::DELETE, MethodFilter::DELETE, path, id, handler)
    }

    /// What it does.
    pub fn says(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// Who may ask; whoever may look, unless it is said.
    pub fn by(self, role: Role) -> Self {
        self.accessed(|access| Access { role, ..access })
    }

    /// It is about whoever asks, who may.
    pub fn about_oneself(self) -> Self {
        self.accessed(|access| Access { about: About::Oneself, ..access })
    }

    /// What the audit log says of it.
    pub fn notes(self, action: AuditAction) -> Self {
        self.accessed(|access| Access { notes: Some(action), ..access })
    }

    /// Anybody may ask, without a login.
    pub fn by_anybody(self) -> Self {
        Self { access: None, ..self }
    }

    fn accessed(self, change: impl FnOnce(Access) -> Access) -> Self {
        Self { access: self.access.map(change), ..self }
    }

    /// What stands behind the `?`.
    pub fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(of::<T>), ..self }
    }

    /// Headers that are read.
    pub fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// The body that is sent.
    pub fn takes<T: JsonSchema>(self) -> Self {
        Self { body: Some(of::<T>), ..self }
    }

    /// The body that is sent, which is read to the letter before anything else: it is signed.
    pub fn takes_signed(self) -> Self {
        Self { body: Some(of::<serde_json::Value>), is_signed: true, ..self }
    }

    /// What it answers, as JSON.
    pub fn gives<T: JsonSchema>(self, status: StatusCode, says: &'static str) -> Self {
        self.gives_as::<T>("application/json", status, says)
    }

    /// What it answers, in another form.
    pub fn gives_as<T: JsonSchema>(mut self, kind: &'static str, status: StatusCode, says: &'static str) -> Self {
        self.answers.push(Answer { status, says, content: Some((kind, of::<T>)), leads: false });
        self
    }

    /// That it answers without content.
    pub fn gives_nothing(mut self, status: StatusCode, says: &'static str) -> Self {
        self.answers.push(Answer { status, says, content: None, leads: false });
        self
    }

    /// That what it answered last says in `Location` where that is.
    pub fn leads(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.leads = true;
        }
        self
    }

    /// What can be wrong.
    pub fn fails(mut self, problems: impl IntoIterator<Item = ProblemKind>) -> Self {
        self.problems.extend(problems);
        self
    }

    /// What can be wrong with any request of this kind, and with this one.
    pub fn all_problems(&self) -> Vec<ProblemKind> {
        let mut problems = vec![ProblemKind::ForeignName, ProblemKind::Storage, ProblemKind::Internal];
        if let Some(access) = self.access {
            problems.push(ProblemKind::Unauthenticated);
            if access.about != About::Oneself {
                problems.push(ProblemKind::Forbidden);
            }
        }
        if self.access.is_some() && self.method != Method::GET {
            problems.push(ProblemKind::Csrf);
        }
        if self.path.contains('{') && !self.is_signed {
            problems.push(ProblemKind::NotFound);
        }
        if self.query.is_some() || (self.body.is_some() && !self.is_signed) {
            problems.push(ProblemKind::Settings);
        }
        if self.method != Method::GET {
            problems.push(ProblemKind::ForeignPage);
        }
        if self.body.is_some() {
            problems.extend([ProblemKind::Malformed, ProblemKind::TooLarge]);
            problems.extend((!self.is_signed).then_some(ProblemKind::NotJson));
        }
        problems.extend(&self.problems);
        problems
    }

    /// The names of the parameters in its path.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Adds it to a router, with all that it asks of a request.
    pub fn put_into(self, router: Router<ApiState>, state: &ApiState) -> Router<ApiState> {
        let does_something = !matches!(self.method, Method::GET | Method::DELETE);
        let mut handler = self.handler;
        // No page of another site can sign what it sends.
        if does_something && !self.is_signed {
            handler = handler.route_layer(from_fn(only_json));
        }
        if let Some(access) = self.access {
            handler = handler.route_layer(from_fn_with_state((state.clone(), access), enforce));
        }
        router.route(self.path, handler)
    }
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schema of the errors.
pub fn problem(generator: &mut SchemaGenerator) -> Schema {
    of::<Problem>(generator)
}
