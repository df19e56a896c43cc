//! What is sent to pages: filters behind the `?`, and posted forms. A field that was left empty was not sent. What a posted form does not
//! have is refused by name: what was dropped unseen would be taken for done.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::response::Redirect;
use chrono::NaiveDate;
use serde::Deserialize as _;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned};
use syncline_core::history::{AccountName, CommentText, RequestId, Role, RunId};
use url::form_urlencoded;

use super::PageProblem;
use crate::SettingProblem;
use crate::auth::password::Password;
use crate::cursor::Cursor;
use crate::input::SearchText;
use crate::problem::{Problem, ProblemKind};
use crate::reason::Reason;

/// Fields by their names, in the order in which they were sent.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

/// A form that was posted.
#[derive(Debug, Clone)]
pub struct Posted(pub Fields);

/// A form that was posted with passwords. They are kept apart, as they were typed: what is shown again cannot have them.
pub struct PostedSecrets {
    /// The other fields.
    pub fields: Fields,
    secrets: Vec<(String, Password)>,
}

/// A form that is nothing but a button.
pub struct Pressed;

/// The fields whose values are passwords.
const SECRETS: [&str; 2] = ["password", "current"];
/// The field that every form has.
const CSRF: &str = "csrf";

/// The number of a run in a path.
#[derive(Debug, Clone, Copy)]
pub struct RunNumber(pub RunId);

/// What a person types into a field.
pub trait Typed: FromStr<Err: Display> {
    /// What is expected, in words; empty where the type's own error says it.
    const EXPECTED: &'static str = "";

    /// Reads it. The error is in words.
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| match (Self::EXPECTED, text) {
            ("", _) => format!("{error}"),
            (expected, "") => format!("is empty: {expected} is expected"),
            (expected, _) => format!("is `{text}`: {expected} is expected"),
        })
    }
}

impl Typed for i64 {
    const EXPECTED: &'static str = "a number";
}
impl Typed for u64 {
    const EXPECTED: &'static str = "a number";
}
impl Typed for bool {
    const EXPECTED: &'static str = "`true` or `false`";
}
impl Typed for NaiveDate {
    const EXPECTED: &'static str = "a day such as `2026-11-20`";
}
impl Typed for AccountName {}
impl Typed for CommentText {}
impl Typed for Reason {}
impl Typed for RequestId {}
impl Typed for Role {}
impl Typed for SearchText {}

impl Fields {
    /// Nothing was sent.
    pub const EMPTY: Self = Self(Vec::new());

    fn read(bytes: &[u8]) -> Self {
        form_urlencoded::parse(bytes).into_owned().collect()
    }

    /// Refuses what the form does not have, by name.
    pub fn only(&self, known: &[&str]) -> Result<(), PageProblem> {
        let mut odd: Vec<_> = self
            .0
            .iter()
            .map(|(name, _)| name)
            .filter(|name| *name != CSRF && !known.contains(&name.as_str()))
            .collect();
        odd.sort();
        odd.dedup();
        let Some(first) = odd.first() else { return Ok(()) };
        let problem = |name: &&String| SettingProblem {
            key: (*name).clone(),
            message: "is no field of this form".to_owned(),
            remedy: Some("load the page again, and send what it asks for".to_owned()),
        };
        let detail = format!("`{first}` is no field of this form");
        Err(Problem::values(detail, odd.iter().map(problem).collect()).into())
    }

    /// The first value of a field.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.trim())
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.trim())
    }

    /// Every field with its value as it was sent.
    pub fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, value)| (field.as_str(), value.as_str()))
    }

    /// The value of a field, read.
    pub fn parsed<T: Typed>(&self, name: &str) -> Result<Option<T>, PageProblem> {
        self.text(name).map(|text| T::read(text).map_err(|problem| PageProblem::value(name, problem))).transpose()
    }

    /// The value of a field that must be there, read.
    pub fn required<T: Typed>(&self, name: &str) -> Result<T, PageProblem> {
        T::read(self.text(name).unwrap_or_default()).map_err(|problem| PageProblem::value(name, problem))
    }

    /// One of the names that something has in the API.
    pub fn named<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, PageProblem> {
        self.text(name).map(|text| of_name(name, text)).transpose()
    }

    /// Names that something has in the API, separated by commas or in fields of their own.
    pub fn names<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, PageProblem> {
        let texts = self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|text| !text.is_empty());
        texts.map(|text| of_name(name, text)).collect()
    }

    /// A place in a list, as the link to the page behind it has it.
    pub fn place<C: DeserializeOwned>(&self, name: &str) -> Result<Option<C>, PageProblem> {
        let place = self.text(name).map(|text| Cursor::deserialize(StrDeserializer::<NoName>::new(text))).transpose();
        place.map(|place| place.map(|Cursor(place)| place)).map_err(|_| PageProblem::no_place(name))
    }

    /// Whether a box was ticked.
    pub fn is_set(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// Every field with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, value)| (field.as_str(), value.as_str()))
    }

    /// The fields as one text behind a `?`, for a form that leads back to the page that it is on.
    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// What is asked for on the page on which a form is that was posted, by its field `back`: the text of [`Fields::query`].
    pub fn behind(&self) -> Self {
        Self::read(self.text("back").unwrap_or_default().as_bytes())
    }

    /// The page of a path on which a form is that was posted: see [`Fields::behind`]. It leads nowhere else.
    pub fn back(&self, path: &str) -> Redirect {
        Redirect::to(&self.behind().link(path))
    }

    /// These fields, of which one gets another value, or none.
    pub fn replaced(&self, name: &str, value: Option<&str>) -> Self {
        let kept = self.0.iter().filter(|(field, _)| field != name).cloned();
        kept.chain(value.map(|value| (name.to_owned(), value.to_owned()))).collect()
    }

    /// A link to a path with these fields.
    pub fn link(&self, path: &str) -> String {
        link(path, self.pairs())
    }

    /// A link to a path with these fields, of which one gets another value, or none; and without `dropped`.
    pub fn with(&self, path: &str, name: &str, value: Option<&str>, dropped: &[&str]) -> String {
        let kept = self.0.iter().filter(|(field, _)| field != name && !dropped.contains(&field.as_str()));
        let kept = kept.map(|(field, value)| (field.as_str(), value.as_str()));
        link(path, kept.chain(value.map(|value| (name, value))))
    }
}

