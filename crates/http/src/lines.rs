//! Answers read line by line, in the memory of one chunk and one line.

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use serde::de::DeserializeOwned;

use crate::{
    AnswerProblem, Error,
    response::{Body, Head},
};

/// The lines of an answer as they arrive, without their line ends; empty lines are left out.
///
/// A connection that breaks is an error, not an end. One thing cannot be seen: a server that speaks HTTP/1.0, or gives
/// neither `Content-Length` nor chunks, ends a body by closing the connection. Where the system states a count, compare.
///
/// ```no_run
/// # async fn example(client: syncline_http::Client) -> Result<(), syncline_http::Error> {
/// let mut lines = client.get("result").accept("application/x-ndjson").stream().await?.lines()?;
/// while let Some(row) = lines.next_json::<serde_json::Value>().await? {
///     println!("{row}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Lines {
    head: Head,
    body: Body,
    /// What has come and was not looked at.
    chunk: Bytes,
    /// The start of a line whose end has not come.
    begun: BytesMut,
    number: u64,
    ended: bool,
}

impl Lines {
    pub(crate) fn new(head: Head, body: Body) -> Self {
        Self { head, body, chunk: Bytes::new(), begun: BytesMut::new(), number: 0, ended: false }
    }

    /// The next line; `None` at the end of the body. After an error the lines have ended.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let result = self.advance().await;
        self.ended |= result.is_err();
        result
    }

    /// The next line as JSON; errors name the line and the field.
    pub async fn next_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let Some(line) = self.next().await? else { return Ok(None) };
        match serde_json::from_slice(&line) {
            Ok(value) => Ok(Some(value)),
            Err(_) => self.head.json(&line, &format!("line {}", self.number)).map(Some),
        }
    }

    /// The number of the line that was read last, from 1, empty lines counted.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The same lines as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        stream::try_unfold(self, |mut lines| async move { Ok(lines.next().await?.map(|line| (line, lines))) })
    }

    async fn advance(&mut self) -> Result<Option<Bytes>, Error> {
        let limit_mib = self.head.client.settings.max_line_mib;
        let limit = usize::try_from(limit_mib.saturating_mul(1 << 20)).unwrap_or(usize::MAX);
        loop {
            let end = memchr::memchr(b'\n', &self.chunk);
            let part = self.chunk.split_to(end.unwrap_or(self.chunk.len()));
            if self.begun.len() + part.len() > limit {
                return Err(self.head.error(AnswerProblem::LineTooLong { line: self.number + 1, limit_mib }));
            }
            if end.is_none() && !self.ended {
                self.begun.extend_from_slice(&part);
                match self.body.chunk(&self.head).await? {
                    Some(chunk) => self.chunk = chunk,
                    None => self.ended = true,
                }
                continue;
            }
            if end.is_none() && self.begun.is_empty() {
                return Ok(None);
            }
            let mut line = if self.begun.is_empty() {
                part
            } else {
                self.begun.extend_from_slice(&part);
                self.begun.split().freeze()
            };
            if end.is_some() {
                self.chunk = self.chunk.split_off(1);
            }
            self.number += 1;
            if line.ends_with(b"\r") {
                line.truncate(line.len() - 1);
            }
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }
}
