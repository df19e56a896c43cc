//! The `syncline` command.

use std::process::ExitCode;

use peak_alloc::PeakAlloc;
use syncline::AllocatorMeter;

/// Counts what it hands out, so that every run can tell how much memory its phases took.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    static METER: AllocatorMeter = AllocatorMeter(&ALLOCATOR);
    syncline::cli::main(std::env::args_os(), &METER)
}
