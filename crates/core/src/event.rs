//! What happens in a run, as it happens. The command line follows the stream; the history keeps what is in its [`Backlog`].

mod backlog;
mod stream;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::error::Exchange;
use crate::requests::{RequestCounter, SideRequests};
use crate::surroundings::Surroundings;

pub use backlog::{Backlog, Happened};
pub use stream::Stream;
use stream::Streams;

/// A side of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Read as truth.
    Source,
    /// Made to agree.
    Target,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// A stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Connecting to both sides and agreeing on the fields.
    Prepare,
    /// Reading the source.
    LoadSource,
    /// Reading the target.
    LoadTarget,
    /// Comparing, ordering, saving the plan, asking the guards.
    CalculateDiff,
    /// Writing to the target.
    ExecuteSync,
}

impl Phase {
    /// The one in which a side is read.
    pub fn reading(side: Side) -> Self {
        match side {
            Side::Source => Self::LoadSource,
            Side::Target => Self::LoadTarget,
        }
    }

    /// The name in history, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::LoadSource => "load_source",
            Self::LoadTarget => "load_target",
            Self::CalculateDiff => "calculate_diff",
            Self::ExecuteSync => "execute_sync",
        }
    }
}

/// How loud a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// What a person following the run wants to know.
    Info,
    /// What a person should look at.
    Warning,
    /// What failed.
    Error,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A phase began.
    PhaseStarted {
        /// Which.
        phase: Phase,
    },
    /// A phase ended, well or not.
    PhaseFinished {
        /// Which.
        phase: Phase,
        /// When it began.
        started: DateTime<Utc>,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// Bytes in use at its end; none when nobody measured.
        memory_final: Option<u64>,
        /// The most bytes in use during it; none when nobody measured.
        memory_peak: Option<u64>,
        /// When each model was read or written in it, in the order in which they began.
        streams: Vec<Stream>,
    },
    /// Records of a model were read.
    Read {
        /// Where.
        side: Side,
        /// What.
        model: &'static str,
        /// How many so far.
        records: u64,
        /// How many there will be, when the system says so.
        expected: Option<u64>,
        /// When the read of the model began.
        began: DateTime<Utc>,
    },
    /// A model was read to its end.
    ReadFinished {
        /// Where.
        side: Side,
        /// What.
        model: &'static str,
        /// How many in all.
        records: u64,
        /// Why the read is not complete; none when it is.
        partial: Option<String>,
        /// When the read began; none when the connector never began it.
        began: Option<DateTime<Utc>>,
    },
    /// A model was compared.
    Compared {
        /// What.
        model: &'static str,
        /// To be created.
        create: u64,
        /// To be updated.
        update: u64,
        /// To be deleted, or held back from it.
        delete: u64,
        /// Equal on both sides.
        unchanged: u64,
        /// Changes that the plan would apply: what was found, without what is held back.
        to_apply: u64,
    },
    /// Changes of a model have an outcome.
    Applied {
        /// What.
        model: &'static str,
        /// How many have one so far.
        done: u64,
        /// How many there are.
        total: u64,
        /// How many of them failed so far.
        failed: u64,
        /// When the first of them was about to be sent, by this attempt of the run; none while none was.
        began: Option<DateTime<Utc>>,
    },
    /// How much was asked of both systems so far, by this and earlier attempts at the run.
    Requests(SideRequests),
    /// Something worth a line.
    Message {
        /// How loud.
        level: Level,
        /// The line.
        text: String,
        /// The request that failed for good, where that is what the line tells of.
        #[serde(skip_serializing_if = "Option::is_none")]
        exchange: Option<Box<Exchange>>,
    },
}

