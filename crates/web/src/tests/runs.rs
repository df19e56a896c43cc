//! Runs are asked for once, looked at, and stopped.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use syncline_core::event::Level;
use syncline_core::history::{LogLine, Purpose, RunId, RunKind, RunStatus};
use syncline_core::plan::PlanReader;

use super::Api;

#[tokio::test]
async fn asking_twice_for_a_run_is_asking_once() {
    let api = Api::with_lab(true).await;
    let asked = api
        .post("syncs/lab/runs", json!({"dry_run": true, "reason": "the network changed", "request_id": "CHG0042"}))
        .await;
    assert_eq!(
        (asked.status, &asked.headers[header::LOCATION]),
        (StatusCode::ACCEPTED, &"../../runs/1".parse().unwrap())
    );
    let expected = json!({
        "run": 1, "already_running": false, "request_id": "CHG0042", "dry_run": true, "status": "new", "before": 0, "waits_for": {"what": "worker"},
    });
    assert_eq!(asked.value(), expected);
    let run = api.run(RunId::new(1)).await;
    assert_eq!((run.kind, run.triggered_by.as_str()), (RunKind::Webhook, "api"));
    assert_eq!(run.request.as_deref(), Some("the network changed"));
    assert_eq!(api.get("runs?request_id=CHG0042").await.items().len(), 1);
    assert_eq!(api.get("runs?request_id=CHG0043").await.items().len(), 0);

    // Whoever repeats a request that was answered has no error to repeat it for, and learns which run there is.
    let again = api.post("syncs/lab/runs", json!({"dry_run": true})).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!((&again.value()["run"], &again.value()["already_running"]), (&json!(1), &json!(true)));
    assert_eq!(again.value()["request_id"], "CHG0042");
    assert_eq!(api.get("runs").await.items().len(), 1);

    // One that works on it waits for nothing.
    api.runner.claim(RunId::new(1)).await.unwrap();
    let again = api.post("syncs/lab/runs", json!({"dry_run": true})).await.value();
    assert_eq!((&again["status"], &again["before"], &again["waits_for"]), (&json!("syncing"), &json!(0), &Value::Null));

    // A dry run is no answer to who asks for a real one: that one waits for its turn.
    let real = api.post("syncs/lab/runs", json!({})).await.value();
    let expected = json!({
        "run": 2, "already_running": false, "request_id": null, "dry_run": false, "status": "new", "before": 0,
        "waits_for": {"what": "run", "run": 1, "why": "same_sync"},
    });
    assert_eq!(real, expected);
}

