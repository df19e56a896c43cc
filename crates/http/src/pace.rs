//! The pace of all requests that use one credential at one host, shared by every client in the process.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::time::Instant;

/// Who is paced together: host with port, and the fingerprint of the credential.
type Key = (String, u64);

static SHARED: LazyLock<Mutex<HashMap<Key, Weak<Pace>>>> = LazyLock::new(Mutex::default);

/// The budget of one credential.
#[derive(Default)]
pub(crate) struct Pace {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    limit: Option<(u32, Arc<DefaultDirectRateLimiter>)>,
    paused_until: Option<Instant>,
}

impl Pace {
    /// The pace that everybody with this host and credential shares. Of two limits the lower one holds, as long as
    /// anybody uses the credential.
    pub fn shared(host: String, fingerprint: u64, per_minute: Option<NonZeroU32>) -> Arc<Self> {
        let mut shared = lock(&SHARED);
        shared.retain(|_, pace| pace.strong_count() > 0);
        let key = (host, fingerprint);
        let pace = shared.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let pace = Arc::<Self>::default();
            shared.insert(key, Arc::downgrade(&pace));
            pace
        });
        drop(shared);
        if let Some(per_minute) = per_minute {
            pace.limit(per_minute);
        }
        pace
    }

    fn limit(&self, per_minute: NonZeroU32) {
        let mut state = lock(&self.state);
        if state.limit.as_ref().is_some_and(|(current, _)| *current <= per_minute.get()) {
            return;
        }
        // What a second takes may come at once. More would, with a window of a minute on the other side, be counted on
        // top of the minute that follows.
        let burst = NonZeroU32::new(per_minute.get() / 60).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_minute(per_minute).allow_burst(burst));
        state.limit = Some((per_minute.get(), Arc::new(limiter)));
    }

    /// Waits for the turn of one request.
    pub async fn turn(&self) {
        loop {
            let wait = {
                let state = lock(&self.state);
                let paused = state.paused_until.map(|until| until.saturating_duration_since(Instant::now()));
                match (paused.filter(|pause| !pause.is_zero()), &state.limit) {
                    (Some(pause), _) => pause,
                    (None, None) => return,
                    (None, Some((_, limiter))) => match limiter.check() {
                        Ok(()) => return,
                        Err(later) => later.wait_time_from(DefaultClock::default().now()),
                    },
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Lets nobody through for a while, because the system asked for it.
    pub fn pause(&self, duration: Duration) {
        let Some(until) = Instant::now().checked_add(duration) else { return };
        let mut state = lock(&self.state);
        state.paused_until = state.paused_until.max(Some(until));
    }
}

/// The data behind these locks is consistent after every statement, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_minute(pace: &Pace) -> Option<u32> {
        lock(&pace.state).limit.as_ref().map(|(limit, _)| *limit)
    }

    #[test]
    fn one_credential_has_one_pace_and_the_lower_limit_holds() {
        let first = Pace::shared("pace.example:443".to_owned(), 1, NonZeroU32::new(600));
        let second = Pace::shared("pace.example:443".to_owned(), 1, NonZeroU32::new(60));
        let third = Pace::shared("pace.example:443".to_owned(), 1, NonZeroU32::new(1200));
        let other = Pace::shared("pace.example:443".to_owned(), 2, None);
        assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&first, &third) && !Arc::ptr_eq(&first, &other));
        assert_eq!((per_minute(&first), per_minute(&other)), (Some(60), None));
        drop((first, second, third));
        let again = Pace::shared("pace.example:443".to_owned(), 1, None);
        assert_eq!(per_minute(&again), None);
    }

    #[test]
    fn only_a_second_of_requests_comes_at_once() {
        let pace = Pace::shared("burst.example:443".to_owned(), 1, NonZeroU32::new(300));
        let limiter = lock(&pace.state).limit.as_ref().unwrap().1.clone();
        let at_once = (0..300).take_while(|_| limiter.check().is_ok()).count();
        // 5, and whatever a slow machine lets drip in meanwhile.
        assert!((5..50).contains(&at_once), "{at_once}");
    }

    #[tokio::test]
    async fn a_pause_holds_everybody() {
        tokio::time::pause();
        let pace = Pace::shared("pause.example:443".to_owned(), 1, None);
        let start = Instant::now();
        pace.turn().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pace.pause(Duration::from_secs(7));
        pace.pause(Duration::from_secs(3));
        pace.turn().await;
        assert!(start.elapsed() >= Duration::from_secs(7));
    }
}
