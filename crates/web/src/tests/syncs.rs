//! Syncs are made, changed, paused and ended; those of a file are not.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::Api;

#[tokio::test]
async fn a_sync_is_made_changed_paused_and_ended() {
    let api = Api::empty().await;
    let settings = json!({"sites": [], "target": "copy"});
    let made = api.post("syncs", json!({"name": "lab", "settings": settings})).await;
    assert_eq!((made.status, &made.headers[header::LOCATION]), (StatusCode::CREATED, &"syncs/lab".parse().unwrap()));
    let expected = json!({
        "name": "lab", "owner": "stored", "paused": false, "schedule": null, "next": null, "settings": settings, "error": null,
        "warnings": ["there are no sites"],
    });
    assert_eq!(made.value(), expected);

    let again = api.post("syncs", json!({"name": "lab", "settings": settings})).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    insta::assert_snapshot!(again.detail(), @"there is a sync `lab` already; `syncline sync set` changes it, or give another name");

    let settings = json!({"sites": ["a"], "target": "other"});
    let changed = api.json(Method::PUT, "syncs/lab", json!({"settings": settings})).await;
    assert_eq!((changed.status, &changed.value()["warnings"]), (StatusCode::OK, &json!([])));
    assert_eq!(api.get("syncs/lab").await.value()["settings"], settings);
    assert_eq!(api.get("syncs").await.value(), json!({"items": [api.get("syncs/lab").await.value()], "next": null}));

    let paused = api.post("syncs/lab/pause", json!({})).await;
    assert_eq!((paused.status, &paused.value()["paused"]), (StatusCode::OK, &json!(true)));
    assert_eq!(api.get("syncs/lab").await.value()["paused"], true);
    assert_eq!(api.post("syncs/lab/unpause", json!({})).await.value()["paused"], false);

    let removed = api.json(Method::DELETE, "syncs/lab", Value::Null).await;
    assert_eq!((removed.status, removed.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(api.get("syncs").await.items(), [] as [Value; 0]);
}

#[tokio::test]
async fn what_is_wrong_with_settings_is_told_by_key() {
    let api = Api::empty().await;
    let made = api.post("syncs", json!({"name": "lab", "settings": {}})).await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&made.value()).unwrap(), @r#"
{
  "detail": "the sync has 2 problems",
  "problems": [
    {
      "key": "sites",
      "message": "is missing",
      "remedy": "write a list"
    },
    {
      "key": "target",
      "message": "is missing",
      "remedy": null
    }
  ],
  "status": 422,
  "title": "The settings are wrong",
  "type": "urn:syncline:problem:settings"
}
"#);
    assert_eq!(api.get("syncs").await.items(), [] as [Value; 0]);

    api.make("lab", json!({"sites": [], "target": "copy"})).await;
    let changed = api.json(Method::PUT, "syncs/lab", json!({"settings": {"target": "copy"}})).await;
    assert_eq!(
        (changed.status, &changed.value()["problems"][0]["key"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("sites"))
    );
    assert_eq!(api.get("syncs/lab").await.value()["settings"]["sites"], json!([]), "what was refused changes nothing");
}

#[tokio::test]
async fn a_sync_of_a_file_is_changed_there_only() {
    let api = Api::empty().await;
    let settings = json!({"sites": ["a"], "target": "copy"});
    let file = BTreeMap::from([("filed".to_owned(), settings.clone())]);
    api.shelf.history.provision_syncs("syncline.toml", &file).await.unwrap();

    let put = api.json(Method::PUT, "syncs/filed", json!({"settings": {"sites": [], "target": "copy"}})).await;
    let removed = api.json(Method::DELETE, "syncs/filed", Value::Null).await;
    let made = api.post("syncs", json!({"name": "filed", "settings": settings})).await;
    assert_eq!([put.status, removed.status, made.status], [StatusCode::CONFLICT; 3]);
    assert_eq!(put.detail(), "the sync `filed` is kept in the configuration file: change it there");
    assert_eq!(removed.detail(), put.detail());
    let there = api.get("syncs/filed").await.value();
    assert_eq!((&there["owner"], &there["settings"]), (&json!("file"), &settings));

    // Its schedules may rest, and it may run.
    assert_eq!(api.post("syncs/filed/pause", json!({})).await.value()["paused"], true);
    api.trigger("filed", json!({})).await;
}

#[tokio::test]
async fn a_sync_that_is_not_there_is_told_with_those_that_are() {
    let api = Api::with_lab(true).await;
    for (method, path) in [
        (Method::GET, "syncs/lap"),
        (Method::PUT, "syncs/lap"),
        (Method::DELETE, "syncs/lap"),
        (Method::POST, "syncs/lap/pause"),
        (Method::POST, "syncs/lap/unpause"),
        (Method::POST, "syncs/lap/runs"),
    ] {
        let body = if method == Method::PUT { json!({"settings": {}}) } else { json!({}) };
        let answer = api.json(method.clone(), path, body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(answer.detail(), "there is no sync `lap`; there are `lab`", "{method} {path}");
    }
}
