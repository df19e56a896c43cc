//! The command as a person or a script meets it: the binary itself, its two outputs and its exit code.

#![expect(clippy::unwrap_used, reason = "tests")]

mod access;
mod catalogue;
mod command;
mod export;
mod help;
mod input;
mod part;
mod past;
mod recording;
mod runs;
mod support;
mod world;
