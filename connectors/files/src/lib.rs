#![doc = include_str!("../docs.md")]

mod folder;
mod format;
mod settings;
mod source;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod writer;

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::connector::{ConnectContext, ConnectSource, ConnectTarget, Connector};
use syncline_core::describe::{DataMapping, Icon};
use syncline_core::settings::NoSettings;
use syncline_core::target::Capabilities;
use syncline_model::models;

pub use format::Format;
pub use settings::{Connection, TargetParameters};
pub use source::FilesSource;
pub use target::FilesTarget;

/// A folder of files.
pub struct Files;

impl Connector for Files {
    const ID: &'static str = "files";
    const LABEL: &'static str = "Files";
    const DESCRIPTION: &'static str = "A folder with a file for each model: NDJSON, JSON, YAML or CSV.";
    const ICON: Option<Icon> = Some(Icon::path("M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6"));

    type Connection = Connection;
}

#[async_trait]
impl ConnectSource for Files {
    type Parameters = NoSettings;
    type Source = FilesSource;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        mappings()
    }

    async fn connect_source(connection: Connection, _: NoSettings, _: ConnectContext) -> Result<FilesSource> {
        FilesSource::open(connection.folder).await
    }
}

#[async_trait]
impl ConnectTarget for Files {
    type Parameters = TargetParameters;
    type Target = FilesTarget;

    fn target_mappings(_: &TargetParameters) -> Vec<DataMapping> {
        mappings()
    }

    fn target_capabilities(_: &Connection, _: &TargetParameters) -> Capabilities {
        target::CAPABILITIES
    }

    async fn connect_target(
        connection: Connection,
        parameters: TargetParameters,
        _: ConnectContext,
    ) -> Result<FilesTarget> {
        FilesTarget::open(connection.folder, parameters.format).await
    }
}

/// Each model is a file, and each field has its own name in it.
fn mappings() -> Vec<DataMapping> {
    let of_model = |schema: &&'static syncline_model::ModelSchema| {
        let model = schema.name;
        let fields = schema.fields.iter().map(move |field| DataMapping::field(model, field.name, field.name));
        std::iter::once(DataMapping::model(model, format!("{model}.*"))).chain(fields).collect::<Vec<_>>()
    };
    models::ALL.iter().flat_map(of_model).collect()
}

syncline_core::register_connector!(Files, source, target);
