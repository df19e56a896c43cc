//! The two clients: one that reads, one that writes.
//!
//! A [`WriteClient`] is only made with a [`WritePermit`]: whatever a dry run calls, it has nothing that writes.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use syncline_core::connector::ConnectContext;
use syncline_core::permit::{Validity, WritePermit};
use syncline_core::version::Version;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Request, Retry};
use tokio::sync::Semaphore;

use crate::dialect::Dialect;
use crate::rpc::{self, Answers, Call, Refusal, Said};
use crate::session::{Link, Session};
use crate::settings::Connection;

/// Reads from a Zabbix.
pub(crate) struct ReadClient {
    session: Arc<Session>,
    slots: Semaphore,
}

/// Writes to a Zabbix.
pub(crate) struct WriteClient {
    session: Arc<Session>,
    validity: Validity,
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

impl ReadClient {
    /// Connects.
    pub async fn connect(connection: &Connection, context: &ConnectContext) -> Result<Self> {
        let session = Session::begin(connection, context).await?;
        Ok(Self { session: session.into(), slots: Semaphore::new(connection.read_connections as usize) })
    }

    /// What it is connected by.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Which version it is.
    pub fn version(&self) -> Version {
        self.session.version
    }

    /// How its API is spoken to.
    pub fn dialect(&self) -> Dialect {
        self.session.dialect
    }

    /// Where its frontend answers.
    pub fn url(&self) -> String {
        self.session.link().http.url().to_string()
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
        let (call, link) = (Call::new(method, params), self.session.link());
        match link.read(&call).await? {
            Err(refusal) if refusal.said() == Said::SessionEnded && self.session.renew(&link).await? => {
                self.session.link().read(&call).await
            }
            answer => Ok(answer),
        }
    }

    /// Reads several things in one request.
    pub async fn batch(&self, calls: &[Call]) -> Result<Answers> {
        let _slot = self.slot().await?;
        let read = async |link: &Link| -> Result<Answers> {
            let response = link.request(Retry::Idempotent).json(&numbered(calls, link.auth())).send().await?;
            rpc::parse_batch(response.body(), calls.len())
        };
        let link = self.session.link();
        let answers = read(&link).await?;
        if have_ended(&answers) && self.session.renew(&link).await? {
            return read(&self.session.link()).await;
        }
        Ok(answers)
    }

    async fn slot(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let closed = |_| Error::new(ErrorKind::Internal, "the client was closed");
        self.slots.acquire().await.map_err(closed)
    }
}

impl WriteClient {
    /// The right to write makes the client that can.
    pub fn open(reader: &ReadClient, permit: &WritePermit) -> Self {
        Self { session: reader.session.clone(), validity: permit.validity().clone() }
    }

    /// Sends one call. Its answer, and how long Zabbix took for it.
    pub async fn call<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> std::result::Result<(T, std::time::Duration), WriteError> {
        let link = self.session.link();
        match self.send(&link, call).await {
            // It was not carried out.
            Err(WriteError::Refused(refusal)) if refusal.said() == Said::SessionEnded => {
                if !self.session.renew(&link).await.map_err(WriteError::Fatal)? {
                    return Err(WriteError::Fatal(refusal.error(call.method)));
                }
                self.send(&self.session.link(), call).await
            }
            sent => sent,
        }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        link: &Link,
        call: &Call,
    ) -> std::result::Result<(T, std::time::Duration), WriteError> {
        let request = self.permitted(link).json(&call.envelope(1, link.auth()));
        let response = request.send().await.map_err(unsent)?;
        let answer = rpc::parse(response.body(), call.method).map_err(WriteError::InDoubt)?;
        Ok((answer.map_err(|refusal| refused(refusal, call.method))?, response.elapsed()))
    }

    /// Sends several calls in one request; each has a transaction of its own.
    pub async fn batch(&self, calls: &[Call]) -> std::result::Result<Answers, WriteError> {
        let send = async |link: &Link| {
            let request = self.permitted(link).json(&numbered(calls, link.auth()));
            let response = request.send().await.map_err(unsent)?;
            rpc::parse_batch(response.body(), calls.len()).map_err(WriteError::InDoubt)
        };
        let link = self.session.link();
        let mut answers = send(&link).await?;
        // None of them was carried out.
        if have_ended(&answers) && self.session.renew(&link).await.map_err(WriteError::Fatal)? {
            answers = send(&self.session.link()).await?;
        }
        // What is wrong with the connection is no fault of the call's object; what came before it may be written.
        let ends = |(call, answer): (&Call, &std::result::Result<_, Refusal>)| match answer {
            Err(refusal) => match refused(refusal.clone(), call.method) {
                WriteError::Refused(refusal) if refusal.said() != Said::SessionEnded => None,
                other => Some(other.into_error(call.method)),
            },
            Ok(_) => None,
        };
        match calls.iter().zip(&answers).find_map(ends) {
            Some(error) => Err(WriteError::InDoubt(error)),
            None => Ok(answers),
        }
    }

    /// A request that is sent as long as the run may write.
    fn permitted(&self, link: &Link) -> Request {
        let validity = self.validity.clone();
        link.on_condition(move || validity.ensure()).request(Retry::Write)
    }
}

/// Whether a session had ended when a batch came: then none of its calls was carried out.
fn have_ended(answers: &Answers) -> bool {
    !answers.is_empty()
        && answers.iter().all(|answer| answer.as_ref().is_err_and(|refusal| refusal.said() == Said::SessionEnded))
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
        Said::NotAuthorised | Said::Broken | Said::Forbidden | Said::Unknown => {
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
