//! What all runs said and changed, and lists as files.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use syncline_core::event::Level;
use syncline_core::history::{LogLine, RunId};

use super::{Answer, Api};

/// A dry run, a real one, and one of another sync, each with two lines.
pub async fn logged() -> Api {
    let api = Api::with_lab(true).await;
    api.make("far", json!({"sites": ["x=New"], "there": ["x=Old"], "target": "other"})).await;
    for (sync, wish) in [("lab", json!({"dry_run": true})), ("lab", json!({})), ("far", json!({"reason": "100% sure"}))]
    {
        let run = api.trigger(sync, wish).await;
        api.work(run).await;
        let text = format!("run {run} of `{sync}`: 50% <slow>");
        let said = LogLine { at: chrono::Utc::now(), level: Level::Info, text: "began".to_owned(), exchange: None };
        let slow = LogLine { level: Level::Warning, text, ..said.clone() };
        api.runner.history().append_log(run, &[said, slow]).await.unwrap();
    }
    api
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_lines_of_all_runs_are_searched_and_exported() {
    let api = logged().await;
    let loud = api.get("log?level=warning,error").await;
    let told = |item: &Value| (item["run"].as_i64().unwrap(), item["sync"].as_str().unwrap().to_owned());
    let runs: Vec<_> = loud.items().iter().map(told).collect();
    assert_eq!(runs, [(3, "far".to_owned()), (2, "lab".to_owned()), (1, "lab".to_owned())]);
    let all = api.get("log?limit=1000").await.items();
    assert!(all.len() > 3 && all.iter().any(|line| line["level"] == "info"), "{all:?}");
    let (mut paged, mut query) = (Vec::new(), "log?limit=2".to_owned());
    loop {
        let page = api.get(&query).await;
        paged.extend(page.items());
        let Some(next) = page.value()["next"].as_str().map(str::to_owned) else { break };
        query = format!("log?limit=2&before={next}");
    }
    assert_eq!(paged, all);
    assert_eq!(api.get("log?text=50%25%20%3CSLOW&sync=lab").await.items().len(), 2);
    assert_eq!(api.get("log?text=5_%25").await.items().len(), 0);
    assert_eq!(api.get("log?run=2&level=warning").await.items().len(), 1);

    let exported = api.get("log/export").await;
    assert_eq!(exported.headers[header::CONTENT_TYPE], "application/x-ndjson");
    assert_eq!(exported.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"log.ndjson\"");
    assert_eq!(lines(&exported), all);
    assert_eq!(lines(&api.get("log/export?level=warning&sync=lab").await).len(), 2);

    let long = "x".repeat(201);
    for query in ["level=loud", "text=", "text=a%00b", "before=17", "page=2", &format!("text={long}")] {
        for path in ["log", "changes"] {
            let answer = api.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {query}");
        }
    }
}

#[tokio::test]
async fn the_changes_of_all_runs_are_searched_and_exported() {
    let api = logged().await;
    let all = api.get("changes").await.items();
    let places: Vec<_> =
        all.iter().map(|item| (item["run"].as_i64().unwrap(), item["change"]["seq"].as_u64().unwrap())).collect();
    assert_eq!(places, [(3, 1), (2, 3), (2, 2), (2, 1), (1, 3), (1, 2), (1, 1)]);
    let count = async |query: &str| api.get(&format!("changes?{query}")).await.items().len();
    assert_eq!(count("sync=lab").await, 6);
    assert_eq!(count("sync=lab&outcome=applied").await, 3);
    assert_eq!(count("action=update&model=site").await, 1);
    assert_eq!(count("model=device").await, 0);
    assert_eq!(count("run=1&outcome=planned,failed").await, 3);
    assert_eq!(count("text=Old").await, 1);
    assert_eq!(count("text=Old&sync=lab").await, 0);
    assert_eq!(lines(&api.get("changes/export").await), all);
    assert_eq!(lines(&api.get("changes/export?action=update").await), all[..1]);
}

#[tokio::test]
async fn runs_are_filtered_and_exported() {
    let api = logged().await;
    let runs = async |query: &str| -> Vec<i64> {
        let found = api.get(&format!("runs?{query}")).await.items();
        found.iter().map(|run| run["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(runs("outcome=changed").await, [3, 2, 1]);
    assert_eq!(runs("outcome=failed,clean").await, [] as [i64; 0]);
    assert_eq!(runs("target=other").await, [3]);
    assert_eq!(runs("source=truth&target=copy&dry=false").await, [2]);
    assert_eq!(runs("text=100%25").await, [3]);
    assert_eq!(runs("purpose=drift").await, [] as [i64; 0]);
    assert_eq!(runs("since=2000-01-01T00:00:00Z&until=2001-01-01T00:00:00Z").await, [] as [i64; 0]);

    let all = api.get("runs").await.items();
    assert_eq!(lines(&api.get("runs/export").await), all);
    assert_eq!(lines(&api.get("runs/export?sync=lab&dry=true").await), all[2..]);
    let table = api.get("runs/export?format=csv").await;
    assert_eq!(table.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let rows: Vec<_> = table.text.lines().collect();
    assert_eq!(rows.len(), 4, "{}", table.text);
    assert!(rows[0].starts_with("run,sync,kind,purpose,dry,status,outcome,source,target,created,"), "{}", rows[0]);
    assert!(rows[1].starts_with("3,far,webhook,sync,false,completed,changed,truth,other,20"), "{}", rows[1]);
    assert!(rows[1].contains(",api,,100% sure,1,1,0,1,0,0,1,0,0,0,0,"), "{}", rows[1]);
    assert_eq!(api.get("runs/export?format=xlsx").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.run(RunId::new(3)).await.request.as_deref(), Some("100% sure"));
}
