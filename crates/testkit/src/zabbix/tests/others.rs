//! Groups, user macros, maintenances.

use serde_json::json;

use super::{World, with};

#[test]
fn host_groups() {
    for world in World::both() {
        let create = |name: &str| world.error("hostgroup.create", json!({"name": name}));
        for bad in ["/x", "x/", "a//b"] {
            assert_eq!(create(bad), "-32602 Invalid parameter \"/1/name\": invalid host group name.");
        }
        assert_eq!(create(""), "-32602 Invalid parameter \"/1/name\": cannot be empty.");
        assert_eq!(create(&"x".repeat(256)), "-32602 Invalid parameter \"/1/name\": value is too long.");
        let two = json!([{"name": "P1/P2/P3"}, {"name": "Sim/A"}]);
        assert_eq!(world.error("hostgroup.create", two), "-32602 Host group \"Sim/A\" already exists.");
        let made = world.ok("hostgroup.create", json!([{"name": "P1/P2/P3"}, {"name": "sim/a"}]));
        assert_eq!(world.sim.groups().iter().filter(|group| group["name"] == "P1").count(), 0, "parents are not made");
        let id = made["groupids"][0].clone();
        let host = world.host("h", json!({}));
        world.ok("hostgroup.massadd", json!({"groups": [{"groupid": id}], "hosts": [{"hostid": host}]}));
        world.ok("hostgroup.massremove", json!({"groupids": [world.group], "hostids": [host]}));
        let without = "-32602 Host \"h\" cannot be without host group.";
        assert_eq!(world.error("hostgroup.massremove", json!({"groupids": [id], "hostids": [host]})), without);
        assert_eq!(world.error("hostgroup.delete", json!([id])), without);
        world.ok("host.massadd", json!({"hosts": [{"hostid": host}], "groups": [{"groupid": world.group}]}));
        world.ok("hostgroup.delete", json!([id]));
        let discovered = world.error("hostgroup.delete", json!(["5"]));
        assert!(discovered.ends_with("and cannot be deleted."), "{discovered}");
        let unknown = world.call_as(world.sim.token(), "hostgroup.get", &json!({"foo": 1}));
        assert_eq!(unknown.get("result").is_some(), world.is_old(), "later getters are strict");
        let extend = world.ok("hostgroup.get", json!({"groupids": [world.group]}));
        assert_eq!(extend[0].get("internal").is_some(), world.is_old());
    }
}

#[test]
fn user_macros() {
    for world in World::both() {
        let host = world.host("h", json!({}));
        let create = |more| with(json!({"hostid": host, "macro": "{$UM}", "value": "v"}), more);
        let made = world.ok("usermacro.create", create(json!({"type": 1})));
        let id = made["hostmacroids"][0].clone();
        assert_eq!(
            world.error("usermacro.create", create(json!({}))),
            "-32602 Macro \"{$UM}\" already exists on \"h\"."
        );
        let nobody = create(json!({"hostid": "99999"}));
        assert_eq!(
            world.error("usermacro.create", nobody),
            "-32500 No permissions to referred object or it does not exist!"
        );
        let read = || world.ok("usermacro.get", json!({"hostmacroids": id, "output": "extend"}))[0].clone();
        assert_eq!(read().get("value"), None);
        world.ok("usermacro.update", json!({"hostmacroid": id, "value": "w"}));
        assert_eq!(world.sim.host("h").unwrap()["macros"][0]["value"], "w");
        world.ok("usermacro.update", json!({"hostmacroid": id, "type": 0}));
        assert_eq!(read()["value"], "");
        world.ok("usermacro.delete", json!([id]));
        assert_eq!(world.ok("usermacro.get", json!({"hostids": host})), json!([]));
        let global = world.ok("usermacro.get", json!({"globalmacro": true, "output": ["macro", "value"]}));
        assert_eq!((&global[0]["macro"], &global[0]["value"]), (&json!("{$SNMP_COMMUNITY}"), &json!("public")));
        let secret = json!({"macro": "{$SECRET}", "value": "s", "type": "1"});
        world.sim.seed_global_macro(secret).unwrap();
        let secret = world.ok("usermacro.get", json!({"globalmacro": true, "filter": {"macro": "{$SECRET}"}}));
        assert!(secret[0].get("value").is_none());
    }
}

