//! Against the simulator, with things going wrong.

use std::sync::Arc;

use serde_json::{Value, json};
use syncline_core::ErrorKind;
use syncline_core::bindings::Bindings;
use syncline_core::change::Change;
use syncline_core::connector::ConnectContext;
use syncline_core::native::Native;
use syncline_core::outcome::Outcome;
use syncline_core::snapshot::ReadVerdict;
use syncline_core::source::Absence;
use syncline_core::target::{BatchError, Pass, TargetWriter as _};
use syncline_model::models::{Device, Interface, MacAddress, Prefix, Site, Vlan};
use syncline_model::{AnyKey, Model as _, Text};
use syncline_testkit::netbox::{Effect, Fault, Kind, NetBoxOptions, NetBoxSim, TokenVersion};

use super::real;
use super::scenario::{self, Estate};
use super::support::{Access, Read, access, apply, batch, create, delete, outcomes, read, update, writer};
use crate::client::ReadClient;
use crate::read::Role;
use crate::settings::{SourceParameters, TargetParameters};
use crate::write::Writer;

struct World {
    sim: NetBoxSim,
    access: Access,
    reader: Arc<ReadClient>,
    writer: Writer,
}

async fn world(version: &str) -> World {
    world_with(version, &TargetParameters::default()).await
}

async fn world_with(version: &str, parameters: &TargetParameters) -> World {
    let sim = start(version);
    for slug in &parameters.tags {
        sim.seed(Kind::Tag, json!({"name": slug, "slug": slug})).unwrap();
    }
    let access = access(sim.url(), sim.token());
    let reader = Arc::new(ReadClient::connect(&access.connection, &ConnectContext::default()).await.unwrap());
    let writer = writer(&reader, &access.connection, parameters).await;
    World { sim, access, reader, writer }
}

fn start(version: &str) -> NetBoxSim {
    let token_version = if version.starts_with("4.6") { TokenVersion::V2 } else { TokenVersion::V1 };
    NetBoxSim::start(NetBoxOptions { version: version.to_owned(), token_version, ..NetBoxOptions::default() }).unwrap()
}

/// What came with a device is there already when its interfaces are created: it is taken over, not refused and not made twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_interface_that_came_with_its_device_is_adopted() {
    let World { sim, access, .. } = world("4.6.8").await;
    let with_the_device = async |estate: &Estate, bindings: &Bindings| {
        let device: u64 = bindings.id("device", estate.devices[0].key().as_str()).unwrap().parse().unwrap();
        // A template gives a name and a type, and nothing else.
        let port = json!({"device": device, "name": "Gi1/0/1", "type": "1000base-t"});
        sim.seed(Kind::Interface, port).unwrap();
    };
    real::adopted(&access.connection, "t1", async |_, _| {}, with_the_device).await;
}

