//! Which syncs there are, and when they run by themselves.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use super::{SyncDefinition, Webhook};
use crate::Result;
use crate::schedule::{CatchUp, Schedule, Windows};

/// A sync with all that a runner needs to know of it.
#[derive(Debug, Clone)]
pub struct ConfiguredSync {
    /// What it keeps in agreement with what.
    pub definition: SyncDefinition,
    /// When it runs by itself.
    pub automation: Automation,
}

/// When a sync runs by itself, and for how long.
#[derive(Debug, Clone, Default)]
pub struct Automation {
    /// When it runs.
    pub schedule: Schedule,
    /// The sync after whose completed runs it runs, in the place of a schedule.
    pub after: Option<String>,
    /// When it looks for drift.
    pub drift: Schedule,
    /// What becomes of ticks that passed while nobody looked.
    pub catch_up: CatchUp,
    /// When its runs may work.
    pub windows: Windows,
    /// After how many minutes of writing a run pauses.
    pub max_minutes: Option<NonZeroU32>,
    /// What another system calls to have it run; none when nobody may.
    pub webhook: Option<Webhook>,
    /// Its schedules rest, and so does its webhook.
    pub paused: bool,
}

/// Where syncs are configured. Asked anew for every run, so that a change counts from the next run on.
#[async_trait]
pub trait SyncBook: Send + Sync {
    /// Every sync, by name; for one that is broken, what is wrong with it.
    async fn syncs(&self) -> Result<Vec<(String, Result<ConfiguredSync>)>>;

    /// The sync with a name; an error names those that there are.
    async fn sync(&self, name: &str) -> Result<ConfiguredSync>;
}

impl Automation {
    /// For how long a run may write; none without a limit.
    pub fn max_duration(&self) -> Option<Duration> {
        self.max_minutes.map(|minutes| Duration::from_secs(u64::from(minutes.get()) * 60))
    }
}
