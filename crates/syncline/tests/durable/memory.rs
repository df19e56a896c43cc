//! A large first load, and its resume after a kill, stay within their memory.

use std::time::{Duration, Instant};

use syncline_core::history::RunStatus;
use syncline_testkit::estate::EstateOptions;

use super::audit::{self, Problems};
use super::dice::{OnFailure, wanted};
use super::process::{said, start};
use super::trap::{Class, How, Kill, Trap};
use super::world::{POLICY, SYNC, World};

/// What a process may take, in MiB of resident memory.
const LIMIT_MIB: u64 = 512;
/// Where the processes speak.
const SAID: &str = "said";
/// How often the memory of a process is looked at. Its peak is kept by the system, so only what comes after the last look is
/// missed.
const GLANCE: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_large_load_and_its_resume_stay_within_their_memory() {
    let Some(changes) = wanted("DURABLE_CHANGES", 0) else { return };
    let _tell = OnFailure(format!("`DURABLE_CHANGES={changes}`"));
    let world = World::new(EstateOptions::with_records(changes), None, "batch_size = 100", POLICY).await;
    let trap = Trap::default();
    world.netbox.watch(Some(trap.watcher(false)));

    // Half of the creates, in lists of 100 at most.
    let kill = Kill { class: Class::Create, nth: changes / 200, how: How::Unanswered };
    trap.hold(start(world.folder.path(), &["run", SYNC, "--quiet"], SAID), Some(kill));
    let first = peak(&trap).await;
    assert_eq!(trap.sprung(), Some(kill), "{}", said(world.folder.path(), SAID));
    let run = world.runs().await.remove(0);
    let done = run.counts.outcomes.total();
    assert!(done > changes / 10, "it was to be killed in the middle, and {done} changes were done");

    trap.hold(start(world.folder.path(), &["resume", &run.id.to_string(), "--here", "--quiet"], SAID), None);
    let resumed = peak(&trap).await;
    let run = world.runner.history().run(run.id).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Completed, "{run:#?}\n{}", said(world.folder.path(), SAID));
    let total = run.counts.outcomes.total();
    println!("{total} changes: {first} MiB until the kill at {done}, {resumed} MiB from there to the end");
    assert!(total >= changes, "only {total} changes");
    assert!(first <= LIMIT_MIB && resumed <= LIMIT_MIB, "{first} MiB and {resumed} MiB, of {LIMIT_MIB}");

    world.netbox.watch(None);
    let mut problems = Problems::default();
    audit::run(&world.runner, &run, &world.netbox.changes(), &mut problems).await;
    audit::nothing_twice(&world.netbox, &mut problems);
    problems.none("after the resume");
}

/// Waits for the end of the process; the most resident memory that it had, in MiB.
async fn peak(trap: &Trap) -> u64 {
    let begun = Instant::now();
    let mut peak = 0;
    while trap.ended().is_none() {
        peak = peak.max(trap.peak_memory_mib().unwrap_or_default());
        assert!(begun.elapsed() < Duration::from_mins(20), "it hangs");
        tokio::time::sleep(GLANCE).await;
    }
    assert!(peak > 0, "the system does not tell what memory a process has");
    peak
}
