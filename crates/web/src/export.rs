//! Lists as files: read page by page while they are sent, so that a long one takes no more memory than a page.

use std::future::Future;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::{Error, ErrorKind, Result};

use crate::Problem;

/// How many items are read at once.
pub const PAGE: u64 = 500;

/// How a list is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// Values separated by commas (RFC 4180), with the names of the columns first.
    Csv,
}

impl Format {
    /// The kind of content.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// What was written of the next page, and what reads the ones behind it.
type Step<F, C> = Result<Option<(Bytes, (F, Option<C>))>>;

/// A file of all pages. `page` writes the page behind a place, and tells where the next one starts. The first one is read before anything
/// is answered. When a later one cannot be read, the answer breaks off, which a client can tell from its end.
pub async fn answer<C, P, F>(name: &str, format: Format, page: F) -> std::result::Result<Response, Problem>
where
    C: Send + 'static,
    P: Future<Output = Result<(Vec<u8>, Option<C>)>> + Send,
    F: Fn(Option<C>) -> P + Send + 'static,
{
    let (first, next) = page(None).await?;
    let rest = stream::try_unfold((page, next), async |(page, next)| -> Step<F, C> {
        let Some(place) = next else { return Ok(None) };
        let (written, next) = page(Some(place)).await?;
        Ok(Some((written.into(), (page, next))))
    });
    let all = stream::once(async move { Ok(Bytes::from(first)) }).chain(rest);
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{}\"", format.ending())),
    ];
    Ok((headers, Body::from_stream(all)).into_response())
}

/// Items, each on a line.
pub fn ndjson<T: Serialize>(items: &[T]) -> Result<Vec<u8>> {
    let mut written = Vec::new();
    for item in items {
        serde_json::to_writer(&mut written, item)
            .map_err(|cause| Error::new(ErrorKind::Internal, "an item is no JSON").caused_by(cause))?;
        written.push(b'\n');
    }
    Ok(written)
}

/// One row. Texts that a spreadsheet would take for a formula begin with an apostrophe, which it does not show.
pub fn csv_row(values: &[String]) -> Vec<u8> {
    let value = |value: &String| {
        let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let value = if is_formula { format!("'{value}") } else { value.clone() };
        if value.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value }
    };
    let mut row = values.iter().map(value).collect::<Vec<_>>().join(",");
    row.push_str("\r\n");
    row.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_apart() {
        let values = ["a", "b,c", "say \"no\"", "two\nlines", "=1+1", "", "ü"].map(str::to_owned);
        let row = String::from_utf8(csv_row(&values)).unwrap();
        assert_eq!(row, "a,\"b,c\",\"say \"\"no\"\"\",\"two\nlines\",'=1+1,,ü\r\n");
    }

    #[tokio::test]
    async fn pages_are_read_one_after_another() {
        let page = |after: Option<u8>| async move {
            let number = after.unwrap_or(0);
            match number {
                3 => Err(Error::new(ErrorKind::Storage, "the disk is gone")),
                _ => Ok((vec![b'0' + number], Some(number + 1))),
            }
        };
        let answered = answer("log", Format::Ndjson, page).await.unwrap();
        assert_eq!(answered.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"log.ndjson\"");
        let parts: Vec<_> = answered.into_body().into_data_stream().collect().await;
        let sent: Vec<_> = parts.iter().filter_map(|part| part.as_ref().ok()).flatten().copied().collect();
        assert_eq!((sent.as_slice(), parts.last().unwrap().is_err()), (b"012".as_slice(), true));
        let refused =
            answer("log", Format::Csv, async |_: Option<u8>| Err(Error::new(ErrorKind::Storage, "gone"))).await;
        assert!(refused.is_err());
    }
}
