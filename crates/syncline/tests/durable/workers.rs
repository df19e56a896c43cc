//! Many workers, one history: each run is done once, a target has one writer at a time, and whoever dies is replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use syncline::config::Configuration;
use syncline_core::history::{Run, RunFilter, RunId, RunStage, RunStatus};
use syncline_core::run::{RunRequest, Runner};
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardOptions, ForwardSim, SnapshotState};
use syncline_testkit::netbox::{NetBoxOptions, NetBoxSim};
use tempfile::TempDir;

use super::audit::{self, Problems, message};
use super::dice::{OnFailure, wanted};
use super::process::{self, LOOK, said};
use super::trap::{Class, How, Kill, Trap};
use super::world::{POLICY, Text, World};
use super::{database, edits};
use crate::dice::Dice;

/// For how long a worker has a run without a word, in seconds.
const LEASE: u64 = 8;
/// How long a run may wait for the next worker after its lease is over: a sweep, and what a busy machine takes. Within two leases
/// of its last word a worker is replaced.
const SWEPT: TimeDelta = TimeDelta::seconds(LEASE.cast_signed());
/// How many targets the syncs share.
const TARGETS: usize = 10;
/// Whoever is not done after so long hangs.
const PATIENCE: Duration = Duration::from_mins(15);

/// Syncs, targets, and workers that share them.
struct Fleet {
    targets: Vec<NetBoxSim>,
    folder: TempDir,
    configuration: Configuration,
    runner: Runner,
    workers: Vec<(String, Child)>,
    started: usize,
    _forward: ForwardSim,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for (_, worker) in &mut self.workers {
            process::kill(worker);
        }
    }
}

