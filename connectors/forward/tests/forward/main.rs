//! The connector against the simulated server: whole reads, and everything that can go wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod check;
mod faults;
mod reading;
mod scope;
mod support;
