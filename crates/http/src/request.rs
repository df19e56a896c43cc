//! One request, built step by step.

use std::{fmt::Display, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::Serialize;
use url::Url;

use crate::redact::is_secret;
use crate::{Client, Error, Path, Response, Retry, Streaming};

/// A request on its way to be sent; made by [`Client::get`] and its like.
///
/// A mistake in building it (a path segment `..`, a body that cannot be JSON) is returned by [`Request::send`].
///
/// ```no_run
/// # async fn example(client: syncline_http::Client) -> Result<(), syncline_http::Error> {
/// use syncline_http::{Path, Retry};
///
/// let snapshot: Option<&str> = None;
/// let answer = client
///     .post(Path::from(["networks", "101", "nqe"]))
///     .query_list("type", ["NQE", "Predefined"])
///     .query_some("snapshotId", snapshot)
///     .json(&serde_json::json!({"query": "foreach …"}))
///     .retry(Retry::Idempotent)
///     .send()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: Client,
    method: Method,
    path: Path,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    retry: Retry,
    retry_statuses: Vec<StatusCode>,
    answer_timeout: Option<Duration>,
    read_timeout: Option<Duration>,
    total_timeout: Option<Duration>,
    problem: Option<Error>,
}

/// A request whose parts are checked.
pub(crate) struct Prepared {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    pub retry: Retry,
    pub retry_statuses: Vec<StatusCode>,
    pub answer_timeout: Option<Duration>,
    pub read_timeout: Option<Duration>,
    pub total_timeout: Option<Duration>,
}

impl Request {
    pub(crate) fn new(client: Client, method: Method, path: Path) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            retry: Retry::of(&method),
            client,
            method,
            path,
            query: Vec::new(),
            headers,
            body: None,
            retry_statuses: Vec::new(),
            answer_timeout: None,
            read_timeout: None,
            total_timeout: None,
            problem: None,
        }
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a query parameter if there is a value.
    pub fn query_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a query parameter once for every value.
    pub fn query_list<V: Display>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        values.into_iter().fold(self, |request, value| request.query(name, value))
    }

    /// Sets a header. One whose name says that it carries a secret is refused: credentials belong into the client's
    /// [`Credential`](crate::Credential), which keeps them out of everything that is shown.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if is_secret(name) {
            let problem =
                format!("the header `{name}` carries a secret: give it to the client as `Credential::header`");
            self.problem.get_or_insert_with(|| Error::request(problem));
            return self;
        }
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            _ => {
                self.problem
                    .get_or_insert_with(|| Error::request(format!("header `{name}` has a forbidden character")));
            }
        }
        self
    }

    /// Asks for another form than JSON, for example `application/x-ndjson`.
    pub fn accept(self, content_type: &str) -> Self {
        self.header("accept", content_type)
    }

    /// Sends a value as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => {
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                self.body = Some(body.into());
            }
            Err(error) => {
                self.problem.get_or_insert_with(|| Error::request(format!("the body cannot be JSON: {error}")));
            }
        }
        self
    }

    /// Sends bytes of a content type.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// Says what may be tried again; the default follows from the method.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Allows another try after these statuses, too: for writes that the caller knows to be safe. 401 and 403 are never
    /// tried again.
    pub fn retry_statuses(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.retry_statuses.extend(statuses);
        self
    }

    /// For a request that is known to think long: how long the system may do so before its answer begins. Within the answer,
    /// the silence stays limited as for every request.
    pub fn answer_timeout(mut self, limit: Duration) -> Self {
        self.answer_timeout = Some(limit);
        self
    }

    /// Replaces `http.read_timeout_seconds`: the longest silence before and within the answer.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.read_timeout = Some(limit);
        self
    }

    /// Replaces `http.total_timeout_seconds`: the limit of one attempt as a whole.
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.total_timeout = Some(limit);
        self
    }

    /// Sends it and reads the whole answer. A body that is cut short is tried again like any other failure.
    ///
    /// Any status but 2xx is [`Error::Status`].
    pub async fn send(self) -> Result<Response, Error> {
        let (client, prepared) = self.prepare()?;
        client.send_whole(&prepared).await
    }

    /// Sends it and hands over the answer while its body arrives. From then on nothing is tried again, and the request
    /// no longer counts against `http.max_concurrent_requests`, so that a slow reader holds up nobody.
    pub async fn stream(self) -> Result<Streaming, Error> {
        let (client, prepared) = self.prepare()?;
        client.send_streaming(&prepared).await
    }

    fn prepare(self) -> Result<(Client, Prepared), Error> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let mut url = self.client.url().join(&self.path)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(self.query);
        }
        let prepared = Prepared {
            method: self.method,
            url,
            headers: self.headers,
            body: self.body,
            retry: self.retry,
            retry_statuses: self.retry_statuses,
            answer_timeout: self.answer_timeout,
            read_timeout: self.read_timeout,
            total_timeout: self.total_timeout,
        };
        Ok((self.client, prepared))
    }
}

#[cfg(test)]
mod tests {
    use crate::{BaseUrl, Client, ClientSettings, Credential, HttpSettings, TlsSettings};

    #[tokio::test]
    async fn a_header_that_carries_a_secret_is_refused() {
        let url = BaseUrl::parse("http://127.0.0.1:9").unwrap();
        let settings = ClientSettings { url, tls: TlsSettings::default(), http: HttpSettings::default() };
        let client = Client::new(&settings, Credential::none()).unwrap();
        let error = client.get("x").header("x-api-key", "hunter2").send().await.unwrap_err().to_string();
        assert!(error.contains("Credential::header") && !error.contains("hunter2"), "{error}");
    }
}
