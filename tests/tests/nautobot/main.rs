//! Whole syncs with a Nautobot on either side: a real one, of which there are two databases, where `SYNCLINE_NAUTOBOT_URL` names it, or
//! simulated ones. `cargo xtask integration nautobot` starts real ones.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what goes wrong here fails the test; how long it takes is told"
)]

mod lab;
mod rates;
mod server;

use serde_json::{Value, json};
use syncline_core::change::{Action, Change};
use syncline_testkit::netbox::Kind;

use crate::lab::{EVERY_MODEL, Lab, shown};

/// Forward to Nautobot, there to NetBox and Zabbix, from NetBox to a second Nautobot: each way writes every model, and then nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_goes_from_forward_to_nautobot_to_netbox_to_another_nautobot() {
    let mut lab = Lab::new().await;
    let foreign = lab.first.add_what_is_not_ours().await;

    let created = lab.completes("forward-to-first").await;
    for model in EVERY_MODEL {
        let is_new = |change: &Change| change.model == model && change.action == Action::Create;
        assert!(created.iter().any(is_new), "no {model} was created");
    }
    lab.writes_nothing("forward-to-first").await;

    let device = lab.estate.devices().next().unwrap();
    let interface = device.interfaces[0].name.clone();
    lab.edit(|estate| assert!(estate.describe_interface(&device.name, &interface, Some("moved to rack 7"))));
    let changes = lab.completes("forward-to-first").await;
    let [change] = &changes[..] else { panic!("{:?}", shown(&changes)) };
    assert_eq!((change.action, change.model.as_str()), (Action::Update, "interface"));
    lab.writes_nothing("forward-to-first").await;
    assert_eq!(lab.first.what_is_not_ours(&foreign).await, foreign);

    lab.completes("first-to-netbox").await;
    lab.writes_nothing("first-to-netbox").await;
    let hosts = lab.completes("first-to-zabbix").await;
    assert!(hosts.iter().any(|change| change.model == "host"), "{:?}", shown(&hosts));
    lab.writes_nothing("first-to-zabbix").await;
    lab.completes("netbox-to-second").await;
    lab.writes_nothing("netbox-to-second").await;
    // The same records: a sync from one to the other would have nothing to do, in either direction.
    for sync in ["first-to-second", "second-to-first"] {
        let changes = lab.plan(sync).await;
        assert_eq!(shown(&changes), [""; 0], "{sync}");
    }
}

