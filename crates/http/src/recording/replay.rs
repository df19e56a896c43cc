//! Requests that are answered from a recording.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use syncline_core::ErrorKind;

use super::error::RecordingError;
use super::format::{FORMAT, First, Glance, Header, Line, Outcome, Part};
use super::matching::asked;
use super::secrets::Secrets;
use crate::redact::sanitize;
use crate::request::Prepared;

/// How much of a request is shown that is not in the recording.
const SHOWN: usize = 200;

/// A recording whose requests are answered in the order in which equal ones were recorded. Clones share it. What is kept in memory is
/// where each exchange begins.
#[derive(Debug, Clone)]
pub struct Replay {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    header: Header,
    exchanges: u64,
    secrets: Secrets,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    /// What was not asked yet, by the hash of the request.
    waiting: HashMap<String, VecDeque<Place>>,
    /// How often each was recorded that was asked as often.
    used_up: HashMap<String, u64>,
    /// What was asked and is not in the recording.
    missing: Vec<String>,
}

/// Where an exchange is.
#[derive(Debug, Default, Clone)]
struct Place {
    line: u64,
    parts: Vec<u64>,
}

/// What a recording has for a request.
pub(crate) enum Found {
    /// An answer.
    Answer(Replayed),
    /// It failed.
    Failed {
        /// The class of its error.
        kind: ErrorKind,
        /// What was told.
        message: String,
    },
    /// It has nothing, and this is what is to be told.
    Nothing(String),
}

/// An answer of a recording, its body part by part.
pub(crate) struct Replayed {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub attempts: u32,
    pub elapsed: Duration,
    /// The body was not read to its end when it was recorded.
    pub cut: bool,
    path: PathBuf,
    parts: VecDeque<u64>,
    last: Option<Bytes>,
}

impl Replay {
    /// Opens a recording, which must be whole. `secrets` are those of the run that replays it.
    pub fn open(path: impl Into<PathBuf>, secrets: Secrets) -> Result<Self, RecordingError> {
        let path = path.into();
        let unread = |source| RecordingError::Io { path: path.clone(), what: "read", source };
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordingError::Missing { path: path.clone() },
            _ => unread(source),
        })?;
        let mut lines = Lines { input: BufReader::new(file), at: 0, line: Vec::new() };
        let no_recording = || RecordingError::NoRecording { path: path.clone() };
        match lines.next() {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Err(no_recording()),
        }
        let first: First = match serde_json::from_slice(&lines.line) {
            Ok(first) => first,
            Err(_) => {
                return Err(other_format(&lines.line).map_or_else(no_recording, |found| RecordingError::Format {
                    path: path.clone(),
                    found,
                    known: FORMAT,
                }));
            }
        };
        if first.syncline_recording != FORMAT {
            return Err(RecordingError::Format { path, found: first.syncline_recording, known: FORMAT });
        }
        let mut waiting: HashMap<String, VecDeque<Place>> = HashMap::new();
        let mut parts: HashMap<u64, Vec<u64>> = HashMap::new();
        let (mut exchanges, mut number, mut end) = (0, 1, None);
        loop {
            number += 1;
            let at = match lines.next() {
                Ok(Some(at)) => at,
                Ok(None) => break,
                Err(error) if is_cut(&error) => return Err(RecordingError::Cut { path, exchanges }),
                Err(_) => return Err(RecordingError::Damaged { path, line: number }),
            };
            let glance: Glance = serde_json::from_slice(&lines.line)
                .map_err(|_| RecordingError::Damaged { path: path.clone(), line: number })?;
            match glance {
                Glance { part_of: Some(exchange), .. } => parts.entry(exchange).or_default().push(at),
                Glance { exchange: Some(exchange), request: Some(request), .. } => {
                    let parts = parts.remove(&exchange).unwrap_or_default();
                    waiting.entry(request.hash).or_default().push_back(Place { line: at, parts });
                    exchanges += 1;
                }
                Glance { end: Some(told), .. } => end = Some(told),
                Glance { .. } => return Err(RecordingError::Damaged { path, line: number }),
            }
        }
        if end.is_none_or(|end| end.exchanges != exchanges) {
            return Err(RecordingError::Cut { path, exchanges });
        }
        let asked = Mutex::new(Asked { waiting, ..Asked::default() });
        Ok(Self { inner: Arc::new(Inner { path, header: first.header, exchanges, secrets, asked }) })
    }

    /// What was recorded, and by whom.
    pub fn header(&self) -> &Header {
        &self.inner.header
    }

    /// How many exchanges there are.
    pub fn exchanges(&self) -> u64 {
        self.inner.exchanges
    }

    /// What was asked and is not in the recording, whoever was told. A plan that was made without it is not the recorded one.
    pub fn missing(&self) -> Vec<String> {
        self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner).missing.clone()
    }

    /// What must not be shown.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// What the recording has for a request.
    pub(crate) async fn answer(&self, request: &Prepared) -> Result<Found, RecordingError> {
        let (asked, _) = asked(request, &self.inner.secrets);
        let place = {
            let mut recorded = self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let place = recorded.waiting.get_mut(&asked.hash).and_then(VecDeque::pop_front);
            if place.is_some() {
                *recorded.used_up.entry(asked.hash.clone()).or_default() += 1;
            } else {
                let message = self.nothing(&asked, recorded.used_up.get(&asked.hash).copied());
                recorded.missing.push(message.clone());
                return Ok(Found::Nothing(message));
            }
            place
        };
        let Place { line, parts } = place.unwrap_or_default();
        let path = self.inner.path.clone();
        let line: Line = read(path.clone(), line).await?;
        Ok(match line.outcome {
            Outcome::Failed(failure) => Found::Failed { kind: failure.kind, message: failure.message },
            Outcome::Response(answer) => {
                let damaged = || RecordingError::Damaged { path: path.clone(), line: line.exchange };
                Found::Answer(Replayed {
                    status: StatusCode::from_u16(answer.status).map_err(|_| damaged())?,
                    headers: headers(&answer.headers),
                    attempts: line.attempts,
                    elapsed: Duration::try_from_secs_f64(line.duration_ms / 1000.0).unwrap_or_default(),
                    cut: answer.cut,
                    last: Some(answer.body.bytes().ok_or_else(damaged)?.into()),
                    parts: parts.into(),
                    path,
                })
            }
        })
    }

    /// The words for a request that is not there.
    fn nothing(&self, asked: &super::format::Asked, times: Option<u64>) -> String {
        let Header { side, sync, version, at, .. } = &self.inner.header;
        let body = asked.body.as_deref().map_or(String::new(), |body| format!(" with `{}`", sanitize(body, SHOWN)));
        let what = format!("`{} {}`{body}", asked.method, sanitize(&asked.path, SHOWN));
        let at = at.format("%Y-%m-%d %H:%M UTC");
        let why = match times {
            None => format!("does not have {what}"),
            Some(1) => format!("has {what} once, and it is asked once more"),
            Some(times) => format!("has {what} {times} times, and it is asked once more"),
        };
        format!(
            "the recording of the {side} {why}: it was made with another configuration or by another version ({version}, {at}); record \
             again with `syncline plan {sync} --record-to FOLDER`"
        )
    }
}

