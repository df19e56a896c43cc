//! What people leave alone is in the plan, and held.

use super::*;

const ATL: [&str; 1] = ["atl"];

fn held_reasons(planned: &Planned) -> String {
    let held = planned.changes.iter().filter_map(|change| Some((change, change.hold.as_ref()?)));
    let lines =
        held.map(|(change, hold)| format!("{} {} {}: {}", change.action, change.model, change.key, hold.reason));
    lines.collect::<Vec<_>>().join("\n")
}

/// Records are left alone whatever is to be done to them, with what belongs to them where they come or go; of fields only those of an
/// update stay.
#[tokio::test]
async fn what_is_left_alone_is_held_and_shown() {
    let mut source = with_serials(&[Some("B"), Some("B"), Some("B"), Some("B")]);
    source.devices.push(Device { serial: Some(text("B")), ..device("sw5") });
    source.devices[3].status = DeviceStatus::Staged;
    let mut target = with_serials(&[Some("A"), Some("A")]);
    target.devices.push(Device { serial: Some(text("A")), ..device("sw4") });
    target.devices.push(device("sw9"));
    let name = |name: &str| json!([ATL, name]);
    let ledger = Ledger::default()
        .ignored("device", &name("sw1"), None)
        .ignored("device", &name("sw2"), Some("serial"))
        .ignored("device", &name("sw3"), None)
        .ignored("device", &name("sw4"), Some("serial"))
        .ignored("device", &name("sw5"), Some("serial"))
        .ignored("device", &name("sw9"), None);
    let policy = Policy { deletes: Deletes::Apply, only_own: false, ..Policy::default() };
    let planned = planned(&source, &target, &policy, &ledger).await;
    insta::assert_snapshot!(shown(&planned));
    insta::assert_snapshot!("reasons", held_reasons(&planned));
    let device = planned.summary.models.iter().find(|model| model.model == "device").unwrap();
    assert_eq!((device.create, device.update, device.delete, device.held["ignored"]), (1, 1, 0, 4));
    let created = planned.changes.iter().find(|change| change.key.to_string() == "atl / sw5").unwrap();
    assert_eq!(created.after("serial"), Some(&json!("B")), "a create sets the field");
}

/// Of both kinds of reasons why nothing of an update is left, people are told.
#[tokio::test]
async fn the_policy_and_a_person_may_keep_fields_of_one_record() {
    let mut source = with_serials(&[Some("B")]);
    source.devices[0].status = DeviceStatus::Staged;
    let target = with_serials(&[Some("A")]);
    let ledger = Ledger::default().ignored("device", &json!([ATL, "sw1"]), Some("status"));
    let policy = Policy { fields: [("device.serial".to_owned(), FieldRule::ReportOnly)].into(), ..Policy::default() };
    let planned = planned(&source, &target, &policy, &ledger).await;
    insta::assert_snapshot!(held_reasons(&planned), @"update device atl / sw1: `status` is left alone until 2026-12-01 by ada: the lab has it so; the target keeps its own `serial` (`policy.fields`)");
}

/// A value that would be cleared stays where it is left alone, and a record that has no other difference is none that is held.
#[tokio::test]
async fn what_would_be_cleared_is_left_alone_too() {
    let ledger = Ledger::default().applied("device", 1, &serial("A")).applied("device", 2, &serial("A"));
    let ledger = ledger.ignored("device", &json!([ATL, "sw1"]), Some("serial"));
    let ledger = ledger.ignored("device", &json!([ATL, "sw2"]), None).ignored("device", &json!([ATL, "sw3"]), None);
    let source = with_serials(&[None, None, None]);
    let target = with_serials(&[Some("A"), Some("A"), Some("mine")]);
    let planned = planned(&source, &target, &Policy::default(), &ledger).await;
    insta::assert_snapshot!(shown(&planned));
}

/// A reference that the target insists on is not cleared in a record that is left alone, whatever it is in the way of.
#[tokio::test]
async fn nothing_is_released_in_what_is_left_alone() {
    let target = addressed(0, [true, false]);
    let mut source = addressed(1, [false, true]);
    source.devices.remove(0);
    let releases = |planned: &Planned| {
        let mut changes = planned.changes.iter();
        changes.any(|change| change.after("primary_ip4") == Some(&Value::Null) && change.hold.is_none())
    };
    let ledger = || Ledger { ours: [("device".to_owned(), vec!["1".to_owned()])].into(), ..Ledger::default() };
    assert!(releases(&planned(&source, &target, &Policy::default(), &ledger()).await));
    for field in [None, Some("primary_ip4")] {
        let ledger = ledger().ignored("device", &json!([ATL, "sw1"]), field);
        assert!(!releases(&planned(&source, &target, &Policy::default(), &ledger).await), "{field:?}");
    }
}

