//! What the guards say, and what they never say.

use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_model::models::{self, Device, Interface, Maintenance, Site};
use syncline_model::{AnyKey, Model as _, ModelSchema};

use super::*;
use crate::change::{Action, Change, FieldChange, Refusal};
use crate::diff::DiffCounts;
use crate::settings;

fn change(action: Action, number: usize, after: Value) -> Change {
    let fields = vec![FieldChange::new("mtu", json!(1), after)];
    let key = AnyKey::from_value(&json!([number])).unwrap();
    Change::new("interface", key, action, None, fields)
}

fn deletes(count: usize) -> impl Iterator<Item = Change> {
    (0..count).map(|number| change(Action::Delete, number, json!(null)))
}

fn updates(count: usize) -> impl Iterator<Item = Change> {
    (0..count).map(|number| change(Action::Update, number, json!(number)))
}

/// Changes of one site, and how many records the target has there, changed ones included.
struct At {
    site: &'static str,
    changes: Vec<Change>,
    managed: u64,
}

fn at(site: &'static str, changes: impl Iterator<Item = Change>, managed: u64) -> At {
    At { site, changes: changes.collect(), managed }
}

fn verdicts(schema: &ModelSchema, parts: &[At], guards: &Guards) -> Vec<Verdict> {
    verdicts_of(schema, parts, (0, Others::Undecided, false), guards)
}

/// As [`verdicts`], where the target has more records than that, of which something is known, and where nothing may be refused.
fn verdicts_of(
    schema: &ModelSchema,
    parts: &[At],
    (more, others, only_asks): (u64, Others, bool),
    guards: &Guards,
) -> Vec<Verdict> {
    let mut counter = GuardCounter::default();
    let mut counts = DiffCounts::default();
    let mut shares = SiteShares::default();
    for At { site, changes, managed } in parts {
        let key = json!([site]).to_string();
        let of = |action| changes.iter().filter(|change| change.action == action).count() as u64;
        let in_both = managed - of(Action::Delete);
        *shares.entry(key.as_str().into()).or_default() += in_both;
        counts.update += of(Action::Update);
        counts.unchanged += in_both - of(Action::Update);
        counts.target += managed;
        for change in changes {
            counter.count(change, Some(&key));
        }
    }
    counts.target += more;
    counter.judge(schema, &Judged { found: &counts, shares: &shares, others, only_asks, all_or_nothing: false }, guards)
}

