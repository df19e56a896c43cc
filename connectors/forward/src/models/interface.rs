//! Interfaces.

use std::collections::HashSet;

use serde::Deserialize;
use syncline_core::Result;
use syncline_core::snapshot::ModelSink;
use syncline_model::models::{Interface, InterfaceMode, InterfaceType, Vlan};
use syncline_model::{Key, Text, VlanId};

use super::Run;
use super::device::Devices;
use crate::queries::Query;

/// An interface.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    device: String,
    name: String,
    interface_type: String,
    admin_status: String,
    speed_mbps: Option<u64>,
    mtu: Option<u32>,
    description: Option<String>,
    aggregate: Option<String>,
    mode: Option<String>,
    untagged_vlan: Option<u64>,
}

/// Reads the interfaces, device by device: that is what is held in memory.
///
/// `vlans` are the VLANs that there are; none when that is not known.
pub(crate) async fn read(run: &Run<'_>, devices: &Devices, vlans: Option<&HashSet<Key<Vlan>>>) -> Result<()> {
    let mut records = run.sink.open::<Interface>()?;
    if let Some(doubt) = devices.missing() {
        return records.partial(doubt).await;
    }
    if let Some(total) = run.total(Query::Interfaces) {
        records.expect(total);
    }
    let mut rows = run.stream(Query::Interfaces).await?;
    let mut of_device: Vec<Row> = Vec::new();
    while let Some(row) = rows.next::<Row>(&mut records).await? {
        if of_device.first().is_some_and(|first| first.device != row.device) {
            push(&of_device, devices, vlans, &mut records).await?;
            of_device.clear();
        }
        of_device.push(row);
    }
    push(&of_device, devices, vlans, &mut records).await?;
    run.end(records, rows.doubt()).await
}

/// Pushes the interfaces of one device.
async fn push(
    rows: &[Row],
    devices: &Devices,
    vlans: Option<&HashSet<Key<Vlan>>>,
    records: &mut ModelSink<Interface>,
) -> Result<()> {
    let names: HashSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    for row in rows {
        let label = || format!("`{}` on `{}`", row.name, row.device);
        let Some(device) = devices.of_row(&row.device, records, label) else { continue };
        let Some(name) = Text::new(&row.name) else {
            records.reject(label(), "name", "the name of the interface is blank");
            continue;
        };
        let lag = row.aggregate.as_deref().and_then(|aggregate| {
            if !names.contains(aggregate) {
                records.skip("aggregate that is no interface of the device (the member itself is kept)");
                return None;
            }
            Some(Interface::key_of(&device.key, &Text::new(aggregate)?))
        });
        let untagged_vlan = row.untagged_vlan.and_then(|vid| {
            let vlan = Vlan::key_of(&Some(device.site.clone()), &VlanId::new(vid).ok()?);
            vlans.is_none_or(|vlans| vlans.contains(&vlan)).then_some(vlan)
        });
        if row.untagged_vlan.is_some_and(|vid| vid != 1) && untagged_vlan.is_none() {
            records.skip("untagged VLAN that is no VLAN of the site (the interface itself is kept)");
        }
        let interface = Interface {
            device: device.key.clone(),
            name,
            r#type: interface_type(&row.interface_type, row.speed_mbps),
            enabled: row.admin_status == "UP",
            mtu: row.mtu,
            speed: row.speed_mbps.map(|mbps| mbps.saturating_mul(1_000)),
            description: Text::of(row.description.as_deref()),
            lag,
            mode: row.mode.as_deref().and_then(mode),
            untagged_vlan,
        };
        records.push(&interface, None).await?;
    }
    Ok(())
}

/// The type, from a constant of `IfaceType` and the speed in Mbit/s. What is no constant is taken for a type.
fn interface_type(kind: &str, mbps: Option<u64>) -> InterfaceType {
    match kind.trim() {
        "IF_ETHERNET" => mbps.map_or(InterfaceType::Unknown, InterfaceType::of_ethernet_speed),
        "IF_AGGREGATE" => InterfaceType::Lag,
        "IF_BRIDGE" => InterfaceType::Bridge,
        "IF_LOOPBACK" | "IF_ROUTED_VLAN" | "IF_TE_TUNNEL" => InterfaceType::Virtual,
        tunnel if tunnel.starts_with("IF_TUNNEL") => InterfaceType::Virtual,
        // `IF_SONET`, and whatever kinds Forward adds.
        other if other.starts_with("IF_") => InterfaceType::Unknown,
        other => InterfaceType::from_value(other).unwrap_or(InterfaceType::Unknown),
    }
}

fn mode(mode: &str) -> Option<InterfaceMode> {
    match mode.trim() {
        "ACCESS" => Some(InterfaceMode::Access),
        "TRUNK" => Some(InterfaceMode::Tagged),
        other => InterfaceMode::from_value(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_type_follows_from_kind_and_speed() {
        let cases = [
            ("IF_ETHERNET", Some(1_000), "1000base-t"),
            ("IF_ETHERNET", Some(400_000), "400gbase-x-qsfpdd"),
            ("IF_ETHERNET", Some(1_600_000), "1.6tbase-x-osfp1600"),
            ("IF_ETHERNET", Some(10), "other"),
            ("IF_ETHERNET", None, "other"),
            ("IF_AGGREGATE", Some(20_000), "lag"),
            ("IF_BRIDGE", None, "bridge"),
            ("IF_LOOPBACK", None, "virtual"),
            ("IF_ROUTED_VLAN", Some(1_000), "virtual"),
            ("IF_TE_TUNNEL", None, "virtual"),
            ("IF_TUNNEL_L2_VPN", None, "virtual"),
            ("IF_SONET", Some(10_000), "other"),
            ("IF_QUANTUM", None, "other"),
            ("10gbase-x-sfpp", None, "10gbase-x-sfpp"),
            ("", None, "other"),
        ];
        for (kind, speed, expected) in cases {
            assert_eq!(interface_type(kind, speed).as_str(), expected, "{kind} {speed:?}");
        }
    }

    proptest! {
        #[test]
        fn any_kind_and_speed_have_a_type(kind in any::<String>(), speed in any::<Option<u64>>()) {
            prop_assert!(!interface_type(&kind, speed).as_str().is_empty());
        }
    }
}
