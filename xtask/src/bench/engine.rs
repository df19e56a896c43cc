//! `cargo xtask bench engine`: runs the engine's benchmark in every configuration, beside diffsync, and checks the budgets.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use super::diffsync::{Diffsync, Run};
use super::table;
use crate::{Outcome, cargo, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only up to 100,000 records a side
    #[arg(long)]
    quick: bool,
    /// Without diffsync
    #[arg(long)]
    no_python: bool,
    /// diffsync with 1.2 million records too (minutes, and 6 GB of memory)
    #[arg(long, conflicts_with = "no_python")]
    python_large: bool,
}

const SHAPES: [&str; 3] = ["tree", "flat", "wide"];
/// Without the job runner and its database, which the engine does not need.
const BUILD: [&str; 7] =
    ["bench", "--package", "syncline-core", "--no-default-features", "--bench", "engine", "--no-run"];
const SMALL: u64 = 10_000;
const MEDIUM: u64 = 100_000;
const LARGE: u64 = 1_200_000;

/// What the benchmark prints: one line of JSON.
#[derive(Debug, Deserialize, Serialize)]
struct Measured {
    shape: String,
    /// Records in each side's estate.
    records: u64,
    read: Read,
    changes: Changes,
    unchanged: u64,
    phases: Phases,
    /// Both snapshots and the plan.
    disk_bytes: u64,
}

/// Records really read: each side lacks one of a hundred.
#[derive(Debug, Deserialize, Serialize)]
struct Read {
    source: u64,
    target: u64,
}

#[derive(Debug, Deserialize, Serialize)]
struct Changes {
    create: u64,
    update: u64,
    delete: u64,
}

#[derive(Debug, Deserialize, Serialize)]
struct Phases {
    load_source: Phase,
    load_target: Phase,
    diff: Phase,
    plan: Phase,
}

#[derive(Debug, Deserialize, Serialize)]
struct Phase {
    wall_s: f64,
    cpu_s: f64,
    rss_before_bytes: u64,
    rss_peak_bytes: u64,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    engine: Measured,
    diffsync: Option<Run>,
}

/// A promise about cost, and whether it held.
#[derive(Debug, Serialize)]
struct Budget {
    name: String,
    limit: f64,
    worst: f64,
    held: bool,
}

pub(super) fn run(shell: &Shell, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let benchmark = cargo::build(shell, "engine", &BUILD)?;
    let diffsync = (!arguments.no_python).then(|| diffsync(shell)).flatten();
    let sizes: &[u64] = if arguments.quick { &[SMALL, MEDIUM] } else { &[SMALL, MEDIUM, LARGE] };

    let mut rows = Vec::new();
    for shape in SHAPES {
        for &records in sizes {
            eprintln!("{shape}, {} records a side", table::grouped(records));
            let engine = measure(shell, &benchmark, shape, records)?;
            let paired = records <= MEDIUM || arguments.python_large;
            let other = diffsync.as_ref().filter(|_| paired);
            let other = other.map(|diffsync| diffsync.measure(shell, shape, records)).transpose();
            rows.push(Row { engine, diffsync: other.context("diffsync failed")? });
        }
    }

    let budgets = budgets(&rows);
    let text = report(shell, &rows)?;
    println!("\n{text}");
    for budget in &budgets {
        let Budget { name, limit, worst, held } = budget;
        println!("{} {name}: {worst:.2} of {limit} at most", if *held { "held    " } else { "EXCEEDED" });
    }
    if arguments.quick {
        println!("not checked: bytes a record, and growth (both need the full run)");
    }
    save(shell, &rows, &budgets, &text)?;
    Ok(if budgets.iter().all(|budget| budget.held) { Outcome::Good } else { Outcome::Bad })
}

/// diffsync, or a word about why there is none.
fn diffsync(shell: &Shell) -> Option<Diffsync> {
    match Diffsync::install(shell) {
        Ok(diffsync) => Some(diffsync),
        Err(error) => {
            eprintln!("SKIPPED: the comparison with diffsync: {error:#}");
            None
        }
    }
}

