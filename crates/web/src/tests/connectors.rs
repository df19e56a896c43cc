//! The connectors, and the sides of syncs.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Api;

#[tokio::test]
async fn connectors_are_listed_with_their_schemas() {
    let api = Api::empty().await;
    let all = api.get("connectors").await.items();
    let expected = json!({
        "id": "sites", "label": "Sites", "description": "A list of sites.", "icon": null, "package": "syncline-web", "version": "1",
        "source": true, "target": true,
    });
    assert_eq!(all, [expected]);
    let one = api.get("connectors/sites").await.value();
    assert_eq!(one["connection_schema"]["properties"]["sites"]["type"], "array");
    assert!(one["source_parameters_schema"].is_object() && one["target_parameters_schema"].is_object());
    let none = api.get("connectors/netbox").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    insta::assert_snapshot!(none.detail(), @"there is no connector `netbox` in this build; there are `sites`");
}

#[tokio::test]
async fn sides_are_checked_and_tell_what_they_do() {
    let api = Api::with_lab(true).await;
    let checked = api.post("syncs/lab/check", json!({})).await.value();
    assert_eq!((&checked["ok"], &checked["sides"][0]["side"]), (&json!(true), &json!("source")));
    assert_eq!(checked["sides"][1]["report"]["warnings"], json!([]));
    assert_eq!((&checked["sides"][0]["capabilities"], &checked["sides"][0]["error"]), (&Value::Null, &Value::Null));
    assert_eq!(checked["sides"][1]["capabilities"]["batch_size"], 10);
    assert_eq!(api.post("syncs/lap/check", json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_record_is_shown_where_its_system_has_a_page_for_it() {
    let api = Api::with_lab(true).await;
    let told = api.get("syncs/lab/objects?model=site&key=%5B%22ams%22%5D").await.items();
    assert_eq!((&told[0]["side"], &told[1]["connection"]), (&json!("source"), &json!("copy")));
    // Nothing happened to it yet, so that nobody knows what the target calls it.
    assert_eq!((&told[1]["link"], &told[1]["error"]), (&Value::Null, &Value::Null));
    let wrong = api.get("syncs/lab/objects?model=site&key=ams").await;
    assert_eq!(
        (wrong.status, wrong.value()["problems"][0]["key"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, json!("key"))
    );
    assert_eq!(api.get("syncs/lap/objects?model=site&key=%5B%22ams%22%5D").await.status, StatusCode::NOT_FOUND);
}
