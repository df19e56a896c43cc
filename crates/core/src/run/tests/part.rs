//! Runs about a part of their sync.

use super::*;
use crate::history::{Purpose, Run, Triggered};
use crate::plan::PlanReader;
use crate::scope::Scope;

/// The scope of some sites, as records.
pub fn sites(slugs: &[&str]) -> Scope {
    let records: Vec<_> = slugs.iter().map(|slug| json!({"model": "site", "key": [slug]})).collect();
    scope(json!({"records": records}))
}

fn scope(value: Value) -> Scope {
    serde_json::from_value(value).unwrap()
}

fn part(slugs: &[&str]) -> RunRequest {
    RunRequest::part(sites(slugs))
}

async fn read(lab: &Lab, run: RunId) -> Run {
    lab.runner.history().run(run).await.unwrap().unwrap()
}

async fn found(lab: &Lab) -> Vec<String> {
    let findings = lab.runner.history().findings(&FindingFilter::default(), None, 100).await.unwrap();
    let show = |finding: &crate::history::Finding| {
        format!("{} {} {}", finding.state.as_str(), finding.kind.as_str(), finding.key)
    };
    let mut found: Vec<_> = findings.items.iter().map(show).collect();
    found.sort();
    found
}

#[tokio::test]
async fn only_what_is_in_the_scope_is_written() {
    let lab = Lab::new("part").await;
    lab.set(&["a", "b", "c"], &["b", "d"]);
    with("part", |world| world.target.insert("b".to_owned(), "by hand".to_owned()));
    let report = lab.run_with(part(&["b", "c"])).await;
    assert_eq!((report.status, report.error.map(|error| error.report())), (RunStatus::Completed, None));
    assert_eq!(lab.outcomes(report.run).await, ["create c applied", "update b applied"]);
    assert_eq!(lab.target(), ["b", "c", "d"]);
    let run = read(&lab, report.run).await;
    assert_eq!((run.purpose, run.options.scope.clone()), (Purpose::Part, Some(sites(&["b", "c"]))));
    let plan = PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
    assert_eq!(plan.header().scope, run.options.scope);
    // Both sides were read whole.
    assert_eq!((run.counts.source_records, run.counts.target_records), (3, 2));
    // And what is told of the comparison is of the part.
    assert_eq!(run.summary().message, "2 records compared: 2 changed");
    let again = lab.run_with(part(&["b", "c"])).await;
    assert_eq!(again.summary.models[0].found.unchanged, 2);
    assert_eq!(read(&lab, again.run).await.summary().message, "2 records compared, nothing to change");
    let other = lab.run_with(RunRequest { dry_run: true, ..part(&["a"]) }).await;
    assert_eq!(read(&lab, other.run).await.summary().message, "1 record compared: 1 differ; nothing was written");

    // The same by the site that records stand at, and by the model.
    let at = lab.run_with(RunRequest::part(scope(json!({"sites": ["a"], "models": ["site"]})))).await;
    assert_eq!(lab.outcomes(at.run).await, ["create a applied"]);
    let all = lab.run_with(RunRequest { dry_run: true, ..RunRequest::part(scope(json!({"models": ["site"]}))) }).await;
    assert_eq!(lab.outcomes(all.run).await, ["delete d held"]);
}

#[tokio::test]
async fn a_delete_outside_of_the_scope_is_left() {
    let lab = Lab::new("part-deletes").await;
    lab.set(&["a", "b", "c", "d"], &[]);
    lab.run().await;
    with("part-deletes", |world| {
        world.source.remove("a");
        world.source.remove("b");
    });
    let waiting = lab.run_with(part(&["a", "c"])).await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview, "a site carries others");
    let applied = lab.apply(&waiting.plan.unwrap(), Some("a was torn down")).await.unwrap();
    assert_eq!((applied.run, lab.outcomes(applied.run).await), (waiting.run, vec!["delete a applied".to_owned()]));
    assert_eq!(lab.target(), ["b", "c", "d"]);
}

