//! Any number of workers schedule: when the one that did last dies, ticks go on, and none comes twice.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, SubsecRound as _, TimeDelta, Utc};
use syncline::Book;
use syncline::config::{check, load};
use syncline_core::history::{Run, RunFilter, RunKind, RunStatus};
use syncline_core::run::{Runner, Scheduler};
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardSim, NETWORK};
use syncline_testkit::netbox::{NetBoxOptions, NetBoxSim};
use tempfile::TempDir;

use super::audit::Problems;
use super::database;
use super::dice::wanted;
use super::process::{self, LOOK, said};
use super::world::Text;

/// Syncs that run once each, at times of their own: a tick every other second.
const SINGLE: i64 = 6;
/// The sync that recurs.
const RECURRING: &str = "recurring";
/// Until the first tick, in seconds: the workers are there by then.
const START: i64 = 5;

/// Workers that schedule.
struct Workers {
    folder: TempDir,
    running: Vec<(String, Child)>,
    started: usize,
}

impl Drop for Workers {
    fn drop(&mut self) {
        for (_, worker) in &mut self.running {
            process::kill(worker);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_go_on_when_their_scheduler_dies() {
    let Some(recurrences) = wanted("DURABLE_TICKS", 1) else { return };
    let Some(url) = database::postgres("the test of schedulers that die").await else { return };
    let options = EstateOptions { sites: 1, devices_per_site: 2, interfaces_per_device: 4, ..EstateOptions::small() };
    let forward = ForwardSim::with_estate(Estate::generate(options)).await.unwrap();
    let netbox = NetBoxSim::start(NetBoxOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let first = Utc::now().trunc_subsecs(0) + TimeDelta::seconds(START);
    let single: BTreeMap<_, _> =
        (0..SINGLE).map(|number| (format!("single-{number}"), first + TimeDelta::seconds(1 + 2 * number))).collect();
    let at = |time: &DateTime<Utc>| format!("schedule_at = \"{}\"", time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let mut text = Text::new(Some(&url)).forward("forward", &forward, NETWORK, folder.path()).netbox(
        "netbox",
        &netbox,
        folder.path(),
        "batch_size = 50",
    );
    text = text.sync(RECURRING, "forward", "netbox", &format!("schedule = {{ {}, recurs_every = 1 }}", at(&first)));
    for (name, time) in &single {
        text = text.sync(name, "forward", "netbox", &format!("schedule = {{ {} }}", at(time)));
    }
    let (_, runner) = text.save(folder.path()).await;
    // The schedules are made here and now: what lies before their making is no tick of theirs.
    let loaded = load(Some(&folder.path().join("syncline.toml")), []).unwrap();
    let configuration = check(&loaded, &syncline::registry().unwrap()).unwrap();
    let book = Book::new(loaded, configuration, runner.history().clone());
    book.provision().await.unwrap();
    Scheduler::new(&runner, &book).pass(Utc::now()).await.unwrap();

    let mut workers = Workers { folder, running: Vec::new(), started: 0 };
    for _ in 0..3 {
        workers.start();
    }
    let begun = Instant::now();
    let patience = Duration::from_secs(90 + 60 * recurrences);
    let (mut seen, mut killed) = (BTreeSet::new(), 0);
    loop {
        let runs = scheduled(&runner).await;
        for run in &runs {
            if seen.contains(&run.id) {
                continue;
            }
            // The one that made the run says so right after.
            if let Some(at) = workers.who_made(run) {
                seen.insert(run.id);
                let (_, mut scheduler) = workers.running.remove(at);
                process::kill(&mut scheduler);
                killed += 1;
                if workers.running.len() < 2 {
                    workers.start();
                }
            } else if run.status.is_final() {
                seen.insert(run.id);
            }
        }
        let recurring = runs.iter().filter(|run| run.sync == RECURRING).count();
        let over = runs.iter().all(|run| run.status.is_final());
        if over && recurring as u64 >= recurrences && runs.len() - recurring >= single.len() {
            break;
        }
        assert!(begun.elapsed() < patience, "ticks do not come: {runs:#?}\n{}", workers.said());
        tokio::time::sleep(LOOK).await;
    }

    let mut problems = Problems::default();
    let runs = scheduled(&runner).await;
    let ticks_of = |sync: &str| -> Vec<_> {
        let mut ticks: Vec<_> = runs.iter().filter(|run| run.sync == sync).filter_map(|run| run.tick).collect();
        ticks.sort();
        ticks
    };
    for (name, time) in &single {
        let ticks = ticks_of(name);
        if ticks != [*time] {
            problems.add(format!("`{name}` is to run at {time}, and ran at {ticks:?}"));
        }
    }
    let ticks = ticks_of(RECURRING);
    let expected: Vec<_> = (0..).zip(&ticks).map(|(number, _)| first + TimeDelta::minutes(number)).collect();
    if ticks != expected {
        problems.add(format!("`{RECURRING}` is to run at {expected:?}, and ran at {ticks:?}"));
    }
    for run in runs.iter().filter(|run| run.status != RunStatus::Completed) {
        problems.add(format!("run {} ended as `{}`: {:?}", run.id, run.status, run.error));
    }
    if killed < 3 {
        problems.add(format!("only {killed} schedulers were killed"));
    }
    println!("{} ticks, {killed} schedulers killed, {:.0} s", runs.len(), begun.elapsed().as_secs_f64());
    problems.none("schedules");
}

async fn scheduled(runner: &Runner) -> Vec<Run> {
    let filter = RunFilter { kind: Some(RunKind::Scheduled), ..RunFilter::default() };
    runner.history().runs(&filter, None, 1000).await.unwrap().items
}

impl Workers {
    fn start(&mut self) {
        let name = format!("worker-{}", self.started);
        self.started += 1;
        let arguments = ["worker", "-v", "--lease", "2", "--tries", "1000"];
        self.running.push((name.clone(), process::start(self.folder.path(), &arguments, &name)));
    }

    /// Which of the workers that live made a run.
    fn who_made(&self, run: &Run) -> Option<usize> {
        let run = format!(" run={} ", run.id);
        let made = |line: &str| line.contains("the schedule made a run") && line.contains(&run);
        self.running.iter().position(|(name, _)| said(self.folder.path(), name).lines().any(made))
    }

    fn said(&self) -> String {
        let names = (0..self.started).map(|number| format!("worker-{number}"));
        let all: Vec<_> = names.map(|name| format!("── {name}\n{}", said(self.folder.path(), &name))).collect();
        all.join("\n")
    }
}