fn measure(shell: &Shell, benchmark: &Path, shape: &str, records: u64) -> anyhow::Result<Measured> {
    let records = records.to_string();
    let line = cmd!(shell, "{benchmark} --shape {shape} --records {records}").quiet().read()?;
    serde_json::from_str(&line).with_context(|| format!("the benchmark printed `{line}`"))
}

impl Measured {
    /// Bytes resident a record and side while loading: the worse of what either load added for its own records, and of
    /// what both needed for the records of both (memory that the first load gave back to the allocator serves the second).
    fn bytes_per_record(&self) -> f64 {
        let Phases { load_source, load_target, .. } = &self.phases;
        let added = |phase: &Phase, records: u64| {
            phase.rss_peak_bytes.saturating_sub(phase.rss_before_bytes) as f64 / records.max(1) as f64
        };
        let peak = load_source.rss_peak_bytes.max(load_target.rss_peak_bytes);
        let both = peak.saturating_sub(load_source.rss_before_bytes) as f64;
        added(load_source, self.read.source)
            .max(added(load_target, self.read.target))
            .max(both / (self.read.source + self.read.target).max(1) as f64)
    }

    /// The most memory that was ever resident.
    fn peak_mib(&self) -> f64 {
        let Phases { load_source, load_target, diff, plan } = &self.phases;
        let phases = [load_source, load_target, diff, plan];
        phases.iter().map(|phase| mib(phase.rss_peak_bytes)).fold(0.0, f64::max)
    }

