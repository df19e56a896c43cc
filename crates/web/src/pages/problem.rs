//! What went wrong, as a page.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::frame::{Frame, Section, Visit};
use super::show::Prose;
use crate::SettingProblem;
use crate::problem::{Problem, ProblemKind};

/// A page that says what went wrong, and what can be done.
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

    /// There is no run with a number.
    pub fn no_run(wanted: impl std::fmt::Display) -> Self {
        Self::not_found(format!("There is no run `{wanted}`: the list of runs shows those that are kept."))
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
    fn into_response(self) -> Response {
        let frame = Visit::default().frame(self.0.title(), Section::None);
        let status = self.0.status();
        let told = |problem: &SettingProblem| {
            let remedy = problem.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
            Prose::of(&format!("`{}` {}{remedy}", problem.key, problem.message))
        };
        let detail = Prose::of(self.0.detail());
        let problems = self.0.problems().iter().map(told).collect();
        let page = ProblemPage { frame, status: status.as_u16(), detail, problems };
        // Nothing but memory can be short here.
        let Ok(text) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let mut response = (status, Html(text)).into_response();
        if let Some(seconds) = self.0.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
