//! What happens in a run, as it happens. The command line and the dashboard follow the same stream.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::broadcast;

/// A side of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
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
        /// How long it took, in milliseconds.
        duration_ms: u64,
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
    },
    /// Something worth a line.
    Message {
        /// How loud.
        level: Level,
        /// The line.
        text: String,
    },
}

/// The stream of events of one run. Cloning it gives another handle to the same stream.
///
/// A follower that falls behind loses the oldest events, never the run's time: progress is cumulative, and what must not
/// be lost is in the history.
#[derive(Debug, Clone)]
pub struct Events {
    sender: broadcast::Sender<Arc<Event>>,
}

impl Events {
    /// How many events a slow follower may be behind.
    const CAPACITY: usize = 4096;

    /// A stream without followers.
    pub fn new() -> Self {
        Self { sender: broadcast::Sender::new(Self::CAPACITY) }
    }

    /// Follows the stream from now on.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.sender.subscribe()
    }

    /// Tells the followers.
    pub fn emit(&self, event: Event) {
        // Nobody following is no error.
        let _ = self.sender.send(Arc::new(event));
    }

    /// Tells the followers a line.
    pub fn message(&self, level: Level, text: impl Into<String>) {
        self.emit(Event::Message { level, text: text.into() });
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}
