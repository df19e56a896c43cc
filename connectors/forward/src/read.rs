//! One read of the source: which queries it takes, that they fit, and in which order their rows become records.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::take;
use std::sync::OnceLock;

use futures::future::join_all;
use futures::try_join;
use serde_json::{Map, Value};
use syncline_core::Result;
use syncline_core::event::Level;
use syncline_core::read::ReadRequest;
use syncline_core::snapshot::SnapshotSink;
use syncline_model::Key;
use syncline_model::models::{
    Device, DeviceRole, DeviceType, Interface, IpAddress, MacAddress, Manufacturer, Platform, Prefix, Site, Tag,
    VirtualChassis, Vlan, Vrf,
};

use crate::client::Api;
use crate::error::Error;
use crate::models::catalogues::{self, Catalogues, RoleRow, VendorRow};
use crate::models::device::{self, Devices};
use crate::models::ip_address::Addresses;
use crate::models::virtual_chassis::Stacks;
use crate::models::{
    Collected, Ready, Run, device_type, ends_the_run, interface, ip_address, mac_address, platform, prefix, site, tag,
    virtual_chassis, vlan, vrf,
};
use crate::names::{self, Catalogue, Named};
use crate::nqe::{Reader, check_first_row};
use crate::queries::{Bound, Query};
use crate::settings::{Parameters, TagMatch};

/// Reads what the request asks for. Gives the names of the devices in it.
pub(crate) async fn read(
    api: &Api,
    reader: &Reader,
    parameters: &Parameters,
    request: &ReadRequest,
    sink: &SnapshotSink,
) -> Result<HashSet<Box<str>>> {
    let (queries, chooses_devices) = prepare(api, reader, parameters, request, sink).await?;
    let run = Run { reader, sink, request, parameters, queries, doubt: OnceLock::new(), chooses_devices };
    Box::pin(run.read()).await
}

/// Binds the queries that the request takes, and looks at one row of each.
async fn prepare(
    api: &Api,
    reader: &Reader,
    parameters: &Parameters,
    request: &ReadRequest,
    sink: &SnapshotSink,
) -> Result<(BTreeMap<Query, Result<Ready, String>>, bool)> {
    let mut chooses_devices = !parameters.all_of().is_empty();
    let mut prepared = BTreeMap::new();
    let mut failures = Vec::new();
    // Binding a query can show that devices must be chosen here, which takes further queries: hence twice.
    for _ in 0..2 {
        let needed = needed(request, chooses_devices);
        let fresh: Vec<_> = needed.into_iter().filter(|query| !prepared.contains_key(query)).collect();
        let results = join_all(fresh.iter().map(|query| probe(api, reader, parameters, *query))).await;
        for (query, result) in fresh.into_iter().zip(results) {
            let ready = match result {
                Ok(ready) => {
                    if parameters.is_scoped() && !ready.bound.takes_scope() {
                        chooses_devices = true;
                        let text = format!(
                            "the query `{query}` does not take the sync's scope: rows of other devices are left out here"
                        );
                        sink.events().message(Level::Warning, text);
                    }
                    Ok(ready)
                }
                Err(error) => {
                    let error = syncline_core::Error::from(error).with("query", query);
                    if ends_the_run(&error) {
                        return Err(error);
                    }
                    let reason = error.report();
                    failures.push(error);
                    Err(reason)
                }
            };
            prepared.insert(query, ready);
        }
    }
    // Nothing can be read at all: that is a failure of the run, not of every model.
    if !failures.is_empty() && failures.len() == prepared.len() {
        return Err(failures.swap_remove(0));
    }
    Ok((prepared, chooses_devices))
}

/// Whether a device belongs to the sync. The shipped queries choose the same, but for `all` of several tags.
fn in_scope(scope: &Parameters, row: &device::Row) -> bool {
    let carries = |tag: &String| row.tags.contains(tag);
    let included = match scope.tags.include_match {
        TagMatch::Any => scope.tags.include.is_empty() || scope.tags.include.iter().any(carries),
        TagMatch::All => scope.tags.include.iter().all(carries),
    };
    included && !scope.tags.exclude.iter().any(carries) && (scope.sites.is_empty() || scope.sites.contains(&row.site))
}

/// The queries that the models of the request are made of.
fn needed(request: &ReadRequest, chooses_devices: bool) -> BTreeSet<Query> {
    let wants = |model: &str| request.fields.has(model);
    let wants_field = |model: &str, field: &str| {
        let fields = &request.fields;
        let position = fields.schema(model).and_then(|schema| schema.position(field));
        position.is_some_and(|position| fields.of(model).contains(position))
    };
    let on_devices = ["device", "interface", "mac_address", "ip_address", "virtual_chassis"].into_iter().any(wants);
    let choosing = chooses_devices && request.fields.iter().next().is_some();
    let addresses = wants("ip_address") || (chooses_devices && (wants("prefix") || wants("vrf")));
    let stacks = wants("virtual_chassis") || wants_field("device", "virtual_chassis");
    let wanted = [
        (wants("site"), Query::Sites),
        (wants("manufacturer"), Query::Manufacturers),
        (wants("device_type"), Query::DeviceTypes),
        (wants("device_role"), Query::DeviceRoles),
        (wants("platform"), Query::Platforms),
        (on_devices || choosing, Query::Devices),
        (stacks, Query::VirtualChassis),
        (wants("interface"), Query::Interfaces),
        (wants("mac_address"), Query::MacAddresses),
        (wants("vlan"), Query::Vlans),
        (wants("vrf"), Query::Vrfs),
        (wants("prefix"), Query::Prefixes),
        (addresses, Query::IpAddresses),
        (wants("tag"), Query::DeviceTags),
    ];
    wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, query)| query).collect()
}

