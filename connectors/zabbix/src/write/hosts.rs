//! Creating, changing and deleting hosts.

use std::collections::{BTreeSet, HashMap};
use std::sync::PoisonError;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change};
use syncline_core::native::Native;
use syncline_core::outcome::Outcome;
use syncline_core::target::{Batch, BatchError, Written};
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::{FieldSet, Model as _};
use tokio::sync::MutexGuard;

use super::isolate;
use super::payload::Payloads;
use super::{Writer, failed};
use crate::catalogue::Catalogue;
use crate::client::WriteError;
use crate::mapping::macros::MacroValue;
use crate::read::host::Reading;
use crate::read::rows::HostRow;
use crate::read::rows_of;
use crate::rpc::{Call, Refusal};
use crate::templates::Templates;

/// How many hosts of an array are taken out one by one before it is taken apart.
const EVICTIONS: usize = 10;
/// Into how many arrays a refused one is taken apart.
const PARTS: usize = 10;
/// How many hosts are deleted in one call at most: with their items, they are dear.
const DELETES: usize = 50;

#[derive(Deserialize)]
struct HostIds {
    hostids: Vec<Value>,
}

/// A change on its way.
struct Item<'b> {
    change: &'b Change,
    /// What is sent.
    object: Value,
    /// The host's id, from the start or since it was created.
    id: Option<String>,
    /// What became of it.
    done: Option<Written>,
}

impl Item<'_> {
    fn end(&mut self, outcome: Outcome) {
        self.done = Some(Written::not_written(outcome));
    }
}

impl Writer {
    fn reading<'w>(&'w self, catalogue: &'w Catalogue) -> Reading<'w> {
        Reading {
            dialect: self.reader.dialect(),
            catalogue,
            managed: &self.managed,
            origin: &self.parameters.hosts.origin,
        }
    }

