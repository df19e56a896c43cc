//! What mdBook says nothing of: pages that nobody finds. That includes lead somewhere is for `cargo xtask tidy` to tell.

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
        found.extend(includes(text)?.into_iter().map(|target| plain(&page.parent().unwrap_or(folder).join(target))));
    }
    for page in pages.keys().filter(|page| !found.contains(*page)) {
        let name = page.strip_prefix(folder).unwrap_or(page).display();
        findings.push(format!("{name}: neither SUMMARY.md nor another page names it"));
    }
    Ok(findings)
}

/// The files that a page includes.
fn includes(text: &str) -> anyhow::Result<Vec<&str>> {
    let directive = Regex::new(r"\{\{#(?:rustdoc_)?include\s+([^:}\s]+)[^}]*\}\}")?;
    Ok(directive.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str())).collect())
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
    fn pages_that_nobody_names_are_found() {
        let folder = std::env::temp_dir().join(format!("handbook-sources-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("inner")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("SUMMARY.md", "- [A](a.md)\n  - [B](inner/b.md)\n");
        write("a.md", "{{#include part.md:some}}\n");
        write("inner/b.md", "{{#include ../other.md}}\n");
        write("part.md", "");
        write("other.md", "");
        write("alone.md", "");
        let found = findings(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, ["alone.md: neither SUMMARY.md nor another page names it"]);
    }
}
