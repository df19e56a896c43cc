//! Against a real NetBox, which these tests fill and empty again. They run when `SYNCLINE_NETBOX_URL` is set and the
//! token is in `SYNCLINE_NETBOX_TOKEN`; the NetBox must be one that nobody misses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use futures::future::join_all;
use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::Change;
use syncline_core::connector::ConnectContext;
use syncline_core::native::Native;
use syncline_core::target::{Pass, TargetWriter as _};
use syncline_http::Method;
use syncline_model::models::{Device, Interface};
use syncline_model::{AnyKey, Model as _, ModelSchema, Text};

use super::scenario::{self, Estate};
use super::support::{apply, batch, connection, create, delete, fields_of, outcomes, read, update, writer};
use crate::client::{ReadClient, WriteClient};
use crate::read::Role;
use crate::settings::{Connection, TargetParameters};
use crate::tables;
use crate::write::Writer;

/// The connection to the real NetBox, if there is one.
pub(super) fn real() -> Option<Connection> {
    let url = std::env::var("SYNCLINE_NETBOX_URL").ok()?;
    std::env::var("SYNCLINE_NETBOX_TOKEN").ok()?;
    Some(connection(&url, "env:SYNCLINE_NETBOX_TOKEN"))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_written_read_changed_and_deleted() {
    match real() {
        Some(connection) => Box::pin(scenario::run(&connection, &format!("t{}", std::process::id()))).await,
        None => println!("skipped: SYNCLINE_NETBOX_URL and SYNCLINE_NETBOX_TOKEN are not set"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interfaces_that_come_with_a_device_are_adopted() {
    let Some(connection) = real() else { return };
    let client = syncline_http::Client::new(
        &syncline_http::ClientSettings {
            url: connection.url.clone(),
            tls: connection.tls.clone(),
            http: connection.http.clone(),
        },
        syncline_http::Credential::token(connection.token.resolve().unwrap()),
    )
    .unwrap();
    let with_the_type = async |estate: &Estate, bindings: &Bindings| {
        let device_type: u64 = bindings.id("device_type", estate.device_type.key().as_str()).unwrap().parse().unwrap();
        let template = json!({"device_type": device_type, "name": "Gi1/0/1", "type": "1000base-t"});
        client.post("api/dcim/interface-templates/").json(&template).send().await.unwrap();
    };
    adopted(&connection, &format!("a{}", std::process::id()), with_the_type, async |_, _| {}).await;
}

/// Creates a device and its interfaces, of which NetBox has the first by then: from what is done before the device is created, or
/// after it.
pub(super) async fn adopted(
    connection: &Connection,
    mark: &str,
    before: impl AsyncFn(&Estate, &Bindings),
    after: impl AsyncFn(&Estate, &Bindings),
) {
    let reader = Arc::new(ReadClient::connect(connection, &ConnectContext::default()).await.unwrap());
    let writer = writer(&reader, connection, &TargetParameters::default()).await;
    let estate = Estate::new(mark);
    let mut bindings = Bindings::new();
    let mut device = estate.devices[0].clone();
    (device.virtual_chassis, device.vc_position, device.primary_ip4) = (None, None, None);
    for changes in estate.creations().iter().take(6) {
        apply(&writer, &batch(scenario::schema(&changes[0]), Pass::First, changes), &mut bindings).await;
    }
    before(&estate, &bindings).await;
    apply(&writer, &batch(Device::SCHEMA, Pass::First, [&create(&device)]), &mut bindings).await;
    after(&estate, &bindings).await;
    let interface = |name: &str| Interface {
        name: Text::new(name).unwrap(),
        lag: None,
        mode: None,
        untagged_vlan: None,
        ..estate.interfaces[0].clone()
    };
    let changes = [create(&interface("Gi1/0/1")), create(&interface("Gi1/0/2"))];
    let written = writer.write(&batch(Interface::SCHEMA, Pass::First, &changes), &bindings).await.unwrap();
    assert_eq!(outcomes(&written), "applied\napplied");
    let found = read(&reader, Role::Target, None).await.unwrap();
    let (record, _) = found.find("interface", &interface("Gi1/0/1").key().to_any()).unwrap();
    assert_eq!(record["mtu"], json!(9000));
    scenario::clear(&writer, &reader, mark).await;
}

/// Prints how fast a NetBox is read and written, beside the best that the same server gives to bare lists. Only when
/// `SYNCLINE_NETBOX_RATES` is set to a number of interfaces, as it takes a while.
#[tokio::test(flavor = "multi_thread")]
async fn rates() {
    let (Some(connection), Ok(count)) = (real(), std::env::var("SYNCLINE_NETBOX_RATES")) else { return };
    let count: usize = count.parse().unwrap();
    let reader = Arc::new(ReadClient::connect(&connection, &ConnectContext::default()).await.unwrap());
    let writer = writer(&reader, &connection, &TargetParameters::default()).await;
    let bare = WriteClient::without_permit(&connection).unwrap();
    let mark = format!("r{}", std::process::id());
    let estate = Estate::new(&mark);
    let mut bindings = scenario::fill(&writer, &estate).await;
    let devices: Vec<_> = (0..40)
        .map(|at| Device {
            name: Text::new(&format!("{mark}-{at}")).unwrap(),
            virtual_chassis: None,
            vc_position: None,
            primary_ip4: None,
            ..estate.devices[0].clone()
        })
        .collect();
    let changes: Vec<_> = devices.iter().map(create).collect();
    let start = Instant::now();
    apply(&writer, &batch(Device::SCHEMA, Pass::First, &changes), &mut bindings).await;
    told("devices created", changes.len(), start);

    let table = tables::by_name("interface").unwrap();
    let half = count / 2;
    let interface = |at: usize| Interface {
        device: devices[at * devices.len() / count].key(),
        name: Text::new(&format!("Eth{at}")).unwrap(),
        lag: None,
        ..estate.interfaces[0].clone()
    };
    // Bare lists of 100 over disjoint devices, two under way.
    let bodies: Vec<Vec<Value>> = [0..half / 2, half / 2..half]
        .map(|range| {
            range
                .map(|at| {
                    let interface = interface(at);
                    let device: u64 = bindings.id("device", interface.device.as_str()).unwrap().parse().unwrap();
                    let mut body = fields_of(&interface);
                    body.retain(|_, value| !value.is_null());
                    body.insert("device".to_owned(), json!(device));
                    Value::Object(body)
                })
                .collect()
        })
        .into();
    let start = Instant::now();
    join_all(bodies.iter().map(async |bodies| {
        for list in bodies.chunks(100) {
            bare.send(Method::POST, table, &[], list).await.unwrap();
        }
    }))
    .await;
    told("interfaces created by bare lists", half, start);
    let changes: Vec<_> = (half..count).map(|at| create(&interface(at))).collect();
    let start = Instant::now();
    in_lanes(&writer, Interface::SCHEMA, &changes, &bindings).await;
    told("interfaces created", changes.len(), start);

    for by_rest in [false, true] {
        let client = ReadClient::connect(&connection, &ConnectContext::default()).await.unwrap();
        if by_rest {
            client.give_up_graphql();
        }
        let start = Instant::now();
        let found = read(&client, Role::Target, None).await.unwrap();
        told(if by_rest { "records read by REST" } else { "records read" }, found.snapshot.records(), start);
    }
    let found = read(&reader, Role::Target, None).await.unwrap();
    let ours: Vec<_> = found
        .records("interface")
        .into_iter()
        .filter(|(key, ..)| key.contains(&format!("{mark}-")) && key.contains("\"Eth"))
        .collect();
    let start = Instant::now();
    let ids: Vec<_> = ours.iter().map(|(_, _, native)| native.id.parse::<u64>().unwrap()).collect();
    let lists: Vec<_> = ids[..half].chunks(half.div_ceil(2)).collect();
    join_all(lists.iter().map(async |ids| {
        for list in ids.chunks(100) {
            let list: Vec<_> = list.iter().map(|id| json!({"id": id, "description": "bare"})).collect();
            bare.send(Method::PATCH, table, &[], &list).await.unwrap();
        }
    }))
    .await;
    told("interfaces changed by bare lists", half, start);
    let changes: Vec<_> = ours[half..]
        .iter()
        .map(|(key, _, native)| {
            let key = AnyKey::from_canonical(key);
            update::<Interface>(key, native.clone(), &[("description", json!("to spine"), json!("ours"))])
        })
        .collect();
    let start = Instant::now();
    in_lanes(&writer, Interface::SCHEMA, &changes, &bindings).await;
    told("interfaces changed", changes.len(), start);
    let changes: Vec<_> = ours
        .iter()
        .map(|(key, _, native)| delete::<Interface>(AnyKey::from_canonical(key), Native::new(&native.id)))
        .collect();
    let start = Instant::now();
    in_lanes(&writer, Interface::SCHEMA, &changes, &bindings).await;
    told("interfaces deleted", changes.len(), start);
    scenario::clear(&writer, &reader, &mark).await;
}

fn told(what: &str, count: impl TryInto<u32>, start: Instant) {
    let count = count.try_into().unwrap_or(u32::MAX);
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {count} in {seconds:.2} s, {:.0}/s", f64::from(count) / seconds);
}

/// Writes changes in lists of 100, lanes side by side, as the engine does.
async fn in_lanes(writer: &Writer, schema: &'static ModelSchema, changes: &[Change], bindings: &Bindings) {
    let mut lanes: BTreeMap<_, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        lanes.entry(writer.lane(change)).or_default().push(change);
    }
    let written = lanes.values().map(async |changes| {
        for list in changes.chunks(100) {
            let written = writer.write(&batch(schema, Pass::First, list.iter().copied()), bindings).await.unwrap();
            assert!(written.iter().all(|written| written.outcome.is_done()), "{}", outcomes(&written));
        }
    });
    futures::stream::iter(written).buffer_unordered(2).collect::<Vec<_>>().await;
}
