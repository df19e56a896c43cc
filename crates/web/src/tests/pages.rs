//! The dashboard as a browser meets it.

mod address;
mod compare;
mod compare_reads;
mod count;
mod drift;
mod edit;
mod forget;
mod ignored;
mod logs;
mod mapping_lab;
mod markup;
mod open;
mod plan;
mod quarantine;
mod returned;
mod roles;
mod schedules;
mod scope;
mod search;
mod settings;
mod side;
mod streams;
mod told;
pub(super) mod walk;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;
use syncline_core::event::Level;
use syncline_core::history::{
    Approval, Claimed, LogLine, Retention, Run, RunCounts, RunError, RunId, RunKind, RunResult, RunStatus, Stop,
    StopRequest,
};
use tower::ServiceExt as _;

use self::markup::{ensure_harmless, ensure_well_formed, links};
use super::shelf::Shelf;
use super::{Answer, Api};
use crate::auth::{Auth, AuthSettings};
use crate::pages::outcome::Badge;
use crate::{ApiState, SyncStore as _, dashboard};

/// The dashboard beside the API, over one history.
struct Pages {
    api: Api,
    router: Router,
}

impl Pages {
    fn of(api: Api) -> Self {
        let auth = Auth::new(api.shelf.history.clone(), AuthSettings::default());
        let (runner, syncs, live) = (Arc::clone(&api.runner), Arc::<Shelf>::clone(&api.shelf), api.live.clone());
        let state = ApiState { runner, syncs, auth, live, retention: Retention::default() };
        Self { api, router: dashboard(state) }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn fetch(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).header(header::HOST, "localhost:8080");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A page that is there, and that is as every page has to be.
    async fn page(&self, path: &str) -> String {
        let answer = self.fetch(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        ensure_well_formed(&answer.text);
        ensure_harmless(&answer.text);
        answer.text
    }

    /// Posts a form as a browser does that shows one of our pages.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::builder().method(Method::POST).uri(path).header(header::HOST, "localhost:8080");
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Where a posted form leads.
    async fn led(&self, path: &str, form: &[(&str, &str)]) -> String {
        let answer = self.post(path, form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.headers[header::LOCATION].to_str().unwrap().to_owned()
    }
}

/// A dry run, a real one, and one that finds nothing to do, of `lab`; a plan of `asked` that waits for a person.
async fn filled() -> (Pages, Run) {
    let api = Api::with_lab(true).await;
    api.make(
        "asked",
        json!({"sites": ["x=New", "y=New", "z"], "there": ["x=Old", "y=Old"], "target": "other", "auto_merge": false}),
    )
    .await;
    for wish in [json!({"dry_run": true}), json!({"reason": "the network changed"})] {
        let run = api.trigger("lab", wish).await;
        api.work(run).await;
    }
    let run = api.trigger("asked", json!({})).await;
    let waiting = api.work(run).await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    (Pages::of(api), waiting)
}

/// The text of a page without its tags, on one line.
fn words(page: &str) -> String {
    let mut words = String::new();
    for part in page.split('<').skip(1) {
        words += part.split_once('>').map_or("", |(_, text)| text);
        words.push(' ');
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn without_anything_pages_say_what_to_do() {
    let pages = Pages::of(Api::empty().await);
    assert!(words(&pages.page("/").await).contains("There is no sync yet"));
    assert!(words(&pages.page("/syncs").await).contains("There is no sync yet"));
    assert!(words(&pages.page("/runs").await).contains("Nothing has run yet"));
    let object = words(&pages.page("/objects/site/%5B%22a%22%5D").await);
    assert!(object.contains("No run that is kept has changed this record"), "{object}");
    for path in
        ["/runs/1", "/runs/one/plan", "/syncs/none", "/syncs/none/run", "/sources/none", "/objects/site/a", "/no"]
    {
        let answer = pages.fetch(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        ensure_well_formed(&answer.text);
        assert!(answer.text.contains("Back to the overview"), "{path}");
    }

    pages.api.make("lab", json!({"sites": ["a"], "target": "copy"})).await;
    for path in
        ["/", "/syncs/lab", "/syncs/lab?tab=configuration", "/syncs/lab?tab=jobs", "/syncs/lab/run", "/targets/copy"]
    {
        pages.page(path).await;
    }
    assert!(words(&pages.page("/").await).contains("Nothing needs a person"));
    assert!(words(&pages.page("/syncs/lab").await).contains("It has not run yet"));
}

/// A drift check writes nothing, and yet somebody has to know when it fails; ten dry runs hide no real one.
#[tokio::test]
async fn what_failed_last_needs_a_person_whatever_ran_since() {
    let pages = Pages::of(Api::with_lab(true).await);
    let ended = async |wish: serde_json::Value, error: Option<&str>| {
        let run = pages.api.trigger("lab", wish).await;
        let taken = pages.api.runner.claim(run).await.unwrap();
        let Claimed::Granted(claim) = taken else { panic!("{taken:?}") };
        let error = error.map(|message| RunError { kind: "unreachable".to_owned(), message: message.to_owned() });
        let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Completed };
        pages.api.shelf.history.finish_run(claim, &RunResult { status, error }).await.unwrap();
    };
    ended(json!({}), Some("no answer from `sites`")).await;
    ended(json!({"drift": true}), Some("nobody is there")).await;
    for _ in 0..11 {
        ended(json!({"dry_run": true}), None).await;
    }
    let text = words(&pages.page("/").await);
    assert!(text.contains("lab failed in run 1: no answer from sites"), "{text}");
    assert!(text.contains("lab its drift check failed in run 2: nobody is there"), "{text}");
    ended(json!({"drift": true}), None).await;
    ended(json!({}), None).await;
    assert!(words(&pages.page("/").await).contains("Nothing needs a person"));
}

#[tokio::test]
async fn what_is_typed_wrong_is_told_in_words() {
    let pages = Pages::of(Api::empty().await);
    for (path, says) in [
        ("/runs?before=x", "before : is x : a number is expected"),
        ("/runs?since=yesterday", "since : is yesterday : a day such as 2026-11-20 is expected"),
        ("/runs?dry=maybe", "dry : is maybe : true or false is expected"),
        ("/compare", "is empty: a number is expected"),
        ("/runs?kind=manual", "kind : is manual : adhoc , scheduled or webhook is expected"),
        ("/logs/changes?action=rename", "action : is rename : create , update or delete is expected"),
        ("/quarantine?after=x", "after : is no place in this list: begin at its first page"),
        ("/logs?before=x", "before : is no place in this list: begin at its first page"),
    ] {
        let told = words(&pages.fetch(path).await.text);
        assert!(told.contains(says), "{path}: {told}");
    }
}

#[tokio::test]
async fn the_overview_tells_what_there_is_and_what_needs_a_person() {
    let (pages, waiting) = filled().await;
    let page = pages.page("/").await;
    let text = words(&page);
    assert!(text.contains(&format!(
        "Run {} of asked waits for a person to look at its plan (1 to create, 2 to update",
        waiting.id
    )));
    for part in ["Needs a person", "Sources", "Targets", "truth", "copy", "other", "awaiting review", "changes"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let links = links(&page);
    for link in [
        "/runs/3/plan",
        "/syncs/lab",
        "/syncs/lab/run",
        "/sources/truth",
        "/targets/copy",
        "/runs/2/plan?outcome=applied",
    ] {
        assert!(links.iter().any(|found| found == link), "{link}: {links:?}");
    }
    // Nothing that a page leads to is missing.
    for link in links.iter().filter(|link| link.starts_with('/') && !link.starts_with("/api/")) {
        let found = pages.fetch(link).await;
        assert_eq!(found.status, StatusCode::OK, "{link}: {}", found.text);
    }
    assert!(text.contains("2 in all") && links.iter().any(|link| link == "/runs?sync=lab"), "{text}");
    // A square says in words what it says in color.
    assert!(page.contains("aria-label=\"dry run 1 of lab: changes, 3 changes; "), "{page}");
}

/// The status alone does not tell what came of a run.
#[tokio::test]
async fn a_run_has_one_outcome() {
    let (pages, waiting) = filled().await;
    let told = |change: fn(&mut Run)| {
        let mut run = waiting.clone();
        (run.status, run.counts) = (RunStatus::Completed, RunCounts::default());
        change(&mut run);
        let badge = Badge::of(&run);
        ensure_well_formed(&badge.to_string());
        format!("{} {} {}", badge.outcome.as_str(), badge.word(), badge.but).trim_end().to_owned()
    };
    let failed = |kind: &str| RunError { kind: kind.to_owned(), message: "why".to_owned() };
    let (guard, unreachable) = (told_of(&waiting, failed("guard")), told_of(&waiting, failed("unreachable")));
    assert_eq!([guard, unreachable], ["refused refused", "failed failed"]);
    let all = [
        told(|_| {}),
        told(|run| run.counts.outcomes.held = 3),
        told(|run| run.counts.outcomes.applied = 3),
        told(|run| (run.dry, run.counts.update) = (true, 3)),
        told(|run| (run.counts.outcomes.applied, run.counts.outcomes.failed, run.counts.rejected) = (3, 1, 2)),
        told(|run| run.counts.outcomes.stale = 1),
        told(|run| run.status = RunStatus::Queued),
        told(|run| run.status = RunStatus::Syncing),
        told(|run| run.status = RunStatus::AwaitingReview),
        told(|run| run.status = RunStatus::Cancelled),
    ];
    let expected = [
        "clean clean",
        "clean clean",
        "changed changes",
        "changed changes",
        "partial partial 1 failed, 2 not taken over",
        "partial partial 1 stale",
        "waiting waiting",
        "working under way",
        "review awaiting review",
        "cancelled cancelled",
    ];
    assert_eq!(all, expected);
    drop(pages);
}

fn told_of(run: &Run, error: RunError) -> String {
    let badge = Badge::of(&Run { status: RunStatus::Failed, error: Some(error), ..run.clone() });
    format!("{} {}", badge.outcome.as_str(), badge.word())
}

#[tokio::test]
async fn runs_are_listed_filtered_and_paged() {
    let (pages, _) = filled().await;
    let runs = async |query: &str| {
        let page = pages.page(&format!("/runs{query}")).await;
        let rows = page.split("<th scope=\"row\" class=\"right\">").skip(1);
        rows.map(|row| row.split(['>', '<']).nth(2).unwrap().parse().unwrap()).collect::<Vec<i64>>()
    };
    assert_eq!(runs("").await, [3, 2, 1]);
    assert_eq!(runs("?sync=lab&status=&dry=true").await, [1]);
    assert_eq!(runs("?status=awaiting_review").await, [3]);
    assert_eq!(runs("?status=completed,failed").await, [2, 1]);
    assert_eq!(runs("?before=3").await, [2, 1]);
    assert_eq!(runs("?since=2000-01-01&until=2001-01-01").await, [] as [i64; 0]);
    let kept = pages.page("/runs?status=new,queued").await;
    assert!(kept.contains("<option value=\"new,queued\" selected>new, queued</option>"));
    for wrong in ["?status=done", "?dry=perhaps", "?before=x", "?since=yesterday"] {
        let answer = pages.fetch(&format!("/runs{wrong}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        ensure_well_formed(&answer.text);
    }

    for _ in 0..60 {
        let run = pages.api.trigger("lab", json!({"dry_run": true})).await;
        let by = StopRequest { stop: Stop::Cancel, by: "test".to_owned(), reason: String::new() };
        pages.api.runner.history().request_stop(run, &by).await.unwrap();
    }
    let (mut path, mut seen) = ("/runs?sync=lab".to_owned(), Vec::new());
    loop {
        let query = path.strip_prefix("/runs").unwrap().to_owned();
        seen.extend(runs(&query).await);
        let page = pages.page(&path).await;
        let Some(next) = page.split("<a href=\"").find(|part| part.contains("rel=\"next\"")) else { break };
        path = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    }
    let all: Vec<i64> = (1..=63).rev().filter(|id| *id != 3).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_run_tells_what_it_did() {
    let (pages, waiting) = filled().await;
    let done = pages.api.run(RunId::new(2)).await;
    let line = |level, text: &str| LogLine { at: done.created, level, text: text.to_owned(), exchange: None };
    let lines: Vec<_> = (0..250).map(|number| line(Level::Warning, &format!("odd {number}"))).collect();
    pages.api.runner.history().append_log(done.id, &lines).await.unwrap();
    let page = pages.page("/runs/2").await;
    let text = words(&page);
    for part in [
        "Run 2",
        "changed",
        "API, real",
        "3 records compared: 3 changed",
        "the network changed",
        "calculate diff",
        "No guard objects",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // As the command line counts: three were read, created and applied.
    assert!(text.contains("sites 3 · · 3 · · 3 · · ·"), "{text}");
    assert!(page.contains("href=\"/runs/2/plan?model=site&#38;outcome=applied%2Cunchanged\""), "{page}");
    assert!(!page.contains("data-run="), "it is over");
    let next = page.split("<a href=\"").find(|part| part.contains("rel=\"next\"")).unwrap().split('"').next().unwrap();
    let rest = words(&pages.page(next.split('#').next().unwrap()).await);
    assert!(rest.contains("odd 249") && !rest.contains("odd 10 "), "{rest}");

    let dry = words(&pages.page("/runs/1").await);
    assert!(dry.contains("changes dry") && dry.contains("3 differ; nothing was written"), "{dry}");
    assert!(dry.contains("sites 3 · · 3 · · · · · ·"), "{dry}");

    // What waits holds back what its plan says.
    pages
        .api
        .make("both", json!({"sites": ["a", "c"], "there": ["a", "b"], "target": "fourth", "auto_merge": false}))
        .await;
    let run = pages.api.trigger("both", json!({})).await;
    assert_eq!(pages.api.work(run).await.status, RunStatus::AwaitingReview);
    let holding = pages.page(&format!("/runs/{run}")).await;
    assert!(words(&holding).contains("sites 2 2 1 1 · 1 · 1 · ·"), "{}", words(&holding));
    let held = words(&pages.page(&format!("/runs/{run}/plan?model=site&outcome=held")).await);
    assert!(held.contains(" b ") && held.contains("1 first run"), "{held}");

    let open = pages.page(&format!("/runs/{}", waiting.id)).await;
    assert!(open.contains("data-run=\"3\" data-status=\"awaiting_review\" data-events=\"/api/v1/runs/3/events\""));
    assert!(words(&open).contains("Look at the plan and decide"));
    // What a script fills, and what is there without one.
    for part in
        ["data-progress=\"/api/v1/runs/3/progress\"", "data-live-status aria-live=\"polite\"", "<div data-live>"]
    {
        assert!(open.contains(part), "{part}: {open}");
    }
    assert!(words(&open).contains("The run is not over: load the page again to see more"), "{open}");
}

#[tokio::test]
async fn a_run_is_stopped_from_its_page() {
    let pages = Pages::of(Api::with_lab(true).await);
    let run = pages.api.trigger("lab", json!({})).await;
    assert!(words(&pages.page("/runs/1").await).contains("Waits : for a worker that is free"));
    assert_eq!(pages.led("/runs/1/pause", &[("csrf", ""), ("reason", "lunch")]).await, "/runs/1");
    assert!(words(&pages.page("/runs/1").await).contains("Let it go on"));
    assert!(words(&pages.page("/").await).contains("is paused"));
    assert_eq!(pages.led("/runs/1/resume", &[("csrf", "")]).await, "/runs/1");
    assert_eq!(pages.led("/runs/1/cancel", &[("csrf", ""), ("reason", "no need")]).await, "/runs/1");
    assert_eq!(pages.api.run(run).await.status, RunStatus::Cancelled);
    let again = pages.post("/runs/1/pause", &[("csrf", "")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    ensure_well_formed(&again.text);
    assert!(words(&again.text).contains("run 1 is over already"));
}

#[tokio::test]
async fn a_plan_shows_old_beside_new_and_folds_what_is_the_same() {
    let (pages, _) = filled().await;
    let page = pages.page("/runs/3/plan").await;
    let text = words(&page);
    for part in ["Plan of run 3", "3 changes in all", "sites 3", "create 1", "update 2", "planned 3"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        page.contains("<span class=\"value old\">Old</span>") && page.contains("<span class=\"value new\">New</span>")
    );
    let folded = words(&pages.page("/runs/3/plan?fold=on").await);
    assert!(folded.contains("and 1 more of the same"), "{folded}");
    let updates = words(&pages.page("/runs/3/plan?action=update&outcome=planned").await);
    assert!(updates.contains(" x ") && updates.contains(" y ") && !updates.contains(" z "), "{updates}");
    assert!(words(&pages.page("/runs/3/plan?outcome=failed").await).contains("No change is like that"));
    for (export, kind) in [("plan.md", "text/markdown; charset=utf-8"), ("plan.html", "text/html; charset=utf-8")] {
        let answer = pages.fetch(&format!("/runs/3/{export}")).await;
        assert_eq!((answer.status, &answer.headers[header::CONTENT_TYPE]), (StatusCode::OK, &kind.parse().unwrap()));
        assert_eq!(
            answer.headers[header::CONTENT_DISPOSITION],
            format!("attachment; filename=\"plan-asked-3.{}\"", &export[5..])
        );
        assert!(answer.text.contains("New"));
    }
    // What was done is shown with its outcome, from the history.
    let done = words(&pages.page("/runs/2/plan?outcome=applied").await);
    assert!(done.contains("Changes of run 2") && done.contains("applied 3"), "{done}");
    assert!(words(&pages.page("/runs/2/plan?outcome=failed").await).contains("No change is like that"));
}

/// The same cursor leads through a plan in the history and through one in its file.
#[tokio::test]
async fn a_long_plan_is_paged() {
    let sites: Vec<_> = (0..250).map(|number| format!("site-{number:03}")).collect();
    let api = Api::empty().await;
    api.make("long", json!({"sites": sites, "target": "copy", "auto_merge": false})).await;
    for wish in [json!({"dry_run": true}), json!({})] {
        let run = api.trigger("long", wish).await;
        api.work(run).await;
    }
    let pages = Pages::of(api);
    for (run, query) in
        [(1, ""), (2, ""), (1, "?model=site&outcome=planned"), (2, "?model=site&outcome=planned"), (2, "?fold=on")]
    {
        let (mut path, mut seen, mut lengths) = (format!("/runs/{run}/plan{query}"), Vec::new(), Vec::new());
        loop {
            let page = pages.page(&path).await;
            let found: Vec<_> = page.split("/objects/site/%5B%22").skip(1).map(|rest| rest[..8].to_owned()).collect();
            lengths.push(found.len());
            seen.extend(found);
            let Some(next) = page.split("<a href=\"").find(|part| part.contains("rel=\"next\"")) else { break };
            path = next.split('"').next().unwrap().replace("&#38;", "&");
        }
        assert_eq!((seen, lengths), (sites.clone(), vec![100, 100, 50]), "{run} {query}");
    }
    let nowhere = pages.fetch("/runs/2/plan?after=7777").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND, "{}", nowhere.text);
}

#[tokio::test]
async fn a_plan_is_decided_about_on_its_page() {
    let (pages, waiting) = filled().await;
    let hash = waiting.plan.as_ref().unwrap().hash.clone();
    let page = pages.page("/runs/3/plan").await;
    let forms = page.matches("<form ").count() - page.matches("method=\"get\"").count();
    assert_eq!(page.matches("name=\"csrf\"").count(), forms, "every form that is posted has it");
    let pick = page.split("value=\"change:").nth(1).unwrap().split('"').next().unwrap();

    let none = pages.post("/runs/3/approve", &[("plan_hash", &hash), ("reason", "fine"), ("part", "only")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words(&none.text).contains("nothing is ticked"));
    let other = pages.post("/runs/3/approve", &[("plan_hash", "blake3:00"), ("reason", "fine")]).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    let silent = pages.post("/runs/3/reject", &[("plan_hash", &hash), ("reason", " ")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);

    let pick = format!("change:{pick}");
    let form = [("csrf", ""), ("plan_hash", &hash), ("reason", "looked at"), ("part", "except"), ("pick", &pick)];
    assert_eq!(pages.led("/runs/3/approve", &form).await, "/runs/3");
    let done = pages.api.work(waiting.id).await;
    assert_eq!((done.status, done.counts.outcomes.applied), (RunStatus::Completed, 2));
    let decisions = pages.api.runner.history().decisions(waiting.id).await.unwrap();
    assert_eq!((decisions[0].verdict, decisions[0].reason.as_str()), (Approval::Approved, "looked at"));
    assert!(words(&pages.page("/runs/3").await).contains("2 changes of the plan: looked at"));
}

#[tokio::test]
async fn an_object_has_a_timeline() {
    let (pages, _) = filled().await;
    let page = pages.page("/objects/site/%5B%22a%22%5D").await;
    let text = words(&page);
    for part in
        ["Timeline", "run 2", "run 1", "applied", "planned", "the network changed", "truth", "Values that were written"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.find("run 2 of lab") > text.find("Timeline"), "{text}");
}

#[tokio::test]
async fn a_run_is_started_by_a_form_and_is_dry_unless_it_is_said() {
    let pages = Pages::of(Api::with_lab(true).await);
    let page = pages.page("/syncs/lab/run").await;
    assert!(page.contains("name=\"what\" value=\"dry\" checked"));
    assert_eq!(pages.led("/syncs/lab/run", &[("csrf", ""), ("minutes", "")]).await, "/runs/1");
    let run = pages.api.run(RunId::new(1)).await;
    assert!(run.dry && run.kind == RunKind::Adhoc && run.triggered_by == "dashboard", "{run:?}");
    let real = [("what", "real"), ("minutes", "5"), ("reason", "moved"), ("request_id", "CHG0042")];
    assert_eq!(pages.led("/syncs/lab/run", &real).await, "/runs/2");
    let run = pages.api.run(RunId::new(2)).await;
    assert_eq!((run.dry, run.options.max_duration_s, run.request.as_deref()), (false, Some(300), Some("moved")));
    for wrong in [[("what", "everything")], [("minutes", "0")], [("minutes", "soon")]] {
        let answer = pages.post("/syncs/lab/run", &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    assert_eq!(pages.post("/syncs/none/run", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_sync_shows_its_configuration_and_what_it_did() {
    let (pages, _) = filled().await;
    let text = words(&pages.page("/syncs/asked").await);
    for part in [
        "auto_merge",
        "no: every plan waits for a person",
        "quarantine.runs",
        "awaiting review",
        "sites",
        "as in run 3",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(words(&pages.page("/syncs/asked?tab=jobs").await).contains("a person who looks at its plan"));
    assert!(words(&pages.page("/syncs/lab?tab=configuration").await).contains("run 1 → run 2"));
    assert_eq!(pages.led("/syncs/lab/pause", &[("csrf", "")]).await, "/syncs/lab");
    assert!(words(&pages.page("/syncs/lab").await).contains("Its schedules rest"));
    assert_eq!(pages.led("/syncs/lab/unpause", &[("csrf", "")]).await, "/syncs/lab");
    assert!(!pages.api.shelf.get("lab").await.unwrap().unwrap().paused);
    assert_eq!(pages.fetch("/syncs/lab?tab=everything").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_system_is_asked_when_somebody_asks_for_it() {
    let (pages, _) = filled().await;
    let before = words(&pages.page("/targets/other").await);
    assert!(before.contains("Not checked since the server started") && !before.contains("sites answers"), "{before}");
    let back = pages.led("/targets/other/check", &[("csrf", ""), ("sync", "asked")]).await;
    assert_eq!(back, "/targets/other?sync=asked#check");
    let after = words(&pages.page("/targets/other?sync=asked").await);
    assert!(after.contains("checked just now") && after.contains("answers"), "{after}");
    // A source is used by two syncs; each uses it in its own way.
    let source = words(&pages.page("/sources/truth?sync=lab").await);
    assert!(source.contains("lab (shown here)") && source.contains("asked (show)"), "{source}");
    assert_eq!(pages.post("/sources/none/check", &[]).await.status, StatusCode::NOT_FOUND);
}

/// Names come from systems that others write to.
#[tokio::test]
async fn hostile_names_are_only_texts() {
    const EVIL: &str = "<script>alert(1)</script>\"'&";
    let api = Api::empty().await;
    let site = format!("a={EVIL}");
    api.make("lab", json!({"sites": [site], "there": ["a=plain"], "target": "copy", "auto_merge": false})).await;
    let run = api.trigger("lab", json!({"reason": EVIL})).await;
    api.work(run).await;
    let line = LogLine {
        at: api.run(run).await.created,
        level: Level::Error,
        text: format!("`{EVIL}` {EVIL}"),
        exchange: None,
    };
    api.runner.history().append_log(run, &[line]).await.unwrap();
    let pages = Pages::of(api);
    let evil = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect::<String>().replace('+', "%20");
    for path in [
        "/".to_owned(),
        "/runs/1".to_owned(),
        "/runs/1/plan".to_owned(),
        "/objects/site/%5B%22a%22%5D".to_owned(),
        format!("/runs?sync={evil}"),
        format!("/objects/{evil}/%5B%22{evil}%22%5D"),
    ] {
        let answer = pages.fetch(&path).await;
        ensure_well_formed(&answer.text);
        ensure_harmless(&answer.text);
        assert!(!answer.text.contains("<script>alert"), "{path}: {}", answer.text);
    }
    assert!(pages.page("/runs/1/plan").await.contains("&#60;script&#62;alert(1)"));
    assert!(pages.page("/runs/1").await.contains("&#60;script&#62;alert(1)"));
    let missing = pages.fetch(&format!("/{evil}")).await;
    ensure_well_formed(&missing.text);
    assert!(!missing.text.contains("<script>alert"));
}

#[tokio::test]
async fn only_our_own_pages_post_forms() {
    let pages = Pages::of(Api::with_lab(true).await);
    let post = async |headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(Method::POST).uri("/syncs/lab/run");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        pages.send(request.body(Body::empty()).unwrap()).await.status
    };
    let host = ("host", "localhost:8080");
    assert_eq!(post(&[host]).await, StatusCode::FORBIDDEN);
    assert_eq!(post(&[host, ("sec-fetch-site", "cross-site")]).await, StatusCode::FORBIDDEN);
    assert_eq!(post(&[host, ("sec-fetch-site", "same-site")]).await, StatusCode::FORBIDDEN);
    assert_eq!(post(&[host, ("origin", "https://evil.example")]).await, StatusCode::FORBIDDEN);
    assert_eq!(post(&[host, ("origin", "null")]).await, StatusCode::FORBIDDEN);
    assert_eq!(
        post(&[("host", "evil.example"), ("sec-fetch-site", "same-origin")]).await,
        StatusCode::MISDIRECTED_REQUEST
    );
    assert_eq!(pages.api.get("runs").await.items().len(), 0);
    assert_eq!(post(&[host, ("origin", "http://localhost:8080")]).await, StatusCode::SEE_OTHER);
    let fetched = pages.fetch("/syncs/lab/pause").await;
    assert_eq!(fetched.status, StatusCode::METHOD_NOT_ALLOWED);
    ensure_well_formed(&fetched.text);
}

#[tokio::test]
async fn pages_forbid_what_they_do_not_do() {
    let pages = Pages::of(Api::with_lab(true).await);
    let answer = pages.fetch("/").await;
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'") && !policy.contains("unsafe")
    );
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let assets: Vec<_> =
        answer.text.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for asset in assets {
        let asset = pages.fetch(&asset).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert_eq!(asset.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(asset.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    assert_eq!(pages.fetch("/assets/style-0000000000000000.css").await.status, StatusCode::NOT_FOUND);
}