    /// CPU-seconds from the first record read to the plan saved.
    fn cpu_s(&self) -> f64 {
        let Phases { load_source, load_target, diff, plan } = &self.phases;
        load_source.cpu_s + load_target.cpu_s + diff.cpu_s + plan.cpu_s
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The budgets of the engine. CPU-seconds are only ever checked here, never in tests.
fn budgets(rows: &[Row]) -> Vec<Budget> {
    let worst = |name: &str, limit: f64, values: &mut dyn Iterator<Item = f64>| {
        let worst = values.reduce(f64::max)?;
        Some(Budget { name: name.to_owned(), limit, worst, held: worst <= limit })
    };
    let all = || rows.iter().map(|row| &row.engine);
    let large = || all().filter(|engine| engine.records == LARGE);
    let mut budgets = vec![
        worst(
            "bytes resident a record and side while loading 1,200,000",
            100.0,
            &mut large().map(Measured::bytes_per_record),
        ),
        worst("MiB resident at the peak", 400.0, &mut all().map(Measured::peak_mib)),
        worst("CPU-seconds for the diff", 3.0, &mut all().map(|engine| engine.phases.diff.cpu_s)),
    ];
    // Twelve times the records; squared it would be 144 times the work.
    for (shape, factor) in growth(rows) {
        let name = format!("times the CPU for {} times the records, {shape}", LARGE / MEDIUM);
        budgets.push(worst(&name, 24.0, &mut std::iter::once(factor)));
    }
    budgets.into_iter().flatten().collect()
}

/// How much more CPU each shape takes with 1.2 million records than with 100,000.
fn growth(rows: &[Row]) -> Vec<(&str, f64)> {
    let cpu = |shape: &str, records: u64| {
        let found = rows.iter().find(|row| row.engine.shape == shape && row.engine.records == records);
        found.map(|row| row.engine.cpu_s())
    };
    let factor = |shape| Some((shape, cpu(shape, LARGE)? / cpu(shape, MEDIUM)?.max(0.01)));
    SHAPES.into_iter().filter_map(factor).collect()
}

const HEADER: [&str; 12] = [
    "shape",
    "records a side",
    "load source",
    "load target",
    "diff",
    "plan",
    "bytes/record",
    "peak MiB",
    "diffsync load",
    "diffsync diff",
    "diffsync MiB",
    "ratio",
];

/// The table with what one must know to read it.
fn report(shell: &Shell, rows: &[Row]) -> anyhow::Result<String> {
    let cells = rows.iter().map(|Row { engine, diffsync }| {
        let Phases { load_source, load_target, diff, plan } = &engine.phases;
        let mut cells = vec![engine.shape.clone(), table::grouped(engine.records)];
        cells.extend([load_source, load_target, diff, plan].map(|phase| format!("{:.2}", phase.cpu_s)));
        cells.extend([format!("{:.0}", engine.bytes_per_record()), format!("{:.0}", engine.peak_mib())]);
        cells.extend(match diffsync {
            Some(Run::Measured(other)) => [
                format!("{:.2}", other.load_cpu_s),
                format!("{:.2}", other.diff_cpu_s),
                format!("{:.0}", mib(other.rss_peak_bytes)),
                format!("{:.0} x", (other.load_cpu_s + other.diff_cpu_s) / engine.cpu_s().max(0.01)),
            ],
            Some(Run::Stopped(seconds)) => [format!("> {seconds}"), String::new(), String::new(), "stopped".to_owned()],
            None => [const { String::new() }; 4],
        });
        cells
    });
    let mut text = table::markdown(&HEADER, 1, &cells.collect::<Vec<_>>());
    for (shape, factor) in growth(rows) {
        let times = LARGE / MEDIUM;
        write!(text, "\n{shape}: {times} times the records, {factor:.1} times the CPU-seconds.")?;
    }
    if !growth(rows).is_empty() {
        text.push('\n');
    }
    write!(
        text,
        "\nCPU-seconds, user and system; each line in processes of its own, on one machine: {}. 1 % created, 1 % deleted, \
         5 % changed. `bytes/record`: resident a record and side while loading, fixed buffers included, which is what \
         small estates show. `ratio`: CPU-seconds of diffsync (load and \
         diff) to ours (load, diff and the plan saved).\n",
        machine(shell)
    )?;
    Ok(text)
}

/// Processor and compiler.
pub(super) fn machine(shell: &Shell) -> String {
    let processors = shell.read_file("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let compiler = cmd!(shell, "rustc --version").quiet().read().unwrap_or_default();
    let compiler = compiler.split(" (").next().unwrap_or_default();
    format!("{model}, {cores} cores, {compiler}")
}

/// The figures for programs, the table for the README.
fn save(shell: &Shell, rows: &[Row], budgets: &[Budget], text: &str) -> anyhow::Result<()> {
    let folder = root().join("target/bench");
    shell.create_dir(&folder)?;
    let figures = serde_json::json!({ "machine": machine(shell), "rows": rows, "budgets": budgets });
    shell.write_file(folder.join("engine.json"), serde_json::to_string_pretty(&figures)?)?;
    shell.write_file(folder.join("engine.md"), text)?;
    println!("written: target/bench/engine.json, target/bench/engine.md");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(cpu_s: f64, before: u64, peak: u64) -> Phase {
        Phase { wall_s: cpu_s, cpu_s, rss_before_bytes: before, rss_peak_bytes: peak }
    }

    fn row(records: u64, cpu_s: f64) -> Row {
        let phases = Phases {
            load_source: phase(cpu_s, 1_000, 1_000 + 80 * records),
            load_target: phase(cpu_s, 1_000 + 80 * records, 1_000 + 180 * records),
            diff: phase(cpu_s, 0, 0),
            plan: phase(cpu_s, 0, 0),
        };
        let engine = Measured {
            shape: "tree".to_owned(),
            records,
            read: Read { source: records, target: records },
            changes: Changes { create: 1, update: 1, delete: 1 },
            unchanged: 1,
            phases,
            disk_bytes: 1,
        };
        Row { engine, diffsync: None }
    }

    fn exceeded(rows: &[Row]) -> Vec<String> {
        budgets(rows).into_iter().filter(|budget| !budget.held).map(|budget| budget.name).collect()
    }

    #[test]
    fn the_worse_load_counts() {
        assert!((row(1_000, 1.0).engine.bytes_per_record() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn budgets_tell_what_is_too_much() {
        assert_eq!(exceeded(&[row(MEDIUM, 0.1), row(LARGE, 1.2)]), [""; 0]);
        assert_eq!(exceeded(&[row(MEDIUM, 0.1), row(LARGE, 2.5)]), ["times the CPU for 12 times the records, tree"]);
        assert_eq!(exceeded(&[row(MEDIUM, 3.5)]), ["CPU-seconds for the diff"]);
    }
}
