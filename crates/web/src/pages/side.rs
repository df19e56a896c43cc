//! A source or a target.

use super::form::segment;

/// The page of a source or a target.
pub fn side_href(is_source: bool, connection: &str) -> String {
    format!("/{}/{}", if is_source { "sources" } else { "targets" }, segment(connection))
}
