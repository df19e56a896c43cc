//! The writing half.
//!
//! NetBox takes a list of bodies as one transaction and refuses it at the first bad one, without its index. So a batch is
//! checked here first, against the fields' limits and the form that this version shows; then against what NetBox has by
//! now; then it is sent as one list; then the answer is compared with what was sent.

mod answer;
mod author;
mod create;
mod dependants;
mod form;
mod image;
mod items;
mod lane;
mod lookup;
mod lost;
mod payload;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::Change;
use syncline_core::outcome::Outcome;
use syncline_core::permit::WritePermit;
use syncline_core::target::{Batch, BatchError, TargetWriter, Written};
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Method, Response};
use syncline_model::ModelSchema;
use tokio::sync::OnceCell;

use self::answer::{Beyond, Object, differing, id_of, native_of};
use self::form::Form;
use self::items::{Item, Kindof};
use self::payload::Body;
use crate::client::{ReadClient, WriteClient};
use crate::error::{self, Refused, says_it_is_primary};
use crate::rows::Id;
use crate::settings::{Connection, TargetParameters};
use crate::tables::{self, Column, Kind, TABLES, Table};
use crate::tags::{self, NamedTag};
use crate::version::{ADDED_TAGS, CHANGELOG_MESSAGES};

/// Lanes a connection: a batch whose lane is busy waits, and with few lanes that is often the next one.
const LANES_PER_CONNECTION: u64 = 4;

/// Writes to a NetBox.
pub(crate) struct Writer {
    reader: Arc<ReadClient>,
    client: WriteClient,
    tags: Vec<NamedTag>,
    message: Option<String>,
    lanes: u64,
    forms: BTreeMap<&'static str, OnceCell<Form>>,
    /// Devices that this run created: what their types bring along is ours.
    created: Mutex<HashSet<u64>>,
    /// What objects had that no model has a field for.
    images: image::Images,
}

#[async_trait]
impl TargetWriter for Writer {
    fn lane(&self, change: &Change) -> Option<String> {
        Some(lane::of(change, self.lanes))
    }

    async fn images(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Value>>> {
        let table = table_of(batch)?;
        let form = self.form(table).await?;
        let items = items::prepare(table, form, batch, bindings);
        self.keep_images(table, form, &items).await?;
        Ok(items.iter().map(|item| self.images.get(table, item.id)).collect())
    }

    fn recall(&self, model: &'static ModelSchema, created: &[(&Change, &str)]) {
        let Some(table) = tables::by_name(model.name) else { return };
        for (change, id) in created {
            if let Ok(id) = id.parse() {
                self.remember_created(table, change, id);
            }
        }
    }

    async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let table = table_of(batch).map_err(BatchError::Fatal)?;
        let form = self.form(table).await.map_err(BatchError::looking)?;
        let mut items = items::prepare(table, form, batch, bindings);
        match Kindof::of(batch) {
            Kindof::Create => self.create(table, &mut items).await?,
            Kindof::Update => self.update(table, &mut items).await?,
            Kindof::Delete => self.delete(table, form, &mut items).await?,
        }
        let unanswered = || {
            let reason = "NetBox answered without this object".to_owned();
            Written::not_written(Outcome::Failed { field: None, reason })
        };
        Ok(items.into_iter().map(|item| item.done.unwrap_or_else(unanswered)).collect())
    }

