//! Every link of the built book leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use regex::Regex;

/// Made of the other pages by mdBook, with links of its own making.
const MADE: [&str; 3] = ["404.html", "print.html", "toc.html"];

/// A page of the book: where it leads, and the places in it that can be led to.
struct Page {
    links: Vec<String>,
    places: BTreeSet<String>,
}

/// Links of the book that lead nowhere, one a line.
pub(super) fn findings(book: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = BTreeSet::new();
    let mut pages = BTreeMap::new();
    let mut folders = vec![book.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("`{}` cannot be read", folder.display()))? {
            let path = entry?.path();
            let name = name(book, &path);
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_some_and(|ending| ending == "html") && !MADE.contains(&name.as_str()) {
                pages.insert(name.clone(), page(&std::fs::read_to_string(&path)?)?);
            }
            files.insert(name);
        }
    }
    judge(&files, &pages)
}

fn name(book: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(book).unwrap_or(path).components();
    parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}

fn page(html: &str) -> anyhow::Result<Page> {
    let all = |pattern: &str| -> anyhow::Result<Vec<String>> {
        let found = Regex::new(pattern)?;
        Ok(found.captures_iter(html).filter_map(|found| Some(found.get(1)?.as_str().replace("&amp;", "&"))).collect())
    };
    let links = all(r#"<[a-z]+\s[^<>]*?\b(?:href|src)="([^"]*)""#)?;
    let places = all(r#"<[a-z0-9]+\s[^<>]*?\b(?:id|name)="([^"]+)""#)?;
    Ok(Page { links, places: places.into_iter().collect() })
}

fn judge(files: &BTreeSet<String>, pages: &BTreeMap<String, Page>) -> anyhow::Result<Vec<String>> {
    // Only the form is judged: what is elsewhere may come and go, and CI need not reach it.
    let elsewhere = Regex::new(r"^(https?://[\w.-]+(:\d+)?([/?#]\S*)?|mailto:\S+@\S+)$")?;
    let mut findings = Vec::new();
    for (name, page) in pages {
        for link in &page.links {
            if link.contains(':') {
                if !elsewhere.is_match(link) {
                    findings.push(format!("{name}: the link to `{link}` is none"));
                }
                continue;
            }
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            let path = path.split('?').next().unwrap_or_default();
            let Some(target) = resolve(name, path) else {
                findings.push(format!("{name}: the link to `{link}` leads out of the book"));
                continue;
            };
            if !files.contains(&target) {
                findings.push(format!("{name}: the link to `{link}` leads nowhere"));
            } else if !place.is_empty() && pages.get(&target).is_some_and(|page| !page.places.contains(place)) {
                findings.push(format!("{name}: the link to `{link}` leads to no place of `{target}`"));
            }
        }
    }
    findings.dedup();
    Ok(findings)
}

/// The file that a link in a page means; none when it leads out of the book.
fn resolve(page: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(page.to_owned());
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            "" => parts.push("index.html"),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let a = r##"<h1 id="top"><a class="header" href="#top">A</a></h1><a href="inner/b.html#place">b</a>
            <a href="inner/b.html#gone">c</a> <a href="no.html">d</a> <a href="../out.md">e</a> <img src="logo.svg">
            <a href="https://example.net/a?b#c">f</a> <a href="http//example.net">g</a> <a href="crate::Model">h</a>"##;
        let b = r#"<h2 class="x" id="place">B</h2> <a href="../">up</a> <a href="../a.html#top">a</a>"#;
        let pages = [("a.html", a), ("index.html", a), ("inner/b.html", b)];
        let pages: BTreeMap<_, _> =
            pages.into_iter().map(|(name, html)| (name.to_owned(), page(html).unwrap())).collect();
        let files = pages.keys().cloned().chain(["logo.svg".to_owned()]).collect();
        let mut found = judge(&files, &pages).unwrap();
        found.retain(|finding| !finding.starts_with("index"));
        assert_eq!(
            found,
            [
                "a.html: the link to `inner/b.html#gone` leads to no place of `inner/b.html`",
                "a.html: the link to `no.html` leads nowhere",
                "a.html: the link to `../out.md` leads out of the book",
                "a.html: the link to `http//example.net` leads nowhere",
                "a.html: the link to `crate::Model` is none",
            ]
        );
    }
}
