//! Systems that are read as truth and made to agree alike: what both sides share is said once.

use async_trait::async_trait;
use syncline_model::AnyKey;

use crate::Result;
use crate::describe::{CheckReport, ConfigItem, ObjectLink};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::permit::WritePermit;
use crate::read::ReadRequest;
use crate::snapshot::{Snapshot, SnapshotSink};
use crate::source::DataSource;
use crate::target::{Capabilities, DataTarget, Release, TargetWriter};

/// What a side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is read as truth.
    Source,
    /// It is made to agree.
    Target,
}

/// A system on either side of a sync; see [`DataSource`] and [`DataTarget`], which [`AsSource`] and [`AsTarget`] make of it.
#[async_trait]
pub trait Side: Send + Sync {
    /// Which models and fields it can tell of, or hold.
    fn fields(&self, role: Role) -> ModelFields;

    /// Tests the connection.
    async fn check(&self, role: Role) -> Result<CheckReport>;

    /// Reads every model of the request into the sink.
    async fn load(&self, role: Role, request: &ReadRequest, sink: &SnapshotSink) -> Result<()>;

    /// The configuration for people, without secrets.
    fn config_information(&self) -> Vec<ConfigItem>;

    /// Where a person sees a record in the system's own interface; none when it has no page for it.
    fn link(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Option<ObjectLink> {
        let _ = (model, key, native);
        None
    }

    /// How it wants to be written to.
    fn capabilities(&self) -> Capabilities;

    /// As [`DataTarget::desired`].
    fn desired(&self, source: Snapshot, fields: &ModelFields) -> Result<Snapshot> {
        let _ = fields;
        Ok(source)
    }

    /// As [`DataTarget::releases`].
    fn releases(&self) -> &'static [Release] {
        &[]
    }

    /// Opens the writing half.
    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>>;
}

/// A system as the side that is read as truth.
#[derive(Debug)]
pub struct AsSource<S>(pub S);

/// A system as the side that is made to agree.
#[derive(Debug)]
pub struct AsTarget<S>(pub S);

#[async_trait]
impl<S: Side> DataSource for AsSource<S> {
    fn knows(&self) -> ModelFields {
        self.0.fields(Role::Source)
    }

    async fn check(&self) -> Result<CheckReport> {
        self.0.check(Role::Source).await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.0.load(Role::Source, request, sink).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        self.0.config_information()
    }

    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        Ok(self.0.link(model, key, native))
    }
}

#[async_trait]
impl<S: Side> DataTarget for AsTarget<S> {
    fn holds(&self) -> ModelFields {
        self.0.fields(Role::Target)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn check(&self) -> Result<CheckReport> {
        self.0.check(Role::Target).await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.0.load(Role::Target, request, sink).await
    }

    fn desired(&self, source: Snapshot, fields: &ModelFields) -> Result<Snapshot> {
        self.0.desired(source, fields)
    }

    fn releases(&self) -> &'static [Release] {
        self.0.releases()
    }

    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        self.0.writer(permit).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        self.0.config_information()
    }

    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        Ok(self.0.link(model, key, native))
    }
}

#[cfg(test)]
mod tests {
    use syncline_model::FieldSet;
    use syncline_model::Model as _;
    use syncline_model::models::{Cluster, Site};

    use super::*;
    use crate::{Error, ErrorKind};

    /// Tells of clusters, holds sites, and says as what it was asked.
    struct Both;

    #[async_trait]
    impl Side for Both {
        fn fields(&self, role: Role) -> ModelFields {
            let schema = if role == Role::Source { Cluster::SCHEMA } else { Site::SCHEMA };
            ModelFields::new().insert(schema, FieldSet::ALL)
        }

        async fn check(&self, role: Role) -> Result<CheckReport> {
            Ok(CheckReport { system: format!("{role:?}"), ..CheckReport::default() })
        }

        async fn load(&self, role: Role, _: &ReadRequest, _: &SnapshotSink) -> Result<()> {
            Err(Error::new(ErrorKind::Remote, format!("{role:?}")))
        }

        fn config_information(&self) -> Vec<ConfigItem> {
            vec![ConfigItem::new("Base URL", "both")]
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities { batch_size: 7, concurrency: 1, preconditions: false, deletes: false, staging: false }
        }

        async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
            Err(Error::new(ErrorKind::Remote, permit.message()))
        }
    }

    #[tokio::test]
    async fn each_side_is_asked_as_what_it_is() {
        let (source, target) = (AsSource(Both), AsTarget(Both));
        assert!(source.knows().has("cluster") && !source.knows().has("site"));
        assert!(target.holds().has("site") && !target.holds().has("cluster"));
        assert_eq!(source.check().await.unwrap().system, "Source");
        assert_eq!(target.check().await.unwrap().system, "Target");
        assert_eq!(source.config_information(), target.config_information());
        assert_eq!(target.capabilities().batch_size, 7);
        assert_eq!(target.releases().len(), 0);
    }
}
