//! Writing: one request a record.

use syncline_core::prelude::*;
use syncline_http::Path;

use crate::ShelfSide;
use crate::read::{PAGE, Page, list_of};

#[async_trait]
impl TargetWriter for ShelfSide {
    // ANCHOR: write
    async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let mut written = Vec::new();
        for change in &batch.changes {
            written.push(self.write_one(batch, change, bindings).await?);
        }
        Ok(written)
    }
    // ANCHOR_END: write

    // ANCHOR: settle
    /// An object that is as the change wants it was written, and one that is not there was deleted.
    async fn settle(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        let objects = self.objects(list_of(batch.model)).await?;
        let settled = batch.changes.iter().map(|change| {
            let native = batch.native(change, bindings);
            let wanted = wanted(batch, change, bindings);
            let has = |object: &&Value| match &native {
                Some(native) => native_of(object).id == native.id,
                None => wanted.iter().all(|(name, value)| object.get(name) == Some(value)),
            };
            match (change.action, objects.iter().find(has)) {
                (Action::Delete, None) => Some(Written::deleted(None)),
                (Action::Delete, Some(_)) | (_, None) => None,
                (_, Some(object)) => {
                    let done = wanted.iter().all(|(name, value)| object.get(name) == Some(value));
                    done.then(|| Written::applied(native_of(object), None))
                }
            }
        });
        Ok(settled.collect())
    }
    // ANCHOR_END: settle
}

// ANCHOR: native
/// The handle of an object: its id, and the version that changes whenever it does.
pub fn native_of(object: &Value) -> Native {
    Native::of(object, "id", Some("version"))
}
// ANCHOR_END: native

// ANCHOR: wanted
/// The object's fields that a change asks for. A VLAN names its site by id.
fn wanted(batch: &Batch<'_>, change: &Change, bindings: &Bindings) -> Object {
    let field = |field: &FieldChange| match field.name.as_str() {
        "physical_address" => ("address".to_owned(), field.after.clone()),
        "site" => {
            let id = bindings.id("site", &field.after.to_string()).and_then(|id| id.parse().ok());
            ("site".to_owned(), id.map_or(Value::Null, |id: u64| id.into()))
        }
        name => (name.to_owned(), field.after.clone()),
    };
    batch.fields(change).map(field).collect()
}
// ANCHOR_END: wanted

impl ShelfSide {
    // ANCHOR: write_one
    async fn write_one(&self, batch: &Batch<'_>, change: &Change, bindings: &Bindings) -> Result<Written, BatchError> {
        let list = list_of(batch.model);
        let native = batch.native(change, bindings);
        let object = |native: &Native| Path::from(list).segment(&native.id);
        let request = match (change.action, &native) {
            (Action::Update, Some(native)) => self.http.patch(object(native)).json(&wanted(batch, change, bindings)),
            (Action::Delete, Some(native)) => self.http.delete(object(native)),
            (_, _) => self.http.post(list).json(&wanted(batch, change, bindings)),
        };
        let request = match native.as_ref().and_then(|native| native.version.as_deref()) {
            Some(version) => request.header("if-match", version),
            None => request,
        };
        match request.send().await {
            Ok(_) if change.action == Action::Delete => Ok(Written::deleted(None)),
            Ok(answer) => {
                let object: Value = answer.json().map_err(|error| BatchError::InDoubt(error.into()))?;
                Ok(Written::applied(native_of(&object), None))
            }
            Err(error) => refused(change, error),
        }
    }
    // ANCHOR_END: write_one

    /// Every object of a list.
    async fn objects(&self, list: &'static str) -> Result<Vec<Value>> {
        let mut objects = Vec::new();
        loop {
            let Page { total, items } = self.page(list, objects.len(), PAGE).await?;
            match items.len() {
                _ if objects.len() + items.len() >= total => return Ok([objects, items].concat()),
                0..PAGE => return Err(Error::new(ErrorKind::Protocol, format!("not all {list} came"))),
                _ => objects.extend(items),
            }
        }
    }
}

// ANCHOR: refused
/// What a refusal says: of this record, or of all.
fn refused(change: &Change, error: syncline_http::Error) -> Result<Written, BatchError> {
    if error.is_in_doubt() {
        return Err(BatchError::InDoubt(error.into()));
    }
    let Some(answer) = error.answer() else { return Err(BatchError::Fatal(error.into())) };
    let said: Value = answer.json().unwrap_or_default();
    let (field, reason) = (said["field"].as_str().map(str::to_owned), answer.body_excerpt.clone());
    let outcome = match (answer.status.as_u16(), change.action) {
        (404, Action::Delete) => Outcome::Unchanged,
        (404 | 412, _) => Outcome::Stale { reason: "it was changed or deleted since it was read".to_owned() },
        (409 | 422, _) => Outcome::Failed { field, reason },
        _ => return Err(BatchError::Fatal(error.into())),
    };
    Ok(Written::not_written(outcome))
}
// ANCHOR_END: refused
