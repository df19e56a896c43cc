//! Memory, measured where it is handed out.

use peak_alloc::PeakAlloc;
use syncline_core::run::MemoryMeter;

/// The program's allocator as a meter. The binary installs it; without that it would measure nothing.
#[derive(Debug, Clone, Copy)]
pub struct AllocatorMeter(pub &'static PeakAlloc);

impl MemoryMeter for AllocatorMeter {
    fn current(&self) -> u64 {
        self.0.current_usage() as u64
    }

    fn peak(&self) -> u64 {
        self.0.peak_usage() as u64
    }

    fn reset_peak(&self) {
        self.0.reset_peak_usage();
    }
}