/// What belongs to a record that is left alone neither comes nor goes, also where the record is on both sides and nothing of it differs,
/// and also what belongs to its parts.
#[tokio::test]
async fn what_belongs_to_a_record_that_is_left_alone_stays_as_it_is() {
    let given = |addresses: [&str; 2]| {
        let devices = vec![device("sw1"), device("sw2")];
        let addresses = addresses.iter().zip(&devices).map(|(at, device)| address(at, device)).collect();
        Given { devices, addresses, ..Given::default() }
    };
    let (source, target) = (given(["10.0.0.1/24", "10.0.0.2/24"]), given(["10.0.0.3/24", "10.0.0.4/24"]));
    let policy = Policy { deletes: Deletes::Apply, only_own: false, ..Policy::default() };
    let ledger = Ledger::default().ignored("device", &json!([ATL, "sw1"]), None);
    let planned = planned(&source, &target, &policy, &ledger).await;
    insta::assert_snapshot!(held_reasons(&planned), @r"
    create ip_address - / 10.0.0.1: its device `atl / sw1` is left alone until 2026-12-01 by ada: the lab has it so
    delete ip_address - / 10.0.0.3: its device `atl / sw1` is left alone until 2026-12-01 by ada: the lab has it so
    ");
    assert_eq!(planned.changes.len(), 4);
}

/// Who cannot be without a record that is left out does not come either, rather than to fail in every run.
#[tokio::test]
async fn what_needs_a_record_that_is_left_out_is_left_out() {
    let stack = VirtualChassis { name: text("stack"), master: None, domain: None };
    let devices =
        vec![device("sw1"), Device { virtual_chassis: Some(stack.key()), vc_position: Some(1), ..device("sw2") }];
    let source = Given { devices, stacks: vec![stack], ..Given::default() };
    let ledger = Ledger::default().ignored("virtual_chassis", &json!(["stack"]), None);
    let planned = planned(&source, &with_serials(&[None]), &Policy::default(), &ledger).await;
    insta::assert_snapshot!(held_reasons(&planned));
}

/// A reference of the second pass to a record that is left out is left out with it, and the plan says so: it would fail when everything
/// else of the change is written. What an update refers to is left out in any pass.
#[tokio::test]
async fn a_reference_to_what_is_left_out_is_left_out() {
    let stacked = |name: &str, stack: &str, master: Option<&str>| {
        let stack = VirtualChassis {
            name: text(stack),
            master: master.map(|master| Device::key_of(&Site::key_of(&"atl".parse().unwrap()), &text(master))),
            domain: None,
        };
        (Device { virtual_chassis: Some(stack.key()), ..device(name) }, stack)
    };
    // `new` and its master `sw2` come, `old` gets `sw3`, and `sw1` joins a stack that does not come.
    let (sw1, lone) = stacked("sw1", "lone", None);
    let (sw2, new) = stacked("sw2", "new", Some("sw2"));
    let (sw3, old) = stacked("sw3", "old", Some("sw3"));
    let given = |devices, stacks| Given { devices, stacks, ..Given::default() };
    let source = given(vec![sw1, sw2, sw3], vec![lone, new, old.clone()]);
    let target = given(vec![device("sw1")], vec![VirtualChassis { master: None, ..old }]);
    let ledger = Ledger::default()
        .ignored("device", &json!([ATL, "sw2"]), None)
        .ignored("device", &json!([ATL, "sw3"]), None)
        .ignored("virtual_chassis", &json!(["lone"]), None);
    let planned = planned(&source, &target, &Policy::default(), &ledger).await;
    insta::assert_snapshot!(shown(&planned));
    insta::assert_snapshot!("reasons_of_references", held_reasons(&planned));
    let new = planned.changes.iter().find(|change| change.key.to_string() == "new").unwrap();
    assert_eq!((new.after("master"), new.deferred().count()), (None, 0), "nothing is left for the second pass");
    let reason = new.kept[0].ignored.as_deref().unwrap();
    insta::assert_snapshot!(reason, @"left out: device `atl / sw2` is left alone until 2026-12-01 by ada: the lab has it so");
}

/// What an address is the first of is known before the address is compared, and so is that it goes without its device.
#[tokio::test]
async fn a_reference_to_a_part_of_what_is_left_alone_is_left_out() {
    let (source, mut target) = (addressed(1, [true, false]), addressed(1, [false, false]));
    target.addresses.clear();
    let ledger = Ledger::default().ignored("device", &json!([ATL, "sw2"]), None);
    let held = planned(&source, &target, &Policy::default(), &ledger).await;
    insta::assert_snapshot!(shown(&held));
    insta::assert_snapshot!("reasons_of_parts", held_reasons(&held));
}
