//! What comes after a run: it is taken back, gone over again, looked at for what keeps coming, and forgotten.

use super::*;
use crate::plan::{PlanHeader, PlanReader};

/// What the target has, in words.
pub(super) fn names(world: &str) -> Vec<String> {
    with(world, |world| world.target.iter().map(|(slug, name)| format!("{slug}: {name}")).collect())
}

/// A target with three sites of ours and a foreign one, and a run that created, updated and deleted.
async fn changed(world: &'static str) -> (Lab, RunId, Vec<String>) {
    let lab = Lab::new(world).await;
    lab.set(&["a", "b", "d"], &["foreign"]);
    lab.run().await;
    let before = names(world);
    with(world, |world| {
        world.source.insert("a".to_owned(), "Site A".to_owned());
        world.source.insert("c".to_owned(), "Site c".to_owned());
        world.source.remove("b");
    });
    let waiting = lab.run().await;
    let run = lab.apply(&waiting.plan.unwrap(), Some("as planned")).await.unwrap();
    assert_eq!(
        lab.outcomes(run.run).await,
        ["create c applied", "delete b applied", "delete foreign held", "update a applied"]
    );
    (lab, run.run, before)
}

/// What the plan of a run says of itself.
fn header(report: &RunReport) -> PlanHeader {
    PlanReader::open(report.plan.as_ref().unwrap()).unwrap().header().clone()
}

impl Lab {
    /// Takes a run back, with a person's approval where a guard wants it.
    async fn undo(&self, run: RunId) -> RunReport {
        let report = self.run_with(RunRequest::undo(run)).await;
        match report.status {
            RunStatus::AwaitingReview => self.apply(&report.plan.unwrap(), Some("it was wrong")).await.unwrap(),
            _ => report,
        }
    }
}

#[tokio::test]
async fn an_undo_restores_what_was_there_and_can_be_taken_back() {
    let (lab, run, before) = changed("undone").await;
    let after = names("undone");
    let dry = lab.run_with(RunRequest { dry_run: true, ..RunRequest::undo(run) }).await;
    assert_eq!(lab.outcomes(dry.run).await, ["create b planned", "delete c planned", "update a planned"]);
    assert_eq!(names("undone"), after);

    // The source is not asked, and what it says does not matter.
    with("undone", |world| world.error = Some("cannot reach `truth.example`"));
    let undone = lab.undo(run).await;
    assert_eq!((undone.status, undone.error.as_ref().map(Error::report)), (RunStatus::Completed, None));
    assert_eq!(lab.outcomes(undone.run).await, ["create b applied", "delete c applied", "update a applied"]);
    let header = header(&undone);
    assert_eq!((header.undoes, header.reruns, header.drift), (Some(run.number()), None, false));
    assert_eq!(names("undone"), before);
    // Nothing is left to be taken back.
    let again = lab.undo(run).await;
    assert_eq!((again.status, again.summary.to_apply()), (RunStatus::Completed, 0));

    let redone = lab.undo(undone.run).await;
    assert_eq!(redone.status, RunStatus::Completed);
    assert_eq!(names("undone"), after);
}

