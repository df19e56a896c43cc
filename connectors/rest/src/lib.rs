#![doc = include_str!("../docs.md")]

mod pages;
mod record;
mod settings;
mod source;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::connector::{ConnectContext, ConnectSource, Connector};
use syncline_core::describe::{DataMapping, Icon};
use syncline_core::settings::Problem;
use syncline_model::models::by_name;

pub use settings::{Connection, List, Paging, Parameters};
pub use source::RestSource;

/// Any JSON API.
pub struct Rest;

impl Connector for Rest {
    const ID: &'static str = "rest";
    const LABEL: &'static str = "REST";
    const DESCRIPTION: &'static str = "Any JSON API as a source: its lists, pages and fields are said in the settings.";
    const ICON: Option<Icon> = Some(Icon::path("M8 4H6v6l-2 2l2 2v6h2M16 4h2v6l2 2l-2 2v6h-2M10 12h1M13 12h1"));

    type Connection = Connection;

    fn validate(connection: &Connection) -> Vec<Problem> {
        connection.problems()
    }
}

#[async_trait]
impl ConnectSource for Rest {
    type Parameters = Parameters;
    type Source = RestSource;

    fn validate_source(parameters: &Parameters) -> Vec<Problem> {
        parameters.problems()
    }

    fn source_mappings(parameters: &Parameters) -> Vec<DataMapping> {
        let of_list = |(model, list): (&String, &List)| {
            let Some(schema) = by_name(model) else { return Vec::new() };
            let fields = schema.fields.iter().filter_map(|field| Some((field.name, list.fields.get(field.name)?)));
            let fields = fields.map(|(field, template)| DataMapping::field(schema.name, field, template));
            std::iter::once(DataMapping::model(schema.name, &list.path)).chain(fields).collect()
        };
        parameters.models.iter().flat_map(of_list).collect()
    }

    async fn connect_source(
        connection: Connection,
        parameters: Parameters,
        context: ConnectContext,
    ) -> Result<RestSource> {
        Ok(RestSource { client: connection.client(&context)?, parameters })
    }
}

syncline_core::register_connector!(Rest, source);
