//! Syncs are made, changed and ended on pages.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::json;
use syncline_core::history::{AuditFilter, Role};
use tower::ServiceExt as _;

use super::markup::{ensure_harmless, ensure_well_formed};
use super::{Pages, words};
use crate::auth::{AuthSettings, Authentication};
use crate::tests::shelf::WALLED;
use crate::tests::{Answer, Api};

const TYPED: [(&str, &str); 7] = [
    ("name", "made"),
    ("source", "truth"),
    ("target", "copy"),
    ("s.sites", "a\r\n b \r\n\r\nc"),
    ("s.auto_merge", "off"),
    ("s.auto_merge", "on"),
    ("s.limits.deletes", ""),
];

/// What is typed, with other values for some fields.
fn typed<'a>(others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = TYPED.into_iter().filter(|(name, _)| !others.iter().any(|(other, _)| other == name));
    kept.chain(others.iter().copied()).collect()
}

fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    ensure_well_formed(&answer.text);
    ensure_harmless(&answer.text);
    words(&answer.text)
}

/// The tag of the page that has an id.
pub(super) fn tag<'a>(page: &'a str, id: &str) -> &'a str {
    let at = page.find(&format!(" id=\"{id}\"")).unwrap_or_else(|| panic!("no `{id}`: {page}"));
    let (start, end) = (page[..at].rfind('<').unwrap(), at + page[at..].find('>').unwrap());
    &page[start..=end]
}

