//! The side that is read as truth.

use async_trait::async_trait;
use syncline_model::AnyKey;

use crate::Result;
use crate::describe::{CheckReport, ConfigItem, DataMapping, ObjectLink};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::read::ReadRequest;
use crate::snapshot::SnapshotSink;

/// A system that can be read as truth.
///
/// A connector knows no database, no scheduler and no retry loop, and spawns no task: whoever calls owns them.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Which models and fields this source can tell of, with the settings it was made with.
    fn knows(&self) -> ModelFields;

    /// Tests the connection: reachable, authenticated, authorised, a version that works.
    async fn check(&self) -> Result<CheckReport>;

    /// Reads every model of the request into the sink.
    ///
    /// # Behavior
    ///
    /// - Models are independent as far as the system allows: one that fails ends as
    ///   [`partial`](crate::snapshot::ModelSink::partial) with the reason, the others go on.
    /// - A model ends as [`complete`](crate::snapshot::ModelSink::complete) only if the system's own count, or the end of its
    ///   paging, proves it. An empty answer alone is no proof.
    /// - An error returned from here fails the run: the system is unreachable, the credential is refused.
    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()>;

    /// What of the system becomes what of the models, down to fields, for people.
    fn data_mappings(&self) -> Vec<DataMapping>;

    /// The configuration for people, without secrets.
    fn config_information(&self) -> Vec<ConfigItem>;

    /// Where a person sees a record in the system's own interface; none when it has no page for it.
    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        let _ = (model, key, native);
        Ok(None)
    }
}
