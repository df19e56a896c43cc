//! Host groups.

use crate::{Model, Text};

/// A group of hosts, by which Zabbix grants rights and people find hosts. A `/` in its name nests it.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "host group", plural = "host groups", deletion = Shared)]
pub struct HostGroup {
    /// Its whole name, such as `Sites/Berne`. Zabbix tells case apart.
    #[model(key)]
    pub name: Text,
}
