//! What went wrong, as a page.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::frame::{Frame, Section, Visit};
use super::show::Prose;
use crate::SettingProblem;
use crate::problem::{Problem, ProblemKind};

/// What went wrong, for a page that says it, and what can be done.
#[derive(Debug)]
pub struct PageProblem(Problem);

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    status: u16,
    detail: Prose,
    /// Single values that are wrong, where they are several.
    problems: Vec<Prose>,
}

impl PageProblem {
    /// There is nothing there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self(Problem::new(ProblemKind::NotFound, detail))
    }

    /// The address cannot be read.
    pub fn unread() -> Self {
        Self::not_found(
            "The address cannot be read: it was cut off, a part of it is no text, or something stands there twice.",
        )
    }

    /// There is no run with a number.
    pub fn no_run(wanted: impl std::fmt::Display) -> Self {
        Self::not_found(format!("There is no run `{wanted}`: the list of runs shows those that are kept."))
    }

    /// What is behind no page of a list was asked for.
    pub fn no_place(key: &str) -> Self {
        Self::value(key, "is no place in this list: begin at its first page")
    }

    /// What went wrong.
    pub fn into_problem(self) -> Problem {
        self.0
    }

    /// What was sent is wrong.
    pub fn value(key: &str, message: impl Into<String>) -> Self {
        Self(Problem::value(key, message))
    }
}

impl<E: Into<Problem>> From<E> for PageProblem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageProblem {
    /// Leaves the problem with the answer. It becomes a page where it is known who looks: see [`show`].
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// Makes a page of an answer that says what went wrong, for whoever was answered. What else it says, as a cookie that is taken back, stays.
pub fn show(response: &mut Response, visit: &Visit) {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return };
    let frame = visit.frame(problem.title(), Section::None);
    let told = |problem: &SettingProblem| {
        let remedy = problem.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        Prose::of(&format!("`{}` {}{remedy}", problem.key, problem.message))
    };
    let detail = Prose::of(problem.detail());
    let problems = problem.problems().iter().map(told).collect();
    let page = ProblemPage { frame, status: problem.status().as_u16(), detail, problems };
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::WWW_AUTHENTICATE);
    // Nothing but memory can be short here.
    let Ok(text) = page.render() else {
        headers.remove(header::CONTENT_TYPE);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        *response.body_mut() = Body::empty();
        return;
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    *response.body_mut() = Body::from(text);
}
