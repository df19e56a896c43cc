//! The page of absent records.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::Utc;
use serde_json::json;
use syncline_core::history::{AuditAction, AuditFilter, Claimed, QuarantineFilter, Sighted};
use syncline_core::policy;
use syncline_core::quarantine::State;
use syncline_core::source::Absence;
use syncline_model::AnyKey;

use super::super::Api;
use super::{Pages, words};

/// A history in which a run of `lab` noted that these sites are gone.
pub(super) async fn with_absent(sites: &[String]) -> Pages {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let history = api.runner.history();
    let claimed = history.claim(run, "test", Duration::from_mins(10)).await.unwrap();
    let Claimed::Granted(claim) = claimed else { panic!("{claimed:?}") };
    let sighted = |site: &String| Sighted {
        model: "site".to_owned(),
        key: AnyKey::parse(&format!("[\"{site}\"]")).unwrap(),
        native_id: None,
        evidence: Some(Absence::Gone),
    };
    let (sync, sighted) = (history.sync("lab").await.unwrap().unwrap().id, sites.iter().map(sighted));
    let sighted: Vec<_> = sighted.collect();
    history.note_absent(claim, sync, &sighted, Utc::now(), &policy::Quarantine::default()).await.unwrap();
    Pages::of(api)
}

#[tokio::test]
async fn absent_records_tell_how_long_they_wait() {
    let empty = Pages::of(Api::empty().await);
    assert!(words(&empty.page("/quarantine").await).contains("No record is absent"));
    let pages = with_absent(&["b".to_owned()]).await;
    let found = pages.api.runner.history().quarantine(&QuarantineFilter::default(), None, 9).await.unwrap().items;
    assert_eq!((found.len(), found[0].state), (1, State::Waiting));
    let page = pages.page("/quarantine").await;
    let text = words(&page);
    let counted = format!("{} of {}", found[0].streak.runs, found[0].needs_runs);
    for part in ["site b of lab", "waiting 1", "the source no longer has it", "by run 1", &counted] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(page.contains("href=\"/objects/site/%5B%22b%22%5D\""), "{page}");
    assert!(words(&pages.page("/quarantine?sync=lab&state=waiting&model=site").await).contains("site b of lab"));
    for other in ["state=due", "model=device", "sync=none"] {
        let page = words(&pages.page(&format!("/quarantine?{other}")).await);
        assert!(page.contains("No absent record is like that"), "{other}: {page}");
    }
    for wrong in ["state=gone", "after=7"] {
        let answer = pages.fetch(&format!("/quarantine?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn an_absent_record_is_decided_about_on_its_page() {
    let pages = with_absent(&["b".to_owned()]).await;
    let page = pages.page("/quarantine?sync=lab").await;
    let forms = page.matches("<form ").count() - page.matches("method=\"get\"").count();
    assert_eq!((page.matches("name=\"csrf\"").count(), page.matches("name=\"verdict\"").count()), (forms, 3));
    let form = |verdict, reason| {
        [
            ("csrf", ""),
            ("back", "sync=lab"),
            ("sync", "lab"),
            ("model", "site"),
            ("key", r#"["b"]"#),
            ("verdict", verdict),
            ("reason", reason),
        ]
    };
    for (verdict, reason) in [("keep", " "), ("burn", "why"), ("", "why")] {
        let answer = pages.post("/quarantine/decide", &form(verdict, reason)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{verdict} {reason}");
    }
    let other = [("sync", "lab"), ("model", "site"), ("key", r#"["a"]"#), ("verdict", "keep"), ("reason", "why")];
    assert_eq!(pages.post("/quarantine/decide", &other).await.status, StatusCode::NOT_FOUND);

    let said = [("keep", State::Kept, 2), ("delete_now", State::Released, 2), ("restore", State::Waiting, 3)];
    for (verdict, state, verdicts) in said {
        assert_eq!(pages.led("/quarantine/decide", &form(verdict, "moves <b>")).await, "/quarantine?sync=lab");
        let history = pages.api.runner.history();
        let found = history.quarantine(&QuarantineFilter::default(), None, 9).await.unwrap().items;
        assert_eq!(found[0].state, state, "{verdict}");
        let page = pages.page("/quarantine").await;
        assert!(page.contains("moves &#60;b&#62;"), "{page}");
        assert_eq!(page.matches("name=\"verdict\"").count(), verdicts, "{verdict}");
    }
    let filter = AuditFilter { action: vec![AuditAction::QuarantineDecide], ..AuditFilter::default() };
    let noted = pages.api.runner.history().audit_log(&filter, None, 9).await.unwrap().items;
    assert_eq!(noted.len(), 3, "{noted:?}");
}

/// Fifty records are a page, and the cursor leads through all of them.
#[tokio::test]
async fn absent_records_are_paged() {
    let sites: Vec<_> = (0..120).map(|number| format!("site-{number:03}")).collect();
    let pages = with_absent(&sites).await;
    let (mut path, mut seen, mut lengths) = ("/quarantine?sync=lab".to_owned(), Vec::new(), Vec::new());
    loop {
        let page = pages.page(&path).await;
        let found: Vec<_> = page.split("/objects/site/%5B%22").skip(1).map(|rest| rest[..8].to_owned()).collect();
        lengths.push(found.len());
        seen.extend(found);
        let Some(next) = page.split("<a href=\"").find(|part| part.contains("rel=\"next\"")) else { break };
        path = next.split('"').next().unwrap().replace("&#38;", "&");
    }
    assert_eq!((seen, lengths), (sites, vec![50, 50, 20]));
}
