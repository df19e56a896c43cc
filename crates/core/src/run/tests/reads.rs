//! What is kept of reads: to count what a scope has.

use std::path::PathBuf;

use super::*;
use crate::history::Run;
use crate::scope::Scope;

async fn run(lab: &Lab, id: RunId) -> Run {
    lab.runner.history().run(id).await.unwrap().unwrap()
}

fn scope(value: Value) -> Scope {
    serde_json::from_value(value).unwrap()
}

/// Where the reads are, and how many.
fn kept(lab: &Lab) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(lab.folder.path().join("snapshots/main")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_scope_is_counted_without_asking_anybody() {
    let lab = Lab::new("count").await;
    lab.set(&["a", "b", "c"], &[]);
    let read = lab.run_with(RunRequest::dry()).await.run;
    let read = run(&lab, read).await;
    // Nobody would answer.
    with("count", |world| world.is_down = true);
    let counter = ScopeCounter::default();
    let count = |value| lab.runner.count_scope(&counter, &read, &scope(value)).unwrap().unwrap();
    let of_models = |count: &ScopeCount| count.models.iter().map(|model| model.records).collect::<Vec<_>>();

    let all = count(json!({"models": ["site"]}));
    assert_eq!((of_models(&all), all.records, all.models[0].is_partial), (vec![Some(3)], 0, false));
    for _ in 0..2 {
        let some = count(json!({"sites": ["a", "c", "x"]}));
        assert_eq!((of_models(&some), some.records), (vec![Some(2)], 0), "what was counted is remembered");
    }
    let record = |slug: &str| json!({"model": "site", "key": [slug]});
    let named = count(json!({"records": [record("b"), record("x")]}));
    assert_eq!((of_models(&named), named.records), (vec![], 1));
    assert_eq!(named.missing.iter().map(ToString::to_string).collect::<Vec<_>>(), ["site x"]);
    let both = count(json!({"sites": ["a"], "records": [record("a"), record("b")]}));
    assert_eq!((of_models(&both), both.records), (vec![Some(1)], 1), "one of them is counted once");
    let whole = count(json!({"models": ["site"], "records": [record("a")]}));
    assert_eq!((of_models(&whole), whole.records), (vec![Some(3)], 0));

    kept(&lab).iter().for_each(|file| std::fs::remove_file(file).unwrap());
    let counter = ScopeCounter::default();
    let gone = lab.runner.count_scope(&counter, &read, &scope(json!({"sites": ["a"]}))).unwrap().unwrap();
    assert_eq!((of_models(&gone), gone.gone.as_slice()), (vec![None], ["site".to_owned()].as_slice()));
    std::fs::remove_file(&read.plan.as_ref().unwrap().path).unwrap();
    assert_eq!(lab.runner.count_scope(&counter, &read, &scope(json!({"sites": ["a"]}))).unwrap(), None);
}

#[tokio::test]
async fn a_read_that_lacks_some_is_counted_as_such() {
    let mut lab = Lab::new("count-partial").await;
    lab.sync.policy.partial_read = crate::policy::PartialRead::Continue;
    lab.set(&["a"], &[]);
    with("count-partial", |world| world.partial = Some("page 2 was cut short"));
    let read = lab.run_with(RunRequest::dry()).await.run;
    let read = run(&lab, read).await;
    let count = lab.runner.count_scope(&ScopeCounter::default(), &read, &scope(json!({"models": ["site"]})));
    assert!(count.unwrap().unwrap().models[0].is_partial);
}
