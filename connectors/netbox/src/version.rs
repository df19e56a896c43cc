//! Which NetBox it is, and what there is since which version.

use syncline_core::version::{Known, Version};

/// The releases that this connector knows: since 4.2, MAC addresses are objects of their own and prefixes have a scope.
pub(crate) const KNOWN: Known = Known { system: "NetBox", oldest: (4, 2), newest: (4, 6) };

/// GraphQL pages by key (`pagination: {start: …}`) and compares ids in filters.
pub(crate) const GRAPHQL_BY_KEY: Version = Version::new(4, 5, 2);
/// A write may add tags without naming those that are there (`add_tags`).
pub(crate) const ADDED_TAGS: Version = Version::new(4, 6, 0);
/// A write may carry a message for the change log.
pub(crate) const CHANGELOG_MESSAGES: Version = Version::new(4, 4, 0);
/// `/api/authentication-check/` tells who asks.
pub(crate) const WHO_ASKS: Version = Version::new(4, 5, 0);
