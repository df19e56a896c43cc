//! Rows as one stream of lines. A stream that breaks is taken up at the row where it broke.

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use syncline_http::Bytes;

use super::execution::Computed;
use super::seen::Seen;
use super::{Reader, Row};
use crate::error::{Error, Problem};

/// How often in a row a stream may break without having given a row.
const FRUITLESS: u32 = 4;
/// How often it may break in all.
const BREAKS: u32 = 100;

/// The rows of a computed result, line by line.
pub(super) struct Lines {
    reader: Reader,
    computed: Computed,
    stream: Option<syncline_http::Lines>,
    received: u64,
    breaks: u32,
    fruitless: u32,
    seen: Seen,
    ended: bool,
}

impl Lines {
    /// Opens the result; none when the server does not write it in lines.
    pub async fn open(reader: &Reader, computed: &Computed) -> Result<Option<Self>, Error> {
        let mut opened = Self {
            reader: reader.clone(),
            computed: computed.clone(),
            stream: None,
            received: 0,
            breaks: 0,
            fruitless: 0,
            seen: Seen::default(),
            ended: false,
        };
        Ok(if opened.connect().await? { Some(opened) } else { None })
    }

    /// The next row; none after the last, when their number is right.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<Row<T>>, Error> {
        while !self.ended {
            let Some(lines) = &mut self.stream else {
                if !self.connect().await? {
                    return Err(Problem::Protocol("the server stopped to write the result in lines".to_owned()).into());
                }
                continue;
            };
            match lines.next().await {
                Ok(Some(line)) => match serde_json::from_slice::<T>(&line) {
                    Ok(row) => {
                        self.count(&line)?;
                        return Ok(Some(Row::Good(row)));
                    }
                    Err(error) if error.classify() == Category::Data => {
                        self.count(&line)?;
                        return Ok(Some(Row::bad(&line)));
                    }
                    // Half a row: the stream broke, though its end looked like any other.
                    Err(_) => self.broken("a line of the result is cut")?,
                },
                Ok(None) => self.end().await?,
                Err(error @ syncline_http::Error::Answer(_)) => {
                    let why = Error::of(error).to_string();
                    self.broken(&why)?;
                }
                Err(error) => return Err(Error::of(error)),
            }
        }
        Ok(None)
    }

    async fn connect(&mut self) -> Result<bool, Error> {
        let stream = self.computed.stream(&self.reader, self.received).await?;
        let kind = stream.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if !["ndjson", "jsonl", "json-seq"].iter().any(|name| kind.contains(name)) {
            return Ok(false);
        }
        self.stream = Some(stream.lines().map_err(Error::of)?);
        Ok(true)
    }

    fn count(&mut self, line: &Bytes) -> Result<(), Error> {
        self.received += 1;
        self.fruitless = 0;
        if self.received > self.reader.limits.max_rows {
            return Err(self.reader.too_many(self.received));
        }
        if !self.seen.is_new(line) && self.breaks > 0 {
            let what = format!("row {} came before the stream broke, too; rows are not in one order", self.received);
            return Err(Problem::Paging(what).into());
        }
        Ok(())
    }

    /// The stream ended as if all were well: the number of rows tells whether it is.
    async fn end(&mut self) -> Result<(), Error> {
        let rows = if let Some(rows) = self.computed.rows {
            rows
        } else {
            // Asking for what comes after the last row gives the total, and no row.
            let page = self.computed.page(&self.reader, self.received, 1).await?;
            page.total.ok_or_else(|| {
                Problem::Paging("neither the execution nor its result say how many rows there are".to_owned())
            })?
        };
        self.computed.rows = Some(rows);
        if self.received > rows {
            let what = format!("{} rows came, and the server says that there are {rows}", self.received);
            return Err(Problem::Paging(what).into());
        }
        if self.received == rows {
            self.ended = true;
            return Ok(());
        }
        self.broken(&format!("the stream ended after {} of {rows} rows", self.received))
    }

    fn broken(&mut self, why: &str) -> Result<(), Error> {
        self.stream = None;
        self.breaks += 1;
        self.fruitless += 1;
        if self.fruitless >= FRUITLESS || self.breaks >= BREAKS {
            let of = self.computed.rows.map_or(String::new(), |rows| format!(" of {rows}"));
            return Err(Problem::Paging(format!(
                "the stream broke {} times, the last time after {}{of} rows ({why})",
                self.breaks, self.received
            ))
            .into());
        }
        tracing::debug!(rows = self.received, "a stream of rows broke and is taken up: {why}");
        Ok(())
    }
}
