//! Reading: by GraphQL, for a source and for a target alike. REST counts what has to come: it tells a right that is missing from a
//! list that is empty, and GraphQL does not.

use std::collections::HashMap;
use std::pin::pin;

use futures::TryStreamExt as _;
use serde_json::json;
use syncline_core::prelude::*;
use syncline_core::snapshot::Prefixes;
use syncline_model::models::{Device, Interface, IpAddress, MacAddress, Prefix, Site, Tag, VirtualMachine, Vrf};
use syncline_model::{AnyKey, AnyRecord, Model as _};

use crate::client::{Client, each};
use crate::settings::Connection;
use crate::tables::{Column, Kind, TABLES, Table};

/// The namespace that is the global table.
pub(crate) const GLOBAL: &str = "Global";

type Id = [u8; 16];

/// What was read so far: how references become keys.
#[derive(Default)]
struct Known {
    keys: KeysById<Id>,
    /// The location that a location is in.
    above: HashMap<Id, Id>,
    /// The VRFs of a namespace.
    vrfs: HashMap<Id, Vec<AnyKey>>,
    prefixes: Prefixes,
}

/// One model of a list. The list of interfaces is also one of MAC addresses.
struct Part {
    table: &'static Table,
    columns: Vec<&'static Column>,
    sink: Option<ModelSink<AnyRecord>>,
}

const LEFT_OUT: NoRecord = NoRecord::Skip("belongs to what is left out");

