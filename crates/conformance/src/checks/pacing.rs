//! K10: a system that asks for time gets it, and who cancels does not wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use syncline_testkit::fault_proxy::{FaultKind, Strike};
use tokio_util::sync::CancellationToken;

use super::{NO_HTTP, Proof, Shown, in_time, some_of};
use crate::bench::Bench;
use crate::lab::Lab;

/// What `Retry-After` says, in seconds.
const ASKED: u64 = 1;

pub async fn gives_time(lab: &dyn Lab) -> Shown {
    let bench = Bench::filled(lab).await?;
    let Some(proxy) = &bench.proxy else { return Ok(Proof::NotMeant(NO_HTTP)) };
    let side = bench.sides()[0];
    proxy.watch();
    let good = bench.read(side, &bench.settings).await?;
    let requests = proxy.seen().len() as u64;
    for after in some_of(requests, 3) {
        proxy.watch();
        let kind = FaultKind::TooManyRequests { retry_after: Some(ASKED) };
        proxy.strike(Strike::all(kind).after(after).times(1));
        let read = bench.read(side, &bench.settings).await?;
        if read != good {
            return Err(format!("with 429 at request {} something else is read", after + 1).into());
        }
        let seen = proxy.seen();
        let struck = seen.iter().position(|seen| seen.fault.is_some()).ok_or("no request was struck")?;
        let same = |other: &&_| {
            let (one, other): (_, &syncline_testkit::fault_proxy::Seen) = (&seen[struck], other);
            (&one.method, &one.path, &one.body) == (&other.method, &other.path, &other.body)
        };
        let again = seen[struck + 1..].iter().find(same).ok_or("the request that got 429 was not sent again")?;
        let waited = again.at - seen[struck].at;
        if waited < Duration::from_secs(ASKED) {
            return Err(format!("asked to wait {ASKED} s, the connector waited {} ms", waited.as_millis()).into());
        }
    }
    let mut cancelled = "";
    if requests > 3 {
        proxy.watch();
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        // From the second request on, nobody wants to know any more.
        let asked = AtomicU64::new(0);
        proxy.strike(Strike::all(FaultKind::Latency(Duration::from_millis(20))).of(move |_| {
            let is_second = asked.fetch_add(1, Ordering::Relaxed) >= 1;
            if is_second {
                stop.cancel();
            }
            is_second
        }));
        let read = in_time("a read that is cancelled", bench.read_until(side, &bench.settings, cancel)).await?;
        let asked = proxy.seen().len() as u64;
        let is_whole = read.is_ok_and(|read| read.values().all(|read| read.partial.is_none()));
        if is_whole || asked >= requests {
            return Err(format!("a read that was cancelled at its second request sent {asked} of {requests}").into());
        }
        cancelled = "; a read that was cancelled ended";
    }
    Ok(Proof::Shown(format!("the time that `Retry-After` asks for was given{cancelled}")))
}
