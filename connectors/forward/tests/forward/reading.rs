//! Whole reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use syncline_connector_forward::Forward;
use syncline_core::connector::ConnectSource as _;
use syncline_core::event::Events;
use syncline_core::settings::parse;
use syncline_core::source::DataSource;
use syncline_model::FieldKind;
use syncline_model::models::ALL;
use syncline_testkit::estate::{Estate, EstateOptions};

use crate::support::{Read, Reader, old_sim, sim, small};

#[tokio::test]
async fn every_model_is_read_whole() {
    let sim = sim().await;
    let read = Reader::of(&sim).read().await.unwrap();
    let mut table = String::new();
    for (name, model) in &read.snapshot.models {
        writeln!(table, "{name}: {} {:?} {:?} {:?}", model.records, model.verdict, model.skipped, model.rejections)
            .unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    device: 24 Complete {} []
    device_role: 3 Complete {} []
    device_type: 11 Complete {} []
    interface: 370 Complete {} []
    ip_address: 261 Complete {"address that another interface has, too": 3} []
    mac_address: 300 Complete {} []
    manufacturer: 4 Complete {} []
    platform: 6 Complete {} []
    prefix: 124 Complete {} []
    site: 4 Complete {} []
    tag: 6 Complete {} []
    virtual_chassis: 3 Complete {} []
    vlan: 35 Complete {} []
    vrf: 4 Complete {} []
    "#);
    assert!(read.snapshot.models.values().all(|model| model.duplicates == 0));
    insta::assert_json_snapshot!(read.snapshot.notes, @r#"
    {
      "forward.collection.failed": "1",
      "forward.collection.succeeded": "25",
      "forward.devices": "24",
      "forward.devices.backfilled": "1",
      "forward.network": "Production (id 101)",
      "forward.processing.failed": "0",
      "forward.snapshot": "1042",
      "forward.snapshot.created": "2026-01-10T00:00:10.000Z",
      "forward.snapshot.processed": "2026-01-10T00:31:10.000Z",
      "forward.version": "26.7.0-02"
    }
    "#);
}

/// What is read does not depend on how: digests of the models are compared.
#[tokio::test]
async fn every_way_of_running_queries_reads_the_same() {
    let sim = sim().await;
    let old = old_sim().await;
    let digests = |read: Read| -> BTreeMap<_, _> {
        read.assert_complete();
        read.snapshot.models.iter().map(|(name, model)| (*name, model.digest.clone())).collect()
    };
    let expected = digests(Reader::of(&sim).read().await.unwrap());
    assert_eq!(sim.count("POST /api/networks/101/nqe-executions"), 14);

    sim.forget_requests();
    assert_eq!(digests(Reader::of(&sim).with("execution", "sync").read().await.unwrap()), expected);
    assert_eq!(sim.count("nqe-executions"), 0);

    assert_eq!(digests(Reader::of(&old).read().await.unwrap()), expected);
    assert_eq!(old.count("nqe-executions"), 0);

    sim.faults(|faults| faults.json_only = true);
    assert_eq!(digests(Reader::of(&sim).read().await.unwrap()), expected, "older builds answer documents");
    assert_eq!(digests(Reader::of(&sim).with("page_size", 7).read().await.unwrap()), expected);

    sim.faults(|faults| {
        faults.slash_in_keys = true;
        faults.numeric_ids = true;
        faults.short_page = Some(13);
        faults.polls = 0;
    });
    assert_eq!(digests(Reader::of(&sim).read().await.unwrap()), expected, "short pages are no ends");
}

#[tokio::test]
async fn an_older_release_cannot_be_asked_for_executions() {
    let sim = old_sim().await;
    let error = Reader::of(&sim).with("execution", "async").error().await;
    insta::assert_snapshot!(error, @"Forward 26.5.2-01 has no executions (26.6 and later have): set `execution` to `auto` or `sync`");
}

/// Every reference of every record leads to a record that was read.
#[tokio::test]
async fn references_lead_to_records() {
    let sim = sim().await;
    let read = Reader::of(&sim).read().await.unwrap();
    // Hosts are a monitoring system's, and tenants and virtual machines NetBox's.
    let told = || ALL.iter().filter(|schema| read.snapshot.models.contains_key(schema.name));
    let keys: BTreeMap<&str, BTreeSet<String>> =
        told().map(|schema| (schema.name, read.records(schema.name).into_keys().collect())).collect();
    let mut followed = BTreeMap::new();
    for schema in told() {
        for (key, record) in read.records(schema.name) {
            for field in schema.fields {
                let (target, value) = match field.kind {
                    FieldKind::Reference(target) => (target, vec![record[field.name].clone()]),
                    FieldKind::References(target) => {
                        (target, record[field.name].as_array().cloned().unwrap_or_default())
                    }
                    _ => continue,
                };
                for reference in value.iter().filter(|value| !value.is_null()) {
                    assert!(keys[target].contains(&reference.to_string()), "{key}.{}: {reference}", field.name);
                    *followed.entry(format!("{}.{}", schema.name, field.name)).or_insert(0) += 1;
                }
            }
        }
    }
    insta::assert_json_snapshot!(followed, @r#"
    {
      "device.device_type": 24,
      "device.platform": 24,
      "device.primary_ip4": 23,
      "device.role": 24,
      "device.site": 24,
      "device.tags": 48,
      "device.virtual_chassis": 6,
      "device_type.manufacturer": 11,
      "interface.device": 370,
      "interface.lag": 46,
      "interface.untagged_vlan": 96,
      "ip_address.interface": 261,
      "ip_address.vrf": 97,
      "mac_address.interface": 300,
      "platform.manufacturer": 6,
      "prefix.vrf": 56,
      "virtual_chassis.master": 3,
      "vlan.site": 35
    }
    "#);
}

#[tokio::test]
async fn records_are_what_forward_has() {
    let sim = sim().await;
    let read = Reader::of(&sim).read().await.unwrap();
    let first = |model: &str, predicate: &dyn Fn(&Value) -> bool| {
        read.records(model).into_values().find(|record| predicate(record)).unwrap()
    };
    insta::assert_json_snapshot!([
        first("site", &|_| true),
        first("device", &|record| record["virtual_chassis"].is_array() && record["primary_ip4"].is_array()),
        first("device_type", &|record| record["part_number"].is_string()),
        first("platform", &|_| true),
        first("virtual_chassis", &|_| true),
        first("interface", &|record| record["lag"].is_array()),
        first("interface", &|record| record["mode"] == "access" && record["untagged_vlan"].is_array()),
        first("mac_address", &|_| true),
        first("vlan", &|_| true),
        first("vrf", &|_| true),
        first("prefix", &|record| record["vrf"].is_array()),
        first("ip_address", &|record| record["vrf"].is_array()),
        first("tag", &|_| true),
    ], @r#"
    [
      {
        "name": "Atlanta Campus1",
        "physical_address": "Atlanta, United States",
        "slug": "atlanta-campus1"
      },
      {
        "device_type": [
          [
            "cisco"
          ],
          "ws-c3850-48p"
        ],
        "name": "atl1-acc-02-1",
        "platform": [
          "ios-xe"
        ],
        "primary_ip4": [
          [
            "management"
          ],
          "100.64.1.15"
        ],
        "role": [
          "switch"
        ],
        "serial": "FCW2067000D",
        "site": [
          "atlanta-campus1"
        ],
        "status": "active",
        "tags": [
          [
            "lab"
          ],
          [
            "mgmt-vlan10"
          ]
        ],
        "vc_position": 1,
        "virtual_chassis": [
          "atl1-acc-02-1"
        ]
      },
      {
        "manufacturer": [
          "arista"
        ],
        "model": "DCS-7050SX3-48YC8",
        "part_number": "DCS-7050SX3-48YC8",
        "slug": "dcs-7050sx3-48yc8"
      },
      {
        "manufacturer": [
          "arista"
        ],
        "name": "Arista EOS",
        "slug": "arista-eos"
      },
      {
        "master": [
          [
            "frankfurt-dc1"
          ],
          "fra1-acc-02-2"
        ],
        "name": "FRA1-ACC-02-2"
      },
      {
        "device": [
          [
            "atlanta-campus1"
          ],
          "atl1-acc-01"
        ],
        "enabled": true,
        "lag": [
          [
            [
              "atlanta-campus1"
            ],
            "atl1-acc-01"
          ],
          "Port-channel1"
        ],
        "mode": null,
        "mtu": 9216,
        "name": "TenGigabitEthernet1/0/3",
        "speed": 10000000,
        "type": "10gbase-t",
        "untagged_vlan": null
      },
      {
        "description": "user port 12",
        "device": [
          [
            "atlanta-campus1"
          ],
          "atl1-acc-01"
        ],
        "enabled": false,
        "lag": null,
        "mode": "access",
        "mtu": 1500,
        "name": "GigabitEthernet1/0/12",
        "speed": 1000000,
        "type": "1000base-t",
        "untagged_vlan": [
          [
            "atlanta-campus1"
          ],
          30
        ]
      },
      {
        "interface": [
          [
            [
              "atlanta-campus1"
            ],
            "atl1-acc-01"
          ],
          "GigabitEthernet0/0"
        ],
        "mac_address": "00:2C:C8:00:30:00"
      },
      {
        "name": "users",
        "site": [
          "atlanta-campus1"
        ],
        "vid": 10
      },
      {
        "name": "CUST-A"
      },
      {
        "prefix": "10.128.1.0/24",
        "vrf": [
          "CUST-A"
        ]
      },
      {
        "address": "10.128.1.1/24",
        "interface": [
          [
            [
              "frankfurt-dc1"
            ],
            "fra1-core-01"
          ],
          "Vlan20"
        ],
        "vrf": [
          "CUST-A"
        ]
      },
      {
        "name": "lab",
        "slug": "lab"
      }
    ]
    "#);
}

/// The estate's facts, found again in the records.
#[tokio::test]
async fn facts_survive_the_way() {
    let estate = small();
    let sim = sim().await;
    let read = Reader::of(&sim).read().await.unwrap();
    let devices = read.records("device");
    let interfaces = read.records("interface");
    let addresses = read.records("ip_address");
    let mut primaries = 0;
    for device in estate.devices().filter(|device| device.is_queryable()) {
        let record = devices.values().find(|record| record["name"] == device.name.trim()).unwrap();
        assert_eq!(record["serial"].as_str(), device.serial.as_deref());
        assert_eq!(record["tags"].as_array().unwrap().len(), device.tags.len());
        let key = serde_json::json!([record["site"], device.name.trim().to_lowercase()]);
        for interface in &device.interfaces {
            let record = &interfaces[&serde_json::json!([key, interface.name]).to_string()];
            assert_eq!(record["enabled"], interface.admin_up);
            assert_eq!(record["lag"].is_array(), interface.aggregate.is_some());
            let description = interface.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
            assert_eq!(record["description"].as_str(), description);
        }
        if record["primary_ip4"].is_array() {
            let address = &addresses[&record["primary_ip4"].to_string()];
            assert_eq!(address["interface"][0], key, "the primary address is the device's own");
            primaries += 1;
        }
    }
    assert!(primaries > 10, "{primaries}");
}

#[tokio::test]
async fn only_what_is_asked_for_is_read() {
    let sim = sim().await;
    let read = Reader::of(&sim).only(&["site", "vlan"]).read().await.unwrap();
    read.assert_complete();
    assert_eq!(read.snapshot.models.len(), 2);
    assert_eq!(sim.count("POST /api/nqe?"), 2, "probes of the two queries");
    assert_eq!(sim.count("POST /api/networks/101/nqe-executions"), 2);
}

#[tokio::test]
async fn the_newest_real_snapshot_is_read_and_kept_for_the_whole_run() {
    let sim = sim().await;
    let mut estate = small();
    let name = estate.device_names().next().unwrap().to_owned();
    estate.remove_device(&name).unwrap();
    let newest = sim.add_snapshot(estate);
    let read = Reader::of(&sim).read().await.unwrap();
    assert_eq!(read.snapshot.notes["forward.snapshot"], newest);
    let asked = sim.requests().into_iter().filter(|request| request.method == "POST");
    assert!(asked.clone().count() > 20);
    for request in asked {
        assert!(request.url.contains(&format!("snapshotId={newest}")), "{}", request.url);
    }
}

#[tokio::test]
async fn an_estate_of_one_site_and_no_oddities_is_read() {
    let options = EstateOptions { sites: 1, ..EstateOptions::small() };
    let sim = syncline_testkit::forward::ForwardSim::with_estate(Estate::generate(options.without_edge_cases())).await;
    let read = Reader::of(&sim.unwrap()).read().await.unwrap();
    read.assert_complete();
    assert_eq!(read.count("site"), 1);
}

/// What the source says it knows, and what it says where it comes from, are the same fields.
#[tokio::test]
async fn every_known_field_is_mapped() {
    let sim = sim().await;
    let reader = Reader::of(&sim);
    let source = reader.source(Events::new()).await.unwrap();
    let mappings = Forward::source_mappings(&parse(reader.parameters).unwrap());
    let mapped: BTreeSet<_> = mappings.iter().map(|line| (line.model, line.field)).collect();
    let mut known = BTreeSet::new();
    for (schema, fields) in source.knows().iter() {
        known.insert((schema.name, ""));
        let of_model = schema.fields.iter().enumerate().filter(|(position, _)| fields.contains(*position));
        known.extend(of_model.map(|(_, field)| (schema.name, field.name)));
    }
    assert_eq!(mapped, known);
}
