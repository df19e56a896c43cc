//! The writing half.
//!
//! Hosts go in arrays, one call after the other: an array costs a tenth of single calls, and two writers at once only wait for each
//! other. An array is all or nothing, so a refused one is taken apart here, where Zabbix's words tell who is at fault.

mod foresee;
mod hosts;
mod image;
mod isolate;
mod payload;
mod size;
mod windows;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::Action;
use syncline_core::native::Native;
use syncline_core::outcome::Outcome;
use syncline_core::target::{Batch, BatchError, TargetWriter, Written};
use syncline_core::{Error, ErrorKind, Result};

use self::size::Size;
use crate::catalogue::Catalogue;
use crate::client::{ReadClient, WriteClient, WriteError};
use crate::mapping::macros::Checks;
use crate::mapping::managed::Managed;
use crate::rpc::{Call, Said};
use crate::settings::TargetParameters;
use crate::templates::Templates;

/// Writes to a Zabbix.
pub(crate) struct Writer {
    pub(crate) reader: Arc<ReadClient>,
    pub(crate) client: WriteClient,
    /// What hosts refer to, with the groups that this run made.
    catalogue: Mutex<Arc<Catalogue>>,
    pub(crate) managed: Managed,
    pub(crate) parameters: TargetParameters,
    pub(crate) checks: Arc<Checks>,
    pub(crate) page_size: usize,
    size: Mutex<Size>,
    /// Who writes: one batch at a time, in the order of the plan. Only looking afterwards whether Zabbix kept it goes on meanwhile.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// What templates bring along, as far as it was asked for.
    templates: tokio::sync::Mutex<Templates>,
}

impl Writer {
    pub(crate) fn new(
        reader: Arc<ReadClient>,
        client: WriteClient,
        catalogue: Catalogue,
        parameters: TargetParameters,
        checks: Arc<Checks>,
        (batch_size, page_size): (usize, usize),
    ) -> Self {
        let managed = Managed::by(&parameters.hosts);
        let size = Mutex::new(Size::up_to(batch_size));
        let catalogue = Mutex::new(Arc::new(catalogue));
        Self {
            reader,
            client,
            catalogue,
            managed,
            parameters,
            checks,
            page_size,
            size,
            turn: tokio::sync::Mutex::default(),
            templates: tokio::sync::Mutex::default(),
        }
    }
}

#[derive(Deserialize)]
struct GroupIds {
    groupids: Vec<String>,
}

#[async_trait]
impl TargetWriter for Writer {
    async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let turn = self.turn.lock().await;
        match (batch.model.name, batch.changes[0].action) {
            ("host", Action::Create | Action::Update) => self.put_hosts(batch, bindings, turn).await,
            ("host", Action::Delete) => self.delete_hosts(batch, bindings).await,
            ("host_group", Action::Create) => self.create_groups(batch).await,
            ("host_group", Action::Delete) => self.delete_groups(batch, bindings).await,
            ("maintenance", Action::Create | Action::Update) => self.put_windows(batch, bindings).await,
            ("maintenance", Action::Delete) => self.delete_windows(batch, bindings).await,
            (model, action) => {
                let message = format!("this connector cannot {} a `{model}`", action.as_str());
                Err(BatchError::Fatal(Error::new(ErrorKind::Internal, message)))
            }
        }
    }

    async fn images(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Value>>> {
        match batch.model.name {
            "host" => self.images_of(batch, bindings).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn settle(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        if batch.model.name == "host" {
            return self.settle_hosts(batch, bindings).await;
        }
        if batch.model.name == "maintenance" {
            return self.settle_windows(batch, bindings).await;
        }
        let now = Arc::new(Catalogue::read(&self.reader).await?);
        // Groups whose creation was not answered are named from here on: hosts are read by it.
        *self.catalogue.lock().unwrap_or_else(PoisonError::into_inner) = now.clone();
        let settled = batch.changes.iter().map(|change| {
            let found = now.groups.id(&group_name(change));
            match change.action {
                Action::Delete => found.is_none().then(|| Written::deleted(None)),
                _ => found.map(|id| Written::applied(Native::new(id), None)),
            }
        });
        Ok(settled.collect())
    }
}

impl Writer {
    fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn create_groups(&self, batch: &Batch<'_>) -> Result<Vec<Written>, BatchError> {
        let names: Vec<_> = batch.changes.iter().map(|change| json!({"name": group_name(change)})).collect();
        let call = Call::new("hostgroup.create", Value::Array(names));
        match self.client.call::<GroupIds>(&call).await {
            Ok((made, _)) if made.groupids.len() == batch.changes.len() => {
                let mut catalogue = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
                let known = Arc::make_mut(&mut catalogue);
                for (change, id) in batch.changes.iter().zip(&made.groupids) {
                    known.groups.add(id, &group_name(change));
                }
                Ok(made.groupids.into_iter().map(|id| Written::applied(Native::new(id), None)).collect())
            }
            Ok(_) => Err(BatchError::InDoubt(Error::new(ErrorKind::Protocol, "Zabbix told too few ids of groups"))),
            Err(error) => Err(of_batch(error, call.method)),
        }
    }

    async fn delete_groups(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let native = |change| batch.native(change, bindings).map(|native| native.id.to_string());
        let ids: Vec<_> = batch.changes.iter().filter_map(|change| native(change)).collect();
        let call = Call::new("hostgroup.delete", ids.into());
        match self.client.call::<GroupIds>(&call).await {
            Ok(_) => Ok(batch.changes.iter().map(|_| Written::deleted(None)).collect()),
            Err(error) => Err(of_batch(error, call.method)),
        }
    }
}

/// The name of a group that a change is about.
fn group_name(change: &syncline_core::change::Change) -> String {
    change.key.parts().first().and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What is known of a batch that was one call.
fn of_batch(error: WriteError, method: &str) -> BatchError {
    match error {
        WriteError::Refused(refusal) => BatchError::Refused { field: None, error: refusal.error(method) },
        WriteError::InDoubt(error) => BatchError::InDoubt(error),
        WriteError::Again(error) => BatchError::Again(error),
        WriteError::Fatal(error) => BatchError::Fatal(error),
    }
}

/// The outcome of a change that Zabbix refused.
fn failed(refusal: &crate::rpc::Refusal) -> Written {
    let hint = match refusal.said() {
        Said::Missing => " It is missing, or not visible to this account",
        _ => "",
    };
    Written::not_written(Outcome::Failed { field: None, reason: format!("{}{hint}", refusal.words()) })
}