impl Replayed {
    /// The next part of the body; none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RecordingError> {
        if let Some(at) = self.parts.pop_front() {
            let part: Part = read(self.path.clone(), at).await?;
            let bytes =
                part.body.bytes().ok_or_else(|| RecordingError::Damaged { path: self.path.clone(), line: 0 })?;
            return Ok(Some(bytes.into()));
        }
        Ok(self.last.take().filter(|last| !last.is_empty()))
    }
}

/// Reads a line away from the threads that wait for others.
async fn read<T: DeserializeOwned + Send + 'static>(path: PathBuf, at: u64) -> Result<T, RecordingError> {
    let shown = path.clone();
    let reading = tokio::task::spawn_blocking(move || read_line(&path, at));
    reading.await.map_err(io::Error::other).flatten().map_err(|source| RecordingError::Io {
        path: shown,
        what: "read",
        source,
    })
}

fn read_line<T: DeserializeOwned>(path: &Path, at: u64) -> io::Result<T> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut lines = Lines { input: BufReader::new(file), at, line: Vec::new() };
    lines.next()?;
    Ok(serde_json::from_slice(&lines.line)?)
}

/// The lines of a recording, frame by frame.
struct Lines<R> {
    input: R,
    /// Where the next frame begins.
    at: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line, and tells where it begins; none after the last.
    fn next(&mut self) -> io::Result<Option<u64>> {
        self.line.clear();
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let begin = self.at;
        let counted = Counted { input: &mut self.input, at: &mut self.at };
        zstd::Decoder::with_buffer(counted)?.single_frame().read_to_end(&mut self.line)?;
        Ok(Some(begin))
    }
}

/// Counts what is taken, so that it is known where a frame ends.
struct Counted<'r, R> {
    input: &'r mut R,
    at: &'r mut u64,
}

impl<R: BufRead> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        *self.at += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        *self.at += amount as u64;
        self.input.consume(amount);
    }
}

fn is_cut(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// The number of a format that this version does not know.
fn other_format(line: &[u8]) -> Option<u32> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    let found = u32::try_from(value.get("syncline_recording")?.as_u64()?).ok()?;
    (found != FORMAT).then_some(found)
}

fn headers(recorded: &BTreeMap<String, String>) -> HeaderMap {
    let pairs = recorded.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
    });
    pairs.collect()
}
