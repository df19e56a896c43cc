//! Hosts as the API answers them. Every scalar is a text; PHP writes what is empty as `[]`, also where there would be an object.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A host with what hangs on it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HostRow {
    pub hostid: String,
    pub host: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub inventory_mode: String,
    #[serde(default)]
    pub tls_connect: String,
    #[serde(default)]
    pub tls_accept: String,
    #[serde(default)]
    pub tls_issuer: String,
    #[serde(default)]
    pub tls_subject: String,
    #[serde(default)]
    pub monitored_by: Option<String>,
    #[serde(default)]
    pub proxyid: Option<String>,
    #[serde(default)]
    pub proxy_groupid: Option<String>,
    #[serde(default)]
    pub proxy_hostid: Option<String>,
    #[serde(default)]
    pub interfaces: Vec<Map<String, Value>>,
    #[serde(default, alias = "hostgroups")]
    pub groups: Option<Vec<GroupRef>>,
    #[serde(default, rename = "parentTemplates")]
    pub templates: Vec<TemplateRef>,
    #[serde(default)]
    pub tags: Vec<TagRow>,
    #[serde(default)]
    pub macros: Vec<MacroRow>,
    #[serde(default, deserialize_with = "object")]
    pub inventory: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GroupRef {
    pub groupid: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TemplateRef {
    pub templateid: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct TagRow {
    pub tag: String,
    #[serde(default)]
    pub value: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MacroRow {
    pub hostmacroid: String,
    pub r#macro: String,
    /// None for a secret one.
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub r#type: String,
    #[serde(default)]
    pub description: String,
}

/// An object, or the empty list that PHP makes of an empty one.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(object) => object,
        _ => Map::new(),
    })
}
