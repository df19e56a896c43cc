//! Runs are followed while they work: from another process, by many, slowly, and again after a break.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use chrono::Utc;
use futures::StreamExt as _;
use serde_json::{Value, json};
use sqlx::Connection as _;
use syncline_core::event::{Event, Happened, Level, Phase, Side};
use syncline_core::history::{Claim, Claimed, History, RunId, RunResult, RunStatus, Stop, StopRequest};
use syncline_testkit::postgres;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{Api, request};
use crate::live::{Feed, Follower, Live, RunFeed, Told};

/// What was sent of a stream.
#[derive(Debug, Default, Clone, PartialEq)]
struct Sent {
    id: String,
    event: String,
    data: Value,
}

/// Reads the events in the text of a stream.
fn sent(text: &str) -> Vec<Sent> {
    let blocks =
        text.split("\n\n").filter(|block| block.lines().any(|line| !line.is_empty() && !line.starts_with(':')));
    blocks
        .map(|block| {
            let mut sent = Sent::default();
            for line in block.lines() {
                match line.split_once(": ").unwrap_or((line, "")) {
                    ("id", id) => id.clone_into(&mut sent.id),
                    ("event", event) => event.clone_into(&mut sent.event),
                    ("data", data) => sent.data = serde_json::from_str(data).unwrap(),
                    _ => {}
                }
            }
            sent
        })
        .collect()
}

