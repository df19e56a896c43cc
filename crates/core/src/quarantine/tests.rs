//! The state machine, with a clock that is a number of hours.

use super::*;
use crate::policy::OutOfScope;
use proptest::prelude::*;

fn hour(hour: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_763_600_000, 0).unwrap() + TimeDelta::hours(hour)
}

fn policy() -> Quarantine {
    Quarantine::default()
}

fn sighting(run: i64, hours: i64, evidence: Absence) -> Sighting {
    Sighting { run, at: hour(hours), evidence: Some(evidence), counts: true }
}

/// What runs at these hours make of a record that is absent in all of them.
fn gone_in(hours: &[i64]) -> Streak {
    let runs = (1..).zip(hours).fold(None, |streak, (run, hours)| {
        Some(Streak::absent(streak, sighting(run, *hours, Absence::Gone), &policy()))
    });
    runs.unwrap()
}

fn decision(verdict: Verdict, hours: i64) -> Decision {
    Decision { verdict, by: "kim".to_owned(), reason: "it moves".to_owned(), at: hour(hours) }
}

#[test]
fn both_the_runs_and_the_hours_must_pass() {
    assert_eq!(gone_in(&[0, 40]).state(&policy(), hour(100)), State::Waiting, "two runs are not three");
    assert_eq!(gone_in(&[0, 1, 2]).state(&policy(), hour(71)), State::Waiting, "71 hours are not 72");
    assert_eq!(gone_in(&[0, 1, 2]).state(&policy(), hour(72)), State::Due);
    let off = Quarantine::off();
    let new = Streak::absent(None, sighting(1, 0, Absence::Gone), &off);
    assert_eq!(new.state(&off, hour(0)), State::Due, "0 of both is off");
}

#[test]
fn a_run_counts_once() {
    let once = Streak::absent(None, sighting(7, 0, Absence::Gone), &policy());
    let again = Streak::absent(Some(once.clone()), sighting(7, 5, Absence::Gone), &policy());
    assert_eq!(again, once);
}

#[test]
fn what_the_source_still_has_is_never_due_and_starts_the_count_anew() {
    for evidence in [Absence::Stale, Absence::OutOfScope, Absence::Filtered] {
        let mut streak = gone_in(&[0, 40, 80]);
        assert_eq!(streak.state(&policy(), hour(80)), State::Due);
        for run in 4..10 {
            streak = Streak::absent(Some(streak), sighting(run, 100 * run, evidence), &policy());
            assert_eq!((streak.runs, streak.state(&policy(), hour(100_000))), (0, State::Waiting), "{evidence:?}");
        }
        let gone = Streak::absent(Some(streak), sighting(10, 2_000, Absence::Gone), &policy());
        assert_eq!((gone.runs, gone.since), (1, hour(2_000)), "{evidence:?}");
    }
}

#[test]
fn what_left_the_scope_is_gone_where_the_policy_says_so() {
    let policy = Quarantine { out_of_scope: OutOfScope::AsGone, ..policy() };
    let streak = (1..=3)
        .fold(None, |streak, run| Some(Streak::absent(streak, sighting(run, 40 * run, Absence::OutOfScope), &policy)));
    assert_eq!(streak.unwrap().state(&policy, hour(120)), State::Due);
    let stale = Streak::absent(None, sighting(1, 0, Absence::Stale), &policy);
    assert_eq!(stale.runs, 0, "what could not be collected never is");
}

#[test]
fn people_decide() {
    let due = gone_in(&[0, 40, 80]);
    let kept = due.clone().decided(decision(Verdict::Keep, 81));
    assert_eq!(kept.state(&policy(), hour(10_000)), State::Kept);
    let kept = Streak::absent(Some(kept), sighting(4, 10_000, Absence::Gone), &policy());
    assert_eq!(kept.state(&policy(), hour(10_000)), State::Kept, "for as long as it is absent");

    let released = gone_in(&[0]).decided(decision(Verdict::DeleteNow, 1));
    assert_eq!(released.state(&policy(), hour(1)), State::Released);
    let stale = Streak::absent(Some(released), sighting(2, 2, Absence::Stale), &policy());
    assert_eq!(stale.state(&policy(), hour(2)), State::Waiting, "it was said about one that was gone");

    let restored = due.decided(decision(Verdict::Restore, 81));
    assert_eq!((restored.runs, restored.state(&policy(), hour(10_000))), (0, State::Waiting));
    let restored = Streak::absent(Some(restored), sighting(9, 90, Absence::Gone), &policy());
    assert_eq!((restored.runs, restored.since), (1, hour(90)));
}

