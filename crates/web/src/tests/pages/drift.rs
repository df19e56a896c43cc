//! The page of findings.

use axum::http::{Method, StatusCode};
use serde_json::json;
use syncline_core::history::{FindingFilter, FindingState, Purpose, RunId};

use super::super::Api;
use super::markup::links;
use super::{Pages, filled, words};
use crate::auth::permission::About;

/// Drift of three sites: two are called something else in the target, one is not there.
async fn drifted() -> Pages {
    let api = Api::empty().await;
    api.make("far", json!({"sites": ["x=New", "y=New", "z"], "there": ["x=Old", "y=Old"], "target": "other"})).await;
    let pages = Pages::of(api);
    assert_eq!(pages.led("/syncs/far/run", &[("csrf", ""), ("what", "drift")]).await, "/runs/1");
    let run = pages.api.work(RunId::new(1)).await;
    assert_eq!(run.purpose, Purpose::Drift);
    pages
}

#[tokio::test]
async fn without_findings_the_page_says_so() {
    let empty = Pages::of(Api::empty().await);
    assert!(words(&empty.page("/drift").await).contains("there is no sync"));
    let (pages, _) = filled().await;
    let page = pages.page("/drift").await;
    let text = words(&page);
    assert!(text.contains("No finding is like that") && text.contains("never"), "{text}");
    assert!(page.contains("action=\"/syncs/lab/run\"") && page.contains("name=\"what\" value=\"drift\""), "{page}");
    assert!(words(&pages.page("/drift?sync=none").await).contains("nothing to look at that is like that"));
    for wrong in ["kind=rust", "state=gone", "before=x"] {
        let answer = pages.fetch(&format!("/drift?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn findings_show_the_target_beside_the_source() {
    let pages = drifted().await;
    let page = pages.page("/drift").await;
    let text = words(&page);
    for part in ["drift 3", "open 3", "Old", "New", "is not in the target", "since run 1 , found by 1 run"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        page.contains("<span class=\"value old\">Old</span>") && page.contains("<span class=\"value new\">New</span>")
    );
    let links = links(&page);
    for link in ["/objects/site/%5B%22x%22%5D", "/runs/1", "/drift?sync=far&kind=drift", "/drift?state=acknowledged"] {
        assert!(links.iter().any(|found| found == link), "{link}: {links:?}");
    }
    // The systems of this test have no pages of their own.
    for link in links.iter().filter(|link| link.starts_with('/') && !link.contains("/open/")) {
        assert_eq!(pages.fetch(link).await.status, StatusCode::OK, "{link}");
    }
    // The overview leads to them.
    let overview = pages.page("/").await;
    assert!(words(&overview).contains("3 records drifted"), "{}", words(&overview));
    assert!(overview.contains("href=\"/drift?sync=far&#38;kind=drift\""), "{overview}");
    // They are found again by the next check, and say so.
    pages.led("/syncs/far/run", &[("csrf", ""), ("what", "drift")]).await;
    pages.api.work(RunId::new(2)).await;
    let again = words(&pages.page("/drift?sync=far&kind=drift&model=site").await);
    assert!(again.contains("since run 1 , found by 2 runs") && again.contains("last in run 2"), "{again}");
    assert!(words(&pages.page("/drift?model=device").await).contains("No finding is like that"));
    assert!(words(&pages.page("/drift?kind=flapping").await).contains("No finding is like that"));
}

#[tokio::test]
async fn a_finding_is_acknowledged_on_its_page() {
    let pages = drifted().await;
    let history = pages.api.runner.history().clone();
    let found = history.findings(&FindingFilter::default(), None, 10).await.unwrap().items;
    let path = format!("/findings/{}/acknowledge", found[0].id);
    let page = pages.page("/drift?sync=far").await;
    let decide = format!("/findings/{}?back=sync%3Dfar", found[0].id);
    assert!(links(&page).contains(&decide), "{:?}", links(&page));
    let page = pages.page(&decide).await;
    assert!(
        page.contains(&format!("action=\"{path}\"")) && page.contains("name=\"back\" value=\"sync=far\""),
        "{page}"
    );
    let forms = page.matches("<form ").count() - page.matches("method=\"get\"").count();
    assert_eq!(page.matches("name=\"csrf\"").count(), forms, "every form that is posted has it");

    let silent = pages.post(&path, &[("csrf", ""), ("reason", " ")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = [("csrf", ""), ("back", "sync=far"), ("reason", "is <b>built</b>")];
    assert_eq!(pages.led(&path, &form).await, "/drift?sync=far");
    let known = history.finding(found[0].id).await.unwrap().unwrap();
    assert_eq!(known.state, FindingState::Acknowledged);
    let page = pages.page("/drift?state=acknowledged").await;
    assert!(page.contains("is &#60;b&#62;built&#60;/b&#62;"), "{page}");
    let looked = words(&pages.page(&decide).await);
    assert!(looked.contains("There is nothing to decide") && !looked.contains("Ignore until then"), "{looked}");
    let text = words(&pages.page("/drift").await);
    assert!(text.contains("open 2") && text.contains("acknowledged 1") && !text.contains("built"), "{text}");
    // A form leads back to the list of findings and nowhere else.
    let away = [("csrf", ""), ("back", "//example.org/"), ("reason", "looked")];
    let path = format!("/findings/{}/acknowledge", found[1].id);
    assert_eq!(pages.led(&path, &away).await, "/drift");
    assert_eq!(pages.post("/findings/99/acknowledge", &away).await.status, StatusCode::NOT_FOUND);
    assert_eq!(pages.fetch("/findings/99").await.status, StatusCode::NOT_FOUND);
}

/// Fifty findings are a page, and the cursor leads through all of them.
#[tokio::test]
async fn findings_are_paged() {
    let sites: Vec<_> = (0..120).map(|number| format!("site-{number:03}")).collect();
    let api = Api::empty().await;
    api.make("long", json!({"sites": sites, "target": "copy"})).await;
    let pages = Pages::of(api);
    pages.led("/syncs/long/run", &[("csrf", ""), ("what", "drift")]).await;
    pages.api.work(RunId::new(1)).await;
    let (mut path, mut seen, mut lengths) = ("/drift?sync=long".to_owned(), Vec::new(), Vec::new());
    loop {
        let page = pages.page(&path).await;
        let found: Vec<_> = page.split("/objects/site/%5B%22").skip(1).map(|rest| rest[..8].to_owned()).collect();
        lengths.push(found.len());
        seen.extend(found);
        let Some(next) = page.split("<a href=\"").find(|part| part.contains("rel=\"next\"")) else { break };
        path = next.split('"').next().unwrap().replace("&#38;", "&");
    }
    seen.sort();
    assert_eq!((seen, lengths), (sites, vec![50, 50, 20]));
}

/// A token that is good for one sync is told of the findings of that one alone.
#[test]
fn what_is_listed_for_a_sync_is_about_that_sync() {
    for path in ["/drift", "/quarantine"] {
        assert_eq!(About::of(&Method::GET, path), About::Query);
    }
    assert_eq!(About::of(&Method::POST, "/findings/{id}/acknowledge"), About::Finding);
    assert_eq!(About::of(&Method::GET, "/findings/{id}"), About::Finding);
    assert_eq!(About::of(&Method::POST, "/quarantine/decide"), About::Sent);
}

/// Whatever is decided is decided on a page of its own: the list has no form for it.
#[tokio::test]
async fn a_full_page_of_findings_is_light() {
    let sites = |name: &str| (0..60).map(|number| format!("site-{number:03}={name}")).collect::<Vec<_>>();
    let api = Api::empty().await;
    api.make("long", json!({"sites": sites("New"), "there": sites("Old"), "target": "copy"})).await;
    let pages = Pages::of(api);
    pages.led("/syncs/long/run", &[("csrf", ""), ("what", "drift")]).await;
    pages.api.work(RunId::new(1)).await;
    let page = pages.page("/drift?sync=long&kind=drift&state=open").await;
    assert_eq!(page.matches(">Decide<").count(), 50);
    assert!(page.len() < 64 << 10, "{} bytes", page.len());
}
