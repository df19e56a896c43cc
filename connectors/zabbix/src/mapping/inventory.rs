//! The fields of a host's inventory, with the lengths that Zabbix gives them.

/// The fields by name, with their longest value in characters; none where there is no limit worth a check.
///
/// Source: <https://www.zabbix.com/documentation/current/en/manual/api/reference/host/object#host-inventory>, and the schema of 6.0
/// and 7.0.
const FIELDS: &[(&str, Option<usize>)] = &[
    ("alias", Some(128)),
    ("asset_tag", Some(64)),
    ("chassis", Some(64)),
    ("contact", None),
    ("contract_number", Some(64)),
    ("date_hw_decomm", Some(64)),
    ("date_hw_expiry", Some(64)),
    ("date_hw_install", Some(64)),
    ("date_hw_purchase", Some(64)),
    ("deployment_status", Some(64)),
    ("hardware", Some(255)),
    ("hardware_full", None),
    ("host_netmask", Some(39)),
    ("host_networks", None),
    ("host_router", Some(39)),
    ("hw_arch", Some(32)),
    ("installer_name", Some(64)),
    ("location", None),
    ("location_lat", Some(16)),
    ("location_lon", Some(16)),
    ("macaddress_a", Some(64)),
    ("macaddress_b", Some(64)),
    ("model", Some(64)),
    ("name", Some(128)),
    ("notes", None),
    ("oob_ip", Some(39)),
    ("oob_netmask", Some(39)),
    ("oob_router", Some(39)),
    ("os", Some(128)),
    ("os_full", Some(255)),
    ("os_short", Some(128)),
    ("poc_1_cell", Some(64)),
    ("poc_1_email", Some(128)),
    ("poc_1_name", Some(128)),
    ("poc_1_notes", None),
    ("poc_1_phone_a", Some(64)),
    ("poc_1_phone_b", Some(64)),
    ("poc_1_screen", Some(64)),
    ("poc_2_cell", Some(64)),
    ("poc_2_email", Some(128)),
    ("poc_2_name", Some(128)),
    ("poc_2_notes", None),
    ("poc_2_phone_a", Some(64)),
    ("poc_2_phone_b", Some(64)),
    ("poc_2_screen", Some(64)),
    ("serialno_a", Some(64)),
    ("serialno_b", Some(64)),
    ("site_address_a", Some(128)),
    ("site_address_b", Some(128)),
    ("site_address_c", Some(128)),
    ("site_city", Some(128)),
    ("site_country", Some(64)),
    ("site_notes", None),
    ("site_rack", Some(128)),
    ("site_state", Some(64)),
    ("site_zip", Some(64)),
    ("software", Some(255)),
    ("software_app_a", Some(64)),
    ("software_app_b", Some(64)),
    ("software_app_c", Some(64)),
    ("software_app_d", Some(64)),
    ("software_app_e", Some(64)),
    ("software_full", None),
    ("tag", Some(64)),
    ("type", Some(64)),
    ("type_full", Some(64)),
    ("url_a", Some(255)),
    ("url_b", Some(255)),
    ("url_c", Some(255)),
    ("vendor", Some(64)),
];

/// Whether Zabbix has a field.
pub(crate) fn is_field(name: &str) -> bool {
    FIELDS.iter().any(|(known, _)| *known == name)
}

/// A value as its field takes it.
pub(crate) fn fitting(name: &str, value: &str) -> String {
    let limit = FIELDS.iter().find(|(known, _)| *known == name).and_then(|(_, limit)| *limit);
    limit.map_or_else(|| value.to_owned(), |limit| super::name::cut(value, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(FIELDS.len(), 70);
        assert!(FIELDS.is_sorted());
        assert_eq!(fitting("hw_arch", &"é".repeat(40)).chars().count(), 32);
        assert_eq!(fitting("notes", &"x".repeat(400)).len(), 400);
        assert!(is_field("serialno_a") && !is_field("serial"));
    }
}
