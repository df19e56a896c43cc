//! The configuration: where it is found, what it says, and what is wrong with it.
//!
//! A TOML or YAML file with five sections, and environment variables that override single keys:
//!
//! ```toml
//! [connections.forward]            # how to reach a system: `connector`, then that connector's own settings
//! connector = "forward"
//!
//! [syncs.forward-to-netbox]        # what is kept in agreement with what
//! source = "forward"
//! target = "netbox"
//!
//! [data]                           # where runs, plans and history are kept
//! folder = "/var/lib/syncline"
//!
//! [web]                            # how the server is reached, and by whom
//! authentication = "users"
//!
//! [notify.noc]                     # who is told of what came of runs
//! webhook.url = "env:NOC_WEBHOOK"
//! ```
//!
//! `SYNCLINE__CONNECTIONS__FORWARD__URL` overrides `connections.forward.url`; a `-` in a name is written `_` there.
//!
//! Reading ([`load`]) and judging ([`check`]) are two steps: a file that can be read is judged as a whole, every problem
//! with it told at once.

mod check;
mod example;
#[cfg(all(test, feature = "connector-forward", feature = "connector-netbox", feature = "connector-zabbix"))]
mod form_tests;
mod load;
mod model;
mod notify;
mod oidc;
mod problem;
mod reach;
mod schema;
mod secrets;
mod settings;
#[cfg(test)]
mod tests;
mod web;

pub use check::{check, check_sync};
pub use example::EXAMPLE;
pub use load::{Loaded, find, load, read_table};
pub use model::{Configuration, Connection, DataSettings, SyncSettings};
pub use notify::{ChannelSettings, MailSettings, Occasion, WebhookFormat, WebhookSettings};
pub use oidc::OidcSettings;
pub use problem::{ConfigError, ConfigProblem};
pub use reach::{Destination, ensure_reach};
pub use schema::{schema, sync_schema};
pub use secrets::secrets_of;
pub(crate) use settings::choices;
pub use web::{Asked, WebSettings};
