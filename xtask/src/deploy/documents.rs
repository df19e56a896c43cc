//! YAML and JSON, as one kind of value.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde_json::{Map, Value};
use xshell::Shell;
use yaml_rust2::{Yaml, YamlLoader};

use super::{Verdict, read};

/// Every file that says it is YAML or JSON is.
pub(super) fn can_be_read(_: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    let mut findings = Vec::new();
    for path in files(folder)? {
        // Templates become YAML only when they are rendered.
        if path.components().any(|part| part.as_os_str() == "templates") {
            continue;
        }
        let result = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => read(&path).and_then(|text| Ok(serde_json::from_str::<Value>(&text)?)),
            Some("yaml" | "yml") => read(&path).and_then(|text| yaml(&text)),
            _ => continue,
        };
        if let Err(error) = result {
            findings.push(format!("{}: {error:#}", path.display()));
        }
    }
    Ok(Verdict::of(findings))
}

/// The value of a file, by its extension.
pub(super) fn value(path: &Path) -> anyhow::Result<Value> {
    let text = read(path)?;
    let value = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => serde_json::from_str(&text).map_err(anyhow::Error::from),
        _ => yaml(&text),
    };
    value.with_context(|| format!("`{}` cannot be read", path.display()))
}

/// The one document of a YAML text, with merge keys (`<<`) merged.
pub(super) fn yaml(text: &str) -> anyhow::Result<Value> {
    let documents = YamlLoader::load_from_str(text)?;
    match &documents[..] {
        [document] => convert(document),
        others => Err(anyhow!("{} documents where one is expected", others.len())),
    }
}

fn convert(yaml: &Yaml) -> anyhow::Result<Value> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(value) => (*value).into(),
        Yaml::Integer(value) => (*value).into(),
        Yaml::Real(text) => text.parse::<f64>().map_or_else(|_| text.clone().into(), Value::from),
        Yaml::String(text) => text.clone().into(),
        Yaml::Array(items) => Value::Array(items.iter().map(convert).collect::<anyhow::Result<_>>()?),
        Yaml::Hash(entries) => {
            let (mut own, mut merged) = (Map::new(), Map::new());
            for (name, value) in entries {
                let name = name.as_str().ok_or_else(|| anyhow!("a key that is no text: {name:?}"))?;
                match (name, convert(value)?) {
                    ("<<", Value::Object(more)) => merged.extend(more),
                    ("<<", _) => return Err(anyhow!("`<<` merges something that has no keys")),
                    (_, value) => {
                        own.insert(name.to_owned(), value);
                    }
                }
            }
            merged.extend(own);
            Value::Object(merged)
        }
        Yaml::Alias(_) | Yaml::BadValue => return Err(anyhow!("an alias that refers to nothing")),
    })
}

/// Every file below a folder, in order.
pub(super) fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("`{}` cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merge_keys_are_merged_and_own_keys_win() {
        let text = "base: &base {a: 1, b: [x, 2.5]}\nuse:\n  <<: *base\n  a: null\n";
        assert_eq!(yaml(text).unwrap()["use"], json!({"a": null, "b": ["x", 2.5]}));
        assert!(yaml("a: [").is_err() && yaml("a: *gone").is_err() && yaml("a: 1\n---\nb: 2").is_err());
    }
}
