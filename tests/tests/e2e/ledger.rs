//! What Syncline remembers of what it wrote: renames, owners, values that disappear, references that are let go.

use serde_json::{Value, json};
use syncline_core::applied::Cause;
use syncline_core::change::Action;
use syncline_core::event::Events;
use syncline_core::history::History;
use syncline_core::policy::{Adopt, Deletes, FieldRule, Quarantine};
use syncline_core::run::{RunReport, RunRequest, Runner, SyncDefinition};
use syncline_testkit::estate::Location;
use syncline_testkit::netbox::Kind;
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, changes, find, shown};

fn id_of(object: &Value) -> u64 {
    object["id"].as_u64().unwrap()
}

/// A device of its own: with a serial number that no other has, and in no stack.
pub fn plain_device(lab: &Lab) -> String {
    let devices: Vec<_> = lab.estate.devices().collect();
    let netbox = lab.netbox.objects(Kind::Device);
    let is_plain = |name: &str| {
        let object = find(&netbox, "name", name);
        object.is_some_and(|object| object["virtual_chassis"].is_null() && !object["primary_ip4"].is_null())
    };
    let serials = |serial: &str| netbox.iter().filter(|object| object["serial"] == serial).count();
    let found = devices.iter().find(|device| {
        let serial = device.serial.as_deref().unwrap_or_default();
        !serial.is_empty() && serials(serial) == 1 && is_plain(&device.name)
    });
    found.unwrap().name.clone()
}

/// Lessons 28 and D12: a device that was renamed in Forward, which gives no ids, is the same device in NetBox, with all that hangs on
/// it. The run after it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_renamed_in_forward_is_the_same_device() {
    let mut lab = Lab::new().await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    Lab::completed(&lab.run().await);
    let name = plain_device(&lab);
    let before = find(&lab.netbox.objects(Kind::Device), "name", &name).unwrap().clone();
    let counts = [Kind::Device, Kind::Interface, Kind::IpAddress, Kind::MacAddress].map(|kind| lab.netbox.count(kind));
    lab.edit(|estate| estate.rename_device(&name, "renamed-1").unwrap());
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    let changes = changes(&report);
    assert_eq!(changes.len(), 1, "{:?}", shown(&changes));
    let fields: Vec<_> = changes[0].fields.iter().map(|field| (field.name.as_str(), field.cause)).collect();
    assert_eq!(fields, [("name", Cause::SourceChanged)]);
    let after = lab.netbox.object(Kind::Device, id_of(&before)).unwrap();
    assert_eq!((&after["name"], &after["primary_ip4"]), (&json!("renamed-1"), &before["primary_ip4"]));
    assert_eq!(lab.netbox.written_objects(), 1);
    let now = [Kind::Device, Kind::Interface, Kind::IpAddress, Kind::MacAddress].map(|kind| lab.netbox.count(kind));
    assert_eq!(now, counts);
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);

    // It is still ours: gone from Forward, it may be deleted, and so may what hangs on it.
    lab.edit(|estate| estate.remove_device("renamed-1").unwrap());
    let held: Vec<_> = crate::lab::changes(&lab.run_with(RunRequest::dry()).await);
    let not_ours =
        held.iter().filter(|change| change.hold.as_ref().is_some_and(|hold| hold.rule.as_str() == "not_ours"));
    assert_eq!(not_ours.count(), 0, "{:?}", shown(&held));
    assert!(held.iter().any(|change| change.action == Action::Delete && change.model == "device"));
}

