//! Reading: by GraphQL, for a source and for a target alike. REST counts what has to come: it tells a right that is missing from a
//! list that is empty, and GraphQL does not.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;

use futures::TryStreamExt as _;
use serde_json::json;
use syncline_core::prelude::*;
use syncline_core::snapshot::Prefixes;
use syncline_core::table::each;
use syncline_model::models::{Device, Interface, IpAddress, MacAddress, Prefix, Site, Tag, VirtualMachine, Vrf};
use syncline_model::{AnyKey, AnyRecord, Model as _};
use uuid::Uuid;

use crate::client::Client;
use crate::settings::Connection;
use crate::tables::{Column, Kind, TABLES, Table, beside, is_listed, list};

/// The namespace that is the global table.
pub(crate) const GLOBAL: &str = "Global";

/// What was read so far: how references become keys.
#[derive(Default)]
pub(crate) struct Known {
    keys: KeysById<Uuid>,
    /// The location that a location is in.
    above: HashMap<Uuid, Uuid>,
    /// The VRFs of a namespace.
    pub vrfs: HashMap<Uuid, Vec<AnyKey>>,
    prefixes: Prefixes,
}

/// One model of a list. The list of interfaces is also one of MAC addresses.
struct Part {
    table: &'static Table,
    /// Of the key, and of the other fields.
    columns: [Vec<&'static Column>; 2],
    sink: Option<ModelSink<AnyRecord>>,
}

const LEFT_OUT: NoRecord = NoRecord::Skip("belongs to what is left out");

/// Reads every model of the request into the sink.
pub(crate) async fn load(client: &Client, request: &ReadRequest, sink: &SnapshotSink) -> Result<Prefixes> {
    if request.fields.has(Site::NAME) {
        client.location_type().await?;
    }
    sink.note("nautobot_version", client.version.to_string());
    let mut known = Known::default();
    let has_addresses =
        [IpAddress::NAME, Device::NAME, VirtualMachine::NAME].iter().any(|name| request.fields.has(name));
    for tables in TABLES.chunk_by(|one, next| one.path == next.path) {
        let mut parts = Vec::new();
        for table in tables {
            let (name, fields) = (table.schema.name, request.fields.of(table.schema.name));
            let is_wanted = request.fields.has(name);
            // An address is in the VRF of the prefix that holds it.
            if is_wanted || has_addresses && [Vrf::NAME, Prefix::NAME].contains(&name) {
                let sink = is_wanted.then(|| sink.open_any(table.schema)).transpose()?;
                let columns = table.columns_of(fields.union(table.schema.key_set()));
                let (key, others) = columns.partition(|column| table.is_key(column));
                parts.push(Part { table, columns: [key, others], sink });
            }
        }
        if parts.is_empty() {
            continue;
        }
        let read = request.unless_cancelled(Box::pin(known.read(client, &mut parts))).await;
        for sink in parts.into_iter().filter_map(|part| part.sink) {
            sink.end_as(&read).await?;
        }
        read.or_else(|error| if error.kind().ends_a_read() { Err(error) } else { Ok(()) })?;
    }
    Ok(known.prefixes)
}

impl Known {
    /// Reads a list, as the records of its models.
    async fn read(&mut self, client: &Client, parts: &mut [Part]) -> Result<()> {
        let table = parts[0].table;
        let columns = parts.iter().flat_map(|part| part.columns.iter().flatten());
        let mut fields: Vec<_> = columns.map(|column| column.kind.ask(column.native)).collect();
        fields.push(beside(table).to_owned());
        let (list, fields) = (list(table), fields.join(" "));
        let page = |offset: usize, limit: usize| client.list(&list, &format!("limit:{limit},offset:{offset}"), &fields);
        let Connection { page_size, read_connections, .. } = client.connection;
        let (size, connections) = (page_size as usize, read_connections as usize);
        let count = || client.lists.count(table.path);
        let mut pages = pin!(by_offset(size, connections, count, page, |row: &Value| id(&row["id"])));
        while let Some((rows, expected)) = pages.try_next().await? {
            let sinks = parts.iter_mut().filter_map(|part| part.sink.as_mut());
            sinks.for_each(|sink| sink.expect(expected.unwrap_or(rows.len()) as u64));
            for row in rows {
                for part in &mut *parts {
                    self.take(client, part, &row).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes a row as a record.
    async fn take(&mut self, client: &Client, part: &mut Part, row: &Value) -> Result<()> {
        let (schema, own) = (part.table.schema, id(&row["id"]));
        if !client.is_record(part.table, row) {
            // What stands at a floor stands at its site; a role of other things is as good as none.
            match schema.name {
                Site::NAME => drop(self.above.insert(own, id(&row["parent"]["id"]))),
                _ => self.keys.leave_out(schema, own),
            }
            return Ok(());
        }
        let field = |column: &&Column| Ok((column.field.to_owned(), self.value(part.table, column, row)?));
        let [key, others] =
            part.columns.each_ref().map(|columns| columns.iter().map(field).collect::<Result<Object, _>>());
        // Nothing is found by the ids of these. What is found by its key, is so also when another field is wrong.
        if ![Interface::NAME, MacAddress::NAME, IpAddress::NAME, VirtualMachine::NAME].contains(&schema.name) {
            match (&key, key.as_ref().ok().and_then(|key| self.keys.insert(schema, own, key))) {
                (_, Some(key)) if schema.name == Vrf::NAME => {
                    self.vrfs.entry(id(&row["namespace"]["id"])).or_default().push(key);
                }
                (Err(NoRecord::Skip(_)), _) => self.keys.leave_out(schema, own),
                _ => {}
            }
        }
        let record = key.and_then(|key| Ok(key.into_iter().chain(others?).collect::<Object>()));
        if let (Prefix::NAME, Ok(record)) = (schema.name, &record) {
            self.prefixes.note(record);
        }
        let Some(sink) = &mut part.sink else { return Ok(()) };
        let label = fmt::from_fn(|text| {
            let name = ["name", "model", "address", "prefix"].iter().find_map(|name| row[name].as_str()).unwrap_or("-");
            write!(text, "`{name}` (id {})", row["id"].as_str().unwrap_or("-"))
        });
        sink.take(label, record, &native(part.table, row)).await
    }

    /// A field of a record, with keys in the place of ids.
    fn value(&self, table: &Table, column: &Column, row: &Value) -> Result<Value, NoRecord> {
        let is_key = table.is_key(column);
        // What is left out takes along what is a part of it.
        let part_of = |key: Option<Value>| if is_key { key.ok_or(LEFT_OUT) } else { Ok(key.unwrap_or_default()) };
        let key = |model, id: &Value| self.key(model, column, id);
        let interface = |row: &Value| {
            let device = key(Device::NAME, &row["device"]["id"])?;
            part_of(device.map(|device| json!([device, row["name"]])))
        };
        let (native, value) = (&row[column.native], column.kind.value(column.native, row));
        match (column.kind, &value, table.refers_to(column)) {
            (Kind::Text, Value::Null, _) if is_key => Err(NoRecord::Skip("without a name")),
            (Kind::Itself, ..) if row["mac_address"].as_str().is_none_or(str::is_empty) => Err(NoRecord::Nothing),
            _ if is_key && column.native == "device" && native.is_null() => {
                Err(NoRecord::Skip("an interface of a module"))
            }
            (Kind::Itself, ..) => interface(row),
            (Kind::Vrf, Value::Null, _) => self.vrf_of_namespace(&row["namespace"]),
            (Kind::ParentVrf, id, _) => part_of(key(Prefix::NAME, id)?.map(|mut prefix| prefix[0].take())),
            (Kind::Tags, tags, _) => {
                let keys: Result<Vec<_>, _> = each(tags).map(|tag| key(Tag::NAME, tag)).collect();
                Ok(keys?.into_iter().flatten().collect())
            }
            (_, Value::Array(several), Some(_)) => {
                let message = format!("has {} {}, and can be taken over with one", several.len(), column.native);
                Err(NoRecord::reject(column.field, message))
            }
            (_, Value::Null, _) => Ok(value),
            (Kind::Chassis, ..) => Ok(native["name"].clone()),
            (Kind::Address, ..) => {
                let prefix = key(Prefix::NAME, &native["parent"]["id"])?;
                Ok(prefix.map_or(Value::Null, |prefix| json!([prefix[0], native["host"]])))
            }
            // That of a module is left out.
            (Kind::Assigned, ..) if native[0]["device"].is_null() => Ok(Value::Null),
            (Kind::Interface | Kind::Assigned, ..) => interface(native.get(0).unwrap_or(native)),
            (Kind::Reference | Kind::Vrf, id, Some(model)) => part_of(key(model, id)?),
            _ => Ok(value),
        }
    }

    /// The key of an object; none when it is left out.
    fn key(&self, model: &'static str, column: &Column, object: &Value) -> Result<Option<Value>, NoRecord> {
        let mut own = id(object);
        loop {
            match (self.keys.get(model, &own), self.above.get(&own)) {
                (Referred::To(key), _) => return Ok(Some(key.to_value())),
                (Referred::LeftOut, _) => return Ok(None),
                (Referred::Unknown, Some(above)) if model == Site::NAME => own = *above,
                (Referred::Unknown, _) => {
                    let why = "the token may not see it, it is rejected itself, or it is a location that is in no site";
                    let message = format!("refers to the {} {object}, which was not read: {why}", column.native);
                    return Err(NoRecord::reject(column.field, message));
                }
            }
        }
    }

    /// The VRF of a prefix that is assigned to none.
    pub fn vrf_of_namespace(&self, namespace: &Value) -> Result<Value, NoRecord> {
        match self.vrfs.get(&id(&namespace["id"])).map(Vec::as_slice) {
            _ if namespace["name"] == GLOBAL => Ok(Value::Null),
            _ if namespace.is_null() => Err(NoRecord::reject("vrf", "lacks the right to view its namespace")),
            Some([vrf]) => Ok(vrf.to_value()),
            _ => Err(NoRecord::Skip("in a namespace that is not the one of a VRF")),
        }
    }
}

/// The handle of an object. That of a MAC address is its interface's, whose other fields are none of its business.
pub(crate) fn native(table: &Table, object: &Value) -> Native {
    if is_listed(table) { moment(object) } else { Native::of(object, "id", None) }
}

/// The handle of an object, with the moment of its last change.
pub(crate) fn moment(object: &Value) -> Native {
    Native::of(object, "id", None).changed_at(object["last_updated"].as_str().unwrap_or_default())
}

/// An id in little room; zeros where there is none.
fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}
