//! What people leave alone, and runs about a part, over a whole estate.

use serde_json::json;
use syncline_core::change::{Action, Change, HoldRule};
use syncline_core::history::{ChangeFilter, NewIgnore, OutcomeKind, RunId};
use syncline_core::policy::{Deletes, Quarantine};
use syncline_core::run::{RunReport, RunRequest};
use syncline_model::AnyKey;
use syncline_testkit::netbox::Kind;

use crate::lab::{Lab, changes, find, shown};
use crate::ledger::plain_device;

impl Lab {
    /// A lab that deletes at once, after its first run.
    async fn filled() -> Self {
        let mut lab = Self::new().await;
        lab.sync.policy.deletes = Deletes::Apply;
        lab.sync.policy.quarantine = Quarantine::off();
        Self::completed(&lab.run().await);
        lab
    }

    async fn leave_alone(&self, model: &str, key: &AnyKey, field: Option<&str>) {
        let wish = NewIgnore {
            sync: self.sync.name.clone(),
            model: model.to_owned(),
            key: key.clone(),
            field: field.map(str::to_owned),
            until: None,
            by: "ada".to_owned(),
            reason: "the lab has it so".to_owned(),
        };
        self.runner.history().ignore(&wish, chrono::Utc::now()).await.unwrap();
    }

    /// What became of the changes of a run that were tried and did not go through.
    async fn undone(&self, run: RunId) -> Vec<String> {
        let outcome = vec![OutcomeKind::Failed, OutcomeKind::Skipped, OutcomeKind::Stale];
        let filter = ChangeFilter { outcome, ..ChangeFilter::default() };
        let undone = self.runner.history().changes(run, &filter, None, 1_000).await.unwrap().items;
        undone.iter().map(|change| format!("{} {}: {:?}", change.model, change.key, change.reason)).collect()
    }

    /// What a run says of records that are left alone and that neither side has.
    async fn gone(&self, run: RunId) -> Vec<String> {
        let lines = self.runner.history().log(run, None, 10_000).await.unwrap().items;
        lines.into_iter().map(|line| line.text).filter(|text| text.contains("neither side has")).collect()
    }

    /// The key of a device that a run created, as plans have it.
    fn device_key(report: &RunReport, name: &str) -> AnyKey {
        let of = |change: &Change| change.model == "device" && change.after("name") == Some(&json!(name));
        changes(report).into_iter().find(of).unwrap().key
    }

