//! Addresses and networks, read and written as Nautobot does.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with the length of its mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    pub host: IpAddr,
    pub length: u8,
}

impl Net {
    /// Reads `10.0.0.1/8`, `10.0.0.1` or `10.0.0.1/255.0.0.0`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, mask) = text.split_once('/').map_or((text, None), |(host, mask)| (host, Some(mask)));
        let host: IpAddr = host.parse().ok()?;
        let most = if host.is_ipv4() { 32 } else { 128 };
        let length = match mask {
            None => most,
            Some(mask) => match (mask.parse::<u8>(), mask.parse::<Ipv4Addr>()) {
                (Ok(length), _) if length <= most => length,
                (Err(_), Ok(mask))
                    if host.is_ipv4() && mask.to_bits().count_zeros() == mask.to_bits().trailing_zeros() =>
                {
                    u8::try_from(mask.to_bits().count_ones()).ok()?
                }
                _ => return None,
            },
        };
        Some(Self { host, length })
    }

    /// 4 or 6.
    pub fn version(self) -> u8 {
        if self.host.is_ipv4() { 4 } else { 6 }
    }

    /// The address as a number.
    pub fn number(self) -> u128 {
        match self.host {
            IpAddr::V4(host) => u128::from(host.to_bits()),
            IpAddr::V6(host) => host.to_bits(),
        }
    }

    fn bits(self) -> u8 {
        if self.host.is_ipv4() { 32 } else { 128 }
    }

    /// Ones where the mask leaves the host part.
    fn host_part(self) -> u128 {
        match self.bits() - self.length {
            128 => u128::MAX,
            free => (1 << free) - 1,
        }
    }

    fn at(self, number: u128) -> IpAddr {
        match self.host {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX))),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }

    /// The lowest address of the network, as a number.
    pub fn first(self) -> u128 {
        self.number() & !self.host_part()
    }

    /// The highest address of the network, as a number.
    pub fn last(self) -> u128 {
        self.number() | self.host_part()
    }

    /// The network without host bits.
    pub fn network(self) -> Self {
        Self { host: self.at(self.first()), length: self.length }
    }

    /// The highest address of the network.
    pub fn broadcast(self) -> IpAddr {
        self.at(self.last())
    }

    /// The network of this length around the address.
    pub fn widened(self, length: u8) -> Self {
        Self { length, ..self }.network()
    }

    /// Whether the other network, or the address of it, lies within this one.
    pub fn holds(self, other: Self) -> bool {
        self.version() == other.version() && self.first() <= other.first() && other.last() <= self.last()
    }

    /// The address alone, with the longest mask.
    pub fn alone(self) -> Self {
        Self { host: self.host, length: self.bits() }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.length)
    }
}

/// Reads a MAC address in any of the usual spellings; the answer is Nautobot's own.
pub(super) fn parse_mac(text: &str) -> Option<String> {
    let text = text.trim();
    let groups: Vec<&str> = match text {
        _ if text.contains(':') => text.split(':').collect(),
        _ if text.contains('-') => text.split('-').collect(),
        _ if text.contains('.') => text.split('.').collect(),
        _ => vec![text],
    };
    let width = 12 / groups.len().max(1);
    let alone = groups.len() == 1;
    if !matches!(groups.len(), 1 | 2 | 3 | 6) || groups.iter().any(|group| group.is_empty() || group.len() > width) {
        return None;
    }
    if alone && text.len() != 12 {
        return None;
    }
    let mut digits = String::new();
    for group in groups {
        digits.extend(std::iter::repeat_n('0', width - group.len()));
        digits.push_str(group);
    }
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let pairs: Vec<String> =
        digits.to_uppercase().as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
    Some(pairs.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let net = |text: &str| Net::parse(text).map(|net| net.network().to_string());
        assert_eq!(net("10.200.9.77/24").as_deref(), Some("10.200.9.0/24"));
        assert_eq!(net("10.200.20.1").as_deref(), Some("10.200.20.1/32"));
        assert_eq!(net("10.0.0.0/255.0.0.0").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(net("2001:DB8:77::1/64").as_deref(), Some("2001:db8:77::/64"));
        assert_eq!(net("::/0").as_deref(), Some("::/0"));
        for text in ["10.200.9", "nope", "10.200.9.0/33", "10.0.0.0/255.0.255.0", ""] {
            assert_eq!(net(text), None, "{text}");
        }
        let wide = Net::parse("10.0.0.0/8").unwrap();
        assert_eq!(wide.broadcast().to_string(), "10.255.255.255");
        assert!(wide.holds(Net::parse("10.1.2.3").unwrap()) && !wide.holds(Net::parse("11.0.0.0/9").unwrap()));
    }

    #[test]
    fn macs() {
        for text in ["001b.5400.000a", "00-1B-54-00-00-0a", "0:1b:54:0:0:a", "001b5400000a", " 00:1b:54:00:00:0A "] {
            assert_eq!(parse_mac(text).as_deref(), Some("00:1B:54:00:00:0A"), "{text}");
        }
        for text in ["zz", "5", "00:1b:54:00:00:01:02:03", "00:1b:54:00:00:0g", ""] {
            assert_eq!(parse_mac(text), None, "{text}");
        }
    }
}
