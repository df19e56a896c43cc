//! Zabbix's own catalogues, for people who pick from them: what the rules can name. Read when asked for, and never kept.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use syncline_core::Result;
use syncline_core::describe::{Catalogue, CatalogueEntry};

use crate::client::ReadClient;
use crate::dialect::Dialect;
use crate::rpc::{Call, Said};

/// A catalogue, and how it is asked for.
struct Shelf {
    name: &'static str,
    call: Call,
    /// The properties with the id, with the name by which the rules speak of the object, and with what else there is to say.
    id: &'static str,
    named: &'static str,
    note: Option<&'static str>,
}

type Row = BTreeMap<String, Value>;

/// Reads all of them in one request.
pub(crate) async fn catalogues(client: &ReadClient) -> Result<Vec<Catalogue>> {
    let shelves = shelves(client.dialect());
    let calls: Vec<_> = shelves.iter().map(|shelf| shelf.call.clone()).collect();
    let mut catalogues = Vec::new();
    for (shelf, answer) in shelves.iter().zip(client.batch(&calls).await?) {
        let (entries, unreadable) = match answer {
            Ok(rows) => {
                let rows: Vec<Row> = serde_json::from_str(rows.get()).map_err(|error| {
                    let message = format!("Zabbix's answer to `{}` cannot be read: {error}", shelf.call.method);
                    syncline_core::Error::new(syncline_core::ErrorKind::Protocol, message)
                })?;
                let mut entries: Vec<_> = rows.iter().map(|row| shelf.entry(row)).collect();
                entries.sort_by(|one, other| one.name.cmp(&other.name));
                (entries, None)
            }
            // What an account may not see is said, and keeps nobody from the rest.
            Err(refusal) if matches!(refusal.said(), Said::Forbidden | Said::Unknown) => {
                (Vec::new(), Some(refusal.words().to_owned()))
            }
            Err(refusal) => return Err(refusal.error(shelf.call.method)),
        };
        catalogues.push(Catalogue { name: shelf.name, entries, unreadable });
    }
    Ok(catalogues)
}

/// The catalogues of a version.
fn shelves(dialect: Dialect) -> Vec<Shelf> {
    let shelf =
        |name, method, params, id, named, note| Shelf { name, call: Call::new(method, params), id, named, note };
    let proxy = dialect.proxy_name;
    let template = json!({"output": ["templateid", "host", "name"]});
    let group = || json!({"output": ["groupid", "name"]});
    let mut shelves = vec![shelf("templates", "template.get", template, "templateid", "host", Some("name"))];
    if dialect.splits_groups() {
        shelves.push(shelf("template_groups", "templategroup.get", group(), "groupid", "name", None));
    }
    shelves.push(shelf("host_groups", "hostgroup.get", group(), "groupid", "name", None));
    shelves.push(shelf("proxies", "proxy.get", json!({"output": ["proxyid", proxy]}), "proxyid", proxy, None));
    if dialect.proxy_groups() {
        let output = json!({"output": ["proxy_groupid", "name"]});
        shelves.push(shelf("proxy_groups", "proxygroup.get", output, "proxy_groupid", "name", None));
    }
    // Their values are not asked for: one that is no secret by its type may hold one all the same.
    let output = json!({"globalmacro": true, "output": ["globalmacroid", "macro", "description"]});
    shelves.push(shelf("global_macros", "usermacro.get", output, "globalmacroid", "macro", Some("description")));
    shelves
}

impl Shelf {
    fn entry(&self, row: &Row) -> CatalogueEntry {
        let text = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = text(self.named);
        let note = self.note.map(text).filter(|note| *note != name).unwrap_or_default();
        CatalogueEntry { id: text(self.id), name, note }
    }
}
