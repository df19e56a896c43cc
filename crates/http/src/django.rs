//! What systems that are made with the Django REST Framework say when they refuse something: NetBox, Nautobot and others.
//!
//! <https://www.django-rest-framework.org/api-guide/exceptions/>

use serde_json::Value;
use syncline_core::describe::{CheckReport, ConfigItem};
use syncline_core::target::BatchError;
use syncline_core::target::lists::{Refused, RefusedList};
use syncline_core::{Error, ErrorKind, Result};

use crate::{Client, Error as HttpError, Method, Path, StatusError};

/// The lists of such a system, below a folder of its API: `dcim/devices`. Reads borrow nothing, so that each can be a task of its own.
#[derive(Debug, Clone)]
pub struct Lists {
    /// What sends the requests.
    pub client: Client,
    /// What the system is called in messages.
    pub system: &'static str,
    /// The folder: `api`.
    pub folder: &'static str,
}

impl Lists {
    /// Where a list is.
    pub fn path(&self, list: &str) -> Path {
        list.split('/').fold(Path::from(self.folder), Path::segment).slash()
    }

    /// What is answered to a GET.
    pub async fn get(&self, list: &str, query: &[(&str, &str)]) -> Result<Value> {
        let request = query.iter().fold(self.client.get(self.path(list)), |all, (name, value)| all.query(name, value));
        let answer = request.send().await.map_err(|error| reading_error(self.system, error))?;
        Ok(answer.json()?)
    }

    /// How many objects a list has. Without the right to see them, this is an error.
    pub fn count(&self, list: &str) -> impl Future<Output = Result<usize>> + Send + use<> {
        let (lists, list) = (self.clone(), list.to_owned());
        async move {
            let answer = lists.get(&list, &[("limit", "1")]).await?;
            let count = answer["count"].as_u64().and_then(|count| usize::try_from(count).ok());
            let message = || format!("{} does not say how many {list} there are", lists.system);
            count.ok_or_else(|| Error::new(ErrorKind::Protocol, message()))
        }
    }

    /// Counts a list for a connection test: a fact, or a warning where it may not be read, or not be written though it should.
    pub async fn check(&self, report: &mut CheckReport, what: &str, list: &str, is_written: bool) -> Result<()> {
        match self.count(list).await {
            Ok(count) => report.facts.push(ConfigItem::new(what, count)),
            Err(error) if error.kind().ends_a_read() => return Err(error),
            Err(error) => report.warnings.push(format!("{what} cannot be read: {}", error.report())),
        }
        // The framework tells of an action only who may do it.
        let options = self.client.request(Method::OPTIONS, self.path(list));
        if is_written && options.send().await.is_ok_and(|answer| !allows_creates(answer.json().unwrap_or_default())) {
            report.warnings.push(format!("{what} cannot be created: the token lacks the right to add to {list}"));
        }
        Ok(())
    }

    /// Sends a list of bodies, if there are any; the objects that are answered.
    pub async fn send(&self, method: Method, list: &str, bodies: &[Value]) -> Result<Vec<Value>, RefusedList> {
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        let sent = self.client.request(method.clone(), self.path(list)).json(bodies).send().await;
        let objects = sent.and_then(|answer| if method == Method::DELETE { Ok(Vec::new()) } else { answer.json() });
        objects.map_err(|error| refused_list(self.system, error))
    }

    /// The answer to a query of GraphQL. What the credential has no right to see is missing without a word.
    pub async fn graphql(&self, query: &str) -> Result<Value> {
        self.client.graphql(self.system, self.path("graphql"), query).await
    }

    /// The objects of a list of GraphQL, with these fields of each.
    pub fn objects(
        &self,
        list: &str,
        arguments: &str,
        fields: &str,
    ) -> impl Future<Output = Result<Vec<Value>>> + Send + use<> {
        let (lists, query) = (self.clone(), format!("{{{list}({arguments}){{{fields}}}}}"));
        let list = list.to_owned();
        async move {
            match lists.graphql(&query).await?[&list].take() {
                Value::Array(objects) => Ok(objects),
                _ => Err(Error::new(ErrorKind::Protocol, format!("{} answered no list of {list}", lists.system))),
            }
        }
    }
}

