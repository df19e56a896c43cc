//! Exchanges on their way into a recording.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::error::RecordingError;
use super::format::{Answer, Asked, Body, End, FORMAT, Failure, First, Header, Last, Line, Outcome, PART, Part};
use super::matching::asked;
use super::redactor::Redactor;
use super::secrets::{Secrets, scrub, scrub_text};
use crate::request::Prepared;
use crate::response::Head;
use crate::{Error, redact};

/// The level of compression: recordings are written while systems are waited for.
const LEVEL: i32 = 3;

/// Keeps the exchanges of one side in a file. Clones write to the same one.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// None when the recording has ended.
    file: Mutex<Option<Open>>,
    secrets: Secrets,
    begun: AtomicU64,
    /// Why nothing more is written.
    failed: OnceLock<io::Error>,
}

/// A file that is written to.
#[derive(Debug)]
struct Open {
    file: File,
    /// How many exchanges are in it.
    exchanges: u64,
}

/// What a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// How many exchanges.
    pub exchanges: u64,
    /// How often a secret stood where nothing says that there is one: there, a replay differs from what was recorded.
    pub secrets_met: u64,
}

/// One exchange on its way; it is written when this is dropped.
pub(crate) struct Recording {
    recorder: Recorder,
    number: u64,
    asked: Option<Asked>,
    attempts: u32,
    duration: Duration,
    answer: Answer,
    redactor: Redactor,
    /// What of the body is not written yet.
    body: Vec<u8>,
    ended: bool,
}

impl Recorder {
    /// Begins a recording in a new file, which its owner alone may read: it holds what was read from a system.
    pub fn create(path: impl Into<PathBuf>, header: &Header, secrets: Secrets) -> Result<Self, RecordingError> {
        let path = path.into();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => RecordingError::Exists { path: path.clone() },
            _ => RecordingError::Io { path: path.clone(), what: "begin", source },
        })?;
        let inner = Inner {
            path,
            file: Mutex::new(Some(Open { file, exchanges: 0 })),
            secrets,
            begun: AtomicU64::new(0),
            failed: OnceLock::new(),
        };
        let recorder = Self { inner: Arc::new(inner) };
        recorder.write(&First { syncline_recording: FORMAT, header: header.clone() });
        recorder.ensure_well()?;
        Ok(recorder)
    }

    /// What must not be recorded.
    pub fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Ends the recording: what is still under way is no part of it. An error says why the recording is not whole; the run was not
    /// disturbed by that.
    pub fn finish(&self) -> Result<Recorded, RecordingError> {
        let open = self.inner.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.ensure_well()?;
        let exchanges = open.as_ref().map_or(0, |open| open.exchanges);
        if let Some(mut open) = open {
            let ended = frame(&Last { end: End { exchanges } }).and_then(|frame| open.file.write_all(&frame));
            ended.and_then(|()| open.file.sync_all()).map_err(|source| self.unwritten(source))?;
        }
        Ok(Recorded { exchanges, secrets_met: self.inner.secrets.met() })
    }

    /// Begins to keep an exchange whose answer has begun.
    pub(crate) fn begin(&self, request: &Prepared, head: &Head) -> Recording {
        let (asked, logs_in) = asked(request, &self.inner.secrets);
        let known = self.inner.secrets.known();
        let headers = redact::headers(&head.headers).into_iter();
        let headers = headers.map(|(name, value)| (name, scrub_text(&value, &known).into_owned())).collect();
        Recording {
            recorder: self.clone(),
            number: self.inner.begun.fetch_add(1, Ordering::SeqCst) + 1,
            asked: Some(asked),
            attempts: head.call.attempts,
            duration: head.elapsed,
            answer: Answer { status: head.status.as_u16(), headers, parts: 0, cut: false, body: Body::default() },
            redactor: Redactor::new(&self.inner.secrets, head.content_type()).answering_login(logs_in),
            body: Vec::new(),
            ended: false,
        }
    }

    /// Keeps an exchange whose answer is there, away from the threads that wait for others.
    pub(crate) async fn keep(&self, request: &Prepared, head: &Head, body: bytes::Bytes) {
        let mut recording = self.begin(request, head);
        let kept = tokio::task::spawn_blocking(move || {
            recording.add(&body);
            recording.end();
        });
        if let Err(error) = kept.await {
            // Only the first one counts, and there may be one already.
            let _ = self.inner.failed.set(io::Error::other(error));
        }
    }

    /// Keeps an exchange that failed for good.
    pub(crate) fn failed(&self, request: &Prepared, error: &Error) {
        let (asked, _) = asked(request, &self.inner.secrets);
        let known = self.inner.secrets.known();
        let outcome = if let Error::Status(error) = error {
            let mut headers = std::collections::BTreeMap::new();
            headers.extend(error.retry_after.map(|wait| ("retry-after".to_owned(), wait.as_secs_f64().to_string())));
            headers.extend(
                error.request_id.as_ref().map(|id| ("x-request-id".to_owned(), scrub(id, &known).into_owned())),
            );
            let (body, _) = super::redactor::redacted(&self.inner.secrets, None, &error.body);
            Outcome::Response(Answer {
                status: error.status.as_u16(),
                headers,
                parts: 0,
                cut: false,
                body: Body::of(body),
            })
        } else {
            let message = scrub_text(&error.to_string(), &known).into_owned();
            Outcome::Failed(Failure { kind: error.kind(), message })
        };
        let line = Line {
            exchange: self.inner.begun.fetch_add(1, Ordering::SeqCst) + 1,
            request: asked,
            attempts: error.call().map_or(0, |call| call.attempts),
            duration_ms: 0.0,
            outcome,
        };
        self.write_exchange(&line);
    }

    fn write_exchange(&self, line: &Line) {
        self.write_counted(line, 1);
    }

    /// Writes a line; whether it is there.
    fn write(&self, line: &impl Serialize) -> bool {
        self.write_counted(line, 0)
    }

    /// Writes a line that counts so many exchanges. A recording that cannot be written must not fail a run: it is told at its end.
    fn write_counted(&self, line: &impl Serialize, exchanges: u64) -> bool {
        let frame = frame(line);
        let mut file = self.inner.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.inner.failed.get().is_some() {
            return false;
        }
        let Some(open) = file.as_mut() else { return false };
        match frame.and_then(|frame| open.file.write_all(&frame)) {
            Ok(()) => {
                open.exchanges += exchanges;
                true
            }
            Err(error) => {
                // Only the first one counts.
                let _ = self.inner.failed.set(error);
                false
            }
        }
    }

    fn ensure_well(&self) -> Result<(), RecordingError> {
        match self.inner.failed.get() {
            Some(error) => Err(self.unwritten(io::Error::new(error.kind(), error.to_string()))),
            None => Ok(()),
        }
    }

    fn unwritten(&self, source: io::Error) -> RecordingError {
        RecordingError::Io { path: self.inner.path.clone(), what: "write", source }
    }
}

