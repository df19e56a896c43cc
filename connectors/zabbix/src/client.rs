//! The two clients: one that reads, one that writes.
//!
//! A [`WriteClient`] is only made with a [`WritePermit`]: whatever a dry run calls, it has nothing that writes.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use syncline_core::permit::WritePermit;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Client, ClientSettings, Credential, Request, Retry};
use tokio::sync::Semaphore;

use crate::dialect::{AuthPlace, Dialect};
use crate::rpc::{self, Answers, Call, Refusal, Said};
use crate::settings::Connection;
use crate::version::Version;

/// Where the API answers, below the frontend's address.
const PATH: &str = "api_jsonrpc.php";
/// Digits of an API token.
const TOKEN: usize = 64;

/// Reads from a Zabbix.
pub(crate) struct ReadClient {
    link: Link,
    /// The same way without a credential.
    nobody: Client,
    credential: Arc<SecretString>,
    slots: Semaphore,
    version: Version,
    /// The header with the token gets lost on the way, so that it goes into the body.
    pub header_is_lost: bool,
}

/// Writes to a Zabbix.
pub(crate) struct WriteClient {
    link: Link,
}

/// What became of a write.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Zabbix refused it: nothing was written.
    Refused(Refusal),
    /// It is not known whether it was written.
    InDoubt(Error),
    /// It was not sent, or not taken, and may be later.
    Again(Error),
    /// Nothing is taken any more.
    Fatal(Error),
}

/// The way to the API, with what authorises.
#[derive(Clone)]
struct Link {
    http: Client,
    /// The token, where it goes into the body.
    auth: Option<Arc<SecretString>>,
    dialect: Dialect,
}

impl Link {
    fn request(&self, retry: Retry) -> Request {
        self.http.post(PATH).retry(retry)
    }

    fn auth(&self) -> Option<&str> {
        self.auth.as_ref().map(|auth| auth.expose_secret())
    }

    async fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<std::result::Result<T, Refusal>> {
        let response = self.request(Retry::Idempotent).json(&call.envelope(1, self.auth())).send().await?;
        rpc::parse(response.body(), call.method)
    }
}

impl ReadClient {
    /// Connects: asks for the version, refuses one that is too old, and finds out where the token goes.
    pub async fn connect(connection: &Connection) -> Result<Self> {
        let settings = settings(connection);
        let nobody = Client::new(&settings, Credential::none())?;
        let version = Call::new("apiinfo.version", json!([]));
        // No credential here: from 6.4 on, it is refused with this call.
        let asking = Link { http: nobody.clone(), auth: None, dialect: Dialect::of(Version::OLDEST) };
        let text: String = asking.read(&version).await?.map_err(|refusal| refusal.error(version.method))?;
        let version = Version::parse(&text)?;
        version.ensure_supported()?;
        let dialect = Dialect::of(version);
        let token = token(connection, &asking).await?;
        let credential = Arc::new(token.clone());
        let in_body = Link { http: nobody.clone(), auth: Some(credential.clone()), dialect };
        let in_header = Link { http: Client::new(&settings, Credential::bearer(token))?, auth: None, dialect };
        let probe = Call::new("host.get", json!({"output": ["hostid"], "limit": 1}));
        let (link, header_is_lost) = match dialect.auth {
            AuthPlace::Body => (in_body, false),
            AuthPlace::Header => (in_header, false),
            AuthPlace::HeaderOrBody => match in_header.read::<Value>(&probe).await? {
                // A web server in front may drop the header.
                Err(refusal) if refusal.said() == Said::NotAuthorised => {
                    let taken = in_body.read::<Value>(&probe).await?.is_ok();
                    if taken { (in_body, true) } else { return Err(refusal.error(probe.method)) }
                }
                _ => (in_header, false),
            },
        };
        let slots = Semaphore::new(connection.read_connections as usize);
        Ok(Self { link, nobody, credential, slots, version, header_is_lost })
    }

    /// What authorises: a token, or a session.
    pub fn credential(&self) -> &SecretString {
        &self.credential
    }

    /// Which version it is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How its API is spoken to.
    pub fn dialect(&self) -> Dialect {
        self.link.dialect
    }

    /// Where its frontend answers.
    pub fn url(&self) -> String {
        self.link.http.url().to_string()
    }

    /// Reads one thing.
    pub async fn call<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T> {
        self.ask(method, params).await?.map_err(|refusal| refusal.error(method))
    }

