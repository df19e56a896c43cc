//! VLAN identifiers.

use std::fmt;

use crate::{Canonical, ParseError};

/// A VLAN identifier, 1 to 4094 (IEEE 802.1Q reserves 0 and 4095).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// The identifier, or an error when it is outside 1 to 4094.
    pub fn new(vid: u64) -> Result<Self, ParseError> {
        match u16::try_from(vid) {
            Ok(vid @ 1..=4094) => Ok(Self(vid)),
            _ => Err(ParseError::new(&vid.to_string(), "a VLAN id from 1 to 4094")),
        }
    }

    /// The identifier.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Canonical for VlanId {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::VlanId;

    #[test]
    fn reserved_ids_are_refused() {
        for vid in [0, 4095, 70_000] {
            assert!(VlanId::new(vid).is_err(), "{vid}");
        }
        assert_eq!(VlanId::new(4094).unwrap().get(), 4094);
    }
}
