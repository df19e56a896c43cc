//! The plan page: ways to tell changes apart, ticks, and what people say.

use axum::http::StatusCode;
use serde_json::json;
use syncline_core::error::Exchange;
use syncline_core::event::Level;
use syncline_core::history::{LogLine, RunId, RunStatus};

use super::super::Api;
use super::markup::links;
use super::{Pages, filled, words};

/// The records of the rows of a plan.
fn rows(page: &str) -> Vec<String> {
    page.split("/objects/site/%5B%22").skip(1).map(|rest| rest.split('%').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn changes_are_told_apart_by_site_field_and_rule() {
    let (pages, _) = filled().await;
    let page = pages.page("/runs/3/plan").await;
    for link in ["/runs/3/plan?site=x", "/runs/3/plan?field=name"] {
        assert!(links(&page).iter().any(|found| found == link), "{link}: {:?}", links(&page));
    }
    assert_eq!(rows(&pages.page("/runs/3/plan?site=x").await), ["x"]);
    assert_eq!(rows(&pages.page("/runs/3/plan?site=%5B%22z%22%5D&action=create").await), ["z"]);
    assert_eq!(rows(&pages.page("/runs/3/plan?field=name").await), ["x", "y"]);
    assert!(words(&pages.page("/runs/3/plan?field=name").await).contains("name 2"));
    let nowhere = words(&pages.page("/runs/3/plan?site=nowhere").await);
    assert!(nowhere.contains("No change is like that"), "{nowhere}");

    // Those of a dry run are in the history, and its plan tells the rest.
    assert_eq!(rows(&pages.page("/runs/1/plan?site=b").await), ["b"]);
    // What was done is not told apart so.
    let done = pages.fetch("/runs/2/plan?site=b").await;
    assert_eq!(done.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words(&done.text).contains("tells apart what is planned"), "{}", done.text);
    assert!(!pages.page("/runs/2/plan").await.contains("site=b"));
    for wrong in ["rule=none", "site=%5Bx", "ticked=%3C"] {
        let answer = pages.fetch(&format!("/runs/3/plan?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }

    let held = json!({"sites": ["a", "c"], "there": ["a", "b"], "target": "fourth", "auto_merge": false});
    pages.api.make("both", held).await;
    let run = pages.api.trigger("both", json!({})).await;
    pages.api.work(run).await;
    let page = pages.page(&format!("/runs/{run}/plan")).await;
    assert!(words(&page).contains("Held by first run 1"), "{}", words(&page));
    assert_eq!(rows(&pages.page(&format!("/runs/{run}/plan?rule=first_run")).await), ["b"]);
    assert!(rows(&pages.page(&format!("/runs/{run}/plan?rule=quarantine")).await).is_empty());
}

#[tokio::test]
async fn a_site_that_is_not_named_is_typed() {
    let sites: Vec<_> = (0..30).map(|number| format!("site-{number:03}")).collect();
    let api = Api::empty().await;
    api.make("long", json!({"sites": sites, "target": "copy", "auto_merge": false})).await;
    let run = api.trigger("long", json!({})).await;
    api.work(run).await;
    let pages = Pages::of(api);
    let page = pages.page("/runs/1/plan?action=create").await;
    assert_eq!(links(&page).iter().filter(|link| link.contains("site=site-")).count(), 24);
    assert!(words(&page).contains("6 sites more have changes"), "{}", words(&page));
    assert!(page.contains("<input type=\"hidden\" name=\"action\" value=\"create\">"), "{page}");
    let typed = pages.page("/runs/1/plan?action=create&site=site-029").await;
    assert_eq!(rows(&typed), ["site-029"]);
    assert!(words(&typed).contains("site-029 1"), "{}", words(&typed));
}

#[tokio::test]
async fn ticks_hold_over_pages_and_filters_without_a_script() {
    let (pages, waiting) = filled().await;
    let hash = waiting.plan.as_ref().unwrap().hash.clone();
    let page = pages.page("/runs/3/plan?site=x").await;
    let pick = format!("change:{}", page.split("value=\"change:").nth(1).unwrap().split('"').next().unwrap());
    let form = [("csrf", ""), ("back", "site=x"), ("pick", &*pick)];
    let path = pages.led("/runs/3/tick", &form).await;
    let short = &pick["change:".len()..][..12];
    assert_eq!(path, format!("/runs/3/plan?site=x&ticked={short}"));
    assert!(pages.page(&path).await.contains("checked data-row"));
    // Every link of the page takes it along.
    let elsewhere = links(&pages.page(&path).await).into_iter().find(|link| link.contains("site=y")).unwrap();
    assert!(elsewhere.contains(short), "{elsewhere}");
    let page = pages.page(&elsewhere).await;
    assert!(words(&page).contains("1 more is ticked on other pages"), "{}", words(&page));
    assert!(!page.contains("checked data-row"));
    let hidden = format!("<input type=\"hidden\" name=\"pick\" value=\"change:{short}\">");
    assert!(page.contains(&hidden), "{page}");
    let form = [("csrf", ""), ("back", ""), ("pick", &*format!("change:{short}")), ("pick", "model:site")];
    let both = pages.led("/runs/3/tick", &form).await;
    assert!(pages.page(&both).await.contains("value=\"model:site\" checked"));
    // A model is ticked as a whole: where a part of it is shown there is no box, and what was ticked goes along.
    let part = pages.page(&format!("{both}&site=y")).await;
    assert!(part.contains("<input type=\"hidden\" name=\"pick\" value=\"model:site\">"), "{part}");
    assert!(!part.contains("value=\"model:site\" checked"));

    let pick = format!("change:{short}");
    let form = [("csrf", ""), ("plan_hash", &*hash), ("reason", "this one"), ("part", "only"), ("pick", &*pick)];
    assert_eq!(pages.led("/runs/3/approve", &form).await, "/runs/3");
    let done = pages.api.work(waiting.id).await;
    assert_eq!((done.status, done.counts.outcomes.applied), (RunStatus::Completed, 1));
}

#[tokio::test]
async fn a_plan_that_waits_is_talked_about() {
    let (pages, waiting) = filled().await;
    assert!(words(&pages.page("/runs/3/plan").await).contains("Nobody has said anything yet"));
    let said = [("csrf", ""), ("text", "why <b>x</b>?\r\nask ann")];
    assert_eq!(pages.led("/runs/3/comment", &said).await, "/runs/3/plan#comments");
    for path in ["/runs/3", "/runs/3/plan"] {
        let page = pages.page(path).await;
        assert!(page.contains("<p>why &#60;b&#62;x&#60;/b&#62;?</p><p>ask ann</p>"), "{page}");
    }
    for wrong in ["", &"a".repeat(1_001)] {
        let answer = pages.post("/runs/3/comment", &[("csrf", ""), ("text", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(pages.post("/runs/2/comment", &said).await.status, StatusCode::CONFLICT);
    assert!(!pages.page("/runs/2").await.contains("id=\"comments\""));
    assert_eq!(pages.api.runner.history().comments(waiting.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_tells_what_it_asked_and_what_failed() {
    let (pages, _) = filled().await;
    let history = pages.api.runner.history();
    assert!(!pages.page("/runs/3").await.contains("id=\"requests\""), "nothing was asked by HTTP");
    let exchange = Exchange {
        method: "GET".to_owned(),
        url: "https://netbox.example/api/?token=[redacted]".to_owned(),
        status: Some(503),
        attempts: 4,
        body: Some("<h1>down</h1>\nback soon".to_owned()),
    };
    let at = pages.api.run(RunId::new(2)).await.created;
    let line = LogLine { at, level: Level::Error, text: "the read failed".to_owned(), exchange: Some(exchange) };
    history.append_log(RunId::new(2), &[line]).await.unwrap();
    for path in ["/runs/2", "/logs?run=2"] {
        let page = pages.page(path).await;
        let text = words(&page);
        for part in ["The request that failed", "GET https://netbox.example/api/", "Answered with 503 , sent 4 times."]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(page.contains("&#60;h1&#62;down"), "{page}");
    }
    let exported = pages.api.get("log/export?run=2&level=error").await.text;
    assert!(exported.contains(r#""exchange":{"method":"GET""#), "{exported}");
}
