//! Which secrets a configuration refers to.

use syncline_core::Result;
use syncline_core::registry::Registry;
use syncline_core::run::{ConfiguredSync, SyncDefinition};
use syncline_core::settings::{self, SecretRef};
use syncline_web::NamedSecret;

use super::Configuration;

impl Configuration {
    /// Every secret that it refers to, with the key of the setting.
    pub fn secrets(&self, registry: &Registry) -> Result<Vec<NamedSecret>> {
        let mut named = Vec::new();
        let mut name = |key: String, secret: &SecretRef| named.push(NamedSecret { key, secret: secret.clone() });
        if let Some(password) = &self.data.history_password {
            name("data.history_password".to_owned(), password);
        }
        if let Some(secret) = self.web.oidc.as_ref().and_then(|oidc| oidc.client_secret.as_ref()) {
            name("web.oidc.client_secret".to_owned(), secret);
        }
        for (channel, settings) in &self.notify {
            settings.secrets().for_each(|(key, secret)| name(format!("notify.{channel}.{key}"), secret));
        }
        for (connection, settings) in &self.connections {
            let schema = (registry.get(&settings.connector)?.connection_schema)();
            for (key, secret) in settings::secrets(&schema, &settings.settings) {
                name(format!("connections.{connection}.{key}"), &secret);
            }
        }
        for (sync, settings) in &self.syncs {
            named.extend(secrets_of(registry, sync, &self.configured(sync, settings, false)?)?);
        }
        Ok(named)
    }
}

/// The secrets that a sync refers to beside its connections, with the keys of the settings.
pub fn secrets_of(registry: &Registry, name: &str, sync: &ConfiguredSync) -> Result<Vec<NamedSecret>> {
    let mut named = Vec::new();
    let mut add = |key: &str, secret: SecretRef| named.push(NamedSecret { key: format!("syncs.{name}.{key}"), secret });
    if let Some(webhook) = &sync.automation.webhook {
        add("webhook.secret", webhook.secret.clone());
    }
    let SyncDefinition { source, target, .. } = &sync.definition;
    let source_schema = registry.get(&source.connector)?.source.as_ref().map(|side| side.parameters_schema);
    let target_schema = registry.get(&target.connector)?.target.as_ref().map(|side| side.parameters_schema);
    for (side, schema, parameters) in
        [("source", source_schema, &source.parameters), ("target", target_schema, &target.parameters)]
    {
        let Some(schema) = schema else { continue };
        for (key, secret) in settings::secrets(&schema(), parameters) {
            add(&format!("{side}_parameters.{key}"), secret);
        }
    }
    Ok(named)
}
