//! How fast a Nautobot is read and written, beside what the same server gives to bare requests in the same run.

use std::time::Instant;

use futures::future::join_all;
use serde_json::{Value, json};
use syncline_core::event::Phase;
use syncline_testkit::netbox::Kind;

use crate::lab::Lab;

/// Devices that the interfaces are spread over.
const DEVICES: usize = 40;
/// What a read asks of an interface.
const FIELDS: &str = "id last_updated device{id} name type enabled mtu speed description lag{id name device{id}} mode untagged_vlan{id} \
                      mac_address";

/// Prints rates, for this many interfaces each: `SYNCLINE_NAUTOBOT_RATES`. Without it nothing is done, as it takes minutes.
#[tokio::test(flavor = "multi_thread")]
async fn rates() {
    let Ok(count) = std::env::var("SYNCLINE_NAUTOBOT_RATES") else { return };
    let count: usize = count.parse().unwrap();
    let mut lab = Lab::new().await;
    let seed = |lab: &Lab, kind, body: Value| lab.netbox.seed(kind, body).unwrap();
    let site = seed(&lab, Kind::Site, json!({"name": "Bern", "slug": "bern"}));
    let maker = seed(&lab, Kind::Manufacturer, json!({"name": "Cisco", "slug": "cisco"}));
    let device_type = seed(&lab, Kind::DeviceType, json!({"manufacturer": maker, "model": "C9300", "slug": "c9300"}));
    let role = seed(&lab, Kind::DeviceRole, json!({"name": "Access", "slug": "access", "color": "00ff00"}));
    let device = |at| json!({"name": format!("sw{at}"), "site": site, "device_type": device_type, "role": role});
    let devices: Vec<_> = (0..DEVICES).map(|at| seed(&lab, Kind::Device, device(at))).collect();
    lab.completes("netbox-to-first").await;
    let found = lab.first.graphql("{devices{id}}").await;
    let natives: Vec<_> = found["devices"].as_array().unwrap().iter().map(|device| device["id"].clone()).collect();

    let interface = |device: &Value, name: String| {
        let (kind, words) = ("1000base-t", "to the spine");
        json!({"device": device, "name": name, "type": kind, "mtu": 1500, "enabled": true, "description": words})
    };
    for round in 0..3 {
        for (size, connections) in [(50, 2), (100, 2), (100, 4), (50, 4)] {
            let name = |at: usize| format!("{}-{round}-{size}-{connections}-{at}", std::process::id());
            let bare = |at: usize| {
                let mut body = interface(&natives[at * DEVICES / count], format!("bare-{}", name(at)));
                body["status"] = json!({"name": "Active"});
                body
            };
            let bodies: Vec<_> = (0..count).map(bare).collect();
            let start = Instant::now();
            join_all(bodies.chunks(count.div_ceil(connections)).map(async |bodies| {
                for list in bodies.chunks(size) {
                    lab.first.post("dcim/interfaces", json!(list)).await;
                }
            }))
            .await;
            let bare = rate(count, start.elapsed().as_secs_f64());
            let ours = |at: usize| interface(&json!(devices[at * DEVICES / count]), name(at));
            lab.netbox.seed_all(Kind::Interface, &(0..count).map(ours).collect::<Vec<_>>()).unwrap();
            lab.set("first", &json!({"batch_size": size, "write_connections": connections}));
            let ours = rate(count, lab.took("netbox-to-first", Phase::ExecuteSync, "interface").await);
            println!("written in lists of {size}, {connections} at once: bare {bare:.1}/s, ours {ours:.1}/s");
        }
    }

    let all = lab.first.graphql("{interfaces{id}}").await["interfaces"].as_array().unwrap().len();
    for _ in 0..3 {
        for (size, connections) in [(1000, 1), (1000, 2), (2000, 2), (2000, 3), (4000, 1), (4000, 2)] {
            let pages: Vec<_> = (0..all.div_ceil(size)).collect();
            let start = Instant::now();
            join_all((0..connections).map(|first| {
                let pages = pages.iter().skip(first).step_by(connections);
                let first = &lab.first;
                async move {
                    for page in pages {
                        let offset = page * size;
                        first.graphql(&format!("{{interfaces(limit:{size},offset:{offset}){{{FIELDS}}}}}")).await;
                    }
                }
            }))
            .await;
            let bare = rate(all, start.elapsed().as_secs_f64());
            lab.set("first", &json!({"page_size": size, "read_connections": connections}));
            // What is written to the other is so little that both are done with it before.
            let ours = rate(all, lab.took("first-to-netbox", Phase::LoadSource, "interface").await);
            println!("{all} read in pages of {size}, {connections} at once: bare {bare:.0}/s, ours {ours:.0}/s");
        }
    }
}

fn rate(count: usize, seconds: f64) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / seconds
}
