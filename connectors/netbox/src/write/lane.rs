//! Which changes must not be written side by side: NetBox deadlocks when two lists touch the same parents.
//!
//! It counts a device's interfaces in the device's row and a device type's devices in the type's, so the order in which
//! two transactions lock those rows matters. Parents are spread over as many lanes as there are connections; all that
//! hangs on one parent is in one lane.

use serde_json::Value;
use syncline_core::change::{Action, Change};
use syncline_core::target::lane_of;

/// The lane of what shares one with everything else of its kind.
const COMMON: &str = "0";

/// The lane of a change, one of so many.
pub(super) fn of(change: &Change, lanes: u64) -> String {
    let parts = change.key.to_value();
    let parent = match change.model.as_str() {
        // Its device, also when only the address itself changes.
        "interface" => Some(parts[0].clone()),
        "mac_address" => device_of_interface(&parts[0]),
        "ip_address" => change.fields.iter().find(|field| field.name == "interface").and_then(|field| {
            let interface = if field.after.is_null() { &field.before } else { &field.after };
            device_of_interface(interface)
        }),
        "device" => {
            let touches_a_counter = |field: &str| change.after(field).is_some() && change.action != Action::Create;
            if touches_a_counter("device_type")
                || touches_a_counter("virtual_chassis")
                || change.action == Action::Delete
            {
                return COMMON.to_owned();
            }
            change.after("device_type").cloned()
        }
        "vlan" => None,
        // Few of them, and roles, platforms and prefixes are trees whose neighbours change with them.
        _ => return COMMON.to_owned(),
    };
    lane_of(&parent.unwrap_or(parts), lanes)
}

fn device_of_interface(interface: &Value) -> Option<Value> {
    interface.get(0).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use syncline_core::change::FieldChange;
    use syncline_model::AnyKey;

    fn change(model: &str, key: &Value, fields: &[(&str, Value)]) -> Change {
        let fields = fields.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone()));
        Change::new(model, AnyKey::from_value(key).unwrap(), Action::Create, None, fields.collect())
    }

    #[test]
    fn what_hangs_on_a_device_shares_its_lane() {
        for device in 0..20 {
            let device = json!(["atl", format!("sw{device}")]);
            let interface = json!([device, "Eth1"]);
            let lanes = [
                of(&change("interface", &json!([device, "Eth1"]), &[]), 4),
                of(&change("interface", &json!([device, "Eth2"]), &[]), 4),
                of(&change("mac_address", &json!([interface, "AA:BB:CC:00:11:22"]), &[]), 4),
                of(&change("ip_address", &json!([null, "10.0.0.1"]), &[("interface", interface)]), 4),
            ];
            assert!(lanes.iter().all(|lane| *lane == lanes[0]), "{lanes:?}");
        }
    }

    #[test]
    fn devices_of_one_type_share_a_lane() {
        let lane =
            |name: &str| of(&change("device", &json!(["atl", name]), &[("device_type", json!([["c"], "x"]))]), 4);
        assert_eq!(lane("a"), lane("b"));
        assert_eq!(of(&change("prefix", &json!([null, "10.0.0.0/8"]), &[]), 4), COMMON);
    }
}
