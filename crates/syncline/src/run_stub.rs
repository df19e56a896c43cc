//! Temporary.
#![allow(missing_docs)]
use serde_json::Value;
use std::collections::BTreeMap;
use syncline_core::models::ModelMode;
use syncline_core::policy::Policy;
#[derive(Debug, Clone)]
pub struct SyncDefinition {
    pub name: String,
    pub source: SideDefinition,
    pub target: SideDefinition,
    pub models: BTreeMap<String, ModelMode>,
    pub policy: Policy,
}
#[derive(Debug, Clone)]
pub struct SideDefinition {
    pub connection_name: String,
    pub connector: String,
    pub connection: Value,
    pub parameters: Value,
}
