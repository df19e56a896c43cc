//! The way of one request: slot, pace, attempt, retry.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, LOCATION},
};
use syncline_core::ErrorKind;
use tokio::time::Instant;
use url::Url;

use crate::{
    AnswerProblem, Call, Client, ConditionError, Error, Replay, ReplayError, Response, Retry, StatusError, Streaming,
    TransportError, TransportProblem,
    client::Way,
    measure,
    recording::Found,
    redact,
    request::Prepared,
    resolve::OnlyLinkLocal,
    response::{Body, Elapsed, Head, Timeouts, later},
    retry::retry_after,
    tls,
    words::excerpt,
};

/// How many redirects on the same host are followed.
const MAX_REDIRECTS: usize = 3;

/// How much of a failed answer's body is kept.
const ERROR_BODY: usize = 64 << 10;

impl Client {
    /// Sends until there is an answer with its whole body, the failure is final, or the attempts are used up.
    pub(crate) async fn send_whole(&self, request: &Prepared) -> Result<Response, Error> {
        if let Way::Recording(replay) = &self.inner.way {
            let (head, mut body) = self.replayed(replay, request).await?;
            let bytes = body.read_all(&head).await?;
            return Ok(Response::new(head, bytes));
        }
        let result = self.retrying(request, true).await;
        if let Some(recorder) = &self.recorder {
            match &result {
                Ok((head, _, bytes)) => recorder.keep(request, head, bytes.clone()).await,
                Err(error) => recorder.failed(request, error),
            }
        }
        let (head, _, bytes) = result?;
        Ok(Response::new(head, bytes))
    }

    /// The same, but the body is left to be read.
    pub(crate) async fn send_streaming(&self, request: &Prepared) -> Result<Streaming, Error> {
        if let Way::Recording(replay) = &self.inner.way {
            let (head, body) = self.replayed(replay, request).await?;
            return Ok(Streaming::new(head, body));
        }
        let mut result = self.retrying(request, false).await;
        if let Some(recorder) = &self.recorder {
            match &mut result {
                Ok((head, body, _)) => body.record(recorder.begin(request, head)),
                Err(error) => recorder.failed(request, error),
            }
        }
        let (head, body, _) = result?;
        Ok(Streaming::new(head, body))
    }

    /// What a recording answers. Nothing is waited for, tried again or counted: nothing is sent.
    async fn replayed(&self, replay: &Replay, request: &Prepared) -> Result<(Head, Body), Error> {
        let call = self.call(request, 0);
        let failed =
            |kind, message, source| Error::Replay(Box::new(ReplayError { call: call.clone(), kind, message, source }));
        let found = replay.answer(request).await;
        let found = found.map_err(|error| failed(ErrorKind::Storage, error.to_string(), Some(error.into())))?;
        let replayed = match found {
            Found::Answer(replayed) => replayed,
            Found::Failed { kind, message } => return Err(failed(kind, message, None)),
            Found::Nothing(message) => return Err(failed(ErrorKind::Storage, message, None)),
        };
        let head = Head {
            client: Arc::clone(&self.inner),
            call: Call { attempts: replayed.attempts, ..call.clone() },
            status: replayed.status,
            headers: replayed.headers.clone(),
            elapsed: replayed.elapsed,
        };
        let mut body = Body::replayed(replayed);
        if head.status.is_success() { Ok((head, body)) } else { Err(self.status_error(head, &mut body).await) }
    }

