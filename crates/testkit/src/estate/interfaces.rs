//! The interfaces of a generated device, with their addresses.
//!
//! Address plan (all numbers are the device's, the link's or the VLAN's in the whole estate, so nothing collides):
//! loopbacks 10.252.0.0/14 and 2001:db8:ffff::/48; management 100.64.0.0/10 in the VRF `management`; links between neighbours
//! 10.0.0.0/9 in /31 and 2001:db8:1::/48 in /127; VLANs 10.128.0.0/10 in /24 and 2001:db8:2::/48 in /64, in turn in the
//! global table and each VRF; routed subnets 172.16.0.0/12 in /30.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

use super::catalogue::{Naming, PORT_WORDS, VRF_NAMES};
use super::generate::{Part, Place, vlan_id};
use super::rng::Rng;
use super::{Address, EstateOptions, Interface, InterfaceKind, Mac, VlanMode};

/// Makes all interfaces, in no order.
pub(super) fn of(place: &Place<'_>, context: bool, rng: &mut Rng) -> Vec<Interface> {
    if context {
        return context_interfaces(place);
    }
    let total = place.options.interfaces_per_device;
    let mut interfaces = vec![management(place), loopback(place)];
    let svis = match place.part {
        Part::Core => place.options.vlans_per_site.min(total / 4),
        Part::Access => u32::from(total >= 12),
        _ => 0,
    };
    interfaces.extend((0..svis).map(|ordinal| svi(place, ordinal)));
    let lags = if total >= 8 { 1 + total / 64 } else { 0 };
    interfaces.extend((0..lags).map(|number| lag(place, number)));
    if place.part == Part::Router && total >= 16 {
        interfaces.push(tunnel(place));
    }
    let used = u32::try_from(interfaces.len()).unwrap_or(total);
    for port in 1..=total.saturating_sub(used) {
        interfaces.push(self::port(place, port, lags, rng));
    }
    share_lag_macs(&mut interfaces);
    interfaces
}

/// A virtual context sees two ports of its own name space.
fn context_interfaces(place: &Place<'_>) -> Vec<Interface> {
    (1..=2)
        .map(|number| {
            let mut interface = Interface::new(format!("vsys2-ethernet1/{number}"), InterfaceKind::Ethernet);
            interface.mtu = Some(1_500);
            interface.mac = Some(mac(place, 900 + number));
            interface
        })
        .collect()
}

fn management(place: &Place<'_>) -> Interface {
    let name = match place.platform.naming {
        Naming::CiscoIos => "GigabitEthernet0/0",
        Naming::CiscoXr => "MgmtEth0/RP0/CPU0/0",
        Naming::CiscoNexus => "mgmt0",
        Naming::Arista => "Management1",
        Naming::Juniper => "fxp0",
        Naming::PaloAlto => "management",
        Naming::Fortinet | Naming::F5 | Naming::Aruba => "mgmt",
    };
    let (ip, mask) = place.management();
    let mut interface = Interface::new(name, InterfaceKind::Ethernet);
    interface.speed_mbps = Some(1_000);
    interface.mtu = Some(1_500);
    interface.description = Some("management".to_owned());
    interface.mac = Some(mac(place, 0));
    interface.addresses = vec![address(Some("management".into()), ip, mask)];
    interface
}

fn loopback(place: &Place<'_>) -> Interface {
    let name = match place.platform.naming {
        Naming::CiscoIos | Naming::CiscoXr | Naming::Arista => "Loopback0",
        Naming::CiscoNexus | Naming::Aruba | Naming::F5 => "loopback0",
        Naming::Juniper => "lo0",
        Naming::PaloAlto => "loopback.1",
        Naming::Fortinet => "loop0",
    };
    let (v4, v6) = place.loopback();
    let mut interface = Interface::new(name, InterfaceKind::Loopback);
    interface.description = Some("router id".to_owned());
    interface.addresses = vec![address(None, v4, 32), address(None, v6, 128)];
    interface
}

