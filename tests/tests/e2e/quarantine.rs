//! Devices that vanish from Forward: how long NetBox keeps them, and why.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use syncline_core::change::HoldRule;
use syncline_core::event::Events;
use syncline_core::history::{QuarantineFilter, RunKind};
use syncline_core::policy::{Deletes, Mark, Quarantine};
use syncline_core::run::{RunReport, RunRequest};
use syncline_testkit::estate::{Device, Estate, EstateOptions};
use syncline_testkit::forward::{Dataset, Faults};
use syncline_testkit::netbox::Kind;
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, changes, find};

/// A lab that deletes what was absent long enough, and whose time stands still until it is moved.
struct Timed {
    lab: Lab,
    hours: Arc<AtomicI64>,
}

impl Timed {
    /// After the first run.
    async fn new(prepare: impl FnOnce(&mut Lab)) -> Self {
        Self::of(Estate::generate(EstateOptions::small()), prepare).await
    }

    async fn of(estate: Estate, prepare: impl FnOnce(&mut Lab)) -> Self {
        let hours = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&hours);
        let begin: DateTime<Utc> = "2025-11-20T12:00:00Z".parse().unwrap();
        let lab = Lab::with(estate).await;
        let mut lab = lab.with_clock(move || begin + TimeDelta::hours(clock.load(Ordering::Relaxed)));
        lab.sync.policy.deletes = Deletes::Apply;
        prepare(&mut lab);
        Lab::completed(&lab.run().await);
        Self { lab, hours }
    }

    async fn run_at(&self, hours: i64) -> RunReport {
        self.run_by(hours, RunKind::Adhoc).await
    }

    async fn run_by(&self, hours: i64, kind: RunKind) -> RunReport {
        self.hours.store(hours, Ordering::Relaxed);
        self.lab.run_with(RunRequest { kind, ..RunRequest::default() }).await
    }

    /// How many runs have counted the absence of the device; none when it is not absent.
    async fn counted(&self, device: &str) -> Option<u32> {
        let filter = QuarantineFilter { model: Some("device".to_owned()), ..QuarantineFilter::default() };
        let rows = self.lab.runner.history().quarantine(&filter, None, 100).await.unwrap().items;
        let row = rows.iter().find(|row| row.key.to_string().ends_with(&device.to_lowercase()));
        row.map(|row| row.streak.runs)
    }

    fn device(&self, name: &str) -> Option<Value> {
        find(&self.lab.netbox.objects(Kind::Device), "name", name).cloned()
    }
}

/// A device on which no other depends, with addresses, at a site with others.
fn some_device(estate: &Estate) -> Device {
    let devices: Vec<_> = estate.devices().collect();
    let alone = |device: &Device| {
        let others = || devices.iter().filter(|other| other.name != device.name);
        device.is_queryable()
            && device.stack_serials.is_empty()
            && device.parent.is_none()
            && device.tags.len() > 1
            && device.interfaces.iter().any(|interface| !interface.addresses.is_empty())
            && others().all(|other| other.parent.as_deref() != Some(&device.name))
            && others().any(|other| other.site() == device.site())
    };
    Device::clone(devices.iter().find(|device| alone(device)).unwrap())
}

