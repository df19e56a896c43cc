//! The connectors that the host links.

use std::collections::BTreeMap;

use crate::connector::ConnectorDescriptor;
use crate::{Error, ErrorKind, Result};

/// The connectors by id.
#[derive(Debug, Default)]
pub struct Registry {
    connectors: BTreeMap<&'static str, &'static ConnectorDescriptor>,
}

impl Registry {
    /// Every connector that is linked into this program.
    ///
    /// A crate that is only named as a dependency is not linked: the host refers to it with `use … as _;`. A test therefore
    /// asks the host's library, not this function.
    pub fn linked() -> Result<Self> {
        Self::of(inventory::iter::<ConnectorDescriptor>)
    }

    /// These connectors.
    pub fn of(connectors: impl IntoIterator<Item = &'static ConnectorDescriptor>) -> Result<Self> {
        let mut registry = Self::default();
        for connector in connectors {
            if let Some(other) = registry.connectors.insert(connector.id, connector) {
                let message = format!(
                    "the crates `{}` and `{}` both register a connector `{}`; link one of them",
                    other.package, connector.package, connector.id
                );
                return Err(Error::new(ErrorKind::Internal, message));
            }
        }
        Ok(registry)
    }

    /// The connectors, by id.
    pub fn iter(&self) -> impl Iterator<Item = &'static ConnectorDescriptor> {
        self.connectors.values().copied()
    }

    /// A connector by id; the error lists those that there are.
    pub fn get(&self, id: &str) -> Result<&'static ConnectorDescriptor> {
        self.connectors.get(id).copied().ok_or_else(|| {
            let known: Vec<_> = self.connectors.keys().copied().collect();
            Error::new(ErrorKind::Settings, format!("unknown connector `{id}` (known: {})", known.join(", ")))
        })
    }
}