/// What Nautobot does by itself and what other people made there is neither run into nor overwritten.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_and_what_nautobot_adds_is_taken_into_account() {
    let lab = Lab::new().await;
    let nautobot = &lab.first;
    // Devices of this type come with an interface, which the source has too.
    nautobot.give_interface("Cisco", "C9300", "Mgmt0").await;
    // A building is called as a site is to be.
    let region = nautobot.post("dcim/location-types", json!({"name": "Region"})).await["id"].clone();
    let kinds = ["dcim.device", "ipam.prefix"];
    let building = json!({"name": "Building", "parent": region, "content_types": kinds});
    let building = nautobot.post("dcim/location-types", building).await["id"].clone();
    let active = json!({"name": "Active"});
    let country = json!({"name": "Switzerland", "location_type": region, "status": active});
    let country = nautobot.post("dcim/locations", country).await["id"].clone();
    let bern = json!({"name": "Bern", "location_type": building, "parent": country, "status": active});
    let bern = nautobot.post("dcim/locations", bern).await["id"].clone();
    // The network of an address, which the source does not have as a prefix.
    let reserved = json!({"prefix": "10.9.0.0/24", "status": {"name": "Reserved"}, "description": "theirs"});
    let reserved = nautobot.post("ipam/prefixes", reserved).await["id"].clone();
    let foreign = [("dcim/locations", bern), ("ipam/prefixes", reserved)];
    let foreign = foreign.map(|(list, id)| (list.to_owned(), json!({"id": id})));
    let foreign = nautobot.what_is_not_ours(&foreign).await;

    let seed = |kind, body: Value| lab.netbox.seed(kind, body).unwrap();
    let site = seed(Kind::Site, json!({"name": "Bern", "slug": "bern"}));
    let maker = seed(Kind::Manufacturer, json!({"name": "Cisco", "slug": "cisco"}));
    let device_type = seed(Kind::DeviceType, json!({"manufacturer": maker, "model": "C9300", "slug": "c9300"}));
    let role = seed(Kind::DeviceRole, json!({"name": "Access", "slug": "access", "color": "00ff00"}));
    let tag = |name: &str| json!({"name": name, "slug": name.to_lowercase(), "color": "00ff00"});
    let tags = [seed(Kind::Tag, tag("Zebra")), seed(Kind::Tag, tag("ant"))];
    let device = json!({"name": "sw1", "site": site, "device_type": device_type, "role": role, "tags": tags});
    let device = seed(Kind::Device, device);
    let interface = |name: &str, kind: &str| json!({"device": device, "name": name, "type": kind});
    let management = seed(Kind::Interface, interface("Mgmt0", "1000base-t"));
    let virtual_one = seed(Kind::Interface, interface("Vlan1", "virtual"));
    let on = |interface: u64, mut body: Value| {
        body["assigned_object_type"] = json!("dcim.interface");
        body["assigned_object_id"] = json!(interface);
        body
    };
    // An interface of Nautobot has room for one of two, and none for one that is nowhere.
    for mac in ["AA:BB:CC:00:00:01", "AA:BB:CC:00:00:02"] {
        seed(Kind::MacAddress, on(management, json!({"mac_address": mac})));
    }
    seed(Kind::MacAddress, json!({"mac_address": "AA:BB:CC:00:00:03"}));
    seed(Kind::IpAddress, on(virtual_one, json!({"address": "10.9.0.1/24"})));
    let primary = seed(Kind::IpAddress, on(management, json!({"address": "10.8.0.1/24"})));
    lab.netbox.edit(Kind::Device, device, &json!({"primary_ip4": primary})).unwrap();

    let created = lab.completes("netbox-to-first").await;
    assert!(created.iter().any(|change| change.model == "interface" && change.key.as_str().contains("Mgmt0")));
    lab.writes_nothing("netbox-to-first").await;
    let sites = nautobot.find("dcim/locations", "name", "Bern").await;
    assert_eq!(sites.len(), 2, "{sites:?}");
    let interfaces = nautobot.find("dcim/interfaces", "name", "Mgmt0").await;
    let [adopted] = &interfaces[..] else { panic!("{interfaces:?}") };
    assert_eq!(adopted["type"]["value"], "1000base-t");

    // The primary address of a device goes to another of its interfaces, and stays the primary one.
    let address = nautobot.find("ipam/ip-addresses", "address", "10.8.0.1/24").await[0]["id"].clone();
    lab.netbox.edit(Kind::IpAddress, primary, &on(virtual_one, json!({}))).unwrap();
    let moved = lab.completes("netbox-to-first").await;
    let [address_change] = &moved[..] else { panic!("{:?}", shown(&moved)) };
    assert_eq!((address_change.action, address_change.model.as_str()), (Action::Update, "ip_address"));
    let switch = &nautobot.find("dcim/devices", "name", "sw1").await[0];
    assert_eq!(switch["primary_ip4"]["id"], address);
    lab.writes_nothing("netbox-to-first").await;
    assert_eq!(nautobot.what_is_not_ours(&foreign).await, foreign);

    // As a source: what cannot be taken over does not take along what can.
    let sites: Vec<_> = sites.iter().map(|site| site["id"].clone()).collect();
    let prefix = json!({"prefix": "10.7.0.0/16", "status": {"name": "Active"}, "location": sites[0]});
    let prefix = nautobot.post("ipam/prefixes", prefix).await["id"].clone();
    nautobot.post("ipam/prefix-location-assignments", json!({"prefix": prefix, "location": sites[1]})).await;
    nautobot
        .post(
            "ipam/ip-addresses",
            json!({"address": "10.7.0.1/16", "status": {"name": "Active"}, "namespace": {"name": "Global"}}),
        )
        .await;
    let nameless = json!({
        "location": sites[0], "device_type": {"model": "C9300"}, "role": {"name": "Access"}, "status": {"name": "Active"},
    });
    nautobot.post("dcim/devices", nameless).await;
    let changes = lab.plan("first-to-netbox").await;
    let created: Vec<_> =
        changes.iter().filter(|change| change.action == Action::Create).map(|one| one.key.as_str()).collect();
    assert_eq!(
        created,
        [r#"[null,"10.8.0.0/24"]"#, r#"[null,"10.9.0.0/24"]"#, r#"[null,"10.7.0.1"]"#],
        "{:?}",
        shown(&changes)
    );
}

/// What the target has and cannot be taken over is not made once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_vlan_that_is_at_two_locations_is_not_created_again() {
    let lab = Lab::new().await;
    let mut sites = Vec::new();
    for (name, slug) in [("Bern", "bern"), ("Chur", "chur")] {
        sites.push(lab.netbox.seed(Kind::Site, json!({"name": name, "slug": slug})).unwrap());
    }
    lab.netbox.seed(Kind::Vlan, json!({"vid": 20, "name": "voice", "site": sites[0]})).unwrap();
    lab.completes("netbox-to-first").await;
    let vlan = lab.first.find("ipam/vlans", "vid", "20").await[0]["id"].clone();
    let chur = lab.first.find("dcim/locations", "name", "Chur").await[0]["id"].clone();
    lab.first.post("ipam/vlan-location-assignments", json!({"vlan": vlan, "location": chur})).await;
    assert_eq!(lab.outcomes("netbox-to-first", "vlan").await, ["bern / 20 stale"]);
    assert_eq!(lab.first.find("ipam/vlans", "vid", "20").await.len(), 1);
}
