//! The plan page: ways to tell changes apart, ticks, and what people say.

use axum::http::StatusCode;
use serde_json::json;
use syncline_core::change::{Action, Change};
use syncline_core::error::Exchange;
use syncline_core::event::Level;
use syncline_core::history::{Claimed, LogLine, RecordedChange, RunId, RunResult, RunStatus};
use syncline_core::outcome::Outcome;
use syncline_model::AnyKey;

use super::super::Api;
use super::markup::{ensure_harmless, ensure_well_formed, links};
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
    assert!(!pages.page("/runs/2/plan").await.contains("site=b"));
    for wrong in ["rule=none", "site=%5Bx", "ticked=%3C"] {
        let answer = pages.fetch(&format!("/runs/3/plan?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(!answer.text.contains("variant"), "{wrong}: {}", answer.text);
    }

    let held = json!({"sites": ["a", "c"], "there": ["a", "b"], "target": "fourth", "auto_merge": false});
    pages.api.make("both", held).await;
    let run = pages.api.trigger("both", json!({})).await;
    pages.api.work(run).await;
    let page = pages.page(&format!("/runs/{run}/plan")).await;
    assert!(words(&page).contains("Held by first run 1"), "{}", words(&page));
    assert!(words(&page).contains("Action create 1 delete 1 Outcome"), "{}", words(&page));
    assert_eq!(rows(&pages.page(&format!("/runs/{run}/plan?rule=first_run")).await), ["b"]);
    assert!(rows(&pages.page(&format!("/runs/{run}/plan?rule=quarantine")).await).is_empty());
}

/// A link to a part of a plan may be followed when the plan is long applied.
#[tokio::test]
async fn a_link_to_a_site_or_a_field_leads_on_once_the_plan_is_applied() {
    let (pages, waiting) = filled().await;
    let hash = waiting.plan.as_ref().unwrap().hash.clone();
    assert_eq!(pages.led("/runs/3/approve", &[("plan_hash", &*hash), ("reason", "looked")]).await, "/runs/3");
    assert_eq!(pages.api.work(waiting.id).await.status, RunStatus::Completed);
    for (link, found) in [
        ("site=x", &["x"][..]),
        ("field=name", &["x", "y"]),
        ("field=name&outcome=applied", &["x", "y"]),
        ("field=name&outcome=failed", &[]),
        ("site=z&action=create&fold=on", &["z"]),
        ("site=nowhere", &[]),
    ] {
        let page = pages.page(&format!("/runs/3/plan?{link}")).await;
        assert_eq!(rows(&page), found, "{link}");
        let text = words(&page);
        assert!(text.contains("As planned : a run keeps no site and no fields"), "{link}: {text}");
        assert!(text.contains("No filter"), "{link}: {text}");
        assert_eq!(page.matches("badge is-applied").count(), found.len(), "{link}: each says what came of it");
    }
    let page = pages.page("/runs/3/plan?site=x").await;
    assert!(links(&page).iter().any(|link| link == "/runs/3/plan"), "the site can be let go: {:?}", links(&page));
}

#[tokio::test]
async fn without_its_plan_a_run_shows_all_that_it_did_and_says_so() {
    let pages = Pages::of(Api::with_lab(true).await);
    let run = pages.api.trigger("lab", json!({})).await;
    let Claimed::Granted(claim) = pages.api.runner.claim(run).await.unwrap() else { panic!("it is free") };
    let history = pages.api.runner.history();
    for (site, action) in [("x", Action::Create), ("y", Action::Delete)] {
        let change = Change::new("site", AnyKey::from_value(&json!([site])).unwrap(), action, None, Vec::new());
        let done = Outcome::Applied { request_id: None };
        history.record_changes(claim, &[RecordedChange::now(&change, Some(&done))]).await.unwrap();
    }
    let result = RunResult { status: RunStatus::Completed, error: None };
    history.finish_run(claim, &result).await.unwrap();
    for (link, found) in [("site=x&after=999", &["x", "y"][..]), ("field=name&action=create", &["x"])] {
        let path = format!("/runs/1/plan?{link}");
        let page = pages.page(&path).await;
        assert_eq!(rows(&page), found, "what else is asked for holds");
        let text = words(&page);
        assert!(text.contains("Not filtered by site and field : only the plan tells"), "{text}");
        assert!(text.contains("No filter") && !text.contains("As planned"), "{text}");
        // Its pages and filters are those of what was done.
        let names = |link: &String| *link != path && (link.contains("site=") || link.contains("field="));
        assert!(!links(&page).iter().any(names), "{page}");
    }
}

/// What was typed and ticked is not lost, and the error stands at its field.
#[tokio::test]
async fn a_decision_that_is_not_taken_comes_back() {
    let (pages, waiting) = filled().await;
    let hash = waiting.plan.as_ref().unwrap().hash.clone();
    let page = pages.page("/runs/3/plan?site=x").await;
    let pick = format!("change:{}", page.split("value=\"change:").nth(1).unwrap().split('"').next().unwrap());
    let elsewhere = "change:0123456789ab";
    let form = |more: &[(&'static str, &'static str)]| {
        let always = [("back", "site=x"), ("plan_hash", &*hash), ("pick", &*pick), ("pick", elsewhere)];
        always.into_iter().chain(more.iter().copied()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect::<Vec<_>>()
    };
    for (to, sent, field, why) in [
        ("approve", &[("part", "only"), ("reason", " ")][..], "reason", "wants words"),
        ("approve", &[("part", "half"), ("reason", "as <b>agreed</b>")], "part", "is one of all"),
        ("approve", &[("part", "only"), ("reason", "as <b>agreed</b>")], "only", "0123456789ab"),
        ("approve", &[("part", "except"), ("reason", "as <b>agreed</b>")], "except", "0123456789ab"),
        ("reject", &[("part", "except"), ("reason", "")], "reason", "wants words"),
    ] {
        let sent = form(sent);
        let sent: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = pages.post(&format!("/runs/3/{to}"), &sent).await;
        let (page, text) = (&answer.text, words(&answer.text));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        ensure_well_formed(page);
        ensure_harmless(page);
        assert!(page.contains(&format!("<a href=\"#f-{field}\">")), "the error above leads to `{field}`: {page}");
        let at = page.find(&format!("id=\"f-{field}-error\"")).unwrap_or_else(|| panic!("no error at `{field}`"));
        assert!(words(&format!("<{}", &page[at..])).contains(why), "{field}: {text}");
        // It is the part of the plan that was looked at, with its boxes.
        assert_eq!(rows(page), ["x"]);
        assert!(page.contains("checked data-row"), "{page}");
        assert!(page.contains(&format!("name=\"pick\" value=\"{elsewhere}\"")), "{page}");
        assert!(links(page).iter().any(|link| link.starts_with("/runs/3/plan?") && link.contains("0123456789ab")));
        for (name, value) in sent.iter().filter(|(name, _)| ["part", "reason"].contains(name)) {
            let kept = match (*name, *value) {
                ("part", "half") => continue,
                ("part", value) => format!("name=\"part\" value=\"{value}\" checked"),
                (_, value) => {
                    format!("value=\"{}\"", value.trim().replace('<', "&#60;").replace('>', "&#62;"))
                }
            };
            assert!(page.contains(&kept), "{to}: `{kept}` is lost: {page}");
        }
    }
    let nothing = pages.post("/runs/3/approve", &[("plan_hash", &*hash), ("part", "only"), ("reason", "x")]).await;
    assert!(words(&nothing.text).contains("nothing is ticked: tick what is meant"), "{}", words(&nothing.text));
    assert!(nothing.text.contains("id=\"f-pick-error\""), "{}", nothing.text);
    let other = [("plan_hash", "blake3:00"), ("reason", "as agreed")];
    let other = pages.post("/runs/3/approve", &other).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert!(other.text.contains("value=\"as agreed\""), "{}", other.text);
    assert_eq!(pages.api.run(waiting.id).await.status, RunStatus::AwaitingReview);
    // More than an address carries is ticked all the same.
    let ids: Vec<_> = (0..400).map(|id| format!("{id:012x}")).collect();
    let many = [("plan_hash", &*hash), ("part", "only"), ("pick", &*format!("change:{}", ids.join(" ")))];
    let many = pages.post("/runs/3/approve", &many).await;
    assert_eq!(many.text.matches("type=\"hidden\" name=\"pick\"").count(), 400);
    assert!(!many.text.contains("ticked="), "{}", many.text);
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
    // Without a script, what is ticked goes along to the site that is typed.
    let noscript = page.split("<noscript>").nth(1).unwrap().split("</noscript>").next().unwrap();
    assert!(noscript.contains("name=\"site\"") && noscript.contains("form=\"review\""), "{noscript}");
    assert!(noscript.contains("formaction=\"/runs/1/tick\""), "{noscript}");
    let ticked = [("back", "action=create&after=7&site=site-001"), ("pick", "model:site"), ("site", "site-029")];
    let path = pages.led("/runs/1/tick", &ticked).await;
    assert_eq!(path, "/runs/1/plan?action=create&ticked=model%3Asite&site=site-029");
    let hash = pages.api.run(run).await.plan.unwrap().hash;
    let decided = [("plan_hash", &*hash), ("reason", "all of it"), ("site", "")];
    assert_eq!(pages.led("/runs/1/approve", &decided).await, "/runs/1");
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
    for (wrong, why) in [("", "wants words"), (&*"a".repeat(1_001), "has 1001 letters")] {
        let back = "site=x&ticked=0123456789ab";
        let answer = pages.post("/runs/3/comment", &[("csrf", ""), ("back", back), ("text", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        ensure_well_formed(&answer.text);
        let page = &answer.text;
        assert!(page.contains("<a href=\"#f-text\">") && page.contains("id=\"f-text-error\""), "{page}");
        assert!(words(page).contains(why) && page.contains(&format!("aria-describedby=\"f-text-error\">{wrong}</")));
        assert_eq!(rows(page), ["x"]);
        assert!(page.contains("value=\"change:0123456789ab\""), "{page}");
    }
    let ticked = [("back", "site=x&ticked=0123456789ab"), ("text", "and bob")];
    assert_eq!(pages.led("/runs/3/comment", &ticked).await, "/runs/3/plan?site=x&ticked=0123456789ab#comments");
    // There is no form for it any more, and what was written is there still.
    let late = pages.post("/runs/2/comment", &said).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    ensure_well_formed(&late.text);
    assert!(
        words(&late.text).contains("Your comment was not kept why &#60;b&#62;x&#60;/b&#62;? ask ann"),
        "{}",
        late.text
    );
    assert!(!pages.page("/runs/2").await.contains("id=\"comments\""));
    assert_eq!(pages.api.runner.history().comments(waiting.id).await.unwrap().len(), 2);
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
