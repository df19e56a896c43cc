//! How many may follow at once. Each follower is a connection that stays open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many streams of events may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// In this process.
    pub all: usize,
    /// Of one account or token; of one address where nobody is asked.
    pub each: usize,
    /// After how long it is looked whether who follows may still.
    pub look: Duration,
}

impl Default for StreamLimits {
    /// Ten people with fifty windows each. Who is let in no more hears of it for half a minute at most.
    fn default() -> Self {
        Self { all: 500, each: 50, look: Duration::from_secs(30) }
    }
}

/// Why somebody may not follow now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// So many follow in this process.
    All(usize),
    /// So many streams belong to whoever asks.
    Each(usize),
}

/// The places that there are, and who has them.
#[derive(Debug, Default)]
pub struct Places {
    limits: StreamLimits,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// The place of one stream, free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    who: String,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

impl Places {
    /// So many places.
    pub fn new(limits: StreamLimits) -> Self {
        Self { limits, taken: Arc::default() }
    }

    /// How many there are, and how often it is looked whether who has one may still.
    pub fn limits(&self) -> StreamLimits {
        self.limits
    }

    /// A place for somebody.
    pub fn take(&self, who: &str) -> Result<Place, NoPlace> {
        let StreamLimits { all, each, .. } = self.limits;
        let mut taken = locked(&self.taken);
        // Who has too many of them is told so, also when others have the rest.
        if taken.get(who).is_some_and(|own| *own >= each) || each == 0 {
            return Err(NoPlace::Each(each));
        }
        if taken.values().sum::<usize>() >= all {
            return Err(NoPlace::All(all));
        }
        *taken.entry(who.to_owned()).or_default() += 1;
        Ok(Place { who: who.to_owned(), taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        if let Some(own) = taken.get_mut(&self.who) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.who);
            }
        }
    }
}

fn locked(taken: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_was_left() {
        let places = Places::new(StreamLimits { all: 3, each: 2, ..StreamLimits::default() });
        let kim = [places.take("kim").unwrap(), places.take("kim").unwrap()];
        assert_eq!(places.take("kim").unwrap_err(), NoPlace::Each(2));
        let _lee = places.take("lee").unwrap();
        assert_eq!(places.take("lee").unwrap_err(), NoPlace::All(3));
        drop(kim);
        let _again = places.take("lee").unwrap();
        assert_eq!(places.take("lee").unwrap_err(), NoPlace::Each(2));
        assert!(places.take("max").is_ok());
        assert_eq!(
            Places::new(StreamLimits { all: 3, each: 0, ..StreamLimits::default() }).take("kim").unwrap_err(),
            NoPlace::Each(0)
        );
    }
}
