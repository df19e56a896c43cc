//! The compose file.

use std::path::Path;

use serde_json::Value;
use xshell::{Shell, cmd};

use super::{Verdict, ask, documents, image, is_installed};

const FILE: &str = "compose/compose.yaml";

/// Images are pinned, root file systems read-only, services watched, secrets files, and what is named is declared.
pub(super) fn keeps_rules(_: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    Ok(Verdict::of(judge(&documents::value(&folder.join(FILE))?)))
}

/// What docker compose says.
pub(super) fn by_docker(shell: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    if !is_installed(shell, "docker", &["compose", "version"]) {
        return Ok(Verdict::Skipped("docker compose is not installed".to_owned()));
    }
    let file = folder.join(FILE);
    Ok(Verdict::of(ask(cmd!(shell, "docker compose --file {file} config --quiet"))?))
}

fn judge(compose: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let empty = serde_json::Map::new();
    for (name, service) in compose["services"].as_object().unwrap_or(&empty) {
        let mut object = |what: String| findings.push(format!("{name}: {what}"));
        let image = service["image"].as_str().unwrap_or_default();
        // `${NAME:-image}` is the image unless somebody says otherwise.
        let image = image.split_once(":-").map_or(image, |(_, image)| image.trim_end_matches('}'));
        if !image::is_pinned(image) {
            object(format!("the image `{image}` is not pinned to a version"));
        }
        if service["read_only"] != true {
            object("its root file system can be written to".to_owned());
        }
        if service["healthcheck"]["test"].is_null() {
            object("nobody watches its health".to_owned());
        }
        if service["cap_drop"] != serde_json::json!(["ALL"]) {
            object("it keeps capabilities".to_owned());
        }
        for kind in ["secrets", "configs", "networks", "volumes"] {
            for named in names(&service[kind], kind) {
                if compose[kind].get(&named).is_none() {
                    object(format!("`{named}` is not declared in `{kind}`"));
                }
            }
        }
        for (variable, value) in service["environment"].as_object().unwrap_or(&empty) {
            let secret = ["PASSWORD", "TOKEN", "SECRET"].iter().any(|word| variable.contains(word));
            let reference = value.as_str().is_some_and(|value| value.starts_with("file:"));
            if secret && !reference && !variable.ends_with("_FILE") {
                object(format!("`{variable}` holds a secret instead of the file it is in"));
            }
        }
    }
    for (name, secret) in compose["secrets"].as_object().unwrap_or(&empty) {
        if secret["file"].is_null() {
            findings.push(format!("secrets: `{name}` is no file"));
        }
    }
    findings
}

/// What a service names of a kind, in the short form or the long one. A volume that is a path is none.
fn names(list: &Value, kind: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    let names = items.filter_map(|item| item.as_str().or_else(|| item["source"].as_str()));
    let names = names.map(|name| name.split(':').next().unwrap_or_default().to_owned());
    names.filter(|name| kind != "volumes" || !name.starts_with(['.', '/'])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_loose_is_found() {
        let good = json!({
            "services": {"a": {
                "image": "${IMAGE:-a:1.2}", "read_only": true, "cap_drop": ["ALL"], "healthcheck": {"test": ["CMD", "x"]},
                "secrets": ["s"], "volumes": ["data:/data", "./here:/there"], "configs": [{"source": "c"}],
                "environment": {"PASSWORD_FILE": "/x", "A__PASSWORD": "file:/x"},
            }},
            "secrets": {"s": {"file": "s"}}, "volumes": {"data": null}, "configs": {"c": {"file": "c"}},
        });
        assert_eq!(judge(&good), [""; 0]);
        let bad = json!({
            "services": {"a": {"image": "a:latest", "secrets": ["t"], "environment": {"TOKEN": "x"}}},
            "secrets": {"s": {"environment": "S"}},
        });
        assert_eq!(
            judge(&bad),
            [
                "a: the image `a:latest` is not pinned to a version",
                "a: its root file system can be written to",
                "a: nobody watches its health",
                "a: it keeps capabilities",
                "a: `t` is not declared in `secrets`",
                "a: `TOKEN` holds a secret instead of the file it is in",
                "secrets: `s` is no file",
            ]
        );
    }
}
