//! `cargo xtask bench pages`: how long the server takes for each page of the dashboard, with a long history.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use super::engine::machine;
use super::table;
use crate::{Outcome, cargo, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many runs the history has
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(4..))]
    runs: u64,
    /// How many changes each of them made; the last three have twenty times as many
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    changes: u64,
}

/// Within how many milliseconds a page is there.
const MOST: f64 = 100.0;
const DATABASES: [&str; 2] = ["sqlite", "postgresql"];
const BUILD: [&str; 6] = ["bench", "--package", "syncline-web", "--bench", "pages", "--no-run"];

/// What the benchmark prints: one line of JSON.
#[derive(Debug, Deserialize, Serialize)]
struct Measured {
    runs: u64,
    changes: u64,
    seconds: f64,
    history_bytes: u64,
    pages: Vec<PageTime>,
}

#[derive(Debug, Deserialize, Serialize)]
struct PageTime {
    path: String,
    bytes: u64,
    first_ms: f64,
    ms: f64,
}

pub(super) fn run(shell: &Shell, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let benchmark = cargo::build(shell, "pages", &BUILD)?;
    let mut all = Vec::new();
    for database in DATABASES {
        eprintln!("a history of {} runs in {database}", arguments.runs);
        all.push(measure(shell, &benchmark, arguments, database)?);
    }
    let text = report(shell, &all);
    println!("\n{text}");
    let slow = slow(&all);
    for (database, page) in &slow {
        println!("EXCEEDED {} takes {:.0} ms on {database}: {MOST:.0} at most", page.path, page.ms);
    }
    let folder = root().join("target/bench");
    shell.create_dir(&folder)?;
    let figures = serde_json::json!({ "machine": machine(shell), "databases": DATABASES, "measured": all });
    shell.write_file(folder.join("pages.json"), serde_json::to_string_pretty(&figures)?)?;
    shell.write_file(folder.join("pages.md"), text)?;
    println!("written: target/bench/pages.json, target/bench/pages.md");
    Ok(if slow.is_empty() { Outcome::Good } else { Outcome::Bad })
}

fn measure(shell: &Shell, benchmark: &Path, arguments: &Arguments, database: &str) -> anyhow::Result<Measured> {
    let (runs, changes) = (arguments.runs.to_string(), arguments.changes.to_string());
    let line = cmd!(shell, "{benchmark} --runs {runs} --changes {changes} --database {database}").quiet().read()?;
    serde_json::from_str(&line).with_context(|| format!("the benchmark printed `{line}`"))
}

/// The pages that take too long, with the database.
fn slow(all: &[Measured]) -> Vec<(&'static str, &PageTime)> {
    let pages = DATABASES.into_iter().zip(all);
    let pages = pages.flat_map(|(database, measured)| measured.pages.iter().map(move |page| (database, page)));
    pages.filter(|(_, page)| page.ms > MOST).collect()
}

const HEADER: [&str; 6] = ["page", "SQLite ms", "first time", "PostgreSQL ms", "first time", "kB"];

/// The table with what one must know to read it.
fn report(shell: &Shell, all: &[Measured]) -> String {
    let pages = all.first().map(|measured| measured.pages.as_slice()).unwrap_or_default();
    let cells = pages.iter().enumerate().map(|(at, page)| {
        let times = all.iter().filter_map(|measured| measured.pages.get(at));
        let times = times.flat_map(|page| [format!("{:.1}", page.ms), format!("{:.1}", page.first_ms)]);
        let path = std::iter::once(page.path.clone());
        path.chain(times).chain([table::grouped(page.bytes / 1_000)]).collect()
    });
    let table = table::markdown(&HEADER, 1, &cells.collect::<Vec<Vec<String>>>());
    let histories = DATABASES.into_iter().zip(all).map(|(database, measured)| {
        let Measured { runs, changes, seconds, history_bytes, .. } = measured;
        format!(
            "{database}: {} runs, {} changes, {} MB, made in {seconds:.0} s",
            table::grouped(*runs),
            table::grouped(*changes),
            table::grouped(history_bytes / 1_000_000)
        )
    });
    let histories = histories.collect::<Vec<_>>().join("; ");
    format!(
        "{table}\nFrom the request to the last byte, without a network; the median of six, and the first time. {histories}; {}.\n",
        machine(shell)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_pages_are_named_with_their_database() {
        let page = |path: &str, ms| PageTime { path: path.to_owned(), bytes: 1, first_ms: 500.0, ms };
        let measured = |ms| Measured {
            runs: 4,
            changes: 4,
            seconds: 1.0,
            history_bytes: 1,
            pages: vec![page("/", 1.0), page("/runs", ms)],
        };
        let all = [measured(100.0), measured(100.1)];
        let slow: Vec<_> = slow(&all).into_iter().map(|(database, page)| (database, page.path.as_str())).collect();
        assert_eq!(slow, [("postgresql", "/runs")]);
    }
}