    async fn settle(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        let table = table_of(batch)?;
        let items = items::prepare(table, &Form::default(), batch, bindings);
        match Kindof::of(batch) {
            Kindof::Create => {
                let bodies: Vec<_> = items.iter().map(|item| &item.body).collect();
                let found = lookup::existing(&self.reader, table, &bodies).await?;
                let same = |(item, found): (&Item<'_>, Vec<Object>)| {
                    let object = found.first().filter(|_| found.len() == 1)?;
                    as_written(&item.body, object, Beyond::Anything)
                };
                let mut settled: Vec<_> = items.iter().zip(found).map(same).collect();
                let id_of = |written: &Option<Written>| written.as_ref()?.native.as_ref()?.id.parse::<u64>().ok();
                let ids: Vec<_> = settled.iter().filter_map(id_of).collect();
                let strangers = self.strangers(table, &ids).await;
                for written in &mut settled {
                    written.take_if(|written| id_of(&Some(written.clone())).is_some_and(|id| strangers.contains(&id)));
                }
                for (item, written) in items.iter().zip(&settled) {
                    if let Some(id) = id_of(written) {
                        self.remember_created(table, item.change, id);
                    }
                }
                Ok(settled)
            }
            Kindof::Update => {
                let objects = self.objects(table, &items).await?;
                let tags = self.tags_of(table);
                let same = |item: &Item<'_>| {
                    let object = objects.iter().find(|object| id_of(object) == item.id)?;
                    as_written(&item.body, object, Beyond::Tags(&tags))
                };
                Ok(items.iter().map(same).collect())
            }
            Kindof::Delete => {
                let ids: Vec<_> = items.iter().filter_map(|item| item.id).collect();
                let rows = crate::read::current(&self.reader, table, &[], &ids).await?;
                let gone = |item: &Item<'_>| {
                    let id = item.id?;
                    let is_gone = !rows.iter().any(|row| row.id.0 == id);
                    is_gone.then(|| Written::deleted(None).with_image(self.images.take(table, item.id)))
                };
                Ok(items.iter().map(gone).collect())
            }
        }
    }
}

impl Writer {
    /// Opens the writing half.
    pub async fn open(
        reader: Arc<ReadClient>,
        connection: &Connection,
        parameters: &TargetParameters,
        permit: &WritePermit,
    ) -> Result<Self> {
        Self::with(WriteClient::open(connection, permit, &reader)?, reader, connection, parameters, permit.message())
            .await
    }

    pub(crate) async fn with(
        client: WriteClient,
        reader: Arc<ReadClient>,
        connection: &Connection,
        parameters: &TargetParameters,
        message: &str,
    ) -> Result<Self> {
        let tags = match parameters.tags.as_slice() {
            [] => Vec::new(),
            slugs => tags::resolve(&reader, slugs).await?,
        };
        let notes = parameters.changelog_message && reader.version() >= CHANGELOG_MESSAGES;
        // NetBox keeps 200 characters.
        let message = notes.then(|| message.chars().take(200).collect()).filter(|text: &String| !text.is_empty());
        Ok(Self {
            reader,
            client,
            tags,
            message,
            lanes: u64::from(connection.write_connections) * LANES_PER_CONNECTION,
            forms: TABLES.iter().map(|table| (table.schema.name, OnceCell::new())).collect(),
            created: Mutex::default(),
            images: image::Images::default(),
        })
    }

    /// What this NetBox takes of a model; asked once.
    async fn form(&self, table: &'static Table) -> Result<&Form> {
        let cell = self.forms.get(table.schema.name);
        let cell = cell.ok_or_else(|| Error::new(ErrorKind::Internal, "there is no form for the model"))?;
        cell.get_or_try_init(|| async {
            match self.reader.options(table).await {
                Ok(options) => Ok(Form::read(&options)),
                Err(error) if error.kind().ends_a_read() => Err(error),
                // Nothing is known then, and NetBox itself will refuse.
                Err(_) => Ok(Form::default()),
            }
        })
        .await
    }