/// How the read of a model ended, on a line.
fn verdict(read: &Read, model: &str) -> String {
    match &read.snapshot.models[model].verdict {
        ReadVerdict::Complete => "complete".to_owned(),
        ReadVerdict::Partial { reason } => reason.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_lives_in_the_newest_and_in_the_oldest_version() {
    for version in ["4.6.8", "4.2.9"] {
        let World { sim, access, .. } = world(version).await;
        Box::pin(scenario::run(&access.connection, "t1")).await;
        let graphql = sim.requests().iter().any(|request| request.path.contains("graphql"));
        assert_eq!(graphql, version == "4.6.8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_no_empty_list() {
    let World { sim, reader, writer, .. } = world("4.6.8").await;
    scenario::fill(&writer, &Estate::new("t1")).await;
    sim.deny(Kind::Interface);
    let found = read(&reader, Role::Target, None).await.unwrap();
    insta::assert_snapshot!(
        verdict(&found, "interface"),
        @"the token lacks the permission `dcim.view_interface`, so interfaces cannot be read"
    );
    assert_eq!(verdict(&found, "device"), "complete");
    assert_eq!(verdict(&found, "site"), "complete");
    // What refers to interfaces cannot be keyed: its absence proves nothing.
    assert!(found.snapshot.models["mac_address"].doubt().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_cut_short_is_read_on() {
    let World { sim, reader, writer, .. } = world("4.6.8").await;
    scenario::fill(&writer, &Estate::new("t1")).await;
    for text in ["interface_list", "dcim/interfaces"] {
        sim.faults().clear();
        sim.faults().add(Fault::on(text, Effect::ShortPage(1)).after(u32::from(text.contains('/'))).times(1));
        if text.contains('/') {
            reader.give_up_graphql();
        }
        let found = read(&reader, Role::Target, None).await.unwrap();
        assert_eq!(
            (verdict(&found, "interface").as_str(), found.records("interface").len()),
            ("complete", 3),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_cannot_be_proven_complete_is_partial() {
    let World { sim, access, writer, .. } = world("4.6.8").await;
    scenario::fill(&writer, &Estate::new("t1")).await;
    let mut connection = access.connection.clone();
    connection.page_size = 1;
    let ended = async |fault: Fault| {
        sim.faults().clear();
        sim.faults().add(fault);
        let reader = ReadClient::connect(&connection, &ConnectContext::default()).await.unwrap();
        verdict(&read(&reader, Role::Target, None).await.unwrap(), "interface")
    };
    insta::assert_snapshot!(
        ended(Fault::on("dcim/interfaces", Effect::MissingCount)).await,
        @"NetBox did not say how many interfaces there are"
    );
    // Always a row less than there are: the count says so.
    insta::assert_snapshot!(
        ended(Fault::on("interface_list", Effect::ShortPage(1))).await,
        @"NetBox counts 3 interfaces but gave 0; is it written to meanwhile?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_fails_the_read() {
    let World { sim, reader, writer, .. } = world("4.6.8").await;
    scenario::fill(&writer, &Estate::new("t1")).await;
    sim.faults().add(Fault::on("interface_list", Effect::Kill));
    let error = read(&reader, Role::Target, None).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn html_in_place_of_graphql_leads_to_rest() {
    let World { sim, reader, writer, .. } = world("4.6.8").await;
    scenario::fill(&writer, &Estate::new("t1")).await;
    sim.faults().add(Fault::on("graphql", Effect::HtmlOk));
    let found = read(&reader, Role::Target, None).await.unwrap();
    assert_eq!((verdict(&found, "interface").as_str(), found.records("interface").len()), ("complete", 3));
    assert!(!reader.uses_graphql());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_says_so() {
    let sim = start("4.6.8");
    let access = access(sim.url(), "nbt_wrong.token");
    let error = ReadClient::connect(&access.connection, &ConnectContext::default()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    insta::assert_snapshot!(error, @"NetBox refuses the token: Invalid v2 token. Give a valid one in `token`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_value_stands_alone() {
    let World { sim, writer, .. } = world("4.6.8").await;
    sim.faults().refuse(Kind::Device, "serial", "REFUSE", "this serial is refused");
    let estate = Estate::new("t1");
    let mut bindings = scenario::fill(&writer, &estate).await;
    let device = |name: &str, serial: &str| Device {
        name: Text::new(name).unwrap(),
        serial: Text::new(serial),
        virtual_chassis: None,
        vc_position: None,
        primary_ip4: None,
        ..estate.devices[0].clone()
    };
    let changes: Vec<_> =
        (0..8).map(|at| create(&device(&format!("d{at}"), if at == 5 { "REFUSE" } else { "ok" }))).collect();
    let written = apply(&writer, &batch(Device::SCHEMA, Pass::First, &changes), &mut bindings).await;
    insta::assert_snapshot!(outcomes(&written), @r"
    applied
    applied
    applied
    applied
    applied
    failed: serial: this serial is refused
    applied
    applied
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_side_by_side_never_deadlock() {
    let World { sim, writer, .. } = world("4.6.8").await;
    let estate = Estate::new("t1");
    let mut bindings = scenario::fill(&writer, &estate).await;
    sim.faults().deadlocks = Some(std::time::Duration::from_millis(20));
    let device = |at: usize| Device {
        name: Text::new(&format!("d{at}")).unwrap(),
        virtual_chassis: None,
        vc_position: None,
        primary_ip4: None,
        ..estate.devices[0].clone()
    };
    let changes: Vec<_> = (0..8).map(|at| create(&device(at))).collect();
    apply(&writer, &batch(Device::SCHEMA, Pass::First, &changes), &mut bindings).await;
    // The devices' interfaces in turns: lists that are cut as they come would cross.
    let interface = |at: usize| Interface {
        device: device(at % 8).key(),
        name: Text::new(&format!("Eth{at}")).unwrap(),
        lag: None,
        ..estate.interfaces[0].clone()
    };
    let changes: Vec<_> = (0..64).map(|at| create(&interface(at))).collect();
    let mut lanes: std::collections::BTreeMap<_, Vec<_>> = std::collections::BTreeMap::new();
    for change in &changes {
        lanes.entry(writer.lane(change)).or_default().push(change);
    }
    assert!(lanes.len() > 1);
    let lists = lanes.into_values().map(async |changes| {
        let written = writer.write(&batch(Interface::SCHEMA, Pass::First, changes), &bindings).await.unwrap();
        assert!(written.iter().all(|written| written.outcome.is_done()), "{}", outcomes(&written));
    });
    futures::future::join_all(lists).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_list_is_told_apart() {
    let World { sim, writer, .. } = world("4.6.8").await;
    let estate = Estate::new("t1");
    let change = create(&estate.site);
    let bindings = Bindings::new();
    let sites = batch(Site::SCHEMA, Pass::First, [&change]);
    let ended = async |effect: Effect| {
        sim.faults().clear();
        sim.faults().add(Fault::on("dcim/sites", effect).method("POST"));
        writer.write(&sites, &bindings).await.unwrap_err()
    };
    assert!(matches!(ended(Effect::Deadlock).await, BatchError::Again(_)));
    assert!(matches!(ended(Effect::HtmlBadGateway).await, BatchError::InDoubt(_)));
    let BatchError::Refused { error, .. } = ended(Effect::Forbidden).await else { panic!("refused") };
    assert!(error.message().starts_with("You do not have permission"), "{error}");
    // Nothing was written, and looking tells.
    assert_eq!(writer.settle(&sites, &bindings).await.unwrap(), [None]);
    // An answer that is cut was carried out.
    assert!(matches!(ended(Effect::CutBody(10)).await, BatchError::InDoubt(_)));
    let settled = writer.settle(&sites, &bindings).await.unwrap();
    assert!(matches!(&settled[..], [Some(written)] if written.outcome.is_done()), "{settled:?}");
    sim.faults().clear();
    assert_eq!(outcomes(&writer.write(&sites, &bindings).await.unwrap()), "unchanged");
    sim.faults().add(Fault::on("dcim/manufacturers", Effect::Kill));
    let change = create(&estate.manufacturer);
    let ended =
        writer.write(&batch(estate_schema("manufacturer"), Pass::First, [&change]), &bindings).await.unwrap_err();
    assert!(matches!(ended, BatchError::Fatal(_) | BatchError::InDoubt(_)), "{ended:?}");
}

fn estate_schema(model: &str) -> &'static syncline_model::ModelSchema {
    syncline_model::models::by_name(model).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_one_is_created_of_what_netbox_keeps_twice() {
    let World { sim, writer, .. } = world("4.6.8").await;
    let estate = Estate::new("t1");
    let mut bindings = scenario::fill(&writer, &estate).await;
    let site: u64 = bindings.id("site", estate.site.key().as_str()).unwrap().parse().unwrap();
    let vlan = |vid: u64, name: &str| Vlan {
        vid: syncline_model::VlanId::new(vid).unwrap(),
        name: Text::new(name).unwrap(),
        ..estate.vlan.clone()
    };
    sim.seed(Kind::Vlan, json!({"vid": 20, "name": "same", "site": site, "status": "reserved"})).unwrap();
    sim.seed(Kind::Vlan, json!({"vid": 30, "name": "other", "site": site, "status": "reserved"})).unwrap();
    for name in ["a", "b"] {
        sim.seed(Kind::Vlan, json!({"vid": 40, "name": name, "site": site})).unwrap();
    }
    let before = sim.count(Kind::Vlan);
    let changes = [vlan(20, "same"), vlan(30, "mine"), vlan(40, "a"), vlan(50, "new")].map(|vlan| create(&vlan));
    let written = apply(&writer, &batch(Vlan::SCHEMA, Pass::First, &changes), &mut bindings).await;
    insta::assert_snapshot!(outcomes(&written), @r"
    unchanged
    stale: it was created after the plan was made, with other values (id 3)
    failed: NetBox has VLANs with this key: ids 4, 5
    applied
    ");
    assert_eq!(sim.count(Kind::Vlan), before + 1);
    let changes: Vec<_> = estate.macs.iter().map(create).collect();
    let written = apply(&writer, &batch(MacAddress::SCHEMA, Pass::First, &changes), &mut bindings).await;
    assert!(written.iter().all(|written| written.outcome == Outcome::Unchanged), "{}", outcomes(&written));
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_of_the_settings_come_on_top() {
    for version in ["4.6.8", "4.4.10"] {
        let parameters = TargetParameters { tags: vec!["synced".to_owned()], ..TargetParameters::default() };
        let World { sim, reader, writer, .. } = world_with(version, &parameters).await;
        let estate = Estate::new("t1");
        let mut bindings = scenario::fill(&writer, &estate).await;
        let slugs = |kind: Kind, id: u64| -> Vec<String> {
            let object = sim.object(kind, id).unwrap();
            let tags = object["tags"].as_array().unwrap();
            let mut slugs: Vec<_> = tags.iter().map(|tag| tag["slug"].as_str().unwrap().to_owned()).collect();
            slugs.sort();
            slugs
        };
        let id = |model: &str, key: &AnyKey| bindings.id(model, key.as_str()).unwrap().parse::<u64>().unwrap();
        let device = id("device", &estate.devices[0].key().to_any());
        assert_eq!(slugs(Kind::Device, device), ["synced", "t1"]);
        // A person's tag stays.
        let theirs = sim.seed(Kind::Tag, json!({"name": "theirs", "slug": "theirs"})).unwrap();
        let key = estate.interfaces[0].key().to_any();
        let interface = id("interface", &key);
        sim.edit(Kind::Interface, interface, &json!({"tags": [theirs]})).unwrap();
        let found = read(&reader, Role::Target, None).await.unwrap();
        let (_, native) = found.find("interface", &key).unwrap();
        let change = update::<Interface>(key, native, &[("mtu", json!(9000), json!(1500))]);
        let written = apply(&writer, &batch(Interface::SCHEMA, Pass::First, [&change]), &mut bindings).await;
        assert_eq!(outcomes(&written), "applied", "{version}");
        assert_eq!(slugs(Kind::Interface, interface), ["synced", "theirs"], "{version}");
        let last = sim.changes().pop().unwrap();
        assert_eq!(last.message, "sync test, run 1");
        assert!(matches!(&written[0].outcome, Outcome::Applied { request_id: Some(id) } if *id == last.request_id));
    }
}

/// As after an unmark that was noted and not carried out before its runner was killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_to_go_is_in_doubt_until_it_is_gone() {
    let parameters = TargetParameters { tags: vec!["synced".to_owned()], ..TargetParameters::default() };
    let World { sim, reader, writer, .. } = world_with("4.6.8", &parameters).await;
    let estate = Estate::new("t1");
    let mut bindings = scenario::fill(&writer, &estate).await;
    let key = estate.devices[0].key().to_any();
    let found = read(&reader, Role::Target, None).await.unwrap();
    let (record, native) = found.find("device", &key).unwrap();
    let change = update::<Device>(key, native, &[("tags", record["tags"].clone(), json!([]))]);
    let unmark = batch(Device::SCHEMA, Pass::First, [&change]);
    assert_eq!(writer.settle(&unmark, &bindings).await.unwrap(), [None], "the tag is still there");
    let written = apply(&writer, &unmark, &mut bindings).await;
    assert_eq!(outcomes(&written), "applied");
    let id = bindings.id("device", estate.devices[0].key().to_any().as_str()).unwrap().parse().unwrap();
    assert_eq!(sim.object(Kind::Device, id).unwrap()["tags"].as_array().unwrap().len(), 1, "the one of the settings");
    let settled = writer.settle(&unmark, &bindings).await.unwrap();
    assert!(matches!(&settled[..], [Some(written)] if written.outcome.is_done()), "{settled:?}");
}

/// While nobody knew what became of a create, a person created the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_created_meanwhile_is_not_ours() {
    let World { sim, reader, access, writer: ours } = world("4.6.8").await;
    let estate = Estate::new("t1");
    let site = create(&estate.site);
    let sites = batch(Site::SCHEMA, Pass::First, [&site]);
    let mut bindings = Bindings::new();
    apply(&ours, &sites, &mut bindings).await;
    assert!(ours.settle(&sites, &bindings).await.unwrap()[0].is_some(), "the log names the run");
    // Another run's, as a person's, is not this one's.
    let client = crate::client::WriteClient::without_permit(&access.connection).unwrap();
    let parameters = TargetParameters::default();
    let other = Writer::with(client, Arc::clone(&reader), &access.connection, &parameters, "sync test, run 2").await;
    let other = other.unwrap();
    assert_eq!(other.settle(&sites, &bindings).await.unwrap(), [None]);
    assert_eq!(outcomes(&other.write(&sites, &bindings).await.unwrap()), "unchanged", "it is there, and not the run's");
    // Where the log does not tell, what looks as it was sent was sent.
    sim.faults().add(Fault::on("core/object-changes", Effect::Forbidden));
    assert!(other.settle(&sites, &bindings).await.unwrap()[0].is_some());
    let silent = TargetParameters { changelog_message: false, ..TargetParameters::default() };
    let silent = writer(&reader, &access.connection, &silent).await;
    assert!(silent.settle(&sites, &bindings).await.unwrap()[0].is_some());
}

/// A run is killed between a device and its interfaces, of which the device's type brought one along.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_with_a_device_of_an_earlier_writer_is_taken_over() {
    let World { sim, access, reader, writer: first } = world("4.6.8").await;
    let estate = Estate::new("t1");
    let mut bindings = Bindings::new();
    let mut device = estate.devices[0].clone();
    (device.virtual_chassis, device.vc_position, device.primary_ip4) = (None, None, None);
    for changes in estate.creations().iter().take(6) {
        apply(&first, &batch(scenario::schema(&changes[0]), Pass::First, changes), &mut bindings).await;
    }
    let created = create(&device);
    let devices = batch(Device::SCHEMA, Pass::First, [&created]);
    apply(&first, &devices, &mut bindings).await;
    let id = bindings.id("device", device.key().as_str()).unwrap().clone();
    let number: u64 = id.parse().unwrap();
    let interface = Interface { lag: None, mode: None, untagged_vlan: None, ..estate.interfaces[0].clone() };
    let brought = json!({"device": number, "name": interface.name.as_str(), "type": "1000base-t"});
    sim.seed(Kind::Interface, brought).unwrap();
    let change = create(&interface);
    let interfaces = batch(Interface::SCHEMA, Pass::First, [&change]);
    let again = async || writer(&reader, &access.connection, &TargetParameters::default()).await;

    let untold = again().await.write(&interfaces, &bindings).await.unwrap();
    assert!(matches!(&untold[0].outcome, Outcome::Stale { .. }), "whoever is not told takes it for a stranger's");
    // The answer about the device was lost, and reading told that it is there.
    let settling = again().await;
    assert!(settling.settle(&devices, &bindings).await.unwrap()[0].is_some());
    let told = again().await;
    told.recall(Device::SCHEMA, &[(&created, &id)]);
    assert_eq!(outcomes(&told.write(&interfaces, &bindings).await.unwrap()), "applied");
    assert_eq!(outcomes(&settling.write(&interfaces, &bindings).await.unwrap()), "unchanged");
}

/// What people put on objects is known before their deletes are sent; and a reference between two of them is given back by a
/// writer that restored only one of both.
#[tokio::test(flavor = "multi_thread")]
async fn what_deleted_objects_were_is_known_to_the_next_writer() {
    let World { sim, access, reader, writer: first } = world("4.6.8").await;
    let estate = Estate::new("t1");
    let mut bindings = scenario::fill(&first, &estate).await;
    let again = async || writer(&reader, &access.connection, &TargetParameters::default()).await;
    let (vlan, prefix) = (estate.vlan.key().to_any(), estate.prefix.key().to_any());
    let id = |model: &str, key: &AnyKey| bindings.id(model, key.as_str()).unwrap().parse::<u64>().unwrap();
    let (old_vlan, old_prefix) = (id("vlan", &vlan), id("prefix", &prefix));
    sim.edit(Kind::Prefix, old_prefix, &json!({"comments": "by hand", "vlan": old_vlan})).unwrap();
    // What an interface is in would stay.
    for interface in sim.objects(Kind::Interface).iter().filter(|interface| interface["untagged_vlan"].is_object()) {
        sim.edit(Kind::Interface, interface["id"].as_u64().unwrap(), &json!({"untagged_vlan": null})).unwrap();
    }
    let mut images = Vec::new();
    for (schema, change) in [
        (Prefix::SCHEMA, delete::<Prefix>(prefix.clone(), Native::new(old_prefix))),
        (Vlan::SCHEMA, delete::<Vlan>(vlan.clone(), Native::new(old_vlan))),
    ] {
        let deletes = batch(schema, Pass::First, [&change]);
        images.extend(first.images(&deletes, &bindings).await.unwrap());
        let written = apply(&first, &deletes, &mut bindings).await;
        assert_eq!(outcomes(&written), "applied");
        assert_eq!(written[0].image, *images.last().unwrap(), "the one that was asked for ahead");
    }
    assert_eq!(images[0].as_ref().unwrap()["fields"]["comments"], "by hand");

    let restores = |record: Change, image: &Option<Value>| Change { image: image.clone(), ..record };
    let (of_prefix, of_vlan) =
        (restores(create(&estate.prefix), &images[0]), restores(create(&estate.vlan), &images[1]));
    let written = apply(&again().await, &batch(Prefix::SCHEMA, Pass::First, [&of_prefix]), &mut bindings).await;
    let new_prefix = written[0].native.as_ref().unwrap().id.to_string();
    let later = again().await;
    later.recall(Prefix::SCHEMA, &[(&of_prefix, &new_prefix)]);
    let written = apply(&later, &batch(Vlan::SCHEMA, Pass::First, [&of_vlan]), &mut bindings).await;
    let new_vlan: u64 = written[0].native.as_ref().unwrap().id.parse().unwrap();
    let restored = sim.object(Kind::Prefix, new_prefix.parse().unwrap()).unwrap();
    assert_eq!((&restored["comments"], &restored["vlan"]["id"]), (&json!("by hand"), &json!(new_vlan)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_read_within_its_scope() {
    let World { sim, reader, writer, .. } = world("4.6.8").await;
    scenario::fill(&writer, &Estate::new("t1")).await;
    scenario::fill(&writer, &Estate::new("t2")).await;
    sim.seed(Kind::Device, json!({"name": null, "site": 1, "device_type": 1, "role": 1})).unwrap();
    let counts = async |parameters: &SourceParameters| {
        let found = read(&reader, Role::Source, Some(parameters)).await.unwrap();
        let models = [
            "site",
            "manufacturer",
            "vlan",
            "prefix",
            "virtual_chassis",
            "device",
            "interface",
            "mac_address",
            "ip_address",
        ];
        for model in models {
            assert_eq!(found.snapshot.models[model].doubt(), None, "{model}");
        }
        models.map(|model| found.records(model).len())
    };
    assert_eq!(counts(&SourceParameters::default()).await, [2, 2, 2, 2, 2, 4, 6, 4, 6]);
    let sites = SourceParameters { sites: vec!["t1".to_owned()], tags: Vec::new() };
    assert_eq!(counts(&sites).await, [1, 2, 1, 1, 1, 2, 3, 2, 2]);
    let tags = SourceParameters { sites: Vec::new(), tags: vec!["t2".to_owned()] };
    assert_eq!(counts(&tags).await, [2, 2, 2, 2, 1, 2, 3, 2, 2]);
    let unknown = SourceParameters { sites: Vec::new(), tags: vec!["nope".to_owned()] };
    let error = read(&reader, Role::Source, Some(&unknown)).await.err().unwrap();
    insta::assert_snapshot!(error, @"NetBox has no tag `nope`, which `tags` names; create it there or leave it out");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_leaves_out_is_not_gone() {
    let World { sim, reader, writer, .. } = world("4.6.8").await;
    scenario::fill(&writer, &Estate::new("t1")).await;
    let devices = sim.objects(Kind::Device);
    let name = devices[0]["name"].as_str().unwrap().to_lowercase();
    let key = |value: Value| AnyKey::from_value(&value).unwrap();
    let why = async |restricted, model: &str, value: Value| {
        crate::absence::explain(&reader, restricted, model, &[key(value)]).await.unwrap()[0]
    };
    assert_eq!(why(true, "device", json!([["t1"], name])).await, Absence::OutOfScope);
    assert_eq!(why(false, "device", json!([["t1"], name])).await, Absence::Filtered);
    assert_eq!(why(true, "device", json!([["t2"], name])).await, Absence::Gone, "at another site it is another one");
    assert_eq!(why(true, "device", json!([["t1"], "nobody"])).await, Absence::Gone);
    assert_eq!(why(true, "site", json!(["t1"])).await, Absence::OutOfScope);
    assert_eq!(why(true, "site", json!(["t2"])).await, Absence::Gone);
    assert_eq!(why(true, "interface", json!([[["t1"], name], "e1"])).await, Absence::Unknown);
    sim.deny(Kind::Device);
    crate::absence::explain(&reader, true, "device", &[key(json!([["t1"], name]))]).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_test_says_what_will_not_work() {
    let World { sim, reader, access, .. } = world("4.6.8").await;
    sim.deny(Kind::Vrf);
    let parameters = TargetParameters { tags: vec!["nope".to_owned()], ..TargetParameters::default() };
    let report = crate::check::target(&reader, &access.connection, &parameters).await.unwrap();
    assert_eq!(report.system, "NetBox 4.6.8");
    let told = report.warnings.join("\n");
    assert!(told.contains("the token lacks the permission `ipam.view_vrf`: VRFs cannot be read"), "{told}");
    assert!(told.contains("NetBox has no tag `nope`"), "{told}");
    let facts: Vec<_> = report.facts.iter().map(|fact| format!("{}: {}", fact.name, fact.value)).collect();
    assert!(facts.contains(&"Sites: 0".to_owned()) && facts.contains(&"Read by: GraphQL".to_owned()), "{facts:?}");
}
