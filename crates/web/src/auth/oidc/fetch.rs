//! Requests to the provider: `openidconnect` hands them over as they are, and the workspace's own client sends them.

use std::time::Duration;

use axum::http::{Request, Response};
use reqwest::redirect::Policy;

/// How long the provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may be, in bytes. Documents and tokens have a few thousand.
const MOST: usize = 1024 * 1024;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It could not be sent, or its answer not be read.
    #[error("{}", chain(.0))]
    Http(#[from] reqwest::Error),
    /// The answer is no answer.
    #[error("the answer has a head that cannot be read")]
    Head(#[from] axum::http::Error),
    /// The answer is too long.
    #[error("the answer has more than {MOST} bytes")]
    TooLong,
}

/// The client. It follows nobody elsewhere: what the provider calls its own is asked, and no other.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a few requests in a login, which a person repeats; no credential of a system"
    )]
    let client = reqwest::Client::builder();
    client.timeout(TIMEOUT).redirect(Policy::none()).build()
}

/// Sends a request.
pub async fn fetch(client: reqwest::Client, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
    let mut answer = client.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        body.extend_from_slice(&part);
        if body.len() > MOST {
            return Err(FetchError::TooLong);
        }
    }
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
    }
    Ok(response.body(body)?)
}

/// An error with its causes, without the address, which may have a code in it.
fn chain(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let what = if error.is_timeout() { "no answer in time" } else { "the request failed" };
    std::iter::once(what.to_owned()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