/// What an event of progress is about. Progress is told as running totals, so of two events about the same the newer one tells
/// all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic<'e> {
    /// The read of a model on one side.
    Read(Side, &'e str),
    /// What became of the changes of a model.
    Applied(&'e str),
    /// What was asked of both systems.
    Requests,
}

impl Event {
    /// The model that it shows at work: in which phase, and since when.
    fn work(&self) -> Option<(Phase, &'static str, DateTime<Utc>)> {
        match *self {
            Self::Read { side, model, began, .. } | Self::ReadFinished { side, model, began: Some(began), .. } => {
                Some((Phase::reading(side), model, began))
            }
            Self::Applied { model, began: Some(began), .. } => Some((Phase::ExecuteSync, model, began)),
            Self::ReadFinished { .. }
            | Self::Applied { .. }
            | Self::PhaseStarted { .. }
            | Self::PhaseFinished { .. }
            | Self::Compared { .. }
            | Self::Requests(_)
            | Self::Message { .. } => None,
        }
    }

    /// What it is about, if it tells a running total.
    pub fn topic(&self) -> Option<Topic<'static>> {
        match *self {
            Self::Read { side, model, .. } | Self::ReadFinished { side, model, .. } => Some(Topic::Read(side, model)),
            Self::Applied { model, .. } => Some(Topic::Applied(model)),
            Self::Requests(_) => Some(Topic::Requests),
            Self::PhaseStarted { .. } | Self::PhaseFinished { .. } | Self::Compared { .. } | Self::Message { .. } => {
                None
            }
        }
    }
}

/// The stream of events of one run. Cloning it gives another handle to the same stream.
///
/// A follower that falls behind loses the oldest events, never the run's time. A [`Backlog`] loses none: what must be kept is
/// collected there.
#[derive(Debug, Clone)]
pub struct Events {
    sender: broadcast::Sender<Arc<Event>>,
    backlogs: Arc<Mutex<Vec<Weak<Backlog>>>>,
    streams: Arc<Mutex<Streams>>,
    source: RequestCounter,
    target: RequestCounter,
    surroundings: Arc<[Surroundings; 2]>,
}

impl Events {
    /// How many events a slow follower may be behind.
    const CAPACITY: usize = 4096;

    /// A stream without followers.
    pub fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(Self::CAPACITY),
            backlogs: Arc::default(),
            streams: Arc::default(),
            source: RequestCounter::default(),
            target: RequestCounter::default(),
            surroundings: Arc::default(),
        }
    }

    /// The same stream for a run whose sides are opened in other surroundings than the ordinary ones.
    #[must_use]
    pub fn within(self, source: Surroundings, target: Surroundings) -> Self {
        Self { surroundings: Arc::new([source, target]), ..self }
    }

    /// Follows the stream from now on.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.sender.subscribe()
    }

    /// Collects the stream from now on, until what this gives is dropped.
    pub fn collect(&self) -> Arc<Backlog> {
        let backlog = Arc::<Backlog>::default();
        let mut backlogs = self.backlogs();
        backlogs.retain(|backlog| backlog.strong_count() > 0);
        backlogs.push(Arc::downgrade(&backlog));
        backlog
    }

    /// Tells the followers.
    pub fn emit(&self, event: Event) {
        let event = Arc::new(event);
        let happened = Happened { at: Utc::now(), event: Arc::clone(&event) };
        self.streams().add(&event, happened.at);
        for backlog in self.backlogs().iter().filter_map(Weak::upgrade) {
            backlog.push(happened.clone());
        }
        // Nobody following is no error.
        let _ = self.sender.send(event);
    }

    /// Tells the followers a line.
    pub fn message(&self, level: Level, text: impl Into<String>) {
        self.emit(Event::Message { level, text: text.into(), exchange: None });
    }

    /// Counts the requests to a side.
    pub fn requests(&self, side: Side) -> &RequestCounter {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// What a side is opened in.
    pub fn surroundings(&self, side: Side) -> &Surroundings {
        let [source, target] = &*self.surroundings;
        match side {
            Side::Source => source,
            Side::Target => target,
        }
    }

    /// When what is read was recorded, of a run that replays recordings; none of one that reads systems.
    pub fn replays(&self) -> Option<DateTime<Utc>> {
        self.surroundings.iter().filter_map(Surroundings::recorded).max()
    }

    /// The requests since they were forgotten last.
    pub fn requests_so_far(&self) -> SideRequests {
        SideRequests { source: self.source.so_far(), target: self.target.so_far() }
    }

    /// Counts the requests from zero.
    pub fn forget_requests(&self) {
        self.source.take();
        self.target.take();
    }

    /// When each model was worked on in a phase, in the order in which they began, and forgets it.
    pub(crate) fn take_streams(&self, phase: Phase) -> Vec<Stream> {
        self.streams().take(phase)
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn backlogs(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Backlog>>> {
        self.backlogs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}
