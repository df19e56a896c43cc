//! NetBox as the side that is read as truth.

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::describe::{CheckReport, ConfigItem, ObjectLink};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::{Absence, DataSource};
use syncline_model::AnyKey;

use crate::client::ReadClient;
use crate::read::Role;
use crate::settings::{Connection, SourceParameters};
use crate::{absence, check, describe, read};

/// A NetBox that is read as truth.
pub struct NetBoxSource {
    pub(crate) client: ReadClient,
    pub(crate) connection: Connection,
    pub(crate) parameters: SourceParameters,
}

#[async_trait]
impl DataSource for NetBoxSource {
    fn knows(&self) -> ModelFields {
        describe::read()
    }

    async fn check(&self) -> Result<CheckReport> {
        check::source(&self.client, &self.parameters).await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        read::load(&self.client, Role::Source, Some(&self.parameters), request, sink).await
    }

    async fn explain_absence(&self, model: &str, keys: &[AnyKey]) -> Result<Vec<Absence>> {
        let SourceParameters { sites, tags } = &self.parameters;
        absence::explain(&self.client, !sites.is_empty() || !tags.is_empty(), model, keys).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        let mut items = describe::connection(&self.connection);
        let SourceParameters { sites, tags } = &self.parameters;
        items.push(ConfigItem::new("Sites", describe::list_or(sites, "all")));
        items.push(ConfigItem::new("Device tags", describe::list_or(tags, "all")));
        items
    }

    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        Ok(describe::link(&self.client.url(), model, key, native))
    }
}
