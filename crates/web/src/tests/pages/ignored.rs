//! What is left alone, on the pages where that is decided.

use axum::http::StatusCode;
use chrono::{Days, Utc};
use serde_json::json;
use syncline_core::history::{FindingFilter, FindingState, IgnoreFilter, Purpose, RunId};

use super::super::Api;
use super::markup::{ensure_well_formed, links};
use super::{Pages, filled, words};

/// Drift of three sites: two are called something else in the target, one is not there.
async fn drifted() -> Pages {
    let api = Api::empty().await;
    api.make("far", json!({"sites": ["x=New", "y=New", "z"], "there": ["x=Old", "y=Old"], "target": "other"})).await;
    let pages = Pages::of(api);
    assert_eq!(pages.led("/syncs/far/run", &[("csrf", ""), ("what", "drift")]).await, "/runs/1");
    assert_eq!(pages.api.work(RunId::new(1)).await.purpose, Purpose::Drift);
    pages
}

const X: [(&str, &str); 4] = [("csrf", ""), ("model", "site"), ("key", r#"["x"]"#), ("field", "name")];

fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    X.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn a_finding_offers_what_can_be_done_about_it() {
    let pages = drifted().await;
    let list = pages.page("/drift?sync=far").await;
    assert!(words(&list).contains("Left alone 0"), "{}", words(&list));
    assert!(!list.contains("/ignores\""), "each has its own page: {list}");
    let x = list.split("/objects/site/%5B%22x%22%5D").nth(1).unwrap();
    let decide = links(x).into_iter().find(|link| link.starts_with("/findings/")).unwrap();
    assert!(decide.ends_with("?back=sync%3Dfar"), "{decide}");
    let page = pages.page(&decide).await;
    assert!(links(&page).iter().any(|link| link == "/drift?sync=far"), "{page}");
    assert_eq!(page.matches("name=\"back\" value=\"sync=far\"").count(), 3, "{page}");
    let text = words(&page);
    for part in ["Acknowledge", "Ignore until then", "Keep as the target has it", "still says New", "Revert …"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(page.contains("action=\"/syncs/far/ignores\"") && page.contains("name=\"field\" value=\"name\""), "{page}");
    let links = links(&page);
    for link in ["/syncs/far/run?model=site&key=%5B%22x%22%5D", "/syncs/far/open/source?model=site&key=%5B%22x%22%5D"] {
        assert!(links.iter().any(|found| found == link), "{link}: {links:?}");
    }

    let tomorrow = (Utc::now().date_naive() + Days::new(1)).to_string();
    let until = form(&[("back", "sync=far"), ("how", "until"), ("until", &tomorrow), ("reason", "is <b>built</b>")]);
    assert_eq!(pages.led("/syncs/far/ignores", &until).await, "/drift?sync=far");
    let z = [("csrf", ""), ("model", "site"), ("key", r#"["z"]"#), ("reason", "never there")];
    assert_eq!(pages.led("/syncs/far/ignores", &z).await, "/drift");
    let text = words(&pages.page("/drift?sync=far").await);
    for part in ["Left alone 2", "open 1", "resolved 2", "drift 1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let resolved = pages.page("/drift?sync=far&state=resolved").await;
    assert!(words(&resolved).contains("resolved: somebody wanted it left alone"), "{}", words(&resolved));
    let overview = words(&pages.page("/").await);
    assert!(overview.contains("1 record drifted"), "{overview}");

    let list = pages.page("/drift?view=ignored&sync=far").await;
    let text = words(&list);
    for part in ["Left alone 2", "far 2", &tomorrow, "no end", "whole record", "never there", "End now"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(list.contains("is &#60;b&#62;built&#60;/b&#62;"), "{list}");
    assert!(words(&pages.page("/drift?view=ignored&sync=none").await).contains("Nothing is left alone in this sync"));

    let end = list.split("action=\"/syncs/far/ignores/").nth(1).unwrap().split('"').next().unwrap();
    let end = format!("/syncs/far/ignores/{end}");
    let back = [("csrf", ""), ("back", "view=ignored&sync=far")];
    assert_eq!(pages.led(&end, &back).await, "/drift?view=ignored&sync=far");
    assert_eq!(pages.post(&end, &back).await.status, StatusCode::CONFLICT);
    assert!(words(&pages.page("/drift?view=ignored").await).contains("Left alone 1"));
    let all = words(&pages.page("/drift?view=ignored&all=1").await);
    assert!(all.contains("by dashboard") || all.contains("by api"), "{all}");
    for link in super::links(&list).iter().filter(|link| link.starts_with('/')) {
        assert_eq!(pages.fetch(link).await.status, StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_beside_what_was_typed() {
    let pages = drifted().await;
    let history = pages.api.runner.history().clone();
    let wrong = async |more: &[(&str, &str)]| {
        let answer = pages.post("/syncs/far/ignores", &form(more)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        ensure_well_formed(&answer.text);
        answer.text
    };
    let past = wrong(&[("how", "until"), ("until", "2020-02-03"), ("reason", "as <agreed>"), ("from", "object")]).await;
    assert!(words(&past).contains("2020-02-03 is over: the last day has to be today, in UTC, or later"), "{past}");
    for kept in
        ["value=\"2020-02-03\"", "value=\"as &#60;agreed&#62;\"", "name=\"from\" value=\"object\"", "f-until-error"]
    {
        assert!(past.contains(kept), "{kept}: {past}");
    }
    // What was sent from the page of a finding comes back on it.
    let found = history.findings(&FindingFilter::default(), None, 10).await.unwrap().items;
    let found = found.iter().find(|finding| finding.key.as_str() == r#"["x"]"#).unwrap().id.to_string();
    let of_finding = [("finding", &*found), ("back", "sync=far"), ("how", "until"), ("reason", "as <agreed>")];
    let dayless = wrong(&of_finding).await;
    for kept in ["value=\"as &#60;agreed&#62;\"", "f-until-error", "<a href=\"#f-until\">", "Keep as the target has it"]
    {
        assert!(dayless.contains(kept), "{kept}: {dayless}");
    }
    assert_eq!(dayless.matches("value=\"as &#60;agreed&#62;\"").count(), 1, "in one of the forms: {dayless}");
    assert!(dayless.contains("name=\"back\" value=\"sync=far\""), "{dayless}");
    let silent = wrong(&[("how", "until")]).await;
    assert!(silent.contains("id=\"f-until-error\"") && silent.contains("id=\"f-reason-error\""), "{silent}");
    assert!(wrong(&[("until", "soon"), ("reason", "x")]).await.contains("id=\"f-until-error\""));
    let nowhere = [("csrf", ""), ("model", "site"), ("key", r#"["x"]"#), ("field", "nmae"), ("reason", "x")];
    let answer = pages.post("/syncs/far/ignores", &nowhere).await;
    assert!(words(&answer.text).contains("has no field nmae ; did you mean name ?"), "{}", words(&answer.text));
    let keyless = [("csrf", ""), ("model", "site"), ("key", "x"), ("reason", "x")];
    assert_eq!(pages.post("/syncs/far/ignores", &keyless).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(pages.post("/syncs/none/ignores", &form(&[("reason", "x")])).await.status, StatusCode::NOT_FOUND);
    assert_eq!(history.ignores(&IgnoreFilter::default(), None, 10).await.unwrap().items, []);
    let open = history.finding_counts(Some("far")).await.unwrap();
    assert_eq!(open.iter().map(|count| (count.state, count.count)).collect::<Vec<_>>(), [(FindingState::Open, 3)]);
}

#[tokio::test]
async fn a_record_shows_what_each_side_had_and_what_is_left_alone() {
    let pages = drifted().await;
    let path = "/objects/site/%5B%22x%22%5D";
    let page = pages.page(path).await;
    let text = words(&page);
    // No run has changed it: what the check found is all that is known.
    assert!(text.contains("name New run 1") && text.contains("not seen Old run 1"), "{text}");
    assert!(text.contains("As last seen by the runs that are kept"), "{text}");
    for link in links(&page).iter().filter(|link| link.starts_with('/') && !link.contains("/open/")) {
        assert_eq!(pages.fetch(link).await.status, StatusCode::OK, "{link}");
    }
    let found = links(&page);
    for link in [
        "/syncs/far/run?model=site&key=%5B%22x%22%5D",
        "/syncs/far/ignore?model=site&key=%5B%22x%22%5D&field=name&from=object",
    ] {
        assert!(found.iter().any(|found| found == link), "{link}: {found:?}");
    }
    let made = form(&[("from", "object"), ("reason", "as agreed")]);
    assert_eq!(pages.led("/syncs/far/ignores", &made).await, path);
    let page = pages.page(path).await;
    let text = words(&page);
    assert!(text.contains("name is left alone by api until somebody ends it: as agreed"), "{text}");
    assert!(!links(&page).iter().any(|link| link.contains("field=name")), "it is left alone already");
    let end = page.split("action=\"").find(|part| part.starts_with("/syncs/far/ignores/")).unwrap();
    let end = end.split('"').next().unwrap();
    assert_eq!(pages.led(end, &[("csrf", ""), ("from", "object")]).await, path);
    assert!(!words(&pages.page(path).await).contains("as agreed"));
}

/// What was applied is what both sides have since, as far as the history knows; a dry run applies nothing.
#[tokio::test]
async fn what_was_applied_is_told_from_what_was_wanted() {
    let (pages, _) = filled().await;
    let text = words(&pages.page("/objects/site/%5B%22a%22%5D").await);
    assert!(text.contains("In lab"), "{text}");
    let seen: Vec<_> = text.split("The target had").nth(1).unwrap().split("As last seen").collect();
    assert_eq!(seen[0].matches("run 2").count() % 3, 0, "each field three times, by the run that wrote: {text}");
    assert!(seen[0].contains("run 2") && !seen[0].contains("run 1"), "{text}");
    // Of the plan that waits nothing was applied, and it is in no history yet.
    let waiting = words(&pages.page("/objects/site/%5B%22x%22%5D?sync=asked").await);
    assert!(waiting.contains("In asked") && waiting.contains("Sync this record"), "{waiting}");
    let nobody = words(&pages.page("/objects/site/%5B%22nowhere%22%5D").await);
    assert!(!nobody.contains("Sync this record"), "{nobody}");
}
