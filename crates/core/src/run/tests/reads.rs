//! What is kept of reads: to count what a scope has, and to compare what two runs read.

use std::path::PathBuf;

use super::*;
use crate::change::Change;
use crate::event::Side;
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

fn told(changes: &[Change]) -> Vec<String> {
    let field = |change: &Change| {
        let fields = change.fields.iter().filter(|field| field.name == "name");
        let values = fields.map(|field| format!("{} -> {}", field.before, field.after));
        values.collect::<Vec<_>>().join(", ")
    };
    changes.iter().map(|change| format!("{} {} {}", change.action, change.key, field(change))).collect()
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

    for file in kept(&lab) {
        std::fs::remove_file(file).unwrap();
    }
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

#[tokio::test]
async fn what_two_runs_read_is_compared() {
    let lab = Lab::new("reads").await;
    lab.set(&["a", "b", "c"], &[]);
    let first = lab.run().await.run;
    with("reads", |world| {
        world.source.remove("a");
        world.source.insert("b".to_owned(), "B".to_owned());
        world.source.insert("d".to_owned(), "Site d".to_owned());
    });
    let second = lab.run_with(RunRequest::dry()).await.run;
    let (first, second) = (run(&lab, first).await, run(&lab, second).await);
    let runs = [&first, &second];
    let pairs = |side| lab.runner.read_pairs(runs, side).unwrap().unwrap();
    let [source] = &pairs(Side::Source)[..] else { panic!("{:?}", pairs(Side::Source)) };
    assert_eq!(source.reads, [Some(KeptRead { records: 3, is_kept: true }); 2]);
    assert!(!source.is_equal && !pairs(Side::Target)[0].is_equal);

    let part = |runs, side, after: Option<&AnyKey>, limit| {
        lab.runner.read_differences(runs, side, "site", after, limit).unwrap().unwrap()
    };
    let all = part(runs, Side::Source, None, 10);
    insta::assert_snapshot!(told(&all.changes).join("\n"), @r#"
    delete a "Site a" -> null
    update b "Site b" -> "B"
    create d null -> "Site d"
    "#);
    assert_eq!((all.next, all.left_out), (None, vec![]));
    let back = part([&second, &first], Side::Source, None, 10);
    assert_eq!(told(&back.changes)[1], r#"update b "B" -> "Site b""#);
    let there = part(runs, Side::Target, None, 10);
    assert_eq!(told(&there.changes).len(), 3, "what the first run wrote");
    assert!(part([&first, &first], Side::Source, None, 10).changes.is_empty());

    // Page by page it is the same.
    let (mut after, mut paged) = (None, Vec::new());
    loop {
        let page = part(runs, Side::Source, after.as_ref(), 1);
        assert!(page.changes.len() <= 1);
        paged.extend(page.changes);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged, all.changes);
    let unknown = lab.runner.read_differences(runs, Side::Source, "devise", None, 10).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    insta::assert_snapshot!(unknown, @"`devise` is no model; did you mean `device`?");
    assert_eq!(lab.runner.read_differences(runs, Side::Source, "device", None, 10).unwrap(), None, "neither read it");

    for file in kept(&lab) {
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(pairs(Side::Source)[0].reads, [Some(KeptRead { records: 3, is_kept: false }); 2]);
    assert_eq!(lab.runner.read_differences(runs, Side::Source, "site", None, 10).unwrap(), None);
    std::fs::remove_file(&second.plan.as_ref().unwrap().path).unwrap();
    assert_eq!(lab.runner.read_pairs(runs, Side::Source).unwrap(), None);
}

#[tokio::test]
async fn an_undo_read_no_source() {
    let lab = Lab::new("reads-undo").await;
    lab.set(&["a"], &[]);
    let first = lab.run().await.run;
    let undo = lab.run_with(RunRequest { dry_run: true, ..RunRequest::undo(first) }).await.run;
    let (first, undo) = (run(&lab, first).await, run(&lab, undo).await);
    let pairs = lab.runner.read_pairs([&first, &undo], Side::Source).unwrap().unwrap();
    assert!(pairs.iter().all(|pair| pair.reads[1].is_none()), "{pairs:?}");
    assert!(lab.runner.read_differences([&first, &undo], Side::Source, "site", None, 1).unwrap().is_none());
}

/// A target that keeps other records than the source gives: what is compared is what it keeps, and that is counted.
#[tokio::test]
async fn what_the_target_keeps_is_counted_where_that_is_compared() {
    let lab = Lab::new("reads-kept").await;
    lab.set(&["a", "b", "c"], &[]);
    let first = lab.run_with(RunRequest::dry()).await.run;
    with("reads-kept", |world| world.drops = vec!["b".to_owned()]);
    let second = lab.run_with(RunRequest::dry()).await.run;
    let (first, second) = (run(&lab, first).await, run(&lab, second).await);
    let runs = [&first, &second];
    let [source] = &lab.runner.read_pairs(runs, Side::Source).unwrap().unwrap()[..] else { panic!("one model") };
    assert_eq!(source.reads.map(|read| read.unwrap().records), [3, 2]);
    assert!(source.is_of_target && !source.is_equal);
    let told = told(&lab.runner.read_differences(runs, Side::Source, "site", None, 10).unwrap().unwrap().changes);
    assert_eq!(told, [r#"delete b "Site b" -> null"#]);
    let of = |runs, side| lab.runner.read_pairs(runs, side).unwrap().unwrap()[0].is_of_target;
    assert!(!of([&first, &first], Side::Source) && !of(runs, Side::Target));
}

/// A plan names the target as it was read, before its records went by the source's names: that read stays too.
#[tokio::test]
async fn what_the_plan_of_the_last_run_names_stays() {
    let lab = Lab::new("reads-last").await;
    let lab = Lab { runner: lab.runner.with_kept_reads(Some(0)), ..lab };
    lab.set(&["a"], &["b"]);
    let old = || {
        for file in kept(&lab) {
            let file = std::fs::File::options().write(true).open(file).unwrap();
            file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(2)).unwrap();
        }
    };
    // The same name under another slug.
    with("reads-last", |world| world.target = BTreeMap::from([("b".to_owned(), "Site a".to_owned())]));
    let (folder, ended) = (lab.folder.path().join("snapshots/main"), lab.run_with(RunRequest::dry()).await);
    assert_eq!(ended.status, RunStatus::Completed);
    assert_eq!(kept(&lab).len(), 3, "source, target, and target by the source's names");
    old();
    let plan = lab.runner.glance_at(&run(&lab, ended.run).await).unwrap();
    let header = plan.header();
    retention::prune(&folder, header, &[], Some(0)).unwrap();
    for (model, read) in header.source.reads.iter().chain(&header.target.reads) {
        assert!(crate::snapshot::kept_file(&folder, model, &read.digest).exists(), "{model} {}", read.digest);
    }
}
