//! What people leave alone: until when, and who ended it.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use syncline_model::AnyKey;

use super::{everywhere, key, new_run, query_plan, started};
use crate::change::{Action, Change, FieldChange};
use crate::history::{
    FindingCount, FindingFilter, FindingKind, FindingState, History, IgnoreFilter, IgnoreId, NewIgnore, News,
    NotIgnored, Observed, RecordedChange, RunResult,
};
use crate::ignore::MOST;
use crate::{Error, ErrorKind};

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn wish(sync: &str, record: &str, field: Option<&str>, until: Option<&str>) -> NewIgnore {
    NewIgnore {
        sync: sync.to_owned(),
        model: "site".to_owned(),
        key: key(record),
        field: field.map(str::to_owned),
        until: until.map(|day| day.parse().unwrap()),
        by: "ada".to_owned(),
        reason: "the lab has it so".to_owned(),
    }
}

/// What is in force of a sync, in words.
async fn in_force(history: &History, sync: &str, now: DateTime<Utc>) -> Vec<String> {
    let filter = IgnoreFilter { sync: Some(sync.to_owned()), in_force: Some(now), ..IgnoreFilter::default() };
    let page = history.ignores(&filter, None, 100).await.unwrap();
    let shown = page.items.iter().map(|ignore| {
        assert!(ignore.is_in_force(now));
        format!("{} {}: {}", ignore.key, ignore.field.as_deref().unwrap_or("-"), ignore.words())
    });
    shown.collect()
}

