//! Named texts: tags, macros, inventory fields.

use std::fmt;

use crate::{Canonical, Text};

/// A text with a name, such as a tag of a Zabbix host. The value may be empty, and is kept to the letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    name: Text,
    value: Box<str>,
}

impl Pair {
    /// A value under a name.
    pub fn new(name: Text, value: &str) -> Self {
        Self { name, value: value.into() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// An array of name and value.
impl Canonical for Pair {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        self.name.write(out);
        out.push(b',');
        self.value.write(out);
        out.push(b']');
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={}", self.name, self.value)
    }
}
