//! What a run did can be taken back, to the last comment.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use syncline_core::event::Events;
use syncline_core::history::{ChangeFilter, OutcomeKind, RunId, RunStatus};
use syncline_core::policy::{Deletes, Quarantine};
use syncline_core::run::{RunReport, RunRequest};
use syncline_testkit::netbox::Kind;
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, find};

/// Everything that the simulated NetBox has, without what NetBox gives anew to every object: ids, addresses, times.
fn content(lab: &Lab) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in Kind::ALL {
        for object in lab.netbox.objects(kind) {
            lines.push(format!("{kind:?} {}", anonymous(&object)));
        }
    }
    lines.sort();
    lines
}

fn anonymous(value: &Value) -> Value {
    match value {
        Value::Array(members) => {
            let mut members: Vec<_> = members.iter().map(anonymous).collect();
            members.sort_by_key(ToString::to_string);
            Value::Array(members)
        }
        Value::Object(fields) => {
            let given = ["id", "url", "display_url", "created", "last_updated", "assigned_object_id", "scope_id"];
            let kept = fields.iter().filter(|(name, _)| !given.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), anonymous(value))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// The lines of one that the other has not, both ways.
#[track_caller]
fn assert_same(left: &[String], right: &[String]) {
    let only = |these: &[String], those: &[String], sign: &str| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    let mut differing = only(left, right, "-");
    differing.extend(only(right, left, "+"));
    assert!(differing.is_empty() && left.len() == right.len(), "{}", differing.join("\n"));
}

impl Lab {
    /// Runs for real, with a person's approval where a guard wants it.
    async fn approved(&self, request: RunRequest) -> RunReport {
        let report = self.run_with(request).await;
        if report.status != RunStatus::AwaitingReview {
            return report;
        }
        let (events, cancel, plan) = (Events::new(), CancellationToken::new(), report.plan.unwrap());
        let request = RunRequest::default();
        self.runner.apply(&self.sync, &plan, Some("as agreed".into()), request, &events, &cancel).await.unwrap()
    }

    /// What did not go through in a run.
    async fn left(&self, run: RunId) -> Vec<String> {
        let changes = self.runner.history().changes(run, &ChangeFilter::default(), None, 100_000).await.unwrap();
        let left = changes.items.into_iter().filter(|change| change.outcome != OutcomeKind::Applied);
        left.map(|change| {
            let reason = change.reason.unwrap_or_default();
            format!("{} {} {} {}: {reason}", change.outcome.as_str(), change.action, change.model, change.key)
        })
        .collect()
    }
}

/// A run that created, updated and deleted is taken back: what people put on the objects is there again too.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_restores_the_former_content() {
    let mut lab = Lab::new().await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    Lab::completed(&lab.run().await);

    let stripped = lab.estate.devices().find(|device| device.interfaces.iter().any(|port| port.mac.is_some())).unwrap();
    let port = stripped.interfaces.iter().rfind(|port| port.mac.is_some()).unwrap().name.clone();
    let stripped = stripped.name.clone();
    let names: Vec<_> = lab.estate.devices().map(|device| device.name.clone()).collect();
    let mut others = names.iter().filter(|name| **name != stripped);
    let (changed, model) = (others.next().unwrap().clone(), others.next().unwrap().clone());
    let changed_port = lab.estate.device(&changed).unwrap().interfaces[0].name.clone();

    // People know more of them than the source does.
    let netbox = &lab.netbox;
    netbox.define_custom_field("rack_side", &[Kind::Device, Kind::Interface, Kind::MacAddress]).unwrap();
    let mine = netbox.seed(Kind::Tag, json!({"name": "Mine", "slug": "mine"})).unwrap();
    let tenant = netbox.seed(Kind::Tenant, json!({"name": "Acme", "slug": "acme"})).unwrap();
    let devices = netbox.objects(Kind::Device);
    let id = |object: &Value| object["id"].as_u64().unwrap();
    let device = id(find(&devices, "name", &changed).unwrap());
    let edit = json!({"comments": "call Anna first", "tenant": tenant, "custom_fields": {"rack_side": "left"}});
    netbox.edit(Kind::Device, device, &edit).unwrap();
    let interfaces = netbox.objects(Kind::Interface);
    let of = |device: &str, name: &str| {
        let found = interfaces.iter().find(|object| object["device"]["name"] == device && object["name"] == name);
        id(found.unwrap())
    };
    let interface = of(&stripped, &port);
    let macs = netbox.objects(Kind::MacAddress);
    let mac = macs.iter().find(|object| object["assigned_object_id"] == interface).unwrap();
    netbox.edit(Kind::MacAddress, id(mac), &json!({"comments": "burned in", "tags": [mine]})).unwrap();
    let edit = json!({
        "label": "B-7", "custom_fields": {"rack_side": "right"}, "tags": [mine], "mgmt_only": true,
        "primary_mac_address": id(mac), "mark_connected": true,
    });
    netbox.edit(Kind::Interface, interface, &edit).unwrap();
    let before = content(&lab);

    lab.edit(|estate| {
        assert!(estate.describe_interface(&changed, &changed_port, Some("moved to rack 7")));
        estate.set_serial(&changed, Some("NEW-SERIAL")).unwrap();
        estate.remove_interface(&stripped, &port).unwrap();
        estate.add_device_like(&model, "brand-new-1").unwrap();
    });
    let run = lab.approved(RunRequest::default()).await;
    Lab::completed(&run);
    let after = content(&lab);
    assert!(lab.netbox.object(Kind::Interface, interface).is_none());
    assert!(find(&lab.netbox.objects(Kind::Device), "name", "brand-new-1").is_some());

    let undone = lab.approved(RunRequest::undo(run.run)).await;
    Lab::completed(&undone);
    assert_eq!(lab.left(undone.run).await, [""; 0]);
    assert_same(&before, &content(&lab));

    // An undo is a run like others.
    let redone = lab.approved(RunRequest::undo(undone.run)).await;
    Lab::completed(&redone);
    assert_eq!(lab.left(redone.run).await, [""; 0]);
    assert_same(&after, &content(&lab));
}

/// Stacks with their masters, devices with their primary addresses, aggregates with their members: all of it goes, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_the_first_fill_leaves_what_people_had() {
    let mut lab = Lab::new().await;
    // Fewer reads at once than writes: whoever looks before a delete waits for the others that look.
    lab.sync.target.connection["read_connections"] = 1.into();
    // Recognised by its name, so the run knew it by the slug that the source has.
    lab.netbox.seed(Kind::Manufacturer, json!({"name": "Cisco", "slug": "cisco-systems"})).unwrap();
    lab.netbox.seed(Kind::Site, json!({"name": "Mine", "slug": "mine"})).unwrap();
    let before = content(&lab);
    let run = lab.run().await;
    Lab::completed(&run);
    let filled = content(&lab);

    let undone = lab.approved(RunRequest::undo(run.run)).await;
    Lab::completed(&undone);
    assert_eq!(lab.left(undone.run).await, [""; 0]);
    assert_same(&before, &content(&lab));

    let redone = lab.approved(RunRequest::undo(undone.run)).await;
    Lab::completed(&redone);
    assert_eq!(lab.left(redone.run).await, [""; 0]);
    assert_same(&filled, &content(&lab));
}