/// What holds the delete of the device in a plan; none when nothing does.
fn held(report: &RunReport, device: &str) -> Option<(HoldRule, String)> {
    let changes = changes(report);
    let of_device = |key: &syncline_model::AnyKey| key.to_string().ends_with(&device.to_lowercase());
    let change = changes.iter().find(|change| change.model == "device" && of_device(&change.key)).unwrap();
    change.hold.as_ref().map(|hold| (hold.rule, hold.reason.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_device_is_deleted_only_when_it_is_due() {
    let mut estate = Estate::generate(EstateOptions::small());
    let name = some_device(&estate).name;
    // A primary address that goes before its device moves the device in NetBox: its delete is stale then, until the next run.
    let unmanaged = |device: &mut Device| (device.management_ips, device.collection_ip) = (Vec::new(), None);
    estate.edit(&name, unmanaged).unwrap();
    let device = Device::clone(&estate.device(&name).unwrap());
    let by_pages = |lab: &mut Lab| {
        lab.sync.source.connection["page_size"] = 50.into();
        lab.sync.source.connection["execution"] = "sync".into();
    };
    let mut timed = Timed::of(estate, by_pages).await;
    let before = [Kind::Interface, Kind::IpAddress, Kind::MacAddress].map(|kind| timed.lab.netbox.count(kind));

    // It vanishes, and comes back before it was absent long enough.
    timed.lab.edit(|estate| estate.remove_device(&name).unwrap());
    for hours in [1, 40] {
        Lab::completed(&timed.run_at(hours).await);
    }
    assert_eq!(timed.counted(&name).await, Some(2));
    let back = device.clone();
    timed.lab.edit(|estate| estate.add_device(back));
    Lab::completed(&timed.run_at(60).await);
    assert_eq!(timed.counted(&name).await, None);

    // It vanishes again: everything is counted anew, by whomever a run was started.
    timed.lab.edit(|estate| estate.remove_device(&name).unwrap());
    let first = timed.run_by(100, RunKind::Scheduled).await;
    let (rule, reason) = held(&first, &name).unwrap();
    assert_eq!(rule, HoldRule::Quarantine);
    insta::assert_snapshot!(reason, @"absent since 2025-11-24 (1 of 3 runs, 0 of 72 hours), due 2025-11-27 at the earliest: the source no longer has it");
    assert_eq!(timed.counted(&name).await, Some(1));
    // What hangs on it waits with it.
    assert!(changes(&first).iter().all(|change| change.hold.is_some()));
    let parents = changes(&first).iter().filter(|change| change.model == "interface").count();
    assert!(parents > 0);

    // A read that breaks in between proves nothing.
    timed.lab.forward.faults(|faults| {
        faults.only = Some(Dataset::Interfaces);
        faults.empty_from = Some(100);
    });
    assert_eq!(timed.run_at(110).await.status.as_str(), "failed");
    timed.lab.forward.faults(|faults| *faults = Faults::default());
    assert_eq!(timed.counted(&name).await, Some(1));

    Lab::completed(&timed.run_by(120, RunKind::Webhook).await);
    Lab::completed(&timed.run_at(150).await);
    assert_eq!(timed.counted(&name).await, Some(3));
    assert!(timed.device(&name).is_some(), "three runs, but 50 hours");

    let due = timed.run_by(172, RunKind::Scheduled).await;
    assert_eq!(due.status.as_str(), "awaiting_review");
    assert_eq!(held(&due, &name), None);
    assert!(timed.device(&name).is_some(), "a person looks first");
    let (events, cancel) = (Events::new(), CancellationToken::new());
    let (plan, request) = (due.plan.unwrap(), RunRequest::default());
    let report = timed
        .lab
        .runner
        .apply(&timed.lab.sync, &plan, Some("torn down".into()), request, &events, &cancel)
        .await
        .unwrap();
    Lab::completed(&report);
    assert!(timed.device(&name).is_none());
    let after = [Kind::Interface, Kind::IpAddress, Kind::MacAddress].map(|kind| timed.lab.netbox.count(kind));
    assert!(before.iter().zip(after).all(|(before, after)| after < *before), "{before:?} {after:?}");
    assert_eq!(timed.counted(&name).await, None);
}

/// A whole site is torn down. VLANs are shared and stay, and so does their site, which keeps none of its devices; it goes at last
/// when somebody has cleared it out.
#[tokio::test(flavor = "multi_thread")]
async fn the_devices_of_a_site_go_before_the_site_that_still_has_vlans() {
    // One site of a small estate is much of it.
    let mut timed = Timed::new(|lab| {
        let policy = &mut lab.sync.policy;
        policy.quarantine = Quarantine::off();
        (policy.guards.source_shrank_percent, policy.guards.scope_collapsed_percent) = (90, 90);
        policy.guards.deletes_always_allowed = 1_000;
    })
    .await;
    let site = some_device(&timed.lab.estate).site().to_owned();
    let there: Vec<_> = timed.lab.estate.devices().filter(|device| device.site() == site).collect();
    timed.lab.edit(|estate| there.iter().for_each(|device| estate.remove_device(&device.name).unwrap()));
    let approved = async |timed: &Timed| {
        let report = timed.run_at(1).await;
        if report.status.as_str() == "completed" {
            return report;
        }
        assert_eq!(report.status.as_str(), "awaiting_review", "{:?}", report.error);
        let (events, cancel, plan) = (Events::new(), CancellationToken::new(), report.plan.unwrap());
        let (runner, request) = (&timed.lab.runner, RunRequest::default());
        runner.apply(&timed.lab.sync, &plan, Some("torn down".into()), request, &events, &cancel).await.unwrap()
    };
    let netbox = &timed.lab.netbox;
    let at_site = |kind: Kind| -> Vec<u64> {
        let objects = netbox.objects(kind).into_iter().filter(|object| object["site"]["name"] == site.as_str());
        objects.map(|object| object["id"].as_u64().unwrap()).collect()
    };
    let site_held = |report: &RunReport| {
        let changes = changes(report);
        changes.iter().find(|change| change.model == "site").map(|change| change.hold.clone())
    };
    assert!(at_site(Kind::Device).len() > 1);

    let first = approved(&timed).await;
    Lab::completed(&first);
    assert_eq!(at_site(Kind::Device), [0; 0]);
    let hold = site_held(&first).unwrap().unwrap();
    assert_eq!(hold.rule, HoldRule::InUse);
    assert!(
        hold.reason.starts_with("VLAN `") && hold.reason.ends_with("`, which stays, refers to it"),
        "{}",
        hold.reason
    );
    assert!(find(&netbox.objects(Kind::Site), "name", &site).is_some());

    for vlan in at_site(Kind::Vlan) {
        netbox.remove(Kind::Vlan, vlan).unwrap();
    }
    let last = approved(&timed).await;
    Lab::completed(&last);
    assert_eq!(site_held(&last), Some(None));
    assert!(find(&netbox.objects(Kind::Site), "name", &site).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_could_not_be_collected_is_kept_and_counted() {
    let name = some_device(&Estate::generate(EstateOptions::small())).name;
    let mut timed = Timed::new(|_| {}).await;
    timed.lab.edit(|estate| estate.fail_collection(&name, "CONNECTION_TIMEOUT").unwrap());
    for hours in [1, 100, 200, 300] {
        let report = timed.run_at(hours).await;
        Lab::completed(&report);
        assert_eq!(report.notes["absent.stale"], "1");
        let (rule, reason) = held(&report, &name).unwrap();
        assert_eq!(rule, HoldRule::Quarantine);
        assert_eq!(reason, "not read since 2025-11-20, but not gone: the source has it, but could not collect it");
    }
    assert_eq!(timed.counted(&name).await, Some(0));
    assert!(timed.device(&name).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_left_the_scope_is_kept_and_says_why() {
    let device = some_device(&Estate::generate(EstateOptions::small()));
    let (name, tag) = (device.name, device.tags[0].clone());
    let mut timed = Timed::new(|lab| lab.sync.source.parameters = json!({"tags": {"include": [tag]}})).await;
    timed.lab.edit(|estate| estate.edit(&name, |device| device.tags.clear()).unwrap());
    let mut last = None;
    for hours in [1, 100, 200, 300] {
        last = Some(timed.run_at(hours).await);
    }
    let last = last.unwrap();
    insta::assert_snapshot!(held(&last, &name).unwrap().1, @r#"not read since 2025-11-20, but not gone: the source has it, outside of what the sync reads (`policy.quarantine.out_of_scope = "as_gone"` deletes it all the same)"#);
    assert_eq!(last.notes["absent.out_of_scope"], "1");
    assert!(timed.device(&name).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_device_is_tagged_once_and_untagged_when_it_is_back() {
    let device = some_device(&Estate::generate(EstateOptions::small()));
    let name = device.name.clone();
    let mut timed = Timed::new(|lab| {
        lab.netbox.seed(Kind::Tag, json!({"name": "Absent", "slug": "absent"})).unwrap();
        lab.sync.policy.quarantine.mark = Mark::Tag("absent".to_owned());
    })
    .await;
    let tags = |timed: &Timed| {
        let device = timed.device(&name).unwrap();
        let tags = device["tags"].as_array().unwrap().iter();
        tags.map(|tag| tag["slug"].as_str().unwrap().to_owned()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = tags(&timed);
    assert!(before.len() > 1 && !before.contains("absent"));
    timed.lab.edit(|estate| estate.remove_device(&name).unwrap());
    for hours in [1, 2] {
        Lab::completed(&timed.run_at(hours).await);
    }
    assert_eq!(tags(&timed), before);
    let marked = timed.run_at(3).await;
    Lab::completed(&marked);
    assert_eq!(marked.total().applied, 1);
    let mut with_mark = before.clone();
    with_mark.insert("absent".to_owned());
    assert_eq!(tags(&timed), with_mark);
    timed.lab.netbox.forget_requests();
    Lab::completed(&timed.run_at(4).await);
    assert_eq!(timed.lab.netbox.write_requests(), 0, "a second run writes nothing");

    timed.lab.edit(|estate| estate.add_device(device));
    Lab::completed(&timed.run_at(5).await);
    assert_eq!(tags(&timed), before);
    timed.lab.netbox.forget_requests();
    Lab::completed(&timed.run_at(6).await);
    assert_eq!(timed.lab.netbox.write_requests(), 0);
}
