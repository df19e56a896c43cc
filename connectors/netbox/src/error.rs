//! NetBox's answers told apart.

use serde_json::Value;
use syncline_core::target::BatchError;
use syncline_core::{Error, ErrorKind};
use syncline_http::{Error as HttpError, StatusError};

/// What NetBox says about data that it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// NetBox's field at fault, when it names one.
    pub field: Option<String>,
    /// Its own words.
    pub words: String,
}

/// A list of bodies that NetBox did not take.
pub(crate) struct Refused {
    /// What is known of the list as a whole.
    pub error: BatchError,
    /// What NetBox says of each body, when it does: it checks a list of creates to its end, and no other.
    pub each: Option<Vec<Option<Refusal>>>,
}

/// The error of a read.
pub(crate) fn reading(error: HttpError) -> Error {
    let Some(answer) = error.answer() else { return error.into() };
    let words = words(answer);
    if refuses_token(answer.status.as_u16(), &words) {
        let message = format!("NetBox refuses the token: {words} Give a valid one in `token`");
        return Error::new(ErrorKind::Unauthenticated, message).with_exchange(error.exchange());
    }
    if answer.status == 403 {
        return Error::new(ErrorKind::Forbidden, format!("NetBox refuses: {words}")).with_exchange(error.exchange());
    }
    if refuses_branch(&answer.body_text()) {
        return no_branch(error);
    }
    error.into()
}

/// The error of a request whose branch is gone or closed. It ends every write that would go there.
fn no_branch(error: HttpError) -> Error {
    let message = "NetBox has no open branch for this run any more: it was merged, deleted, or a job is at work on it";
    Error::new(ErrorKind::NotFound, message).with_exchange(error.exchange()).caused_by(error)
}

/// The error behind what is known of a batch, for requests that are no batches.
pub(crate) fn calling(error: HttpError) -> Error {
    match writing(error) {
        BatchError::Refused { error, .. }
        | BatchError::Again(error)
        | BatchError::InDoubt(error)
        | BatchError::Fatal(error) => error,
    }
}

/// Whether the error ends a whole read: whatever else is asked would fail the same way.
pub(crate) fn ends_everything(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unreachable
            | ErrorKind::Unauthenticated
            | ErrorKind::RateLimited
            | ErrorKind::Settings
            | ErrorKind::Cancelled
            | ErrorKind::Storage
            | ErrorKind::Internal
    )
}

/// What is known of a list after this error, and what NetBox says about it.
pub(crate) fn sending(error: HttpError) -> Refused {
    let body = error.answer().filter(|answer| answer.status == 400).and_then(StatusError::json);
    let each = body.as_ref().and_then(Value::as_array).map(|entries| {
        let said = |entry: &Value| entry.as_object().filter(|fields| !fields.is_empty()).map(|_| refusal(entry));
        entries.iter().map(said).collect()
    });
    Refused { error: writing(error), each }
}

/// What is known of a batch after this error.
pub(crate) fn writing(error: HttpError) -> BatchError {
    let in_doubt = error.is_in_doubt();
    let Some(answer) = error.answer() else {
        return if in_doubt { BatchError::InDoubt(error.into()) } else { BatchError::Fatal(error.into()) };
    };
    let status = answer.status.as_u16();
    let text = words(answer);
    if refuses_token(status, &text) {
        return BatchError::Fatal(reading(error));
    }
    if refuses_branch(&answer.body_text()) {
        return BatchError::Fatal(no_branch(error));
    }
    match status {
        500 if is_deadlock(&answer.body_text()) => {
            let message = format!("the database of NetBox had to break off the batch: {text}");
            BatchError::Again(Error::new(ErrorKind::Remote, message).temporary().caused_by(error))
        }
        // The database itself refuses what NetBox let pass, such as one object twice in a list: nothing was committed.
        500 if answer.body_text().contains("IntegrityError") => {
            BatchError::Refused { field: None, error: Error::new(ErrorKind::Refused, text).caused_by(error) }
        }
        // A failure after the commit (a webhook, the queue) answers 500 too: only a look tells.
        _ if in_doubt => BatchError::InDoubt(error.into()),
        429 | 503 => BatchError::Again(error.into()),
        404 | 405 => BatchError::Fatal(error.into()),
        _ => {
            let Refusal { field, words } =
                answer.json().map_or(Refusal { field: None, words: text }, |body| refusal(&body));
            let kind = if status == 403 { ErrorKind::Forbidden } else { ErrorKind::Refused };
            let mut told = Error::new(kind, words);
            if let Some(id) = &answer.request_id {
                told = told.with("request id", id);
            }
            BatchError::Refused { field, error: told }
        }
    }
}

/// What NetBox says in a body that refuses data.
pub(crate) fn refusal(body: &Value) -> Refusal {
    match body {
        Value::Object(fields) => {
            if let Some(Value::String(detail)) = fields.get("detail") {
                return Refusal { field: None, words: detail.clone() };
            }
            let of_the_whole = |name: &str| matches!(name, "__all__" | "non_field_errors");
            let field = fields.keys().find(|name| !of_the_whole(name)).cloned();
            let parts = fields.iter().map(|(name, value)| {
                let text = flat(value);
                let named = of_the_whole(name) || fields.len() == 1;
                if named { text } else { format!("{name}: {text}") }
            });
            Refusal { field, words: parts.collect::<Vec<_>>().join(" ") }
        }
        // A list for a list: one entry for every object, empty for those that are well.
        Value::Array(items) => {
            let faulty = items.iter().find(|item| item.as_object().is_some_and(|fields| !fields.is_empty()));
            faulty.map_or_else(|| Refusal { field: None, words: flat(body) }, refusal)
        }
        other => Refusal { field: None, words: flat(other) },
    }
}

/// Whether a refusal says that such an object exists already.
pub(crate) fn says_it_exists(words: &str) -> bool {
    ["already exists", "must make a unique set", "must be unique", "Duplicate "].iter().any(|sign| words.contains(sign))
}

/// Whether a refusal says that an address is still somebody's primary address.
pub(crate) fn says_it_is_primary(words: &str) -> bool {
    words.contains("while it is designated as the primary")
}

fn words(answer: &StatusError) -> String {
    let words = answer.json().map_or_else(|| answer.body_excerpt.clone(), |body| refusal(&body).words);
    let mut words = words.trim().to_owned();
    if !words.is_empty() && !words.ends_with(['.', '!', '?']) {
        words.push('.');
    }
    words
}

/// NetBox answers 403 both for a token that it does not know and for a right that the user lacks.
fn refuses_token(status: u16, words: &str) -> bool {
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
    status == 401 || status == 403 && SIGNS.iter().any(|sign| words.contains(sign))
}

/// Whether the plugin for branches refuses the branch that the request names: it is unknown, or not ready. The plugin before
/// 1.2 stumbles over its own refusal of one that is not ready.
fn refuses_branch(body: &str) -> bool {
    const SIGNS: &[&str] = &[
        "Invalid branch identifier",
        "Selected branch is not ready",
        "'HttpResponseBadRequest' object has no attribute 'schema_name'",
    ];
    SIGNS.iter().any(|sign| body.contains(sign))
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
            let Refusal { field, words } = refusal(&body);
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
}
