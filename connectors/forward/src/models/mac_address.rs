//! MAC addresses, one for each interface that has one.

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::models::{Interface, MacAddress};
use syncline_model::{MacAddress as Mac, Text};

use super::Run;
use super::device::Devices;
use crate::queries::Query;

/// A MAC address of an interface.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    device: String,
    interface: String,
    mac_address: String,
}

/// Reads the MAC addresses.
pub(crate) async fn read(run: &Run<'_>, devices: &Devices) -> Result<()> {
    let mut records = run.sink.open::<MacAddress>()?;
    if let Some(doubt) = devices.missing() {
        return records.partial(doubt).await;
    }
    if let Some(total) = run.total(Query::MacAddresses) {
        records.expect(total);
    }
    let mut rows = run.stream(Query::MacAddresses).await?;
    while let Some(row) = rows.next::<Row>(&mut records).await? {
        let label = || format!("`{}` of `{}` on `{}`", row.mac_address, row.interface, row.device);
        let Some(device) = devices.of_row(&row.device, &mut records, label) else { continue };
        let mac_address = match row.mac_address.parse::<Mac>() {
            Ok(mac) if mac.is_zero() => {
                records.skip("all-zero MAC address");
                continue;
            }
            Ok(mac) => mac,
            Err(error) => {
                records.reject(label(), "mac_address", error.to_string());
                continue;
            }
        };
        let Some(interface) = Text::new(&row.interface) else {
            records.reject(label(), "interface", "the name of the interface is blank");
            continue;
        };
        let interface = Some(Interface::key_of(&device.key, &interface));
        records.push(&MacAddress { interface, mac_address }, None).await?;
    }
    run.end(records, rows.doubt()).await
}
