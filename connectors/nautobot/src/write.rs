//! Writing: lists of bodies by REST, after a look by GraphQL at what is there now.
//!
//! Measured on Nautobot 3.2: a list of creates is checked to its end and refused with what is wrong with each; lists of updates and
//! deletes are one transaction that ends at the first bad object, and leave out unknown ids without a word.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use syncline_core::prelude::*;
use syncline_core::table::{self, each, is_or_has, short_form, text};
use syncline_core::target::lane_of;
use syncline_core::target::lists::{Has, Own, RefusedList};
use syncline_http::Method;
use syncline_model::models::{Device, DeviceRole, Interface, IpAddress, MacAddress, Prefix, Site, Tag, Vlan, Vrf};
use syncline_model::{Model as _, ModelSchema};

use crate::client::Client;
use crate::read::{GLOBAL, moment, native};
use crate::tables::{Kind, TABLES, Table, beside, content_type, find, is_listed, list, parts};

/// Lanes a connection: a batch whose lane is busy waits, and with few lanes that is often the next one.
const LANES_PER_CONNECTION: u64 = 4;

const MACHINE: &str = "virtualization.virtualmachine";

/// Writes to a Nautobot.
pub(crate) struct Writer {
    client: Client,
    /// Ids of statuses by content type and short name, and of the roles of addresses.
    ids: HashMap<(String, String), Value>,
    /// The id of the location type that sites have; null where there is none.
    location_type: Value,
    /// The id of the location that new sites are below; null where there is none.
    location_parent: Value,
    /// Interfaces whose MAC address was written, and devices that were created: their types give them interfaces.
    own: Own,
    /// Ids of the namespaces of VRFs.
    spaces: Mutex<HashMap<String, Value>>,
}

/// A batch on its way.
struct Work<'w> {
    writer: &'w Writer,
    table: &'static Table,
    writing: Writing,
}

#[async_trait]
impl TargetWriter for Writer {
    /// What hangs on one device is written in one lane, and trees such as those of locations and prefixes in one.
    fn lane(&self, change: &Change) -> Option<String> {
        let key = change.key.to_value();
        let parent = match change.model.as_str() {
            Interface::NAME => &key[0],
            MacAddress::NAME => &key[0][0],
            Device::NAME | IpAddress::NAME => &key,
            _ => &Value::Null,
        };
        Some(lane_of(parent, u64::from(self.client.connection.write_connections) * LANES_PER_CONNECTION))
    }

    fn recall(&self, model: &'static ModelSchema, created: &[(&Change, &str)]) {
        self.own.made(created.iter().filter(|_| model.name == Device::NAME).map(|(_, id)| *id));
    }

    async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let (work, items) = self.prepare(batch, bindings).await?;
        lists::write(&work, items).await
    }

    async fn settle(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        let (work, items) = self.prepare(batch, bindings).await?;
        lists::settle(&work, items).await
    }
}

impl Writer {
    /// Opens the writing half: looks up what bodies name.
    pub async fn open(client: Client) -> Result<Self> {
        let query =
            "{statuses{id name content_types{app_label model}} roles(content_types:[\"ipam.ipaddress\"]){id name}}";
        let data = client.lists.graphql(query).await?;
        let mut ids = HashMap::new();
        for status in each(&data["statuses"]) {
            for kind in each(&status["content_types"]) {
                let kind = format!("{}.{}", text(&kind["app_label"]), text(&kind["model"]));
                ids.insert((kind, text(&short_form(&status["name"]))), status["id"].clone());
            }
        }
        let roles = each(&data["roles"]);
        ids.extend(
            roles.map(|role| (("roles of addresses".to_owned(), text(&short_form(&role["name"]))), role["id"].clone())),
        );
        let location_type = client.location_type().await.unwrap_or_default()["id"].take();
        let location_parent = client.location_parent().await?;
        Ok(Self { client, ids, location_type, location_parent, own: Own::default(), spaces: Mutex::default() })
    }