fn svi(place: &Place<'_>, ordinal: u32) -> Interface {
    let vid = vlan_id(ordinal);
    let name = match place.platform.naming {
        Naming::CiscoIos | Naming::CiscoNexus | Naming::Arista => format!("Vlan{vid}"),
        Naming::CiscoXr => format!("BVI{vid}"),
        Naming::Juniper => format!("irb.{vid}"),
        Naming::PaloAlto => format!("vlan.{vid}"),
        Naming::Fortinet | Naming::F5 | Naming::Aruba => format!("vlan{vid}"),
    };
    let mut interface = Interface::new(name, InterfaceKind::RoutedVlan);
    interface.mtu = Some(1_500);
    if place.part != Part::Core {
        return interface;
    }
    // All SVIs of a chassis have its address.
    interface.mac = Some(mac(place, 0));
    let subnet = place.site * place.options.vlans_per_site + ordinal;
    let vrf = vrf(place.options, ordinal);
    let base = u32::from(Ipv4Addr::new(10, 128, 0, 0)) + ((subnet & 0x3fff) << 8);
    interface.addresses.push(address(vrf.clone(), Ipv4Addr::from(base + 2 + place.ordinal).into(), 24));
    let [_, _, high, low] = subnet.to_be_bytes();
    let host = u16::try_from(2 + place.ordinal).unwrap_or(2);
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 2, u16::from_be_bytes([high, low]), 0, 0, 0, host);
    interface.addresses.push(address(vrf.clone(), v6.into(), 64));
    if place.options.edge_cases && ordinal == 1 {
        // Both cores of the site answer for this gateway.
        interface.addresses.push(address(vrf, Ipv4Addr::from(base + 1).into(), 24));
    }
    interface
}

fn lag(place: &Place<'_>, number: u32) -> Interface {
    let mut interface = Interface::new(lag_name(place, number), InterfaceKind::Aggregate);
    interface.mtu = Some(9_216);
    interface.speed_mbps = place.platform.speeds.first().map(|speed| speed * 2);
    interface.description = Some(format!("bundle {}", number + 1));
    if place.switches() {
        interface.mode = Some(VlanMode::Trunk);
        interface.untagged_vlan = Some(vlan_id(0));
    }
    interface
}

fn lag_name(place: &Place<'_>, number: u32) -> String {
    let number = number + 1;
    match place.platform.naming {
        Naming::CiscoIos => format!("Port-channel{number}"),
        Naming::CiscoXr => format!("Bundle-Ether{number}"),
        Naming::CiscoNexus => format!("port-channel{number}"),
        Naming::Arista => format!("Port-Channel{number}"),
        Naming::Juniper | Naming::PaloAlto => format!("ae{number}"),
        Naming::Fortinet => format!("agg{number}"),
        Naming::F5 => format!("trunk{number}"),
        Naming::Aruba => format!("lag{number}"),
    }
}

fn tunnel(place: &Place<'_>) -> Interface {
    let mut interface = Interface::new("Tunnel1", InterfaceKind::TunnelGre4);
    interface.mtu = Some(1_476);
    let index = place.options.routed_subnets_per_device;
    interface.addresses.push(routed_subnet(place, index));
    interface
}

/// Ports 1 and 2 lead to the neighbours, then come two members for each LAG, routed ports, and the rest.
fn port(place: &Place<'_>, port: u32, lags: u32, rng: &mut Rng) -> Interface {
    let link = port <= 2;
    let lag_member = (3..3 + 2 * lags).contains(&port);
    let speed = if link || lag_member || place.platform.speeds.len() == 1 {
        place.platform.speeds[0]
    } else {
        *rng.pick(&place.platform.speeds[1..])
    };
    let mut interface = Interface::new(port_name(place, port, speed), InterfaceKind::Ethernet);
    interface.speed_mbps = Some(speed);
    interface.mtu = Some(if link || lag_member { 9_216 } else { 1_500 });
    if rng.percent(place.options.mac_percent) {
        interface.mac = Some(mac(place, port));
    }
    let routed = (3 + 2 * lags..3 + 2 * lags + place.options.routed_subnets_per_device).contains(&port);
    if link {
        self::link(place, port == 1, &mut interface);
    } else if lag_member {
        interface.aggregate = Some(lag_name(place, (port - 3) / 2));
    } else if routed {
        let ordinal = port - 3 - 2 * lags;
        interface.description = Some(format!("customer hand-over {}", ordinal + 1));
        interface.addresses.push(routed_subnet(place, ordinal));
    } else {
        ordinary(place, port, &mut interface, rng);
    }
    interface
}

/// The two ends of a link: this device's own link number has this device at its even address.
fn link(place: &Place<'_>, forward: bool, interface: &mut Interface) {
    let neighbour = place.neighbour(forward);
    interface.description = Some(format!("to {}", neighbour.name()));
    if place.options.devices_per_site < 2 {
        return;
    }
    let number = if forward { place.global } else { neighbour.global };
    let end = u32::from(!forward);
    let v4 = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + ((number * 2 + end) & 0x007f_ffff);
    let [a, b, c, d] = (number * 2 + end).to_be_bytes();
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    interface.addresses = vec![address(None, Ipv4Addr::from(v4).into(), 31), address(None, v6.into(), 127)];
}

