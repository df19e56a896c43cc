//! What a target makes of a source's records that it can keep but for a detail, in
//! [`DataTarget::desired`](crate::target::DataTarget::desired).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use syncline_model::models::{IpAddress, MacAddress, Prefix};
use syncline_model::{AnyRecord, FieldSet, IpHost, IpPrefix, Model as _, ModelSchema};

use super::{NoRecord, Rejection, Remade, Snapshot, SnapshotReader};
use crate::Result;
use crate::fields::ModelFields;

/// Prefixes as a target has them, by their VRFs.
#[derive(Debug, Default)]
pub struct Prefixes(BTreeMap<(String, IpPrefix), Box<str>>);

impl Prefixes {
    /// Notes the record of a prefix; what is none is left out.
    pub fn note(&mut self, record: &Map<String, Value>) {
        let record_of = |key| (key, Value::Object(record.clone()).to_string().into());
        self.0.extend(key_of(record).map(record_of));
    }
}

/// The VRF and the prefix of a record.
fn key_of(record: &Map<String, Value>) -> Option<(String, IpPrefix)> {
    let prefix = record.get("prefix").and_then(Value::as_str)?.parse().ok()?;
    Some((vrf_of(record), prefix))
}

fn vrf_of(record: &Map<String, Value>) -> String {
    record.get("vrf").unwrap_or(&Value::Null).to_string()
}

impl Snapshot {
    /// Hands over the fields of each record of a model.
    pub fn each(&self, model: &str, mut take: impl FnMut(Map<String, Value>)) -> Result<()> {
        let Some(read) = self.models.get(model) else { return Ok(()) };
        let mut reader = SnapshotReader::open(read)?;
        while let Some(line) = reader.next_line()? {
            take(line.fields()?);
        }
        Ok(())
    }

    /// Changes the records of a model, in the order of their keys, or leaves some out, and adds others. What the read left in doubt stays in
    /// doubt; what is no record any more is rejected.
    pub fn adjust(
        &mut self,
        schema: &'static ModelSchema,
        fields: FieldSet,
        mut change: impl FnMut(&mut Map<String, Value>) -> Result<(), NoRecord>,
        more: Vec<Map<String, Value>>,
    ) -> Result<()> {
        let Some(read) = self.models.get(schema.name) else { return Ok(()) };
        let folder = read.path.parent().map(std::path::Path::to_owned).unwrap_or_default();
        let mut remade = Remade::of(schema, fields, read, &folder);
        let mut left_out = BTreeMap::new();
        let made = |record: &Map<String, Value>| {
            AnyRecord::from_json(schema, record, FieldSet::EMPTY)
                .map_err(|error| NoRecord::reject(error.field(), error.to_string()))
        };
        let mut push = |record: Map<String, Value>, made: Result<AnyRecord, NoRecord>, native: Option<&[u8]>| {
            match made {
                Ok(record) => return remade.push(&record, native),
                Err(NoRecord::Nothing) => {}
                Err(NoRecord::Skip(rule)) => *left_out.entry(rule).or_default() += 1,
                Err(NoRecord::Reject { field, message }) => {
                    remade.reject(Rejection { record: Value::Object(record).to_string(), field, message });
                }
            }
            Ok(())
        };
        let mut reader = SnapshotReader::open(read)?;
        while let Some(line) = reader.next_line()? {
            let mut record = line.fields()?;
            let changed = change(&mut record).and_then(|()| made(&record));
            push(record, changed, line.native)?;
        }
        for record in more {
            let made = made(&record);
            push(record, made, None)?;
        }
        let remade = remade.finish(left_out)?;
        self.models.insert(schema.name, remade);
        Ok(())
    }

