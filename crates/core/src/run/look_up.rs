//! Where people see a record in the systems of a sync.

use std::time::Duration;

use futures::future::join;
use schemars::JsonSchema;
use serde::Serialize;
use syncline_model::AnyKey;

use super::{SideDefinition, SyncDefinition};
use crate::describe::ObjectLink;
use crate::error::ErrorReport;
use crate::event::{Events, Side};
use crate::native::Native;
use crate::registry::Registry;
use crate::{Error, ErrorKind, Result};

/// How long a side may take to tell. Somebody waits for a page to open.
const LIMIT: Duration = Duration::from_secs(20);

/// Where one side shows a record.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LookedUp {
    /// Which.
    pub side: Side,
    /// The name of its connection.
    pub connection: String,
    /// Its page for the record, or a list that has it; null where the system has none that its connector knows.
    pub link: Option<ObjectLink>,
    /// Why nobody knows.
    pub error: Option<ErrorReport>,
}

impl LookedUp {
    /// Asks both sides of a sync at once, the source first in the answer. `native` is the record's id in the target, where it is known.
    pub async fn both(
        registry: &Registry,
        sync: &SyncDefinition,
        model: &str,
        key: &AnyKey,
        native: Option<&Native>,
    ) -> [Self; 2] {
        let source = Self::on(registry, Side::Source, &sync.source, model, key, None);
        let target = Self::on(registry, Side::Target, &sync.target, model, key, native);
        join(source, target).await.into()
    }

    /// Asks one side. `native` is the record's id in that system, where it is known.
    pub async fn on(
        registry: &Registry,
        side: Side,
        definition: &SideDefinition,
        model: &str,
        key: &AnyKey,
        native: Option<&Native>,
    ) -> Self {
        let asked = tokio::time::timeout(LIMIT, ask(registry, side, definition, model, key, native)).await;
        let late = || format!("`{}` did not answer within {} s", definition.connection_name, LIMIT.as_secs());
        let (link, error) = match asked.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unreachable, late()))) {
            Ok(link) => (link, None),
            Err(error) => (None, Some(error.in_full())),
        };
        Self { side, connection: definition.connection_name.clone(), link, error }
    }
}

async fn ask(
    registry: &Registry,
    side: Side,
    definition: &SideDefinition,
    model: &str,
    key: &AnyKey,
    native: Option<&Native>,
) -> Result<Option<ObjectLink>> {
    let events = Events::new();
    match side {
        Side::Source => registry.connect_source(definition, &events).await?.lookup_object(model, key, native).await,
        Side::Target => registry.connect_target(definition, &events).await?.lookup_object(model, key, native).await,
    }
}