/// Reads every model of the request into the sink.
pub(crate) async fn load(client: &Client, request: &ReadRequest, sink: &SnapshotSink) -> Result<Prefixes> {
    sink.note("nautobot_version", &client.version);
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
                parts.push(Part { table, columns: table.columns_of(fields.union(table.schema.key_set())), sink });
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
        let mut fields: Vec<_> = parts.iter().flat_map(|part| &part.columns).map(|column| column.ask()).collect();
        fields.push(table.beside().to_owned());
        let (list, fields) = (&table.list(), &fields.join(" "));
        let filter = table.filter().iter().map(|(name, value)| format!(",{name}:{}", json!([value])));
        let filter = &filter.collect::<String>();
        let page = |offset: usize, limit: usize| async move {
            client.list(list, &format!("limit:{limit},offset:{offset}{filter}"), fields).await
        };
        let Connection { page_size, read_connections, .. } = client.connection;
        let (size, connections) = (page_size as usize, read_connections as usize);
        let count = || client.lists.count(table.path, table.filter());
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
        if schema.name == Site::NAME && row["location_type"]["name"] != *client.connection.location_type {
            self.above.insert(own, id(&row["parent"]["id"]));
            return Ok(());
        }
        let fields =
            part.columns.iter().map(|column| Ok((column.field.to_owned(), self.value(part.table, column, row)?)));
        let record: Result<Object, _> = fields.collect();
        // Nothing is found by the ids of these.
        if ![Interface::NAME, MacAddress::NAME, IpAddress::NAME, VirtualMachine::NAME].contains(&schema.name) {
            let key = record.as_ref().ok().and_then(|record| self.keys.insert(schema, own, record));
            match key {
                Some(key) if schema.name == Vrf::NAME => {
                    self.vrfs.entry(id(&row["namespace"]["id"])).or_default().push(key);
                }
                Some(key) if schema.name == Prefix::NAME => {
                    let (vrf, prefix) = (key.to_value()[0].to_string(), row["prefix"].as_str().unwrap_or_default());
                    self.prefixes.extend(prefix.parse().map(|prefix| (vrf, prefix)));
                }
                None if matches!(record, Err(NoRecord::Skip(_))) => self.keys.leave_out(schema, own),
                _ => {}
            }
        }
        let Some(sink) = &mut part.sink else { return Ok(()) };
        let name = ["name", "model", "address", "prefix"].iter().find_map(|name| row[name].as_str()).unwrap_or("-");
        let label = format!("`{name}` (id {})", row["id"].as_str().unwrap_or("-"));
        sink.take(label, record, &native(part.table, row)).await
    }

    /// A field of a record, with keys in the place of ids.
    fn value(&self, table: &Table, column: &'static Column, row: &Value) -> Result<Value, NoRecord> {
        let is_key = table.schema.field(column.field).is_some_and(|field| field.key);
        // What is left out takes along what is a part of it.
        let part_of = |key: Option<Value>| if is_key { key.ok_or(LEFT_OUT) } else { Ok(key.unwrap_or_default()) };
        let key = |model, id: &Value| self.key(model, column, id);
        let interface = |row: &Value| {
            let device = key(Device::NAME, &row["device"]["id"])?;
            part_of(device.map(|device| json!([device, row["name"]])))
        };
        let (native, value) = (&row[column.native], column.value(row));
        match (column.kind, &value) {
            (Kind::Itself, _) if row["mac_address"].as_str().is_none_or(str::is_empty) => Err(NoRecord::Nothing),
            (Kind::Itself | Kind::Reference(Device::NAME), _) if is_key && native.is_null() => {
                Err(NoRecord::Skip("an interface of a module"))
            }
            (Kind::Itself, _) => interface(row),
            (Kind::Vrf, Value::Null) => self.vrf_of_namespace(&row["namespace"]),
            (Kind::ParentVrf, id) => part_of(key(Prefix::NAME, id)?.map(|mut prefix| prefix[0].take())),
            (Kind::Tags, tags) => {
                let keys: Result<Vec<_>, _> = each(tags).map(|tag| key(Tag::NAME, tag)).collect();
                Ok(keys?.into_iter().flatten().collect())
            }
            (_, Value::Array(several)) if column.refers_to().is_some() => {
                let message = format!("has {} {}, and can be taken over with one", several.len(), column.native);
                Err(NoRecord::reject(column.field, message))
            }
            (_, Value::Null) => Ok(value),
            (Kind::Chassis, _) => Ok(native["name"].clone()),
            (Kind::Address, _) => {
                let prefix = key(Prefix::NAME, &native["parent"]["id"])?;
                Ok(prefix.map_or(Value::Null, |prefix| json!([prefix[0], native["host"]])))
            }
            (Kind::Interface, _) => interface(native.get(0).unwrap_or(native)),
            (Kind::Reference(model), id) => part_of(key(model, id)?),
            (Kind::Vrf, id) => part_of(key(Vrf::NAME, id)?),
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
                // What stands at a floor stands at its site.
                (Referred::Unknown, Some(above)) if model == Site::NAME => own = *above,
                (Referred::Unknown, _) => {
                    let message = format!("refers to {object}, which is no {model} that was read");
                    return Err(NoRecord::reject(column.field, message));
                }
            }
        }
    }

    /// The VRF of a prefix that is assigned to none.
    fn vrf_of_namespace(&self, namespace: &Value) -> Result<Value, NoRecord> {
        match self.vrfs.get(&id(&namespace["id"])).map(Vec::as_slice) {
            _ if namespace["name"] == GLOBAL => Ok(Value::Null),
            Some([vrf]) => Ok(vrf.to_value()),
            _ => Err(NoRecord::Skip("in a namespace that is not the one of a VRF")),
        }
    }
}

/// The handle of an object. That of a MAC address is its interface's, whose other fields are none of its business.
pub(crate) fn native(table: &Table, object: &Value) -> Native {
    if table.is_listed() { moment(object) } else { Native::of(object, "id", None) }
}

/// The handle of an object, with the moment of its last change.
pub(crate) fn moment(object: &Value) -> Native {
    Native::of(object, "id", None).changed_at(object["last_updated"].as_str().unwrap_or_default())
}

/// An id in little room; zeros where there is none.
fn id(value: &Value) -> Id {
    let digits = value.as_str().map(|text| text.replace('-', ""));
    let number = digits.and_then(|digits| u128::from_str_radix(&digits, 16).ok());
    number.unwrap_or_default().to_be_bytes()
}
