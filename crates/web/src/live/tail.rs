//! Following a list in the database that only grows, any number of followers at once.
//!
//! A list has at most one *tail* in a process: a task that looks for what is new and hands it to whoever follows. It looks when
//! this process has written something, and four times a second for what others write. It lives as long as somebody follows and
//! the list may grow.
//!
//! A follower goes by the numbers of the items, not by what the tail hands it: before the tail it reads what is there, and
//! whenever something is missing between the last item that it told and what the tail has, it reads that from the database too.
//! So it may be as slow as it wants: nothing is lost, nothing comes twice, and nothing is kept for it.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use syncline_core::Result;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// How often it is looked for what other processes write.
const LOOK: Duration = Duration::from_millis(250);
/// How many handfuls a follower may be behind before it has to read for itself.
const BEHIND: usize = 64;

/// A list in the database that only grows. Its items are numbered upwards.
#[async_trait]
pub trait Feed: Clone + Send + Sync + 'static {
    /// What tells one list from another.
    type Key: Eq + Hash + Send;
    /// What is in it.
    type Item: Clone + Send + Sync + 'static;

    /// Which list it is.
    fn key(&self) -> Self::Key;

    /// The number of an item.
    fn number(item: &Self::Item) -> u64;

    /// How far the list goes now.
    async fn extent(&self) -> Result<Extent>;

    /// Some items behind a number, in order; none when there are none.
    async fn page(&self, after: u64) -> Result<Vec<Self::Item>>;

    /// Told when this process may have added to the list.
    fn told(&self) -> watch::Receiver<()>;
}

/// How far a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The number of the last item; 0 when there is none.
    pub last: u64,
    /// Nothing more will come.
    pub over: bool,
}

/// Items that follow one another.
struct Handful<T> {
    /// What they come behind: between this number and the first of them is nothing.
    after: u64,
    items: Vec<T>,
}

type Handfuls<F> = broadcast::Sender<Arc<Handful<<F as Feed>::Item>>>;

/// The tails of one kind of list.
pub struct Tails<F: Feed> {
    tails: Mutex<HashMap<F::Key, Handfuls<F>>>,
    /// Given when nobody is to be told anything any more.
    stop: CancellationToken,
}

/// One follower of a list.
pub struct Follower<F: Feed> {
    feed: F,
    tails: Arc<Tails<F>>,
    /// The number of the last item that was told.
    told: u64,
    ready: VecDeque<F::Item>,
    state: State<F>,
}

enum State<F: Feed> {
    /// Reads for itself what is there; with the tail that it goes on with then, once it has joined it.
    Reads(Option<broadcast::Receiver<Arc<Handful<F::Item>>>>),
    /// Has told all that there was, and waits for the tail.
    Waits(broadcast::Receiver<Arc<Handful<F::Item>>>),
    /// Has told all that there will be.
    Ended,
}

/// What a follower tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    /// The next item.
    Item(T),
    /// There are no more, and will be none.
    End,
    /// The process ends. There may be more, which another one tells.
    Stopped,
}

impl<F: Feed> Tails<F> {
    pub fn new(stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self { tails: Mutex::default(), stop })
    }

    /// Follows a list from behind a number.
    pub fn follow(self: &Arc<Self>, feed: F, after: u64) -> Follower<F> {
        let state = State::Reads(None);
        Follower { feed, tails: Arc::clone(self), told: after, ready: VecDeque::new(), state }
    }

    fn tails(&self) -> MutexGuard<'_, HashMap<F::Key, Handfuls<F>>> {
        // A map is whole whatever panicked beside it.
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the tail of a list has from now on.
    fn join(self: &Arc<Self>, feed: &F) -> broadcast::Receiver<Arc<Handful<F::Item>>> {
        let mut tails = self.tails();
        if let Some(tail) = tails.get(&feed.key()) {
            return tail.subscribe();
        }
        let (tail, joined) = broadcast::channel(BEHIND);
        tails.insert(feed.key(), tail.clone());
        drop(tails);
        tokio::spawn(run(Arc::clone(self), feed.clone(), tail));
        joined
    }

    /// Ends a tail that nobody follows. Whoever comes next makes another one.
    fn leave_if_alone(&self, feed: &F, tail: &Handfuls<F>) -> bool {
        let mut tails = self.tails();
        let alone = tail.receiver_count() == 0;
        if alone {
            tails.remove(&feed.key());
        }
        alone
    }

    fn leave(&self, feed: &F) {
        self.tails().remove(&feed.key());
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.tails().len()
    }
}

