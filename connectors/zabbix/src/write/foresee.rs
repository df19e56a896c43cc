//! What Zabbix would refuse of a plan, found out without writing: with the checks that are made before each write, and by looking
//! for hosts that have the names already.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change, Refusal};
use syncline_core::{Error, ErrorKind, Result};

use super::payload::Payloads;
use crate::read::host::Reading;
use crate::read::rows::HostRow;
use crate::read::{rows_of, window};
use crate::rpc::Call;
use crate::target::ZabbixTarget;
use crate::templates::Templates;

/// The fields that refer to objects of Zabbix which the plan does not make. Groups it makes, and what is secret is asked for when it is
/// written.
const FIELDS: [&str; 3] = ["templates", "interfaces", "monitored_by"];

/// A host that has a name.
#[derive(Deserialize)]
struct Named {
    hostid: String,
    host: String,
    name: String,
}

impl ZabbixTarget {
    /// What Zabbix would refuse of some changes of hosts, in their order.
    pub(crate) async fn foreseen(&self, changes: &[&Change]) -> Result<Vec<Option<Refusal>>> {
        let taken = self.taken(changes).await?;
        // Of an update, a change that touches none of these cannot fail by them.
        let parts: Vec<_> = changes.iter().map(|change| part(change)).collect();
        let catalogue = self.catalogue().await?;
        let rows = self.hosts_now(&parts).await?;
        let mut ids: BTreeSet<String> = parts.iter().flat_map(|part| Payloads::linked(catalogue, part)).collect();
        ids.extend(rows.values().flat_map(|row| &row.templates).map(|template| template.templateid.clone()));
        let mut templates = Templates::default();
        templates.learn(&self.client, &ids).await?;
        let payloads = Payloads {
            templates: &templates,
            dialect: self.client.dialect(),
            catalogue,
            managed: &self.managed,
            mapping: &self.parameters.hosts,
            checks: &self.checks,
            unlink: self.parameters.unlink,
            bindings: &Bindings::new(),
        };
        let refusals = changes.iter().zip(&parts).map(|(change, part)| {
            if let Some(refusal) = taken.refusal(change) {
                return Some(refusal);
            }
            let object = match part.native.as_ref().map(|native| rows.get(&*native.id)) {
                None => payloads.create(part),
                Some(Some(now)) => payloads.update(part, now),
                Some(None) => return None,
            };
            object.err().map(|fault| Refusal { field: Some(fault.field.to_owned()), reason: fault.reason })
        });
        Ok(refusals.collect())
    }

    /// What Zabbix would refuse of some changes of maintenance windows, in their order: a name that people have given to one.
    pub(crate) async fn foreseen_windows(&self, changes: &[&Change]) -> Result<Vec<Option<Refusal>>> {
        let name = |change: &Change| change.after("name").and_then(Value::as_str).map(str::to_owned);
        let new = changes.iter().filter(|change| change.action == Action::Create);
        let names: Vec<_> = new.filter_map(|change| name(change)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        // Where this sync's windows have the names, they are no creates.
        let rows = window::some(&self.client, ("name", names)).await?;
        let taken: HashMap<_, _> = rows.into_iter().map(|row| (row.name, row.maintenanceid)).collect();
        let refusal = |change: &&Change| {
            let name = name(change).filter(|_| change.action == Action::Create)?;
            let id = taken.get(&name)?;
            let reason = format!(
                "the window {id} is called `{name}`, and this sync did not make it: rename it in Zabbix, or give the rule another name"
            );
            Some(Refusal { field: Some("name".to_owned()), reason })
        };
        Ok(changes.iter().map(refusal).collect())
    }

    /// The hosts that updates are about, as they are: of those only that touch what could be refused.
    async fn hosts_now(&self, parts: &[Change]) -> Result<HashMap<String, HostRow>> {
        let touched = parts.iter().filter(|part| part.action == Action::Update && !part.fields.is_empty());
        let ids: Vec<_> = touched.filter_map(|part| Some(part.native.as_ref()?.id.to_string())).collect();
        let catalogue = self.catalogue().await?;
        let reading = Reading {
            dialect: self.client.dialect(),
            catalogue,
            managed: &self.managed,
            origin: &self.parameters.hosts.origin,
        };
        let mut rows = HashMap::new();
        for page in ids.chunks(self.connection.page_size.max(1) as usize) {
            let found = rows_of(&self.client, &reading, page.to_vec()).await?;
            rows.extend(found.into_iter().map(|row| (row.hostid.clone(), row)));
        }
        Ok(rows)
    }

    /// The names of new hosts that other hosts have: such that are left alone, or that Zabbix discovered.
    async fn taken(&self, changes: &[&Change]) -> Result<Taken> {
        let of = |field: &str| -> Vec<&str> {
            let new = changes.iter().filter(|change| change.action == Action::Create);
            new.filter_map(|change| change.after(field).and_then(Value::as_str)).collect()
        };
        let (hosts, names) = (of("host"), of("name"));
        let mut taken = Taken::default();
        if hosts.is_empty() {
            return Ok(taken);
        }
        let call =
            |filter: Value| Call::new("host.get", json!({"output": ["hostid", "host", "name"], "filter": filter}));
        let calls = [call(json!({"host": hosts})), call(json!({"name": names}))];
        // One that the plan changes may give its name away.
        let changed: BTreeSet<&str> =
            changes.iter().filter_map(|change| change.native.as_ref()).map(|native| &*native.id).collect();
        for answer in self.client.batch(&calls).await? {
            let rows = answer.map_err(|refusal| refusal.error("host.get"))?;
            let rows: Vec<Named> = serde_json::from_str(rows.get()).map_err(|error| {
                Error::new(ErrorKind::Protocol, format!("Zabbix's answer to `host.get` cannot be read: {error}"))
            })?;
            for row in rows.into_iter().filter(|row| !changed.contains(row.hostid.as_str())) {
                taken.hosts.insert(row.host, row.hostid.clone());
                taken.names.insert(row.name, row.hostid);
            }
        }
        Ok(taken)
    }
}

/// Names that hosts have, with the ids of these.
#[derive(Default)]
struct Taken {
    /// Technical names.
    hosts: HashMap<String, String>,
    /// Visible names.
    names: HashMap<String, String>,
}

impl Taken {
    fn refusal(&self, change: &Change) -> Option<Refusal> {
        if change.action != Action::Create {
            return None;
        }
        [("host", "technical", &self.hosts), ("name", "visible", &self.names)].into_iter().find_map(|(field, kind, taken)| {
            let name = change.after(field).and_then(Value::as_str)?;
            let id = taken.get(name)?;
            let reason = format!(
                "the {kind} name `{name}` is that of the host {id}, which this sync leaves alone: rename that one, or let the rules give \
                 this one another name"
            );
            Some(Refusal { field: Some(field.to_owned()), reason })
        })
    }
}

/// What of a change could be refused for what Zabbix has.
fn part(change: &Change) -> Change {
    let mut part = change.clone();
    part.fields.retain(|field| FIELDS.contains(&&*field.name));
    part
}
