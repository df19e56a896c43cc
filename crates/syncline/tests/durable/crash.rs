//! Killed anywhere, started again: nothing is lost, nothing is done twice, no run is stuck.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use syncline_core::event::Events;
use syncline_core::guard::Guard;
use syncline_core::history::{Approval, Decision, Run, RunStage, RunStatus};
use syncline_core::run::RunRequest;
use syncline_testkit::estate::EstateOptions;
use syncline_testkit::netbox::{Effect, Fault};
use tokio_util::sync::CancellationToken;

use super::audit::{self, Problems};
use super::dice::{Dice, OnFailure, seed, wanted};
use super::process::{LOOK, said, start};
use super::trap::{Class, How, Kill, Trap};
use super::world::{POLICY, SYNC, World};
use super::{database, edits};

/// Kills in one cycle at most: then it is let through.
const KILLS_PER_CYCLE: usize = 8;
/// Whoever is not done after so long hangs.
const PATIENCE: Duration = Duration::from_mins(2);
/// The exit code of a command whose run waits for its time.
const WAITS: i32 = 7;
/// Where the processes speak.
const SAID: &str = "said";

/// Who does the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// `syncline worker`.
    Worker,
    /// `syncline run`, which goes on with what was killed.
    Command,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_killed_on_sqlite() {
    Box::pin(crash(Who::Worker, None, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_killed_on_postgresql() {
    if let Some(url) = database::postgres("the crash test of a worker on PostgreSQL").await {
        Box::pin(crash(Who::Worker, Some(&url), 2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_killed_on_sqlite() {
    Box::pin(crash(Who::Command, None, 3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_killed_on_postgresql() {
    if let Some(url) = database::postgres("the crash test of a command on PostgreSQL").await {
        Box::pin(crash(Who::Command, Some(&url), 4)).await;
    }
}

/// One crash test on its way.
struct Crash {
    who: Who,
    world: World,
    dice: Dice,
    trap: Trap,
    /// Whatever came to pass, in order.
    kills: Vec<Kill>,
    wanted: usize,
    /// How often NetBox was down when a process was started again.
    outages: u32,
}

impl Drop for Crash {
    fn drop(&mut self) {
        // Nobody else ends it when the test fails.
        self.trap.kill();
    }
}

/// Makes cycles of changes and kills until there were as many kills as wanted.
async fn crash(who: Who, history: Option<&str>, stream: u64) {
    let Some(wanted) = wanted("DURABLE_KILLS", 6) else { return };
    let (seed, wanted) = (seed(), usize::try_from(wanted).unwrap());
    let where_to = if history.is_some() { "PostgreSQL" } else { "SQLite" };
    let _tell = OnFailure(format!("{who:?} on {where_to}: `DURABLE_SEED={seed} DURABLE_KILLS={wanted}` does it again"));
    let options =
        EstateOptions { seed, sites: 1, devices_per_site: 6, interfaces_per_device: 12, ..EstateOptions::small() };
    let world = World::new(options, history, "batch_size = 10", POLICY).await;
    let trap = Trap::default();
    world.forward.watch(Some(trap.watcher(true)));
    world.netbox.watch(Some(trap.watcher(false)));
    let dice = Dice::new(seed.wrapping_mul(31).wrapping_add(stream));
    let mut crash = Crash { who, world, dice, trap, kills: Vec::new(), wanted, outages: 0 };
    let begun = std::time::Instant::now();
    let mut cycle = 0;
    while crash.kills.len() < crash.wanted {
        if cycle > 0 {
            edits::change(&mut crash.world.estate, &mut crash.dice, cycle);
            crash.world.forward.add_snapshot(crash.world.estate.clone());
        }
        crash.cycle(cycle).await;
        cycle += 1;
    }
    let mut by_class: BTreeMap<Class, u32> = BTreeMap::new();
    for kill in &crash.kills {
        *by_class.entry(kill.class).or_default() += 1;
    }
    println!(
        "{who:?} on {where_to}: {} kills and {} outages in {cycle} cycles, {:.0} s: {by_class:?}",
        crash.kills.len(),
        crash.outages,
        begun.elapsed().as_secs_f64()
    );
}

impl Crash {
    /// One run with its kills, and what must be true afterwards.
    async fn cycle(&mut self, cycle: u64) {
        let before = self.world.runs().await.first().map(|run| run.id);
        let logged = self.world.netbox.changes().len();
        let killed = self.kills.len();
        match self.who {
            Who::Worker => self.by_worker(cycle).await,
            Who::Command => self.by_command(cycle).await,
        }
        let when = format!(
            "cycle {cycle} with kills {}",
            self.kills[killed..].iter().map(Kill::to_string).collect::<Vec<_>>().join(", ")
        );
        self.world.forward.watch(None);
        self.world.netbox.watch(None);
        let mut problems = Problems::default();
        let log = self.world.netbox.changes().split_off(logged);
        let runs = self.world.runs().await;
        for run in runs.iter().filter(|run| before.is_none_or(|before| run.id > before)) {
            audit::run(&self.world.runner, run, &log, &mut problems).await;
        }
        audit::nothing_twice(&self.world.netbox, &mut problems);
        if self.world.unfinished().await.is_empty() {
            let newest = runs.iter().find(|run| before.is_none_or(|before| run.id > before));
            self.delete_what_was_lost(newest).await;
            audit::agreement(&self.world.runner, &self.world.sync(), &mut problems).await;
        }
        if !problems.is_empty() {
            for run in runs.iter().filter(|run| before.is_none_or(|before| run.id > before)) {
                audit::what_was_left(&self.world.runner, run, &mut problems).await;
            }
        }
        problems.none(&when);
        self.world.forward.watch(Some(self.trap.watcher(true)));
        self.world.netbox.watch(Some(self.trap.watcher(false)));
    }

    /// Where the source lost the last record of a model, the run proved no absence of what it had: what a person approved of it was
    /// the loss, and the next run deletes.
    async fn delete_what_was_lost(&self, run: Option<&Run>) {
        let Some(run) = run.filter(|run| run.plan.is_some()) else { return };
        let plan = self.world.runner.plan_of(run).await.unwrap();
        if plan.summary().verdicts.iter().all(|verdict| verdict.guard != Guard::SourceShrank) {
            return;
        }
        let (runner, sync, events, cancel) =
            (&self.world.runner, self.world.sync(), Events::new(), CancellationToken::new());
        let report = runner.run(&sync, RunRequest::default(), &events, &cancel).await.unwrap();
        if report.status == RunStatus::AwaitingReview {
            self.approve(&runner.history().run(report.run).await.unwrap().unwrap()).await;
            runner.go_on(report.run, &sync, &events, &cancel).await.unwrap();
        }
    }

    /// A run is asked for; a worker is killed and started again until the run is over.
    async fn by_worker(&mut self, cycle: u64) {
        let run = self.world.runner.trigger(&self.world.sync(), &RunRequest::default()).await.unwrap().run();
        let mut killed = 0;
        loop {
            self.launch(&["worker", "--lease", "2", "--tries", "1000"], cycle, killed).await;
            if self.watch_over(run).await {
                // It may be at its last words.
                self.trap.kill();
                return;
            }
            self.note(&mut killed);
        }
    }

    /// Waits until the run is over, which gives true, or the worker is killed.
    async fn watch_over(&self, run: syncline_core::history::RunId) -> bool {
        let begun = std::time::Instant::now();
        loop {
            let run = self.world.runner.history().run(run).await.unwrap().unwrap();
            match run.status {
                status if status.is_final() => return true,
                RunStatus::AwaitingReview => self.approve(&run).await,
                _ => {}
            }
            if self.trap.ended().is_some() {
                return false;
            }
            if begun.elapsed() > PATIENCE {
                let said = said(self.world.folder.path(), SAID);
                panic!("run {} hangs: {run:#?}\nits worker:\n{said}", run.id);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn approve(&self, run: &Run) {
        let decision = Decision {
            plan_hash: run.plan.as_ref().unwrap().hash.clone(),
            verdict: Approval::Approved,
            by: "the test".to_owned(),
            reason: "the device is gone".to_owned(),
            selection: None,
            overrides_guards: false,
            at: Utc::now(),
        };
        self.world.runner.history().decide(run.id, &decision).await.unwrap();
    }

    /// The command is killed and given again until it comes to its end.
    async fn by_command(&mut self, cycle: u64) {
        let mut killed = 0;
        loop {
            let open = self.world.unfinished().await;
            let waiting = open.iter().find(|run| run.status == RunStatus::AwaitingReview || run.paused.is_some());
            let id = waiting.map(|run| run.id.to_string()).unwrap_or_default();
            match waiting {
                Some(run) if run.paused.is_some() => self.launch(&["resume", &id, "--here"], cycle, killed).await,
                Some(_) => self.launch(&["approve", &id, "--reason", "it is gone", "--here"], cycle, killed).await,
                None => self.launch(&["run", SYNC], cycle, killed).await,
            }
            let ended = tokio::time::timeout(PATIENCE, self.trap.wait()).await;
            let status = ended.unwrap_or_else(|_| panic!("it hangs:\n{}", said(self.world.folder.path(), SAID)));
            match status.code() {
                Some(0) => return,
                // It waits for a person, or for NetBox.
                Some(3 | WAITS) => {}
                // It was killed too often before it could record anything, and says that a person is to let it go on.
                Some(1)
                    if waiting.is_none_or(|run| run.paused.is_none())
                        && self.world.unfinished().await.iter().any(|run| run.paused.is_some()) => {}
                Some(code) => panic!("exit code {code}:\n{}", said(self.world.folder.path(), SAID)),
                None => self.note(&mut killed),
            }
        }
    }

    /// Starts a process that is killed at some request.
    async fn launch(&mut self, arguments: &[&str], cycle: u64, killed: usize) {
        let applying = self.world.unfinished().await.iter().any(|run| run.stage == RunStage::Applying);
        let may_kill = killed < KILLS_PER_CYCLE && self.kills.len() < self.wanted;
        let kill = may_kill.then(|| self.choose(cycle, applying));
        if self.is_in_doubt().await && self.dice.below(3) == 0 {
            let lost = u32::try_from(2 + self.dice.below(3)).unwrap();
            self.world.netbox.faults().add(Fault::on("", Effect::HtmlBadGateway).times(lost));
            self.outages += 1;
        }
        self.trap.hold(start(self.world.folder.path(), arguments, SAID), kill);
    }

    /// Whether a batch was sent of which nobody knows what became of it.
    async fn is_in_doubt(&self) -> bool {
        for run in self.world.unfinished().await {
            if !self.world.runner.history().in_doubt(run.id).await.unwrap().is_empty() {
                return true;
            }
        }
        false
    }

    /// When the next process is killed: anywhere in what it has to do.
    fn choose(&mut self, cycle: u64, applying: bool) -> Kill {
        // Classes with their weights, and how far in each: about as much as there is to do.
        let class = match (cycle, applying) {
            (0, false) => self.dice.weighted(&[(Class::Source, 2), (Class::Read, 2), (Class::Create, 6)]),
            (0, true) => self.dice.weighted(&[(Class::Look, 2), (Class::Create, 6), (Class::Update, 3)]),
            (_, false) => self.dice.weighted(&[
                (Class::Source, 2),
                (Class::Read, 2),
                (Class::Create, 3),
                (Class::Update, 5),
                (Class::Delete, 3),
            ]),
            (_, true) => {
                self.dice.weighted(&[(Class::Look, 2), (Class::Create, 1), (Class::Update, 4), (Class::Delete, 4)])
            }
        };
        let furthest = match (class, cycle, applying) {
            (Class::Source, ..) => 12,
            (Class::Read, ..) => 16,
            (Class::Look, ..) => 4,
            (Class::Create, 0, _) => 14,
            (Class::Update, _, false) => 10,
            (Class::Create | Class::Update | Class::Delete, ..) => 3,
        };
        let nth = 1 + self.dice.below(furthest);
        let late = 100 + self.dice.below(700);
        let after = self.dice.below(60);
        let how =
            self.dice.weighted(&[(How::Lost, 3), (How::Unanswered, 4), (How::Late(late), 1), (How::After(after), 3)]);
        Kill { class, nth, how }
    }

    /// Keeps what came to pass.
    fn note(&mut self, killed: &mut usize) {
        match self.trap.sprung() {
            Some(kill) => {
                self.kills.push(kill);
                *killed += 1;
            }
            None => panic!("it ended by itself:\n{}", said(self.world.folder.path(), SAID)),
        }
    }
}
