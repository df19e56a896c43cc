//! What happens in a network between two syncs.

use std::collections::BTreeSet;
use std::net::IpAddr;

use syncline_testkit::estate::{Address, Collection, Device, Estate, Interface, InterfaceKind};

use super::dice::Dice;

/// Changes an estate in every way that a sync can follow: records come, change and go. `number` tells the changes of one time
/// from those of another.
pub fn change(estate: &mut Estate, dice: &mut Dice, number: u64) {
    for _ in 0..12 {
        let Some((device, interface)) = interface(estate, dice, |_, _| true) else { continue };
        let text = format!("change {number}-{}", dice.below(1_000_000));
        estate.describe_interface(&device, &interface, Some(&text));
    }
    for _ in 0..6 {
        let Some((device, interface)) = interface(estate, dice, |_, port| port.kind == InterfaceKind::Ethernet) else {
            continue;
        };
        let mtu = 1500 + u32::try_from(dice.below(7000)).unwrap();
        estate.edit_interface(&device, &interface, |port| port.mtu = Some(mtu)).unwrap();
    }
    for added in 0..4 {
        let Some(device) = device(estate, dice) else { continue };
        let name = format!("Ethernet{}/{added}", 90 + number);
        estate.add_interface(&device, &name).unwrap();
        let (third, fourth) = (u8::try_from(number % 250).unwrap(), u8::try_from(added + 1).unwrap());
        let address = format!("10.251.{third}.{fourth}/24").parse().unwrap();
        let add = |port: &mut Interface| port.addresses.push(Address { vrf: None, address });
        estate.edit_interface(&device, &name, add).unwrap();
    }
    // Members leave their aggregates and others join: written in the second pass.
    for _ in 0..4 {
        let Some((device, member)) = interface(estate, dice, |_, port| port.aggregate.is_some()) else { continue };
        estate.edit_interface(&device, &member, |port| port.aggregate = None).unwrap();
    }
    for _ in 0..3 {
        let may_join = |device: &Device, port: &Interface| {
            let has_aggregate = device.interfaces.iter().any(|other| other.kind == InterfaceKind::Aggregate);
            port.kind == InterfaceKind::Ethernet && port.aggregate.is_none() && has_aggregate
        };
        let Some((device, member)) = interface(estate, dice, may_join) else { continue };
        let found = estate.device(&device).unwrap();
        let aggregate =
            found.interfaces.iter().find(|port| port.kind == InterfaceKind::Aggregate).unwrap().name.clone();
        estate.edit_interface(&device, &member, |port| port.aggregate = Some(aggregate)).unwrap();
    }
    for _ in 0..5 {
        let Some((device, gone)) = interface(estate, dice, may_go) else { continue };
        estate.remove_interface(&device, &gone).unwrap();
    }
    for _ in 0..2 {
        let has_address = |device: &Device, port: &Interface| may_go(device, port) && !port.addresses.is_empty();
        let Some((device, bare)) = interface(estate, dice, has_address) else { continue };
        estate.edit_interface(&device, &bare, |port| port.addresses.clear()).unwrap();
    }
    if let Some(model) = device(estate, dice) {
        estate.add_device_like(&model, &format!("crash-{number:04}")).unwrap();
    }
    // A device that goes needs a person's word.
    if number.is_multiple_of(2) {
        let there: Vec<_> = estate.device_names().map(str::to_owned).collect();
        if let Some(name) = dice.pick(&there) {
            estate.remove_device(name).unwrap();
        }
    }
}

/// A device that queries see.
fn device(estate: &Estate, dice: &mut Dice) -> Option<String> {
    let seen: Vec<_> = estate.devices().filter(|device| is_seen(device)).map(|device| device.name.clone()).collect();
    dice.pick(&seen).cloned()
}

/// An interface of such a device.
fn interface(
    estate: &Estate,
    dice: &mut Dice,
    wanted: impl Fn(&Device, &Interface) -> bool,
) -> Option<(String, String)> {
    let mut found = Vec::new();
    for device in estate.devices().filter(|device| is_seen(device)) {
        let ports = device.interfaces.iter().filter(|port| wanted(&device, port));
        found.extend(ports.map(|port| (device.name.clone(), port.name.clone())));
    }
    dice.pick(&found).cloned()
}

fn is_seen(device: &Device) -> bool {
    device.collection == Collection::Completed && !device.interfaces.is_empty()
}

/// A port that nothing refers to, and none of whose addresses is the device's own.
fn may_go(device: &Device, port: &Interface) -> bool {
    let own: BTreeSet<IpAddr> = device.management_ips.iter().copied().chain(device.collection_ip).collect();
    port.kind == InterfaceKind::Ethernet && port.addresses.iter().all(|address| !own.contains(&address.address.addr()))
}