/// A site that was renamed in Forward, which documents its id as lasting, is the same site, and its devices stay where they are.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_renamed_in_forward_is_the_same_site() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let location = lab.estate.devices().find_map(|device| device.location.clone()).unwrap();
    let residents = lab.estate.devices().filter(|device| device.location.as_ref() == Some(&location));
    let residents: Vec<_> = residents.map(|device| device.name.clone()).collect();
    lab.edit(|estate| {
        let renamed = std::sync::Arc::new(Location { name: "Renamed Campus".to_owned(), ..(*location).clone() });
        for name in &residents {
            estate.edit(name, |device| device.location = Some(renamed.clone())).unwrap();
        }
    });
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    assert_eq!(shown(&changes(&report)), [r#"update site renamed-campus slug="renamed-campus" name="Renamed Campus""#]);
    assert_eq!(lab.netbox.written_objects(), 1);
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// Lesson 26: a serial number that two objects have is no proof. The device is held, with both named, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_rename_that_could_be_of_two_devices_is_held() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let name = plain_device(&lab);
    let device = find(&lab.netbox.objects(Kind::Device), "name", &name).unwrap().clone();
    let twin = json!({
        "name": "twin", "site": device["site"]["id"], "device_type": device["device_type"]["id"], "role": device["role"]["id"],
        "serial": device["serial"],
    });
    lab.netbox.seed(Kind::Device, twin).unwrap();
    lab.edit(|estate| estate.rename_device(&name, "renamed-1").unwrap());
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    let held: Vec<_> = changes(&report).into_iter().filter(|change| change.model == "device").collect();
    assert_eq!(held.len(), 3, "{:?}", shown(&held));
    for change in held {
        let hold = change.hold.unwrap();
        assert_eq!(hold.rule.as_str(), "ambiguous");
        assert!(
            ["renamed-1", "twin", &name].iter().all(|name| hold.reason.contains(&name.to_lowercase())),
            "{}",
            hold.reason
        );
    }
    let devices = lab.netbox.objects(Kind::Device);
    assert!(find(&devices, "name", "renamed-1").is_none() && find(&devices, "name", &name).is_some());
}

async fn run_onwards(lab: &Lab, sync: &SyncDefinition) -> RunReport {
    let report = lab.runner.run(sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await.unwrap();
    Lab::completed(&report);
    report
}

/// A source with ids: sites, devices without a serial number and catalogues are the same under other names, and so is what refers to
/// them.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_renamed_in_a_netbox_is_the_same_in_the_next() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let (other, sync) = lab.onwards();
    run_onwards(&lab, &sync).await;
    let kinds =
        [Kind::Site, Kind::Device, Kind::Interface, Kind::IpAddress, Kind::Manufacturer, Kind::Prefix, Kind::Vlan];
    let ids = |netbox: &syncline_testkit::netbox::NetBoxSim| {
        kinds.map(|kind| netbox.objects(kind).iter().map(id_of).collect::<std::collections::BTreeSet<_>>())
    };
    let before = ids(&other);
    let device = lab.netbox.objects(Kind::Device).into_iter().find(|device| !device["primary_ip4"].is_null()).unwrap();
    lab.netbox.edit(Kind::Device, id_of(&device), &json!({"name": "renamed-2", "serial": ""})).unwrap();
    let site = lab.netbox.objects(Kind::Site).into_iter().next().unwrap();
    lab.netbox.edit(Kind::Site, id_of(&site), &json!({"name": "Renamed", "slug": "renamed"})).unwrap();
    let maker = lab.netbox.objects(Kind::Manufacturer).into_iter().next().unwrap();
    lab.netbox.edit(Kind::Manufacturer, id_of(&maker), &json!({"name": "Renamed", "slug": "renamed"})).unwrap();
    other.forget_requests();
    let report = run_onwards(&lab, &sync).await;
    let changes = changes(&report);
    let made: Vec<_> = changes.iter().filter(|change| change.action != Action::Update).cloned().collect();
    assert_eq!(shown(&made), [""; 0]);
    let names: Vec<_> = changes.iter().map(|change| change.model.as_str()).collect();
    assert_eq!(names.len(), 3, "{:?}", shown(&changes));
    assert_eq!(ids(&other), before);
    let devices = other.objects(Kind::Device);
    assert!(find(&devices, "name", "renamed-2").is_some());
    assert!(find(&other.objects(Kind::Site), "slug", "renamed").is_some());
    assert_eq!(find(&other.objects(Kind::Manufacturer), "slug", "renamed").unwrap()["name"], "Renamed");
    other.forget_requests();
    run_onwards(&lab, &sync).await;
    assert_eq!(other.write_requests(), 0);

    // A move is an update too.
    let elsewhere =
        lab.netbox.objects(Kind::Site).into_iter().find(|other| other["id"] != device["site"]["id"]).unwrap();
    let bare = lab.netbox.seed(
        Kind::Device,
        json!({"name": "mover", "site": device["site"]["id"], "device_type": device["device_type"]["id"], "role": device["role"]["id"]}),
    );
    run_onwards(&lab, &sync).await;
    let copy = find(&other.objects(Kind::Device), "name", "mover").unwrap().clone();
    lab.netbox.edit(Kind::Device, bare.unwrap(), &json!({"site": elsewhere["id"]})).unwrap();
    run_onwards(&lab, &sync).await;
    let moved = other.object(Kind::Device, id_of(&copy)).unwrap();
    assert_eq!(moved["site"]["slug"], elsewhere["slug"]);
}

/// Names go from device to device, and to a new one, in one run; names that were swapped are held, and nothing is refused.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_passed_on_are_given_up_first() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let (other, sync) = lab.onwards();
    run_onwards(&lab, &sync).await;
    let devices = lab.netbox.objects(Kind::Device);
    let first = devices.first().unwrap().clone();
    let second = devices.iter().skip(1).find(|device| device["site"]["id"] == first["site"]["id"]).unwrap().clone();
    let (one, two) = (first["name"].as_str().unwrap(), second["name"].as_str().unwrap());
    let of = |name: &str| find(&other.objects(Kind::Device), "name", name).map(id_of);
    let (had_one, had_two) = (of(one), of(two));
    let rename = |device: &Value, name: &str| {
        lab.netbox.edit(Kind::Device, id_of(device), &json!({"name": name})).unwrap();
    };
    rename(&first, "given-up");
    rename(&second, one);
    let new = json!({
        "name": two, "site": first["site"]["id"], "device_type": first["device_type"]["id"], "role": first["role"]["id"],
    });
    lab.netbox.seed(Kind::Device, new).unwrap();
    let count = other.count(Kind::Device);
    let report = run_onwards(&lab, &sync).await;
    assert_eq!((report.total().applied, report.total().total()), (3, 3), "{:?}", shown(&changes(&report)));
    assert_eq!((of("given-up"), of(one), other.count(Kind::Device)), (had_one, had_two, count + 1));
    assert!(of(two).is_some_and(|id| Some(id) != had_two));

    rename(&first, "free");
    rename(&second, "given-up");
    rename(&first, one);
    let swapped = run_onwards(&lab, &sync).await;
    assert_eq!((swapped.total().held, swapped.total().total()), (2, 2), "{:?}", shown(&changes(&swapped)));
    assert!(changes(&swapped).iter().all(|change| change.hold.as_ref().unwrap().rule.as_str() == "name_taken"));
    assert_eq!((of("given-up"), of(one)), (had_one, had_two));
}