    /// Reads one thing that may be refused.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<std::result::Result<T, Refusal>> {
        let _slot = self.slot().await?;
        self.link.read(&Call::new(method, params)).await
    }

    /// Who the account is, as Zabbix tells it; none where it does not.
    pub async fn who<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let _slot = self.slot().await?;
        let token = self.credential.expose_secret();
        // A token has 64 digits, a session 32; they go by different names.
        let name = if token.len() == TOKEN { "token" } else { "sessionid" };
        let call = Call::new("user.checkAuthentication", json!({(name): token}));
        // This call is refused when it carries the credential elsewhere too.
        let asking = Link { http: self.nobody.clone(), auth: None, dialect: self.link.dialect };
        Ok(asking.read(&call).await?.ok())
    }

    /// Reads several things in one request.
    pub async fn batch(&self, calls: &[Call]) -> Result<Answers> {
        let _slot = self.slot().await?;
        let envelopes = numbered(calls, self.link.auth());
        let response = self.link.request(Retry::Idempotent).json(&envelopes).send().await?;
        rpc::parse_batch(response.body(), calls.len())
    }

    async fn slot(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let closed = |_| Error::new(ErrorKind::Internal, "the client was closed");
        self.slots.acquire().await.map_err(closed)
    }
}

impl WriteClient {
    /// The right to write makes the client that can.
    pub fn open(reader: &ReadClient, permit: &WritePermit) -> Self {
        let validity = permit.validity().clone();
        let http = reader.link.http.clone().on_condition(move || validity.ensure());
        Self { link: Link { http, ..reader.link.clone() } }
    }

    /// Sends one call. Its answer, and how long Zabbix took for it.
    pub async fn call<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> std::result::Result<(T, std::time::Duration), WriteError> {
        let request = self.link.request(Retry::Write).json(&call.envelope(1, self.link.auth()));
        let response = request.send().await.map_err(unsent)?;
        let answer = rpc::parse(response.body(), call.method).map_err(WriteError::InDoubt)?;
        Ok((answer.map_err(|refusal| refused(refusal, call.method))?, response.elapsed()))
    }

    /// Sends several calls in one request; each has a transaction of its own.
    pub async fn batch(&self, calls: &[Call]) -> std::result::Result<Answers, WriteError> {
        let request = self.link.request(Retry::Write).json(&numbered(calls, self.link.auth()));
        let response = request.send().await.map_err(unsent)?;
        rpc::parse_batch(response.body(), calls.len()).map_err(WriteError::InDoubt)
    }
}

impl WriteError {
    /// The error, whatever it means for what was sent.
    pub fn into_error(self, method: &str) -> Error {
        match self {
            Self::Refused(refusal) => refusal.error(method),
            Self::InDoubt(error) | Self::Again(error) | Self::Fatal(error) => error,
        }
    }
}

fn refused(refusal: Refusal, method: &str) -> WriteError {
    match refusal.said() {
        Said::NotAuthorised | Said::SessionEnded | Said::Broken | Said::Forbidden | Said::Unknown => {
            WriteError::Fatal(refusal.error(method))
        }
        Said::Deadlock => WriteError::Again(refusal.error(method)),
        _ => WriteError::Refused(refusal),
    }
}

/// A request without a usable answer.
fn unsent(error: syncline_http::Error) -> WriteError {
    if error.is_in_doubt() {
        return WriteError::InDoubt(error.into());
    }
    match error.answer().map(|answer| answer.status.as_u16()) {
        Some(429 | 503) => WriteError::Again(error.into()),
        _ => WriteError::Fatal(error.into()),
    }
}

fn numbered<'c>(calls: &'c [Call], auth: Option<&'c str>) -> Vec<rpc::Envelope<'c>> {
    (1..).zip(calls).map(|(id, call)| call.envelope(id, auth)).collect()
}

fn settings(connection: &Connection) -> ClientSettings {
    ClientSettings { url: connection.url.clone(), tls: connection.tls.clone(), http: connection.http.clone() }
}

/// The token of the settings, or that of a session for the account of the settings.
async fn token(connection: &Connection, asking: &Link) -> Result<SecretString> {
    if let Some(token) = &connection.token {
        return token.resolve();
    }
    let (Some(user), Some(password)) = (&connection.user, &connection.password) else {
        return Err(Error::new(ErrorKind::Settings, "give a `token`, or `user` and `password`"));
    };
    let password = password.resolve()?;
    let login = Call::new("user.login", json!({"username": user, "password": password.expose_secret()}));
    // A wrong password tried again and again locks the account.
    let response = asking.request(Retry::Write).json(&login.envelope(1, None)).send().await?;
    let session: std::result::Result<String, Refusal> = rpc::parse(response.body(), login.method)?;
    Ok(session.map_err(|refusal| refusal.error(login.method))?.into())
}