#[tokio::test]
async fn a_run_is_taken_back_and_tried_again() {
    let api = Api::with_lab(true).await;
    let dry = api.trigger("lab", json!({"dry_run": true})).await;
    api.work(dry).await;
    let real = api.trigger("lab", json!({})).await;
    api.work(real).await;
    let wish = json!({"dry_run": true, "reason": "it was too early"});
    let asked = api.post(&format!("runs/{real}/undo"), wish).await;
    assert_eq!((asked.status, &asked.headers[header::LOCATION]), (StatusCode::ACCEPTED, &"../3".parse().unwrap()));
    let undo = api.run(RunId::new(3)).await;
    assert_eq!((undo.purpose, undo.subject, undo.dry), (Purpose::Undo, Some(real), true));
    assert_eq!(undo.request.as_deref(), Some("it was too early"));
    let again = api.post(&format!("runs/{real}/undo"), json!({"dry_run": true})).await.value();
    assert_eq!((&again["run"], &again["already_running"]), (&json!(3), &json!(true)));

    for (path, says) in [(format!("runs/{dry}/undo"), "nothing to be taken back"), (format!("runs/{dry}/rerun"), "dry")]
    {
        let refused = api.post(&path, json!({})).await;
        assert!(refused.status.is_client_error() && refused.detail().contains(says), "{path}: {}", refused.text);
    }
    assert_eq!(api.post("runs/77/undo", json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get("runs").await.items().len(), 3);
}

#[tokio::test]
async fn a_run_is_removed_unless_others_need_it() {
    let api = Api::with_lab(true).await;
    for wish in [json!({"dry_run": true}), json!({})] {
        let run = api.trigger("lab", wish).await;
        api.work(run).await;
    }
    assert_eq!(api.json(Method::DELETE, "runs/1", Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get("runs/1").await.status, StatusCode::NOT_FOUND);
    let stays = api.json(Method::DELETE, "runs/2", Value::Null).await;
    assert_eq!(stays.status, StatusCode::CONFLICT);
    assert!(stays.detail().starts_with("run 2 stays: "), "{}", stays.text);
    assert_eq!(api.json(Method::DELETE, "runs/1", Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_drift_check_is_asked_for() {
    let api = Api::with_lab(true).await;
    let asked = api.post("syncs/lab/runs", json!({"drift": true})).await.value();
    assert_eq!(asked["dry_run"], true);
    assert_eq!(api.run(RunId::new(1)).await.purpose, Purpose::Drift);
}

#[tokio::test]
async fn requests_at_the_same_time_make_one_run() {
    let api = Api::with_lab(true).await;
    let ask = || api.post("syncs/lab/runs", json!({}));
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    let made = [a, b, c].iter().filter(|answer| answer.value()["already_running"] == false).count();
    assert_eq!((made, api.get("runs").await.items().len()), (1, 1));
}

#[tokio::test]
async fn a_mistyped_wish_makes_no_run() {
    let api = Api::with_lab(true).await;
    let asked = api.post("syncs/lab/runs", json!({"dryrun": true})).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(asked.detail(), @"`dryrun`: unknown field `dryrun`, expected one of `dry_run`, `drift`, `reason`, `request_id`, `scope`");
    assert_eq!(api.get("runs").await.items(), [] as [Value; 0]);
}

#[tokio::test]
async fn runs_are_listed_page_by_page_and_filtered() {
    let api = Api::with_lab(true).await;
    api.make("other", json!({"sites": ["x"], "target": "elsewhere"})).await;
    for wish in [json!({"dry_run": true}), json!({})] {
        let run = api.trigger("lab", wish).await;
        api.work(run).await;
    }
    api.trigger("other", json!({})).await;
    let numbers = async |query: &str| -> (Vec<i64>, Value) {
        let answer = api.get(&format!("runs{query}")).await;
        let numbers = answer.items().iter().map(|run| run["id"].as_i64().unwrap()).collect();
        (numbers, answer.value()["next"].clone())
    };
    assert_eq!(numbers("").await, (vec![3, 2, 1], Value::Null));
    assert_eq!(numbers("?limit=2").await, (vec![3, 2], json!(2)));
    assert_eq!(numbers("?limit=2&before=2").await, (vec![1], Value::Null));
    assert_eq!(numbers("?sync=lab").await.0, [2, 1]);
    assert_eq!(numbers("?sync=nothing").await.0, [] as [i64; 0]);
    assert_eq!(numbers("?status=new,queued").await.0, [3]);
    assert_eq!(numbers("?status=completed&dry=true").await.0, [1]);
    assert_eq!(numbers("?kind=webhook&dry=false").await.0, [3, 2]);
    assert_eq!(numbers("?kind=scheduled").await.0, [] as [i64; 0]);
}

#[tokio::test]
async fn a_query_that_says_nothing_known_is_refused() {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let mut said = Vec::new();
    for query in [
        "runs?status=done",
        "runs?limit=0",
        "runs?limit=1001",
        "runs?limit=many",
        "runs?page=2",
        "runs?kind=manual",
        &format!("runs/{run}/changes?outcome=applied,gone"),
        &format!("runs/{run}/log?after=x"),
    ] {
        let answer = api.get(query).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        said.push(format!("{query}: {}", answer.detail()));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
runs?status=done: `status`: unknown variant `done`, expected one of `new`, `queued`, `syncing`, `awaiting_review`, `completed`, `failed`, `cancelled`
runs?limit=0: `limit`: a page has 1 to 1000 items, not 0
runs?limit=1001: `limit`: a page has 1 to 1000 items, not 1001
runs?limit=many: `limit`: invalid digit found in string
runs?page=2: `page`: unknown field `page`, expected one of `sync`, `status`, `kind`, `purpose`, `request_id`, `dry`, `outcome`, `source`, `target`, `since`, `until`, `text`, `before`, `limit`
runs?kind=manual: `kind`: unknown variant `manual`, expected one of `adhoc`, `scheduled`, `webhook`
runs/1/changes?outcome=applied,gone: `outcome`: unknown variant `gone`, expected one of `planned`, `applied`, `unchanged`, `skipped`, `held`, `failed`, `stale`
runs/1/log?after=x: `after`: invalid digit found in string
"#);
}

#[tokio::test]
async fn a_run_is_shown_with_its_changes_its_log_and_its_plan() {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let done = api.work(run).await;
    assert_eq!(done.status, RunStatus::Completed);

    let shown = api.get(&format!("runs/{run}")).await.value();
    assert_eq!((&shown["id"], &shown["status"]), (&json!(1), &json!("completed")));
    assert_eq!(shown["phases"].as_array().unwrap().len(), 5);
    assert_eq!((&shown["models"][0]["model"], &shown["models"][0]["outcomes"]["applied"]), (&json!("site"), &json!(3)));
    assert_eq!(shown["decisions"], json!([]));

    let first = api.get(&format!("runs/{run}/changes?limit=2")).await;
    assert_eq!((first.items().len(), &first.value()["next"]), (2, &json!(2)));
    assert_eq!((&first.items()[0]["key"], &first.items()[0]["outcome"]), (&json!(["a"]), &json!("applied")));
    let rest = api.get(&format!("runs/{run}/changes?limit=2&after=2")).await;
    assert_eq!((rest.items().len(), &rest.value()["next"]), (1, &Value::Null));
    for (query, expected) in [
        ("model=site&action=create&outcome=applied,failed", 3),
        ("outcome=failed", 0),
        ("action=delete", 0),
        ("model=device", 0),
    ] {
        let found = api.get(&format!("runs/{run}/changes?{query}")).await.items().len();
        assert_eq!(found, expected, "{query}");
    }

    let line = |text: &str| LogLine { at: done.created, level: Level::Warning, text: text.to_owned(), exchange: None };
    api.runner.history().append_log(run, &[line("odd"), line("even")]).await.unwrap();
    let log = api.get(&format!("runs/{run}/log?limit=1")).await;
    assert_eq!((log.items().len(), &log.items()[0]["seq"], &log.value()["next"]), (1, &json!(1), &json!(1)));
    let rest = api.get(&format!("runs/{run}/log?after=1")).await;
    assert_eq!(rest.items()[0]["seq"], 2);
    assert_eq!(rest.items().last().unwrap()["text"], "even");

    let plan = api.get(&format!("runs/{run}/plan")).await;
    let saved = done.plan.unwrap();
    assert_eq!(plan.text, std::fs::read_to_string(&saved.path).unwrap());
    assert_eq!(plan.headers[header::ETAG], format!("\"{}\"", saved.hash));
    assert_eq!(plan.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(plan.headers[header::CONTENT_LENGTH], plan.text.len().to_string());
    assert_eq!(plan.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"plan-lab-1.json\"");

    // Another machine made it: it comes from the history.
    std::fs::remove_file(&saved.path).unwrap();
    let again = api.get(&format!("runs/{run}/plan")).await;
    assert_eq!(again.text, plan.text);
    let copy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(copy.path(), again.text).unwrap();
    assert_eq!(PlanReader::open(copy.path()).unwrap().hash(), saved.hash);
}

#[tokio::test]
async fn a_run_that_is_not_there_is_told() {
    let api = Api::with_lab(true).await;
    for number in ["7", "seven"] {
        for route in ["", "/changes", "/log", "/plan"] {
            let answer = api.get(&format!("runs/{number}{route}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{number}{route}");
            assert!(answer.detail().starts_with(&format!("there is no run `{number}`")), "{}", answer.text);
        }
    }
    let decision = json!({"reason": "fine", "plan_hash": "blake3:00"});
    for (route, body) in [
        ("approve", decision.clone()),
        ("reject", decision),
        ("cancel", json!({})),
        ("pause", json!({})),
        ("resume", json!({})),
    ] {
        let answer = api.post(&format!("runs/7/{route}"), body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{route}: {}", answer.text);
    }
    let run = api.trigger("lab", json!({})).await;
    let answer = api.get(&format!("runs/{run}/plan")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.detail().starts_with("run 1 has no plan"), "{}", answer.text);
}

#[tokio::test]
async fn a_run_is_paused_resumed_and_cancelled() {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let ask = async |what: &str, body: Value| {
        let answer = api.post(&format!("runs/{run}/{what}"), body).await;
        (answer.status.as_u16(), answer.value())
    };
    assert_eq!(ask("pause", json!({"reason": "lunch"})).await, (200, json!({"run": 1, "status": "new"})));
    assert_eq!(api.run(run).await.paused.as_deref(), Some("paused by api: lunch"));
    assert_eq!(ask("resume", json!({})).await, (200, json!({"run": 1, "status": "new"})));
    assert_eq!(api.run(run).await.paused, None);

    // A worker has it: it stops after the batches under way.
    api.runner.claim(run).await.unwrap();
    assert_eq!(ask("cancel", json!({})).await, (202, json!({"run": 1, "status": "syncing"})));
    assert_eq!(api.run(run).await.stop.unwrap().by, "api");
    assert_eq!(ask("resume", json!({})).await.0, 409);

    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let ask = async |what: &str| api.post(&format!("runs/{run}/{what}"), json!({})).await;
    for _ in 0..2 {
        assert_eq!(ask("cancel").await.value(), json!({"run": 1, "status": "cancelled"}), "also the second time");
    }
    let late = ask("pause").await;
    assert_eq!(
        (late.status, late.detail().as_str()),
        (StatusCode::CONFLICT, "run 1 is over already: it is `cancelled`")
    );

    let run = api.trigger("lab", json!({})).await;
    api.work(run).await;
    let late = api.post(&format!("runs/{run}/cancel"), json!({})).await;
    assert_eq!(
        (late.status, late.detail().as_str()),
        (StatusCode::CONFLICT, "run 2 is over already: it is `completed`")
    );
}
