//! One record on one line.
//!
//! `{"key":["atl"],<tab>"record":{…},<tab>"native":{…}}` is an ordinary JSON object: a tab between its members is white
//! space to JSON, and inside a JSON string a tab is always escaped. So a line is read by `jq` and split by looking for
//! two bytes.

use memchr::memchr;

use crate::native::Native;
use crate::{Error, ErrorKind, Result};

const KEY: &[u8] = b"{\"key\":";
const RECORD: &[u8] = b"\t\"record\":";
const NATIVE: &[u8] = b"\t\"native\":";

/// The parts of a line, as canonical JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The key, a JSON array.
    pub key: &'a [u8],
    /// The compared part, a JSON object.
    pub record: &'a [u8],
    /// The uncompared part, a JSON object, if there is one.
    pub native: Option<&'a [u8]>,
}

impl<'a> Line<'a> {
    /// Splits a line, with or without its line break.
    pub fn split(line: &'a [u8]) -> Result<Self> {
        Self::try_split(line.strip_suffix(b"\n").unwrap_or(line)).ok_or_else(|| {
            let start = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
            Error::new(ErrorKind::Storage, format!("a snapshot holds a line that is no record: `{start}`"))
        })
    }

    /// The compared part by field.
    pub fn fields(&self) -> Result<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_slice(self.record).map_err(unreadable)
    }

    /// The record's handle, if it has one.
    pub fn handle(&self) -> Result<Option<Native>> {
        self.native.map(serde_json::from_slice).transpose().map_err(unreadable)
    }

    fn try_split(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"}")?.strip_prefix(KEY)?;
        let (key, rest) = cut(line, RECORD)?;
        if memchr(b'\t', rest).is_none() {
            return Some(Self { key, record: rest, native: None });
        }
        let (record, native) = cut(rest, NATIVE)?;
        Some(Self { key, record, native: Some(native) })
    }

    /// Appends the line with its line break to `out`. `key` and `record` write their part.
    pub fn write(
        out: &mut Vec<u8>,
        key: impl FnOnce(&mut Vec<u8>),
        record: impl FnOnce(&mut Vec<u8>),
        native: Option<&[u8]>,
    ) -> KeyRange {
        let start = out.len();
        out.extend_from_slice(KEY);
        let key_start = out.len();
        key(out);
        let key_end = out.len();
        out.push(b',');
        out.extend_from_slice(RECORD);
        record(out);
        if let Some(native) = native {
            out.push(b',');
            out.extend_from_slice(NATIVE);
            out.extend_from_slice(native);
        }
        out.extend_from_slice(b"}\n");
        KeyRange { start, key_start, key_end, end: out.len() }
    }
}

/// Where a written line and its key lie in the buffer.
#[derive(Debug, Clone, Copy)]
pub struct KeyRange {
    /// Start of the line.
    pub start: usize,
    /// Start of the key.
    pub key_start: usize,
    /// End of the key.
    pub key_end: usize,
    /// End of the line.
    pub end: usize,
}

/// What stands before `,` + `separator` and what stands after.
fn cut<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let tab = memchr(b'\t', text)?;
    let before = text[..tab].strip_suffix(b",")?;
    let after = text[tab..].strip_prefix(separator)?;
    Some((before, after))
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Storage, "a snapshot holds a record that cannot be read").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(key: &str, record: &str, native: Option<&str>) -> Vec<u8> {
        let mut out = Vec::new();
        let append = |text: &str, out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
        Line::write(&mut out, |out| append(key, out), |out| append(record, out), native.map(str::as_bytes));
        out
    }

    #[test]
    fn a_line_is_json_and_splits_into_its_parts() {
        let line = written(r#"["a\tb"]"#, r#"{"name":"x,\t\"record\":"}"#, Some(r#"{"id":"7"}"#));
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["native"]["id"], "7");
        let parts = Line::split(&line).unwrap();
        assert_eq!(parts.key, br#"["a\tb"]"#);
        assert_eq!(parts.record, br#"{"name":"x,\t\"record\":"}"#);
        assert_eq!(parts.native, Some(&br#"{"id":"7"}"#[..]));
    }

    #[test]
    fn a_line_without_a_native_part_splits_too() {
        let line = written("[1]", "{}", None);
        let parts = Line::split(&line).unwrap();
        assert_eq!((parts.key, parts.record, parts.native), (&b"[1]"[..], &b"{}"[..], None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Line::split(&bytes);
        }
    }
}