    async fn retrying(&self, request: &Prepared, whole: bool) -> Result<(Head, Body, Bytes), Error> {
        let inner = &self.inner;
        let settings = &inner.settings.retry;
        inner.counters.requests.fetch_add(1, Ordering::Relaxed);
        let mut number = 1;
        let mut in_doubt = false;
        loop {
            let slot = inner.slots.acquire().await.expect("the semaphore is never closed");
            let arrived = Instant::now();
            inner.pace.turn().await;
            let started = Instant::now();
            inner.measure.throttled(started - arrived);
            self.counter.waited(started - arrived);
            if let Some(Err(error)) = self.condition.as_ref().map(|condition| condition()) {
                // What an earlier try may have done stays in doubt.
                let call = Call { in_doubt, ..self.call(request, number - 1) };
                return Err(Error::Condition(Box::new(ConditionError { call, error })));
            }
            let result = self.attempt(request, number, whole).await;
            let status = measure::status_of(&result, |(head, ..)| head.status);
            inner.measure.sent(&request.method, status, started.elapsed());
            self.counter.sent(started.into_std(), status == Some(StatusCode::TOO_MANY_REQUESTS));
            let mut error = match result {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            drop(slot);
            // What an earlier try may have done stays in doubt, however the last one failed.
            if let Some(call) = error.call_mut() {
                in_doubt |= call.in_doubt;
                call.in_doubt = in_doubt;
            }
            let mut again = request.retry.allows(&error, &request.retry_statuses);
            let mut exhausted = again && number >= settings.attempts;
            let mut asked = None;
            if let Error::Status(answer) = &mut error
                && matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
                && let Some(wait) = answer.retry_after
            {
                if wait > settings.longest_wait() {
                    answer.longest_wait = Some(settings.longest_wait());
                    exhausted = true;
                    again = false;
                } else if answer.status == StatusCode::TOO_MANY_REQUESTS {
                    // Everybody with this credential waits: more requests would only prolong a lock-out.
                    inner.pace.pause(wait);
                }
                asked = Some(wait);
            }
            if !again || exhausted {
                if let Some(call) = error.call_mut() {
                    call.exhausted = exhausted;
                }
                return Err(error);
            }
            inner.counters.retries.fetch_add(1, Ordering::Relaxed);
            inner.measure.retried(&error);
            self.counter.retried();
            let wait = settings.wait(number, asked);
            tokio::time::sleep(wait).await;
            if asked.is_some() {
                inner.measure.throttled(wait);
                self.counter.waited(wait);
            }
            number += 1;
        }
    }

    /// Sends once; reads the body if the whole answer is wanted.
    async fn attempt(&self, request: &Prepared, number: u32, whole: bool) -> Result<(Head, Body, Bytes), Error> {
        let inner = &self.inner;
        let started = Instant::now();
        let total = request.total_timeout.or(inner.settings.total_timeout_seconds.map(Duration::from_secs));
        let timeouts = Timeouts {
            read: request.read_timeout.unwrap_or(Duration::from_secs(inner.settings.read_timeout_seconds)),
            total: total.map(|total| (total, later(started, total))),
        };
        let call = self.call(request, number);
        let answer = Timeouts { read: request.answer_timeout.unwrap_or(timeouts.read), ..timeouts };
        let result = self.exchange(request, &call, answer).await;
        let elapsed = started.elapsed();
        inner.counters.add_time(elapsed);
        let status = result.as_ref().ok().map(|response| response.status().as_u16());
        tracing::debug!(
            http.method = %call.method,
            http.path = call.path,
            http.status = status,
            http.attempt = number,
            duration_ms = elapsed.as_secs_f64() * 1000.0,
            "{} {} {}",
            call.method,
            call.path,
            status.map_or("got no answer".to_owned(), |status| format!("answered {status}")),
        );
        let response = result?;
        let head = Head {
            client: Arc::clone(inner),
            call,
            status: response.status(),
            headers: response.headers().clone(),
            elapsed,
        };
        let mut body = Body::new(response, timeouts);
        if head.status.is_success() {
            if !whole {
                return Ok((head, body, Bytes::new()));
            }
            let bytes = body.read_all(&head).await;
            inner.counters.add_time(started.elapsed().saturating_sub(elapsed));
            return Ok((head, body, bytes?));
        }
        if is_redirect(head.status) {
            let target = redirect_target(&head.headers, &request.url);
            let elsewhere = target.as_ref().is_some_and(|url| url.origin() != request.url.origin());
            let target = target.map_or("nowhere".to_owned(), |url| {
                if elsewhere { url.origin().ascii_serialization() } else { url.path().to_owned() }
            });
            let mut error = head.error(AnswerProblem::Redirect { target, elsewhere });
            if let Some(call) = error.call_mut() {
                call.in_doubt = false;
            }
            return Err(error);
        }
        Err(self.status_error(head, &mut body).await)
    }

    /// The head of the answer, after redirects on the same host.
    async fn exchange(&self, request: &Prepared, call: &Call, timeouts: Timeouts) -> Result<reqwest::Response, Error> {
        let Way::System(http) = &self.inner.way else {
            return Err(Error::request("a replay sends nothing"));
        };
        let mut url = request.url.clone();
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let mut hops = 0;
        loop {
            let sent = self.outgoing(request, url.clone());
            let response = match timeouts.within(http.execute(sent)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return Err(self.transport_error(call, error)),
                Err(elapsed) => {
                    let problem = match elapsed {
                        Elapsed::Read(limit) => TransportProblem::ReadTimeout(limit),
                        Elapsed::Total(limit) => TransportProblem::TotalTimeout(limit),
                    };
                    return Err(Error::Transport(Box::new(TransportError {
                        call: call.clone(),
                        problem,
                        source: None,
                    })));
                }
            };
            let next = is_redirect(response.status()).then(|| redirect_target(response.headers(), &url)).flatten();
            match next {
                Some(next) if reads && hops < MAX_REDIRECTS && next.origin() == url.origin() => url = next,
                _ => return Ok(response),
            }
            hops += 1;
        }
    }

    fn outgoing(&self, request: &Prepared, url: Url) -> reqwest::Request {
        let mut sent = reqwest::Request::new(request.method.clone(), url);
        *sent.headers_mut() = request.headers.clone();
        if let Some((name, value)) = &self.inner.authorization.header {
            sent.headers_mut().insert(name, value.clone());
        }
        if let Some(body) = &request.body {
            self.inner.counters.bytes_out.fetch_add(body.len() as u64, Ordering::Relaxed);
            *sent.body_mut() = Some(body.clone().into());
        }
        sent
    }

    fn call(&self, request: &Prepared, attempts: u32) -> Call {
        let mut path = request.url.path().to_owned();
        if let Some(query) = request.url.query() {
            path.push('?');
            path.push_str(&redact::query(query));
        }
        let reads = request.retry == Retry::Idempotent || Retry::of(&request.method) == Retry::Idempotent;
        Call {
            method: request.method.clone(),
            origin: self.inner.origin.clone(),
            path: self.inner.authorization.scrub(path),
            attempts,
            exhausted: false,
            in_doubt: !reads,
        }
    }

    fn transport_error(&self, call: &Call, error: reqwest::Error) -> Error {
        let mut call = call.clone();
        let (problem, before_sending) =
            diagnose(&error, Duration::from_secs(self.inner.settings.connect_timeout_seconds));
        call.in_doubt &= !before_sending;
        // The URL in the error holds the query, which can hold secrets.
        let source = Some(error.without_url().into());
        Error::Transport(Box::new(TransportError { call, problem, source }))
    }

    async fn status_error(&self, head: Head, body: &mut Body) -> Error {
        let authorization = &self.inner.authorization;
        let body = body.read_some(&head, ERROR_BODY).await;
        let body: Bytes = match String::from_utf8(Vec::from(body)) {
            Ok(text) => authorization.scrub(text).into_bytes().into(),
            Err(error) => error.into_bytes().into(),
        };
        let retry_after = retry_after(&head.headers, SystemTime::now());
        let request_id = head.request_id().map(|id| redact::sanitize(id, 120));
        let mut call = head.call;
        // Refusals say that nothing was done; only failures leave it open.
        call.in_doubt &= match head.status.as_u16() {
            408 => true,
            503 => retry_after.is_none(),
            code => code >= 500,
        };
        Error::Status(Box::new(StatusError {
            call,
            status: head.status,
            request_id,
            retry_after,
            longest_wait: None,
            body_excerpt: excerpt(&body),
            body,
        }))
    }
}

/// Why there was no answer, and whether the request certainly was not sent.
pub(crate) fn diagnose(error: &reqwest::Error, connect_timeout: Duration) -> (TransportProblem, bool) {
    let connecting = error.is_connect();
    if let Some(problem) = tls::diagnose(error) {
        let sent = !connecting && !matches!(problem, TransportProblem::ClientCertificate);
        return (problem, !sent);
    }
    let chain = error_chain(error);
    let problem = if causes(error).any(|cause| cause.downcast_ref::<OnlyLinkLocal>().is_some()) {
        TransportProblem::LinkLocal
    } else if error.is_dns() {
        TransportProblem::Dns
    } else if chain.contains("proxy authorization required") {
        TransportProblem::ProxyCredentials
    } else if connecting && error.is_timeout() {
        TransportProblem::ConnectTimeout(connect_timeout)
    } else if connecting && has_io_kind(error, std::io::ErrorKind::ConnectionRefused) {
        TransportProblem::Refused
    } else if connecting {
        TransportProblem::Connect
    } else if chain.contains("invalid HTTP") {
        TransportProblem::NotHttp
    } else {
        TransportProblem::Broken
    };
    (problem, connecting || error.is_builder())
}

fn has_io_kind(error: &reqwest::Error, kind: std::io::ErrorKind) -> bool {
    causes(error).any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == kind))
}

pub(crate) fn error_chain(error: &reqwest::Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirect_target(headers: &HeaderMap, from: &Url) -> Option<Url> {
    from.join(headers.get(LOCATION)?.to_str().ok()?).ok()
}
