//! Those who look: readers of pages, and followers of the run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Failure;

/// Those who look.
pub struct Crowd {
    url: String,
    run: String,
    readers: usize,
    followers: usize,
    pause: Duration,
}

/// What they heard and saw.
#[derive(Serialize, Deserialize)]
pub struct Heard {
    /// How many events each follower heard without a gap; 0 of one that missed some, or did not hear the end.
    pub events: Vec<u64>,
    /// How many pages were read.
    pub pages: usize,
    /// Answers that were none.
    pub failed: usize,
    /// In how many milliseconds half of the pages were there.
    pub half_ms: f64,
    /// In how many all but one of a hundred.
    pub most_ms: f64,
}

impl Crowd {
    /// The crowd that arguments ask for.
    pub fn from(arguments: &mut HashMap<String, String>) -> Result<Option<Self>, Failure> {
        let Some(url) = arguments.remove("crowd") else { return Ok(None) };
        let mut take = |name: &str| arguments.remove(name).ok_or_else(|| format!("no --{name}"));
        Ok(Some(Self {
            url,
            run: take("run")?,
            readers: take("readers")?.parse()?,
            followers: take("followers")?.parse()?,
            pause: Duration::from_millis(take("pause-ms")?.parse()?),
        }))
    }

    /// Looks until every follower has heard the end.
    pub async fn look(self) -> Result<Heard, Failure> {
        #[expect(clippy::disallowed_methods, reason = "plays browsers: no credential, pace or retry")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        let (ready, gathered) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let mut followers = JoinSet::new();
        for _ in 0..self.followers {
            let request = client.get(format!("{}/runs/{}/events", self.url, self.run));
            let (ready, gathered, all) = (Arc::clone(&ready), Arc::clone(&gathered), self.followers);
            followers.spawn(async move {
                let response = request.send().await?.error_for_status()?;
                if ready.fetch_add(1, Ordering::Relaxed) + 1 == all {
                    gathered.notify_one();
                }
                follow(response).await
            });
        }
        if self.followers > 0 {
            gathered.notified().await;
        }
        println!("ready");

        let over = CancellationToken::new();
        let mut readers = JoinSet::new();
        for number in 0..self.readers {
            let pages = ["runs", "runs/{}", "runs/{}/changes?limit=50", "runs/{}/log", "runs/{}/progress", "queue"];
            let pages = pages.map(|page| format!("{}/{}", self.url, page.replace("{}", &self.run)));
            readers.spawn(read(client.clone(), pages, number, self.readers, self.pause, over.clone()));
        }
        let mut events = Vec::new();
        while let Some(heard) = followers.join_next().await {
            events.push(heard??);
        }
        over.cancel();
        let (mut times, mut failed) = (Vec::new(), 0);
        while let Some(read) = readers.join_next().await {
            let (some, wrong) = read?;
            times.extend(some);
            failed += wrong;
        }
        times.sort_unstable();
        let at = |part: usize| times.get(times.len() * part / 100).map_or(0.0, |time| time.as_secs_f64() * 1_000.0);
        Ok(Heard { events, pages: times.len(), failed, half_ms: at(50), most_ms: at(99) })
    }
}

/// Hears a stream to its end; how many events, if none was missing.
async fn follow(mut response: reqwest::Response) -> Result<u64, Failure> {
    let (mut rest, mut last) = (Vec::new(), 0_u64);
    while let Some(chunk) = response.chunk().await? {
        rest.extend_from_slice(&chunk);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let line = std::str::from_utf8(&line)?.trim_end();
            if let Some(id) = line.strip_prefix("id: ") {
                if id.parse() != Ok(last + 1) {
                    return Ok(0);
                }
                last += 1;
            } else if line == "event: end" {
                return Ok(last);
            }
        }
    }
    Ok(0)
}

/// Reads page after page until all is over: how long each took, and how many failed.
async fn read(
    client: reqwest::Client,
    pages: [String; 6],
    number: usize,
    readers: usize,
    pause: Duration,
    over: CancellationToken,
) -> (Vec<Duration>, usize) {
    let (mut times, mut failed) = (Vec::new(), 0);
    // They do not all turn the page at once.
    let mut wait = pause.mul_f64(number as f64 / readers as f64);
    for page in pages.iter().cycle().skip(number) {
        tokio::select! {
            () = over.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
        wait = pause;
        let begun = Instant::now();
        let answer = async { client.get(page).send().await?.error_for_status()?.bytes().await };
        match answer.await {
            Ok(_) => times.push(begun.elapsed()),
            Err(_) => failed += 1,
        }
    }
    (times, failed)
}
