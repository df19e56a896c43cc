//! The fields of a host inventory.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::dialect::Dialect;
use super::php::{self, Object};
use super::refusal::Refusal;
use super::state::{Row, set};

/// Wide enough for any text.
const FREE: usize = usize::MAX;
/// Width depends on the version.
const URL: usize = 0;

/// Name of each field, its width, and the title that items know it by. The place in the list, from 1, is the
/// `inventory_link` of items.
const FIELDS: [(&str, usize, &str); 70] = [
    ("type", 64, "Type"),
    ("type_full", 64, "Type (Full details)"),
    ("name", 128, "Name"),
    ("alias", 128, "Alias"),
    ("os", 128, "OS"),
    ("os_full", 255, "OS (Full details)"),
    ("os_short", 128, "OS (Short)"),
    ("serialno_a", 64, "Serial number A"),
    ("serialno_b", 64, "Serial number B"),
    ("tag", 64, "Tag"),
    ("asset_tag", 64, "Asset tag"),
    ("macaddress_a", 64, "MAC address A"),
    ("macaddress_b", 64, "MAC address B"),
    ("hardware", 255, "Hardware"),
    ("hardware_full", FREE, "Hardware (Full details)"),
    ("software", 255, "Software"),
    ("software_full", FREE, "Software (Full details)"),
    ("software_app_a", 64, "Software application A"),
    ("software_app_b", 64, "Software application B"),
    ("software_app_c", 64, "Software application C"),
    ("software_app_d", 64, "Software application D"),
    ("software_app_e", 64, "Software application E"),
    ("contact", FREE, "Contact"),
    ("location", FREE, "Location"),
    ("location_lat", 16, "Location latitude"),
    ("location_lon", 16, "Location longitude"),
    ("notes", FREE, "Notes"),
    ("chassis", 64, "Chassis"),
    ("model", 64, "Model"),
    ("hw_arch", 32, "HW architecture"),
    ("vendor", 64, "Vendor"),
    ("contract_number", 64, "Contract number"),
    ("installer_name", 64, "Installer name"),
    ("deployment_status", 64, "Deployment status"),
    ("url_a", URL, "URL A"),
    ("url_b", URL, "URL B"),
    ("url_c", URL, "URL C"),
    ("host_networks", FREE, "Host networks"),
    ("host_netmask", 39, "Host subnet mask"),
    ("host_router", 39, "Host router"),
    ("oob_ip", 39, "OOB IP address"),
    ("oob_netmask", 39, "OOB subnet mask"),
    ("oob_router", 39, "OOB router"),
    ("date_hw_purchase", 64, "Date HW purchased"),
    ("date_hw_install", 64, "Date HW installed"),
    ("date_hw_expiry", 64, "Date HW maintenance expires"),
    ("date_hw_decomm", 64, "Date HW decommissioned"),
    ("site_address_a", 128, "Site address A"),
    ("site_address_b", 128, "Site address B"),
    ("site_address_c", 128, "Site address C"),
    ("site_city", 128, "Site city"),
    ("site_state", 64, "Site state / province"),
    ("site_country", 64, "Site country"),
    ("site_zip", 64, "Site ZIP / postal"),
    ("site_rack", 128, "Site rack location"),
    ("site_notes", FREE, "Site notes"),
    ("poc_1_name", 128, "Primary POC name"),
    ("poc_1_email", 128, "Primary POC email"),
    ("poc_1_phone_a", 64, "Primary POC phone A"),
    ("poc_1_phone_b", 64, "Primary POC phone B"),
    ("poc_1_cell", 64, "Primary POC cell"),
    ("poc_1_screen", 64, "Primary POC screen name"),
    ("poc_1_notes", FREE, "Primary POC notes"),
    ("poc_2_name", 128, "Secondary POC name"),
    ("poc_2_email", 128, "Secondary POC email"),
    ("poc_2_phone_a", 64, "Secondary POC phone A"),
    ("poc_2_phone_b", 64, "Secondary POC phone B"),
    ("poc_2_cell", 64, "Secondary POC cell"),
    ("poc_2_screen", 64, "Secondary POC screen name"),
    ("poc_2_notes", FREE, "Secondary POC notes"),
];

/// The title of the field that an item's `inventory_link` names.
pub(super) fn title(link: &str) -> Option<&'static str> {
    let place: usize = link.parse().ok().filter(|place| *place > 0)?;
    FIELDS.get(place - 1).map(|(.., title)| *title)
}

/// Whether an item fills a field, given the `inventory_link` of all items.
pub(super) fn is_filled(name: &str, links: &BTreeSet<String>) -> bool {
    let place = FIELDS.iter().position(|(known, ..)| *known == name);
    place.is_some_and(|place| links.contains(&(place + 1).to_string()))
}

/// Refuses names that are no field.
pub(super) fn check_names(given: &Object) -> Result<(), Refusal> {
    match given.keys().find(|name| FIELDS.iter().all(|(known, ..)| known != name)) {
        Some(unknown) => Err(Refusal::parameters(format!("Incorrect inventory field \"{unknown}\"."))),
        None => Ok(()),
    }
}

/// Puts the given fields over those that are there.
pub(super) fn merge(row: &mut Row, given: &Object, dialect: &Dialect) -> Result<(), Refusal> {
    for (name, value) in given {
        let Some((name, width, _)) = FIELDS.iter().find(|(known, ..)| known == name) else { continue };
        let width = if *width == URL { dialect.inventory_url } else { *width };
        set(row, name, php::text(value).unwrap_or_default(), width)?;
    }
    Ok(())
}

/// Every field, as the API shows it.
pub(super) fn show(row: &Row) -> Object {
    let value = |name: &str| row.get(name).map_or("", String::as_str);
    FIELDS.iter().map(|(name, ..)| ((*name).to_owned(), Json::from(value(name)))).collect()
}
