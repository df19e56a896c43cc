//! What another system calls when something happened there.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::settings::SecretRef;

/// How another system asks for a run of a sync: by a call that only who knows a secret can make.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The secret that both systems know, of 16 letters or more: calls are signed with it, or bring it.
    pub secret: SecretRef,
    /// The run stops at its saved plan.
    #[serde(default)]
    pub dry_run: bool,
}
