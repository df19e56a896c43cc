//! Reading a list to its end by key ranges, and proving that it was the end.
//!
//! Ids grow and never change, so a range of ids is a stable part of a list whatever is written meanwhile: a row that is
//! there throughout is read exactly once. The ranges are read side by side. REST's own count before and after is the
//! witness: GraphQL answers an empty list with 200 when a right is missing.

use std::collections::BTreeSet;

use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use syncline_core::read::ReadRequest;
use syncline_core::{Error, ErrorKind, Result};

use crate::client::ReadClient;
use crate::rows::{BareRow, Id, Row};
use crate::tables::{Column, Kind, Table};

/// The field whose value costs NetBox a look at all contexts for each object.
const CONFIG_CONTEXT: &str = "config_context";

/// Ranges a connection: enough that none is left idle when ids are spread unevenly.
const WINDOWS_PER_CONNECTION: u64 = 4;

/// A list on its way to be read.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub client: &'a ReadClient,
    /// The read that it belongs to, which may be cancelled; none for a look on the way.
    pub request: Option<&'a ReadRequest>,
    pub table: &'static Table,
    pub columns: &'a [&'static Column],
}

/// The rows of a list, page by page, to a proven end.
pub(super) struct Rows<'a, R> {
    list: List<'a>,
    pages: Option<BoxStream<'a, Result<Vec<R>>>>,
    extent: Extent,
    ids: Vec<u64>,
}

/// What REST knows of a list: whether it may be read at all, how long it is and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub count: u64,
    pub last: u64,
}

/// A range of ids: from `start` on, up to but without `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    start: u64,
    end: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct OnlyId {
    id: Id,
}

impl<'a, R: Row> Rows<'a, R> {
    /// The rows of a list of this extent.
    pub fn new(list: List<'a>, extent: Extent) -> Self {
        Self { list, pages: Some(list.pages(extent).boxed()), extent, ids: Vec::new() }
    }

    /// The next page; none when everything that there is was read. That it was not is an error.
    pub async fn next(&mut self) -> Result<Option<Vec<R>>> {
        let Some(pages) = &mut self.pages else { return Ok(None) };
        if let Some(page) = pages.next().await {
            let page = page?;
            self.ids.extend(page.iter().map(Row::id));
            return Ok(Some(page));
        }
        self.pages = None;
        let before = self.extent.count;
        let after = self.list.extent().await?.count;
        let read = self.ids.len() as u64;
        if (before.min(after)..=before.max(after)).contains(&read) {
            return Ok(None);
        }
        self.rest().await.map(Some)
    }

    /// The rows that the counts say are missing. Somebody writes meanwhile, or the server cut a page: the ids tell.
    async fn rest(&mut self) -> Result<Vec<R>> {
        self.ids.sort_unstable();
        let missing = self.list.missing(&self.ids).await?;
        let rows: Vec<R> = self.list.rows(&missing).await?;
        self.ids.extend(rows.iter().map(Row::id));
        let (read, counted) = (self.ids.len() as u64, self.list.extent().await?.count);
        if rows.len() < missing.len() || read < counted {
            let plural = self.list.table.schema.plural;
            let message = format!("NetBox counts {counted} {plural} but gave {read}; is it written to meanwhile?");
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        Ok(rows)
    }
}

impl<'a> List<'a> {
    /// Asks REST for the extent. A missing right is an error here, never an empty list.
    pub async fn extent(self) -> Result<Extent> {
        let query = [("limit", "1".to_owned()), ("ordering", "-id".to_owned()), ("fields", "id".to_owned())];
        let page = self.client.list::<OnlyId>(self.table, &query).await.map_err(|error| self.named(error))?;
        let count = page.count.ok_or_else(|| {
            let message = format!("NetBox did not say how many {} there are", self.table.schema.plural);
            Error::new(ErrorKind::Protocol, message)
        })?;
        Ok(Extent { count, last: page.results.first().map_or(0, |row| row.id.0) })
    }

    /// Every row, page by page, in no order over the ranges.
    pub fn pages<R: Row>(self, extent: Extent) -> impl Stream<Item = Result<Vec<R>>> + 'a {
        let windows = windows(extent, u64::from(self.client.page_size()), self.client.connections() as u64);
        let streams = windows.into_iter().map(move |window| self.window::<R>(window, extent.last).boxed());
        stream::iter(streams).flatten_unordered(self.client.connections())
    }

