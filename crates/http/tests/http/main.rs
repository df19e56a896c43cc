//! The client against servers that behave, and against servers that do not.

#![expect(clippy::unwrap_used, reason = "helpers of tests, too, fail by panicking")]

mod answers;
mod django;
mod lines;
mod measures;
mod pace;
mod recording;
mod redirects;
mod retries;
mod support;
mod transport;
