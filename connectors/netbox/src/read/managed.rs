//! What is managed by an address: devices and virtual machines, held until the keys of their addresses are known.

use std::collections::HashMap;

use syncline_core::Result;
use syncline_core::native::Native;
use syncline_core::snapshot::ModelSink;
use syncline_model::models::{Device, IpAddress, VirtualMachine};
use syncline_model::{Key, Model};

use super::convert;
use super::held::id;
use super::known::{Known, Refusal};
use super::pages::List;
use super::{Reading, refuse};
use crate::rows::{IpAddressRow, Ref, Row as _, VirtualMachineRow};
use crate::tables;

/// Keys of addresses by id.
pub(super) type Addresses = HashMap<u64, Key<IpAddress>>;

/// A model whose records are managed by an address of either family.
pub(super) trait Managed: Model {
    /// Takes the addresses over.
    fn managed_by(&mut self, addresses: [Option<Key<IpAddress>>; 2]);
}

impl Managed for Device {
    fn managed_by(&mut self, [ip4, ip6]: [Option<Key<IpAddress>>; 2]) {
        (self.primary_ip4, self.primary_ip6) = (ip4, ip6);
    }
}

impl Managed for VirtualMachine {
    fn managed_by(&mut self, [ip4, ip6]: [Option<Key<IpAddress>>; 2]) {
        (self.primary_ip4, self.primary_ip6) = (ip4, ip6);
    }
}

/// Records without their primary addresses; none where the model is not read.
pub(super) struct Held<M: Model>(Option<Begun<M>>);

struct Begun<M: Model> {
    sink: ModelSink<M>,
    rows: Vec<HeldRow<M>>,
}

struct HeldRow<M> {
    record: M,
    /// Ids of the addresses, IPv4 first.
    primary: [Option<u64>; 2],
    native: Native,
}

impl<M: Managed> Held<M> {
    /// A model that is not read.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// A model that is read into a sink.
    pub fn begin(sink: ModelSink<M>) -> Self {
        Self(Some(Begun { sink, rows: Vec::new() }))
    }

    /// Takes a record over, at once if it has no addresses.
    pub async fn push(&mut self, record: M, primary: [Option<Ref>; 2], native: Native) -> Result<()> {
        let Some(begun) = &mut self.0 else { return Ok(()) };
        let primary = primary.map(id);
        if primary.iter().all(Option::is_none) {
            return begun.sink.push(&record, Some(&native)).await;
        }
        begun.rows.push(HeldRow { record, primary, native });
        Ok(())
    }

    /// Counts a row that becomes no record.
    pub fn refuse(&mut self, label: String, refusal: Refusal) {
        if let Some(begun) = &mut self.0 {
            refuse(&mut begun.sink, label, refusal);
        }
    }

    /// Ids of the addresses that records wait for.
    pub fn primary_addresses(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|begun| &begun.rows).flat_map(|row| row.primary).flatten()
    }
}

impl Reading<'_> {
    /// Reads virtual machines.
    pub(super) async fn virtual_machines(&self, known: &Known) -> Result<Held<VirtualMachine>> {
        let columns = self.columns::<VirtualMachine>();
        let Some((mut rows, sink)) = self.open::<VirtualMachine, VirtualMachineRow>(&columns).await? else {
            return Ok(Held::nothing());
        };
        let mut held = Held::begin(sink);
        let result = async {
            while let Some(page) = rows.next().await? {
                for row in page {
                    match convert::virtual_machine(&row, known, self) {
                        Ok(record) => held.push(record, [row.primary_ip4, row.primary_ip6], row.native()).await?,
                        Err(refusal) => held.refuse(row.label(), refusal),
                    }
                }
            }
            Ok(())
        }
        .await;
        self.hold(held, result).await
    }

    /// Keeps the records of a read that came to its end, and ends that of another.
    pub(super) async fn hold<M: Managed>(&self, held: Held<M>, result: Result<()>) -> Result<Held<M>> {
        match (result, held.0) {
            (Ok(()), begun) => Ok(Held(begun)),
            (failed, Some(Begun { sink, .. })) => self.end(sink, failed).await.map(|()| Held::nothing()),
            (Err(error), None) => Err(error),
        }
    }

    /// Adds the keys of addresses that are not known yet: by id, whatever they are assigned to.
    pub(super) async fn look_up(
        &self,
        wanted: impl Iterator<Item = u64>,
        known: &Known,
        addresses: &mut Addresses,
    ) -> Result<()> {
        let missing: Vec<_> = wanted.filter(|id| !addresses.contains_key(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let table = tables::of::<IpAddress>();
        let columns: Vec<_> = table.key_columns().collect();
        let list = List { client: self.client, request: Some(self.request), table, columns: &columns };
        match list.current::<IpAddressRow>(&missing).await {
            Ok(rows) => {
                for row in rows {
                    match convert::ip_address_key(&row, known) {
                        Ok(key) => drop(addresses.insert(row.id(), key)),
                        Err(refusal) => self.address_unread(refusal_of(&row, &refusal)),
                    }
                }
            }
            Err(error) if error.kind().ends_a_read() => return Err(error),
            Err(error) => self.address_unread(error.report()),
        }
        Ok(())
    }

    /// Notes that addresses are not all known, so that nobody takes a record without one for a record that has none.
    fn address_unread(&self, reason: String) {
        self.unread().entry(IpAddress::NAME).or_insert(reason);
    }

    /// Takes records over, now that their addresses are known.
    pub(super) async fn finish<M: Managed>(&self, held: Held<M>, addresses: &Addresses) -> Result<()> {
        let Some(Begun { mut sink, rows }) = held.0 else { return Ok(()) };
        for HeldRow { mut record, primary, native } in rows {
            record.managed_by(primary.map(|id| id.and_then(|id| addresses.get(&id)).cloned()));
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
}

fn refusal_of(row: &IpAddressRow, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Skip(rule) => format!("{} is {rule}", row.label()),
        Refusal::Reject { field, message } => format!("the {field} of {} {message}", row.label()),
    }
}
