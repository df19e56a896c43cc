//! Writing to a system that takes lists: what is the same for all of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{BatchError, Item, Items, Writing, Written};
use crate::Result;
use crate::native::Native;
use crate::outcome::Outcome;

/// What a system says about data that it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The system's field at fault, when it names one.
    pub field: Option<String>,
    /// Its own words.
    pub words: String,
}

/// A list of bodies that a system did not take.
#[derive(Debug)]
pub struct RefusedList {
    /// What is known of the list as a whole.
    pub error: BatchError,
    /// What is said of each body, when that is.
    pub each: Option<Vec<Option<Refused>>>,
}

/// A batch for a system that takes lists of JSON objects and answers them with their ids: what is particular to the system.
#[async_trait]
pub trait List: Send + Sync {
    /// How the batch is written.
    fn writing(&self) -> Writing;

    /// Whether the system keeps a second object with the same key out. If not, it is looked for before it is created.
    fn is_unique(&self) -> bool {
        true
    }

    /// What the system has now of some items: those that are there by their ids, new ones by what they are called.
    async fn rows(&self, items: &Items<'_>) -> Result<Vec<Value>>;

    /// The handle of a row.
    fn native(&self, row: &Value) -> Native;

    /// The id of the object that is written to; none for one that is only made.
    fn id_of(&self, item: &Item<'_>) -> Option<Box<str>> {
        item.native.as_ref().map(|native| native.id.clone())
    }

    /// Whether a row has the key of what is to be created.
    fn has_key(&self, item: &Item<'_>, row: &Value) -> bool;

    /// Whether a row is as an item wants it, but for what a second step adds.
    fn has(&self, item: &Item<'_>, row: &Value) -> bool;

    /// Why an item is not to be written as things are now. [`Outcome::Unchanged`] says of a delete that it is done.
    fn hold(&self, item: &Item<'_>, row: &Value) -> Option<Outcome> {
        let _ = (item, row);
        None
    }

    /// What is sent for an item, without its id; or the field at fault, and why.
    fn body(&self, item: &Item<'_>) -> Result<Map<String, Value>, (String, String)>;

    /// What comes before the list, with the rows of what is to be written.
    async fn first_step(&self, items: &Items<'_>, rows: &[Value]) -> Result<(), BatchError> {
        let _ = (items, rows);
        Ok(())
    }

    /// Sends the list. The objects that are answered come in its order, or with their ids.
    async fn send(&self, bodies: &[Value]) -> Result<Vec<Value>, RefusedList>;

    /// What an object needs beside itself, such as an assignment, where it has none yet.
    async fn second_step(&self, written: &[(&Item<'_>, &Value)]) -> Result<(), BatchError> {
        let _ = written;
        Ok(())
    }

    /// The system's own id for the request that these objects come from.
    async fn request_id(&self, objects: &[Value]) -> Option<String> {
        let _ = objects;
        None
    }
}

/// Objects that several records are written to: what a plan knows of one has not moved because the writer itself wrote to it for another.
#[derive(Debug, Default)]
pub struct Touched(Mutex<HashMap<Box<str>, [Native; 2]>>);

impl Touched {
    /// Notes an object as it was before it was written to for another record.
    pub fn before(&self, native: Native) {
        self.objects().insert(native.id.clone(), [native.clone(), native]);
    }

    /// Notes it as it is since then.
    pub fn after(&self, native: Native) {
        let mut objects = self.objects();
        objects.entry(native.id.clone()).and_modify(|[_, after]| *after = native);
    }

    /// Takes the handles of items over that only moved by that.
    pub fn follow(&self, items: &mut Items<'_>) {
        let objects = self.objects();
        for native in items.open_mut().filter_map(|item| item.native.as_mut()) {
            let by_us = objects.get(&native.id).filter(|[before, _]| before == native);
            if let Some([_, after]) = by_us {
                after.clone_into(native);
            }
        }
    }

    fn objects(&self) -> MutexGuard<'_, HashMap<Box<str>, [Native; 2]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a batch, for [`TargetWriter::write`](super::TargetWriter::write).
pub async fn write(list: &impl List, mut items: Items<'_>) -> Result<Vec<Written>, BatchError> {
    let writing = list.writing();
    let mut rows = Vec::new();
    if writing != Writing::Create || !list.is_unique() {
        rows = list.rows(&items).await.map_err(BatchError::looking)?;
        if writing != Writing::Create {
            let now = rows.iter().map(|row| list.native(row)).map(|native| (native.id.clone(), native)).collect();
            items.check_versions(writing, &now);
        }
        for item in items.open_mut() {
            let Some(row) = rows.iter().find(|row| is_of(list, item, row)) else { continue };
            if writing == Writing::Create {
                let reason = format!("it was created after the plan was made (id {})", list.native(row).id);
                item.settle(Outcome::Stale { reason });
            } else if let Some(outcome) = list.hold(item, row) {
                item.settle(outcome);
            }
        }
    }
    if !items.are_settled() {
        list.first_step(&items, &rows).await?;
    }
    loop {
        let bodies = bodies(list, &mut items);
        if bodies.is_empty() {
            break;
        }
        let refused = match list.send(&bodies).await {
            Ok(objects) => {
                answered(list, &mut items, &objects).await?;
                break;
            }
            Err(refused) => refused,
        };
        // Those that are not at fault are sent again.
        let each = refused.each.filter(|each| each.len() == bodies.len()).unwrap_or_default();
        match refused.error {
            _ if items.refuse(each) => {}
            BatchError::Refused { error, .. } if writing == Writing::Delete && bodies.len() == 1 => {
                let stays = Outcome::Skipped { reason: format!("it stays: {}", error.message()) };
                items.open_mut().for_each(|item| item.settle(stays.clone()));
            }
            error => return Err(error),
        }
    }
    Ok(items.finish())
}

/// Finds out what became of a batch, for [`TargetWriter::settle`](super::TargetWriter::settle).
pub async fn settle(list: &impl List, items: Items<'_>) -> Result<Vec<Option<Written>>> {
    let rows = list.rows(&items).await?;
    let mut settled = Vec::new();
    for item in items.iter() {
        let row = rows.iter().find(|row| is_of(list, item, row));
        settled.push(match (list.writing(), row) {
            (Writing::Delete, Some(row)) if list.hold(item, row) != Some(Outcome::Unchanged) => None,
            (Writing::Delete, _) => Some(Written::deleted(None)),
            (_, Some(row)) if list.has(item, row) => {
                // The second step may be what was lost.
                list.second_step(&[(item, row)]).await?;
                Some(Written::applied(list.native(row), None))
            }
            _ => None,
        });
    }
    Ok(settled)
}

fn is_of(list: &impl List, item: &Item<'_>, row: &Value) -> bool {
    match list.id_of(item) {
        Some(id) => list.native(row).id == id,
        None => list.has_key(item, row),
    }
}

/// The bodies of what is open; what cannot be written is settled.
fn bodies(list: &impl List, items: &mut Items<'_>) -> Vec<Value> {
    let mut bodies = Vec::new();
    for item in items.open_mut() {
        match list.body(item) {
            Ok(mut body) => {
                body.extend(list.id_of(item).map(|id| ("id".to_owned(), Value::from(&*id))));
                bodies.push(Value::Object(body));
            }
            Err((field, reason)) => item.fail(Some(field), reason),
        }
    }
    bodies
}

/// Settles what was sent by what the system answered.
async fn answered(list: &impl List, items: &mut Items<'_>, objects: &[Value]) -> Result<(), BatchError> {
    if list.writing() == Writing::Delete {
        items.open_mut().for_each(|item| item.wrote(Written::deleted(None)));
        return Ok(());
    }
    let request = list.request_id(objects).await;
    let mut written = Vec::new();
    for (at, item) in items.open().enumerate() {
        let object = match list.id_of(item) {
            Some(id) => objects.iter().find(|object| list.native(object).id == id),
            None => objects.get(at),
        };
        written.push((item, object));
    }
    let both: Vec<_> = written.iter().filter_map(|(item, object)| Some((*item, (*object)?))).collect();
    list.second_step(&both).await?;
    let natives: Vec<_> = written.into_iter().map(|(_, object)| object.map(|object| list.native(object))).collect();
    for (item, native) in items.open_mut().zip(natives) {
        if let Some(native) = native {
            item.wrote(Written::applied(native, request.clone()));
        }
    }
    Ok(())
}
