//! What happens, as it happens: server-sent events, and the same as JSON.
//!
//! Each event has its number as `id`, its kind as `event` and all of it as JSON in `data`: see [`crate::live`]. A client that was cut
//! off goes on behind what it has: browsers send `Last-Event-ID` by themselves, programs may say `?after=`; where both are said,
//! the header counts, as it is newer. Every 15 s a comment keeps the connection alive. When the server ends, it closes the
//! streams, and the client goes on with whichever answers next.
//!
//! `Accept: application/json` or `?limit=` gives a page instead: `{"items": […], "next": …}`. `next` is the next page's `after`, null
//! on the last page; who wants to hear more later goes on behind the last item's `seq`.
//!
//! A stream ends when its session or token does, half a minute later at most: whoever is let in no more is told nothing more.
//!
//! Only so many streams are open at once: of one account or token, or of one address where nobody is asked (429), and in a process (503).
//!
//! A browser has six connections to a server at most, all its tabs together: a page follows one stream.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use futures::stream::{self, Stream};
use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::history::How;
use tokio::time::Instant;

use crate::auth::{Standing, Who};
use crate::input::{Limit, Number, Wanted};
use crate::live::{Feed, Follower, Line, Live, NoPlace, Place, ProgressView, Told};
use crate::problem::ProblemKind;
use crate::{List, Problem};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks nginx, and what does as nginx does, to pass on at once what comes.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// How often something is sent at least, so that nobody on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// When it is worth asking again for a stream that there was no place for.
const AGAIN: Duration = Duration::from_secs(10);

/// Which events are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    after: Option<u64>,
    limit: Option<Limit>,
}

/// `GET /runs/{id}/events?after=0`: what happens in a run. From its first event on, unless it is said from where. The stream ends
/// with the event `end`, data `{"run": 17}`, when the run is over. Who comes back after that is answered with 204, which ends the
/// asking of browsers.
pub async fn of_run(
    State(live): State<Live>,
    Number(run): Number,
    who: Who,
    standing: Standing,
    headers: HeaderMap,
    Wanted(wanted): Wanted<EventQuery>,
) -> Result<Response, Problem> {
    let history = live.history();
    let (last, status) = history.last_event(run).await?.ok_or_else(|| Problem::no_run(run))?;
    let seen = last_seen(&headers)?;
    let after = seen.or(wanted.after).unwrap_or(0);
    if let Some(limit) = page_size(&headers, wanted.limit) {
        return Ok(Json(List::from(history.events(run, after, limit.get()).await?)).into_response());
    }
    if status.is_final() && seen.is_some_and(|seen| seen >= last) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let end = Event::default().event("end").data(format!("{{\"run\":{run}}}"));
    let seat = Seat { _place: place(&live, &who)?, standing, looked: Instant::now(), live: live.clone() };
    Ok(streamed(live.follow(run, after), end, seat))
}

/// `GET /events`: how runs stand, whichever: an event `status` for each change, data `{"seq", "run", "sync", "at", "status", "stage",
/// …}`. From now on, unless it is said from where; a page of JSON begins at the beginning. The stream has no end. Whoever shows a list
/// of runs opens the stream first, asks for the list whenever it is opened, and then changes the list by the events.
pub async fn of_statuses(
    State(live): State<Live>,
    who: Who,
    standing: Standing,
    headers: HeaderMap,
    Wanted(wanted): Wanted<EventQuery>,
) -> Result<Response, Problem> {
    let history = live.history();
    let after = last_seen(&headers)?.or(wanted.after);
    if let Some(limit) = page_size(&headers, wanted.limit) {
        let page = history.status_changes(after.unwrap_or(0), limit.get()).await?;
        return Ok(Json(List::from(page)).into_response());
    }
    let after = match after {
        Some(after) => after,
        None => history.last_status_change().await?,
    };
    let seat = Seat { _place: place(&live, &who)?, standing, looked: Instant::now(), live: live.clone() };
    Ok(streamed(live.follow_statuses(after), Event::default().event("end"), seat))
}

