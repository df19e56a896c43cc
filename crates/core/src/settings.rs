//! Settings of connectors: read, checked, shown without secrets.

use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, ErrorKind, Result};

/// What a type of settings must be able to do. Implemented for every type that derives `Deserialize` and `JsonSchema`.
///
/// Settings derive `Deserialize` and never `Serialize`: what cannot be written out cannot leak.
pub trait Settings: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Settings for T {}

/// The settings of a connector that has none of a kind.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Something wrong with a setting, found without any I/O.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The setting, as a path: `http.page_size`.
    pub setting: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// A problem with a setting.
    pub fn new(setting: impl Into<String>, message: impl Into<String>) -> Self {
        Self { setting: setting.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.setting.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.setting, self.message)
        }
    }
}

/// Reads settings; the error names the key.
pub fn parse<T: Settings>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let setting = if path == "." { String::new() } else { path };
        Problem::new(setting, error.inner().to_string())
    })
}

/// The JSON schema of settings, self-contained.
pub fn schema<T: JsonSchema>() -> Value {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A copy of settings in which every value that the schema marks `writeOnly` is hidden, as are credentials in URLs.
pub fn redact(schema: &Value, value: &Value) -> Value {
    const HIDDEN: &str = "••••••";
    let subschemas = |name: &str| schema.get(name).and_then(Value::as_array).into_iter().flatten();
    if schema.get("writeOnly").and_then(Value::as_bool) == Some(true) && !value.is_null() {
        return HIDDEN.into();
    }
    match value {
        Value::Object(fields) => {
            let redacted = fields.iter().map(|(name, field)| {
                let direct = schema.get("properties").and_then(|properties| properties.get(name));
                let nested = ["anyOf", "oneOf", "allOf"].into_iter().flat_map(subschemas);
                let nested = nested.filter_map(|schema| schema.get("properties")?.get(name));
                let other = schema.get("additionalProperties");
                let schemas = direct.into_iter().chain(nested).chain(other).chain(std::iter::once(&Value::Null));
                let field = schemas.fold(field.clone(), |field, schema| redact(schema, &field));
                (name.clone(), field)
            });
            Value::Object(redacted.collect())
        }
        Value::Array(items) => {
            let item_schema = schema.get("items").unwrap_or(&Value::Null);
            items.iter().map(|item| redact(item_schema, item)).collect()
        }
        Value::String(text) => url::Url::parse(text)
            .ok()
            .filter(|url| url.password().is_some())
            .and_then(|mut url| url.set_password(Some("hidden")).ok().map(|()| url.to_string().into()))
            .unwrap_or_else(|| value.clone()),
        _ => value.clone(),
    }
}

/// The references to secrets in settings, each with its path (`http.proxy_password`), found by their schema.
pub fn secrets(schema: &Value, value: &Value) -> Vec<(String, SecretRef)> {
    let mut found = Vec::new();
    each_secret(schema, &mut value.clone(), String::new(), &mut |path, text| {
        found.extend(text.parse().ok().map(|secret| (path, secret)));
    });
    found
}

/// Puts other references in the place of some references to secrets, found by their schema.
pub fn replace_secrets(schema: &Value, value: &mut Value, other: &dyn Fn(&str) -> Option<String>) {
    each_secret(schema, value, String::new(), &mut |_, text| {
        if let Some(other) = other(text) {
            *text = other;
        }
    });
}

fn each_secret(schema: &Value, value: &mut Value, path: String, visit: &mut dyn FnMut(String, &mut String)) {
    let is_reference = |schema: &Value| schema.get("format").and_then(Value::as_str) == Some(SECRET_FORMAT);
    let choices = || ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|name| schema.get(name)?.as_array()).flatten();
    match value {
        Value::String(text) if is_reference(schema) || choices().any(is_reference) => {
            visit(path, text);
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let inner = |schema: &'_ Value| schema.get("properties").and_then(|all| all.get(name)).cloned();
                let own = inner(schema).or_else(|| choices().find_map(inner));
                let Some(inner) = own.or_else(|| schema.get("additionalProperties").cloned()) else { continue };
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                each_secret(&inner, field, path, visit);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                each_secret(schema.get("items").unwrap_or(&Value::Null), item, format!("{path}[{at}]"), visit);
            }
        }
        _ => {}
    }
}