/// Losing the ledger costs matching again: the next run writes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_ledger_everything_is_matched_again() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let (other, sync) = lab.onwards();
    run_onwards(&lab, &sync).await;
    other.forget_requests();
    let folder = tempfile::tempdir().unwrap();
    let forgetful = Runner::new(syncline::registry().unwrap(), History::in_memory().await.unwrap(), folder.path());
    let report = forgetful.run(&sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await.unwrap();
    Lab::completed(&report);
    assert_eq!(shown(&changes(&report)), [""; 0]);
    assert_eq!(other.write_requests(), 0);
    let adopt = report.summary.to_adopt();
    assert!(adopt > 0, "what is matched is nobody's until it is adopted");
}

/// Lesson 45: what a person changed stays where the target owns the field, and the plan says whose it is and why.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_changed_stays_where_the_target_wins() {
    let mut lab = Lab::new().await;
    lab.sync.policy.fields.insert("device.serial".to_owned(), FieldRule::TargetWins);
    Lab::completed(&lab.run().await);
    let name = plain_device(&lab);
    let id = id_of(find(&lab.netbox.objects(Kind::Device), "name", &name).unwrap());
    lab.netbox.edit(Kind::Device, id, &json!({"serial": "BY-HAND"})).unwrap();
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    let [change] = &changes(&report)[..] else { panic!("{:?}", shown(&changes(&report))) };
    assert_eq!(change.hold.as_ref().unwrap().rule.as_str(), "owner");
    assert_eq!((change.kept[0].name.as_str(), change.kept[0].cause), ("serial", Cause::TargetDrifted));
    assert_eq!((lab.netbox.write_requests(), report.summary.to_apply(), report.total().held), (0, 0, 1));

    // The source changes too: still the person's.
    lab.edit(|estate| estate.set_serial(&name, Some("NEW")).unwrap());
    let report = lab.run().await;
    assert_eq!(changes(&report)[0].kept[0].cause, Cause::Both);
    assert_eq!(lab.netbox.object(Kind::Device, id).unwrap()["serial"], "BY-HAND");

    // Without the rule the source wins, and the plan says that somebody had changed it.
    lab.sync.policy.fields.clear();
    let report = lab.run().await;
    let plan = changes(&report);
    assert_eq!(plan[0].fields[0].cause, Cause::Both);
    assert_eq!(lab.netbox.object(Kind::Device, id).unwrap()["serial"], "NEW");
}

