//! The two lists that are followed: the events of a run, and the changes of how runs stand.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_core::history::{History, RunId, StatusChange, StoredEvent};
use syncline_core::{Error, ErrorKind, Result};
use tokio::sync::watch;

use super::tail::{Extent, Feed};

/// How many items are read at once.
const PAGE: u64 = 500;

/// An item in the form in which every follower gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub number: u64,
    /// Its kind.
    pub kind: &'static str,
    /// The whole of it, as JSON on one line.
    pub json: Arc<str>,
}

/// The events of a run.
#[derive(Clone)]
pub struct RunFeed {
    /// Where they are.
    pub history: History,
    /// Whose.
    pub run: RunId,
}

/// The changes of how runs stand.
#[derive(Clone)]
pub struct StatusFeed {
    /// Where they are.
    pub history: History,
}

impl Line {
    fn of(number: u64, kind: &'static str, item: &impl serde::Serialize) -> Result<Self> {
        let json = serde_json::to_string(item)
            .map_err(|cause| Error::new(ErrorKind::Internal, "an event is no JSON").caused_by(cause))?;
        Ok(Self { number, kind, json: json.into() })
    }
}

impl TryFrom<StoredEvent> for Line {
    type Error = Error;

    fn try_from(event: StoredEvent) -> Result<Self> {
        Self::of(event.seq, event.event.kind(), &event)
    }
}

impl TryFrom<StatusChange> for Line {
    type Error = Error;

    fn try_from(change: StatusChange) -> Result<Self> {
        Self::of(change.seq, "status", &change)
    }
}

#[async_trait]
impl Feed for RunFeed {
    type Key = RunId;
    type Item = Line;

    fn key(&self) -> RunId {
        self.run
    }

    fn number(item: &Line) -> u64 {
        item.number
    }

    async fn extent(&self) -> Result<Extent> {
        let found = self.history.last_event(self.run).await?;
        // Of a run that was removed nothing more will come.
        Ok(found.map_or(Extent { last: 0, over: true }, |(last, status)| Extent { last, over: status.is_final() }))
    }

    async fn page(&self, after: u64) -> Result<Vec<Line>> {
        self.history.events(self.run, after, PAGE).await?.items.into_iter().map(Line::try_from).collect()
    }

    fn told(&self) -> watch::Receiver<()> {
        self.history.told()
    }
}

#[async_trait]
impl Feed for StatusFeed {
    type Key = ();
    type Item = Line;

    fn key(&self) {}

    fn number(item: &Line) -> u64 {
        item.number
    }

    async fn extent(&self) -> Result<Extent> {
        Ok(Extent { last: self.history.last_status_change().await?, over: false })
    }

    async fn page(&self, after: u64) -> Result<Vec<Line>> {
        self.history.status_changes(after, PAGE).await?.items.into_iter().map(Line::try_from).collect()
    }

    fn told(&self) -> watch::Receiver<()> {
        self.history.told()
    }
}