/// Binds a query and checks its columns on its first row. One without rows has no columns to check.
async fn probe(api: &Api, reader: &Reader, parameters: &Parameters, query: Query) -> Result<Ready, Error> {
    let bound = Bound::resolve(api, query, parameters).await?;
    let probe = reader.probe(&bound).await?;
    if let Some(row) = &probe.first {
        check(&bound, row)?;
    }
    Ok(Ready { bound, total: probe.total })
}

fn check(bound: &Bound, row: &Map<String, Value>) -> Result<(), Error> {
    match bound.query {
        Query::Sites => check_first_row::<site::Row>(bound, row),
        Query::Manufacturers => check_first_row::<VendorRow>(bound, row),
        Query::DeviceTypes => check_first_row::<device_type::Row>(bound, row),
        Query::DeviceRoles => check_first_row::<RoleRow>(bound, row),
        Query::Platforms => check_first_row::<platform::Row>(bound, row),
        Query::Devices => check_first_row::<device::Row>(bound, row),
        Query::VirtualChassis => check_first_row::<virtual_chassis::Row>(bound, row),
        Query::Interfaces => check_first_row::<interface::Row>(bound, row),
        Query::MacAddresses => check_first_row::<mac_address::Row>(bound, row),
        Query::Vlans => check_first_row::<vlan::Row>(bound, row),
        Query::Vrfs => check_first_row::<vrf::Row>(bound, row),
        Query::Prefixes => check_first_row::<prefix::Row>(bound, row),
        Query::IpAddresses => check_first_row::<ip_address::Row>(bound, row),
        Query::DeviceTags => check_first_row::<tag::Row>(bound, row),
    }
}

/// The small queries, which are held in memory.
struct Small {
    devices: Collected<device::Row>,
    stacks: Collected<virtual_chassis::Row>,
    tags: Collected<tag::Row>,
    sites: Collected<site::Row>,
    manufacturers: Collected<VendorRow>,
    types: Collected<device_type::Row>,
    roles: Collected<RoleRow>,
    platforms: Collected<platform::Row>,
    vlans: Collected<vlan::Row>,
    vrfs: Collected<vrf::Row>,
}

