//! Creating, changing and deleting maintenance windows.
//!
//! A window is never written without a host: Zabbix would refuse it, and other systems take an empty choice for everything.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change};
use syncline_core::native::Native;
use syncline_core::outcome::Outcome;
use syncline_core::target::{Batch, BatchError, Written};
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::models::{Host, Maintenance};
use syncline_model::{FieldSet, Model as _};

use super::Writer;
use super::hosts::{differing_from, looking, moved_from};
use super::payload::{Unsendable, missing, unsendable};
use crate::client::WriteError;
use crate::mapping::window::{marked, time};
use crate::read::window::{self, Members, Ownership, WindowRow};
use crate::rpc::{Call, Said};

#[derive(Deserialize)]
struct WindowIds {
    maintenanceids: Vec<Value>,
}

/// Windows as they are now.
#[derive(Default)]
struct Now {
    rows: HashMap<String, WindowRow>,
    members: Members,
}

impl Writer {
    fn ownership(&self) -> Ownership<'_> {
        Ownership { origin: &self.parameters.hosts.origin, ignored: &self.parameters.ignored_tag }
    }

    /// Creates or changes windows in one call.
    pub(super) async fn put_windows(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let updates = batch.changes[0].action == Action::Update;
        let now = if updates { self.windows(batch, bindings).await.map_err(looking)? } else { None };
        let mut written: Vec<Option<Written>> = Vec::new();
        let mut objects = Vec::new();
        for change in &batch.changes {
            let id = batch.native(change, bindings).map(|native| native.id.to_string());
            let row = now.as_ref().and_then(|now| Some((now.rows.get(&id?)?, &now.members)));
            let sendable = match (updates, row) {
                (true, None) => Err(stale("the window is gone")),
                (true, Some((row, members))) => match self.moved(row, members, change) {
                    Some(reason) => Err(stale(reason)),
                    None => self.object(change, Some((row, members)), bindings).map_err(failed),
                },
                (false, _) => self.object(change, None, bindings).map_err(failed),
            };
            match sendable {
                Ok(object) => {
                    objects.push(object);
                    written.push(None);
                }
                Err(outcome) => written.push(Some(Written::not_written(outcome))),
            }
        }
        let method = if updates { "maintenance.update" } else { "maintenance.create" };
        let ids = self.send_windows(method, objects).await?;
        let ids: Vec<_> = ids.iter().map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).collect();
        let now = self.windows_now(ids.clone()).await.map_err(BatchError::InDoubt)?;
        let mut ids = ids.into_iter();
        let outcome = |(change, written): (&&Change, Option<Written>)| {
            written.or_else(|| Some(self.verified(&ids.next()?, change, &now)))
        };
        let unsettled = || BatchError::InDoubt(Error::new(ErrorKind::Protocol, "Zabbix told too few ids of windows"));
        batch.changes.iter().zip(written).map(outcome).collect::<Option<Vec<_>>>().ok_or_else(unsettled)
    }

    /// What became of a window that was sent: Zabbix takes properties that it does not know, and does nothing with them.
    fn verified(&self, id: &str, change: &Change, now: &Now) -> Written {
        let Some(row) = now.rows.get(id) else {
            return Written::not_written(Outcome::Failed {
                field: None,
                reason: "Zabbix took the window, and does not show it to this account".to_owned(),
            });
        };
        let differing = match self.fields(row, &now.members) {
            Some(fields) => differing_from(&fields, change),
            None => Some(("description".to_owned(), row.description.as_str().into())),
        };
        match differing {
            None => Written::applied(Native::new(id), None),
            Some((field, found)) => Written::not_written(Outcome::Failed {
                reason: format!("Zabbix took it, and has {found} all the same"),
                field: Some(field),
            }),
        }
    }

    async fn send_windows(&self, method: &'static str, objects: Vec<Value>) -> Result<Vec<Value>, BatchError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let call = Call::new(method, Value::Array(objects));
        match self.client.call::<WindowIds>(&call).await {
            Ok((made, _)) => Ok(made.maintenanceids),
            Err(WriteError::Refused(refusal)) if refusal.said() == Said::Exists => {
                let message = format!(
                    "{} This sync did not make it, or its account may not see it: rename it in Zabbix, or give the rule another name",
                    refusal.words()
                );
                Err(BatchError::Refused {
                    field: Some("name".to_owned()),
                    error: Error::new(ErrorKind::Refused, message),
                })
            }
            Err(error) => Err(super::of_batch(error, method)),
        }
    }

    /// Deletes windows.
    pub(super) async fn delete_windows(
        &self,
        batch: &Batch<'_>,
        bindings: &Bindings,
    ) -> Result<Vec<Written>, BatchError> {
        let now = self.windows(batch, bindings).await.map_err(looking)?;
        let mut ids = Vec::new();
        let mut written = Vec::new();
        for change in &batch.changes {
            let id = batch.native(change, bindings).map(|native| native.id.to_string());
            let row = now.as_ref().and_then(|now| Some((now.rows.get(&id?)?, &now.members)));
            // Whoever was faster did what was wanted.
            let Some((row, members)) = row else {
                written.push(Written::deleted(None));
                continue;
            };
            match self.moved(row, members, change) {
                Some(reason) => written.push(Written::not_written(stale(reason))),
                None => {
                    ids.push(Value::from(row.maintenanceid.as_str()));
                    written.push(Written::deleted(None));
                }
            }
        }
        self.send_windows("maintenance.delete", ids).await?;
        Ok(written)
    }

    /// Finds out what became of a batch whose answer never came.
    pub(super) async fn settle_windows(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        let action = batch.changes[0].action;
        let rows = if action == Action::Create {
            let names = batch.changes.iter().filter_map(|change| change.after("name")?.as_str().map(str::to_owned));
            window::some(&self.reader, ("name", names.collect())).await?
        } else {
            self.windows(batch, bindings).await?.map(|now| now.rows.into_values().collect()).unwrap_or_default()
        };
        let members = window::members(&self.reader, &self.ownership(), self.page_size, &rows).await?;
        let settled = batch.changes.iter().map(|change| {
            let id = batch.native(change, bindings).map(|native| native.id.to_string());
            let name = change.after("name").and_then(Value::as_str);
            let row = rows.iter().find(|row| match action {
                Action::Create => Some(row.name.as_str()) == name,
                Action::Update | Action::Delete => Some(&row.maintenanceid) == id.as_ref(),
            });
            match (action, row) {
                (Action::Delete, None) => Some(Written::deleted(None)),
                (Action::Delete, Some(_)) | (_, None) => None,
                (Action::Create | Action::Update, Some(row)) => {
                    let fields = self.fields(row, &members)?;
                    differing_from(&fields, change)
                        .is_none()
                        .then(|| Written::applied(Native::new(&row.maintenanceid), None))
                }
            }
        });
        Ok(settled.collect())
    }

    /// The windows of a batch as they are, if it is about any that are there.
    async fn windows(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Option<Now>> {
        let ids = batch.changes.iter().filter_map(|change| batch.native(change, bindings));
        let ids: Vec<_> = ids.map(|native| native.id.to_string()).collect();
        if ids.is_empty() { Ok(None) } else { self.windows_now(ids).await.map(Some) }
    }

    /// The windows of some ids as they are.
    async fn windows_now(&self, ids: Vec<String>) -> Result<Now> {
        if ids.is_empty() {
            return Ok(Now::default());
        }
        let rows = window::some(&self.reader, ("maintenanceid", ids)).await?;
        let members = window::members(&self.reader, &self.ownership(), self.page_size, &rows).await?;
        Ok(Now { rows: rows.into_iter().map(|row| (row.maintenanceid.clone(), row)).collect(), members })
    }

    /// What of a window is not as the plan saw it; none if all is.
    fn moved(&self, row: &WindowRow, members: &Members, change: &Change) -> Option<String> {
        match self.fields(row, members) {
            Some(now) => moved_from(&now, change),
            None => Some("the last line of its description, by which the sync knows it, is gone".to_owned()),
        }
    }

    /// The managed fields of a window as it is; none when it is not the sync's any more.
    fn fields(&self, row: &WindowRow, members: &Members) -> Option<Map<String, Value>> {
        let ownership = self.ownership();
        let record: Maintenance = ownership.record(row, members).ok().filter(|_| ownership.is_ours(row))?;
        let mut out = Vec::new();
        record.write_fields(FieldSet::ALL, &mut out);
        serde_json::from_slice(&out).ok()
    }

    /// What is sent of a window: all of a new one, and of one that is there what changes.
    fn object(
        &self,
        change: &Change,
        now: Option<(&WindowRow, &Members)>,
        bindings: &Bindings,
    ) -> Result<Value, Unsendable> {
        let mut object = Map::new();
        let mut set = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        let row = now.map(|(row, _)| row);
        if let Some(row) = row {
            set("maintenanceid", row.maintenanceid.as_str().into());
        }
        if let Some(name) = change.after("name") {
            set("name", name.clone());
        }
        if let (None, description) | (Some(_), description @ Some(_)) = (row, change.after("description")) {
            let description = description.and_then(Value::as_str).unwrap_or_default();
            set("description", marked(description, &self.parameters.hosts.origin).into());
        }
        if change.after("active_since").is_some() || change.after("active_till").is_some() {
            let at = |field: &'static str, now: Option<&String>| {
                let said = change.after(field).and_then(Value::as_str).or_else(|| now.map(String::as_str));
                let at = time(said.unwrap_or_default()).map(|at| at.timestamp());
                at.or_else(|message| unsendable(field, message))
            };
            let since = at("active_since", row.map(|row| &row.active_since))?;
            let until = at("active_till", row.map(|row| &row.active_till))?;
            set("active_since", since.into());
            set("active_till", until.into());
            // One period over all of it.
            let period = json!({"timeperiod_type": 0, "start_date": since, "period": until - since});
            set("timeperiods", json!([period]));
        }
        if let Some(collects_data) = change.after("collects_data").and_then(Value::as_bool) {
            set("maintenance_type", u8::from(!collects_data).into());
        }
        if let Some(hosts) = change.after("hosts") {
            set("hosts", hosts_of(hosts, now, bindings)?);
        }
        Ok(Value::Object(object))
    }
}