/// `GET /runs/{id}/progress`: how far a run is: a [`ProgressView`].
pub async fn progress(State(live): State<Live>, Number(run): Number) -> Result<Json<ProgressView>, Problem> {
    if live.history().last_event(run).await?.is_none() {
        return Err(Problem::no_run(run));
    }
    Ok(Json(live.progress(run).await?.view(run, Utc::now())))
}

/// The number of the last event that the client has.
fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(id) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = id.to_str().ok().and_then(|id| id.trim().parse().ok());
    number.map(Some).ok_or_else(|| Problem::value("Last-Event-ID", "is not the number of an event"))
}

/// How many items a page has, when a page is wanted.
fn page_size(headers: &HeaderMap, limit: Option<Limit>) -> Option<Limit> {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    let kinds: Vec<_> =
        accepted.flat_map(|accepted| accepted.split(',')).filter_map(|kind| kind.split(';').next()).collect();
    let accepts = |wanted: &str| kinds.iter().any(|kind| kind.trim().eq_ignore_ascii_case(wanted));
    let json = accepts("application/json") && !accepts("text/event-stream");
    limit.or_else(|| json.then(Limit::default))
}

/// A place for one more stream.
fn place(live: &Live, who: &Who) -> Result<Place, Problem> {
    let name = match who.how {
        How::Local => who.origin.address.map_or_else(|| "this machine".to_owned(), |address| address.to_string()),
        _ => who.name.clone(),
    };
    live.place(&name).map_err(|full| match full {
        NoPlace::Each(most) => {
            let detail = format!(
                "`{name}` has {most} streams of events open, which is as many as may be: close one, or ask for pages with `?limit=`; \
                 `web.streams_each` sets the limit"
            );
            Problem::new(ProblemKind::TooMany, detail).again_after(AGAIN)
        }
        NoPlace::All(most) => {
            let detail = format!(
                "{most} streams of events are open, which is as many as may be: try again later, or ask for pages with `?limit=`; \
                 `web.streams` sets the limit"
            );
            Problem::new(ProblemKind::Busy, detail).again_after(AGAIN)
        }
    })
}

/// Where somebody follows, for as long as that one may.
struct Seat {
    _place: Place,
    standing: Standing,
    /// When it was last looked whether it holds.
    looked: Instant,
    live: Live,
}

impl Seat {
    /// When it is looked again.
    fn due(&self) -> Instant {
        self.looked + self.live.limits().look
    }

    /// Whether who follows may still, as far as is known. That it cannot be looked at is no reason to end a stream: it would not
    /// be told anything either.
    async fn holds(&mut self) -> bool {
        if Instant::now() < self.due() {
            return true;
        }
        self.looked = Instant::now();
        match self.standing.holds(self.live.history()).await {
            Ok(holds) => holds,
            Err(error) => {
                tracing::warn!(error = %error.report(), "it is not known whether who follows may still; looking again later");
                true
            }
        }
    }
}

fn streamed<F: Feed<Item = Line>>(follower: Follower<F>, end: Event, seat: Seat) -> Response {
    let stream = Sse::new(events(follower, end, seat)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([UNBUFFERED], stream).into_response()
}

fn events<F: Feed<Item = Line>>(
    follower: Follower<F>,
    end: Event,
    seat: Seat,
) -> impl Stream<Item = Result<Event, syncline_core::Error>> {
    stream::unfold(Some((follower, end, seat)), async |state| {
        let (mut follower, end, mut seat) = state?;
        let told = loop {
            if !seat.holds().await {
                // Who comes back is asked who it is.
                return None;
            }
            tokio::select! {
                told = follower.next() => break told,
                () = tokio::time::sleep_until(seat.due()) => {}
            }
        };
        match told {
            Ok(Told::Item(line)) => {
                let event = Event::default().id(line.number.to_string()).event(line.kind).data(&*line.json);
                Some((Ok(event), Some((follower, end, seat))))
            }
            Ok(Told::End) => Some((Ok(end), None)),
            Ok(Told::Stopped) => None,
            Err(error) => {
                tracing::warn!(error = %error.report(), "a stream of events was cut off; its client goes on with another one");
                Some((Err(error), None))
            }
        }
    })
}
