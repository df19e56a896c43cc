//! Models with a reference that closes a circle: their records are held until it can be resolved.

use std::collections::{HashMap, HashSet};

use syncline_core::Result;
use syncline_core::native::Native;
use syncline_core::snapshot::ModelSink;
use syncline_model::models::{Device, Interface, IpAddress, VirtualChassis};
use syncline_model::{Key, Model as _};

use super::convert::{self, OUT_OF_SCOPE};
use super::known::{Known, Refusal, unknown};
use super::{Reading, refuse};
use crate::rows::{DeviceRow, InterfaceRow, IpAddressRow, Ref, Row as _, VirtualChassisRow};

/// Virtual chassis without their master.
pub(super) struct HeldChassis {
    sink: ModelSink<VirtualChassis>,
    rows: Vec<(u64, VirtualChassis, Option<u64>, Native)>,
}

/// Devices without their primary addresses.
pub(super) struct HeldDevices {
    sink: Option<ModelSink<Device>>,
    rows: Vec<HeldDevice>,
    /// Chassis that devices of the read are members of.
    chassis: HashSet<u64>,
}

struct HeldDevice {
    record: Device,
    primary_ip4: Option<u64>,
    primary_ip6: Option<u64>,
    native: Native,
}

impl HeldDevices {
    fn primary_addresses(&self) -> HashSet<u64> {
        self.rows.iter().flat_map(|held| [held.primary_ip4, held.primary_ip6]).flatten().collect()
    }
}

fn id(reference: Option<Ref>) -> Option<u64> {
    reference.map(|reference| reference.id.0)
}