    async fn update(&self, table: &'static Table, items: &mut [Item<'_>]) -> Result<(), BatchError> {
        let tags = self.tags_of(table);
        let adds_tags = self.reader.version() >= ADDED_TAGS;
        let mut columns: Vec<&'static Column> = Vec::new();
        for column in table.columns {
            let written = matches!(column.kind, Kind::AssignedInterface | Kind::SiteScope)
                && items.iter().any(|item| item.change.after(column.field).is_some());
            if written {
                columns.push(column);
            }
        }
        if !tags.is_empty() && !adds_tags {
            columns.push(&tables::TAGS);
        }
        let rows = self.now(table, &columns, items).await?;
        let tags_of_row = |id: Option<u64>| {
            let row = rows.iter().find(|row| Some(row.id.0) == id);
            row.map(|row| row.tags.iter().map(|tag| tag.id.0).collect::<Vec<_>>()).unwrap_or_default()
        };
        if !tags.is_empty() {
            for item in items.iter_mut().filter(|item| item.done.is_none()) {
                if item.body.contains_key("tags") {
                    add_tags(&mut item.body, &tags);
                } else if adds_tags {
                    item.body.insert("add_tags".to_owned(), json!(tags));
                } else {
                    item.body.insert("tags".to_owned(), json!(tags_of_row(item.id)));
                    add_tags(&mut item.body, &tags);
                }
            }
        }
        items::check_preconditions(table, Kindof::Update, items, rows);
        let (positions, bodies) = items::outgoing(items, self.message.as_deref());
        if bodies.is_empty() {
            return Ok(());
        }
        match self.send(Method::PATCH, table, &bodies).await.map_err(|refused| refused.error) {
            Ok(answered) => {
                for at in positions {
                    confirm(table, &mut items[at], &answered, Beyond::Tags(&tags));
                }
                Ok(())
            }
            Err(BatchError::Refused { error, .. }) if positions.len() == 1 && says_it_is_primary(error.message()) => {
                let item = &mut items[positions[0]];
                let reason = self.holder_of_primary(item.id).await;
                item.settle(Outcome::Skipped { reason });
                Ok(())
            }
            Err(error) => Err(ours(table, error)),
        }
    }

    async fn delete(&self, table: &'static Table, form: &Form, items: &mut [Item<'_>]) -> Result<(), BatchError> {
        let rows = self.now(table, &[], items).await?;
        self.follow_lost_references(table, items, &rows).await?;
        items::check_preconditions(table, Kindof::Delete, items, rows);
        dependants::hold(&self.reader, table, items).await.map_err(BatchError::looking)?;
        self.keep_images(table, form, items).await.map_err(BatchError::looking)?;
        let (positions, bodies) = items::outgoing(items, self.message.as_deref());
        if bodies.is_empty() {
            return Ok(());
        }
        match self.client.send(Method::DELETE, table, &[], &bodies).await {
            Ok(response) => {
                for at in positions {
                    let image = self.images.take(table, items[at].id);
                    let deleted = Written::deleted(response.request_id().map(str::to_owned)).with_image(image);
                    items[at].done = Some(deleted);
                }
                Ok(())
            }
            Err(error) => {
                let is_protected = error.answer().is_some_and(|answer| answer.status == 409);
                match error::writing(error) {
                    BatchError::Refused { error, .. } if is_protected && positions.len() == 1 => {
                        let item = &mut items[positions[0]];
                        let reason = format!(
                            "the {} `{}` is still in use: {}",
                            table.schema.label,
                            item.change.key,
                            error.message()
                        );
                        item.settle(Outcome::Skipped { reason });
                        Ok(())
                    }
                    other => Err(other),
                }
            }
        }
    }

    /// What NetBox has now of the objects that are left.
    async fn now(
        &self,
        table: &'static Table,
        columns: &[&'static Column],
        items: &[Item<'_>],
    ) -> Result<Vec<crate::rows::BareRow>, BatchError> {
        let ids: Vec<_> = items.iter().filter(|item| item.done.is_none()).filter_map(|item| item.id).collect();
        crate::read::current(&self.reader, table, columns, &ids).await.map_err(BatchError::looking)
    }

    /// The objects of changes, with every field.
    async fn objects(&self, table: &'static Table, items: &[Item<'_>]) -> Result<Vec<Object>> {
        self.objects_by_id(table, items.iter().filter_map(|item| item.id)).await
    }

    async fn objects_by_id(&self, table: &'static Table, ids: impl Iterator<Item = u64>) -> Result<Vec<Object>> {
        let filters: Vec<_> = ids.map(|id| vec![("id", id.to_string())]).collect();
        let mut fields = vec!["id".to_owned(), "last_updated".to_owned()];
        fields.extend(table.columns.iter().flat_map(Column::rest));
        self.reader.list_by(table, &[("fields", fields.join(","))], &filters).await
    }

    fn patch_body(&self, item: &Item<'_>) -> Value {
        let mut body = item.body.clone();
        body.insert("id".to_owned(), json!(item.id));
        if let Some(message) = &self.message {
            body.insert("changelog_message".to_owned(), json!(message));
        }
        Value::Object(body)
    }

    async fn send(&self, method: Method, table: &'static Table, bodies: &[Value]) -> Result<Answered, Refused> {
        // Never `fields`: NetBox takes it as the list of fields that may be written, and drops the others.
        let query: &[(&str, &str)] = if table.schema.name == "device" { &[("exclude", "config_context")] } else { &[] };
        let response = self.client.send(method, table, query, bodies).await.map_err(error::sending)?;
        Answered::read(response).await.map_err(|error| Refused { error, each: None })
    }

    /// The ids of the settings' tags that objects of a model may carry.
    fn tags_of(&self, table: &Table) -> Vec<u64> {
        let fits = |tag: &&NamedTag| {
            tag.object_types.is_empty() || tag.object_types.iter().any(|kind| kind == table.object_type)
        };
        if table.tagged { self.tags.iter().filter(fits).map(|tag| tag.id).collect() } else { Vec::new() }
    }

    /// Whose primary address it is, for people.
    async fn holder_of_primary(&self, address: Option<u64>) -> String {
        #[derive(serde::Deserialize)]
        struct Holder {
            id: Id,
            name: Option<String>,
        }
        let mut name = None;
        if let (Some(address), Some(devices)) = (address, tables::by_name("device")) {
            for filter in ["primary_ip4_id", "primary_ip6_id"] {
                let query =
                    [(filter, address.to_string()), ("fields", "id,name".to_owned()), ("limit", "2".to_owned())];
                if let Ok(page) = self.reader.list::<Holder>(devices, &query).await
                    && let [Holder { id: Id(id), name: found }] = page.results.as_slice()
                {
                    name = Some(format!("`{}` (id {id})", found.as_deref().unwrap_or("-")));
                }
            }
        }
        let holder = name.unwrap_or_else(|| "another device".to_owned());
        format!("it is still the primary address of the device {holder}: give that one another address first")
    }
}

