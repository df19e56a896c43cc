//! What people leave alone, over the API.

use axum::http::{Method, StatusCode};
use chrono::{Days, Utc};
use serde_json::{Value, json};
use syncline_core::event::Events;
use syncline_core::history::{AuditAction, AuditFilter, Role};
use syncline_core::run::{RunRequest, SyncBook as _};
use tokio_util::sync::CancellationToken;

use super::Api;
use crate::auth::{AuthSettings, Authentication};

fn wish(key: Value, field: Value) -> Value {
    json!({"model": "site", "key": key, "field": field, "until": null, "reason": "the lab has it so"})
}

#[tokio::test]
async fn a_difference_is_left_alone_and_taken_up_again() {
    let api = Api::with_lab(true).await;
    let sync = api.shelf.sync("lab").await.unwrap().definition;
    let look = || async {
        let report =
            api.runner.run(&sync, RunRequest::drift(), &Events::new(), &CancellationToken::new()).await.unwrap();
        report.notes["drift"].clone()
    };
    assert_eq!(look().await, "3 differences, 3 new, 0 gone");
    let made = api.post("syncs/lab/ignores", wish(json!(["a"]), Value::Null)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.value();
    assert_eq!((&made["sync"], &made["key"], &made["by"]), (&json!("lab"), &json!(["a"]), &json!("api")));
    let tomorrow = Utc::now().date_naive() + Days::new(1);
    let until = json!({"model": "site", "key": ["b"], "field": "name", "until": tomorrow, "reason": "it moves"});
    assert_eq!(api.post("syncs/lab/ignores", until).await.value()["until"], json!(tomorrow));
    assert_eq!(api.get("findings?state=open").await.items().len(), 2, "a field of what is not there is no finding");
    let first = api.get("syncs/lab/ignores?limit=1").await.value();
    let rest = api.get(&format!("syncs/lab/ignores?limit=1&before={}", first["next"])).await.value();
    assert_eq!((&rest["items"][0], &rest["next"]), (&made, &Value::Null));
    assert_eq!(api.get("syncs/lab/ignores?model=device").await.items(), Vec::<Value>::new());
    assert_eq!(look().await, "2 differences, 0 new, 0 gone");

    let path = format!("syncs/lab/ignores/{}/end", made["id"]);
    let ended = api.post(&path, json!({})).await.value();
    assert_eq!(ended["ended"]["by"], json!("api"));
    assert_eq!(api.post(&path, json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(api.get("syncs/lab/ignores").await.items().len(), 1);
    assert_eq!(api.get("syncs/lab/ignores?all=true").await.items().len(), 2);
    assert_eq!(look().await, "3 differences, 1 new, 0 gone");

    let filter =
        AuditFilter { action: vec![AuditAction::IgnoreMake, AuditAction::IgnoreEnd], ..AuditFilter::default() };
    let noted = api.shelf.history.audit_log(&filter, None, 10).await.unwrap().items;
    let noted = noted.iter().map(|entry| {
        let (object, detail) = (entry.object.as_deref().unwrap(), entry.detail.as_deref().unwrap());
        format!("{} {} {object} {}", entry.who, entry.action.as_str(), detail.replace(&tomorrow.to_string(), "DAY"))
    });
    insta::assert_snapshot!(noted.collect::<Vec<_>>().join("\n"), @r#"
    api ignore.end site:["a"] lab: left alone by api until somebody ends it: the lab has it so
    api ignore.make site:["b"] lab, `name`: left alone until DAY by api: it moves
    api ignore.make site:["a"] lab: left alone by api until somebody ends it: the lab has it so
    "#);
}

#[tokio::test]
async fn what_is_wrong_with_a_wish_is_told_by_its_name() {
    let api = Api::with_lab(true).await;
    let refused = async |wish: Value| {
        let answer = api.post("syncs/lab/ignores", wish).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        let problem = &answer.value()["problems"][0];
        format!("{}: {}", problem["key"].as_str().unwrap(), problem["message"].as_str().unwrap())
    };
    let with = |name: &str, value: Value| {
        let mut wish = wish(json!(["a"]), Value::Null);
        wish[name] = value;
        wish
    };
    let told = [
        refused(with("until", json!("2020-02-03"))).await,
        refused(with("until", json!("soon"))).await,
        refused(with("model", json!("stie"))).await,
        refused(with("key", json!(["a", "b"]))).await,
        refused(with("field", json!("nmae"))).await,
        refused(with("reason", json!(" "))).await,
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(api.post("syncs/none/ignores", wish(json!(["a"]), Value::Null)).await.status, StatusCode::NOT_FOUND);
    for number in ["99", "x"] {
        let none = api.post(&format!("syncs/lab/ignores/{number}/end"), json!({})).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.text);
    }
    assert_eq!(api.get("syncs/lab/ignores?all=true").await.items(), Vec::<Value>::new());
}

/// A token for one sync leaves nothing alone in another, nor ends what is.
#[tokio::test]
async fn a_token_obeys_its_syncs() {
    let api = Api::with(AuthSettings { authentication: Authentication::On, ..AuthSettings::default() }).await;
    let admin = api.token("admin", Role::Admin, None, None).await;
    for name in ["lab", "other"] {
        let new = json!({"name": name, "settings": {"sites": ["a"], "target": name}});
        let made = api.with_token(&admin, Method::POST, "syncs", new).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let syncs: &[&str] = &["lab"];
    let token = api.token("lab-only", Role::Operator, Some(syncs), None).await;
    let own = api.with_token(&token, Method::POST, "syncs/lab/ignores", wish(json!(["a"]), Value::Null)).await;
    assert_eq!(own.status, StatusCode::CREATED, "{}", own.text);
    let all = api.token("all", Role::Operator, None, None).await;
    let theirs =
        api.with_token(&all, Method::POST, "syncs/other/ignores", wish(json!(["a"]), Value::Null)).await.value();
    for (method, path) in [
        (Method::GET, "syncs/other/ignores".to_owned()),
        (Method::POST, "syncs/other/ignores".to_owned()),
        (Method::POST, format!("syncs/other/ignores/{}/end", theirs["id"])),
    ] {
        let answer = api.with_token(&token, method, &path, json!({})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.text);
    }
    // Neither by way of its own sync.
    let path = format!("syncs/lab/ignores/{}/end", theirs["id"]);
    assert_eq!(api.with_token(&token, Method::POST, &path, json!({})).await.status, StatusCode::NOT_FOUND);
}