    /// The rows of some ids. More rows than were asked for are left out.
    pub async fn rows<R: Row>(self, ids: &[u64]) -> Result<Vec<R>> {
        let filters: Vec<_> = ids.iter().map(|id| vec![("id", id.to_string())]).collect();
        let mut fixed = vec![("fields", self.rest_fields())];
        fixed.extend(self.left_out());
        let rows: Vec<R> = self.client.list_by(self.table, &fixed, &filters).await?;
        let wanted: BTreeSet<_> = ids.iter().copied().collect();
        Ok(rows.into_iter().filter(|row| wanted.contains(&row.id())).collect())
    }

    /// The rows of some ids, by GraphQL where it can.
    pub async fn current<R: Row>(self, ids: &[u64]) -> Result<Vec<R>> {
        if !self.client.uses_graphql() {
            return self.rows(ids).await;
        }
        let query = format!(
            "query($ids:[ID!]!){{{}(filters:{{id:{{in_list:$ids}}}},pagination:{{start:0,limit:1000}}){{{}}}}}",
            self.table.list,
            self.graphql_fields()
        );
        let mut found: Vec<R> = Vec::with_capacity(ids.len());
        for ids in ids.chunks(1000) {
            let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
            match self.client.graphql(self.table.list, &query, json!({ "ids": ids })).await {
                Ok(rows) => found.extend(rows),
                Err(error) if error.kind().ends_a_read() => return Err(error),
                Err(_) => {}
            }
        }
        // Absence is asked for once more where a missing right is told from an empty list.
        let here: BTreeSet<_> = found.iter().map(Row::id).collect();
        let missing: Vec<_> = ids.iter().copied().filter(|id| !here.contains(id)).collect();
        if !missing.is_empty() {
            found.extend(self.rows::<R>(&missing).await?);
        }
        Ok(found)
    }

    /// The ids that are in the list but not among `read`, which is sorted.
    pub async fn missing(self, read: &[u64]) -> Result<Vec<u64>> {
        let extent = self.extent().await?;
        let bare = Self { columns: &[], ..self };
        let mut missing = Vec::new();
        let mut pages = std::pin::pin!(bare.pages::<BareRow>(extent));
        while let Some(page) = pages.next().await {
            missing.extend(page?.iter().map(Row::id).filter(|id| read.binary_search(id).is_err()));
        }
        Ok(missing)
    }

    fn window<R: Row>(self, window: Window, last: u64) -> impl Stream<Item = Result<Vec<R>>> + 'a {
        stream::try_unfold(Some(window), move |rest| async move {
            let Some(window) = rest else { return Ok(None) };
            self.request.map_or(Ok(()), ReadRequest::ensure_running)?;
            let rows = self.page::<R>(window).await.map_err(|error| self.named(error))?;
            let next =
                after(&rows, window, last, self.client.page_size() as usize).map_err(|error| self.named(error))?;
            Ok(Some((rows, next)))
        })
    }

    async fn page<R: Row>(self, window: Window) -> Result<Vec<R>> {
        // GraphQL tells of objects in custom fields their ids only, and before NetBox 4.6 it makes each config context by a query
        // of its own.
        let has_data = self.columns.iter().any(|column| column.kind == Kind::Json);
        if self.client.uses_graphql() && !has_data {
            match self.graphql_page(window).await {
                Err(error) if !error.kind().ends_a_read() && error.kind() != ErrorKind::Remote => {
                    tracing::warn!(model = self.table.schema.name, "{}; reading by REST instead", error.report());
                    self.client.give_up_graphql();
                }
                answer => return answer,
            }
        }
        self.rest_page(window).await
    }

    async fn graphql_page<R: Row>(self, window: Window) -> Result<Vec<R>> {
        let (list, fields, limit) = (self.table.list, self.graphql_fields(), self.client.page_size());
        let (query, variables) = match window.end {
            Some(end) => (
                format!(
                    "query($start:Int!,$end:ID!){{{list}(filters:{{id:{{lt:$end}}}},\
                     pagination:{{start:$start,limit:{limit}}}){{{fields}}}}}"
                ),
                json!({"start": window.start, "end": end.to_string()}),
            ),
            None => (
                format!("query($start:Int!){{{list}(pagination:{{start:$start,limit:{limit}}}){{{fields}}}}}"),
                json!({"start": window.start}),
            ),
        };
        self.client.graphql(list, &query, variables).await
    }

    async fn rest_page<R: Row>(self, window: Window) -> Result<Vec<R>> {
        let mut query = vec![
            ("limit", self.client.page_size().to_string()),
            ("ordering", "id".to_owned()),
            ("id__gte", window.start.to_string()),
            ("fields", self.rest_fields()),
        ];
        query.extend(self.left_out());
        if let Some(end) = window.end {
            query.push(("id__lt", end.to_string()));
        }
        Ok(self.client.list(self.table, &query).await?.results)
    }

    fn graphql_fields(self) -> String {
        let mut fields = vec!["id".to_owned(), "last_updated".to_owned()];
        fields.extend(self.columns.iter().map(|column| column.graphql()));
        fields.join(" ")
    }

    fn rest_fields(self) -> String {
        let mut fields = vec!["id".to_owned(), "last_updated".to_owned()];
        fields.extend(self.columns.iter().flat_map(|column| column.rest()));
        fields.join(",")
    }

    /// What REST makes for every row although nobody asks for it, unless it is told not to.
    fn left_out(self) -> Option<(&'static str, String)> {
        let contexts = |columns: &[&Column]| columns.iter().any(|column| column.field == CONFIG_CONTEXT);
        let made = self.table.column(CONFIG_CONTEXT).is_some() && !contexts(self.columns);
        made.then(|| ("exclude", CONFIG_CONTEXT.to_owned()))
    }

    fn named(self, error: Error) -> Error {
        if error.kind() == ErrorKind::Forbidden {
            let message = format!(
                "the token lacks the permission `{}`, so {} cannot be read",
                self.table.view_permission(),
                self.table.schema.plural
            );
            return Error::new(ErrorKind::Forbidden, message);
        }
        error.with("model", self.table.schema.name)
    }
}

