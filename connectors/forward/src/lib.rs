#![doc = include_str!("../docs.md")]

mod absence;
mod client;
mod error;
mod mappings;
mod models;
mod names;
mod nqe;
mod queries;
mod read;
mod settings;
mod snapshots;
mod source;

use async_trait::async_trait;
use syncline_core::connector::{ConnectContext, ConnectSource, Connector};
use syncline_core::settings as core_settings;

pub use crate::settings::{
    Connection, Execution, Identifier, Parameters, QueryBinding, SnapshotSelector, TagMatch, TagScope,
};
pub use error::{Denial, Error, Problem};
pub use queries::Query;
pub use source::ForwardSource;

/// Forward Enterprise.
pub struct Forward;

impl Connector for Forward {
    const ID: &'static str = "forward";
    const LABEL: &'static str = "Forward Enterprise";
    const DESCRIPTION: &'static str = "The network as Forward collected it: devices, interfaces, addresses, VLANs.";
    const ICON: &'static str = "radar";

    type Connection = Connection;

    fn validate(connection: &Connection) -> Vec<core_settings::Problem> {
        connection.problems()
    }
}

#[async_trait]
impl ConnectSource for Forward {
    type Parameters = Parameters;
    type Source = ForwardSource;

    fn validate_source(parameters: &Parameters) -> Vec<core_settings::Problem> {
        parameters.problems()
    }

    fn pinned_source(parameters: &Parameters) -> Option<String> {
        match &parameters.snapshot {
            SnapshotSelector::Id(id) => Some(format!("the Forward snapshot `{id}`")),
            _ => None,
        }
    }

    async fn connect_source(
        connection: Connection,
        parameters: Parameters,
        context: ConnectContext,
    ) -> syncline_core::Result<ForwardSource> {
        ForwardSource::new(connection, parameters, context)
    }
}

syncline_core::register_connector!(Forward, source);