fn allows_creates(options: Value) -> bool {
    options["actions"].get("POST").is_some()
}

/// What is known of a list that was sent to a system of this name after this error, and what is said about it. A list of creates is checked
/// to its end, and no other.
pub fn refused_list(system: &str, error: HttpError) -> RefusedList {
    let body = error.answer().filter(|answer| answer.status == 400).and_then(StatusError::json);
    let each = body.as_ref().and_then(Value::as_array).map(|entries| {
        let said = |entry: &Value| entry.as_object().filter(|fields| !fields.is_empty()).map(|_| refusal(entry));
        entries.iter().map(said).collect()
    });
    RefusedList { error: batch_error(system, error), each }
}

/// What is known of a batch that was sent to a system of this name after this error.
pub fn batch_error(system: &str, error: HttpError) -> BatchError {
    let in_doubt = error.is_in_doubt();
    let Some(answer) = error.answer() else {
        return if in_doubt { BatchError::InDoubt(error.into()) } else { BatchError::Fatal(error.into()) };
    };
    let status = answer.status.as_u16();
    let text = words(answer);
    if refuses_credential(answer) {
        return BatchError::Fatal(reading_error(system, error));
    }
    match status {
        500 if is_deadlock(&answer.body_text()) => {
            let message = format!("the database of {system} had to break off the batch: {text}");
            BatchError::Again(Error::new(ErrorKind::Remote, message).temporary().caused_by(error))
        }
        // The database itself refuses what was let pass, such as one object twice in a list, or a model does when it is saved: nothing was
        // committed. That a message speaks of the latter says nothing, as whatever failed later may do so.
        500 if answer.body_text().contains("IntegrityError")
            || answer.json().is_some_and(|body| body["exception"] == "ValidationError") =>
        {
            BatchError::Refused { field: None, error: Error::new(ErrorKind::Refused, text).caused_by(error) }
        }
        // A failure after the commit (a webhook, the queue) answers 500 too: only a look tells.
        _ if in_doubt => BatchError::InDoubt(error.into()),
        429 | 503 => BatchError::Again(error.into()),
        404 | 405 => BatchError::Fatal(error.into()),
        _ => {
            let Refused { field, words } =
                answer.json().map_or(Refused { field: None, words: text }, |body| refusal(&body));
            let kind = if status == 403 { ErrorKind::Forbidden } else { ErrorKind::Refused };
            let mut told = Error::new(kind, words);
            if let Some(id) = &answer.request_id {
                told = told.with("request id", id);
            }
            BatchError::Refused { field, error: told }
        }
    }
}

/// The error of a read of a system of this name. A credential that is refused is told from a right that is missing: the framework answers 403 to both.
pub fn reading_error(system: &str, error: HttpError) -> Error {
    let Some(answer) = error.answer() else { return error.into() };
    let words = words(answer);
    if refuses_credential(answer) {
        let message = format!("{system} refuses the token: {words} Give a valid one in `token`");
        return Error::new(ErrorKind::Unauthenticated, message).with_exchange(error.exchange());
    }
    if answer.status == 403 {
        return Error::new(ErrorKind::Forbidden, format!("{system} refuses: {words}")).with_exchange(error.exchange());
    }
    error.into()
}

/// A choice as it is written, from the name that Graphene has for it in GraphQL: capitals, `A_` before a digit, and `_` for every other
/// sign, which between digits was a point.
pub fn choice(name: &str) -> String {
    let name = name.strip_prefix("A_").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(name);
    let mut signs = name.chars().peekable();
    let (mut spelled, mut last) = (String::new(), ' ');
    while let Some(sign) = signs.next() {
        let between_digits = last.is_ascii_digit() && signs.peek().is_some_and(char::is_ascii_digit);
        spelled.push(match sign {
            '_' if between_digits => '.',
            '_' => '-',
            letter => letter.to_ascii_lowercase(),
        });
        last = sign;
    }
    spelled
}

