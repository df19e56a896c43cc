//! Rules about Markdown.

use std::collections::BTreeSet;

use super::{Finding, Tree};

/// A link to a file of the repository leads to one.
pub(super) fn links_lead_somewhere(tree: &Tree) -> Vec<Finding> {
    let mut places = BTreeSet::new();
    for file in &tree.files {
        // A link may also lead to a folder.
        let folders = file.path.match_indices('/').map(|(at, _)| &file.path[..at]);
        places.extend(folders.chain([file.path.as_str()]));
    }
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".md") {
        for (line, target) in links(text) {
            let place = target.split('#').next().unwrap_or_default();
            if !place.is_empty() && !resolve(path, place).is_some_and(|place| places.contains(place.as_str())) {
                findings.push(Finding::new(path, line, format!("the link to `{target}` leads nowhere")));
            }
        }
    }
    findings
}

/// What a page of the handbook includes is there, and so is the anchor that it names: mdBook would show nothing, and say nothing.
pub(super) fn includes_lead_somewhere(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".md") {
        for (line, content) in (1..).zip(text.lines()) {
            let includes = content.split("{{#").skip(1).filter_map(|rest| rest.split_once("}}"));
            let includes =
                includes.filter_map(|(inner, _)| inner.split_once("include ").map(|(_, target)| target.trim()));
            for target in includes {
                let (file, part) = target.split_once(':').unwrap_or((target, ""));
                let included = resolve(path, file).and_then(|file| tree.text(&file));
                let is_anchor = part.contains(|letter: char| letter.is_alphabetic());
                let what = match included {
                    None => format!("the include `{file}` leads nowhere"),
                    Some(text) if is_anchor && !has_anchor(text, part) => format!("`{file}` has no anchor `{part}`"),
                    Some(_) => continue,
                };
                findings.push(Finding::new(path, line, what));
            }
        }
    }
    findings
}

fn has_anchor(text: &str, name: &str) -> bool {
    let is = |word: &str| {
        let wanted = format!("{word}: {name}");
        // In Markdown it is a comment.
        text.lines().any(|line| line.trim_end().trim_end_matches("-->").trim_end().ends_with(&wanted))
    };
    is("ANCHOR") && is("ANCHOR_END")
}

/// The pages of lessons: tables whose last column names tests.
const LESSONS: [&str; 2] = ["docs/src/field-lessons.md", "docs/src/zabbix-lessons.md"];

/// Every test that the pages of lessons name exists.
pub(super) fn lessons_have_their_tests(tree: &Tree) -> Vec<Finding> {
    let tests: BTreeSet<&str> = tree.texts(".rs").flat_map(|(_, text)| functions(text)).collect();
    let mut findings = Vec::new();
    for path in LESSONS {
        let page = tree.text(path).unwrap_or_default();
        for (line, content) in (1..).zip(page.lines()).filter(|(_, content)| content.starts_with("| ")) {
            let Some(named) = content.trim_end_matches('|').rsplit('|').next() else { continue };
            for test in named.split('`').skip(1).step_by(2).filter(|test| !tests.contains(test)) {
                findings.push(Finding::new(path, line, format!("there is no test `{test}`")));
            }
        }
    }
    findings
}

/// The names of the functions in a source.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (_, declared) = line.split_once("fn ")?;
        declared.split(['(', '<']).next().map(str::trim)
    })
}

/// Links outside code, with their lines; addresses and names of Rust items left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (line, content) in (1..).zip(text.lines()) {
        if content.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (at, _) in content.match_indices("](") {
            let in_code = content[..at].matches('`').count() % 2 == 1;
            let Some((target, _)) = content[at + 2..].split_once(')') else { continue };
            // What follows a blank is a title.
            let target = target.split_whitespace().next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:") || target.contains("::");
            if !in_code && !elsewhere {
                links.push((line, target));
            }
        }
    }
    links
}

/// The path from the root that a link in `from` means; none when it leads out of the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = if link.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    #[test]
    fn lessons_without_tests_are_found() {
        let page = "# Lessons\n| # | requirement | tests |\n|--:|---|---|\n| 1 | `a` is b | `it_is_b`, `it_is_c` |\n";
        let files = [(LESSONS[0], page), ("src/a.rs", "#[tokio::test]\nasync fn it_is_b() {}\n")];
        assert_eq!(says(lessons_have_their_tests, &files), ["docs/src/field-lessons.md:4: there is no test `it_is_c`"]);
    }

    #[test]
    fn includes_of_nothing_are_found() {
        let page =
            "{{#include ../a.rs:one}}\n{{#rustdoc_include ../a.rs:1:2}}\n{{#include ../a.rs:two}}\n{{#include b.rs}}\n";
        let code = "<!-- ANCHOR: one -->\nlet a = 1;\n// ANCHOR_END: one\n// ANCHOR: two\n";
        assert_eq!(
            says(includes_lead_somewhere, &[("docs/a.md", page), ("a.rs", code)]),
            ["docs/a.md:3: `../a.rs` has no anchor `two`", "docs/a.md:4: the include `b.rs` leads nowhere"]
        );
    }

    #[test]
    fn dead_links_are_found() {
        let text = "[a](b.md) [c](../README.md#top) [d](https://example.net) [e](#here) [f](crate::Model)\n\
                    [g](gone.md) `[h](code.md)` [i](../docs)\n```\n[j](fenced.md)\n```\n[k](../../out.md)\n";
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("README.md", "")];
        assert_eq!(
            says(links_lead_somewhere, &files),
            [
                "docs/a.md:2: the link to `gone.md` leads nowhere",
                "docs/a.md:6: the link to `../../out.md` leads nowhere"
            ]
        );
    }
}
