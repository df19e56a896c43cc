//! The client: what every request goes through.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, redirect};
use syncline_core::connector::ConnectContext;
use syncline_core::requests::RequestCounter;
use tokio::sync::Semaphore;

use crate::{
    BaseUrl, ClientSettings, Credential, Error, HttpSettings, Path, Proxy, Recorder, Replay, Request, Tape,
    credential::Authorization, measure::Measure, pace::Pace, resolve::Names, send::error_chain, tls,
};

/// The HTTP client of one connection. Cloning is cheap, and clones share everything.
///
/// See the [crate's documentation](crate) for an example.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) condition: Option<Condition>,
    pub(crate) counter: RequestCounter,
}

/// What is asked right before every attempt.
pub(crate) type Condition = Arc<dyn Fn() -> Result<(), syncline_core::Error> + Send + Sync>;

/// What a client did since it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Requests, however often each was sent.
    pub requests: u64,
    /// How often a request was sent once more.
    pub retries: u64,
    /// Bytes of bodies received, after decompression.
    pub bytes_in: u64,
    /// Bytes of bodies sent.
    pub bytes_out: u64,
    /// Time spent on requests, added up over those in flight together; waits between tries and for the pace not
    /// included.
    pub time: Duration,
}

/// Where requests go.
pub(crate) enum Way {
    System(reqwest::Client),
    Recording(Replay),
}

pub(crate) struct Inner {
    pub way: Way,
    url: BaseUrl,
    pub origin: String,
    pub authorization: Arc<Authorization>,
    pub settings: HttpSettings,
    pub pace: Arc<Pace>,
    pub slots: Semaphore,
    pub counters: Counters,
    pub measure: Measure,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub requests: AtomicU64,
    pub retries: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    micros: AtomicU64,
}

impl Client {
    /// A client from settings and a credential. Files are read, nothing is connected.
    pub fn new(settings: &ClientSettings, credential: Credential) -> Result<Self, Error> {
        settings.validate()?;
        let client = Self::over(Way::System(connector(settings)?), settings, credential)?;
        let ClientSettings { url, tls, .. } = settings;
        if !tls.verify && url.is_https() {
            tracing::warn!(
                host = url.host(),
                "the certificate of `{}` is not checked (`tls.verify: false`)",
                url.host()
            );
        }
        Ok(client)
    }

    /// A client for a side of a run: it counts its requests for the run, and records them, or answers them from a recording, where the
    /// host wants that. In a replay, nothing is connected, ever.
    pub fn for_run(settings: &ClientSettings, credential: Credential, context: &ConnectContext) -> Result<Self, Error> {
        let client = match context.surroundings.way::<Tape>() {
            None => Self::new(settings, credential)?,
            Some(Tape::Record(recorder)) => Self::new(settings, credential)?.with_recorder(recorder.clone()),
            Some(Tape::Replay(replay)) => {
                let client = Self::over(Way::Recording(replay.clone()), settings, credential)?;
                replay.secrets().learn(client.inner.authorization.secrets());
                client
            }
        };
        Ok(client.with_counter(context.requests.clone()))
    }

    fn over(way: Way, settings: &ClientSettings, credential: Credential) -> Result<Self, Error> {
        let ClientSettings { url, http, .. } = settings;
        let authorization = Arc::new(credential.prepare()?);
        drop(credential);
        let pace = Pace::shared(
            format!("{}:{}", url.host(), url.port()),
            authorization.fingerprint,
            http.requests_per_minute.and_then(NonZeroU32::new),
        );
        let inner = Inner {
            way,
            url: url.clone(),
            origin: url.origin(),
            authorization,
            settings: http.clone(),
            pace,
            slots: Semaphore::new(http.max_concurrent_requests.min(Semaphore::MAX_PERMITS)),
            counters: Counters::default(),
            measure: Measure::of(url),
        };
        Ok(Self { inner: Arc::new(inner), recorder: None, condition: None, counter: RequestCounter::default() })
    }

    /// Records every exchange from now on, for this client and its future clones.
    pub fn with_recorder(mut self, recorder: Recorder) -> Self {
        recorder.secrets().learn(self.inner.authorization.secrets());
        self.recorder = Some(recorder);
        self
    }

    /// Counts what is sent from now on for a run as well, by this client and its future clones.
    pub fn with_counter(mut self, counter: RequestCounter) -> Self {
        self.counter = counter;
        self
    }

