//! Configurations, good and bad, and what needs nothing else.

use std::fs;

use serde_json::json;

use crate::command::{syncline, syncline_with};

const FINE: &str = r#"
[connections.forward]
connector = "forward"
url = "https://forward.example"
access_key = "env:FORWARD_ACCESS_KEY"
secret = "env:FORWARD_SECRET"
network = 101

[connections.netbox]
connector = "netbox"
url = "https://netbox.example"
token = "env:NETBOX_TOKEN"

[syncs.forward-to-netbox]
source = "forward"
target = "netbox"
"#;

/// The connectors that are here from the beginning. One that is new is nobody's business but its own.
const OURS: [&str; 6] = ["files", "forward", "nautobot", "netbox", "rest", "zabbix"];

#[test]
fn the_connectors_are_listed_and_described() {
    let folder = tempfile::tempdir().unwrap();
    let list = syncline(folder.path(), &["connectors", "--json"]).exits(0).json();
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|connector| connector["id"].as_str().unwrap()).collect();
    for id in OURS {
        assert!(ids.contains(&id), "{id} is not among {ids:?}");
        let one = syncline(folder.path(), &["connectors", id]).exits(0);
        let way = if id == "files" { "folder" } else { "url" };
        assert!(one.out.contains("Connection") && one.out.contains(way), "{}", one.out);
    }
    let ended = syncline(folder.path(), &["connectors", "netbx"]).exits(1);
    let known = format!("unknown connector `netbx` (known: {})", ids.join(", "));
    assert!(ended.err.contains(&known), "{}", ended.err);
}

#[test]
fn the_example_is_where_one_begins() {
    let folder = tempfile::tempdir().unwrap();
    let example = syncline(folder.path(), &["config", "example"]).exits(0);
    fs::write(folder.path().join("syncline.toml"), example.out).unwrap();
    let checked = syncline(folder.path(), &["config", "check"]).exits(0);
    assert_eq!(checked.out, "valid syncline.toml: 2 connections, 1 sync\n");
}

#[test]
fn the_schema_covers_every_connector() {
    let folder = tempfile::tempdir().unwrap();
    let schema = syncline(folder.path(), &["config", "schema"]).exits(0).json();
    let connections = &schema["properties"]["connections"]["additionalProperties"]["oneOf"];
    let listed = connections.as_array().unwrap().iter().map(|one| &one["properties"]["connector"]["const"]);
    let listed: Vec<_> = listed.collect();
    for id in OURS {
        assert!(listed.iter().any(|listed| *listed == id), "{id} is not among {listed:?}");
    }
}

#[test]
fn without_a_configuration_one_is_told_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let ended = syncline(folder.path(), &["plan", "x"]).exits(1);
    let err = ended.err.replace(&folder.path().display().to_string(), "HOME");
    insta::assert_snapshot!(err);
}

#[test]
fn every_mistake_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = FINE
        .replace("access_key", "acess_key")
        .replace("env:NETBOX_TOKEN", "0123456789abcdef")
        .replace("https://netbox.example", "netbox.example")
        .replace("target = \"netbox\"", "target = \"netbux\"\nmodels = { device = \"synk\", devise = \"off\" }");
    fs::write(folder.path().join("syncline.toml"), &wrong).unwrap();
    let ended = syncline(folder.path(), &["config", "check"]).exits(1);
    assert!(!ended.err.contains("0123456789abcdef"), "{}", ended.err);
    insta::assert_snapshot!(ended.transcript());
    // The same for programs.
    let ended = syncline(folder.path(), &["config", "check", "--json"]).exits(1);
    assert_eq!(ended.err, "");
    assert_eq!(ended.json()["error"]["kind"], "settings");
    assert!(ended.json()["error"]["problems"].as_array().unwrap().len() >= 6);
}

#[test]
fn yaml_and_variables_work_too() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = "connections:\n  a: {connector: netbox, url: 'https://a.example', token: 'env:T'}\n";
    fs::write(folder.path().join("syncline.yaml"), yaml).unwrap();
    let checked = syncline(folder.path(), &["config", "check", "--json"]).exits(0).json();
    let missing = json!({
        "key": "connections.a.token",
        "problem": "the environment variable `T`, which `env:T` refers to, is not set",
    });
    let expected = json!({
        "valid": true, "file": "syncline.yaml", "connections": ["a"], "syncs": [], "missing_secrets": [missing],
    });
    assert_eq!(checked, expected);
    let told = syncline(folder.path(), &["config", "check"]).exits(0);
    assert!(told.err.contains("not here: `connections.a.token`: the environment variable `T`"), "{}", told.err);
    let set = syncline_with(folder.path(), &[("T", "t")], &["config", "check", "--json"]).exits(0).json();
    assert_eq!(set["missing_secrets"], json!([]));
    let variables = [("SYNCLINE__CONNECTIONS__A__PAGE_SIZE", "0"), ("SYNCLINE_CONFIG", "syncline.yaml")];
    let ended = syncline_with(folder.path(), &variables, &["config", "check"]).exits(1);
    assert!(ended.err.contains("SYNCLINE__CONNECTIONS__A__PAGE_SIZE"), "{}", ended.err);
}

#[test]
fn what_is_no_configuration_is_an_error_and_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let deep = format!("a = {}", "[".repeat(200_000));
    let large = "a = 1\n".repeat(400_000);
    let cases: [(&str, &[u8]); 7] = [
        ("syncline.toml", b"[data"),
        ("syncline.toml", b"\xff\xfe\x00"),
        ("syncline.toml", deep.as_bytes()),
        ("syncline.toml", large.as_bytes()),
        ("other.yaml", b"- 1\n- 2\n"),
        ("other.yaml", b"a: *nothing\n"),
        ("other.ini", b"a=1\n"),
    ];
    for (name, text) in cases {
        fs::write(folder.path().join(name), text).unwrap();
        let ended = syncline(folder.path(), &["config", "check", "--config", name]).exits(1);
        assert!(ended.err.starts_with("error[settings]: ") && ended.err.contains(name), "{}", ended.err);
    }
    let ended = syncline(folder.path(), &["config", "check", "--config", "absent.toml"]).exits(1);
    assert!(ended.err.contains("`absent.toml`"), "{}", ended.err);
}

#[test]
fn an_unknown_sync_is_told_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("syncline.toml"), FINE).unwrap();
    let ended = syncline(folder.path(), &["run", "forward-to-netbux"]).exits(1);
    assert!(ended.err.contains("did you mean `forward-to-netbox`?"), "{}", ended.err);
    let ended = syncline(folder.path(), &["show", "last"]).exits(1);
    assert!(ended.err.contains("there are no runs yet"), "{}", ended.err);
    let ended = syncline(folder.path(), &["apply", "syncline.toml"]).exits(1);
    insta::assert_snapshot!(ended.err, @"error[unsupported]: `syncline.toml` is no plan, or was reformatted; `syncline plan SYNC -o FILE` keeps one");
    let ended = syncline(folder.path(), &["apply", "nowhere.json"]).exits(1);
    insta::assert_snapshot!(ended.err, @"error[not_found]: there is no file `nowhere.json`: check the path; `syncline plan SYNC -o FILE` keeps a plan");
}

#[test]
fn a_missing_secret_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("syncline.toml"), FINE).unwrap();
    let ended = syncline(folder.path(), &["check", "forward-to-netbox"]).exits(1);
    assert!(ended.err.contains("`FORWARD_ACCESS_KEY`") && ended.err.contains("`NETBOX_TOKEN`"), "{}", ended.err);
}
