//! IP addresses and prefixes.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::{Canonical, ParseError};

/// An address on an interface with its mask length, for example `10.1.2.1/24`. Host bits are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpHost(IpNet);

/// A prefix, for example `10.1.2.0/24`. Host bits are always zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpPrefix(IpNet);

impl IpHost {
    /// The address with a mask length in bits, or `None` when the mask is longer than the address.
    pub fn new(address: IpAddr, mask: u8) -> Option<Self> {
        IpNet::new(unmapped(address), mask).ok().map(Self)
    }

    /// The address without its mask.
    pub fn address(self) -> IpAddr {
        self.0.addr()
    }

    /// The mask length in bits.
    pub fn mask(self) -> u8 {
        self.0.prefix_len()
    }

    /// The address without its mask, as text: the part that identifies it within a VRF.
    pub fn host(&self) -> String {
        self.0.addr().to_string()
    }

    /// The prefix that the address lies in.
    pub fn prefix(self) -> IpPrefix {
        IpPrefix(self.0.trunc())
    }

    /// Whether an interface can carry the address: not the network or broadcast address of its prefix. Point-to-point
    /// and host prefixes (/31, /32, /127, /128) have neither (RFC 3021, RFC 6164); an IPv6 prefix has no broadcast
    /// address, its first address is the subnet-router anycast (RFC 4291 2.6.1).
    pub fn is_assignable(self) -> bool {
        let spare_bits = self.0.max_prefix_len() - self.0.prefix_len();
        if spare_bits <= 1 {
            return true;
        }
        let network = self.0.addr() == self.0.network();
        match self.0 {
            IpNet::V4(_) => !network && self.0.addr() != self.0.broadcast(),
            IpNet::V6(_) => !network,
        }
    }
}

impl IpPrefix {
    /// The prefix of an address and a mask length in bits, or `None` when the mask is longer than the address.
    pub fn new(address: IpAddr, mask: u8) -> Option<Self> {
        IpNet::new(unmapped(address), mask).ok().map(|net| Self(net.trunc()))
    }

    /// The first address.
    pub fn network(self) -> IpAddr {
        self.0.network()
    }

    /// The mask length in bits.
    pub fn mask(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether the prefix is a single address.
    pub fn is_host(self) -> bool {
        self.0.prefix_len() == self.0.max_prefix_len()
    }
}

/// An IPv4 address that was written in its IPv6-mapped form is the IPv4 address.
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Reads `address/mask`; an address alone is a host route.
fn parse(text: &str, expected: &'static str) -> Result<IpNet, ParseError> {
    let error = || ParseError::new(text, expected);
    let trimmed = text.trim();
    match trimmed.split_once('/') {
        Some((address, mask)) => {
            let address: IpAddr = address.parse().map_err(|_| error())?;
            let mut mask: u8 = mask.parse().map_err(|_| error())?;
            if address.is_ipv6() && address.to_canonical().is_ipv4() {
                mask = mask.checked_sub(96).ok_or_else(error)?;
            }
            IpNet::new(unmapped(address), mask).map_err(|_| error())
        }
        None => trimmed.parse().map(|address| IpNet::from(unmapped(address))).map_err(|_| error()),
    }
}

impl std::str::FromStr for IpHost {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text, "an IP address with a mask such as `10.1.2.1/24`").map(Self)
    }
}

impl std::str::FromStr for IpPrefix {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text, "a prefix such as `10.1.2.0/24`").map(|net| Self(net.trunc()))
    }
}

macro_rules! displayed_as_net {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Canonical for $name {
            fn write(&self, out: &mut Vec<u8>) {
                use std::io::Write as _;
                // Digits, dots, colons and a slash need no escaping; writing to a `Vec` cannot fail.
                let _ = write!(out, "\"{}\"", self.0);
            }
        }
    )*};
}
displayed_as_net!(IpHost, IpPrefix);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling_for_one_address() {
        let text = |input: &str| input.parse::<IpHost>().unwrap().to_string();
        assert_eq!(text("2001:0DB8:0:0::1/64"), "2001:db8::1/64");
        assert_eq!(text("10.1.2.1"), "10.1.2.1/32");
        assert_eq!(text("::ffff:10.1.2.1/120"), "10.1.2.1/24");
    }

    #[test]
    fn a_prefix_has_no_host_bits() {
        assert_eq!("10.1.2.77/24".parse::<IpPrefix>().unwrap().to_string(), "10.1.2.0/24");
    }

    #[test]
    fn network_and_broadcast_addresses_cannot_be_assigned() {
        let assignable = |input: &str| input.parse::<IpHost>().unwrap().is_assignable();
        assert!(!assignable("10.0.0.0/24"));
        assert!(!assignable("10.0.0.255/24"));
        assert!(assignable("10.0.0.0/31"));
        assert!(assignable("10.0.0.255/32"));
        assert!(!assignable("2001:db8::/64"));
        assert!(assignable("2001:db8::ffff:ffff:ffff:ffff/64"));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in ["", "10.1.2", "10.1.2.3/33", "10.1.2.3/-1", "fe80::1%eth0/64", "10.1.2.3/24/8"] {
            assert!(text.parse::<IpHost>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_reads_back(address in any::<IpAddr>(), mask in 0_u8..=128) {
            if let Some(host) = IpHost::new(address, mask) {
                prop_assert_eq!(host.to_string().parse(), Ok(host));
                prop_assert_eq!(host.prefix().to_string().parse(), Ok(host.prefix()));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = (text.parse::<IpHost>(), text.parse::<IpPrefix>());
        }
    }
}
