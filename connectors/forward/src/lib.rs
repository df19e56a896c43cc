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
use syncline_core::describe::{DataMapping, Icon};
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
    const ICON: Option<Icon> = Some(Icon::path(
        "M4 18a2 2 0 1 0 4 0a2 2 0 1 0-4 0M16 6a2 2 0 1 0 4 0a2 2 0 1 0-4 0M8 18h5a3 3 0 0 0 3-3v-1M6 16V9a3 3 0 0 1 3-3h7M13.5 16.5L16 14l2.5 2.5",
    ));

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

    fn source_mappings(_: &Parameters) -> Vec<DataMapping> {
        mappings::all()
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
