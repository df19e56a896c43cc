//! The one HTTP client of all connectors: TLS, proxies, retries, pacing, redaction, recording.
//!
//! A connector nests [`TlsSettings`] and [`HttpSettings`] into its own settings, builds a [`Client`] from them and a
//! [`Credential`], and contains no retry loop, no sleep and no limiter of its own.
//!
//! ```no_run
//! use syncline_http::{BaseUrl, Client, ClientSettings, Credential, HttpSettings, Path, TlsSettings};
//!
//! # async fn example(secret: secrecy::SecretString) -> Result<(), syncline_http::Error> {
//! let settings = ClientSettings {
//!     url: BaseUrl::parse("https://netbox.example")?,
//!     tls: TlsSettings::default(),
//!     http: HttpSettings::default(),
//! };
//! let client = Client::new(&settings, Credential::token(secret))?;
//!
//! #[derive(serde::Deserialize)]
//! struct Page {
//!     count: u64,
//! }
//! let page: Page = client
//!     .get(Path::from(["api", "dcim", "devices"]).slash())
//!     .query("limit", 1)
//!     .send()
//!     .await?
//!     .json()?;
//! assert!(page.count > 0);
//! # Ok(())
//! # }
//! ```
//!
//! What happens to every request, from the outside in: retries ([`Retry`] says what may be tried again), the limit of
//! requests in flight, the pace shared by everybody who uses the credential, the request itself with its timeouts, one
//! `tracing` event at debug level, and the counts in `measure`. A failure is returned, never logged. What a run is handed a [`Tape`] for is
//! recorded, or answered from a recording.

mod base_url;
mod client;
mod credential;
pub mod django;
mod error;
mod exchange;
mod graphql;
mod lines;
mod measure;
mod pace;
mod path;
mod recording;
mod redact;
mod request;
mod resolve;
mod response;
mod retry;
mod send;
pub mod settings;
mod tls;
mod token_connection;
mod words;

pub use bytes::Bytes;
pub use reqwest::{Method, StatusCode, header::HeaderMap};

pub use crate::base_url::BaseUrl;
pub use crate::client::{Client, Stats};
pub use crate::credential::Credential;
pub use crate::error::{
    AnswerError, AnswerProblem, Call, ConditionError, Error, ReplayError, StatusError, TransportError, TransportProblem,
};
pub use crate::lines::Lines;
pub use crate::path::Path;
pub use crate::recording::{
    Header as RecordingHeader, Recorded, Recorder, RecordingError, Replay, Secrets, Tape, stand_in,
};
pub use crate::redact::{
    REDACTED, headers as redact_headers, is_secret as is_secret_name, json as redact_json, query as redact_query,
};
pub use crate::request::Request;
pub use crate::response::{Response, Streaming};
pub use crate::retry::Retry;
pub use crate::settings::{ClientSettings, HttpSettings, Proxy, RetrySettings, TlsSettings};
pub use crate::token_connection::TokenConnection;
