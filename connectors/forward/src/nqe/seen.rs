//! Whether a row came before.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

/// The rows that have come, as 64-bit hashes: among 2 million rows two different ones share a hash in one of ten million
/// reads.
#[derive(Default)]
pub(super) struct Seen {
    hashes: HashSet<u64>,
}

impl Seen {
    /// Whether the row comes for the first time.
    pub fn is_new(&mut self, row: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(row);
        self.hashes.insert(hasher.finish())
    }
}
