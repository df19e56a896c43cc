//! What people leave alone, over whole runs.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::change::{Change, HoldRule};
use crate::history::{FindingState, IgnoreId, NewIgnore};
use crate::plan::PlanReader;

/// A lab whose time stands still until it is moved.
struct Timed {
    lab: Lab,
    days: Arc<AtomicI64>,
}

fn day(days: i64) -> DateTime<Utc> {
    "2025-11-20T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(days)
}

fn key(slug: &str) -> AnyKey {
    AnyKey::from_value(&json!([slug])).unwrap()
}

impl Timed {
    /// Sites `a`, `b` and `c` on both sides, put there by a first run.
    async fn new(world: &'static str) -> Self {
        let days = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&days);
        let lab = Lab::new(world).await;
        let runner = lab.runner.with_clock(move || day(clock.load(Ordering::Relaxed)));
        let lab = Lab { runner, ..lab };
        lab.set(&["a", "b", "c"], &[]);
        lab.run().await;
        Self { lab, days }
    }

    async fn ignore(&self, slug: &str, field: Option<&str>, until: Option<&str>) -> IgnoreId {
        let wish = NewIgnore {
            sync: "main".to_owned(),
            model: "site".to_owned(),
            key: key(slug),
            field: field.map(str::to_owned),
            until: until.map(|day| day.parse().unwrap()),
            by: "ada".to_owned(),
            reason: "it moves".to_owned(),
        };
        let now = day(self.days.load(Ordering::Relaxed));
        self.lab.runner.history().ignore(&wish, now).await.unwrap().id
    }

    /// `a` has another name in the source, `b` is gone there, `d` is new.
    fn move_on(&self) {
        with(self.lab.world, |world| {
            world.source.insert("a".to_owned(), "Site A".to_owned());
            world.source.remove("b");
            world.source.insert("d".to_owned(), "Site d".to_owned());
        });
    }
}

fn held(report: &RunReport) -> Vec<String> {
    let plan = PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
    let changes: Vec<Change> = plan.changes().unwrap().map(Result::unwrap).collect();
    let told = changes.iter().map(|change| {
        let hold = change.hold.as_ref().map(|hold| (hold.rule, hold.reason.as_str()));
        match hold {
            Some((HoldRule::Ignored, reason)) => format!("{} {}: {reason}", change.action, change.key),
            other => format!("{} {}: {other:?}", change.action, change.key),
        }
    });
    told.collect()
}

#[tokio::test]
async fn what_is_left_alone_is_not_written_until_it_is_over() {
    let timed = Timed::new("left-alone").await;
    timed.move_on();
    timed.ignore("a", Some("name"), Some("2025-11-21")).await;
    let b = timed.ignore("b", None, None).await;
    timed.ignore("d", None, Some("2025-11-21")).await;
    for days in [0, 1] {
        timed.days.store(days, Ordering::Relaxed);
        let report = timed.lab.run().await;
        assert_eq!((report.status, report.summary.to_apply()), (RunStatus::Completed, 0));
        let expected = [
            "update a: `name` is left alone until 2025-11-21 by ada: it moves",
            "create d: left alone until 2025-11-21 by ada: it moves",
            "delete b: left alone by ada until somebody ends it: it moves",
        ];
        assert_eq!(held(&report), expected);
        assert_eq!(timed.lab.runner.history().held_deletes(report.run).await.unwrap(), 0, "a person decided it");
    }
    assert_eq!(timed.lab.target(), ["a", "b", "c"]);

    timed.days.store(2, Ordering::Relaxed);
    let report = timed.lab.run().await;
    assert_eq!(timed.lab.outcomes(report.run).await, ["create d applied", "delete b held", "update a applied"]);
    let now = day(2);
    timed.lab.runner.history().end_ignore("main", b, "kim", now).await.unwrap();
    let report = timed.lab.run_with(RunRequest::dry()).await;
    assert_eq!(held(&report), ["delete b: None"]);
}

#[tokio::test]
async fn what_is_left_alone_is_no_drift() {
    let timed = Timed::new("left-alone-drift").await;
    timed.move_on();
    let check = async || timed.lab.run_with(RunRequest::drift()).await;
    assert_eq!(check().await.notes["drift"], "3 differences, 3 new, 0 gone");
    let a = timed.ignore("a", Some("name"), None).await;
    timed.ignore("b", None, None).await;
    timed.ignore("d", None, None).await;
    let checked = check().await;
    assert_eq!(checked.notes["drift"], "converged");
    assert_eq!(checked.notes["coverage"], "compared 1 of 1 models, 4 records; 3 of what differs are left alone");
    let history = timed.lab.runner.history();
    let found = history.findings(&FindingFilter::default(), None, 10).await.unwrap().items;
    let states: Vec<_> = found.iter().map(|finding| (finding.state, finding.resolved_run)).collect();
    assert_eq!(states, [(FindingState::Resolved, None); 3], "people resolved them, no run");
    history.end_ignore("main", a, "kim", day(0)).await.unwrap();
    assert_eq!(check().await.notes["drift"], "1 difference, 1 new, 0 gone");
}

