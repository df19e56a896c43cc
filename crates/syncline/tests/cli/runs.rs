//! Whole runs between two simulated systems, and every exit code.

use serde_json::{Value, json};
use syncline_testkit::netbox::{Effect, Fault, Kind};

use crate::world::World;

/// Every interface with its device.
fn interfaces(world: &World) -> Vec<(String, String)> {
    let devices = world.estate.devices();
    devices
        .flat_map(|device| device.interfaces.iter().map(|i| (device.name.clone(), i.name.clone())).collect::<Vec<_>>())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_plan_to_nothing_left_to_do() {
    let world = World::new().await;
    let checked = world.run(&["check", "lab"]).exits(0);
    assert!(checked.out.contains("Source `forward`") && checked.out.contains("Target `netbox`"), "{}", checked.out);

    let planned = world.run(&["plan", "lab"]).exits(2);
    assert!(planned.out.contains("devices: ") && planned.out.contains("\n  + "), "{}", planned.out);
    assert_eq!(world.netbox.written_objects(), 0, "a dry run writes nothing");

    let ran = world.run(&["run", "lab"]).exits(0);
    assert!(ran.out.contains("completed") && ran.out.contains("MiB"), "{}", ran.out);
    assert!(world.netbox.count(Kind::Interface) > 0);

    world.netbox.forget_requests();
    let again = world.run(&["run", "lab", "--json"]).exits(0);
    assert_eq!(world.netbox.write_requests(), 0, "a second run writes nothing");
    assert_eq!(again.json()["counts"]["create"], 0);
    assert_eq!(again.json()["status"], "completed");
    let planned = world.run(&["plan", "lab", "--quiet"]).exits(0);
    assert!(planned.out.starts_with("Nothing to do: "), "{}", planned.out);
    assert_eq!(planned.err, "");

    let history = world.run(&["history", "--json"]).exits(0).json();
    assert_eq!(history.as_array().unwrap().len(), 4);
    let text = world.run(&["history", "--limit", "2"]).exits(0);
    assert_eq!(text.out.lines().count(), 3, "{}", text.out);
    let shown = world.run(&["show", "2", "--changes"]).exits(0);
    assert!(shown.out.contains("execute sync") && shown.out.contains("\n  + "), "{}", shown.out);
    let shown = world.run(&["show", "2", "--json", "--changes"]).exits(0).json();
    assert_eq!(
        shown["changes"].as_array().unwrap().len() as u64,
        shown["counts"]["outcomes"]["applied"].as_u64().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_in_four_words_and_found_by_its_request() {
    let world = World::new().await;
    let asked = ["--request-id", "CHG0042", "--json"];
    let ran = world.run(&[&["run", "lab", "--reason", "the new rack"][..], &asked].concat()).exits(0).json();
    let applied = ran["counts"]["outcomes"]["applied"].as_u64().unwrap();
    let summary = &ran["summary"];
    assert_eq!((summary["updated"].as_u64(), summary["failed"].as_u64()), (Some(applied), Some(0)));
    assert_eq!(summary["total"], ran["counts"]["create"]);
    assert_eq!(summary["message"], format!("{applied} records compared: {applied} changed"));

    let queued = world.run(&[&["trigger", "lab"][..], &asked].concat()).exits(0).json();
    assert_eq!(queued["request_id"], "CHG0042");
    let again = world.run(&["trigger", "lab", "--request-id", "CHG0043", "--json"]).exits(0).json();
    assert_eq!((&again["run"], &again["request_id"]), (&queued["run"], &"CHG0042".into()), "the first request has it");
    let done = world.run(&["resume", &queued["run"].to_string(), "--here", "--json"]).exits(0).json();
    assert_eq!((&done["request_id"], &done["summary"]["updated"]), (&"CHG0042".into(), &0.into()));

    world.run(&["plan", "lab"]).exits(0);
    let found = world.run(&["history", "--request-id", "CHG0042", "--json"]).exits(0).json();
    assert_eq!(found.as_array().unwrap().len(), 2);
    let shown = world.run(&["show", &ran["id"].to_string()]).exits(0);
    assert!(shown.out.contains("\n  request CHG0042: the new rack\n"), "{}", shown.out);
    let none = world.run(&["history", "--request-id", "CHG0043"]).exits(0);
    assert!(none.err.contains("no runs with the request `CHG0043` yet"), "{}", none.err);
    let mistyped = world.run(&["run", "lab", "--request-id", ""]).exits(1);
    assert!(mistyped.err.contains("an id of a request has 1 to 200 letters"), "{}", mistyped.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_applied_exactly_once_and_only_as_it_was_made() {
    let mut world = World::new().await;
    world.run(&["plan", "lab", "-o", "plan.json"]).exits(2);
    let plan = std::fs::read_to_string(world.path("plan.json")).unwrap();
    std::fs::write(world.path("forged.json"), plan.replacen("active", "planned", 1)).unwrap();
    let ended = world.run(&["apply", "forged.json"]).exits(6);
    assert!(ended.err.contains("changed after it was saved"), "{}", ended.err);

    world.run(&["apply", "plan.json"]).exits(0);

    // An object that moved after the plan was made is left alone.
    let (device, interface) = interfaces(&world).remove(0);
    world.change(|estate| assert!(estate.describe_interface(&device, &interface, Some("from Forward"))));
    world.run(&["plan", "lab", "-o", "second.json"]).exits(2);
    let objects = world.netbox.objects(Kind::Interface);
    let moved = objects.iter().find(|o| o["name"] == *interface && o["device"]["name"] == *device).unwrap();
    let id = moved["id"].as_u64().unwrap();
    world.netbox.edit(Kind::Interface, id, &json!({"description": "by hand"})).unwrap();
    let ended = world.run(&["apply", "second.json"]).exits(6);
    assert!(ended.out.contains("Stale 1"), "{}", ended.out);
    assert_eq!(world.netbox.object(Kind::Interface, id).unwrap()["description"], "by hand");

    // A plan belongs to the definition that it was made for.
    let text = std::fs::read_to_string(world.path("syncline.toml")).unwrap();
    let changed = text.replace("[syncs.lab.policy]", "models = { vlan = \"off\" }\n[syncs.lab.policy]");
    std::fs::write(world.path("syncline.toml"), changed).unwrap();
    world.run(&["apply", "second.json"]).exits(6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_works_on_its_own_run_and_on_no_other() {
    let world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    let written = world.netbox.write_requests();
    let dry = world.run(&["trigger", "lab", "--dry-run", "--json"]).exits(0).json();
    let real = world.run(&["trigger", "lab", "--json"]).exits(0).json();
    assert_eq!((&dry["run"], &real["run"], &real["already_running"]), (&2.into(), &3.into(), &false.into()));
    let again = world.run(&["trigger", "lab", "--json"]).exits(0).json();
    assert_eq!((&again["run"], &again["already_running"]), (&3.into(), &true.into()));
    let behind = "waits for run 2 of the same sync";
    let queue = world.run(&["queue"]).exits(0);
    assert!(queue.out.contains(&format!("run 3: {behind}")), "{}", queue.out);
    assert!(world.run(&["show", "3"]).exits(0).out.contains(behind));
    assert_eq!(world.run(&["queue", "--json"]).exits(0).json()[1]["waits_for"]["run"], 2);

    // A queued run is none of theirs.
    let undo = world.run(&["undo", "1", "--approve", "it was the wrong network"]).exits(1);
    assert!(undo.err.contains("run 3 of `lab` is queued") && undo.err.contains("syncline cancel 3"), "{}", undo.err);
    let looked = world.run(&["undo", "1", "--dry-run", "--json"]);
    assert_ne!(looked.json()["run"], 3);
    assert_ne!(world.run(&["drift", "lab", "--json"]).json()["run"], 3);
    assert_eq!(world.run(&["plan", "lab", "--json"]).json()["found"], 2);
    assert_eq!(world.netbox.write_requests(), written, "nothing was written");
    assert_eq!(world.run(&["show", "3", "--json"]).json()["status"], "new");

    // A run is the one that was asked for, and says so whoever listens.
    let ran = world.run(&["run", "lab", "--quiet"]).exits(0);
    assert!(ran.out.starts_with("run 3 was asked for earlier and not finished: this is its result"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_binds_a_person_where_it_says_so() {
    let world = World::new().await;
    let window = |manual: bool| {
        let always = r#"kind = "deny", cron = "* * * * *", duration = 5, reason = "the freeze""#;
        world.configure(&format!(
            "[syncs.lab.policy.guards]\n[[syncs.lab.windows]]\n{}\nmanual = {manual}",
            always.replace(", ", "\n")
        ));
    };
    window(false);
    world.run(&["plan", "lab", "-o", "plan.json"]).exits(2);
    world.run(&["trigger", "lab"]).exits(0);
    for command in [&["run", "lab"][..], &["apply", "plan.json"], &["resume", "2", "--here"]] {
        let ended = world.run(command).exits(1);
        assert!(ended.err.contains("the freeze") && ended.err.contains("manual = true"), "{}", ended.transcript());
    }
    assert_eq!(world.netbox.write_requests(), 0);
    world.run(&["run", "lab", "--dry-run"]).exits(2);
    window(true);
    world.run(&["run", "lab"]).exits(0);
    assert!(world.netbox.write_requests() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_is_named_and_the_others_go_through() {
    let world = World::new().await;
    let serial = world.estate.devices().find_map(|device| device.serial.clone()).unwrap();
    world.netbox.faults().refuse(Kind::Device, "serial", &serial, "this serial is refused");
    let ended = world.run(&["run", "lab"]).exits(5);
    assert!(ended.out.contains("Failed 1") && ended.out.contains("this serial is refused"), "{}", ended.out);
    assert!(world.netbox.count(Kind::Device) > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_held_and_told() {
    let mut world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    let before = world.netbox.count(Kind::Interface);
    let (device, interface) = interfaces(&world).pop().unwrap();
    world.change(|estate| estate.remove_interface(&device, &interface).unwrap());
    let ended = world.run(&["run", "lab"]).exits(0);
    assert!(ended.out.contains("Held") && ended.out.contains(&interface), "{}", ended.out);
    assert!(!ended.err.contains("0 of 0"), "{}", ended.err);
    assert_eq!(world.netbox.count(Kind::Interface), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_ask_and_refuse() {
    let mut world = World::new().await;
    world.configure(
        "deletes = \"apply\"\nquarantine = { runs = 0, hours = 0 }\n[syncs.lab.policy.guards]\nupdates_always_allowed = 5\n\
         deletes_always_allowed = 2\nsource_shrank_percent = 100\nscope_collapsed_percent = 100",
    );
    world.run(&["run", "lab"]).exits(0);

    let all = interfaces(&world);
    world.change(|estate| {
        for (device, interface) in &all {
            estate.describe_interface(device, interface, Some("all the same"));
        }
    });
    let waiting = world.run(&["run", "lab"]).exits(3);
    assert!(waiting.out.contains("Needs approval"), "{}", waiting.out);
    world.run(&["plan", "lab", "-o", "plan.json"]).exits(3);
    world.run(&["apply", "plan.json"]).exits(3);
    world.run(&["apply", "plan.json", "--approve", "we renamed them all"]).exits(0);

    world.change(|estate| {
        for (device, interface) in all.iter().filter(|(_, name)| name.contains('/')).collect::<Vec<_>>() {
            estate.remove_interface(device, interface).unwrap();
        }
    });
    let before = world.netbox.count(Kind::Interface);
    let refused = world.run(&["run", "lab"]).exits(4);
    assert!(refused.err.contains("error[guard]"), "{}", refused.err);
    assert_eq!(world.netbox.count(Kind::Interface), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_does_not_answer_well_is_told_in_words() {
    let world = World::new().await;
    let kind = |ended: &crate::command::Ended| -> Value { ended.json()["failure"]["kind"].clone() };

    let ended = world.run_with(&[("TOKEN", "nbt_nobody.nothing")], &["run", "lab", "--json"]).exits(1);
    assert!(["unauthenticated", "forbidden"].contains(&kind(&ended).as_str().unwrap()), "{}", ended.out);
    let ended = world.run_with(&[("SECRET", "wrong")], &["run", "lab", "--json"]).exits(1);
    assert_eq!(kind(&ended), "unauthenticated");

    world.netbox.faults().add(Fault::on("", Effect::HtmlOk));
    let ended = world.run(&["run", "lab", "--json"]).exits(1);
    assert_eq!(kind(&ended), "protocol");
    world.netbox.faults().clear();

    world.forward.kill();
    let ended = world.run(&["run", "lab"]).exits(1);
    assert!(ended.err.contains("error[unreachable]"), "{}", ended.err);
    assert_eq!(world.netbox.written_objects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_the_way_writes_nothing() {
    /// What breaks, what the error begins with, how it is broken.
    type Case = (&'static str, &'static str, fn(&World));

    let world = World::new().await;
    let cases: [Case; 4] = [
        ("tls", "error[unreachable]", |world| world.replace("http://", "https://")),
        ("403 on one endpoint", "error[", |world| world.netbox.deny(Kind::Vlan)),
        ("pages that end early", "error[", |world| {
            world.replace("[connections.netbox]", "execution = \"sync\"\npage_size = 10\n[connections.netbox]");
            world.forward.faults(|faults| faults.empty_from = Some(10));
        }),
        ("a cut body", "error[", |world| {
            world.netbox.faults().add(Fault::on("/api/dcim/sites", Effect::CutBody(10)));
        }),
    ];
    for (name, expected, breaks) in cases {
        breaks(&world);
        let ended = world.run(&["run", "lab"]);
        assert_eq!(ended.code, 1, "{name}\n{}", ended.transcript());
        assert!(ended.err.contains(expected), "{name}\n{}", ended.transcript());
        assert_eq!(world.netbox.written_objects(), 0, "{name}");
        world.forward.heal();
        world.netbox.allow(Kind::Vlan);
        world.netbox.faults().clear();
        world.configure("");
    }
    world.forward.forget_requests();
    world.forward.faults(|faults| faults.kill_after_rows = Some(20));
    world.run(&["run", "lab"]).exits(1);
    assert_eq!(world.netbox.written_objects(), 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cancels_and_the_history_says_so() {
    let world = World::new().await;
    world.forward.faults(|faults| faults.slow_body = Some(std::time::Duration::from_mins(10)));
    let interrupted = world.interrupted(&["run", "lab"], "reading the Forward snapshot").exits(1);
    assert!(interrupted.err.contains("error[cancelled]"), "{}", interrupted.err);
    let history = world.run(&["history", "--json"]).exits(0).json();
    assert_eq!(history[0]["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_is_a_whole_story() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--devices", "4", "--folder", "here"];
    let ended = tokio::task::block_in_place(|| crate::command::syncline(folder.path(), &arguments)).exits(0);
    assert!(ended.err.contains("0 changes, 0 write requests to NetBox, 0 to Zabbix"), "{}", ended.err);
    assert!(ended.err.contains("Zabbix took ") && !ended.err.contains("Zabbix took 0 "), "{}", ended.err);
    assert!(ended.out.contains("serialno_a"), "what changed in NetBox changes in Zabbix: {}", ended.out);
    assert!(ended.out.contains("reason: run 2 of forward-to-netbox completed"), "{}", ended.out);
    let arguments = ["history", "--json", "--config", "here/syncline.toml"];
    let history = crate::command::syncline(folder.path(), &arguments).exits(0).json();
    assert!(ended.err.contains("syncline serve --config here/syncline.toml"), "{}", ended.err);
    let show = ["show", "last", "--json", "--config", "here/syncline.toml"];
    let shown = crate::command::syncline(folder.path(), &show).exits(0).json();
    assert!(shown["phases"][0]["memory_peak"].is_u64(), "{}", shown["phases"]);
    let runs = history.as_array().unwrap().iter().rev();
    let runs: Vec<_> = runs.map(|run| (run["sync"].as_str().unwrap(), &run["kind"])).collect();
    let (forward, zabbix) = ("forward-to-netbox", ("netbox-to-zabbix", &Value::from("scheduled")));
    let adhoc = &Value::from("adhoc");
    let story = [(forward, adhoc), (forward, adhoc), zabbix, (forward, adhoc), zabbix, (forward, adhoc), zabbix];
    assert_eq!(runs, story);
}

/// What waits for a person is shown with what it would do, why it waits, and how to decide about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_review_is_shown_with_its_changes() {
    let mut world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    world.replace("target = \"netbox\"", "target = \"netbox\"\nauto_merge = false");
    let (device, interface) = interfaces(&world).pop().unwrap();
    world.change(|estate| {
        estate.describe_interface(&device, &interface, Some("uplink"));
    });
    let waiting = world.run(&["run", "lab"]).exits(3);
    assert!(waiting.err.contains("syncline approve 2 --reason"), "{}", waiting.err);
    // Two decimals of a second are never the same.
    let shown = |arguments: &[&str]| {
        let out = world.run(arguments).exits(0).out;
        let from = out.find("interfaces: ").or_else(|| out.find("Plan:")).unwrap();
        out[from..].replace(&device, "DEVICE").replace(&interface, "PORT")
    };
    insta::assert_snapshot!(shown(&["show", "2"]), @r#"
interfaces: 1 to update, 73 equal
  ~ frankfurt-dc1 / DEVICE / PORT
      description: access point 7 -> uplink  (the source changed)

Plan: 0 to create, 1 to update, 0 to delete, 0 held, 270 equal

Run 2 waits for a person:
  syncline approve 2 --reason "…"               # a worker applies it; `--here` applies it at once
  syncline approve 2 --reason "…" --only MODEL  # a part of it, or all `--except` a part
  syncline reject 2 --reason "…"                # nothing is written
"#);
    let changes = world.run(&["show", "2", "--changes"]).exits(0).out;
    assert!(changes.contains(" -> uplink") && changes.contains("Plan: 0 to create, 1 to update"), "{changes}");
    assert!(changes.contains("syncline reject 2"), "{changes}");

    world.run(&["approve", "2", "--reason", "seen", "--here"]).exits(0);
    assert!(!world.run(&["show", "2"]).exits(0).out.contains("syncline approve"));
}

/// A record that is missing in the target does not look like success, and is named wherever somebody looks.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_taken_over_is_named_and_no_success() {
    let mut world = World::new().await;
    let names: Vec<_> = world.estate.device_names().map(str::to_owned).collect();
    let is_small = |name: &&String| name.to_uppercase() != **name && world.estate.device(name).unwrap().is_queryable();
    let device = names.iter().find(is_small).unwrap().clone();
    let twin = device.to_uppercase();
    world.change(|estate| estate.add_device_like(&device, &twin).unwrap());
    let is_named = |text: &str| {
        let (_, block) = text.split_once("Not taken over ").unwrap_or_else(|| panic!("{text}"));
        assert!(block.contains("  device ") && block.contains("differs in nothing but case and blanks"), "{text}");
    };
    is_named(&world.run(&["plan", "lab"]).exits(2).out);
    let ran = world.run(&["run", "lab"]).exits(5);
    assert!(ran.out.contains(" not taken over in "), "{}", ran.out);
    is_named(&ran.out);
    is_named(&world.run(&["show", "last"]).exits(0).out);
    // There is nothing to do, and a device is missing all the same.
    let planned = world.run(&["plan", "lab", "--json"]).exits(5).json();
    let models = planned["not_taken_over"].as_array().unwrap();
    let devices = models.iter().find(|of| of["model"] == "device").unwrap();
    assert_eq!((&devices["side"], &devices["rejected"]), (&json!("source"), &json!(1)));
    assert_eq!(devices["rejections"].as_array().unwrap().len(), 1);
    let ran = world.run(&["run", "lab", "--json"]).exits(5).json();
    let rejected: u64 = models.iter().map(|of| of["rejected"].as_u64().unwrap()).sum();
    assert_eq!(
        (ran["summary"]["failed"].as_u64(), ran["counts"]["rejected"].as_u64()),
        (Some(rejected), Some(rejected))
    );
    is_named(&world.run(&["drift", "lab"]).exits(5).out);
    let states = world.run(&["states", "lab", "--json"]).exits(1).json();
    let device = states["models"].as_array().unwrap().iter().find(|of| of["model"] == "device").unwrap();
    assert!(device["not_compared"].as_str().unwrap().contains("1 record could not be taken over"), "{device}");
    let told = world.run(&["states", "lab", "--model", "device"]).exits(1).out;
    assert!(told.starts_with("not compared: device: "), "{told}");
}