    fn payloads<'w>(
        &'w self,
        catalogue: &'w Catalogue,
        templates: &'w Templates,
        bindings: &'w Bindings,
    ) -> Payloads<'w> {
        Payloads {
            templates,
            dialect: self.reader.dialect(),
            catalogue,
            managed: &self.managed,
            mapping: &self.parameters.hosts,
            checks: &self.checks,
            unlink: self.parameters.unlink,
            bindings,
        }
    }

    /// Creates or changes hosts, as many at once as time allows, and looks whether Zabbix kept what it took.
    pub(super) async fn put_hosts(
        &self,
        batch: &Batch<'_>,
        bindings: &Bindings,
        turn: MutexGuard<'_, ()>,
    ) -> Result<Vec<Written>, BatchError> {
        let updates = batch.changes[0].action == Action::Update;
        let mut items = self.prepared(batch, bindings, updates).await.map_err(looking)?;
        let method = if updates { "host.update" } else { "host.create" };
        let mut wrote = false;
        loop {
            let size = self.size.lock().unwrap_or_else(PoisonError::into_inner).get();
            let open: Vec<_> =
                (0..items.len()).filter(|&at| items[at].done.is_none() && !is_sent(&items[at], updates)).collect();
            let Some(chunk) = open.get(..size.min(open.len())).filter(|chunk| !chunk.is_empty()) else { break };
            let sent = self.send(method, chunk, &mut items).await;
            match sent {
                Ok(()) => wrote = true,
                // What went before is written; reading again tells.
                Err(error) if wrote => return Err(BatchError::InDoubt(error.into_error(method))),
                Err(error) => return Err(super::of_batch(error, method)),
            }
        }
        // The next batch is written while this one is read again.
        drop(turn);
        self.verify(&mut items, updates).await.map_err(BatchError::InDoubt)?;
        Ok(items.into_iter().map(|item| item.done.unwrap_or_else(unsettled)).collect())
    }

    /// What is to be said of a secret that a change wants and that is not to be had any more; none if it wants none.
    fn lost_secret(&self, change: &Change) -> Option<String> {
        let wanted = change.after("macros").and_then(Value::as_array)?;
        let lost = wanted.iter().find_map(|pair| {
            let (name, value) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
            match MacroValue::parse(value) {
                MacroValue::Secret { check: Some(check) } if self.checks.value(name, &check).is_none() => Some(name),
                _ => None,
            }
        })?;
        Some(format!(
            "the secret of `{lost}` is another one by now, and the earlier one cannot be given back; the rest is written"
        ))
    }

    /// Why a host is not to be touched as the plan wants it; none if it is as the plan saw it.
    fn host_moved(&self, reading: &Reading<'_>, row: &HostRow, change: &Change) -> Option<String> {
        let ignored = &self.parameters.ignored_tag;
        if row.tags.iter().any(|tag| tag.tag == *ignored) {
            return Some(format!("people keep it since the plan was made, by the tag `{ignored}`"));
        }
        match fields_of(reading, row) {
            Some(now) => moved_from(&now, change),
            None => Some("it cannot be read as a host any more".to_owned()),
        }
    }

    /// What is to be sent. An update is made of what the host is now.
    async fn prepared<'b>(&self, batch: &Batch<'b>, bindings: &Bindings, updates: bool) -> Result<Vec<Item<'b>>> {
        let catalogue = self.catalogue();
        let id = |change| batch.native(change, bindings).map(|native| native.id.to_string());
        let rows = if updates {
            self.rows(batch.changes.iter().filter_map(|change| id(change)).collect()).await?
        } else {
            HashMap::new()
        };
        let templates = self.templates(&catalogue, batch, rows.values()).await?;
        let payloads = self.payloads(&catalogue, &templates, bindings);
        let reading = self.reading(&catalogue);
        let item = |change: &'b Change| {
            let mut item = Item { change, object: Value::Null, id: id(change), done: None };
            let object = if updates {
                let Some(row) = item.id.as_ref().and_then(|id| rows.get(id)) else {
                    item.end(Outcome::Stale { reason: "the host is gone".to_owned() });
                    return item;
                };
                if let Some(reason) = self.host_moved(&reading, row, change) {
                    item.end(Outcome::Stale { reason });
                    return item;
                }
                payloads.update(change, row)
            } else {
                payloads.create(change)
            };
            match object {
                Ok(object) => item.object = object,
                Err(fault) => {
                    item.end(Outcome::Failed { field: Some(fault.field.to_owned()), reason: fault.reason });
                }
            }
            item
        };
        Ok(batch.changes.iter().map(|change| item(change)).collect())
    }

    /// What the templates bring along that the hosts of a batch have or get. Each is read once.
    async fn templates<'r>(
        &self,
        catalogue: &Catalogue,
        batch: &Batch<'_>,
        rows: impl Iterator<Item = &'r HostRow>,
    ) -> Result<Templates> {
        let touches =
            |change: &&&Change| change.fields.iter().any(|field| matches!(&*field.name, "templates" | "interfaces"));
        if batch.changes.iter().filter(touches).count() == 0 {
            return Ok(Templates::default());
        }
        let mut ids: BTreeSet<String> =
            batch.changes.iter().flat_map(|change| Payloads::linked(catalogue, change)).collect();
        ids.extend(rows.flat_map(|row| &row.templates).map(|template| template.templateid.clone()));
        let mut known = self.templates.lock().await;
        known.learn(&self.reader, &ids).await?;
        Ok(known.clone())
    }

    /// Sends some items in one array, and takes it apart if it is refused.
    async fn send(&self, method: &'static str, chunk: &[usize], items: &mut [Item<'_>]) -> Result<(), WriteError> {
        let mut left = chunk.to_vec();
        for _ in 0..=EVICTIONS {
            if left.is_empty() {
                return Ok(());
            }
            let call = call_of(method, &left, items);
            let refusal = match self.client.call::<HostIds>(&call).await {
                Ok((made, took)) => {
                    self.size.lock().unwrap_or_else(PoisonError::into_inner).took(left.len(), took);
                    return keep_ids(&made, &left, items);
                }
                Err(WriteError::Refused(refusal)) => refusal,
                Err(error) => return Err(error),
            };
            if let [one] = left[..] {
                items[one].done = Some(failed(&refusal));
                return Ok(());
            }
            let objects: Vec<_> = left.iter().map(|&at| &items[at].object).collect();
            let faulty = isolate::at_fault(&refusal, &objects);
            if faulty.is_empty() {
                break;
            }
            for &at in &faulty {
                items[left[at]].done = Some(failed(&refusal));
            }
            left.retain(|&at| items[at].done.is_none());
        }
        self.take_apart(method, left, items).await
    }

    /// Sends a refused array in parts, and those of them that are refused host by host: two requests, whatever the number.
    async fn take_apart(
        &self,
        method: &'static str,
        left: Vec<usize>,
        items: &mut [Item<'_>],
    ) -> Result<(), WriteError> {
        let mut parts: Vec<Vec<usize>> = left.chunks(left.len().div_ceil(PARTS).max(1)).map(<[_]>::to_vec).collect();
        while !parts.is_empty() {
            let calls: Vec<_> = parts.iter().map(|part| call_of(method, part, items)).collect();
            let answers = self.client.batch(&calls).await?;
            let mut again = Vec::new();
            for (part, answer) in parts.into_iter().zip(answers) {
                match (answer, &part[..]) {
                    (Ok(made), _) => {
                        let made: HostIds = serde_json::from_str(made.get()).map_err(|error| {
                            let message = format!("Zabbix's answer to `{method}` cannot be read: {error}");
                            WriteError::InDoubt(Error::new(ErrorKind::Protocol, message))
                        })?;
                        keep_ids(&made, &part, items)?;
                    }
                    (Err(refusal), [one]) => items[*one].done = Some(failed(&refusal)),
                    (Err(_), many) => again.extend(many.iter().map(|&at| vec![at])),
                }
            }
            parts = again;
        }
        Ok(())
    }

    /// Reads what was written: Zabbix takes properties that it does not know, and does nothing with them.
    async fn verify(&self, items: &mut [Item<'_>], updates: bool) -> Result<()> {
        let sent = |item: &Item<'_>| item.done.is_none() && is_sent(item, updates);
        let ids: Vec<_> = items.iter().filter(|item| sent(item)).filter_map(|item| item.id.clone()).collect();
        let rows = self.rows(ids).await?;
        let catalogue = self.catalogue();
        let reading = self.reading(&catalogue);
        for item in items.iter_mut().filter(|item| item.done.is_none()) {
            let row = item.id.as_ref().and_then(|id| rows.get(id));
            item.done = Some(match row {
                None => Written::not_written(Outcome::Failed {
                    field: None,
                    reason: "Zabbix took the host, and does not show it to this account".to_owned(),
                }),
                Some(row) => match differing(&reading, row, item.change) {
                    None => Written::applied(Native::new(&row.hostid), None),
                    Some((field, found)) => Written::not_written(Outcome::Failed {
                        reason: self
                            .lost_secret(item.change)
                            .filter(|_| field == "macros")
                            .unwrap_or_else(|| format!("Zabbix took it, and has {found} all the same")),
                        field: Some(field),
                    }),
                },
            });
        }
        Ok(())
    }

    /// Deletes hosts.
    pub(super) async fn delete_hosts(
        &self,
        batch: &Batch<'_>,
        bindings: &Bindings,
    ) -> Result<Vec<Written>, BatchError> {
        let id = |change| batch.native(change, bindings).map(|native| native.id.to_string());
        let ids: Vec<_> = batch.changes.iter().filter_map(|change| id(change)).collect();
        let rows = self.rows(ids).await.map_err(looking)?;
        let catalogue = self.catalogue();
        let reading = self.reading(&catalogue);
        let mut items: Vec<_> = batch
            .changes
            .iter()
            .map(|change| {
                let mut item = Item { change, object: Value::Null, id: id(change), done: None };
                match item.id.as_ref().and_then(|id| rows.get(id)) {
                    // Whoever was faster did what was wanted.
                    None => item.done = Some(Written::deleted(None)),
                    Some(row) => match self.host_moved(&reading, row, change) {
                        Some(reason) => item.end(Outcome::Stale { reason }),
                        None => item.object = json!({"hostid": row.hostid, "host": row.host, "name": row.name}),
                    },
                }
                item
            })
            .collect();
        let mut wrote = false;
        loop {
            let open: Vec<_> = (0..items.len()).filter(|&at| items[at].done.is_none()).take(DELETES).collect();
            if open.is_empty() {
                return Ok(items.into_iter().map(|item| item.done.unwrap_or_else(unsettled)).collect());
            }
            match self.delete(open, &mut items).await {
                Ok(()) => wrote = true,
                Err(error) if wrote => return Err(BatchError::InDoubt(error.into_error("host.delete"))),
                Err(error) => return Err(super::of_batch(error, "host.delete")),
            }
        }
    }

    async fn delete(&self, mut left: Vec<usize>, items: &mut [Item<'_>]) -> Result<(), WriteError> {
        while !left.is_empty() {
            let ids: Vec<_> = left.iter().filter_map(|&at| items[at].id.clone()).collect();
            let refusal = match self.client.call::<HostIds>(&Call::new("host.delete", ids.into())).await {
                Ok(_) => {
                    for &at in &left {
                        items[at].done = Some(Written::deleted(None));
                    }
                    return Ok(());
                }
                Err(WriteError::Refused(refusal)) => refusal,
                Err(error) => return Err(error),
            };
            let objects: Vec<_> = left.iter().map(|&at| &items[at].object).collect();
            let faulty = isolate::at_fault(&refusal, &objects);
            if faulty.is_empty() || left.len() == 1 {
                return self.delete_singly(&left, items, &refusal).await;
            }
            for &at in &faulty {
                items[left[at]].done = Some(failed(&refusal));
            }
            left.retain(|&at| items[at].done.is_none());
        }
        Ok(())
    }

    async fn delete_singly(&self, left: &[usize], items: &mut [Item<'_>], refusal: &Refusal) -> Result<(), WriteError> {
        if let [one] = left {
            items[*one].done = Some(failed(refusal));
            return Ok(());
        }
        let call = |at: &usize| Call::new("host.delete", json!([items[*at].id]));
        let calls: Vec<_> = left.iter().map(call).collect();
        for (&at, answer) in left.iter().zip(self.client.batch(&calls).await?) {
            items[at].done = Some(match answer {
                Ok(_) => Written::deleted(None),
                Err(refusal) => failed(&refusal),
            });
        }
        Ok(())
    }

    /// Finds out what became of a batch whose answer never came.
    pub(super) async fn settle_hosts(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        let catalogue = self.catalogue();
        let reading = self.reading(&catalogue);
        let id = |change| batch.native(change, bindings).map(|native| native.id.to_string());
        let name = |change: &Change| change.after("host").and_then(Value::as_str).map(str::to_owned);
        if batch.changes[0].action == Action::Create {
            let mut query = reading.query();
            let names: Vec<_> = batch.changes.iter().filter_map(|change| name(change)).collect();
            query["filter"] = json!({"host": names, "flags": 0});
            let rows: Vec<HostRow> = self.reader.call("host.get", query).await?;
            let settled = batch.changes.iter().map(|change| {
                let row = rows.iter().find(|row| Some(&row.host) == name(change).as_ref())?;
                let ours = differing(&reading, row, change).is_none();
                ours.then(|| Written::applied(Native::new(&row.hostid), None))
            });
            return Ok(settled.collect());
        }
        let rows = self.rows(batch.changes.iter().filter_map(|change| id(change)).collect()).await?;
        let settled = batch.changes.iter().map(|change| {
            let row = id(change).and_then(|id| rows.get(&id));
            match (change.action, row) {
                (Action::Delete, None) => Some(Written::deleted(None)),
                (Action::Delete, Some(_)) | (_, None) => None,
                (_, Some(row)) => {
                    let written = differing(&reading, row, change).is_none();
                    written.then(|| Written::applied(Native::new(&row.hostid), None))
                }
            }
        });
        Ok(settled.collect())
    }

    /// The hosts of some ids, by id.
    async fn rows(&self, ids: Vec<String>) -> Result<HashMap<String, HostRow>> {
        let catalogue = self.catalogue();
        let mut rows = HashMap::new();
        for page in ids.chunks(self.page_size.max(1)) {
            let found = rows_of(&self.reader, &self.reading(&catalogue), page.to_vec()).await?;
            rows.extend(found.into_iter().map(|row| (row.hostid.clone(), row)));
        }
        Ok(rows)
    }
}

/// Whether an item was sent and taken.
fn is_sent(item: &Item<'_>, updates: bool) -> bool {
    if updates { item.object == Value::Null } else { item.id.is_some() }
}

fn call_of(method: &'static str, chunk: &[usize], items: &[Item<'_>]) -> Call {
    Call::new(method, chunk.iter().map(|&at| items[at].object.clone()).collect())
}

/// Notes what was taken: the ids come in the order of the array.
fn keep_ids(made: &HostIds, chunk: &[usize], items: &mut [Item<'_>]) -> Result<(), WriteError> {
    if made.hostids.len() != chunk.len() {
        let message = format!("Zabbix told {} ids of {} hosts", made.hostids.len(), chunk.len());
        return Err(WriteError::InDoubt(Error::new(ErrorKind::Protocol, message)));
    }
    for (&at, id) in chunk.iter().zip(&made.hostids) {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        items[at].id = Some(id);
        items[at].object = Value::Null;
    }
    Ok(())
}

fn unsettled() -> Written {
    Written::not_written(Outcome::Failed { field: None, reason: "Zabbix did not say what became of it".to_owned() })
}

/// The managed fields of a host as it is, by name.
fn fields_of(reading: &Reading<'_>, row: &HostRow) -> Option<Map<String, Value>> {
    let mut out = Vec::new();
    reading.record(row).ok()?.write_fields(FieldSet::ALL, &mut out);
    serde_json::from_slice(&out).ok()
}

/// Which of the fields that a record has now is not as the plan saw it; none if all are.
pub(super) fn moved_from(now: &Map<String, Value>, change: &Change) -> Option<String> {
    let moved = change.fields.iter().find(|field| !same(now.get(&field.name), &field.before))?;
    let found = now.get(&moved.name).unwrap_or(&Value::Null);
    Some(format!("`{}` is {found} now, and was {} when the plan was made", moved.name, moved.before))
}

/// The field in which a host is not as a change wants it, with what it has.
fn differing(reading: &Reading<'_>, row: &HostRow, change: &Change) -> Option<(String, Value)> {
    match fields_of(reading, row) {
        Some(now) => differing_from(&now, change),
        // What cannot be read was not seen to be as it should.
        None => Some(("host".to_owned(), "a form that cannot be read as a host".into())),
    }
}

/// The field that a record has now and that is not as a change wants it, with what it has.
pub(super) fn differing_from(now: &Map<String, Value>, change: &Change) -> Option<(String, Value)> {
    let differing = change.fields.iter().find(|field| !same(now.get(&field.name), &field.after))?;
    Some((differing.name.clone(), now.get(&differing.name).cloned().unwrap_or(Value::Null)))
}

/// Whether a host has a value; nothing and an empty set are the same.
fn same(now: Option<&Value>, value: &Value) -> bool {
    let is_nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    match now {
        Some(now) => now == value || (is_nothing(now) && is_nothing(value)),
        None => is_nothing(value),
    }
}

/// The error of a look before a write: nothing was sent.
pub(super) fn looking(error: Error) -> BatchError {
    if error.status() == syncline_core::ErrorStatus::Permanent {
        BatchError::Fatal(error)
    } else {
        BatchError::Again(error)
    }
}