impl Recording {
    /// Keeps a part of the answer's body.
    pub fn add(&mut self, chunk: &[u8]) {
        self.redactor.push(chunk, &mut self.body);
        while self.body.len() > PART {
            let rest = self.body.split_off(whole_letters(&self.body, PART));
            let body = Body::of(std::mem::replace(&mut self.body, rest));
            if self.recorder.write(&Part { part_of: self.number, body }) {
                self.answer.parts += 1;
            }
        }
    }

    /// The body came to its end.
    pub fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(asked) = self.asked.take() else { return };
        self.redactor.end(&mut self.body);
        let body = Body::of(std::mem::take(&mut self.body));
        let headers = std::mem::take(&mut self.answer.headers);
        let Answer { status, parts, .. } = self.answer;
        self.recorder.write_exchange(&Line {
            exchange: self.number,
            request: asked,
            attempts: self.attempts,
            duration_ms: self.duration.as_secs_f64() * 1000.0,
            outcome: Outcome::Response(Answer { status, headers, parts, cut: !self.ended, body }),
        });
    }
}

/// A line as it stands in the file.
fn frame(line: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    zstd::encode_all(&*line, LEVEL)
}

/// The last place up to `at` where no letter is cut in two.
fn whole_letters(bytes: &[u8], at: usize) -> usize {
    let is_start = |at: &usize| bytes.get(*at).is_none_or(|byte| (byte & 0xc0) != 0x80);
    // A letter has four bytes at most; what has none is no text.
    (at.saturating_sub(3)..=at).rev().find(is_start).filter(|at| *at > 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::whole_letters;

    #[test]
    fn no_letter_is_cut() {
        let text = "aä€😀";
        assert_eq!(
            (1..=text.len()).map(|at| whole_letters(text.as_bytes(), at)).collect::<Vec<_>>(),
            [1, 1, 3, 3, 3, 6, 6, 6, 6, 10]
        );
        assert_eq!(whole_letters(&[0x80; 9], 5), 5);
    }
}