/// What people use by now stays, and says for whom.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_leaves_what_is_in_use_or_was_changed_since() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let model = lab.estate.devices().next().unwrap().name.clone();
    lab.edit(|estate| estate.add_device_like(&model, "brand-new-1").unwrap());
    let run = lab.run().await;
    Lab::completed(&run);
    let devices = lab.netbox.objects(Kind::Device);
    let device = find(&devices, "name", "brand-new-1").unwrap()["id"].clone();
    lab.netbox.seed(Kind::Interface, json!({"device": device, "name": "by-hand", "type": "virtual"})).unwrap();

    let undone = lab.approved(RunRequest::undo(run.run)).await;
    Lab::completed(&undone);
    let left = lab.left(undone.run).await;
    let used = left.iter().find(|left| left.starts_with("held delete device")).expect("the device stays");
    assert!(used.contains("brand-new-1 / by-hand"), "{used}");
    // What belongs to it stays with it.
    assert!(
        left.iter().all(|left| left == used || left.contains("its device `") && left.ends_with("` stays")),
        "{left:?}"
    );
    assert!(lab.netbox.object(Kind::Device, device.as_u64().unwrap()).is_some());
}

/// A person touched one device after a first fill, and put a tag of it on a site of their own. The device stays with its parts and
/// what these refer to, the tag stays where it is, and everything else goes.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_keeps_a_touched_device_with_its_parts_and_what_it_refers_to() {
    let lab = Lab::new().await;
    let run = lab.run().await;
    Lab::completed(&run);
    let netbox = &lab.netbox;
    let id = |object: &Value| object["id"].as_u64().unwrap();
    let [devices, tags] = [Kind::Device, Kind::Tag].map(|kind| netbox.objects(kind));
    let carries = |object: &Value| object["tags"].as_array().unwrap().iter().map(id).collect::<BTreeSet<_>>();
    let is_plain = |device: &&Value| {
        let uses_all = ["virtual_chassis", "platform", "primary_ip4"].map(|field| device[field].is_object());
        uses_all == [false, true, true] && (2..tags.len()).contains(&carries(device).len())
    };
    let touched = devices.iter().find(is_plain).unwrap();
    netbox.edit(Kind::Device, id(touched), &json!({"serial": "BY-HAND"})).unwrap();
    let other = tags.iter().map(id).find(|tag| !carries(touched).contains(tag)).unwrap();
    let mine = netbox.seed(Kind::Site, json!({"name": "Mine", "slug": "mine", "tags": [other]})).unwrap();

    let ids = |kind: Kind, keep: &dyn Fn(&Value) -> bool| -> BTreeSet<u64> {
        netbox.objects(kind).iter().filter(|object| keep(object)).map(id).collect()
    };
    let refers = |object: &Value, field: &str| object[field]["id"].as_u64();
    let ports = ids(Kind::Interface, &|port| refers(port, "device") == Some(id(touched)));
    let on_ports = |object: &Value| object["assigned_object_id"].as_u64().is_some_and(|port| ports.contains(&port));
    let used_by = |kind: Kind, field: &str, keep: &dyn Fn(&Value) -> bool| -> BTreeSet<u64> {
        netbox.objects(kind).iter().filter(|object| keep(object)).filter_map(|object| refers(object, field)).collect()
    };
    let of_device = |field: &str| BTreeSet::from([refers(touched, field).unwrap()]);
    let is_port = |port: &Value| ports.contains(&id(port));
    let mut labels = carries(touched);
    labels.insert(other);
    let maker = netbox.object(Kind::DeviceType, refers(touched, "device_type").unwrap()).unwrap();
    let system = netbox.object(Kind::Platform, refers(touched, "platform").unwrap()).unwrap();
    let makers = [&maker, &system].into_iter().filter_map(|object| refers(object, "manufacturer"));
    let expected = [
        (Kind::Device, [id(touched)].into()),
        (Kind::Interface, ports.clone()),
        (Kind::MacAddress, ids(Kind::MacAddress, &on_ports)),
        (Kind::IpAddress, ids(Kind::IpAddress, &on_ports)),
        (Kind::Vlan, used_by(Kind::Interface, "untagged_vlan", &is_port)),
        (Kind::Vrf, used_by(Kind::IpAddress, "vrf", &on_ports)),
        (Kind::Site, [refers(touched, "site").unwrap(), mine].into()),
        (Kind::DeviceRole, of_device("role")),
        (Kind::DeviceType, of_device("device_type")),
        (Kind::Platform, of_device("platform")),
        (Kind::Manufacturer, makers.collect()),
        (Kind::Tag, labels),
        (Kind::Prefix, BTreeSet::new()),
        (Kind::VirtualChassis, BTreeSet::new()),
    ];
    assert!(
        [Kind::Vlan, Kind::MacAddress, Kind::IpAddress]
            .iter()
            .all(|kind| { expected.iter().any(|(known, left)| known == kind && !left.is_empty()) })
    );

    let undone = lab.approved(RunRequest::undo(run.run)).await;
    Lab::completed(&undone);
    for (kind, expected) in expected {
        assert_eq!(ids(kind, &|_| true), expected, "{kind:?}");
    }
    let now = netbox.object(Kind::Device, id(touched)).unwrap();
    assert_eq!(carries(&now), carries(touched));
    assert_eq!(carries(&netbox.object(Kind::Site, mine).unwrap()), [other].into());
    let left = lab.left(undone.run).await;
    // A record is held for what it is, for what it belongs to, or for who refers to it; and NetBox knows one user more of a tag.
    let told = |words: &str| left.iter().filter(|left| left.contains(words)).count();
    let [changed, parts, used, tagged] =
        ["it was changed after the run", "` stays", ", which stays, refers to it", "still has 1 tagged object, "]
            .map(told);
    assert_eq!((changed, tagged), (1, 1), "{left:?}");
    assert_eq!(changed + parts + used + tagged, left.len(), "{left:?}");
    assert!(left.len() < ports.len() * 3 + 20, "{}", left.len());
}

