//! The messages that the page about trouble explains are messages that there are.

use std::path::Path;

use super::workspace;

/// The message that a row of the table begins with, in two backticks each side.
fn message(line: &str) -> Option<&str> {
    let (message, _) = line.strip_prefix("| ``")?.split_once("`` |")?;
    Some(message.trim_end())
}

/// The texts in sources, as far as they are written out: lines that go on are joined, and what is escaped is not.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|name| name == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut parts = text.split("\\\n");
            all.extend(parts.next());
            parts.for_each(|part| all.push_str(part.trim_start()));
        }
    }
}

#[test]
fn every_message_that_is_explained_is_one() {
    let mut all = String::new();
    for parent in ["crates", "connectors"] {
        for entry in std::fs::read_dir(workspace().join(parent)).unwrap() {
            let folder = entry.unwrap().path().join("src");
            if folder.is_dir() {
                sources(&folder, &mut all);
            }
        }
    }
    let all = all.replace("\\\"", "\"");
    let page = std::fs::read_to_string(workspace().join("docs/src/troubleshooting.md")).unwrap();
    let messages: Vec<_> = page.lines().filter_map(message).collect();
    assert!(messages.len() > 30, "only {} messages were found", messages.len());
    let unknown = |message: &&str| message.split('…').any(|part| !all.contains(part.trim()));
    let unknown: Vec<_> = messages.into_iter().filter(unknown).collect();
    assert!(unknown.is_empty(), "no text of the program has these: {unknown:#?}");
}
