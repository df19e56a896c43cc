//! Runs that survive: workers that are killed, workers that share a history, schedules whose scheduler dies, and the memory
//! of large loads. Against the command itself, as processes; the systems are simulated here.
//!
//! How much is done comes from the environment, with small numbers by default; `cargo xtask ci` sets the full ones. At 0 a test is
//! left out.
//!
//! | variable | what | default |
//! |---|---|---|
//! | `DURABLE_SEED` | where the random choices begin | 1 |
//! | `DURABLE_KILLS` | kills of each of the four crash tests | 6 |
//! | `DURABLE_SYNCS` | syncs that three workers share | 30 |
//! | `DURABLE_TICKS` | ticks of a schedule that recurs every minute | 1 |
//! | `DURABLE_CHANGES` | changes of the large load | 0 |

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "tests, which say what they did")]
#![cfg(unix)]

mod audit;
mod crash;
mod database;
mod dice;
mod edits;
mod memory;
mod process;
mod schedules;
mod trap;
mod workers;
mod world;
