//! What is done about runs that are over: taking them back, trying again, looking for drift, and the records that wait.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::{Value, json};
use syncline_testkit::netbox::Kind;

use crate::world::World;

/// Records may be deleted at once, and guards let small things pass.
const DELETES: &str = "deletes = \"apply\"\nquarantine = { runs = 1, hours = 24 }\n[syncs.lab.policy.guards]\n\
                       deletes_always_allowed = 100\nsource_shrank_percent = 100\nscope_collapsed_percent = 100";

/// An interface with its device, the number of its object in NetBox, and the description there.
fn interface(world: &World) -> (String, String, u64, Value) {
    let device = world.estate.devices().find(|device| device.interfaces.len() > 2).unwrap();
    let name = device.interfaces[0].name.clone();
    let objects = world.netbox.objects(Kind::Interface);
    let object = objects.iter().find(|o| o["name"] == *name && o["device"]["name"] == *device.name).unwrap();
    (device.name.clone(), name, object["id"].as_u64().unwrap(), object["description"].clone())
}

fn description(world: &World, id: u64) -> Value {
    world.netbox.object(Kind::Interface, id).unwrap()["description"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_taken_back() {
    let mut world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    let (device, name, id, before) = interface(&world);
    world.change(|estate| assert!(estate.describe_interface(&device, &name, Some("a slip"))));
    world.run(&["run", "lab"]).exits(0);
    assert_eq!(description(&world, id), "a slip");

    let dry = world.run(&["undo", "2", "--dry-run", "-o", "undo.json"]).exits(2);
    assert!(dry.out.contains("description: a slip -> "), "{}", dry.out);
    assert_eq!(description(&world, id), "a slip");
    let planned = world.run(&["undo", "last", "--dry-run"]).exits(1);
    insta::assert_snapshot!(planned.err, @"error[refused]: run 3 was dry: there is nothing to be taken back");

    let undone = world.run(&["undo", "2", "--json"]).exits(0).json();
    assert_eq!(
        (&undone["purpose"], &undone["subject"], &undone["status"]),
        (&json!("undo"), &json!(2), &json!("completed"))
    );
    assert_eq!(undone["counts"]["outcomes"]["applied"], 1);
    assert_eq!(description(&world, id), before);
    let again = world.run(&["undo", "2", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(again["summary"]["models"][0]["update"], 0);
    // What it would write is there already.
    world.run(&["apply", "undo.json"]).exits(6);
    let history = world.run(&["history"]).exits(0);
    assert!(
        history.out.contains("adhoc, undo of 2, dry") && history.out.contains("adhoc, undo of 2 "),
        "{}",
        history.out
    );

    insta::assert_snapshot!(world.run(&["undo", "99"]).exits(1).err, @"error[not_found]: there is no run `99`: give a run's number, or the start of its plan's hash");
    insta::assert_snapshot!(world.run(&["undo", "2", "--approve", " "]).exits(1).err, @"error[settings]: `--approve` wants words: they are kept in the history");
    let wrong = world.run(&["undo", "2", "-o", "undo.json"]).exits(1);
    assert!(wrong.err.contains("--dry-run"), "{}", wrong.err);
    let runs = world.run(&["history", "--json"]).exits(0).json();
    assert!(
        runs.as_array().unwrap().iter().all(|run| run["status"] != "failed" || run["purpose"] == "apply"),
        "{runs}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_undo_asks_a_person() {
    let mut world = World::new().await;
    world.configure("[syncs.lab.policy.guards]\nupdates_always_allowed = 2\nupdates_need_approval_percent = 3");
    world.run(&["run", "lab"]).exits(0);
    let device = world.estate.devices().max_by_key(|device| device.interfaces.len()).unwrap();
    world.change(|estate| {
        for interface in &device.interfaces {
            estate.describe_interface(&device.name, &interface.name, Some("all the same"));
        }
    });
    world.run(&["plan", "lab", "-o", "plan.json"]).exits(3);
    world.run(&["apply", "plan.json", "--approve", "renamed"]).exits(0);
    let waiting = world.run(&["undo", "last"]).exits(3);
    assert!(
        waiting.out.contains("Needs approval") && waiting.err.contains("`syncline approve 4 --reason"),
        "{}",
        waiting.transcript()
    );
    let undone = world.run(&["undo", "3", "--approve", "it was the wrong device"]).exits(0);
    assert!(undone.out.contains("completed"), "{}", undone.out);
    let described = world.netbox.objects(Kind::Interface);
    assert!(described.iter().all(|object| object["description"] != "all the same"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again() {
    let world = World::new().await;
    let serial = world.estate.devices().find_map(|device| device.serial.clone()).unwrap();
    world.netbox.faults().refuse(Kind::Device, "serial", &serial, "this serial is refused");
    world.run(&["run", "lab"]).exits(5);
    let devices = world.netbox.count(Kind::Device);
    world.netbox.faults().clear();
    let unsaid = world.run(&["rerun", "last"]).exits(1);
    assert!(unsaid.err.contains("--failed"), "{}", unsaid.err);
    world.run(&["rerun", "last", "--failed", "--dry-run"]).exits(2);
    assert_eq!(world.netbox.count(Kind::Device), devices);
    let rerun = world.run(&["rerun", "1", "--failed", "--json"]).exits(0).json();
    assert_eq!((&rerun["purpose"], &rerun["subject"]), (&json!("rerun"), &json!(1)));
    assert_eq!(world.netbox.count(Kind::Device), devices + 1);
    world.run(&["plan", "lab"]).exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_found_told_and_acknowledged() {
    let world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    let converged = world.run(&["drift", "lab"]).exits(0);
    assert!(converged.out.starts_with("No drift\n  compared "), "{}", converged.out);
    assert!(world.run(&["findings"]).exits(0).err.contains("no open findings"));

    let (_, _, id, _) = interface(&world);
    world.netbox.edit(Kind::Interface, id, &json!({"description": "by hand"})).unwrap();
    world.netbox.forget_requests();
    let drifted = world.run(&["drift", "lab"]).exits(2);
    assert!(drifted.out.contains("the target has \"by hand\", the source says"), "{}", drifted.out);
    assert!(drifted.out.contains("(new)") && drifted.out.contains("Drift: 1 difference (1 new)"), "{}", drifted.out);
    assert_eq!(world.netbox.write_requests(), 0);
    let drifted = world.run(&["drift", "lab", "--json"]).exits(2).json();
    assert_eq!((&drifted["exit_code"], &drifted["verdict"]), (&json!(2), &json!("differs")));
    assert_eq!(drifted["news"], json!({"new": 0, "gone": 0, "standing": 1}));
    assert_eq!(drifted["differences"][0]["target"], "by hand");
    let keys: Vec<_> = drifted.as_object().unwrap().keys().cloned().collect();
    insta::assert_snapshot!(keys.join(" "), @"compared differences exit_code failure left_alone news not_compared not_taken_over records run sync verdict");

    let findings = world.run(&["findings", "--sync", "lab", "--kind", "drift", "--json"]).exits(0).json();
    let number = findings[0]["id"].to_string();
    let listed = world.run(&["findings"]).exits(0);
    assert!(listed.out.contains(&format!("#{number} interface ")), "{}", listed.out);
    assert_eq!(world.run(&["findings", "--kind", "flapping", "--json"]).exits(0).json(), json!([]));
    let seen = world.run(&["findings", "acknowledge", &number, "--reason", "the vendor knows"]).exits(0);
    assert!(seen.out.contains("acknowledged by tester") && seen.out.contains(": the vendor knows"), "{}", seen.out);
    assert!(world.run(&["findings"]).exits(0).err.contains("no open findings"));
    assert!(world.run(&["findings", "--all"]).exits(0).out.contains("the vendor knows"));
    let drifted = world.run(&["drift", "lab"]).exits(2);
    assert!(drifted.out.contains("(acknowledged by tester: the vendor knows)"), "{}", drifted.out);

    insta::assert_snapshot!(world.run(&["findings", "acknowledge", "99", "--reason", "x"]).exits(1).err, @"error[not_found]: there is no finding 99, or it does not occur any more");
    insta::assert_snapshot!(world.run(&["findings", "acknowledge", &number, "--reason", ""]).exits(1).err, @"error[settings]: `--reason` wants words: they are kept in the history");
    insta::assert_snapshot!(world.run(&["findings", "--sync", "lap"]).exits(1).err, @"error[not_found]: there is no sync `lap`; did you mean `lab`?");
    insta::assert_snapshot!(world.run(&["drift", "lap"]).exits(1).err, @"error[settings]: there is no sync `lap`; did you mean `lab`?");

    // A worker does it when it is asked to.
    let asked = world.run(&["trigger", "lab", "--drift", "--json"]).exits(0).json();
    let queue = world.run(&["queue", "--json"]).exits(0).json();
    assert_eq!(
        (&queue[0]["id"], &queue[0]["purpose"], &queue[0]["dry"]),
        (&asked["run"], &json!("drift"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn how_each_record_stands_is_told_by_the_last_check() {
    let mut world = World::new().await;
    world.configure(DELETES);
    let unknown = world.run(&["states", "lab"]).exits(1);
    assert!(unknown.err.contains("nobody has looked yet how the records of `lab` stand"), "{}", unknown.err);
    world.run(&["run", "lab"]).exits(0);
    let (device, name, id, _) = interface(&world);
    let of = |states: &Value, model: &str| {
        let models = states["models"].as_array().unwrap();
        models.iter().find(|found| found["model"] == model).unwrap().clone()
    };
    let states = world.run(&["states", "lab", "--refresh", "--json"]).exits(0).json();
    assert_eq!(states["records"], json!([]));
    let whole = of(&states, "interface")["in_sync"].as_u64().unwrap();
    assert_eq!(whole, world.netbox.count(Kind::Interface) as u64);

    // One differs in two fields, one is not there, and one is there although nobody has it any more.
    world.netbox.edit(Kind::Interface, id, &json!({"description": "by hand", "mtu": 1234})).unwrap();
    let others: Vec<_> = world.netbox.objects(Kind::Interface).into_iter().filter(|found| found["id"] != id).collect();
    let place = |at: usize| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&others[at]["device"]["name"]), text(&others[at]["name"]), others[at]["id"].as_u64().unwrap())
    };
    let last = others.len() - 1;
    let ((missing_of, missing_name, missing_id), (gone_of, gone, _)) = (place(0), place(last));
    world.netbox.remove(Kind::Interface, missing_id).unwrap();
    world.change(|estate| assert!(estate.remove_interface(&gone_of, &gone).is_ok()));
    let stale = world.run(&["states", "lab", "--json"]).exits(0).json();
    assert_eq!(stale["records"], json!([]), "that was before");

    let states = world.run(&["states", "lab", "--model", "interface", "--refresh", "--json"]).exits(2).json();
    let counts = of(&states, "interface");
    assert_eq!(
        counts,
        json!({
            "model": "interface", "in_sync": whole - 3, "drifted": 1, "missing": 1, "only_in_target": 1, "ambiguous": 0,
        })
    );
    let records = states["records"].as_array().unwrap();
    let missing: Vec<_> = records.iter().filter(|found| found["state"] == "missing").collect();
    let key = missing[0]["key"].to_string();
    assert!(missing.len() == 1 && key.contains(&missing_of) && key.contains(&missing_name), "{missing:?}");
    assert_eq!(records.iter().filter(|found| found["state"] == "only_in_target").count(), 1);
    let drifted = records.iter().find(|found| found["state"] == "drifted").unwrap();
    assert_eq!(drifted["fields"], json!(["description", "mtu"]));
    assert_eq!(
        (drifted["since_run"].clone(), drifted["acknowledged"].clone()),
        (states["check"]["run"].clone(), json!(false))
    );
    assert_eq!(states["check"]["outdated_by"], Value::Null);

    world.run(&["run", "lab"]).exits(0);
    let told = world.run(&["states", "lab"]).exits(2);
    assert!(told.out.contains("completed since; `syncline states lab --refresh` looks again"), "{}", told.out);
    assert!(told.out.contains(&name) && told.out.contains(&device), "{}", told.out);
    let none = world.run(&["states", "lab", "--model", "host"]).exits(1);
    assert!(none.err.contains("did not compare `host`"), "{}", none.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_flaps_is_told_with_both_values() {
    let world = World::new().await;
    world.configure("flapping_runs = 2");
    world.run(&["run", "lab"]).exits(0);
    let (_, _, id, _) = interface(&world);
    for _ in 0..2 {
        world.netbox.edit(Kind::Interface, id, &json!({"description": "somebody else's"})).unwrap();
        world.run(&["run", "lab"]).exits(0);
    }
    let listed = world.run(&["findings", "--kind", "flapping"]).exits(0);
    assert!(listed.out.starts_with("Flapping each run makes the same change again"), "{}", listed.out);
    assert!(
        listed.out.contains("description: the target has \"somebody else's\", the source says \""),
        "{}",
        listed.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_records_wait_and_people_decide() {
    let mut world = World::new().await;
    world.configure(&format!("{DELETES}\n[syncs.other]\nsource = \"forward\"\ntarget = \"netbox\""));
    world.run(&["run", "lab"]).exits(0);
    world.run(&["run", "other"]).exits(0);
    assert!(world.run(&["quarantine", "list"]).exits(0).err.contains("nothing is in quarantine"));
    let (device, name, id, _) = interface(&world);
    world.change(|estate| estate.remove_interface(&device, &name).unwrap());
    world.run(&["run", "lab"]).exits(0);

    let listed = world.run(&["quarantine", "list", "--sync", "lab", "--model", "interface", "--json"]).exits(0).json();
    let row = &listed[0];
    let record = row["record"].as_str().unwrap();
    assert_eq!((&row["state"], &row["streak"]["runs"], &row["needs_runs"]), (&json!("waiting"), &json!(1), &json!(1)));
    let keys: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
    insta::assert_snapshot!(keys.join(" "), @"due_at key mark model native_id needs_runs record seen_at seen_by state streak sync");
    let text = world.run(&["quarantine", "list"]).exits(0);
    assert!(text.out.starts_with(&format!("lab\n  {record}  waits\n      absent since ")), "{}", text.out);
    assert!(text.out.contains("counted by 1 of 1 run, due "), "{}", text.out);

    // The parts of the key may also be in line.
    let (model, key) = record.split_once(':').unwrap();
    let in_line = format!("{model}:[{}]", key.replace(['[', ']'], ""));
    let kept = world.run(&["quarantine", "keep", &in_line, "--reason", "it comes back"]).exits(0);
    assert!(kept.out.ends_with("of lab: it is kept as long as it is absent\n"), "{}", kept.out);
    let text = world.run(&["quarantine", "list", "--state", "kept"]).exits(0);
    assert!(text.out.contains("kept by tester (") && text.out.contains(": it comes back"), "{}", text.out);
    world.run(&["quarantine", "restore", record, "--reason", "count anew"]).exits(0);
    assert_eq!(world.run(&["quarantine", "list", "--json"]).exits(0).json()[0]["streak"]["runs"], 0);
    world.run(&["quarantine", "delete", record, "--reason", "it is gone for good"]).exits(0);
    assert!(world.netbox.object(Kind::Interface, id).is_some());

    // The other sync misses it too.
    world.run(&["run", "other"]).exits(0);
    let ambiguous = world.run(&["quarantine", "keep", record, "--reason", "x"]).exits(1);
    assert!(
        ambiguous.err.ends_with("is absent in 2 syncs: say which is meant, `--sync lab` or `--sync other`\n"),
        "{}",
        ambiguous.err
    );
    world.run(&["quarantine", "restore", record, "--reason", "x", "--sync", "other"]).exits(0);
    world.run(&["run", "lab"]).exits(0);
    assert!(world.netbox.object(Kind::Interface, id).is_none());

    let says = |arguments: &[&str]| world.run(&[&["quarantine"], arguments].concat()).exits(1).err;
    insta::assert_snapshot!(says(&["keep", r#"device:["no","where"]"#, "--reason", "x"]), @r#"error[not_found]: `device:[["no"],"where"]` is not in quarantine: `syncline quarantine list` has what is"#);
    insta::assert_snapshot!(says(&["keep", r#"device:["no","where"]"#, "--reason", "x", "--sync", "lab"]), @"error[not_found]: the device `no / where` of `lab` is not in quarantine: it was not seen absent");
    insta::assert_snapshot!(says(&["keep", r#"device:["core-1"]"#, "--reason", "x"]), @r#"error[settings]: `["core-1"]` is no key of a device: its parts are site, name"#);
    insta::assert_snapshot!(says(&["delete", "device", "--reason", "x"]), @r#"error[settings]: `device` is a model: name one record of it, `device:["part",…]`; `syncline quarantine list` has those that are absent"#);
    insta::assert_snapshot!(says(&["delete", "device:core-1", "--reason", "x"]), @r#"error[settings]: `core-1` is no key: write it as the plan does, `device:["part",…]`"#);
    insta::assert_snapshot!(says(&["delete", "#1f0c", "--reason", "x"]), @r#"error[settings]: `#1f0c` is a change: name a record, `device:["site","name"]`; `syncline quarantine list` has those that are absent"#);
    insta::assert_snapshot!(says(&["delete", "devise", "--reason", "x"]), @"error[settings]: `devise` is no model; did you mean `device`?");
    insta::assert_snapshot!(says(&["restore", record, "--reason", "  "]), @"error[settings]: `--reason` wants words: they are kept in the history");
    insta::assert_snapshot!(says(&["list", "--model", "devise"]), @"error[settings]: there is no model `devise`; did you mean `device`?");
    insta::assert_snapshot!(says(&["list", "--sync", "lap"]), @"error[not_found]: there is no sync `lap`; did you mean `lab`?");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_shown_and_made_less() {
    let world = World::new().await;
    world.run(&["run", "lab"]).exits(0);
    for _ in 0..3 {
        world.run(&["plan", "lab"]).exits(0);
    }
    let size = world.run(&["history", "size", "--json"]).exits(0).json();
    assert!(size["total"].as_u64() > size["tables"]["change"].as_u64(), "{size}");
    assert_eq!(size["limits"], json!({"runs": 1000, "days": 365, "megabytes": null, "audit_days": 1826, "reads": 3}));
    let text = world.run(&["history", "size"]).exits(0);
    assert!(text.out.contains("\nThe history takes "), "{}", text.out);

    let nothing = world.run(&["history", "prune"]).exits(0);
    assert!(nothing.out.starts_with("0 runs removed, with 0 files of 0.0 MB (limits: "), "{}", nothing.out);
    // The real run stays: what comes next is compared with it.
    let dry = world.run(&["history", "prune", "--runs", "1", "--dry-run"]).exits(0);
    insta::assert_snapshot!(dry.out, @r#"
  lab: 2 runs (2, 3)
2 runs would be removed (limits: 1 run of each sync, 365 days, 1,826 days of the audit log, 3 reads of each model beside the last run's)
"#);
    assert_eq!(world.run(&["history", "--json"]).exits(0).json().as_array().unwrap().len(), 4);
    let pruned = world.run(&["history", "prune", "--runs", "1", "--json"]).exits(0).json();
    assert_eq!((&pruned["runs"], &pruned["files"]), (&json!({"lab": [2, 3]}), &json!(2)));
    assert_eq!(world.run(&["history", "--json"]).exits(0).json().as_array().unwrap().len(), 2);
    world.run(&["history", "prune", "--days", "0"]).exits(1);

    world.replace("[connections.forward]", "[data.retention]\nruns = 0\nday = 3\n[connections.forward]");
    insta::assert_snapshot!(world.run(&["config", "check"]).exits(1).err, @r#"
error[settings]: the configuration has 2 problems
  syncline.toml: `data.retention.day`: unknown key
    help: did you mean `days`?
  syncline.toml: `data.retention.runs`: expects a number of at least 1
"#);
}

/// `serve` removes what is over the limits, and tells the metrics what only the history knows.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_tidies_and_tells() {
    let mut world = World::new().await;
    world.configure(DELETES);
    world.netbox.seed(Kind::Site, json!({"name": "Of somebody else", "slug": "of-somebody-else"})).unwrap();
    world.run(&["run", "lab"]).exits(0);
    world.run(&["plan", "lab"]).exits(0);
    let (device, name, ..) = interface(&world);
    world.change(|estate| estate.remove_interface(&device, &name).unwrap());
    world.run(&["plan", "lab"]);
    let held = world.run(&["run", "lab", "--json"]).exits(0).json()["counts"]["outcomes"]["held"].as_u64().unwrap();
    assert!(held > 1);
    world.replace("[connections.forward]", "[data.retention]\nruns = 1\n[connections.forward]");

    let mut child = world.command(&["serve", "--no-worker", "--listen", "127.0.0.1:0"]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (metrics, said) = tokio::task::block_in_place(|| {
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !(said.contains("listening on ") && said.contains("removed runs and files")) {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended:\n{said}");
        }
        let address = said.split("http://").nth(1).unwrap().lines().next().unwrap().to_owned();
        let mut metrics = String::new();
        // Nothing says when they were told; each look is a request to a busy server.
        while !metrics.contains("syncline_held_deletes{") {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
            metrics.clear();
            stream.read_to_string(&mut metrics).unwrap();
        }
        (metrics, said)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.contains("runs=2"), "{said}");
    let has = |line: &str| assert!(metrics.lines().any(|other| other == line), "{line}:\n{metrics}");
    // What somebody else made would not be deleted anyway.
    has(&format!(r#"syncline_held_deletes{{sync="lab"}} {}"#, held - 1));
    for kind in ["flapping", "ambiguous", "drift"] {
        has(&format!(r#"syncline_findings_open{{kind="{kind}"}} 0"#));
    }
    let value = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}:\n{metrics}"));
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    assert!(value("syncline_history_bytes ") > 100_000.0);
    assert!(value("syncline_last_success_timestamp_seconds{") > 1_700_000_000.0);
    let left = world.run(&["history", "--json"]).exits(0).json();
    let left: Vec<_> = left.as_array().unwrap().iter().map(|run| run["id"].clone()).collect();
    assert_eq!(left, [json!(4), json!(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_left_alone_until_somebody_ends_it() {
    let world = World::new().await;
    world.configure("");
    world.run(&["run", "lab"]).exits(0);
    assert!(world.run(&["ignore", "list"]).exits(0).err.contains("nothing is left alone"));
    let (_, _, id, before) = interface(&world);
    world.netbox.edit(Kind::Interface, id, &json!({"description": "by hand"})).unwrap();
    world.run(&["drift", "lab"]).exits(2);
    let found = world.run(&["findings", "--json"]).exits(0).json();
    let record = format!("interface:{}", found[0]["key"]);
    let made =
        world.run(&["ignore", "add", "lab", &record, "--field", "description", "--reason", "as labelled"]).exits(0);
    assert!(
        made.out.contains(", field description of lab is left alone by tester until somebody ends it: as labelled")
    );
    assert!(made.out.contains("a plan that waits was made before"), "{}", made.out);

    let clean = world.run(&["drift", "lab"]).exits(0);
    assert!(clean.out.contains("left alone: 1 of what differs;"), "{}", clean.out);
    world.run(&["run", "lab"]).exits(0);
    assert_eq!(description(&world, id), "by hand");
    let listed = world.run(&["ignore", "list", "lab", "--json"]).exits(0).json();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["field"], &listed[0]["until"]),
        (&json!(1), &json!("description"), &Value::Null)
    );
    let ended = world.run(&["ignore", "end", "lab", "1"]).exits(0);
    assert!(ended.out.ends_with("is left alone no more; the next plan has it again\n"), "{}", ended.out);
    world.run(&["run", "lab"]).exits(0);
    assert_eq!(description(&world, id), before);
    let text = world.run(&["ignore", "list", "--all"]).exits(0).out;
    assert!(text.contains("ended by tester ("), "{text}");

    let says = |arguments: &[&str]| world.run(&[&["ignore"], arguments].concat()).exits(1).err;
    insta::assert_snapshot!(
        [
            says(&["add", "lab", "interface", "--reason", "x"]),
            says(&["add", "lab", "#1f0c", "--reason", "x"]),
            says(&["add", "lab", r#"site:["a"]"#, "--field", "nmae", "--reason", "x"]),
            says(&["add", "lab", r#"site:["a"]"#, "--until", "2020-02-03", "--reason", "x"]),
            says(&["add", "lab", r#"site:["a"]"#, "--reason", " "]),
            says(&["add", "lap", r#"site:["a"]"#, "--reason", "x"]),
            says(&["end", "lab", "1"]),
            says(&["end", "lab", "7"]),
        ]
        .concat()
    );
}