/// How schemas mark a reference to a secret.
const SECRET_FORMAT: &str = "secret-reference";

/// Where a secret is kept: `env:NAME` or `file:PATH`. The secret itself never stands in a configuration.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; white space at its end is left out.
    File(PathBuf),
}

impl SecretRef {
    /// Fetches the secret. The error names the reference, never the secret.
    pub fn resolve(&self) -> Result<SecretString> {
        let secret = match self {
            Self::Env(name) => std::env::var(name).map_err(|_| {
                Error::new(
                    ErrorKind::Settings,
                    format!("the environment variable `{name}`, which `{self}` refers to, is not set"),
                )
            })?,
            Self::File(path) => std::fs::read_to_string(path).map_err(|error| {
                let message = format!("cannot read the file that `{self}` refers to");
                Error::new(ErrorKind::Settings, message).caused_by(error)
            })?,
        };
        let secret = secret.trim_end();
        if secret.is_empty() {
            return Err(Error::new(ErrorKind::Settings, format!("the secret that `{self}` refers to is empty")));
        }
        Ok(SecretString::from(secret))
    }
}

impl std::str::FromStr for SecretRef {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            // The text may be the secret itself: it is not repeated.
            _ => Err("a secret is given by reference: `env:NAME` or `file:PATH`".to_owned()),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> serde::Deserialize<'de> for SecretRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": SECRET_FORMAT,
            "pattern": "^(env|file):.+$",
            "examples": ["env:API_TOKEN", "file:/run/secrets/api-token"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "token")]
        _token: SecretRef,
    }

    #[test]
    fn a_secret_written_out_is_refused_without_being_repeated() {
        let problem = parse::<Sample>(json!({"token": "hunter2"})).unwrap_err();
        assert_eq!(problem.to_string(), "`token`: a secret is given by reference: `env:NAME` or `file:PATH`");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let problem = parse::<Sample>(json!({"token": "env:A", "tokem": 1})).unwrap_err();
        assert_eq!(problem.to_string(), "`tokem`: unknown field `tokem`, expected `token`");
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = SecretRef::Env("SYNCLINE_TEST_NO_SUCH_VARIABLE".into()).resolve().unwrap_err();
        assert!(error.to_string().contains("`SYNCLINE_TEST_NO_SUCH_VARIABLE`"), "{error}");
    }

    #[test]
    fn secrets_are_found_by_their_schema() {
        #[derive(serde::Deserialize, JsonSchema)]
        struct Outer {
            #[serde(rename = "password")]
            _password: Option<SecretRef>,
            #[serde(rename = "inner")]
            _inner: Option<Sample>,
            #[serde(rename = "more")]
            _more: Vec<SecretRef>,
            #[serde(rename = "name")]
            _name: String,
        }
        let value = json!({
            "password": "env:A", "inner": {"token": "file:/b"}, "more": ["env:C", "env:D"], "name": "env:E",
        });
        let found: Vec<_> =
            secrets(&schema::<Outer>(), &value).into_iter().map(|(at, it)| format!("{at} {it}")).collect();
        assert_eq!(found, ["inner.token file:/b", "more[0] env:C", "more[1] env:D", "password env:A"]);
    }

    #[test]
    fn what_is_write_only_is_hidden() {
        let schema = json!({"properties": {
            "password": {"type": "string", "writeOnly": true},
            "inner": {"anyOf": [{"properties": {"key": {"writeOnly": true}}}, {"type": "null"}]},
        }});
        let value = json!({"password": "p", "inner": {"key": "k", "name": "n"}, "url": "https://u:p@host/"});
        let expected = json!({
            "password": "••••••", "inner": {"key": "••••••", "name": "n"}, "url": "https://u:hidden@host/",
        });
        assert_eq!(redact(&schema, &value), expected);
    }
}
