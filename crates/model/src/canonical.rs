//! The one text form of every value: compact JSON, fields in declared order.

use std::collections::BTreeSet;

/// A value with exactly one canonical JSON form.
///
/// Equal values write equal bytes and different values write different bytes; that is what lets the engine compare
/// records without parsing them.
pub trait Canonical {
    /// Appends the canonical JSON of the value to `out`.
    fn write(&self, out: &mut Vec<u8>);

    /// Whether the value is JSON `null`.
    fn is_null(&self) -> bool {
        false
    }
}

impl<T: Canonical + ?Sized> Canonical for &T {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }

    fn is_null(&self) -> bool {
        (**self).is_null()
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn is_null(&self) -> bool {
        self.as_ref().is_none_or(Canonical::is_null)
    }
}

/// A set is written sorted by its elements' order, so that order never makes a difference.
impl<T: Canonical + Ord> Canonical for BTreeSet<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (position, value) in self.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            value.write(out);
        }
        out.push(b']');
    }

    fn is_null(&self) -> bool {
        self.is_empty()
    }
}

impl Canonical for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

macro_rules! canonical_integers {
    ($($integer:ty),*) => {$(
        impl Canonical for $integer {
            fn write(&self, out: &mut Vec<u8>) {
                use std::io::Write as _;
                // Writing to a `Vec` cannot fail.
                let _ = write!(out, "{self}");
            }
        }
    )*};
}
canonical_integers!(u8, u16, u32, u64, i32, i64);

impl Canonical for str {
    fn write(&self, out: &mut Vec<u8>) {
        write_string(self, out);
    }
}

impl Canonical for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_string(self, out);
    }
}

/// Writes a JSON string: only what JSON demands is escaped, as `serde_json` does it.
fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (position, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0x00..=0x1f => {
                out.extend_from_slice(&bytes[start..position]);
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 0x0f)]);
                start = position + 1;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..position]);
        out.extend_from_slice(escape);
        start = position + 1;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(value: &impl Canonical) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn null_is_a_value() {
        assert_eq!(text_of(&None::<bool>), "null");
        assert!(None::<bool>.is_null());
        assert_eq!(text_of(&Some(7_u16)), "7");
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in any::<String>()) {
            prop_assert_eq!(text_of(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