/// Lesson 44: a description that the source no longer has goes, unless a person changed it meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_disappears_is_cleared_unless_a_person_changed_it() {
    let mut lab = Lab::new().await;
    let name = lab.estate.devices().next().unwrap().name.clone();
    let ports: Vec<_> =
        lab.estate.device(&name).unwrap().interfaces.iter().map(|port| port.name.clone()).take(3).collect();
    lab.edit(|estate| {
        for port in &ports[..2] {
            assert!(estate.describe_interface(&name, port, Some("to the core")));
        }
        assert!(estate.describe_interface(&name, &ports[2], None));
    });
    Lab::completed(&lab.run().await);
    let described = |port: &str| {
        let ports = lab.netbox.objects(Kind::Interface);
        ports
            .iter()
            .find(|object| object["name"] == port && object["device"]["name"] == name.as_str())
            .cloned()
            .unwrap()
    };
    let ids = [0, 1, 2].map(|at| id_of(&described(&ports[at])));
    lab.netbox.edit(Kind::Interface, ids[1], &json!({"description": "call Anna"})).unwrap();
    lab.netbox.edit(Kind::Interface, ids[2], &json!({"description": "call Ben"})).unwrap();
    lab.edit(|estate| {
        for port in &ports[..2] {
            assert!(estate.describe_interface(&name, port, None));
        }
    });
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    let texts = ids.map(|id| lab.netbox.object(Kind::Interface, id).unwrap()["description"].clone());
    assert_eq!(texts, [json!(""), json!("call Anna"), json!("call Ben")]);
    assert_eq!(lab.netbox.written_objects(), 1, "{:?}", shown(&changes(&report)));
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// An address that is a device's primary one and moves to another device: let go, moved, and taken up again, in one run. The device
/// that lets it go has more to be changed than that.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_address_moves_to_another_device_in_one_run() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let devices = lab.netbox.objects(Kind::Device);
    let holder = find(&devices, "name", &plain_device(&lab)).unwrap().clone();
    let address = id_of(&holder["primary_ip4"]);
    let text = holder["primary_ip4"]["address"].as_str().unwrap().to_owned();
    let taker = lab.estate.devices().find(|device| {
        let object = find(&devices, "name", &device.name);
        object.is_some_and(|object| object["virtual_chassis"].is_null() && object["id"] != holder["id"])
    });
    let (from, to) = (holder["name"].as_str().unwrap().to_owned(), taker.unwrap().name.clone());
    lab.edit(|estate| {
        let host = text.split('/').next().unwrap().to_owned();
        let mut moved = Vec::new();
        estate
            .edit(&from, |device| {
                device.management_ips.retain(|ip| ip.to_string() != host);
                device.collection_ip = None;
                for port in &mut device.interfaces {
                    moved.extend(port.addresses.extract_if(.., |address| address.address.addr().to_string() == host));
                }
            })
            .unwrap();
        estate.set_serial(&from, Some("NEW-SERIAL")).unwrap();
        estate
            .edit(&to, |device| {
                let ip = host.parse().unwrap();
                device.management_ips = vec![ip];
                device.collection_ip = Some(ip);
                device.interfaces[0].addresses = moved;
            })
            .unwrap();
    });
    let report = lab.run().await;
    Lab::completed(&report);
    let total = report.total();
    assert_eq!((total.skipped, total.failed, total.stale), (0, 0, 0), "{:?}", shown(&changes(&report)));
    let now = |name: &str| find(&lab.netbox.objects(Kind::Device), "name", name).unwrap()["primary_ip4"].clone();
    assert_eq!(id_of(&now(&to)), address);
    assert_ne!(now(&from).get("id"), Some(&json!(address)));
    assert_eq!(find(&lab.netbox.objects(Kind::Device), "name", &from).unwrap()["serial"], "NEW-SERIAL");
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// A stack that is gone from the source is deleted, its master let go first.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_deleted_with_its_master() {
    let mut lab = Lab::new().await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    // All guards open: it is about the order.
    lab.sync.policy.guards.deletes_always_allowed = 100_000;
    lab.sync.policy.guards.source_shrank_percent = 100;
    Lab::completed(&lab.run().await);
    let chassis = lab.netbox.objects(Kind::VirtualChassis).into_iter().next().unwrap();
    let members: Vec<_> = lab.netbox.objects(Kind::Device);
    let members = members.iter().filter(|device| device["virtual_chassis"]["id"] == chassis["id"]);
    let members: Vec<_> = members.map(|device| device["name"].as_str().unwrap().to_owned()).collect();
    lab.edit(|estate| {
        for member in &members {
            let _ = estate.remove_device(member);
        }
    });
    let plan = lab.run_with(RunRequest::dry()).await;
    let (events, cancel) = (Events::new(), CancellationToken::new());
    let path = plan.plan.clone().unwrap();
    let report = lab
        .runner
        .apply(&lab.sync, &path, Some("torn down".into()), RunRequest::default(), &events, &cancel)
        .await
        .unwrap();
    Lab::completed(&report);
    assert!(plan.summary.models.iter().any(|model| model.release > 0), "{:?}", shown(&changes(&plan)));
    assert_eq!(report.total().skipped, 0, "{:?}", report.outcomes);
    assert!(lab.netbox.object(Kind::VirtualChassis, id_of(&chassis)).is_none());
    assert!(members.iter().all(|name| find(&lab.netbox.objects(Kind::Device), "name", name).is_none()));
}

