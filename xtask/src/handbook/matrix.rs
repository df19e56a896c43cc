//! The table of what each connector has proved, made of the reports of the conformance kit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::Outcome;

/// Where CI keeps the reports of its run.
pub(crate) const REPORTS: &str = "target/conformance";
/// The variable that tells the kit where to.
pub(crate) const WHERE: &str = "CONFORMANCE_REPORTS";
/// The page, from the workspace's folder.
const PAGE: &str = "docs/src/connectors/matrix.md";
/// How many promises there are, K1 to K15.
const PROMISES: usize = 15;

/// What the kit has kept of one promise: `netbox/K5.json`.
#[derive(Debug, Clone, Deserialize)]
struct Report {
    promise: String,
    verdict: Verdict,
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Proven,
    NotMeant,
    Skipped,
    Broken,
}

/// The reports of one connector, by the number of the promise.
type Reports = BTreeMap<usize, Report>;

/// Removes the reports of an earlier run.
pub(crate) fn forget(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("the old reports in `{}` cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Writes the page from these reports, or with `check` tells whether it is the one that they make.
pub(crate) fn run(root: &Path, folder: &Path, check: bool) -> anyhow::Result<Outcome> {
    let mut connectors = BTreeMap::new();
    for name in folders(&root.join("connectors"))? {
        connectors.insert(name.clone(), read(&folder.join(name))?);
    }
    anyhow::ensure!(
        connectors.values().any(|reports| !reports.is_empty()),
        "there are no reports in `{}`: run the connectors' tests with {WHERE} naming that folder",
        folder.display()
    );
    let text = page(&connectors);
    let path = root.join(PAGE);
    if check {
        let same = std::fs::read_to_string(&path).is_ok_and(|there| there == text);
        if !same {
            println!(
                "{PAGE} is not what the connectors prove: run `cargo xtask handbook matrix`. It would be\n\n{text}"
            );
        }
        return Ok(if same { Outcome::Good } else { Outcome::Bad });
    }
    std::fs::write(&path, text).with_context(|| format!("`{PAGE}` cannot be written"))?;
    println!("wrote {PAGE}");
    Ok(Outcome::Good)
}

fn folders(parent: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(parent).with_context(|| format!("`{}` cannot be read", parent.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// The reports of a connector; none where its tests are not there.
fn read(folder: &Path) -> anyhow::Result<Reports> {
    let mut reports = Reports::new();
    for number in 1..=PROMISES {
        let file = folder.join(format!("K{number}.json"));
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let report = serde_json::from_str(&text).with_context(|| format!("`{}` is no report", file.display()))?;
        reports.insert(number, report);
    }
    Ok(reports)
}

/// The page: a row for each promise, a column for each connector that was tried, and the reasons below.
fn page(connectors: &BTreeMap<String, Reports>) -> String {
    let (tried, untried): (Vec<_>, Vec<_>) = connectors.iter().partition(|(_, reports)| !reports.is_empty());
    let mut text =
        "<!-- Made of the connectors' conformance tests by `cargo xtask handbook matrix`. -->\n\n".to_owned();
    let names: Vec<_> = tried.iter().map(|(name, _)| name.as_str()).collect();
    let _ = writeln!(text, "| | what is promised | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", ":-:|".repeat(names.len()));
    for number in 1..=PROMISES {
        let promise = tried.iter().find_map(|(_, reports)| reports.get(&number)).map(|report| report.promise.as_str());
        let cells = tried.iter().map(|(_, reports)| cell(reports.get(&number).map(|report| report.verdict)));
        let cells = cells.collect::<Vec<_>>().join(" | ");
        let _ = writeln!(text, "| K{number} | {} | {cells} |", promise.unwrap_or("?"));
    }
    text += &reasons(&tried);
    if !untried.is_empty() {
        let names: Vec<_> = untried.iter().map(|(name, _)| format!("`{name}`")).collect();
        let _ = writeln!(text, "\nNot tried yet, for want of a lab: {}.", names.join(", "));
    }
    text
}

fn cell(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Proven) => "proved",
        Some(Verdict::NotMeant) => "not meant",
        Some(Verdict::Skipped) => "skipped",
        Some(Verdict::Broken) => "**broken**",
        None => "**not tried**",
    }
}

/// Why something is not proved: each reason once, with the promises that it is about.
fn reasons(tried: &[(&String, &Reports)]) -> String {
    let mut lines: Vec<(&str, Verdict, &str, Vec<usize>)> = Vec::new();
    for (name, reports) in tried {
        for (number, report) in reports.iter().filter(|(_, report)| report.verdict != Verdict::Proven) {
            let same = lines.iter_mut().find(|line| (line.0, line.1, line.2) == (name, report.verdict, &report.why));
            match same {
                Some(line) => line.3.push(*number),
                None => lines.push((name, report.verdict, &report.why, vec![*number])),
            }
        }
    }
    let mut text = String::new();
    for (name, verdict, why, numbers) in lines {
        let numbers: Vec<_> = numbers.iter().map(|number| format!("K{number}")).collect();
        let _ =
            write!(text, "\n- `{name}`, {}, {}: {}", numbers.join(", "), cell(Some(verdict)), why.replace('\n', " "));
    }
    if text.is_empty() { text } else { format!("\nWhat is not proved, and why:\n{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: Verdict, why: &str) -> Report {
        Report { promise: "It is kept.".to_owned(), verdict, why: why.to_owned() }
    }

    #[test]
    fn a_report_is_read_as_the_kit_writes_it() {
        let text = r#"{"promise": "It is kept.", "verdict": "not_meant", "why": "the connector is no target"}"#;
        assert_eq!(serde_json::from_str::<Report>(text).unwrap().verdict, Verdict::NotMeant);
    }

    #[test]
    fn the_page_tells_what_is_not_proved_and_why() {
        let all = |verdict, why| (1..=PROMISES).map(|number| (number, report(verdict, why))).collect::<Reports>();
        let mut shelf = all(Verdict::Proven, "12 records");
        shelf.insert(5, report(Verdict::NotMeant, "the connector is no target"));
        shelf.insert(6, report(Verdict::NotMeant, "the connector is no target"));
        shelf.insert(8, report(Verdict::Skipped, "it takes everything"));
        shelf.remove(&9);
        let connectors = [("shelf", shelf), ("ledger", all(Verdict::Proven, "")), ("attic", Reports::new())]
            .map(|(name, reports)| (name.to_owned(), reports));
        let page = page(&BTreeMap::from(connectors));
        assert!(
            page.contains(
                "| | what is promised | ledger | shelf |\n|---|---|:-:|:-:|\n| K1 | It is kept. | proved | proved |\n"
            ),
            "{page}"
        );
        assert!(page.contains("| K5 | It is kept. | proved | not meant |\n"), "{page}");
        assert!(page.contains("| K9 | It is kept. | proved | **not tried** |\n"), "{page}");
        assert!(page.contains("\n- `shelf`, K5, K6, not meant: the connector is no target\n- `shelf`, K8, skipped: it takes everything\n"), "{page}");
        assert!(page.contains("Not tried yet, for want of a lab: `attic`."), "{page}");
        assert!(!page.contains("12 records"), "what was tried may change from run to run");
    }

    #[test]
    fn a_page_that_is_another_is_told() {
        let folder = std::env::temp_dir().join(format!("handbook-matrix-{}", std::process::id()));
        for inner in ["connectors/shelf", "docs/src/connectors", "reports/shelf"] {
            std::fs::create_dir_all(folder.join(inner)).unwrap();
        }
        std::fs::write(folder.join("connectors/shelf/Cargo.toml"), "").unwrap();
        let reports = folder.join("reports");
        assert!(run(&folder, &reports, false).is_err(), "without reports there is no page");
        let report = r#"{"promise": "It is kept.", "verdict": "proven", "why": "tried"}"#;
        std::fs::write(reports.join("shelf/K1.json"), report).unwrap();
        assert_eq!(run(&folder, &reports, true).unwrap(), Outcome::Bad);
        assert_eq!(run(&folder, &reports, false).unwrap(), Outcome::Good);
        assert_eq!(run(&folder, &reports, true).unwrap(), Outcome::Good);
        forget(&reports).unwrap();
        forget(&reports).unwrap();
        assert!(run(&folder, &reports, true).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
