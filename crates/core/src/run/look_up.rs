//! Where people see a record in the systems of a sync.

use std::time::Duration;

use futures::future::join;
use schemars::JsonSchema;
use serde::Serialize;
use syncline_model::AnyKey;
use syncline_model::models::by_name;

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
        let source = Self::on(registry, sync, Side::Source, model, key, None);
        let target = Self::on(registry, sync, Side::Target, model, key, native);
        join(source, target).await.into()
    }

    /// Asks one side of a sync. `native` is the record's id in that system, where it is known. A source is not asked by a key that a
    /// mapping rule made: it knows the record by another one, or another record by it.
    pub async fn on(
        registry: &Registry,
        sync: &SyncDefinition,
        side: Side,
        model: &str,
        key: &AnyKey,
        native: Option<&Native>,
    ) -> Self {
        let definition = if side == Side::Source { &sync.source } else { &sync.target };
        let rekeys = |schema| sync.mapping.rules().is_ok_and(|rules| rules.rekeys(schema));
        let connection = definition.connection_name.clone();
        let asked = if side == Side::Source && native.is_none() && by_name(model).is_some_and(rekeys) {
            let message = "a mapping rule makes the name of this record: the source knows it by another";
            Err(Error::new(ErrorKind::Unsupported, message))
        } else {
            let asked = tokio::time::timeout(LIMIT, ask(registry, side, definition, model, key, native)).await;
            let late = || format!("`{connection}` did not answer within {} s", LIMIT.as_secs());
            asked.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unreachable, late())))
        };
        let (link, error) = match asked {
            Ok(link) => (link, None),
            Err(error) => (None, Some(error.in_full())),
        };
        Self { side, connection, link, error }
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
