//! What happened and is not written down yet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::{Event, Topic};

/// An event, and when it happened.
#[derive(Debug, Clone)]
pub struct Happened {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub event: Arc<Event>,
}

/// What happened since somebody last took it.
///
/// It is filled where things happen, by a lock that nobody holds for longer than one event takes to be put in, and is emptied by
/// whoever writes it down, at whatever pace. So it loses nothing, and keeps nobody waiting. It stays small all the same: of
/// progress it has the newest of each [`Topic`], and of everything else there is little.
#[derive(Debug, Default)]
pub struct Backlog {
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    /// By when it was put in.
    events: BTreeMap<u64, Happened>,
    /// Where the newest of each topic is.
    newest: BTreeMap<Topic<'static>, u64>,
    next: u64,
}

impl Backlog {
    /// Takes what there is, oldest first.
    pub fn take(&self) -> Vec<Happened> {
        std::mem::take(&mut *self.pending()).events.into_values().collect()
    }

    /// Puts back what was taken and could not be written down. What happened since comes behind it.
    pub fn put_back(&self, taken: Vec<Happened>) {
        let mut pending = self.pending();
        let since = std::mem::take(&mut *pending);
        for happened in taken.into_iter().chain(since.events.into_values()) {
            pending.push(happened);
        }
    }

    pub(super) fn push(&self, happened: Happened) {
        self.pending().push(happened);
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // What a panic leaves behind is at worst one event short.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn push(&mut self, happened: Happened) {
        let place = self.next;
        self.next += 1;
        if let Some(topic) = happened.event.topic()
            && let Some(older) = self.newest.insert(topic, place)
        {
            self.events.remove(&older);
        }
        self.events.insert(place, happened);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Events, Level, Side};
    use super::*;

    fn read(records: u64) -> Event {
        Event::Read { side: Side::Source, model: "site", records, expected: None, began: Utc::now() }
    }

    fn told(taken: &[Happened]) -> Vec<String> {
        taken.iter().map(|happened| serde_json::to_value(&*happened.event).unwrap()["event"].to_string()).collect()
    }

    #[test]
    fn of_progress_only_the_newest_is_kept_and_of_all_else_each() {
        let events = Events::new();
        let backlog = events.collect();
        for records in 1..=10_000 {
            events.emit(read(records));
            events.emit(Event::Applied { model: "site", done: records, total: 10_000, failed: 0, began: None });
            events.message(Level::Info, records.to_string());
        }
        let taken = backlog.take();
        assert_eq!(taken.len(), 10_002, "more than any follower may be behind");
        let progress: Vec<_> = taken.iter().filter(|happened| happened.event.topic().is_some()).collect();
        assert!(matches!(*progress[0].event, Event::Read { records: 10_000, .. }));
        assert!(matches!(*progress[1].event, Event::Applied { done: 10_000, .. }));
        assert!(backlog.take().is_empty());
    }

    #[test]
    fn what_could_not_be_written_comes_before_what_happened_since() {
        let events = Events::new();
        let backlog = events.collect();
        events.message(Level::Info, "first");
        events.emit(read(1));
        let taken = backlog.take();
        events.emit(read(2));
        events.emit(Event::ReadFinished { side: Side::Source, model: "site", records: 2, partial: None, began: None });
        backlog.put_back(taken);
        assert_eq!(told(&backlog.take()), [r#""message""#, r#""read_finished""#]);
    }

    #[test]
    fn a_dropped_backlog_costs_nothing() {
        let events = Events::new();
        drop(events.collect());
        events.emit(read(1));
        let backlog = events.collect();
        assert_eq!(events.backlogs().len(), 1);
        assert!(backlog.take().is_empty(), "it collects from now on");
    }
}
