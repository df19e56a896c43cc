//! Reading a NetBox: the same for a source and for a target.
//!
//! Ids in references become keys by the tables that were read before: first the catalogues, then devices, interfaces,
//! addresses. What closes a circle is held back until the other side is known: a chassis its master, a device its primary
//! addresses, an interface its aggregate.

mod convert;
mod held;
mod known;
mod managed;
pub(crate) mod pages;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures::try_join;
use syncline_core::Result;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::{ModelSink, SnapshotSink};
use syncline_model::Model;
use syncline_model::models::{
    Cluster, ClusterGroup, ClusterType, DeviceRole, DeviceType, IpAddress, MacAddress, Manufacturer, Platform, Prefix,
    Site, Tag, Tenant, TenantGroup, Vlan, Vrf,
};

use self::convert::Readable;
use self::known::{Keys, Known, Refusal};
use self::pages::{List, Rows};
use crate::client::ReadClient;
use crate::rows::{BareRow, Ref, Row};
use crate::settings::SourceParameters;
use crate::tables::{self, Column, Kind};
use crate::version::GRAPHQL_BY_KEY;

/// Whether what is read is the truth or what is to be made to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Source,
    Target,
}

/// Which part of a NetBox belongs to the sync.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Slugs of sites; empty for all.
    sites: Vec<String>,
    /// Ids of tags; none for all.
    tags: Option<HashSet<u64>>,
    /// Whether anything is left out.
    pub restricted: bool,
}

/// One read under way.
pub(crate) struct Reading<'a> {
    client: &'a ReadClient,
    request: &'a ReadRequest,
    sink: &'a SnapshotSink,
    role: Role,
    scope: Scope,
    /// Models that could not be read to their end, and why.
    unread: Mutex<BTreeMap<&'static str, String>>,
}

/// Reads every model of the request into the sink.
pub(crate) async fn load(
    client: &ReadClient,
    role: Role,
    parameters: Option<&SourceParameters>,
    request: &ReadRequest,
    sink: &SnapshotSink,
) -> Result<()> {
    sink.note("netbox_version", client.version().to_string());
    let scope = match parameters {
        Some(parameters) => Scope::resolve(client, parameters).await?,
        None => Scope::default(),
    };
    let reading = Reading { client, request, sink, role, scope, unread: Mutex::default() };
    // Boxed: the futures of all models together are large.
    Box::pin(reading.everything()).await
}

impl Scope {
    async fn resolve(client: &ReadClient, parameters: &SourceParameters) -> Result<Self> {
        let SourceParameters { sites, tags } = parameters;
        let restricted = !sites.is_empty() || !tags.is_empty();
        if tags.is_empty() {
            return Ok(Self { sites: sites.clone(), tags: None, restricted });
        }
        let ids = crate::tags::resolve(client, tags).await?.into_iter().map(|tag| tag.id).collect();
        Ok(Self { sites: sites.clone(), tags: Some(ids), restricted })
    }

    fn has_site(&self, slug: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|site| site == slug)
    }

    fn has_tag(&self, tags: &[Ref]) -> bool {
        self.tags.as_ref().is_none_or(|wanted| tags.iter().any(|tag| wanted.contains(&tag.id.0)))
    }
}