/// A path with a query.
pub fn link<'a>(path: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A text as one part of a path.
pub fn segment(text: &str) -> String {
    // What a form writes as `+` is a letter of its own in a path.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn of_name<T: DeserializeOwned>(field: &str, text: &str) -> Result<T, PageProblem> {
    T::deserialize(StrDeserializer::<NoName>::new(text)).map_err(|NoName(why)| PageProblem::value(field, why))
}

/// Why a text is none of the names that something has in the API, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoName(String);

impl de::Error for NoName {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let names: Vec<_> = expected.iter().map(|name| format!("`{name}`")).collect();
        let names = match names.as_slice() {
            [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
            names => names.concat(),
        };
        Self(format!("is `{variant}`: {names} is expected"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RunNumber {
    type Rejection = PageProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageProblem> {
        let text = Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text).unwrap_or_default();
        text.parse().map(|number| Self(RunId::new(number))).map_err(|_| PageProblem::no_run(&text))
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        Self(fields.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect())
    }
}

impl PostedSecrets {
    /// Refuses what the form does not have, by name: see [`Fields::only`].
    pub fn only(&self, fields: &[&str], secrets: &[&str]) -> Result<(), PageProblem> {
        self.fields.only(fields)?;
        let odd =
            self.secrets.iter().find(|(name, password)| !secrets.contains(&name.as_str()) && !password.is_empty());
        odd.map_or(Ok(()), |(name, _)| Err(PageProblem::value(name, "is no field of this form")))
    }

    /// A password; an empty one where none was given.
    pub fn password(&self, name: &str) -> Password {
        let found = self.secrets.iter().find(|(field, _)| field == name);
        found.map_or_else(|| Password::new(""), |(_, password)| password.clone())
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = PageProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageProblem> {
        Ok(Self(Fields::read(&body(request, state).await?)))
    }
}

impl<S: Send + Sync> FromRequest<S> for PostedSecrets {
    type Rejection = PageProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageProblem> {
        let bytes = body(request, state).await?;
        let sent = form_urlencoded::parse(&bytes).into_owned();
        let (secrets, fields): (Vec<_>, Vec<_>) = sent.partition(|(name, _)| SECRETS.contains(&name.as_str()));
        let secrets = secrets.into_iter().map(|(name, text)| (name, Password::new(text))).collect();
        Ok(Self { fields: fields.into_iter().collect(), secrets })
    }
}

impl<S: Send + Sync> FromRequest<S> for Pressed {
    type Rejection = PageProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageProblem> {
        let Posted(fields) = Posted::from_request(request, state).await?;
        fields.only(&[])?;
        Ok(Self)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, PageProblem> {
    let bytes = Bytes::from_request(request, state).await;
    Ok(bytes.map_err(|_| Problem::new(ProblemKind::TooLarge, "the form was too long, or was cut short"))?)
}

#[cfg(test)]
mod tests {
    use syncline_core::history::RunStatus;

    use super::*;

    #[test]
    fn fields_are_read_and_written_again() {
        let fields = Fields::read(b"sync=lab&status=new%2Cqueued&status=failed&model=&q=a+b%26c&before=7");
        assert_eq!(fields.text("model"), None);
        assert_eq!(fields.text("q"), Some("a b&c"));
        assert_eq!(fields.parsed::<i64>("before").unwrap(), Some(7));
        let statuses = fields.names::<RunStatus>("status").unwrap();
        assert_eq!(statuses, [RunStatus::New, RunStatus::Queued, RunStatus::Failed]);
        assert!(fields.named::<RunStatus>("q").is_err());
        let link = fields.with("/runs", "sync", Some("<b>"), &["before", "status"]);
        assert_eq!(link, "/runs?q=a+b%26c&sync=%3Cb%3E");
        assert_eq!(segment(r#"["a b","Et1/1"]"#), "%5B%22a%20b%22%2C%22Et1%2F1%22%5D");
    }
}
