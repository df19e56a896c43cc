//! NetBox as the side that is made to agree.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_core::Result;
use syncline_core::connector::ConnectTarget as _;
use syncline_core::describe::{CheckReport, ConfigItem, ObjectLink};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::permit::WritePermit;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_core::target::{Capabilities, DataTarget, Release, Stage, TargetWriter};
use syncline_model::AnyKey;

use crate::branch::{Opening, Patience};
use crate::client::{ReadClient, WriteClient};
use crate::read::Role;
use crate::settings::{Connection, Review, TargetParameters};
use crate::write::Writer;
use crate::{NetBox, check, describe, read};

/// "Cannot reassign IP address while it is designated as the primary IP for the parent object"; "Device cannot be removed from virtual
/// chassis … because it is currently designated as its master", and a master is protected from being
/// deleted. A device is saved anew when its primary address is deleted.
const RELEASES: &[Release] = &[
    Release { model: "device", field: "primary_ip4", holds: &["interface"], holds_delete: true },
    Release { model: "device", field: "primary_ip6", holds: &["interface"], holds_delete: true },
    Release { model: "virtual_chassis", field: "master", holds: &["virtual_chassis"], holds_delete: true },
];

/// A NetBox that is made to agree. This half only reads.
pub struct NetBoxTarget {
    pub(crate) client: Arc<ReadClient>,
    pub(crate) connection: Connection,
    pub(crate) parameters: TargetParameters,
}

#[async_trait]
impl DataTarget for NetBoxTarget {
    fn holds(&self) -> ModelFields {
        describe::written()
    }

    fn capabilities(&self) -> Capabilities {
        NetBox::target_capabilities(&self.connection, &self.parameters)
    }

    fn releases(&self) -> &'static [Release] {
        RELEASES
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

    async fn stage(&self, permit: &WritePermit, name: &str) -> Result<Box<dyn Stage>> {
        Ok(Box::new(self.opening(permit)?.branch(name).await?))
    }

    async fn staged(&self, permit: &WritePermit, id: &str) -> Result<Option<Box<dyn Stage>>> {
        let branch = self.opening(permit)?.known(id).await?;
        Ok(branch.map(|branch| Box::new(branch) as Box<dyn Stage>))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        let mut items = describe::connection(&self.connection);
        let TargetParameters { tags, changelog_message, review } = &self.parameters;
        items.push(ConfigItem::new("Tags put on what is written", describe::list_or(tags, "none")));
        items.push(ConfigItem::new("Change log names the run", if *changelog_message { "yes" } else { "no" }));
        let place = match review {
            Review::Plan => "in the plan",
            Review::Branch => "in a branch of NetBox",
        };
        items.push(ConfigItem::new("Changes wait for review", place));
        if *review == Review::Branch {
            items.push(ConfigItem::new("A branch may take (minutes)", self.connection.branch_wait_minutes));
        }
        items
    }

    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        Ok(describe::link(&self.client.url(), model, key, native))
    }
}

impl NetBoxTarget {
    /// What branches are opened with.
    fn opening(&self, permit: &WritePermit) -> Result<Opening> {
        Ok(Opening {
            reader: self.client.clone(),
            client: WriteClient::open(&self.connection, permit, &self.client)?,
            connection: self.connection.clone(),
            parameters: self.parameters.clone(),
            message: permit.message().to_owned(),
            patience: Patience::minutes(self.connection.branch_wait_minutes),
        })
    }
}
