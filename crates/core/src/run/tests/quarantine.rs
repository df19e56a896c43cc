//! Runs that do not find in the source what they once created.

mod kept;
mod part;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::change::Change;
use crate::event::Event;
use crate::history::{Decision as PlanDecision, QuarantineFilter, Quarantined, RunKind};
use crate::plan::PlanReader;
use crate::policy::{Mark, OutOfScope, PartialRead};
use crate::quarantine::{Decision, State, Verdict};

/// A lab whose time stands still until it is moved.
struct Timed {
    lab: Lab,
    hours: Arc<AtomicI64>,
    events: Events,
}

fn hour(hours: i64) -> DateTime<Utc> {
    "2025-11-20T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hours)
}

impl Timed {
    /// Sites `a`, `b` and `c` on both sides, put there by a first run.
    async fn new(world: &'static str) -> Self {
        let mut timed = Self::empty(world).await;
        timed.lab.set(&["a", "b", "c"], &[]);
        timed.run().await;
        timed.events = Events::new();
        timed
    }

    async fn empty(world: &'static str) -> Self {
        let hours = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&hours);
        let lab = Lab::new(world).await;
        let runner = lab.runner.with_clock(move || hour(clock.load(Ordering::Relaxed)));
        let mut lab = Lab { runner, ..lab };
        lab.sync.policy.quarantine = Quarantine::default();
        Self { lab, hours, events: Events::new() }
    }

    fn at(&self, hours: i64) {
        self.hours.store(hours, Ordering::Relaxed);
    }

    fn lose(&self, slug: &str) {
        with(self.lab.world, |world| world.source.remove(slug)).unwrap();
    }

    fn find(&self, slug: &str) {
        with(self.lab.world, |world| world.source.insert(slug.to_owned(), format!("Site {slug}")));
    }

    async fn run(&self) -> RunReport {
        self.run_with(RunRequest::default()).await
    }

    async fn run_with(&self, request: RunRequest) -> RunReport {
        self.lab.runner.run(&self.lab.sync, request, &self.events, &CancellationToken::new()).await.unwrap()
    }

    /// What the plan of a run says about a site: nothing, that it goes, or why it stays.
    fn says(report: &RunReport, slug: &str) -> String {
        let of_site = changes(report).into_iter().filter(|change| slug_of(&change.key) == slug);
        let said = of_site.map(|change| match change.hold {
            None => change.action.to_string(),
            Some(hold) => format!("{}: {}", hold.rule.as_str(), hold.reason),
        });
        said.collect::<Vec<_>>().join("; ")
    }

    async fn rows(&self) -> Vec<Quarantined> {
        let history = self.lab.runner.history();
        history.quarantine(&QuarantineFilter::default(), None, 100).await.unwrap().items
    }

    /// The only row: how many runs counted, since which hour.
    async fn row(&self) -> (u32, i64) {
        let [row] = &self.rows().await[..] else { panic!("one row is expected") };
        (row.streak.runs, (row.streak.since - hour(0)).num_hours())
    }

    async fn decide(&self, slug: &str, verdict: Verdict) {
        let decision = Decision {
            verdict,
            by: "kim".to_owned(),
            reason: "it moves".to_owned(),
            at: hour(self.hours.load(Ordering::Relaxed)),
        };
        let key = AnyKey::from_value(&json!([slug])).unwrap();
        self.lab.runner.history().decide_absent("main", "site", &key, &decision).await.unwrap();
    }
}

