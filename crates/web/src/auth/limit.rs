//! How often somebody may try to log in.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use syncline_core::history::AccountName;

/// From one address: ten at once, then one in 15 seconds.
const BY_ADDRESS: (Duration, NonZeroU32) = (Duration::from_secs(15), NonZeroU32::new(10).expect("ten is not zero"));
/// Under one name: twenty at once, then one in six seconds. More than one address may try, so that nobody keeps somebody else out from
/// a single one.
const BY_NAME: (Duration, NonZeroU32) = (Duration::from_secs(6), NonZeroU32::new(20).expect("twenty is not zero"));
/// From so many addresses or names on, those that tried long ago are forgotten.
const MANY: usize = 10_000;

/// How often somebody may try to log in. Kept in memory: each server counts for itself.
pub struct LoginLimits {
    by_address: DefaultKeyedRateLimiter<Option<IpAddr>>,
    by_name: DefaultKeyedRateLimiter<String>,
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self { by_address: RateLimiter::keyed(quota(BY_ADDRESS)), by_name: RateLimiter::keyed(quota(BY_NAME)) }
    }
}

/// So many at once, then one in every so long.
pub(super) fn quota((every, burst): (Duration, NonZeroU32)) -> Quota {
    // No time here is zero.
    Quota::with_period(every).unwrap_or_else(|| Quota::per_minute(burst)).allow_burst(burst)
}

/// Counts what comes from an address. The error is how long to wait for the next time.
pub(super) fn check(
    limiter: &DefaultKeyedRateLimiter<Option<IpAddr>>,
    address: Option<IpAddr>,
) -> Result<(), Duration> {
    if limiter.len() > MANY {
        limiter.retain_recent();
    }
    let now = DefaultClock::default().now();
    limiter.check_key(&address.map(network)).map_err(|not_until| not_until.wait_time_from(now))
}

impl LoginLimits {
    /// Counts a try. The error is how long to wait for the next one.
    ///
    /// Whatever is no name counts as one and the same.
    pub fn check(&self, name: Option<&AccountName>, address: Option<IpAddr>) -> Result<(), Duration> {
        if self.by_address.len() > MANY || self.by_name.len() > MANY {
            self.by_address.retain_recent();
            self.by_name.retain_recent();
        }
        let now = DefaultClock::default().now();
        let wait = |not_until: governor::NotUntil<_>| not_until.wait_time_from(now);
        self.by_address.check_key(&address.map(network)).map_err(wait)?;
        let name = name.map(|name| name.as_str().to_ascii_lowercase()).unwrap_or_default();
        self.by_name.check_key(&name).map_err(wait)
    }
}

/// Who has one address of IPv6 has the whole network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

impl fmt::Debug for LoginLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginLimits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_name_run_out() {
        let limits = LoginLimits::default();
        let (kim, lee): (AccountName, AccountName) = ("Kim".parse().unwrap(), "lee".parse().unwrap());
        let address = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        for _ in 0..10 {
            assert_eq!(limits.check(Some(&kim), address(1)), Ok(()));
        }
        let wait = limits.check(Some(&lee), address(1)).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(15), "{wait:?}");
        for _ in 0..10 {
            assert_eq!(limits.check(Some(&"KIM".parse().unwrap()), address(2)), Ok(()));
        }
        assert!(limits.check(Some(&kim), address(3)).is_err());
        assert_eq!(limits.check(Some(&lee), address(3)), Ok(()));
    }

    #[test]
    fn a_network_is_one_address() {
        let limits = LoginLimits::default();
        for last in 0..10 {
            assert_eq!(limits.check(None, Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 1, 2, 3, last]))), Ok(()));
        }
        assert!(limits.check(None, Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 9, 9, 9, 9]))).is_err());
        assert_eq!(limits.check(None, Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, 1]))), Ok(()));
    }
}
