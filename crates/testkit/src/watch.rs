//! Watching the requests that a simulator gets, for tests that act at a certain one: kill the process that sent it, say.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// When a watcher is told of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// It came in, and nothing of it is done.
    Arrived,
    /// It is carried out, and its answer is not sent.
    Done,
}

/// A request, as a watcher sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// When.
    pub moment: Moment,
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Path and query.
    pub url: &'a str,
}

/// What becomes of a request that a watcher was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Proceed,
    /// It is lost: when it has just come in nothing of it is done, and it is never answered.
    Lose,
    /// It is carried out only after this time, and not answered: it was stuck on its way. Means nothing once it is done.
    Delay(Duration),
}

/// Told of every request, twice; what it does is done before the request goes on.
pub type Watcher = Arc<dyn Fn(&Sighting<'_>) -> Verdict + Send + Sync>;

/// Where a simulator keeps its watcher.
#[derive(Default)]
pub(crate) struct Watch(Mutex<Option<Watcher>>);

impl Watch {
    pub(crate) fn set(&self, watcher: Option<Watcher>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = watcher;
    }

    pub(crate) fn tell(&self, moment: Moment, method: &str, url: &str) -> Verdict {
        let watcher = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watcher.map_or(Verdict::Proceed, |watcher| watcher(&Sighting { moment, method, url }))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Carries a request out as a watcher wants it.
pub(crate) async fn carry_out<A: Send + 'static>(
    watch: impl Fn(Moment) -> Verdict,
    work: impl Future<Output = A> + Send + 'static,
) -> A {
    match watch(Moment::Arrived) {
        Verdict::Proceed => {}
        // Whoever sent it gives up, and the future ends with the connection.
        Verdict::Lose => return std::future::pending().await,
        Verdict::Delay(time) => {
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                work.await
            });
            return std::future::pending().await;
        }
    }
    let answer = work.await;
    match watch(Moment::Done) {
        Verdict::Lose => std::future::pending().await,
        Verdict::Proceed | Verdict::Delay(_) => answer,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::FutureExt as _;

    use super::*;

    /// How often the work was done, and whether it was answered, when the moment gets the verdict.
    async fn outcome(when: Moment, verdict: Verdict) -> (u32, bool) {
        let done = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&done);
        let work = async move { counted.fetch_add(1, Ordering::Relaxed) };
        let told = move |moment| if moment == when { verdict } else { Verdict::Proceed };
        let answered = carry_out(told, work).now_or_never().is_some();
        tokio::time::sleep(Duration::from_secs(2)).await;
        (done.load(Ordering::Relaxed), answered)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_meets_its_fate() {
        assert_eq!(outcome(Moment::Arrived, Verdict::Proceed).await, (1, true));
        assert_eq!(outcome(Moment::Arrived, Verdict::Lose).await, (0, false));
        assert_eq!(outcome(Moment::Done, Verdict::Lose).await, (1, false));
        assert_eq!(outcome(Moment::Arrived, Verdict::Delay(Duration::from_secs(1))).await, (1, false));
    }
}
