//! MAC addresses.

use std::fmt;

use crate::{Canonical, ParseError};

/// A 48-bit MAC address (EUI-48). Read from any usual spelling, written as `AA:BB:CC:00:11:22`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// The address of six octets.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The octets, first one first.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether every bit is zero: what systems report for "none".
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }
}

impl std::str::FromStr for MacAddress {
    type Err = ParseError;

    /// Accepts colons, dashes, dots (`aabb.cc00.1122`) and no separator at all.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new(text, "a MAC address such as `aa:bb:cc:00:11:22`");
        let trimmed = text.trim();
        let group = match (trimmed.len(), trimmed.find([':', '-', '.'])) {
            (17, Some(2)) => 2,
            (14, Some(4)) => 4,
            (12, None) => 12,
            _ => return Err(error()),
        };
        let mut octets = [0_u8; 6];
        let mut digits = 0;
        let separator = trimmed.as_bytes().get(group).copied();
        for (position, byte) in trimmed.bytes().enumerate() {
            if position % (group + 1) == group {
                if Some(byte) != separator {
                    return Err(error());
                }
                continue;
            }
            let value = char::from(byte).to_digit(16).ok_or_else(error)?;
            let octet = octets.get_mut(digits / 2).ok_or_else(error)?;
            // A hexadecimal digit is below 16.
            *octet = (*octet << 4) | u8::try_from(value).map_err(|_| error())?;
            digits += 1;
        }
        if digits == 12 { Ok(Self(octets)) } else { Err(error()) }
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02X}")?;
        rest.iter().try_for_each(|octet| write!(f, ":{octet:02X}"))
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Canonical for MacAddress {
    fn write(&self, out: &mut Vec<u8>) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        out.push(b'"');
        for (position, octet) in self.0.iter().enumerate() {
            if position > 0 {
                out.push(b':');
            }
            out.push(HEX[usize::from(octet >> 4)]);
            out.push(HEX[usize::from(octet & 0x0f)]);
        }
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_usual_spelling_is_one_address() {
        let expected = MacAddress::new([0xaa, 0xbb, 0xcc, 0, 0x11, 0x22]);
        for text in ["aa:bb:cc:00:11:22", "AA-BB-CC-00-11-22", "aabb.cc00.1122", "AABBCC001122", " aa:bb:cc:00:11:22 "]
        {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "AA:BB:CC:00:11:22");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in ["", "aa:bb:cc:00:11", "aa:bb:cc:00:11:2g", "aa:bb-cc:00:11:22", "ää:bb:cc:00:11:2"] {
            assert!(text.parse::<MacAddress>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = text.parse::<MacAddress>();
        }

        #[test]
        fn display_reads_back(octets in any::<[u8; 6]>()) {
            let address = MacAddress::new(octets);
            prop_assert_eq!(address.to_string().parse(), Ok(address));
            let mut out = Vec::new();
            address.write(&mut out);
            prop_assert_eq!(out, format!("\"{address}\"").into_bytes());
        }
    }
}