/// A record that waits in quarantine gets no mark in a field that is left alone.
#[tokio::test]
async fn a_field_that_is_left_alone_gets_no_mark() {
    let world = "left-alone-mark";
    with(world, |world| world.statuses = Some(BTreeMap::new()));
    let mut timed = Timed::new(world).await;
    let mark = crate::policy::Mark::Status("decommissioning".to_owned());
    timed.lab.sync.policy.quarantine = Quarantine { runs: 1, mark, ..Quarantine::default() };
    with(world, |world| world.source.remove("b"));
    let id = timed.ignore("b", Some("status"), None).await;
    let updates = |report: &RunReport| {
        let changes = held(report).into_iter();
        changes.filter(|change| change.starts_with("update")).collect::<Vec<_>>()
    };
    assert_eq!(updates(&timed.lab.run().await), [""; 0]);
    timed.lab.runner.history().end_ignore("main", id, "kim", day(0)).await.unwrap();
    assert_eq!(updates(&timed.lab.run().await), ["update b: None"]);
}

/// A person asks for an undo, of what a run wrote: it is not held by what runs leave alone.
#[tokio::test]
async fn an_undo_takes_back_what_is_left_alone_too() {
    let timed = Timed::new("left-alone-undo").await;
    timed.move_on();
    timed.ignore("b", None, None).await;
    let run = timed.lab.run().await;
    assert_eq!(timed.lab.outcomes(run.run).await, ["create d applied", "delete b held", "update a applied"]);
    for slug in ["a", "d"] {
        timed.ignore(slug, None, None).await;
    }
    let undo = timed.lab.run_with(RunRequest::undo(run.run)).await;
    let undo = match undo.status {
        RunStatus::AwaitingReview => timed.lab.apply(&undo.plan.unwrap(), Some("as asked")).await.unwrap(),
        _ => undo,
    };
    assert_eq!(timed.lab.outcomes(undo.run).await, ["delete d applied", "update a applied"]);
    // And the next ordinary run leaves them as they are now.
    let next = timed.lab.run().await;
    assert_eq!((next.status, next.summary.to_apply()), (RunStatus::Completed, 0));
    assert_eq!(timed.lab.target(), ["a", "b", "c"]);
}

/// What was planned before stays planned: the plan that somebody looked at is the plan that is applied.
#[tokio::test]
async fn a_plan_that_was_made_before_is_not_changed() {
    let timed = Timed::new("left-alone-later").await;
    timed.move_on();
    let dry = timed.lab.run_with(RunRequest::dry()).await;
    timed.ignore("a", None, None).await;
    let applied = timed.lab.apply(&dry.plan.unwrap(), Some("looked at")).await.unwrap();
    assert!(timed.lab.outcomes(applied.run).await.contains(&"update a applied".to_owned()));
}

/// What is left alone and on neither side is a slip, or done with: each run says so, by the name that people gave it.
#[tokio::test]
async fn what_is_left_alone_and_gone_is_told() {
    let timed = Timed::new("left-alone-gone").await;
    let gone = async |run: RunId| {
        let lines = timed.lab.runner.history().log(run, None, 100).await.unwrap().items;
        let lines = lines.into_iter().filter(|line| line.level == crate::event::Level::Warning);
        lines.map(|line| line.text).collect::<Vec<_>>()
    };
    timed.ignore("a", Some("name"), None).await;
    assert_eq!(gone(timed.lab.run().await.run).await, [""; 0]);
    let slip = timed.ignore("x", None, None).await;
    timed.ignore("y", Some("name"), None).await;
    let told = gone(timed.lab.run().await.run).await;
    insta::assert_snapshot!(told.join("\n"), @r#"
    `site:["x"]` is left alone, and neither side has it: look at the spelling, or end it (`syncline ignore list`)
    `site:["y"]` is left alone, and neither side has it: look at the spelling, or end it (`syncline ignore list`)
    "#);
    timed.lab.runner.history().end_ignore("main", slip, "kim", day(0)).await.unwrap();
    // One side is enough.
    with(timed.lab.world, |world| world.target.insert("y".to_owned(), "by hand".to_owned()));
    assert_eq!(gone(timed.lab.run().await.run).await, [""; 0]);
}