fn changes(report: &RunReport) -> Vec<Change> {
    let plan = PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
    plan.changes().unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_record_is_deleted_when_it_was_absent_long_enough_and_not_before() {
    let timed = Timed::new("waits").await;
    timed.lose("b");
    let mut said = Vec::new();
    for hours in [1, 32, 50] {
        timed.at(hours);
        let report = timed.run().await;
        assert_eq!((report.status, report.total().applied), (RunStatus::Completed, 0), "{hours}");
        said.push(Timed::says(&report, "b"));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
quarantine: absent since 2025-11-20 (1 of 3 runs, 0 of 72 hours), due 2025-11-23 at the earliest: the source no longer has it
quarantine: absent since 2025-11-20 (2 of 3 runs, 31 of 72 hours), due 2025-11-23 at the earliest: the source no longer has it
quarantine: absent since 2025-11-20 (3 of 3 runs, 49 of 72 hours), due 2025-11-23 at the earliest: the source no longer has it
"#);
    timed.at(72);
    assert_eq!(timed.run().await.status, RunStatus::Completed, "71 hours are not 72");
    timed.at(73);
    let due = timed.run().await;
    // A site carries others: a person looks at its delete all the same.
    assert_eq!((due.status, &*Timed::says(&due, "b")), (RunStatus::AwaitingReview, "delete"));
    assert_eq!(due.notes["quarantine.due"], "1");
    assert_eq!(due.notes["absent.gone"], "1");
    assert_eq!(timed.rows().await.len(), 1, "what is not deleted yet is still absent");
    timed.lab.apply(&due.plan.unwrap(), Some("torn down")).await.unwrap();
    assert_eq!(timed.lab.target(), ["a", "c"]);
    assert_eq!(timed.rows().await, [], "what is deleted waits no more");
}

#[tokio::test]
async fn hours_alone_make_nothing_due() {
    let timed = Timed::new("hours").await;
    timed.lose("b");
    for hours in [1, 10_000] {
        timed.at(hours);
        let report = timed.run().await;
        assert!(Timed::says(&report, "b").starts_with("quarantine: "), "{}", Timed::says(&report, "b"));
    }
}

#[tokio::test]
async fn a_reappearance_starts_anew_and_says_so() {
    let timed = Timed::new("reappears").await;
    timed.lose("b");
    for hours in [1, 40] {
        timed.at(hours);
        timed.run().await;
    }
    timed.decide("b", Verdict::Keep).await;
    timed.find("b");
    let mut follower = timed.events.follow();
    timed.at(80);
    timed.run().await;
    let mut told = Vec::new();
    while let Ok(event) = follower.try_recv() {
        if let Event::Message { text, .. } = &*event {
            told.push(text.clone());
        }
    }
    insta::assert_snapshot!(told.join("\n"), @"the site `b` is absent no more: it was since 2025-11-20, and 2 runs counted it; what kim decided (`keep`: it moves) goes with that");
    assert_eq!(timed.rows().await, []);

    timed.lose("b");
    timed.at(90);
    let report = timed.run().await;
    assert_eq!(timed.row().await, (1, 90), "{}", Timed::says(&report, "b"));
}

/// Runs that prove nothing: a read that fails, one that is cut short and goes on or not, a source that shrank, a dry run.
#[tokio::test]
async fn runs_that_prove_nothing_count_nothing() {
    let mut timed = Timed::new("unproven").await;
    timed.lose("b");
    timed.at(1);
    timed.run().await;
    assert_eq!(timed.row().await, (1, 1));
    timed.at(1_000);
    with("unproven", |world| world.error = Some("cannot reach `truth.example`"));
    assert_eq!(timed.run().await.status, RunStatus::Failed);
    with("unproven", |world| (world.error, world.partial) = (None, Some("page 2 ended early")));
    assert_eq!(timed.run().await.status, RunStatus::Failed);
    timed.lab.sync.policy.partial_read = PartialRead::Continue;
    let partial = timed.run().await;
    assert_eq!(partial.status, RunStatus::Failed);
    assert!(Timed::says(&partial, "b").starts_with("source_partial: "), "{}", Timed::says(&partial, "b"));
    with("unproven", |world| world.partial = None);
    for _ in 0..3 {
        timed.run_with(RunRequest::dry()).await;
    }
    let all = with("unproven", |world| std::mem::take(&mut world.source));
    assert_eq!(timed.run().await.status, RunStatus::AwaitingReview, "a source that lost everything");
    with("unproven", |world| world.source = all);
    assert_eq!(timed.row().await, (1, 1), "none of these counts, and none resets");
    // Two runs that prove it make three.
    timed.run().await;
    let report = timed.run().await;
    assert_eq!(Timed::says(&report, "b"), "delete");
}

#[tokio::test]
async fn a_dry_run_shows_what_is_held_and_what_the_next_run_would_do() {
    let timed = Timed::new("shows").await;
    timed.lose("b");
    let mut said = vec![Timed::says(&timed.run_with(RunRequest::dry()).await, "b")];
    for hours in [1, 80] {
        timed.at(hours);
        timed.run().await;
        said.push(Timed::says(&timed.run_with(RunRequest::dry()).await, "b"));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
quarantine: absent since 2025-11-20 (0 of 3 runs, 0 of 72 hours), due 2025-11-23 at the earliest: the source no longer has it
quarantine: absent since 2025-11-20 (1 of 3 runs, 0 of 72 hours), due 2025-11-23 at the earliest: the source no longer has it
quarantine: absent since 2025-11-20 (2 of 3 runs, 79 of 72 hours): the source no longer has it; the next run deletes it
"#);
    assert_eq!(timed.row().await, (2, 1));
}

/// Whoever starts a run: it counts like any other, and is held like any other.
#[tokio::test]
async fn a_schedule_and_a_person_use_the_same_evidence() {
    let timed = Timed::new("sweep").await;
    timed.lose("b");
    let by = |kind| RunRequest { kind, ..RunRequest::default() };
    for (hours, kind) in [(1, RunKind::Scheduled), (80, RunKind::Adhoc)] {
        timed.at(hours);
        let report = timed.run_with(by(kind)).await;
        assert!(Timed::says(&report, "b").starts_with("quarantine: "), "{kind:?}");
    }
    timed.at(90);
    for kind in [RunKind::Webhook, RunKind::Scheduled, RunKind::Adhoc] {
        assert_eq!(Timed::says(&timed.run_with(by(kind)).await, "b"), "delete", "{kind:?}");
    }
}

#[tokio::test]
async fn people_keep_release_and_restore() {
    let timed = Timed::new("people").await;
    for slug in ["b", "c"] {
        timed.lose(slug);
    }
    timed.at(1);
    timed.run().await;
    timed.decide("b", Verdict::DeleteNow).await;
    timed.decide("c", Verdict::Keep).await;
    timed.at(500);
    let report = timed.run().await;
    assert_eq!(report.status, RunStatus::AwaitingReview, "the guards are asked all the same");
    assert_eq!(Timed::says(&report, "b"), "delete");
    insta::assert_snapshot!(Timed::says(&report, "c"), @"quarantine: kept by kim: it moves");
    timed.decide("c", Verdict::Restore).await;
    let report = timed.run().await;
    insta::assert_snapshot!(Timed::says(&report, "c"), @"quarantine: absent since 2025-12-11 (1 of 3 runs, 0 of 72 hours), due 2025-12-14 at the earliest: the source no longer has it");
}

#[tokio::test]
async fn what_the_source_still_has_is_held_by_its_reason() {
    let mut timed = Timed::new("explained").await;
    for slug in ["a", "b"] {
        timed.lose(slug);
    }
    with("explained", |world| {
        world.absences = [("a", Ok(Absence::Stale)), ("b", Ok(Absence::OutOfScope))]
            .map(|(slug, absence)| (slug.to_owned(), absence))
            .into();
    });
    let mut last: Option<RunReport> = None;
    for hours in [1, 100, 200, 300] {
        timed.at(hours);
        last = Some(timed.run().await);
    }
    let held = last.take().unwrap();
    insta::assert_snapshot!(format!("{}\n{}", Timed::says(&held, "a"), Timed::says(&held, "b")), @r#"
quarantine: not read since 2025-11-20, but not gone: the source has it, but could not collect it
quarantine: not read since 2025-11-20, but not gone: the source has it, outside of what the sync reads (`policy.quarantine.out_of_scope = "as_gone"` deletes it all the same)
"#);
    assert_eq!((&*held.notes["absent.stale"], &*held.notes["absent.out_of_scope"]), ("1", "1"));
    assert_eq!(held.notes["quarantine.waiting"], "2");

    timed.lab.sync.policy.quarantine.out_of_scope = OutOfScope::AsGone;
    for hours in [400, 440, 480] {
        timed.at(hours);
        last = Some(timed.run().await);
    }
    let last = last.unwrap();
    assert_eq!(Timed::says(&last, "b"), "delete");
    assert!(Timed::says(&last, "a").starts_with("quarantine: "), "{}", Timed::says(&last, "a"));
}

#[tokio::test]
async fn an_absence_that_nobody_can_explain_does_not_count() {
    let timed = Timed::new("unexplained").await;
    timed.lose("b");
    with("unexplained", |world| world.absences.insert("b".to_owned(), Err("the key may not list devices")));
    for hours in [1, 100, 200, 300] {
        timed.at(hours);
        let report = timed.run().await;
        assert_eq!(
            Timed::says(&report, "b"),
            "quarantine: why it is absent is not known: the key may not list devices"
        );
    }
    assert_eq!(timed.rows().await, []);
}

#[tokio::test]
async fn what_is_not_ours_does_not_wait_and_does_not_go() {
    let timed = Timed::empty("foreign").await;
    timed.lab.set(&["a"], &["x", "y"]);
    for hours in [0, 100, 200, 300, 400] {
        timed.at(hours);
        timed.run().await;
    }
    assert_eq!(timed.rows().await, []);
    assert_eq!(timed.lab.target(), ["a", "x", "y"]);
}

#[tokio::test]
async fn a_history_that_is_lost_deletes_nothing() {
    let timed = Timed::new("forgotten").await;
    timed.lose("b");
    for hours in [1, 50] {
        timed.at(hours);
        timed.run().await;
    }
    let Timed { lab, hours, events } = timed;
    let history = History::in_memory().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::clone(&hours);
    let runner = Runner::new(Registry::of([&DESCRIPTOR]).unwrap(), history, folder.path())
        .with_clock(move || hour(clock.load(Ordering::Relaxed)));
    let timed = Timed { lab: Lab { runner, ..lab }, hours, events };
    for hours in [100, 200, 300, 400, 500] {
        timed.at(hours);
        timed.run().await;
    }
    assert_eq!(timed.lab.target(), ["a", "b", "c"]);
}

/// Deletes that the policy holds back are watched all the same: whoever turns them on sees what waited long enough.
#[tokio::test]
async fn held_deletes_are_counted_too() {
    let mut timed = Timed::new("held").await;
    timed.lab.sync.policy.deletes = Deletes::Hold;
    timed.lose("b");
    for hours in [1, 50, 100] {
        timed.at(hours);
        let report = timed.run().await;
        assert!(Timed::says(&report, "b").starts_with("policy: "));
    }
    assert_eq!(timed.rows().await[0].state, State::Due);
    timed.lab.sync.policy.deletes = Deletes::Apply;
    let report = timed.run().await;
    assert_eq!(Timed::says(&report, "b"), "delete");
}

fn status(world: &str, slug: &str) -> SiteStatus {
    let statuses = with(world, |world| world.statuses.clone()).unwrap();
    statuses.get(slug).cloned().unwrap_or(SiteStatus::Active)
}

/// A lab that marks by status, in which `b` is staging and gone.
async fn marking(world: &'static str) -> Timed {
    marking_by(world, Mark::Status("decommissioning".to_owned())).await
}

async fn marking_by(world: &'static str, mark: Mark) -> Timed {
    with(world, |world| world.statuses = Some(BTreeMap::new()));
    let mut timed = Timed::new(world).await;
    timed.lab.sync.policy.quarantine.mark = mark;
    with(world, |world| world.statuses.as_mut().unwrap().insert("b".to_owned(), SiteStatus::Staging));
    timed.lose("b");
    for hours in [1, 2] {
        timed.at(hours);
        timed.run().await;
    }
    assert_eq!(status(world, "b"), SiteStatus::Staging, "two runs are not three");
    timed
}

#[tokio::test]
async fn a_mark_is_set_once_and_taken_back() {
    let timed = marking("marks").await;
    let dry = timed.run_with(RunRequest::dry()).await;
    assert_eq!(dry.summary.to_apply(), 0);
    timed.at(3);
    let marked = timed.run().await;
    assert_eq!((marked.status, marked.total().applied), (RunStatus::Completed, 1));
    assert_eq!(status("marks", "b"), SiteStatus::Decommissioning);
    timed.at(4);
    assert_eq!(timed.run().await.total().applied, 0, "a second run writes nothing");

    timed.find("b");
    timed.at(5);
    let back = timed.run().await;
    assert_eq!(Timed::says(&back, "b"), "update");
    assert_eq!(status("marks", "b"), SiteStatus::Staging, "what the mark replaced");
    assert_eq!(timed.rows().await[0].state, State::Returned, "until the mark is seen to be gone");
    assert_eq!(timed.run().await.total().applied, 0);
    assert_eq!(timed.rows().await, []);
}

/// What the target itself gives to absent records is a mark like the policy's, which counts where both speak of a field.
#[tokio::test]
async fn a_target_marks_what_is_absent_its_own_way() {
    for (world, mark, expected) in [
        ("own mark", Mark::None, SiteStatus::Retired),
        ("both marks", Mark::Status("decommissioning".to_owned()), SiteStatus::Decommissioning),
    ] {
        with(world, |world| world.mark = vec![("status", serde_json::json!("retired"))]);
        let timed = marking_by(world, mark).await;
        timed.at(3);
        assert_eq!(timed.run().await.total().applied, 1, "{world}");
        assert_eq!(status(world, "b"), expected);
        timed.at(4);
        assert_eq!(timed.run().await.total().applied, 0, "{world}");
        timed.find("b");
        timed.at(5);
        assert_eq!(timed.run().await.total().applied, 1, "{world}");
        assert_eq!(status(world, "b"), SiteStatus::Staging, "{world}");
    }
}

#[tokio::test]
async fn a_mark_that_a_person_took_away_or_changed_stays_so() {
    let timed = marking("unmarked").await;
    timed.at(3);
    timed.run().await;
    with("unmarked", |world| world.statuses.as_mut().unwrap().insert("b".to_owned(), SiteStatus::Retired));
    timed.at(4);
    assert_eq!(timed.run().await.total().applied, 0);
    timed.find("b");
    timed.at(5);
    assert_eq!(timed.run().await.total().applied, 0);
    assert_eq!(status("unmarked", "b"), SiteStatus::Retired);
    assert_eq!(timed.rows().await, []);
}

#[tokio::test]
async fn a_mark_whose_plan_was_not_applied_is_planned_again() {
    let mut timed = marking("again").await;
    timed.lab.sync.auto_merge = false;
    timed.at(3);
    let waiting = timed.run().await;
    assert_eq!(
        (waiting.status, Timed::says(&waiting, "b").split(';').next().unwrap()),
        (RunStatus::AwaitingReview, "update")
    );
    timed.lab.decide(&waiting, Approval::Rejected).await;
    timed.lab.sync.auto_merge = true;
    timed.at(4);
    timed.run().await;
    assert_eq!(status("again", "b"), SiteStatus::Decommissioning);
}

#[tokio::test]
async fn a_tag_that_the_target_lacks_marks_nothing_and_is_named() {
    let mut timed = Timed::new("tagless").await;
    timed.lab.sync.policy.quarantine.mark = Mark::Tag("absent".to_owned());
    let mut follower = timed.events.follow();
    timed.run().await;
    let mut told = Vec::new();
    while let Ok(event) = follower.try_recv() {
        if let Event::Message { text, .. } = &*event {
            told.push(text.clone());
        }
    }
    insta::assert_snapshot!(told.join("\n"), @"the target has no tag `absent`, which `policy.quarantine.mark` names: nothing is marked; create it there");
}