fn told(verdicts: &[Verdict]) -> String {
    let demand = |demand| if demand == Demand::Refusal { "refused" } else { "approval" };
    let line = |verdict: &Verdict| format!("{:?} {}: {}", verdict.guard, demand(verdict.demand), verdict.reason);
    verdicts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The reasons for interfaces of one site alone.
fn of_one(changes: impl Iterator<Item = Change>, managed: u64) -> String {
    told(&verdicts(Interface::SCHEMA, &[at("atl", changes, managed)], &Guards::default()))
}

fn guards(json: Value) -> Guards {
    settings::parse(json).unwrap()
}

#[test]
fn few_deletes_pass_more_need_approval_many_are_refused() {
    assert_eq!(of_one(deletes(10), 12), "");
    assert_eq!(of_one(deletes(11), 300), "");
    insta::assert_snapshot!(of_one(deletes(11), 200), @"Deletes approval: 11 of 200 records would be deleted; the limit is 5 % (`guards.deletes_need_approval_percent`)");
    insta::assert_snapshot!(of_one(deletes(40), 100), @"Deletes refused: 40 of 100 records would be deleted; the limit is 30 % (`guards.deletes_refused_percent`)");
    let device = told(&verdicts(Device::SCHEMA, &[at("atl", deletes(1), 300)], &Guards::default()));
    insta::assert_snapshot!(device, @"Deletes approval: a device would be deleted, and what hangs on it");
    let windows = verdicts(Maintenance::SCHEMA, &[at("atl", deletes(40), 40)], &Guards::default());
    assert_eq!(told(&windows), "", "what is over goes");
}

/// A share is of what Syncline manages. Who knows that the target has more is told why that does not count.
#[test]
fn a_share_says_what_it_is_not_of() {
    let told_with = |changes: Vec<Change>, managed, others| {
        let parts = [at("atl", changes.into_iter(), managed)];
        let others = (128, others, false);
        told(&verdicts_of(Interface::SCHEMA, &parts, others, &Guards::default()))
    };
    let all = |not_ours| told_with(deletes(164).collect(), 164, Others::Held { not_ours });
    insta::assert_snapshot!(all(0), @"Deletes refused: 164 of 164 records would be deleted (the target has 292; the other 128 are held and not counted); the limit is 30 % (`guards.deletes_refused_percent`)");
    insta::assert_snapshot!(all(28), @"Deletes refused: 164 of 164 records would be deleted (the target has 292; the other 128 are held and not counted, 28 of them because they are not Syncline's); the limit is 30 % (`guards.deletes_refused_percent`)");
    insta::assert_snapshot!(all(128), @"Deletes refused: 164 of 164 records would be deleted (the target has 292; the other 128 are not Syncline's and not counted); the limit is 30 % (`guards.deletes_refused_percent`)");
    insta::assert_snapshot!(told_with(updates(60).collect(), 100, Others::Undecided), @"Updates approval: 60 of 100 records would be updated (the target has 228; only what both sides have is counted); the limit is 30 % (`guards.updates_need_approval_percent`)");
}

/// What was asked for by name is not refused, and the limit that asks is the one that is named.
#[test]
fn what_only_asks_names_the_limit_that_asks() {
    let asked = |guards: &Guards| {
        let parts = [at("atl", deletes(20), 40), at("bos", deletes(0), 10)];
        told(&verdicts_of(Interface::SCHEMA, &parts, (0, Others::Undecided, true), guards))
    };
    insta::assert_snapshot!(asked(&Guards::default()), @r#"
Deletes approval: 20 of 50 records would be deleted; the limit is 5 % (`guards.deletes_need_approval_percent`)
Deletes approval: 20 of 40 records at the site `atl` would be deleted; the limit is 5 % (`guards.deletes_need_approval_percent`)
"#);
    let upside_down = guards(json!({"deletes_need_approval_percent": 60}));
    insta::assert_snapshot!(asked(&upside_down), @r#"
Deletes approval: 20 of 50 records would be deleted; the limit is 30 % (`guards.deletes_refused_percent`)
Deletes approval: 20 of 40 records at the site `atl` would be deleted; the limit is 30 % (`guards.deletes_refused_percent`)
"#);
}

#[test]
fn no_policy_widens_the_second_brake() {
    let wide = guards(json!({"deletes_always_allowed": 1_000_000, "deletes_refused_percent": 100}));
    let part = |count, managed| told(&verdicts(Interface::SCHEMA, &[at("atl", deletes(count), managed)], &wide));
    assert_eq!(part(25, 30), "");
    assert_eq!(part(30, 60), "");
    insta::assert_snapshot!(part(31, 60), @"Deletes approval: 31 of 60 records would be deleted; more than 50 % are never deleted without approval");
}

#[test]
fn one_value_on_many_records_needs_approval() {
    let same = |count| (0..count).map(|number| change(Action::Update, number, json!(1500)));
    assert_eq!(of_one(same(50), 50), "");
    insta::assert_snapshot!(of_one(same(60), 250), @"SameValue approval: `mtu` would become 1500 on 60 of 250 records; the limit is 20 % (`guards.same_value_needs_approval_percent`)");
    assert_eq!(of_one(updates(60), 250), "");
}

#[test]
fn values_lost_on_many_records_need_approval() {
    let nulled = |count| (0..count).map(|number| change(Action::Update, number, json!(null)));
    assert_eq!(of_one(nulled(60), 300), "");
    insta::assert_snapshot!(of_one(nulled(60), 250), @"Nulled approval: 60 of 250 records would lose a value (`mtu` on 60); the limit is 20 % (`guards.nulled_needs_approval_percent`)");
    let wide = guards(json!({"models": {"interface": {"nulled_needs_approval_percent": 24}}}));
    assert_eq!(told(&verdicts(Interface::SCHEMA, &[at("atl", nulled(60), 250)], &wide)), "");
    // Each record that loses a value counts once, whichever value it is.
    let of_field = |name: &'static str, from: usize| {
        (from..from + 30).map(move |number| {
            let mut change = change(Action::Update, number, json!(null));
            change.fields[0].name = name.to_owned();
            change
        })
    };
    insta::assert_snapshot!(of_one(of_field("mtu", 0).chain(of_field("speed", 30)), 250), @"Nulled approval: 60 of 250 records would lose a value (`mtu` on 30); the limit is 20 % (`guards.nulled_needs_approval_percent`)");
}

#[test]
fn a_site_has_limits_of_its_own() {
    let estate =
        |at_atl: usize| [at("atl", deletes(at_atl), 60), at("bos", deletes(0), 9_000), at("chi", deletes(2), 3)];
    let judged = |at_atl, guards| told(&verdicts(Interface::SCHEMA, &estate(at_atl), &guards));
    assert_eq!(judged(10, Guards::default()), "");
    insta::assert_snapshot!(judged(11, Guards::default()), @"Deletes approval: 11 of 60 records at the site `atl` would be deleted; the limit is 5 % (`guards.deletes_need_approval_percent`)");
    insta::assert_snapshot!(judged(40, Guards::default()), @"Deletes refused: 40 of 60 records at the site `atl` would be deleted; the limit is 30 % (`guards.deletes_refused_percent`)");
    let torn_down = json!({"atl": {"deletes_need_approval_percent": 100, "deletes_refused_percent": 100}});
    assert_eq!(judged(40, guards(json!({"sites": torn_down}))), "");
    let guarded = guards(json!({"sites": {"chi": {"deletes_always_allowed": 0}}}));
    insta::assert_snapshot!(judged(0, guarded), @"Deletes refused: 2 of 3 records at the site `chi` would be deleted; the limit is 30 % (`guards.deletes_refused_percent`)");
    // A site's limit wins over its model's.
    let both = json!({
        "models": {"interface": {"deletes_refused_percent": 10, "deletes_need_approval_percent": 4}},
        "sites": {"atl": {"deletes_refused_percent": 70}},
    });
    insta::assert_snapshot!(judged(40, guards(both)), @"Deletes approval: 40 of 60 records at the site `atl` would be deleted; the limit is 4 % (`guards.models.interface.deletes_need_approval_percent`)");
}

#[test]
fn many_sites_are_one_objection() {
    const SITES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let parts: Vec<_> = SITES.iter().enumerate().map(|(n, site)| at(site, updates(60 + n), 150)).collect();
    let all: Vec<_> = parts.into_iter().chain([at("rest", updates(0), 10_000)]).collect();
    insta::assert_snapshot!(told(&verdicts(Interface::SCHEMA, &all, &Guards::default())), @"Updates approval: 67 of 150 records at the site `h` would be updated; the limit is 30 % (`guards.updates_need_approval_percent`); so it is at `g`, `f`, `e`, `d`, `c` and 2 more");
}

#[test]
fn what_is_all_at_one_site_is_told_once() {
    assert_eq!(of_one(deletes(40), 100).lines().count(), 1);
    let own = guards(json!({"sites": {"atl": {"deletes_refused_percent": 20}}}));
    insta::assert_snapshot!(told(&verdicts(Interface::SCHEMA, &[at("atl", deletes(25), 100)], &own)), @r#"
Deletes approval: 25 of 100 records would be deleted; the limit is 5 % (`guards.deletes_need_approval_percent`)
Deletes refused: 25 of 100 records at the site `atl` would be deleted; the limit is 20 % (`guards.sites.atl.deletes_refused_percent`)
"#);
}

/// A comparison that tells no sites is judged by model alone.
#[test]
fn an_uncounted_site_is_not_judged() {
    let mut counter = GuardCounter::default();
    deletes(40).for_each(|change| counter.count(&change, Some(r#"["atl"]"#)));
    let counts = DiffCounts { unchanged: 10_000, ..DiffCounts::default() };
    let judged = Judged {
        found: &counts,
        shares: &SiteShares::default(),
        others: Others::Undecided,
        only_asks: false,
        all_or_nothing: false,
    };
    assert_eq!(counter.judge(Interface::SCHEMA, &judged, &Guards::default()), []);
}

/// What the target is known to refuse stops a sync that does all or nothing before its first write, and no other.
#[test]
fn changes_that_would_be_refused_stop_all_or_nothing() {
    let judged = |all_or_nothing| {
        let mut counter = GuardCounter::default();
        for (place, mut change) in updates(3).enumerate() {
            let refusal = Refusal { field: None, reason: "no such template".to_owned() };
            change.refusal = (place > 0).then_some(refusal);
            counter.count(&change, None);
        }
        let counts = DiffCounts { update: 3, ..DiffCounts::default() };
        let judged = Judged {
            found: &counts,
            shares: &SiteShares::default(),
            others: Others::Undecided,
            only_asks: false,
            all_or_nothing,
        };
        told(&counter.judge(Interface::SCHEMA, &judged, &Guards::default()))
    };
    assert_eq!(judged(false), "");
    insta::assert_snapshot!(judged(true), @"RefusedChanges refused: the target would refuse 2 changes, and the sync does all or nothing (`policy.all_or_nothing`): 1: no such template");
}

fn shrank(records: u64, earlier: &[u64]) -> bool {
    shrinkage("device", records, earlier, &Guards::default(), None).is_some()
}

#[test]
fn a_source_is_compared_with_what_its_complete_runs_confirmed() {
    assert!(!shrank(0, &[]));
    assert!(!shrank(70, &[100, 100, 100]));
    assert!(shrank(69, &[100, 100, 100]));
    // One odd run does not count, neither up nor down.
    assert!(!shrank(100, &[100, 200, 100]));
    assert!(!shrank(100, &[300, 100, 100]));
    assert!(shrank(69, &[80, 100, 100]));
    // A growth that lasted does.
    assert!(shrank(100, &[200, 200, 100]));
    // Few records may go from a small estate.
    assert!(!shrank(2, &[12]));
    assert!(shrank(1, &[12]));
    let told = |records, earlier: &[u64], guards| shrinkage("device", records, earlier, &guards, None).unwrap().reason;
    insta::assert_snapshot!(told(69, &[100], Guards::default()), @"the source has 69 records where complete runs had 100; the limit is a loss of 30 % (`guards.source_shrank_percent`)");
    let own = guards(json!({"models": {"device": {"source_shrank_percent": 20}}}));
    insta::assert_snapshot!(told(79, &[100], own), @"the source has 79 records where complete runs had 100; the limit is a loss of 20 % (`guards.models.device.source_shrank_percent`)");
    insta::assert_snapshot!(told(0, &[3], Guards::default()), @"the source has no records left where complete runs had 3; nobody takes that for granted");
    let rejected = Some("62 records could not be taken over: fra1-acc-05: groups[0].name: `oops` is not defined");
    let told = |records| shrinkage("host", records, &[62], &Guards::default(), rejected).unwrap().reason;
    insta::assert_snapshot!(told(0), @"no records are left where complete runs had 62: 62 records could not be taken over: fra1-acc-05: groups[0].name: `oops` is not defined");
    insta::assert_snapshot!(told(20), @"20 records are left where complete runs had 62, the limit is a loss of 30 % (`guards.source_shrank_percent`); 62 records could not be taken over: fra1-acc-05: groups[0].name: `oops` is not defined");
}

#[test]
fn an_empty_model_objects_when_any_complete_run_had_records() {
    let lax = guards(json!({"source_shrank_percent": 100, "deletes_always_allowed": 1_000_000}));
    for earlier in [&[3][..], &[3, 0, 0], &[2, 3, 0]] {
        assert!(shrinkage("device", 0, earlier, &lax, None).is_some(), "{earlier:?}");
    }
    assert!(!shrank(0, &[0, 0]));
    // A person approved that there are none.
    assert!(!shrank(0, &[0, 3, 3]));
}

/// Plays complete runs: whether the count of each passed, the newest last. One that objects is left out, or approved.
fn play(counts: &[u64], approved: bool) -> Vec<bool> {
    let mut earlier: Vec<u64> = Vec::new();
    let passes = counts.iter().map(|count| {
        let passes = !shrank(*count, &earlier);
        if passes || approved {
            earlier.insert(0, *count);
            earlier.truncate(usize::try_from(EARLIER_RUNS).unwrap());
        }
        passes
    });
    passes.collect()
}

#[test]
fn a_series_of_bad_snapshots_does_not_walk_the_threshold_down() {
    // 2 % fewer with every run: no step is large, nor are five of them, and still it stops at the limit.
    let counts: Vec<u64> = (0..100).map(|run| 10_000 - run * 100).collect();
    let passed = play(&counts, false).iter().filter(|passed| **passed).count();
    assert_eq!(passed, 31, "10,000 down to 7,000");
    assert!(play(&counts, false)[31..].iter().all(|passed| !passed));
}

#[test]
fn an_approved_loss_is_what_is_usual_from_then_on() {
    let counts: Vec<u64> = (0..60).map(|run| 10_000 - run * 100).chain([4_000; 20]).collect();
    let asked: Vec<_> =
        play(&counts, true).iter().enumerate().filter(|(_, passed)| !**passed).map(|(run, _)| run).collect();
    // At 6,900, below 70 % of 10,000, and at 4,800, below 70 % of 6,900: twice for a network that shrank to 40 %.
    assert_eq!(asked, [31, 52]);
}

#[test]
fn a_scope_collapses_though_no_model_shrank_too_much() {
    let models = |factor: u64| [(factor, vec![100, 100]), (factor * 10, vec![1_000, 1_000]), (5, Vec::new())];
    assert!(!shrank(72, &[100, 100]));
    assert_eq!(scope_collapse(&models(75), &Guards::default(), None), None);
    insta::assert_snapshot!(told(&[scope_collapse(&models(72), &Guards::default(), None).unwrap()]), @"ScopeCollapsed approval: the source has 792 records where complete runs had 1100; the limit is a loss of 25 % (`guards.scope_collapsed_percent`)");
    assert_eq!(scope_collapse(&models(72), &guards(json!({"scope_collapsed_percent": 30})), None), None);
    assert_eq!(scope_collapse(&[(20, vec![40])], &Guards::default(), None), None, "a small scope moves");
    insta::assert_snapshot!(told(&[scope_collapse(&[(0, vec![40])], &Guards::default(), None).unwrap()]), @"ScopeCollapsed approval: the source has no records left where complete runs had 40; nobody takes that for granted");
    assert_eq!(scope_collapse(&[(0, Vec::new())], &Guards::default(), None), None);
    // Approved, it asks no more.
    assert_eq!(
        scope_collapse(&[(72, vec![72, 100, 100]), (720, vec![720, 1_000, 1_000])], &Guards::default(), None),
        None
    );
}

#[test]
fn what_shrank_or_lost_its_canary_proves_no_absence() {
    let verdict = |guard, model: &str| Verdict {
        guard,
        model: model.to_owned(),
        demand: Demand::Approval,
        reason: format!("{guard:?}"),
    };
    let mut evidence = Evidence::default();
    evidence.doubted_by(&[verdict(Guard::Updates, "site"), verdict(Guard::SourceShrank, "device")]);
    assert_eq!((evidence.doubt.as_deref(), evidence.shrunk.len()), (None, 1));
    evidence.doubted_by(&[verdict(Guard::Canary, "device")]);
    assert_eq!(evidence.doubt.as_deref(), Some("Canary"));
}

/// Leaving a limit out does not switch it off.
#[test]
fn nothing_is_switched_off_by_leaving_it_out() {
    for sparse in [json!({}), json!({"models": {"device": {}}}), json!({"sites": {"atl": {}}})] {
        let sparse = guards(sparse);
        assert!(shrinkage("device", 60, &[100, 100], &sparse, None).is_some());
        let parts = [at("atl", deletes(40), 60), at("bos", deletes(0), 9_000)];
        assert_eq!(
            told(&verdicts(Device::SCHEMA, &parts, &sparse)),
            told(&verdicts(Device::SCHEMA, &parts, &Guards::default()))
        );
    }
    let policy: crate::policy::Policy = settings::parse(json!({"deletes": "apply"})).unwrap();
    assert_eq!(policy.guards, Guards::default());
}

mod canaries {
    use super::*;
    use crate::event::{Events, Side};
    use crate::fields::ModelFields;
    use crate::snapshot::{Snapshot, SnapshotSink};
    use syncline_model::models::{DeviceStatus, SiteStatus};
    use syncline_model::{Key, Slug, Text};

    fn canary(model: &str, key: Value) -> Guards {
        guards(json!({"canaries": [{"model": model, "key": key}]}))
    }

    fn problems(guards: &Guards) -> String {
        let problems = guards.problems(models::ALL);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_canary_that_names_nothing_is_a_problem() {
        for key in [json!([["atl"], "core-1"]), json!(["atl", "core-1"])] {
            assert_eq!(problems(&canary("device", key)), "");
        }
        assert_eq!(problems(&canary("interface", json!(["atl", "core-1", "eth0"]))), "");
        assert_eq!(problems(&canary("interface", json!([["atl", "core-1"], "eth0"]))), "");
        assert_eq!(problems(&canary("prefix", json!([null, "10.0.0.0/8"]))), "");
        assert_eq!(problems(&canary("prefix", json!(["v", "10.0.0.0/8"]))), "");
        assert_eq!(problems(&canary("vlan", json!(["atl", 7]))), "");
        insta::assert_snapshot!(problems(&canary("devize", json!(["atl"]))), @"`canaries.0.model`: there is no model `devize`");
        insta::assert_snapshot!(problems(&canary("device", json!(["atl"]))), @"`canaries.0.key`: is no key of the model `device`; its parts are `site.slug`, `name`");
        insta::assert_snapshot!(problems(&canary("interface", json!([["atl"], "core-1", "x", "y"]))), @"`canaries.0.key`: is no key of the model `interface`; its parts are `device.site.slug`, `device.name`, `name`");
        for key in [json!([]), json!([null, "x"]), json!([["atl", "y"], "x"]), json!(["atl", 7]), json!([7, "x"])] {
            assert_ne!(problems(&canary("device", key)), "");
        }
    }

    #[test]
    fn limits_for_a_model_that_does_not_exist_are_a_problem() {
        let guards = guards(json!({"models": {"devize": {"deletes_refused_percent": 3}}}));
        insta::assert_snapshot!(problems(&guards), @"`models.devize`: there is no such model; known: `tag`, `tenant_group`, `tenant`, `site`, `manufacturer`, `device_type`, `device_role`, `platform`, `vlan`, `vrf`, `prefix`, `virtual_chassis`, `device`, `interface`, `mac_address`, `ip_address`, `cluster_type`, `cluster_group`, `cluster`, `virtual_machine`, `host_group`, `host`, `maintenance`");
    }

    fn fields() -> ModelFields {
        ModelFields::new().all::<Site>().only::<Device>(&["status"])
    }

    async fn source(folder: &std::path::Path) -> Snapshot {
        let sink = SnapshotSink::create(Side::Source, folder, fields(), Events::new()).unwrap();
        let text = |text: &str| Text::new(text).unwrap();
        let slug = Slug::from_name("atl").unwrap();
        let site =
            Site { slug: slug.clone(), name: text("Atlanta"), status: SiteStatus::Active, physical_address: None };
        let mut sites = sink.open::<Site>().unwrap();
        sites.push(&site, None).await.unwrap();
        sites.complete().await.unwrap();
        let mut devices = sink.open::<Device>().unwrap();
        let device = Device {
            site: site.key(),
            name: text("ATL-core-1"),
            device_type: Key::from_canonical_bytes(b"[[\"m\"],\"t\"]"),
            role: Key::from_canonical_bytes(b"[\"r\"]"),
            platform: None,
            status: DeviceStatus::Active,
            serial: None,
            virtual_chassis: None,
            vc_position: None,
            primary_ip4: None,
            primary_ip6: None,
            tags: std::collections::BTreeSet::default(),
            tenant: None,
            cluster: None,
            custom_fields: None,
            config_context: None,
        };
        devices.push(&device, None).await.unwrap();
        devices.complete().await.unwrap();
        sink.finish().unwrap()
    }

    #[tokio::test]
    async fn a_missing_canary_refuses_the_plan() {
        let folder = tempfile::tempdir().unwrap();
        let source = source(folder.path()).await;
        let judged = |guards: &Guards| told(&missing_canaries(guards, &fields(), &source).unwrap());
        assert_eq!(judged(&canary("site", json!(["atl"]))), "");
        // As people write the name.
        assert_eq!(judged(&canary("device", json!(["atl", "ATL-CORE-1"]))), "");
        insta::assert_snapshot!(judged(&canary("device", json!(["atl", "atl-core-2"]))), @"Canary refused: the canary `atl / atl-core-2` is not in the source, so nobody knows what else is missing (`guards.canaries`)");
        insta::assert_snapshot!(judged(&canary("interface", json!(["atl", "atl-core-1", "eth0"]))), @"Canary refused: the canary `atl / atl-core-1 / eth0` cannot be looked for: the sync does not read its model (`guards.canaries`)");
        insta::assert_snapshot!(judged(&canary("device", json!(["atl"]))), @"Canary refused: the canary `atl` is no key of the model `device`; its parts are `site.slug`, `name` (`guards.canaries`)");
    }

    #[tokio::test]
    async fn a_site_that_nobody_has_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let source = source(folder.path()).await;
        let guards = guards(json!({"sites": {"atl": {}, "atlanta": {}}}));
        assert_eq!(unknown_sites(&guards, &source, &source).unwrap(), ["atlanta"]);
    }
}

/// Any limits, the two of deletes in any order.
fn any_guards() -> impl Strategy<Value = Guards> {
    let limit = || prop_oneof![Just(0_u64), 0..120_u64, Just(u64::MAX)];
    let own = || proptest::option::of(limit());
    (
        [limit(), limit(), limit(), limit(), limit(), limit(), limit()],
        proptest::option::of([own(), own(), own(), own(), own()]),
        proptest::option::of([own(), own(), own(), own(), own()]),
    )
        .prop_map(|([a, b, c, d, e, f, g], of_model, of_site)| {
            let mut guards = Guards {
                deletes_always_allowed: a,
                deletes_need_approval_percent: b,
                deletes_refused_percent: c,
                updates_always_allowed: d,
                updates_need_approval_percent: e,
                same_value_needs_approval_percent: f,
                nulled_needs_approval_percent: g,
                ..Guards::default()
            };
            if let Some([a, b, c, d, e]) = of_model {
                let limits = ModelLimits {
                    deletes_always_allowed: a,
                    deletes_need_approval_percent: b,
                    deletes_refused_percent: c,
                    updates_always_allowed: d,
                    updates_need_approval_percent: e,
                    ..ModelLimits::default()
                };
                guards.models.insert("interface".to_owned(), limits);
            }
            if let Some([a, b, c, d, e]) = of_site {
                let limits = SiteLimits {
                    deletes_always_allowed: a,
                    deletes_need_approval_percent: b,
                    deletes_refused_percent: c,
                    updates_always_allowed: d,
                    updates_need_approval_percent: e,
                };
                guards.sites.insert("atl".to_owned(), limits);
            }
            guards
        })
}

fn numbers<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| numbers(value, found)),
        Value::Number(_) => found.push(value),
        _ => {}
    }
}

/// Raises the limit at `which` of those that are set.
fn raised(guards: &Guards, which: usize, by: u64) -> Guards {
    let mut value = serde_json::to_value(guards).unwrap();
    let mut found = Vec::new();
    numbers(&mut value, &mut found);
    let count = found.len();
    let limit = &mut *found[which % count];
    *limit = json!(limit.as_u64().unwrap().saturating_add(by));
    settings::parse(value).unwrap()
}

fn any_parts() -> impl Strategy<Value = [At; 3]> {
    let part = |site| {
        (0..80_usize, 0..80_usize, 0..80_usize, 0..200_u64).prop_map(move |(gone, changed, nulled, rest)| {
            let nulled = (0..nulled).map(|number| change(Action::Update, 1_000 + number, json!(null)));
            let changes: Vec<_> = deletes(gone).chain(updates(changed)).chain(nulled).collect();
            let managed = changes.len() as u64 + rest;
            at(site, changes.into_iter(), managed)
        })
    };
    [part("atl"), part("bos"), part("chi")]
}

impl std::fmt::Debug for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} at {}", self.changes.len(), self.managed, self.site)
    }
}

