//! Enumerations of values that systems may extend.

/// Declares an enumeration of standard values, open to others.
///
/// NetBox lets its operators add choices, and every release adds some: a value that is not listed must survive a read
/// and a write unchanged, so each enumeration has an `Other` variant.
macro_rules! choices {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $value:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* #[doc = concat!("`", $value, "`")] $variant, )+
            /// A value that is not among the standard ones.
            Other($crate::Text),
        }

        impl $name {
            /// The standard values.
            pub const VALUES: &'static [&'static str] = &[$($value),+];

            /// The value as systems spell it.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $value, )+
                    Self::Other(text) => text.as_str(),
                }
            }

            /// The variant of a value; `None` when it is blank.
            pub fn from_value(value: &str) -> Option<Self> {
                match value.trim() {
                    $( $value => Some(Self::$variant), )+
                    other => $crate::Text::new(other).map(Self::Other),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::Canonical for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.as_str().write(out);
            }
        }

        impl $crate::FieldType for $name {
            const KIND: $crate::FieldKind = $crate::FieldKind::Choice(Self::VALUES);

            fn from_json(value: &serde_json::Value) -> Result<Self, $crate::ParseError> {
                let choice = value.as_str().and_then(Self::from_value);
                choice.ok_or_else(|| $crate::from_json::unexpected(value, "a choice, as a text"))
            }
        }
    };
}

pub(crate) use choices;
