//! How much memory a phase took.

/// What the program's allocator has handed out. The host installs the allocator and passes it on; an
/// allocator counts what the operating system cannot see: memory in use, not memory once asked for.
pub trait MemoryMeter: Sync {
    /// Bytes in use.
    fn current(&self) -> u64;

    /// Most bytes in use since the last reset.
    fn peak(&self) -> u64;

    /// Begins a new measurement of the peak.
    fn reset_peak(&self);
}