#[tokio::test]
async fn a_sync_is_made_from_the_form() {
    let pages = Pages::of(Api::empty().await);
    let list = pages.page("/syncs").await;
    assert!(list.contains("href=\"/syncs/new\""), "{list}");
    // Nobody knows yet what can be asked.
    let choose = pages.page("/syncs/new").await;
    assert!(choose.contains("truth (Sites)") && !choose.contains("name=\"s."), "{choose}");
    let form = pages.page("/syncs/new?source=truth&target=copy").await;
    for field in ["f-name", "f-sites", "f-there", "f-auto_merge", "f-limits.deletes", "f-source_parameters"] {
        tag(&form, field);
    }
    assert!(tag(&form, "f-limits.deletes").contains("placeholder=\"3\""));
    assert!(tag(&form, "f-auto_merge").contains(" checked"));
    assert!(tag(&form, "f-sites").contains("aria-required=\"true\""));
    let text = words(&form);
    for part in
        ["Nobody is asked.", "From 1 to 9.", "One on each line.", "Asks of the source truth", "Nothing can be set here"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }

    assert_eq!(pages.led("/syncs/new", &typed(&[])).await, "/syncs/made");
    let made = pages.api.get("syncs/made").await.value();
    assert_eq!(made["settings"], json!({"source": "truth", "target": "copy", "sites": ["a", "b", "c"]}));
    let page = pages.page("/syncs/made").await;
    assert!(page.contains("href=\"/syncs/made/edit\"") && page.contains("href=\"/syncs/made/remove\""), "{page}");
    let audit = pages.api.runner.history().audit_log(&AuditFilter::default(), None, 10).await.unwrap().items;
    assert_eq!((audit[0].action.as_str(), audit[0].object.as_deref()), ("sync.create", Some("made")));
    assert_eq!(audit.len(), 1, "looking at the form is not making a sync");
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field() {
    let pages = Pages::of(Api::with_lab(true).await);
    let faults = [("name", "la b"), ("s.sites", ""), ("s.limits.deletes", "<10>"), ("s.there", "[\"x\"")];
    let answer = pages.post("/syncs/new", &typed(&faults)).await;
    let text = refused(&answer);
    assert!(text.contains("4 things are wrong; nothing was saved"), "{text}");
    for id in ["f-name", "f-sites", "f-limits.deletes", "f-there"] {
        assert!(answer.text.contains(&format!("<a href=\"#{id}\">")), "{id}: {}", answer.text);
        let field = tag(&answer.text, id);
        assert!(field.contains("aria-invalid=\"true\"") && field.contains(&format!("{id}-error")), "{field}");
        tag(&answer.text, &format!("{id}-error"));
    }
    // What was typed stands there still, and the group with a fault is open.
    assert!(tag(&answer.text, "f-limits.deletes").contains("value=\"&#60;10&#62;\""), "{}", answer.text);
    assert!(tag(&answer.text, "f-limits").contains(" open"));
    assert!(tag(&answer.text, "f-name").contains("value=\"la b\""));
    assert!(answer.text.contains("[&#34;x&#34;</textarea>"), "{}", answer.text);
    assert!(text.contains("expects a whole number from 1 to 9"), "{text}");
    assert!(pages.api.get("syncs").await.items().len() == 1);

    for (name, why) in [("lab", "there is a sync"), ("", "is missing"), ("new", "is the path of this form")] {
        let text = refused(&pages.post("/syncs/new", &typed(&[("name", name)])).await);
        assert!(text.contains(why), "{name}: {text}");
    }
    let answer = pages.post("/syncs/new", &typed(&[("target", WALLED)])).await;
    assert!(refused(&answer).contains("is behind a wall; go around"), "{}", answer.text);
    assert!(answer.text.contains("<a href=\"#f-target\">Target</a>"), "{}", answer.text);
    assert!(tag(&answer.text, "f-target").contains("aria-invalid=\"true\""));
    tag(&answer.text, "f-target-error");
    let text = refused(&pages.post("/syncs/new", &typed(&[("source", "nowhere")])).await);
    assert!(text.contains("choose a source and a target"), "{text}");
}

#[tokio::test]
async fn a_sync_is_changed_and_keeps_what_is_not_touched() {
    let pages = Pages::of(Api::empty().await);
    let settings = json!({"source": "truth", "target": "copy", "sites": ["a"], "auto_merge": false, "odd": 1, "limits": {"deletes": 5}});
    pages.api.make("lab", settings).await;
    let form = pages.page("/syncs/lab/edit").await;
    assert!(!tag(&form, "f-auto_merge").contains(" checked"));
    assert!(tag(&form, "f-limits.deletes").contains("value=\"5\""), "{form}");
    assert!(tag(&form, "f-limits").contains(" open"));
    let text = words(&form);
    assert!(text.contains("no field for what is set at odd : saving leaves it out"), "{text}");
    let seen = form.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let wrong = [("seen", seen.as_str()), ("source", "truth"), ("target", "copy"), ("s.sites", "")];
    let text = refused(&pages.post("/syncs/lab/edit", &wrong).await);
    assert!(text.contains("One thing is wrong") && text.contains("saving leaves it out"), "{text}");

    let change = [("seen", seen.as_str()), ("s.auto_merge", "off"), ("s.limits.deletes", "5"), ("s.sites", "a\nz")];
    let sent: Vec<_> = change.into_iter().chain([("source", "truth"), ("target", "other")]).collect();
    assert_eq!(pages.led("/syncs/lab/edit", &sent).await, "/syncs/lab");
    let now = pages.api.get("syncs/lab").await.value()["settings"].clone();
    assert_eq!(
        now,
        json!({"source": "truth", "target": "other", "sites": ["a", "z"], "auto_merge": false, "limits": {"deletes": 5}})
    );
    let audit = pages.api.runner.history().audit_log(&AuditFilter::default(), None, 1).await.unwrap().items;
    assert_eq!((audit[0].action.as_str(), audit[0].object.as_deref()), ("sync.change", Some("lab")));

    // Somebody else was quicker: nobody's change is lost unseen.
    let answer = pages.post("/syncs/lab/edit", &sent).await;
    assert!(refused(&answer).contains("somebody else changed the sync"), "{}", answer.text);
    assert!(!words(&answer.text).contains("saving leaves it out"), "it is gone already");
    let seen = answer.text.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let again: Vec<_> = sent.iter().map(|field| if field.0 == "seen" { ("seen", seen) } else { *field }).collect();
    assert_eq!(pages.led("/syncs/lab/edit", &again).await, "/syncs/lab");
    assert_eq!(pages.fetch("/syncs/none/edit").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn both_systems_are_asked_before_anything_is_saved() {
    let pages = Pages::of(Api::empty().await);
    let answer = pages.post("/syncs/new/check", &typed(&[])).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    ensure_well_formed(&answer.text);
    let text = words(&answer.text);
    for part in ["Source truth answers", "Target copy answers", "Nothing is saved yet"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(tag(&answer.text, "f-name").contains("value=\"made\""), "what was typed is not lost");
    assert!(pages.api.get("syncs").await.items().is_empty());
    let answer = pages.post("/syncs/new/check", &typed(&[("s.sites", "")])).await;
    assert!(!refused(&answer).contains("What the systems answered"));
    assert!(pages.api.runner.history().audit_log(&AuditFilter::default(), None, 1).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_sync_is_ended_by_its_name() {
    let pages = Pages::of(Api::with_lab(true).await);
    assert!(words(&pages.page("/syncs/lab/remove").await).contains("Type its name"));
    for wrong in ["", "LAB", "<b>"] {
        let text = refused(&pages.post("/syncs/lab/remove", &[("name", wrong)]).await);
        assert!(text.contains("type lab"), "{text}");
    }
    assert_eq!(pages.api.get("syncs").await.items().len(), 1);
    assert_eq!(pages.led("/syncs/lab/remove", &[("name", "lab")]).await, "/syncs");
    assert!(pages.api.get("syncs").await.items().is_empty());
    let audit = pages.api.runner.history().audit_log(&AuditFilter::default(), None, 1).await.unwrap().items;
    assert_eq!((audit[0].action.as_str(), audit[0].object.as_deref()), ("sync.remove", Some("lab")));
}

#[tokio::test]
async fn a_sync_of_a_file_says_where_it_is_changed() {
    let pages = Pages::of(Api::empty().await);
    let settings = json!({"sites": ["a"], "target": "copy"});
    let file = BTreeMap::from([("filed".to_owned(), settings)]);
    pages.api.shelf.history.provision_syncs("/etc/syncline.toml", &file).await.unwrap();
    let text = words(&pages.page("/syncs/filed/edit").await);
    assert!(text.contains("/etc/syncline.toml on ") && text.contains("[syncs.filed]"), "{text}");
    assert!(words(&pages.page("/syncs/filed/remove").await).contains("The configuration file keeps this sync"));
    let removed = pages.post("/syncs/filed/remove", &[("name", "filed")]).await;
    assert_eq!(removed.status, StatusCode::CONFLICT, "{}", removed.text);
    assert_eq!(pages.api.get("syncs").await.items().len(), 1);
}

#[tokio::test]
async fn only_an_admin_is_offered_it() {
    let api = Api::with(AuthSettings { authentication: Authentication::On, ..AuthSettings::default() }).await;
    let settings = json!({"source": "truth", "sites": ["a"], "target": "copy"});
    api.shelf.history.create_sync("lab", &settings).await.unwrap();
    for role in Role::ALL {
        let token = api.token(role.as_str(), role, None, None).await;
        let ask = async |path: &str| {
            let request = Request::builder().uri(path).header("host", "localhost:8080");
            let request = request.header("authorization", format!("Bearer {token}"));
            let answer = api.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = answer.into_parts();
            (parts.status, String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap())
        };
        let is_admin = role == Role::Admin;
        let (_, page) = ask("/syncs/lab").await;
        assert_eq!(page.contains("href=\"/syncs/lab/edit\""), is_admin, "{role}");
        assert_eq!(page.contains("href=\"/syncs/lab/remove\""), is_admin, "{role}");
        assert_eq!(page.contains("action=\"/syncs/lab/pause\""), role.may(Role::Operator), "{role}");
        assert_eq!(ask("/syncs").await.1.contains("href=\"/syncs/new\""), is_admin, "{role}");
        for path in ["/syncs/new", "/syncs/lab/edit", "/syncs/lab/remove"] {
            let expected = if is_admin { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(ask(path).await.0, expected, "{path} by {role}");
        }
    }
}
