//! The main job, from an empty target on.

use syncline_core::change::Action;
use syncline_core::history::{ChangeFilter, OutcomeKind};
use syncline_testkit::netbox::Kind;

use crate::lab::{EVERY_KIND, Lab, applied, changes, find, shown};

/// Every model is created, and the second run writes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_netbox_is_filled_and_then_left_alone() {
    let lab = Lab::new().await;
    let first = lab.run().await;
    Lab::completed(&first);
    let bad: Vec<_> = failures(&lab, first.run).await;
    assert_eq!(bad, [""; 0]);
    for kind in EVERY_KIND {
        assert!(lab.netbox.count(kind) > 0, "{kind:?} was not created");
    }
    let devices = lab.netbox.objects(Kind::Device);
    assert!(devices.iter().any(|device| !device["primary_ip4"].is_null()), "no device has a primary address");
    assert!(devices.iter().any(|device| !device["virtual_chassis"].is_null()), "no device is in a stack");
    let interfaces = lab.netbox.objects(Kind::Interface);
    assert!(interfaces.iter().any(|interface| !interface["lag"].is_null()), "no interface is in an aggregate");
    assert!(lab.netbox.objects(Kind::VirtualChassis).iter().all(|chassis| !chassis["master"].is_null()));

    lab.netbox.forget_requests();
    let second = lab.run().await;
    Lab::completed(&second);
    assert_eq!(shown(&changes(&second)), [""; 0]);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// What failed or was skipped in a run, in words.
async fn failures(lab: &Lab, run: syncline_core::history::RunId) -> Vec<String> {
    let changes = lab.runner.history().changes(run, &ChangeFilter::default(), None, 100_000).await.unwrap();
    let bad = changes.items.iter().filter(|change| change.outcome != OutcomeKind::Applied);
    bad.map(|change| format!("{} {} {} {:?}", change.model, change.key, change.outcome.as_str(), change.reason))
        .collect()
}

/// One changed attribute is one PATCH of that attribute alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_description_is_one_patch() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let device = lab.estate.devices().next().unwrap();
    let interface = device.interfaces[0].name.clone();
    lab.edit(|estate| {
        assert!(estate.describe_interface(&device.name, &interface, Some("moved to rack 7")));
    });
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    let [change] = &changes(&report)[..] else { panic!("{:?}", shown(&changes(&report))) };
    assert_eq!(change.action, Action::Update);
    let fields: Vec<_> = change.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, ["description"]);
    assert_eq!(report.total(), applied(1));
    assert_eq!((lab.netbox.write_requests(), lab.netbox.written_objects()), (1, 1));
    assert_eq!(lab.netbox.request_count("PATCH", "dcim/interfaces"), 1);
}

/// One removed interface is one held delete; nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_interface_is_held() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let bare = lab.estate.devices().find_map(|device| {
        let plain =
            device.interfaces.iter().find(|interface| interface.addresses.is_empty() && interface.mac.is_none());
        plain.map(|interface| (device.name.clone(), interface.name.clone()))
    });
    let (device, interface) = bare.expect("the estate has an interface without addresses");
    lab.edit(|estate| estate.remove_interface(&device, &interface).unwrap());
    lab.netbox.forget_requests();
    let report = lab.run().await;
    Lab::completed(&report);
    let changes = changes(&report);
    let deletes: Vec<_> = changes.iter().filter(|change| change.model == "interface").collect();
    assert_eq!(deletes.len(), 1, "{:?}", shown(&changes));
    assert!(changes.iter().all(|change| change.hold.is_some()), "{:?}", shown(&changes));
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// Told to, Syncline deletes what it created, children and all, and only that.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_interface_is_deleted_when_the_policy_says_so() {
    let mut lab = Lab::new().await;
    lab.sync.policy.deletes = syncline_core::policy::Deletes::Apply;
    lab.sync.policy.quarantine = syncline_core::policy::Quarantine::off();
    Lab::completed(&lab.run().await);
    let device = lab.estate.devices().find(|device| device.interfaces.iter().any(|i| i.mac.is_some())).unwrap();
    let interface = device.interfaces.iter().rfind(|interface| interface.mac.is_some()).unwrap().name.clone();
    lab.edit(|estate| estate.remove_interface(&device.name, &interface).unwrap());
    let before =
        (lab.netbox.count(Kind::Interface), lab.netbox.count(Kind::MacAddress), lab.netbox.count(Kind::Device));
    let report = lab.run().await;
    Lab::completed(&report);
    assert_eq!(lab.netbox.count(Kind::Interface), before.0 - 1, "{:?}", shown(&changes(&report)));
    assert_eq!(lab.netbox.count(Kind::MacAddress), before.1 - 1);
    assert_eq!(lab.netbox.count(Kind::Device), before.2);
    lab.netbox.forget_requests();
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.write_requests(), 0);
}

/// A device that NetBox refuses stands alone, is named, and what hangs on it says what it waits for.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_device_is_isolated_and_named() {
    let lab = Lab::new().await;
    let device = lab.estate.devices().find(|device| device.serial.is_some()).unwrap();
    let serial = device.serial.clone().unwrap();
    lab.netbox.faults().refuse(Kind::Device, "serial", &serial, "this serial is refused");
    let report = lab.run().await;
    Lab::completed(&report);
    let bad = failures(&lab, report.run).await;
    let failed: Vec<_> = bad.iter().filter(|line| line.starts_with("device ")).collect();
    let [failed] = failed[..] else { panic!("{failed:?}") };
    assert!(failed.contains(" failed ") && failed.contains("this serial is refused"), "{failed}");
    assert!(bad.iter().any(|line| line.starts_with("interface ") && line.contains("waiting on device")), "{bad:?}");
    let devices = lab.netbox.objects(Kind::Device);
    let planned = report.summary.models.iter().find(|model| model.model == "device").unwrap().create;
    assert_eq!(devices.len() as u64 + 1, planned);
    assert!(find(&devices, "name", &device.name).is_none());

    // Mended at the target, the next run brings what was missing.
    lab.netbox.faults().clear();
    let mended = lab.run().await;
    Lab::completed(&mended);
    assert!(find(&lab.netbox.objects(Kind::Device), "name", &device.name).is_some());
}
