//! `cargo xtask tidy`: the workspace's own rules. `cargo test` runs each of them as a test.

mod documents;
mod manifests;
mod sources;

use std::fmt;
use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::Outcome;

/// The files that git tracks, and those that it would if they were added.
struct Tree {
    files: Vec<File>,
}

struct File {
    /// From the folder of the workspace, with `/`.
    path: String,
    /// None when it is not text.
    text: Option<String>,
    bytes: u64,
}

/// A rule that does not hold.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1; none when it is about the whole file.
    line: Option<usize>,
    what: String,
}

type Rule = fn(&Tree) -> Vec<Finding>;

/// Every rule with its name.
const RULES: [(&str, Rule); 12] = [
    ("connectors are linked", manifests::connectors_are_linked),
    ("versions stand in one place", manifests::versions_stand_in_one_place),
    ("every dependency is used", manifests::every_dependency_is_used),
    ("lints are inherited", manifests::lints_are_inherited),
    ("arrows point one way", manifests::arrows_point_one_way),
    ("sources hold nothing unfinished", sources::nothing_unfinished),
    ("files are small", sources::files_are_small),
    ("the tutorial's connectors are short", sources::examples_are_short),
    ("files name no machine", sources::no_machine),
    ("links lead somewhere", documents::links_lead_somewhere),
    ("includes lead somewhere", documents::includes_lead_somewhere),
    ("field lessons have their tests", documents::lessons_have_their_tests),
];

pub(crate) fn run(root: &Path) -> anyhow::Result<Outcome> {
    let tree = Tree::read(root)?;
    let mut outcome = Outcome::Good;
    for (name, rule) in RULES {
        let findings = rule(&tree);
        println!("{:<8} {name}", if findings.is_empty() { "holds" } else { "BROKEN" });
        for finding in &findings {
            println!("         {finding}");
            outcome = Outcome::Bad;
        }
    }
    Ok(outcome)
}

/// The texts in Markdown, by their paths.
#[cfg(test)]
pub(crate) fn manuals(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let tree = Tree::read(root)?;
    Ok(tree.texts(".md").map(|(path, text)| (path.to_owned(), text.to_owned())).collect())
}

impl Tree {
    fn read(root: &Path) -> anyhow::Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(root);
        let listed = cmd!(shell, "git ls-files -z --cached --others --exclude-standard")
            .quiet()
            .read()
            .context("the rules are about the files that git knows")?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let full = root.join(path);
            // Deleted and not yet committed, or a link to a folder.
            if !full.is_file() {
                continue;
            }
            let content = std::fs::read(&full).with_context(|| format!("`{path}` cannot be read"))?;
            let bytes = content.len() as u64;
            files.push(File { path: path.to_owned(), text: String::from_utf8(content).ok(), bytes });
        }
        Ok(Self { files })
    }

    /// Text files whose path ends in this.
    fn texts<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.iter().filter(move |file| file.path.ends_with(ending));
        files.filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }
}

impl Finding {
    fn new(path: &str, line: impl Into<Option<usize>>, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: line.into(), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.path, self.what),
            None => write!(formatter, "{}: {}", self.path, self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Tree {
        /// A tree of these texts, to break rules in.
        pub(super) fn of(files: &[(&str, &str)]) -> Self {
            let file = |(path, text): &(&str, &str)| File {
                path: (*path).to_owned(),
                text: Some((*text).to_owned()),
                bytes: text.len() as u64,
            };
            Self { files: files.iter().map(file).collect() }
        }
    }

    /// What the rule says about a tree, as text.
    pub(super) fn says(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
        rule(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn this_workspace_keeps_its_rules() {
        let tree = Tree::read(crate::root()).unwrap();
        let broken: Vec<String> = RULES
            .iter()
            .flat_map(|(name, rule)| rule(&tree).into_iter().map(move |finding| format!("{name}: {finding}")))
            .collect();
        assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    }
}
