//! How many hosts go into one call.

use std::time::Duration;

/// What a call is to take. While Zabbix inserts hosts, everybody else who wants to waits, people in the frontend included.
const TARGET: Duration = Duration::from_millis(1500);
/// How many hosts the first call has.
const FIRST: usize = 50;

/// Follows the time that Zabbix takes for a host: a heavy template makes it a hundred times as long.
#[derive(Debug)]
pub(super) struct Size {
    now: usize,
    most: usize,
}

impl Size {
    /// At most so many.
    pub fn up_to(most: usize) -> Self {
        Self { now: FIRST.min(most).max(1), most: most.max(1) }
    }

    /// How many hosts the next call has.
    pub fn get(&self) -> usize {
        self.now
    }

    /// Learns from a call.
    pub fn took(&mut self, hosts: usize, time: Duration) {
        let each = time / u32::try_from(hosts.max(1)).unwrap_or(u32::MAX);
        let fits = TARGET.as_nanos().checked_div(each.as_nanos()).unwrap_or(u128::MAX);
        let fits = usize::try_from(fits).unwrap_or(usize::MAX);
        // Four times as many at most: one quick call may have been a light one.
        self.now = fits.min(self.now.saturating_mul(4)).clamp(1, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_as_large_as_time_allows() {
        let mut size = Size::up_to(200);
        assert_eq!(size.get(), 50);
        size.took(50, Duration::from_millis(100));
        assert_eq!(size.get(), 200);
        size.took(200, Duration::from_secs(12));
        assert_eq!(size.get(), 25);
        size.took(25, Duration::from_mins(1));
        assert_eq!(size.get(), 1);
        assert_eq!(Size::up_to(10).get(), 10);
    }
}