/// What is left of a window after a page of it; none when it is read to its end. A page that does not continue the one
/// before is an error.
fn after<R: Row>(rows: &[R], window: Window, last: u64, page_size: usize) -> Result<Option<Window>> {
    let mut expected = window.start;
    for row in rows {
        let id = row.id();
        if id < expected || window.end.is_some_and(|end| id >= end) {
            let message =
                format!("NetBox answered a page out of order: id {id} where {expected} or more was asked for");
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        expected = id + 1;
    }
    // A page may be short because the server allows no longer ones: the end is where ids say it is.
    let at_end = match window.end {
        Some(end) => expected >= end,
        None => rows.len() < page_size && expected > last,
    };
    Ok((!rows.is_empty() && !at_end).then_some(Window { start: expected, end: window.end }))
}

/// Cuts the ids into ranges. The last one is open: what is created meanwhile belongs to it.
fn windows(extent: Extent, page_size: u64, connections: u64) -> Vec<Window> {
    let pieces = (extent.count / page_size.max(1)).clamp(1, connections * WINDOWS_PER_CONNECTION);
    let span = (extent.last / pieces).max(1);
    let starts: Vec<u64> = (0..pieces).map(|piece| piece * span).collect();
    let ends = starts.iter().skip(1).copied().map(Some).chain(std::iter::once(None));
    starts.iter().zip(ends).map(|(start, end)| Window { start: *start, end }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: &[u64]) -> Vec<BareRow> {
        ids.iter().map(|id| serde_json::from_value(json!({"id": id})).unwrap()).collect()
    }

    #[test]
    fn windows_cover_every_id_once() {
        for (count, last, connections) in [(0, 0, 2), (1, 1, 2), (999, 999, 4), (5_000, 9_999, 2), (76_000, 80_375, 2)]
        {
            let windows = windows(Extent { count, last }, 1000, connections);
            assert_eq!(windows[0].start, 0);
            assert_eq!(windows.last().unwrap().end, None);
            for pair in windows.windows(2) {
                assert_eq!(pair[0].end, Some(pair[1].start));
                assert!(pair[0].start < pair[1].start);
            }
        }
    }

    #[test]
    fn a_window_ends_where_its_ids_end() {
        let closed = Window { start: 0, end: Some(10) };
        assert_eq!(after(&rows(&[3, 9]), closed, 50, 1000).unwrap(), None);
        assert_eq!(after(&rows(&[3, 5]), closed, 50, 1000).unwrap(), Some(Window { start: 6, end: Some(10) }));
        assert_eq!(after(&rows(&[]), closed, 50, 1000).unwrap(), None);
        let open = Window { start: 10, end: None };
        assert_eq!(after(&rows(&[50]), open, 50, 1000).unwrap(), None);
        assert_eq!(after(&rows(&[49]), open, 50, 1000).unwrap(), Some(Window { start: 50, end: None }));
    }

    #[test]
    fn a_repeated_page_is_noticed() {
        let error = after(&rows(&[1, 2]), Window { start: 3, end: None }, 9, 2).unwrap_err();
        insta::assert_snapshot!(error, @"NetBox answered a page out of order: id 1 where 3 or more was asked for");
        assert!(after(&rows(&[4, 4]), Window { start: 3, end: None }, 9, 2).is_err());
    }
}