impl Reading<'_> {
    /// Reads virtual chassis; their keys are known from here on.
    pub(super) async fn virtual_chassis(&self, known: &mut Known) -> Result<Option<HeldChassis>> {
        let columns = self.columns::<VirtualChassis>();
        let Some((mut rows, mut sink)) = self.open::<VirtualChassis, VirtualChassisRow>(&columns).await? else {
            return Ok(None);
        };
        let mut held = Vec::new();
        let result = async {
            while let Some(page) = rows.next().await? {
                for row in page {
                    match convert::virtual_chassis(&row) {
                        Ok(record) => {
                            known.virtual_chassis.insert(row.id(), record.key());
                            held.push((row.id(), record, id(row.master), row.native()));
                        }
                        Err(refusal) => refuse(&mut sink, row.label(), refusal),
                    }
                }
            }
            Ok(())
        }
        .await;
        match result {
            Ok(()) => Ok(Some(HeldChassis { sink, rows: held })),
            failed => self.end(sink, failed).await.map(|()| None),
        }
    }

    /// Takes the chassis over, now that the devices are known.
    pub(super) async fn finish_chassis(
        &self,
        held: Option<HeldChassis>,
        devices: &HeldDevices,
        known: &Known,
    ) -> Result<()> {
        let Some(HeldChassis { mut sink, rows }) = held else { return Ok(()) };
        for (id, mut record, master, native) in rows {
            if self.scope.restricted && !devices.chassis.contains(&id) {
                sink.skip(OUT_OF_SCOPE);
                continue;
            }
            if let Some(master) = master.filter(|_| sink.wants("master")) {
                match known.devices.get(master) {
                    Some(key) => record.master = Some(key.clone()),
                    None if known.hidden_devices.contains(&master) => {}
                    None => {
                        refuse(&mut sink, record.name.as_str(), unknown::<Device>("master", master));
                        continue;
                    }
                }
            }
            sink.push(&record, Some(&native)).await?;
        }
        sink.complete().await
    }

    /// Reads devices; their keys are known from here on.
    pub(super) async fn devices(&self, known: &mut Known) -> Result<HeldDevices> {
        let mut held = HeldDevices { sink: None, rows: Vec::new(), chassis: HashSet::new() };
        let columns = self.columns::<Device>();
        let Some((mut rows, mut sink)) = self.open::<Device, DeviceRow>(&columns).await? else { return Ok(held) };
        let result = async {
            while let Some(page) = rows.next().await? {
                for row in page {
                    match convert::device(&row, known, self) {
                        Ok(record) => {
                            known.devices.insert(row.id(), record.key());
                            held.chassis.extend(id(row.virtual_chassis));
                            let (primary_ip4, primary_ip6) = (id(row.primary_ip4), id(row.primary_ip6));
                            let native = row.native();
                            if primary_ip4.is_none() && primary_ip6.is_none() {
                                sink.push(&record, Some(&native)).await?;
                            } else {
                                held.rows.push(HeldDevice { record, primary_ip4, primary_ip6, native });
                            }
                        }
                        Err(refusal) => {
                            if matches!(refusal, Refusal::Skip(_)) {
                                known.hidden_devices.insert(row.id());
                            }
                            refuse(&mut sink, row.label(), refusal);
                        }
                    }
                }
            }
            Ok(())
        }
        .await;
        match result {
            Ok(()) => held.sink = Some(sink),
            failed => {
                held.rows.clear();
                self.end(sink, failed).await?;
            }
        }
        Ok(held)
    }

    /// Takes the devices over, now that their addresses are known.
    pub(super) async fn finish_devices(
        &self,
        held: HeldDevices,
        addresses: &HashMap<u64, Key<IpAddress>>,
    ) -> Result<()> {
        let HeldDevices { sink: Some(mut sink), rows, .. } = held else { return Ok(()) };
        for HeldDevice { mut record, primary_ip4, primary_ip6, native } in rows {
            let primary = |id: Option<u64>| id.and_then(|id| addresses.get(&id)).cloned();
            record.primary_ip4 = primary(primary_ip4);
            record.primary_ip6 = primary(primary_ip6);
            sink.push(&record, Some(&native)).await?;
        }
        let unread = self.unread().get(IpAddress::NAME).cloned();
        match unread {
            Some(reason) if sink.wants("primary_ip4") || sink.wants("primary_ip6") => {
                sink.partial(format!("the primary addresses are not known: {reason}")).await
            }
            _ => sink.complete().await,
        }
    }

    /// Reads interfaces.
    pub(super) async fn interfaces(&self, known: &mut Known) -> Result<()> {
        let columns = self.columns::<Interface>();
        let Some((mut rows, mut sink)) = self.open::<Interface, InterfaceRow>(&columns).await? else { return Ok(()) };
        let mut members = Vec::new();
        let result = async {
            while let Some(page) = rows.next().await? {
                for row in page {
                    let mut record = match convert::interface(&row, known) {
                        Ok(record) => record,
                        Err(refusal) => {
                            if known.hidden_devices.contains(&row.device.id.0) {
                                known.hidden_interfaces.insert(row.id());
                            }
                            refuse(&mut sink, row.label(), refusal);
                            continue;
                        }
                    };
                    known.interfaces.insert(row.id(), (row.device.id.0, record.name.clone()));
                    if let Some(lag) = id(row.lag) {
                        record.lag = known.interface(lag);
                        if record.lag.is_none() {
                            members.push((record, lag, row.native()));
                            continue;
                        }
                    }
                    sink.push(&record, Some(&row.native())).await?;
                }
            }
            for (mut record, lag, native) in members {
                match known.interface(lag) {
                    Some(key) => {
                        record.lag = Some(key);
                        sink.push(&record, Some(&native)).await?;
                    }
                    None => refuse(&mut sink, record.name.as_str(), known.refuse_interface(lag)),
                }
            }
            Ok(())
        }
        .await;
        self.end(sink, result).await
    }

    /// Reads addresses; the keys of those that are primary are handed back.
    pub(super) async fn ip_addresses(
        &self,
        devices: &HeldDevices,
        known: &Known,
    ) -> Result<HashMap<u64, Key<IpAddress>>> {
        let wanted = devices.primary_addresses();
        let mut primary = HashMap::with_capacity(wanted.len());
        let columns = self.columns::<IpAddress>();
        let Some((mut rows, mut sink)) = self.open::<IpAddress, IpAddressRow>(&columns).await? else {
            return Ok(primary);
        };
        let result = async {
            while let Some(page) = rows.next().await? {
                for row in page {
                    match convert::ip_address(&row, known, self) {
                        Ok(record) => {
                            if wanted.contains(&row.id()) {
                                primary.insert(row.id(), record.key());
                            }
                            sink.push(&record, Some(&row.native())).await?;
                        }
                        Err(refusal) => refuse(&mut sink, row.label(), refusal),
                    }
                }
            }
            Ok(())
        }
        .await;
        self.end(sink, result).await?;
        Ok(primary)
    }
}
