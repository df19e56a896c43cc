//! The files of a new connector: the examples of the tutorial and the simulated system that they speak to, under another name.
//!
//! The examples are compiled and prove themselves, so what is made of them does. Their anchors, by which the tutorial shows them part by part,
//! say here what a connector with one side has no use for, and where to tell people what to replace.

use std::fmt::Write as _;

use super::Shape;
use super::marks::{self, Marks, WORD};
use super::name::Name;

/// A file, as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// Its path from the folder of the connector.
    pub path: String,
    pub text: String,
}

/// A file that another one is made of.
struct Part {
    /// Where it is to be; `{id}` stands for the connector's.
    path: &'static str,
    text: &'static str,
    marks: Marks,
    /// What is put before its first `use`.
    modules: &'static [&'static str],
}

const MANUAL: &str = include_str!("template/docs.md");
const PRELUDE: &str = include_str!("../../../crates/core/src/prelude.rs");
const SOURCE_MANIFEST: &str = include_str!("../../../examples/shelf-source/Cargo.toml");
const SIDES_MANIFEST: &str = include_str!("../../../examples/shelf/Cargo.toml");

const SIMULATOR: Part = Part {
    path: "tests/conformance/simulator/mod.rs",
    text: include_str!("../../../crates/testkit/src/shelf/mod.rs"),
    marks: marks::SIMULATOR,
    modules: &[],
};

const SIMULATOR_WRITES: Part = Part {
    path: "tests/conformance/simulator/write.rs",
    text: include_str!("../../../crates/testkit/src/shelf/write.rs"),
    marks: marks::SIMULATOR_WRITES,
    modules: &[],
};

/// Cargo puts the examples of all packages into one folder, so its name says whose it is.
const SIMULATOR_ALONE: Part = Part {
    path: "examples/{id}-simulator.rs",
    text: include_str!("template/simulator.rs"),
    marks: marks::SIMULATOR_ALONE,
    modules: &[],
};

const SOURCE: [Part; 4] = [
    Part {
        path: "src/lib.rs",
        text: include_str!("../../../examples/shelf-source/src/lib.rs"),
        marks: marks::SOURCE,
        modules: &[],
    },
    Part {
        path: "tests/conformance/main.rs",
        text: include_str!("../../../examples/shelf-source/tests/conformance.rs"),
        marks: marks::SOURCE_LAB,
        modules: &["simulator"],
    },
    SIMULATOR,
    SIMULATOR_ALONE,
];

const SIDES: [Part; 8] = [
    Part {
        path: "src/lib.rs",
        text: include_str!("../../../examples/shelf/src/lib.rs"),
        marks: marks::SIDES,
        modules: &[],
    },
    Part {
        path: "src/read.rs",
        text: include_str!("../../../examples/shelf/src/read.rs"),
        marks: marks::READ,
        modules: &[],
    },
    Part {
        path: "src/write.rs",
        text: include_str!("../../../examples/shelf/src/write.rs"),
        marks: marks::WRITE,
        modules: &[],
    },
    Part {
        path: "tests/conformance/main.rs",
        text: include_str!("../../../examples/shelf/tests/conformance.rs"),
        marks: &[],
        modules: &["simulator"],
    },
    Part {
        path: "tests/conformance/lab.rs",
        text: include_str!("../../../examples/shelf/tests/lab/mod.rs"),
        marks: marks::LAB,
        modules: &[],
    },
    SIMULATOR,
    SIMULATOR_WRITES,
    SIMULATOR_ALONE,
];

/// The packages that the simulator is made with, beside those of the connector.
const FOR_TESTS: &str = "[dev-dependencies]\n\
    axum.workspace = true\n\
    syncline-conformance.workspace = true\n\
    tokio.workspace = true\n\
    tokio-util.workspace = true\n";

