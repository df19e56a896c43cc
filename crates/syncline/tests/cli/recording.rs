//! What is asked of systems is recorded, and planned of when they are gone.

use std::path::Path;

use serde_json::Value;
use syncline_testkit::estate::Estate;
use syncline_testkit::forward::NETWORK;
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};

use crate::command::syncline_with;
use crate::world::World;

/// What a recording says, as `zstdcat` shows it.
fn shown(file: &Path) -> String {
    String::from_utf8(zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap()).unwrap()
}

/// A plan without what tells one of two equal plans from the other.
fn without_marks(file: &Path) -> Value {
    let mut plan: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for mark in ["created_at", "valid_until", "run", "replays"] {
        plan["header"].as_object_mut().unwrap().remove(mark);
    }
    plan.as_object_mut().unwrap().remove("hash");
    plan
}

/// Removes a device and describes an interface of another one.
fn change(estate: &mut Estate) {
    let devices: Vec<_> = estate.devices().collect();
    estate.remove_device(&devices[0].name).unwrap();
    assert!(estate.describe_interface(&devices[1].name, &devices[1].interfaces[0].name, Some("another")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_made_again_when_the_systems_are_gone() {
    let mut world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    world.change(change);
    let live = world.run(&["plan", "lab", "--record-to", "tape", "-o", "live.json"]);
    assert!(live.err.contains("exchanges with the source are in tape/source.ndjson.zst"), "{}", live.err);
    assert!(live.err.contains("exchanges with the target are in tape/target.ndjson.zst"), "{}", live.err);
    assert!(live.out.contains("delete") || live.code == 2, "{}", live.out);
    let history = world.run(&["history", "--json"]).exits(0).json();

    let secrets = [world.forward.access_key(), world.forward.secret(), world.netbox.token().to_owned()];
    let World { forward, mut netbox, folder, .. } = world;
    forward.stop().await;
    netbox.stop();
    for side in ["source", "target"] {
        let text = shown(&folder.path().join(format!("tape/{side}.ndjson.zst")));
        assert!(text.lines().count() > 5, "{text}");
        for secret in &secrets {
            assert!(!text.contains(secret), "`{secret}` is in the recording of the {side}");
        }
    }
    // Whoever has none of the secrets, twice, and it is the same plan.
    let run = |arguments: &[&str]| tokio::task::block_in_place(|| syncline_with(folder.path(), &[], arguments));
    for file in ["replayed.json", "once-more.json"] {
        let replayed = run(&["plan", "lab", "--replay", "tape", "-o", file]).exits(live.code);
        let said = replayed.out.strip_suffix(&live.out).unwrap_or_else(|| panic!("{}{}", replayed.out, live.out));
        assert!(said.starts_with("Plan from a recording of `lab`: was made from what was recorded at "), "{said}");
        assert!(said.trim_end().ends_with(", not from the systems, and cannot be applied"), "{said}");
        assert_eq!(without_marks(&folder.path().join(file)), without_marks(&folder.path().join("live.json")));
    }
    let planned = run(&["plan", "lab", "--replay", "tape", "--json"]).exits(live.code).json();
    assert_eq!((&planned["run"], &planned["plan"]), (&Value::Null, &Value::Null));
    assert!(planned["replays"].is_string());
    assert_eq!(run(&["history", "--json"]).exits(0).json(), history, "it left no trace");
    let refused = run(&["apply", "replayed.json"]).exits(1);
    assert!(refused.err.contains("the plan was made from a recording of"), "{}", refused.err);
    // The mark cannot be taken away: the hash covers it.
    let text = std::fs::read_to_string(folder.path().join("replayed.json")).unwrap();
    let (before, rest) = text.split_once(",\"replays\":\"").unwrap();
    let unmarked = format!("{before}{}", rest.split_once('"').unwrap().1);
    std::fs::write(folder.path().join("unmarked.json"), unmarked).unwrap();
    assert_ne!(run(&["apply", "unmarked.json"]).code, 0);
}

/// A part of a sync is a matter of the plan: everything is read for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_planned_of_a_recording_of_all() {
    let world = World::new().await;
    world.run(&["plan", "lab", "--record-to", "tape"]).exits(2);
    let live = world.run(&["plan", "lab", "--model", "site"]).exits(2);
    let World { forward, mut netbox, folder, .. } = world;
    forward.stop().await;
    netbox.stop();
    let replayed = tokio::task::block_in_place(|| {
        syncline_with(folder.path(), &[], &["plan", "lab", "--replay", "tape", "--model", "site"])
    });
    let changes = |out: &str| out.split_once("\n\n").unwrap().1.to_owned();
    let replayed = replayed.exits(2).out;
    assert!(replayed.contains("cannot be applied; it covers only sites, and what that needs"), "{replayed}");
    assert_eq!(changes(&replayed), changes(&live.out));
}

/// Zabbix is logged in to, its sessions are secrets that nobody knows before, and interfaces and macros hold what are secrets by name.
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_into_zabbix_is_planned_again() {
    let world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    let mut zabbix = ZabbixSim::start(ZabbixOptions::default()).unwrap();
    let (user, password) = zabbix.login();
    let text = std::fs::read_to_string(world.path("syncline.toml")).unwrap();
    let more = format!(
        r#"
        [connections.zabbix]
        connector = "zabbix"
        url = "{}"
        user = "{user}"
        password = "env:PASSWORD"
        [syncs.hosts]
        source = "netbox"
        target = "zabbix"
        [syncs.hosts.target_parameters.hosts]
        groups = [{{ name = "Sites/{{{{ site.name }}}}" }}]
        templates = [{{ template = "ICMP Ping" }}]
        interfaces = [{{ type = "snmp", address = "{{{{ name | lower }}}}.example.net", snmp = {{ version = 2, community = "{{$SNMP_COMMUNITY}}" }} }}]
        macros = [{{ macro = "{{$SNMP_COMMUNITY}}", value = "of the lab" }}]
        "#,
        zabbix.url()
    );
    std::fs::write(world.path("syncline.toml"), text + &more).unwrap();
    let variables = [("PASSWORD", password)];
    world.run_with(&variables, &["run", "hosts"]).exits(0);
    // Somebody changes a host, so that the plan has something to say.
    let host = zabbix.hosts().pop().unwrap();
    let id = host["hostid"].as_str().unwrap();
    zabbix.edit_host(serde_json::json!({"hostid": id, "name": "renamed by hand"})).unwrap();
    let live = world.run_with(&variables, &["plan", "hosts", "--record-to", "tape", "-o", "live.json"]).exits(2);
    assert!(live.out.contains("renamed by hand"), "{}", live.out);
    let recorded = shown(&world.path("tape/target.ndjson.zst"));
    let answered = recorded.lines().find(|line| line.contains("user.login")).unwrap();
    assert!(answered.contains(r#"\"result\":\"[redacted]\""#), "{answered}");

    let World { mut netbox, folder, .. } = world;
    netbox.stop();
    zabbix.stop();
    let run = |arguments: &[&str]| tokio::task::block_in_place(|| syncline_with(folder.path(), &[], arguments));
    let replayed = run(&["plan", "hosts", "--replay", "tape", "-o", "replayed.json"]);
    assert!(replayed.out.ends_with(&live.out), "{}{}{}", replayed.out, live.out, replayed.err);
    assert_eq!(without_marks(&folder.path().join("replayed.json")), without_marks(&folder.path().join("live.json")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_recording_of_the_sync_is_told() {
    let world = World::new().await;
    let told = |arguments: &[&str]| world.run(arguments).exits(1).err;
    insta::assert_snapshot!(told(&["plan", "lab", "--replay", "nowhere"]));
    world.run(&["plan", "lab", "--record-to", "tape"]).exits(2);
    insta::assert_snapshot!(told(&["plan", "lab", "--record-to", "tape"]));

    // Another network was read.
    world.replace(&format!("network = \"{NETWORK}\""), "network = \"9\"");
    let other = world.run(&["plan", "lab", "--replay", "tape"]);
    assert_eq!(other.code, 1, "{}", other.err);
    assert!(other.err.contains("`lab` was changed after the recording was made"), "{}", other.err);
    world.replace("network = \"9\"", &format!("network = \"{NETWORK}\""));
    world.replace("[syncs.lab]", "[syncs.other]");
    world.replace("[syncs.lab.policy]", "[syncs.other.policy]");
    insta::assert_snapshot!(told(&["plan", "other", "--replay", "tape"]));
    world.replace("[syncs.other]", "[syncs.lab]");
    world.replace("[syncs.other.policy]", "[syncs.lab.policy]");

    let file = world.path("tape/source.ndjson.zst");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let cut = told(&["plan", "lab", "--replay", "tape"]);
    assert!(cut.contains("the recording `tape/source.ndjson.zst` has no end, after "), "{cut}");
    std::fs::remove_file(&file).unwrap();
    let missing = told(&["plan", "lab", "--replay", "tape"]);
    assert!(missing.contains("there is no recording in `tape/source.ndjson.zst`"), "{missing}");
}

/// A run that writes is recorded with what it writes, and a replay of it is the plan that it began with.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_recorded_with_what_it_writes() {
    let world = World::new().await;
    world.run(&["plan", "lab", "-o", "live.json"]).exits(2);
    world.run(&["run", "lab", "--record-to", "tape"]).exits(0);
    assert!(shown(&world.path("tape/target.ndjson.zst")).contains(r#""method":"POST","path":"/api/dcim/devices/"#));
    // Elsewhere, where nobody knows of runs.
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(world.path("syncline.toml"), elsewhere.path().join("syncline.toml")).unwrap();
    let tape = world.path("tape").display().to_string();
    let World { forward, mut netbox, folder, .. } = world;
    forward.stop().await;
    netbox.stop();
    let run = |arguments: &[&str]| tokio::task::block_in_place(|| syncline_with(elsewhere.path(), &[], arguments));
    run(&["plan", "lab", "--replay", &tape, "-o", "replayed.json"]).exits(2);
    assert_eq!(without_marks(&elsewhere.path().join("replayed.json")), without_marks(&folder.path().join("live.json")));
    assert!(!elsewhere.path().join("syncline-data").exists(), "a replay makes no history");
}

/// What is not asked over HTTP is told, and read as it is.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_not_recorded() {
    let world = World::new().await;
    let text = std::fs::read_to_string(world.path("syncline.toml")).unwrap();
    let more = "[connections.folder]\nconnector = \"files\"\nfolder = \"export\"\n[syncs.out]\nsource = \"forward\"\ntarget = \"folder\"\n";
    std::fs::write(world.path("syncline.toml"), text + more).unwrap();
    std::fs::create_dir(world.path("export")).unwrap();
    let live = world.run(&["plan", "out", "--record-to", "tape"]);
    assert!(live.err.contains("the target (`files`) asked nothing over HTTP"), "{}", live.err);
    let replayed = world.run(&["plan", "out", "--replay", "tape"]).exits(live.code);
    assert!(
        replayed.err.contains("nothing was recorded of the target: `files` reads it as it is now"),
        "{}",
        replayed.err
    );
    assert!(replayed.out.ends_with(&live.out), "{}{}", replayed.out, live.out);
}
