//! Every configuration that a manual shows is one that the product takes.

use std::path::Path;

use serde_json::{Map, Value};

use super::blocks::{Block, blocks};
use super::manuals;
use crate::config::{ConfigError, check, load, read_table};

/// What a fragment stands in: the connections and syncs that the manuals speak of.
const AROUND: &str = r#"
[web]
authentication = "users"
url = "https://syncline.example.com"

[connections.forward]
connector = "forward"
url = "https://fwd.app"
access_key = "env:FORWARD_ACCESS_KEY"
secret = "env:FORWARD_SECRET"
network = "Production"

[connections.netbox]
connector = "netbox"
url = "https://netbox.example.com"
token = "env:NETBOX_TOKEN"

[connections.zabbix]
connector = "zabbix"
url = "https://zabbix.example.com"
token = "env:ZABBIX_TOKEN"

[syncs.forward-to-netbox]
source = "forward"
target = "netbox"

[syncs.netbox-to-zabbix]
source = "netbox"
target = "zabbix"

[syncs.netbox-to-zabbix.target_parameters.hosts]
groups = [{ name = "Sites/{{ site.name }}" }]
"#;

/// What the tutorial's connector is called in a configuration, and what it is judged as.
const TUTORIAL: (&str, &str) = (r#"connector = "acme""#, r#"connector = "netbox""#);

/// Puts what a fragment says over what stands around it, table by table.
fn over(around: &mut Map<String, Value>, fragment: Map<String, Value>) {
    for (key, value) in fragment {
        match (around.get_mut(&key), value) {
            (Some(Value::Object(around)), Value::Object(value)) => over(around, value),
            (_, value) => {
                around.insert(key, value);
            }
        }
    }
}

fn judged(file: &Path) -> Result<(), ConfigError> {
    check(&load(Some(file), [])?, &crate::registry().unwrap()).map(drop)
}

fn told(judged: Result<(), ConfigError>) -> Option<String> {
    match judged.err()? {
        ConfigError::Invalid(problems) => Some(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        error => Some(error.to_string()),
    }
}

/// What is wrong with a block; none where it is a configuration, or a part of one that fits what stands around it.
fn problems(folder: &Path, block: &Block) -> Option<String> {
    let file = folder.join(format!("block.{}", block.language()));
    // The connector that the tutorial writes is not there; another one is reached by an address and a token just so.
    let is_tutorial = block.is("tutorial");
    let text = if is_tutorial { block.text.replace(TUTORIAL.0, TUTORIAL.1) } else { block.text.clone() };
    std::fs::write(&file, text).unwrap();
    if !block.is("fragment") {
        return told(judged(&file));
    }
    let fragment = match read_table(&file) {
        Ok(fragment) => fragment,
        Err(error) => return Some(error.to_string()),
    };
    // Settings of a connection or of a side: their connector's own tests hold them.
    if !fragment.keys().any(|key| ["connections", "data", "notify", "syncs", "web"].contains(&key.as_str())) {
        return None;
    }
    std::fs::write(folder.join("around.toml"), AROUND).unwrap();
    let mut whole = read_table(&folder.join("around.toml")).unwrap();
    over(&mut whole, fragment);
    // JSON is YAML.
    let file = folder.join("whole.yaml");
    std::fs::write(&file, Value::Object(whole).to_string()).unwrap();
    told(judged(&file))
}

#[test]
fn what_the_manuals_configure_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let mut known = 0;
    let mut wrong = Vec::new();
    for manual in manuals().iter().filter(|manual| manual.path != "deploy/README.md") {
        for block in blocks(&manual.text).iter().filter(|block| matches!(block.language(), "toml" | "yaml")) {
            known += 1;
            if let Some(problems) = problems(folder.path(), block) {
                wrong.push(format!("{}:{}: {problems}", manual.path, block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known > 10, "only {known} configurations were found");
}

#[test]
fn a_slip_is_found_in_a_whole_and_in_a_part() {
    let folder = tempfile::tempdir().unwrap();
    let found = |info: &str, text: &str| {
        problems(folder.path(), &Block { line: 1, info: info.to_owned(), text: text.to_owned() })
    };
    assert_eq!(found("toml", AROUND), None);
    assert!(found("toml", "[syncs.a]\nsource = \"b\"\n").is_some());
    assert_eq!(found("toml,fragment", "[syncs.netbox-to-zabbix]\nafter = \"forward-to-netbox\"\n"), None);
    assert!(
        found("toml,fragment", "[syncs.netbox-to-zabbix]\nafer = \"forward-to-netbox\"\n").unwrap().contains("afer")
    );
    assert!(found("yaml,fragment", "syncs: [").is_some());
}