/// What NetBox answered to a list.
struct Answered {
    objects: Vec<Object>,
    request_id: Option<String>,
}

impl Answered {
    async fn read(response: Response) -> Result<Self, BatchError> {
        let request_id = response.request_id().map(str::to_owned);
        let parsed = tokio::task::spawn_blocking(move || response.json::<Vec<Object>>()).await;
        match parsed {
            Ok(Ok(objects)) => Ok(Self { objects, request_id }),
            // It was written, and what exactly is not known.
            Ok(Err(error)) => Err(BatchError::InDoubt(error.into())),
            Err(error) => {
                let message = "the thread that reads an answer stopped";
                Err(BatchError::InDoubt(Error::new(ErrorKind::Internal, message).caused_by(error)))
            }
        }
    }
}

/// Settles an update by its object in the answer, which has an order of its own and may lack some.
fn confirm(table: &'static Table, item: &mut Item<'_>, answered: &Answered, beyond: Beyond<'_>) {
    match answered.objects.iter().find(|object| id_of(object) == item.id) {
        Some(object) => item.confirm(table, object, beyond, answered.request_id.as_deref()),
        None => item.settle(Outcome::Stale { reason: "it was deleted after it was read".to_owned() }),
    }
}

/// What was written, if the object is as it was to become.
fn as_written(body: &Body, object: &Object, beyond: Beyond<'_>) -> Option<Written> {
    let same = !body.is_empty() && differing(body, object, beyond).next().is_none();
    same.then(|| native_of(object).map(|native| Written::applied(native, None))).flatten()
}

fn add_tags(body: &mut Body, tags: &[u64]) {
    if tags.is_empty() {
        return;
    }
    let entry = body.entry("tags").or_insert_with(|| json!([]));
    if let Value::Array(present) = entry {
        for tag in tags {
            if !present.contains(&json!(tag)) {
                present.push(json!(tag));
            }
        }
    }
}

fn table_of(batch: &Batch<'_>) -> Result<&'static Table> {
    let name = batch.model.name;
    tables::by_name(name)
        .ok_or_else(|| Error::new(ErrorKind::Internal, format!("NetBox does not keep the model `{name}`")))
}

/// The error with our name for the field.
fn ours(table: &Table, error: BatchError) -> BatchError {
    match error {
        BatchError::Refused { field, error } => {
            BatchError::Refused { field: field.map(|field| payload::our_field(table, &field)), error }
        }
        other => other,
    }
}
