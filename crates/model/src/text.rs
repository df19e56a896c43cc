//! Text as systems keep it: trimmed, never blank, without control characters.

use std::borrow::Borrow;
use std::fmt;

use crate::{Canonical, ParseError};

/// A text that is not blank, has no white space at its ends and no control characters inside.
///
/// NetBox trims every text field and refuses NUL; doing the same on both sides keeps a trailing blank in a source from
/// being written again in every run. Spelling and case stay as the source has them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Box<str>);

impl Text {
    /// The normalised text, or `None` when nothing but white space is left.
    ///
    /// Control characters (line breaks included) become blanks; runs of them become one.
    pub fn new(text: &str) -> Option<Self> {
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if trimmed.is_empty() {
            return None;
        }
        if !trimmed.contains(|c: char| c.is_control()) {
            return Some(Self(trimmed.into()));
        }
        let mut clean = String::with_capacity(trimmed.len());
        let mut blank = false;
        for c in trimmed.chars() {
            if c.is_control() {
                blank = true;
                continue;
            }
            if blank && !clean.ends_with(' ') && c != ' ' {
                clean.push(' ');
            }
            blank = false;
            clean.push(c);
        }
        Some(Self(clean.into()))
    }

    /// The text of something that may be missing or blank.
    pub fn of(text: Option<&str>) -> Option<Self> {
        text.and_then(Self::new)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with case folded, for keys of systems that compare names without regard to case.
    pub fn casefold(&self) -> Self {
        Self(self.0.to_lowercase().into())
    }

    /// The text cut to at most `limit` characters, and whether anything was cut.
    pub fn truncated(&self, limit: usize) -> (Self, bool) {
        match self.0.char_indices().nth(limit) {
            // The first character is never white space, so a non-empty part is never blank.
            Some((end, _)) if end > 0 => (Self(self.0[..end].trim_end().into()), true),
            _ => (self.clone(), false),
        }
    }
}

impl Canonical for Text {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl std::str::FromStr for Text {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::new(text).ok_or_else(|| ParseError::new(text, "a text that is not blank"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blank_is_not_a_text() {
        assert_eq!(Text::new(" \t\n "), None);
        assert_eq!(Text::new("\u{0}"), None);
    }

    #[test]
    fn line_breaks_become_one_blank() {
        assert_eq!(Text::new("to spine\r\n1 ").unwrap().as_str(), "to spine 1");
    }

    #[test]
    fn cutting_keeps_whole_characters() {
        let (cut, was_cut) = Text::new("Zürich Süd").unwrap().truncated(7);
        assert_eq!((cut.as_str(), was_cut), ("Zürich", true));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in any::<String>()) {
            if let Some(once) = Text::new(&text) {
                prop_assert_eq!(Text::new(once.as_str()), Some(once.clone()));
                prop_assert!(!once.as_str().contains(|c: char| c.is_control()));
            }
        }
    }
}