/// What a body that refuses data says.
pub fn refusal(body: &Value) -> Refused {
    match body {
        Value::Object(fields) => {
            if let Some(Value::String(detail)) = fields.get("detail") {
                return Refused { field: None, words: detail.clone() };
            }
            let of_the_whole = |name: &str| matches!(name, "__all__" | "non_field_errors");
            let field = fields.keys().find(|name| !of_the_whole(name)).cloned();
            let parts = fields.iter().map(|(name, value)| {
                let text = flat(value);
                let named = of_the_whole(name) || fields.len() == 1;
                if named { text } else { format!("{name}: {text}") }
            });
            Refused { field, words: parts.collect::<Vec<_>>().join(" ") }
        }
        // A list for a list: one entry for every object, empty for those that are well.
        Value::Array(items) => {
            let faulty = items.iter().find(|item| item.as_object().is_some_and(|fields| !fields.is_empty()));
            faulty.map_or_else(|| Refused { field: None, words: flat(body) }, refusal)
        }
        other => Refused { field: None, words: flat(other) },
    }
}

/// The words of an answer that is no success, as a sentence.
pub fn words(answer: &StatusError) -> String {
    let words = answer.json().map_or_else(|| answer.body_excerpt.clone(), |body| refusal(&body).words);
    let mut words = words.trim().to_owned();
    if !words.is_empty() && !words.ends_with(['.', '!', '?']) {
        words.push('.');
    }
    words
}

/// Whether an answer refuses the credential, and not for want of a right: both are 403.
pub fn refuses_credential(answer: &StatusError) -> bool {
    const SIGNS: &[&str] = &[
        "Invalid v1 token",
        "Invalid v2 token",
        "Invalid token",
        "Token expired",
        "Token is expired",
        "Token disabled",
        "User inactive",
        "not permitted to authenticate using this token",
        "credentials were not provided",
        "No credentials provided",
        "write operations not permitted",
        "Token is not enabled",
    ];
    let status = answer.status.as_u16();
    status == 401 || status == 403 && SIGNS.iter().any(|sign| words(answer).contains(sign))
}

fn is_deadlock(body: &str) -> bool {
    ["deadlock detected", "could not serialize access"].iter().any(|sign| body.contains(sign))
}

/// The texts of a value, one after the other.
fn flat(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name}: {}", flat(value))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_a_refusal_is_read() {
        let read = |body: Value| {
            let Refused { field, words } = refusal(&body);
            (field.unwrap_or_default(), words)
        };
        let expect = |field: &str, words: &str| (field.to_owned(), words.to_owned());
        assert_eq!(
            read(json!({"type": ["nope is not a valid choice."]})),
            expect("type", "nope is not a valid choice.")
        );
        assert_eq!(read(json!([{}, {"id": ["This field is required."]}])), expect("id", "This field is required."));
        assert_eq!(
            read(json!({"__all__": ["Device name must be unique per site."]})),
            expect("", "Device name must be unique per site.")
        );
        assert_eq!(
            read(json!({"custom_fields": {"nope": "Custom field 'nope' does not exist for this object type."}})),
            expect("custom_fields", "nope: Custom field 'nope' does not exist for this object type.")
        );
        assert_eq!(
            read(json!({"device_type": ["This field is required."], "site": ["This field is required."]})),
            expect("device_type", "device_type: This field is required. site: This field is required.")
        );
        assert_eq!(
            read(json!(["'start' and 'offset' are mutually exclusive."])),
            expect("", "'start' and 'offset' are mutually exclusive.")
        );
        assert_eq!(read(json!({"detail": "Precondition failed."})), expect("", "Precondition failed."));
    }

    #[test]
    fn choices_are_spelled_as_they_are_written() {
        let pairs = [
            ("A_1000BASE_T", "1000base-t"),
            ("A_2_5GBASE_T", "2.5gbase-t"),
            ("IEEE802_11AC", "ieee802.11ac"),
            ("IEEE802_15_1", "ieee802.15.1"),
            ("CISCO_STACKWISE_80", "cisco-stackwise-80"),
            ("TAGGED_ALL", "tagged-all"),
            ("LAG", "lag"),
        ];
        for (name, value) in pairs {
            assert_eq!(choice(name), value);
        }
    }
}