/// The hosts of a window: those that are wanted, and those of people that are in it.
fn hosts_of(wanted: &Value, now: Option<(&WindowRow, &Members)>, bindings: &Bindings) -> Result<Value, Unsendable> {
    let mut ids = BTreeSet::new();
    if let Some((row, members)) = now {
        let others = row.hosts.iter().filter(|host| !members.contains_key(&host.hostid));
        ids.extend(others.map(|host| host.hostid.clone()));
    }
    for key in wanted.as_array().into_iter().flatten() {
        match bindings.id(Host::NAME, &key.to_string()) {
            Some(id) => drop(ids.insert(id)),
            None => {
                let name = key.get(0).and_then(Value::as_str).unwrap_or_default();
                return unsendable("hosts", missing("host", name));
            }
        }
    }
    if ids.is_empty() {
        return unsendable("hosts", "it would have no host, and a window of nothing is not written");
    }
    Ok(ids.into_iter().map(|id| json!({"hostid": id})).collect())
}

fn stale(reason: impl Into<String>) -> Outcome {
    Outcome::Stale { reason: reason.into() }
}

fn failed(fault: Unsendable) -> Outcome {
    Outcome::Failed { field: Some(fault.field.to_owned()), reason: fault.reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_nothing_is_not_written() {
        let fault = hosts_of(&json!([]), None, &Bindings::new()).unwrap_err();
        assert_eq!(fault.reason, "it would have no host, and a window of nothing is not written");
        let mut bindings = Bindings::new();
        bindings.bind("host", r#"["sw1"]"#, "7");
        assert_eq!(hosts_of(&json!([["sw1"]]), None, &bindings).unwrap(), json!([{"hostid": "7"}]));
        // A host that is not there is not left out either.
        assert!(hosts_of(&json!([["sw1"], ["sw2"]]), None, &bindings).is_err());
    }
}
