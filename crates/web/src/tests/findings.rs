//! What somebody should look at: findings, quarantine, and what happened to one object.

use axum::http::StatusCode;
use serde_json::{Value, json};
use syncline_core::event::Events;
use syncline_core::run::{RunRequest, SyncBook as _};
use tokio_util::sync::CancellationToken;

use super::Api;

#[tokio::test]
async fn drift_is_found_and_looked_at() {
    let api = Api::with_lab(true).await;
    let sync = api.shelf.sync("lab").await.unwrap().definition;
    let look = api.runner.run(&sync, RunRequest::drift(), &Events::new(), &CancellationToken::new()).await.unwrap();
    let found = api.get("findings?sync=lab&kind=drift&state=open").await.items();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!((&found[0]["model"], &found[0]["first_run"]), (&json!("site"), &json!(look.run)));
    let first = api.get("findings?limit=2").await.value();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let rest = api.get(&format!("findings?limit=2&before={}", first["next"])).await.value();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));

    let path = format!("findings/{}", found[0]["id"]);
    let unsaid = api.post(&format!("{path}/acknowledge"), json!({"reason": " "})).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    let known = api.post(&format!("{path}/acknowledge"), json!({"reason": "is being built"})).await.value();
    assert_eq!((&known["state"], &known["acknowledged"]["reason"]), (&json!("acknowledged"), &json!("is being built")));
    assert_eq!(api.get(&path).await.value(), known);
    assert_eq!(api.get("findings?state=open").await.items().len(), 2);
    for wrong in ["findings/99", "findings/last"] {
        let none = api.get(wrong).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        assert!(none.detail().starts_with("there is no finding `"), "{}", none.text);
    }
}

#[tokio::test]
async fn nothing_is_in_quarantine_that_was_not_seen_absent() {
    let api = Api::with_lab(true).await;
    assert_eq!(api.get("quarantine?sync=lab&state=due").await.items(), Vec::<Value>::new());
    let wish = |sync: &str, key: Value| json!({"sync": sync, "model": "site", "key": key, "verdict": "keep", "reason": "moves"});
    let absent = api.post("quarantine", wish("lab", json!(["a"]))).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    insta::assert_snapshot!(absent.detail(), @"the site `a` of `lab` is not in quarantine: it was not seen absent");
    assert_eq!(api.post("quarantine", wish("lap", json!(["a"]))).await.status, StatusCode::NOT_FOUND);
    let wrong = api.post("quarantine", wish("lab", json!("a"))).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    let lost = api.get("quarantine?after=7").await;
    insta::assert_snapshot!(lost.detail(), @"`after`: is no place in this list; take `next` of the page before");
}

#[tokio::test]
async fn an_object_has_a_timeline() {
    let api = Api::with_lab(true).await;
    for _ in 0..2 {
        let run = api.trigger("lab", json!({"dry_run": true})).await;
        api.work(run).await;
    }
    let newest = api.get("objects?model=site&key=%5B%22a%22%5D&limit=1").await.value();
    assert_eq!((&newest["items"][0]["run"], &newest["items"][0]["change"]["action"]), (&json!(2), &json!("create")));
    let next = newest["next"].as_str().unwrap();
    let older = api.get(&format!("objects?model=site&key=%5B%22a%22%5D&limit=1&before={next}")).await.value();
    assert_eq!((&older["items"][0]["run"], &older["next"]), (&json!(1), &Value::Null));
    assert_eq!(api.get("objects?model=site&key=%5B%22z%22%5D").await.items(), Vec::<Value>::new());
    let wrong = api.get("objects?model=site&key=a").await;
    insta::assert_snapshot!(wrong.detail(), @r#"`key`: is no JSON list: write it as `["atlanta","core-1"]`"#);
}
