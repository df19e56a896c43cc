//! Writing: lists of bodies by REST, after a look by GraphQL at what is there now.
//!
//! Measured on Nautobot 3.2: a list of creates is checked to its end and refused with what is wrong with each; lists of updates and
//! deletes are one transaction that ends at the first bad object, and leave out unknown ids without a word.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;
use syncline_core::prelude::*;
use syncline_core::target::lane_of;
use syncline_core::target::lists::{RefusedList, Touched};
use syncline_http::Method;
use syncline_http::django::{batch_error, refused_list};
use syncline_model::Model as _;
use syncline_model::models::{Device, DeviceRole, Interface, IpAddress, MacAddress, Prefix, Site, Tag, Vlan, Vrf};

use crate::client::{Client, each};
use crate::read::{GLOBAL, moment, native};
use crate::tables::{Column, Kind, Table, by_name, short};

/// Lanes a connection: a batch whose lane is busy waits, and with few lanes that is often the next one.
const LANES_PER_CONNECTION: u64 = 4;

const MACHINE: &str = "virtualization.virtualmachine";

/// Writes to a Nautobot.
pub(crate) struct Writer {
    client: Client,
    /// Ids of statuses by content type and short name, and of the roles of addresses.
    ids: HashMap<(String, String), Value>,
    /// The location type that sites have; null where there is none.
    location_type: Value,
    /// Interfaces whose MAC address was written.
    touched: Touched,
}

/// A batch on its way.
struct Work<'w> {
    writer: &'w Writer,
    table: &'static Table,
    writing: Writing,
    /// Ids of the namespaces of VRFs.
    spaces: HashMap<String, Value>,
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
        let location_type = json!([client.connection.location_type]);
        let query = format!(
            "{{statuses{{id name content_types{{app_label model}}}} roles(content_types:[\"ipam.ipaddress\"]){{id name}} \
             location_types(name:{location_type}){{id}}}}"
        );
        let data = client.graphql(&query).await?;
        let mut ids = HashMap::new();
        for status in each(&data["statuses"]) {
            for kind in each(&status["content_types"]) {
                let kind = format!("{}.{}", text(&kind["app_label"]), text(&kind["model"]));
                ids.insert((kind, text(&short(&status["name"]))), status["id"].clone());
            }
        }
        let roles = each(&data["roles"]);
        ids.extend(roles.map(|role| (("role".to_owned(), text(&short(&role["name"]))), role["id"].clone())));
        let location_type = data["location_types"][0]["id"].clone();
        Ok(Self { client, ids, location_type, touched: Touched::default() })
    }

    /// What has to be made in Nautobot before sites can be.
    pub fn lacks(&self) -> Option<String> {
        let name = &self.client.connection.location_type;
        let words = "make one with the content types device, prefix and VLAN, or name another as `location_type`";
        self.location_type.is_null().then(|| format!("Nautobot has no location type `{name}`: {words}"))
    }

    /// The id of a status or a role.
    fn named(&self, kind: &str, name: &str) -> Result<Value, String> {
        let id = self.ids.get(&(kind.to_owned(), name.to_owned())).cloned();
        id.ok_or_else(|| {
            let known: BTreeSet<_> = self.ids.keys().filter(|(of, _)| of == kind).map(|(_, name)| name).collect();
            format!("Nautobot has no `{name}` here, but {known:?}")
        })
    }

    async fn prepare<'c>(&self, batch: &Batch<'c>, bindings: &Bindings) -> Result<(Work<'_>, Items<'c>), BatchError> {
        let table = by_name(batch.model.name).map_err(BatchError::Fatal)?;
        let mut items = wanted(table, batch, bindings);
        self.touched.follow(&mut items);
        let mut work = Work { writer: self, table, writing: batch.writing(), spaces: HashMap::new() };
        if [Prefix::NAME, IpAddress::NAME].contains(&table.schema.name) {
            let vrfs = self.client.graphql("{vrfs{id namespace{id}}}").await.map_err(BatchError::looking)?;
            let space = |vrf: &Value| (text(&vrf["id"]), vrf["namespace"]["id"].clone());
            work.spaces = each(&vrfs["vrfs"]).map(space).collect();
        }
        Ok((work, items))
    }

    async fn send(&self, method: Method, path: &str, bodies: &[Value]) -> Result<Vec<Value>, BatchError> {
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        self.client.lists.send(method, path, bodies).await.map_err(|error| batch_error("Nautobot", error))
    }
}