    /// Keeps one MAC address of each interface, the first of them, and none that is on no interface: for a target whose interfaces have it as
    /// a field.
    pub fn keep_mac_addresses_of_interfaces(&mut self, fields: &ModelFields) -> Result<()> {
        let mut taken = Value::Null;
        let keep = |record: &mut Map<String, Value>| {
            let interface = record.get("interface").unwrap_or(&Value::Null);
            if interface.is_null() {
                return Err(NoRecord::Skip("a MAC address on no interface"));
            }
            if taken == *interface {
                return Err(NoRecord::Skip("a further MAC address of an interface that has room for one"));
            }
            interface.clone_into(&mut taken);
            Ok(())
        };
        self.adjust(MacAddress::SCHEMA, fields.of(MacAddress::NAME), keep, Vec::new())
    }

    /// Adds the networks of those addresses that no prefix of their VRF holds: for a target that takes an address only within a prefix. Of
    /// the target's own prefixes, those count that are larger than the network; one that is the network itself, because it was added before
    /// or is somebody's, is added as it is there.
    pub fn add_prefixes_of_addresses(&mut self, fields: &ModelFields, of_target: &Prefixes) -> Result<()> {
        if !(self.models.contains_key(Prefix::NAME) && self.models.contains_key(IpAddress::NAME)) {
            return Ok(());
        }
        let mut prefixes = BTreeSet::new();
        self.each(Prefix::NAME, |record| prefixes.extend(key_of(&record)))?;
        let mut missing = BTreeSet::new();
        self.each(IpAddress::NAME, |record| {
            let address = record.get("address").and_then(Value::as_str).and_then(|text| text.parse::<IpHost>().ok());
            let Some(address) = address else { return };
            let (vrf, own) = (vrf_of(&record), address.prefix());
            let holds = |mask: u8| {
                let prefix = IpPrefix::new(address.address(), mask).map(|prefix| (vrf.clone(), prefix));
                prefix.is_some_and(|it| prefixes.contains(&it) || mask < own.mask() && of_target.0.contains_key(&it))
            };
            // A longer prefix than the address's own network holds it too.
            let longest = if address.address().is_ipv4() { 32 } else { 128 };
            if !(0..=longest).any(holds) {
                missing.insert((vrf, own));
            }
        })?;
        let record = |key: (String, IpPrefix)| {
            let there = of_target.0.get(&key).and_then(|record| serde_json::from_str(record).ok());
            let new = || {
                let vrf: Value = serde_json::from_str(&key.0).unwrap_or_default();
                json!({"vrf": vrf, "prefix": key.1.to_string(), "status": "active"})
            };
            there.unwrap_or_else(new).as_object().cloned().unwrap_or_default()
        };
        let missing: Vec<_> = missing.into_iter().map(record).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.adjust(Prefix::SCHEMA, fields.of(Prefix::NAME), |_| Ok(()), missing)
    }
}

#[cfg(test)]
mod tests {
    use syncline_model::models::{Interface, Vrf};

    use super::*;
    use crate::event::{Events, Side};
    use crate::snapshot::SnapshotSink;

