//! Writing to a system that takes lists: what is the same for all of them.

use std::collections::{HashMap, HashSet};
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

    /// What the writer knows of objects that it wrote itself.
    fn own(&self) -> &Own;

    /// Whether the system keeps a second object with the same key out. If not, and where what is created is a part of an object that is
    /// there, it is looked at before.
    fn is_unique(&self) -> bool {
        true
    }

    /// What the system has now of the open items: those that are there by their ids, new ones by what they are called.
    async fn rows(&self, items: &Items<'_>) -> Result<Vec<Value>>;

    /// The handle of a row.
    fn native(&self, row: &Value) -> Native;

    /// The id of the object that is written to; none for one that is only made.
    fn id_of(&self, item: &Item<'_>) -> Option<Box<str>> {
        item.native.as_ref().map(|native| native.id.clone())
    }

    /// Whether a row has the key of what is to be created.
    fn has_key(&self, item: &Item<'_>, row: &Value) -> bool;

    /// Whether an object that is there already is to become what an item creates: one that the system made by itself together with another
    /// that this writer created, such as the interfaces that a device gets from its type. Any other was made by somebody else.
    fn adopts(&self, item: &Item<'_>, row: &Value) -> bool {
        let _ = (item, row);
        false
    }

    /// How much of an item a row has.
    fn has(&self, item: &Item<'_>, row: &Value) -> Has;

    /// Why an item is not to be written as things are now. [`Outcome::Unchanged`] says of a delete that it is done.
    fn hold(&self, item: &Item<'_>, row: &Value) -> Option<Outcome> {
        let _ = (item, row);
        None
    }

    /// What is sent for an item, without its id; or the field at fault, and why.
    fn body(&self, item: &Item<'_>) -> Result<Map<String, Value>, (String, String)>;

    /// What comes before the list, with the rows of what is to be written. The list may still be refused: what it takes away is lost then.
    async fn first_step(&self, items: &Items<'_>, rows: &[Value]) -> Result<(), BatchError> {
        let _ = (items, rows);
        Ok(())
    }

    /// Sends a list, of what is adopted as updates. The objects that are answered come in its order, or with their ids.
    async fn send(&self, writing: Writing, bodies: &[Value]) -> Result<Vec<Value>, RefusedList>;

    /// What an object needs beside itself, such as an assignment, where it is not so yet: items that were written with the objects that
    /// were answered, and the rows that were looked at before. It is asked again after a lost answer, and, when it is refused, for each
    /// item alone.
    async fn second_step(&self, written: &[(&Item<'_>, &Value)], rows: &[Value]) -> Result<(), BatchError> {
        let _ = (written, rows);
        Ok(())
    }

    /// The system's own id for the request that wrote an object just now, or deleted it.
    async fn request_id(&self, id: &str) -> Option<String> {
        let _ = id;
        None
    }
}

impl From<RefusedList> for BatchError {
    fn from(refused: RefusedList) -> Self {
        refused.error
    }
}

/// How much of an item a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// Not all that the list says.
    Less,
    /// What the list says, and not what the second step adds.
    ButForSecondStep,
    /// Everything.
    All,
}

/// Objects that a writer wrote itself: what it made of them is none of the changes that a plan has to beware of.
#[derive(Debug, Default)]
pub struct Own {
    moved: Mutex<HashMap<Box<str>, [Native; 2]>>,
    made: Mutex<HashSet<Box<str>>>,
    /// What lacks its second step.
    left: Mutex<HashSet<Box<str>>>,
}

impl Own {
    /// Notes an object as it is before it is written to for another record than its own. If it is as the writer left it last, that goes on.
    pub fn before(&self, native: Native) {
        let mut moved = held(&self.moved);
        if moved.get(&native.id).is_none_or(|[_, after]| *after != native) {
            moved.insert(native.id.clone(), [native.clone(), native]);
        }
    }

    /// Notes it as it is since then.
    pub fn after(&self, native: Native) {
        held(&self.moved).entry(native.id.clone()).and_modify(|[_, after]| *after = native);
    }

    /// Notes objects, by their ids, that this writer made, to tell what the system makes together with them; see [`List::adopts`].
    pub fn made(&self, ids: impl IntoIterator<Item = impl Into<Box<str>>>) {
        held(&self.made).extend(ids.into_iter().map(Into::into));
    }

    /// Whether it made an object.
    pub fn has_made(&self, id: &str) -> bool {
        held(&self.made).contains(id)
    }

    /// Whether it made any that it knows of.
    pub fn has_made_any(&self) -> bool {
        !held(&self.made).is_empty()
    }

    fn is_left(&self, id: &str) -> bool {
        held(&self.left).contains(id)
    }

    /// Takes the handles of items over that only this writer moved.
    fn follow(&self, items: &mut Items<'_>) {
        let moved = held(&self.moved);
        for native in items.open_mut().filter_map(|item| item.native.as_mut()) {
            let by_us = moved.get(&native.id).filter(|[before, _]| before == native);
            if let Some([_, after]) = by_us {
                after.clone_into(native);
            } else if self.is_left(&native.id) {
                native.version = None;
            }
        }
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows, to be found.
struct Rows<'r> {
    rows: &'r [Value],
    by_id: HashMap<Box<str>, &'r Value>,
}

impl<'r> Rows<'r> {
    fn of(list: &impl List, rows: &'r [Value]) -> Self {
        Self { rows, by_id: rows.iter().map(|row| (list.native(row).id, row)).collect() }
    }

    /// The row of an item: the object that it is written to, or else one that has its key.
    fn get(&self, list: &impl List, item: &Item<'_>) -> Option<&'r Value> {
        match list.id_of(item) {
            Some(id) => self.by_id.get(&id).copied(),
            None => self.rows.iter().find(|row| list.has_key(item, row)),
        }
    }
}

/// Writes a batch, for [`TargetWriter::write`](super::TargetWriter::write).
pub async fn write(list: &impl List, mut items: Items<'_>) -> Result<Vec<Written>, BatchError> {
    let writing = list.writing();
    list.own().follow(&mut items);
    let mut rows = Vec::new();
    if writing != Writing::Create || !list.is_unique() || !held(&list.own().left).is_empty() {
        rows = list.rows(&items).await.map_err(BatchError::looking)?;
        look(list, &mut items, &rows);
    }
    if !items.are_settled() {
        list.first_step(&items, &rows).await?;
    }
    if writing == Writing::Create {
        // What is adopted goes first: should the rest be refused, it can be written again.
        items.only(|item| item.native.is_some());
        send(list, Writing::Update, &mut items, &rows).await?;
        items.all();
    }
    send(list, writing, &mut items, &rows).await?;
    Ok(items.finish())
}

/// Sends what is open.
async fn send(list: &impl List, writing: Writing, items: &mut Items<'_>, rows: &[Value]) -> Result<(), BatchError> {
    loop {
        let bodies = bodies(list, items);
        if bodies.is_empty() {
            return Ok(());
        }
        let refused = match list.send(writing, &bodies).await {
            Ok(objects) => return answered(list, items, &objects, rows).await,
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
}

/// Finds out what became of a batch, for [`TargetWriter::settle`](super::TargetWriter::settle). It writes nothing: what lacks its second
/// step is not written yet, and [`write`] takes it up where it was left.
pub async fn settle(list: &impl List, items: Items<'_>) -> Result<Vec<Option<Written>>> {
    let rows = if items.are_settled() { Vec::new() } else { list.rows(&items).await? };
    let by_id = Rows::of(list, &rows);
    let settled = items.into_iter().map(|item| match (list.writing(), by_id.get(list, &item)) {
        _ if item.done().is_some() => item.done().cloned(),
        (Writing::Delete, Some(row)) if list.hold(&item, row) != Some(Outcome::Unchanged) => None,
        (Writing::Delete, _) => Some(Written::deleted(None)),
        (_, Some(row)) => match list.has(&item, row) {
            Has::All => Some(Written::applied(list.native(row), None)),
            Has::ButForSecondStep => {
                held(&list.own().left).insert(list.native(row).id);
                None
            }
            Has::Less => None,
        },
        (_, None) => None,
    });
    Ok(settled.collect())
}

/// Settles what is not to be written as things are now.
fn look(list: &impl List, items: &mut Items<'_>, rows: &[Value]) {
    let writing = list.writing();
    if writing != Writing::Create {
        let now = rows.iter().map(|row| list.native(row)).map(|native| (native.id.clone(), native)).collect();
        items.check_versions(writing, &now);
    }
    let rows = Rows::of(list, rows);
    for item in items.open_mut() {
        let Some(row) = rows.get(list, item) else { continue };
        if writing == Writing::Create && list.has_key(item, row) {
            let native = list.native(row);
            if list.own().is_left(&native.id) || list.adopts(item, row) {
                item.native = Some(native);
            } else {
                let reason = format!(
                    "it is there, and was not when the plan was made, or could not be taken over (id {})",
                    native.id
                );
                item.settle(Outcome::Stale { reason });
            }
        } else if writing != Writing::Create
            && let Some(outcome) = list.hold(item, row)
        {
            item.settle(outcome);
        }
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
async fn answered(
    list: &impl List,
    items: &mut Items<'_>,
    objects: &[Value],
    rows: &[Value],
) -> Result<(), BatchError> {
    if list.writing() == Writing::Delete {
        let first = items.open().find_map(|item| list.id_of(item));
        let request = request_id(list, first).await;
        items.open_mut().for_each(|item| item.wrote(Written::deleted(request.clone())));
        return Ok(());
    }
    let request = request_id(list, objects.first().map(|object| list.native(object).id)).await;
    let by_id = Rows::of(list, objects);
    let object = |(at, item): (usize, &Item<'_>)| match list.id_of(item) {
        Some(id) => by_id.by_id.get(&id).copied(),
        None => objects.get(at),
    };
    let answers: Vec<_> = items.open().enumerate().map(object).collect();
    let both: Vec<_> = items.open().zip(&answers).filter_map(|(item, object)| Some((item, (*object)?))).collect();
    let mut written = Vec::new();
    match list.second_step(&both, rows).await {
        Ok(()) => {
            written.extend(both.iter().map(|(_, object)| Written::applied(list.native(object), request.clone())));
        }
        Err(BatchError::Refused { .. }) => {
            for (item, object) in both {
                written.push(complete(list, item, object, rows, request.clone()).await.map_err(BatchError::InDoubt)?);
            }
        }
        // The objects are written by now: a look tells what of them is missing, and adds it.
        Err(error) => return Err(BatchError::InDoubt(error.into())),
    }
    let mut written = written.into_iter();
    for (item, _) in items.open_mut().zip(answers).filter(|(_, object)| object.is_some()) {
        written.next().into_iter().for_each(|written| item.wrote(written));
    }
    Ok(())
}

/// The second step of one item, whose object is written. What is refused of it fails the item, and the next run tries it again.
async fn complete(
    list: &impl List,
    item: &Item<'_>,
    object: &Value,
    rows: &[Value],
    request: Option<String>,
) -> Result<Written> {
    let applied = Written::applied(list.native(object), request);
    match list.second_step(&[(item, object)], rows).await {
        Ok(()) => Ok(applied),
        Err(BatchError::Refused { field, error }) => {
            let reason = format!("it was written, but not what belongs to it: {}", error.report());
            Ok(Written { outcome: Outcome::Failed { field, reason }, ..applied })
        }
        Err(error) => Err(error.into()),
    }
}

async fn request_id(list: &impl List, id: Option<Box<str>>) -> Option<String> {
    list.request_id(&id?).await
}

#[cfg(test)]
mod tests;
