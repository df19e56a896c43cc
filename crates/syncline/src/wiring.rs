//! The parts put together: connectors, configuration, history.

use secrecy::ExposeSecret as _;
use syncline_core::history::History;
use syncline_core::registry::Registry;
use syncline_core::run::Runner;
use syncline_core::{Error, ErrorKind, Result};

use crate::config::Configuration;
use crate::connectors::EXPECTED;
use crate::telemetry::trace_id;

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

/// What runs the syncs of a configuration.
pub async fn runner(configuration: &Configuration) -> Result<Runner> {
    let runner = Runner::new(registry()?, open_history(configuration).await?, &configuration.data_folder);
    Ok(runner.with_trace_ids(trace_id).with_kept_reads(configuration.data.retention.reads))
}

/// The history that a configuration names.
pub async fn open_history(configuration: &Configuration) -> Result<History> {
    let file = configuration.data_folder.join("history.sqlite");
    let Some(address) = &configuration.data.history else { return History::open(&file.to_string_lossy()).await };
    let Some(password) = &configuration.data.history_password else { return History::open(address).await };
    let password = password.resolve()?;
    let with_password = url::Url::parse(address).ok().and_then(|mut url| {
        url.set_password(Some(password.expose_secret())).ok()?;
        Some(url)
    });
    let with_password = with_password.ok_or_else(|| {
        let message =
            "`data.history_password` goes with a database: set `data.history` to `postgres://user@host/database`";
        Error::new(ErrorKind::Settings, message)
    })?;
    History::open(with_password.as_str()).await
}

#[cfg(all(test, any(feature = "connector-forward", feature = "connector-netbox")))]
mod tests {
    use super::*;

    fn linked() -> Vec<(&'static str, bool, bool)> {
        let registry = registry().expect("every connector of this build is linked");
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
