//! The shared network vocabulary: typed models, keys, references and their schemas.
//!
//! A *model* is a kind of record: a struct with `#[derive(Model)]`. What the derive makes of it is a static
//! [`ModelSchema`] for the engine and one canonical text form, so that two records are equal exactly when their bytes
//! are. Values are normalised when they are constructed ([`Text`], [`Slug`], [`MacAddress`], [`IpHost`], [`IpPrefix`],
//! [`VlanId`]), therefore the same on both sides of a sync. No I/O and nothing asynchronous lives here.
//!
//! ```
//! use syncline_model::{Model, Slug, Text, models::{Site, SiteStatus}};
//!
//! let site = Site {
//!     slug: Slug::from_name("Atlanta DC1").unwrap(),
//!     name: Text::new(" Atlanta DC1 ").unwrap(),
//!     status: SiteStatus::Active,
//!     physical_address: None,
//! };
//! assert_eq!(site.key().as_str(), r#"["atlanta-dc1"]"#);
//! ```

// The derive names this crate by its full path, also from within.
extern crate self as syncline_model;

mod any_record;
mod canonical;
mod choices;
mod from_json;
mod json;
mod key;
mod mac;
mod model;
pub mod models;
mod net;
mod pair;
mod schema;
mod slug;
mod text;
mod vlan;

pub use any_record::{AnyRecord, FieldError};
pub use canonical::Canonical;
pub use from_json::{ReadJson, read_json};
pub use json::Json;
pub use key::{AnyKey, Key};
pub use mac::MacAddress;
pub use model::{FieldSet, FieldType, Model};
pub use net::{IpHost, IpPrefix};
pub use pair::Pair;
pub use schema::{DeletionClass, FieldKind, FieldSchema, ModelSchema};
pub use slug::{Slug, SlugStyle};
pub use syncline_derive::Model;
pub use text::Text;
pub use vlan::VlanId;

/// Why a text is not a value of the type it was meant for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not {expected}")]
pub struct ParseError {
    /// The offending text, cut to a length that fits in a message.
    pub value: String,
    /// What was expected, with an example.
    pub expected: &'static str,
}

impl ParseError {
    /// Longest part of an offending value that is repeated in a message.
    const SHOWN: usize = 80;

    pub(crate) fn new(value: &str, expected: &'static str) -> Self {
        let mut shown: String = value.chars().take(Self::SHOWN).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        Self { value: shown, expected }
    }
}
