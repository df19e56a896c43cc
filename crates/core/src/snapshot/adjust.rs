//! What a target makes of a source's records that it can keep but for a detail, in
//! [`DataTarget::desired`](crate::target::DataTarget::desired).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use syncline_model::models::{IpAddress, Prefix};
use syncline_model::{AnyRecord, FieldSet, IpHost, IpPrefix, Model as _, ModelSchema};

use super::{Rejection, Remade, Snapshot, SnapshotReader};
use crate::Result;
use crate::fields::ModelFields;

/// Prefixes by their VRFs.
pub type Prefixes = BTreeSet<(String, IpPrefix)>;

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

    /// Changes the records of a model, and adds others. What the read left in doubt stays in doubt; what is no record any more is rejected.
    pub fn adjust(
        &mut self,
        schema: &'static ModelSchema,
        fields: FieldSet,
        mut change: impl FnMut(&mut Map<String, Value>),
        more: Vec<Map<String, Value>>,
    ) -> Result<()> {
        let Some(read) = self.models.get(schema.name) else { return Ok(()) };
        let folder = read.path.parent().map(std::path::Path::to_owned).unwrap_or_default();
        let mut remade = Remade::of(schema, fields, read, &folder);
        let mut push = |record: Map<String, Value>, native: Option<&[u8]>| {
            match AnyRecord::from_json(schema, &record, FieldSet::EMPTY) {
                Ok(record) => return remade.push(&record, native),
                Err(error) => remade.reject(Rejection {
                    record: Value::Object(record).to_string(),
                    field: error.field().to_owned(),
                    message: error.to_string(),
                }),
            }
            Ok(())
        };
        let mut reader = SnapshotReader::open(read)?;
        while let Some(line) = reader.next_line()? {
            let mut record = line.fields()?;
            change(&mut record);
            push(record, line.native)?;
        }
        more.into_iter().try_for_each(|record| push(record, None))?;
        let remade = remade.finish(BTreeMap::new())?;
        self.models.insert(schema.name, remade);
        Ok(())
    }

    /// Adds the networks of those addresses that no prefix of their VRF holds: for a target that takes an address only within a prefix.
    /// Of the target's own prefixes, those count that are larger than the network itself, which would be the one that was added before.
    pub fn add_prefixes_of_addresses(&mut self, fields: &ModelFields, of_target: &Prefixes) -> Result<()> {
        if !(self.models.contains_key(Prefix::NAME) && self.models.contains_key(IpAddress::NAME)) {
            return Ok(());
        }
        let vrf = |record: &Map<String, Value>| record.get("vrf").unwrap_or(&Value::Null).to_string();
        let mut prefixes = Prefixes::new();
        self.each(Prefix::NAME, |record| {
            let prefix = record.get("prefix").and_then(Value::as_str).and_then(|text| text.parse().ok());
            prefixes.extend(prefix.map(|prefix| (vrf(&record), prefix)));
        })?;
        let mut missing = Prefixes::new();
        self.each(IpAddress::NAME, |record| {
            let address = record.get("address").and_then(Value::as_str).and_then(|text| text.parse::<IpHost>().ok());
            let Some(address) = address else { return };
            let (vrf, own) = (vrf(&record), address.prefix());
            let holds = |mask: u8| {
                let prefix = IpPrefix::new(address.address(), mask).map(|prefix| (vrf.clone(), prefix));
                prefix.is_some_and(|it| prefixes.contains(&it) || mask < own.mask() && of_target.contains(&it))
            };
            // A longer prefix than the address's own network holds it too.
            let longest = if address.address().is_ipv4() { 32 } else { 128 };
            if !(0..=longest).any(holds) {
                missing.insert((vrf, own));
            }
        })?;
        let record = |(vrf, prefix): (String, IpPrefix)| {
            let vrf: Value = serde_json::from_str(&vrf).unwrap_or_default();
            let record = json!({"vrf": vrf, "prefix": prefix.to_string(), "status": "active"});
            record.as_object().cloned().unwrap_or_default()
        };
        let missing: Vec<_> = missing.into_iter().map(record).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.adjust(Prefix::SCHEMA, fields.of(Prefix::NAME), |_| {}, missing)
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
        let mut target = Prefixes::new();
        // The second one was added before, and the first one is somebody's.
        target.extend(
            ["192.0.2.128/25", "192.0.2.1/32", "2001:db8::/32"].map(|text| ("null".to_owned(), text.parse().unwrap())),
        );
        source.add_prefixes_of_addresses(&fields, &target).unwrap();
        let mut found = Vec::new();
        source.each("prefix", |record| found.push(format!("{} {}", record["vrf"], record["prefix"]))).unwrap();
        assert_eq!(
            found,
            [
                r#"["blue"] "10.1.1.1/32""#,
                r#"["blue"] "10.2.2.0/24""#,
                r#"null "10.0.0.0/8""#,
                r#"null "192.0.2.1/32""#,
                r#"null "192.0.2.128/25""#
            ]
        );
    }

    #[tokio::test]
    async fn records_are_changed_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let interface =
            |name: &str| json!({"device": ["atl", "sw1"], "name": name, "type": "lag", "enabled": true, "speed": 1000});
        let (mut source, fields) = snapshot(folder.path(), &[(Interface::SCHEMA, vec![interface("Po1")])]).await;
        let drop_speed = |record: &mut Map<String, Value>| drop(record.remove("speed"));
        source.adjust(Interface::SCHEMA, fields.of("interface"), drop_speed, Vec::new()).unwrap();
        let mut found = Vec::new();
        source.each("interface", |record| found.push(record.contains_key("speed"))).unwrap();
        assert_eq!(found, [false]);
    }
}