#[tokio::test]
async fn something_is_left_alone_until_its_last_day_is_over_or_somebody_ends_it() {
    everywhere(async |place| {
        let history = place.open().await;
        for sync in ["sites", "others"] {
            new_run(&history, sync).await;
        }
        let now = at("2026-11-20T12:00:00Z");
        let day = history.ignore(&wish("sites", "a", Some("name"), Some("2026-11-20")), now).await.unwrap();
        assert_eq!(day.until, "2026-11-20".parse().ok());
        history.ignore(&wish("sites", "b", None, None), now).await.unwrap();
        history.ignore(&wish("others", "a", None, None), now).await.unwrap();
        let both = [
            "b -: left alone by ada until somebody ends it: the lab has it so",
            "a name: left alone until 2026-11-20 by ada: the lab has it so",
        ];
        assert_eq!(in_force(&history, "sites", now).await, both);
        assert_eq!(in_force(&history, "sites", at("2026-11-20T23:59:59Z")).await, both);
        assert_eq!(in_force(&history, "sites", at("2026-11-21T00:00:00Z")).await, both[..1]);

        // What is said last counts, and what was said before stays known.
        let longer = history.ignore(&wish("sites", "a", Some("name"), Some("2026-12-24")), now).await.unwrap();
        assert_eq!(in_force(&history, "sites", at("2026-12-01T00:00:00Z")).await.len(), 2);
        let all = history.ignores(&IgnoreFilter::default(), None, 100).await.unwrap().items;
        let ended: Vec<_> = all.iter().map(|ignore| ignore.ended.as_ref().map(|ended| ended.by.as_str())).collect();
        assert_eq!(ended, [None, None, None, Some("ada")]);

        let ignored = history.ignored("sites", now).await.unwrap();
        let name =
            |record: &str| ignored.of("site", key(record).as_str()).map(|of| (of.keeps("name"), of.keeps("slug")));
        assert_eq!((name("a"), name("b"), name("c")), (Some((true, false)), Some((true, true)), None));
        assert!(history.ignored("nobody", now).await.unwrap().of("site", key("a").as_str()).is_none());
        let counts = history.ignore_counts(now).await.unwrap();
        assert_eq!(counts, [("others".to_owned(), 1), ("sites".to_owned(), 2)].into());

        // Only whoever may decide about the sync ends it, and once.
        let later = at("2026-11-25T08:00:00Z");
        let error = history.end_ignore("others", longer.id, "kim", later).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let ended = history.end_ignore("sites", longer.id, "kim", later).await.unwrap().ended.unwrap();
        assert_eq!((ended.by.as_str(), ended.at), ("kim", later));
        assert_eq!(in_force(&history, "sites", later).await, both[..1]);
        let error = history.end_ignore("sites", longer.id, "kim", later).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let error = history.end_ignore("sites", IgnoreId::new(99), "kim", later).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);

        let of_record = IgnoreFilter { model: Some("site".to_owned()), key: Some(key("a")), ..IgnoreFilter::default() };
        let page = history.ignores(&of_record, None, 2).await.unwrap();
        assert_eq!((page.items.len(), page.items[0].id), (2, longer.id));
        let rest = history.ignores(&of_record, page.next, 2).await.unwrap();
        assert_eq!((rest.items.len(), rest.items[0].id), (1, day.id));
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_wish_that_means_nothing_is_refused() {
    let history = History::in_memory().await.unwrap();
    new_run(&history, "sites").await;
    let now = at("2026-11-20T12:00:00Z");
    let refused = async |wish: NewIgnore| {
        let refused = history.ignore(&wish, now).await.unwrap_err();
        format!("{}: {refused}", refused.at().unwrap_or("-"))
    };
    let told = [
        refused(wish("sites", "a", None, Some("2026-11-19"))).await,
        refused(wish("sites", "a", Some("nmae"), None)).await,
        refused(NewIgnore { model: "stie".to_owned(), ..wish("sites", "a", None, None) }).await,
        refused(NewIgnore { key: AnyKey::parse(r#"["a","b"]"#).unwrap(), ..wish("sites", "a", None, None) }).await,
        refused(wish("sties", "a", None, None)).await,
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert!(matches!(history.ignore(&wish("sties", "a", None, None), now).await, Err(NotIgnored::Failed(_))));
    assert_eq!(history.ignores(&IgnoreFilter::default(), None, 10).await.unwrap().items, []);
}

/// Whoever wants to leave more alone wants other rules. What replaces something is not more.
#[tokio::test]
async fn so_much_is_left_alone_and_no_more() {
    let history = History::in_memory().await.unwrap();
    new_run(&history, "sites").await;
    let sync = history.sync("sites").await.unwrap().unwrap().id.0;
    let many = format!(
        r#"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MOST})
        INSERT INTO "ignore" ("sync_id", "model", "key", "field", "made_by", "reason", "made_at")
        SELECT {sync}, 'site', '["s' || i || '"]', '', 'ada', 'x', 0 FROM n"#
    );
    history.store.db().execute_unprepared(&many).await.unwrap();
    let now = at("2026-11-20T12:00:00Z");
    let refused = Error::from(history.ignore(&wish("sites", "a", None, None), now).await.unwrap_err());
    assert_eq!(refused.kind(), ErrorKind::Refused);
    insta::assert_snapshot!(refused);
    history.ignore(&wish("sites", "s1", None, Some("2026-12-01")), now).await.unwrap();
    assert_eq!(in_force(&history, "sites", now).await.len(), 100, "a page of them");
    let ignored = history.ignored("sites", now).await.unwrap();
    let last = key(&format!("s{MOST}"));
    assert!(ignored.of("site", last.as_str()).is_some(), "a plan has them all");
}

#[tokio::test]
async fn what_is_left_alone_is_no_finding_any_more_until_it_is_found_again() {
    everywhere(async |place| {
        let history = place.open().await;
        let observed = |record: &str, field: &str| Observed {
            model: "site".to_owned(),
            key: key(record),
            field: Some(field.to_owned()),
            action: Action::Update,
            target: json!("A"),
            source: json!("B"),
            detail: None,
        };
        let check = async |found: &[Observed]| {
            let claim = started(&history, &new_run(&history, "sites").await).await;
            history.observe(claim, FindingKind::Drift, found).await.unwrap();
            history.resolve_findings(claim, FindingKind::Drift, Some(&["site"])).await.unwrap();
            history.finish_run(claim, &RunResult::completed()).await.unwrap();
            history.finding_news(claim.run, FindingKind::Drift).await.unwrap()
        };
        check(&[observed("a", "name"), observed("a", "status"), observed("b", "name"), observed("b", "status")]).await;
        let now = at("2026-11-20T12:00:00Z");
        let open = async || {
            let filter = FindingFilter { state: vec![FindingState::Open], ..FindingFilter::default() };
            let found = history.findings(&filter, None, 10).await.unwrap().items;
            let mut found: Vec<_> =
                found.iter().map(|found| format!("{} {}", found.key, found.field.as_deref().unwrap_or("-"))).collect();
            found.sort();
            found
        };
        let field = history.ignore(&wish("sites", "a", Some("name"), None), now).await.unwrap();
        assert_eq!(open().await, ["a status", "b name", "b status"]);
        history.ignore(&wish("sites", "b", None, None), now).await.unwrap();
        assert_eq!(open().await, ["a status"]);
        let counts = history.finding_counts(Some("sites")).await.unwrap();
        let count = |state, count| FindingCount { kind: FindingKind::Drift, state, count };
        assert_eq!(counts, [count(FindingState::Open, 1), count(FindingState::Resolved, 3)]);
        // No run misses what people left alone.
        assert_eq!(check(&[observed("a", "status")]).await, News { new: 0, gone: 0, standing: 1 });
        history.end_ignore("sites", field.id, "kim", now).await.unwrap();
        let news = check(&[observed("a", "name"), observed("a", "status")]).await;
        assert_eq!(news, News { new: 1, gone: 0, standing: 2 });
        assert_eq!(open().await, ["a name", "a status"]);
        history.close().await.unwrap();
    })
    .await;
}

/// What belongs to a record that is left alone neither comes nor goes, so that nothing of that is a finding any more. What is there of
/// it is updated as ever.
#[tokio::test]
async fn what_belongs_to_what_is_left_alone_is_no_finding_any_more() {
    everywhere(async |place| {
        let history = place.open().await;
        let claim = started(&history, &new_run(&history, "sites").await).await;
        let device = |name: &str| json!([["atl"], name]);
        let port = |name: &str| json!([device(name), "e1"]);
        let mut changes = Vec::new();
        let mut change = |action, model: &str, key: serde_json::Value, field: FieldChange| {
            changes.push(Change::new(model, AnyKey::from_value(&key).unwrap(), action, None, vec![field]));
        };
        let to = |key: serde_json::Value| FieldChange::new("interface", json!(null), key);
        let from = |key: serde_json::Value| FieldChange::new("interface", key, json!(null));
        let mtu = || FieldChange::new("mtu", json!(1500), json!(9000));
        for name in ["sw1", "sw10"] {
            change(Action::Update, "device", device(name), FieldChange::new("serial", json!("A"), json!("B")));
            change(Action::Create, "interface", port(name), mtu());
            change(Action::Update, "interface", json!([device(name), "e2"]), mtu());
            change(Action::Delete, "mac_address", json!([port(name), "00:00:5e:00:53:01"]), from(port(name)));
        }
        change(Action::Create, "ip_address", json!([null, "10.0.0.1"]), to(port("sw1")));
        change(Action::Delete, "ip_address", json!([null, "10.0.0.2"]), from(port("sw1")));
        change(Action::Create, "ip_address", json!([null, "10.0.0.3"]), to(port("sw10")));
        let recorded: Vec<_> = changes.iter().map(|change| RecordedChange::now(change, None)).collect();
        history.record_changes(claim, &recorded).await.unwrap();
        let found = changes.iter().map(|change| Observed {
            model: change.model.clone(),
            key: change.key.clone(),
            field: (change.action == Action::Update).then(|| change.fields[0].name.clone()),
            action: change.action,
            target: json!(null),
            source: json!(null),
            detail: None,
        });
        history.observe(claim, FindingKind::Drift, &found.collect::<Vec<_>>()).await.unwrap();
        let device = NewIgnore {
            model: "device".to_owned(),
            key: AnyKey::from_value(&device("sw1")).unwrap(),
            ..wish("sites", "-", Some("serial"), None)
        };
        let now = at("2026-11-20T12:00:00Z");
        let open = async || {
            let filter = FindingFilter { state: vec![FindingState::Open], ..FindingFilter::default() };
            let found = history.findings(&filter, None, 20).await.unwrap().items;
            let mut found: Vec<_> =
                found.iter().map(|found| format!("{} {} {}", found.action, found.model, found.key)).collect();
            found.sort();
            found
        };
        history.ignore(&device, now).await.unwrap();
        assert_eq!(open().await.len(), 10, "a field has no parts");
        history.ignore(&NewIgnore { field: None, ..device }, now).await.unwrap();
        assert_eq!(
            open().await,
            [
                "create interface atl / sw10 / e1",
                "create ip_address - / 10.0.0.3",
                "delete mac_address atl / sw10 / e1 / 00:00:5e:00:53:01",
                "update device atl / sw10",
                "update interface atl / sw1 / e2",
                "update interface atl / sw10 / e2",
            ]
        );
        history.close().await.unwrap();
    })
    .await;
}

/// Findings are read in the order of their index, each once, however many there are of a model.
#[tokio::test]
async fn findings_of_parts_are_read_along_their_index() {
    let history = History::in_memory().await.unwrap();
    new_run(&history, "sites").await;
    let sync = history.sync("sites").await.unwrap().unwrap().id.0;
    let device = AnyKey::from_value(&json!([["atl"], "sw1"])).unwrap();
    // More than are looked at together, a third of them of the device, in another order than that of their numbers.
    let many = format!(
        r#"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1799)
        INSERT INTO "finding" ("sync_id", "kind", "model", "key", "field", "action", "target_value", "source_value", "state",
            "first_run", "since_run", "last_run", "count", "first_at", "last_at")
        SELECT {sync}, 'drift', 'interface', '[[["atl"],"sw' || (i % 3) || '"],"e' || (1800 - i) || '"]', '', 'create', 'null',
            'null', 'open', 1, 1, 1, 1, 0, 0 FROM n"#
    );
    history.store.db().execute_unprepared(&many).await.unwrap();
    let mut found = history.drift_of_parts(sync, "device", &device).await.unwrap();
    found.sort_unstable();
    let wanted: Vec<i64> = (0..1800).filter(|i| i % 3 == 1).map(|i| i + 1).collect();
    assert_eq!(found, wanted);

    let page = History::parts_after(sync, "interface", ("[[", ""));
    insta::assert_snapshot!(query_plan(&history, page).await);
}