    /// The names of a device's interfaces in the target.
    fn ports(&self, device: &str) -> Vec<String> {
        let interfaces = self.netbox.objects(Kind::Interface);
        let of = interfaces.iter().filter(|object| object["device"]["name"] == device);
        of.map(|object| object["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn part(scope: serde_json::Value) -> RunRequest {
    RunRequest::part(serde_json::from_value(scope).unwrap())
}

/// The stack comes without its master, which is left alone, and nothing fails for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stack_comes_without_a_master_that_is_left_alone() {
    let lab = Lab::new().await;
    let dry = lab.run_with(RunRequest::dry()).await;
    let planned = changes(&dry);
    let stack = planned.iter().find(|change| change.model == "virtual_chassis").unwrap();
    let master = AnyKey::from_value(stack.after("master").unwrap()).unwrap();
    lab.leave_alone("device", &master, None).await;
    let first = lab.run().await;
    Lab::completed(&first);
    assert_eq!(lab.undone(first.run).await, [""; 0]);
    let chassis = lab.netbox.objects(Kind::VirtualChassis);
    let name = stack.after("name").unwrap().as_str().unwrap();
    assert!(find(&chassis, "name", name).unwrap()["master"].is_null());
    assert_eq!(lab.netbox.count(Kind::Device) + 1, planned.iter().filter(|change| change.model == "device").count());

    // The next run has nothing to write, and says of the reference why.
    lab.netbox.forget_requests();
    let second = lab.run().await;
    assert_eq!(lab.netbox.write_requests(), 0);
    let held: Vec<_> = changes(&second);
    let update = held.iter().find(|change| change.model == "virtual_chassis").unwrap();
    let hold = update.hold.as_ref().unwrap();
    assert_eq!(hold.rule, HoldRule::Ignored);
    assert!(hold.reason.starts_with("`master` is left out: device `"), "{}", hold.reason);
}

/// A part of an absent record waits for that, where a run is about the parts alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_an_absent_record_is_held_in_a_run_about_a_part() {
    let mut lab = Lab::filled().await;
    let name = plain_device(&lab);
    let ports = lab.ports(&name);
    assert!(!ports.is_empty());
    lab.edit(|estate| estate.remove_device(&name).unwrap());
    lab.netbox.forget_requests();
    let report = lab.run_with(part(json!({"models": ["interface"]}))).await;
    Lab::completed(&report);
    let changes = changes(&report);
    let interfaces: Vec<_> = changes.iter().filter(|change| change.model == "interface").collect();
    assert_eq!(interfaces.len(), ports.len(), "{:?}", shown(&changes));
    for change in interfaces {
        let reason = &change.hold.as_ref().unwrap().reason;
        assert!(reason.contains("is absent too, and is no part of what this run is about"), "{reason}");
    }
    assert!(changes.iter().all(|change| change.hold.is_some()), "{:?}", shown(&changes));
    assert_eq!((lab.netbox.write_requests(), lab.ports(&name)), (0, ports));
}

/// What belongs to a device that is left alone neither comes nor goes; what belongs to another one does.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_alone_protects_what_belongs_to_it() {
    let mut lab = Lab::new().await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    let first = lab.run().await;
    Lab::completed(&first);
    let bare = lab.estate.devices().filter_map(|device| {
        let mut ports = device.interfaces.iter().rev();
        let port = ports.find(|port| port.addresses.is_empty() && port.mac.is_none() && port.aggregate.is_none())?;
        Some((device.name.clone(), port.name.clone()))
    });
    let [(ours, our_port), (other, other_port)] = &bare.take(2).collect::<Vec<_>>()[..] else { panic!("two devices") };
    lab.leave_alone("device", &Lab::device_key(&first, ours), None).await;
    lab.edit(|estate| {
        for (device, port) in [(ours, our_port), (other, other_port)] {
            estate.remove_interface(device, port).unwrap();
            estate.add_interface(device, "new-port").unwrap();
        }
    });
    let report = lab.run().await;
    Lab::completed(&report);
    assert_eq!(lab.undone(report.run).await, [""; 0]);
    let has = |device: &str, port: &str| lab.ports(device).iter().any(|name| name == port);
    assert_eq!((has(ours, our_port), has(ours, "new-port")), (true, false));
    assert_eq!((has(other, other_port), has(other, "new-port")), (false, true));
    let held = changes(&report).into_iter().filter(|change| change.hold.is_some());
    let held: Vec<_> = held.map(|change| (change.action, change.hold.unwrap().rule)).collect();
    assert_eq!(held, [(Action::Create, HoldRule::Ignored), (Action::Delete, HoldRule::Ignored)]);
}

/// A device that is left alone keeps its name when the source gives it another one, and nothing is said to be gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_record_that_is_left_alone_keeps_its_name() {
    let mut lab = Lab::new().await;
    let first = lab.run().await;
    Lab::completed(&first);
    let name = plain_device(&lab);
    lab.leave_alone("device", &Lab::device_key(&first, &name), None).await;
    lab.edit(|estate| estate.rename_device(&name, "renamed-1").unwrap());
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    let [change] = &changes(&report)[..] else { panic!("{:?}", shown(&changes(&report))) };
    assert_eq!(change.hold.as_ref().map(|hold| hold.rule), Some(HoldRule::Ignored));
    assert_eq!(lab.netbox.write_requests(), 0);
    assert_eq!(lab.gone(report.run).await, [""; 0]);
}

/// A field that is left alone of an interface stays so when the device is renamed.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_a_part_stays_left_alone_when_its_record_is_renamed() {
    let mut lab = Lab::new().await;
    let first = lab.run().await;
    Lab::completed(&first);
    let name = plain_device(&lab);
    let port = lab.estate.device(&name).unwrap().interfaces[0].name.clone();
    let device = Lab::device_key(&first, &name);
    let key = AnyKey::from_value(&json!([serde_json::from_str::<serde_json::Value>(device.as_str()).unwrap(), port]));
    lab.leave_alone("interface", &key.unwrap(), Some("description")).await;
    lab.edit(|estate| {
        assert!(estate.describe_interface(&name, &port, Some("moved to rack 7")));
        estate.rename_device(&name, "renamed-1").unwrap();
    });
    let report = lab.run().await;
    Lab::completed(&report);
    let written: Vec<_> = changes(&report).into_iter().filter(|change| change.hold.is_none()).collect();
    let [change] = &written[..] else { panic!("{:?}", shown(&written)) };
    assert_eq!((&*change.model, change.after("name")), ("device", Some(&json!("renamed-1"))));
    let interfaces = lab.netbox.objects(Kind::Interface);
    assert!(interfaces.iter().all(|interface| interface["description"] != "moved to rack 7"));
    assert_eq!(lab.gone(report.run).await, [""; 0]);
}