    /// What counts the requests for a run.
    pub fn counter(&self) -> &RequestCounter {
        &self.counter
    }

    /// Asks right before every attempt, after all waiting, whether the request may still be sent; for this client and its
    /// future clones. A client that writes asks its permit (`syncline_core::permit::Validity::ensure`).
    pub fn on_condition(
        mut self,
        condition: impl Fn() -> Result<(), syncline_core::Error> + Send + Sync + 'static,
    ) -> Self {
        self.condition = Some(Arc::new(condition));
        self
    }

    /// The address that paths are relative to.
    pub fn url(&self) -> &BaseUrl {
        &self.inner.url
    }

    /// What was done so far, clones included.
    pub fn stats(&self) -> Stats {
        let counters = &self.inner.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            requests: read(&counters.requests),
            retries: read(&counters.retries),
            bytes_in: read(&counters.bytes_in),
            bytes_out: read(&counters.bytes_out),
            time: Duration::from_micros(read(&counters.micros)),
        }
    }

    /// A `GET` below the base URL.
    pub fn get(&self, path: impl Into<Path>) -> Request {
        self.request(Method::GET, path)
    }

    /// A `POST` below the base URL. One that only reads wants `.retry(Retry::Idempotent)`.
    pub fn post(&self, path: impl Into<Path>) -> Request {
        self.request(Method::POST, path)
    }

    /// A `PATCH` below the base URL.
    pub fn patch(&self, path: impl Into<Path>) -> Request {
        self.request(Method::PATCH, path)
    }

    /// A `PUT` below the base URL.
    pub fn put(&self, path: impl Into<Path>) -> Request {
        self.request(Method::PUT, path)
    }

    /// A `DELETE` below the base URL.
    pub fn delete(&self, path: impl Into<Path>) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request of any method below the base URL.
    pub fn request(&self, method: Method, path: impl Into<Path>) -> Request {
        Request::new(self.clone(), method, path.into())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.inner.url)
    }
}

impl Counters {
    pub fn add_bytes_in(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn add_time(&self, time: Duration) {
        self.micros.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The client underneath, without redirects, cookies and retries of its own.
fn connector(settings: &ClientSettings) -> Result<reqwest::Client, Error> {
    let ClientSettings { url, tls, http } = settings;
    #[expect(clippy::disallowed_methods, reason = "this is the one place that everybody else is sent to")]
    let builder = reqwest::Client::builder();
    let mut builder = builder
        .user_agent(concat!("syncline/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(http.connect_timeout_seconds))
        // Shorter than what servers and the boxes before them keep an idle connection for: a write that meets its closing
        // is left in doubt.
        .pool_idle_timeout(Duration::from_secs(15))
        .redirect(redirect::Policy::none())
        .dns_resolver(Names)
        .referer(false);
    match &http.proxy {
        Proxy::System => {}
        Proxy::Off => builder = builder.no_proxy(),
        Proxy::Url(address) => {
            let mut proxy = reqwest::Proxy::all(address.clone())
                .map_err(|error| Error::settings("http.proxy", format!("cannot be used: {}", error.without_url())))?;
            if let (Some(user), Some(password)) = (&http.proxy_user, &http.proxy_password) {
                let password =
                    password.resolve().map_err(|error| Error::settings("http.proxy_password", error.report()))?;
                proxy = proxy.basic_auth(user, secrecy::ExposeSecret::expose_secret(&password));
            }
            builder = builder.proxy(proxy);
        }
    }
    let mut builder = tls::configure(builder, tls)?;
    if !url.is_https() && !matches!(&http.proxy, Proxy::Url(proxy) if proxy.scheme() == "https") {
        // Nothing will be verified, so a machine without any trusted certificates is good enough.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        let detail = error_chain(&error.without_url());
        Error::settings(
            "tls",
            format!("cannot be set up: {detail} (no trusted certificates on this machine? set `tls.ca_file`)"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_send<T: Send>(value: T) -> T {
        value
    }

    #[test]
    fn requests_can_be_sent_from_any_task() {
        let settings = ClientSettings {
            url: BaseUrl::parse("http://netbox.example").unwrap(),
            tls: crate::TlsSettings::default(),
            http: HttpSettings::default(),
        };
        let client = Client::new(&settings, Credential::none()).unwrap();
        drop(assert_send(client.get("x").send()));
        drop(assert_send(client.get("x").stream()));
    }
}
