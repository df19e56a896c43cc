//! What is asked over HTTP, kept in a file and answered from it: every connector has it, as the client does it where the host hands a
//! [`Tape`] through the context ([`Client::for_run`](crate::Client::for_run)).
//!
//! - [`Recorder`] keeps every request with what came of it in the end: what was tried again is there once. Secrets are taken out before
//!   anything is written ([`Secrets`]).
//! - [`Replay`] answers the same requests from there. It holds no way to a system.

mod error;
mod format;
mod matching;
mod recorder;
mod redactor;
mod replay;
mod secrets;

pub use error::RecordingError;
pub use format::Header;
pub(crate) use recorder::Recording;
pub use recorder::{Recorded, Recorder};
pub use replay::Replay;
pub(crate) use replay::{Found, Replayed};
pub use secrets::{Secrets, stand_in};

/// The way that the requests of a side go when it is not the ordinary one: what a host puts into
/// [`Surroundings`](syncline_core::surroundings::Surroundings).
#[derive(Debug, Clone)]
pub enum Tape {
    /// To the system, and into a recording.
    Record(Recorder),
    /// Nowhere: they are answered from a recording.
    Replay(Replay),
}
