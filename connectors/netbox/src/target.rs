//! NetBox as the side that is made to agree.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping, ObjectLink};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::permit::WritePermit;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::target::{Capabilities, DataTarget, TargetWriter};
use syncline_model::AnyKey;

use crate::client::ReadClient;
use crate::read::Role;
use crate::settings::{Connection, TargetParameters};
use crate::write::Writer;
use crate::{check, describe, read};

/// A NetBox that is made to agree. This half only reads.
pub struct NetBoxTarget {
    pub(crate) client: Arc<ReadClient>,
    pub(crate) connection: Connection,
    pub(crate) parameters: TargetParameters,
}

#[async_trait]
impl DataTarget for NetBoxTarget {
    fn holds(&self) -> ModelFields {
        describe::everything()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            batch_size: self.connection.batch_size as usize,
            concurrency: self.connection.write_connections as usize,
            preconditions: true,
            deletes: true,
            staging: false,
        }
    }

    async fn check(&self) -> Result<CheckReport> {
        check::target(&self.client, &self.connection, &self.parameters).await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        read::load(&self.client, Role::Target, None, request, sink).await
    }

    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        let writer = Writer::open(self.client.clone(), &self.connection, &self.parameters, permit).await?;
        Ok(Box::new(writer))
    }

    fn data_mappings(&self) -> Vec<DataMapping> {
        describe::mappings()
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        let mut items = describe::connection(&self.connection);
        let TargetParameters { tags, changelog_message } = &self.parameters;
        items.push(ConfigItem::new("Tags put on what is written", describe::list_or(tags, "none")));
        items.push(ConfigItem::new("Change log names the run", if *changelog_message { "yes" } else { "no" }));
        items
    }

    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        Ok(describe::link(&self.client.url(), model, key, native))
    }
}
