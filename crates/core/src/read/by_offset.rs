//! Lists that are read by offset.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Range;
use std::task::Poll;

use futures::stream::{self, FuturesOrdered, Stream, StreamExt as _};
use futures::{join, poll};

use crate::{Error, ErrorKind, Result};

/// How often a list is gone through before it is given up.
const PASSES: u32 = 4;

/// A list under way.
struct Reading<F: Future, Id> {
    pass: u32,
    size: usize,
    /// How many rows there are, as the system said before this pass; none while it was not asked.
    expected: Option<usize>,
    /// The numbers of the pages that are not asked for yet.
    numbers: Range<usize>,
    asked: FuturesOrdered<F>,
    /// Pages that came before they were wanted.
    arrived: VecDeque<F::Output>,
    /// The first row of the next page, as the last one showed it.
    next: Option<Id>,
    /// Whether every page began with the row that the one before it showed.
    fits: bool,
    /// In which pass a row was seen last.
    seen: HashMap<Id, u32>,
    /// How many rows were seen in this pass.
    came: usize,
}

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
    Row: Send + 'a,
    Id: Hash + Eq + Send + Sync + 'a,
    Page: Future<Output = Result<Vec<Row>>> + Send + 'a,
    Count: Future<Output = Result<usize>> + Send + 'a,
{
    let reading = Reading {
        pass: 1,
        size: size.max(1),
        expected: None,
        numbers: 0..1,
        asked: FuturesOrdered::new(),
        arrived: VecDeque::new(),
        next: None,
        fits: true,
        seen: HashMap::new(),
        came: 0,
    };
    let shared = (count, page, id);
    stream::try_unfold((reading, shared), move |(mut reading, shared)| async move {
        let (count, page, id) = &shared;
        loop {
            reading.ask(connections, page);
            let rows = match reading.expected {
                Some(_) if !reading.arrived.is_empty() => reading.arrived.pop_front(),
                Some(_) => reading.asked.next().await,
                None => {
                    let (counted, rows) = join!(count(), reading.asked.next());
                    reading.begins(counted?);
                    rows
                }
            };
            let Some(rows) = rows.transpose()? else {
                if reading.is_one_page() || reading.ends_with(count().await?)? {
                    return Ok(None);
                }
                continue;
            };
            let rows = reading.take(rows, id);
            // The system goes on while the caller is at work on these.
            reading.ask(connections, page);
            while let Poll::Ready(Some(next)) = poll!(reading.asked.next()) {
                reading.arrived.push_back(next);
            }
            if !rows.is_empty() {
                return Ok(Some(((rows, reading.expected), (reading, shared))));
            }
        }
    })
}

impl<F: Future, Id: Hash + Eq> Reading<F, Id> {
    /// Asks for as many further pages as may be under way.
    fn ask(&mut self, connections: usize, page: impl Fn(usize, usize) -> F) {
        while self.asked.len() + self.arrived.len() < connections.max(1)
            && let Some(number) = self.numbers.next()
        {
            self.asked.push_back(page(number * self.size, self.size + 1));
        }
    }

    /// The rows of a page that are new.
    fn take<Row>(&mut self, mut rows: Vec<Row>, id: impl Fn(&Row) -> Id) -> Vec<Row> {
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
        let count = || async { Ok(list.lock().unwrap().len() + hidden) };
        let page = |offset: usize, limit: usize| {
            let (list, pages, change) = (&list, &pages, &change);
            async move {
                let mut list = list.lock().unwrap();
                let rows = list.iter().copied().skip(offset).take(limit).collect();
                change(pages.fetch_add(1, Ordering::Relaxed), &mut list);
                Ok(rows)
            }
        };
        by_offset(size, 1, count, page, |row| *row).map_ok(|(rows, _)| rows).try_concat().await
    }

    proptest! {
        #[test]
        fn every_row_comes_once(size in 1_usize..20, rows in 0_u32..60) {
            let list: Vec<_> = (0..rows).collect();
            let read = futures::executor::block_on(read(size, list.clone(), 0, |_, _| {})).unwrap();
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
            let read = futures::executor::block_on(read(size, (0..30).collect(), 0, |number, list: &mut Vec<u32>| {
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
            async { Ok(Vec::<u32>::new()) }
        };
        let read = by_offset(3, 1, || async { Ok(1) }, page, |row| *row).try_collect::<Vec<_>>().await;
        assert!(read.is_err());
        assert_eq!(*sizes.lock().unwrap(), [3, 2, 1, 1]);
    }

    /// A request that has not begun is one that the system does not work at.
    #[tokio::test]
    async fn the_next_pages_are_asked_for_before_the_rows_are_handed_over() {
        let begun = AtomicUsize::new(0);
        let page = |offset: usize, limit: usize| {
            let begun = &begun;
            async move {
                begun.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok((offset..10).take(limit).collect::<Vec<_>>())
            }
        };
        let mut pages = std::pin::pin!(by_offset(2, 2, || async { Ok(10) }, page, |row| *row));
        let mut seen = Vec::new();
        while let Some((rows, _)) = pages.try_next().await.unwrap() {
            seen.push((rows[0], begun.load(Ordering::Relaxed)));
        }
        assert_eq!(seen, [(0, 3), (2, 4), (4, 5), (6, 5), (8, 5)]);
    }

    #[tokio::test]
    async fn a_list_of_one_page_is_counted_once() {
        let counts = AtomicUsize::new(0);
        let count = || async {
            counts.fetch_add(1, Ordering::Relaxed);
            Ok(3)
        };
        let page = |offset: usize, limit: usize| async move { Ok((offset..3).take(limit).collect::<Vec<_>>()) };
        let read = by_offset(3, 2, count, page, |row| *row).map_ok(|(rows, _)| rows).try_concat().await.unwrap();
        assert_eq!((read, counts.into_inner()), (vec![0, 1, 2], 1));
    }

    #[tokio::test]
    async fn a_row_that_never_comes_is_told() {
        let error = read(4, (0..10).collect(), 1, |_, _| {}).await.unwrap_err();
        insta::assert_snapshot!(error, @"10 of 11 came in the last of 4 attempts: they change meanwhile, or some cannot be seen");
    }
}
