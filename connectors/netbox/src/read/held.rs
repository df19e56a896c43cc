//! Models with a reference that closes a circle: their records are held until it can be resolved.

use std::collections::HashSet;

use syncline_core::Result;
use syncline_core::native::Native;
use syncline_core::snapshot::ModelSink;
use syncline_model::Model as _;
use syncline_model::models::{Device, Interface, IpAddress, VirtualChassis};

use super::convert::{self, OUT_OF_SCOPE};
use super::known::{Known, Refusal, unknown};
use super::managed::{Addresses, Held};
use super::{Reading, refuse};
use crate::rows::{DeviceRow, InterfaceRow, IpAddressRow, Ref, Row as _, VirtualChassisRow};

/// Virtual chassis without their master.
pub(super) struct HeldChassis {
    sink: ModelSink<VirtualChassis>,
    rows: Vec<(u64, VirtualChassis, Option<u64>, Native)>,
}

pub(super) fn id(reference: Option<Ref>) -> Option<u64> {
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
        members_of: &HashSet<u64>,
        known: &Known,
    ) -> Result<()> {
        let Some(HeldChassis { mut sink, rows }) = held else { return Ok(()) };
        for (id, mut record, master, native) in rows {
            if self.scope.restricted && !members_of.contains(&id) {
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

    /// Reads devices; their keys are known from here on. Beside them, the chassis that devices of the read are members of.
    pub(super) async fn devices(&self, known: &mut Known) -> Result<(Held<Device>, HashSet<u64>)> {
        let mut chassis = HashSet::new();
        let columns = self.columns::<Device>();
        let Some((mut rows, sink)) = self.open::<Device, DeviceRow>(&columns).await? else {
            return Ok((Held::nothing(), chassis));
        };
        let mut held = Held::begin(sink);
        let result = async {
            while let Some(page) = rows.next().await? {
                for row in page {
                    match convert::device(&row, known, self) {
                        Ok(record) => {
                            known.devices.insert(row.id(), record.key());
                            chassis.extend(id(row.virtual_chassis));
                            held.push(record, [row.primary_ip4, row.primary_ip6], row.native()).await?;
                        }
                        Err(refusal) => {
                            if matches!(refusal, Refusal::Skip(_)) {
                                known.hidden_devices.insert(row.id());
                            }
                            held.refuse(row.label(), refusal);
                        }
                    }
                }
            }
            Ok(())
        }
        .await;
        Ok((self.hold(held, result).await?, chassis))
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

    /// Reads addresses; the keys of those that are wanted are handed back.
    pub(super) async fn ip_addresses(&self, wanted: &HashSet<u64>, known: &Known) -> Result<Addresses> {
        let mut primary = Addresses::new();
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