/// All of a stream that ends.
async fn stream(api: &Api, path: &str, last: Option<&str>) -> (StatusCode, Vec<Sent>) {
    let mut request = request(Method::GET, path).header(header::ACCEPT, "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = api.send(request.body(Body::empty()).unwrap()).await;
    (answer.status, sent(&answer.text))
}

async fn taken(history: &History, api: &Api, run: RunId) -> Claim {
    let claimed = history.claim(run, "worker", Duration::from_mins(1)).await.unwrap();
    let Claimed::Granted(claim) = claimed else { panic!("{claimed:?}: {:?}", api.run(run).await) };
    claim
}

fn said(text: &str) -> Happened {
    let event = Event::Message { level: Level::Info, text: text.to_owned(), exchange: None };
    Happened { at: Utc::now(), event: Arc::new(event) }
}

fn read(records: u64) -> Happened {
    let event = Event::Read { side: Side::Source, model: "site", records, expected: None, began: Utc::now() };
    Happened { at: Utc::now(), event: Arc::new(event) }
}

#[tokio::test]
async fn a_run_that_is_over_is_told_from_wherever_one_wants() {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    api.work(run).await;
    let path = format!("runs/{run}/events");
    let (status, all) = stream(&api, &path, None).await;
    assert_eq!(status, StatusCode::OK);
    let (end, events) = all.split_last().unwrap();
    assert_eq!((end.event.as_str(), &end.data, end.id.as_str()), ("end", &json!({"run": 1}), ""));
    for (number, event) in (1..).zip(events) {
        assert_eq!((event.id.parse(), &event.data["seq"]), (Ok(number), &json!(number)));
        assert_eq!(event.data["event"], event.event);
    }
    assert_eq!((&events[0].event[..], &events[0].data["status"]), ("status", &json!("new")));
    assert_eq!(events.last().unwrap().data["status"], "completed");
    let kinds: Vec<_> = events.iter().map(|event| event.event.as_str()).collect();
    for kind in ["phase_started", "phase_finished", "read_finished", "compared", "applied"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }

    // The header is newer than the address, which stays the same when a browser comes back.
    assert_eq!(stream(&api, &format!("{path}?after=3"), None).await.1, all[3..]);
    assert_eq!(stream(&api, &format!("{path}?after=3"), Some("7")).await.1, all[7..]);
    assert_eq!(stream(&api, &path, Some("100")).await.0, StatusCode::NO_CONTENT, "whoever has all is to stop asking");
    let refused = stream(&api, &path, Some("seven")).await.0;
    assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(api.get("runs/7/events").await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get("runs/7/progress").await.status, StatusCode::NOT_FOUND);

    // The same as pages.
    let page = api.get(&format!("{path}?limit=2&after=1")).await;
    assert_eq!(page.items(), events[1..3].iter().map(|event| event.data.clone()).collect::<Vec<_>>());
    assert_eq!(page.value()["next"], 3);
    let request = request(Method::GET, &path).header(header::ACCEPT, "application/json");
    let page = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((page.items().len(), &page.value()["next"]), (events.len(), &Value::Null));
    assert_eq!(api.live.count(), 0, "what is over has no tail");

    let progress = api.get(&format!("runs/{run}/progress")).await.value();
    assert_eq!(
        (&progress["run"], &progress["status"], &progress["seq"]),
        (&json!(1), &json!("completed"), &json!(events.len()))
    );
    assert_eq!(progress["models"][0]["applied"], json!({"done": 3, "total": 3, "failed": 0}));
    assert_eq!(progress["phases"].as_array().unwrap().len(), 5);
    assert_eq!(api.get(&format!("runs/{run}/progress")).await.value(), progress, "also from what was folded before");
}

#[tokio::test]
async fn a_stream_says_what_it_is() {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let request = request(Method::GET, &format!("runs/{run}/events")).body(Body::empty()).unwrap();
    let response = api.router.clone().oneshot(request).await.unwrap();
    let said = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(said("content-type"), "text/event-stream");
    assert_eq!((said("cache-control"), said("x-accel-buffering")), ("no-store".to_owned(), "no".to_owned()));
    let mut body = response.into_body().into_data_stream();
    let first = String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert_eq!(sent(&first)[0].data["status"], "new");
}

/// The next events of a follower, up to the end.
async fn rest<F: Feed<Item = crate::live::Line>>(follower: &mut Follower<F>) -> Vec<u64> {
    let mut numbers = Vec::new();
    loop {
        match follower.next().await.unwrap() {
            Told::Item(line) => numbers.push(line.number),
            Told::End => return numbers,
            Told::Stopped => panic!("nobody stopped it"),
        }
    }
}

async fn next(follower: &mut Follower<RunFeed>) -> u64 {
    match follower.next().await.unwrap() {
        Told::Item(line) => line.number,
        other => panic!("{other:?}"),
    }
}

/// A history that two processes have open, and a run of it that the first works on.
struct Two {
    api: Api,
    /// Of the process that works.
    worker: History,
    /// Of the process that is asked.
    live: Live,
    claim: Claim,
}

impl Two {
    async fn over(url: &str) -> Self {
        let worker = History::open(url).await.unwrap();
        let api = Api::over(worker.clone());
        api.make("lab", json!({"sites": ["a"], "target": "copy"})).await;
        let run = api.trigger("lab", json!({})).await;
        let claim = taken(&worker, &api, run).await;
        let live = Live::new(History::open(url).await.unwrap(), CancellationToken::new());
        Self { api, worker, live, claim }
    }

    async fn tell(&self, events: &[Happened]) {
        self.worker.append_events(self.claim, events).await.unwrap();
    }

    async fn finish(&self) {
        self.worker.finish_run(self.claim, &RunResult::completed()).await.unwrap();
    }
}

/// Runs a test on every database.
async fn everywhere(test: impl AsyncFn(Two)) {
    let folder = tempfile::tempdir().unwrap();
    test(Two::over(&format!("sqlite://{}", folder.path().join("history.db").display())).await).await;
    if let Some(url) = postgres().await {
        test(Two::over(&url).await).await;
    }
}

/// A schema of a server; none when there is no server.
async fn postgres() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = tokio::task::spawn_blocking(|| postgres::url("the PostgreSQL half of the tests of live runs"));
    let mut url: url::Url = server.await.unwrap()?.parse().unwrap();
    let schema = format!("live_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut connection = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
    let statement = format!("CREATE SCHEMA {schema}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    url.query_pairs_mut().append_pair("options[search_path]", &schema);
    Some(url.into())
}

#[tokio::test]
async fn a_run_in_one_process_is_followed_from_another() {
    everywhere(async |two| {
        let run = two.claim.run;
        let mut follower = two.live.follow(run, 0);
        assert_eq!((next(&mut follower).await, next(&mut follower).await), (1, 2), "new, and taken");
        // It waits, and hears what the other process writes: the runner, and a person.
        let (heard, ()) = tokio::join!(next(&mut follower), async { two.tell(&[read(1)]).await });
        assert_eq!(heard, 3);
        let stop = StopRequest { stop: Stop::Pause, by: "kim".to_owned(), reason: String::new() };
        let (heard, status) = tokio::join!(next(&mut follower), two.worker.request_stop(run, &stop));
        assert_eq!((heard, status.unwrap()), (4, RunStatus::Syncing));
        // Whoever comes back goes on behind what it has.
        drop(follower);
        two.tell(&[read(2), said("x")]).await;
        let mut follower = two.live.follow(run, 4);
        assert_eq!((next(&mut follower).await, next(&mut follower).await), (5, 6));
        // The runner dies, and another one goes on.
        let (heard, ()) = tokio::join!(rest(&mut follower), async {
            two.worker.put_back(two.claim, None, None).await.unwrap();
            let again = taken(&two.worker, &two.api, run).await;
            two.worker.append_events(again, &[read(1)]).await.unwrap();
            two.worker.finish_run(again, &RunResult::completed()).await.unwrap();
        });
        assert_eq!(heard, [7, 8, 9, 10]);
        assert_eq!(follower.next().await.unwrap(), Told::End, "also when asked again");
    })
    .await;
}

#[tokio::test]
async fn twenty_followers_are_told_the_same_and_a_slow_one_misses_nothing() {
    everywhere(async |two| {
        const EVENTS: u64 = 3_000;
        let run = two.claim.run;
        let mut slow = two.live.follow(run, 0);
        assert_eq!(next(&mut slow).await, 1);
        assert_eq!(next(&mut slow).await, 2);
        // It has joined the tail, and now does something else.
        let (heard, ()) = tokio::join!(next(&mut slow), async { two.tell(&[said("one")]).await });
        assert_eq!(heard, 3);
        let followers = (0..20).map(|place| {
            let mut follower = two.live.follow(run, place % 4);
            tokio::spawn(async move { rest(&mut follower).await })
        });
        let followers: Vec<_> = followers.collect();
        for number in 0..EVENTS / 10 {
            let events: Vec<_> = (0..10).map(|event| if event == 0 { read(number) } else { said("x") }).collect();
            two.tell(&events).await;
        }
        two.finish().await;
        let last = 3 + EVENTS + 1;
        for (place, follower) in (0..).zip(followers) {
            let heard = follower.await.unwrap();
            assert!(
                heard.iter().copied().eq(place % 4 + 1..=last),
                "the follower {place} heard {} events",
                heard.len()
            );
        }
        let heard = rest(&mut slow).await;
        assert!(heard.iter().copied().eq(4..=last), "the slow one heard {} events", heard.len());
        // Nobody follows any more: the tail is no more.
        drop(slow);
        assert_eq!(two.live.count(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_tail_that_nobody_follows_ends_and_comes_back() {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let claim = taken(api.runner.history(), &api, run).await;
    for number in 3..6 {
        let mut follower = api.live.follow(run, number - 1);
        let (heard, told) = tokio::join!(next(&mut follower), async {
            api.runner.history().append_events(claim, &[read(number)]).await
        });
        told.unwrap();
        assert_eq!((heard, api.live.count()), (number, 1));
        drop(follower);
        // The tail finds out at its next look.
        while api.live.count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn how_all_runs_stand_is_told() {
    let api = Api::with_lab(false).await;
    let first = api.trigger("lab", json!({})).await;
    let request = request(Method::GET, "events").body(Body::empty()).unwrap();
    let response = api.router.clone().oneshot(request).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let waited = api.work(first).await;
    assert_eq!(waited.status, RunStatus::AwaitingReview);
    let mut told = Vec::new();
    while told.last() != Some(&"awaiting_review".to_owned()) {
        let text = String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap();
        for event in sent(&text) {
            assert_eq!(
                (&event.event[..], &event.data["sync"], &event.data["run"]),
                ("status", &json!("lab"), &json!(1))
            );
            assert_eq!(event.data["seq"].to_string(), event.id);
            told.push(event.data["status"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(told, ["syncing", "syncing", "awaiting_review"], "from now on, that is without `new`");
    let page = api.get("events?limit=2").await;
    assert_eq!((page.items()[0]["status"].as_str(), &page.value()["next"]), (Some("new"), &json!(2)));
    assert_eq!(api.get("events?after=4&limit=2").await.items(), [] as [Value; 0]);

    // When the server ends, the streams end; nobody is told that this was all.
    api.stop.cancel();
    assert!(body.next().await.is_none());
    let (_, sent) = stream(&api, "runs/1/events", None).await;
    assert_eq!(sent, []);
}

#[tokio::test]
async fn what_was_removed_is_missed_by_nobody() {
    let api = Api::with_lab(true).await;
    let run = api.trigger("lab", json!({})).await;
    let claim = taken(api.runner.history(), &api, run).await;
    let mut follower = api.live.follow(run, 0);
    assert_eq!(next(&mut follower).await, 1);
    let finished = Happened { at: Utc::now(), event: Arc::new(Event::PhaseStarted { phase: Phase::Prepare }) };
    api.runner.history().append_events(claim, &[finished]).await.unwrap();
    // Behind the last there is nothing, also when somebody thinks so whose history is gone.
    let mut confused = api.live.follow(run, 1_000);
    let (heard, told) = tokio::join!(next(&mut confused), async {
        tokio::task::yield_now().await;
        api.runner.history().append_events(claim, &[read(1)]).await
    });
    told.unwrap();
    assert!(heard > 1);
    api.runner.history().finish_run(claim, &RunResult::completed()).await.unwrap();
    assert_eq!(rest(&mut follower).await, [2, 3, 4, 5]);
}