/// A master that Syncline let go, because it left its stack, is the master again when it is back. One that somebody cleared in NetBox
/// is not: who speaks for a stack is a guess.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_was_let_go_comes_back() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let chassis = lab.netbox.objects(Kind::VirtualChassis).into_iter().next().unwrap();
    let now = |lab: &Lab| lab.netbox.object(Kind::VirtualChassis, id_of(&chassis)).unwrap()["master"].clone();
    let master = chassis["master"]["name"].as_str().unwrap().to_owned();
    let serials = lab.estate.device(&master).unwrap().stack_serials.clone();
    let settled = async |lab: &Lab| {
        lab.netbox.forget_requests();
        Lab::completed(&lab.run().await);
        assert_eq!(lab.netbox.write_requests(), 0);
    };

    lab.edit(|estate| estate.edit(&master, |device| device.stack_serials.clear()).unwrap());
    let report = lab.run().await;
    Lab::completed(&report);
    assert!(now(&lab).is_null(), "{:?}", shown(&changes(&report)));
    settled(&lab).await;

    lab.edit(|estate| estate.edit(&master, |device| device.stack_serials = serials).unwrap());
    let report = lab.run().await;
    Lab::completed(&report);
    assert_eq!(report.total().failed, 0, "{:?}", shown(&changes(&report)));
    assert_eq!(now(&lab)["id"], chassis["master"]["id"]);
    settled(&lab).await;

    lab.netbox.edit(Kind::VirtualChassis, id_of(&chassis), &json!({"master": null})).unwrap();
    settled(&lab).await;
    assert!(now(&lab).is_null());
}

/// A member of another stack that somebody made the master of this one goes back where it belongs, and the stack gets the master that
/// the source has for it, in one run.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_let_go_is_followed_by_the_next() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let stacks = lab.netbox.objects(Kind::VirtualChassis);
    let [stack, other] = &stacks[..2] else { panic!("{} stacks", stacks.len()) };
    let devices = lab.netbox.objects(Kind::Device);
    let is_member =
        |device: &&Value| device["virtual_chassis"]["id"] == other["id"] && device["id"] != other["master"]["id"];
    let guest = devices.iter().find(is_member).unwrap();
    let moved = json!({"virtual_chassis": stack["id"], "vc_position": 99});
    lab.netbox.edit(Kind::Device, id_of(guest), &moved).unwrap();
    lab.netbox.edit(Kind::VirtualChassis, id_of(stack), &json!({"master": guest["id"]})).unwrap();

    let report = lab.run().await;
    Lab::completed(&report);
    let total = report.total();
    assert_eq!((total.skipped, total.failed, total.stale), (0, 0, 0), "{:?}", shown(&changes(&report)));
    let now = |kind, object: &Value| lab.netbox.object(kind, id_of(object)).unwrap();
    assert_eq!(now(Kind::Device, guest)["virtual_chassis"]["id"], other["id"]);
    assert_eq!(now(Kind::VirtualChassis, stack)["master"]["id"], stack["master"]["id"]);
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// Lesson 47: a target that was full before is told apart, and is only ours when the policy says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_target_is_adopted_when_the_policy_says_so() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let folder = tempfile::tempdir().unwrap();
    let second = Runner::new(syncline::registry().unwrap(), History::in_memory().await.unwrap(), folder.path());
    let mut sync = lab.sync.clone();
    let run = async |sync: &SyncDefinition| {
        let report = second.run(sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await.unwrap();
        Lab::completed(&report);
        report.summary.to_adopt()
    };
    let matched = run(&sync).await;
    assert_eq!(run(&sync).await, 0, "it is counted in the first run");
    sync.policy.adopt = Adopt::Matched;
    assert_eq!(run(&sync).await, matched, "nothing is ours without being told");
    assert_eq!(run(&sync).await, 0, "and then it is");
}