#[async_trait]
impl List for Work<'_> {
    fn writing(&self) -> Writing {
        self.writing
    }

    fn is_unique(&self) -> bool {
        !matches!(self.table.schema.name, Site::NAME | Vlan::NAME | Vrf::NAME)
    }

    async fn rows(&self, items: &Items<'_>) -> Result<Vec<Value>> {
        let (field, argument) = self.table.find();
        let value =
            |item: &Item<'_>| self.id_of(item).map_or_else(|| item.body.get(field).cloned(), |id| Some(json!(id)));
        let values: Vec<_> = items.iter().filter_map(value).map(|value| value.to_string()).collect();
        let has_ids = items.iter().any(|item| self.id_of(item).is_some());
        let columns = self.table.columns.iter().filter(|column| column.kind != Kind::Read);
        let mut fields: Vec<_> = columns.map(Column::ask).collect();
        fields.extend(self.table.parts().iter().map(|parts| format!("{parts}{{id}}")));
        if self.table.schema.name == IpAddress::NAME {
            fields.push("parent{namespace{id name}} interface_assignments{id interface{id}}".to_owned());
        }
        let arguments = format!("{}:[{}]", if has_ids { "id" } else { argument }, values.join(","));
        self.writer.client.list(&self.table.list(), &arguments, &fields.join(" ")).await
    }

    fn native(&self, row: &Value) -> Native {
        native(self.table, row)
    }

    /// A MAC address is written to its interface.
    fn id_of(&self, item: &Item<'_>) -> Option<Box<str>> {
        let interface = item.body.get("interface").filter(|_| !self.table.is_listed()).and_then(Value::as_str);
        item.native.as_ref().map(|native| &*native.id).or(interface).map(Into::into)
    }

    fn has_key(&self, item: &Item<'_>, row: &Value) -> bool {
        let key = self.table.schema.key_fields().map(|field| field.name).chain([self.table.find().0]);
        let mut key = key.filter_map(|field| Some((self.table.column(field)?, item.body.get(field)?)));
        let is_in = |space: &Value, vrf: &Value| match vrf.as_str() {
            Some(vrf) => self.spaces.get(vrf) == Some(&space["id"]),
            None => space["name"] == GLOBAL,
        };
        key.all(|(column, value)| match column.kind {
            Kind::Vrf => is_in(&row["namespace"], value),
            Kind::ParentVrf => is_in(&row["parent"]["namespace"], value),
            _ => column.value(row) == *value,
        })
    }

    fn has(&self, item: &Item<'_>, row: &Value) -> bool {
        let mut fields = item.body.iter().filter_map(|(field, value)| Some((self.table.column(field)?, value)));
        fields.all(|(column, value)| {
            let kept = column.value(row);
            kept == *value || column.kind == Kind::ParentVrf || column.is_second_step() && kept.is_null()
        })
    }

    fn hold(&self, item: &Item<'_>, row: &Value) -> Option<Outcome> {
        if !self.table.is_listed() && row["mac_address"] != item.change.key.to_value()[1] {
            return Some(Outcome::Unchanged);
        }
        let parts = self.table.parts().iter().find(|parts| row[**parts][0].is_object());
        let parts = parts.filter(|_| self.writing == Writing::Delete)?.replace('_', " ");
        Some(Outcome::Skipped { reason: format!("it has {parts}, which Nautobot would delete or change with it") })
    }

    fn body(&self, item: &Item<'_>) -> Result<Object, (String, String)> {
        let mut body = Object::new();
        let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        let content_type = self.table.content_type();
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
                    let kind = if column.native == "role" { "role" } else { &content_type };
                    put(column.native, named(kind, if types.contains(&name) { "active" } else { name })?);
                }
                _ if column.native == "locations" => put("location", value.clone()),
                (Kind::Itself, _) => {}
                (Kind::Vrf | Kind::ParentVrf, None) => put("namespace", json!({"name": GLOBAL})),
                (Kind::Vrf | Kind::ParentVrf, Some(vrf)) => put("namespace", json!(self.spaces.get(vrf))),
                _ if column.is_second_step() => {}
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
                self.writer.lacks().map_or(Ok(()), |lacks| Err(("name".to_owned(), lacks)))?;
                put("location_type", self.writer.location_type.clone());
            }
            (Tag::NAME, Writing::Create) => put("content_types", json!(["dcim.device", MACHINE])),
            (DeviceRole::NAME, Writing::Create) => put("content_types", json!(["dcim.device"])),
            (Vrf::NAME, Writing::Create) => put("namespace", json!({"name": item.body.get("name")})),
            _ => {}
        }
        Ok(body)
    }

    /// A VRF gets a namespace of its own, by its name: there its addresses are unique. An address that moves leaves its interface.
    async fn first_step(&self, items: &Items<'_>, rows: &[Value]) -> Result<(), BatchError> {
        if !self.table.is_listed() {
            rows.iter().map(moment).for_each(|native| self.writer.touched.before(native));
        }
        if (self.table.schema.name, self.writing) == (Vrf::NAME, Writing::Create) {
            let names: Vec<_> = items.open().filter_map(|item| item.body.get("name")).collect();
            let arguments = format!("name:{}", json!(names));
            let there = self.writer.client.list("namespaces", &arguments, "name").await.map_err(BatchError::looking)?;
            let missing = names.iter().filter(|name| !there.iter().any(|space| space["name"] == ***name));
            let missing: Vec<_> = missing.map(|name| json!({"name": name})).collect();
            return self.writer.send(Method::POST, "ipam/namespaces", &missing).await.map(drop);
        }
        let moves = |row: &Value| {
            let mut items = items.open().filter(|item| self.id_of(item).is_some_and(|id| row["id"] == *id));
            items.next().is_some_and(|item| item.body.contains_key("interface"))
        };
        let assigned = rows.iter().filter(|row| moves(row)).flat_map(|row| each(&row["interface_assignments"]));
        let assigned: Vec<_> =
            assigned.filter(|one| one["interface"].is_object()).map(|one| json!({"id": one["id"]})).collect();
        self.writer.send(Method::DELETE, "ipam/ip-address-to-interface", &assigned).await.map(drop)
    }

    async fn send(&self, bodies: &[Value]) -> Result<Vec<Value>, RefusedList> {
        let method = match self.writing {
            Writing::Create if self.table.is_listed() => Method::POST,
            Writing::Delete if self.table.is_listed() => Method::DELETE,
            _ => Method::PATCH,
        };
        let sent = self.writer.client.lists.send(method, self.table.path, bodies).await;
        let objects = sent.map_err(|error| refused_list("Nautobot", error))?;
        objects.iter().map(moment).for_each(|native| self.writer.touched.after(native));
        Ok(objects)
    }

    /// Prefixes are assigned to VRFs, and addresses to interfaces.
    async fn second_step(&self, written: &[(&Item<'_>, &Value)]) -> Result<(), BatchError> {
        let mut relations = Vec::new();
        for (item, object) in written {
            for (field, value) in item.body.iter().filter(|(_, value)| !value.is_null()) {
                let column = self.table.column(field).filter(|column| column.is_second_step());
                match column.filter(|column| column.value(object).is_null()).map(|column| column.kind) {
                    Some(Kind::Vrf) => relations.push(json!({"prefix": object["id"], "vrf": value})),
                    Some(_) => relations.push(json!({"ip_address": object["id"], "interface": value})),
                    None => {}
                }
            }
        }
        let is_prefix = self.table.schema.name == Prefix::NAME;
        let path = if is_prefix { "ipam/vrf-prefix-assignments" } else { "ipam/ip-address-to-interface" };
        self.writer.send(Method::POST, path, &relations).await.map(drop)
    }

    /// The id by which the change log of Nautobot knows the request.
    async fn request_id(&self, objects: &[Value]) -> Option<String> {
        let ids = json!([objects.first()?["id"]]);
        let query = format!("{{object_changes(limit:1,changed_object_id:{ids}){{request_id}}}}");
        Some(text(&self.writer.client.graphql(&query).await.ok()?["object_changes"][0]["request_id"]))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The fields that a batch asks for, with ids in the place of keys.
fn wanted<'c>(table: &Table, batch: &Batch<'c>, bindings: &Bindings) -> Items<'c> {
    Items::of(batch, bindings, |field, body| {
        let column = table.column(&field.name).ok_or("Nautobot has no such field")?;
        let id = |key: &Value| {
            let model = column.refers_to().unwrap_or_default();
            bindings.referred(model, key).map(|id| id.map_or(Value::Null, Value::String))
        };
        let value = match column.kind {
            Kind::Short => return Ok(()),
            Kind::Tags => each(&field.after).map(id).collect::<Result<_, _>>()?,
            _ if column.refers_to().is_some() => id(&field.after)?,
            _ => field.after.clone(),
        };
        body.insert(field.name.clone(), value);
        Ok(())
    })
}
