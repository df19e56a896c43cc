//! What is sent: bodies, queries, and names in paths.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, Visitor};
use serde_json::error::Category;
use syncline_core::history::{FindingId, NoRequestId, RequestId, RunId};

use crate::MOST_BYTES;
use crate::problem::{Problem, ProblemKind};

/// A JSON body; an empty one is `{}`.
pub struct Body<T>(pub T);

/// A body as it comes, to the letter.
pub struct Raw(pub Bytes);

/// What stands behind the `?`.
pub struct Wanted<T>(pub T);

/// The name of a sync in a path.
pub struct Name(pub String);

/// The number of a run in a path.
pub struct Number(pub RunId);

/// The number of a finding in a path.
pub struct FindingNumber(pub FindingId);

/// What whoever asks calls the request, in the header `Idempotency-Key`; none when it was not given.
pub struct IdempotencyKey(pub Option<RequestId>);

/// Nothing that could be said in a body.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        // A list would be taken for an object whose keys are in order.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            let json: Result<IgnoredAny, _> = serde_json::from_slice(bytes);
            return Err(json
                .err()
                .map_or_else(|| Problem::value("", "the body is no object"), |error| misread("", &error)));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let key = error.path().to_string();
            let key = if key == "." { "" } else { &key };
            misread(key, &error.into_inner())
        })?;
        deserializer.end().map_err(|error| misread("", &error))?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Bytes::from_request(request, state).await.map(Self).map_err(unread)
    }
}

fn unread(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(ProblemKind::TooLarge, format!("a body has {MOST_BYTES} bytes at most"));
    }
    Problem::new(ProblemKind::Malformed, "the body was cut short")
}

fn misread(key: &str, error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => {
            // Where it stands matters less than its key.
            let text = error.to_string();
            let position = format!(" at line {} column {}", error.line(), error.column());
            let text = text.strip_suffix(&position).unwrap_or(&text);
            let missing = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
            match missing {
                Some(field) if key.is_empty() => Problem::value(field, "is missing"),
                Some(field) => Problem::value(&format!("{key}.{field}"), "is missing"),
                None => Problem::value(key, text),
            }
        }
        _ => Problem::new(ProblemKind::Malformed, format!("the body is no JSON: {error}")),
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Wanted<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(value) = query.map_err(|rejection| {
            let text = rejection.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            let (key, message) = text.split_once(": ").unwrap_or(("", text));
            Problem::value(key, message)
        })?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = name.map_err(|_| Problem::new(ProblemKind::NotFound, "the name in the path is no text"))?;
        Ok(Self(name))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Name(text) = Name::from_request_parts(parts, state).await?;
        let number = text.parse().map_err(|_| Problem::no_run(&text))?;
        Ok(Self(RunId::new(number)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FindingNumber {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Name(text) = Name::from_request_parts(parts, state).await?;
        let number = text.parse().map_err(|_| Problem::no_finding(&text))?;
        Ok(Self(FindingId::new(number)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wrong = |message: String| Problem::value("Idempotency-Key", message);
        let mut given = parts.headers.get_all("idempotency-key").iter();
        let Some(first) = given.next() else { return Ok(Self(None)) };
        if given.next().is_some() {
            return Err(wrong("is there more than once".to_owned()));
        }
        let text = first.to_str().map_err(|_| wrong("is no text".to_owned()))?;
        // It may come as a string of structured fields, in quotes.
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        Ok(Self(Some(text.parse().map_err(|error: NoRequestId| wrong(error.to_string()))?)))
    }
}

/// How many items a page has.
#[derive(Debug, Clone, Copy)]
pub struct Limit(u64);

impl Limit {
    const DEFAULT: Self = Self(100);
    const MOST: u64 = 1000;

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl schemars::JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "minimum": 1, "maximum": Self::MOST, "default": Self::DEFAULT.0})
    }
}

impl<'de> serde::Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if (1..=Self::MOST).contains(&number) {
            return Ok(Self(number));
        }
        Err(D::Error::custom(format!("a page has 1 to {} items, not {number}", Self::MOST)))
    }
}

/// A text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(pub String);

impl SearchText {
    const MOST: usize = 200;
}

impl std::str::FromStr for SearchText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.chars().count() {
            1..=Self::MOST if !text.contains('\0') => Ok(Self(text.to_owned())),
            1..=Self::MOST => Err("has a character in it that no text has".to_owned()),
            number => Err(format!("a text that is looked for has 1 to {} characters, not {number}", Self::MOST)),
        }
    }
}

impl schemars::JsonSchema for SearchText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SearchText".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "minLength": 1, "maxLength": Self::MOST, "pattern": r"^[^\u0000]*$"})
    }
}

impl<'de> serde::Deserialize<'de> for SearchText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Reads names that are separated by commas: `status=queued,syncing`.
pub fn names<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Names<T>(PhantomData<T>);

    impl<T: DeserializeOwned> Visitor<'_> for Names<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("names, separated by commas")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            text.split(',').map(|name| T::deserialize(serde::de::value::StrDeserializer::<E>::new(name))).collect()
        }
    }

    deserializer.deserialize_str(Names(PhantomData))
}