#[tokio::test]
async fn an_undo_leaves_what_people_touched_since() {
    let (lab, run, _) = changed("touched").await;
    with("touched", |world| {
        world.target.insert("a".to_owned(), "Anna's site".to_owned());
        world.target.insert("c".to_owned(), "Site C".to_owned());
        world.target.insert("b".to_owned(), "Site b, again".to_owned());
    });
    let kept = names("touched");
    let undone = lab.undo(run).await;
    assert_eq!(undone.status, RunStatus::Completed);
    assert_eq!(names("touched"), kept);
    let changes = lab.runner.history().changes(undone.run, &ChangeFilter::default(), None, 100).await.unwrap();
    let show = |change: &crate::history::StoredChange| {
        let rule = change.rule.map_or("-", crate::change::HoldRule::as_str);
        format!("{} {} {rule}: {}", change.action, change.key, change.reason.as_deref().unwrap_or_default())
    };
    let mut held: Vec<_> = changes.items.iter().map(show).collect();
    held.sort();
    insta::assert_snapshot!(held.join("\n"), @r#"
create b moved: it is there again, as b
delete c moved: it was changed after the run: `name` is "Site C" now, and the run left "Site c"
update a moved: it was changed after the run: `name` is "Anna's site" now, and the run left "Site A"
"#);
}

#[tokio::test]
async fn only_a_real_run_of_the_sync_that_is_over_is_taken_back() {
    let (lab, run, _) = changed("refused").await;
    let dry = lab.run_with(RunRequest::dry()).await;
    let refused = async |request: RunRequest| lab.run_with(request).await.error.unwrap().report();
    insta::assert_snapshot!(refused(RunRequest::undo(dry.run)).await, @"run 3 was dry: there is nothing to be taken back");
    insta::assert_snapshot!(refused(RunRequest::undo(RunId::new(99))).await, @"run 99 cannot be taken back: there is no such run, or it is not kept any more");
    let mut other = Lab { sync: lab.sync.clone(), ..lab };
    other.sync.name = "other".to_owned();
    insta::assert_snapshot!(other.run_with(RunRequest::undo(run)).await.error.unwrap().report(), @"run 2 is one of `main`, not of `other`");
}

#[tokio::test]
async fn an_undo_is_no_evidence_for_later_runs() {
    let (lab, run, _) = changed("evidence").await;
    lab.undo(run).await;
    // The undo read four sites in the target; the source's own count stays what is compared with.
    let counts =
        lab.runner.history().record_counts_of_last_complete("main", "site", crate::event::Side::Source, 5).await;
    assert_eq!(counts.unwrap(), [3, 3]);
}

#[tokio::test]
async fn a_rerun_is_about_what_failed_and_nothing_else() {
    let lab = Lab::new("rerun").await;
    lab.set(&["a", "b"], &[]);
    with("rerun", |world| world.refuses = vec!["b"]);
    let first = lab.run().await;
    assert_eq!(lab.outcomes(first.run).await, ["create a applied", "create b failed"]);
    // Meanwhile the source has more to say, which is for the next ordinary run.
    with("rerun", |world| {
        world.refuses.clear();
        world.source.insert("a".to_owned(), "Site A".to_owned());
        world.source.insert("c".to_owned(), "Site c".to_owned());
        world.source.insert("b".to_owned(), "Site B".to_owned());
    });
    let again = lab.run_with(RunRequest::rerun(first.run)).await;
    assert_eq!(again.status, RunStatus::Completed);
    assert_eq!(lab.outcomes(again.run).await, ["create b applied"]);
    assert_eq!(names("rerun"), ["a: Site a", "b: Site B"]);
    assert_eq!(header(&again).reruns, Some(first.run.number()));
    let nothing = lab.run_with(RunRequest::rerun(again.run)).await;
    assert_eq!((nothing.status, nothing.summary.to_apply()), (RunStatus::Completed, 0));
}

/// The findings of a lab, in words.
async fn found(lab: &Lab) -> Vec<String> {
    let findings = lab.runner.history().findings(&FindingFilter::default(), None, 100).await.unwrap();
    let show = |finding: &crate::history::Finding| {
        let (kind, state, field) = (finding.kind.as_str(), finding.state.as_str(), finding.field.as_deref());
        format!(
            "{state} {kind} {} {} {}: {} -> {}, {} times",
            finding.action,
            finding.key,
            field.unwrap_or("-"),
            finding.target,
            finding.source,
            finding.count
        )
    };
    let mut found: Vec<_> = findings.items.iter().map(show).collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_change_that_three_runs_in_a_row_had_to_make_is_flapping() {
    let lab = Lab::new("flapping").await;
    lab.set(&["a", "b"], &[]);
    lab.run().await;
    for round in 1..=3 {
        with("flapping", |world| world.target.insert("a".to_owned(), "SITE A".to_owned()));
        if round != 2 {
            // Changed by a person, once and once more: that is no flapping.
            with("flapping", |world| world.target.insert("b".to_owned(), "by hand".to_owned()));
        }
        // Dry runs in between neither make changes nor count.
        lab.run_with(RunRequest::dry()).await;
        assert_eq!(found(&lab).await, [""; 0], "before run {round}");
        lab.run().await;
    }
    assert_eq!(found(&lab).await, [r#"open flapping update a name: "SITE A" -> "Site a", 1 times"#]);
    with("flapping", |world| world.target.insert("a".to_owned(), "SITE A".to_owned()));
    lab.run().await;
    assert_eq!(found(&lab).await, [r#"open flapping update a name: "SITE A" -> "Site a", 2 times"#]);
    // It ended.
    lab.run().await;
    assert_eq!(found(&lab).await, [r#"resolved flapping update a name: "SITE A" -> "Site a", 2 times"#]);
}

#[tokio::test]
async fn drift_is_told_once_and_what_was_not_measured_is_not_converged() {
    let lab = Lab::new("drift").await;
    lab.set(&["a", "b", "c"], &["foreign"]);
    lab.run().await;
    let check = async || lab.run_with(RunRequest::drift()).await;
    let converged = check().await;
    assert_eq!(converged.notes["drift"], "converged");
    assert_eq!(converged.notes["coverage"], "compared 1 of 1 models, 4 records");
    assert!(header(&converged).drift);

    with("drift", |world| {
        world.target.insert("a".to_owned(), "by hand".to_owned());
        world.target.remove("b");
        world.source.remove("c");
        world.writes = 0;
    });
    let first = check().await;
    assert_eq!(first.notes["drift"], "3 differences, 3 new, 0 gone");
    assert_eq!(first.drift.as_ref().unwrap().verdict(), DriftVerdict::Differs);
    let expected = [
        "open drift create b -: null -> null, 1 times",
        "open drift delete c -: null -> null, 1 times",
        r#"open drift update a name: "by hand" -> "Site a", 1 times"#,
    ];
    assert_eq!(found(&lab).await, expected);
    assert_eq!(check().await.notes["drift"], "3 differences, 0 new, 0 gone");

    // A read that fails measures nothing: what was found stands, and nobody says that it is gone.
    with("drift", |world| world.error = Some("cannot reach `truth.example`"));
    let failed = check().await;
    assert_eq!((failed.status, failed.notes.get("drift")), (RunStatus::Failed, None));
    with("drift", |world| world.error = None);
    with("drift", |world| world.target.insert("a".to_owned(), "Site a".to_owned()));
    let last = check().await;
    assert_eq!(last.notes["drift"], "2 differences, 0 new, 1 gone");
    assert_eq!(with("drift", |world| world.writes), 0);
    let gone = FindingFilter { gone_in: Some(last.run), ..FindingFilter::default() };
    let gone = lab.runner.history().findings(&gone, None, 10).await.unwrap().items;
    assert_eq!(gone.iter().map(|finding| finding.key.to_string()).collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn what_is_not_kept_leaves_nothing_on_the_disk() {
    let lab = Lab::new("tidy").await;
    lab.set(&["a"], &[]);
    let mut runs = Vec::new();
    for name in ["A", "B", "C", "D", "E", "F", "G"] {
        with("tidy", |world| world.source.insert("a".to_owned(), name.to_owned()));
        runs.push(lab.run().await);
    }
    let folder = &lab.runner.folder;
    let file = |name: &str| folder.join("plans").join(name);
    let old = |path: &Path| {
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
        std::fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
    };
    for name in ["main-99.json", "main-98.json", "notes.txt"] {
        std::fs::write(file(name), "{}").unwrap();
    }
    let left = folder.join("snapshots/main/undo-abc");
    std::fs::create_dir(&left).unwrap();
    for path in [&file("main-99.json"), &file("notes.txt"), &left] {
        old(path);
    }

    let limits = Retention { runs: Some(1), ..Retention::default() };
    let tidied = lab.runner.tidy(&limits).await.unwrap();
    // The last five stay to be compared with.
    assert_eq!(tidied.runs, [runs[0].run, runs[1].run]);
    assert_eq!(tidied.files, 4, "two plans, one of a run that nobody knows, and what a killed run left");
    assert!(!runs[0].plan.as_ref().unwrap().exists() && !runs[1].plan.as_ref().unwrap().exists() && !left.exists());
    assert!(runs[2].plan.as_ref().unwrap().exists());
    assert!(file("main-98.json").exists() && file("notes.txt").exists() && !file("main-99.json").exists());
    let gone = lab.run_with(RunRequest::undo(runs[0].run)).await;
    insta::assert_snapshot!(gone.error.unwrap().report(), @"run 1 cannot be taken back: there is no such run, or it is not kept any more");
    assert_eq!(lab.runner.tidy(&limits).await.unwrap().runs, []);
}
