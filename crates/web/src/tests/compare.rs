//! Two runs beside each other.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use syncline_core::history::{Role, RunId};

use super::{Answer, Api, request};
use crate::auth::{AuthSettings, Authentication};

/// Two runs of `lab` that differ in every way, and one of `far`.
pub async fn compared() -> (Api, RunId, RunId) {
    let api = Api::empty().await;
    let settings = |sites: Value| json!({"sites": sites, "there": ["b=Old", "c=Old", "d=Old"], "target": "copy"});
    api.make("lab", settings(json!(["a", "b=New", "c=New", "d=Old"]))).await;
    let a = api.trigger("lab", json!({"dry_run": true})).await;
    api.work(a).await;
    let changed = json!({"settings": settings(json!(["b=New", "c=Newer", "d=Old", "e"]))});
    let answer = api.json(Method::PUT, "syncs/lab", changed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let b = api.trigger("lab", json!({})).await;
    api.work(b).await;
    (api, a, b)
}

fn told(answer: &Answer) -> Vec<String> {
    let told = |item: &Value| {
        format!("{} {} {}", item["kind"].as_str().unwrap(), item["model"].as_str().unwrap(), item["key"])
    };
    answer.items().iter().map(told).collect()
}

#[tokio::test]
async fn runs_are_compared_page_by_page() {
    let (api, a, b) = compared().await;
    let both = api.get(&format!("runs/{a}/compare/{b}")).await.value();
    assert_eq!((&both["a"]["id"], &both["b"]["id"]), (&json!(a), &json!(b)));
    assert_eq!((&both["a"]["dry"], &both["b"]["counts"]["create"]), (&json!(true), &json!(1)));
    let count = |kind: &str, count: u64| json!({"model": "site", "kind": kind, "count": count});
    assert_eq!(
        both["counts"],
        json!([count("only_a", 1), count("only_b", 1), count("fields", 1), count("outcome", 1)])
    );

    let path = format!("runs/{a}/compare/{b}/differences");
    let all = api.get(&path).await;
    let expected = [r#"only_a site ["a"]"#, r#"outcome site ["b"]"#, r#"fields site ["c"]"#, r#"only_b site ["e"]"#];
    assert_eq!(told(&all), expected);
    assert_eq!((&all.value()["next"], &all.value()["cut_short"]), (&Value::Null, &json!(false)));
    assert_eq!(all.items()[2]["a"]["fields"][0]["after"], "New");
    assert_eq!(all.items()[2]["b"]["fields"][0]["after"], "Newer");
    assert_eq!(all.items()[3]["a"], Value::Null);
    let (mut paged, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = api.get(&format!("{path}{query}")).await;
        paged.extend(told(&page));
        let Some(next) = page.value()["next"].as_str().map(str::to_owned) else { break };
        query = format!("?limit=1&after={next}");
    }
    assert_eq!(paged, expected);
    let some = api.get(&format!("{path}?kind=only_b,fields&model=site")).await;
    assert_eq!(told(&some), [expected[2], expected[3]]);
    assert_eq!(told(&api.get(&format!("{path}?model=device")).await), [] as [&str; 0]);

    for (path, status) in [
        (format!("runs/{a}/compare/99"), StatusCode::NOT_FOUND),
        (format!("runs/99/compare/{a}"), StatusCode::NOT_FOUND),
        (format!("runs/{a}/compare/next"), StatusCode::NOT_FOUND),
        (format!("{path}?kind=all"), StatusCode::UNPROCESSABLE_ENTITY),
        (format!("{path}?after=5"), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(api.get(&path).await.status, status, "{path}");
    }
}

/// Whoever may see one run need not be allowed to see the other.
#[tokio::test]
async fn a_token_for_one_sync_sees_no_run_of_another() {
    let api = Api::with(AuthSettings { authentication: Authentication::On, ..AuthSettings::default() }).await;
    let admin = api.token("admin", Role::Admin, None, None).await;
    let lab = api.token("lab", Role::Viewer, Some(&["lab"]), None).await;
    let ask = async |token: &str, method: Method, path: &str, body: Value| {
        let request = request(method, path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        api.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    for sync in ["lab", "far"] {
        let settings = json!({"name": sync, "settings": {"sites": ["a"], "target": sync}});
        assert_eq!(ask(&admin, Method::POST, "syncs", settings).await.status, StatusCode::CREATED);
        for _ in 0..2 {
            let asked = ask(&admin, Method::POST, &format!("syncs/{sync}/runs"), json!({"dry_run": true})).await;
            api.work(RunId::new(asked.value()["run"].as_i64().unwrap())).await;
        }
    }
    let get = async |token: &str, path: &str| ask(token, Method::GET, path, json!({})).await.status;
    for end in ["", "/differences"] {
        assert_eq!(get(&lab, &format!("runs/1/compare/2{end}")).await, StatusCode::OK);
        for other in [3, 99] {
            assert_eq!(get(&lab, &format!("runs/1/compare/{other}{end}")).await, StatusCode::FORBIDDEN);
        }
        assert_eq!(get(&lab, &format!("runs/3/compare/1{end}")).await, StatusCode::FORBIDDEN);
        assert_eq!(get(&admin, &format!("runs/1/compare/3{end}")).await, StatusCode::OK);
    }
    for path in ["log", "changes", "log/export", "changes/export", "runs/export"] {
        assert_eq!(get(&lab, path).await, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(get(&lab, &format!("{path}?sync=far")).await, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(get(&lab, &format!("{path}?sync=lab")).await, StatusCode::OK, "{path}");
    }
    let others = ask(&lab, Method::GET, "changes?sync=lab&run=3", json!({})).await;
    assert_eq!(others.items(), [] as [Value; 0], "run 3 is of another sync");
}