#[test]
fn words_say_how_far_it_is() {
    let streak = gone_in(&[0, 20]);
    insta::assert_snapshot!(streak.words(&policy(), hour(31)), @"absent since 2025-11-20 (2 of 3 runs, 31 of 72 hours), due 2025-11-23 at the earliest: the source no longer has it");
    let outside = Streak::absent(None, sighting(1, 0, Absence::OutOfScope), &policy());
    insta::assert_snapshot!(outside.words(&policy(), hour(100)), @r#"not read since 2025-11-20, but not gone: the source has it, outside of what the sync reads (`policy.quarantine.out_of_scope = "as_gone"` deletes it all the same)"#);
}

/// What can happen to a record between two runs, or in one.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// A complete run does not find it.
    Absent(Absence),
    /// A complete run finds it.
    Present,
    /// A run is not complete, or could not find out why it is absent.
    Unproven,
    /// A dry run does not find it.
    Dry(Absence),
    /// The run before is gone on with by another runner.
    Again(Absence),
    /// Time passes.
    Hours(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let evidence = || prop::sample::select(Absence::ALL.to_vec());
    prop_oneof![
        4 => evidence().prop_map(Happening::Absent),
        1 => Just(Happening::Present),
        2 => Just(Happening::Unproven),
        1 => evidence().prop_map(Happening::Dry),
        1 => evidence().prop_map(Happening::Again),
        3 => (1_i64..60).prop_map(Happening::Hours),
    ]
}

/// Plays a history; gives the streak and the time at its end.
fn play(happenings: &[Happening], policy: &Quarantine) -> (Option<Streak>, i64) {
    let (mut streak, mut now, mut run) = (None, 0, 0);
    for happening in happenings {
        let see = |run, evidence, counts| Sighting { run, at: hour(now), evidence, counts };
        streak = match happening {
            Happening::Absent(evidence) => {
                run += 1;
                Some(Streak::absent(streak, see(run, Some(*evidence), true), policy))
            }
            // The engine drops the row.
            Happening::Present => {
                run += 1;
                None
            }
            Happening::Unproven => {
                run += 1;
                Some(Streak::absent(streak, see(run, None, true), policy))
            }
            // A dry run computes what it shows, and keeps nothing.
            Happening::Dry(evidence) => {
                let shown = Streak::absent(streak.clone(), see(run + 1, Some(*evidence), false), policy);
                assert!(streak.as_ref().is_none_or(|streak| shown.runs <= streak.runs));
                streak
            }
            Happening::Again(evidence) => Some(Streak::absent(streak, see(run, Some(*evidence), true), policy)),
            Happening::Hours(hours) => {
                now += hours;
                streak
            }
        };
    }
    (streak, now)
}

/// The same from the definition: the runs since the last sign of life, and the hours since the first of them.
fn by_definition(happenings: &[Happening], policy: &Quarantine) -> bool {
    let (mut now, mut counted, mut last_counted) = (0, Vec::new(), false);
    for happening in happenings {
        match happening {
            Happening::Hours(hours) => now += hours,
            Happening::Unproven => last_counted = false,
            Happening::Dry(_) => {}
            Happening::Absent(evidence) if policy.counts(*evidence) => {
                counted.push(now);
                last_counted = true;
            }
            // Of one run there is one sighting that counts: the first.
            Happening::Again(evidence) if policy.counts(*evidence) => {
                if !last_counted {
                    counted.push(now);
                    last_counted = true;
                }
            }
            Happening::Present | Happening::Absent(_) | Happening::Again(_) => {
                (counted, last_counted) = (Vec::new(), false);
            }
        }
    }
    counted.len() >= policy.runs as usize && counted.first().is_some_and(|first| now - first >= i64::from(policy.hours))
}

proptest! {
    /// A record is due exactly if it was absent in enough complete runs in a row, over enough hours.
    #[test]
    fn due_is_what_its_definition_says(happenings in prop::collection::vec(happening(), 0..40), runs in 1_u32..4) {
        let policy = Quarantine { runs, hours: 24, ..Quarantine::default() };
        let (streak, now) = play(&happenings, &policy);
        let due = streak.is_some_and(|streak| streak.state(&policy, hour(now)) == State::Due);
        prop_assert_eq!(due, by_definition(&happenings, &policy));
    }

    /// No sequence of incomplete runs, dry runs and time ever makes anything due.
    #[test]
    fn incomplete_runs_never_make_anything_due(happenings in prop::collection::vec(happening(), 0..40)) {
        let incomplete: Vec<_> = happenings.into_iter().filter(|happening| {
            matches!(happening, Happening::Unproven | Happening::Dry(_) | Happening::Hours(_))
        }).collect();
        let (streak, now) = play(&incomplete, &policy());
        prop_assert!(streak.is_none_or(|streak| streak.runs == 0 && streak.state(&policy(), hour(now + 1_000)) == State::Waiting));
    }

    /// Whatever came before, a reappearance starts everything anew.
    #[test]
    fn a_reappearance_resets(
        before in prop::collection::vec(happening(), 0..20),
        after in prop::collection::vec(happening(), 0..20),
    ) {
        let whole: Vec<_> = before.iter().copied().chain([Happening::Present]).chain(after.iter().copied()).collect();
        let (streak, now) = play(&whole, &policy());
        let (fresh, fresh_now) = play(&[&[Happening::Present][..], &after].concat(), &policy());
        let seen = |streak: Option<Streak>, now| streak.map(|streak| (streak.runs, streak.state(&policy(), hour(now))));
        prop_assert_eq!(seen(streak, now), seen(fresh, fresh_now));
    }
}
