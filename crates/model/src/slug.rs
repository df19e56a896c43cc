//! URL-safe short names.

use std::fmt;

use crate::{Canonical, ParseError, Text};

/// A slug: lower-case letters, digits, `-` and `_`, at most [`Slug::LIMIT`] characters.
///
/// NetBox and Nautobot identify shared objects by it ("Slug", 100 characters).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

/// How names turn into slugs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlugStyle {
    /// Everything that is not a letter or a digit becomes `-`.
    Name,
    /// As [`SlugStyle::Name`], but `+`, `/` and `.` are spelled out (`plus`, `slash`, `dot`): hardware models differ in
    /// nothing else, for example `MX10` and `MX10+`.
    HardwareModel,
}

impl Slug {
    /// Longest slug, in characters.
    pub const LIMIT: usize = 100;

    /// The slug of a name, or `None` when the name has no letter and no digit. Cut at [`Slug::LIMIT`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::styled(name, SlugStyle::Name)
    }

    /// The slug of a name in a style; see [`SlugStyle`].
    pub fn styled(name: &str, style: SlugStyle) -> Option<Self> {
        let mut slug = String::with_capacity(name.len());
        for c in name.chars() {
            match c {
                'A'..='Z' => slug.push(c.to_ascii_lowercase()),
                'a'..='z' | '0'..='9' => slug.push(c),
                '&' => Self::word(&mut slug, "and"),
                '+' if style == SlugStyle::HardwareModel => slug.push_str("plus"),
                '/' if style == SlugStyle::HardwareModel => slug.push_str("slash"),
                '.' if style == SlugStyle::HardwareModel => slug.push_str("dot"),
                _ if !slug.ends_with('-') => slug.push('-'),
                _ => {}
            }
        }
        slug.truncate(Self::LIMIT);
        let slug = slug.trim_matches('-');
        (!slug.is_empty()).then(|| Self(slug.into()))
    }

    /// Appends a word between dashes.
    fn word(slug: &mut String, word: &str) {
        if !slug.ends_with('-') {
            slug.push('-');
        }
        slug.push_str(word);
        slug.push('-');
    }

    /// The slug with a number at its end, still within the limit: what a second name with the same slug gets.
    pub fn numbered(&self, number: u32) -> Self {
        let tail = format!("-{number}");
        let keep = self.0.len().min(Self::LIMIT - tail.len());
        Self(format!("{}{tail}", self.0[..keep].trim_end_matches('-')).into())
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Slug {
    type Err = ParseError;

    /// Takes a slug that a system already uses. Other letters than ASCII are accepted as NetBox can be set to allow them.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let valid = !text.is_empty()
            && text.chars().count() <= Self::LIMIT
            && text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(ParseError::new(text, "a slug of letters, digits, `-` and `_`, such as `atlanta-dc1`"))
        }
    }
}

impl From<&Slug> for Text {
    fn from(slug: &Slug) -> Self {
        Text::new(&slug.0).unwrap_or_else(|| unreachable!("a slug is never blank"))
    }
}

impl Canonical for Slug {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(Slug::from_name(name).as_ref().map_or("", Slug::as_str), expected);
    }

    #[test]
    fn names_become_slugs() {
        check("Atlanta DC1", "atlanta-dc1");
        check("AT&T  (east)", "at-and-t-east");
        check("IOS_XE", "ios-xe");
        check("--", "");
    }

    #[test]
    fn hardware_models_keep_their_signs_apart() {
        let slug = |name| Slug::styled(name, SlugStyle::HardwareModel).unwrap().to_string();
        assert_eq!(slug("MX10+"), "mx10plus");
        assert_eq!(slug("N9K-C93180YC/EX 1.5"), "n9k-c93180ycslashex-1dot5");
    }

    #[test]
    fn a_number_keeps_the_limit() {
        let long = Slug::from_name(&"a".repeat(200)).unwrap();
        assert_eq!(long.as_str().len(), Slug::LIMIT);
        assert_eq!(long.numbered(12).as_str().len(), Slug::LIMIT);
        assert_eq!(Slug::from_name("st louis").unwrap().numbered(2).as_str(), "st-louis-2");
    }

    proptest! {
        #[test]
        fn slugs_are_their_own_slug(name in any::<String>()) {
            if let Some(slug) = Slug::from_name(&name) {
                prop_assert_eq!(Slug::from_name(slug.as_str()), Some(slug.clone()));
                prop_assert_eq!(slug.as_str().parse::<Slug>(), Ok(slug));
            }
        }
    }
}