    /// The id of a status or a role.
    fn named(&self, kind: &str, name: &str) -> Result<Value, String> {
        let id = self.ids.get(&(kind.to_owned(), name.to_owned())).cloned();
        id.ok_or_else(|| {
            let known = self.ids.keys().filter(|(of, _)| of == kind).map(|(_, name)| format!("`{name}`"));
            let known = Vec::from_iter(known.collect::<BTreeSet<_>>()).join(", ");
            format!("Nautobot has no `{name}` for {kind}, but {known}: make it, or give it this content type")
        })
    }

    async fn prepare<'c>(&self, batch: &Batch<'c>, bindings: &Bindings) -> Result<(Work<'_>, Items<'c>), BatchError> {
        let table = table::of(TABLES, batch.model.name).map_err(BatchError::Fatal)?;
        let items = table.items(batch, bindings, |column| column.kind != Kind::Short);
        let vrfs = items.iter().filter_map(|item| item.body.get("vrf")?.as_str());
        let unknown: BTreeSet<_> = vrfs.filter(|vrf| self.space(vrf).is_null()).collect();
        if !unknown.is_empty() {
            let vrfs = self.client.list("vrfs", &format!("id:{}", json!(unknown)), "namespace{id}").await;
            let vrfs = vrfs.map_err(BatchError::looking)?;
            self.spaces().extend(vrfs.iter().map(|vrf| (text(&vrf["id"]), vrf["namespace"]["id"].clone())));
        }
        Ok((Work { writer: self, table, writing: batch.writing() }, items))
    }

    /// The id of the namespace of a VRF.
    fn space(&self, vrf: &str) -> Value {
        self.spaces().get(vrf).cloned().unwrap_or_default()
    }

    fn spaces(&self) -> MutexGuard<'_, HashMap<String, Value>> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl List for Work<'_> {
    fn writing(&self) -> Writing {
        self.writing
    }

    fn own(&self) -> &Own {
        &self.writer.own
    }

    fn is_unique(&self) -> bool {
        match self.table.schema.name {
            Site::NAME | Vlan::NAME | Vrf::NAME | Device::NAME | MacAddress::NAME => false,
            Interface::NAME => !self.writer.own.has_made_any(),
            _ => true,
        }
    }

    async fn rows(&self, items: &Items<'_>) -> Result<Vec<Value>> {
        let (field, argument) = find(self.table);
        let ids: Vec<_> = items.open().filter_map(|item| self.id_of(item)).map(|id| json!(id)).collect();
        let names = || items.open().filter_map(|item| item.body.get(field).cloned()).collect();
        let (argument, values) = if ids.is_empty() { (argument, names()) } else { ("id", ids) };
        if values.is_empty() {
            return Ok(values);
        }
        let columns = self.table.columns.iter().filter(|column| column.kind != Kind::Read);
        let mut fields: Vec<_> = columns.map(|column| column.kind.ask(column.native)).collect();
        fields.push(beside(self.table).to_owned());
        if self.writing == Writing::Delete {
            fields.extend(parts(self.table).iter().map(|parts| format!("{parts}{{id}}")));
        }
        if self.table.schema.name == IpAddress::NAME {
            fields.push("parent{namespace{id name}} interface_assignments{id interface{id}}".to_owned());
        }
        let client = &self.writer.client;
        let mut rows =
            client.list(&list(self.table), &format!("{argument}:{}", json!(values)), &fields.join(" ")).await?;
        rows.retain(|row| client.is_record(self.table, row));
        Ok(rows)
    }

    fn native(&self, row: &Value) -> Native {
        native(self.table, row)
    }

    /// A MAC address is written to its interface.
    fn id_of(&self, item: &Item<'_>) -> Option<Box<str>> {
        let interface = item.body.get("interface").filter(|_| !is_listed(self.table)).and_then(Value::as_str);
        item.native.as_ref().map(|native| &*native.id).or(interface).map(Into::into)
    }

    fn has_key(&self, item: &Item<'_>, row: &Value) -> bool {
        let key = self.table.schema.key_fields().map(|field| field.name).chain([find(self.table).0]);
        let mut key = key.filter_map(|field| Some((self.table.column(field)?, item.body.get(field)?)));
        let is_in = |space: &Value, vrf: &Value| match vrf.as_str() {
            Some(vrf) => self.writer.space(vrf) == space["id"],
            None => space["name"] == GLOBAL,
        };
        key.all(|(column, value)| match column.kind {
            Kind::Vrf => is_in(&row["namespace"], value),
            Kind::ParentVrf => is_in(&row["parent"]["namespace"], value),
            _ => is_or_has(&column.kind.value(column.native, row), value),
        })
    }

    /// An interface that a device got from its type.
    fn adopts(&self, _: &Item<'_>, row: &Value) -> bool {
        row["device"]["id"].as_str().is_some_and(|device| self.writer.own.has_made(device))
    }

    fn has(&self, item: &Item<'_>, row: &Value) -> Has {
        let mut has = Has::All;
        for (field, value) in &item.body {
            match self.table.column(field) {
                Some(column) if column.kind == Kind::ParentVrf || column.kind.value(column.native, row) == *value => {}
                Some(column) if column.kind.is_second_step() => has = Has::ButForSecondStep,
                _ => return Has::Less,
            }
        }
        has
    }

    fn hold(&self, item: &Item<'_>, row: &Value) -> Option<Outcome> {
        let mac = self.table.column("mac_address").map(|column| column.kind.value(column.native, row));
        if mac.is_some_and(|mac| mac != item.change.key.to_value()[1]) {
            return Some(Outcome::Unchanged);
        }
        let parts = parts(self.table).iter().find(|parts| row[**parts][0].is_object());
        let parts = parts.filter(|_| self.writing == Writing::Delete)?.replace('_', " ");
        Some(Outcome::Skipped { reason: format!("it has {parts}, which Nautobot would delete or change with it") })
    }

    fn body(&self, item: &Item<'_>) -> Result<Object, (String, String)> {
        let mut body = Object::new();
        let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        let content_type = content_type(self.table);
        for (field, value) in &item.body {
            let Some(column) = self.table.column(field) else { continue };
            let named = |kind: &str, name| self.writer.named(kind, name).map_err(|reason| (field.clone(), reason));
            match (column.kind, value.as_str()) {
                (Kind::Text | Kind::Choice, None) => put(column.native, json!("")),
                (Kind::Status(types, plain), Some(name)) => {
                    let before = item.change.fields.iter().find(|change| change.name == *field);
                    let before = before.and_then(|change| change.before.as_str());
                    if types.contains(&name) {
                        put("type", json!(name));
                    } else if before.is_some_and(|before| types.contains(&before)) {
                        put("type", json!(plain));
                    }
                    let kind = if column.native == "role" { "roles of addresses" } else { &content_type };
                    put(column.native, named(kind, if types.contains(&name) { "active" } else { name })?);
                }
                _ if column.native == "locations" => put("location", value.clone()),
                (Kind::Itself, _) => {}
                (Kind::Vrf | Kind::ParentVrf, None) => put("namespace", json!({"name": GLOBAL})),
                (Kind::Vrf | Kind::ParentVrf, Some(vrf)) => put("namespace", self.writer.space(vrf)),
                _ if column.kind.is_second_step() => {}
                _ => put(column.native, value.clone()),
            }
        }
        // What a source does not say is in use.
        let has_status = self.table.column("status").is_some() || self.table.schema.name == Interface::NAME;
        if self.writing == Writing::Create && has_status && !item.body.contains_key("status") {
            put("status", self.writer.named(&content_type, "active").map_err(|reason| ("status".to_owned(), reason))?);
        }
        match (self.table.schema.name, self.writing) {
            (MacAddress::NAME, Writing::Delete) => put("mac_address", json!("")),
            (Site::NAME, Writing::Create) => {
                put("location_type", self.writer.location_type.clone());
                put("parent", self.writer.location_parent.clone());
            }
            (Tag::NAME, Writing::Create) => put("content_types", json!(["dcim.device", MACHINE])),
            (DeviceRole::NAME, Writing::Create) => put("content_types", json!(["dcim.device"])),
            (Vrf::NAME, Writing::Create) => put("namespace", json!({"name": item.body.get("name")})),
            _ => {}
        }
        Ok(body)
    }

    /// A VRF gets a namespace of its own, by its name: there its addresses are unique.
    async fn first_step(&self, items: &Items<'_>, rows: &[Value]) -> Result<(), BatchError> {
        if !is_listed(self.table) {
            rows.iter().map(moment).for_each(|native| self.writer.own.before(native));
        }
        if (self.table.schema.name, self.writing) != (Vrf::NAME, Writing::Create) {
            return Ok(());
        }
        let names: Vec<_> = items.open().filter_map(|item| item.body.get("name")).collect();
        let arguments = format!("name:{}", json!(names));
        let there = self.writer.client.list("namespaces", &arguments, "name").await.map_err(BatchError::looking)?;
        let missing = names.iter().filter(|name| !there.iter().any(|space| space["name"] == ***name));
        let missing: Vec<_> = missing.map(|name| json!({"name": name})).collect();
        self.writer.client.lists.send(Method::POST, "ipam/namespaces", &missing).await?;
        Ok(())
    }

    async fn send(&self, writing: Writing, bodies: &[Value]) -> Result<Vec<Value>, RefusedList> {
        let method = match writing {
            Writing::Create if is_listed(self.table) => Method::POST,
            Writing::Delete if is_listed(self.table) => Method::DELETE,
            _ => Method::PATCH,
        };
        let objects = self.writer.client.lists.send(method, self.table.path, bodies).await?;
        objects.iter().map(moment).for_each(|native| self.writer.own.after(native));
        Ok(objects)
    }

    /// Prefixes are assigned to VRFs, and addresses to interfaces.
    async fn second_step(&self, written: &[(&Item<'_>, &Value)], rows: &[Value]) -> Result<(), BatchError> {
        if (self.table.schema.name, self.writing) == (Device::NAME, Writing::Create) {
            self.writer.own.made(written.iter().filter_map(|(_, device)| device["id"].as_str()));
        }
        let [mut gone, mut moved, mut new] = [const { Vec::new() }; 3];
        for (item, object) in written {
            let row = rows.iter().find(|row| row["id"] == object["id"]).unwrap_or(&Value::Null);
            let one = each(&row["interface_assignments"]).find(|one| one["interface"].is_object());
            let columns = self.table.columns.iter().filter(|column| column.kind.is_second_step());
            for (column, value) in columns.filter_map(|column| Some((column, item.body.get(column.field)?))) {
                match one {
                    _ if column.kind.value(column.native, row) == *value => {}
                    Some(one) if value.is_null() => gone.push(json!({"id": one["id"]})),
                    Some(one) => moved.push(json!({"id": one["id"], "interface": value})),
                    None if column.kind == Kind::Vrf => new.push(json!({"prefix": object["id"], "vrf": value})),
                    None => new.push(json!({"ip_address": object["id"], "interface": value})),
                }
            }
        }
        let is_prefix = self.table.schema.name == Prefix::NAME;
        let path = if is_prefix { "ipam/vrf-prefix-assignments" } else { "ipam/ip-address-to-interface" };
        for (method, bodies) in [(Method::DELETE, gone), (Method::PATCH, moved), (Method::POST, new)] {
            self.writer.client.lists.send(method, path, &bodies).await?;
        }
        Ok(())
    }

    /// The id by which the change log of Nautobot knows the request.
    async fn request_id(&self, id: &str) -> Option<String> {
        let query = format!("{{object_changes(limit:1,changed_object_id:{}){{request_id}}}}", json!([id]));
        let changes = self.writer.client.lists.graphql(&query).await.ok()?;
        changes["object_changes"][0]["request_id"].as_str().map(str::to_owned)
    }
}
