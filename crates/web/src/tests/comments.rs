//! What people say about plans.

use axum::http::StatusCode;
use serde_json::json;

use super::Api;

#[tokio::test]
async fn comments_are_added_while_a_plan_waits_and_stay() {
    let api = Api::with_lab(false).await;
    let run = api.trigger("lab", json!({})).await;
    let early = api.post("runs/1/comments", json!({"text": "early"})).await;
    assert_eq!(
        (early.status, early.detail()),
        (StatusCode::CONFLICT, "run 1 waits for no decision: it is `new`".to_owned())
    );
    let waiting = api.work(run).await;
    let made = api.post("runs/1/comments", json!({"text": " looks right "})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!((&made.value()["by"], &made.value()["text"]), (&json!("api"), &json!("looks right")));
    for wrong in [json!({}), json!({"text": "  "}), json!({"text": "a".repeat(1_001)})] {
        assert_eq!(api.post("runs/1/comments", wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(api.get("runs/77/comments").await.status, StatusCode::NOT_FOUND);
    let refusal = json!({"reason": "no", "plan_hash": waiting.plan.unwrap().hash});
    assert_eq!(api.post("runs/1/reject", refusal).await.status, StatusCode::OK);
    assert_eq!(api.get("runs/1/comments").await.items(), [made.value()]);
    assert_eq!(api.get("runs/1").await.value()["comments"], json!([made.value()]));
    assert_eq!(api.post("runs/1/comments", json!({"text": "late"})).await.status, StatusCode::CONFLICT);
    let audit = api.get("audit?action=run.comment").await.items();
    assert_eq!(audit[0]["object"], "run 1");
}
