//! Virtual chassis and their members.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::models::{Device, VirtualChassis};
use syncline_model::{Key, Text};

use super::device::Devices;
use super::{Collected, Run};

/// A member of a stack.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    name: String,
    device: String,
    position: Option<u64>,
    master: bool,
    domain: Option<String>,
}

/// Where in which stack a device is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Membership {
    pub chassis: Key<VirtualChassis>,
    pub position: u8,
}

/// The stacks and their members, by the name of the device.
#[derive(Debug, Default)]
pub(crate) struct Stacks {
    chassis: BTreeMap<Text, (Option<Text>, Option<Key<Device>>)>,
    members: HashMap<String, Membership>,
    out_of_scope: u64,
    without_position: u64,
    problems: Vec<(String, &'static str, String)>,
}

impl Stacks {
    /// Builds the stacks from their rows. A member without a position of its own is none.
    pub fn of(rows: &mut [Row], devices: &Devices) -> Self {
        rows.sort_by(|a, b| (&a.name, &a.position, &a.device).cmp(&(&b.name, &b.position, &b.device)));
        let mut stacks = Self::default();
        let mut taken: BTreeMap<(Text, u8), &str> = BTreeMap::new();
        for row in rows.iter() {
            let label = || format!("member `{}` of the stack `{}`", row.device, row.name);
            let Some(name) = Text::new(&row.name) else {
                stacks.problems.push((label(), "name", "the name of the stack is blank".to_owned()));
                continue;
            };
            let Ok(device) = devices.find(&row.device) else {
                stacks.out_of_scope += 1;
                continue;
            };
            let Some(position) = row.position else {
                stacks.without_position += 1;
                continue;
            };
            let Ok(position) = u8::try_from(position) else {
                stacks.problems.push((label(), "position", format!("`{position}` is no position from 0 to 255")));
                continue;
            };
            if let Some(other) = taken.insert((name.clone(), position), &row.device) {
                let message = format!("`{other}` has the position {position}, too");
                stacks.problems.push((label(), "position", message));
                taken.insert((name, position), other);
                continue;
            }
            let membership = Membership { chassis: VirtualChassis::key_of(&name), position };
            stacks.members.insert(row.device.clone(), membership);
            let (domain, master) = stacks.chassis.entry(name).or_default();
            if domain.is_none() {
                *domain = Text::of(row.domain.as_deref());
            }
            if row.master && master.is_none() {
                *master = Some(device.key.clone());
            }
        }
        stacks
    }

    /// The stack that a device is in.
    pub fn member(&self, device: &str) -> Option<&Membership> {
        self.members.get(device)
    }

    /// Pushes the virtual chassis.
    pub async fn push(self, run: &Run<'_>, devices: &Devices, mut read: Collected<Row>) -> Result<()> {
        let mut records = run.sink.open::<VirtualChassis>()?;
        read.report(&mut records);
        if let Some(doubt) = devices.missing() {
            return records.partial(doubt).await;
        }
        (0..self.out_of_scope).for_each(|_| records.skip("device out of scope"));
        (0..self.without_position).for_each(|_| records.skip("stack member without position"));
        for (label, field, message) in self.problems {
            records.reject(label, field, message);
        }
        for (name, (domain, master)) in self.chassis {
            records.push(&VirtualChassis { name, domain, master }, None).await?;
        }
        run.end(records, read.doubt).await
    }
}
