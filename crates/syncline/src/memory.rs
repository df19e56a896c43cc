//! Memory, measured where it is handed out.

use peak_alloc::PeakAlloc;
use syncline_core::run::MemoryMeter;

/// Counts what it hands out, so that every run can tell how much memory its phases took: in every program that links the host.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The allocator as a meter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AllocatorMeter;

impl MemoryMeter for AllocatorMeter {
    fn current(&self) -> u64 {
        ALLOCATOR.current_usage() as u64
    }

    fn peak(&self) -> u64 {
        ALLOCATOR.peak_usage() as u64
    }

    fn reset_peak(&self) {
        ALLOCATOR.reset_peak_usage();
    }
}
