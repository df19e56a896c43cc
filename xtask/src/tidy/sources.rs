//! Rules about what stands in files.

use super::{Finding, Tree};

const MOST_LINES: usize = 800;
const MOST_BYTES: u64 = 1 << 20;

/// What a finished change does not hold. Put together here, so that the rule does not find itself.
const UNFINISHED: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimp", "lemented!("),
    concat!("db", "g!("),
    concat!("#[ig", "nore"),
    concat!("thread::", "sleep"),
];

/// Folders of somebody's machine.
const MACHINE: [&str; 5] =
    [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/"), concat!("/tm", "p/")];

/// Hosts that cargo, pip, npm and apt know by themselves.
const REGISTRIES: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

/// Nothing is left to be written, looked at or waited for.
pub(super) fn nothing_unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".rs") {
        for (line, content) in (1..).zip(text.lines()) {
            for word in UNFINISHED.iter().filter(|word| content.contains(**word)) {
                findings.push(Finding::new(path, line, format!("`{word}`")));
            }
        }
    }
    findings
}

/// One subject, one file; and nothing that does not belong into a repository.
pub(super) fn files_are_small(tree: &Tree) -> Vec<Finding> {
    let long = tree.texts(".rs").filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > MOST_LINES).then(|| Finding::new(path, None, format!("{lines} lines; {MOST_LINES} at most")))
    });
    let big = tree.files.iter().filter(|file| file.bytes > MOST_BYTES);
    let big = big.map(|file| Finding::new(&file.path, None, format!("{} bytes; {MOST_BYTES} at most", file.bytes)));
    long.chain(big).collect()
}

/// How much code some connectors have, and may have: those of the tutorial, whose pages say so, and one that was written with what core
/// has for connectors, which shows that it is enough.
const EXAMPLES: [(&str, usize); 3] =
    [("examples/shelf-source/src/", 60), ("examples/shelf/src/", 250), ("connectors/nautobot/src/", 899)];

/// What a connector costs is what the tutorial says: lines of code, without empty ones and comments.
pub(super) fn examples_are_short(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (folder, most) in EXAMPLES {
        let texts = tree.texts(".rs").filter(|(path, _)| path.starts_with(folder) && !path.ends_with("/tests.rs"));
        let lines: usize = texts.map(|(_, text)| lines_of_code(text)).sum();
        if lines > most {
            findings.push(Finding::new(folder, None, format!("{lines} lines of code; {most} at most")));
        }
        if lines == 0 && folder.starts_with("examples/") {
            findings.push(Finding::new(folder, None, "no code: the tutorial is about it"));
        }
    }
    findings
}

fn lines_of_code(text: &str) -> usize {
    text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// A clone works on every machine: no paths of one, and no addresses that the package managers know themselves.
pub(super) fn no_machine(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts("") {
        // The lock file names the registry in every entry.
        if path == "Cargo.lock" {
            continue;
        }
        for (line, content) in (1..).zip(text.lines()) {
            let folder = MACHINE.iter().find(|folder| stands_alone(content, folder));
            let host = REGISTRIES.iter().find(|host| content.contains(**host));
            for found in folder.into_iter().chain(host) {
                findings.push(Finding::new(path, line, format!("`{found}`")));
            }
        }
    }
    findings
}

/// Whether the path is there and begins there: `/api/root/` is another.
fn stands_alone(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "_-.}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    #[test]
    fn what_is_unfinished_is_found() {
        let text = format!("fn a() {{\n    {}\"later\");\n}}\n", UNFINISHED[0]);
        assert_eq!(says(nothing_unfinished, &[("a.rs", &text)]), [format!("a.rs:2: `{}`", UNFINISHED[0])]);
    }

    #[test]
    fn long_files_are_found() {
        let (long, short) = ("\n".repeat(801), "\n".repeat(800));
        assert_eq!(
            says(files_are_small, &[("long.rs", &long), ("short.rs", &short), ("long.md", &long)]),
            ["long.rs: 801 lines; 800 at most"]
        );
    }

    #[test]
    fn long_examples_are_found() {
        let (source, target) = ("examples/shelf-source/src/lib.rs", "examples/shelf/src/lib.rs");
        let fits = "let a = 1; // 1\n\n    /// 2\n".repeat(60);
        assert_eq!(says(examples_are_short, &[(source, &fits), (target, &fits)]), Vec::<String>::new());
        let other = "examples/shelf/src/more.rs";
        let long = "}\n".repeat(191);
        assert_eq!(
            says(examples_are_short, &[(source, &format!("{fits}}}\n")), (target, &fits), (other, &long)]),
            [
                "examples/shelf-source/src/: 61 lines of code; 60 at most",
                "examples/shelf/src/: 251 lines of code; 250 at most"
            ]
        );
        assert_eq!(says(examples_are_short, &[]).len(), 2);
    }

    #[test]
    fn machines_are_found() {
        let text = format!("see {}main\nsee /api{0}main\n\nfrom {}\n", MACHINE[3], REGISTRIES[0]);
        let found = [format!("a.md:1: `{}`", MACHINE[3]), format!("a.md:4: `{}`", REGISTRIES[0])];
        assert_eq!(says(no_machine, &[("a.md", &text), ("Cargo.lock", &text)]), found);
    }
}
