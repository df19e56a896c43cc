//! `cargo xtask bench live`: what it costs a sync that 200 readers and 20 followers look at it, and whether these miss anything.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use super::engine::machine;
use super::table;
use crate::{Outcome, cargo, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many changes the sync makes
    #[arg(long, default_value_t = 100_000)]
    changes: u64,
    /// How many times each is measured; the medians are compared
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// How long the target takes for a batch of 100, in milliseconds; four are under way at once. At 0 the sync is all work of this
    /// machine, which is the hardest: nothing hides what the crowd takes
    #[arg(long, default_value_t = 0)]
    batch_ms: u64,
    /// How long a reader looks at a page before the next one, in milliseconds
    #[arg(long, default_value_t = 1_000)]
    pause_ms: u64,
}

const READERS: u64 = 200;
const FOLLOWERS: u64 = 20;
/// By how much a sync may be slowed down.
const MOST: f64 = 0.10;

const BUILD: [&str; 6] = ["bench", "--package", "syncline-web", "--bench", "live", "--no-run"];

/// What the benchmark prints: one line of JSON.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct Measured {
    changes: u64,
    seconds: f64,
    events: u64,
    event_bytes: u64,
    crowd: Option<Crowd>,
    complete: u64,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
struct Crowd {
    events: Vec<u64>,
    pages: u64,
    failed: u64,
    half_ms: f64,
    most_ms: f64,
}

/// One run alone, and one that is looked at.
#[derive(Debug, Serialize)]
struct Round {
    alone: Measured,
    crowded: Measured,
}

pub(super) fn run(shell: &Shell, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let benchmark = cargo::build(shell, "live", &BUILD)?;
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        eprintln!("round {number} of {}", arguments.rounds);
        // Alternately, so that whatever else the machine does meets both.
        let alone = measure(shell, &benchmark, arguments, (0, 0))?;
        let crowded = measure(shell, &benchmark, arguments, (READERS, FOLLOWERS))?;
        rounds.push(Round { alone, crowded });
    }
    let text = report(shell, arguments, &rounds);
    println!("\n{text}");
    let slower = slower(&rounds);
    let missed = missed(&rounds);
    let (calm, whole) = (slower < MOST, missed == 0);
    let verdict = |held: bool| if held { "held    " } else { "EXCEEDED" };
    println!("{} the sync is slowed down by {:.1} %: less than {:.0} %", verdict(calm), slower * 100.0, MOST * 100.0);
    println!("{} followers that missed an event, or readers without an answer: {missed} of 0 at most", verdict(whole));
    let folder = root().join("target/bench");
    shell.create_dir(&folder)?;
    let figures =
        serde_json::json!({ "machine": machine(shell), "rounds": rounds, "slower": slower, "missed": missed });
    shell.write_file(folder.join("live.json"), serde_json::to_string_pretty(&figures)?)?;
    shell.write_file(folder.join("live.md"), text)?;
    println!("written: target/bench/live.json, target/bench/live.md");
    Ok(if calm && whole { Outcome::Good } else { Outcome::Bad })
}

fn measure(
    shell: &Shell,
    benchmark: &Path,
    arguments: &Arguments,
    (readers, followers): (u64, u64),
) -> anyhow::Result<Measured> {
    let Arguments { changes, batch_ms, pause_ms, .. } = arguments;
    let figures = [*changes, *batch_ms, *pause_ms, readers, followers].map(|figure| figure.to_string());
    let [changes, batch_ms, pause_ms, readers, followers] = &figures;
    let line = cmd!(
        shell,
        "{benchmark} --changes {changes} --batch-ms {batch_ms} --pause-ms {pause_ms} --readers {readers} --followers {followers}"
    );
    let line = line.quiet().read()?;
    serde_json::from_str(&line).with_context(|| format!("the benchmark printed `{line}`"))
}

/// By which part the median run that is looked at takes longer than the median run alone.
fn slower(rounds: &[Round]) -> f64 {
    let alone = median(rounds.iter().map(|round| round.alone.seconds));
    let crowded = median(rounds.iter().map(|round| round.crowded.seconds));
    crowded / alone.max(f64::MIN_POSITIVE) - 1.0
}

/// Followers that do not have every event, and pages that were not answered.
fn missed(rounds: &[Round]) -> u64 {
    let missed = rounds.iter().map(|round| {
        let failed = round.crowded.crowd.as_ref().map_or(READERS, |crowd| crowd.failed);
        FOLLOWERS.saturating_sub(round.crowded.complete) + failed
    });
    missed.sum()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

const HEADER: [&str; 8] =
    ["round", "alone s", "looked at s", "events", "events kB", "pages", "half of them ms", "99 of 100 ms"];

/// The table with what one must know to read it.
fn report(shell: &Shell, arguments: &Arguments, rounds: &[Round]) -> String {
    let cells = (1..).zip(rounds).map(|(number, Round { alone, crowded })| {
        let mut cells = vec![number.to_string()];
        cells.extend([alone.seconds, crowded.seconds].map(|seconds| format!("{seconds:.2}")));
        cells.extend([table::grouped(crowded.events), table::grouped(crowded.event_bytes / 1_000)]);
        cells.extend(match &crowded.crowd {
            Some(crowd) => {
                [table::grouped(crowd.pages), format!("{:.1}", crowd.half_ms), format!("{:.1}", crowd.most_ms)]
            }
            None => [const { String::new() }; 3],
        });
        cells
    });
    let table = table::markdown(&HEADER, 1, &cells.collect::<Vec<_>>());
    format!(
        "{table}\n{} changes, by a target in the same process that takes {} ms for a batch of 100, four at once; {READERS} readers that \
         turn a page every {} ms, and {FOLLOWERS} followers of the run, over loopback HTTP from a process of their own on the same \
         machine: {}.\n",
        table::grouped(arguments.changes),
        arguments.batch_ms,
        arguments.pause_ms,
        machine(shell)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: f64, crowd: Option<Crowd>, complete: u64) -> Measured {
        Measured { changes: 1, seconds, events: 9, event_bytes: 1, crowd, complete }
    }

    fn round(alone: f64, crowded: f64, failed: u64, complete: u64) -> Round {
        let crowd = Crowd { events: vec![9; 20], pages: 1, failed, half_ms: 1.0, most_ms: 1.0 };
        Round { alone: measured(alone, None, 0), crowded: measured(crowded, Some(crowd), complete) }
    }

    #[test]
    fn medians_are_compared() {
        let rounds = [round(10.0, 11.0, 0, 20), round(9.0, 99.0, 0, 20), round(10.0, 10.5, 0, 20)];
        assert!((slower(&rounds) - 0.1).abs() < 1e-9);
        assert!((median([1.0, 4.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn whoever_missed_something_counts() {
        assert_eq!(missed(&[round(1.0, 1.0, 0, 20)]), 0);
        assert_eq!(missed(&[round(1.0, 1.0, 3, 19), round(1.0, 1.0, 0, 18)]), 6);
    }
}