/// A person makes another device's address a device's primary one, and gives that device another serial. The run takes it back, and
/// its undo takes that back: a device that is released and updated in one run is as it was before, in both.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_gives_a_primary_address_back() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let netbox = &lab.netbox;
    let filled = content(&lab);
    let devices = netbox.objects(Kind::Device);
    let mut plain =
        devices.iter().filter(|device| device["virtual_chassis"].is_null() && device["primary_ip4"].is_object());
    let id = |object: &Value| object["id"].as_u64().unwrap();
    let (taker, giver) = (plain.next().unwrap(), plain.next().unwrap());
    let interfaces = netbox.objects(Kind::Interface);
    let port = interfaces.iter().find(|port| port["device"]["id"] == taker["id"]).unwrap();
    let address = id(&giver["primary_ip4"]);
    netbox.edit(Kind::Device, id(giver), &json!({"primary_ip4": null})).unwrap();
    let moved = json!({"assigned_object_type": "dcim.interface", "assigned_object_id": id(port)});
    netbox.edit(Kind::IpAddress, address, &moved).unwrap();
    netbox.edit(Kind::Device, id(taker), &json!({"primary_ip4": address, "serial": "BY-HAND"})).unwrap();
    let by_hand = content(&lab);

    let run = lab.approved(RunRequest::default()).await;
    Lab::completed(&run);
    assert_eq!(lab.left(run.run).await, [""; 0]);
    assert_same(&filled, &content(&lab));

    let undone = lab.approved(RunRequest::undo(run.run)).await;
    Lab::completed(&undone);
    // The device that gives it back had it taken by its release already.
    let giver = format!(
        "unchanged update device {} / {}: ",
        giver["site"]["slug"].as_str().unwrap(),
        giver["name"].as_str().unwrap()
    );
    assert_eq!(lab.left(undone.run).await, [giver]);
    assert_same(&by_hand, &content(&lab));

    let redone = lab.approved(RunRequest::undo(undone.run)).await;
    Lab::completed(&redone);
    assert_eq!(lab.left(redone.run).await, [""; 0]);
    assert_same(&filled, &content(&lab));
}