    async fn snapshot(
        folder: &std::path::Path,
        records: &[(&'static ModelSchema, Vec<Value>)],
    ) -> (Snapshot, ModelFields) {
        let fields =
            records.iter().fold(ModelFields::new(), |fields, (schema, _)| fields.insert(schema, FieldSet::ALL));
        let sink = SnapshotSink::create(Side::Source, folder, fields.clone(), Events::new()).unwrap();
        for (schema, records) in records {
            let mut model = sink.open_any(schema).unwrap();
            for record in records {
                model.push_object("it", record, None).await.unwrap();
            }
            model.complete().await.unwrap();
        }
        (sink.finish().unwrap(), fields)
    }

    #[tokio::test]
    async fn an_address_without_a_prefix_gets_the_one_of_its_network() {
        let folder = tempfile::tempdir().unwrap();
        let prefix = |vrf: Option<&str>, prefix: &str| json!({"vrf": vrf, "prefix": prefix, "status": "active"});
        let address = |vrf: Option<&str>, address: &str| json!({"vrf": vrf, "address": address, "status": "active"});
        let (mut source, fields) = snapshot(
            folder.path(),
            &[
                (Vrf::SCHEMA, vec![json!({"name": "blue", "enforce_unique": true})]),
                (Prefix::SCHEMA, vec![prefix(None, "10.0.0.0/8"), prefix(Some("blue"), "10.1.1.1/32")]),
                (
                    IpAddress::SCHEMA,
                    vec![
                        address(None, "10.1.1.1/24"),
                        address(Some("blue"), "10.1.1.1/24"),
                        address(Some("blue"), "10.2.2.2/24"),
                        address(None, "192.0.2.1/32"),
                        address(None, "192.0.2.129/25"),
                        address(None, "2001:db8::1/64"),
                    ],
                ),
            ],
        )
        .await;
        let mut target = Prefixes::default();
        // The second one was added before, and the others are somebody's.
        for (prefix, status) in
            [("192.0.2.128/25", "reserved"), ("192.0.2.1/32", "active"), ("2001:db8::/32", "active")]
        {
            let record = json!({"vrf": null, "prefix": prefix, "status": status, "description": "theirs"});
            target.note(record.as_object().unwrap());
        }
        source.add_prefixes_of_addresses(&fields, &target).unwrap();
        let mut found = Vec::new();
        source
            .each("prefix", |record| {
                let text = |name: &str| record.get(name).unwrap_or(&Value::Null).to_string();
                found.push(["vrf", "prefix", "status", "description"].map(text).join(" "));
            })
            .unwrap();
        assert_eq!(
            found,
            [
                r#"["blue"] "10.1.1.1/32" "active" null"#,
                r#"["blue"] "10.2.2.0/24" "active" null"#,
                r#"null "10.0.0.0/8" "active" null"#,
                r#"null "192.0.2.1/32" "active" "theirs""#,
                r#"null "192.0.2.128/25" "reserved" "theirs""#
            ]
        );
    }

    #[tokio::test]
    async fn records_are_changed_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let interface =
            |name: &str| json!({"device": ["atl", "sw1"], "name": name, "type": "lag", "enabled": true, "speed": 1000});
        let (mut source, fields) = snapshot(folder.path(), &[(Interface::SCHEMA, vec![interface("Po1")])]).await;
        let drop_speed = |record: &mut Map<String, Value>| {
            record.remove("speed");
            Ok(())
        };
        source.adjust(Interface::SCHEMA, fields.of("interface"), drop_speed, Vec::new()).unwrap();
        let mut found = Vec::new();
        source.each("interface", |record| found.push(record.contains_key("speed"))).unwrap();
        assert_eq!(found, [false]);
    }

    #[tokio::test]
    async fn one_mac_address_is_kept_of_each_interface() {
        let folder = tempfile::tempdir().unwrap();
        let mac = |interface: Value, mac: &str| json!({"interface": interface, "mac_address": mac});
        let on = |name: &str| json!([["atl", "sw1"], name]);
        let records = vec![
            mac(on("Et1"), "AA:BB:CC:00:00:02"),
            mac(on("Et1"), "AA:BB:CC:00:00:01"),
            mac(on("Et2"), "AA:BB:CC:00:00:03"),
            mac(Value::Null, "AA:BB:CC:00:00:04"),
            mac(Value::Null, "AA:BB:CC:00:00:05"),
        ];
        let (mut source, fields) = snapshot(folder.path(), &[(MacAddress::SCHEMA, records)]).await;
        source.keep_mac_addresses_of_interfaces(&fields).unwrap();
        let mut found = Vec::new();
        source.each("mac_address", |record| found.push(record["mac_address"].clone())).unwrap();
        assert_eq!(found, ["AA:BB:CC:00:00:01", "AA:BB:CC:00:00:03"]);
        let left_out = BTreeMap::from([
            ("a MAC address on no interface", 2),
            ("a further MAC address of an interface that has room for one", 1),
        ]);
        assert_eq!(source.models["mac_address"].skipped, left_out);
    }
}