impl Run<'_> {
    /// Reads the small queries together, then the large ones together, then pushes what needs both.
    async fn read(&self) -> Result<HashSet<Box<str>>> {
        let mut small = Box::pin(self.read_small()).await?;
        let reads_devices = self.queries.contains_key(&Query::Devices);
        if self.parameters.is_scoped() {
            small.devices.rows.retain(|row| in_scope(self.parameters, row));
        }
        let all = self.catalogues(&small);
        all.report(self);
        let devices = Devices::of(self, &all, &mut small.devices);
        let names = small.devices.rows.iter().map(|row| row.name.as_str().into()).collect();
        let backfilled = small.devices.rows.iter().filter(|row| row.backfilled).count();
        if reads_devices {
            self.sink.note("forward.devices", small.devices.rows.len().to_string());
            self.sink.note("forward.devices.backfilled", backfilled.to_string());
        }
        if reads_devices && devices.is_empty() && devices.missing().is_none() {
            self.doubt_everything();
        }
        let known_vlans = self.push_catalogues(&all, &mut small).await?;

        let managed = small.devices.rows.iter().enumerate().flat_map(|(position, row)| {
            // Devices and their rows are in one order; see `Devices::of`.
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            device::management_addresses(row).map(move |address| (position, address))
        });
        let mut addresses = Addresses::looking_for(managed);
        let chosen = if self.chooses_devices && (self.wants::<Prefix>() || self.wants::<Vrf>()) {
            Some(ip_address::subnets(self, &devices).await?)
        } else {
            None
        };
        let interfaces = self.when(self.wants::<Interface>(), interface::read(self, &devices, known_vlans.as_ref()));
        let macs = self.when(self.wants::<MacAddress>(), mac_address::read(self, &devices));
        let ips = self.when(self.wants::<IpAddress>(), ip_address::read(self, &devices, &mut addresses));
        let prefixes = self.when(self.wants::<Prefix>(), prefix::read(self, chosen.as_ref()));
        let (_, _, _, prefix_vrfs) = try_join!(interfaces, macs, ips, prefixes)?;

        let stacks = Stacks::of(&mut small.stacks.rows, &devices);
        if self.wants::<Device>() {
            let addresses = self.wants::<IpAddress>().then_some(&addresses);
            devices.push(self, &all, &mut small.devices, &small.tags.rows, &stacks, addresses).await?;
        }
        if self.wants::<VirtualChassis>() {
            stacks.push(self, &devices, small.stacks).await?;
        }
        if self.wants::<Vrf>() {
            let chosen = chosen.into_iter().flatten().filter_map(|(vrf, _)| vrf);
            let used = addresses.vrfs().into_iter().chain(prefix_vrfs.unwrap_or_default()).chain(chosen).collect();
            vrf::push(self, small.vrfs, used).await?;
        }
        Ok(names)
    }

    async fn when<T>(&self, wanted: bool, read: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        if wanted { read.await.map(Some) } else { Ok(None) }
    }

    /// The names of everything that devices share, from its own query and from the devices.
    fn catalogues(&self, small: &Small) -> Catalogues {
        let devices = || small.devices.rows.iter();
        let tagged = |name: &str| {
            let in_scope = || small.devices.rows.binary_search_by(|row| row.name.as_str().cmp(name)).is_ok();
            !self.chooses_devices || in_scope()
        };
        Catalogues {
            sites: self.merged(
                small.sites.rows.iter().map(|row| names::site(&row.name)),
                devices().map(|row| names::site(&row.site)),
            ),
            manufacturers: self.merged(
                small.manufacturers.rows.iter().map(|row| names::manufacturer(&row.vendor)),
                devices().map(|row| names::manufacturer(&row.vendor)),
            ),
            types: device_type::catalogue(self, &small.types.rows, &small.devices.rows),
            roles: self.merged(
                small.roles.rows.iter().map(|row| names::role(&row.role)),
                devices().map(|row| names::role(&row.role)),
            ),
            platforms: self.merged(
                small.platforms.rows.iter().map(|row| names::platform(&row.os)),
                devices().map(|row| names::platform(&row.os)),
            ),
            tags: Catalogue::of(
                small.tags.rows.iter().filter(|row| tagged(&row.device)).filter_map(|row| names::tag(&row.tag)),
            ),
        }
    }

    /// Where devices are chosen here, the queries give more than belongs to them.
    fn merged(
        &self,
        rows: impl Iterator<Item = Option<Named>>,
        devices: impl Iterator<Item = Option<Named>>,
    ) -> Catalogue {
        let rows = rows.filter(|_| !self.chooses_devices);
        Catalogue::of(rows.chain(devices).flatten())
    }

    /// Pushes what others refer to. Returns the VLANs; none when they may not be all.
    async fn push_catalogues(&self, all: &Catalogues, small: &mut Small) -> Result<Option<HashSet<Key<Vlan>>>> {
        let sites = site::push(self, all, take(&mut small.sites));
        self.when(self.wants::<Site>(), sites).await?;
        let manufacturers = catalogues::push_manufacturers(self, all, take(&mut small.manufacturers));
        self.when(self.wants::<Manufacturer>(), manufacturers).await?;
        let types = device_type::push(self, all, take(&mut small.types));
        self.when(self.wants::<DeviceType>(), types).await?;
        let roles = catalogues::push_roles(self, all, take(&mut small.roles));
        self.when(self.wants::<DeviceRole>(), roles).await?;
        let platforms = platform::push(self, all, take(&mut small.platforms), &small.devices.rows);
        self.when(self.wants::<Platform>(), platforms).await?;
        let tags = tag::push(self, all, &mut small.tags);
        self.when(self.wants::<Tag>(), tags).await?;
        let vlans = vlan::push(self, all, take(&mut small.vlans));
        Ok(self.when(self.wants::<Vlan>(), vlans).await?.flatten())
    }

    /// A sync that finds no device at all proves nothing.
    fn doubt_everything(&self) {
        let reason = if self.parameters.is_scoped() {
            "no device that was collected is in the sync's scope; check `sites` and `tags`"
        } else {
            "the Forward snapshot has no device that was collected"
        };
        self.warn(format!("{reason}: nothing is deleted for it"));
        // It is set once, here.
        let _ = self.doubt.set(reason.to_owned());
    }

    async fn read_small(&self) -> Result<Small> {
        let has = |query: Query| self.queries.contains_key(&query);
        let (devices, stacks, tags, sites, manufacturers, types, roles, platforms, vlans, vrfs) = try_join!(
            self.collect_if(has(Query::Devices), Query::Devices),
            self.collect_if(has(Query::VirtualChassis), Query::VirtualChassis),
            self.collect_if(has(Query::DeviceTags), Query::DeviceTags),
            self.collect_if(has(Query::Sites), Query::Sites),
            self.collect_if(has(Query::Manufacturers), Query::Manufacturers),
            self.collect_if(has(Query::DeviceTypes), Query::DeviceTypes),
            self.collect_if(has(Query::DeviceRoles), Query::DeviceRoles),
            self.collect_if(has(Query::Platforms), Query::Platforms),
            self.collect_if(has(Query::Vlans), Query::Vlans),
            self.collect_if(has(Query::Vrfs), Query::Vrfs),
        )?;
        Ok(Small { devices, stacks, tags, sites, manufacturers, types, roles, platforms, vlans, vrfs })
    }
}