/// Neither a run about a part nor what applies its plan is the run after which absences count.
#[tokio::test]
async fn after_a_part_the_first_run_still_deletes_nothing() {
    let lab = Lab::new("part-first").await;
    lab.set(&["a", "b"], &[]);
    assert_eq!(lab.run_with(part(&["a"])).await.total().applied, 1);
    let dry = lab.run_with(RunRequest { dry_run: true, ..part(&["b"]) }).await;
    let applied = lab.apply(&dry.plan.unwrap(), None).await.unwrap();
    let run = read(&lab, applied.run).await;
    assert_eq!(
        (run.purpose, run.subject, run.options.scope.clone()),
        (Purpose::Apply, Some(dry.run), Some(sites(&["b"])))
    );
    assert!(!run.compared_everything(), "it compared one site");
    let history = lab.runner.history();
    let side = crate::event::Side::Source;
    assert_eq!(history.record_counts_of_last_complete("main", "site", side, 5).await.unwrap(), [] as [u64; 0]);
    assert_eq!(history.last_completed_whole("main").await.unwrap(), None);

    with("part-first", |world| world.source.remove("a"));
    let first = lab.run().await;
    assert_eq!(first.summary.models[0].held, BTreeMap::from([("first_run".to_owned(), 1)]));
    assert_eq!(lab.target(), ["a", "b"]);
    assert_eq!(history.record_counts_of_last_complete("main", "site", side, 5).await.unwrap(), [1]);
    assert!(history.last_completed_whole("main").await.unwrap().is_some());
}

/// Who approves a part of a shrunk source approves no loss.
#[tokio::test]
async fn a_loss_is_not_approved_with_a_part() {
    let lab = Lab::new("part-loss").await;
    let all: Vec<_> = (0..40).map(|number| format!("s{number:02}")).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    lab.set(&all, &[]);
    lab.run().await;
    lab.set(&all[..10], &all);
    with("part-loss", |world| world.target.insert("s00".to_owned(), "by hand".to_owned()));
    let waiting = lab.run_with(part(&["s00"])).await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    let applied = lab.apply(&waiting.plan.unwrap(), Some("s00 is urgent")).await.unwrap();
    assert_eq!((applied.status, applied.total().applied), (RunStatus::Completed, 1));
    let whole = lab.run().await;
    assert_eq!(whole.status, RunStatus::AwaitingReview, "nobody said that the others are gone");
    assert_eq!(lab.target().len(), 40);
}

#[tokio::test]
async fn what_was_found_elsewhere_is_left() {
    let lab = Lab::new("part-findings").await;
    lab.set(&["a", "b"], &[]);
    lab.run().await;
    for _ in 0..3 {
        with("part-findings", |world| world.target.insert("a".to_owned(), "SITE A".to_owned()));
        lab.run().await;
    }
    with("part-findings", |world| world.target.remove("b"));
    lab.run_with(RunRequest::drift()).await;
    let before = found(&lab).await;
    assert_eq!(before, ["open drift b", "open flapping a"]);
    assert_eq!(lab.run_with(part(&["b"])).await.total().applied, 1);
    assert_eq!(found(&lab).await, before);
}

#[tokio::test]
async fn the_same_part_is_asked_for_once() {
    let lab = Lab::new("part-asked").await;
    lab.set(&["a", "b"], &[]);
    let ask = async |request: RunRequest| lab.runner.trigger(&lab.sync, &request).await.unwrap();
    let dry = |request: RunRequest| RunRequest { dry_run: true, ..request };
    let first = ask(dry(part(&["a", "b"]))).await;
    assert_eq!(ask(dry(part(&["b", "a"]))).await, Triggered::AlreadyRunning(first.run()));
    for other in [dry(part(&["a"])), RunRequest::dry(), part(&["a", "b"])] {
        assert!(matches!(ask(other.clone()).await, Triggered::Made(_)), "{other:?}");
    }
    assert_eq!(ask(RunRequest::dry()).await.run(), RunId::new(3));

    // What writes something else waits for its turn.
    let events = Events::new();
    let refused = lab.runner.run(&lab.sync, part(&["b"]), &events, &CancellationToken::new()).await.unwrap_err();
    insta::assert_snapshot!(refused, @"run 4 of `main` (only site a, site b) is queued and not finished; wait for it, do it here with `syncline resume 4 --here`, or end it with `syncline cancel 4`");
    let report = lab.run_with(part(&["a", "b"])).await;
    assert_eq!((report.run, report.found), (RunId::new(4), Some(RunId::new(4))));
    assert_eq!(lab.target(), ["a", "b"]);
}

