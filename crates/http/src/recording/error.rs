//! What can be wrong with a recording.

use std::io;
use std::path::PathBuf;

use syncline_core::{Error, ErrorKind};

/// Why a recording cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// Another one is there.
    #[error("`{}` holds a recording already: name another folder, or take that one away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no recording in `{}`: `syncline plan SYNC --record-to FOLDER` makes one", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{}` is no recording: it does not begin as one does", path.display())]
    NoRecording {
        /// The file.
        path: PathBuf,
    },
    /// The format is another one.
    #[error("`{}` is a recording in format {found}, and this version reads {known}: use the version that made it", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that is read.
        known: u32,
    },
    /// It has no end.
    #[error("the recording `{}` has no end, after {exchanges} exchanges: the run that made it was killed, or the file was cut; record again", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// How many are there.
        exchanges: u64,
    },
    /// A line in it cannot be read.
    #[error("line {line} of the recording `{}` is damaged: record again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
    },
    /// The file cannot be written or read.
    #[error("cannot {what} the recording `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl From<RecordingError> for Error {
    fn from(error: RecordingError) -> Self {
        let kind = match &error {
            RecordingError::Exists { .. } => ErrorKind::Refused,
            RecordingError::Missing { .. } => ErrorKind::NotFound,
            RecordingError::Format { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Storage,
        };
        let message = error.to_string();
        match error {
            RecordingError::Io { source, .. } => Self::new(kind, message).caused_by(source),
            _ => Self::new(kind, message),
        }
    }
}
