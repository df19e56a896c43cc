//! The parts put together: connectors, configuration, history.

use syncline_core::registry::Registry;
use syncline_core::{Error, ErrorKind, Result};

use crate::connectors::EXPECTED;

/// The connectors of this build. An error when one that belongs to it is not linked.
pub fn registry() -> Result<Registry> {
    let registry = Registry::linked()?;
    for id in EXPECTED {
        if registry.get(id).is_err() {
            let message = format!(
                "the connector `{id}` belongs to this build but is not linked; name its crate in `connectors.rs`"
            );
            return Err(Error::new(ErrorKind::Internal, message));
        }
    }
    Ok(registry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked() -> Vec<(&'static str, bool, bool)> {
        let registry = registry().unwrap();
        registry
            .iter()
            .map(|connector| (connector.id, connector.source.is_some(), connector.target.is_some()))
            .collect()
    }

    #[cfg(feature = "connector-forward")]
    #[test]
    fn forward_is_a_source() {
        assert!(linked().contains(&("forward", true, false)));
    }

    #[cfg(feature = "connector-netbox")]
    #[test]
    fn netbox_is_a_source_and_a_target() {
        assert!(linked().contains(&("netbox", true, true)));
    }
}