/// Every text that code is made of, and the names that it finds there.
pub(super) fn everything() -> impl Iterator<Item = &'static str> {
    SOURCE.iter().chain(&SIDES).map(|part| part.text).chain([PRELUDE])
}

/// The files of a connector with this name.
pub(super) fn files(name: &Name, shape: Shape) -> Vec<Made> {
    let parts: &[Part] = if shape.target { &SIDES } else { &SOURCE };
    let mut files = vec![Made { path: "Cargo.toml".to_owned(), text: manifest(name, shape) }];
    files.extend(
        parts.iter().map(|part| Made { path: part.path.replace("{id}", name.id()), text: code(part, name, shape) }),
    );
    files.push(Made { path: "docs.md".to_owned(), text: manual(name, shape) });
    files
}

fn manifest(name: &Name, shape: Shape) -> String {
    let example = if shape.target { SIDES_MANIFEST } else { SOURCE_MANIFEST };
    let kept = example.split("[dev-dependencies]").next().unwrap_or_default();
    let description = format!("{} as {}", name.label(), shape.words());
    let line = |line: &str| match line.split_once(" = ") {
        Some(("name", _)) => format!("name = \"{}\"\n", name.package()),
        Some(("description", _)) => format!("description = \"{description}\"\n"),
        _ => format!("{line}\n"),
    };
    kept.lines().map(line).collect::<String>() + FOR_TESTS
}

fn manual(name: &Name, shape: Shape) -> String {
    let (models, rows) = if shape.target {
        ("sites and VLANs", "| site | `site` |\n| VLAN | `vlan` |")
    } else {
        ("sites", "| site | `site` |")
    };
    let verb = match (shape.source, shape.target) {
        (true, true) => "read and written",
        (true, false) => "read",
        (false, _) => "written",
    };
    MANUAL
        .replace("{label}", &name.label())
        .replace("{id}", name.id())
        .replace("{variable}", &name.variable())
        .replace("{shape}", shape.words())
        .replace("{models}", models)
        .replace("{verb}", verb)
        .replace("{rows}", rows)
}

