//! Lists that are read by offset.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, Stream};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::{Error, ErrorKind, Result};

/// How often a list is gone through before it is given up.
const PASSES: u32 = 4;

/// A list under way.
struct Reading<Row, Id> {
    pass: u32,
    size: usize,
    /// How many rows there are, as the system said before this pass; none while it was not asked.
    expected: Option<usize>,
    /// The numbers of the pages that are not asked for yet.
    numbers: Range<usize>,
    pages: Pages<Row>,
    /// How many rows there are now that the last page of the pass has come: asked while its rows are taken.
    counted: Option<Task<usize>>,
    /// The first row of the next page, as the last one showed it.
    next: Option<Id>,
    /// Whether every page began with the row that the one before it showed.
    fits: bool,
    /// In which pass a row was seen last.
    seen: HashMap<Id, u32>,
    /// How many rows were seen in this pass.
    came: usize,
}

/// Pages that are under way or wait to be taken, in order. Each is a task of its own: one that comes is read, and the next is asked for,
/// while the rows of another are taken.
struct Pages<Row> {
    asked: VecDeque<Task<Vec<Row>>>,
    /// How many may be under way at once.
    turns: Arc<Semaphore>,
    /// How many may be here at once, those under way among them.
    ahead: usize,
}

/// A request that is under way whether somebody waits for it or not, and no longer than somebody may.
struct Task<T>(AbortOnDropHandle<Result<T>>);

/// The rows of a list whose pages are asked for by offset and limit, each row once, page by page, with so many rows a page and so many
/// pages at once. `count` asks the system how many there are, beside the first page; that is told with the rows.
///
/// Such pages shift when somebody writes meanwhile, and where the system's order leaves some rows equal, two pages can show the same
/// one and another shows none. So each page is asked for with one row more than it has, which has to be the first of the next page; the
/// rows have to be as many as the system counts before and, of several pages, after; and where something does not fit, the list is gone through again with
/// smaller pages, which end elsewhere. A list that never fits ends with an error.
pub fn by_offset<'a, Row, Id, Page, Count>(
    size: usize,
    connections: usize,
    count: impl Fn() -> Count + Send + Sync + 'a,
    page: impl Fn(usize, usize) -> Page + Send + Sync + 'a,
    id: impl Fn(&Row) -> Id + Send + Sync + 'a,
) -> impl Stream<Item = Result<(Vec<Row>, Option<usize>)>> + Send + 'a
where
    Row: Send + 'static,
    Id: Hash + Eq + Send + Sync + 'a,
    Page: Future<Output = Result<Vec<Row>>> + Send + 'static,
    Count: Future<Output = Result<usize>> + Send + 'static,
{
    let connections = connections.max(1);
    let turns = Arc::new(Semaphore::new(connections));
    let reading = Reading {
        pass: 1,
        size: size.max(1),
        expected: None,
        numbers: 0..1,
        pages: Pages { asked: VecDeque::new(), turns, ahead: 2 * connections },
        counted: None,
        next: None,
        fits: true,
        seen: HashMap::new(),
        came: 0,
    };
    let shared = (count, page, id);
    stream::try_unfold((reading, shared), |(mut reading, shared)| async {
        let (count, asks, id) = &shared;
        loop {
            reading.ask(asks);
            if reading.expected.is_none() {
                // Beside the first page; the others wait for it no longer than for this.
                reading.begins(count().await?);
                reading.ask(asks);
            }
            let Some(page) = reading.pages.asked.pop_front() else {
                let is_over = match reading.counted.take() {
                    Some(counted) => reading.ends_with(counted.end().await?)?,
                    None => true,
                };
                if is_over {
                    return Ok(None);
                }
                continue;
            };
            let rows = page.end().await?;
            // The system goes on while the caller is at work on these.
            reading.ask(asks);
            let rows = reading.take(rows, id);
            if reading.pages.asked.is_empty() && !reading.is_one_page() {
                reading.counted = Some(Task::start(count()));
            }
            if !rows.is_empty() {
                return Ok(Some(((rows, reading.expected), (reading, shared))));
            }
        }
    })
}