#[test]
fn maintenances() {
    for world in World::both() {
        let host = world.host("h", json!({}));
        let window = json!({
            "name": "mw", "active_since": 1_800_000_030, "active_till": 1_800_086_455, "hosts": [{"hostid": host}],
            "timeperiods": [{"timeperiod_type": 0, "start_date": 1_800_000_035, "period": 3661}],
        });
        let id = world.ok("maintenance.create", window.clone())["maintenanceids"][0].clone();
        let read = world.sim.maintenances()[0].clone();
        assert_eq!((&read["active_since"], &read["active_till"]), (&json!("1800000000"), &json!("1800086400")));
        assert_eq!(
            (&read["timeperiods"][0]["start_date"], &read["timeperiods"][0]["period"]),
            (&json!("1800000000"), &json!("3660")),
            "whole minutes"
        );
        let said = |more| world.error("maintenance.create", with(with(window.clone(), json!({"name": "other"})), more));
        assert_eq!(said(json!({"name": "mw"})), "-32602 Maintenance \"mw\" already exists.");
        assert_eq!(said(json!({"hosts": []})), "-32602 At least one host group or host must be selected.");
        assert_eq!(
            said(json!({"timeperiods": [{"period": 299}]})),
            "-32602 Invalid parameter \"/1/timeperiods/1/period\": value must be one of 300-2147483647."
        );
        assert_eq!(
            said(json!({"active_till": 1})),
            "-32602 Invalid parameter \"/1/active_till\": cannot be less than or equal to the value of parameter \
             \"/1/active_since\"."
        );
        assert_eq!(
            said(json!({"maintenance_type": 1, "tags": [{"tag": "a"}]})),
            "-32602 Invalid parameter \"/1\": unexpected parameter \"tags\"."
        );
        assert_eq!(
            said(json!({"hosts": [{"hostid": "99999"}]})),
            "-32500 No permissions to referred object or it does not exist!"
        );
        let empty = json!({"maintenanceid": id, "hosts": []});
        assert_eq!(
            world.error("maintenance.update", empty),
            "-32602 At least one host group or host must be selected."
        );
        world.ok("maintenance.update", json!({"maintenanceid": id, "groups": [{"groupid": world.group}], "hosts": []}));
        world.ok("host.delete", json!([host]));
        let old_parameter = with(window.clone(), json!({"name": "byid", "hosts": [], "hostids": [host]}));
        world.error("maintenance.create", old_parameter);
    }
}

#[test]
fn mass_methods_of_hosts() {
    for world in World::both() {
        let [one, two] = ["one", "two"].map(|name| world.host(name, json!({})));
        let both = json!([{"hostid": one}, {"hostid": two}]);
        world.ok("host.massupdate", json!({"hosts": both, "status": 1}));
        assert_eq!(world.sim.host("two").unwrap()["status"], "1");
        let add = json!({"hosts": both, "macros": [{"macro": "{$M}", "value": "1"}]});
        world.ok("host.massadd", add.clone());
        assert!(world.error("host.massadd", add).contains("already exists"));
        world.ok("host.massremove", json!({"hostids": [one], "macros": ["{$M}"]}));
        assert_eq!(world.sim.host("one").unwrap()["macros"], json!([]));
        let nobody = world.error("host.massadd", json!({"hosts": [{"hostid": "99999"}], "groups": []}));
        let wanted = match world.is_old() {
            true => "-32500 You do not have permission to perform this operation.",
            false => "-32500 Invalid parameter \"/hosts/1\": object does not exist, or you have no permissions to it.",
        };
        assert_eq!(nobody, wanted);
    }
}
