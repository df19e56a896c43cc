//! Forms that come back: what was typed stands in them again, and what is wrong stands at its field.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::PageProblem;
use super::form::Fields;
use super::frame::html;
use super::settings_view::{ProblemLine, id_of, told};
use super::show::{Icon, Prose, clean};
use crate::SettingProblem;
use crate::settings_form::label;

/// A form that was sent.
#[derive(Debug)]
pub struct Sent<'a> {
    /// What it was posted to: a page can have several forms.
    pub to: String,
    /// What was typed. Passwords are never among it: see [`super::form::PostedSecrets`].
    pub fields: Fields,
    /// The field that is meant where what is wrong names none: a name that is taken is no fault of its own kind.
    pub about: &'a str,
}

/// A form as it comes back. Before anything was sent it is empty, and so is what it draws.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    to: String,
    fields: Fields,
    problems: Vec<SettingProblem>,
}

/// What every form is to which nothing was sent.
static UNSENT: Returned = Returned { to: String::new(), fields: Fields::EMPTY, problems: Vec::new() };

/// What a field says of itself to those who cannot see where the error stands.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"{% if is_wrong %}{% if with_id %} id="{{ id }}"{% endif %} aria-invalid="true" aria-describedby="{{ id }}-error"{% endif %}"#
)]
pub struct Aria {
    id: String,
    is_wrong: bool,
    with_id: bool,
}

/// What is wrong with a field, at the field.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"{% if !problems.is_empty() %}<p class="error" id="{{ id }}-error">{{ Icon("failed") }} <span>{% for problem in problems %}{{ problem }}{% if !loop.last %}<br>{% endif %}{% endfor %}</span></p>{% endif %}"#
)]
pub struct FieldError {
    id: String,
    problems: Vec<Prose>,
}

/// What is wrong, above everything.
#[derive(Debug, Template)]
#[template(path = "parts/faults.html")]
pub struct Faults {
    /// What is wrong, with the fields that it is about.
    pub problems: Vec<ProblemLine>,
    /// What did not happen for that.
    pub instead: &'static str,
}

impl HtmlSafe for Aria {}
impl HtmlSafe for FieldError {}
impl HtmlSafe for Faults {}

/// The answer to a form: where it leads, or the page that it stands on, with what was typed and what is wrong. What nobody can mend in the
/// form is told on a page of its own.
pub async fn answer<P: Template>(
    done: Result<impl IntoResponse, PageProblem>,
    sent: Sent<'_>,
    page: impl AsyncFnOnce(Returned) -> Result<P, PageProblem>,
) -> Result<Response, PageProblem> {
    let problem = match done {
        Ok(done) => return Ok(done.into_response()),
        Err(problem) => problem.into_problem(),
    };
    let status = problem.status();
    if !status.is_client_error() {
        return Err(problem.into());
    }
    let wait = problem.retry_after();
    let mut problems = problem.problems().to_vec();
    if problems.is_empty() {
        let (key, message) = (sent.about.to_owned(), problem.detail().to_owned());
        problems.push(SettingProblem { key, message, remedy: None });
    }
    let page = page(Returned { to: sent.to, fields: sent.fields, problems }).await?;
    let mut response = (status, html(&page)?).into_response();
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

impl Returned {
    /// A form that nothing is wrong with, and that was sent to ask something of it.
    pub fn with(fields: Fields) -> Self {
        Self { fields, ..Self::default() }
    }

    /// What came back of the form that is posted to a path: it and the rest of it.
    pub fn of(&self, path: &str, rest: &str) -> &Self {
        self.when(self.to.strip_prefix(path) == Some(rest))
    }

    /// This one where it is the form that is meant, else an empty one.
    pub fn when(&self, is_meant: bool) -> &Self {
        if is_meant { self } else { &UNSENT }
    }

    /// Whether something is wrong.
    pub fn is_back(&self) -> bool {
        !self.problems.is_empty()
    }

    /// What was typed into a field; empty where nothing was.
    pub fn value(&self, name: &str) -> &str {
        self.fields.text(name).unwrap_or_default()
    }

    /// Whether one value among several is chosen: what was sent counts, and before that what is usual.
    pub fn chosen(&self, name: &str, value: &str, usual: bool) -> bool {
        if self.is_back() || self.fields.is_set(name) { self.has(name, value) } else { usual }
    }

    /// Whether a field was sent with a value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.fields.all(name).any(|typed| typed == value)
    }

    /// What a field says that has an id of its own: `f-` and its name.
    pub fn aria(&self, name: &str) -> Aria {
        Aria { id: id_of(name), is_wrong: self.is_wrong(name), with_id: false }
    }

    /// The same for one that gets its id by what is wrong: of several that are called alike, one at most is.
    pub fn aria_id(&self, name: &str) -> Aria {
        Aria { with_id: true, ..self.aria(name) }
    }

    /// What is wrong with a field.
    pub fn error(&self, name: &str) -> FieldError {
        let problems = self.problems.iter().filter(|problem| problem.key == name);
        FieldError { id: id_of(name), problems: problems.map(|problem| Prose::of(&told(problem))).collect() }
    }

    /// All that is wrong, with links to those of `fields` that it is about.
    pub fn faults(&self, fields: &[&str]) -> Faults {
        let line = |problem: &SettingProblem| ProblemLine {
            id: fields.contains(&problem.key.as_str()).then(|| id_of(&problem.key)),
            label: clean(&label(&problem.key)),
            message: Prose::of(&told(problem)),
        };
        Faults { problems: self.problems.iter().map(line).collect(), instead: "nothing was done" }
    }

    /// Whether something is wrong with a field.
    pub fn is_wrong(&self, name: &str) -> bool {
        self.problems.iter().any(|problem| problem.key == name)
    }
}