/// A run whose worker was stopped.
struct Taken {
    run: RunId,
    attempt: u64,
    /// When its lease is over.
    until: DateTime<Utc>,
    /// When the next worker took it.
    again: Option<DateTime<Utc>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_share_syncs_and_targets() {
    let Some(syncs) = wanted("DURABLE_SYNCS", 30) else { return };
    let syncs = usize::try_from(syncs).unwrap();
    let _tell = OnFailure(format!("`DURABLE_SYNCS={syncs}`"));
    let Some(url) = database::postgres("the test of three workers").await else { return };
    let mut fleet = Fleet::new(syncs, &url).await;
    let mut waiting = BTreeSet::new();
    for sync in 0..syncs {
        let definition = fleet.configuration.definition(&name(sync)).unwrap();
        waiting.insert(fleet.runner.trigger(&definition, &RunRequest::default()).await.unwrap().run());
    }
    for _ in 0..3 {
        fleet.start();
    }

    // One in four times of trouble for every 25 syncs: a worker dies, and another one sleeps for longer than its lease.
    let mut trouble: Vec<_> = (0..syncs.div_ceil(25)).flat_map(|_| ["KILL", "STOP"]).rev().collect();
    let step = syncs / (trouble.len() + 1);
    let mut taken: Vec<Taken> = Vec::new();
    let (mut asleep, mut stops): (Option<u32>, u64) = (None, 0);
    let begun = std::time::Instant::now();
    loop {
        let runs = fleet.runs().await;
        for taken in taken.iter_mut().filter(|taken| taken.again.is_none()) {
            let run = runs.iter().find(|run| run.id == taken.run).unwrap();
            if run.attempt == taken.attempt && run.status.is_final() {
                // It was done when the signal came.
                taken.again = Some(taken.until);
            } else if run.attempt > taken.attempt {
                // The log of the run says when; its next lines are written after a moment.
                let lines = fleet.runner.history().log(run.id, None, 1000).await.unwrap().items;
                let begins = format!("attempt {}: ", taken.attempt + 1);
                let said = lines.iter().find(|line| line.text.starts_with(&begins)).map(|line| line.at);
                // One that was stopped in its first moment took its words with it.
                let is_mute = run.attempt > taken.attempt + 1;
                taken.again = said.or(is_mute.then_some(taken.until));
            }
        }
        let over = runs.iter().filter(|run| run.status.is_final()).count();
        if let Some(id) = asleep
            && taken.iter().all(|taken| taken.again.is_some())
        {
            // It wakes up while others have its runs, and finds that it may not write.
            fleet.signal(id, "CONT");
            asleep = None;
        }
        if over == runs.len() && asleep.is_none() {
            break;
        }
        let is_due = over >= syncs - step * trouble.len();
        if is_due
            && asleep.is_none()
            && let Some(signal) = trouble.last()
            && let Some(victim) = fleet.busiest(&runs)
        {
            // What the history says then is the last that the worker said; of one that is killed others know it at once.
            let mut held = fleet.runs().await;
            fleet.signal(victim, signal);
            held.extend(fleet.runs().await);
            let held = held.iter().filter(|run| worker_of(run) == Some(victim));
            let held: BTreeMap<_, _> = held.map(|run| ((run.id, run.attempt), run.lease_until.unwrap())).collect();
            let stopped = held.into_iter().map(|((run, attempt), until)| Taken { run, attempt, until, again: None });
            taken.extend(stopped);
            stops += 1;
            if *signal == "KILL" {
                fleet.start();
            } else {
                asleep = Some(victim);
            }
            trouble.pop();
        }
        assert!(begun.elapsed() < PATIENCE, "it hangs at {over} of {syncs} runs:\n{}", fleet.said());
        tokio::time::sleep(LOOK).await;
    }
    fleet.end().await;
    assert!(trouble.is_empty(), "not all trouble was made: {trouble:?}");
    println!("{syncs} runs, {} taken over, {:.0} s", taken.len(), begun.elapsed().as_secs_f64());
    let mut problems = Problems::default();
    fleet.audit(&waiting, &taken, stops, &mut problems).await;
    problems.none("three workers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_slept_writes_nothing() {
    let Some(url) = database::postgres("the test of a worker that sleeps").await else { return };
    let options = EstateOptions { sites: 1, devices_per_site: 6, interfaces_per_device: 12, ..EstateOptions::small() };
    // One write at a time: a request that is already on its way when its process falls asleep can be held up by nobody.
    let settings = "batch_size = 10\nwrite_connections = 1";
    let mut world = World::new(options, Some(&url), settings, POLICY).await;
    let mut dice = Dice::new(7);
    let other = Trap::default();
    let arguments = ["worker", "--lease", "2", "--tries", "1000"];
    other.hold(process::start(world.folder.path(), &arguments, "other"), None);
    over(&world, trigger(&world).await).await;
    other.kill();

    // Three changes to be looked at and written, by a worker that falls asleep between the two.
    edits::change(&mut world.estate, &mut dice, 1);
    world.forward.add_snapshot(world.estate.clone());
    let sleeper = Trap::default();
    world.netbox.watch(Some(sleeper.watcher(false)));
    let run = trigger(&world).await;
    let kill = Kill { class: Class::Look, nth: 3, how: How::Frozen };
    sleeper.hold(process::start(world.folder.path(), &arguments, "sleeper"), Some(kill));
    while sleeper.sprung().is_none() {
        let run = world.runner.history().run(run).await.unwrap().unwrap();
        assert!(!run.status.is_final(), "it never fell asleep: {run:?}");
        tokio::time::sleep(LOOK).await;
    }
    other.hold(process::start(world.folder.path(), &arguments, "other"), None);
    over(&world, run).await;
    edits::change(&mut world.estate, &mut dice, 3);
    world.forward.add_snapshot(world.estate.clone());
    let next = trigger(&world).await;
    over(&world, next).await;
    other.kill();

    let before = world.netbox.changes();
    let requests = world.netbox.write_requests();
    sleeper.thaw();
    sleeper.terminate();
    sleeper.wait().await;
    let mut problems = Problems::default();
    let log = world.netbox.changes();
    if world.netbox.write_requests() > requests {
        problems.add(format!("it wrote after it slept: {:?}", log.get(before.len()..)));
    }
    for run in world.runs().await {
        audit::run(&world.runner, &run, &log, &mut problems).await;
    }
    audit::agreement(&world.runner, &world.sync(), &mut problems).await;
    problems.none(&format!("a worker that slept, which said\n{}", said(world.folder.path(), "sleeper")));
}

async fn trigger(world: &World) -> RunId {
    world.runner.trigger(&world.sync(), &RunRequest::default()).await.unwrap().run()
}

/// Waits for the end of a run.
async fn over(world: &World, run: RunId) {
    let begun = std::time::Instant::now();
    loop {
        let run = world.runner.history().run(run).await.unwrap().unwrap();
        if run.status.is_final() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(3), "it hangs: {run:#?}\n{}", said(world.folder.path(), "other"));
        tokio::time::sleep(LOOK).await;
    }
}

fn name(sync: usize) -> String {
    format!("sync-{sync:03}")
}

/// The process that has a run; its number is the beginning of the worker's name.
fn worker_of(run: &Run) -> Option<u32> {
    if run.status != RunStatus::Syncing {
        return None;
    }
    run.worker.as_ref()?.split('-').next()?.parse().ok()
}

impl Fleet {
    async fn new(syncs: usize, url: &str) -> Self {
        let forward = ForwardSim::start(ForwardOptions::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let targets: Vec<_> = (0..TARGETS)
            .map(|_| {
                let sim = NetBoxSim::start(NetBoxOptions::default()).unwrap();
                // Slow enough that runs of one target meet.
                sim.faults().latency = Some(Duration::from_millis(5));
                sim
            })
            .collect();
        let mut text = Text::new(Some(url));
        for (number, target) in targets.iter().enumerate() {
            text = text.netbox(&format!("netbox-{number}"), target, folder.path(), "batch_size = 5");
        }
        for sync in 0..syncs {
            let network = forward.add_network(&name(sync));
            forward.add_snapshot_in(&network, devices_of(sync), SnapshotState::Processed).unwrap();
            let name = name(sync);
            let source = format!("forward-{sync}");
            text = text.forward(&source, &forward, &network, folder.path());
            text = text.sync(&name, &source, &format!("netbox-{}", sync % TARGETS), "");
        }
        let (configuration, runner) = text.save(folder.path()).await;
        Self { targets, folder, configuration, runner, workers: Vec::new(), started: 0, _forward: forward }
    }

    fn start(&mut self) {
        let said = format!("worker-{}", self.started);
        self.started += 1;
        let lease = LEASE.to_string();
        let arguments = ["worker", "-v", "--concurrency", "6", "--lease", &lease, "--tries", "1000"];
        self.workers.push((said.clone(), process::start(self.folder.path(), &arguments, &said)));
    }

    async fn runs(&self) -> Vec<Run> {
        self.runner.history().runs(&RunFilter::default(), None, 10_000).await.unwrap().items
    }

    /// The worker that writes most.
    fn busiest(&self, runs: &[Run]) -> Option<u32> {
        let mut writing: BTreeMap<u32, u32> = BTreeMap::new();
        for run in runs.iter().filter(|run| run.stage == RunStage::Applying) {
            if let Some(worker) = worker_of(run) {
                *writing.entry(worker).or_default() += 1;
            }
        }
        let (worker, _) = writing.into_iter().max_by_key(|(_, runs)| *runs)?;
        self.workers.iter().any(|(_, child)| child.id() == worker).then_some(worker)
    }

    /// Sends a worker a signal; one that is killed is forgotten.
    fn signal(&mut self, id: u32, name: &str) {
        let at = self.workers.iter().position(|(_, child)| child.id() == id).unwrap();
        if name == "KILL" {
            let (_, mut child) = self.workers.remove(at);
            process::kill(&mut child);
        } else {
            process::signal(&self.workers[at].1, name);
        }
    }

    /// Ends the workers in good order, so that whatever they had in mind is done.
    async fn end(&mut self) {
        for (_, worker) in &mut self.workers {
            process::signal(worker, "TERM");
            while worker.try_wait().unwrap().is_none() {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    fn said(&self) -> String {
        let names = (0..self.started).map(|number| format!("worker-{number}"));
        let all: Vec<_> = names.map(|name| format!("── {name}\n{}", said(self.folder.path(), &name))).collect();
        all.join("\n")
    }

    async fn audit(&self, asked: &BTreeSet<RunId>, taken: &[Taken], stops: u64, problems: &mut Problems) {
        let runs = self.runs().await;
        let there: BTreeSet<_> = runs.iter().map(|run| run.id).collect();
        if there != *asked {
            problems.add(format!("runs {asked:?} were asked for, and there are {there:?}"));
        }
        let logs: Vec<_> = self.targets.iter().map(NetBoxSim::changes).collect();
        for run in &runs {
            let sync: usize = run.sync.trim_start_matches("sync-").parse().unwrap();
            audit::run(&self.runner, run, &logs[sync % TARGETS], problems).await;
            // Nobody takes a run that somebody has.
            if run.attempt > 1 + stops {
                problems
                    .add(format!("run {} was taken {} times, and {stops} workers were stopped", run.id, run.attempt));
            }
        }
        for (number, target) in self.targets.iter().enumerate() {
            audit::nothing_twice(target, problems);
            let mut writers: Vec<&str> = logs[number].iter().map(|record| record.message.as_str()).collect();
            writers.dedup();
            let several: BTreeSet<_> = writers.iter().collect();
            if several.len() != writers.len() {
                problems.add(format!("target {number} had two writers at a time: {writers:?}"));
            }
            let known: BTreeSet<_> = runs.iter().map(message).collect();
            for writer in several.into_iter().filter(|writer| !known.contains(**writer)) {
                problems.add(format!("target {number} was written to by nobody we know: `{writer}`"));
            }
        }
        for Taken { run, until, again, .. } in taken {
            match again {
                Some(again) if *again <= *until + SWEPT => {}
                other => problems.add(format!("run {run} was free at {until}, and taken at {other:?}")),
            }
        }
    }
}

/// Two devices of a sync's own, at a place that all share.
fn devices_of(sync: usize) -> Estate {
    let options = EstateOptions {
        sites: 1,
        devices_per_site: 2,
        interfaces_per_device: 10,
        vlans_per_site: 2,
        vrfs: 1,
        stacks: false,
        virtual_contexts: false,
        ..EstateOptions::small()
    };
    let mut estate = Estate::empty();
    for device in Estate::generate(options.without_edge_cases()).devices() {
        let mut device = syncline_testkit::estate::Device::clone(&device);
        device.name = format!("{}-{}", name(sync), device.name);
        device.serial = None;
        device.management_ips.clear();
        device.collection_ip = None;
        for port in &mut device.interfaces {
            port.addresses.clear();
            port.mac = None;
        }
        estate.add_device(device);
    }
    estate
}