/// A port that nothing special is known of.
fn ordinary(place: &Place<'_>, port: u32, interface: &mut Interface, rng: &mut Rng) {
    interface.admin_up = !rng.percent(15);
    interface.oper_up = interface.admin_up && rng.percent(80);
    if rng.percent(60) {
        interface.description = Some(format!("{} {port}", rng.pick(PORT_WORDS)));
    }
    if place.switches() && place.options.vlans_per_site > 0 {
        let ordinal = rng.below(usize::try_from(place.options.vlans_per_site).unwrap_or(1));
        interface.mode = Some(if rng.percent(90) { VlanMode::Access } else { VlanMode::Trunk });
        interface.untagged_vlan = Some(vlan_id(u32::try_from(ordinal).unwrap_or(0)));
    }
    if place.options.edge_cases {
        oddity((place.global + port) % 24, place, interface);
    }
}

fn oddity(which: u32, place: &Place<'_>, interface: &mut Interface) {
    match which {
        1 => interface.description = Some(String::new()),
        2 => interface.description = Some("café – Zürich →  Übergang ".to_owned()),
        3 => interface.mac = Some(Mac([0; 6])),
        4 => (interface.admin_up, interface.oper_up) = (false, true),
        5 => interface.speed_mbps = None,
        6 => interface.mtu = None,
        7 if place.switches() => interface.untagged_vlan = Some(3_997),
        8 if place.switches() => interface.untagged_vlan = None,
        9 if place.switches() => interface.untagged_vlan = Some(1),
        _ => {}
    }
}

fn port_name(place: &Place<'_>, port: u32, speed: u32) -> String {
    let slot = (port - 1) / 48;
    let number = (port - 1) % 48;
    let one = number + 1;
    match place.platform.naming {
        Naming::CiscoIos => {
            let word = match speed {
                0..=100 => "FastEthernet",
                101..=1_000 => "GigabitEthernet",
                2_500 => "TwoGigabitEthernet",
                5_000 => "FiveGigabitEthernet",
                _ => "TenGigabitEthernet",
            };
            format!("{word}{}/0/{one}", slot + 1)
        }
        Naming::CiscoXr => {
            let word = if speed >= 100_000 { "HundredGigE" } else { "TenGigE" };
            format!("{word}0/{slot}/0/{number}")
        }
        Naming::CiscoNexus => format!("Ethernet{}/{one}", slot + 1),
        Naming::Arista => format!("Ethernet{port}"),
        Naming::Juniper => format!("{}-{slot}/0/{number}", if speed > 10_000 { "et" } else { "xe" }),
        Naming::PaloAlto => format!("ethernet{}/{one}", slot + 1),
        Naming::Fortinet => format!("port{port}"),
        Naming::F5 => format!("{}.{one}", slot + 1),
        Naming::Aruba => format!("{}/1/{one}", slot + 1),
    }
}

fn routed_subnet(place: &Place<'_>, ordinal: u32) -> Address {
    let number = place.global * (place.options.routed_subnets_per_device + 1) + ordinal;
    let ip = u32::from(Ipv4Addr::new(172, 16, 0, 0)) + ((number * 4 + 1) & 0x000f_ffff);
    address(vrf(place.options, number), Ipv4Addr::from(ip).into(), 30)
}

/// The global table and every VRF in turn.
fn vrf(options: &EstateOptions, number: u32) -> Option<Arc<str>> {
    let number = usize::try_from(number % (options.vrfs + 1)).unwrap_or(0).checked_sub(1)?;
    Some(VRF_NAMES.get(number).map_or_else(|| format!("CUST-{number:04}").into(), |name| Arc::from(*name)))
}

fn address(vrf: Option<Arc<str>>, ip: IpAddr, mask: u8) -> Address {
    Address { vrf, address: IpNet::new(ip, mask).unwrap_or_else(|_| IpNet::from(ip)) }
}

fn mac(place: &Place<'_>, port: u32) -> Mac {
    let [first, second, third] = place.platform.oui;
    // 1,024 addresses a device; the vendor's prefix varies with the device once its 16,384 are used up.
    let number = place.global * 1_024 + port % 1_024;
    let [high, rest @ ..] = number.to_be_bytes();
    Mac([first, second, third ^ high, rest[0], rest[1], rest[2]])
}

/// A LAG has the address of its first member that has one.
fn share_lag_macs(interfaces: &mut [Interface]) {
    for position in 0..interfaces.len() {
        if interfaces[position].kind == InterfaceKind::Aggregate {
            let name = interfaces[position].name.clone();
            let member = interfaces.iter().find(|i| i.aggregate.as_deref() == Some(name.as_str()) && i.mac.is_some());
            interfaces[position].mac = member.and_then(|member| member.mac);
        }
    }
}
