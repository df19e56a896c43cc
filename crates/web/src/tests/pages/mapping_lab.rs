//! The page on which mapping rules are tried.

use axum::http::StatusCode;

use super::super::compare::compared;
use super::markup::links;
use super::{Pages, words};

const LAB: &str = "/syncs/lab/mapping";

#[tokio::test]
async fn rules_are_tried_on_the_last_read() {
    let (api, ..) = compared().await;
    let pages = Pages::of(api);
    assert!(links(&pages.page("/syncs/lab").await).iter().any(|link| link == LAB));
    let text = words(&pages.page(LAB).await);
    assert!(text.contains("They are tried on what run 2 read") && text.contains("[]"), "{text}");

    let rules = r#"[
        {"model": "site", "when": "slug == 'b'", "leave_out": true},
        {"model": "site", "when": "slug == 'c'", "field": "name", "template": "{{ name | upper }}"},
        {"model": "site", "when": "slug == 'd'", "field": "name", "template": "{{ '' }}"}
    ]"#;
    let tried = pages.post(LAB, &[("csrf", ""), ("rules", rules)]).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text);
    let text = words(&tried.text);
    for part in [
        "sites 4 → 2",
        "1: left out by a mapping rule",
        "b goes",
        "c changes name",
        "N ewer → N EWER",
        "1 could not be taken over",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Nothing of it is kept: the next try is on the same read.
    let same = words(&pages.post(LAB, &[("csrf", ""), ("rules", "[]")]).await.text);
    assert!(same.contains("Nothing: the rules make the same of it"), "{same}");
}

#[tokio::test]
async fn rules_that_are_wrong_come_back_with_what_is_wrong() {
    let (api, ..) = compared().await;
    let pages = Pages::of(api);
    for (rules, told) in [
        ("nonsense", "The rules are a list in JSON"),
        (r#"[{"model": "site", "field": "nam", "value": "x"}]"#, "did you mean name"),
        (r#"[{"model": "site", "colour": "x"}]"#, "unknown field"),
    ] {
        let answer = pages.post(LAB, &[("csrf", ""), ("rules", rules)]).await;
        let text = words(&answer.text);
        assert!(text.contains(told), "{told}: {text}");
        assert!(answer.text.contains("<textarea") && !text.contains("What would differ"), "{text}");
    }
    std::fs::remove_dir_all(pages.api.folder.path().join("plans")).unwrap();
    let text = words(&pages.post(LAB, &[("csrf", ""), ("rules", "[]")]).await.text);
    assert!(text.contains("What the run read is not on this machine"), "{text}");
}