/// The text of a part: without anchors and what this shape has no use for, with what is to be replaced, under its own name.
fn code(part: &Part, name: &Name, shape: Shape) -> String {
    let mut text = String::new();
    // The anchor of what is left out.
    let mut left_out: Option<&str> = None;
    let mut modules = part.modules.iter();
    // What is taken from the simulator, a module of the tests: behind what is taken from other packages.
    let mut from_simulator: Option<&str> = None;
    for line in part.text.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if let Some(anchor) = line.trim().strip_prefix("// ANCHOR_END: ") {
            left_out = left_out.filter(|left_out| *left_out != anchor);
        } else if let Some(anchor) = line.trim().strip_prefix("// ANCHOR: ") {
            if left_out.is_none() && !shape.has(anchor) {
                left_out = Some(anchor);
            }
            let mark = part.marks.iter().find(|(marked, _)| *marked == anchor && left_out.is_none());
            if let Some((_, what)) = mark {
                let _ = writeln!(text, "{indent}// {WORD}: {what}");
            }
        } else if left_out.is_none() {
            if line.starts_with("use ") {
                for module in modules.by_ref() {
                    // Beside the modules that there are.
                    text.truncate(text.trim_end_matches("\n\n").len() + if text.ends_with(";\n\n") { 1 } else { 2 });
                    let _ = write!(text, "mod {module};\n\n");
                }
            }
            if line.starts_with("use syncline_testkit::shelf::") {
                from_simulator = Some(line);
                continue;
            }
            if let Some(line) = from_simulator.take_if(|_| line.is_empty()) {
                let _ = write!(text, "\n{line}\n");
            }
            // What was left out stood between two empty lines.
            if !line.is_empty() || !text.ends_with("\n\n") {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    let text = renamed(&text, name, shape);
    match text.split_once('\n') {
        Some((_, rest)) if part.path == "src/lib.rs" => format!("#![doc = include_str!(\"../docs.md\")]\n{rest}"),
        _ => text,
    }
}

/// A text of the shelf's as another connector's.
fn renamed(text: &str, name: &Name, shape: Shape) -> String {
    let (id, variable) = if shape.target { ("shelf", "SHELF") } else { ("shelf-source", "SHELF_SOURCE") };
    let registered = match (shape.source, shape.target) {
        (true, true) => "source, target",
        (true, false) => "source",
        (false, _) => "target",
    };
    // A name may hold the word that is replaced: `bookshelf`.
    let kept = |own: &str| own.replace("shelf", "she\0lf").replace("Shelf", "She\0lf").replace("SHELF", "SHE\0LF");
    let text = text
        .replace("syncline_testkit::shelf::", "crate::simulator::")
        .replace(&format!("syncline_connector_{}", id.replace('-', "_")), &kept(&name.krate()))
        .replace(&format!("CONFORMANCE_{variable}"), &kept(&format!("CONFORMANCE_{}", name.variable())))
        .replace(&format!("\"{id}\""), &kept(&format!("\"{}\"", name.id())))
        .replace("\"Shelf\"", &kept(&format!("\"{}\"", name.label())))
        .replace("\"Shelf with", &kept(&format!("\"{} with", name.label())))
        .replace("(Shelf, source, target)", &format!("(Shelf, {registered})"))
        .replace("shelf-token", &kept(&format!("{}-token", name.id())))
        .replace("Shelf", &kept(&name.type_name()));
    // What is left are variables and prose: `a shelf`.
    text.replace("shelf", "system").replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 3] = [Shape::SOURCE, Shape::TARGET, Shape::BOTH];

    fn made(shape: Shape) -> Vec<Made> {
        files(&Name::parse("acme-ipam").unwrap(), shape)
    }

    /// A name may hold the sample's own.
    #[test]
    fn a_shelf_stays_a_shelf_in_a_name() {
        let name = Name::parse("acme-shelf").unwrap();
        for shape in SHAPES {
            let all: String = files(&name, shape).into_iter().map(|made| made.text).collect();
            for own in ["\"acme-shelf\"", "syncline_connector_acme_shelf", "CONFORMANCE_ACME_SHELF", "acme-shelf-token"]
            {
                assert!(all.contains(own), "{own}");
            }
            assert!(!all.contains("acme-system") && !all.contains("acme_system") && !all.contains('\0'));
        }
    }

    #[test]
    fn every_shape_has_its_files() {
        let paths = SHAPES.map(|shape| made(shape).into_iter().map(|made| made.path).collect::<Vec<_>>());
        let source = [
            "Cargo.toml",
            "src/lib.rs",
            "tests/conformance/main.rs",
            "tests/conformance/simulator/mod.rs",
            "examples/acme-ipam-simulator.rs",
            "docs.md",
        ];
        assert_eq!(paths[0], source);
        let both = [
            "Cargo.toml",
            "src/lib.rs",
            "src/read.rs",
            "src/write.rs",
            "tests/conformance/main.rs",
            "tests/conformance/lab.rs",
            "tests/conformance/simulator/mod.rs",
            "tests/conformance/simulator/write.rs",
            "examples/acme-ipam-simulator.rs",
            "docs.md",
        ];
        assert_eq!(paths[1], both);
        assert_eq!(paths[2], both);
    }

    #[test]
    fn nothing_of_the_examples_is_left() {
        for made in SHAPES.into_iter().flat_map(made) {
            let text = made.text.to_lowercase();
            let placeholders = ["{label}", "{id}", "{variable}", "{shape}", "{models}", "{verb}", "{rows}"];
            let words = ["shelf", "anchor", "testkit", "\n\n\n"].into_iter();
            for word in words.chain(placeholders.into_iter().filter(|_| made.path == "docs.md")) {
                assert!(!text.contains(word), "`{word}` is left in {}:\n{}", made.path, made.text);
            }
        }
    }

    /// What the page says of models is what its shape has, and its example is one that the host takes.
    #[test]
    fn a_manual_tells_of_what_the_connector_has() {
        let manual = |shape| made(shape).into_iter().find(|made| made.path == "docs.md").unwrap().text;
        let both = manual(Shape::BOTH);
        assert!(both.starts_with("Acme Ipam as a data source and a data target: its sites and VLANs.\n"), "{both}");
        assert!(both.contains("## What is read and written\n"), "{both}");
        assert!(both.ends_with("|---|---|\n| site | `site` |\n| VLAN | `vlan` |\n"), "{both}");
        assert!(manual(Shape::TARGET).contains("## What is written\n"));
        let source = manual(Shape::SOURCE);
        assert!(source.contains("## What is read\n") && !source.to_lowercase().contains("vlan"), "{source}");
        let (_, example) = source.split_once("```toml,fragment\n").unwrap();
        let example: toml::Table = example.split_once("```").unwrap().0.parse().unwrap();
        assert_eq!(example["connections"]["acme-ipam"]["connector"].as_str(), Some("acme-ipam"));
        assert_eq!(example["connections"]["acme-ipam"]["token"].as_str(), Some("env:ACME_IPAM_TOKEN"));
    }

    /// A mark whose anchor is renamed in the examples would be lost without a word.
    #[test]
    fn every_mark_is_in_its_place() {
        let parts = SOURCE.iter().map(|part| (part, Shape::SOURCE)).chain(SIDES.iter().map(|part| (part, Shape::BOTH)));
        for (part, shape) in parts {
            let text = code(part, &Name::parse("acme").unwrap(), shape);
            for (anchor, what) in part.marks {
                assert!(text.contains(&format!("// {WORD}: {what}\n")), "`{anchor}` of {}:\n{text}", part.path);
            }
        }
    }

    #[test]
    fn a_side_that_is_not_wanted_is_left_out() {
        let lib = |shape| made(shape).into_iter().find(|made| made.path == "src/lib.rs").unwrap().text;
        assert!(lib(Shape::BOTH).contains("register_connector!(AcmeIpam, source, target);"));
        assert!(lib(Shape::BOTH).contains("impl DataSource for"));
        let target = lib(Shape::TARGET);
        assert!(target.contains("register_connector!(AcmeIpam, target);"), "{target}");
        assert!(!target.contains("impl DataSource for") && !target.contains("impl ConnectSource for"), "{target}");
        assert!(lib(Shape::SOURCE).contains("register_connector!(AcmeIpam, source);"));
        let simulator =
            |shape| made(shape).into_iter().find(|made| made.path.ends_with("simulator/mod.rs")).unwrap().text;
        assert!(simulator(Shape::TARGET).contains("mod write;"));
        assert!(!simulator(Shape::SOURCE).contains("write::"), "{}", simulator(Shape::SOURCE));
        let alone = |shape| made(shape).into_iter().find(|made| made.path.ends_with("-simulator.rs")).unwrap().text;
        assert!(alone(Shape::TARGET).contains("Kind::Vlans") && alone(Shape::TARGET).contains("AcmeIpamSim::start()"));
        assert!(!alone(Shape::SOURCE).contains("Vlans"), "{}", alone(Shape::SOURCE));
    }

    #[test]
    fn a_manifest_takes_its_versions_from_the_workspace() {
        let manifest = &made(Shape::BOTH)[0].text;
        let manifest: toml::Table = manifest.parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some("syncline-connector-acme-ipam"));
        assert_eq!(manifest["package"]["description"].as_str(), Some("Acme Ipam as a data source and a data target"));
        for section in ["dependencies", "dev-dependencies"] {
            for (name, value) in manifest[section].as_table().unwrap() {
                assert_eq!(value.get("workspace").and_then(toml::Value::as_bool), Some(true), "{name}");
            }
        }
    }
}
