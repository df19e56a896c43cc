//! A source that says what it is given.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use syncline_core::connector::{ConnectContext, ConnectSource, Connector, ConnectorDescriptor, erased};
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping};
use syncline_core::fields::ModelFields;
use syncline_core::read::ReadRequest;
use syncline_core::settings::{NoSettings, schema};
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::{Absence, DataSource};
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::{AnyKey, AnyRecord, FieldSet, models};

/// The connector of what is given.
pub static DESCRIPTOR: ConnectorDescriptor = ConnectorDescriptor {
    id: Given::ID,
    label: Given::LABEL,
    description: Given::DESCRIPTION,
    icon: Given::ICON,
    package: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    connection_schema: schema::<Given>,
    validate: erased::validate::<Given>,
    source: Some(erased::source::<Given>()),
    target: None,
};

/// Where the records are. They are no part of the settings: a sync with other settings is another one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Given {
    file: PathBuf,
}

/// Records by model.
pub struct GivenRecords(BTreeMap<String, Vec<Map<String, Value>>>);

impl Connector for Given {
    const ID: &'static str = "conformance-given";
    const LABEL: &'static str = "Given";
    const DESCRIPTION: &'static str = "Records that a check gives.";
    type Connection = Self;
}

#[async_trait]
impl ConnectSource for Given {
    type Parameters = NoSettings;
    type Source = GivenRecords;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        Vec::new()
    }

    async fn connect_source(connection: Self, _: NoSettings, _: ConnectContext) -> Result<GivenRecords> {
        let unread = |error| Error::new(ErrorKind::Storage, "the given records were not read").caused_by(error);
        let text = std::fs::read(&connection.file).map_err(unread)?;
        let records = serde_json::from_slice(&text).map_err(|error| unread(error.into()))?;
        Ok(GivenRecords(records))
    }
}

#[async_trait]
impl DataSource for GivenRecords {
    /// The models that are given, with the fields that any record of them has.
    fn knows(&self) -> ModelFields {
        let schemas = self.0.iter().filter_map(|(model, records)| Some((models::by_name(model)?, records)));
        schemas.fold(ModelFields::new(), |knows, (schema, records)| {
            let named = records.iter().flat_map(Map::keys).filter_map(|name| schema.position(name));
            knows.insert(schema, named.collect::<FieldSet>().union(schema.key_set()))
        })
    }

    async fn check(&self) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        for (schema, fields) in request.fields.iter() {
            let mut records = sink.open_any(schema)?;
            for given in self.0.get(schema.name).into_iter().flatten() {
                let record = AnyRecord::from_json(schema, given, fields)
                    .map_err(|error| Error::new(ErrorKind::Internal, "a given record is wrong").caused_by(error))?;
                records.push_any(&record, None).await?;
            }
            records.complete().await?;
        }
        Ok(())
    }

    async fn explain_absence(&self, _: &str, keys: &[AnyKey]) -> Result<Vec<Absence>> {
        Ok(vec![Absence::Gone; keys.len()])
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        Vec::new()
    }
}
