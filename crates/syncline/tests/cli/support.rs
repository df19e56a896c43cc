//! The bundle for whoever is asked for help.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::world::World;

/// What a bundle holds, as `tar` unpacks it.
fn unpacked(file: &Path) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    assert!(Command::new("tar").arg("-xzf").arg(file).arg("-C").arg(folder.path()).status().unwrap().success());
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut text = String::new();
            std::fs::File::open(&path).unwrap().read_to_string(&mut text).unwrap();
            files.insert(path.strip_prefix(folder.path()).unwrap().display().to_string(), text);
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_says_what_is_in_it_and_holds_no_secret() {
    let world = World::new().await;
    // Values that are secrets though nothing refers to them.
    world.replace("access_key = \"env:ACCESS_KEY\"", "access_key = \"env:ACCESS_KEY\"\nnote = \"x\"");
    let broken = world.run(&["support-bundle", "-o", "broken.tar.gz"]).exits(0);
    assert!(broken.out.contains("not in it: the history: the configuration has problems"), "{}", broken.out);
    assert!(unpacked(&world.path("broken.tar.gz"))["problems.txt"].contains("note"));
    world.replace("\nnote = \"x\"", "");

    world.run(&["run", "lab", "--dry-run"]).exits(2);
    world.run(&["run", "lab"]).exits(0);
    let told = world.run(&["support-bundle", "-o", "bundle.tar.gz"]).exits(0);
    assert!(told.err.contains("look into it first"), "{}", told.err);
    let files = unpacked(&world.path("bundle.tar.gz"));
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "about.json",
            "configuration.json",
            "findings.json",
            "history.json",
            "manifest.json",
            "queue.json",
            "runs/1/events.ndjson",
            "runs/1/plan.json",
            "runs/1/run.json",
            "runs/2/events.ndjson",
            "runs/2/plan.json",
            "runs/2/run.json",
            "syncs.json",
        ]
    );
    let manifest: Value = serde_json::from_str(&files["manifest.json"]).unwrap();
    for entry in manifest["files"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        assert!(told.out.contains(name), "{}", told.out);
        assert_eq!(files[name].len() as u64, entry["bytes"].as_u64().unwrap());
    }
    let secrets = [world.forward.secret(), world.netbox.token().to_owned()];
    let configuration = &files["configuration.json"];
    assert!(configuration.contains("env:SECRET") && configuration.contains("env:TOKEN"), "{configuration}");
    for (name, text) in &files {
        for secret in &secrets {
            assert!(!text.contains(secret), "`{secret}` is in {name}");
        }
    }
    // Plans only with what they amount to, unless that is wanted.
    let plan: Value = serde_json::from_str(&files["runs/1/plan.json"]).unwrap();
    assert!(plan["changes"].is_null() && plan["summary"].is_object(), "{plan}");
    world.run(&["support-bundle", "--run", "1", "--with-plan", "-o", "whole.tar.gz"]).exits(0);
    let whole = unpacked(&world.path("whole.tar.gz"));
    assert!(!whole.contains_key("runs/2/run.json"));
    let plan: Value = serde_json::from_str(&whole["runs/1/plan.json"]).unwrap();
    assert!(!plan["changes"].as_array().unwrap().is_empty());

    let there = world.run(&["support-bundle", "-o", "whole.tar.gz"]).exits(1);
    assert!(there.err.contains("`whole.tar.gz` is there already: name another file with `-o`"), "{}", there.err);
    let slip = world.run(&["support-bundle", "--run", "77", "-o", "none.tar.gz"]).exits(1);
    assert!(!world.path("none.tar.gz").exists(), "{}", slip.err);
}
