//! What mdBook says nothing of: parts of files that are not there, and pages that nobody finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use regex::Regex;

/// What is wrong with the pages in a folder.
pub(super) fn findings(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner).with_context(|| format!("`{}` cannot be read", inner.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|name| name == "md") {
                pages.insert(path.clone(), std::fs::read_to_string(&path)?);
            }
        }
    }
    let mut findings = Vec::new();
    let mut found: BTreeSet<PathBuf> = BTreeSet::from([folder.join("SUMMARY.md")]);
    let link = Regex::new(r"\]\(([^)#]+\.md)\)")?;
    for (_, [target]) in link.captures_iter(&pages[&folder.join("SUMMARY.md")]).map(|found| found.extract()) {
        found.insert(folder.join(target));
    }
    for (page, text) in &pages {
        let name = page.strip_prefix(folder).unwrap_or(page).display();
        for (target, anchor) in includes(text)? {
            let file = plain(&page.parent().unwrap_or(folder).join(target));
            // One that is missing is mdBook's to tell.
            let Ok(included) = std::fs::read_to_string(&file) else { continue };
            if anchor.is_some_and(|anchor| !has_anchor(&included, anchor)) {
                findings.push(format!("{name}: `{target}` has no anchor `{}`", anchor.unwrap_or_default()));
            }
            found.insert(file);
        }
    }
    for page in pages.keys().filter(|page| !found.contains(*page)) {
        let name = page.strip_prefix(folder).unwrap_or(page).display();
        findings.push(format!("{name}: neither SUMMARY.md nor another page names it"));
    }
    Ok(findings)
}

/// The files that a page includes, with the name of the part; lines by number are no names.
fn includes(text: &str) -> anyhow::Result<Vec<(&str, Option<&str>)>> {
    let directive = Regex::new(r"\{\{#(?:rustdoc_)?include\s+([^:}\s]+)(?::([^}\s]*))?\s*\}\}")?;
    let includes = directive.captures_iter(text).filter_map(|found| {
        let anchor = found.get(2).map(|anchor| anchor.as_str()).filter(|anchor| !anchor.is_empty());
        let named = anchor.filter(|anchor| !anchor.starts_with(|first: char| first.is_ascii_digit() || first == ':'));
        Some((found.get(1)?.as_str(), named))
    });
    Ok(includes.collect())
}

fn has_anchor(text: &str, anchor: &str) -> bool {
    let marked = |mark: &str| {
        text.lines().any(|line| {
            let after = line.split_once(mark).map(|(_, name)| name.trim_start());
            after.and_then(|name| name.split_whitespace().next()) == Some(anchor)
        })
    };
    marked("ANCHOR:") && marked("ANCHOR_END:")
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_pages_that_are_not_there_are_found() {
        let folder = std::env::temp_dir().join(format!("handbook-sources-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("inner")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("SUMMARY.md", "- [A](a.md)\n  - [B](inner/b.md)\n");
        write(
            "a.md",
            "{{#include code.rs:good}} {{#include code.rs:gone}} {{#include code.rs:3:5}} {{#include part.md}}\n",
        );
        write("inner/b.md", "{{#include ../code.rs:open}}\n");
        write("part.md", "");
        write("alone.md", "");
        write("code.rs", "// ANCHOR: good\n// ANCHOR_END: good\n// ANCHOR: open\n");
        let found = findings(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            found,
            [
                "a.md: `code.rs` has no anchor `gone`",
                "inner/b.md: `../code.rs` has no anchor `open`",
                "alone.md: neither SUMMARY.md nor another page names it"
            ]
        );
    }
}
