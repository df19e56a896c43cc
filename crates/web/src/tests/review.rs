//! Plans are decided about by their hash.

use axum::http::StatusCode;
use serde_json::{Value, json};
use syncline_core::history::{Approval, Run, RunStatus};

use super::Api;

/// A run that waits for approval.
async fn waiting() -> (Api, Run, String) {
    let api = Api::with_lab(false).await;
    let run = api.trigger("lab", json!({})).await;
    let run = api.work(run).await;
    assert_eq!(run.status, RunStatus::AwaitingReview);
    let hash = run.plan.as_ref().unwrap().hash.clone();
    (api, run, hash)
}

async fn outcomes(api: &Api, run: &Run) -> Vec<(Value, Value)> {
    let changes = api.get(&format!("runs/{}/changes", run.id)).await.items();
    changes.into_iter().map(|change| (change["key"].clone(), change["outcome"].clone())).collect()
}

#[tokio::test]
async fn what_was_looked_at_is_what_is_approved() {
    let (api, run, hash) = waiting().await;
    let path = format!("runs/{}/approve", run.id);
    let other = api.post(&path, json!({"reason": "fine", "plan_hash": "blake3:00"})).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(other.value()["type"], "urn:syncline:problem:stale");
    assert_eq!(other.detail(), "run 1 has another plan than the one that was looked at: look at it again");
    // Nor is anything of another plan selected.
    let other = api.post(&path, json!({"reason": "fine", "plan_hash": "blake3:00", "only": ["device"]})).await;
    assert_eq!(other.value()["type"], "urn:syncline:problem:stale", "{}", other.text);
    assert_eq!(api.run(run.id).await.status, RunStatus::AwaitingReview);

    let approved = api.post(&path, json!({"reason": "looked at", "plan_hash": hash})).await;
    assert_eq!(
        (approved.status, approved.value()),
        (StatusCode::OK, json!({"run": 1, "plan": hash, "selected": null}))
    );
    let done = api.work(run.id).await;
    assert_eq!((done.status, done.counts.outcomes.applied), (RunStatus::Completed, 3));
    let decisions = api.runner.history().decisions(run.id).await.unwrap();
    assert_eq!((decisions[0].verdict, decisions[0].by.as_str()), (Approval::Approved, "api"));
    assert_eq!((decisions[0].reason.as_str(), decisions[0].overrides_guards), ("looked at", false));
    assert_eq!(api.get("runs/1").await.value()["decisions"][0]["reason"], "looked at");

    let again = api.post(&path, json!({"reason": "fine", "plan_hash": hash})).await;
    assert_eq!(
        (again.status, again.detail().as_str()),
        (StatusCode::CONFLICT, "run 1 waits for no decision: it is `completed`")
    );
}

#[tokio::test]
async fn a_part_of_a_plan_is_approved() {
    for (part, applied) in
        [(json!({"only": ["site:[\"b\"]"]}), vec!["b"]), (json!({"except": ["site:[\"b\"]"]}), vec!["a", "c"])]
    {
        let (api, run, hash) = waiting().await;
        let mut body = part.clone();
        (body["reason"], body["plan_hash"]) = (json!("that much"), json!(hash));
        let approved = api.post(&format!("runs/{}/approve", run.id), body).await;
        assert_eq!(approved.value()["selected"], applied.len(), "{part}: {}", approved.text);
        api.work(run.id).await;
        let outcomes = outcomes(&api, &run).await;
        let written = outcomes.iter().filter(|(_, outcome)| outcome == "applied");
        let written: Vec<_> = written.map(|(key, _)| key[0].as_str().unwrap()).collect();
        assert_eq!(written, applied, "{part}: {outcomes:?}");
    }
}

#[tokio::test]
async fn slips_decide_nothing() {
    let (api, run, hash) = waiting().await;
    let mut said = Vec::new();
    for body in [
        json!({"reason": " ", "plan_hash": hash}),
        json!({"reason": "fine"}),
        json!({"reason": "fine", "plan_hash": hash, "only": ["site"], "except": ["site"]}),
        json!({"reason": "fine", "plan_hash": hash, "only": ["site:b"]}),
        json!({"reason": "fine", "plan_hash": hash, "only": "site"}),
        json!({"reason": "fine", "plan_hash": hash, "except": ["site:[\"nowhere\"]"]}),
        json!({"reason": "fine", "plan_hash": hash, "overrides_guards": true}),
    ] {
        let answer = api.post(&format!("runs/{}/approve", run.id), body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        said.push(format!("{}: {}", answer.value()["problems"][0]["key"], answer.detail()));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
"reason": `reason`: wants words: they are kept in the history
"plan_hash": `plan_hash`: is missing
"except": `except`: goes not with `only`: name what is meant, or what is not
"only": `only`: `b` is no key: write it as the plan does, `site:["part",…]`
"only": `only`: invalid type: string "site", expected a sequence
"except": `except`: the plan changes nothing that `site:["nowhere"]` means
"overrides_guards": `overrides_guards`: unknown field `overrides_guards`, expected one of `reason`, `plan_hash`, `only`, `except`
"#);
    let answer = api.post(&format!("runs/{}/reject", run.id), json!({"reason": "", "plan_hash": hash})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.run(run.id).await.status, RunStatus::AwaitingReview);
    let paused = api.post(&format!("runs/{}/pause", run.id), json!({})).await;
    assert_eq!(paused.detail(), "run 1 waits for approval already: approve, reject or cancel it");
}

#[tokio::test]
async fn a_plan_is_rejected() {
    let (api, run, hash) = waiting().await;
    let path = format!("runs/{}/reject", run.id);
    let other = api.post(&path, json!({"reason": "no", "plan_hash": "blake3:00"})).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    let rejected = api.post(&path, json!({"reason": "not now", "plan_hash": hash})).await;
    assert_eq!((rejected.status, rejected.value()), (StatusCode::OK, json!({"run": 1, "plan": hash})));
    let ended = api.run(run.id).await;
    assert_eq!(
        (ended.status, ended.error.unwrap().message.as_str()),
        (RunStatus::Cancelled, "rejected by api: not now")
    );
}