/// The tail of a list.
async fn run<F: Feed>(tails: Arc<Tails<F>>, feed: F, tail: Handfuls<F>) {
    let mut told = feed.told();
    // From where it is looked: set at the first look.
    let mut after = None;
    loop {
        told.mark_unchanged();
        match look(&feed, &mut after, &tail).await {
            Ok(false) => {}
            Ok(true) => break,
            Err(error) => tracing::warn!(error = %error.report(), "what happens cannot be followed now; trying again"),
        }
        if tails.leave_if_alone(&feed, &tail) {
            return;
        }
        tokio::select! {
            () = tails.stop.cancelled() => break,
            // The history outlives whoever follows it.
            _ = told.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    // Whoever still follows finds the tail closed, reads what it lacks, and sees that it was all.
    tails.leave(&feed);
}

/// Hands on what is new; whether that was all that there will be.
async fn look<F: Feed>(feed: &F, after: &mut Option<u64>, tail: &Handfuls<F>) -> Result<bool> {
    let extent = feed.extent().await?;
    let first = after.is_none();
    let after = after.get_or_insert(extent.last);
    if first {
        // Whoever read less before this look reads again.
        let _ = tail.send(Arc::new(Handful { after: *after, items: Vec::new() }));
    }
    while *after < extent.last {
        let items = feed.page(*after).await?;
        // Some may have been removed.
        let last = items.last().map_or(extent.last, F::number);
        // That nobody follows is no error.
        let _ = tail.send(Arc::new(Handful { after: *after, items }));
        *after = last;
    }
    Ok(extent.over)
}

impl<F: Feed> Follower<F> {
    /// The next item. Asking again after the end gives the end again; an error loses nothing.
    pub async fn next(&mut self) -> Result<Told<F::Item>> {
        loop {
            if self.tails.stop.is_cancelled() {
                return Ok(Told::Stopped);
            }
            if let Some(item) = self.ready.pop_front() {
                self.told = F::number(&item);
                return Ok(Told::Item(item));
            }
            match &mut self.state {
                State::Ended => return Ok(Told::End),
                State::Reads(_) => self.read().await?,
                State::Waits(tail) => {
                    let received = tokio::select! {
                        () = self.tails.stop.cancelled() => continue,
                        received = tail.recv() => received,
                    };
                    match received {
                        Ok(handful) if handful.after <= self.told => {
                            let told = self.told;
                            let new = handful.items.iter().filter(|item| F::number(item) > told);
                            self.ready.extend(new.cloned());
                        }
                        Ok(_) | Err(RecvError::Lagged(_)) => self.read_again(),
                        Err(RecvError::Closed) => self.state = State::Reads(None),
                    }
                }
            }
        }
    }

    fn read_again(&mut self) {
        if let State::Waits(tail) = std::mem::replace(&mut self.state, State::Ended) {
            self.state = State::Reads(Some(tail));
        }
    }

    /// Reads the next page, or finds that there is none.
    async fn read(&mut self) -> Result<()> {
        let extent = self.feed.extent().await?;
        if self.told < extent.last {
            let items = self.feed.page(self.told).await?;
            if items.is_empty() {
                // What is missing was removed.
                self.told = extent.last;
            }
            self.ready.extend(items);
            return Ok(());
        }
        // Numbers of a history that is gone.
        self.told = extent.last;
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            _ if extent.over => State::Ended,
            State::Reads(Some(tail)) => State::Waits(tail),
            // What comes between this look and the tail's first one is found by looking once more.
            _ => State::Reads(Some(self.tails.join(&self.feed))),
        };
        Ok(())
    }
}