impl Reading<'_> {
    async fn everything(&self) -> Result<()> {
        let mut known = Known::default();

        let nothing = Known::default();
        (known.tags, known.sites, known.manufacturers, known.device_roles, known.vrfs) = try_join!(
            self.plain::<Tag>(&nothing),
            self.plain::<Site>(&nothing),
            self.plain::<Manufacturer>(&nothing),
            self.plain::<DeviceRole>(&nothing),
            self.plain::<Vrf>(&nothing),
        )?;
        (known.tenant_groups, known.cluster_types, known.cluster_groups) = try_join!(
            self.plain::<TenantGroup>(&nothing),
            self.plain::<ClusterType>(&nothing),
            self.plain::<ClusterGroup>(&nothing),
        )?;
        known.tenants = self.plain::<Tenant>(&known).await?;
        (known.device_types, known.platforms, known.vlans, known.clusters, _) = try_join!(
            self.plain::<DeviceType>(&known),
            self.plain::<Platform>(&known),
            self.plain::<Vlan>(&known),
            self.plain::<Cluster>(&known),
            self.plain::<Prefix>(&known),
        )?;
        let chassis = self.virtual_chassis(&mut known).await?;
        let (devices, members_of) = self.devices(&mut known).await?;
        self.finish_chassis(chassis, &members_of, &known).await?;
        let machines = self.virtual_machines(&known).await?;
        self.interfaces(&mut known).await?;
        let wanted = devices.primary_addresses().chain(machines.primary_addresses()).collect();
        let (mut addresses, _) = try_join!(self.ip_addresses(&wanted, &known), self.plain::<MacAddress>(&known))?;
        // An address of a virtual machine becomes no record, and a sync may want no addresses at all but those that something is
        // managed by.
        if !self.sink.wants::<IpAddress>() {
            self.look_up(devices.primary_addresses(), &known, &mut addresses).await?;
        }
        self.look_up(machines.primary_addresses(), &known, &mut addresses).await?;
        self.finish(devices, &addresses).await?;
        self.finish(machines, &addresses).await?;
        if self.client.version() >= GRAPHQL_BY_KEY && !self.client.uses_graphql() {
            self.sink.note("netbox_read_by", "REST");
        }
        Ok(())
    }

    fn is_target(&self) -> bool {
        self.role == Role::Target
    }

    /// Whether the run compares a field.
    fn wants<M: Model>(&self, field: &str) -> bool {
        M::SCHEMA.position(field).is_some_and(|position| self.sink.fields::<M>().contains(position))
    }

    /// What NetBox is asked for. Plain values cost next to nothing; references and tags are left out unless compared.
    fn columns<M: Model>(&self) -> Vec<&'static Column> {
        let table = tables::of::<M>();
        let wanted = table.columns_of(self.sink.fields::<M>().union(M::SCHEMA.key_set()));
        let needed = |column: &&Column| match column.kind {
            Kind::Tags if self.scope.tags.is_some() => true,
            Kind::Tags | Kind::Reference(_) | Kind::Json => wanted.iter().any(|other| other.field == column.field),
            _ => true,
        };
        table.columns.iter().filter(needed).collect()
    }

    /// Begins a model: none when the run does not read it, or when it may not be read.
    async fn open<'r, M: Model, R: Row>(
        &'r self,
        columns: &'r [&'static Column],
    ) -> Result<Option<(Rows<'r, R>, ModelSink<M>)>> {
        if !self.sink.wants::<M>() {
            return Ok(None);
        }
        let mut sink = self.sink.open::<M>()?;
        let list = List { client: self.client, request: Some(self.request), table: tables::of::<M>(), columns };
        match list.extent().await {
            Ok(extent) => {
                sink.expect(extent.count);
                Ok(Some((Rows::new(list, extent), sink)))
            }
            Err(error) => {
                self.end(sink, Err(error)).await?;
                Ok(None)
            }
        }
    }

    /// Ends a model as its rows did. One that cannot be read on is partial; an error that concerns everything goes up.
    async fn end<M: Model>(&self, sink: ModelSink<M>, result: Result<()>) -> Result<()> {
        match result {
            Ok(()) => sink.complete().await,
            Err(error) if error.kind().ends_a_read() => Err(error),
            Err(error) => {
                self.unread().insert(M::NAME, error.report());
                sink.partial_after(&error).await
            }
        }
    }

    fn unread(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a model whose rows become records on their own.
    async fn plain<M: Readable>(&self, known: &Known) -> Result<Keys<M>> {
        let mut keys = Keys::default();
        let columns = self.columns::<M>();
        let Some((mut rows, mut sink)) = self.open::<M, M::Row>(&columns).await? else { return Ok(keys) };
        let result = async {
            while let Some(page) = rows.next().await? {
                for row in page {
                    let (id, native, label) = (row.id(), row.native(), row.label());
                    match M::record(row, known, self) {
                        Ok(record) => {
                            keys.insert(id, record.key());
                            sink.push(&record, Some(&native)).await?;
                        }
                        Err(refusal) => {
                            if matches!(refusal, Refusal::Skip(_)) {
                                keys.hide(id);
                            }
                            refuse(&mut sink, label, refusal);
                        }
                    }
                }
            }
            Ok(())
        }
        .await;
        self.end(sink, result).await?;
        Ok(keys)
    }
}

/// Counts a row that becomes no record.
fn refuse<M: Model>(sink: &mut ModelSink<M>, label: impl Into<String>, refusal: Refusal) {
    match refusal {
        Refusal::Skip(rule) => sink.skip(rule),
        Refusal::Reject { field, message } => sink.reject(label, field, message),
    }
}

/// What the target has now of some records: for preconditions.
pub(crate) async fn current(
    client: &ReadClient,
    table: &'static tables::Table,
    columns: &[&'static Column],
    ids: &[u64],
) -> Result<Vec<BareRow>> {
    List { client, request: None, table, columns }.current(ids).await
}
