//! What people made by hand stays.

use serde_json::{Value, json};
use syncline_core::event::Events;
use syncline_core::policy::{Deletes, Quarantine};
use syncline_core::run::RunRequest;
use syncline_testkit::netbox::Kind;
use tokio_util::sync::CancellationToken;

use crate::lab::{EVERY_KIND, Lab, find};

/// Objects that the source does not know, of every kind: none is deleted, none is changed.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_objects_of_every_kind_are_kept() {
    let lab = Lab::new().await;
    let seed = |kind, body: Value| lab.netbox.seed(kind, body).unwrap();
    let site = seed(Kind::Site, json!({"name": "Lab", "slug": "lab", "comments": "mine"}));
    let maker = seed(Kind::Manufacturer, json!({"name": "Homebrew", "slug": "homebrew"}));
    let model = seed(Kind::DeviceType, json!({"manufacturer": maker, "model": "Box", "slug": "box"}));
    let role = seed(Kind::DeviceRole, json!({"name": "Toy", "slug": "toy", "color": "ff0000"}));
    seed(Kind::Platform, json!({"name": "HomeOS", "slug": "homeos"}));
    let device = seed(
        Kind::Device,
        json!({"name": "toy1", "site": site, "device_type": model, "role": role, "comments": "do not touch", "serial": "T1"}),
    );
    let interface =
        seed(Kind::Interface, json!({"device": device, "name": "eth0", "type": "virtual", "description": "x"}));
    seed(
        Kind::MacAddress,
        json!({"mac_address": "02:00:00:00:00:01", "assigned_object_type": "dcim.interface", "assigned_object_id": interface}),
    );
    seed(Kind::MacAddress, json!({"mac_address": "02:00:00:00:00:02"}));
    seed(Kind::Vlan, json!({"vid": 4000, "name": "mine"}));
    let vrf = seed(Kind::Vrf, json!({"name": "MINE", "rd": "65000:1"}));
    seed(Kind::Prefix, json!({"prefix": "192.0.2.0/24", "vrf": vrf}));
    seed(
        Kind::IpAddress,
        json!({"address": "192.0.2.1/24", "vrf": vrf, "assigned_object_type": "dcim.interface", "assigned_object_id": interface}),
    );
    seed(Kind::VirtualChassis, json!({"name": "mine"}));
    seed(Kind::Tag, json!({"name": "Mine", "slug": "mine"}));
    let before: Vec<_> = EVERY_KIND.iter().map(|kind| (*kind, lab.netbox.objects(*kind))).collect();

    Lab::completed(&lab.run().await);
    Lab::completed(&lab.run().await);
    for (kind, objects) in before {
        for object in objects {
            let id = object["id"].as_u64().unwrap();
            let now = lab.netbox.object(kind, id).unwrap_or_else(|| panic!("{kind:?} {id} is gone"));
            assert_eq!(now["last_updated"], object["last_updated"], "{kind:?} {id} was written");
        }
    }
}

/// Fields that the source does not know stay on objects that it does know.
#[tokio::test(flavor = "multi_thread")]
async fn fields_that_the_source_does_not_know_are_kept() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let device = lab.estate.devices().next().unwrap();
    let (id, tags) = {
        let devices = lab.netbox.objects(Kind::Device);
        let found = find(&devices, "name", &device.name).unwrap();
        (found["id"].as_u64().unwrap(), found["tags"].clone())
    };
    let mine = lab.netbox.seed(Kind::Tag, json!({"name": "Mine", "slug": "mine"})).unwrap();
    let tags: Vec<_> = tags.as_array().unwrap().iter().map(|tag| tag["id"].clone()).chain([mine.into()]).collect();
    let edit = json!({"comments": "call Anna first", "asset_tag": "A-17", "tags": tags});
    lab.netbox.edit(Kind::Device, id, &edit).unwrap();
    lab.edit(|estate| estate.set_serial(&device.name, Some("NEW-SERIAL")).unwrap());
    Lab::completed(&lab.run().await);
    let now = lab.netbox.object(Kind::Device, id).unwrap();
    assert_eq!(now["serial"], "NEW-SERIAL");
    assert_eq!((&now["comments"], &now["asset_tag"]), (&json!("call Anna first"), &json!("A-17")));
    assert!(now["tags"].as_array().unwrap().iter().any(|tag| tag["slug"] == "mine"));
}

/// A manufacturer that a person made under another slug is that manufacturer, not a second one.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_entry_under_another_slug_is_adopted() {
    let lab = Lab::new().await;
    lab.netbox.seed(Kind::Manufacturer, json!({"name": "Cisco", "slug": "cisco-systems"})).unwrap();
    Lab::completed(&lab.run().await);
    let makers = lab.netbox.objects(Kind::Manufacturer);
    assert_eq!(find(&makers, "name", "Cisco").unwrap()["slug"], "cisco-systems");
    assert!(find(&makers, "slug", "cisco").is_none());
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// A source guesses the form of a port from its speed; a person who has seen the port is not overruled.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_knows_better_is_kept() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let interfaces = lab.netbox.objects(Kind::Interface);
    let port = interfaces.iter().find(|interface| interface["type"]["value"] == "1000base-t").unwrap();
    let (port, device) = (port["id"].as_u64().unwrap(), port["device"]["id"].as_u64().unwrap());
    lab.netbox.edit(Kind::Interface, port, &json!({"type": "1000base-x-sfp"})).unwrap();
    lab.netbox.edit(Kind::Device, device, &json!({"status": "staged"})).unwrap();
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// NetBox deletes an interface's addresses along with it. One that came after the plan keeps the interface.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_attached_after_the_plan_is_not_deleted_along() {
    let mut lab = Lab::new().await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    Lab::completed(&lab.run().await);
    let device = lab.estate.devices().find(|device| device.interfaces.iter().any(|i| i.mac.is_some())).unwrap();
    let interface = device.interfaces.iter().rfind(|interface| interface.mac.is_some()).unwrap().name.clone();
    let id = {
        let interfaces = lab.netbox.objects(Kind::Interface);
        let found =
            interfaces.iter().find(|object| object["name"] == interface && object["device"]["name"] == device.name);
        found.unwrap()["id"].as_u64().unwrap()
    };
    lab.edit(|estate| estate.remove_interface(&device.name, &interface).unwrap());
    let plan = lab.run_with(RunRequest::dry()).await.plan.unwrap();
    let by_hand = json!({
        "address": "203.0.113.77/24", "assigned_object_type": "dcim.interface", "assigned_object_id": id,
    });
    let address = lab.netbox.seed(Kind::IpAddress, by_hand).unwrap();
    let (events, cancel) = (Events::new(), CancellationToken::new());
    let request = RunRequest::default();
    let report = lab.runner.apply(&lab.sync, &plan, None, request, &events, &cancel).await.unwrap();
    assert_eq!(report.total().skipped, 1, "{:?}", report.outcomes);
    assert!(lab.netbox.object(Kind::IpAddress, address).is_some());
    assert!(lab.netbox.object(Kind::Interface, id).is_some());
}