/// What is demanded at most, by guard.
fn demands(verdicts: &[Verdict]) -> std::collections::BTreeMap<Guard, Demand> {
    let mut demands = std::collections::BTreeMap::new();
    for verdict in verdicts {
        let demand = demands.entry(verdict.guard).or_insert(verdict.demand);
        *demand = verdict.demand.max(*demand);
    }
    demands
}

proptest! {
    #[test]
    fn no_guard_objects_to_an_empty_plan(guards in any_guards(), managed in any::<u32>(), creates in 0..50_usize) {
        let creates = (0..creates).map(|number| change(Action::Create, number, json!(1)));
        let parts = [at("atl", creates, u64::from(managed))];
        for schema in models::ALL {
            prop_assert_eq!(verdicts(schema, &parts, &guards), []);
        }
        // A source that has what it had.
        prop_assert_eq!(shrinkage("device", u64::from(managed), &[u64::from(managed); 3], &guards, None), None);
        prop_assert_eq!(scope_collapse(&[(u64::from(managed), vec![u64::from(managed)])], &guards, None), None);
    }

    #[test]
    fn a_raised_limit_adds_no_objection(guards in any_guards(), parts in any_parts(), which in any::<usize>(), by in any::<u64>()) {
        let lax = raised(&guards, which, by);
        let before = demands(&verdicts(Interface::SCHEMA, &parts, &guards));
        for (guard, demand) in demands(&verdicts(Interface::SCHEMA, &parts, &lax)) {
            prop_assert!(before.get(&guard) >= Some(&demand), "{guard:?} {demand:?} with {lax:?}");
        }
    }

    /// More records never make a source look smaller, and a source that only grows never objects.
    #[test]
    fn a_source_that_grows_passes(mut counts in proptest::collection::vec(0..1_000_u64, 1..30)) {
        counts.sort_unstable();
        prop_assert!(play(&counts, false).iter().all(|passed| *passed));
    }

    /// However a source shrinks, unattended it never gets below the limit.
    #[test]
    fn unattended_a_source_never_loses_more_than_the_limit(losses in proptest::collection::vec(0..400_u64, 1..150)) {
        let mut count = 10_000_u64;
        let counts: Vec<_> = [count, count].into_iter().chain(losses.into_iter().map(|loss| {
            count = count.saturating_sub(loss);
            count
        })).collect();
        let passed = play(&counts, false);
        let lowest = counts.iter().zip(passed).filter(|(_, passed)| *passed).map(|(count, _)| *count).min();
        prop_assert!(lowest >= Some(7_000), "{lowest:?}");
    }
}
