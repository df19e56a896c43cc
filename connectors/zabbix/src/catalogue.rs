//! What hosts refer to: groups, templates, proxies. Read once for a run, in one request.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};
use syncline_core::Result;

use crate::client::ReadClient;
use crate::rpc::{Call, Said};

/// The objects that hosts refer to, by id and by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Catalogue {
    /// Host groups.
    pub groups: Named,
    /// Templates, by technical name.
    pub templates: Named,
    /// Visible names of templates: hosts must not have them.
    pub visible_templates: BTreeSet<String>,
    /// Proxies.
    pub proxies: Named,
    /// Proxy groups; none before 7.0.
    pub proxy_groups: Named,
}

/// Names by id, and ids by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Named {
    names: BTreeMap<String, String>,
    ids: BTreeMap<String, String>,
}

impl Named {
    /// Adds an object.
    pub fn add(&mut self, id: &str, name: &str) {
        self.names.insert(id.to_owned(), name.to_owned());
        self.ids.insert(name.to_owned(), id.to_owned());
    }

    /// The name of an id.
    pub fn name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// The id of a name.
    pub fn id(&self, name: &str) -> Option<&str> {
        self.ids.get(name).map(String::as_str)
    }

    /// Ids with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(id, name)| (id.as_str(), name.as_str()))
    }
}

#[derive(Deserialize)]
struct GroupRow {
    groupid: String,
    name: String,
}

#[derive(Deserialize)]
struct TemplateRow {
    templateid: String,
    host: String,
    name: String,
}

impl Catalogue {
    /// Reads all of it.
    pub async fn read(client: &ReadClient) -> Result<Self> {
        let dialect = client.dialect();
        let proxy = ["proxyid", dialect.proxy_name];
        let mut calls = vec![
            Call::new("hostgroup.get", json!({"output": ["groupid", "name"]})),
            Call::new("template.get", json!({"output": ["templateid", "host", "name"]})),
            Call::new("proxy.get", json!({"output": proxy})),
        ];
        if dialect.proxy_groups() {
            calls.push(Call::new("proxygroup.get", json!({"output": ["proxy_groupid", "name"]})));
        }
        let mut catalogue = Self::default();
        for (call, answer) in calls.iter().zip(client.batch(&calls).await?) {
            let rows = match answer {
                Ok(rows) => rows,
                // Proxies are only needed where hosts have them.
                Err(refusal) if call.method.starts_with("proxy") && refusal.said() == Said::Forbidden => continue,
                Err(refusal) => return Err(refusal.error(call.method)),
            };
            catalogue.take(call.method, rows.get(), dialect.proxy_name)?;
        }
        Ok(catalogue)
    }

    fn take(&mut self, method: &'static str, rows: &str, proxy_name: &str) -> Result<()> {
        match method {
            "hostgroup.get" => {
                for row in parsed::<GroupRow>(method, rows)? {
                    self.groups.add(&row.groupid, &row.name);
                }
            }
            "template.get" => {
                for row in parsed::<TemplateRow>(method, rows)? {
                    self.templates.add(&row.templateid, &row.host);
                    self.visible_templates.insert(row.name);
                }
            }
            _ => {
                let (named, id, name) = if method == "proxy.get" {
                    (&mut self.proxies, "proxyid", proxy_name)
                } else {
                    (&mut self.proxy_groups, "proxy_groupid", "name")
                };
                for row in parsed::<BTreeMap<String, Value>>(method, rows)? {
                    let text = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default();
                    named.add(text(id), text(name));
                }
            }
        }
        Ok(())
    }

    /// Technical names of all templates.
    pub fn template_names(&self) -> BTreeSet<String> {
        self.templates.iter().map(|(_, name)| name.to_owned()).collect()
    }
}

fn parsed<T: serde::de::DeserializeOwned>(method: &str, rows: &str) -> Result<Vec<T>> {
    serde_json::from_str(rows).map_err(|error| {
        let message = format!("Zabbix's answer to `{method}` cannot be read: {error}");
        syncline_core::Error::new(syncline_core::ErrorKind::Protocol, message)
    })
}
