//! Holds the handbook to the product: every command that it shows is one, every configuration is taken, and the tables of settings
//! are those of the schemas.
//!
//! What is made of the product is written anew by `UPDATE_HANDBOOK=1 cargo test -p syncline handbook`.

#![expect(clippy::unwrap_used, reason = "tests")]

mod blocks;
mod commands;
mod configurations;
mod held;
mod list;
mod messages;
mod routes;
mod settings;

use std::path::{Path, PathBuf};

/// A text that people read, by its path from the workspace's folder.
struct Manual {
    path: String,
    text: String,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages of the handbook, the connectors' own, and the READMEs for those who run the product; by their paths.
fn manuals() -> Vec<Manual> {
    let mut paths = ["README.md", "crates/syncline/README.md", "deploy/README.md"].map(str::to_owned).to_vec();
    for connector in files_of("connectors") {
        paths.push(format!("{connector}/docs.md"));
    }
    let mut folders = vec!["docs/src".to_owned()];
    while let Some(folder) = folders.pop() {
        let (inner, files): (Vec<_>, Vec<_>) =
            files_of(&folder).into_iter().partition(|path| workspace().join(path).is_dir());
        folders.extend(inner);
        paths.extend(files.into_iter().filter(|path| Path::new(path).extension().is_some_and(|name| name == "md")));
    }
    paths.sort();
    let manual = |path: String| Manual { text: std::fs::read_to_string(workspace().join(&path)).unwrap(), path };
    paths.into_iter().map(manual).collect()
}

fn files_of(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(workspace().join(folder)).unwrap();
    let mut paths: Vec<_> =
        entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    paths.sort();
    paths
}

/// Compares a generated page with the one that is there, or writes it.
fn holds(page: &str, text: &str) {
    let file = workspace().join("docs/src").join(page);
    let text =
        format!("<!-- Made of the product itself by `UPDATE_HANDBOOK=1 cargo test -p syncline handbook`. -->\n{text}");
    if std::env::var_os("UPDATE_HANDBOOK").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == text,
        "docs/src/{page} is not what the product says: run `UPDATE_HANDBOOK=1 cargo test -p syncline handbook` and look at \
         what it changed"
    );
}