impl<T: Send + 'static> Task<T> {
    fn start(request: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self(AbortOnDropHandle::new(tokio::spawn(request.in_current_span())))
    }

    async fn end(self) -> Result<T> {
        self.0.await.unwrap_or_else(|ended| match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(ended) => Err(Error::new(ErrorKind::Cancelled, "the process ends").caused_by(ended)),
        })
    }
}

impl<Row: Send + 'static> Pages<Row> {
    /// Asks for a page as soon as it may be.
    fn ask(&mut self, page: impl Future<Output = Result<Vec<Row>>> + Send + 'static) {
        let turns = Arc::clone(&self.turns);
        self.asked.push_back(Task::start(async move {
            let _turn = turns.acquire_owned().await;
            page.await
        }));
    }
}

impl<Row: Send + 'static, Id: Hash + Eq> Reading<Row, Id> {
    /// Asks for as many further pages as may be here.
    fn ask<F>(&mut self, page: impl Fn(usize, usize) -> F)
    where
        F: Future<Output = Result<Vec<Row>>> + Send + 'static,
    {
        while self.pages.asked.len() < self.pages.ahead
            && let Some(number) = self.numbers.next()
        {
            self.pages.ask(page(number * self.size, self.size + 1));
        }
    }

    /// The rows of a page that are new.
    fn take(&mut self, mut rows: Vec<Row>, id: impl Fn(&Row) -> Id) -> Vec<Row> {
        let first = rows.first().map(&id);
        self.fits &= self.next.take().is_none_or(|next| first.is_some_and(|first| first == next));
        self.next = rows.get(self.size).map(&id);
        rows.truncate(self.size);
        rows.retain(|row| {
            let before = self.seen.insert(id(row), self.pass);
            self.came += usize::from(before != Some(self.pass));
            before.is_none()
        });
        rows
    }

    /// The first page is there; the others follow.
    fn begins(&mut self, counted: usize) {
        self.expected = Some(counted);
        self.numbers = 1..counted.div_ceil(self.size).max(1);
    }

    /// Whether everything came at once: nothing can have shifted then, and nothing has to be counted again.
    fn is_one_page(&self) -> bool {
        self.expected.is_some_and(|expected| expected <= self.size && expected == self.came) && self.next.is_none()
    }

    /// Whether the list was read to its end; if not, the next pass begins.
    fn ends_with(&mut self, counted: usize) -> Result<bool> {
        if self.fits && self.next.is_none() && self.expected == Some(counted) && self.came == counted {
            return Ok(true);
        }
        if self.pass == PASSES {
            let message = format!(
                "{} of {counted} came in the last of {PASSES} attempts: they change meanwhile, or some cannot be seen",
                self.came
            );
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        self.size = (self.size - self.size.div_ceil(10)).max(1);
        self.pass += 1;
        (self.expected, self.came, self.next, self.fits) = (Some(counted), 0, None, true);
        self.numbers = 0..counted.div_ceil(self.size).max(1);
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::pin;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::TryStreamExt as _;
    use proptest::prelude::*;

    use super::*;

    /// Reads a list that `change` changes after each page; `hidden` of the counted rows never come.
    async fn read(
        size: usize,
        list: Vec<u32>,
        hidden: usize,
        change: impl Fn(usize, &mut Vec<u32>) + Sync,
    ) -> Result<Vec<u32>> {
        let (list, pages) = (Mutex::new(list), AtomicUsize::new(0));
        let count = || ready(Ok(list.lock().unwrap().len() + hidden));
        let page = |offset: usize, limit: usize| {
            let mut list = list.lock().unwrap();
            let rows = list.iter().copied().skip(offset).take(limit).collect();
            change(pages.fetch_add(1, Ordering::Relaxed), &mut list);
            ready(Ok(rows))
        };
        by_offset(size, 1, count, page, |row| *row).map_ok(|(rows, _)| rows).try_concat().await
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn every_row_comes_once(size in 1_usize..20, rows in 0_u32..60) {
            let list: Vec<_> = (0..rows).collect();
            let read = block_on(read(size, list.clone(), 0, |_, _| {})).unwrap();
            prop_assert_eq!(read, list);
        }

        #[test]
        fn what_stays_is_never_missed(size in 1_usize..6, gone in prop::collection::vec(0_usize..30, 0..4), page in 0_usize..4) {
            let change = |number: usize, list: &mut Vec<u32>| {
                if number == page {
                    for at in &gone {
                        list.remove(*at % list.len());
                        list.push(100 + u32::try_from(list.len()).unwrap());
                    }
                }
            };
            let left = Mutex::new(Vec::new());
            let read = block_on(read(size, (0..30).collect(), 0, |number, list: &mut Vec<u32>| {
                change(number, list);
                left.lock().unwrap().clone_from(list);
            }));
            if let Ok(read) = read {
                for row in left.lock().unwrap().iter().filter(|row| **row < 30) {
                    prop_assert!(read.contains(row), "{} is missing", row);
                }
            }
        }
    }

    #[tokio::test]
    async fn small_pages_end_elsewhere_the_next_time() {
        let sizes = Mutex::new(Vec::new());
        let page = |_, limit: usize| {
            sizes.lock().unwrap().push(limit - 1);
            ready(Ok(Vec::<u32>::new()))
        };
        let read = by_offset(3, 1, || ready(Ok(1)), page, |row| *row).try_collect::<Vec<_>>().await;
        assert!(read.is_err());
        assert_eq!(*sizes.lock().unwrap(), [3, 2, 1, 1]);
    }

    /// A system of ten rows, of which two pages of two are read at once, and that tells how many are, and how many were at most.
    #[derive(Clone, Default)]
    struct System(Arc<[AtomicUsize; 3]>);

    impl System {
        async fn page(self, offset: usize, limit: usize) -> Result<Vec<usize>> {
            let [begun, under_way, most] = &*self.0;
            begun.fetch_add(1, Ordering::Relaxed);
            most.fetch_max(under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            under_way.fetch_sub(1, Ordering::Relaxed);
            Ok((offset..10).take(limit).collect())
        }

        fn read(&self) -> impl Stream<Item = Result<(Vec<usize>, Option<usize>)>> {
            let system = self.clone();
            by_offset(2, 2, || ready(Ok(10)), move |offset, limit| system.clone().page(offset, limit), |row| *row)
        }
    }

    #[tokio::test]
    async fn the_next_pages_come_while_the_rows_of_one_are_taken() {
        let system = System::default();
        let [begun, under_way, most] = &*system.0;
        {
            let mut pages = pin!(system.read());
            assert_eq!(pages.try_next().await.unwrap().unwrap().0, [0, 1]);
            // Whoever takes rows waits for something else, and asks for no page meanwhile.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert_eq!(begun.load(Ordering::Relaxed), 5, "the first, and as many again as may be under way");
            let rest = pages.map_ok(|(rows, _)| rows).try_concat().await.unwrap();
            assert_eq!(rest, (2..10).collect::<Vec<_>>());
        }
        assert_eq!((under_way.load(Ordering::Relaxed), most.load(Ordering::Relaxed)), (0, 2));
    }

    #[tokio::test]
    async fn a_read_that_is_given_up_asks_for_nothing_more() {
        let system = System::default();
        let begun = || system.0[0].load(Ordering::Relaxed);
        {
            let mut pages = pin!(system.read());
            pages.try_next().await.unwrap();
        }
        let then = begun();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(begun(), then);
    }

    #[tokio::test]
    async fn a_list_of_one_page_is_counted_once() {
        let counts = AtomicUsize::new(0);
        let count = || {
            counts.fetch_add(1, Ordering::Relaxed);
            ready(Ok(3))
        };
        let page = |offset: usize, limit: usize| ready(Ok((offset..3).take(limit).collect::<Vec<_>>()));
        let read = by_offset(3, 2, count, page, |row| *row).map_ok(|(rows, _)| rows).try_concat().await.unwrap();
        assert_eq!((read, counts.into_inner()), (vec![0, 1, 2], 1));
    }

    #[tokio::test]
    async fn a_row_that_never_comes_is_told() {
        let error = read(4, (0..10).collect(), 1, |_, _| {}).await.unwrap_err();
        insta::assert_snapshot!(error, @"10 of 11 came in the last of 4 attempts: they change meanwhile, or some cannot be seen");
    }
}
