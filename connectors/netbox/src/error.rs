//! NetBox's answers told apart.

use syncline_core::target::BatchError;
pub(crate) use syncline_core::target::lists::RefusedList as Refused;
use syncline_core::{Error, ErrorKind};
use syncline_http::Error as HttpError;
use syncline_http::django;

/// The error of a read.
pub(crate) fn reading(error: HttpError) -> Error {
    if error.answer().is_some_and(|answer| refuses_branch(&answer.body_text())) {
        return no_branch(error);
    }
    django::reading_error("NetBox", error)
}

/// The error of a request whose branch is gone or closed. It ends every write that would go there.
fn no_branch(error: HttpError) -> Error {
    let message = "NetBox has no open branch for this run any more: it was merged, deleted, or a job is at work on it";
    Error::new(ErrorKind::NotFound, message).with_exchange(error.exchange()).caused_by(error)
}

/// What is known of a list after this error, and what NetBox says about it.
pub(crate) fn sending(error: HttpError) -> Refused {
    match error.answer().is_some_and(|answer| refuses_branch(&answer.body_text())) {
        true => Refused { error: writing(error), each: None },
        false => django::refused_list("NetBox", error),
    }
}

/// What is known of a batch after this error.
pub(crate) fn writing(error: HttpError) -> BatchError {
    match error.answer().is_some_and(|answer| refuses_branch(&answer.body_text())) {
        true => BatchError::Fatal(no_branch(error)),
        false => django::batch_error("NetBox", error),
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