#[tokio::test]
async fn only_a_newer_plan_of_the_same_part_takes_the_place_of_one_that_waits() {
    let mut lab = Lab::new("part-waits").await;
    lab.sync.auto_merge = false;
    lab.set(&["a", "b"], &[]);
    let (a, b, all) = (lab.run_with(part(&["a"])).await, lab.run_with(part(&["b"])).await, lab.run().await);
    let again = lab.run_with(part(&["a"])).await;
    let mut stand = Vec::new();
    for report in [a, b, all, again] {
        stand.push(read(&lab, report.run).await.status);
    }
    let waits = RunStatus::AwaitingReview;
    assert_eq!(stand, [RunStatus::Cancelled, waits, waits, waits]);
}

#[tokio::test]
async fn a_slip_is_told() {
    let mut lab = Lab::new("part-slips").await;
    lab.set(&["a"], &[]);
    let failed = async |value: Value| {
        let report = lab.run_with(RunRequest::part(scope(value))).await;
        assert_eq!(report.status, RunStatus::Failed);
        report.error.unwrap().report()
    };
    let named = json!({"sites": ["alanta", "a"], "records": [{"model": "site", "key": ["b"]}]});
    insta::assert_snapshot!(failed(named).await, @r#"neither side has `site:["b"]`, site `alanta`: look at the spelling, or leave it out"#);
    insta::assert_snapshot!(failed(json!({"models": ["device"]})).await, @"`device` is no model that this sync writes (it writes site)");
    assert_eq!(lab.target(), [""; 0]);

    lab.sync.models = BTreeMap::from([("site".to_owned(), ModelMode::Lookup)]);
    let refused = async |request: RunRequest| lab.runner.trigger(&lab.sync, &request).await.unwrap_err().to_string();
    insta::assert_snapshot!(refused(part(&["a"])).await, @r#"the sync `main` does not sync `site` (`models.site = "lookup"`): change that, or leave the model out"#);
    let models = |model: &str| RunRequest::part(scope(json!({"models": [model]})));
    insta::assert_snapshot!(refused(models("devise")).await, @"`devise` is no model; did you mean `device`?");
    insta::assert_snapshot!(refused(models("x")).await, @"`x` is no model; known: `tag`, `tenant_group`, `tenant`, `site`, `manufacturer`, `device_type`, `device_role`, `platform`, `vlan`, `vrf`, `prefix`, `virtual_chassis`, `device`, `interface`, `mac_address`, `ip_address`, `cluster_type`, `cluster_group`, `cluster`, `virtual_machine`, `host_group`, `host`, `maintenance`");
    let drift = RunRequest { purpose: Purpose::Drift, ..part(&["a"]) };
    insta::assert_snapshot!(refused(drift).await, @"only a run that syncs can be about a part: leave the scope out");
    let nothing = RunRequest { purpose: Purpose::Part, ..RunRequest::default() };
    insta::assert_snapshot!(refused(nothing).await, @"say which part of the sync the run is about: models, sites or records");
}

/// A worker that took over goes on with the part, and not with all.
#[tokio::test]
async fn a_part_stays_one_when_it_is_gone_on_with() {
    let mut lab = Lab::new("part-goes-on").await;
    lab.sync.auto_merge = false;
    lab.set(&["a", "b"], &[]);
    let waiting = lab.run_with(part(&["b"])).await;
    lab.decide(&waiting, Approval::Approved).await;
    assert_eq!(lab.gone_on(waiting.run).await.total().applied, 1);
    assert_eq!(lab.target(), ["b"]);
}
